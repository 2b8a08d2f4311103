"""HTTP/2 from clients: its streams are the same requests, and its connections end like connections.

curl and nghttp are there as clients that others wrote; kit/h2.py where the exact frames matter.
"""

import signal
import subprocess
import threading

import pytest

import strictness_cases
from kit.h2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PREFACE,
                    H2Wire, block, frame, head, headers, rst_stream, settings, window_update)
from kit.load import Background, Load, eventually
from kit.newel import SANITIZED, scaled
from kit.site import site
from kit.wire import PATIENCE_S

MIB = 1024 * 1024
BODY = bytes(range(256)) * 12 * 1024  # 3 MiB


@pytest.fixture
def edge(newel, origin):
    return newel(site(origin))


@pytest.fixture
def wires(transcript):
    """Connections by prior knowledge: wires(edge); closed at the end."""
    made = []

    def start(edge, **more):
        made.append(H2Wire(edge.address, transcript=transcript, **more))
        return made[-1]

    yield start
    for one in made:
        one.close()


def curl(edge, path="/", *arguments, data=None):
    return subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "--max-time", str(PATIENCE_S), *arguments,
         f"http://{edge.address}{path}"], input=data, capture_output=True, timeout=2 * PATIENCE_S)


# One request


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_reaches_the_node(edge, origin, wires, method):
    origin.on(f"{method} /thing").reply(200, "done", x_kind="answer")
    wire = wires(edge)
    answer = wire.answer(wire.ask(method, "/thing?q=1", accept="text/plain"))
    assert (answer.status, answer.text) == (200, "done")
    assert answer.headers["x-kind"] == "answer"
    assert answer.headers["content-length"] == "4"
    assert (origin.last.method, origin.last.target) == (method, "/thing?q=1")
    assert origin.last.version == "HTTP/1.1" and origin.last.headers["accept"] == "text/plain"


def test_the_node_is_told_who_asked_and_over_what(edge, origin, wires):
    wire = wires(edge)
    answer = wire.answer(wire.get("/"))
    seen = origin.last.headers
    assert seen["via"] == "2 newel"
    assert seen["host"] == "shop.example"
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "shop.example"
    assert seen["forwarded"] == 'for=127.0.0.1;proto=http;host="shop.example"'
    assert seen["x-request-id"] == answer.headers["x-request-id"]
    assert len(seen["traceparent"]) == 55
    assert answer.headers["via"] == "1.1 newel"
    assert "connection" not in answer.headers and "transfer-encoding" not in answer.headers


def test_a_head_answer_has_a_length_and_no_body(edge, origin, wires):
    origin.on("HEAD /x").reply(200, "12345")
    wire = wires(edge)
    answer = wire.answer(wire.ask("HEAD", "/x"))
    assert answer.headers["content-length"] == "5" and answer.body == b""


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(edge, origin, wires, status):
    origin.on("GET /x").reply(status, etag='"e"')
    wire = wires(edge)
    stream = wire.get("/x")
    answer = wire.answer(stream)
    assert (answer.status, answer.body) == (status, b"")
    assert "content-length" not in answer.headers and answer.headers["etag"] == '"e"'
    frames = [one for one in wire.frames if one.stream == stream]
    assert [(one.name, one.flags & END_STREAM) for one in frames] == [("HEADERS", END_STREAM)]


def test_hints_come_before_the_answer(edge, origin, wires):
    origin.on("GET /x").hint(103, link="</a.css>; rel=preload").reply(200, "page")
    wire = wires(edge)
    answer = wire.answer(wire.get("/x"))
    assert [one[":status"] for one in answer.informational] == ["103"]
    assert answer.informational[0]["link"] == "</a.css>; rel=preload"
    assert (answer.status, answer.text) == (200, "page")


def test_crumbs_of_a_cookie_are_joined(edge, origin, wires):
    wire = wires(edge)
    stream = wire.stream()
    wire.send(headers(stream, head("/", "GET", "http", "a", ("cookie", "a=1"), ("cookie", "b=2"),
                                   ("x-between", "1"), ("cookie", "c=3"))))
    assert wire.answer(stream).status == 200
    assert origin.last.headers.all("cookie") == ["a=1; b=2; c=3"]


def test_authority_and_host(newel, origins, wires):
    origin = origins("origin")
    edge = newel(site(origin, routes=[{"host": "a.example", "service": "app"}]))
    wire = wires(edge)

    def ask(authority, *more):
        stream = wire.stream()
        wire.send(headers(stream, head("/", "GET", "http", authority, *more)))
        return wire.ended(stream)

    assert ask("a.example:8080").status == 200
    assert origin.last.headers["host"] == "a.example:8080"
    assert ask(None, ("host", "a.example")).status == 200
    assert ask("a.example", ("host", "a.example")).status == 200
    assert ask("b.example").status == 404
    assert ask(None).reset == "PROTOCOL_ERROR"
    assert ask("a.example", ("host", "b.example")).reset == "PROTOCOL_ERROR"
    assert len(origin.requests) == 3


# Bodies


def test_bodies_go_up_and_come_back(newel, origin):
    def echo(connection, request):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(request.body)}\r\n\r\n")
        connection.send(request.body)
    origin.on("POST /echo").call(echo)
    origin.on("POST /stream/echo").call(echo)
    routes = [{"path": "/stream/", "service": "app", "stream": True}, {"path": "/", "service": "app"}]
    edge = newel(site(origin, routes=routes))
    for body in (b"", b"x", BODY[:70_000], BODY):
        for path in ("/echo", "/stream/echo"):
            back = curl(edge, path, "--data-binary", "@-", data=body)
            assert back.stdout == body, (path, len(body), len(back.stdout), back.stderr)
            assert origin.last.framing == ("length" if body else origin.last.framing)


def test_a_body_of_unknown_length_is_collected_or_streamed(newel, origin, wires):
    routes = [{"path": "/stream/", "service": "app", "stream": True}, {"path": "/", "service": "app"}]
    edge = newel(site(origin, routes=routes))
    wire = wires(edge)
    for path, framing in (("/x", "length"), ("/stream/x", "chunked")):
        stream = wire.ask("POST", path, end=False)
        wire.send(frame(DATA, 0, stream, b"one "), frame(DATA, 0, stream, b"two "))
        wire.send(frame(DATA, END_STREAM, stream, b"three"))
        assert wire.answer(stream).status == 200
        assert (origin.last.body, origin.last.framing) == (b"one two three", framing)


def test_a_chunked_answer_is_streamed(edge, origin, wires):
    go_on = threading.Event()

    def pieces():
        yield "first"
        assert go_on.wait(PATIENCE_S)
        yield "second"
    origin.on("GET /x").chunked(pieces)
    wire = wires(edge)
    stream = wire.get("/x")
    wire.wait(lambda: wire.answer_of(stream).body == b"first")
    go_on.set()
    answer = wire.answer(stream)
    assert answer.body == b"firstsecond" and "content-length" not in answer.headers


def test_an_answer_that_ends_with_its_connection_is_whole(edge, origin, wires):
    origin.on("GET /x").until_close(BODY)
    wire = wires(edge)
    assert bytes(wire.answer(wire.get("/x")).body) == BODY


@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_a_broken_answer_is_reset_and_the_connection_lives(edge, origin, wires, kind):
    if kind == "length":
        origin.on("GET /x").reply(200, BODY, cut_after=500_000)
    else:
        origin.on("GET /x").chunked([BODY[:300_000]] * 3, ends=False)
    wire = wires(edge)
    answer = wire.ended(wire.get("/x"))
    assert (answer.status, answer.reset, answer.is_ended) == (200, "INTERNAL_ERROR", False)
    assert wire.answer(wire.get("/next")).status == 200


def test_an_answer_that_breaks_at_once_is_a_502(edge, origin, wires):
    origin.on("GET /x").raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdeXX")
    wire = wires(edge)
    answer = wire.answer(wire.get("/x"))
    assert answer.status == 502 and b"<h1>502 Bad Gateway</h1>" in answer.body


def test_continue_is_said_before_the_body_is_awaited(edge, origin, wires):
    wire = wires(edge)
    stream = wire.ask("POST", "/x", end=False, expect="100-continue", content_length="4")
    wire.wait(lambda: wire.answer_of(stream).informational)
    assert wire.answer_of(stream).informational[0][":status"] == "100"
    wire.send(frame(DATA, END_STREAM, stream, b"body"))
    assert wire.answer(stream).status == 200
    assert origin.last.body == b"body" and "expect" not in origin.last.headers


def test_a_body_that_is_too_large_is_told_so(newel, origin, wires):
    edge = newel(site(origin, limits={"body": "50K"}))
    wire = wires(edge)
    announced = wire.ask("POST", "/x", end=False, content_length="200000")
    assert wire.answer(announced).status == 413
    grows = wire.ask("POST", "/x", end=False)
    for _ in range(4):
        wire.send(frame(DATA, 0, grows, b"x" * 16_000))
    answer = wire.answer(grows)
    assert answer.status == 413
    assert wire.answer(wire.get("/good")).status == 200
    assert [request.target for request in origin.requests] == ["/good"]


def test_trailers_of_a_request_end_at_a_node_that_speaks_http_1(edge, origin, wires):
    wire = wires(edge)
    stream = wire.ask("POST", "/x", end=False)
    wire.send(frame(DATA, 0, stream, b"body"),
              frame(HEADERS, END_HEADERS | END_STREAM, stream, block([("x-sum", "1")])))
    assert wire.answer(stream).status == 200
    assert origin.last.body == b"body" and b"x-sum" not in origin.seen


def test_more_pieces_than_one_send_takes_leave_all_the_same(newel, origin, wires):
    """The window ends where a buffer of 16 KiB does, so each frame's head and bytes are two pieces."""
    origin.on("GET /").reply(200, "x" * 20_480)
    edge = newel(site(origin, buffer={"response": "8M"}, limits={"idle": "1h"}))
    wire = wires(edge, is_reading=False)
    wire.send(settings((INITIAL_WINDOW_SIZE, 12_288)), window_update(0, 1 << 20))
    streams = [wire.get("/") for _ in range(46)]

    def wait_all(size):
        wire.wait(lambda: all(len(wire.answer_of(stream).body) == size for stream in streams))
    wait_all(12_288)
    wire.send(*(window_update(stream, 4096) for stream in streams))
    wait_all(16_384)


# Refusals


def stream_of(data):
    """The fields of an HTTP/1 message as a stream of HTTP/2 would say it; its body."""
    text, _, body = data.partition(b"\r\n\r\n")
    start, *lines = text.split(b"\r\n")
    method, target, _ = start.split(b" ")
    pairs = [line.partition(b":")[::2] for line in lines]
    pairs = [(name.decode("latin-1").lower(), value.strip().decode("latin-1")) for name, value in pairs]
    hosts = [value for name, value in pairs if name == "host"]
    rest = [pair for pair in pairs if pair[0] != "host"]
    authority = hosts[0] if len(hosts) == 1 else None
    more = [("host", value) for value in hosts] if len(hosts) > 1 else []
    return head(target.decode(), method.decode(), "http", authority, *more, *rest), body


# What HTTP/2 can say at all. Those of the second group it forbids by itself (RFC 9113 section 8).
SAME = ["HEAD_TOO_LARGE", "TOO_MANY_FIELDS", "TARGET_TOO_LONG", "METHOD_REFUSED", "FRAGMENT",
        "INVALID_PATH_BYTE", "INVALID_PERCENT", "ENCODED_NUL", "BACKSLASH", "ABOVE_ROOT",
        "UNKNOWN_EXPECTATION"]
FORBIDDEN = ["BARE_CR", "CONTROL_BYTE", "HIGH_BYTE", "INVALID_METHOD", "SPACE_BEFORE_COLON", "EMPTY_NAME",
             "INVALID_NAME", "MISSING_HOST", "REPEATED_HOST", "EMPTY_HOST", "INVALID_HOST",
             "INVALID_TARGET", "INVALID_AUTHORITY", "USERINFO", "INVALID_LENGTH", "LENGTH_TOO_LONG",
             "LENGTH_LIST", "REPEATED_LENGTH", "CODING_WITH_LENGTH", "INVALID_CODING",
             "CHUNKED_NOT_LAST", "CHUNKED_TWICE", "UNKNOWN_CODING", "INVALID_CONNECTION"]
ROWS = {row[0]: row for row in strictness_cases.REQUESTS}


def head_frames(stream, fields, end=True):
    """HEADERS and as many CONTINUATION as it takes."""
    encoded = block(fields)
    cut = [encoded[at:at + 16_000] for at in range(0, len(encoded), 16_000)]
    return b"".join(frame(HEADERS if at == 0 else CONTINUATION,
                          (END_HEADERS if at == len(cut) - 1 else 0) | (END_STREAM if at == 0 and end else 0),
                          stream, part) for at, part in enumerate(cut))


@pytest.mark.parametrize("name", SAME)
def test_a_stream_gets_the_same_verdict_as_a_message(edge, origin, wires, name):
    _, status, data = ROWS[name]
    fields, body = stream_of(data)
    wire = wires(edge)
    stream = wire.stream()
    wire.send(head_frames(stream, fields, end=not body),
              frame(DATA, END_STREAM, stream, body) if body else b"")
    answer = wire.answer(stream)
    assert answer.status == status and answer.headers["x-request-id"]
    assert f"<h1>{status} " in answer.text
    assert wire.answer(wire.get("/good")).status == 200
    assert [request.target for request in origin.requests] == ["/good"]
    counted = "HEAD_TOO_LARGE" if status == 431 else name  # its end was not even decoded
    eventually(lambda: edge.metric("newel_requests_refused_total", reason=counted) == 1,
               "it is counted")


def test_a_head_that_is_too_large_is_not_taken_for_the_one_before_it(edge, wires):
    wire = wires(edge)
    wire.ask("POST", "/", end=False)  # so that the connection does not rest in between
    call = wire.ask("POST", "/call", b"", content_type="application/grpc", te="trailers")
    assert wire.answer(call).headers["grpc-status"] == "12"
    stream = wire.stream()
    wire.send(head_frames(stream, head("/", "GET", "http", "shop.example", ("x-large", "a" * 40_000))))
    answer = wire.answer(stream)
    assert answer.status == 431 and "grpc-status" not in answer.headers


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_http2_forbids_never_becomes_a_request(edge, origin, wires, name):
    fields, body = stream_of(ROWS[name][2])
    wire = wires(edge)
    stream = wire.stream()
    wire.send(headers(stream, fields, end=not body),
              frame(DATA, END_STREAM, stream, body) if body else b"")
    answer = wire.ended(stream)
    assert answer.reset == "PROTOCOL_ERROR" or answer.status == ROWS[name][1], answer
    assert wire.answer(wire.get("/good")).status == 200
    assert [request.target for request in origin.requests] == ["/good"]


def test_off_means_off(newel, origin):
    edge = newel(site(origin, listen=[{"address": "127.0.0.1:0", "h2": "off"}]))
    with edge.wire() as wire:
        wire.send(PREFACE + settings())
        assert wire.response().status == 505
        assert wire.ends()
    assert curl(edge).returncode != 0


def test_the_preface_may_come_in_pieces_and_must_be_whole(edge, wires):
    for cut in range(1, len(PREFACE)):
        wire = wires(edge, preface=None)
        wire.send(PREFACE[:cut])
        wire.send(PREFACE[cut:] + settings())
        assert wire.answer(wire.get("/")).status == 200
        wire.close()
    with edge.wire() as other:
        other.send(PREFACE[:16] + b"\r\nXX\r\n\r\n")
        assert other.response().status == 505 and other.ends()
    with edge.wire() as later:
        assert later.ask("GET", "/").response().status == 200
        later.send(PREFACE)
        assert later.response().status == 505 and later.ends()


# Many streams


def test_many_streams_are_served_at_once(edge, origin, wires):
    count = 100
    together = threading.Barrier(count)
    origin.on("GET /x").call(lambda connection, request: together.wait(PATIENCE_S)).reply(200, "met")
    wire = wires(edge)
    streams = [wire.get("/x", x_number=str(number)) for number in range(count)]
    assert {wire.answer(stream).text for stream in streams} == {"met"}
    numbers = {request.headers["x-number"] for request in origin.requests}
    assert numbers == {str(number) for number in range(count)}
    ids = {wire.answer_of(stream).headers["x-request-id"] for stream in streams}
    assert len(ids) == count


@pytest.mark.parametrize("listen, streams", [("127.0.0.1:0", 128),
                                             ({"address": "127.0.0.1:0", "h2": {"streams": 3}}, 3)])
def test_a_connection_has_so_many_streams(newel, origin, wires, listen, streams):
    go_on = threading.Event()
    origin.on("GET /x").hold(go_on).reply(200, "held")
    edge = newel(site(origin, listen=[listen]))
    wire = wires(edge, is_polite=False)  # who has not acknowledged the limit may not know it
    held = [wire.get("/x") for _ in range(streams)]
    origin.wait_requests(streams)
    assert wire.peer_settings is None or wire.peer_settings[3] == streams
    beyond = wire.get("/x")
    assert wire.ended(beyond).reset == "REFUSED_STREAM"
    assert wire.peer_settings[3] == streams  # SETTINGS_MAX_CONCURRENT_STREAMS
    go_on.set()
    assert {wire.answer(stream).text for stream in held} == {"held"}
    assert wire.answer(wire.get("/x")).status == 200
    assert len(origin.requests) == streams + 1


def test_a_reset_buys_no_stream_while_the_node_works(newel, origin, wires):
    go_on = threading.Event()
    origin.on("POST /x").hold(go_on).reply(200)
    edge = newel(site(origin, listen=[{"address": "127.0.0.1:0", "h2": 3}],
                      routes=[{"path": "/", "service": "app", "finish": True}]))
    wire = wires(edge).ready()
    held = [wire.ask("POST", "/x", body=b"order") for _ in range(3)]
    origin.wait_requests(3)
    wire.send(*[rst_stream(stream) for stream in held])
    refused = [wire.ended(wire.ask("POST", "/x", body=b"order")).reset for _ in range(5)]
    assert refused == ["REFUSED_STREAM"] * 5
    assert len(origin.requests) == 3
    go_on.set()
    eventually(lambda: edge.metric("newel_h2_streams_open") == 0, "the slots return")
    assert wire.answer(wire.ask("POST", "/x", body=b"order")).status == 200


def test_a_slow_reader_holds_up_nobody(edge, origin, wires):
    """Two streams of one connection, and another connection: the first takes nothing."""
    total = 64 * MIB
    sent = threading.Event()

    def big(connection, request):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")
        sent.set()
        left = total
        while left > 0:
            connection.send(BODY[:min(left, len(BODY))])
            left -= min(left, len(BODY))
    origin.is_told = False
    origin.on("GET /big").call(big)
    wire = wires(edge, is_reading=False, first=((INITIAL_WINDOW_SIZE, 65_535),))
    slow = wire.get("/big")
    wire.wait(lambda: len(wire.answer_of(slow).body) == 65_535)
    assert sent.is_set()
    wire.send(window_update(0, MIB))
    for number in range(20):
        assert wire.answer(wire.get(f"/{number}")).status == 200
    assert edge.get("/other").status == 200
    if not SANITIZED:
        assert edge.memory("VmHWM") < 64 * MIB
    wire.send(rst_stream(slow))
    assert wire.answer(wire.get("/after")).status == 200
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0, "the slow one is given up")


def test_a_client_that_grants_no_window_is_reset_when_idle_is_over(newel, origin, wires):
    origin.is_told = False
    origin.on("GET /big").reply(200, BODY)
    edge = newel(site(origin, limits={"idle": "30s"}))
    wire = wires(edge, is_reading=False)
    stream = wire.get("/big")
    wire.wait(lambda: len(wire.answer_of(stream).body) == 65_535)
    edge.clock.advance(s=31)
    answer = wire.ended(stream)
    assert answer.reset is not None and not answer.is_ended
    wire.send(window_update(0, MIB))
    assert wire.answer(wire.get("/next")).status == 200


# Who goes


def test_a_reset_cancels_the_request_at_the_node(edge, origin, wires):
    origin.on("GET /x").never()
    wire = wires(edge)
    stream = wire.get("/x")
    origin.wait_requests(1)
    wire.send(rst_stream(stream))
    assert origin.connections[0].closed.wait(PATIENCE_S)
    eventually(lambda: edge.metric("newel_client_gone_total") == 1, "the client's going is counted")
    assert wire.answer(wire.get("/next")).status == 200


def test_a_connection_that_goes_cancels_all_its_requests(edge, origin, wires):
    origin.on("GET /x").never()
    wire = wires(edge)
    for _ in range(5):
        wire.get("/x")
    origin.wait_requests(5)
    wire.close()
    for connection in list(origin.connections):
        assert connection.closed.wait(PATIENCE_S)
    eventually(lambda: edge.metric("newel_h2_connections_open") == 0)
    assert edge.metric("newel_h2_streams_open") == 0


def test_a_half_closed_stream_is_not_gone(edge, origin, wires):
    go_on = threading.Event()
    origin.on("POST /x").hold(go_on).reply(200, "done")
    wire = wires(edge)
    stream = wire.ask("POST", "/x", body=b"all of it")
    origin.wait_requests(1)
    wire.ping()
    go_on.set()
    assert wire.answer(stream).text == "done"


def test_finish_lets_the_node_finish(newel, origin, wires):
    go_on, finished = threading.Event(), threading.Event()
    origin.on("POST /x").hold(go_on).reply(200, "done").call(lambda *_: finished.set())
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "finish": True}]))
    wire = wires(edge)
    stream = wire.ask("POST", "/x", body=b"order")
    origin.wait_requests(1)
    wire.send(rst_stream(stream))
    wire.ping()
    other = wires(edge)
    other.ask("POST", "/x", body=b"order")
    origin.wait_requests(2)
    other.close()
    go_on.set()
    assert finished.wait(PATIENCE_S)
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert [request.body for request in origin.requests] == [b"order", b"order"]


# Time


def test_an_idle_connection_ends_with_goaway(newel, origin, wires):
    edge = newel(site(origin, limits={"idle": "30s"}))
    wire = wires(edge)
    assert wire.answer(wire.get("/")).status == 200
    eventually(lambda: edge.metric("newel_h2_streams_open") == 0)
    wire.ping()
    edge.clock.advance(s=31)
    end = wire.end()
    assert (end.code, end.last) == ("NO_ERROR", 1)


def test_a_body_that_stands_still_is_told_408(newel, origin, wires):
    edge = newel(site(origin, limits={"idle": "30s"}))
    wire = wires(edge)
    stream = wire.ask("POST", "/x", end=False)
    wire.send(frame(DATA, 0, stream, b"some")).ping()
    edge.clock.advance(s=31)
    assert wire.answer(stream).status == 408
    assert wire.answer(wire.get("/next")).status == 200
    assert [request.target for request in origin.requests] == ["/next"]


def test_a_node_that_takes_too_long_is_a_504(newel, origin, wires):
    origin.on("GET /x").never()
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "timeouts": {"request": "20s"}}]))
    wire = wires(edge)
    stream = wire.get("/x")
    origin.wait_requests(1)
    edge.clock.advance(s=21)
    assert wire.answer(stream).status == 504


# The end


def test_a_count_of_requests_ends_the_connection(newel, origin, wires):
    edge = newel(site(origin, limits={"requests_per_connection": 3}))
    wire = wires(edge)
    for _ in range(3):
        assert wire.answer(wire.get("/")).status == 200
    end = wire.end()
    assert (end.code, end.last) == ("NO_ERROR", 5)
    assert wires(edge).get("/") == 1


def test_drain_serves_what_is_open_and_says_goaway(edge, origin, wires):
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "served")
    busy, idle = wires(edge), wires(edge)
    assert idle.answer(idle.get("/")).status == 200
    slow = busy.get("/slow")
    origin.wait_requests(2)
    idle.ping()
    eventually(lambda: edge.metric("newel_h2_streams_open") == 1)
    edge.send_signal(signal.SIGTERM)
    edge.wait_line("daemon.draining")
    assert idle.end().code == "NO_ERROR"
    busy.wait(lambda: busy.goaways)
    assert busy.goaways[0].code == "NO_ERROR"
    go_on.set()
    assert busy.answer(slow).text == "served"
    end = busy.end()
    assert (end.code, end.last) == ("NO_ERROR", slow)
    assert edge.wait_end() == 0


def test_what_drains_too_long_is_told(newel, origin, wires):
    origin.on("GET /x").never()
    edge = newel(site(origin, drain="10s"))
    wire = wires(edge)
    stream = wire.get("/x")
    origin.wait_requests(1)
    edge.send_signal(signal.SIGTERM)
    edge.wait_line("daemon.draining")
    edge.clock.advance(s=11)
    assert wire.answer(stream).status == 503
    assert wire.end().code == "NO_ERROR"
    assert edge.wait_end() == 0


def test_a_hundred_reloads_while_streams_are_active_fail_nothing(newel, origins, wires):
    nodes = origins("a", "b", "c", is_told=False, records_bytes=False)
    go_on = threading.Event()
    for one in nodes:
        one.on("GET /slow").hold(go_on).reply(200, BODY[:200_000])
    sets = [nodes, nodes[:2], nodes[1:], [nodes[0], nodes[2]], nodes[:1]]
    edge = newel(site(*nodes))
    wire, slow = wires(edge), wires(edge)
    held = [slow.get("/slow") for _ in range(10)]
    eventually(lambda: sum(one.count(target="/slow") for one in nodes) == 10)
    reloads = scaled(100, 20)
    for number in range(1, reloads + 1):
        before = [wire.get(f"/{number}/{at}") for at in range(5)]
        extra = [{"path": f"/extra/{number}", "respond": {"status": 200, "body": str(number)}}]
        reply = edge.reload(site(*sets[number % len(sets)],
                                 routes=extra + [{"path": "/", "service": "app"}]))
        assert reply.get("generation") == number + 1, reply
        after = wire.get(f"/extra/{number}")
        assert {wire.answer(stream).status for stream in before} == {200}
        assert wire.answer(after).text == str(number)
        assert edge.status()["gate"]["generations_alive"] <= 2
    go_on.set()
    for stream in held:
        assert bytes(slow.answer(stream).body) == BODY[:200_000]
    assert not wire.goaways and not slow.goaways


def test_a_reload_changes_how_many_streams_the_next_connection_has(newel, origin, wires):
    conf = site(origin)
    edge = newel(conf)
    first = wires(edge).ready()
    conf["listen"] = [{"address": "127.0.0.1:0", "h2": {"streams": 7}}]
    assert "error" not in edge.reload(conf)
    assert wires(edge).ready().peer_settings[3] == 7
    assert first.answer(first.get("/")).status == 200


# What is told


@pytest.mark.parametrize("form, part", [("logfmt", " protocol=HTTP/2 "),
                                        ("json", '"protocol":"HTTP/2"'),
                                        ("common", '"GET /x HTTP/2" 200 ')])
def test_the_access_log_names_the_protocol(newel, origin, wires, form, part):
    edge = newel(site(origin, log={"access": {"to": "stdout", "format": form}}))
    wire = wires(edge)
    assert wire.answer(wire.get("/x")).status == 200
    assert part in edge.wait_line("/x", "stdout")


def test_refused_heads_stand_in_the_access_log(newel, origin, wires):
    edge = newel(site(origin, log={"access": {"to": "stdout", "format": "logfmt"}}))
    wire = wires(edge)
    answer = wire.answer(wire.get("/a%00b"))
    assert answer.status == 400
    assert f"id={answer.headers['x-request-id']}" in edge.wait_line("refused=", "stdout")


def test_metrics_and_status_tell_of_it(edge, origin, wires):
    go_on = threading.Event()
    origin.on("GET /x").hold(go_on).reply(200)
    wire = wires(edge)
    streams = [wire.get("/x") for _ in range(4)]
    origin.wait_requests(4)
    assert edge.metric("newel_h2_connections_open") == 1
    assert edge.metric("newel_h2_streams_open") == 4
    assert edge.status()["gate"]["h2"] == {"connections": 1, "streams": 4}
    go_on.set()
    assert all(wire.answer(stream).status == 200 for stream in streams)
    for _ in range(20):
        wire.ping()
    eventually(lambda: edge.metric("newel_h2_glitches_total", kind="ping") > 0)
    assert edge.metric("newel_requests_total", **{"class": "2xx"}) == 4
    wire.close()
    eventually(lambda: edge.metric("newel_h2_connections_open") == 0)


# gRPC: what newel itself answers


GRPC = {"content_type": "application/grpc", "te": "trailers"}


def grpc_of(answer):
    assert answer.status == 200 and answer.body == b"" and answer.trailers is None
    assert answer.headers["content-type"] == "application/grpc"
    return int(answer.headers["grpc-status"])


def test_answers_of_newel_are_grpc_statuses_to_grpc_calls(newel, origin, wires):
    routes = [{"path": "/one.Service/", "service": "app"},
              {"path": "/small", "service": "app", "limits": {"body": "10"}},
              {"path": "/forbidden", "respond": {"status": 403}},
              {"path": "/elsewhere", "redirect": "/other"}]
    edge = newel(site(origin, routes=routes, log={"access": {"to": "stdout", "format": "logfmt"}}))
    wire = wires(edge)

    def call(path, **more):
        return grpc_of(wire.answer(wire.ask("POST", path, body=b"\0\0\0\0\0", **GRPC, **more)))

    assert call("/nowhere/Method") == 12
    assert call("/one.Service/Method") == 12  # its service does not speak HTTP/2
    assert call("/forbidden") == 7
    assert call("/elsewhere") == 13
    assert call("/a%00b") == 13
    assert call("/one.Service/Method", grpc_timeout="0S") == 4
    assert call("/one.Service/Method", grpc_timeout="soon") == 13
    assert call("/one.Service/Method", expect="a miracle") == 13
    assert origin.requests == []
    assert "grpc_status=12" in edge.wait_line("/nowhere/Method", "stdout")
    text = wire.answer(wire.ask("POST", "/nowhere", body=b"", content_type="application/grpc-web"))
    assert text.status == 404


# Other people's clients


def test_curl_gets_what_it_asks_for(edge, origin):
    origin.on("GET /big").reply(200, BODY)
    assert curl(edge, "/big").stdout == BODY
    one = curl(edge, "/one", "-w", " %{http_version}")
    assert one.stdout.decode().split() == ["origin:", "GET", "/one", "2"], one


def test_nghttp_gets_hundreds_at_once(edge, origin):
    count = scaled(400, 100)
    done = subprocess.run(["nghttp", "-n", "-s", "-m", str(count), f"http://{edge.address}/x"],
                          capture_output=True, text=True, timeout=2 * PATIENCE_S)
    rows = [line for line in done.stdout.splitlines() if line.strip().endswith(" /x")]
    assert len(rows) == count and all(" 200 " in row for row in rows), done.stdout[-2000:] + done.stderr
    assert origin.count(target="/x") == count


def test_both_protocols_share_an_address(edge, wires):
    with Load(edge.address, clients=2) as load:
        wire = wires(edge)
        for number in range(50):
            assert wire.answer(wire.get(f"/{number}")).status == 200
        load.wait(20)
    assert load.failures == []
