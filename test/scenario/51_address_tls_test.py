"""PROXY, then TLS, then HTTP: whose connection it is on a listener that speaks TLS; and https by redirect."""

import ssl

import pytest

from kit.haproxy import Haproxy
from kit.load import eventually
from kit.message import Reader
from kit.site import site
from kit.wire import Wire
from peer_kit import run

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.2 5000 443\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x02\x13\x88\x01\xbb"


def https(certificates, **options):
    pair = certificates.server("shop.example")
    return {"address": "127.0.0.1:0", "tls": pair.conf, **options}


def behind_proxy(newel, origin, certificates, **top):
    return newel(site(origin, listen=[https(certificates, proxy_protocol="127.0.0.1")],
                      log={"access": "stdout"}, **top))


def denied(edge, why=None):
    return edge.metric("newel_gate_denied_total", **({"why": why} if why else {}))


def with_tls(wire, certificates):
    """The handshake on a wire that has been written to."""
    wire.sock = certificates.context().wrap_socket(wire.sock, server_hostname="shop.example")
    wire.reader = Reader(wire.sock)
    return wire


@pytest.mark.parametrize("sends", ["send-proxy", "send-proxy-v2 proxy-v2-options crc32c"])
def test_haproxy_hands_on_tls_that_it_cannot_read(newel, origin, certificates, transcript, tmp_path, sends):
    edge = behind_proxy(newel, origin, certificates)
    before = Haproxy(transcript, str(tmp_path), edge.address, sends)
    try:
        wire = Wire(before.address, transcript, source="127.0.0.5")
        with with_tls(wire, certificates):
            assert wire.ask("GET", "/a").response().status == 200
            assert wire.ask("GET", "/b").response().status == 200
    finally:
        before.stop()
    assert [one.headers["x-forwarded-for"] for one in origin.requests] == ["127.0.0.5"] * 2
    assert origin.last.headers["x-forwarded-proto"] == "https"
    assert "client=127.0.0.5 " in edge.wait_line("target=/a", "stdout") and denied(edge) == 0


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("waits", [False, True], ids=["at_once", "parked"])
def test_the_handshake_may_follow_when_it_likes(newel, origin, certificates, header, waits):
    edge = behind_proxy(newel, origin, certificates)
    idle = edge.metric("newel_fibers_alive")
    wire = edge.wire().send(header)
    if waits:
        eventually(lambda: edge.metric("newel_connections_open") == 1)
        eventually(lambda: edge.metric("newel_fibers_alive") <= idle)
    with with_tls(wire, certificates):
        assert wire.ask("GET", "/a").response().status == 200
    assert origin.last.headers["x-forwarded-for"] == "192.0.2.7"


def hello(certificates):
    """The first message of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificates.context().wrap_bio(incoming, outgoing, server_hostname="shop.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return client, incoming, outgoing


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_header_and_hello_may_share_a_segment(newel, origin, certificates, header):
    edge = behind_proxy(newel, origin, certificates)
    client, incoming, outgoing = hello(certificates)
    with edge.wire() as wire:
        wire.send(header + outgoing.read())
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(wire.sock.recv(65536))
        client.write(b"GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        wire.send(outgoing.read())
        while True:
            try:
                answer = client.read(65536)
                break
            except ssl.SSLWantReadError:
                incoming.write(wire.sock.recv(65536))
    assert answer.startswith(b"HTTP/1.1 200 ") and origin.last.headers["x-forwarded-for"] == "192.0.2.7"


def test_a_handshake_without_its_header_is_cut_off(newel, origin, certificates):
    edge = behind_proxy(newel, origin, certificates)
    _, _, outgoing = hello(certificates)
    with edge.wire() as wire:
        assert wire.send(outgoing.read()).rest() == b""
    assert denied(edge, "proxy_malformed") == 1 and origin.seen == b""


def test_a_header_from_who_is_not_named_is_no_tls(newel, origin, certificates):
    edge = behind_proxy(newel, origin, certificates)
    with edge.wire(source="127.0.0.9") as wire:
        assert b"HTTP/" not in wire.send(V2).rest()
    assert origin.seen == b"" and edge.metric("newel_requests_total") == 0
    with with_tls(edge.wire(source="127.0.0.9"), certificates) as wire:
        assert wire.ask("GET", "/").response().status == 200
    assert origin.last.headers["x-forwarded-for"] == "127.0.0.9"


def test_lists_come_before_the_handshake(newel, origin, certificates):
    edge = newel(site(origin, listen=[https(certificates, proxy_protocol="127.0.0.1", deny="192.0.2.7")]))
    _, _, outgoing = hello(certificates)
    with edge.wire() as wire:
        assert wire.send(V1 + outgoing.read()).rest() == b""
    assert denied(edge, "listener_address") == 1
    assert edge.metric("newel_io_tls_handshakes_total") == 0


def test_the_limit_of_a_client_ends_without_words_before_the_handshake(newel, origin, certificates):
    edge = behind_proxy(newel, origin, certificates, limits={"connections_per_client": 1})
    first = edge.wire().send(V1)
    with with_tls(first, certificates):
        assert first.ask("GET", "/").response().status == 200
        with edge.wire() as second:
            assert second.send(V1).rest() == b""
    assert edge.metric("newel_connections_refused_total") == 1


def test_curl_follows_the_redirect_to_https(newel, origin, certificates, transcript):
    edge = newel(site(origin, listen=[https(certificates),
                                      {"address": "127.0.0.2:0", "redirect": "https"}]))
    secure, plain = edge.listeners
    told = run(transcript, "curl", "-sS", "-L", "--cacert", certificates.ca,
               "--connect-to", f"shop.example:80:{plain}", "--connect-to", f"shop.example:443:{secure}",
               "-w", "%{num_redirects} %{url_effective}", "-d", "a=b", "http://shop.example/form?x=1")
    assert told.stdout.endswith("1 https://shop.example/form?x=1")
    assert origin.last.method == "POST" and origin.last.body == b"a=b"
