"""Rows of docs/reference/http2-conformance.md as frames of a node: what it may do wrong, or right, in
answering one request. See h2_cases.py for the words of the answers, which here say what newel tells
the node; 71_http2_node_conformance_test.py judges them, and what the client gets.
"""

from h2_cases import Case
from kit.h2 import (CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE,
                    MAX_FRAME_SIZE, PING, PUSH_PROMISE, SETTINGS, block, frame, goaway, headers,
                    padded, rst_stream, settings, u32, window_update)
from kit.h2_rude_node import GOOD

WINDOW_MAX = 2 ** 31 - 1
CASES = {}


def case(name, answer):
    def add(play):
        assert name not in CASES, name
        CASES[name] = Case(name, answer, play)
        return play
    return add


def sends(name, answer, *made):
    """Bytes, or functions that make them for a stream."""
    @case(name, answer)
    def play(connection, stream):
        connection.send(*(one(stream) if callable(one) else one for one in made))


def answers(name, answer, *fields, end=True, body=None, first=GOOD):
    """A head of the good fields and these, in order; with `body`, DATA that ends the stream."""
    @case(name, answer)
    def play(connection, stream):
        data = headers(stream, [*first, *fields], end=end and body is None)
        connection.send(data + (frame(DATA, END_STREAM, stream, body) if body is not None else b""))


def good_head(stream):
    return headers(stream, GOOD, end=False)


def good_end(stream):
    return frame(DATA, END_STREAM, stream, b"good")


# Connection


sends("node-garbage", "connection FRAME_SIZE_ERROR", b"\xff" * 100)
sends("node-unknown-frame", "answered 200", frame(0x55, 0xFF, 0, b"anything"), good_head, good_end)
sends("node-frame-too-large", "connection FRAME_SIZE_ERROR",
      lambda stream: frame(HEADERS, END_HEADERS, stream, bytes(16385)))
sends("node-data-too-large", "connection FRAME_SIZE_ERROR",
      good_head, lambda stream: frame(DATA, END_STREAM, stream, bytes(16385)))
sends("node-settings-of-5-octets", "connection FRAME_SIZE_ERROR", frame(SETTINGS, 0, 0, bytes(5)))
sends("node-settings-on-stream", "connection PROTOCOL_ERROR",
      lambda stream: frame(SETTINGS, 0, stream, b""))
sends("node-settings-push-1", "connection PROTOCOL_ERROR", settings((ENABLE_PUSH, 1)))
sends("node-settings-window-too-large", "connection FLOW_CONTROL_ERROR",
      settings((INITIAL_WINDOW_SIZE, 1 << 31)))
sends("node-settings-frame-too-small", "connection PROTOCOL_ERROR", settings((MAX_FRAME_SIZE, 16383)))
sends("node-ping-of-7-octets", "connection FRAME_SIZE_ERROR", frame(PING, 0, 0, bytes(7)))
sends("node-goaway-on-stream", "connection PROTOCOL_ERROR",
      lambda stream: frame(7, 0, stream, bytes(8)))
sends("node-goaway-raises-the-last-stream", "connection PROTOCOL_ERROR",
      lambda stream: goaway(stream) + goaway(stream + 2))
sends("node-goaway-lowers-the-last-stream", "answered 200", goaway(WINDOW_MAX),
      lambda stream: goaway(stream - 1))
sends("node-push-promise", "connection PROTOCOL_ERROR",
      lambda stream: frame(PUSH_PROMISE, END_HEADERS, stream, u32(2) + block([(":method", "GET")])))


# Streams and windows


sends("node-headers-on-stream-0", "connection PROTOCOL_ERROR", headers(0, GOOD))
sends("node-headers-on-even-stream", "connection PROTOCOL_ERROR", headers(2, GOOD))
sends("node-headers-on-idle-stream", "connection PROTOCOL_ERROR", headers(1001, GOOD))
sends("node-data-on-stream-0", "connection PROTOCOL_ERROR", frame(DATA, 0, 0, b"x"))
sends("node-data-on-idle-stream", "connection PROTOCOL_ERROR", frame(DATA, 0, 1001, b"x"))
sends("node-data-before-headers", "either PROTOCOL_ERROR", good_end)
sends("node-data-padding-too-long", "connection PROTOCOL_ERROR",
      good_head, lambda stream: padded(DATA, 0, stream, b"x", 2, claimed=100))
sends("node-headers-after-end", "ignored or connection STREAM_CLOSED",
      good_head, good_end, lambda stream: headers(stream, GOOD))
sends("node-data-after-end", "ignored or connection STREAM_CLOSED", good_head, good_end, good_end)
sends("node-reset", "closed", lambda stream: rst_stream(stream, "INTERNAL_ERROR"))
sends("node-reset-in-the-body", "closed", good_head, lambda stream: frame(DATA, 0, stream, b"go"),
      lambda stream: rst_stream(stream, "NO_ERROR"))
sends("node-window-of-connection-overflow", "connection FLOW_CONTROL_ERROR",
      window_update(0, WINDOW_MAX))
sends("node-window-of-stream-overflow", "stream FLOW_CONTROL_ERROR",
      lambda stream: window_update(stream, WINDOW_MAX), good_head)
sends("node-window-update-of-0", "connection PROTOCOL_ERROR", window_update(0, 0))
sends("node-window-exceeded", "either FLOW_CONTROL_ERROR",
      good_head, lambda stream: frame(DATA, 0, stream, bytes(16384)) * 256)


# Header blocks


sends("node-hpack-index-0", "connection COMPRESSION_ERROR", lambda stream: headers(stream, b"\x80"))
sends("node-hpack-index-beyond-tables", "connection COMPRESSION_ERROR",
      lambda stream: headers(stream, b"\xfe"))
sends("node-hpack-cut-off", "connection COMPRESSION_ERROR",
      lambda stream: headers(stream, block(GOOD)[:-3]))
sends("node-block-interrupted", "connection PROTOCOL_ERROR",
      lambda stream: frame(HEADERS, 0, stream, block(GOOD)), frame(PING, 0, 0, b"8 octets"))
sends("node-continuation-first", "connection PROTOCOL_ERROR",
      lambda stream: frame(CONTINUATION, END_HEADERS, stream, block(GOOD)))
sends("node-continuation", "answered 200",
      lambda stream: frame(HEADERS, 0, stream, block(GOOD)),
      lambda stream: frame(CONTINUATION, END_HEADERS, stream, block([("x-a", "b")])), good_end)
sends("node-continuation-endless", "connection ENHANCE_YOUR_CALM",
      lambda stream: frame(HEADERS, 0, stream, block(GOOD)),
      lambda stream: frame(CONTINUATION, 0, stream, b"") * 10000)
sends("node-head-too-large", "stream PROTOCOL_ERROR",
      lambda stream: frame(HEADERS, 0, stream, block(GOOD)),
      lambda stream: frame(CONTINUATION, 0, stream, block([("x-pad", "p" * 16000)])) * 2,
      lambda stream: frame(CONTINUATION, END_HEADERS, stream, block([("x-pad", "p" * 16000)])))
# In one segment, so that the answer to PING says that newel has read the rest too.
sends("node-head-that-never-ends", "connection ENHANCE_YOUR_CALM",
      lambda stream: frame(PING, 0, 0, b"8 octets") + frame(HEADERS, 0, stream, block(GOOD)))


# Messages


answers("node-good", "answered 200", body=b"good")
answers("node-without-status", "stream PROTOCOL_ERROR", first=GOOD[1:])
answers("node-status-repeated", "stream PROTOCOL_ERROR", (":status", "200"), first=GOOD[:1])
answers("node-status-empty", "stream PROTOCOL_ERROR", (":status", ""), first=[])
answers("node-status-of-2-digits", "stream PROTOCOL_ERROR", (":status", "20"), first=[])
answers("node-status-not-a-number", "stream PROTOCOL_ERROR", (":status", "2x0"), first=[])
answers("node-status-101", "stream PROTOCOL_ERROR", (":status", "101"), first=[], end=False)
answers("node-pseudo-of-request", "stream PROTOCOL_ERROR", (":path", "/"), first=GOOD[:1])
answers("node-pseudo-unknown", "stream PROTOCOL_ERROR", (":reason", "OK"), first=GOOD[:1])
answers("node-pseudo-after-field", "stream PROTOCOL_ERROR", *reversed(GOOD), first=[])
answers("node-name-upper-case", "stream PROTOCOL_ERROR", ("X-Upper", "1"))
answers("node-name-empty", "stream PROTOCOL_ERROR", ("", "1"))
answers("node-name-with-space", "stream PROTOCOL_ERROR", ("x y", "1"))
answers("node-value-with-nul", "stream PROTOCOL_ERROR", ("x-nul", "a\0b"))
answers("node-value-with-newline", "stream PROTOCOL_ERROR", ("x-two", "a\r\nset-cookie: b=c"))
for field, value in [("connection", "close"), ("keep-alive", "timeout=5"), ("upgrade", "h2c"),
                     ("proxy-connection", "close"), ("transfer-encoding", "chunked")]:
    answers(f"node-{field}", "stream PROTOCOL_ERROR", (field, value))
sends("node-informational", "answered 200",
      lambda stream: headers(stream, [(":status", "103"), ("link", "</a>")], end=False), good_head, good_end)
answers("node-informational-with-end", "stream PROTOCOL_ERROR", (":status", "103"), first=[])
sends("node-informational-then-data", "either PROTOCOL_ERROR",
      lambda stream: headers(stream, [(":status", "103")], end=False), good_end)
answers("node-length-right", "answered 200", ("content-length", "4"), body=b"good")
answers("node-length-too-small", "stream PROTOCOL_ERROR", ("content-length", "1"), body=b"good")
answers("node-length-too-large", "stream PROTOCOL_ERROR", ("content-length", "9"), body=b"good")
answers("node-length-without-body", "stream PROTOCOL_ERROR", ("content-length", "9"))
answers("node-length-repeated", "stream PROTOCOL_ERROR", ("content-length", "4"), ("content-length", "5"),
        body=b"good")
answers("node-length-not-a-number", "stream PROTOCOL_ERROR", ("content-length", "+4"), body=b"good")
answers("node-204-with-body", "stream PROTOCOL_ERROR", (":status", "204"), first=[], body=b"good")
sends("node-trailers", "answered 200", good_head, lambda stream: frame(DATA, 0, stream, b"good"),
      lambda stream: headers(stream, [("x-sum", "1")]))
sends("node-trailers-without-end", "stream PROTOCOL_ERROR",
      good_head, lambda stream: frame(DATA, 0, stream, b"good"),
      lambda stream: headers(stream, [("x-sum", "1")], end=False))
sends("node-trailers-with-pseudo-field", "stream PROTOCOL_ERROR",
      good_head, lambda stream: frame(DATA, 0, stream, b"good"), lambda stream: headers(stream, GOOD))
sends("node-trailers-upper-case", "stream PROTOCOL_ERROR",
      good_head, lambda stream: frame(DATA, 0, stream, b"good"),
      lambda stream: headers(stream, [("X-Sum", "1")]))
