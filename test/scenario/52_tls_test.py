"""HTTPS: names, policies, resumption, client certificates, and every mistake said before the start."""

import json
import os
import re
import select
import socket
import ssl
import subprocess

import pytest

from kit.load import eventually
from kit.message import Closed
from kit.newel import run
from kit.site import site, text_of
from kit.tls import TlsWire
from kit.wire import Wire

PAGE = [{"path": "/", "respond": {"body": "here"}}]


def https(pair, *more, **tls):
    """A listener of HTTPS with these pairs."""
    given = {"certificates": [one.conf for one in (pair, *more)]} if more else dict(pair.conf)
    return {"address": "127.0.0.1:0", "tls": {**given, **tls}}


def serve(newel, *listeners, **more):
    conf = {"newel": 1, "listen": list(listeners), "admin": "127.0.0.1:0", "routes": PAGE, **more}
    return newel(conf)


def reload(edge, *listeners, **more):
    conf = {"newel": 1, "listen": list(listeners), "admin": "127.0.0.1:0", "routes": PAGE, **more}
    answer = edge.reload(conf)
    assert "error" not in answer, answer


def wire(edge, certificates, name="shop.example", listener=0, **more):
    return TlsWire(edge.listeners[listener], certificates.context(**more), name, edge.transcript)


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--max-time", "60", *arguments], capture_output=True, text=True)


def s_client(address, *arguments, stdin=""):
    """What openssl's own client says."""
    return subprocess.run(["/usr/bin/openssl", "s_client", "-connect", address, *arguments],
                          input=stdin, capture_output=True, text=True, timeout=60)


# What everybody does


def test_https_in_two_lines_and_the_node_is_told(newel, origin, certificates):
    pair = certificates.server("shop.example")
    edge = newel(site(origin, listen=[https(pair)]))
    host, _, port = edge.address.rpartition(":")
    got = curl("--cacert", certificates.ca, "--resolve", f"shop.example:{port}:{host}",
               f"https://shop.example:{port}/basket?a=1", "-w", "\n%{http_version} %{ssl_verify_result}")
    assert got.returncode == 0, got.stderr
    assert got.stdout.rsplit("\n", 1)[1].split()[1] == "0"
    seen = origin.requests[0]
    assert seen.headers["x-forwarded-proto"] == "https"
    assert ";proto=https;" in seen.headers["forwarded"]
    assert edge.metric("newel_requests_total", **{"class": "2xx"}) == 1


def test_a_kept_connection_is_parked_and_serves_on_and_says_goodbye(newel, origin, certificates):
    edge = newel(site(origin, listen=[https(certificates.server("shop.example"))]))
    with wire(edge, certificates) as client:
        for _ in range(3):
            assert client.ask("GET", "/").response().status == 200
            eventually(lambda: edge.metric("newel_requests_in_flight") == 0)
        assert client.version == "TLSv1.3"
        assert client.ask("GET", "/", Connection="close").response().status == 200
        assert client.ends()
        assert not client.is_ragged


def test_bodies_pass_both_ways(newel, origin, certificates):
    big = os.urandom(3 * 1024 * 1024)
    origin.on("POST /big").reply(200, big)
    edge = newel(site(origin, listen=[https(certificates.server("shop.example"))]))
    with wire(edge, certificates) as client:
        assert client.ask("POST", "/big", big).response("POST").body == big
    assert origin.requests[0].body == big


def test_a_client_that_only_connects_waits_without_a_fiber(newel, certificates):
    edge = serve(newel, https(certificates.server("shop.example")))
    with wire(edge, certificates) as client:
        eventually(lambda: "gate.conn" not in json.dumps(edge.control("fibers")))
        assert client.ask("GET", "/").response().body == b"here"


def test_plain_http_on_the_port_of_https_is_told_so(newel, certificates):
    edge = serve(newel, https(certificates.server("shop.example")))
    with Wire(edge.address, edge.transcript) as client:
        got = client.ask("GET", "/").response()
        assert got.status == 400 and b"HTTPS" in got.body
        assert client.ends()
    edge.wait_line("reason=plain_http")


def test_a_tunnel_passes(newel, origin, certificates):
    def echo(connection, request):
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                        "Upgrade: websocket\r\n\r\n")
        while connection.reader.buffer or connection.reader.more():
            connection.send(bytes(connection.reader.buffer))
            connection.reader.buffer.clear()
    origin.on("GET /ws").call(echo)
    routes = [{"path": "/", "service": "app", "upgrade": ["websocket"]}]
    edge = newel(site(origin, listen=[https(certificates.server("shop.example"))], routes=routes))
    with wire(edge, certificates) as client:
        client.ask("GET", "/ws", Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version="13",
                   Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
        assert client.head().status == 101
        for text in (b"one", b"two" * 20000):
            client.send(text)
            assert client.reader.exactly(len(text)) == text


@pytest.mark.parametrize("h2, version", [({}, "2"), ({"h2": "off"}, "1.1")])
def test_alpn_offers_http_2_unless_it_is_off(newel, certificates, h2, version):
    edge = serve(newel, {**https(certificates.server("shop.example")), **h2})
    host, _, port = edge.address.rpartition(":")
    got = curl("--cacert", certificates.ca, "--resolve", f"shop.example:{port}:{host}",
               f"https://shop.example:{port}/", "-w", " %{http_version}")
    assert got.stdout == f"here {version}", got.stderr


# Names


def test_each_name_gets_its_certificate(newel, certificates):
    first = certificates.server("shop.example")
    other = certificates.server("*.shop.test", "shop.test")
    edge = serve(newel, https(first, other))
    for name, pair in (("shop.example", first), ("a.shop.test", other), ("shop.test", other)):
        with wire(edge, certificates, name) as client:
            assert client.serial == pair.serial


def test_an_unknown_name_gets_the_first_or_is_refused(newel, certificates):
    pair, other = certificates.server("shop.example"), certificates.server("shop.test")
    edge = serve(newel, https(pair, other))
    anything = certificates.context()
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    for name in ("nobody.example", "a.b.shop.test"):
        sock = anything.wrap_socket(socket.create_connection(edge.address.split(":")), server_hostname=name)
        der = sock.getpeercert(True)
        sock.close()
        assert der == ssl.PEM_cert_to_DER_cert(open(pair.certificate).read())
    reload(edge, https(pair, other, unknown_name="refuse"))
    with pytest.raises(ssl.SSLError):
        wire(edge, certificates, "nobody.example")
    with wire(edge, certificates, "shop.test") as client:
        assert client.ask("GET", "/", host="shop.test").response().status == 200


# Policies


def test_modern_takes_no_tls_1_2(newel, certificates):
    edge = serve(newel, https(certificates.server("shop.example"), policy="modern"))
    with pytest.raises(ssl.SSLError):
        wire(edge, certificates, version=ssl.TLSVersion.TLSv1_2)
    with wire(edge, certificates) as client:
        assert client.version == "TLSv1.3"


def test_intermediate_takes_1_2_and_nothing_older(newel, certificates):
    edge = serve(newel, https(certificates.server("shop.example", kind="rsa")))
    with wire(edge, certificates, version=ssl.TLSVersion.TLSv1_2) as client:
        assert client.ask("GET", "/").response().status == 200
        assert "GCM" in client.sock.cipher()[0] or "CHACHA" in client.sock.cipher()[0]
    old = s_client(edge.address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in old.stdout
    cbc = s_client(edge.address, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:AES128-SHA")
    assert "Cipher is (NONE)" in cbc.stdout


# Resumption


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed_unless_tickets_are_off(newel, certificates, tmp_path, version):
    pair = certificates.server("shop.example")
    edge = serve(newel, https(pair))
    session = str(tmp_path / "session")

    def ask(*more):
        return s_client(edge.address, version, "-servername", "shop.example", "-CAfile", certificates.ca,
                        "-ign_eof", *more,
                        stdin="GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").stdout
    assert "New, TLS" in ask("-sess_out", session)
    assert "Reused, TLS" in ask("-sess_in", session)
    reload(edge, https(pair, tickets="off"))
    assert "New, TLS" in ask("-sess_in", session)


def test_a_session_outlives_a_reload_and_a_renewal(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, https(pair))
    context = certificates.context()

    def visit(session=None):
        with TlsWire(edge.address, context, "shop.example", edge.transcript, session=session) as client:
            assert client.ask("GET", "/").response().status == 200
            return client.is_resumed, client.session
    was_resumed, session = visit()
    assert not was_resumed
    was_resumed, session = visit(session)
    assert was_resumed
    assert "error" not in edge.reload()
    assert visit(session)[0]


def test_two_newels_share_ticket_keys_from_a_file(newel, certificates, tmp_path):
    pair = certificates.server("shop.example")
    keys = str(tmp_path / "tickets.key")
    with open(keys, "wb") as out:
        out.write(os.urandom(80))
    edges = [serve(newel, https(pair, tickets="file:" + keys)) for _ in range(2)]
    context = certificates.context()
    with TlsWire(edges[0].address, context, "shop.example") as client:
        client.ask("GET", "/").response()
        session = client.session
    with TlsWire(edges[1].address, context, "shop.example", session=session) as client:
        assert client.ask("GET", "/").response().status == 200
        assert client.is_resumed


def test_ticket_keys_of_a_wrong_size_are_refused(certificates, tmp_path):
    keys = tmp_path / "tickets.key"
    keys.write_bytes(b"x" * 20)
    found = check(tmp_path, https(certificates.server("shop.example"), tickets=f"file:{keys}"))
    assert found.returncode == 3 and "listen[0].tls.tickets" in found.stderr


# Client certificates


def is_turned_away(edge, certificates, name="shop.example", **more):
    """TLS 1.3 tells a client after its own handshake: the first answer is the alert."""
    try:
        with wire(edge, certificates, name, **more) as client:
            client.ask("GET", "/").response()
    except (ssl.SSLError, Closed, OSError):
        return True
    return False


def test_who_shows_no_certificate_of_the_authority_is_turned_away(newel, origin, certificates):
    pair = certificates.server("shop.example")
    edge = newel(site(origin, listen=[https(pair, clients={"ca": certificates.ca})]))
    assert is_turned_away(edge, certificates)
    assert is_turned_away(edge, certificates, client=certificates.other.client("mallory"))
    assert is_turned_away(edge, certificates, client=certificates.client("old", ends_days=-1))
    assert origin.requests == []
    with wire(edge, certificates, client=certificates.client("ada")) as client:
        assert client.ask("GET", "/").response().status == 200
    edge.wait_line("event=tls.handshake_failed")


def test_who_is_turned_away_hears_why_though_his_request_is_on_its_way(newel, certificates):
    """With TLS 1.3 a client is done before its certificate was judged. A close that answered its
    first bytes with RST would cost it the alert: programs then say "connection reset"."""
    edge = serve(newel, https(certificates.server("shop.example"), clients={"ca": certificates.ca}))
    with wire(edge, certificates) as client:
        end = select.poll()
        end.register(client.sock, select.POLLRDHUP)
        assert end.poll(20_000), "newel ends the connection"
        client.sock.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        client.sock.getpeername()
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            client.sock.recv(1)


def test_an_optional_certificate_may_be_missing_but_not_wrong(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, https(pair, clients={"ca": certificates.ca, "require": False}))
    with wire(edge, certificates) as client:
        assert client.ask("GET", "/").response().status == 200
    with wire(edge, certificates, client=certificates.client("ada")) as client:
        assert client.ask("GET", "/").response().status == 200
    assert is_turned_away(edge, certificates, client=certificates.other.client("mallory"))


def two_policies(newel, certificates, **more):
    """One listener for everybody, one for partners; each with a name of its own."""
    public, partners = certificates.server("shop.example"), certificates.server("partners.example")
    strict = https(partners, clients={"ca": certificates.ca})
    strict["address"] = "127.0.0.2:0"
    return serve(newel, https(public), strict, **more)


def test_a_host_of_another_client_policy_is_misdirected(newel, certificates):
    edge = two_policies(newel, certificates)
    with wire(edge, certificates) as client:
        assert client.ask("GET", "/").response().status == 200
        assert client.ask("GET", "/", host="partners.example").response().status == 421
        assert client.ask("GET", "/", host="partners.example:443").response().status == 421
        assert client.ask("GET", "/", host="nobody.example").response().status == 200
        assert client.ask("GET", "/").response().status == 200
    with wire(edge, certificates, "partners.example", 1, client=certificates.client("ada")) as client:
        assert client.ask("GET", "/", host="partners.example").response().status == 200
        assert client.ask("GET", "/").response().status == 421


def test_a_name_that_both_listeners_have_is_answered_by_both(newel, certificates):
    public, strict = certificates.server("shop.example"), https(certificates.server("shop.example"),
                                                                clients={"ca": certificates.ca})
    strict["address"] = "127.0.0.2:0"
    edge = serve(newel, https(public), strict)
    with wire(edge, certificates) as client:
        assert client.ask("GET", "/").response().status == 200


def test_a_connection_from_before_the_policy_is_over(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, https(pair))
    with wire(edge, certificates) as client:
        assert client.ask("GET", "/").response().status == 200
        reload(edge, https(pair, clients={"ca": certificates.ca}))
        assert client.ask("GET", "/").response().status == 421
        assert client.ends()


def crosses(newel, certificates, **more):
    """Is a session that knows no client certificate resumed where one is required? The listeners
    have one certificate, so that nothing but the policy tells them apart (CVE-2025-23419)."""
    pair = certificates.server("shop.example")
    strict = {**https(pair, clients={"ca": certificates.ca}), "address": "127.0.0.2:0"}
    edge = newel({"newel": 1, "listen": [https(pair), strict], "routes": PAGE}, **more)
    context = certificates.context()
    with TlsWire(edge.listeners[0], context, "shop.example", edge.transcript) as client:
        assert client.ask("GET", "/").response().status == 200
        session = client.session
    assert session.has_ticket
    try:
        with TlsWire(edge.listeners[1], context, "shop.example", edge.transcript, session=session) as client:
            client.ask("GET", "/").response()
            return client.is_resumed
    except (ssl.SSLError, Closed, OSError):
        return False


def test_a_ticket_does_not_pass_between_client_policies(newel, certificates):
    assert not crosses(newel, certificates)


def test_a_ticket_that_passes_is_found_when_it_is_planted(newel, certificates):
    env = {"NEWEL_PLANTED": "ticket_crosses_policy"}
    if "does not have" in run("run", "--to", "127.0.0.1:1", "--listen", "wrong", env=env).stderr:
        pytest.skip("faults can be planted in builds with -Dplanted=true only")
    assert crosses(newel, certificates, env=env)


# Mistakes


def check(tmp_path, listener, **more):
    path = tmp_path / "newel.yaml"
    path.write_text(text_of({"newel": 1, "listen": [listener], "routes": PAGE, **more}))
    return run("check", path)


def broken(certificates, tmp_path):
    """What can be wrong with files, where it is told, and in which words."""
    good = certificates.server("shop.example")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    key = "listen[0].tls.key"
    certificate = "listen[0].tls.certificate"
    return [
        (certificates.mismatched("shop.example").conf, certificate, "key is not"),
        (certificates.server("shop.example", ends_days=-1).conf, certificate, "expired"),
        ({**good.conf, "certificate": "nowhere.pem"}, certificate, "no such file"),
        ({**good.conf, "key": str(tmp_path)}, key, "folder"),
        ({**good.conf, "certificate": str(garbage)}, certificate, str(garbage)),
        ({**good.conf, "key": str(empty)}, key, "is empty"),
        ({**good.conf, "key": good.certificate}, certificate, "key"),
        ({**good.conf, "policy": "modrn"}, "listen[0].tls.policy", "did you mean modern"),
        ({**good.conf, "clients": {"ca": str(empty)}}, "listen[0].tls.clients.ca", "is empty"),
        ({**good.conf, "clients": {"ca": str(garbage)}}, "listen[0].tls.clients.ca", f"{garbage}: its"),
        ({"certificate": good.certificate}, certificate, "add key: FILE"),
        ({"certificates": [{"certificate": good.certificate}]}, "tls.certificates[0].key", "missing"),
        ({"policy": "modern"}, "listen[0].tls", "add certificate: FILE and key: FILE"),
        (True, "listen[0].tls", "expected a mapping"),
    ]


def test_each_broken_file_is_one_located_sentence_and_exit_3(newel, certificates, tmp_path):
    for tls, where, words in broken(certificates, tmp_path):
        checked = check(tmp_path, {"address": "127.0.0.1:0", "tls": tls})
        assert checked.returncode == 3, tls
        lines = [line for line in checked.stderr.splitlines() if where in line]
        assert len(lines) == 1 and words in lines[0], checked.stderr
        assert "newel.yaml: 1 mistake" in checked.stderr
        assert re.match(r".*newel\.yaml:\d+:\d+: ", lines[0])
        started = run("run", tmp_path / "newel.yaml", "--state", tmp_path / "state")
        assert started.returncode == 3
        assert lines[0].split(": ", 1)[1] in started.stderr


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="root reads all")
def test_a_key_that_may_not_be_read_is_named_with_its_mode(certificates, tmp_path):
    pair = certificates.server("shop.example")
    path = tmp_path / "newel.yaml"
    path.write_text(text_of({"newel": 1, "listen": [https(pair)], "routes": PAGE}))
    if os.geteuid() != 0:
        os.chmod(pair.key, 0)
        found = run("check", path)
    else:
        for folder in (tmp_path, *tmp_path.parents):
            if str(folder).startswith("/tmp/"):
                os.chmod(folder, 0o755)
        os.chmod(pair.key, 0o600)
        from kit.newel import BINARY, environment
        found = subprocess.run(["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                BINARY, "check", str(path)],
                               capture_output=True, text=True, env=environment())
    assert found.returncode == 3
    assert pair.key in found.stderr and "permission is denied (mode 0" in found.stderr


def test_a_reload_with_a_broken_certificate_changes_nothing(newel, certificates):
    pair, wrong = certificates.server("shop.example"), certificates.mismatched("shop.example")
    edge = serve(newel, https(pair))
    answer = edge.reload({"newel": 1, "listen": [https(wrong)], "routes": PAGE, "admin": "127.0.0.1:0"})
    assert "listen[0].tls.certificate" in answer["error"]
    with wire(edge, certificates) as client:
        assert client.serial == pair.serial
        assert client.ask("GET", "/").response().status == 200


def test_what_ends_soon_and_what_is_open_beside_is_warned_of(certificates, tmp_path):
    strict = https(certificates.server("shop.example", ends_days=5.5), clients={"ca": certificates.ca})
    path = tmp_path / "newel.yaml"
    path.write_text(text_of({"newel": 1, "listen": [strict, "0.0.0.0:0"], "routes": PAGE}))
    found = run("check", path)
    assert found.returncode == 0, found.stderr
    assert "shop.example ends in 5 days" in found.stderr
    assert "listen[1]" in found.stderr and "without the client certificate" in found.stderr


# Looking


def test_newel_tls_tells_names_issuer_and_days(newel, certificates):
    pair = certificates.server("shop.example", "www.shop.example", ends_days=89.5)
    edge = serve(newel, https(pair, policy="modern", clients={"ca": certificates.ca, "require": False}))
    said = edge.command("tls")
    assert said.returncode == 0
    for part in ("shop.example, www.shop.example", "Scenario Authority", "ECDSA P-256", "89 days left",
                 "policy modern", "client certificates optional"):
        assert part in said.stdout
    told = json.loads(edge.command("tls", "--json").stdout)["tls"]
    one = told["listeners"][0]["certificates"][0]
    assert one["names"] == ["shop.example", "www.shop.example"] and one["days_left"] == 89
    assert told == edge.status()["gate"]["tls"] and told["watched"] is True
    assert ("newel_io_tls_certificate_expiry_seconds", {"name": "shop.example"},
            one["not_after_unix_s"]) in edge.metrics()


def test_no_key_and_no_ticket_key_is_seen_anywhere(newel, certificates, tmp_path):
    pair = certificates.server("shop.example")
    keys = tmp_path / "tickets.key"
    keys.write_bytes(b"S3CRETTICKETKEY." * 5)
    edge = serve(newel, https(pair, tickets=f"file:{keys}"), log={"level": "debug"})
    with wire(edge, certificates) as client:
        client.ask("GET", "/").response()
    broken_key = certificates.mismatched("shop.example")
    os.replace(broken_key.key, pair.key)
    edge.wait_line("event=tls.certificate_refused")
    secret = open(pair.key).read().splitlines()[1]
    shown = "\n".join([*edge.stderr, *edge.stdout, json.dumps(edge.status()), edge.admin_get("/metrics").text,
                       edge.command("tls").stdout])
    for part in (secret, secret[:24], "S3CRETTICKETKEY", "PRIVATE KEY"):
        assert part not in shown
