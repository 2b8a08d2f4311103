"""TLS to nodes: who does not prove who it is gets nothing of a request."""

import contextlib
import socket
import threading

import pytest

from kit.load import eventually
from kit.newel import run
from kit.site import site, text_of


@pytest.fixture
def node(origins, certificates):
    """A node with TLS; by default one that the scenario's authority has signed for 127.0.0.1."""
    def start(pair=None, name="node", **more):
        pair = pair or certificates.server("127.0.0.1")
        return origins(name, tls=certificates.server_context(pair, **more))
    return start


def trusting(certificates, **more):
    return {"tls": {"ca": certificates.ca, **more}}


def test_a_request_goes_over_tls_and_the_connection_is_kept(newel, node, certificates):
    origin = node()
    origin.on("POST /order").reply(201, "made")
    edge = newel(site(origin, service=trusting(certificates), threads=1))
    assert edge.post("/order", b"one").status == 201
    assert edge.get("/").status == 200
    assert len(origin.connections) == 1
    assert origin.connections[0].server_name is None  # an address has no SNI (RFC 6066)
    assert origin.requests[0].body == b"one"
    assert origin.requests[0].headers["x-forwarded-proto"] == "http"


def test_the_name_that_is_given_is_asked_for_and_verified(newel, node, certificates):
    origin = node(certificates.server("shop.internal"))
    edge = newel(site(origin, service=trusting(certificates, name="shop.internal")))
    assert edge.get("/").status == 200
    assert origin.connections[0].server_name == "shop.internal"


def test_a_unix_node_has_the_name_that_is_given(newel, origins, certificates):
    context = certificates.server_context(certificates.server("shop.internal"))
    origin = origins("node", unix=True, tls=context)
    edge = newel(site(origin, service=trusting(certificates, name="shop.internal")))
    assert edge.get("/").status == 200


WRONG = {
    "self-signed": (lambda c: c.self_signed("127.0.0.1"), {}),
    "expired": (lambda c: c.server("127.0.0.1", ends_days=-1), {}),
    "of tomorrow": (lambda c: c.server("127.0.0.1", starts_days=1), {}),
    "wrong name": (lambda c: c.server("other.example"), {}),
    "wrong name given": (lambda c: c.server("127.0.0.1"), {"name": "shop.internal"}),
    "wrong authority": (lambda c: c.other.server("127.0.0.1"), {}),
    "a client's": (lambda c: c.client("127.0.0.1"), {}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_node_that_proves_nothing_gets_nothing(newel, node, certificates, what):
    make, more = WRONG[what]
    origin = node(make(certificates))
    edge = newel(site(origin, service=trusting(certificates, **more)))
    answer = edge.post("/pay", b"secret=4711", Authorization="Bearer t0ken")
    assert answer.status == 502
    assert origin.requests == []
    assert all(connection.seen == b"" for connection in origin.connections)
    line = edge.wait_line("event=node.tls_refused")
    assert f"service=app node={origin.address} reason=" in line
    trouble = edge.node(origin)["trouble"]
    assert trouble and trouble in line.replace('\\"', '"')
    assert trouble in edge.command("status").stdout
    assert edge.metric("newel_node_connect_errors_total", reason="untrusted") >= 1
    assert trouble not in answer.text


def test_the_system_does_not_know_this_authority(newel, node):
    origin = node()
    edge = newel(site(origin, service={"tls": {}}))
    assert edge.get("/").status == 502
    assert origin.requests == []


def test_a_refused_node_counts_as_not_connected_and_another_answers(newel, node, certificates):
    bad = node(certificates.other.server("127.0.0.1"), name="bad")
    good = node(name="good")
    edge = newel(site(bad, good, service=trusting(certificates)))
    for _ in range(6):
        assert edge.post("/", b"x").status == 200
    assert bad.requests == [] and len(good.requests) == 6
    assert edge.node(bad)["tries"]["connect"] >= 1


def test_a_plain_node_behind_tls_settings_is_refused(newel, origin, certificates):
    edge = newel(site(origin, service=trusting(certificates)))
    assert edge.get("/").status == 502
    assert origin.requests == []


def test_a_node_that_answers_the_hello_in_plain_http_is_called_that(newel, certificates):
    def serve():
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.recv(2000)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            while sock.recv(2000):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        edge = newel(site(address, service=trusting(certificates)))
        assert edge.post("/", b"x").status == 502
        server.join()
        assert edge.node(address)["trouble"] == "what the other side sent is not TLS"


def test_trouble_is_over_when_the_node_proves_itself(newel, node, certificates):
    pair = certificates.other.server("127.0.0.1")
    origin = node(pair)
    edge = newel(site(origin, service=trusting(certificates)))
    assert edge.get("/").status == 502
    right = certificates.server("127.0.0.1")
    origin.tls.load_cert_chain(right.certificate, right.key)
    eventually(lambda: edge.get("/").status == 200, "the node")
    assert "trouble" not in edge.node(origin)


def test_unverified_is_possible_and_said_everywhere(newel, node, certificates, tmp_path):
    origin = node(certificates.self_signed("other.example"))
    conf = site(origin, service={"tls": {"verify": False}})
    path = tmp_path / "check.yaml"
    path.write_text(text_of(conf))
    assert "services.app.tls.verify" in run("check", path).stderr
    edge = newel(conf)
    assert edge.get("/").status == 200
    assert edge.status()["gate"]["services"]["app"]["tls"] == {"verified": False}
    assert "nodes are not verified" in edge.command("tls").stdout


def test_newel_shows_the_node_its_certificate(newel, node, certificates):
    origin = node(clients=certificates.ca)
    own = certificates.client("newel.internal")
    edge = newel(site(origin, service=trusting(certificates, **own.conf)))
    assert edge.get("/").status == 200
    shown = origin.connections[-1].client_certificate
    assert shown["subjectAltName"] == (("DNS", "newel.internal"),)


def test_without_it_the_node_refuses_and_that_is_a_failed_connect(newel, node, certificates):
    origin = node(clients=certificates.ca)
    edge = newel(site(origin, service=trusting(certificates)))
    assert edge.get("/").status == 502
    assert origin.requests == []


def test_a_renewed_client_certificate_is_shown_and_old_connections_go(newel, node, certificates):
    origin = node(clients=certificates.ca)
    own = certificates.client("newel.internal")
    edge = newel(site(origin, service=trusting(certificates, **own.conf)))
    assert edge.get("/").status == 200
    serial = own.renew()

    def shown():
        edge.clock.advance(s=2)
        assert edge.get("/").status == 200
        return int(origin.connections[-1].client_certificate["serialNumber"], 16)
    eventually(lambda: shown() == serial, "the renewed certificate")
    assert origin.connections[0].closed.wait(60)


def test_other_settings_after_a_reload_use_no_old_connection(newel, node, certificates):
    origin = node()
    edge = newel(site(origin, service={"tls": {"verify": False}}, threads=1))
    assert edge.get("/").status == 200
    assert "error" not in edge.reload(site(origin, service=trusting(certificates, name="shop.internal"),
                                             threads=1))
    assert edge.get("/").status == 502
    assert len(origin.requests) == 1
    assert origin.connections[0].closed.wait(60)
    assert "error" not in edge.reload(site(origin, service=trusting(certificates), threads=1))
    assert edge.get("/").status == 200
    count = len(origin.connections)
    assert "error" not in edge.reload()  # the same settings: the connection stays
    assert edge.get("/").status == 200
    assert len(origin.connections) == count


def test_sessions_are_resumed(newel, node, certificates):
    origin = node()
    origin.on("GET /").reply(200, "x", connection="close")
    edge = newel(site(origin, service=trusting(certificates), threads=1))
    for _ in range(3):
        assert edge.get("/").status == 200
    assert [connection.is_resumed for connection in origin.connections] == [False, True, True]


def test_probes_use_tls_too(newel, node, certificates):
    origin = node()
    edge = newel(site(origin, service={**trusting(certificates),
                                       "health": {"path": "/ready", "every": "100ms"}}))
    eventually(lambda: edge.node(origin)["state"] == "up", "a good probe")
    assert any(request.target == "/ready" for request in origin.requests)
    wrong = node(certificates.server("other.example"), name="wrong")
    other = newel(site(wrong, service={**trusting(certificates),
                                       "health": {"path": "/ready", "every": "100ms"}}))
    eventually(lambda: other.node(wrong)["state"] == "down", "a refused probe")
    assert "did not prove" in other.node(wrong)["reason"]
    assert wrong.requests == []


def test_a_handshake_that_stalls_ends_with_the_connect_timeout(newel, certificates):
    silent = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{silent.getsockname()[1]}"
    edge = newel(site(address, service={**trusting(certificates), "timeouts": {"connect": "300ms"}}))
    assert edge.get("/").status == 502
    silent.close()


def test_long_bodies_pass_both_ways(newel, node, certificates):
    big = bytes(range(256)) * 16384
    origin = node()
    origin.on("POST /").reply(200, big)
    edge = newel(site(origin, service=trusting(certificates)))
    assert edge.post("/", big).body == big
    assert origin.requests[0].body == big
