"""Rows of docs/reference/http2-conformance.md as messages: what a request may be, and how its fields
are compressed. See h2_cases.py."""

from h2_cases import CASES, answered, case, sends, upload
from kit.h2 import (DATA, END_STREAM, HEADER_TABLE_SIZE, MAX_HEADER_LIST_SIZE, block, frame, head,
                    headers, integer, literal, rst_stream, settings, text)

PROTOCOL = "stream PROTOCOL_ERROR"
__all__ = ["CASES"]


def asks(name, answer, fields):
    """A request with these fields, without a body."""
    sends(name, answer, headers(1, fields), streams=1)


def compresses(name, answer, data, path="/bad"):
    """A request whose header block ends with these octets."""
    sends(name, answer, headers(1, block(head(path)) + data), streams=1)


# 8.1: framing of messages


@case("trailers", "holds")
def _(stage):
    wire, stream = upload(stage, "/good", te="trailers")
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [("x-sum", "1")]))
    assert wire.answer(stream).status == 200
    assert stage.origin.last.body == b"body"


@case("trailers-without-end", PROTOCOL)
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [("x-sum", "1")], end=False))
    return stream


@case("trailers-with-pseudo-field", PROTOCOL)
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [(":path", "/bad")]))
    return stream


@case("trailers-upper-case", PROTOCOL)
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [("X-Sum", "1")]))
    return stream


@case("data-after-trailers", "either STREAM_CLOSED")
def _(stage):
    wire, stream = upload(stage)
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [("x-sum", "1")]),
              frame(DATA, END_STREAM, stream, b"more"))
    return stream


# 8.1.1: length


@case("length-right", "answered 200")
def _(stage):
    wire, stream = upload(stage, "/good", content_length="4")
    wire.send(frame(DATA, END_STREAM, stream, b"body"))
    return stream


@case("length-too-small", PROTOCOL)
def _(stage):
    wire, stream = upload(stage, content_length="3")
    wire.send(frame(DATA, END_STREAM, stream, b"body"))
    return stream


@case("length-too-large", PROTOCOL)
def _(stage):
    wire, stream = upload(stage, content_length="5")
    wire.send(frame(DATA, END_STREAM, stream, b"body"))
    return stream


@case("length-too-large-before-trailers", PROTOCOL)
def _(stage):
    wire, stream = upload(stage, content_length="5")
    wire.send(frame(DATA, 0, stream, b"body"), headers(stream, [("x-sum", "1")]))
    return stream


asks("length-without-body", PROTOCOL, head("/bad", "POST", content_length="4"))
asks("length-0-without-body", "answered 200", head("/good", "POST", content_length="0"))
asks("length-repeated", PROTOCOL, head("/bad", "POST", "http", "a", ("content-length", "0"),
                                       ("content-length", "0")))
asks("length-not-a-number", PROTOCOL, head("/bad", "POST", content_length="+0"))


# 8.2.1: field names and values


asks("name-upper-case", PROTOCOL, head("/bad", "GET", "http", "a", ("X-Upper", "1")))
for what, name in [("empty", ""), ("space", "x y"), ("nul", "x\0y"), ("control", "x\x01y"),
                   ("delete", "x\x7fy"), ("high", "x\xe9y"), ("colon", "x:y"), ("lf", "x\ny"),
                   ("slash", "x/y")]:
    asks(f"name-with-{what}" if name else "name-empty", PROTOCOL,
         head("/bad", "GET", "http", "a", (name, "1")))
for what, value in [("nul", "a\0b"), ("lf", "a\nb"), ("cr", "a\rb"), ("crlf-injection", "a\r\nb: c")]:
    asks(f"value-with-{what}", PROTOCOL, head("/bad", x_value=value))
for what, value in [("leading-space", " a"), ("trailing-space", "a "), ("leading-tab", "\ta"),
                    ("trailing-tab", "a\t")]:
    asks(f"value-with-{what}", PROTOCOL, head("/bad", x_value=value))
asks("value-empty", "answered 200", head("/good", x_value=""))
asks("value-with-inner-space", "answered 200", head("/good", x_value="a \t b"))


# 8.2.2: fields of a connection


for name, value in [("connection", "keep-alive"), ("connection", "close"), ("keep-alive", "timeout=5"),
                    ("proxy-connection", "keep-alive"), ("transfer-encoding", "chunked"),
                    ("upgrade", "websocket"), ("te", "gzip"), ("te", "trailers, gzip")]:
    asks(f"{name}-{value.split('=')[0].replace(', ', '-and-')}", PROTOCOL,
         head("/bad", "GET", "http", "a", (name, value)))
asks("te-trailers", "answered 200", head("/good", te="trailers"))


# 8.2.3: cookies


@case("cookie-crumbs", "holds")
def _(stage):
    wire = stage.wire()
    fields = head("/good", "GET", "http", "shop.example", ("cookie", "a=1"), ("x-other", "1"),
                  ("cookie", "b=2"), ("cookie", "c=3"))
    wire.send(headers(1, fields))
    assert wire.answer(1).status == 200
    assert stage.origin.last.headers.all("cookie") == ["a=1; b=2; c=3"]


# 8.3: pseudo-fields


PSEUDO = [(":method", "GET"), (":scheme", "http"), (":path", "/bad"), (":authority", "a")]
for left_out in ":method", ":scheme", ":path":
    asks(f"without-{left_out[1:]}", PROTOCOL, [row for row in PSEUDO if row[0] != left_out])
asks("without-authority", PROTOCOL, PSEUDO[:3])
for name, value in PSEUDO:
    asks(f"repeated-{name[1:]}", PROTOCOL, PSEUDO + [(name, value)])
asks("pseudo-after-field", PROTOCOL, PSEUDO[:2] + [("x-field", "1")] + PSEUDO[2:])
asks("pseudo-unknown", PROTOCOL, PSEUDO + [(":protoco", "1")])
asks("pseudo-of-response", PROTOCOL, PSEUDO + [(":status", "200")])
asks("protocol-not-offered", PROTOCOL,
     [(":method", "CONNECT"), (":protocol", "websocket"), *PSEUDO[1:]])
asks("path-empty", PROTOCOL, head(""))
asks("path-relative", PROTOCOL, head("bad"))
asks("path-with-space", PROTOCOL, head("/bad way"))
asks("path-with-fragment", "answered 400", head("/bad#part"))
asks("path-asterisk-with-get", PROTOCOL, head("*"))
asks("path-absolute", PROTOCOL, head("http://shop.example/bad"))
asks("method-not-a-token", PROTOCOL, head("/bad", "GE T"))
asks("method-empty", PROTOCOL, head("/bad", ""))
asks("scheme-not-a-scheme", PROTOCOL, head("/bad", "GET", "ht tp"))
asks("authority-with-user", "answered 400", head("/bad", "GET", "http", "user@shop.example"))
asks("authority-with-path", PROTOCOL, head("/bad", "GET", "http", "shop.example/bad"))
asks("authority-empty", PROTOCOL, head("/bad", "GET", "http", ""))
asks("authority-unlike-host", PROTOCOL, head("/bad", host="other.example"))
asks("host-repeated", PROTOCOL, head("/bad", "GET", "http", None, ("host", "a"), ("host", "a")))
asks("authority-like-host", "answered 200", head("/good", host="shop.example"))


@case("host-instead-of-authority", "holds")
def _(stage):
    wire = stage.wire()
    wire.send(headers(1, head("/good", "GET", "http", None, host="shop.example")))
    assert wire.answer(1).status == 200
    assert stage.origin.last.headers["host"] == "shop.example"


@case("authority-becomes-host", "holds")
def _(stage):
    wire = stage.wire()
    assert wire.answer(wire.get("/good?a=b")).status == 200
    assert stage.origin.last.headers["host"] == "shop.example"
    assert stage.origin.last.target == "/good?a=b"
    assert not [name for name in stage.origin.last.headers.names() if name.startswith(":")]


asks("options-asterisk", "answered 204", head("*", "OPTIONS"))


# 8.5: CONNECT


asks("connect", "answered 405", [(":method", "CONNECT"), (":authority", "bad.example:443")])
asks("connect-with-path", PROTOCOL, [(":method", "CONNECT"), *PSEUDO[1:]])


# 8.1, 15 of RFC 9110: interim answers


@case("expect-continue", "holds")
def _(stage):
    wire, stream = upload(stage, "/good", expect="100-continue", content_length="4")
    wire.wait(lambda: wire.answer_of(stream).informational)
    assert wire.answer_of(stream).informational[0][":status"] == "100"
    wire.send(frame(DATA, END_STREAM, stream, b"body"))
    assert wire.answer(stream).status == 200


@case("answer-before-the-body-is-whole", "holds")
def _(stage):
    """Section 8.1: an early answer ends with RST_STREAM NO_ERROR, and the rest is not read."""
    wire, stream = upload(stage, "/bad-large", content_length=str(1 << 30))
    wire.wait(lambda: wire.answer_of(stream).is_ended)
    assert wire.answer_of(stream).status == 413
    wire.wait(lambda: wire.answer_of(stream).reset is not None)
    assert wire.answer_of(stream).reset == "NO_ERROR"
    assert wire.answer(wire.get("/good")).status == 200


@case("head-has-no-body", "holds")
def _(stage):
    wire = stage.wire()
    answer = wire.answer(wire.ask("HEAD", "/large"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(stage.large)


@case("answer-has-no-connection-fields", "holds")
def _(stage):
    stage.origin.on("GET /fields").raw(
        "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        "Proxy-Connection: x\r\nTransfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    wire = stage.wire()
    answer = wire.answer(wire.get("/fields"))
    assert (answer.status, bytes(answer.body)) == (200, b"ok")
    names = [name for name, _ in answer.headers.pairs]
    assert "x-kept" in names and names == [name.lower() for name in names]
    assert not {"connection", "x-hop", "keep-alive", "proxy-connection",
                "transfer-encoding"} & set(names)


# 10.5.1, 6.5.2: large heads


@case("head-list-size-is-announced", "holds")
def _(stage):
    assert stage.wire().peer_settings[MAX_HEADER_LIST_SIZE] >= 32 * 1024


@case("head-too-large", "answered 431")
def _(stage):
    wire = stage.wire()
    stream = wire.stream()
    send_large(wire, stream, block(head("/bad") + [("x-pad", "p" * 4000)] * 12))
    return stream


@case("head-with-too-many-fields", "answered 431")
def _(stage):
    wire = stage.wire()
    wire.send(headers(1, head("/bad", "GET", "http", "a", *[("x-many", "1")] * 101)))
    return 1


def send_large(wire, stream, data):
    """A block over several frames."""
    pieces = [data[at:at + 16384] for at in range(0, len(data), 16384)]
    kinds = [1] + [9] * (len(pieces) - 1)
    wire.send(*(frame(kind, (END_STREAM if kind == 1 else 0) | (4 if last else 0), stream, piece)
                for kind, piece, last in zip(kinds, pieces, [False] * (len(pieces) - 1) + [True])))


@case("head-too-large-keeps-the-table", "holds")
def _(stage):
    """RFC 9113, section 4.3: what is refused is still decoded; the next block depends on it."""
    wire = stage.wire()
    first = block(head("/bad")) + literal("x-kept", "in the table", 0x40) + block([("x", "p" * 4000)] * 12)
    send_large(wire, wire.stream(), first)
    assert wire.answer(1).status == 431
    wire.send(headers(wire.stream(), block(head("/good")) + integer(62, 7, 0x80)))
    assert wire.answer(3).status == 200
    assert stage.origin.last.headers["x-kept"] == "in the table"


# RFC 7541: header compression


COMPRESSION = "connection COMPRESSION_ERROR"
compresses("hpack-index-0", COMPRESSION, b"\x80")
compresses("hpack-index-beyond-tables", COMPRESSION, integer(62, 7, 0x80))
compresses("hpack-name-index-beyond-tables", COMPRESSION, integer(100, 6, 0x40) + text("x"))
compresses("hpack-index-static", "answered 200", integer(16, 7, 0x80), "/good")
compresses("hpack-integer-too-large", COMPRESSION, b"\xff" + b"\xff" * 8 + b"\x7f")
compresses("hpack-integer-endless", COMPRESSION, b"\xff" + b"\x80" * 30 + b"\x01")
compresses("hpack-integer-cut-off", COMPRESSION, b"\xff\x80")
compresses("hpack-string-cut-off", COMPRESSION, b"\x00\x05abc")
compresses("hpack-name-without-value", COMPRESSION, b"\x00\x01a")
compresses("hpack-huffman-with-eos", COMPRESSION, b"\x00\x01a\x84\xff\xff\xff\xff")
compresses("hpack-huffman-padding-of-8-bits", COMPRESSION, b"\x00\x01a\x82\x1f\xff")
compresses("hpack-huffman-padding-of-zeros", COMPRESSION, b"\x00\x01a\x81\x18")
compresses("hpack-huffman", "answered 200", b"\x00\x01x\x81\x1f", "/good")
compresses("hpack-never-indexed", "answered 200", literal("x-secret", "1", 0x10), "/good")
compresses("hpack-size-update-late", COMPRESSION, integer(0, 5, 0x20))


@case("hpack-size-update-too-large", COMPRESSION)
def _(stage):
    wire = stage.wire()
    limit = wire.peer_settings.get(HEADER_TABLE_SIZE, 4096)
    wire.send(headers(1, integer(limit + 1, 5, 0x20) + block(head("/bad"))))


@case("hpack-size-update", "answered 200")
def _(stage):
    """To 0 and up again: the table is empty after it."""
    data = integer(0, 5, 0x20) + integer(100, 5, 0x20) + block(head("/good"))
    stage.wire().send(headers(1, data))
    return 1


@case("hpack-size-update-empties-the-table", COMPRESSION)
def _(stage):
    wire = stage.wire()
    wire.send(headers(1, block(head("/good")) + literal("x-kept", "1", 0x40)))
    assert wire.answer(1).status == 200
    wire.send(headers(3, integer(0, 5, 0x20) + integer(4096, 5, 0x20) + block(head("/bad")) +
                      integer(62, 7, 0x80)))


@case("hpack-entry-larger-than-the-table", COMPRESSION)
def _(stage):
    """RFC 7541, section 4.4: no error, but it leaves the table empty."""
    wire = stage.wire()
    size = wire.peer_settings.get(HEADER_TABLE_SIZE, 4096)
    wire.send(headers(1, block(head("/good")) + literal("x-kept", "1", 0x40) +
                      literal("x-large", "v" * size, 0x40)))
    assert wire.answer(1).status == 200
    wire.send(headers(3, block(head("/bad")) + integer(62, 7, 0x80)))


@case("hpack-table-lives-across-streams", "holds")
def _(stage):
    wire = stage.wire()
    wire.send(headers(1, block(head("/good")) + literal("x-kept", "from the first", 0x40)))
    assert wire.answer(1).status == 200
    wire.send(headers(3, block(head("/good")) + integer(62, 7, 0x80)))
    assert wire.answer(3).status == 200
    assert stage.origin.last.headers["x-kept"] == "from the first"


@case("hpack-block-of-a-cancelled-stream-is-decoded", "holds")
def _(stage):
    wire, stream = upload(stage)
    wire.send(rst_stream(stream),
              headers(stream + 2, block(head("/good")) + literal("x-kept", "1", 0x40)),
              rst_stream(stream + 2),
              headers(stream + 4, block(head("/good")) + integer(62, 7, 0x80)))
    assert wire.answer(stream + 4).status == 200
    assert stage.origin.last.headers["x-kept"] == "1"


@case("hpack-table-size-of-the-client-respected", "holds")
def _(stage):
    """Section 4.2: after a smaller SETTINGS_HEADER_TABLE_SIZE the next block begins with an update,
    without which python3-hpack refuses it; and nothing refers to a table of 0."""
    wire = stage.wire(first=[(HEADER_TABLE_SIZE, 0)])
    wire.decoder.max_allowed_table_size = 0
    for _ in range(3):
        assert wire.answer(wire.get("/good")).status == 200
    assert wire.decoder.header_table_size == 0


@case("hpack-table-size-reduced-later", "holds")
def _(stage):
    wire, _ = answered(stage)
    wire.send(settings((HEADER_TABLE_SIZE, 0)))
    wire.ping()
    wire.decoder.max_allowed_table_size = 0
    for _ in range(3):
        assert wire.answer(wire.get("/good")).status == 200
    assert wire.decoder.header_table_size == 0
