"""What newel writes about requests and itself: formats, secrets, samples, rotation."""

import json
import os
import re
import signal

import pytest

from kit.load import eventually
from kit.site import site

SECRETS = ["hunter2", "eyJhbGciOi", "sess-4711", "admin-secret-token", "Basic-credentials"]


def logged(newel, origin, access=None, env=None, **top):
    conf = site(origin, log={"level": "info", "access": {"to": "stdout", **(access or {})}}, **top)
    return newel(conf, env=env)


def fields_of(line):
    """The key=value pairs of a logfmt line."""
    found = {}
    for key, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line):
        found[key] = json.loads(f'"{quoted}"') if quoted else plain
    return found


# The access log


def test_there_is_none_unless_asked_for(newel, origin):
    edge = newel(site(origin))
    edge.get("/")
    edge.stop()
    assert edge.stdout == [] and not any("/ " in line for line in edge.stderr)


def test_logfmt_tells_what_happened(newel, origin):
    edge = logged(newel, origin)
    edge.post("/a%20b?x=1", b"12345", user_agent='the "agent"', host="shop.example:81")
    line = fields_of(edge.wait_line("method=POST", "stdout"))
    assert line["method"] == "POST" and line["target"] == "/a%20b?x=1" and line["status"] == "200"
    assert line["client"] == "127.0.0.1" and line["host"] == "shop.example"
    assert line["request_bytes"] == "5" and line["bytes"] == str(len("origin: POST /a%20b?x=1\n"))
    assert line["service"] == "app" and line["node"] == origin.address and line["route"] == "/"
    assert line["attempts"] == "1" and line["protocol"] == "HTTP/1.1"
    assert line["user_agent"] == 'the "agent"'
    assert line["id"] == origin.last.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert float(line["duration_ms"]) >= float(line["first_byte_ms"]) > 0


def test_json_lines_are_json(newel, origin):
    edge = logged(newel, origin, {"format": "json"})
    edge.get('/?q="quoted"', user_agent="caf\xe9")
    line = json.loads(edge.wait_line('"method"', "stdout"))
    assert line["method"] == "GET" and line["status"] == 200 and line["service"] == "app"
    assert isinstance(line["duration_ms"], (int, float)) and line["attempts"] == 1


def test_the_common_format_is_what_log_tools_read(newel, origin):
    edge = logged(newel, origin, {"format": "common"})
    edge.get("/page?a=b", user_agent="browser/1.0", referer="http://shop.example/")
    line = edge.wait_line("/page", "stdout")
    assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
                        r'"GET /page\?a=b HTTP/1\.1" 200 22 "http://shop\.example/" "browser/1\.0"', line)


@pytest.mark.parametrize("form", ["logfmt", "json", "common"])
def test_a_client_cannot_forge_a_line(newel, origin, form):
    edge = logged(newel, origin, {"format": form})
    edge.get("/x", user_agent='a" status=200 forged="\\')
    edge.get("/y")
    first, second = edge.wait_line("/x", "stdout"), edge.wait_line("/y", "stdout")
    edge.stop()
    assert "forged" not in second and sorted([first, second]) == sorted(edge.stdout)
    if form == "json":
        assert json.loads(first)["user_agent"] == 'a" status=200 forged="\\'
    elif form == "logfmt":
        assert "forged" not in fields_of(first) and fields_of(first)["status"] == "200"
    else:
        assert re.search(r'" 200 \d+ "-" "(?:[^"\\]|\\.)*"$', first)


def test_named_query_parameters_are_redacted(newel, origin):
    edge = logged(newel, origin, {"redact": ["token", "session_id"]})
    edge.get("/x?a=1&token=hunter2&SESSION_ID=sess-4711&t%6fken=hunter2&b=2")
    line = edge.wait_line("/x", "stdout")
    assert "a=1" in line and "b=2" in line
    assert "hunter2" not in line and "sess-4711" not in line
    assert origin.last.target == "/x?a=1&token=hunter2&SESSION_ID=sess-4711&t%6fken=hunter2&b=2"


def test_a_sample_keeps_every_error(newel, origin):
    origin.on("GET /bad").reply(503)
    edge = logged(newel, origin, {"sample": "0%"})
    for _ in range(20):
        edge.get("/fine")
        edge.get("/bad")
    edge.stop()
    assert sum("/bad" in line for line in edge.stdout) == 20
    assert sum("/fine" in line for line in edge.stdout) == 0


def test_who_ended_it_is_told(newel, origin):
    origin.on("GET /slow").never()
    edge = logged(newel, origin)
    with edge.wire() as wire:
        wire.ask("GET", "/slow")
        origin.wait_requests(1)
    line = fields_of(edge.wait_line("/slow", "stdout"))
    assert line["ended_by"] == "client" and line["status"] == "0" and line["error"] == "CLIENT_GONE"
    origin.on("GET /cut").hang_up()
    edge.get("/cut")
    line = fields_of(edge.wait_line("/cut", "stdout"))
    assert line["ended_by"] == "node" and line["status"] == "502"


def test_the_trusted_clients_address_is_told(newel, origin):
    edge = logged(newel, origin, trusted_proxies=["127.0.0.1"])
    edge.get("/x", x_forwarded_for="198.51.100.7, 203.0.113.9")
    assert fields_of(edge.wait_line("/x", "stdout"))["client"] == "203.0.113.9"


# Secrets


def test_secrets_are_written_nowhere(newel, origin, tmp_path):
    token = tmp_path / "token"
    token.write_text("admin-secret-token")
    edge = logged(newel, origin, {"format": "json"},
                  admin={"address": "127.0.0.1:0", "token": f"file:{token}"})
    edge.get("/x?password=hunter2", cookie="session=sess-4711", authorization="Bearer eyJhbGciOi.x.y",
             proxy_authorization="Basic-credentials")
    origin.on("GET /bad").raw(b"HTTP/1.1 200 OK\r\nSet-Cookie: sess-4711\r\nBad : x\r\n\r\n")
    edge.get("/bad?token=hunter2", cookie="session=sess-4711")
    with edge.wire() as wire:
        wire.send(b"GET /?token=hunter2 HTTP/1.1\r\nHost: a\r\nCookie : sess-4711\r\n\r\n").rest()
    edge.control("drain", node="app/hunter2-is-no-node")
    told = [edge.admin_get("/metrics").text, edge.admin_get("/status").text,
            json.dumps(edge.control("fibers")), edge.command("status").stdout]
    edge.stop()
    told += edge.stdout + [line for line in edge.stderr if "hunter2-is-no-node" not in line]
    for secret in SECRETS:
        assert not any(secret in text for text in told), secret


# Newel's own events


def test_events_have_a_name_and_values(newel, origins):
    a, b = origins("a", "b")
    edge = newel(site(a, b))
    a.stop()
    for _ in range(20):
        edge.get("/")
    line = fields_of(edge.wait_line("peer.ejected"))
    assert line["level"] == "warn" and line["event"] == "peer.ejected"
    assert line["service"] == "app" and line["node"] == a.address and line["reason"]


def test_events_in_json(newel, origin):
    edge = newel(site(origin, log={"format": "json"}))
    edge.reload(site(origin, log={"format": "json"}))
    line = json.loads(edge.wait_line("reload.done"))
    assert line["event"] == "reload.done" and line["level"] == "info"


def test_the_level_is_heeded_and_reloaded(newel, origin):
    edge = newel(site(origin, log={"level": "error"}))
    edge.reload(site(origin, log={"level": "error"}))
    assert not any("reload.done" in line for line in edge.stderr)
    edge.reload(site(origin, log={"level": "info"}))
    edge.wait_line("generation=3")


def test_sigusr1_reopens_the_files(newel, origin, tmp_path):
    events, access = tmp_path / "events.log", tmp_path / "access.log"
    edge = newel(site(origin, log={"to": str(events), "access": {"to": str(access)}}))
    edge.get("/before")
    eventually(lambda: access.exists() and "/before" in access.read_text(), "the first line")
    os.rename(access, tmp_path / "access.log.1")
    os.rename(events, tmp_path / "events.log.1")
    edge.send_signal(signal.SIGUSR1)
    eventually(access.exists, "the new file")
    edge.get("/after")
    eventually(lambda: "/after" in access.read_text(), "the second line")
    assert "/after" not in (tmp_path / "access.log.1").read_text()
    edge.reload()
    eventually(lambda: events.exists() and "reload.done" in events.read_text(), "the event")


def test_a_log_that_cannot_be_written_is_one_located_sentence(newel, origin, tmp_path):
    from kit.newel import run
    path = tmp_path / "newel.yaml"
    path.write_text(json.dumps(site(origin, log={"to": "/nowhere/at/all.log"}), indent=1))
    result = run("run", str(path), cwd=tmp_path)
    assert result.returncode in (1, 3)
    found = [line for line in result.stderr.splitlines() if "/nowhere/at/all.log" in line]
    assert len(found) == 1 and re.match(rf"{re.escape(str(path))}:\d+:\d+: ", found[0])
