// A WebSocket server with the npm package ws: it says back what it hears. The text "close N why"
// makes it close with that code. /half is an upgrade without ws: after the client's end it says how
// many bytes there were, then ends too.
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');

const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024 });
const server = http.createServer((request, response) => {
    response.end(`plain, upgrade ${request.headers.upgrade || 'not asked for'}\n`);
});

sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
        const command = isBinary ? null : /^close (\d+) (.*)$/.exec(data.toString());
        if (command) {
            socket.close(Number(command[1]), command[2]);
        } else {
            socket.send(data, { binary: isBinary });
        }
    });
});

function half(socket, first) {
    let count = first.length;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (piece) => { count += piece.length; });
    socket.on('end', () => socket.end(`${count} bytes`));
    socket.on('error', () => socket.destroy());
}

server.on('upgrade', (request, socket, first) => {
    if (request.url === '/half') {
        half(socket, first);
    } else if (request.url === '/refused') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n');
    } else {
        sockets.handleUpgrade(request, socket, first, (made) => sockets.emit('connection', made));
    }
});
server.listen(process.env.PORT, '127.0.0.1');
