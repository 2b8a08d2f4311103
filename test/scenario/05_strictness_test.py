"""Every class of docs/reference/http-strictness.md on the wire: refused, closed, and nothing passed on."""

import pytest

import strictness_cases as cases
from kit.load import eventually
from kit.message import Closed
from kit.newel import scaled
from kit.site import site

# Nothing of these may be collected first: what is refused behind a good head must be refused while
# it streams, too.
ROUTES = [{"path": "/", "service": "app"}]
STREAMED = [{"path": "/", "service": "app", "stream": True}]


def names(rows):
    """The class, made unique by a number where it comes again."""
    seen = []
    for row in rows:
        seen.append(row[0])
    return [name if seen.count(name) == 1 else f"{name}-{i}" for i, name in enumerate(seen)]


def cuts(data):
    """Where a message is sent in two: at its edges, around its line ends, and in between."""
    ends = {at + shift for at in range(len(data)) if data[at:at + 1] in (b"\r", b"\n")
            for shift in (0, 1)}
    places = sorted(at for at in ends | {1, len(data) - 1, len(data) // 2} if 0 < at < len(data))
    count = scaled(8, 2)
    return places[::max(1, len(places) // count)][:count] if len(places) > count else places


def refused(wire, status, data, cut=None):
    """Sends the message, whole or in two; the answer is the status and a close."""
    try:
        if cut is None:
            wire.send(data)
        else:
            wire.send(data[:cut])
            wire.send(data[cut:])
    except ConnectionError:
        pass  # newel may have answered and closed before the end of the message
    reply = wire.response()
    assert reply.status == status
    assert reply.headers["connection"] == "close"
    assert wire.ends()


@pytest.mark.parametrize("name, status, data", cases.REQUESTS, ids=names(cases.REQUESTS))
def test_a_request_is_refused_and_the_node_sees_nothing(newel, origin, name, status, data):
    edge = newel(site(origin, routes=ROUTES))
    with edge.wire() as wire:
        refused(wire, status, data)
    for cut in cuts(data):
        with edge.wire() as wire:
            refused(wire, status, data, cut)
    count = 1 + len(cuts(data))
    eventually(lambda: edge.metric("newel_requests_refused_total", reason=name) == count,
               f"{count} refusals counted as {name}")
    assert origin.connections == [] and origin.seen == b""


@pytest.mark.parametrize("name, status, data", cases.REQUESTS, ids=names(cases.REQUESTS))
def test_what_is_pipelined_behind_a_refused_request_is_not_parsed(newel, origin, name, status, data):
    edge = newel(site(origin, routes=ROUTES))
    with edge.wire() as wire:
        assert wire.ask("GET", "/good").response().status == 200
        refused(wire, status, data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [request.target for request in origin.requests] == ["/good"]
    assert b"smuggled" not in origin.seen


BODIES = [row for row in cases.REQUESTS if b"\r\nTransfer-Encoding: chunked\r\n\r\n" in row[2]
          and row[2].startswith(b"POST / HTTP/1.1") and row[0] not in ("CODING_WITH_LENGTH",)]


@pytest.mark.parametrize("name, status, data", BODIES, ids=names(BODIES))
def test_a_streamed_body_that_breaks_is_cut_without_its_end(newel, origin, name, status, data):
    """The head was good, so the node may have seen it; it must never see a complete body."""
    edge = newel(site(origin, routes=STREAMED))
    head, body = data.split(b"\r\n\r\n", 1)
    good = b"5\r\nfirst\r\n"
    with edge.wire() as wire:
        wire.send(head + b"\r\n\r\n" + good)
        origin.wait(lambda: b"first" in origin.seen, "the good beginning")
        refused(wire, status, body)
    origin.wait(lambda: not origin.alive, "the cut")
    assert origin.requests == []
    assert not origin.seen.endswith(b"0\r\n\r\n")


# Towards nodes


def bad_answer(newel, origin, data, cut=None):
    """A newel before a node that answers so, and only ever once."""
    rule = origin.on("GET /bad")
    if cut is None:
        rule.raw(data)
    else:
        rule.raw(data[:cut]).raw(data[cut:])
    return rule


def node_errors(edge, origin):
    tries = edge.node(origin)["tries"]
    return sum(tries[kind] for kind in ("connect", "reset", "timeout", "refusing"))


@pytest.mark.parametrize("name, data", cases.RESPONSES, ids=names(cases.RESPONSES))
def test_an_answer_is_refused_and_its_connection_closed(newel, origin, name, data):
    edge = newel(site(origin))
    places = [None, *cuts(data)]
    for count, cut in enumerate(places, 1):
        origin.forget("GET /bad")
        bad_answer(newel, origin, data, cut)
        with edge.wire() as wire:
            reply = wire.ask("GET", "/bad").response()
            assert reply.status == 502
            assert wire.ask("GET", "/good").response().status == 200
        bad = next(r for r in reversed(origin.requests) if r.target == "/bad")
        assert bad.connection.closed.wait(60)
        assert [r.target for r in origin.requests if r.connection is bad.connection][-1] == "/bad"
        assert node_errors(edge, origin) == count


@pytest.mark.parametrize("name, data", cases.RESPONSE_BODIES, ids=names(cases.RESPONSE_BODIES))
def test_an_answer_whose_body_breaks_is_cut(newel, origin, name, data):
    edge = newel(site(origin))
    for cut in (None, *cuts(data)):
        origin.forget("GET /bad")
        bad_answer(newel, origin, data, cut)
        with edge.wire() as wire:
            wire.ask("GET", "/bad")
            try:
                reply = wire.response()
                assert reply.status == 502
            except Closed:
                pass  # the answer had begun: its end never comes
        bad = next(r for r in reversed(origin.requests) if r.target == "/bad")
        assert bad.connection.closed.wait(60)
        assert edge.get("/good").status == 200


@pytest.mark.parametrize("name, data", cases.RESPONSE_SURPLUS, ids=names(cases.RESPONSE_SURPLUS))
def test_bytes_behind_an_answer_reach_nobody(newel, origin, name, data):
    origin.on("GET /bad").raw(data)
    edge = newel(site(origin))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/bad").response()
        assert reply.status in (200, 204, 502)
        good = wire.ask("GET", "/good").response()
        assert good.status == 200 and good.text == "origin: GET /good\n"
    bad = next(r for r in origin.requests if r.target == "/bad")
    assert bad.connection.closed.wait(60)
    assert next(r for r in origin.requests if r.target == "/good").connection is not bad.connection
    assert node_errors(edge, origin) == 1


def test_bytes_that_come_later_on_an_idle_connection_close_it(newel, origin):
    edge = newel(site(origin))
    assert edge.get("/first").status == 200
    first = origin.connections[0]
    first.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert first.closed.wait(60)
    assert edge.get("/second").text == "origin: GET /second\n"
    assert len(origin.connections) == 2
