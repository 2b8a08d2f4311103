"""Every row of docs/reference/http2-conformance.md that a node can play. See h2_node_cases.py.

Whatever the node breaks: the client gets 502, or an answer that visibly breaks off, never a malformed
one (H2Wire would say so) and never a part of it for the whole; and the next request is served.
"""

import pytest

from h2_node_cases import CASES
from kit.h2 import INITIAL_WINDOW_SIZE, PING, H2Wire, frame
from kit.h2_rude_node import RudeNode
from kit.site import site

CLOCK = {"node-head-that-never-ends": 11}


@pytest.fixture
def rude(transcript):
    made = []

    def start(*args, **options):
        made.append(RudeNode(transcript, *args, **options))
        return made[-1]

    yield start
    for node in made:
        node.stop()


def told(node, expected):
    """What newel told the node is what the row says."""
    kind, _, what = expected.partition(" ")
    code = what.rpartition(" ")[2]
    if kind in ("connection", "either", "stream"):
        node.wait(lambda: node.goaways or node.resets, "was told")
        known = {"connection": node.goaways, "stream": node.resets}.get(kind, node.goaways + node.resets)
        assert code in known, (node.goaways, node.resets)
    if kind == "stream":
        assert node.goaways == []
    elif expected.startswith("ignored or connection "):
        assert set(node.goaways) <= {code}
    elif kind in ("answered", "closed"):
        assert set(node.goaways) <= {"NO_ERROR"}


@pytest.mark.parametrize("name", CASES)
def test_conformance_of_a_node(newel, rude, transcript, name):
    one = CASES[name]
    node = rude(one.play)
    edge = newel(site(node, service={"multiplex": "h2"}, threads=1, limits={"head_time": "10s"}))
    is_whole = one.answer.partition(" ")[0] in ("answered", "ignored")
    is_stuck = name == "node-window-exceeded"
    with H2Wire(edge.address, transcript=transcript, is_reading=not is_stuck,
                first=[(INITIAL_WINDOW_SIZE, 1)] if is_stuck else ()) as wire:
        stream = wire.ask("POST", "/rude", b"body")
        if name in CLOCK:
            node.wait(lambda: node.pongs, "answered")
            edge.clock.advance(s=CLOCK[name])
        answer = wire.ended(stream)
        if is_whole:
            assert (answer.status, answer.text, answer.reset) == (200, "good", None)
        else:
            assert answer.status == 502 or answer.reset is not None, answer
            assert node.requests.count("/rude") == 1
        told(node, one.answer)
        if not is_stuck:
            good = wire.answer(wire.get("/good"))
            assert (good.status, good.text) == (200, "good")
            assert len(node.connections) == 1 or not one.answer.startswith("stream")


def test_a_node_that_begins_with_another_frame_is_502(newel, rude):
    node = rude(None, greeting=frame(PING, 0, 0, b"8 octets"))
    edge = newel(site(node, service={"multiplex": "h2"}, threads=1))
    assert edge.post("/good", b"x").status == 502
    node.wait(lambda: "PROTOCOL_ERROR" in node.goaways, "was told")
