"""Patience with clients and nodes. Hours pass by the clock that the control socket moves."""

import threading

import pytest

from kit.load import Background, eventually
from kit.site import site


def in_flight(edge, count=1):
    eventually(lambda: edge.metric("newel_requests_in_flight") == count, f"{count} in flight")


def connected(edge, count=1):
    eventually(lambda: edge.metric("newel_connections_open") == count, f"{count} connections")


# Clients


def test_a_head_that_does_not_end_is_408(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        eventually(lambda: "gate.conn" in str(edge.control("fibers")), "the reading")
        edge.clock.advance(s=9)
        wire.send(b"A: b\r\n")
        edge.clock.advance(s=2)
        reply = wire.response()
        assert reply.status == 408 and reply.headers["connection"] == "close" and wire.ends()
    assert origin.connections == []


def test_slow_loris_is_ended_by_the_whole_heads_time(newel, origin):
    """A byte now and then does not help: the time is from the first byte to the last."""
    edge = newel(site(origin, limits={"head_time": "10s"}))
    wires = [edge.wire() for _ in range(20)]
    for wire in wires:
        wire.send(b"G")
    for byte in b"ET /slow":
        connected(edge, 20)
        edge.clock.advance(s=1)
        for wire in wires:
            wire.send(bytes([byte]))
    edge.clock.advance(s=5)
    for wire in wires:
        assert wire.response().status == 408
        assert wire.ends()
        wire.close()
    connected(edge, 0)


def test_a_silent_connection_is_closed(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as wire:
        connected(edge)
        edge.clock.advance(s=11)
        assert wire.ends()


def test_an_idle_connection_is_closed_after_limits_idle(newel, origin):
    edge = newel(site(origin, limits={"idle": "60s"}))
    with edge.wire() as wire:
        assert wire.ask("GET", "/").response().status == 200
        edge.clock.advance(s=59)
        assert wire.ask("GET", "/").response().status == 200
        eventually(lambda: "gate.conn" not in str(edge.control("fibers")), "the parking")
        edge.clock.advance(s=61)
        assert wire.ends()


def test_an_upload_that_stops_is_408(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("POST", "/", content_length="100000").send(b"x" * 1000)
        in_flight(edge)
        edge.clock.advance(s=61)
        assert wire.response().status == 408 and wire.ends()
    assert origin.connections == []


def test_an_upload_below_the_least_rate_is_408(newel, origin):
    edge = newel(site(origin, limits={"body_rate": "1K/s"}))
    with edge.wire() as wire:
        wire.ask("POST", "/", content_length="1000000").send(b"x" * 10_240)
        in_flight(edge)
        edge.clock.advance(s=19)  # ten seconds of grace and ten that the bytes have earned
        wire.send(b"x" * 10)
        edge.clock.advance(s=2)
        assert wire.response().status == 408 and wire.ends()


def test_a_reader_that_stops_is_cut(newel, origins):
    node = origins("origin", records_bytes=False, is_told=False)
    node.on("GET /big").call(lambda connection, request: [
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"),
        *(connection.send(bytes(1_000_000)) for _ in range(100))])
    edge = newel(site(node, limits={"idle": "60s"}))
    with edge.wire(receive_bytes=4096) as wire:
        wire.ask("GET", "/big").head()
        in_flight(edge)

        def is_over():
            edge.clock.advance(s=61)
            return edge.metric("newel_requests_in_flight") == 0
        eventually(is_over, "the end of patience")
    assert node.connections[0].closed.wait(60)


# Nodes


def test_a_node_that_says_nothing_is_504(newel, origin):
    origin.on("GET /slow").never()
    edge = newel(site(origin, service={"timeouts": {"first_byte": "60s"}}))
    slow = Background(edge.get, "/slow")
    origin.wait_requests(1)
    edge.clock.advance(s=61)
    reply = slow.result()
    assert reply.status == 504 and origin.connections[0].closed.wait(60)
    assert edge.node(origin)["tries"]["timeout"] == 1


def test_a_node_that_stops_in_its_head_is_504(newel, origin):
    go_on = threading.Event()
    origin.on("GET /slow").raw(b"HTTP/1.1 200 OK\r\nContent-").call(lambda *_: go_on.set()).never()
    edge = newel(site(origin))
    slow = Background(edge.get, "/slow")
    assert go_on.wait(60)
    edge.clock.advance(s=61)
    assert slow.result().status == 504


def test_a_node_that_stops_in_its_body_cuts_the_answer(newel, origin):
    origin.on("GET /slow").raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").never()
    edge = newel(site(origin, service={"timeouts": {"idle": "30s"}}))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/slow").head()
        assert reply.status == 200 and wire.reader.exactly(4) == b"half"
        in_flight(edge)
        edge.clock.advance(s=31)
        assert wire.ends()
    assert origin.connections[0].closed.wait(60)


@pytest.mark.parametrize("began", [False, True])
def test_a_whole_request_has_a_time(newel, origin, began):
    rule = origin.on("GET /slow")
    if began:
        rule.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    rule.never()
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "timeouts": {"request": "5s"}}]))
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        if began:
            wire.head()
            wire.reader.exactly(4)
        else:
            origin.wait_requests(1)
        edge.clock.advance(s=6)
        if began:
            assert wire.ends()
        else:
            assert wire.response().status == 504
    assert origin.connections[0].closed.wait(60)


def test_a_node_that_does_not_accept_is_502_and_the_next_one_is_asked(newel, origins):
    """An address where packets vanish: the listener's queue is full."""
    import socket
    node = origins("node")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        fillers = []
        for _ in range(3):  # fill its queue
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
            fillers.append(filler)
        edge = newel(site(address, service={"timeouts": {"connect": "50s"}}))
        asked = Background(edge.get, "/")
        in_flight(edge)
        edge.clock.advance(s=51)
        assert asked.result().status == 502
        edge.reload(site(address, node, service={"timeouts": {"connect": "200ms"}}))
        assert {edge.get("/").status for _ in range(4)} == {200}
        for filler in fillers:
            filler.close()


def test_idle_connections_to_nodes_are_closed(newel, origin):
    edge = newel(site(origin, service={"timeouts": {"idle": "60s"}}))
    assert edge.get("/").status == 200
    assert edge.node(origin)["connections"]["open"] == 1
    edge.clock.advance(s=61)
    assert origin.connections[0].closed.wait(60)


def test_keep_alive_timeouts_of_nodes_are_heeded(newel, origin):
    origin.on("GET /").reply(200, "x", keep_alive="timeout=5")
    edge = newel(site(origin))
    assert edge.get("/").status == 200
    edge.clock.advance(ms=4500)  # one second before the node would close
    assert origin.connections[0].closed.wait(60)
    assert edge.get("/").status == 200 and len(origin.connections) == 2


def test_a_step_of_the_wall_clock_ends_nothing(newel, origin):
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "done")
    edge = newel(site(origin))
    slow = Background(edge.get, "/slow")
    origin.wait_requests(1)
    edge.clock.step(s=86400)
    edge.clock.step(s=-2 * 86400)
    go_on.set()
    assert slow.result().text == "done"
