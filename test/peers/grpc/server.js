// A server of grpc-js: echo.proto and grpc.health.v1. Prints "listening PORT"; lines on stdin steer it:
// "serving" and "not-serving" are what the health check says.
//
//     node server.js [CERTIFICATE KEY]
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

function load(name) {
    return grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, name), { enums: String, defaults: true }));
}

const { echo } = load('echo.proto');
const health = load('health.proto').grpc.health.v1;
let cancelled = 0;
let status = 'SERVING';

// The caller's x-own- fields come back twice: before the answer, and behind it.
function fieldsOf(call, kind) {
    const made = new grpc.Metadata();
    for (const [key, value] of Object.entries(call.metadata.getMap())) {
        if (key.startsWith('x-own-')) {
            made.set(key.replace('x-own-', `x-${kind}-`), value);
        }
    }
    return made;
}

function errorOf(call, number, text) {
    return { code: number, details: text, metadata: fieldsOf(call, 'behind') };
}

function one(call, done) {
    const { text, number } = call.request;
    call.sendMetadata(fieldsOf(call, 'before'));
    if (number !== 0) {
        done(errorOf(call, number, text));
    } else {
        done(null, call.request, fieldsOf(call, 'behind'));
    }
}

function up(call, done) {
    let number = 0;
    const texts = [];
    call.on('data', (message) => {
        number += message.number;
        texts.push(message.text);
    });
    call.on('end', () => done(null, { number, text: texts.join('') }, fieldsOf(call, 'behind')));
}

// Until more may be written, or nobody listens any more.
function room(call) {
    return new Promise((resolve) => {
        const resume = () => {
            call.off('drain', resume);
            call.off('cancelled', resume);
            resolve();
        };
        call.on('drain', resume);
        call.on('cancelled', resume);
    });
}

async function down(call) {
    const { text, number, data } = call.request;
    call.sendMetadata(fieldsOf(call, 'before'));
    for (let i = 0; i < number && !call.cancelled; i += 1) {
        if (!call.write({ text, number: i, data })) {
            await room(call);
        }
    }
    call.end(fieldsOf(call, 'behind'));
}

function both(call) {
    call.sendMetadata(fieldsOf(call, 'before'));
    call.on('data', (message) => call.write(message));
    call.on('end', () => call.end(fieldsOf(call, 'behind')));
}

function wait(call) {
    call.sendMetadata(fieldsOf(call, 'before'));
    call.on('data', () => {});
    call.on('cancelled', () => { cancelled += 1; });
}

const server = new grpc.Server();
server.addService(echo.Echo.service, {
    One: one,
    Up: up,
    Down: down,
    Both: both,
    Wait: wait,
    Cancelled: (call, done) => done(null, { number: cancelled }),
});
server.addService(health.Health.service, {
    Check: (call, done) => {
        if (call.request.service === 'nobody.Knows') {
            done({ code: grpc.status.NOT_FOUND, details: 'unknown service' });
        } else {
            done(null, { status });
        }
    },
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    status = { serving: 'SERVING', 'not-serving': 'NOT_SERVING' }[line];
    console.log(`now ${line}`);
}).on('close', () => process.exit(0));

const [certificate, key] = process.argv.slice(2);
const credentials = certificate
    ? grpc.ServerCredentials.createSsl(null, [{
        cert_chain: fs.readFileSync(certificate), private_key: fs.readFileSync(key),
    }])
    : grpc.ServerCredentials.createInsecure();
server.bindAsync('127.0.0.1:0', credentials, (trouble, port) => {
    if (trouble) {
        throw trouble;
    }
    console.log(`listening ${port}`);
});
