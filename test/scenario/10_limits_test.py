"""Every bound that is reached is an ordinary, counted refusal, and costs the others nothing."""

import pytest

from kit.load import Background, eventually
from kit.message import Closed
from kit.newel import SANITIZED, scaled
from kit.site import site

MIB = 1024 * 1024
GET = b"GET /idle HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def test_connections_over_the_limit_get_503(newel, origin):
    edge = newel(site(origin, limits={"connections": 10}))
    wires = [edge.wire() for _ in range(10)]
    for wire in wires:
        assert wire.ask("GET", "/").response().status == 200
    with edge.wire() as extra:
        reply = extra.response()
        assert reply.status == 503 and int(reply.headers["retry-after"]) >= 1
        assert reply.headers["connection"] == "close" and extra.ends()
    assert edge.metric("newel_connections_refused_total") == 1
    for wire in wires:
        assert wire.ask("GET", "/").response().status == 200
    wires.pop().close()
    eventually(lambda: edge.metric("newel_connections_open") == 9)
    assert edge.get("/").status == 200
    for wire in wires:
        wire.close()


@pytest.mark.parametrize("size, status", [(900, 200), (1100, 431)])
def test_the_heads_limit_is_a_choice(newel, origin, size, status):
    edge = newel(site(origin, limits={"head": "1K"}))
    with edge.wire() as wire:
        line = b"GET / HTTP/1.1\r\nHost: a\r\nA: "
        wire.send(line + b"x" * (size - len(line) - 4) + b"\r\n\r\n")
        assert wire.response().status == status
    assert origin.count() == (status == 200)


@pytest.mark.parametrize("size", [17_000, 32_000])
def test_a_long_head_within_the_limit_passes(newel, origin, size):
    edge = newel(site(origin))
    with edge.wire() as wire:
        value = "x" * (size - 300)
        assert wire.ask("GET", "/", A=value).response().status == 200
        assert wire.ask("GET", "/next").response().status == 200
    assert origin.requests[0].headers["a"] == value


def test_a_long_head_of_a_node_passes(newel, origin):
    origin.on("GET /").reply(200, "x", a="y" * 31_000)
    edge = newel(site(origin))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/").response()
        assert reply.status == 200 and len(reply.headers["a"]) == 31_000


def test_a_routes_own_limit_rules(newel, origin):
    edge = newel(site(origin, limits={"body": "1K"}, routes=[
        {"path": "/big/", "service": "app", "limits": {"body": "1M"}},
        {"path": "/", "service": "app"}]))
    assert edge.post("/small", b"x" * 2000).status == 413
    assert edge.post("/big/", b"x" * 2000).status == 200


def test_idle_connections_cost_little_memory(newel, origins):
    node = origins("origin", records_bytes=False, is_told=False)
    edge = newel(site(node))
    count = scaled(8000, 500)
    for _ in range(50):
        assert edge.get("/").status == 200
    before = edge.memory()
    wires = []
    try:
        while len(wires) < count:
            batch = [edge.wire() for _ in range(50)]
            wires += batch
            for wire in batch:
                wire.sock.sendall(GET)
            for wire in batch:
                assert wire.response().status == 200
        assert edge.metric("newel_connections_open") == count
        if not SANITIZED:
            assert edge.memory() - before < 16 * MIB
        for wire in wires[::100]:
            wire.sock.sendall(GET)
            assert wire.response().status == 200
    finally:
        for wire in wires:
            wire.close()
    eventually(lambda: edge.metric("newel_connections_open") == 0)


def test_silent_connections_cost_little_memory(newel, origin):
    edge = newel(site(origin))
    assert edge.get("/").status == 200
    before = edge.memory()
    count = scaled(8000, 500)
    wires = [edge.wire() for _ in range(count)]
    eventually(lambda: edge.metric("newel_connections_open") == count)
    if not SANITIZED:
        assert edge.memory() - before < 16 * MIB
    for wire in wires:
        wire.close()


def test_requests_over_the_fibers_limit_are_refused_and_admin_answers(newel, origin):
    origin.on("GET /slow").never()
    edge = newel(site(origin, limits={"fibers": 64}))
    wires = [edge.wire().ask("GET", "/slow") for _ in range(100)]
    eventually(lambda: edge.metric("newel_requests_in_flight") +
               edge.metric("newel_connections_refused_total") == 100, "all to be judged")
    served = edge.metric("newel_requests_in_flight")
    assert 32 <= served < 64
    assert edge.admin_get("/health/live").status == 200 and edge.control("fibers")["done"]
    ends = []
    for wire in wires:
        wire.sock.setblocking(False)
        try:
            ends.append(wire.sock.recv(65536)[9:12])
        except BlockingIOError:
            served -= 1  # still waiting for its answer
        except ConnectionError:
            ends.append(b"")
        wire.close()
    assert served == 0 and b"503" in ends and set(ends) <= {b"503", b""}
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert edge.get("/").status == 200


def test_buffers_have_a_ceiling(newel, origin):
    """More uploaders than the memory for buffers: some are told to come again, none makes newel grow."""
    edge = newel(site(origin, limits={"buffers": "16M"}))
    before = edge.memory()
    wires = []

    def upload():
        wire = edge.wire()
        wires.append(wire)
        wire.ask("POST", "/", content_length="60000")
        try:
            wire.sock.sendall(b"x" * 50_000)
        except ConnectionError:
            pass
    for _ in range(scaled(600, 400)):
        upload()
    eventually(lambda: edge.metric("newel_requests_in_flight") < len(wires), "refusals")
    if not SANITIZED:
        assert edge.memory() - before < 40 * MIB
    assert edge.admin_get("/health/live").status == 200
    memory = edge.status()["memory"]
    assert memory["buffers"] <= memory["max"] == 16 * MIB
    for wire in wires:
        wire.close()
    eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert edge.get("/").status == 200


def test_a_hundred_clients_that_vanish_leave_nothing(newel, origin):
    origin.on("GET /slow").never()
    edge = newel(site(origin))
    for _ in range(5):
        wires = [edge.wire().ask("GET", "/slow") for _ in range(20)]
        eventually(lambda: edge.metric("newel_requests_in_flight") == 20)
        for wire in wires:
            wire.close()
        eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
    assert edge.metric("newel_connections_open") == 0
    told = edge.node(origin)
    assert told["in_flight"] == 0 and told["connections"]["open"] == 0


def test_two_clients_in_one_hundred_threads_agree(newel, origin):
    """Nothing is mixed up: every answer belongs to its question."""
    origin.on("*").call(lambda connection, request: connection.send(
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(request.target)}\r\n\r\n{request.target}"))
    edge = newel(site(origin))

    def client(number):
        with edge.wire() as wire:
            for i in range(scaled(40, 10)):
                path = f"/{number}/{i}/" + "x" * (number * 7 % 50)
                try:
                    assert wire.ask("GET", path).response().text == path
                except Closed as closed:
                    raise AssertionError(f"{path}: {closed}") from None
    clients = [Background(client, number) for number in range(20)]
    for one in clients:
        one.result()
