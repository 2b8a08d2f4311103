"""The end: what is in flight finishes, what cannot is cut, and nobody serves twice."""

import json
import os
import shutil
import signal
import socket
import tempfile
import threading

import pytest

from kit.load import Background, eventually
from kit.message import Closed
from kit.newel import BINARY, USER, run
from kit.site import site


def test_sigterm_lets_requests_finish(newel, origin):
    edge = newel(site(origin))
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "done")
    with edge.wire() as slow, edge.wire() as idle:
        assert idle.ask("GET", "/").response().status == 200
        slow.ask("GET", "/slow")
        origin.wait(lambda: origin.count(target="/slow") == 1)
        edge.send_signal(signal.SIGTERM)
        edge.wait_line("daemon.draining")
        assert idle.ends()
        with pytest.raises((ConnectionRefusedError, ConnectionResetError, Closed)):
            with edge.wire() as late:
                late.ask("GET", "/").response()
        assert edge.control("status")["status"]["draining"] is True
        assert edge.admin_get("/health/ready").status == 503
        assert edge.admin_get("/health/live").status == 200
        go_on.set()
        reply = slow.response()
        assert reply.text == "done" and reply.headers["connection"] == "close" and slow.ends()
    assert edge.wait_end() == 0


def test_an_upload_in_flight_finishes_too(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("POST", "/", content_length="10").send(b"12345")
        eventually(lambda: edge.metric("newel_requests_in_flight") == 1)
        edge.send_signal(signal.SIGTERM)
        edge.wait_line("daemon.draining")
        assert wire.send(b"67890").response().status == 200 and wire.ends()
    assert edge.wait_end() == 0 and origin.last.body == b"1234567890"


def test_the_drain_has_an_end(newel, origin):
    origin.on("GET /slow").never()
    origin.on("GET /half").raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").never()
    edge = newel(site(origin, drain="30s"))
    with edge.wire() as slow, edge.wire() as half:
        slow.ask("GET", "/slow")
        assert half.ask("GET", "/half").head().status == 200
        origin.wait_requests(2)
        edge.send_signal(signal.SIGTERM)
        edge.wait_line("daemon.draining")
        edge.clock.advance(s=31)
        assert slow.response().status == 503
        assert half.rest() == b"half"
    assert edge.wait_end() == 0
    edge.wait_line("daemon.drain_timeout")


def test_tunnels_are_closed_last(newel, origin):
    origin.on("GET /ws").raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             b"Upgrade: websocket\r\n\r\n").never()
    edge = newel(site(origin, routes=[{"path": "/", "service": "app", "upgrade": ["websocket"]}]))
    with edge.wire() as wire:
        wire.ask("GET", "/ws", Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version="13",
                 Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
        assert wire.response().status == 101
        edge.send_signal(signal.SIGTERM)
        edge.wait_line("daemon.draining")
        edge.clock.advance(s=31)
        assert wire.ends()
    assert edge.wait_end() == 0


@pytest.mark.parametrize("signals", [[signal.SIGQUIT], [signal.SIGINT, signal.SIGINT],
                                     [signal.SIGTERM, signal.SIGQUIT]])
def test_a_hard_stop_waits_for_nobody(newel, origin, signals):
    origin.on("GET /slow").never()
    edge = newel(site(origin))
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        origin.wait_requests(1)
        for number in signals[:-1]:
            edge.send_signal(number)
            edge.wait_line("daemon.draining")
        edge.send_signal(signals[-1])
        assert edge.wait_end() == 0
        try:
            assert wire.response().status == 503
        except Closed:
            pass


def test_an_idle_newel_ends_at_once(newel, origin):
    edge = newel(site(origin))
    with edge.wire() as silent, edge.wire() as kept:
        assert kept.ask("GET", "/").response().status == 200
        edge.stop()
        assert silent.ends() and kept.ends()
    assert origin.connections[0].closed.wait(60)


# Who may serve


@pytest.mark.skipif(USER is not None, reason="a story about two users of its own")
def test_a_second_newel_on_the_same_state_is_refused(newel, origin, tmp_path):
    edge = newel(site(origin))
    result = run("run", "--to", origin.address, "--listen", "127.0.0.1:0", "--admin", "none",
                 "--state", edge.state, cwd=tmp_path)
    assert result.returncode == 1
    assert f"pid {edge.pid}" in result.stderr and edge.state in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert edge.get("/").status == 200 and edge.status()["ready"] is True


def test_a_second_newel_on_the_same_port_is_refused(newel, origin, tmp_path):
    edge = newel(site(origin))
    result = run("run", "--to", origin.address, "--listen", edge.address, "--admin", "none",
                 cwd=tmp_path)
    assert result.returncode == 1 and edge.address in result.stderr and "in use" in result.stderr


def test_after_a_kill_the_next_one_starts(newel, origin):
    edge = newel(site(origin))
    edge.kill()
    again = newel(site(origin), folder=edge.folder)
    assert again.get("/").status == 200 and again.status()["ready"] is True


def test_the_state_folder_that_cannot_be_made_is_one_sentence(origin, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("run", "--to", origin.address, "--listen", "127.0.0.1:0", "--admin", "none",
                 "--state", str(tmp_path / "file" / "state"), cwd=tmp_path)
    assert result.returncode == 1 and len(result.stderr.strip().splitlines()) == 1
    assert str(tmp_path / "file" / "state") in result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_it(newel, origin):
    folder = tempfile.mkdtemp()
    try:
        binary = shutil.copy(BINARY, folder)
        os.chmod(binary, 0o755)
        os.chmod(folder, 0o777)
        home = os.path.join(folder, "home")
        os.mkdir(home, 0o700)
        shutil.chown(home, "nobody", "nogroup")
        edge = newel(None, "--to", origin.address, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                     folder=home, wrap=["setpriv", "--reuid=nobody", "--regid=nogroup",
                                        "--clear-groups", "--no-new-privs"])
        assert edge.get("/").status == 200
        assert os.stat(edge.socket_path).st_uid == os.stat(home).st_uid
        assert edge.post("/", b"x" * 200_000).status == 200  # the spool, too
        edge.stop()
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(USER is not None, reason="a story about two users of its own")
def test_the_socket_of_another_user_is_one_sentence(newel, origin):
    folder = tempfile.mkdtemp()
    try:
        binary = shutil.copy(BINARY, folder)
        os.chmod(binary, 0o755)
        os.chmod(folder, 0o755)
        state = os.path.join(folder, "state")
        newel(site(origin), "--state", state)
        os.chmod(state, 0o755)  # the folder can be entered, the socket cannot be opened
        import subprocess
        result = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                 binary, "status", "--state", state], capture_output=True, text=True,
                                timeout=60, cwd="/")
        assert result.returncode == 1 and "belongs to another user" in result.stderr
    finally:
        shutil.rmtree(folder)


# Service managers


@pytest.mark.skipif(USER is not None, reason="a story about two users of its own")
def test_a_service_manager_is_told(newel, origin, tmp_path):
    path = str(tmp_path / "notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(60)
        edge = newel(site(origin), env={"NOTIFY_SOCKET": path})
        assert b"READY=1" in manager.recv(1000)
        edge.reload()
        assert b"RELOADING=1" in manager.recv(1000)
        assert b"READY=1" in manager.recv(1000)
        edge.stop()


def test_stopping_under_many_clients_is_clean(newel, origin):
    edge = newel(site(origin))

    def client():
        answered = 0
        try:
            with edge.wire() as wire:
                while True:
                    reply = wire.ask("GET", "/").response()
                    assert reply.status == 200
                    answered += 1
        except (Closed, ConnectionError) as error:
            assert not getattr(error, "got", b""), "an answer was cut"
        return answered
    clients = [Background(client) for _ in range(8)]
    origin.wait_requests(100)
    edge.stop()
    assert sum(one.result() for one in clients) >= 90
    assert json.dumps([line for line in edge.stderr if "level=error" in line]) == "[]"
