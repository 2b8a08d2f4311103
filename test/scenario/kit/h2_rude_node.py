"""A node that speaks HTTP/2 by hand-made frames, right or wrong (kit/h2.py builds them).

    node = RudeNode(transcript, play)
    /good           answered 200 "good"
    /rude           the first time play(connection, stream) is called; after that like /good

node.requests, node.resets, node.goaways and node.pongs tell what newel sent.
"""

import socket
import struct
import threading

import hpack

from .h2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE,
                 RST_STREAM, SETTINGS, code_name, frame, headers, settings)
from .transcript import shorten

GOOD = [(":status", "200"), ("content-type", "text/plain")]


class Connection(threading.Thread):
    def __init__(self, node, sock):
        super().__init__(daemon=True)
        self.node, self.sock, self.file = node, sock, sock.makefile("rb")
        self.decoder = hpack.Decoder()
        self.fragments = bytearray()
        self.paths = {}

    def send(self, *data):
        data = b"".join(data)
        self.node.transcript.add(self.node.name, f"sends {shorten(data)}")
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.node.transcript.add(self.node.name, f"cannot send: {error}")

    def run(self):
        try:
            if self.file.read(len(PREFACE)) == PREFACE:
                self.send(self.node.greeting)
                while self.take_frame():
                    pass
        except OSError:
            pass  # newel was first to close
        self.sock.close()

    def take_frame(self):
        head = self.file.read(9)
        if len(head) < 9:
            return False
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big")
        payload = self.file.read(size)
        if kind == SETTINGS and not flags & ACK:
            self.send(settings(ack=True))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == PING:
            self.node.hear(self.node.pongs, payload)
        elif kind in (RST_STREAM, GOAWAY):
            code = code_name(struct.unpack_from(">I", payload, 4 if kind == GOAWAY else 0)[0])
            self.node.hear(self.node.goaways if kind == GOAWAY else self.node.resets, code)
        elif kind in (HEADERS, CONTINUATION):
            self.fragments += payload
            if flags & END_HEADERS:
                fields = dict(self.decoder.decode(bytes(self.fragments)))
                self.fragments = bytearray()
                self.paths[stream] = fields[":path"]
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answer(stream)
        return True

    def answer(self, stream):
        path = self.paths[stream]
        is_first = self.node.hear(self.node.requests, path)
        if path == "/rude" and is_first:
            self.node.play(self, stream)
        else:
            self.send(headers(stream, GOOD, end=False) + frame(DATA, END_STREAM, stream, b"good"))


class RudeNode:
    def __init__(self, transcript, play, greeting=settings()):
        self.transcript, self.name, self.play, self.greeting = transcript, "rude node", play, greeting
        self.changed = threading.Condition()
        self.requests, self.resets, self.goaways, self.pongs = [], [], [], []
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(Connection(self, sock))
            self.connections[-1].start()

    def hear(self, known, what):
        """Notes it; true the first time."""
        with self.changed:
            known.append(what)
            self.transcript.add(self.name, f"hears {what}")
            self.changed.notify_all()
            return known.count(what) == 1

    def wait(self, holds, what):
        with self.changed:
            assert self.changed.wait_for(holds, 20), f"{self.name}: never {what}"

    def stop(self):
        for sock in [self.listener] + [connection.sock for connection in self.connections]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already
        self.listener.close()
