"""A node that does what the scenario tells it, and remembers exactly what it saw.

    origin.on("GET /menu").reply(200, "soup", cache_control="max-age=1")
    origin.on("POST /orders").hold(event).reply(201)
    origin.on("GET /big").reply(200, b"x" * 1000, cut_after=10)
    origin.on("GET /odd").raw(b"HTTP/1.1 200 OK\\r\\nA : b\\r\\n\\r\\n")

Each connection has a thread of its own. `connections[i].seen` holds every byte that came on it, so
that a scenario can say "the node saw nothing"; `requests` holds what was understood of them.
"""

import os
import socket
import struct
import threading

from .message import Closed, Reader
from .transcript import shorten
from .wire import PATIENCE_S


def field_lines(headers):
    return "".join(f"{name.replace('_', '-').title()}: {value}\r\n" for name, value in headers.items())


def status_line(status, reason=None):
    from http import HTTPStatus
    if reason is None:
        reason = HTTPStatus(status).phrase if status in iter(HTTPStatus) else "Strange"
    return f"HTTP/1.1 {status} {reason}\r\n"


class Request:
    def __init__(self, connection, line, headers):
        self.connection = connection
        self.method, self.target, self.version = line.split(" ")
        self.headers = headers
        self.body = b""
        self.framing = "none"

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers}>"


class Hangup(Exception):
    """The script ends this connection."""


class Rule:
    """What is done about one method and path: steps, in order."""

    def __init__(self, origin, times=None):
        self.origin = origin
        self.steps = []
        self.left = times
        self.reads_body_first = True

    def then(self, step):
        self.steps.append(step)
        return self

    def early(self):
        """Acts on the head; the body stays unread until a step reads it."""
        self.reads_body_first = False
        return self

    def reply(self, status=200, body=b"", cut_after=None, reason=None, **headers):
        """An answer with Content-Length; cut_after: only so many bytes of it all, then a close."""
        body = body.encode() if isinstance(body, str) else body
        has_length = status >= 200 and status not in (204, 304)
        length = f"Content-Length: {len(body)}\r\n" if has_length else ""
        head = (status_line(status, reason) + field_lines(headers) + length + "\r\n").encode()

        def step(connection, request):
            data = head if request.method == "HEAD" else head + body
            connection.send(data if cut_after is None else data[:cut_after])
            if cut_after is not None or headers.get("connection") == "close":
                raise Hangup
        return self.then(step)

    def hint(self, status=103, **headers):
        """An informational answer."""
        return self.raw((status_line(status) + field_lines(headers) + "\r\n").encode())

    def chunked(self, pieces, status=200, ends=True, **headers):
        """A chunked answer, one chunk a piece; without its end: closed behind the last piece."""
        def step(connection, request):
            connection.send((status_line(status) + field_lines(headers) +
                             "Transfer-Encoding: chunked\r\n\r\n").encode())
            for piece in pieces() if callable(pieces) else pieces:
                piece = piece.encode() if isinstance(piece, str) else piece
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            if not ends:
                raise Hangup
            connection.send(b"0\r\n\r\n")
        return self.then(step)

    def until_close(self, body, status=200, **headers):
        body = body.encode() if isinstance(body, str) else body
        return self.raw((status_line(status) + field_lines(headers) + "\r\n").encode() + body).hang_up()

    def raw(self, data):
        return self.then(lambda connection, request: connection.send(data))

    def hold(self, event):
        """Waits for the scenario."""
        def step(connection, request):
            if not event.wait(PATIENCE_S):
                connection.note("gives up: the scenario let nobody go on")
                raise Hangup
        return self.then(step)

    def never(self):
        """No answer, until the other side closes."""
        def step(connection, request):
            connection.reader.rest()
            raise Hangup
        return self.then(step)

    def read_body(self):
        return self.then(lambda connection, request: connection.read_body(request))

    def hang_up(self):
        def step(connection, request):
            raise Hangup
        return self.then(step)

    def reset(self):
        def step(connection, request):
            connection.reset()
            raise Hangup
        return self.then(step)

    def call(self, function):
        """function(connection, request)"""
        return self.then(function)


def note_name(sock, name, context):
    """The callback of TLS: keeps the name that the client asked for."""
    sock.server_name_asked = name


class OriginConnection:
    def __init__(self, origin, sock, number):
        self.origin = origin
        self.sock = sock
        self.number = number
        self.seen = bytearray()
        self.closed = threading.Event()
        self.reader = Reader(sock, self.take)
        self.server_name = None  # of TLS: the name that was asked for
        self.client_certificate = None  # what getpeercert() says
        self.is_resumed = False
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def note(self, text):
        self.origin.transcript.add(self.origin.name, f"#{self.number} {text}")

    def take(self, data):
        if self.origin.records_bytes:
            with self.origin.changed:
                self.seen += data
                self.origin.changed.notify_all()
        if self.origin.is_told:
            self.note(f"sees {shorten(data)}")

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if self.origin.is_told:
            self.note(f"sends {shorten(data)}")
        try:
            self.sock.sendall(data)
        except (ConnectionError, OSError):
            raise Hangup from None

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.note("resets")

    def read_body(self, request):
        headers = request.headers
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" in headers:
            request.framing = "chunked"
            request.body = self.reader.chunked()
        elif "content-length" in headers:
            request.framing = "length"
            request.body = self.reader.exactly(int(headers["content-length"]))

    def one(self):
        request = Request(self, *self.reader.head())
        rule = self.origin.rule_for(request)
        if rule.reads_body_first:
            self.read_body(request)
        self.origin.took(request)
        for step in rule.steps:
            step(self, request)
        if "close" in request.headers.get("connection", "").lower():
            raise Hangup

    def handshake(self):
        """TLS, when the origin has a context; a failure is the end of the connection."""
        try:
            self.sock = self.origin.tls.wrap_socket(self.sock, server_side=True)
        except OSError as error:
            self.note(f"has no TLS: {error}")
            with self.origin.changed:
                self.origin.handshakes_failed.append(str(error))
                self.origin.changed.notify_all()
            raise Hangup from None
        self.reader.sock = self.sock
        self.server_name = getattr(self.sock, "server_name_asked", None)
        self.client_certificate = self.sock.getpeercert()
        self.is_resumed = self.sock.session_reused
        self.note(f"speaks {self.sock.version()} {self.sock.selected_alpn_protocol()}, "
                  f"was asked for {self.server_name}, resumed: {self.is_resumed}")

    def serve(self):
        try:
            if self.origin.tls is not None:
                self.handshake()
            while True:
                self.one()
        except (Closed, Hangup):
            pass
        except OSError as error:
            self.note(f"fails: {error}")
        finally:
            if self.origin.is_told:
                self.note("closes")
            self.sock.close()
            self.closed.set()
            self.origin.left(self)


class Origin:
    def __init__(self, transcript, name="origin", path=None, records_bytes=True, is_told=True, tls=None):
        """tls: a server's ssl.SSLContext, as certificates.server_context(pair) makes it."""
        self.transcript = transcript
        self.name = name
        self.path = path
        self.records_bytes = records_bytes
        self.is_told = is_told
        self.tls = tls
        self.handshakes_failed = []
        if tls is not None:
            tls.sni_callback = note_name
        self.rules = {}
        self.requests = []
        self.connections = []
        self.alive = set()
        self.changed = threading.Condition()
        self.listener = None
        self.port = 0
        self.start()

    @property
    def address(self):
        return f"unix:{self.path}" if self.path else f"127.0.0.1:{self.port}"

    # The script

    def on(self, what, times=None):
        """what: "GET /path", or "*" for all that no other rule takes. Rules with `times` come first,
        in order, each for so many requests."""
        rule = Rule(self, times)
        with self.changed:
            self.rules.setdefault(what, []).append(rule)
        return rule

    def forget(self, what):
        with self.changed:
            self.rules.pop(what, None)

    def rule_for(self, request):
        path = request.target.split("?")[0]
        with self.changed:
            for what in (f"{request.method} {path}", f"{request.method} *", f"* {path}", "*"):
                for rule in self.rules.get(what, ()):
                    if rule.left is None:
                        return rule
                    if rule.left > 0:
                        rule.left -= 1
                        return rule
        return Rule(self).reply(200, f"{self.name}: {request.method} {request.target}\n",
                                x_origin=self.name)

    # What it saw

    def took(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def left(self, connection):
        with self.changed:
            self.alive.discard(connection)
            self.changed.notify_all()

    def wait(self, holds, what="what was expected"):
        """Until holds() is true; it is asked whenever something changed here."""
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE_S), f"{self.name} never saw {what}"

    def wait_requests(self, count):
        self.wait(lambda: len(self.requests) >= count, f"{count} requests")
        return self.requests[count - 1]

    def count(self, method=None, target=None):
        with self.changed:
            return sum(1 for r in self.requests
                       if method in (None, r.method) and target in (None, r.target))

    @property
    def last(self):
        return self.requests[-1]

    @property
    def seen(self):
        """Every byte that ever came, of all connections."""
        return b"".join(bytes(connection.seen) for connection in self.connections)

    # Life

    def start(self):
        """Listens: at first on a port that the kernel chooses, later on the same one again."""
        if self.path:
            if os.path.exists(self.path):
                os.unlink(self.path)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.path)
            os.chmod(self.path, 0o777)
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
        listener.listen(1024)
        self.listener = listener
        threading.Thread(target=self.accept, args=[listener], daemon=True).start()
        self.transcript.add(self.name, f"listens on {self.address}")
        return self

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                connection = OriginConnection(self, sock, len(self.connections))
                self.connections.append(connection)
                self.alive.add(connection)
                self.changed.notify_all()
            connection.thread.start()

    def stop(self):
        """Like a process that is killed: nobody listens, every connection is gone."""
        if self.listener is None:
            return
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.listener = None
        with self.changed:
            alive = list(self.alive)
        for connection in alive:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.transcript.add(self.name, "is gone")
