// A WebSocket client with the npm package ws:  chat.js URL COUNT SIZE…
// COUNT connections at once, on each of them: texts and binaries of every size must come back as
// they went, a ping is answered, then the server is asked to close with a code of its own.
// Prints one JSON line: what happened.
'use strict';
const crypto = require('crypto');
const { once } = require('events');
const WebSocket = require('ws');

const [url, count, ...sizes] = process.argv.slice(2);

async function echo(socket, data, isBinary) {
    const answer = once(socket, 'message');
    socket.send(data, { binary: isBinary });
    const [back, backIsBinary] = await answer;
    return backIsBinary === isBinary && Buffer.from(data).equals(back);
}

async function converse(number) {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    let same = 0;
    for (const size of sizes.map(Number)) {
        same += await echo(socket, crypto.randomBytes(size), true) ? 1 : 0;
        same += await echo(socket, crypto.randomBytes(size).toString('hex').slice(0, size), false) ? 1 : 0;
    }
    const pong = once(socket, 'pong');
    socket.ping('are you there');
    const [payload] = await pong;
    const closed = once(socket, 'close');
    const code = [1000, 1001, 3000, 4999][number % 4];
    socket.send(`close ${code} reason ${number}`);
    const [got, why] = await closed;
    return { same, pong: payload.toString(), asked: code, code: got, reason: why.toString() };
}

Promise.all(Array.from({ length: Number(count) }, (_, number) => converse(number)))
    .then((all) => console.log(JSON.stringify(all)))
    .catch((trouble) => {
        console.log(JSON.stringify({ trouble: trouble.message }));
        process.exitCode = 1;
    });
