"""The admin listener and the control socket: who may ask what, and what is answered."""

import json
import os
import socket
import stat
import threading

import pytest

from kit.load import Background, eventually
from kit.newel import run
from kit.site import site
from kit.wire import Wire, request


def admin(edge, method, path, host=None, body=None, **fields):
    return request(edge.admin, method, path, body, headers={"Host": host or edge.admin}, **fields)


@pytest.fixture
def guarded(newel, origin, tmp_path):
    """A newel whose admin listener has a token."""
    token = tmp_path / "admin.token"
    token.write_text("a-secret-of-the-admin\n")
    edge = newel(site(origin, admin={"address": "127.0.0.1:0", "token": f"file:{token}"}))
    edge.bearer = {"authorization": "Bearer a-secret-of-the-admin"}
    return edge


# Metrics and status


def test_metrics_are_prometheus_text(newel, origin):
    edge = newel(site(origin, routes=[{"name": "shop", "path": "/", "service": "app"}]))
    for _ in range(3):
        edge.get("/")
    reply = admin(edge, "GET", "/metrics")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    types = {line.split()[2]: line.split()[3] for line in reply.text.splitlines()
             if line.startswith("# TYPE ")}
    for series, _, _ in edge.metrics():
        family = series
        for suffix in ("_bucket", "_sum", "_count"):
            if series not in types and series.endswith(suffix):
                family = series.removesuffix(suffix)
        assert family in types, series
    assert types["newel_requests_total"] == "counter"
    assert edge.metric("newel_requests_total", route="shop") == 3
    assert edge.metric("newel_requests_total", **{"route": "shop", "class": "2xx"}) == 3
    assert edge.metric("newel_request_duration_seconds_count", route="shop") == 3
    assert edge.metric("newel_build_info") == 1


def test_histograms_add_up(newel, origin):
    edge = newel(site(origin))
    for _ in range(20):
        edge.get("/")
    buckets = [(float(labels["le"]), value) for series, labels, value in edge.metrics()
               if series == "newel_service_duration_seconds_bucket" and labels["service"] == "app"]
    assert len(buckets) == 21  # 20 bounds and +Inf
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
    assert buckets[-1] == (float("inf"), 20)
    assert edge.metric("newel_service_duration_seconds_count", service="app") == 20


def test_status_is_json_and_the_same_for_both_doors(newel, origin):
    edge = newel(site(origin))
    edge.get("/")
    told = admin(edge, "GET", "/status").json
    assert told["version"] == run("version").stdout.split()[1]
    assert told["ready"] is True and told["generation"] == 1 and told["uptime_s"] >= 0
    assert told["gate"]["listeners"][0]["bound"] == edge.address
    node = told["gate"]["services"]["app"]["nodes"][0]
    assert node["address"] == origin.address and node["requests"] == 1
    assert set(told) == set(edge.status())


def test_health(newel, origin):
    edge = newel(site(origin))
    assert admin(edge, "GET", "/health/live").status == 200
    assert admin(edge, "GET", "/health/ready").status == 200
    assert admin(edge, "HEAD", "/health/ready").body == b""
    assert admin(edge, "GET", "/nothing").status == 404


def test_one_admin_connection_serves_many_requests(newel, origin):
    edge = newel(site(origin))
    with Wire(edge.admin) as wire:
        for _ in range(5):
            assert wire.ask("GET", "/health/live", host=edge.admin).response().status == 200
        wire.send(f"GET /health/live HTTP/1.1\r\nHost: {edge.admin}\r\n\r\n".encode() * 2)
        assert [wire.response().status for _ in range(2)] == [200, 200]


# Who may ask


@pytest.mark.parametrize("host, status", [
    ("127.0.0.1", 200), ("127.0.0.1:1", 200), ("[::1]", 200), ("127.9.9.9", 200),
    ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421),
    ("10.0.0.1", 421), ("status.shop.example", 421)])
def test_only_literal_loopback_hosts_are_answered(newel, origin, host, status):
    edge = newel(site(origin))
    reply = admin(edge, "GET", "/status", host)
    assert reply.status == status
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_listed_hosts_are_answered(newel, origin):
    edge = newel(site(origin, admin={"address": "127.0.0.1:0", "hosts": ["status.shop.example"]}))
    assert admin(edge, "GET", "/status", "status.shop.example:9900").status == 200
    assert admin(edge, "GET", "/status", "other.shop.example").status == 421


def test_without_a_token_nothing_can_be_changed(newel, origin):
    edge = newel(site(origin))
    assert admin(edge, "POST", "/control/reload").status == 403
    assert admin(edge, "DELETE", "/status").status == 405
    assert edge.status()["reloads"]["done"] == 0


def test_changes_need_the_right_token(guarded):
    edge = guarded
    assert admin(edge, "GET", "/status").status == 200  # loopback may read
    wrong = admin(edge, "POST", "/control/reload", authorization="Bearer a-secret-of-the-admiN")
    assert wrong.status == 401 and wrong.headers["WWW-Authenticate"] == "Bearer"
    assert admin(edge, "POST", "/control/reload").status == 401
    right = admin(edge, "POST", "/control/reload", body="{}", **edge.bearer)
    assert right.status == 200 and right.json == {"generation": 2, "done": True}


def test_verbs_over_http(guarded, origin):
    edge = guarded
    drained = admin(edge, "POST", "/control/drain", body=json.dumps({"node": f"app/{origin.address}"}),
                    **edge.bearer)
    assert drained.status == 200 and drained.json["state"] == "drained"
    undrained = admin(edge, "POST", "/control/undrain",
                      body=json.dumps({"node": f"app/{origin.address}"}), **edge.bearer)
    assert undrained.status == 200
    assert admin(edge, "POST", "/control/frobnicate", body="{}", **edge.bearer).status == 404
    unknown = admin(edge, "POST", "/control/drain", body='{"node":"app/1.2.3.4:5"}', **edge.bearer)
    assert unknown.status == 404 and "no node" in unknown.json["error"]
    assert admin(edge, "POST", "/control/drain", body="[]", **edge.bearer).status == 400
    assert admin(edge, "POST", "/control/drain", body="{", **edge.bearer).status == 400


def test_the_test_verbs_are_not_there_over_http(guarded):
    for verb in ("clock advance", "clock step", "clock%20advance"):
        with Wire(guarded.admin) as wire:
            wire.ask("POST", "/control/" + verb.replace(" ", "+"), b'{"ms":1000}', host=guarded.admin,
                     **guarded.bearer)
            assert wire.response().status == 404


def test_the_test_verbs_are_not_there_outside_of_tests(newel, origin):
    edge = newel(site(origin), env={"NEWEL_TEST": "0"})
    assert "no verb" in edge.control("clock advance", ms=1000)["error"]


@pytest.mark.parametrize("data, status", [
    (b"GET /status HTTP/1.1\nHost: 127.0.0.1\n\n", 400),
    (b"GET /status HTTP/1.1\r\n\r\n", 400),
    (b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nA: " + b"x" * 40000 + b"\r\n\r\n", 431)])
def test_the_admin_listener_is_strict_too(newel, origin, data, status):
    edge = newel(site(origin))
    with Wire(edge.admin) as wire:
        assert wire.send(data).response().status == status
        assert wire.ends()


def test_an_open_admin_address_needs_a_token(tmp_path, origin):
    path = tmp_path / "newel.yaml"
    path.write_text(json.dumps(site(origin, admin="0.0.0.0:0")))
    result = run("run", str(path), cwd=tmp_path)
    assert result.returncode == 3 and "needs a token" in result.stderr


# The control socket


def test_the_socket_is_for_its_owner_alone(newel, origin):
    edge = newel(site(origin))
    found = os.stat(edge.socket_path)
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600
    assert stat.S_IMODE(os.stat(edge.state).st_mode) == 0o700


def test_lines_on_the_socket(newel, origin):
    edge = newel(site(origin))
    with Wire("unix:" + edge.socket_path) as wire:
        for sent, code in ((b'{"verb":"frobnicate"}\n', "NOT_FOUND"), (b"garbage\n", "INVALID"),
                           (b"[]\n", "INVALID"), (b'{"verb":"drain"}\n', "USAGE")):
            wire.send(sent)
            answer = json.loads(wire.reader.until(b"\n"))
            assert answer["done"] is True and answer["code"] == code and answer["error"]
        wire.send(b'{"verb":"status"}\n{"verb":"status"}\n')
        for _ in range(2):
            assert json.loads(wire.reader.until(b"\n"))["status"]["ready"] is True
        wire.sock.sendall(b"x" * 100_000)
        assert wire.rest() == b""
    assert edge.status()["ready"] is True


def test_hanging_up_cancels_a_waiting_command(newel, origin):
    edge = newel(site(origin))
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200)
    slow = Background(edge.get, "/slow")
    origin.wait_requests(1)
    asked = edge.ask("drain", node=f"app/{origin.address}")

    def verbs():
        """How many verbs are at work; this question is one itself."""
        return sum(fiber["count"] for worker in edge.control("fibers")["workers"] for fiber in worker
                   if fiber["name"] == "admin.verb")
    eventually(lambda: verbs() == 2, "the waiting verb")
    asked.hang_up()
    eventually(lambda: verbs() == 1, "the end of the waiting")
    go_on.set()
    assert slow.result().status == 200


def test_newels_own_paths_are_not_routed(newel, origin):
    edge = newel(site(origin))
    assert edge.get("/_newel/anything").status == 404
    assert origin.requests == []


def test_many_askers_at_once(newel, origin):
    edge = newel(site(origin))
    askers = [Background(lambda: [admin(edge, "GET", "/metrics").status for _ in range(5)])
              for _ in range(8)]
    assert all(one.result() == [200] * 5 for one in askers)
    with socket.create_connection(("127.0.0.1", int(edge.admin.rsplit(":", 1)[1]))):
        assert admin(edge, "GET", "/health/live").status == 200
