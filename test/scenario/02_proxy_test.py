"""One message through newel: methods, bodies, framings, connections, and what becomes of the fields."""

import hashlib
import re
import threading

import pytest

from kit.message import Reader
from kit.site import site


@pytest.fixture
def edge(newel, origin):
    return newel(site(origin, routes=[
        {"path": "/stream/", "service": "app", "stream": True},
        {"path": "/finish/", "service": "app", "finish": True},
        {"path": "/raw/", "service": "app", "target": "raw"},
        {"path": "/moved", "redirect": {"to": "/menu", "status": 301}},
        {"path": "/hello", "respond": {"status": 200, "body": "hi", "headers": {"X-Own": "yes"}}},
        {"path": "/", "service": "app"},
    ]))


def data_of(count):
    """Bytes that show where a piece of them is missing or twice."""
    block = b"".join(b"%07x\n" % i for i in range(count // 8 + 1))
    return block[:count]


# Methods


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_methods_pass(edge, origin, method):
    reply = edge.request(method, "/thing?a=1&b=2")
    assert reply.status == 200 and reply.text == f"origin: {method} /thing?a=1&b=2\n"
    assert origin.last.method == method and origin.last.target == "/thing?a=1&b=2"


def test_head_has_the_length_and_no_body(edge, origin):
    origin.on("HEAD /menu").reply(200, "soup")
    with edge.wire() as wire:
        first = wire.ask("HEAD", "/menu").response("HEAD")
        assert first.status == 200 and first.headers["content-length"] == "4"
        assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"


def test_options_for_the_server_is_answered_here(edge, origin):
    with edge.wire() as wire:
        reply = wire.ask("OPTIONS", "*").response()
    assert reply.status == 204 and "GET" in reply.headers["allow"]
    assert origin.requests == []


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_none(edge, origin, status):
    origin.on("GET /empty").reply(status, x_mark="1")
    with edge.wire() as wire:
        reply = wire.ask("GET", "/empty").response()
        assert reply.status == status and reply.headers["x-mark"] == "1"
        assert "transfer-encoding" not in reply.headers
        assert wire.ask("GET", "/next").response().status == 200


def test_own_answers(edge, origin):
    assert edge.get("/hello").text == "hi" and edge.get("/hello").headers["X-Own"] == "yes"
    moved = edge.get("/moved")
    assert moved.status == 301 and moved.headers["Location"] == "/menu"
    assert origin.requests == []


def test_error_pages_are_html_or_json_with_the_request_id(newel, origin):
    edge = newel(site(origin, routes=[{"path": "/only", "service": "app"}]))
    page = edge.get("/none", accept="text/html,application/json;q=0.9")
    assert page.status == 404 and page.headers["Content-Type"].startswith("text/html")
    assert page.headers["X-Request-Id"] in page.text
    problem = edge.get("/none", accept="application/json")
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json["status"] == 404
    assert problem.json["request_id"] == problem.headers["X-Request-Id"]
    assert origin.address not in page.text + problem.text


# Bodies


SIZES = [0, 1, 100, 16 * 1024 - 1, 16 * 1024, 64 * 1024, 64 * 1024 + 1, 300_000, 5_000_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_answers_of_every_size_arrive_whole(edge, origin, size, framing):
    data = data_of(size)
    if framing == "length":
        origin.on("GET /data").reply(200, data)
    else:
        origin.on("GET /data").chunked([data[i:i + 70_001] for i in range(0, size, 70_001)])
    with edge.wire() as wire:
        reply = wire.ask("GET", "/data").response()
        assert reply.framing == framing and len(reply.body) == size
        assert hashlib.sha256(reply.body).digest() == hashlib.sha256(data).digest()
        assert wire.ask("GET", "/next").response().status == 200


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("path", ["/data", "/stream/data"])
def test_requests_of_every_size_arrive_whole(edge, origin, size, framing, path):
    data = data_of(size)
    with edge.wire() as wire:
        if framing == "length":
            wire.ask("POST", path, data)
        else:
            wire.ask("POST", path, transfer_encoding="chunked")
            for i in range(0, size, 70_001):
                piece = data[i:i + 70_001]
                wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            wire.send(b"0\r\n\r\n")
        assert wire.response().status == 200
        assert len(origin.last.body) == size
        assert hashlib.sha256(origin.last.body).digest() == hashlib.sha256(data).digest()
        assert wire.ask("GET", "/next").response().status == 200


def test_an_answer_until_close_is_whole(edge, origin):
    data = data_of(200_000)
    origin.on("GET /data").until_close(data)
    with edge.wire() as wire:
        reply = wire.ask("GET", "/data").response()
        assert reply.framing == "chunked" and reply.body == data
        assert wire.ask("GET", "/next").response().status == 200


def test_trailers_are_dropped(edge, origin):
    with edge.wire() as wire:
        wire.ask("POST", "/data", transfer_encoding="chunked", trailer="X-Sum")
        wire.send(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n")
        assert wire.response().status == 200
    assert origin.last.body == b"abc" and b"X-Sum: 1" not in origin.seen and b"evil" not in origin.seen


# Connections


def test_one_connection_serves_many_requests(edge, origin):
    with edge.wire() as wire:
        for i in range(20):
            assert wire.ask("GET", f"/{i}").response().text == f"origin: GET /{i}\n"
    assert len(origin.connections) == 1
    assert edge.metric("newel_node_reuses_total") == 19


def test_close_is_obeyed(edge):
    with edge.wire() as wire:
        reply = wire.ask("GET", "/", connection="close").response()
        assert reply.headers["connection"] == "close" and wire.ends()


def test_http_1_0_closes_unless_asked(edge, origin):
    with edge.wire() as wire:
        reply = wire.ask("GET", "/", version="1.0").response()
        assert reply.status == 200 and wire.ends()
    with edge.wire() as wire:
        for _ in range(3):
            reply = wire.ask("GET", "/", version="1.0", Connection="keep-alive").response()
            assert reply.headers["connection"] == "keep-alive" and reply.framing == "length"


def test_http_1_0_never_gets_chunks(edge, origin):
    origin.on("GET /data").chunked(["one", "two"])
    with edge.wire() as wire:
        reply = wire.ask("GET", "/data", version="1.0", Connection="keep-alive").response()
        assert reply.framing == "close" and reply.body == b"onetwo"


def test_a_node_of_http_1_0_is_understood(edge, origin):
    origin.on("GET /old").raw(b"HTTP/1.0 200 OK\r\n\r\nold").hang_up()
    origin.on("GET /kept").raw(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nkept").hang_up()
    assert edge.get("/old").text == "old" and edge.get("/kept").text == "kept"


def test_pipelined_requests_are_answered_in_order(edge, origin):
    slow = threading.Event()
    origin.on("GET /0").hold(slow).reply(200, "first")
    origin.on("POST /2").reply(200, "third")
    with edge.wire() as wire:
        wire.send(b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
                  b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                  b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                  b"GET /4 HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.set()
        texts = [wire.response().text for _ in range(5)]
    assert texts == ["first", "origin: GET /1\n", "third", "third", "origin: GET /4\n"]
    assert [request.body for request in origin.requests] == [b"", b"", b"abc", b"abc", b""]


def test_a_request_in_single_bytes_is_one_request(edge, origin):
    with edge.wire() as wire:
        for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc":
            wire.sock.sendall(bytes([byte]))
        assert wire.response().status == 200
    assert origin.last.body == b"abc" and len(origin.requests) == 1


@pytest.mark.parametrize("path", ["/finish/", "/hello"])
def test_half_closed_clients_get_what_does_not_wait_for_them(edge, origin, path):
    with edge.wire() as wire:
        reply = wire.ask("GET", path, connection="close").half_close().response()
        assert reply.status == 200 and wire.ends()


# 100-continue and other informational answers


def test_continue_of_a_collected_body_comes_from_newel(edge, origin):
    with edge.wire() as wire:
        wire.ask("POST", "/data", expect="100-continue", content_length="3")
        head = wire.reader.head()[0]
        assert head == "HTTP/1.1 100 Continue" and origin.requests == []
        assert wire.send(b"abc").response().status == 200
    assert origin.last.body == b"abc" and "expect" not in origin.last.headers


def test_continue_of_a_streamed_body_comes_from_the_node(edge, origin):
    go_on = threading.Event()
    origin.on("POST /stream/data").early().hold(go_on).read_body().reply(200, "got it")
    with edge.wire() as wire:
        wire.ask("POST", "/stream/data", expect="100-continue", content_length="3")
        origin.wait_requests(1)
        assert origin.last.headers["expect"] == "100-continue"
        go_on.set()
        assert wire.reader.head()[0] == "HTTP/1.1 100 Continue"
        assert wire.send(b"abc").response().text == "got it"
    assert origin.last.body == b"abc"


def test_a_refused_expectation_gets_no_continue(edge, origin):
    origin.on("POST /stream/no").early().reply(403, "no", connection="close")
    with edge.wire() as wire:
        wire.ask("POST", "/stream/no", expect="100-continue", content_length="3")
        reply = wire.response()
        assert reply.status == 403 and reply.informational == []


def test_a_declared_length_over_the_limit_gets_no_continue(newel, origin):
    edge = newel(site(origin, limits={"body": "1K"}))
    with edge.wire() as wire:
        wire.ask("POST", "/", expect="100-continue", content_length="2000")
        reply = wire.response()
        assert reply.status == 413 and reply.informational == []
    assert origin.connections == []


def test_early_hints_pass(edge, origin):
    origin.on("GET /page").hint(103, link="</style.css>; rel=preload").hint(102).reply(200, "page")
    with edge.wire() as wire:
        reply = wire.ask("GET", "/page").response()
        assert reply.text == "page"
        assert [hint.status for hint in reply.informational] == [103, 102]
        assert reply.informational[0].headers["link"] == "</style.css>; rel=preload"
    with edge.wire() as wire:
        reply = wire.ask("GET", "/page", version="1.0").response()
        assert reply.text == "page" and reply.informational == []


def test_http_1_0_clients_get_no_continue(edge, origin):
    with edge.wire() as wire:
        wire.ask("POST", "/data", b"abc", version="1.0", expect="100-continue")
        reply = wire.response()
        assert reply.status == 200 and reply.informational == []
    assert origin.last.body == b"abc"


def test_a_node_that_never_says_continue_gets_the_body_after_a_second(edge, origin):
    rule = origin.on("POST /stream/data").early()
    rule.call(lambda connection, request: setattr(request, "body", connection.reader.exactly(3)))
    rule.reply(200, "got it")
    with edge.wire() as wire:
        wire.ask("POST", "/stream/data", b"abc", expect="100-continue")
        origin.wait_requests(1)
        edge.clock.advance(ms=1100)
        assert wire.response().text == "got it"
    assert origin.last.body == b"abc"


# Framings that tempt to read wrongly


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_bodiless_answers_leave_the_connection_in_step(edge, origin, answer):
    origin.on("GET /x").raw(answer)
    with edge.wire() as wire:
        for _ in range(3):
            assert wire.ask("GET", "/x").response().body == b""
            assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"
    assert len(origin.connections) == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 100000", b"Transfer-Encoding: chunked", b"A: b"])
def test_head_has_no_body_whatever_the_fields_say(edge, origin, framing):
    origin.on("HEAD /x").raw(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
    with edge.wire() as wire:
        for _ in range(3):
            assert wire.ask("HEAD", "/x").response("HEAD").status == 200
            assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"


@pytest.mark.parametrize("path, status", [("/hello", 200), ("/_newel/none", 404), ("/moved", 301)])
def test_head_of_own_answers_has_no_body(edge, path, status):
    with edge.wire() as wire:
        reply = wire.ask("HEAD", path).response("HEAD")
        assert reply.status == status and "content-length" in reply.headers
        assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"


def test_a_node_that_says_close_is_not_asked_again_on_that_connection(edge, origin):
    origin.on("GET /x").raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
    with edge.wire() as wire:
        reply = wire.ask("GET", "/x").response()
        assert reply.body == b"x" and "connection" not in reply.headers
        assert wire.ask("GET", "/next").response().status == 200
    assert len(origin.connections) == 2 and origin.connections[0].closed.wait(60)


def test_bytes_behind_a_last_request_are_not_served(edge, origin):
    with edge.wire() as wire:
        wire.send(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                  b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.response().text == "origin: GET /a\n" and wire.ends()
    assert origin.count() == 1


def test_a_node_that_dies_under_an_upload_is_502(edge, origin):
    origin.on("POST /stream/x").early().call(lambda c, r: c.reader.exactly(1000)).reset()
    with edge.wire() as wire:
        wire.ask("POST", "/stream/x", content_length="3000000")
        try:
            wire.sock.sendall(bytes(3_000_000))
        except ConnectionError:
            pass
        reply = wire.response()
        assert reply.status == 502
        if "connection" in reply.headers:
            assert reply.headers["connection"] == "close" and wire.ends()
        else:  # all of the body was taken before the reset was seen
            assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"
    assert origin.count("POST") == 1


def test_a_folder_without_its_slash_is_redirected(newel, origin):
    edge = newel(site(origin, routes=[{"path": "/shop/", "service": "app"}]))
    reply = edge.get("/shop?a=b")
    assert reply.status == 308 and reply.headers["Location"] == "/shop/?a=b"
    assert edge.get("/shop/x").status == 200 and edge.get("/shopping").status == 404


def test_an_upgrade_that_the_node_declines_is_an_answer(newel, origin):
    origin.on("GET /ws").reply(426, "no", upgrade="websocket", connection="upgrade")
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "upgrade": ["websocket"]}]))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/ws", **UPGRADE).response()
        assert reply.status == 426 and reply.text == "no"
        assert wire.ask("GET", "/next").response().status == 200


# Targets


@pytest.mark.parametrize("sent, forwarded", [
    ("/a/./b/../c", "/a/c"),
    ("/%7Euser", "/~user"),
    ("/a%2fb", "/a%2Fb"),
    ("//a", "//a"),
    ("/x?q=100%&f[a]=1", "/x?q=100%&f[a]=1"),
    ("/x?", "/x?"),
    ("/raw/%7Eu/./s%2fx?y=%zz", "/raw/%7Eu/./s%2fx?y=%zz"),
])
def test_targets_are_normalised(edge, origin, sent, forwarded):
    with edge.wire() as wire:
        assert wire.ask("GET", sent).response().status == 200
    assert origin.last.target == forwarded


def test_an_absolute_target_replaces_host(edge, origin):
    with edge.wire() as wire:
        wire.send(b"GET http://other.example:81/a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        assert wire.response().status == 200
    assert origin.last.target == "/a?b" and origin.last.headers.all("host") == ["other.example:81"]


@pytest.mark.parametrize("rule, expected", [("keep", "shop.example"), ("fixed.example", "fixed.example"),
                                            ("node", None)])
def test_the_host_that_nodes_see_is_a_choice(newel, origin, rule, expected):
    edge = newel(site(origin, service={"host": rule}))
    edge.get("/")
    assert origin.last.headers["host"] == (expected or origin.address)


# Fields


def test_fields_of_the_connection_stay_on_it(edge, origin):
    origin.on("GET /").reply(200, "x", connection="X-Secret, keep-alive", x_secret="1",
                             keep_alive="timeout=5", proxy_connection="keep-alive", x_kept="2")
    with edge.wire() as wire:
        reply = wire.ask("GET", "/", connection="X-Hop, TE", x_hop="1", te="trailers", x_end="2",
                         keep_alive="timeout=1", proxy_connection="close", upgrade="h2c").response()
    seen = origin.last.headers
    for name in ("connection", "x-hop", "te", "keep-alive", "proxy-connection", "upgrade"):
        assert name not in seen
    assert seen["x-end"] == "2"
    for name in ("connection", "x-secret", "keep-alive", "proxy-connection"):
        assert name not in reply.headers
    assert reply.headers["x-kept"] == "2"


def test_vital_fields_cannot_be_named_away(edge, origin):
    with edge.wire() as wire:
        wire.ask("POST", "/", b"abc", connection="Cookie, Authorization, Content-Length, Host",
                 cookie="a=b", authorization="Bearer x").response()
    seen = origin.last.headers
    assert seen["cookie"] == "a=b" and seen["authorization"] == "Bearer x"
    assert seen["content-length"] == "3" and seen["host"] == "shop.example"


def test_order_and_repeats_of_fields_are_kept(edge, origin):
    origin.on("GET /").raw(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-B: 1\r\nSet-Cookie: b=2\r\n"
                           b"X-b: \xc3\xa9\r\nContent-Length: 0\r\n\r\n")
    with edge.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nX-A: 1\r\nHost: a\r\nX-B: 2\r\nX-A: 3\r\n\r\n")
        reply = wire.response()
    assert reply.headers.all("set-cookie") == ["a=1", "b=2"] and reply.headers.all("x-b")[0] == "1"
    assert reply.headers.all("x-b")[1] == b"\xc3\xa9".decode("latin-1")
    mine = [pair for pair in origin.last.headers.pairs if pair[0].startswith("X-A") or pair[0] == "X-B"]
    assert mine == [("X-A", "1"), ("X-B", "2"), ("X-A", "3")]


def test_what_newel_adds_towards_the_node(edge, origin):
    edge.get("/", host="shop.example:8080")
    seen = origin.last.headers
    assert seen["via"] == "1.1 newel"
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "shop.example:8080"
    assert seen["forwarded"] == 'for=127.0.0.1;proto=http;host="shop.example:8080"'
    assert re.fullmatch("[0-9a-f]{32}", seen["x-request-id"])
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", seen["traceparent"])


def test_what_newel_adds_towards_the_client(edge, origin):
    origin.on("GET /dated").reply(200, "x", date="Sun, 06 Nov 1994 08:49:37 GMT", server="node")
    reply = edge.get("/")
    assert reply.headers["Via"] == "1.1 newel" and "Server" not in reply.headers
    assert reply.headers["X-Request-Id"] == origin.last.headers["x-request-id"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers["Date"])
    dated = edge.get("/dated")
    assert dated.headers.get_all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]
    assert dated.headers["Server"] == "node"


CLAIMS = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https",
          "X-Forwarded-Host": "evil.example", "Forwarded": "for=203.0.113.9", "X-Request-Id": "mine-1",
          "X-Real-IP": "203.0.113.9", "Newel-User": "root", "newel_user": "root"}


def test_claims_of_strangers_are_replaced(edge, origin):
    edge.get("/", headers=CLAIMS)
    seen = origin.last.headers
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == "shop.example" and "203.0.113.9" not in seen["forwarded"]
    assert seen["x-request-id"] != "mine-1" and "x-real-ip" not in seen
    assert not any(name.replace("_", "-").startswith("newel-") for name in seen.names())


def test_claims_of_trusted_proxies_are_appended_to(newel, origin):
    edge = newel(site(origin, trusted_proxies=["127.0.0.0/8"]))
    edge.get("/", headers=CLAIMS)
    seen = origin.last.headers
    assert seen["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https" and seen["x-forwarded-host"] == "evil.example"
    assert seen["forwarded"].startswith("for=203.0.113.9, for=127.0.0.1;")
    assert seen["x-request-id"] == "mine-1"
    assert not any(name.replace("_", "-").startswith("newel-") for name in seen.names())


def test_a_trace_is_continued_with_a_new_span(edge, origin):
    edge.get("/", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    version, trace, span, flags = origin.last.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "00")
    assert span != "b7ad6b7169203331"
    edge.get("/", traceparent="00-00000000000000000000000000000000-b7ad6b7169203331-01")
    assert "-00000000000000000000000000000000-" not in origin.last.headers["traceparent"]


# Upgrades


def echo(connection, request):
    connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Accept: {request.headers['sec-websocket-key']}\r\n\r\n")
    while data := connection.reader.buffer or (connection.reader.more() and connection.reader.buffer):
        connection.send(bytes(data))
        connection.reader.buffer.clear()


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
           "Sec_WebSocket_Version": "13"}


def test_a_websocket_is_a_tunnel(newel, origin):
    origin.on("GET /ws").call(echo)
    edge = newel(site(origin, routes=[{"path": "/ws", "service": "app", "upgrade": ["websocket"]}]))
    with edge.wire() as wire:
        wire.ask("GET", "/ws", **UPGRADE)
        reply = wire.response()
        assert reply.status == 101 and reply.headers["upgrade"].lower() == "websocket"
        assert "upgrade" in reply.headers["connection"].lower()
        for data in (b"\x81\x00", b"not http at all\n", b"x" * 100_000):
            wire.send(data)
            assert wire.reader.exactly(len(data)) == data
        assert origin.last.headers["connection"].lower() == "upgrade"
        wire.half_close()
        assert wire.ends()
    origin.connections[0].closed.wait(60)


def test_an_upgrade_needs_the_routes_leave(edge, origin):
    with edge.wire() as wire:
        reply = wire.ask("GET", "/ws", **UPGRADE).response()
    assert reply.status == 200 and "upgrade" not in origin.last.headers


# Addresses


def test_names_and_ipv6_on_both_sides(newel, origin):
    edge = newel(site(f"localhost:{origin.port}", listen=["localhost:0", "[::1]:0"]))
    assert [edge.get("/", listener=i).status for i in range(2)] == [200, 200]
    assert origin.last.headers["x-forwarded-for"] == "::1"
    assert origin.last.headers["forwarded"].startswith('for="[::1]";')


def test_a_name_that_does_not_resolve_is_502(newel):
    edge = newel(site("nowhere.invalid:80"))
    reply = edge.get("/")
    assert reply.status == 502 and "nowhere" not in reply.text


def test_a_long_pipeline_is_answered_whole(edge, origin):
    origin.on("GET /x").reply(200, b"y" * 100_000)
    with edge.wire(receive_bytes=4096) as wire:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        for _ in range(100):
            assert len(wire.response().body) == 100_000


# Unix sockets


def test_unix_sockets_on_both_sides(newel, origins, tmp_path):
    node = origins("node", unix=True)
    path = tmp_path / "edge.sock"
    edge = newel(site(node, listen=[f"unix:{path}"]))
    data = data_of(300_000)
    node.on("POST /data").reply(200, data)
    reply = edge.post("/data", data)
    assert reply.body == data and node.last.body == data
    assert node.last.headers["forwarded"].startswith("for=_unix;") and len(edge.listeners) == 1
