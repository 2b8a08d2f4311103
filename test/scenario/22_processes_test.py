"""Application processes that newel starts: the shop in two of them, killed, replaced, stopped."""

import os
import signal

from kit.load import Load, eventually
from kit.newel import BINARY
from kit.site import site

SHOP = os.path.join(os.path.dirname(BINARY), "examples", "shop", "shop")


def shop(tmp_path, instances=2, **more):
    run = [SHOP, "--database", str(tmp_path / "shop.db"), "--dev-key"]
    health = {"path": "/ready", "every": "500ms", "timeout": "400ms"}
    conf = site(routes=[{"name": "shop", "path": "/", "service": "shop"}])
    conf["services"] = {"shop": {"run": run, "instances": instances, "health": health, **more}}
    return conf


def instances(edge, service="shop"):
    return edge.status()["fleet"][service]


def wait_ready(edge, count, service="shop"):
    return eventually(lambda: [one for one in instances(edge, service) if one["state"] == "ready"]
                      if sum(one["state"] == "ready" for one in instances(edge, service)) == count
                      else None, f"{count} ready processes")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or read
        return False


def test_two_processes_share_the_work(newel, tmp_path):
    edge = newel(shop(tmp_path))
    wait_ready(edge, 2)
    seen = {edge.get("/").headers["x-shop-instance"] for _ in range(8)}
    assert seen == {"1", "2"}


def test_a_killed_process_costs_no_get_and_comes_back(newel, tmp_path):
    edge = newel(shop(tmp_path))
    before = wait_ready(edge, 2)
    with Load(edge.address, clients=4, path="/images/3.svg") as load:
        load.wait(200)
        os.kill(before[0]["pid"], signal.SIGKILL)
        eventually(lambda: instances(edge)[0]["restarts"] == 1, "the restart")
        wait_ready(edge, 2)
        load.wait(200)
    assert load.failures == []
    now = instances(edge)
    assert now[0]["pid"] != before[0]["pid"] and now[1]["pid"] == before[1]["pid"]
    assert "signal 9" in now[0]["reason"]
    story = edge.command("status").stdout
    assert "signal 9" in story and "1 restarts" in story


def test_a_changed_command_is_replaced_without_a_gap(newel, tmp_path):
    conf = shop(tmp_path)
    edge = newel(conf)
    before = {one["pid"] for one in wait_ready(edge, 2)}
    with Load(edge.address, clients=4, path="/images/3.svg") as load:
        load.wait(100)
        conf["services"]["shop"]["run"].append("--cache-headers")
        edge.reload(conf)
        eventually(lambda: not any(is_alive(pid) for pid in before), "the end of the old processes")
        load.wait(100)
    assert load.failures == []
    assert {one["pid"] for one in wait_ready(edge, 2)}.isdisjoint(before)
    assert "cache-control" in edge.get("/").headers


def test_instances_grow_and_shrink(newel, tmp_path):
    conf = shop(tmp_path, instances=1)
    edge = newel(conf)
    wait_ready(edge, 1)
    conf["services"]["shop"]["instances"] = 3
    edge.reload(conf)
    grown = wait_ready(edge, 3)
    conf["services"]["shop"]["instances"] = 1
    edge.reload(conf)
    eventually(lambda: sum(is_alive(one["pid"]) for one in grown) == 1, "one process left")
    assert edge.get("/").status == 200


def test_stopping_leaves_no_process(newel, tmp_path):
    edge = newel(shop(tmp_path))
    pids = [one["pid"] for one in wait_ready(edge, 2)]
    edge.stop()
    eventually(lambda: not any(map(is_alive, pids)), "the end of the processes")


def test_killing_newel_takes_its_processes_along(newel, tmp_path):
    edge = newel(shop(tmp_path))
    pids = [one["pid"] for one in wait_ready(edge, 2)]
    edge.kill()
    eventually(lambda: not any(map(is_alive, pids)), "the end of the processes")


def test_without_a_file_a_command_is_served(newel, tmp_path):
    (tmp_path / "index.html").write_text("soup of the day\n")
    edge = newel(None, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--", "/usr/bin/python3",
                 "-m", "http.server", "{port}", "--bind", "127.0.0.1", "--directory", str(tmp_path))
    wait_ready(edge, 1, "app")
    assert edge.get("/index.html").body == b"soup of the day\n"


def test_a_command_that_ignores_the_port_is_found(newel, tmp_path):
    program = ("import http.server, socketserver\n"
               "s = socketserver.TCPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
               "s.serve_forever()\n")
    edge = newel(None, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--", "/usr/bin/python3",
                 "-c", program)
    wait_ready(edge, 1, "app")
    assert edge.get("/").status == 200


def test_a_command_that_does_not_exist_is_said(newel):
    edge = newel(None, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--", "./no-such-program")
    line = edge.wait_line("no-such-program")
    assert "process." in line
    answer = edge.get("/")
    assert answer.status == 503 and "retry-after" in answer.headers
