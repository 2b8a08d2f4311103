"""What a hostile client, a broken node or an unlucky moment once did to newel, each told as a story."""

import json
import os
import shutil
import signal
import socket
import struct
import threading

import pytest

from kit.load import eventually
from kit.site import site

LOGGED = {"access": {"to": "stdout"}}
UPGRADED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


# The access log names bytes of the head at the end of the exchange


def test_a_request_behind_a_chunked_body_does_not_enter_the_log_of_the_one_before(newel, origin):
    edge = newel(site(origin, log=LOGGED))
    with edge.wire() as wire:
        wire.ask("POST", "/first", Transfer_Encoding="chunked", Referer="http://one.example/")
        wire.send("3\r\n")  # the rest comes in another read, behind the head's buffer
        origin.wait(lambda: True)
        edge.status()
        wire.send("abc\r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\nReferer: http://two.example/\r\n\r\n")
        assert wire.response().status == 200 and wire.response().status == 200
    first, second = edge.wait_line("/first", "stdout"), edge.wait_line("/second", "stdout")
    assert "POST" in first and "two.example" not in first
    assert "GET" in second and "one.example" not in second


def test_a_tunnel_is_logged_under_the_request_that_opened_it(newel, origin):
    origin.on("GET /chat").raw(UPGRADED.encode()).hang_up()
    edge = newel(site(origin, log=LOGGED,
                      routes=[{"path": "/", "service": "app", "upgrade": ["websocket"]}]))
    with edge.wire() as wire:
        wire.ask("GET", "/chat?room=7", Connection="Upgrade", Upgrade="websocket",
                 User_Agent="chatter")
        assert wire.head().status == 101
        wire.rest()
    line = edge.wait_line("/chat?room=7", "stdout")
    assert "GET" in line and "101" in line


# The end comes while generations change


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGQUIT])
def test_the_end_waits_for_a_reload_that_is_under_way(newel, origin, last):
    routes = [{"path": f"/{i}/", "service": "app"} for i in range(2000)]
    edge = newel(site(origin, routes=[*routes, {"path": "/", "service": "app"}]))
    edge.send_signal(signal.SIGHUP)
    edge.stop(last)


def test_two_ends_at_once_close_each_listener_once(newel, origin, tmp_path):
    listen = ["127.0.0.1:0"] + [f"unix:{tmp_path}/door-{i}" for i in range(20)]
    edge = newel(site(origin, listen=listen))
    edge.send_signal(signal.SIGTERM)
    edge.stop(signal.SIGQUIT)


# Nodes


def test_a_node_that_stalls_inside_the_head_during_an_upload_is_given_up(newel, origin):
    over = threading.Event()
    origin.on("POST /").early().raw(b"HTTP/1.1 200 O").then(lambda *_: over.wait(60))
    edge = newel(site(origin, service={"timeouts": {"first_byte": "300ms"}},
                      routes=[{"path": "/", "service": "app", "stream": True}]))
    try:
        with edge.wire() as wire:
            wire.ask("POST", "/", Content_Length="1000")
            wire.send("x" * 500)
            assert wire.response().status == 504
    finally:
        over.set()


def test_an_answer_whose_head_has_no_room_for_ours_is_a_bad_answer(newel, origin):
    head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    while len(head) < 30000:
        head += f"X-Long: {'v' * 1000}\r\n"
    head += f"X-Last: {'v' * (32760 - len(head) - 12)}\r\n\r\n"
    assert len(head) == 32760
    origin.on("GET /long").raw(head.encode())
    edge = newel(site(origin))
    with edge.wire() as wire:
        assert wire.ask("GET", "/long").response().status == 502


# Bodies in files


def test_a_spooled_body_takes_nothing_from_the_memory_ceiling(newel, origin):
    body = bytes(40 << 20)
    edge = newel(site(origin, limits={"buffers": "16M", "body": "64M"}))
    assert edge.post("/", body).status == 200
    assert len(origin.last.body) == len(body)


def test_the_spool_has_a_ceiling_and_gives_back_what_it_held(newel, origin):
    edge = newel(site(origin, buffer={"spool": "1M"}))
    for size, status in ((2 << 20, 503), (900 << 10, 200), (900 << 10, 200)):
        assert edge.post("/", bytes(size)).status == status
        eventually(lambda: edge.status()["memory"]["spool"] == 0, "an empty spool")


def test_a_spool_that_went_is_not_the_clients_mistake(newel, origin):
    edge = newel(site(origin))
    shutil.rmtree(os.path.join(edge.state, "spool"))
    assert edge.post("/", bytes(200 << 10)).status == 500
    assert edge.get("/").status == 200


# Clients


def test_refused_connections_are_bounded_too(newel, origin):
    edge = newel(site(origin, limits={"connections": 4}))
    silent = [edge.wire() for _ in range(40)]
    eventually(lambda: edge.metric("newel_connections_refused_total") >= 36, "36 refusals")
    assert edge.status()["gate"]["listeners"][0]["connections"] <= 8
    for wire in silent:
        wire.close()
    eventually(lambda: edge.get("/").status == 200, "room again")


# Tunnels


@pytest.mark.parametrize("resets", [True, False])
def test_a_client_that_went_ends_the_tunnel_of_a_silent_node(newel, origin, resets):
    over = threading.Event()
    origin.on("GET /").raw(UPGRADED.encode()).then(lambda *_: over.wait(60))
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "upgrade": ["websocket"]}]))
    try:
        wire = edge.wire()
        wire.ask("GET", "/", Connection="Upgrade", Upgrade="websocket")
        assert wire.head().status == 101
        if resets:
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()

        def is_over():
            if not resets:
                edge.clock.advance(s=5)
            return edge.node(origin)["in_flight"] == 0
        eventually(is_over, "the tunnel gone")
    finally:
        over.set()


def test_a_half_closed_tunnel_lasts_while_the_node_still_sends(newel, origin):
    more = threading.Semaphore(0)

    def tell(connection, _):
        connection.reader.rest()
        for _ in range(6):
            more.acquire()
            connection.send("on")
    origin.on("GET /").raw(UPGRADED.encode()).then(tell).hang_up()
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "upgrade": ["websocket"]}]))
    with edge.wire() as wire:
        wire.ask("GET", "/", Connection="Upgrade", Upgrade="websocket")
        assert wire.head().status == 101
        wire.half_close()
        for _ in range(6):
            more.release()
            assert wire.reader.exactly(2) == b"on"
            edge.clock.advance(s=6)
        assert wire.ends()


# Whoever steers newel


@pytest.mark.parametrize("line", [b'{"verb":"status","x":' + b"[" * 1900 + b"]" * 1900 + b"}",
                                  b'{"a":' * 1900 + b"1" + b"}" * 1900, b"[" * 8000])
def test_deeply_nested_questions_are_answered(newel, origin, line):
    edge = newel(site(origin))
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(edge.socket_path)
        asker.sendall(line + b"\n")
        assert json.loads(asker.makefile().readline())["done"]
    assert edge.get("/").status == 200


def test_a_body_on_the_admin_listener_is_not_the_next_request(newel, origin):
    edge = newel(site(origin))
    inner = f"GET /health/live HTTP/1.1\r\nHost: {edge.admin}\r\n\r\n"
    with socket.create_connection(edge.admin.rsplit(":", 1)) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {edge.admin}\r\nContent-Length: {len(inner)}\r\n\r\n"
                     f"{inner}GET /health/ready HTTP/1.1\r\nHost: {edge.admin}\r\n"
                     "Connection: close\r\n\r\n".encode())
        answers = sock.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 200") == 2 and b"ready" in answers and b"\nlive\n" not in answers


def test_listeners_that_went_leave_nothing_behind(newel, origin, tmp_path):
    kept = site(origin)
    more = {**kept, "listen": [*kept["listen"], f"unix:{tmp_path}/door"]}
    edge = newel(more)
    assert edge.wire(1).ask("GET", "/").response().status == 200
    assert "generation" in edge.reload(kept)
    eventually(lambda: "generation" in edge.reload(kept) and "door" not in edge.admin_get("/metrics").text,
               "the series of the old listener gone")


# Processes


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return int(children.read().split()[0])


def test_newel_ends_with_a_failure_when_its_helper_dies(newel):
    edge = newel({"newel": 1, "listen": ["127.0.0.1:0"], "admin": "127.0.0.1:0",
                  "services": {"app": {"run": ["sleep", "1000"]}},
                  "routes": [{"path": "/", "service": "app"}]})
    edge.wait_line("event=process.started")
    os.kill(child_of(edge.pid), signal.SIGKILL)
    assert edge.wait_end() == 1
    edge.is_checked = True
    assert any("the helper process that starts applications has died" in line
               for line in edge.stderr)


def is_served(edge):
    try:
        return "status" in edge.control("status")
    except (AssertionError, OSError):
        return False


def test_idle_control_connections_do_not_lock_admin_out(newel, origin):
    edge = newel(site(origin))
    held = []
    for _ in range(80):
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].connect(edge.socket_path)
    assert edge.admin_get("/health/live").status == 200
    held.pop(0).close()  # one of the 64 that are served
    eventually(lambda: is_served(edge), "room for one more")
    for one in held:
        one.close()
