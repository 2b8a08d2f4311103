"""What newel says when something is wrong: to the client, in its logs, on the command line."""

import json

import pytest

from kit.load import eventually
from kit.site import site


@pytest.mark.parametrize("arguments, sentence", [
    (["--to", "3000"], "newel: --to: the host is missing (did you mean 127.0.0.1:3000)"),
    (["--to", "localhost"], "newel: --to: the port is missing (localhost:8080)"),
    (["--to", "http://127.0.0.1:3000/"], "(did you mean 127.0.0.1:3000)"),
    (["--to", "https://app.example"], "(did you mean app.example:443)"),
    (["--listen", "8000", "--to", "127.0.0.1:1"], "newel: --listen: the host is missing"),
    (["--admin", "x", "--to", "127.0.0.1:1"], "newel: --admin: the port is missing"),
    (["./app"], "./app: the file cannot be read: there is no such file"),
    (["node", "app.js"], "a command to start stands behind --"),
])
def test_a_wrong_command_line_is_explained_by_its_options(newel, tmp_path, arguments, sentence):
    done = newel.run("run", *arguments, cwd=tmp_path)
    assert done.returncode in (2, 3) and sentence in done.stderr
    assert "command line)" not in done.stderr, "nobody wrote the file whose lines these are"


@pytest.mark.parametrize("format", ["logfmt", "json", "common"])
def test_a_refused_request_is_told_why_and_stands_in_the_access_log(newel, origin, format):
    edge = newel(site(origin, log={"access": {"to": "stdout", "format": format}}))
    with edge.wire() as wire:
        page = wire.send("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n").response()
    assert page.status == 400
    assert "a percent sign in the path is not followed by two hex digits" in page.text
    line = edge.wait_line("127.0.0.1", "stdout")
    if format == "logfmt":
        assert f"id={page.headers['x-request-id']} client=127.0.0.1 status=400 refused=\"" in line
    elif format == "json":
        assert json.loads(line)["refused"].startswith("a percent sign")
    else:
        assert line.startswith("127.0.0.1 - - [") and line.endswith('"-" 400 0 "-" "-"')
    assert origin.requests == []


def test_the_log_says_that_the_only_node_refuses(newel, origin):
    edge = newel(site(origin))
    origin.stop()
    assert [edge.get("/").status for _ in range(3)] == [502] * 3
    line = edge.wait_line("event=peer.failing")
    assert f"node={origin.address}" in line and "connections are refused" in line

    def said():
        return sum("event=peer.failing" in line for line in edge.stderr)

    assert said() == 1
    edge.clock.advance(s=11)
    assert edge.get("/").status == 502
    eventually(lambda: said() == 2, "the second line")


def test_the_log_says_which_rule_an_answer_broke(newel, origin):
    origin.on("GET /").raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n")
    edge = newel(site(origin))
    reply = edge.get("/")
    assert reply.status == 502 and "Content-Length" not in reply.text
    line = edge.wait_line("event=node.bad_answer")
    assert "the Content-Length is a list" in line
    assert f"id={reply.headers['X-Request-Id']}" in line and f"node={origin.address}" in line
