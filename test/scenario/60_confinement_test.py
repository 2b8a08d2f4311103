"""What newel gives up once it has started, what its helper keeps, and that both still work."""

import errno
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import tempfile

import pytest

import kit.newel
from kit.load import eventually
from kit.site import site
from kit.tls import TlsWire

IS_ROOT = os.geteuid() == 0
KEPT_BY_HELPER = sum(1 << number for number in (2, 5, 6, 7, 10))
WHO = "nobody"

as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
hardened = pytest.mark.skipif(kit.newel.SANITIZED, reason="builds with sanitizers are not hardened")


@pytest.fixture
def place(monkeypatch):
    """A folder that every user can enter, with a copy of the binary in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="newel-confine-", dir="/tmp"))
    folder.chmod(0o755)
    binary = folder / "newel"
    shutil.copy(kit.newel.BINARY, binary)
    binary.chmod(0o755)
    monkeypatch.setattr(kit.newel, "BINARY", str(binary))
    yield folder
    shutil.rmtree(folder)


def owned(folder):
    folder.mkdir()
    if IS_ROOT:
        shutil.chown(folder, WHO, "nogroup")
    return folder


@pytest.fixture(params=["root", "ordinary"])
def confined(request, newel, place):
    """Start a newel that ends up as an ordinary user: started by root with `user:`, or by that user."""
    def start(conf, **more):
        if request.param == "root":
            folder = place / "site"
            return newel({**conf, "user": WHO}, folder=str(folder), **more)
        folder = owned(place / "site")
        wrap = ["setpriv", "--reuid", WHO, "--regid", "nogroup", "--clear-groups"] if IS_ROOT else []
        return newel(conf, folder=str(folder), wrap=wrap, **more)

    if request.param == "root" and not IS_ROOT:
        pytest.skip("needs root")
    start.as_root = request.param == "root"
    return start


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def children_of(pid):
    return [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def uid_of(name):
    return pwd.getpwnam(name).pw_uid


def app(*command, **more):
    """A service that tells who it is, on its standard output."""
    return {"run": list(command) or ["sh", "-c", "echo I am $(id -u):$(id -G); exec sleep 1000"], **more}


def told(edge, service):
    line = edge.wait_line(f"event=process.output service={service} instance=1 stream=stdout")
    return line.split("I am ")[1].rstrip('"').split(":")


# What is given up


@hardened
def test_newel_has_no_power_left(confined, origin):
    edge = confined(site(origin))
    assert edge.get("/").status == 200
    for thread in os.listdir(f"/proc/{edge.pid}/task"):
        found = status_of(f"{edge.pid}/task/{thread}")
        assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == int(found["CapAmb"], 16) == 0
        if confined.as_root:  # the bounding set can be cut by root only
            assert int(found["CapBnd"], 16) == 0
        assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2"
        if IS_ROOT:
            assert found["Uid"].split() == [str(uid_of(WHO))] * 4
    # The kernel gives /proc of a process that nobody may look into to root.
    assert os.stat(f"/proc/{edge.pid}/fd").st_uid == 0
    if IS_ROOT:
        limits = pathlib.Path(f"/proc/{edge.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
    line = edge.wait_line("event=daemon.hardening")
    assert "state=on" in line and "capabilities=none" in line and "calls=listed" in line


@hardened
@as_root
def test_the_helper_keeps_what_its_duties_need(newel, origin, place):
    edge = newel(site(origin, user=WHO), folder=str(place / "site"))
    helper = status_of(children_of(edge.pid)[0])
    assert int(helper["CapPrm"], 16) == int(helper["CapEff"], 16) == KEPT_BY_HELPER
    assert int(helper["CapBnd"], 16) == KEPT_BY_HELPER
    assert int(helper["CapInh"], 16) == int(helper["CapAmb"], 16) == 0
    assert helper["Uid"].split() == [str(uid_of(WHO))] * 4


@hardened
def test_an_ordinary_helper_keeps_nothing(newel, origin, place):
    folder = owned(place / "site")
    wrap = ["setpriv", "--reuid", WHO, "--regid", "nogroup", "--clear-groups"] if IS_ROOT else []
    edge = newel(site(origin), folder=str(folder), wrap=wrap)
    helper = status_of(children_of(edge.pid)[0])
    assert int(helper["CapPrm"], 16) == int(helper["CapEff"], 16) == 0


def test_hardening_can_be_off(confined, origin):
    edge = confined(site(origin, hardening="off"))
    found = status_of(edge.pid)
    assert found["Seccomp"] == "0" and found["NoNewPrivs"] == "0"
    assert int(found["CapEff"], 16) == 0
    assert "state=off" in edge.wait_line("event=daemon.hardening")


# Faults that a taken-over newel would commit


def planted(newel, fault):
    # A build that has the fault gets as far as the address, which is none: 3.
    if newel.run("run", "--to", "x", env={"NEWEL_PLANTED": fault}).returncode == 2:
        pytest.skip("this build has no planted faults")
    return {"NEWEL_PLANTED": fault}


@hardened
@pytest.mark.parametrize("fault", ["confine_exec", "confine_map"])
def test_running_code_of_its_own_ends_newel(newel, origin, fault):
    edge = newel(site(origin), env=planted(newel, fault), wait=False)
    assert edge.wait_end() == -signal.SIGSYS
    edge.is_checked = True


@hardened
def test_a_file_that_nobody_named_is_closed(newel, origin):
    env = planted(newel, "confine_open")
    edge = newel(site(origin), env=env)
    assert f"errno={errno.EACCES}" in edge.wait_line("event=daemon.trespassed")
    other = newel(site(origin, hardening="off"), env=env)
    assert "errno=0" in other.wait_line("event=daemon.trespassed")


# Who runs what


@as_root
def test_processes_are_who_the_file_says(newel, place):
    conf = site(user=WHO, services={"own": app(), "other": app(user="daemon")},
                routes=[{"path": "/", "service": "own"}])
    del conf["services"]["app"]
    edge = newel(conf, folder=str(place / "site"))
    assert told(edge, "own")[0] == str(uid_of(WHO))
    assert told(edge, "other")[0] == str(uid_of("daemon"))
    refused = edge.reload({**conf, "services": {**conf["services"], "boss": app(user="root")}})
    assert "the first process that is root cannot come by a reload" in str(refused)
    assert "services.boss.user" in str(refused)


@as_root
def test_root_is_started_where_the_file_says_so(newel, place):
    conf = site(user=WHO, services={"boss": app(user="root"), "own": app()},
                routes=[{"path": "/", "service": "own"}])
    del conf["services"]["app"]
    edge = newel(conf, folder=str(place / "site"))
    assert told(edge, "boss")[0] == "0"
    assert told(edge, "own")[0] == str(uid_of(WHO))


@as_root
def test_a_process_that_ignores_its_port_is_found_as_its_own_user(newel, place):
    python = ("import http.server as h; s = h.ThreadingHTTPServer(('127.0.0.1', 0), "
              "h.SimpleHTTPRequestHandler); s.serve_forever()")
    conf = site(user=WHO, services={"own": app("/usr/bin/python3", "-c", python, user="daemon", cwd="/")},
                routes=[{"path": "/", "service": "own"}])
    del conf["services"]["app"]
    edge = newel(conf, folder=str(place / "site"))
    edge.wait_line("event=process.port_found")
    eventually(lambda: edge.get("/").status == 200, "an answer")


# What needs power is done by the helper


def low_port():
    for port in range(600, 1024):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    pytest.skip("no port below 1024 is free")


@as_root
def test_a_low_port_comes_by_a_reload(newel, origin, place):
    first = low_port()
    edge = newel(site(origin, user=WHO, listen=[f"127.0.0.1:{first}"], threads=2),
                 folder=str(place / "site"))
    assert edge.get("/").status == 200
    second = low_port()
    reply = edge.reload(site(origin, user=WHO, threads=2,
                             listen=[f"127.0.0.1:{first}", f"127.0.0.1:{second}"]))
    assert "generation" in reply
    assert kit.newel.request(f"127.0.0.1:{second}", "GET", "/").status == 200


@as_root
def test_files_of_root_are_read_again(newel, origin, place):
    folder = place / "site"
    folder.mkdir(mode=0o700)  # nobody but root can enter
    (folder / "token").write_text("first\n")
    (folder / "token").chmod(0o600)
    conf = site(origin, user=WHO, state=str(owned(place / "state")))
    conf["admin"] = {"address": "127.0.0.1:0", "token": "file:token"}
    edge = newel(conf, folder=str(folder))
    (folder / "newel.yaml").chmod(0o600)

    def drains_with(token):
        reply = kit.newel.request(edge.admin, "POST", "/control/status", b"{}",
                                  headers={"Host": edge.admin, "Authorization": f"Bearer {token}"})
        return reply.status == 200

    assert drains_with("first") and not drains_with("second")
    (folder / "token").write_text("second\n")
    assert "generation" in edge.reload()
    assert drains_with("second") and not drains_with("first")
    (folder / "other").write_text("third\n")
    conf["admin"]["token"] = "file:other"  # named only now
    assert "generation" in edge.reload(conf)
    assert drains_with("third")


@as_root
def test_a_key_that_root_alone_may_read_is_served_and_renewed(newel, origin, certificates, place, tmp_path):
    pair = certificates.server("shop.example")
    tmp_path.chmod(0o700)  # as certbot lays it out
    assert os.stat(pair.key).st_mode & 0o077 == 0
    conf = site(origin, user=WHO, listen=[{"address": "127.0.0.1:0", "tls": pair.conf}])
    edge = newel(conf, folder=str(place / "site"))

    def served():
        with TlsWire(edge.address, certificates.context()) as wire:
            assert wire.ask("GET", "/").response().status == 200
            return wire.serial

    assert served() == pair.serial
    renewed = pair.renew()
    assert "generation" in edge.reload(conf)
    assert served() == renewed


def test_a_log_is_reopened_after_the_drop(confined, origin, place):
    logs = owned(place / "log")
    edge = confined(site(origin, log={"to": str(logs / "newel.log")}))
    (logs / "newel.log").rename(logs / "old.log")
    os.kill(edge.pid, signal.SIGUSR1)
    edge.reload()
    eventually(lambda: (logs / "newel.log").exists() and
               "reload.done" in (logs / "newel.log").read_text(), "the new file")


# Mistakes


@as_root
@pytest.mark.parametrize("user,wanted,wrap", [
    ("no-such-user", "there is no user no-such-user", []),
    ("daemon", "cannot become daemon",
     ["setpriv", "--reuid", WHO, "--regid", "nogroup", "--clear-groups"]),
])
def test_a_user_that_cannot_be_is_a_located_mistake(newel, origin, place, user, wanted, wrap):
    folder = owned(place / "site")
    edge = newel(site(origin, user=user), folder=str(folder), wrap=wrap, wait=False)
    assert edge.wait_end() == 3
    edge.is_checked = True
    assert any("newel.yaml:" in line and "user: " in line and wanted in line for line in edge.stderr), \
        edge.stderr


def test_user_and_hardening_need_a_restart(newel, origin):
    edge = newel(site(origin))
    refused = str(edge.reload(site(origin, hardening="off", user="daemon")))
    assert refused.count("cannot be changed by a reload") == 2


# Secrets


def test_secrets_are_found_nowhere(newel, origin, certificates, tmp_path):
    secrets = {"file-token": "sesame-4711-token", "file-env": "sesame-4711-variable",
               "inline": "sesame-4711-inline"}
    folder = tmp_path / "newel-1"
    folder.mkdir()
    (folder / "token").write_text(secrets["file-token"] + "\n")
    (folder / "variable").write_text(secrets["file-env"] + "\n")
    pair = certificates.server("shop.example")
    with open(pair.key) as key:
        secrets["key"] = key.read().splitlines()[1]
    conf = site(origin, log={"level": "debug", "access": "stdout"},
                listen=["127.0.0.1:0", {"address": "127.0.0.1:0", "tls": pair.conf}],
                services={"own": app("sleep", "1000", env={"KEY": "file:variable"})})
    conf["admin"] = {"address": "127.0.0.1:0", "token": "file:token"}
    edge = newel(conf)
    seen = []
    for token in (secrets["file-token"], "wrong"):
        reply = kit.newel.request(edge.admin, "POST", "/control/status", b"{}",
                                  headers={"Host": edge.admin, "Authorization": f"Bearer {token}"})
        seen.append(reply.text)
    seen += [edge.admin_get("/metrics").text, edge.admin_get("/status").text]
    seen += [str(edge.status()), edge.command("status", "--json").stdout]
    with edge.wire() as wire:
        seen.append(str(wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n").rest()))
    conf["admin"] = {"address": "127.0.0.1:0", "token": secrets["inline"] + "\x01"}
    seen.append(str(edge.reload(conf)))  # refused: a control character
    edge.stop()
    seen += edge.stdout + edge.stderr
    for secret in secrets.values():
        assert not any(secret in text for text in seen)
