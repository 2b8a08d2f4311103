"""Real servers behind newel, unchanged: gunicorn with Flask, PHP, Python, Node, `ws`."""

import hashlib
import json
import os
import select

import pytest

from kit.load import Background, eventually
from peer_kit import (NODE_ENVIRONMENT, Uploaders, gunicorn, node, peer, php, python_files, run,
                      supervised)

MIB = 1024 * 1024


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# gunicorn with Flask, on the Unix socket that newel gives it


@pytest.fixture
def flask(newel):
    return supervised(newel, gunicorn("--workers", "2"))


def test_flask_serves_pages_and_sees_who_asked(flask):
    home = flask.get("/")
    assert home.status == 200 and "<title>Flask</title>" in home.text
    seen = flask.get("/seen?a=1&b=%C3%A4%20b", accept="text/x", host="shop.example").json
    assert seen["query"] == {"a": "1", "b": "ä b"} and seen["accept"] == "text/x"
    assert seen["host"] == "shop.example" and seen["url"].startswith("http://shop.example/seen?")
    assert seen["forwarded_for"] == "127.0.0.1" and seen["forwarded_proto"] == "http"


def test_flask_forms_cookies_and_redirects(flask):
    posted = flask.post("/form", b"name=Ada+L", content_type="application/x-www-form-urlencoded")
    assert posted.status == 303 and posted.headers["Location"] == "/welcome"
    cookies = posted.headers.get_all("Set-Cookie")
    assert len(cookies) == 2
    jar = "; ".join(cookie.split(";")[0] for cookie in cookies)
    assert flask.get("/welcome", cookie=jar).text == "welcome Ada L, seen 1"


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 5 * MIB])
def test_flask_uploads_arrive_whole(flask, size):
    data = os.urandom(size)
    for framing in "length", "chunked":
        body = data if framing == "length" else iter([data[:70_000], data[70_000:]])
        seen = flask.request("PUT", "/upload", body).json
        assert (seen["bytes"], seen["sha256"]) == (size, sha256(data)), framing


def test_flask_errors_and_generated_answers(flask):
    lines = flask.get("/generated/20000").text.splitlines()
    assert lines == [f"line {i}" for i in range(20000)]
    assert flask.get("/none").status == 404
    gone = flask.get("/gone")
    assert gone.status == 500 and "Internal Server Error" in gone.text
    with flask.wire() as wire:
        head = wire.ask("HEAD", "/").response("HEAD")
        assert head.status == 200 and int(head.headers["content-length"]) > 0
        assert wire.ask("GET", "/").response().status == 200


def test_two_workers_under_200_slow_uploaders_still_answer_others(flask):
    uploaders = Uploaders(flask.address, count=200, size=10 ** 6, rate=5000)
    try:
        answered = 0
        while answered < 50 or uploaders.sent < 15_000:
            reply = flask.get("/seen")
            assert reply.status == 200
            answered += 1
        assert uploaders.sent < 10 ** 6, "they were to be in the middle of their uploads"
        uploaders.stop()
        # all 200 still upload: none was answered or cut off, and no worker has been given one
        assert select.select([wire.sock for wire in uploaders.wires], [], [], 0)[0] == []
        [service] = flask.status()["gate"]["services"].values()
        assert [one["in_flight"] for one in service["nodes"]] == [0]
        for wire in uploaders.wires[::20]:
            seen = uploaders.finish(wire)
            assert seen.status == 200
            assert json.loads(seen.body)["sha256"] == sha256(uploaders.data)
    finally:
        uploaders.hang_up()
    assert flask.get("/").status == 200


# PHP's own server: one request at a time, closes after each answer


@pytest.fixture
def elephant(newel, tmp_path):
    return supervised(newel, php(), env={"SESSIONS": str(tmp_path)})


def test_php_requests_bodies_and_errors(elephant):
    seen = elephant.request("PATCH", "/thing?a=1", b"x" * 100_000, host="shop.example").json
    assert seen == {"method": "PATCH", "query": {"a": "1"}, "protocol": "HTTP/1.1",
                    "host": "shop.example", "body": "x" * 100_000, "for": "127.0.0.1"}
    chunked = elephant.post("/", iter([b"one ", b"two"])).json
    assert chunked["body"] == "one two"
    assert elephant.get("/lines").text == "".join(f"line {i}\n" for i in range(1000))
    assert elephant.get("/broken").status == 500
    moved = elephant.get("/moved")
    assert moved.status == 302 and moved.headers["Location"] == "/count"


def test_php_sessions_over_one_connection(elephant):
    """The client's connection is kept though the server behind closes its own each time."""
    with elephant.wire() as wire:
        first = wire.ask("GET", "/count").response()
        assert first.text == "1"
        cookie = first.headers["set-cookie"].split(";")[0]
        for count in range(2, 6):
            assert wire.ask("GET", "/count", cookie=cookie).response().text == str(count)


def test_php_takes_a_form_with_a_file(elephant):
    picture = os.urandom(300_000)
    mark = b"----mark"
    body = (b"--%s\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nfor you\r\n"
            b"--%s\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a b.png\"\r\n"
            b"Content-Type: image/png\r\n\r\n%s\r\n--%s--\r\n" % (mark, mark, picture, mark))
    seen = elephant.post("/upload", body, headers={
        "Content-Type": "multipart/form-data; boundary=" + mark.decode()}).json
    assert seen == {"name": "a b.png", "bytes": 300_000, "note": "for you",
                    "sha256": sha256(picture)}


# Python's own server, which speaks HTTP/1.0


@pytest.fixture
def files(newel, tmp_path):
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "page.html").write_text("<title>page</title>")
    (folder / "large").write_bytes(os.urandom(20 * MIB))
    (folder / "sub" / "one.txt").write_text("one")
    edge = supervised(newel, python_files(folder))
    edge.files = folder
    return edge


def test_python_files_lists_and_redirects(files):
    listing = files.get("/")
    assert listing.status == 200
    assert 'href="page.html"' in listing.text and 'href="sub/"' in listing.text
    moved = files.get("/sub")
    assert moved.status == 301 and moved.headers["Location"] == "/sub/"
    assert files.get("/sub/one.txt").text == "one"
    assert files.get("/none").status == 404
    page = files.get("/page.html")
    again = files.get("/page.html", if_modified_since=page.headers["Last-Modified"])
    assert again.status == 304 and again.body == b""


def test_python_keeps_the_clients_connection(files):
    """Every answer of HTTP/1.0 ends its connection; the client's is one of 1.1 and stays."""
    with files.wire() as wire:
        head = wire.ask("HEAD", "/large").response("HEAD")
        assert head.version == "HTTP/1.1" and head.headers["content-length"] == str(20 * MIB)
        large = wire.ask("GET", "/large").response()
        assert sha256(large.body) == sha256((files.files / "large").read_bytes())
        assert wire.ask("GET", "/page.html").response().status == 200
        assert wire.ask("POST", "/page.html", b"x").response().status == 501
        assert wire.ask("GET", "/page.html").response().status == 200


# A Node server with server-sent events


class Events:
    """One listener; reads event by event."""

    def __init__(self, edge, version="1.1", **fields):
        self.wire = edge.wire(name="listener")
        self.wire.ask("GET", "/events", version=version, accept="text/event-stream", **fields)
        self.head = self.wire.head()
        self.is_chunked = "transfer-encoding" in self.head.headers
        self.text = b""

    def next(self):
        """The next event; nothing of a later one may be there."""
        while b"\n\n" not in self.text:
            if self.is_chunked:
                piece = self.wire.reader.chunk()
            else:
                piece = self.wire.reader.exactly(len(self.wire.reader.buffer) or 1)
            assert piece, "the events ended"
            self.text += piece
        event, self.text = self.text.split(b"\n\n", 1)
        assert self.text == b"", "something came that nobody has said yet"
        return event.decode()


@pytest.fixture
def events(newel):
    return supervised(newel, node("events.js"))


def test_events_arrive_one_by_one(events):
    listeners = [Events(events), Events(events, last_event_id="7")]
    assert [one.head.headers["content-type"] for one in listeners] == ["text/event-stream"] * 2
    assert listeners[0].next() == "retry: 1000\n: welcome "
    assert listeners[1].next() == "retry: 1000\n: welcome 7"
    for i in range(1, 101):
        # the next event exists only once this one has been read by everybody
        assert events.post("/say", f"number {i}".encode()).text == "2"
        for one in listeners:
            assert one.next() == f"id: {i}\ndata: number {i}"
    events.post("/say", b"bye")
    for one in listeners:
        assert one.wire.reader.chunk() == b"", "the end arrives too"
        one.wire.close()


def test_events_to_a_client_of_http_1_0(events):
    listener = Events(events, version="1.0")
    assert not listener.is_chunked
    assert listener.next().startswith("retry")
    for i in (1, 2, 3):
        events.post("/say", b"hello")
        assert listener.next() == f"id: {i}\ndata: hello"
    events.post("/say", b"bye")
    assert listener.wire.ends()


def test_the_event_server_learns_that_a_listener_left(events):
    listener = Events(events)
    listener.next()
    assert events.get("/listeners").text == "1"
    listener.wire.close()
    eventually(lambda: events.get("/listeners").text == "0", "the listener leave")


# WebSocket by the npm package ws


@pytest.fixture
def echo(newel):
    """Two addresses on one server: /plain/ does not allow the upgrade."""
    conf = {"newel": 1, "listen": "127.0.0.1:0", "admin": "127.0.0.1:0",
            "services": {"echo": {"run": node("echo.js"), "instances": 1}},
            "routes": [{"path": "/plain/", "service": "echo"},
                       {"path": "/", "service": "echo", "upgrade": ["websocket"]}]}
    edge = newel(conf, env=NODE_ENVIRONMENT)
    edge.wait_line("event=process.ready")
    return edge


def converse(edge, transcript, count, *sizes):
    done = run(transcript, "node", peer("chat.js"), f"ws://{edge.address}/", count, *sizes,
               env=NODE_ENVIRONMENT)
    return json.loads(done.stdout)


def test_websocket_messages_pings_and_close_codes(echo, transcript):
    sizes = [1, 125, 126, 65535, 65536, MIB]
    all_ = converse(echo, transcript, 4, *sizes)
    assert [one["same"] for one in all_] == [2 * len(sizes)] * 4
    assert {one["pong"] for one in all_} == {"are you there"}
    assert [one["code"] for one in all_] == [1000, 1001, 3000, 4999]
    assert [one["reason"] for one in all_] == [f"reason {i}" for i in range(4)]
    assert echo.get("/").text == "plain, upgrade not asked for\n"


def test_50_websockets_at_once(echo, transcript):
    all_ = converse(echo, transcript, 50, 1, 1000, 100_000)
    assert len(all_) == 50
    assert all(one["same"] == 6 and one["code"] == one["asked"] for one in all_)


def test_websocket_without_a_file(newel, transcript):
    """`newel run -- node echo.js` needs no route for it."""
    edge = supervised(newel, node("echo.js"), env=NODE_ENVIRONMENT)
    assert converse(edge, transcript, 1, 10)[0]["same"] == 2


UPGRADE = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13",
           "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ=="}


def test_a_route_without_upgrade_passes_a_plain_request(echo, transcript):
    with echo.wire() as wire:
        reply = wire.ask("GET", "/plain/", **UPGRADE).response()
        assert reply.status == 200 and reply.text == "plain, upgrade not asked for\n"
    done = run(transcript, "node", peer("chat.js"), f"ws://{echo.address}/plain/", 1, 1,
               env=NODE_ENVIRONMENT)
    assert done.returncode == 1 and "200" in json.loads(done.stdout)["trouble"]


def test_the_server_may_refuse_the_upgrade(echo):
    with echo.wire() as wire:
        reply = wire.ask("GET", "/refused", **UPGRADE).response()
        assert reply.status == 403 and reply.text == "no\n"


def test_the_accept_key_is_the_one_of_the_standard(echo):
    """RFC 6455, section 1.3."""
    with echo.wire() as wire:
        reply = wire.ask("GET", "/", **UPGRADE).head()
        assert reply.status == 101 and reply.headers["upgrade"].lower() == "websocket"
        assert reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        wire.send(bytes([0x81, 0x82, 1, 2, 3, 4, ord("h") ^ 1, ord("i") ^ 2]))
        assert wire.reader.exactly(4) == b"\x81\x02hi"
        # a client that only stops sending still hears what was on its way, then the end
        wire.send(bytes([0x81, 0x82, 1, 2, 3, 4, ord("y") ^ 1, ord("o") ^ 2])).half_close()
        assert wire.rest().startswith(b"\x81\x02yo")


def test_each_side_ends_for_itself(echo):
    with echo.wire() as wire:
        assert wire.ask("GET", "/half", **UPGRADE).head().status == 101
        wire.send(b"x" * 100_000).half_close()
        assert wire.rest() == b"100000 bytes"


def test_websockets_are_told_when_the_server_dies(echo):
    with echo.wire() as wire:
        assert wire.ask("GET", "/", **UPGRADE).head().status == 101
        ended = Background(wire.rest)
        pid = int(echo.wait_line("event=process.ready").split(" pid=")[1].split()[0])
        os.kill(pid, 9)
        assert ended.result() == b""
    echo.wait(lambda: sum("event=process.ready" in line for line in echo.stderr) == 2, "came back")
    assert echo.get("/").status == 200
