"""Every row of docs/reference/http2-conformance.md that a client can play: what a receiver of HTTP/2
must do by RFC 9113 and RFC 7541, asked of newel with crafted frames. See h2_cases.py.

Whatever a row breaks: nothing of a request for /bad… reaches the node, and the connection either ends
as the row says or serves the next request.
"""

import threading

import pytest

from h2_message_cases import CASES
from kit.h2 import Gone, H2Wire
from kit.site import site

LARGE = 200_000


class Stage:
    """A newel, its node, and the connection that the case plays on."""

    def __init__(self, newel, origin, transcript):
        self.origin, self.transcript = origin, transcript
        self.large = LARGE
        self.held = threading.Event()
        origin.on("GET /held").hold(self.held).reply(200, "held")
        origin.on("GET /large").reply(200, "l" * LARGE)
        origin.on("HEAD /large").raw(f"HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n")
        origin.on("POST /streamed").hold(self.held).hang_up()
        routes = [{"path": "/streamed", "service": "app", "stream": True},
                  {"path": "/", "service": "app"}]
        self.address = newel(site(origin, routes=routes, limits={"body": "64M"})).address
        self.last = None

    def wire(self, **options):
        self.last = H2Wire(self.address, transcript=self.transcript, **options)
        if options.get("preface", b"") is not None and options.get("first", ()) is not None:
            self.last.ready()
        return self.last

    def release(self):
        self.held.set()

    def close(self):
        self.release()
        if self.last is not None:
            self.last.close()


@pytest.fixture
def stage(newel, origin, transcript):
    made = Stage(newel, origin, transcript)
    yield made
    made.close()


def goes_on(wire):
    """The connection serves the next request, and says nothing of an end."""
    wire.ping()
    if wire.next_stream < 5000:
        wire.next_stream = 5001
    assert wire.answer(wire.get("/good")).status == 200
    assert not wire.goaways


def judge(wire, expected, stream):
    kind, _, what = expected.partition(" ")
    if expected.startswith("ignored or connection "):
        try:
            goes_on(wire)
        except Gone as gone:
            assert gone.end.code == what.rpartition(" ")[2], gone.end
    elif kind == "closed":
        wire.end()
    elif kind == "connection":
        end = wire.end()
        assert end.code == what, end
    elif kind == "stream":
        assert wire.ended(stream).reset == what, wire.answer_of(stream)
        goes_on(wire)
    elif kind == "either":
        try:
            assert wire.ended(stream).reset == what, wire.answer_of(stream)
        except Gone as gone:
            assert gone.end.code == what
    elif kind == "answered":
        assert wire.answer(stream).status == int(what)
        goes_on(wire)
    elif kind == "ignored":
        goes_on(wire)
    else:
        assert kind == "holds", expected


@pytest.mark.parametrize("name", CASES)
def test_conformance(stage, name):
    one = CASES[name]
    stream = one.play(stage)
    if one.answer != "holds":
        judge(stage.last, one.answer, stream)
    seen = [request.target for request in stage.origin.requests]
    assert not [target for target in seen if target.startswith("/bad")], seen
    assert b" /bad" not in stage.origin.seen
