"""Floods of HTTP/2: each frame is legal or cheap, all together are an attack.

What must hold: the node never has more requests of one connection at once than `streams`; other clients
lose nothing; whoever sends more than 200 senseless frames within ten seconds is told so and cut off;
memory stays bounded.
"""

import socket
import threading

import pytest

from kit.h2 import (CONTINUATION, DATA, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PING, PREFACE,
                    PRIORITY, Gone, H2Wire, block, frame, head, headers, integer, literal, rst_stream,
                    settings, u32, window_update)
from kit.load import Load, eventually
from kit.newel import SANITIZED
from kit.site import site

STREAMS = 16
GLITCHES = 200
MIB = 1024 * 1024


class Crowd:
    """Requests that a node holds until newel gives each of them up; the most there ever were at once.

    A request counts until newel's close of its connection has arrived, whether or not the node's thread
    has noticed: what newel closed before it sent the next request is closed when that arrives."""

    def __init__(self, origin, path):
        self.lock = threading.Lock()
        self.held, self.peak, self.total = [], 0, 0
        origin.on(f"GET {path}").call(self.hold)

    def hold(self, connection, request):
        with self.lock:
            self.held = [other for other in self.held if not is_closed(other.sock)] + [connection]
            self.total += 1
            self.peak = max(self.peak, len(self.held))
        connection.reader.rest()


def is_closed(sock):
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.fixture
def edge(newel, origin, transcript):
    origin.is_told = origin.records_bytes = False
    made = newel(site(origin, listen=[{"address": "127.0.0.1:0", "h2": {"streams": STREAMS}}]))
    made.h2 = lambda **options: H2Wire(made.address, transcript=transcript, name="attacker",
                                       **options).ready()
    return made


@pytest.fixture
def others(edge):
    """Ordinary clients, whose every request must be answered; so must one of HTTP/2 at the end."""
    with Load(edge.address, clients=2) as load:
        load.wait(20)
        yield load
        load.wait(20)
    assert load.failures == []
    with H2Wire(edge.address) as wire:
        assert wire.answer(wire.get("/")).status == 200


@pytest.fixture
def afterwards(edge):
    """For scenarios that move the clock, under which time-outs of ordinary clients may run out."""
    yield
    assert edge.get("/").status == 200


def ends_calmly(wire):
    end = wire.end()
    assert end.code == "ENHANCE_YOUR_CALM", end
    return end


def rapid_reset(wire, stream):
    return headers(stream, head("/held")) + rst_stream(stream)


def provoked_by_window(wire, stream):
    return headers(stream, head("/held")) + window_update(stream, 2 ** 31 - 1)


def provoked_by_fields(wire, stream):
    return headers(stream, head("/held", "GET", "http", "a", ("X-Upper", "1")))


def provoked_by_length(wire, stream):
    return (headers(stream, head("/held", "POST", content_length="1"), end=False) +
            frame(DATA, END_STREAM, stream, b"two"))


@pytest.mark.parametrize("attack", [rapid_reset, provoked_by_window, provoked_by_fields,
                                    provoked_by_length])
def test_no_reset_buys_concurrency(edge, origin, others, attack):
    crowd = Crowd(origin, "/held")
    with edge.h2() as wire:
        try:
            for _ in range(1000 // STREAMS):  # in portions, so that only resets make room for more
                wire.send(*(attack(wire, wire.stream()) for _ in range(STREAMS))).ping()
        except Gone:
            pass
        ends_calmly(wire)
    assert crowd.peak <= STREAMS
    assert crowd.total <= GLITCHES + STREAMS


def test_what_is_reset_holds_its_slot_until_it_has_ended(edge, origin, others):
    """Far fewer resets than a flood: twice as many streams as there are slots, reset or not."""
    crowd = Crowd(origin, "/held")
    with edge.h2() as wire:
        for _ in range(4):
            first = [wire.get("/held") for _ in range(STREAMS)]
            wire.ping()
            wire.send(*(rst_stream(stream) for stream in first)).ping()
        assert crowd.peak <= STREAMS
        origin.wait(lambda: crowd.total >= STREAMS, "the first streams")


FLOODS = {
    "ping": lambda wire: frame(PING, 0, 0, b"8 octets"),
    "settings": lambda wire: settings((INITIAL_WINDOW_SIZE, 65535)),
    "settings-empty": lambda wire: settings(),
    "priority": lambda wire: frame(PRIORITY, 0, 1, u32(0) + b"\x10"),
    "window-of-1": lambda wire: window_update(0, 1),
    "empty-data": lambda wire: frame(DATA, 0, wire.open_stream),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_the_connection(edge, others, kind):
    with edge.h2() as wire:
        wire.open_stream = wire.ask("POST", "/", end=False)
        wire.send(*(FLOODS[kind](wire) for _ in range(2 * GLITCHES)))
        ends_calmly(wire)
    # nghttp2's own bound, 200 answers that were not sent yet, may be reached one frame earlier.
    assert edge.metric("newel_h2_glitches_total") >= GLITCHES


@pytest.mark.parametrize("kind", FLOODS)
def test_the_same_frames_in_ordinary_numbers_are_borne(edge, afterwards, kind):
    """And what is more than ten seconds ago is forgotten."""
    with edge.h2() as wire:
        wire.open_stream = wire.ask("POST", "/", end=False)
        for _ in range(3):
            wire.send(*(FLOODS[kind](wire) for _ in range(GLITCHES * 3 // 4)))
            wire.ping()
            edge.clock.advance(s=11)
        assert wire.answer(wire.get("/")).status == 200
        assert not wire.goaways


def test_a_visitor_who_cancels_a_page_is_no_attacker(edge, origin, afterwards):
    crowd = Crowd(origin, "/held")
    with edge.h2() as wire:
        for _ in range(GLITCHES // 2 // STREAMS):
            streams = [wire.get("/held") for _ in range(STREAMS)]
            wire.ping().send(*(rst_stream(stream) for stream in streams)).ping()
            edge.clock.advance(s=1)
        stream = wire.get("/")
        while wire.ended(stream).reset == "REFUSED_STREAM":  # until a slot has come back
            stream = wire.get("/")
        assert wire.answer(stream).status == 200
    assert crowd.peak <= STREAMS


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_header_block_without_end(edge, others, size):
    """CVE-2024-27316: CONTINUATION for ever, with nothing in it or with much."""
    piece = block([("x-pad", "p" * (size - 9))]) if size > 9 else b"\x00"[:size]
    with edge.h2() as wire:
        wire.send(frame(HEADERS, END_STREAM, 1, block(head("/"))))
        for _ in range(100):
            wire.send(frame(CONTINUATION, 0, 1, piece) * 100)
        wire.end()
        assert wire.answer_of(1).status in (None, 431)


def test_a_header_bomb_is_refused(edge, others):
    """RFC 7541, section 7: 4 KiB in the table and 16,000 references to it are 64 MiB of fields."""
    before = edge.memory("VmHWM")
    with edge.h2() as wire:
        for _ in range(20):
            stream = wire.stream()
            bomb = literal("x-bomb", "b" * 4000, 0x40) + integer(62, 7, 0x80) * 12000
            wire.send(headers(stream, block(head("/")) + bomb))
            try:
                answer = wire.ended(stream)
            except Gone:
                break
            assert answer.status == 431 or answer.reset is not None, answer
    if not SANITIZED:
        assert edge.memory("VmHWM") - before < 8 * MIB


def test_windows_of_one_octet_held_open(edge, origin, afterwards):
    """Each answer is asked for and hardly read: the node is held back, and memory is bounded."""
    large = 4 * MIB
    origin.on("GET /large").reply(200, b"l" * large)
    before = edge.memory("VmHWM")
    wires = [edge.h2(first=[(INITIAL_WINDOW_SIZE, 1)], is_reading=False) for _ in range(4)]
    try:
        for wire in wires:
            streams = [wire.get("/large") for _ in range(STREAMS)]
            wire.wait(lambda: all(wire.answer_of(stream).body for stream in streams)).ping()
            assert {len(wire.answer_of(stream).body) for stream in streams} == {1}
        if not SANITIZED:
            assert edge.memory("VmHWM") - before < len(wires) * 4 * MIB + 4 * MIB
        edge.clock.advance(s=120)  # no window progress for limits.idle
        for wire in wires:
            for stream in list(wire.answers):
                assert wire.ended(stream).reset is not None
    finally:
        for wire in wires:
            wire.close()


def test_a_window_opened_octet_by_octet(edge, origin, others):
    """Each WINDOW_UPDATE has its octet of DATA: slow, and legal, but not for ever."""
    origin.on("GET /some").reply(200, b"s" * 1000)
    with edge.h2(first=[(INITIAL_WINDOW_SIZE, 0)], is_reading=False) as wire:
        stream = wire.get("/some")
        wire.wait(lambda: wire.answer_of(stream).headers is not None)
        for count in range(1, GLITCHES // 2):
            wire.send(window_update(stream, 1))
            wire.wait(lambda: len(wire.answer_of(stream).body) >= count)
            assert len(wire.answer_of(stream).body) == count


def test_a_connection_that_reads_nothing(edge, others):
    """Answers to PING and SETTINGS pile up for somebody who does not take them."""
    before = edge.memory("VmHWM")
    with H2Wire(edge.address, receive_bytes=4096) as wire:
        for _ in range(200):
            wire.send(frame(PING, 0, 0, b"8 octets") * 500)
        wire.end()
    if not SANITIZED:
        assert edge.memory("VmHWM") - before < 8 * MIB


def test_many_streams_that_never_end(edge, origin, afterwards):
    """Requests that are never whole hold slots of their own connection, and nobody else's."""
    with edge.h2() as wire:
        wire.send(*(headers(wire.stream(), head("/", "POST"), end=False) for _ in range(STREAMS)))
        wire.ping()
        with edge.h2() as other:
            assert other.answer(other.get("/")).status == 200
        edge.clock.advance(s=120)
        for stream in range(1, 2 * STREAMS, 2):
            answer = wire.ended(stream)
            assert answer.status == 408 or answer.reset is not None
    assert origin.count("POST") == 0


UNFINISHED = {
    "frame-begun": frame(HEADERS, END_STREAM, 3, block(head("/"))[:9], length=400),
    "continuation-due": frame(HEADERS, END_STREAM, 3, block(head("/"))),
    "continuation-empty": frame(HEADERS, END_STREAM, 3, block(head("/"))) + frame(CONTINUATION, 0, 3),
    "refused-already": frame(HEADERS, END_STREAM, 3, block(head("/", "GET", "http", "a", ("X-Y", "1")))),
    "trailers": frame(HEADERS, END_STREAM, 1, block([("x-sum", "1")])),
}


@pytest.mark.parametrize("is_alone", [True, False])
@pytest.mark.parametrize("kind", UNFINISHED)
def test_a_header_block_that_never_ends_is_cut_in_time(edge, origin, afterwards, kind, is_alone):
    """limits.head_time, from its first byte on, whatever else the connection is busy with."""
    crowd = Crowd(origin, "/held")
    with edge.h2() as wire:
        if kind == "trailers":
            wire.ask("POST", "/", end=False)
        if not is_alone:
            wire.get("/held")
            origin.wait(lambda: crowd.total == 1, "the other request")
        # in one segment, so that the pong says that newel has read the rest too
        wire.send(frame(PING, 0, 0, b"8 octets") + UNFINISHED[kind])
        wire.wait(lambda: wire.pongs)
        edge.clock.advance(s=9)
        assert edge.get("/").status == 200
        assert edge.metric("newel_h2_connections_open") == 1
        edge.clock.advance(s=2)
        ends_calmly(wire)


def test_a_header_block_octet_by_octet_is_cut_in_time(edge, afterwards):
    data = block(head("/", pad="p" * 100))
    with edge.h2() as wire:
        wire.send(frame(PING, 0, 0, b"8 octets") + frame(HEADERS, 0, 1, data[:1], length=len(data)))
        wire.wait(lambda: wire.pongs)
        for i in range(1, 12):
            wire.send(data[i:i + 1])
            edge.clock.advance(s=1)
        ends_calmly(wire)


def test_settings_that_are_never_acknowledged_end_the_connection(edge, origin, afterwards):
    crowd = Crowd(origin, "/held")
    for is_busy in False, True:
        with H2Wire(edge.address, is_polite=False).ready() as wire:
            assert wire.answer(wire.get("/")).status == 200
            if is_busy:
                wire.get("/held")
                origin.wait(lambda: crowd.total == 1, "the other request")
            edge.clock.advance(s=29)
            assert wire.answer(wire.get("/")).status == 200
            edge.clock.advance(s=2)
            assert wire.end().code == "SETTINGS_TIMEOUT"


def test_a_preface_that_never_ends_is_cut_in_time(newel, origin, certificates):
    pair = certificates.server("shop.example")
    tls = {"certificate": pair.certificate, "key": pair.key}
    edge = newel(site(origin, listen=[{"address": "127.0.0.1:0", "tls": tls}]))
    with H2Wire(edge.address, certificates.context(["h2"]), preface=PREFACE[:20], first=None,
                is_polite=False) as wire:
        eventually(lambda: edge.metric("newel_h2_connections_open") == 1)
        wire.frame()  # newel's SETTINGS leave when it has read
        edge.clock.advance(s=11)
        ends_calmly(wire)
    assert origin.connections == []


@pytest.mark.parametrize("answered", [False, True])
def test_a_frame_that_drips_in_has_the_time_of_a_head(edge, afterwards, answered):
    with edge.h2() as wire:
        if answered:
            assert wire.answer(wire.get("/")).status == 200
        drip = headers(wire.stream(), head("/", "GET", "http", "a", ("x-pad", "p" * 200)))
        for at in range(12):  # 48 s, at no time more than 4 in silence
            wire.send(drip[at:at + 1])
            edge.status()
            edge.clock.advance(s=4)
        assert wire.end().code == "ENHANCE_YOUR_CALM"


def test_answers_that_nobody_takes_do_not_stay(edge, origin, afterwards):
    """All is framed and no stream is open any more: what is left waits for the kernel alone."""
    origin.on("GET /some").reply(200, b"s" * 60000)
    wide = [(INITIAL_WINDOW_SIZE, 2 ** 30)]
    with H2Wire(edge.address, first=wide, is_reading=False, receive_bytes=4096) as wire:
        wire.send(window_update(0, 2 ** 30))
        for _ in range(STREAMS * 4):
            for _ in range(STREAMS):
                wire.get("/some")
        for _ in range(4):
            edge.clock.advance(s=61)
            wire.send(frame(PING, 0, 0, b"8 octets"))  # being asked is not being heard
            eventually(lambda: edge.node(origin)["in_flight"] == 0, "nothing under way")
        eventually(lambda: edge.status()["gate"]["listeners"][0]["connections"] == 0, "the end")


def test_what_requests_that_a_node_holds_cost(newel, origin):
    origin.is_told = origin.records_bytes = False
    Crowd(origin, "/held")
    edge, streams = newel(site(origin)), 128
    before = edge.memory()
    wires = [H2Wire(edge.address).ready() for _ in range(4)]
    try:
        for wire in wires:
            for _ in range(streams):
                wire.get("/held")
            wire.ping()
        eventually(lambda: edge.node(origin)["in_flight"] == 4 * streams, "all under way")
        if not SANITIZED:
            assert (edge.memory() - before) / 4 < (64 + 24 * streams) * 1024
    finally:
        for wire in wires:
            wire.close()
    eventually(lambda: edge.node(origin)["in_flight"] == 0, "all given up")
