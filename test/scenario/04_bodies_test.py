"""Bodies that are long, slow, broken off, or given up: bounded memory, and nobody takes half for whole."""

import os
import shutil
import socket
import struct
import threading

import pytest

from kit.load import Background, eventually
from kit.message import Closed
from kit.newel import SANITIZED, scaled
from kit.site import site

MIB = 1024 * 1024
BOUND = 64 * MIB
BLOCK = bytes(range(256)) * 1024  # 256 KiB


def stream_of(total):
    """A node that sends so many bytes without ever holding them."""
    def step(connection, request):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")
        left = total
        while left > 0:
            piece = BLOCK if left >= len(BLOCK) else BLOCK[:left]
            connection.sock.sendall(piece)
            left -= len(piece)
    return step


def swallow(wire, count):
    """Reads so many bytes of a body and drops them; how many came."""
    got = len(wire.reader.buffer)
    wire.reader.buffer.clear()
    room = bytearray(MIB)
    while got < count:
        size = wire.sock.recv_into(room, min(len(room), count - got))
        if size == 0:
            break
        got += size
    return got


@pytest.fixture
def quiet(origins):
    """A node for much traffic: it keeps and tells nothing of the bytes."""
    return origins("origin", records_bytes=False, is_told=False)


# Memory


def test_a_gibibyte_to_a_slow_reader_costs_little_memory(newel, quiet):
    total = scaled(1024, 128) * MIB
    quiet.on("GET /big").call(stream_of(total))
    edge = newel(site(quiet))
    with edge.wire(receive_bytes=64 * 1024) as wire:
        head = wire.ask("GET", "/big").head()
        assert head.headers["content-length"] == str(total)
        got = swallow(wire, 1 * MIB)  # then the reader stops, and newel must stop the node
        eventually(lambda: edge.metric("newel_requests_in_flight") == 1)
        if not SANITIZED:
            assert edge.memory("VmHWM") < BOUND
        assert got + swallow(wire, total - got) == total
        if not SANITIZED:
            assert edge.memory("VmHWM") < BOUND
        assert wire.ask("GET", "/next").response().status == 200


def test_many_slow_readers_cost_little_memory(newel, quiet):
    total = 64 * MIB
    quiet.on("GET /big").call(stream_of(total))
    edge = newel(site(quiet))
    wires = [edge.wire(receive_bytes=32 * 1024) for _ in range(scaled(40, 10))]
    try:
        for wire in wires:
            wire.ask("GET", "/big").head()
            swallow(wire, 100_000)
        eventually(lambda: edge.metric("newel_requests_in_flight") == len(wires))
        if not SANITIZED:
            assert edge.memory("VmHWM") < BOUND
        assert edge.get("/small").status == 200
    finally:
        for wire in wires:
            wire.close()
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)


@pytest.mark.parametrize("path", ["/spooled", "/stream/"])
def test_a_long_upload_costs_little_memory(newel, quiet, path):
    total = scaled(256, 32) * MIB

    def drop(connection, request):
        left = total - len(connection.reader.buffer)
        connection.reader.buffer.clear()
        room = bytearray(MIB)
        while left > 0:
            size = connection.sock.recv_into(room, min(left, len(room)))
            assert size > 0
            left -= size
    quiet.on(f"POST {path}").early().call(drop).reply(200, "got it")
    edge = newel(site(quiet, limits={"body": "1G"}, buffer={"spool": "512M"},
                      routes=[{"path": "/stream/", "service": "app", "stream": True},
                              {"path": "/", "service": "app"}]))
    with edge.wire() as wire:
        wire.ask("POST", path, content_length=str(total))
        for _ in range(total // len(BLOCK)):
            wire.sock.sendall(BLOCK)
        assert wire.response().text == "got it"
    if not SANITIZED:
        assert edge.memory("VmHWM") < BOUND
    eventually(lambda: edge.status()["memory"]["spool"] == 0, "an empty spool")


def test_slow_senders_hold_no_node(newel, origin):
    edge = newel(site(origin))
    wires = [edge.wire() for _ in range(scaled(200, 40))]
    try:
        for wire in wires:
            wire.ask("POST", "/upload", content_length="1000000")
            wire.send(b"x" * 1000)
        eventually(lambda: edge.metric("newel_requests_in_flight") == len(wires))
        assert origin.connections == []
        assert edge.get("/other").status == 200
        if not SANITIZED:
            assert edge.memory("VmHWM") < BOUND
    finally:
        for wire in wires:
            wire.close()
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert [request.target for request in origin.requests] == ["/other"]


# The spool


def test_the_spool_has_a_ceiling(newel, origin):
    edge = newel(site(origin, buffer={"spool": "1M"}))
    with edge.wire() as wire:
        wire.ask("POST", "/", content_length=str(3 * MIB))
        try:
            wire.sock.sendall(bytes(3 * MIB))
        except ConnectionError:
            pass
        reply = wire.response()
        assert reply.status == 503 and "retry-after" in reply.headers
    assert edge.post("/", bytes(300_000)).status == 200
    assert origin.count() == 1


def test_a_spool_that_is_gone_is_newels_own_failure(newel, origin):
    edge = newel(site(origin))
    shutil.rmtree(os.path.join(edge.state, "spool"))
    assert edge.post("/", bytes(300_000)).status == 500
    assert edge.post("/", bytes(30_000)).status == 200


def test_a_spooled_body_that_may_have_started_is_not_repeated(newel, origins):
    a, b = origins("a", "b")
    for one in (a, b):
        one.on("PUT /x").hang_up()
    edge = newel(site(a, b))
    assert edge.request("PUT", "/x", bytes(500_000)).status == 502
    assert a.count() + b.count() == 1


def test_a_spooled_body_moves_whole_when_it_never_started(newel, origins):
    a, b = origins("a", "b")
    a.stop()
    edge = newel(site(a, b))
    data = bytes(range(256)) * 2000
    for _ in range(4):
        assert edge.request("PUT", "/x", data).status == 200
        assert b.last.body == data


# Early answers


def test_an_early_answer_ends_the_upload(newel, origin):
    origin.on("POST /stream/").early().reply(403, "no")
    edge = newel(site(origin, routes=[{"path": "/stream/", "service": "app", "stream": True}]))
    with edge.wire() as wire:
        wire.ask("POST", "/stream/", content_length="1000000").send(b"x" * 1000)
        reply = wire.response()
        assert reply.status == 403 and reply.text == "no"
        assert reply.headers["connection"] == "close"
        assert wire.ends()
    assert origin.connections[0].closed.wait(60)


@pytest.mark.parametrize("path", ["/", "/stream/"])
def test_every_uploader_reads_its_413(newel, origin, path):
    edge = newel(site(origin, limits={"body": "100K"},
                      routes=[{"path": "/stream/", "service": "app", "stream": True},
                              {"path": "/", "service": "app"}]))
    data = bytes(1_000_000)

    def upload():
        with edge.wire() as wire:
            wire.ask("POST", path, content_length=str(len(data)))
            try:
                wire.sock.sendall(data)
            except ConnectionError:
                pass
            return wire.response().status
    for _ in range(10):
        uploads = [Background(upload) for _ in range(10)]
        assert [one.result() for one in uploads] == [413] * 10
    assert origin.requests == []


@pytest.mark.parametrize("path", ["/", "/stream/"])
def test_a_chunked_upload_over_the_limit_is_413(newel, origin, path):
    edge = newel(site(origin, limits={"body": "100K"},
                      routes=[{"path": "/stream/", "service": "app", "stream": True},
                              {"path": "/", "service": "app"}]))
    with edge.wire() as wire:
        wire.ask("POST", path, transfer_encoding="chunked")
        try:
            for _ in range(20):
                wire.sock.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        except ConnectionError:
            pass
        assert wire.response().status == 413
    assert origin.requests == []
    origin.wait(lambda: not origin.alive, "the cut")


# Clients that go


def test_a_client_that_goes_cancels_the_nodes_request(newel, origin):
    origin.on("GET /slow").never()
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        origin.wait_requests(1)
    assert origin.connections[0].closed.wait(60)
    eventually(lambda: edge.metric("newel_client_gone_total") == 1)


def test_a_client_that_resets_cancels_the_nodes_request(newel, origin):
    origin.on("GET /slow").never()
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        origin.wait_requests(1)
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert origin.connections[0].closed.wait(60)


def test_a_client_that_goes_in_the_middle_of_an_answer_frees_the_node(newel, quiet):
    quiet.on("GET /big").call(stream_of(512 * MIB))
    edge = newel(site(quiet))
    with edge.wire() as wire:
        wire.ask("GET", "/big").head()
        swallow(wire, MIB)
    assert quiet.connections[0].closed.wait(60)
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    told = edge.node(quiet)
    assert told["ejected"] is False and told["in_flight"] == 0


def test_finish_lets_the_node_finish(newel, origin):
    go_on = threading.Event()
    finished = threading.Event()
    origin.on("POST /order").hold(go_on).reply(200, "done").call(lambda *_: finished.set())
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "finish": True}]))
    with edge.wire() as wire:
        wire.ask("POST", "/order", b"1 soup")
        origin.wait_requests(1)
    go_on.set()
    assert finished.wait(60)
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert edge.node(origin)["tries"]["ok"] == 1
    assert not origin.connections[0].closed.is_set()


def test_an_uploader_that_goes_is_seen_by_no_node(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("POST", "/", content_length="100").send(b"x" * 10)
        eventually(lambda: edge.metric("newel_requests_in_flight") == 1)
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert origin.connections == []


def test_a_streaming_uploader_that_goes_cuts_the_node(newel, origin):
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "stream": True}]))
    for framing in ({"content_length": "100"}, {"transfer_encoding": "chunked"}):
        with edge.wire() as wire:
            wire.ask("POST", "/", **framing).send(b"5\r\nfirst\r\n")
            origin.wait(lambda: origin.alive and b"first" in list(origin.alive)[0].seen)
        origin.wait(lambda: not origin.alive, "the cut")
    assert origin.requests == [] and not origin.seen.endswith(b"0\r\n\r\n")


# Answers that come in pieces or break


def test_events_arrive_one_by_one(newel, origin):
    said = [threading.Event() for _ in range(5)]

    def events():
        for number, event in enumerate(said):
            assert event.wait(60)
            yield f"data: {number}\n\n"
    origin.on("GET /events").chunked(events, content_type="text/event-stream")
    edge = newel(site(origin))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/events").head()
        assert reply.headers["content-type"] == "text/event-stream"
        for number, event in enumerate(said):
            event.set()
            assert wire.reader.chunk() == b"data: %d\n\n" % number
        assert wire.reader.chunk() == b""


def test_events_until_close_arrive_one_by_one(newel, origin):
    said = [threading.Event() for _ in range(3)]
    rule = origin.on("GET /events").raw(b"HTTP/1.1 200 OK\r\n\r\n")
    for number, event in enumerate(said):
        rule.hold(event).raw(b"data: %d\n\n" % number)
    rule.hang_up()
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("GET", "/events", version="1.0").head()
        for number, event in enumerate(said):
            event.set()
            assert wire.reader.exactly(9) == b"data: %d\n\n" % number
        assert wire.ends()


LONG = b"x" * 400_000


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("sent", [10, len(LONG) - 1])
@pytest.mark.parametrize("end", ["hang_up", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_broken_answer_is_visible_to_the_client(newel, origin, framing, end, sent, version):
    go_on = threading.Event()
    head = b"HTTP/1.1 200 OK\r\n"
    if framing == "length":
        rule = origin.on("GET /x").raw(head + b"Content-Length: %d\r\n\r\n" % len(LONG) + LONG[:sent])
    else:
        rule = origin.on("GET /x").raw(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" %
                                       (len(LONG), LONG[:sent]))
    getattr(rule.hold(go_on), end)()
    edge = newel(site(origin))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/x", version=version).head()
        assert reply.status == 200
        eventually(lambda: edge.metric("newel_requests_in_flight") == 1)
        go_on.set()
        with pytest.raises(Closed):
            wire.finish(reply)
    assert edge.get("/next").status == 200


def test_a_body_behind_head_or_204_is_not_relayed(newel, origin):
    origin.on("HEAD /x").raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    edge = newel(site(origin))
    with edge.wire() as wire:
        assert wire.ask("HEAD", "/x").response("HEAD").status in (200, 502)
        assert wire.ask("GET", "/next").response().text == "origin: GET /next\n"
    assert origin.connections[0].closed.wait(60)


def test_a_slow_reader_frees_the_node(newel, origin):
    origin.on("GET /page").reply(200, b"x" * 200_000)
    edge = newel(site(origin, service={"max_connections": 1}))
    with edge.wire(receive_bytes=4096) as wire:
        wire.ask("GET", "/page").head()
        assert edge.get("/other").status == 200  # with the one connection that there may be
        assert len(wire.reader.exactly(200_000)) == 200_000
