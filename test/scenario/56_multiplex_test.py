"""`multiplex: h2`: the requests of many clients on one HTTP/2 connection to a node."""

import os
import signal
import socket
import subprocess
import threading

import pytest

from kit.h2 import DATA, END_STREAM, H2Wire, frame, headers, rst_stream
from kit.h2_node import H2Node
from kit.load import eventually
from kit.site import site
from kit.wire import connect

REFUSED_STREAM, CANCEL = 7, 8
MIB = 1024 * 1024


def multiplexed(node, service=None, **top):
    return site(node, service={"multiplex": "h2", **(service or {})}, **{"threads": 1, **top})


@pytest.fixture
def nodes(transcript, tmp_path):
    made = []

    def start(name="h2 node", unix=False, **options):
        path = str(tmp_path / f"{name}.sock") if unix else None
        made.append(H2Node(transcript, name, path, **options))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def node(nodes):
    return nodes()


@pytest.fixture
def edge(newel, node):
    return newel(multiplexed(node))


def together(count, work):
    """work(i) in so many threads; their results."""
    results = [None] * count

    def run(i):
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# One connection


@pytest.mark.parametrize("unix", [False, True])
def test_requests_share_one_connection(newel, nodes, unix):
    node = nodes("shared", unix=unix)
    edge = newel(multiplexed(node))
    replies = together(64, lambda i: edge.get("/hello"))
    assert [reply.status for reply in replies] == [200] * 64
    assert {reply.headers["x-connection"] for reply in replies} == {"0"}
    assert edge.node(node)["multiplex"] == {"streams": 0, "slots": 100, "connections": 1}
    assert edge.metric("newel_node_connections_open") == 1
    sends = edge.metric("newel_peer_streams_per_send_count_count")
    assert 0 < sends <= edge.metric("newel_peer_streams_per_send_count_sum")


def test_the_node_sees_the_request_as_any_other(edge, node):
    assert edge.get("/hello?a=1", host="shop.example", x_mine="b", connection="x-mine").status == 200
    head = node.requests[0][2]
    assert head[":method"] == "GET" and head[":path"] == "/hello?a=1" and head[":scheme"] == "http"
    assert head[":authority"] == "shop.example" and head["x-forwarded-host"] == "shop.example"
    assert head["via"].endswith("newel") and "x-mine" not in head and "connection" not in head
    assert "transfer-encoding" not in head and "host" not in head


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 5 * MIB])
def test_bodies_pass_whole_both_ways(edge, size):
    data = os.urandom(size)
    for body in data, iter([data[:70_000], data[70_000:]]):
        reply = edge.request("PUT", "/echo", body)
        assert reply.status == 200 and reply.body == data


def test_long_answers_pass_side_by_side(edge):
    sizes = [0, 1, 16384, 65536, 300_000, 3 * MIB] * 4
    replies = together(len(sizes), lambda i: edge.get(f"/bytes/{sizes[i]}"))
    assert [len(reply.body) for reply in replies] == sizes
    assert {reply.headers["x-connection"] for reply in replies} == {"0"}


def test_head_and_empty_answers(edge):
    with edge.wire() as wire:
        head = wire.ask("HEAD", "/hello").response("HEAD")
        assert head.status == 200 and head.body == b""
        assert wire.ask("GET", "/bytes/0").response().body == b""
        assert wire.ask("GET", "/hello").response().body == b"hello"


# Limits


def test_another_connection_is_opened_when_all_are_full(newel, nodes):
    node = nodes(streams=4)
    edge = newel(multiplexed(node, {"multiplex": {"streams": 100, "connections": 2},
                                    "waiting": 2, "wait": "20s"}))
    assert edge.get("/hello").status == 200
    wires = [edge.wire(name=f"client {i}") for i in range(10)]
    for wire in wires:
        wire.ask("GET", "/hold")
    node.wait(lambda: len(node.held) == 8, "held 8")
    assert len(node.connections) == 2
    eventually(lambda: edge.metric("newel_service_queue_depth") == 2)
    assert edge.get("/hello").status == 503  # the queue is full
    node.release()
    node.wait(lambda: len(node.held) == 2, "held the two that waited")
    node.release()
    assert [wire.response().status for wire in wires] == [200] * 10


def test_the_node_lowers_its_limit_while_it_runs(newel, node):
    edge = newel(multiplexed(node, {"multiplex": {"connections": 1}, "wait": "20s"}))
    assert edge.get("/hello").status == 200
    node.limit(2)
    eventually(lambda: edge.node(node)["multiplex"]["slots"] == 2)
    wires = [edge.wire(name=f"client {i}") for i in range(3)]
    for wire in wires:
        wire.ask("GET", "/hold")
    node.wait(lambda: len(node.held) == 2, "held 2")
    eventually(lambda: edge.metric("newel_service_queue_depth") == 1)
    node.release()
    node.wait(lambda: len(node.held) == 1, "held the third")
    node.release()
    assert [wire.response().status for wire in wires] == [200] * 3


# Streams that end badly


def test_a_refused_stream_is_moved(edge, node):
    for body in None, b"x" * 100, iter([b"a", b"b"]):
        assert edge.request("POST", f"/refuse/{id(body)}", body).status == 200
    assert edge.metric("newel_service_retries_total", reason="unsent") == 3
    assert edge.metric("newel_node_requests_total", **{"class": "reset"}) == 0


def test_an_id_above_goaways_last_is_moved(edge, node):
    assert edge.get("/hello").headers["x-connection"] == "0"
    reply = edge.post("/goaway", b"once")
    assert reply.status == 200 and reply.headers["x-connection"] == "1"


def test_goaway_lets_what_runs_go_on_and_new_requests_find_another(edge, node):
    wires = [edge.wire(name=f"client {i}") for i in range(5)]
    for wire in wires:
        wire.ask("GET", "/hold")
    node.wait(lambda: len(node.held) == 5, "held 5")
    node.goaway(0)
    eventually(lambda: edge.get("/hello").headers["x-connection"] == "1")
    node.release()
    assert [wire.response().headers["x-connection"] for wire in wires] == ["0"] * 5
    eventually(lambda: edge.metric("newel_node_connections_open") == 1)


def test_goaway_again_and_again_under_load_fails_nothing(edge, node):
    stop = threading.Event()
    statuses = []

    def ask(_):
        with edge.wire() as wire:
            while not stop.is_set():
                statuses.append(wire.ask("GET", "/bytes/1000").response().status)

    assert edge.get("/hello").status == 200

    def disturb():
        try:
            for _ in range(100):
                before = len(node.connections)
                # one that is retired at every request would use up what a request may move
                eventually(lambda: sum(one[0] == before - 1 for one in node.requests[-50:]) > 20)
                node.goaway()
                eventually(lambda: len(node.connections) > before)
        finally:
            stop.set()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    together(8, ask)
    disturber.join()
    assert set(statuses) == {200} and len(node.connections) > 100


def test_a_reset_stream_is_502_and_its_neighbours_live(newel, nodes):
    node = nodes()
    edge = newel(multiplexed(node))
    with edge.wire() as other:
        other.ask("GET", "/hold")
        node.wait(lambda: node.held, "held")
        assert edge.post("/reset/2", b"x").status == 502
        assert edge.get("/hello").headers["x-connection"] == "0"
        node.release()
        assert other.response().status == 200


def test_garbage_is_502_and_nothing_of_it_is_passed_on(edge, node):
    reply = edge.post("/garbage", b"x")
    assert reply.status == 502 and b"\xff" not in reply.body
    assert edge.get("/hello").headers["x-connection"] == "1"


def test_a_node_of_http1_is_502(newel):
    """It answers the preface with a page."""
    def serve():
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nsoup")
            while sock.recv(1000):  # what is left unread would have the kernel reset it all
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        edge = newel(multiplexed(address))
        reply = edge.post("/", b"x")
        assert reply.status == 502 and b"soup" not in reply.body
        server.join()
        assert "does not answer in HTTP/2" in edge.wait_line("event=peer.lost")
        assert "multiplex: h2" in edge.node(address)["trouble"]


@pytest.mark.parametrize("knows_h2", [True, False])
def test_under_tls_alpn_says_whether_it_speaks_h2(newel, certificates, tmp_path, knows_h2):
    pair = certificates.server("node.example")
    port = free_port()
    (tmp_path / "small").write_bytes(b"small")
    command = ["nghttpd", "-d", str(tmp_path), str(port), pair.key, pair.certificate]
    if not knows_h2:
        command = ["/usr/bin/openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www",
                   "-key", pair.key, "-cert", pair.certificate, "-alpn", "http/1.1"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        node = listening(port, process)
        edge = newel(multiplexed(node, {"tls": {"ca": certificates.ca, "name": "node.example"}}))
        reply = edge.get("/small")
        assert reply.status == (200 if knows_h2 else 502)
        if knows_h2:
            assert reply.body == b"small"
        else:
            assert "node.tls_refused" in edge.wait_line("node.tls_refused")
            assert edge.metric("newel_node_connect_errors_total", reason="untrusted") > 0
    finally:
        process.kill()
        process.wait()


def test_a_killed_node_fails_what_runs_and_is_found_again(edge, node):
    wires = [edge.wire(name=f"client {i}") for i in range(3)]
    for wire in wires:
        wire.ask("POST", "/hold", b"x")
    node.wait(lambda: len(node.held) == 3, "held 3")
    node.cut()
    assert [wire.response().status for wire in wires] == [502] * 3
    assert edge.get("/hello").status == 200


def test_a_client_that_goes_resets_its_stream_and_frees_the_slot(edge, node):
    wire = edge.wire()
    wire.ask("GET", "/hold")
    node.wait(lambda: node.held, "held")
    wire.close()
    node.wait(lambda: node.resets, "saw a reset")
    assert node.resets[0][2] == CANCEL
    eventually(lambda: edge.metric("newel_node_in_flight") == 0)
    assert edge.get("/hello").headers["x-connection"] == "0"


def test_an_answer_before_the_body_ends_drops_the_rest_of_it(newel, node):
    edge = newel(multiplexed(node, routes=[{"path": "/", "service": "app", "stream": True}]))
    with edge.wire() as wire:
        wire.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        reply = wire.response()
        assert reply.status == 200 and reply.body == b"early"
        node.wait(lambda: node.resets, "saw a reset")
    assert edge.get("/hello").headers["x-connection"] == "0"


# Flow control


def test_a_slow_client_holds_up_nobody_else(edge, node):
    slow = connect(edge.address)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert slow.recv(100)
    for _ in range(20):
        reply = edge.get("/bytes/300000")
        assert len(reply.body) == 300_000 and reply.headers["x-connection"] == "0"
    slow.close()
    eventually(lambda: edge.metric("newel_node_in_flight") == 0)


def test_a_node_that_reads_nothing_stops_its_own_upload_alone(newel, nodes):
    node = nodes(window=65535)
    node.reads = False
    edge = newel(multiplexed(node, routes=[{"path": "/", "service": "app", "stream": True}]))
    with edge.wire() as wire:
        wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        wire.send(b"x" * 60_000)
        eventually(lambda: len(node.connections) and sum(
            len(one["body"]) for one in node.connections[0].streams.values()) == 60_000)
        assert edge.get("/hello").status == 200


# gRPC


def test_health_by_grpc(newel, node):
    edge = newel(multiplexed(node, {"health": {"grpc": "", "every": "100ms", "timeout": "100ms",
                                               "fall": 1, "rise": 1}}))
    eventually(lambda: edge.node(node)["state"] == "up")
    node.health = b"\0\0\0\0\2\x08\2"
    eventually(lambda: edge.node(node)["state"] == "down")
    assert "not serving" in edge.node(node)["reason"]
    node.health = b"\0\0\0\0\2\x08\1"
    eventually(lambda: edge.node(node)["state"] == "up")
    head = next(head for _, _, head in node.requests if head[":method"] == "POST")
    assert head["content-type"] == "application/grpc" and head["te"] == "trailers"


def test_health_by_path(newel, node):
    edge = newel(multiplexed(node, {"health": {"path": "/hello", "every": "100ms",
                                               "timeout": "100ms"}}))
    eventually(lambda: edge.node(node)["state"] == "up")
    assert node.requests[0][2][":path"] == "/hello"


# Life


def test_reloads_and_drains_while_streams_run_fail_nothing(newel, nodes):
    first, second = nodes("first"), nodes("second")
    conf = site(first, second, service={"multiplex": "h2"}, threads=1)
    edge = newel(conf)
    stop = threading.Event()
    statuses = []

    def ask(_):
        with edge.wire() as wire:
            while not stop.is_set():
                statuses.append(wire.ask("GET", "/bytes/5000").response().status)

    def disturb():
        try:
            for i in range(100):
                conf["services"]["app"]["multiplex"] = {"streams": 10 + i, "connections": 1 + i % 4}
                assert "error" not in edge.reload(conf)
                if i % 10 == 0:
                    edge.drain(first)
                    edge.undrain(first)
        finally:
            stop.set()

    disturber = threading.Thread(target=disturb)
    disturber.start()
    together(6, ask)
    disturber.join()
    assert set(statuses) == {200} and len(statuses) > 100


def test_multiplexing_is_switched_off_and_on_by_reload(newel, nodes, origin):
    node = nodes()
    origin.on("GET /hello").reply(200, "old way")
    edge = newel(multiplexed(node))
    assert edge.get("/hello").body == b"hello"
    edge.reload(site(origin, threads=1))
    assert edge.get("/hello").body == b"old way"
    edge.reload(multiplexed(node))
    assert edge.get("/hello").body == b"hello"


def test_an_idle_connection_is_closed(newel, node):
    edge = newel(multiplexed(node, {"timeouts": {"idle": "10s"}}))
    assert edge.get("/hello").status == 200
    edge.clock.advance(s=9)
    assert edge.metric("newel_node_connections_open") == 1
    edge.clock.advance(s=2)
    eventually(lambda: edge.metric("newel_node_connections_open") == 0)


# Real servers


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listening(port, process):
    def is_there():
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True
    eventually(is_there)
    return f"127.0.0.1:{port}"


@pytest.fixture(params=["nghttpd", "nginx"])
def server(request, tmp_path):
    """A server of files, started anew by server.start()."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "small").write_bytes(b"small")
    (folder / "big").write_bytes(os.urandom(5 * MIB))
    port = free_port()
    if request.param == "nghttpd":
        command = ["nghttpd", "--no-tls", "-d", str(folder), str(port)]
    else:
        conf = tmp_path / "nginx.conf"
        conf.write_text(f"""daemon off; master_process off; pid {tmp_path}/nginx.pid;
            error_log stderr; events {{ worker_connections 1000; }}
            http {{ access_log off; keepalive_requests 500; client_max_body_size 0;
              client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;
              fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;
              scgi_temp_path {tmp_path}/s;
              server {{ listen 127.0.0.1:{port} http2; root {folder}; }} }}""")
        command = ["/usr/sbin/nginx", "-c", str(conf), "-p", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    class Server:
        name = request.param
        address = listening(port, process)
        files = folder
    yield Server
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_real_server_answers_many_at_once(newel, server):
    edge = newel(multiplexed(server))
    big = (server.files / "big").read_bytes()

    def ask(i):
        with edge.wire() as wire:
            for _ in range(50):
                reply = wire.ask("GET", "/small").response()
                assert (reply.status, reply.body) == (200, b"small")
            if i % 8 == 0:
                reply = wire.ask("GET", "/big").response()
                assert reply.body == big
        return True

    # nginx says GOAWAY after 500 requests: 1,600 of them meet three
    assert together(32, ask) == [True] * 32
    assert edge.get("/none").status == 404


def test_a_real_server_takes_uploads(newel, server):
    edge = newel(multiplexed(server))
    assert edge.request("POST", "/small", os.urandom(3 * MIB)).status in (200, 405)
    assert edge.get("/small").body == b"small"


# Calls from clients of HTTP/2 (gRPC)


@pytest.fixture
def call(edge, transcript):
    """A client's connection over HTTP/2."""
    with H2Wire(edge.address, transcript=transcript) as wire:
        yield wire


GRPC = {"content_type": "application/grpc", "te": "trailers"}


def message(data):
    return b"\0" + len(data).to_bytes(4, "big") + data


def test_a_call_passes_with_its_trailers(call, node):
    stream = call.ask("POST", "/bidi", message(b"ask"), **GRPC)
    answer = call.answer(stream)
    assert answer.status == 200 and answer.body == message(b"ask")
    assert answer.trailers["grpc-status"] == "0"
    head = node.requests[0][2]
    assert head["te"] == "trailers" and head["content-type"] == "application/grpc"


def test_a_call_goes_back_and_forth(call, node):
    stream = call.ask("POST", "/bidi", end=False, **GRPC)
    for i in range(20):
        call.send(frame(DATA, 0, stream, message(b"%d" % i)))
        call.wait(lambda: call.answer_of(stream).body.endswith(message(b"%d" % i)))
    call.send(frame(DATA, END_STREAM, stream, b""))
    assert call.answer(stream).trailers["grpc-status"] == "0"


def test_trailers_of_a_request_pass_but_for_what_does_harm(call, node):
    stream = call.ask("POST", "/echo", b"body", end=False)
    call.send(headers(stream, [("x-sum", "1"), ("authorization", "x"), ("cache-control", "no-store")]))
    answer = call.answer(stream)
    assert answer.body == b"body" and answer.trailers["x-sum"] == "1"
    assert [name for name, _ in node.connections[0].streams[1]["trailers"]] == ["x-sum"]


def test_many_calls_share_one_connection_to_the_node(call, node):
    streams = [call.ask("POST", "/bidi", end=False, **GRPC) for _ in range(50)]
    for stream in streams:
        call.send(frame(DATA, END_STREAM, stream, message(b"%d" % stream)))
    for stream in streams:
        assert call.answer(stream).body == message(b"%d" % stream)
    assert len(node.connections) == 1


@pytest.mark.parametrize("path", ["/refuse", "/goaway"])
def test_a_call_that_did_not_begin_moves_with_what_was_read_of_it(call, node, path):
    assert call.answer(call.get("/hello")).status == 200
    stream = call.ask("POST", path, message(b"all of it"), **GRPC)
    assert call.answer(stream).status == 200
    moved = [one for one in node.requests if one[2][":path"] == path]
    assert len(moved) == 2
    number, again, _ = moved[1]
    assert node.connections[number].streams[again]["body"] == message(b"all of it")


def test_a_call_that_the_caller_resets_is_reset_at_the_node(call, node):
    stream = call.ask("POST", "/bidi", end=False, **GRPC)
    call.wait(lambda: call.answer_of(stream).headers is not None)
    call.send(rst_stream(stream))
    node.wait(lambda: node.resets, "saw a reset")
    assert node.resets[0][2] == CANCEL


def test_a_call_that_the_node_resets_midway_is_reset(call, node):
    stream = call.ask("POST", "/bidi", message(b"a"), end=False, **GRPC)
    call.wait(lambda: call.answer_of(stream).body == message(b"a"))
    node.cut()
    call.wait(lambda: call.answer_of(stream).is_over)
    assert call.answer_of(stream).reset is not None or \
        call.answer_of(stream).trailers["grpc-status"] == "14"


def test_unavailable_counts_against_the_node(call, edge):
    for _ in range(3):
        assert call.answer(call.ask("POST", "/unavailable", message(b""), **GRPC)).headers[
            "grpc-status"] == "14"
    assert edge.metric("newel_node_requests_total", **{"class": "refusing"}) == 3


def test_a_service_without_multiplexing_does_not_implement_calls(newel, origin, transcript):
    edge = newel(site(origin))
    with H2Wire(edge.address, transcript=transcript) as wire:
        answer = wire.answer(wire.ask("POST", "/a", message(b""), **GRPC))
        assert answer.status == 200 and answer.headers["grpc-status"] == "12"


def test_no_node_is_unavailable_to_a_caller(newel, nodes, transcript):
    node = nodes()
    node.stop()
    edge = newel(multiplexed(node))
    with H2Wire(edge.address, transcript=transcript) as wire:
        answer = wire.answer(wire.ask("POST", "/a", message(b""), **GRPC))
        assert answer.status == 200 and answer.headers["grpc-status"] == "14"
