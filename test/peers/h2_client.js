// A client with Node's own http2:  h2_client.js ORIGIN [AUTHORITY-FILE]
// Forty requests at once on one session, bodies both ways, one that is cancelled; then ping and a
// goodbye. Prints one JSON line: what happened.
'use strict';
const fs = require('fs');
const http2 = require('http2');

const [origin, authority] = process.argv.slice(2);
const session = http2.connect(origin, authority ? { ca: fs.readFileSync(authority) } : {});

function ask(headers, body) {
    return new Promise((resolve, reject) => {
        const stream = session.request(headers, { endStream: body === undefined });
        const seen = { bytes: 0 };
        stream.on('response', (answer) => { seen.status = answer[':status']; });
        stream.on('data', (piece) => { seen.bytes += piece.length; });
        stream.on('end', () => resolve(seen));
        stream.on('error', reject);
        if (body !== undefined) {
            stream.end(body);
        }
    });
}

function cancel(path) {
    return new Promise((resolve) => {
        const stream = session.request({ ':path': path });
        stream.on('response', () => stream.close(http2.constants.NGHTTP2_CANCEL));
        stream.on('error', () => {});
        stream.on('close', () => resolve(stream.rstCode));
    });
}

function ping() {
    return new Promise((resolve, reject) => {
        session.ping(Buffer.from('8 octets'), (trouble, taken, payload) => (
            trouble ? reject(trouble) : resolve(payload.toString())));
    });
}

async function everything() {
    const seen = {};
    seen.many = await Promise.all(Array.from({ length: 40 }, (_, number) => ask({
        ':path': `/sized/${number * 1000}`,
    })));
    seen.large = await ask({ ':path': '/sized/5000000' });
    seen.upload = await ask({ ':path': '/upload', ':method': 'POST' }, Buffer.alloc(1000000, 'u'));
    seen.cancelled = await cancel('/sized/50000000');
    seen.ping = await ping();
    seen.alpn = session.alpnProtocol;
    await new Promise((resolve) => session.close(resolve));
    return seen;
}

session.on('error', (trouble) => {
    console.log(JSON.stringify({ trouble: trouble.message }));
    process.exit(1);
});
everything().then((seen) => console.log(JSON.stringify(seen)));
