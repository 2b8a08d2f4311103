"""A client of HTTP/2 that sends exactly the frames it is told to, right or wrong, and reads them all.

    with H2Wire(edge.address) as wire:                       prior knowledge
    with H2Wire(edge.address, certificates.context(["h2"])) as wire:
        stream = wire.get("/")
        assert wire.answer(stream).status == 200
        wire.send(frame(DATA, 0, 0, b"on no stream"))
        assert wire.end().code == "PROTOCOL_ERROR"

Frames are built here by hand and header blocks as literals, so that none of them depends on what went
before and every rule can be broken; what comes back is read by python3-hpack.
"""

import socket
import ssl
import struct

import hpack

from .message import Fields
from .transcript import shorten
from .wire import connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
FRAMES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
          "WINDOW_UPDATE", "CONTINUATION"]
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 8, 9

CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
         "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
         "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]


def code_name(number):
    return CODES[number] if number < len(CODES) else str(number)


def u32(number):
    return struct.pack(">I", number)


def frame(kind, flags, stream, payload=b"", length=None):
    """length: what the head claims, when it lies."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes((kind, flags)) + u32(stream) + payload


def settings(*pairs, ack=False):
    payload = b"".join(struct.pack(">HI", *pair) for pair in pairs)
    return frame(SETTINGS, ACK if ack else 0, 0, payload)


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, u32(increment))


def rst_stream(stream, code="CANCEL"):
    return frame(RST_STREAM, 0, stream, u32(CODES.index(code)))


def goaway(last, code="NO_ERROR"):
    return frame(GOAWAY, 0, 0, u32(last) + u32(CODES.index(code)))


# Header blocks


def integer(value, bits, first=0):
    """RFC 7541, section 5.1: with a prefix of so many bits in an octet that begins with `first`."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((first | value,))
    out, value = bytearray((first | limit,)), value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def text(value):
    value = value.encode("latin-1") if isinstance(value, str) else value
    return integer(len(value), 7) + value


def literal(name, value, first=0x00):
    """A literal with a new name. first: 0x00 not indexed, 0x40 indexed, 0x10 never indexed."""
    return bytes((first,)) + text(name) + text(value)


def block(fields, first=0x00):
    return b"".join(literal(name, value, first) for name, value in fields)


def head(path="/", method="GET", scheme="http", authority="shop.example", *more, **fields):
    """The fields of a request; a keyword a_b becomes the field a-b; None leaves one out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    found = [(name, value) for name, value in pseudo if value is not None]
    return found + list(more) + [(name.replace("_", "-"), value) for name, value in fields.items()]


def headers(stream, fields, end=True, first=0x00):
    """A whole request head; fields may be a finished block."""
    data = fields if isinstance(fields, bytes) else block(fields, first)
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, data)


def padded(kind, flags, stream, payload, length, claimed=None):
    """A frame with so many octets of padding; claimed: what its first octet says instead."""
    return frame(kind, flags | PADDED, stream,
                 bytes((length if claimed is None else claimed,)) + payload + bytes(length))


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def name(self):
        return FRAMES[self.kind] if self.kind < len(FRAMES) else f"type {self.kind}"

    @property
    def code(self):
        """Of RST_STREAM and GOAWAY."""
        at = {RST_STREAM: 0, GOAWAY: 4}[self.kind]
        return code_name(struct.unpack_from(">I", self.payload, at)[0])

    def __repr__(self):
        extra = f" {self.code}" if self.kind in (RST_STREAM, GOAWAY) else ""
        return f"{self.name}({self.flags:#x}) on {self.stream}, {len(self.payload)} bytes{extra}"


class Answer:
    """What came on one stream so far."""

    def __init__(self):
        self.informational = []
        self.headers = None
        self.trailers = None
        self.body = bytearray()
        self.is_ended = False
        self.reset = None  # the name of RST_STREAM's code

    @property
    def status(self):
        return None if self.headers is None else int(self.headers[":status"])

    @property
    def text(self):
        return self.body.decode()

    @property
    def is_over(self):
        return self.is_ended or self.reset is not None

    def take(self, fields):
        if self.headers is not None:
            self.trailers = fields
        elif fields[":status"].startswith("1"):
            self.informational.append(fields)
        else:
            self.headers = fields

    def __repr__(self):
        return f"<{self.status} {self.headers} {bytes(self.body[:60])!r} reset={self.reset}>"


class End:
    """How the connection ended: the code of the last GOAWAY (None without one) and how it closed."""

    def __init__(self, code, last, debug, is_reset):
        self.code, self.last, self.debug, self.is_reset = code, last, debug, is_reset

    def __repr__(self):
        return f"<end {self.code}, last stream {self.last}, {self.debug!r}>"


class Gone(Exception):
    """The connection ended before what was waited for."""

    def __init__(self, end):
        super().__init__(repr(end))
        self.end = end


class H2Wire:
    """One connection. Reads only while something is waited for; acknowledges SETTINGS and PING of the
    other side unless is_polite is False; opens no window on its own unless is_reading."""

    def __init__(self, address, context=None, server_name="shop.example", transcript=None,
                 name="client", preface=PREFACE, first=((ENABLE_PUSH, 0),), is_polite=True,
                 is_reading=True, receive_bytes=None):
        self.transcript, self.name = transcript, name
        self.is_polite, self.is_reading = is_polite, is_reading
        self.sock = connect(address, receive_bytes)
        self.address = address
        if context is not None:
            context.check_hostname = server_name is not None
            self.sock = context.wrap_socket(self.sock, server_hostname=server_name,
                                            suppress_ragged_eofs=False)
        self.scheme = "http" if context is None else "https"
        self.buffer = bytearray()
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.answers = {}
        self.frames = []  # all that came
        self.goaways, self.pongs = [], []
        self.peer_settings = None  # of its first SETTINGS frame
        self.settings_acks = 0
        self.fragments = None
        self.next_stream = 1
        self.is_closed = self.is_reset = False
        if preface is not None:
            self.send(preface + (settings(*first) if first is not None else b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def note(self, what):
        if self.transcript is not None:
            self.transcript.add(self.name, what)

    def close(self):
        self.sock.close()

    # Sending

    def send(self, *data):
        """Frames (bytes) in one write. A connection that is gone shows when it is read."""
        data = b"".join(data)
        self.note(f"sends {shorten(data)}")
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.note("cannot send: the connection is gone")
        return self

    def stream(self):
        """A stream number that was not used."""
        self.next_stream += 2
        return self.next_stream - 2

    def ask(self, method="GET", path="/", body=None, end=True, **fields):
        """A good request; the stream's number."""
        stream = self.stream()
        head_fields = head(path, method, self.scheme, **fields)
        data = headers(stream, head_fields, end=end and body is None)
        if body is not None:
            data += frame(DATA, END_STREAM if end else 0, stream, body)
        self.send(data)
        return stream

    def get(self, path="/", **fields):
        return self.ask("GET", path, **fields)

    # Reading

    def more(self):
        if self.is_closed:
            return False
        try:
            data = self.sock.recv(256 * 1024)
        except ConnectionResetError:
            self.is_reset, data = True, b""
        except ssl.SSLError as error:
            self.note(f"reads no more: {error}")
            data = b""
        if not data:
            self.is_closed = True
            self.note("is closed" + (" by a reset" if self.is_reset else ""))
            return False
        self.buffer += data
        return True

    def frame(self):
        """The next frame, already taken note of; None at the end."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            if not self.more():
                return None
        size = int.from_bytes(self.buffer[:3], "big")
        found = Frame(self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big"),
                      bytes(self.buffer[9:9 + size]))
        del self.buffer[:9 + size]
        self.frames.append(found)
        self.note(f"gets {found}")
        self.take(found)
        return found

    def answer_of(self, stream):
        return self.answers.setdefault(stream, Answer())

    def take(self, found):
        taker = {DATA: self.take_data, HEADERS: self.take_headers, CONTINUATION: self.take_headers,
                 RST_STREAM: self.take_reset, SETTINGS: self.take_settings, PING: self.take_ping,
                 GOAWAY: self.take_goaway}.get(found.kind)
        if taker is not None:
            taker(found)

    def take_data(self, found):
        data = found.payload
        if found.flags & PADDED:
            data = data[1:len(data) - data[0]]
        answer = self.answer_of(found.stream)
        assert answer.headers is not None and not answer.is_over, f"{found} at a wrong time"
        answer.body += data
        answer.is_ended = bool(found.flags & END_STREAM)
        if self.is_reading and found.payload:
            self.send(window_update(0, len(found.payload)) +
                      (b"" if answer.is_ended else window_update(found.stream, len(found.payload))))

    def take_headers(self, found):
        data = found.payload
        if found.kind == HEADERS:
            assert self.fragments is None and not found.flags & (PADDED | WITH_PRIORITY), found
            self.fragments, self.ends = bytearray(), bool(found.flags & END_STREAM)
        self.fragments += data
        if found.flags & END_HEADERS:
            fields = Fields(self.decoder.decode(bytes(self.fragments)))
            self.fragments = None
            answer = self.answer_of(found.stream)
            assert not answer.is_over, f"{found} after the end"
            answer.take(fields)
            answer.is_ended = self.ends

    def take_reset(self, found):
        self.answer_of(found.stream).reset = found.code

    def take_settings(self, found):
        if found.flags & ACK:
            self.settings_acks += 1
            return
        pairs = dict(struct.unpack_from(">HI", found.payload, at)
                     for at in range(0, len(found.payload), 6))
        if self.peer_settings is None:
            self.peer_settings = pairs
        if self.is_polite:
            self.send(settings(ack=True))

    def take_ping(self, found):
        if found.flags & ACK:
            self.pongs.append(found.payload)
        elif self.is_polite:
            self.send(frame(PING, ACK, 0, found.payload))

    def take_goaway(self, found):
        self.goaways.append(found)

    # Waiting

    def wait(self, holds):
        """Until holds() is true; raises Gone when the connection ends before."""
        while not holds():
            if self.frame() is None:
                raise Gone(self.end())
        return self

    def ended(self, stream):
        """The answer of a stream once it is over, whichever way."""
        self.wait(lambda: self.answer_of(stream).is_over)
        return self.answer_of(stream)

    def answer(self, stream):
        """A whole answer."""
        found = self.ended(stream)
        assert found.reset is None, found
        return found

    def ready(self):
        """Past both SETTINGS."""
        return self.wait(lambda: self.peer_settings is not None and self.settings_acks > 0)

    def ping(self, payload=b"are you "):
        """Past everything that was sent before: waits for the answer to this one, no other's."""
        count = self.pongs.count(payload)
        self.send(frame(PING, 0, 0, payload))
        return self.wait(lambda: self.pongs.count(payload) > count)

    def end(self):
        """Everything to the close."""
        while self.frame() is not None:
            pass
        if not self.goaways:
            return End(None, None, b"", self.is_reset)
        last = self.goaways[-1]
        return End(last.code, struct.unpack_from(">I", last.payload)[0] & 0x7FFFFFFF,
                   last.payload[8:], self.is_reset)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self
