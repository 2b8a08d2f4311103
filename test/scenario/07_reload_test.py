"""Reload in place: nothing that runs notices, a broken file changes nothing, and what is new serves."""

import os
import signal
import socket
import threading

import pytest

from kit.load import Background, Load, eventually
from kit.newel import SANITIZED, scaled
from kit.site import site

MIB = 1024 * 1024


def echo(connection, request):
    connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    while connection.reader.buffer or connection.reader.more():
        connection.send(bytes(connection.reader.buffer))
        connection.reader.buffer.clear()


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
           "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class Feed:
    """Events for all listeners at once; each say() is one event."""

    def __init__(self):
        self.changed = threading.Condition()
        self.said = 0

    def say(self):
        with self.changed:
            self.said += 1
            self.changed.notify_all()

    def step(self, connection, request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n")
        for number in range(1, 1_000_000):
            with self.changed:
                while self.said < number:
                    if not self.changed.wait(1) and connection.origin.listener is None:
                        return
            connection.send(b"8\r\n%08d\r\n" % number)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return found.read().split()


def test_a_hundred_reloads_under_load_fail_nothing(newel, origins):
    nodes = origins("a", "b", "c", is_told=False, records_bytes=False)
    feed = Feed()
    for one in nodes:
        one.on("GET /ws").call(echo)
        one.on("GET /events").call(feed.step)
    routes = [{"path": "/ws", "service": "app", "upgrade": ["websocket"]},
              {"path": "/", "service": "app"}]
    sets = [nodes, nodes[:2], nodes[1:], [nodes[0], nodes[2]], nodes[:1]]
    edge = newel(site(*nodes, routes=routes))
    before = children(edge.pid)
    open_count = scaled(50, 8)
    sockets = [edge.wire().ask("GET", "/ws", **UPGRADE) for _ in range(open_count)]
    streams = [edge.wire().ask("GET", "/events") for _ in range(open_count)]
    for wire in sockets:
        assert wire.response().status == 101
    for wire in streams:
        assert wire.head().status == 200
    reloads, warm = scaled(100, 20), scaled(30, 10)
    with Load(edge.address, clients=3) as load:
        for number in range(1, reloads + 1):
            extra = [{"path": f"/extra/{number}", "respond": {"status": 200}}]
            reply = edge.reload(site(*sets[number % len(sets)], routes=extra + routes))
            assert reply.get("generation") == number + 1, reply
            load.wait(3)
            alive = edge.status()["gate"]["generations_alive"]
            assert alive <= 2, f"{alive} generations alive after {number} reloads"
            if number == warm:
                memory = edge.memory()
            if number % 10 == 0:
                feed.say()
                for wire in sockets:
                    wire.sock.sendall(b"%08d" % number)
                for wire in sockets:
                    assert wire.reader.exactly(8) == b"%08d" % number
                for wire in streams:
                    assert wire.reader.chunk() == b"%08d" % (number // 10)
        assert SANITIZED or edge.memory() - memory < 4 * MIB
    assert load.failures == [] and load.done >= 3 * reloads
    assert edge.process.poll() is None and children(edge.pid) == before
    assert edge.metric("newel_reloads_total", outcome="done") == reloads
    assert edge.metric("newel_generation") == reloads + 1
    for wire in sockets + streams:
        wire.close()


def test_a_request_ends_on_the_generation_it_began_with(newel, origins):
    a, b = origins("a", "b")
    go_on = threading.Event()
    a.on("GET /slow").hold(go_on).reply(200, "from a")
    edge = newel(site(a))
    slow = Background(edge.get, "/slow")
    a.wait_requests(1)
    assert "error" not in edge.reload(site(b))
    assert edge.get("/now").headers["X-Origin"] == "b"
    go_on.set()
    assert slow.result().text == "from a"
    eventually(lambda: edge.status()["gate"]["generations_alive"] == 1, "one generation")
    assert a.connections[0].closed.wait(60)
    addresses = [node["address"] for node in edge.status()["gate"]["services"]["app"]["nodes"]]
    assert addresses == [b.address]
    eventually(lambda: not any(labels.get("node") == a.address for _, labels, _ in edge.metrics()),
               "the removed node's series go")


def test_what_is_known_of_a_node_survives(newel, origins):
    a, b = origins("a", "b")
    edge = newel(site(a, b))
    a.stop()
    for _ in range(12):
        assert edge.get("/").status == 200
    assert edge.node(a)["ejected"] is True
    assert "error" not in edge.reload(site(a, b, service={"balance": "least-connections"}))
    assert edge.node(a)["ejected"] is True
    connects = edge.metric("newel_node_connects_total", node=b.address)
    assert edge.get("/").status == 200
    assert edge.metric("newel_node_connects_total", node=b.address) <= connects + 1


def test_a_drained_node_stays_drained(newel, origins):
    a, b = origins("a", "b")
    edge = newel(site(a, b))
    assert "error" not in edge.drain(a)
    assert "error" not in edge.reload(site(a, b, drain="20s"))
    assert edge.node(a)["state"] == "draining"
    assert {edge.get("/").headers["X-Origin"] for _ in range(6)} == {"b"}


# What is refused


def test_a_broken_file_leaves_the_old_one_in_force(newel, origin):
    edge = newel(site(origin))
    reply = edge.reload("newel: 1\nlisten: [ '127.0.0.1:0' ]\nroutes:\n  - { path: /, servce: app }\n")
    assert "servce" in reply["error"] and "newel.yaml:4:" in reply["error"]
    assert edge.get("/").status == 200
    assert edge.status()["generation"] == 1
    assert edge.metric("newel_reloads_total", outcome="refused") == 1
    shown = edge.command("reload")
    assert shown.returncode == 1 and "newel.yaml:4:" in shown.stderr


def test_a_missing_file_leaves_the_old_one_in_force(newel, origin):
    edge = newel(site(origin))
    os.unlink(os.path.join(edge.folder, "newel.yaml"))
    assert "cannot be read" in edge.reload()["error"]
    assert edge.get("/").status == 200


def test_what_needs_a_restart_is_named(newel, origin, tmp_path):
    edge = newel(site(origin, threads=2))
    reply = edge.reload(site(origin, threads=1, admin="127.0.0.2:0", state=str(tmp_path / "other")))
    assert "error" in reply
    for option in ("threads", "state", "admin"):
        assert option in reply["error"]
    assert "restart" in reply["error"]
    assert edge.get("/").status == 200 and edge.status()["generation"] == 1


def test_a_port_that_is_taken_refuses_the_reload(newel, origin):
    edge = newel(site(origin))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        reply = edge.reload(site(origin, listen=["127.0.0.1:0", address]))
    assert address in reply["error"] and "in use" in reply["error"]
    assert edge.get("/").status == 200
    assert len(edge.status()["gate"]["listeners"]) == 1


# What is taken


def test_sighup_reloads(newel, origin):
    edge = newel(site(origin))
    edge.write(site(origin, routes=[{"path": "/", "respond": {"status": 200, "body": "new"}}]))
    edge.send_signal(signal.SIGHUP)
    edge.wait_line("reload.done")
    assert edge.get("/").text == "new"
    edge.write("newel: 2\n")
    edge.send_signal(signal.SIGHUP)
    edge.wait_line("reload.refused")
    assert edge.get("/").text == "new"


def test_the_command_reloads(newel, origin):
    edge = newel(site(origin))
    edge.write(site(origin, routes=[{"path": "/", "respond": {"status": 200, "body": "new"}}]))
    shown = edge.command("reload")
    assert shown.returncode == 0 and "generation 2 is in force" in shown.stdout
    assert edge.get("/").text == "new"


def test_listeners_come_and_go(newel, origin, tmp_path):
    path = str(tmp_path / "edge.sock")
    edge = newel(site(origin))
    first = edge.address
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "done")
    with edge.wire() as wire, edge.wire() as idle:
        assert idle.ask("GET", "/").response().status == 200
        wire.ask("GET", "/slow")
        origin.wait(lambda: origin.count(target="/slow") == 1)
        assert "error" not in edge.reload(site(origin, listen=["127.0.0.2:0", f"unix:{path}"]))
        bound = {one["address"]: one["bound"] for one in edge.status()["gate"]["listeners"]}
        assert set(bound) == {"127.0.0.2:0", f"unix:{path}"}
        edge.listeners = [bound["127.0.0.2:0"], f"unix:{path}"]
        assert edge.get("/").status == 200 and edge.get("/", listener=1).status == 200
        go_on.set()
        assert wire.response().text == "done"
        assert idle.ask("GET", "/again").response().status == 200
    with pytest.raises(ConnectionRefusedError):
        host, port = first.rsplit(":", 1)
        socket.create_connection((host, int(port))).close()


def test_limits_are_reloaded(newel, origin):
    edge = newel(site(origin))
    assert edge.post("/", b"x" * 2000).status == 200
    new = {"body": "1K", "buffers": "32M", "requests_per_connection": 2}
    assert "error" not in edge.reload(site(origin, limits=new))
    assert edge.post("/", b"x" * 2000).status == 413
    assert edge.status()["memory"]["max"] == 32 * MIB
    with edge.wire() as wire:
        assert "connection" not in wire.ask("GET", "/").response().headers
        assert wire.ask("GET", "/").response().headers["connection"] == "close"
        assert wire.ends()


def test_weights_are_reloaded(newel, origins):
    a, b = origins("a", "b")
    edge = newel(site(service={"nodes": [a.address, b.address]}))
    assert "error" not in edge.reload(site(service={"nodes": [
        {"address": a.address, "weight": 3}, {"address": b.address, "weight": 1}]}))
    with edge.wire() as wire:
        found = [wire.ask("GET", "/").response().headers["x-origin"] for _ in range(12)]
    assert found.count("a") == 9 and found.count("b") == 3
