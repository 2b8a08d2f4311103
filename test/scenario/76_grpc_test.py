"""gRPC through newel, by grpc-js on both sides: the same as without newel, and newel's own answers."""

import json
import os

import pytest

from kit.load import eventually
from kit.site import site
from peer_kit import PEERS, Peer, peer, program, run

assert os.path.isdir(os.path.join(PEERS, "node_modules", "@grpc")), "tools/setup.sh test installs it"


@pytest.fixture
def servers(transcript):
    """Start servers of grpc-js."""
    made = []

    def start(name="grpc", pair=None):
        files = [pair.certificate, pair.key] if pair else []
        made.append(Peer(transcript, name, [program("node"), peer("grpc/server.js"), *files]))
        return made[-1].__enter__()

    yield start
    for one in made:
        one.stop()


def call(transcript, address, authority=None, *arguments):
    """What the client saw; with "one": of a single call."""
    words = [peer("grpc/client.js"), address.replace("127.0.0.1", "localhost")]
    if authority or arguments:
        words.append(authority or "-")
    done = run(transcript, "node", *words, *arguments)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout)


def one(transcript, address, authority=None):
    return call(transcript, address, authority, "one")


def grpc_site(*nodes, service=None, **more):
    return site(*nodes, service={"multiplex": "h2", **(service or {})}, **more)


@pytest.fixture
def direct(servers, transcript):
    """A server, and what its client sees without newel."""
    server = servers()
    server.seen = call(transcript, server.address)
    assert server.seen["one"]["code"] == 0 and server.seen["status 7"]["code"] == 7
    return server


def assert_same(seen, expected):
    for what in expected:
        assert seen.get(what) == expected[what], what
    assert seen.keys() == expected.keys()


def test_everything_is_the_same_as_direct(newel, direct, transcript):
    """All four forms, metadata both ways and binary, all statuses, deadline, cancellation."""
    edge = newel(grpc_site(direct.address))
    assert_same(call(transcript, edge.address), direct.seen)


def test_everything_is_the_same_over_tls(newel, direct, certificates, transcript):
    pair = certificates.server("localhost")
    edge = newel(grpc_site(direct.address, listen=[{"address": "127.0.0.1:0", "tls": pair.conf}]))
    assert_same(call(transcript, edge.address, certificates.ca), direct.seen)


def test_everything_is_the_same_with_tls_to_the_node(newel, direct, servers, certificates, transcript):
    node = servers("grpc-tls", certificates.server("node.example"))
    edge = newel(grpc_site(node.address,
                           service={"tls": {"ca": certificates.ca, "name": "node.example"}}))
    assert_same(call(transcript, edge.address), direct.seen)


# What newel answers itself


def test_no_route_is_unimplemented(newel, direct, transcript):
    edge = newel(grpc_site(direct.address, routes=[{"path": "/other.Service/", "service": "app"}]))
    assert one(transcript, edge.address)["code"] == 12


def test_a_service_of_http1_is_unimplemented(newel, origin, transcript):
    edge = newel(site(origin))
    assert one(transcript, edge.address)["code"] == 12
    assert origin.requests == []


def test_a_node_that_is_gone_is_unavailable(newel, direct, transcript):
    edge = newel(grpc_site(direct.address))
    assert one(transcript, edge.address)["code"] == 0
    direct.stop()
    assert one(transcript, edge.address)["code"] == 14


def test_the_routes_time_is_a_deadline(newel, servers, transcript):
    server = servers()
    edge = newel(grpc_site(server.address, routes=[
        {"path": "/echo.Echo/Wait", "service": "app", "timeouts": {"request": "200ms"}},
        {"path": "/", "service": "app"}]))
    seen = run(transcript, "node", peer("grpc/client.js"), edge.address, "-", "wait")
    assert json.loads(seen.stdout)["code"] == 4


def test_calls_are_balanced_one_by_one(newel, servers, transcript):
    """One connection of the client, two nodes: a connection would stick to one of them."""
    nodes = [servers("grpc-1"), servers("grpc-2")]
    edge = newel(grpc_site(*(node.address for node in nodes), service={"balance": "round-robin"}))
    call(transcript, edge.address, None, "many")
    for node in nodes:
        assert edge.node(node)["requests"] >= 100


# grpc.health.v1


def state(edge, node):
    return edge.node(node)["state"]


@pytest.mark.parametrize("name", ["", "echo.Echo"])
def test_health_is_asked_by_grpc(newel, servers, transcript, name):
    first, second = servers("grpc-1"), servers("grpc-2")
    edge = newel(grpc_site(first.address, second.address, service={
        "health": {"grpc": name, "every": "100ms", "fall": 1, "rise": 1}}))
    eventually(lambda: state(edge, first) == state(edge, second) == "up", "both up")
    first.say("not-serving")
    eventually(lambda: state(edge, first) == "down", "the first out")
    assert one(transcript, edge.address)["code"] == 0
    first.say("serving")
    eventually(lambda: state(edge, first) == "up", "the first in again")


def test_a_reload_loses_no_call(newel, servers, transcript):
    """Calls of all lengths go on while the configuration is loaded again and again."""
    server = servers()
    edge = newel(grpc_site(server.address))
    with Peer(transcript, "client", [program("node"), peer("grpc/client.js"), edge.address, "-",
                                     "steadily"], port=0) as client:
        client.wait_line("begun")
        for number in range(20):
            reply = edge.reload(grpc_site(server.address, drain=f"{30 + number}s"))
            assert "error" not in reply, reply
        client.say("enough")
        seen = json.loads(client.wait_line("{"))
    assert seen["failures"] == [] and seen["done"] > 0
