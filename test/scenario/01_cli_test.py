"""The first minutes of a new user: commands, mistakes, and what newel says about them."""

import json
import os
import re
import socket

import pytest

from kit.newel import run
from kit.site import site, text_of


def one_sentence(result, code):
    """The command failed with this code and said why in one line."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == code, result
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return lines[0]


@pytest.fixture
def conf_file(tmp_path):
    def write(conf, name="newel.yaml"):
        path = tmp_path / name
        path.write_text(text_of(conf))
        return str(path)
    return write


# Help and usage


def test_help_names_every_command(tmp_path):
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for command in ("run", "check", "status", "reload", "drain", "undrain"):
        assert re.search(rf"^  {command} ", result.stdout, re.MULTILINE)
        own = run(command, "--help")
        assert own.returncode == 0 and own.stdout.startswith(f"usage: newel {command}")


def test_no_command_is_wrong_usage():
    result = run()
    assert result.returncode == 2 and "usage:" in result.stderr and result.stdout == ""


def test_version_is_printed():
    result = run("version")
    assert result.returncode == 0 and re.fullmatch(r"newel \d+\.\d+\.\d+\n", result.stdout)
    assert run("--version").stdout == result.stdout


@pytest.mark.parametrize("arguments, expected", [
    (["rnu"], "did you mean `run`"),
    (["frobnicate"], "there is no command `frobnicate`"),
    (["run", "--lisen", "127.0.0.1:0"], "did you mean --listen"),
    (["run", "-x"], "options begin with two dashes"),
    (["run", "--to"], "--to needs a value"),
    (["status", "--json=yes"], "--json takes no value"),
    (["run", "a.yaml", "b.yaml"], "unexpected argument `b.yaml`"),
    (["run", "a.yaml", "--to", "127.0.0.1:1"], "give one of"),
    (["run", "--listen", "127.0.0.1:0"], "forms without a file"),
    (["run", "--"], "which command shall be started"),
    (["run"], "nothing to serve"),
    (["status", "--", "x"], "takes nothing behind --"),
    (["drain"], "which node?"),
    (["drain", "app/x", "--for", "soon"], "--for soon"),
])
def test_wrong_usage_exits_2_with_one_sentence(tmp_path, arguments, expected):
    result = run(*arguments, cwd=tmp_path)
    assert expected in one_sentence(result, 2)


# Files


def test_a_valid_file_is_said_to_be_valid(conf_file):
    result = run("check", conf_file(site("127.0.0.1:1")))
    assert result.returncode == 0 and "valid" in result.stdout


TEN_MISTAKES = """\
newel: 1
listne: [ "127.0.0.1:8080" ]
listen: [ "127.0.0.1:99999" ]
drain: soon
threads: -1
services:
  shop:
    nodes: [ "127.0.0.1:3000", "127.0.0.1:3000" ]
    balance: rond-robin
    timeouts: { connect: 1parsec }
    host: ""
routes:
  - { path: /a, service: shpo }
  - { path: no-slash, service: shop }
  - { path: /c, service: shop, respond: { status: 200 } }
limits: { head: 1M, heads: 3 }
"""
MISTAKEN_LINES = [2, 3, 4, 5, 8, 9, 10, 13, 14, 15, 16]


def test_ten_mistakes_are_found_in_one_run(conf_file):
    path = conf_file(TEN_MISTAKES)
    result = run("check", path)
    assert result.returncode == 3
    found = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): (.*)$", result.stderr, re.MULTILINE)
    assert len(found) >= 10, result.stderr
    lines = {int(line) for line, _, _ in found}
    assert set(MISTAKEN_LINES) - lines == set(), result.stderr
    assert "listen" in next(text for line, _, text in found if line == "2")
    assert "round-robin" in next(text for line, _, text in found if line == "9")
    assert "shop" in next(text for line, _, text in found if line == "13")


def test_check_json_has_the_same_findings(conf_file):
    path = conf_file(TEN_MISTAKES)
    result = run("check", path, "--json")
    findings = json.loads(result.stdout)
    assert result.returncode == 3 and findings["mistakes"] >= 10
    plain = run("check", path).stderr
    for finding in findings["findings"]:
        assert f"{path}:{finding['line']}:{finding['column']}:" in plain


def test_run_refuses_what_check_refuses(conf_file, tmp_path):
    path = conf_file(TEN_MISTAKES)
    result = run("run", path, cwd=tmp_path)
    assert result.returncode == 3
    checked = run("check", path).stderr.splitlines()
    assert [line for line in result.stderr.splitlines() if line.startswith(path)] == \
        [line for line in checked if re.match(rf"{re.escape(path)}:\d", line)]


def test_strict_makes_warnings_mistakes(conf_file):
    unreachable = site("127.0.0.1:1", routes=[{"path": "/", "service": "app"},
                                              {"path": "/never", "service": "app"}])
    path = conf_file(unreachable)
    result = run("check", path)
    assert result.returncode == 0 and "/never" in result.stderr
    assert run("check", path, "--strict").returncode == 3


def test_check_explains_which_route_takes_a_request(conf_file):
    path = conf_file(site("127.0.0.1:1", routes=[
        {"name": "orders", "path": "/api/orders", "method": ["POST"], "service": "app"},
        {"name": "rest", "path": "/", "service": "app"}]))
    taken = run("check", path, "--route", "POST shop.example/api/orders")
    assert taken.returncode == 0 and "orders" in taken.stdout
    other = run("check", path, "--route", "GET shop.example/api/orders")
    assert other.returncode == 0 and "rest" in other.stdout


def test_the_schema_is_json_and_knows_the_options():
    result = run("check", "--schema")
    schema = json.loads(result.stdout)
    assert result.returncode == 0
    top = schema["$defs"]["top"]
    assert schema["$ref"] == "#/$defs/top" and top["additionalProperties"] is False
    assert {"newel", "listen", "services", "routes", "limits"} <= set(top["properties"])
    assert "newel" in top["required"]


def test_a_missing_file_is_one_sentence(tmp_path):
    assert "nowhere.yaml" in run("run", "nowhere.yaml", cwd=tmp_path).stderr
    result = run("check", "nowhere.yaml", cwd=tmp_path)
    assert result.returncode == 3 and "cannot be read" in result.stderr


def test_an_unreadable_token_file_is_one_located_sentence(conf_file, tmp_path):
    path = conf_file(site("127.0.0.1:1", admin={"address": "127.0.0.1:0", "token": "file:no.token"}))
    result = run("run", path, cwd=tmp_path)
    found = [line for line in result.stderr.splitlines() if "no.token" in line]
    assert result.returncode == 3 and len(found) == 1, result.stderr
    assert re.match(rf"{re.escape(path)}:\d+:\d+: ", found[0])


# Starting


def test_a_port_that_is_taken_is_one_clear_sentence(newel, tmp_path, origin):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("run", "--to", origin.address, "--listen", address, "--admin", "none", cwd=tmp_path)
    line = one_sentence(result, 1)
    assert address in line and "in use" in line


def test_a_taken_admin_port_is_one_clear_sentence(newel, tmp_path, origin):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("run", "--to", origin.address, "--listen", "127.0.0.1:0", "--admin", address,
                     cwd=tmp_path)
    line = one_sentence(result, 1)
    assert address in line and "in use" in line


def test_the_file_less_form_serves_what_runs_already(newel, origin):
    edge = newel(None, "--to", origin.address, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    assert edge.get("/hello").text == "origin: GET /hello\n"
    assert edge.status()["ready"] is True
    assert edge.admin is not None
    edge.stop()


def test_several_nodes_and_listeners_without_a_file(newel, origins, tmp_path):
    a, b = origins("a", "b")
    path = str(tmp_path / "edge.sock")
    edge = newel(None, "--to", a.address, "--to", b.address, "--listen", "127.0.0.1:0",
                 "--listen", f"unix:{path}", "--admin", "none")
    assert edge.listeners[1] == f"unix:{path}" and edge.admin is None
    seen = {edge.get("/", listener=i % 2).text for i in range(8)}
    assert seen == {"a: GET /\n", "b: GET /\n"}
    edge.stop()


def test_a_socket_file_that_nobody_serves_is_taken_over(newel, origin, tmp_path):
    path = str(tmp_path / "edge.sock")
    first = newel(site(origin, listen=[f"unix:{path}"]))
    first.kill()
    assert os.path.exists(path)
    second = newel(site(origin, listen=[f"unix:{path}"]))
    assert second.get("/").status == 200


# Talking to one that runs


def test_an_unknown_node_is_one_sentence(newel, origin):
    edge = newel(site(origin))
    for command in ("drain", "undrain"):
        line = one_sentence(edge.command(command, "app/10.1.2.3:4"), 1)
        assert "there is no node app/10.1.2.3:4" in line


@pytest.mark.parametrize("command", ["status", "reload"])
def test_nothing_running_is_one_sentence(tmp_path, command):
    line = one_sentence(run(command, cwd=tmp_path), 1)
    assert "no running newel" in line
    line = one_sentence(run(command, "--state", str(tmp_path), cwd=tmp_path), 1)
    assert str(tmp_path) in line


def test_status_reads_well(newel, origin):
    edge = newel(site(origin))
    edge.get("/")
    shown = edge.command("status")
    assert shown.returncode == 0
    assert edge.address in shown.stdout and origin.address in shown.stdout and "up" in shown.stdout
    told = json.loads(edge.command("status", "--json").stdout)
    assert told["gate"]["services"]["app"]["nodes"][0]["address"] == origin.address
    assert edge.command("status", "--fibers").returncode == 0


def test_state_is_found_by_the_environment(newel, origin, tmp_path):
    edge = newel(site(origin), "--state", str(tmp_path / "state"))
    assert edge.state == str(tmp_path / "state")
    shown = run("status", cwd=tmp_path, env={"STATE_DIRECTORY": str(tmp_path / "state")})
    assert shown.returncode == 0 and origin.address in shown.stdout
