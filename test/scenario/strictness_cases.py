"""Raw messages that newel refuses: one for each class of src/proto/http1_class.def and side.

REQUESTS: (class, status, bytes) - sent by a client; the status is the answer, then newel closes, and
nothing of it reaches a node. RESPONSES: (class, bytes) - sent by a node; the client gets 502 and the
node's connection closes. RESPONSE_BODIES: (class, bytes) - as before, but the head is in order, so
the answer may have begun: the client then sees its connection cut before the body is complete.
tools/check_strictness.py sees to it that no class is missing.
"""

_HOST = b"Host: shop.example\r\n"
_CHUNKED = b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n"
_OK_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def _get(target=b"/", fields=_HOST, method=b"GET", version=b"HTTP/1.1"):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n"


def _post(fields, body=b""):
    return b"POST / HTTP/1.1\r\n" + _HOST + fields + b"\r\n" + body


def _ok(fields, body=b""):
    return b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body


REQUESTS = [
    ("BARE_LF", 400, b"GET / HTTP/1.1\nHost: shop.example\n\n"),
    ("BARE_CR", 400, _get(fields=_HOST + b"A: b\rc\r\n")),
    ("CONTROL_BYTE", 400, _get(fields=_HOST + b"A: b\0c\r\n")),
    ("HIGH_BYTE", 400, _get(fields=_HOST + b"Content-Length\xa0: 3\r\n") + b"abc"),
    ("HEAD_TOO_LARGE", 431, _get(fields=_HOST + b"A: " + b"x" * 33000 + b"\r\n")),
    ("TOO_MANY_FIELDS", 431, _get(fields=_HOST + b"A: b\r\n" * 100)),
    ("LEADING_EMPTY_LINE", 400, b"\r\n" + _get()),
    ("INVALID_METHOD", 400, _get(method=b"GE:T")),
    ("EXTRA_SPACE", 400, b"GET  / HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("TARGET_TOO_LONG", 414, _get(target=b"/" + b"x" * 8192)),
    ("MISSING_VERSION", 400, b"GET /\r\n"),
    ("INVALID_VERSION", 400, _get(version=b"HTTP/1.2")),
    ("UNSUPPORTED_VERSION", 505, _get(version=b"HTTP/2.0")),
    ("METHOD_REFUSED", 405, _get(method=b"TRACE")),
    ("SPACE_BEFORE_COLON", 400, _get(fields=_HOST + b"Content-Length : 3\r\n") + b"abc"),
    ("EMPTY_NAME", 400, _get(fields=_HOST + b": b\r\n")),
    ("INVALID_NAME", 400, _get(fields=_HOST + b"A/B: c\r\n")),
    ("MISSING_COLON", 400, _get(fields=_HOST + b"garbage\r\n")),
    ("FOLDED_LINE", 400, _get(fields=_HOST + b"A: b\r\n c\r\n")),
    ("MISSING_HOST", 400, _get(fields=b"A: b\r\n")),
    ("REPEATED_HOST", 400, _get(fields=_HOST + _HOST)),
    ("EMPTY_HOST", 400, _get(fields=b"Host:\r\n")),
    ("INVALID_HOST", 400, _get(fields=b"Host: shop.example/x\r\n")),
    ("INVALID_TARGET", 400, _get(target=b"shop")),
    ("INVALID_AUTHORITY", 400, _get(target=b"http://shop.example:x/")),
    ("USERINFO", 400, _get(target=b"http://user@shop.example/")),
    ("FRAGMENT", 400, _get(target=b"/a#b")),
    ("INVALID_PATH_BYTE", 400, _get(target=b"/a<b")),
    ("INVALID_PERCENT", 400, _get(target=b"/100%")),
    ("ENCODED_NUL", 400, _get(target=b"/a%00b")),
    ("BACKSLASH", 400, _get(target=b"/a%5cb")),
    ("ABOVE_ROOT", 400, _get(target=b"/a/%2e%2e/../b")),
    ("INVALID_LENGTH", 400, _post(b"Content-Length: +3\r\n", b"abc")),
    ("LENGTH_TOO_LONG", 400, _post(b"Content-Length: 0000000000000000003\r\n", b"abc")),
    ("LENGTH_LIST", 400, _post(b"Content-Length: 3, 3\r\n", b"abc")),
    ("REPEATED_LENGTH", 400, _post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc")),
    ("CODING_WITH_LENGTH", 400,
     _post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    ("CODING_IN_HTTP10", 400,
     b"POST / HTTP/1.0\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("INVALID_CODING", 400, _post(b"Transfer-Encoding: chunked,\r\n", b"0\r\n\r\n")),
    ("CHUNKED_NOT_LAST", 400, _post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n")),
    ("CHUNKED_TWICE", 400, _post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
    ("UNKNOWN_CODING", 501, _post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    ("INVALID_CONNECTION", 400, _get(fields=_HOST + b"Connection: close;x\r\n")),
    ("UNKNOWN_EXPECTATION", 417, _post(b"Expect: 200-ok\r\nContent-Length: 3\r\n", b"abc")),
    ("INVALID_CHUNK_SIZE", 400, _CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_SIZE_TOO_LONG", 400, _CHUNKED + b"00000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("INVALID_CHUNK_EXTENSION", 400, _CHUNKED + b"3;a\x01\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_EXTENSIONS_TOO_LONG", 400, _CHUNKED + b"3;" + b"x" * 1024 + b"\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_WITHOUT_CRLF", 400, _CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    ("TRAILERS_TOO_LARGE", 431, _CHUNKED + b"0\r\nA: " + b"x" * 33000 + b"\r\n\r\n"),
]

RESPONSES = [
    ("BARE_LF", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
    ("BARE_CR", _ok(b"A: b\rc\r\nContent-Length: 3\r\n", b"abc")),
    ("CONTROL_BYTE", _ok(b"A: b\0c\r\nContent-Length: 3\r\n", b"abc")),
    ("HIGH_BYTE", _ok(b"Content-Length\xa0: 3\r\n", b"abc")),
    ("HEAD_TOO_LARGE", _ok(b"A: " + b"x" * 33000 + b"\r\n")),
    ("TOO_MANY_FIELDS", _ok(b"A: b\r\n" * 101)),
    ("LEADING_EMPTY_LINE", b"\r\n" + _ok(b"Content-Length: 3\r\n", b"abc")),
    ("EXTRA_SPACE", b"HTTP/1.1  200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ("INVALID_VERSION", b"ICY 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ("UNSUPPORTED_VERSION", b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ("INVALID_STATUS", b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ("UNASKED_UPGRADE",
     b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ("SPACE_BEFORE_COLON", _ok(b"Content-Length : 3\r\n", b"abc")),
    ("EMPTY_NAME", _ok(b": b\r\nContent-Length: 3\r\n", b"abc")),
    ("INVALID_NAME", _ok(b"A/B: c\r\nContent-Length: 3\r\n", b"abc")),
    ("MISSING_COLON", _ok(b"garbage\r\nContent-Length: 3\r\n", b"abc")),
    ("FOLDED_LINE", _ok(b"A: b\r\n c\r\nContent-Length: 3\r\n", b"abc")),
    ("INVALID_LENGTH", _ok(b"Content-Length: 0x3\r\n", b"abc")),
    ("LENGTH_TOO_LONG", _ok(b"Content-Length: 0000000000000000003\r\n", b"abc")),
    ("LENGTH_LIST", _ok(b"Content-Length: 3, 3\r\n", b"abc")),
    ("REPEATED_LENGTH", _ok(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc")),
    ("CODING_WITH_LENGTH", _ok(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    ("CODING_IN_HTTP10", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("INVALID_CODING", _ok(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n")),
    ("CHUNKED_NOT_LAST", _ok(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n")),
    ("CHUNKED_TWICE", _ok(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
    ("UNKNOWN_CODING", _ok(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    ("INVALID_CONNECTION", _ok(b"Connection: close;x\r\nContent-Length: 3\r\n", b"abc")),
]

RESPONSE_BODIES = [
    ("INVALID_CHUNK_SIZE", _OK_CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_SIZE_TOO_LONG", _OK_CHUNKED + b"00000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("INVALID_CHUNK_EXTENSION", _OK_CHUNKED + b"3;a\x01\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_EXTENSIONS_TOO_LONG", _OK_CHUNKED + b"3;" + b"x" * 1024 + b"\r\nabc\r\n0\r\n\r\n"),
    ("CHUNK_WITHOUT_CRLF", _OK_CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    ("TRAILERS_TOO_LARGE", _OK_CHUNKED + b"3\r\nabc\r\n0\r\nA: " + b"x" * 33000 + b"\r\n\r\n"),
]

# Bytes behind a complete answer: the client gets the answer, the node's connection is not used again.
RESPONSE_SURPLUS = [
    ("behind-length", _ok(b"Content-Length: 3\r\n", b"abcHTTP/1.1 200 OK\r\n\r\n")),
    ("behind-204", b"HTTP/1.1 204 No Content\r\n\r\nabc"),
    ("behind-chunked", _OK_CHUNKED + b"3\r\nabc\r\n0\r\n\r\nabc"),
]
