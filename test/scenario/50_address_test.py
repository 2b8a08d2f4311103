"""Whose connection it is, and who may come in: PROXY headers, trusted proxies, allow and deny, https.

Clients on loopback come from addresses of their own (127.0.0.5, …), so that the socket's address and
the one that a header tells are never the same.
"""

import re
import struct

import pytest

from kit.haproxy import Haproxy
from kit.load import eventually
from kit.message import Closed
from kit.newel import scaled
from kit.site import site
from kit.wire import Wire
from peer_kit import run

GET = b"GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, port=5000):
    family = "TCP6" if ":" in source else "TCP4"
    to = "2001:db8::80" if ":" in source else "198.51.100.2"
    return f"PROXY {family} {source} {to} {port} 80\r\n".encode()


def v2(body, family=0x11, command=0x21, length=None):
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


V2_192_0_2_7 = v2(bytes([192, 0, 2, 7, 198, 51, 100, 2]) + struct.pack("!HH", 5000, 80))


def listening(**options):
    return [{"address": "127.0.0.1:0", **options}]


def behind_proxy(newel, origin, listen=None, **top):
    """A newel that believes PROXY headers from 127.0.0.1 and logs requests."""
    options = {"proxy_protocol": ["127.0.0.1"], **(listen or {})}
    return newel(site(origin, listen=listening(**options), log={"access": "stdout"}, **top))


def denied(edge, why=None):
    return edge.metric("newel_gate_denied_total", **({"why": why} if why else {}))


def is_cut_off(wire):
    """Closed without an answer. A reset may also be seen as an end, when it meets one."""
    return wire.rest() == b""


@pytest.fixture
def haproxy(transcript, tmp_path):
    started = []

    def start(to, *args, **options):
        started.append(Haproxy(transcript, str(tmp_path), to, *args, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


# haproxy as sender


SENDERS = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]


@pytest.mark.parametrize("sends", SENDERS)
@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8::7"])
def test_haproxy_tells_whose_connection_it_is(newel, origin, haproxy, sends, client):
    edge = behind_proxy(newel, origin)
    before = haproxy(edge.address, sends, accepts="accept-proxy",
                     extra="    unique-id-format %pid" if "unique-id" in sends else "")
    with Wire(before.address, edge.transcript) as wire:
        assert wire.send(v1(client)).ask("GET", "/a").response().status == 200
        assert wire.ask("GET", "/b", None, X_Forwarded_For="203.0.113.1").response().status == 200
    assert f"client={client} " in edge.wait_line("target=/a", "stdout").replace('"', "")
    assert [request.headers["x-forwarded-for"] for request in origin.requests] == [client, client]
    assert denied(edge) == 0


def test_haproxy_tells_the_address_of_its_own_client(newel, origin, haproxy):
    edge = behind_proxy(newel, origin)
    before = haproxy(edge.address, "send-proxy-v2")
    with Wire(before.address, edge.transcript, source="127.0.0.5") as wire:
        assert wire.ask("GET", "/a").response().status == 200
    assert origin.last.headers["x-forwarded-for"] == "127.0.0.5"


def test_a_health_check_of_haproxy_keeps_the_sockets_address(newel, origin, haproxy):
    edge = behind_proxy(newel, origin)
    haproxy(edge.address, "send-proxy-v2 check check-send-proxy inter 50ms",
            backend="    option httpchk GET /check\n    http-check send hdr Host shop.example ver HTTP/1.1")
    origin.wait_requests(2)  # it goes on checking what it found well
    assert origin.last.target == "/check"
    assert origin.last.headers["x-forwarded-for"] == "127.0.0.1"
    assert denied(edge) == 0


def test_a_check_that_only_connects_is_no_fault(newel, origin, haproxy):
    edge = behind_proxy(newel, origin)
    edge.wire().close()
    eventually(lambda: edge.metric("newel_connections_open") == 0)
    assert edge.metric("newel_connections_accepted_total") == 1 and denied(edge) == 0


# Headers by hand


@pytest.mark.parametrize("header", [v1("192.0.2.7"), V2_192_0_2_7], ids=["v1", "v2"])
def test_a_header_may_come_in_any_pieces(newel, origin, header):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire:
        for byte in header + GET:
            wire.send(bytes([byte]))
        assert wire.response().status == 200
        assert wire.send(GET + GET).response().status == 200 and wire.response().status == 200
    assert {request.headers["x-forwarded-for"] for request in origin.requests} == {"192.0.2.7"}


def test_a_header_alone_waits_for_its_request_without_a_fiber(newel, origin):
    edge = behind_proxy(newel, origin)
    idle = edge.metric("newel_fibers_alive")
    wires = [edge.wire().send(v1(f"192.0.2.{n}")) for n in range(1, 21)]
    eventually(lambda: edge.metric("newel_connections_open") == len(wires))
    eventually(lambda: edge.metric("newel_fibers_alive") <= idle)
    edge.clock.advance(s=6)  # the header's five seconds are over, those of the first byte are not
    for wire in wires:
        assert wire.send(GET).response().status == 200
        wire.close()
    assert denied(edge) == 0


@pytest.mark.parametrize("header", [
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN 192.0.2.7 198.51.100.2 1 2\r\n",
    v2(b"", family=0x00, command=0x20),
    v2(b"", family=0x00),
    v2(b"/run/app.sock".ljust(216, b"\0"), family=0x31),
], ids=["unknown", "unknown_long", "local", "unspec", "unix"])
def test_a_header_without_an_address_keeps_the_sockets(newel, origin, header):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire:
        assert wire.send(header + GET).response().status == 200
    assert origin.last.headers["x-forwarded-for"] == "127.0.0.1" and denied(edge) == 0


MALFORMED = {
    "no_header": GET,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "bare_lf": v1("192.0.2.7").replace(b"\r\n", b"\n") + GET,
    "lower_case": v1("192.0.2.7").lower() + GET,
    "two_spaces": v1("192.0.2.7").replace(b" ", b"  ", 1) + GET,
    "udp": v1("192.0.2.7").replace(b"TCP4", b"UDP4") + GET,
    "address": v1("192.0.2.256") + GET,
    "leading_zero": v1("192.0.02.7") + GET,
    "family": v1("192.0.2.7").replace(b"TCP4", b"TCP6") + GET,
    "port": v1("192.0.2.7", 65536) + GET,
    "no_ports": b"PROXY TCP4 192.0.2.7 198.51.100.2\r\n" + GET,
    "v2_version": v2(bytes(12), command=0x11) + GET,
    "v2_command": v2(bytes(12), command=0x22) + GET,
    "v2_family": v2(bytes(12), family=0x41) + GET,
    "v2_transport": v2(bytes(12), family=0x13) + GET,
    "v2_short": v2(bytes(11)) + GET,
    "v2_value": v2(bytes(12) + b"\x01\x00\x09h2") + GET,
    "v2_checksum": v2(bytes(12) + b"\x03\x00\x04\x01\x02\x03\x04") + GET,
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_cut_off(newel, origin, header):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire:
        assert is_cut_off(wire.send(header))
    assert denied(edge, "proxy_malformed") == 1 and denied(edge) == 1
    line = edge.wait_line("event=door.denied")
    assert "why=proxy_malformed" in line and "client=127.0.0.1" in line and "unsaid=0" in line
    eventually(lambda: edge.metric("newel_connections_open") == 0)
    assert origin.seen == b""


def test_a_header_that_ends_early_is_malformed(newel, origin):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire:
        assert is_cut_off(wire.send(v1("192.0.2.7")[:-1]).half_close())
    assert denied(edge, "proxy_malformed") == 1 and origin.seen == b""


@pytest.mark.parametrize("header", [
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n" + GET,
    b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n" + GET,  # 108 bytes
    v2(bytes(12), length=2033),  # 2049 with its first sixteen
    v2(bytes(12), length=65535),
], ids=["v1_216", "v1_108", "v2_2049", "v2_65551"])
def test_what_is_oversized_is_cut_off(newel, origin, header):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire:
        assert is_cut_off(wire.send(header))
    assert denied(edge, "proxy_oversized") == 1 and denied(edge) == 1 and origin.seen == b""


def test_the_largest_header_is_taken(newel, origin):
    edge = behind_proxy(newel, origin)
    filler = b"\x04" + struct.pack("!H", 2017) + bytes(2017)
    body = bytes([192, 0, 2, 7, 198, 51, 100, 2, 0, 1, 0, 2]) + filler
    with edge.wire() as wire:
        assert wire.send(v2(body) + GET).response().status == 200
    assert len(v2(body)) == 2048 and origin.last.headers["x-forwarded-for"] == "192.0.2.7"


@pytest.mark.parametrize("header", [b"", b"P", v1("192.0.2.7")[:-1], V2_192_0_2_7[:-1]],
                         ids=["silent", "one_byte", "v1", "v2"])
def test_what_is_late_is_cut_off(newel, origin, header):
    edge = behind_proxy(newel, origin)
    with edge.wire() as wire, edge.wire(source="127.0.0.5") as other:
        wire.send(header)
        eventually(lambda: edge.metric("newel_connections_open") == 2)
        edge.clock.advance(ms=4900)
        if header:  # a byte more is no new five seconds
            wire.send(b"R" if header == b"P" else b"")
        edge.clock.advance(ms=200)
        assert is_cut_off(wire)
        assert denied(edge, "proxy_late") == 1 and denied(edge) == 1
        assert other.send(GET).response().status == 200  # who sends none has the usual time


@pytest.mark.parametrize("header", [v1("192.0.2.7"), V2_192_0_2_7], ids=["v1", "v2"])
@pytest.mark.parametrize("sources", [["127.0.0.1"], None], ids=["named_another", "named_nobody"])
def test_a_header_from_who_is_not_named_is_no_http(newel, origin, header, sources):
    options = {"proxy_protocol": sources} if sources else {}
    edge = newel(site(origin, listen=listening(**options)))
    with edge.wire(source="127.0.0.9") as wire:
        assert wire.send(header + GET).response().status == 400
        assert wire.ends()
    assert denied(edge, "proxy_unnamed") == 1 and denied(edge) == 1 and origin.seen == b""
    assert "client=127.0.0.9" in edge.wait_line("why=proxy_unnamed")
    with edge.wire(source="127.0.0.9") as wire:
        assert wire.send(GET).response().status == 200


def test_one_line_a_minute_and_reason(newel, origin):
    edge = behind_proxy(newel, origin)

    def refuse(header, count):
        for _ in range(count):
            with edge.wire() as wire:
                assert is_cut_off(wire.send(header))

    def lines():
        return [line for line in edge.stderr if "event=door.denied" in line]

    refuse(b"nonsense", 5)
    refuse(v2(bytes(12), length=65535), 2)
    assert denied(edge, "proxy_malformed") == 5 and denied(edge, "proxy_oversized") == 2
    edge.wait(lambda: len(lines()) == 2, "wrote a line for each reason")
    assert {re.search(r"why=(\S+)", line)[1] for line in lines()} == {"proxy_malformed", "proxy_oversized"}
    edge.clock.advance(s=61)
    refuse(b"nonsense", 1)
    edge.wait(lambda: len(lines()) == 3, "wrote the third line")
    assert "why=proxy_malformed" in lines()[-1] and "unsaid=4" in lines()[-1]


# What the told address does


def test_the_limit_for_each_client_counts_who_was_told(newel, origin):
    edge = behind_proxy(newel, origin, limits={"connections_per_client": 2})
    wires = [edge.wire().send(v1("192.0.2.7") + GET) for _ in range(2)]
    assert [wire.response().status for wire in wires] == [200, 200]
    with edge.wire() as third:
        reply = third.send(v1("192.0.2.7") + GET).response()
        assert reply.status == 503 and "retry-after" in reply.headers and third.ends()
    assert edge.metric("newel_connections_refused_total") == 1
    with edge.wire() as other:
        assert other.send(v1("192.0.2.8") + GET).response().status == 200
    wires[0].close()
    eventually(lambda: edge.metric("newel_connections_open") == 1)
    with edge.wire() as again:
        assert again.send(v1("192.0.2.7") + GET).response().status == 200
    wires[1].close()


def test_hash_keeps_the_told_client_together(newel, origins):
    nodes = origins("a", "b", "c")
    edge = newel(site(*nodes, service={"balance": "hash", "key": "client"},
                      listen=listening(proxy_protocol=["127.0.0.1"])))

    def served_by(client):
        with edge.wire() as wire:
            return wire.send(v1(client) + GET).response().body.split(b":")[0]

    first = [served_by(f"192.0.2.{n}") for n in range(1, 41)]
    assert len(set(first)) == 3
    assert [served_by(f"192.0.2.{n}") for n in range(1, 41)] == first


@pytest.mark.parametrize("told, believed", [("10.0.0.5", "203.0.113.9"), ("192.0.2.7", "192.0.2.7")])
def test_trusted_proxies_are_compared_with_who_was_told(newel, origin, told, believed):
    edge = behind_proxy(newel, origin, trusted_proxies=["10.0.0.0/8"])
    with edge.wire() as wire:
        wire.send(v1(told)).ask("GET", "/a", None, X_Forwarded_For="6.6.6.6, 203.0.113.9, ::ffff:10.9.9.9")
        assert wire.response().status == 200
    assert f"client={believed} " in edge.wait_line("target=/a", "stdout")


def test_a_listeners_lists_judge_who_was_told(newel, origin):
    edge = behind_proxy(newel, origin, listen={"allow": ["192.0.2.0/24"], "deny": ["192.0.2.128/25"]})
    with edge.wire() as wire:
        assert wire.send(v1("192.0.2.7") + GET).response().status == 200
    for client in ["192.0.2.200", "203.0.113.1", "2001:db8::1"]:
        with edge.wire() as wire:
            assert is_cut_off(wire.send(v1(client) + GET))
    with edge.wire() as wire:  # and the socket's address where none is told
        assert is_cut_off(wire.send(b"PROXY UNKNOWN\r\n" + GET))
    assert denied(edge, "listener_address") == 4 and denied(edge) == 4 and origin.count() == 1


# Lists


def test_deny_cuts_off_before_anything_is_read(newel, origin):
    edge = newel(site(origin, listen=listening(deny=["127.0.0.8/31", "2001:db8::/32"])))
    for source in ["127.0.0.8", "127.0.0.9"]:
        try:
            with edge.wire(source=source) as wire:
                assert is_cut_off(wire)
        except ConnectionResetError:
            pass  # it came before the client had even looked
    eventually(lambda: denied(edge, "listener_address") == 2)
    assert edge.metric("newel_connections_accepted_total") == 0
    with edge.wire(source="127.0.0.10") as wire:
        assert wire.send(GET).response().status == 200
    assert "client=127.0.0.8" in edge.wait_line("why=listener_address")


def test_deny_wins_over_allow(newel, origin):
    edge = newel(site(origin, listen=listening(allow=["127.0.0.0/24"], deny="127.0.0.9")))
    for source, is_in in [("127.0.0.1", True), ("127.0.0.9", False), ("127.0.1.1", False)]:
        try:
            with edge.wire(source=source) as wire:
                assert (wire.send(GET).response().status == 200) == is_in
        except (Closed, OSError):
            assert not is_in
    assert denied(edge, "listener_address") == 2


def test_a_list_in_a_file_is_read_again_on_reload(newel, origin, tmp_path):
    folder = tmp_path / "newel-1"
    folder.mkdir()
    listed = folder / "bad.txt"
    listed.write_text("# those that misbehaved\n\n198.51.100.0/24 # a whole network\n")
    conf = site(origin, listen=listening(deny=["203.0.113.7", "file:bad.txt"]))
    edge = newel(conf)

    def is_in(source):
        try:
            with edge.wire(source=source) as wire:
                return wire.send(GET).response().status == 200
        except (Closed, OSError):
            return False

    assert is_in("127.0.0.9")
    with listed.open("a") as out:
        out.write("127.0.0.9\n")
    assert is_in("127.0.0.9")
    assert "error" not in edge.reload()
    assert not is_in("127.0.0.9") and is_in("127.0.0.8")
    listed.write_text("127.0.0.8\n127.0.0.300\n10.0.0.1/8\n")
    answer = edge.reload()
    assert "bad.txt:2:1" in str(answer) and "bad.txt:3:1" in str(answer) and "10.0.0.0/8" in str(answer)
    assert not is_in("127.0.0.9") and is_in("127.0.0.8")  # what ran goes on
    listed.write_text("127.0.0.8\n")
    assert "error" not in edge.reload()
    assert is_in("127.0.0.9") and not is_in("127.0.0.8")


def test_a_hundred_thousand_networks(newel, origin, tmp_path):
    folder = tmp_path / "newel-1"
    folder.mkdir()
    count = 100_000 - 1
    lines = [f"{10 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.0/25" for n in range(count)]
    (folder / "many.txt").write_text("\n".join(lines))
    edge = newel(site(origin, listen=listening(deny=["127.0.0.9", "file:many.txt"],
                                               proxy_protocol=["127.0.0.1"])))
    with edge.wire() as wire:
        assert wire.send(v1("10.7.7.128") + GET).response().status == 200
    with edge.wire() as wire:
        assert is_cut_off(wire.send(v1("11.7.7.127") + GET))
    with open(folder / "many.txt", "a") as out:
        out.write("\n192.0.2.1\n")
    assert "at most 100000" in str(edge.reload())


def test_a_reload_changes_what_a_listener_asks(newel, origin):
    def conf(**options):
        return site(origin, listen=listening(**options))
    edge = newel(conf())
    with edge.wire() as wire:
        assert wire.send(GET).response().status == 200
        assert "error" not in edge.reload(conf(proxy_protocol=["127.0.0.1"]))
        assert wire.send(GET).response().status == 200  # it was accepted before
    with edge.wire() as wire, edge.wire() as waiting:
        assert wire.send(v1("192.0.2.7") + GET).response().status == 200
        waiting.send(v1("192.0.2.8")[:20])
        eventually(lambda: edge.metric("newel_connections_open") == 2)
        assert "error" not in edge.reload(conf())
        assert waiting.send(v1("192.0.2.8")[20:] + GET).response().status == 200
    assert origin.last.headers["x-forwarded-for"] == "192.0.2.8"
    with edge.wire() as wire:
        assert wire.send(v1("192.0.2.9") + GET).response().status == 400


def test_connections_of_a_listener_that_went_are_asked_what_they_were(newel, origin):
    first = {"address": "127.0.0.1:0", "proxy_protocol": "127.0.0.1", "deny": "192.0.2.9",
             "redirect": "https"}
    edge = newel(site(origin, listen=[first, "127.0.0.2:0"]))
    with edge.wire() as denied_one, edge.wire() as other:
        denied_one.send(v1("192.0.2.9")[:-1])
        other.send(v1("192.0.2.8")[:-1])
        eventually(lambda: edge.metric("newel_connections_open") == 2)
        assert "error" not in edge.reload(site(origin, listen=["127.0.0.2:0"]))
        assert is_cut_off(denied_one.send(b"\n" + GET))
        assert other.send(b"\n" + GET).response().status == 308
    assert denied(edge, "listener_address") == 1 and origin.seen == b""


# Routes


def routes(*more):
    return [{"path": "/in/", "allow": ["192.0.2.0/24"], "deny": "192.0.2.9", "routes": [
        {"path": "/in/a", "service": "app"},
        {"path": "/in/b", "service": "app", "deny": "off"},
        {"path": "/in/c", "allow": "off", "respond": {"status": 200, "body": "fixed"}},
        {"path": "/in/d", "allow": "203.0.113.0/24", "redirect": "/elsewhere"},
    ]}, {"path": "/", "service": "app"}, *more]


@pytest.mark.parametrize("client, path, status", [
    ("192.0.2.7", "/in/a", 200), ("192.0.2.9", "/in/a", 403), ("203.0.113.1", "/in/a", 403),
    ("2001:db8::1", "/in/a", 403), ("192.0.2.9", "/in/b", 200), ("203.0.113.1", "/in/b", 403),
    ("192.0.2.9", "/in/c", 403), ("203.0.113.1", "/in/c", 200), ("2001:db8::1", "/in/c", 200),
    ("203.0.113.1", "/in/d", 308), ("192.0.2.7", "/in/d", 403), ("192.0.2.9", "/out", 200),
])
def test_a_route_is_for_whom_it_lists(newel, origin, client, path, status):
    edge = behind_proxy(newel, origin, routes=routes())
    with edge.wire() as wire:
        reply = wire.send(v1(client)).ask("GET", path).response()
        assert reply.status == status
        if status == 403:
            assert reply.headers["cache-control"] == "no-store" and origin.seen == b""
            assert b"403" in reply.body and reply.headers["x-request-id"].encode() in reply.body
        assert wire.ask("GET", "/out").response().status == 200  # the connection goes on
    assert denied(edge, "route_address") == (status == 403)


def test_a_refusal_is_a_problem_for_who_prefers_json(newel, origin):
    edge = newel(site(origin, routes=[{"path": "/", "deny": "127.0.0.0/8", "service": "app"}]))
    reply = edge.get("/", accept="application/json")
    assert reply.status == 403 and reply.headers["content-type"] == "application/problem+json"
    assert reply.json["status"] == 403 and reply.json["title"] == "Forbidden"
    # Counted once the answer has left.
    eventually(lambda: edge.metric("newel_requests_total", route="/", **{"class": "4xx"}) == 1)


def test_a_route_judges_the_client_that_a_trusted_proxy_names(newel, origin):
    edge = newel(site(origin, routes=routes(), trusted_proxies=["127.0.0.1"]))
    assert edge.get("/in/a", x_forwarded_for="192.0.2.7").status == 200
    assert edge.get("/in/a", x_forwarded_for="192.0.2.7, 203.0.113.1").status == 403
    assert edge.get("/in/a", x_forwarded_for="192.0.2.7, unknown").status == 403  # nobody's word
    assert edge.get("/in/a").status == 403
    with edge.wire(source="127.0.0.5") as wire:  # no proxy of ours: its own address counts
        assert wire.ask("GET", "/in/a", None, X_Forwarded_For="192.0.2.7").response().status == 403


def test_who_comes_through_a_unix_socket_passes(newel, origin, tmp_path):
    conf = site(origin, listen=[f"unix:{tmp_path}/door.sock"], routes=routes())
    edge = newel(conf)
    assert edge.get("/in/a").status == 200 and denied(edge) == 0


# To https


def to_https(newel, origin, **top):
    return newel(site(origin, listen=[{"address": "127.0.0.1:0", "redirect": "https"}, "127.0.0.2:0"], **top))


def test_curl_is_sent_to_https(newel, origin, transcript):
    edge = to_https(newel, origin)
    port = edge.listeners[0].rpartition(":")[2]

    def curl(url, *more):
        told = run(transcript, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}",
                   "--resolve", f"shop.example:{port}:127.0.0.1", *more, url)
        return told.stdout

    at = f"http://shop.example:{port}"
    assert curl(at) == "308 https://shop.example/"
    assert curl(f"{at}/a/b?x=1&y=%20") == "308 https://shop.example/a/b?x=1&y=%20"
    assert curl(f"{at}/form", "-d", "a=b") == "308 https://shop.example/form"
    assert curl(f"{at}/_newel/x") == "308 https://shop.example/_newel/x"
    assert origin.seen == b""
    assert curl(f"{at}/.well-known/acme-challenge/token") == "200 "
    assert curl(f"{at}/.well-known/acme-challenge") == "308 https://shop.example/.well-known/acme-challenge"
    assert curl(f"{at}/.well-known/acme-challenge/../secret", "--path-as-is") == (
        "308 https://shop.example/.well-known/secret")
    assert origin.count() == 1
    assert edge.get("/", listener=1).status == 200  # another listener is not meant


@pytest.mark.parametrize("host, location", [
    ("Shop.Example:8080", "https://shop.example/a"), ("192.0.2.1:80", "https://192.0.2.1/a"),
    ("[2001:DB8::1]:80", "https://[2001:db8::1]/a"), ("shop.example.", "https://shop.example/a"),
])
def test_the_port_of_plain_http_is_dropped(newel, origin, host, location):
    edge = to_https(newel, origin)
    with edge.wire() as wire:
        assert wire.ask("GET", "/a", None, host=host).response().headers["location"] == location


@pytest.mark.parametrize("head", [
    b"GET /a HTTP/1.0\r\n\r\n",
    b"GET /a HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: \r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: evil@shop.example\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: shop.example/x\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
])
def test_without_a_well_formed_host_there_is_nowhere_to_go(newel, origin, head):
    edge = to_https(newel, origin)
    with edge.wire() as wire:
        reply = wire.send(head).response()
        assert reply.status == 400 and "location" not in reply.headers
    assert origin.seen == b""


def test_a_reload_takes_the_redirect_away(newel, origin):
    edge = to_https(newel, origin)
    with edge.wire() as wire:
        assert wire.ask("GET", "/").response().status == 308
        assert "error" not in edge.reload(site(origin, listen=["127.0.0.1:0", "127.0.0.2:0"]))
        assert wire.ask("GET", "/").response().status == 200


def test_reloads_of_lists_fail_nobody(newel, origin):
    """Connections that wait for their header, that are served and that come in, while all changes."""
    edge = newel(site(origin, listen=listening(proxy_protocol=["127.0.0.1"])))
    for n in range(scaled(50, 10)):
        deny = [f"203.0.113.{n % 250}"]
        with edge.wire() as wire:
            wire.send(v1("192.0.2.7")[:-1])
            conf = site(origin, listen=listening(proxy_protocol=["127.0.0.1"], deny=deny))
            assert "error" not in edge.reload(conf)
            assert wire.send(b"\n" + GET).response().status == 200
    assert denied(edge) == 0


# HTTP/2


def test_http2_is_asked_the_same(newel, origin, haproxy, transcript):
    edge = behind_proxy(newel, origin, routes=[
        {"path": "/in", "allow": "127.0.0.5", "service": "app"},
        {"path": "/out", "deny": "127.0.0.5", "service": "app"}])
    before = haproxy(edge.address, "send-proxy-v2")

    def curl(path):
        return run(transcript, "curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                   "--http2-prior-knowledge", "--interface", "127.0.0.5",
                   f"http://{before.address}{path}").stdout

    assert curl("/in") == "2 200" and origin.last.headers["x-forwarded-for"] == "127.0.0.5"
    assert curl("/out") == "2 403" and origin.count() == 1
    assert denied(edge, "route_address") == 1 and denied(edge) == 1


def test_http2_is_sent_to_https_too(newel, origin, transcript):
    edge = to_https(newel, origin)
    told = run(transcript, "curl", "-s", "-o", "/dev/null", "-w",
               "%{http_version} %{http_code} %{redirect_url}", "--http2-prior-knowledge",
               f"http://{edge.address}/a?b=c")
    assert told.stdout == "2 308 https://127.0.0.1/a?b=c" and origin.seen == b""
