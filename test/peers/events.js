// Server-sent events: GET /events listens, POST /say sends its body to all who listen.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const listeners = new Set();
let count = 0;

function listen(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    const since = request.headers['last-event-id'] || '';
    response.write(`retry: 1000\n: welcome ${since}\n\n`);
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
}

function say(request, response) {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (piece) => { text += piece; });
    request.on('end', () => {
        count += 1;
        for (const listener of listeners) {
            if (text === 'bye') {
                listener.end();
            } else {
                listener.write(`id: ${count}\ndata: ${text}\n\n`);
            }
        }
        response.end(`${listeners.size}`);
    });
}

const server = http.createServer((request, response) => {
    if (request.url === '/events') {
        listen(request, response);
    } else if (request.url === '/say') {
        say(request, response);
    } else if (request.url === '/listeners') {
        response.end(`${listeners.size}`);
    } else if (request.url === '/browse.html') {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        fs.createReadStream(path.join(__dirname, 'browse.html')).pipe(response);
    } else {
        response.writeHead(404);
        response.end('no such page\n');
    }
});
server.listen(process.env.PORT, '127.0.0.1');
