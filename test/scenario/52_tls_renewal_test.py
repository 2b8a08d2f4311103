"""Certificates that change under a running newel: good ones are taken, broken ones said and left."""

import json
import os
import shutil
import signal
import ssl
import threading

import pytest

from kit.load import Load, eventually
from kit.newel import scaled
from kit.tls import TlsWire

PAGE = [{"path": "/", "respond": {"body": "here"}}]


def serve(newel, pair, **tls):
    return newel({"newel": 1, "admin": "127.0.0.1:0", "routes": PAGE,
                  "listen": [{"address": "127.0.0.1:0", "tls": {**pair.conf, **tls}}]})


def served(edge, certificates, name="shop.example"):
    with TlsWire(edge.address, certificates.context(), name, edge.transcript) as client:
        return client.serial


def settle(edge):
    """The second of quiet after a change passes at once. What newel was asked before, it has seen
    the change before."""
    edge.control("tls")
    edge.clock.advance(ms=1100)


def wait_served(edge, certificates, serial):
    """Time moves seldom: clients that are slow to send their first byte would be taken for silent."""
    asked = 0

    def is_served():
        nonlocal asked
        if asked % 40 == 0:
            settle(edge)
        asked += 1
        return served(edge, certificates) == serial
    eventually(is_served, f"the certificate {serial:x}")


class Handshakes(Load):
    """Each request on a connection of its own: a new certificate must serve at once or not at all."""

    def __init__(self, edge, certificates, **more):
        super().__init__(edge.address, **more)
        self.certificates = certificates
        self.serials = set()

    def client(self):
        context = self.certificates.context()
        while not self.is_over.is_set():
            trouble = None
            try:
                with TlsWire(self.address, context, "shop.example") as wire:
                    self.serials.add(wire.serial)
                    response = wire.ask("GET", "/").response()
                    if response.status != 200:
                        trouble = repr(response)
            except (OSError, AssertionError, Exception) as error:  # whatever it is, it is a failure
                trouble = repr(error)
            with self.changed:
                self.done += 1
                if trouble:
                    self.failures.append(trouble)
                self.changed.notify_all()


def test_a_renewed_certificate_serves_and_connections_stay(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    with TlsWire(edge.address, certificates.context(), "shop.example", edge.transcript) as before:
        assert before.ask("GET", "/").response().status == 200
        serial = pair.renew()
        wait_served(edge, certificates, serial)
        edge.wait_line("event=tls.certificate_renewed for=listen[0].tls name=shop.example")
        assert before.ask("GET", "/").response().status == 200


def test_a_hundred_renewals_under_a_handshake_loop_fail_nothing(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    count = scaled(100, 10)
    with Handshakes(edge, certificates, clients=2) as load:
        for _ in range(count):
            wait_served(edge, certificates, pair.renew())
        load.wait(10)
    assert load.failures == []
    assert len(load.serials) > 1
    assert edge.metric("newel_io_tls_certificate_reads_total", result="renewed") == count
    assert edge.metric("newel_requests_total", **{"class": "5xx"}) == 0


def test_a_broken_renewal_is_refused_and_said_once(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    good = pair.serial
    stranger = certificates.server("shop.example")
    os.replace(stranger.key, pair.key)

    def is_refused():
        settle(edge)
        return edge.metric("newel_io_tls_certificate_reads_total", result="refused") == 1
    eventually(is_refused, "the refusal")
    line = edge.wait_line("event=tls.certificate_refused")
    assert "key is not" in line and pair.certificate in line
    for _ in range(3):  # looked at again each hour, not said again
        edge.clock.advance(s=3601)
    one = json.loads(edge.command("tls", "--json").stdout)["tls"]["listeners"][0]["certificates"][0]
    assert "key is not" in one["refused"] and one["refused_unix_s"] > 0
    assert "refused" in edge.command("tls").stdout
    assert served(edge, certificates) == good
    assert sum("tls.certificate_refused" in line for line in edge.stderr) == 1
    wait_served(edge, certificates, pair.renew())
    one = edge.control("tls")["tls"]["listeners"][0]["certificates"][0]
    assert "refused" not in one


def test_an_expired_or_vanished_renewal_is_refused(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    good = pair.serial
    pair.renew(ends_days=-1)
    eventually(lambda: settle(edge) or any("expired on" in line for line in edge.stderr), "the refusal")
    os.remove(pair.certificate)
    eventually(lambda: settle(edge) or any("no such file" in line for line in edge.stderr), "the refusal")
    assert served(edge, certificates) == good


def test_links_that_are_pointed_elsewhere_are_noticed(newel, certificates, tmp_path):
    """As certbot does it: live/ holds links into archive/."""
    old, new = certificates.server("shop.example"), certificates.server("shop.example")
    live = tmp_path / "live"
    live.mkdir()
    for name, target in (("site.pem", old.certificate), ("site.key", old.key)):
        os.symlink(target, live / name)
    edge = newel({"newel": 1, "admin": "127.0.0.1:0", "routes": PAGE,
                  "listen": [{"address": "127.0.0.1:0", "tls": {"certificate": str(live / "site.pem"),
                                                                "key": str(live / "site.key")}}]})
    assert served(edge, certificates) == old.serial
    for name, target in (("site.pem", new.certificate), ("site.key", new.key)):
        os.symlink(target, live / (name + ".new"))
        os.replace(live / (name + ".new"), live / name)
    wait_served(edge, certificates, new.serial)
    wait_served(edge, certificates, new.renew())


def test_a_swapped_folder_is_noticed(newel, certificates, tmp_path):
    """As Kubernetes does it: ..data points to another folder, the files' own links stay."""
    old, new = certificates.server("shop.example"), certificates.server("shop.example")
    mount = tmp_path / "mount"
    for name, pair in (("one", old), ("two", new)):
        (mount / name).mkdir(parents=True)
        os.rename(pair.certificate, mount / name / "tls.crt")
        os.rename(pair.key, mount / name / "tls.key")
    os.symlink("one", mount / "..data")
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"..data/{name}", mount / name)
    edge = newel({"newel": 1, "admin": "127.0.0.1:0", "routes": PAGE,
                  "listen": [{"address": "127.0.0.1:0", "tls": {"certificate": str(mount / "tls.crt"),
                                                                "key": str(mount / "tls.key")}}]})
    os.symlink("two", mount / "..new")
    os.replace(mount / "..new", mount / "..data")
    wait_served(edge, certificates, new.serial)


def test_only_the_name_that_was_renewed_changes(newel, certificates):
    pairs = [certificates.server("shop.example"), certificates.server("shop.test")]
    edge = newel({"newel": 1, "admin": "127.0.0.1:0", "routes": PAGE,
                  "listen": [{"address": "127.0.0.1:0",
                              "tls": {"certificates": [pair.conf for pair in pairs]}}]})
    other = pairs[1].serial
    os.replace(certificates.server("shop.test").key, pairs[1].key)  # broken, at the same time
    wait_served(edge, certificates, pairs[0].renew())
    assert served(edge, certificates, "shop.test") == other


def test_another_authority_for_clients_is_taken_without_a_reload(newel, certificates):
    pair = certificates.server("shop.example")
    ca = os.path.join(certificates.folder, "clients.pem")
    with open(ca, "w") as out:
        out.write(open(certificates.ca).read())
    edge = serve(newel, pair, clients={"ca": ca})
    mallory = certificates.other.client("mallory")

    def is_let_in():
        try:
            with TlsWire(edge.address, certificates.context(client=mallory), "shop.example") as wire:
                return wire.ask("GET", "/").response().status == 200
        except (OSError, ssl.SSLError, Exception):  # the alert comes as one of several
            return False
    assert not is_let_in()
    with open(ca, "a") as out:
        out.write(open(certificates.other.ca).read())
    eventually(lambda: settle(edge) or is_let_in(), "the new authority")


def refused_files(edge):
    return [line for line in edge.stderr if "event=tls.file_refused" in line]


def test_a_broken_authority_is_refused_and_keeps_nothing_else_back(newel, certificates):
    pair = certificates.server("shop.example")
    ca = os.path.join(certificates.folder, "clients.pem")
    shutil.copy(certificates.ca, ca)
    edge = serve(newel, pair, clients={"ca": ca})
    ada = certificates.context(client=certificates.client("ada"))

    def served_to_ada():
        with TlsWire(edge.address, ada, "shop.example", edge.transcript) as wire:
            assert wire.ask("GET", "/").response().status == 200
            return wire.serial
    assert served_to_ada() == pair.serial
    with open(ca, "w") as out:
        out.write("half of a file\n")
    eventually(lambda: settle(edge) or refused_files(edge), "the refusal")
    line = refused_files(edge)[0]
    assert f"for=listen[0].tls file={ca}" in line and "no certificate in it" in line
    one = edge.control("tls")["tls"]["listeners"][0]
    assert "no certificate in it" in one["ca_refused"] and "refused" not in one["certificates"][0]
    assert "new authorities are refused" in edge.command("tls").stdout
    renewed = pair.renew()
    eventually(lambda: settle(edge) or served_to_ada() == renewed, "the new certificate")
    os.remove(ca)
    eventually(lambda: settle(edge) or "no such file" in refused_files(edge)[-1], "the refusal")
    shutil.copy(certificates.ca, ca)
    eventually(lambda: settle(edge) or any("event=tls.file_renewed" in line for line in edge.stderr),
               "the authority")
    assert "ca_refused" not in edge.control("tls")["tls"]["listeners"][0]
    assert served_to_ada() == renewed


def test_a_broken_authority_for_nodes_is_said(newel, certificates):
    ca = os.path.join(certificates.folder, "nodes.pem")
    shutil.copy(certificates.ca, ca)
    edge = newel({"newel": 1, "admin": "127.0.0.1:0", "listen": ["127.0.0.1:0"],
                  "services": {"shop": {"nodes": ["127.0.0.1:9"], "tls": {"ca": ca}}},
                  "routes": [{"path": "/", "service": "shop"}]})
    with open(ca, "w") as out:
        out.write("half of a file\n")
    eventually(lambda: settle(edge) or refused_files(edge), "the refusal")
    assert "for=services.shop.tls" in refused_files(edge)[0]
    assert "no certificate in it" in edge.control("tls")["tls"]["services"][0]["ca_refused"]


def test_broken_ticket_keys_are_refused(newel, certificates):
    keys = os.path.join(certificates.folder, "tickets.key")
    with open(keys, "wb") as out:
        out.write(os.urandom(80))
    edge = serve(newel, certificates.server("shop.example"), tickets=f"file:{keys}")
    with open(keys, "wb") as out:
        out.write(os.urandom(79))
    eventually(lambda: settle(edge) or refused_files(edge), "the refusal")
    assert "79 bytes" in refused_files(edge)[0]
    assert "new keys of tickets are refused" in edge.command("tls").stdout


def test_the_end_of_a_certificate_is_announced_twice(newel, certificates):
    pair = certificates.server("shop.example", ends_days=20.5)
    edge = serve(newel, pair)

    def lines():
        return [line for line in edge.stderr if "event=tls.certificate_expire" in line]
    edge.clock.advance(s=5 * 86400)
    edge.control("status")
    assert lines() == []
    edge.clock.advance(s=2 * 86400)
    eventually(lambda: len(lines()) == 1, "the first warning")
    assert "level=warn" in lines()[0] and "days=13" in lines()[0]
    edge.clock.advance(s=11 * 86400)
    eventually(lambda: len(lines()) == 2, "the second warning")
    for _ in range(3):
        edge.clock.advance(s=3601)
        edge.control("status")
    assert len(lines()) == 2
    edge.clock.advance(s=6 * 86400)
    edge.wait_line("event=tls.certificate_expired")


def test_reloads_and_renewals_at_once(newel, certificates):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    is_over = threading.Event()

    def reload():
        while not is_over.is_set():
            edge.control("reload")
    with Handshakes(edge, certificates, clients=1) as load:
        thread = threading.Thread(target=reload)
        thread.start()
        for _ in range(scaled(20, 4)):
            wait_served(edge, certificates, pair.renew())
        is_over.set()
        thread.join()
    assert load.failures == []


def test_an_end_in_the_middle_of_a_renewal_is_clean(newel, certificates):
    """The fixture ends each newel and looks at what it says."""
    pair = certificates.server("shop.example")
    for _ in range(scaled(10, 3)):
        edge = serve(newel, pair)
        pair.renew()
        edge.control("reload")
        edge.send_signal(signal.SIGTERM)
        assert edge.wait_end() == 0


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_fifo_in_the_place_of_a_file_holds_nobody_up(newel, certificates, which):
    pair = certificates.server("shop.example")
    edge = serve(newel, pair)
    path = getattr(pair, which)
    os.unlink(path)
    os.mkfifo(path)
    reply = edge.reload()
    assert "error" in reply and path in reply["error"], reply
    settle(edge)
    assert served(edge, certificates) == pair.serial
    os.unlink(path)
    pair.renew()
    assert "generation" in edge.reload()
    wait_served(edge, certificates, pair.serial)
