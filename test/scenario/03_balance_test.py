"""Several nodes: who gets a request, who is well, what is tried again, and how a node is taken out."""

import collections
import json
import threading

import pytest

from kit.load import Background, Load, eventually
from kit.site import site


@pytest.fixture
def two(origins):
    return origins("a", "b")


def spread(edge, count, path="/", **fields):
    """Which node answered how often, over one connection."""
    with edge.wire() as wire:
        answers = [wire.ask("GET", path, **fields).response() for _ in range(count)]
    assert {answer.status for answer in answers} == {200}
    return collections.Counter(answer.headers["x-origin"] for answer in answers)


# Choosing


def test_weights_are_kept_exactly(newel, two):
    a, b = two
    edge = newel(site(service={"nodes": [{"address": a.address, "weight": 1},
                                         {"address": b.address, "weight": 2}]}))
    assert spread(edge, 30) == {"a": 10, "b": 20}


def test_weight_0_gets_nothing(newel, two):
    a, b = two
    edge = newel(site(service={"nodes": [{"address": a.address, "weight": 0}, b.address]}))
    assert spread(edge, 10) == {"b": 10}


@pytest.mark.parametrize("balance", ["round-robin", "least-connections", "two-choices", "latency"])
def test_every_balance_uses_both_nodes(newel, two, balance):
    edge = newel(site(*two, service={"balance": balance}))
    found = spread(edge, 60)
    assert found["a"] > 0 and found["b"] > 0 and found["a"] + found["b"] == 60


@pytest.mark.parametrize("key, ask", [
    ("header X-User", lambda wire, user: wire.ask("GET", "/", X_User=user)),
    ("cookie user", lambda wire, user: wire.ask("GET", "/", cookie=f"a=b; user={user}; c=d")),
    ("path", lambda wire, user: wire.ask("GET", f"/users/{user}")),
])
def test_hash_keeps_together_what_its_key_names(newel, two, key, ask):
    edge = newel(site(*two, service={"balance": "hash", "key": key}))
    home = {}
    with edge.wire() as wire:
        for _ in range(3):
            for user in range(40):
                node = ask(wire, str(user)).response().headers["x-origin"]
                assert home.setdefault(user, node) == node
    assert set(home.values()) == {"a", "b"}


def test_hash_by_client_keeps_one_client_on_one_node(newel, two):
    edge = newel(site(*two, service={"balance": "hash", "key": "client"}))
    assert len({edge.get("/").headers["X-Origin"] for _ in range(10)}) == 1


def test_least_connections_avoids_the_busy_node(newel, two):
    edge = newel(site(*two, service={"balance": "least-connections"}))
    go_on = threading.Event()
    for one in two:
        one.on("GET /slow").hold(go_on).reply(200)
    slow = Background(edge.get, "/slow")
    busy = eventually(lambda: next((one for one in two if one.count() == 1), None))
    other = two[1] if busy is two[0] else two[0]
    assert spread(edge, 10) == {other.name: 10}
    go_on.set()
    assert slow.result().status == 200


def test_connections_to_nodes_are_kept(newel, origin):
    edge = newel(site(origin))
    for _ in range(100):
        assert edge.get("/").status == 200
    workers = edge.status()["workers"]
    assert edge.metric("newel_node_connects_total") <= workers
    assert edge.metric("newel_node_reuses_total") >= 100 - workers


# A node that dies


def test_no_get_fails_when_one_of_two_nodes_is_killed(newel, two):
    a, _ = two
    edge = newel(site(*two))
    with Load(edge.address) as load:
        load.wait(100)
        a.stop()
        load.wait(300)
        a.start()
        load.wait(100)
        edge.clock.advance(s=6)  # it was ejected for five seconds
        seen = a.count()
        eventually(lambda: a.count() > seen, "requests at the node that came back")
    assert load.failures == []
    assert edge.metric("newel_node_state_changes_total", node=a.address) > 0


def test_the_last_node_is_never_ejected(newel, origin):
    edge = newel(site(origin))
    assert edge.get("/").status == 200
    origin.stop()
    for _ in range(20):
        assert edge.get("/").status == 502
    origin.start()
    assert edge.get("/").status == 200


def test_a_node_that_refuses_connections_is_out_and_status_says_so(newel, two):
    a, b = two
    edge = newel(site(*two))
    a.stop()
    assert spread(edge, 30) == {"b": 30}
    told = edge.node(a)
    assert told["ejected"] is True and told["reason"] and told["returns_in_ms"] > 0
    assert edge.metric("newel_node_up", node=a.address) == 0
    assert edge.metric("newel_node_up", node=b.address) == 1
    assert edge.metric("newel_node_connect_errors_total", node=a.address) >= 1
    shown = edge.command("status").stdout
    line = next(line for line in shown.splitlines() if a.address in line)
    assert told["reason"] in line


def test_a_node_that_resets_is_ejected_and_returns_after_a_trial(newel, two):
    a, b = two
    a.on("*").reset()
    edge = newel(site(*two))
    with edge.wire() as wire:
        answers = [wire.ask("GET", "/").response() for _ in range(40)]
    assert a.count() == 5 and edge.node(a)["ejected"] is True
    failed = [answer for answer in answers if answer.status != 200]
    assert len(failed) <= 2  # five failures, at least three retries
    assert all(answer.status == 502 for answer in failed)
    a.forget("*")
    edge.clock.advance(s=6)
    assert spread(edge, 20)["a"] > 0
    assert edge.node(a)["ejected"] is False


def test_plain_500s_never_eject(newel, two):
    a, _ = two
    a.on("*").reply(500, "oops", x_origin="a")
    edge = newel(site(*two))
    with edge.wire() as wire:
        found = collections.Counter(wire.ask("GET", "/").response().status for _ in range(60))
    assert found == {200: 30, 500: 30}
    assert edge.node(a)["ejected"] is False


# What is tried again


def test_a_get_without_an_answer_goes_to_the_other_node(newel, two):
    a, b = two
    a.on("GET /x").hang_up()
    edge = newel(site(*two))
    assert spread(edge, 4, "/x") == {"b": 4}
    assert a.count() >= 1
    assert edge.metric("newel_service_retries_total") == a.count()


def test_a_post_that_may_have_started_is_not_repeated(newel, two):
    for one in two:
        one.on("POST /order").hang_up()
    edge = newel(site(*two))
    assert edge.post("/order", b"1 soup").status == 502
    assert two[0].count() + two[1].count() == 1


def test_a_post_that_never_started_moves(newel, two):
    a, b = two
    a.stop()
    edge = newel(site(*two))
    for _ in range(6):
        assert edge.post("/order", b"1 soup").status == 200
    assert b.count() == 6


def test_an_answer_that_had_begun_is_not_repeated(newel, two):
    go_on = threading.Event()
    for one in two:
        one.on("GET /x").raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf").hold(go_on).hang_up()
    edge = newel(site(*two))
    with edge.wire() as wire:
        reply = wire.ask("GET", "/x").head()
        assert reply.status == 200 and wire.reader.exactly(4) == b"half"
        go_on.set()
        assert wire.ends()
    assert two[0].count() + two[1].count() == 1


def test_an_answer_that_breaks_at_once_is_502_or_cut(newel, two):
    for one in two:
        one.on("GET /x").reply(200, b"x" * 1000, cut_after=200)
    edge = newel(site(*two))
    for count in range(1, 20):
        with edge.wire() as wire:
            reply = wire.ask("GET", "/x").head()
            if reply.status == 200:
                assert len(wire.rest()) < 1000
            else:
                assert reply.status == 502 and "half" not in wire.finish(reply).text
        assert two[0].count() + two[1].count() == count


def test_a_connection_that_the_node_closed_is_not_used(newel, origin):
    edge = newel(site(origin))
    origin.on("POST /once").reply(200, "ok").hang_up()
    for i in range(20):
        assert edge.post("/once", b"x").status == 200
        origin.wait(lambda: not origin.alive, "its connection close")
        eventually(lambda: edge.node(origin)["connections"]["open"] == 0, "newel notice")
    assert origin.count() == 20


# Drain


def test_a_drained_node_finishes_what_it_has_and_gets_nothing_new(newel, two):
    a, b = two
    edge = newel(site(*two))
    go_on = threading.Event()
    for one in two:
        one.on("GET /slow").hold(go_on).reply(200, one.name)
    slow = [Background(edge.get, "/slow") for _ in range(4)]
    eventually(lambda: a.count() + b.count() == 4)
    drained = edge.ask("drain", node=f"app/{a.address}")
    eventually(lambda: edge.node(a)["state"] == "draining")
    assert spread(edge, 10) == {"b": 10}
    assert edge.node(a)["in_flight"] > 0
    go_on.set()
    assert drained.last()["state"] == "drained"
    drained.hang_up()
    assert {one.result().status for one in slow} == {200}
    assert edge.undrain(a) == {"done": True}
    assert spread(edge, 10)["a"] == 5


def test_a_lease_ends_a_drain(newel, two):
    a, _ = two
    edge = newel(site(*two))
    shown = edge.command("drain", f"app/{a.address}", "--for", "2m")
    assert shown.returncode == 0 and "drained" in shown.stdout
    assert spread(edge, 10) == {"b": 10}
    edge.clock.advance(s=119)
    assert spread(edge, 10) == {"b": 10}
    edge.clock.advance(s=2)
    eventually(lambda: edge.node(a)["state"] != "draining")
    assert spread(edge, 10)["a"] == 5


def test_hanging_up_leaves_the_drain_but_waits_no_longer(newel, two):
    a, _ = two
    edge = newel(site(*two))
    go_on = threading.Event()
    for one in two:
        one.on("GET /slow").hold(go_on).reply(200)
    slow = [Background(edge.get, "/slow") for _ in range(3)]
    eventually(lambda: a.count() > 0)  # one of two workers has two of them
    asked = edge.ask("drain", node=f"app/{a.address}")
    eventually(lambda: edge.node(a)["state"] == "draining")
    asked.hang_up()

    def waits():
        fibers = json.dumps(edge.control("fibers"))
        return fibers.count("admin.verb") - 1  # this question is one itself
    eventually(lambda: waits() == 0, "the end of the waiting")
    assert edge.node(a)["state"] == "draining"
    go_on.set()
    assert [one.result().status for one in slow] == [200] * 3


# Health checks


HEALTH = {"path": "/ready", "every": "30s", "timeout": "30s", "fall": 2, "rise": 2}


def probed(edge, count, *nodes):
    """Newel has judged so many health checks of each node."""
    for one in nodes:
        eventually(lambda: edge.metric("newel_node_probes_total", node=one.address) >= count,
                   f"health check {count} of {one.name}")


def test_a_failing_health_check_takes_a_node_out_and_back(newel, two):
    a, b = two
    edge = newel(site(*two, service={"health": HEALTH}))
    probed(edge, 1, a, b)
    a.on("GET /ready").reply(503)
    for count in (2, 3):
        edge.clock.advance(s=33)
        probed(edge, count, a, b)
    edge.wait_line("peer.down")
    assert edge.node(a)["state"] == "down" and "unexpected status" in edge.node(a)["reason"]
    assert spread(edge, 10) == {"b": 10}
    a.forget("GET /ready")
    for count in (4, 5):
        edge.clock.advance(s=33)
        probed(edge, count, a, b)
    edge.wait(lambda: any("peer.up" in line and a.address in line for line in edge.stderr[-3:]), "up")
    assert spread(edge, 10)["a"] == 5
    asked = next(request for request in a.requests if request.target == "/ready")
    assert asked.headers["user-agent"] == "newel-health" and asked.headers["connection"] == "close"


def test_health_checks_have_connections_of_their_own(newel, origin):
    edge = newel(site(origin, service={"health": HEALTH, "max_connections": 1}))
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200)
    probed(edge, 1, origin)
    slow = Background(edge.get, "/slow")
    origin.wait(lambda: origin.count(target="/slow") == 1)
    edge.clock.advance(s=33)
    probed(edge, 2, origin)
    go_on.set()
    assert slow.result().status == 200 and edge.node(origin)["state"] == "up"


def test_when_no_node_is_up_all_are_tried(newel, origin):
    edge = newel(site(origin, service={"health": {**HEALTH, "fall": 1}}))
    probed(edge, 1, origin)
    assert edge.admin_get("/health/ready").status == 200
    origin.on("GET /ready").reply(503)
    edge.clock.advance(s=33)
    probed(edge, 2, origin)
    edge.wait_line("peer.down")
    assert edge.get("/").status == 200
    assert edge.metric("newel_service_none_up_total") >= 1
    assert edge.admin_get("/health/ready").status == 503


def test_a_slow_probe_beside_good_answers_is_load_not_death(newel, origin):
    edge = newel(site(origin, service={"health": {**HEALTH, "fall": 1}}))
    probed(edge, 1, origin)
    origin.on("GET /ready").never()
    edge.clock.advance(s=33)
    origin.wait(lambda: origin.count(target="/ready") == 2, "the second health check")
    assert edge.get("/").status == 200
    edge.clock.advance(s=31)
    edge.wait_line("peer.slow")
    assert edge.get("/").status == 200 and edge.node(origin)["state"] != "down"


# The queue before a full node


def test_requests_wait_for_a_connection_and_more_are_refused(newel, origin):
    edge = newel(site(origin, service={"max_connections": 1, "waiting": 1, "wait": "1h"}))
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "done")
    first = Background(edge.get, "/slow")
    origin.wait_requests(1)
    second = Background(edge.get, "/second")
    eventually(lambda: edge.metric("newel_service_queue_depth") == 1)
    third = edge.get("/third")
    assert third.status == 503 and int(third.headers["Retry-After"]) >= 1
    go_on.set()
    assert first.result().text == "done" and second.result().status == 200
    assert edge.metric("newel_service_queue_refused_total") == 1
    assert len(origin.connections) == 1


def test_waiting_has_an_end(newel, origin):
    edge = newel(site(origin, service={"max_connections": 1, "wait": "30m",
                                       "timeouts": {"first_byte": "1d"}}))
    go_on = threading.Event()
    origin.on("GET /slow").hold(go_on).reply(200, "done")
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        origin.wait_requests(1)
        second = Background(edge.get, "/second")
        eventually(lambda: edge.metric("newel_service_queue_depth") == 1)
        edge.clock.advance(s=1801)
        assert second.result().status == 503
    go_on.set()


def test_two_workers_share_one_permit(newel, origin):
    edge = newel(site(origin, service={"max_connections": 1}, threads=2))
    for _ in range(60):
        assert edge.get("/").status == 200
    assert edge.metric("newel_service_queue_refused_total") == 0
    assert edge.metric("newel_node_connections_open") <= 1
