"""Rows of docs/reference/http2-conformance.md as frames: what a client may do wrong, or right, with
connection, streams and windows. Messages and header compression are in h2_message_cases.py.

A case is a function over a Stage. What it returns, and what the row answers, are judged together by
70_http2_conformance_test.py:

    "connection CODE"   GOAWAY with this code, then the close
    "closed"            the close, with GOAWAY or without
    "either CODE"       one of the two with this code
    "stream CODE"       RST_STREAM with this code on the returned stream; the connection goes on
    "ignored"           the connection goes on as if nothing had been
    "ignored or connection CODE"    either, as the RFC leaves it open
    "answered STATUS"   the returned stream is answered so; the connection goes on
    "holds"             the function asserts all by itself
"""

import struct

from kit.h2 import (ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, GOAWAY, HEADERS,
                    INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, NO_RFC7540_PRIORITIES,
                    PADDED, PING, PREFACE, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                    WITH_PRIORITY, block, frame, goaway, head, headers, integer, padded, rst_stream,
                    settings, u32, window_update)
from kit.wire import Wire

WINDOW_MAX = 2 ** 31 - 1
CASES = {}


class Case:
    def __init__(self, name, answer, play):
        self.name, self.answer, self.play = name, answer, play


def case(name, answer):
    def add(play):
        assert name not in CASES, name
        CASES[name] = Case(name, answer, play)
        return play
    return add


def sends(name, answer, data, streams=0):
    """A case that sends these bytes on a connection that is ready, and no more. With `streams` the
    bytes open that stream."""
    @case(name, answer)
    def play(stage):
        stage.wire().send(data)
        return streams


def upload(stage, path="/bad", **fields):
    """A request whose body is to come; nothing of it may reach the node before it is whole."""
    wire = stage.wire()
    return wire, wire.ask("POST", path, end=False, **fields)


def pending(stage):
    """A request that is whole and waits for its answer until the stage is over: half-closed."""
    wire = stage.wire()
    stream = wire.get("/held")
    stage.origin.wait(lambda: stage.origin.count(target="/held"), "the request that is held")
    return wire, stream


def answered(stage):
    """A stream that is closed because both sides have ended it."""
    wire = stage.wire()
    stream = wire.get("/good")
    assert wire.answer(stream).status == 200
    return wire, stream


def cancelled(stage):
    """A stream that is closed because the client has reset it."""
    wire, stream = upload(stage)
    wire.send(rst_stream(stream)).ping()
    return wire, stream


# 3.3, 3.4: the beginning


@case("preface", "holds")
def _(stage):
    wire = stage.wire()
    first = wire.frames[0]
    assert (first.kind, first.flags & ACK) == (SETTINGS, 0)
    assert wire.answer(wire.get("/good")).status == 200


@case("preface-in-pieces", "holds")
def _(stage):
    wire = stage.wire(preface=None)
    for octet in PREFACE + settings():
        wire.send(bytes((octet,)))
    assert wire.ready().answer(wire.get("/good")).status == 200


@case("preface-broken", "closed")
def _(stage):
    stage.wire(preface=None).send(PREFACE[:-8] + b"XX\r\n\r\n" + settings())


@case("preface-without-settings", "connection PROTOCOL_ERROR")
def _(stage):
    stage.wire(first=None).send(frame(PING, 0, 0, b"8 octets"))


@case("preface-with-settings-ack", "connection PROTOCOL_ERROR")
def _(stage):
    stage.wire(first=None).send(settings(ack=True))


@case("upgrade-h2c", "holds")
def _(stage):
    """RFC 9113, section 3.1: the upgrade is obsolete; the request is an ordinary one of HTTP/1.1."""
    with Wire(stage.address) as wire:
        reply = wire.ask("GET", "/good", connection="Upgrade, HTTP2-Settings", upgrade="h2c",
                         http2_settings="AAMAAABkAAQCAAAAAAIAAAAA").response()
        assert reply.status == 200
        fields = stage.origin.last.headers
        assert "upgrade" not in fields and "http2-settings" not in fields


# 4.1, 5.5: what is unknown


sends("unknown-frame", "ignored", frame(0x55, 0xFF, 0, b"anything"))
sends("unknown-frame-on-stream", "ignored", frame(0x55, 0xFF, 77, b"anything"))
sends("unknown-flags", "ignored", frame(PING, 0xFE, 0, b"8 octets"))


@case("reserved-bit", "answered 200")
def _(stage):
    wire = stage.wire()
    stream = wire.stream()
    wire.send(headers(stream | 1 << 31, head("/good")))
    return stream


# 4.2: sizes


@case("frame-of-16384", "answered 200")
def _(stage):
    wire, stream = upload(stage, "/good")
    wire.send(frame(DATA, END_STREAM, stream, bytes(16384)))
    return stream


@case("data-too-large", "connection FRAME_SIZE_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, END_STREAM, stream, bytes(16385)))


sends("headers-too-large", "connection FRAME_SIZE_ERROR",
      headers(1, block(head("/bad", "GET", "http", "a", *[("x-pad", "p" * 4200)] * 4))))
sends("unknown-frame-too-large", "connection FRAME_SIZE_ERROR", frame(0x55, 0, 0, bytes(16385)))


# 4.3, 6.10: header blocks


FIELDS = block(head("/good"))


@case("continuation", "answered 200")
def _(stage):
    wire = stage.wire()
    pieces = [FIELDS[at:at + 20] for at in range(0, len(FIELDS), 20)]
    wire.send(frame(HEADERS, END_STREAM, 1, pieces[0]),
              *(frame(CONTINUATION, 0, 1, piece) for piece in pieces[1:-1]),
              frame(CONTINUATION, END_HEADERS, 1, pieces[-1]))
    return 1


@case("continuation-empty", "answered 200")
def _(stage):
    stage.wire().send(frame(HEADERS, END_STREAM, 1), frame(CONTINUATION, 0, 1, FIELDS),
                      frame(CONTINUATION, END_HEADERS, 1))
    return 1


BEGUN = frame(HEADERS, END_STREAM, 1, block(head("/bad")))
for kind, between in [("data", frame(DATA, 0, 1, b"x")), ("ping", frame(PING, 0, 0, b"8 octets")),
                      ("headers", headers(3, head("/bad"))), ("settings", settings()),
                      ("unknown", frame(0x55, 0, 1, b"x")),
                      ("other-stream", frame(CONTINUATION, END_HEADERS, 3))]:
    sends(f"block-interrupted-by-{kind}", "connection PROTOCOL_ERROR", BEGUN + between)

sends("continuation-first", "connection PROTOCOL_ERROR", frame(CONTINUATION, END_HEADERS, 1, FIELDS))
sends("continuation-on-stream-0", "connection PROTOCOL_ERROR",
      BEGUN + frame(CONTINUATION, END_HEADERS, 0))


@case("continuation-after-end-headers", "connection PROTOCOL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(CONTINUATION, END_HEADERS, stream, block([("a", "b")])))


# 5.1: states


sends("idle-data", "connection PROTOCOL_ERROR", frame(DATA, END_STREAM, 1, b"x"))
sends("idle-rst", "connection PROTOCOL_ERROR", rst_stream(1))
sends("idle-window-update", "connection PROTOCOL_ERROR", window_update(1, 100))
sends("idle-priority", "ignored", frame(PRIORITY, 0, 1, u32(0) + b"\x10"))


@case("half-closed-data", "connection STREAM_CLOSED")
def _(stage):
    wire, stream = pending(stage)
    wire.send(frame(DATA, END_STREAM, stream, b"more"))
    return stream


@case("half-closed-headers", "connection STREAM_CLOSED")
def _(stage):
    wire, stream = pending(stage)
    wire.send(headers(stream, [("late", "trailer")]))
    return stream


@case("half-closed-priority", "ignored")
def _(stage):
    wire, stream = pending(stage)
    wire.send(frame(PRIORITY, 0, stream, u32(0) + b"\x10"))


@case("half-closed-window-update", "answered 200")
def _(stage):
    wire, stream = pending(stage)
    wire.send(window_update(stream, 1000)).ping()
    stage.release()
    return stream


@case("half-closed-rst", "holds")
def _(stage):
    wire, stream = pending(stage)
    wire.send(rst_stream(stream)).ping()
    assert wire.answer_of(stream).reset is None, "RST_STREAM was answered by RST_STREAM"
    assert wire.answer(wire.get("/good")).status == 200


@case("closed-data", "ignored or connection STREAM_CLOSED")
def _(stage):
    wire, stream = answered(stage)
    wire.send(frame(DATA, END_STREAM, stream, b"more"))


@case("closed-headers", "ignored or connection STREAM_CLOSED")
def _(stage):
    wire, stream = answered(stage)
    wire.send(headers(stream, head("/bad")))


@case("closed-window-update", "ignored")
def _(stage):
    wire, stream = answered(stage)
    wire.send(window_update(stream, 1000))


@case("closed-priority", "ignored")
def _(stage):
    wire, stream = answered(stage)
    wire.send(frame(PRIORITY, 0, stream, u32(0) + b"\x10"))


@case("closed-rst", "ignored")
def _(stage):
    wire, stream = answered(stage)
    wire.send(rst_stream(stream))


@case("cancelled-data", "ignored or connection STREAM_CLOSED")
def _(stage):
    wire, stream = cancelled(stage)
    wire.send(frame(DATA, END_STREAM, stream, b"more"))


@case("cancelled-headers", "ignored or connection STREAM_CLOSED")
def _(stage):
    wire, stream = cancelled(stage)
    wire.send(headers(stream, head("/bad")))


# 5.1.1: numbers


sends("even-stream", "connection PROTOCOL_ERROR", headers(2, head("/bad")))
for kind, name in [(HEADERS, "headers"), (DATA, "data"), (PRIORITY, "priority"), (RST_STREAM, "rst")]:
    payload = {HEADERS: block(head("/bad")), DATA: b"x", PRIORITY: bytes(5), RST_STREAM: bytes(4)}[kind]
    sends(f"{name}-on-stream-0", "connection PROTOCOL_ERROR",
          frame(kind, END_HEADERS | END_STREAM if kind == HEADERS else 0, 0, payload))


@case("lower-stream", "connection PROTOCOL_ERROR")
def _(stage):
    wire = stage.wire()
    wire.send(headers(5, head("/good")))
    assert wire.answer(5).status == 200
    wire.send(headers(3, head("/bad")))


@case("skipped-streams", "answered 200")
def _(stage):
    stage.wire().send(headers(1001, head("/good")))
    return 1001


# 5.1.2: how many


@case("too-many-streams", "stream REFUSED_STREAM")
def _(stage):
    wire = stage.wire()
    wire.ping()  # and so newel has read that its SETTINGS are acknowledged
    allowed = wire.peer_settings[MAX_CONCURRENT_STREAMS]
    streams = [wire.stream() for _ in range(allowed)]
    wire.send(*(headers(stream, head("/bad", "POST"), end=False) for stream in streams))
    wire.send(headers(wire.stream(), head("/bad")))
    wire.ping().send(*(rst_stream(stream) for stream in streams))
    return streams[-1] + 2


# 5.2, 6.9: windows


@case("window-exceeded", "either FLOW_CONTROL_ERROR")
def _(stage):
    """To a node that does not read, so that what newel may grant has an end: 1 MiB and what the
    sockets hold on the way."""
    wire, stream = upload(stage, "/streamed")
    wire.send(frame(DATA, 0, stream, bytes(16384)) * 2000)
    return stream


@case("padding-is-counted", "answered 200")
def _(stage):
    """Windows are granted for padding too: 300 x 256 octets of it pass windows of 64 KiB."""
    wire, stream = upload(stage, "/good")
    left = {0: 65535, stream: wire.peer_settings.get(INITIAL_WINDOW_SIZE, 65535)}
    grants_of(wire, left, 0)
    for _ in range(300):
        while min(left.values()) < 258:
            seen = len(wire.frames)
            assert wire.frame() is not None
            grants_of(wire, left, seen)
        wire.send(padded(DATA, 0, stream, b"x", 255))
        left = {where: room - 257 for where, room in left.items()}
    wire.send(frame(DATA, END_STREAM, stream))
    return stream


def grants_of(wire, left, since):
    """Adds what WINDOW_UPDATEs granted, of the frames since that one."""
    for found in wire.frames[since:]:
        if found.kind == WINDOW_UPDATE and found.stream in left:
            left[found.stream] += struct.unpack(">I", found.payload)[0]


@case("window-of-stream-respected", "holds")
def _(stage):
    wire = stage.wire(first=[(INITIAL_WINDOW_SIZE, 10)], is_reading=False)
    stream = wire.get("/large")
    wire.wait(lambda: len(wire.answer_of(stream).body) >= 10).ping()
    assert len(wire.answer_of(stream).body) == 10
    wire.send(window_update(stream, 5)).ping()
    wire.wait(lambda: len(wire.answer_of(stream).body) >= 15).ping()
    assert len(wire.answer_of(stream).body) == 15
    wire.send(window_update(stream, 1 << 20))
    wire.send(window_update(0, 1 << 20))
    assert len(wire.answer(stream).body) == stage.large


@case("window-of-connection-respected", "holds")
def _(stage):
    wire = stage.wire(first=[(INITIAL_WINDOW_SIZE, 1 << 20)], is_reading=False)
    streams = [wire.get("/large") for _ in range(2)]

    def got():
        return sum(len(wire.answer_of(stream).body) for stream in streams)
    wire.wait(lambda: got() >= 65535).ping()
    assert got() == 65535
    wire.send(window_update(0, 1 << 20))
    assert [len(wire.answer(stream).body) for stream in streams] == [stage.large] * 2


@case("window-made-negative", "holds")
def _(stage):
    """Section 6.9.2: a smaller initial window may take a stream's below zero."""
    wire = stage.wire(first=[(INITIAL_WINDOW_SIZE, 1000)], is_reading=False)
    stream = wire.get("/large")
    wire.wait(lambda: len(wire.answer_of(stream).body) >= 1000)
    wire.send(settings((INITIAL_WINDOW_SIZE, 100)), window_update(stream, 900)).ping()
    assert len(wire.answer_of(stream).body) == 1000, "the window was 0: 1000 - 900 + 900 - 1000"
    wire.send(window_update(stream, 1)).ping()
    wire.wait(lambda: len(wire.answer_of(stream).body) >= 1001).ping()
    assert len(wire.answer_of(stream).body) == 1001


@case("window-raised-by-settings", "holds")
def _(stage):
    wire = stage.wire(first=[(INITIAL_WINDOW_SIZE, 0)], is_reading=False)
    stream = wire.get("/good")
    wire.wait(lambda: wire.answer_of(stream).headers is not None).ping()
    assert not wire.answer_of(stream).body
    wire.send(settings((INITIAL_WINDOW_SIZE, 1000)))
    assert wire.answer(stream).body


sends("window-update-of-0", "connection PROTOCOL_ERROR", window_update(0, 0))
sends("window-of-connection-overflow", "connection FLOW_CONTROL_ERROR", window_update(0, WINDOW_MAX))
sends("window-update-of-3-octets", "connection FRAME_SIZE_ERROR", frame(WINDOW_UPDATE, 0, 0, bytes(3)))


@case("window-update-of-0-on-stream", "connection PROTOCOL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(window_update(stream, 0))


@case("window-of-stream-overflow", "stream FLOW_CONTROL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(window_update(stream, WINDOW_MAX))
    return stream


@case("window-overflow-by-settings", "connection FLOW_CONTROL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(window_update(stream, 1000), settings((INITIAL_WINDOW_SIZE, WINDOW_MAX)))
    return stream


@case("window-update-reserved-bit", "ignored")
def _(stage):
    stage.wire().send(frame(WINDOW_UPDATE, 0, 0, u32(1 << 31 | 1)))


# 6.1: DATA


@case("data-padded", "answered 200")
def _(stage):
    wire, stream = upload(stage, "/good")
    wire.send(padded(DATA, END_STREAM, stream, b"body", 255))
    assert wire.answer(stream).status == 200
    assert stage.origin.last.body == b"body"
    return stream


@case("data-padding-too-long", "connection PROTOCOL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(padded(DATA, END_STREAM, stream, b"", 4, claimed=5))


@case("data-padded-without-length", "connection PROTOCOL_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, PADDED | END_STREAM, stream))


@case("data-empty", "answered 200")
def _(stage):
    wire, stream = upload(stage, "/good")
    wire.send(frame(DATA, 0, stream), frame(DATA, 0, stream, b"ab"), frame(DATA, 0, stream),
              frame(DATA, END_STREAM, stream))
    assert wire.answer(stream).status == 200
    assert stage.origin.last.body == b"ab"
    return stream


# 6.2: HEADERS


@case("headers-padded", "answered 200")
def _(stage):
    stage.wire().send(padded(HEADERS, END_HEADERS | END_STREAM, 1, FIELDS, 100))
    return 1


sends("headers-padding-too-long", "connection PROTOCOL_ERROR",
      padded(HEADERS, END_HEADERS | END_STREAM, 1, b"", 4, claimed=5))


@case("headers-with-priority", "answered 200")
def _(stage):
    stage.wire().send(frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1,
                            u32(0) + b"\x10" + FIELDS))
    return 1


sends("headers-with-half-a-priority", "connection FRAME_SIZE_ERROR",
      frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, bytes(3)))


# 6.3: PRIORITY, which RFC 9113 deprecates


sends("priority-of-4-octets", "connection FRAME_SIZE_ERROR", frame(PRIORITY, 0, 1, bytes(4)))


# 6.4: RST_STREAM


@case("rst-of-3-octets", "connection FRAME_SIZE_ERROR")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(RST_STREAM, 0, stream, bytes(3)))


@case("rst-unknown-code", "ignored")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(RST_STREAM, 0, stream, u32(0xBADC0DE)))


# 6.5: SETTINGS


@case("settings-acknowledged", "holds")
def _(stage):
    wire = stage.wire()
    count = wire.settings_acks
    wire.send(settings((INITIAL_WINDOW_SIZE, 1000)), settings(), settings((0x5555, 1)))
    wire.wait(lambda: wire.settings_acks == count + 3).ping()
    assert wire.settings_acks == count + 3


sends("settings-ack-with-payload", "connection FRAME_SIZE_ERROR",
      frame(SETTINGS, ACK, 0, struct.pack(">HI", 1, 1)))
sends("settings-on-stream", "connection PROTOCOL_ERROR", frame(SETTINGS, 0, 1, b""))
sends("settings-of-5-octets", "connection FRAME_SIZE_ERROR", frame(SETTINGS, 0, 0, bytes(5)))
sends("settings-unknown", "ignored", settings((0x5555, 0xFFFFFFFF)))
sends("settings-push-2", "connection PROTOCOL_ERROR", settings((ENABLE_PUSH, 2)))
sends("settings-window-too-large", "connection FLOW_CONTROL_ERROR",
      settings((INITIAL_WINDOW_SIZE, 1 << 31)))
sends("settings-frame-too-small", "connection PROTOCOL_ERROR", settings((MAX_FRAME_SIZE, 16383)))
sends("settings-frame-too-large", "connection PROTOCOL_ERROR", settings((MAX_FRAME_SIZE, 1 << 24)))
sends("settings-no-priorities-2", "connection PROTOCOL_ERROR", settings((NO_RFC7540_PRIORITIES, 2)))


@case("settings-twice-the-last-counts", "holds")
def _(stage):
    wire = stage.wire(first=[(INITIAL_WINDOW_SIZE, 1 << 20), (INITIAL_WINDOW_SIZE, 7)],
                      is_reading=False)
    stream = wire.get("/large")
    wire.wait(lambda: len(wire.answer_of(stream).body) >= 7).ping()
    assert len(wire.answer_of(stream).body) == 7


@case("settings-streams-0", "answered 200")
def _(stage):
    """It bounds streams that newel would open, and it opens none."""
    wire = stage.wire(first=[(MAX_CONCURRENT_STREAMS, 0)])
    return wire.get("/good")


@case("settings-not-acknowledged", "answered 200")
def _(stage):
    wire = stage.wire(is_polite=False)
    return wire.get("/good")


@case("settings-frame-size-respected", "holds")
def _(stage):
    wire = stage.wire(first=[(MAX_FRAME_SIZE, 20000), (INITIAL_WINDOW_SIZE, 1 << 20)])
    wire.answer(wire.get("/large"))
    assert max(len(found.payload) for found in wire.frames) <= 20000


# 6.6, 8.4: push


sends("push-promise", "connection PROTOCOL_ERROR",
      headers(1, head("/bad", "POST"), end=False) +
      frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + block(head("/bad"))))


@case("nothing-is-pushed", "holds")
def _(stage):
    wire = stage.wire(first=[(ENABLE_PUSH, 1)])
    stage.origin.on("GET /linked").reply(200, "x", link="</good>; rel=preload")
    assert wire.answer(wire.get("/linked")).status == 200
    wire.ping()
    assert not [found for found in wire.frames if found.kind == PUSH_PROMISE]


# 6.7: PING


@case("ping-answered", "holds")
def _(stage):
    wire = stage.wire().ping(b"12345678").ping(b"abcdefgh")
    assert wire.pongs == [b"12345678", b"abcdefgh"]


sends("ping-ack-unasked", "ignored", frame(PING, ACK, 0, b"8 octets"))
sends("ping-on-stream", "connection PROTOCOL_ERROR", frame(PING, 0, 1, bytes(8)))
sends("ping-of-7-octets", "connection FRAME_SIZE_ERROR", frame(PING, 0, 0, bytes(7)))


# 6.8: GOAWAY


sends("goaway-on-stream", "connection PROTOCOL_ERROR", frame(GOAWAY, 0, 1, bytes(8)))
sends("goaway-of-7-octets", "connection FRAME_SIZE_ERROR", frame(GOAWAY, 0, 0, bytes(7)))


@case("goaway-open-streams-are-answered", "holds")
def _(stage):
    wire, stream = pending(stage)
    wire.send(goaway(0))
    stage.release()
    assert wire.answer(stream).status == 200


@case("goaway-unknown-code", "holds")
def _(stage):
    wire, stream = pending(stage)
    wire.send(frame(GOAWAY, 0, 0, u32(0) + u32(0xBADC0DE) + b"debug"))
    stage.release()
    assert wire.answer(stream).status == 200


# 5.4.1: an error of the connection is told with the last stream that may have been served


@case("goaway-names-the-last-stream", "holds")
def _(stage):
    wire, stream = answered(stage)
    wire.send(window_update(0, 0))
    end = wire.end()
    assert (end.code, end.last) == ("PROTOCOL_ERROR", stream)
