// A client of grpc-js that calls everything in echo.proto and prints what it saw as one JSON object:
// printed twice, through a proxy and without, it must be the same.
//
//     node client.js ADDRESS [AUTHORITY-FILE]              the whole program
//     node client.js ADDRESS AUTHORITY-FILE|- PART         one, wait, many, or steadily until told
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [address, authority, only] = process.argv.slice(2);
const { echo } = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'echo.proto'),
    { defaults: true }));
const credentials = authority && authority !== '-'
    ? grpc.credentials.createSsl(fs.readFileSync(authority)) : grpc.credentials.createInsecure();
const client = new echo.Echo(address, credentials, { 'grpc.default_authority': 'localhost' });

// What a proxy adds of its own does not count.
function ours(metadata) {
    const seen = {};
    for (const [key, value] of Object.entries(metadata ? metadata.getMap() : {})) {
        if (key.startsWith('x-before-') || key.startsWith('x-behind-')) {
            seen[key] = Buffer.isBuffer(value) ? `base64 ${value.toString('base64')}` : value;
        }
    }
    return seen;
}

function fields() {
    const made = new grpc.Metadata();
    made.set('x-own-text', 'some text, with commas; and=signs');
    made.set('x-own-raw-bin', Buffer.from([0, 1, 255, 10, 13]));
    return made;
}

function hash(data) {
    return crypto.createHash('sha256').update(data).digest('hex');
}

// The call as one record, however it ends. With `feed` the messages that are sent.
function record(call, seen) {
    return new Promise((resolve) => {
        seen.messages = [];
        call.on('metadata', (metadata) => { seen.before = ours(metadata); });
        call.on('data', (message) => seen.messages.push(`${message.number} ${message.text}`));
        call.on('error', () => {});
        call.on('status', (status) => {
            seen.code = status.code;
            seen.details = status.details;
            seen.behind = ours(status.metadata);
            resolve(seen);
        });
    });
}

function unary(message, options) {
    const seen = {};
    return new Promise((resolve) => {
        const call = client.One(message, fields(), options || {}, (error, answer) => {
            seen.answer = answer ? { ...answer, data: hash(answer.data) } : null;
        });
        call.on('metadata', (metadata) => { seen.before = ours(metadata); });
        call.on('status', (status) => {
            seen.code = status.code;
            seen.details = status.details;
            seen.behind = ours(status.metadata);
            setImmediate(() => resolve(seen));
        });
    });
}

function up(count) {
    const seen = {};
    return new Promise((resolve) => {
        const call = client.Up(fields(), (error, answer) => { seen.answer = answer || null; });
        call.on('status', (status) => {
            seen.code = status.code;
            seen.behind = ours(status.metadata);
            setImmediate(() => resolve(seen));
        });
        for (let i = 0; i < count; i += 1) {
            call.write({ number: i, text: 'x' });
        }
        call.end();
    });
}

// Each message waits for the answer to the one before: nothing may be held back on the way.
function pingPong(rounds) {
    const call = client.Both(fields());
    const done = record(call, {});
    let sent = 0;
    call.on('data', () => {
        if (sent < rounds) {
            sent += 1;
            call.write({ number: sent, text: 'pong' });
        } else {
            call.end();
        }
    });
    call.write({ number: 0, text: 'ping' });
    return done;
}

function cancelledCount() {
    return new Promise((resolve, reject) => {
        client.Cancelled({}, (error, answer) => (error ? reject(error) : resolve(answer.number)));
    });
}

async function cancelledMore(before) {
    while (await cancelledCount() <= before) {
        await new Promise((resume) => setTimeout(resume, 10));
    }
    return true;
}

async function cancel(how) {
    const before = await cancelledCount();
    const call = client.Wait(fields(), how === 'deadline' ? { deadline: Date.now() + 300 } : {});
    const done = record(call, {});
    call.write({ text: 'never answered' });
    if (how === 'cancel') {
        call.on('metadata', () => call.cancel());
    }
    const { code, before: begun } = await done;
    return { code, begun, reached: await cancelledMore(before) };
}

async function cancelHalfway() {
    const call = client.Down({ text: 'much', number: 100000, data: Buffer.alloc(1000) }, fields());
    const done = record(call, {});
    call.on('data', (message) => {
        if (message.number === 50) {
            call.cancel();
        }
    });
    return { code: (await done).code };
}

async function everything() {
    const seen = {};
    seen.one = await unary({ text: 'härzlich %41', data: Buffer.from('data') });
    seen.large = await unary({ text: 'large', data: Buffer.alloc(3000000, 'l') });
    seen.empty = await unary({});
    for (let code = 1; code <= 16; code += 1) {
        seen[`status ${code}`] = await unary({ number: code, text: `ärger 100% ${code}\n"` });
    }
    seen.up = await up(200);
    seen.upNothing = await up(0);
    seen.down = await record(client.Down({ text: 'down', number: 200 }, fields()), {});
    seen.downNothing = await record(client.Down({ number: 0 }, fields()), {});
    seen.both = await pingPong(50);
    seen.deadline = await cancel('deadline');
    seen.cancel = await cancel('cancel');
    seen.halfway = await cancelHalfway();
    seen.many = await many();
    seen.unknown = await new Promise((resolve) => {
        client.makeUnaryRequest('/echo.Echo/Nothing', (value) => value, (value) => value,
            Buffer.alloc(0), (error) => resolve(error.code));
    });
    return seen;
}

function wait() {
    const call = client.Wait(fields());
    call.write({ text: 'never answered' });
    return record(call, {});
}

async function many() {
    const calls = Array.from({ length: 300 }, (_, number) => unary({ text: `call ${number}` }));
    return (await Promise.all(calls)).map((call) => `${call.code} ${call.answer && call.answer.text}`);
}

// Calls of three forms, one after the other, until a line comes on stdin.
async function steadily() {
    const seen = { done: 0, failures: [] };
    let isEnough = false;
    process.stdin.on('data', () => { isEnough = true; });
    while (!isEnough) {
        const calls = await Promise.all([unary({ text: 'steady' }), pingPong(5),
            record(client.Down({ text: 'down', number: 50 }, fields()), {})]);
        for (const call of calls) {
            seen.done += 1;
            if (call.code !== 0) {
                seen.failures.push(`${call.code} ${call.details}`);
            }
        }
        if (seen.done === 3) {
            console.log('begun');
        }
    }
    process.stdin.destroy();
    return seen;
}

const PARTS = { one: () => unary({ text: 'one' }), wait, many, steadily };

async function main() {
    const seen = await (only ? PARTS[only]() : everything());
    console.log(JSON.stringify(seen));
    client.close();
}

main().catch((trouble) => {
    console.log(JSON.stringify({ trouble: String(trouble) }));
    process.exitCode = 1;
});
