"""A client that writes exactly the bytes it is told to, on TCP or a Unix socket."""

import http.client
import json
import os
import socket

from .message import Reader, body_read, response_read
from .transcript import shorten

# A guard against hanging for ever, never a measure.
PATIENCE_S = int(os.environ.get("NEWEL_PATIENCE_S", "60"))


def connect(address, receive_bytes=None, source=None):
    """A socket connected to `host:port` or `unix:/path`, from the address `source` where given."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        where = address[len("unix:"):]
    else:
        host, _, port = address.rpartition(":")
        sock = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET)
        where = (host.strip("[]"), int(port))
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    if source is not None:
        sock.bind((source, 0))
    sock.settimeout(PATIENCE_S)
    sock.connect(where)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Wire:
    """One connection. A context manager: it is closed at the end of the block."""

    def __init__(self, address, transcript=None, name="client", receive_bytes=None, source=None):
        self.sock = connect(address, receive_bytes, source)
        self.transcript = transcript
        self.name = name
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def note(self, text):
        if self.transcript is not None:
            self.transcript.add(self.name, text)

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        self.note(f"sends {shorten(data)}")
        self.sock.sendall(data)
        return self

    def ask(self, method="GET", path="/", body=None, version="1.1", **headers):
        """Sends one request; a keyword a_b becomes the field A-B."""
        lines = [f"{method} {path} HTTP/{version}"]
        if version == "1.1" and "host" not in headers:
            lines.append("Host: shop.example")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None and "transfer_encoding" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join(lines + ["", ""]).encode() + (body or b""))

    def response(self, method="GET"):
        found = response_read(self.reader, method)
        self.note(f"gets {found.status} with {len(found.body)} bytes")
        return found

    def head(self, method="GET"):
        """The answer's head alone; the body is read with `finish` or by hand."""
        found = response_read(self.reader, method, with_body=False)
        self.note(f"gets the head of {found.status}")
        return found

    def finish(self, response):
        body_read(self.reader, response)
        return response

    def rest(self):
        """Everything up to the close."""
        found = self.reader.rest()
        self.note(f"is closed after {shorten(found)}")
        return found

    def ends(self):
        """True when newel closes and nothing more comes."""
        return self.rest() == b""

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.sock.close()


class Connection(http.client.HTTPConnection):
    """Python's own client, which also takes Unix sockets."""

    def __init__(self, address):
        super().__init__("shop.example", timeout=PATIENCE_S)
        self.address = address

    def connect(self):
        self.sock = connect(self.address)


class Reply:
    """What Python's client made of an answer."""

    def __init__(self, response):
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers.items()} {self.body[:60]!r}>"


def request(address, method, path, body=None, headers=None, **fields):
    """One request on a connection of its own."""
    connection = Connection(address)
    all_fields = {"Connection": "close", **(headers or {})}
    all_fields.update({name.replace("_", "-"): value for name, value in fields.items()})
    try:
        connection.request(method, path, body=body, headers=all_fields)
        return Reply(connection.getresponse())
    finally:
        connection.close()
