"""Real clients over TLS and HTTP/2, unchanged: curl, Node's http2, python3-h2, nghttp, h2load, Chromium,
WebSockets, testssl.sh; and real nodes that speak HTTP/2: nghttpd, nginx."""

import json
import os
import re

import pytest

from kit.site import site
from peer_kit import NODE_ENVIRONMENT, Peer, free_port, node, peer, program, run
from shop_kit import KEY, SHOP

CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-proxy-server"]


def sized(connection, request):
    """/sized/N answers N bytes."""
    size = int(request.target.rsplit("/", 1)[1])
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size))


@pytest.fixture
def pair(certificates):
    return certificates.server("shop.example", "localhost", "127.0.0.1")


@pytest.fixture
def edge(newel, origin, pair):
    """One listener with TLS and one without, before a scripted node."""
    origin.is_told = origin.records_bytes = False
    origin.on("GET *").call(sized)
    origin.on("POST /upload").call(
        lambda connection, request: connection.send(
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(str(len(request.body)))}\r\n\r\n"
            f"{len(request.body)}".encode()))
    return newel(site(origin, listen=[{"address": "127.0.0.1:0", "tls": pair.conf}, "127.0.0.2:0"]))


@pytest.fixture
def shop(newel, pair, tmp_path):
    conf = site(service={"run": [os.path.abspath(SHOP), "--database", str(tmp_path / "shop.db")],
                         "health": {"path": "/ready"}},
                listen=[{"address": "127.0.0.1:0", "tls": pair.conf}],
                log={"access": {"to": "stdout"}})
    del conf["services"]["app"]["nodes"]
    made = newel(conf, env={"SHOP_JWT_KEY": KEY})
    made.wait_line("event=process.ready")
    return made


def port_of(edge, listener=0):
    return edge.listeners[listener].rsplit(":", 1)[1]


def curl(transcript, certificates, *arguments):
    done = run(transcript, "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert",
               certificates.ca, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


# curl


@pytest.mark.parametrize("word, version", [("--http1.1", "1.1"), ("--http2", "2")])
@pytest.mark.parametrize("tls", ["--tlsv1.3", "--tls-max=1.2"])
def test_curl_over_tls(edge, certificates, transcript, word, version, tls):
    url = f"https://localhost:{port_of(edge)}"
    out = curl(transcript, certificates, word, *tls.split("="), "--write-out",
               "%{num_connects} %{http_code} %{http_version} %{size_download}\n",
               *(item for size in (1, 100_000, 0) for item in ("-o", "/dev/null", f"{url}/sized/{size}")))
    assert out.splitlines() == [f"1 200 {version} 1", f"0 200 {version} 100000", f"0 200 {version} 0"]


def test_curl_over_http2_in_clear_text(edge, certificates, transcript):
    out = curl(transcript, certificates, "--http2-prior-knowledge", "--output", "/dev/null",
               "--write-out", "%{http_code} %{http_version}", f"http://{edge.listeners[1]}/sized/9")
    assert out == "200 2"


def test_curl_takes_many_at_once(edge, certificates, transcript):
    url = f"https://localhost:{port_of(edge)}/sized/[1000-1199]"
    out = curl(transcript, certificates, "--parallel", "--parallel-max", "50", "--output", "/dev/null",
               "--write-out", "%{http_code} %{http_version}\n", url)
    assert out.splitlines() == ["200 2"] * 200


@pytest.mark.parametrize("word", ["--http1.1", "--http2"])
def test_curl_uploads_over_tls(edge, certificates, transcript, tmp_path, word):
    (tmp_path / "large").write_bytes(os.urandom(3_000_000))
    out = curl(transcript, certificates, word, "--request", "POST", "--upload-file",
               tmp_path / "large", f"https://localhost:{port_of(edge)}/upload")
    assert out == "3000000"


def test_curl_is_told_that_nobody_it_trusts_signed(edge, transcript):
    done = run(transcript, "curl", "--silent", "--show-error", "--noproxy", "*",
               f"https://localhost:{port_of(edge)}/")
    assert done.returncode == 60 and "certificate" in done.stderr


def test_plain_http_on_the_tls_port_is_told(edge, transcript):
    """One sentence instead of a handshake error."""
    done = run(transcript, "curl", "--silent", "--show-error", "--noproxy", "*",
               f"http://127.0.0.1:{port_of(edge)}/")
    assert "https" in done.stdout.lower(), (done.stdout, done.stderr)


# Node's http2, python3-h2


EXPECTED = [[200, number * 1000] for number in range(40)]


@pytest.mark.parametrize("is_tls", [True, False], ids=["tls", "clear"])
def test_nodes_http2(edge, certificates, transcript, is_tls):
    where = (f"https://localhost:{port_of(edge)}", certificates.ca) if is_tls \
        else (f"http://{edge.listeners[1]}",)
    done = run(transcript, "node", peer("h2_client.js"), *where)
    seen = json.loads(done.stdout)
    assert [[one["status"], one["bytes"]] for one in seen["many"]] == EXPECTED
    assert seen["large"] == {"status": 200, "bytes": 5_000_000}
    assert seen["upload"] == {"status": 200, "bytes": len("1000000")}
    assert seen["cancelled"] == 8 and seen["ping"] == "8 octets"
    assert seen["alpn"] == ("h2" if is_tls else "h2c")


@pytest.mark.parametrize("is_tls", [True, False], ids=["tls", "clear"])
def test_python_h2(edge, certificates, transcript, is_tls):
    where = (edge.listeners[0], certificates.ca) if is_tls else (edge.listeners[1],)
    done = run(transcript, "/usr/bin/python3", peer("h2_client.py"), *where)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["many"] == EXPECTED[:20]
    assert seen["large"] == [200, 3_000_000] and seen["upload"] == [200, len("1000000")]


# nghttp, h2load


@pytest.mark.parametrize("is_tls", [True, False], ids=["tls", "clear"])
def test_nghttp(edge, transcript, is_tls):
    base = f"https://127.0.0.1:{port_of(edge)}" if is_tls else f"http://{edge.listeners[1]}"
    done = run(transcript, "nghttp", "--null-out", "--verbose", "--no-verify-peer",
               *(f"{base}/sized/{size}" for size in (1, 70_000, 200_000)))
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r":status: 200", done.stdout)) == 3
    assert "RST_STREAM" not in done.stdout


@pytest.mark.parametrize("is_tls", [True, False], ids=["tls", "clear"])
def test_h2load(edge, transcript, is_tls):
    base = f"https://127.0.0.1:{port_of(edge)}" if is_tls else f"http://{edge.listeners[1]}"
    done = run(transcript, "h2load", "--requests=3000", "--clients=10",
               "--max-concurrent-streams=20", f"{base}/sized/1000")
    assert "status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx" in done.stdout, done.stdout
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout
    assert "(3000000) data" in done.stdout


# Chromium


def test_chromium_shows_the_shop_over_http2(shop, transcript, tmp_path):
    done = run(transcript, "chromium", *CHROMIUM, "--ignore-certificate-errors",
               f"--user-data-dir={tmp_path}/chromium", "--dump-dom",
               f"https://localhost:{port_of(shop)}/")
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"<title>[^<]*Landing", done.stdout)
    pictures = set(re.findall(r'(?:<img src|stylesheet" href)="([^"]+)"', done.stdout))
    assert len(pictures) > 5
    for picture in pictures:
        line = shop.wait_line(f"target={picture} ", "stdout")
        assert "status=200" in line and "HTTP/2" in line and "Chrome" in line, line


# WebSocket


def test_websockets_over_tls(newel, pair, certificates, transcript):
    """HTTP/2 is offered and not taken: a WebSocket asks for HTTP/1.1."""
    conf = {"newel": 1, "listen": [{"address": "127.0.0.1:0", "tls": pair.conf}],
            "admin": "127.0.0.1:0",
            "services": {"echo": {"run": node("echo.js"), "instances": 1}},
            "routes": [{"path": "/", "service": "echo", "upgrade": ["websocket"]}]}
    edge = newel(conf, env=NODE_ENVIRONMENT)
    edge.wait_line("event=process.ready")
    sizes = [1, 126, 65536, 1024 * 1024]
    done = run(transcript, "node", peer("chat.js"), f"wss://localhost:{port_of(edge)}/", 4, *sizes,
               env={**NODE_ENVIRONMENT, "NODE_EXTRA_CA_CERTS": certificates.ca})
    seen = json.loads(done.stdout)
    assert [one["same"] for one in seen] == [2 * len(sizes)] * 4
    assert all(one["code"] == one["asked"] for one in seen)


# testssl.sh


BEARABLE = {"OK", "INFO", "LOW", "WARN", "DEBUG"}


def findings_of_testssl(newel, origin, certificates, transcript, folder, policy, *arguments):
    """Its findings by their names. ECDSA and RSA are both there, as its checks try both."""
    pairs = [certificates.server("localhost", "127.0.0.1", kind=kind).conf for kind in ("ec", "rsa")]
    edge = newel(site(origin, listen=[{"address": "127.0.0.1:0",
                                       "tls": {"certificates": pairs, "policy": policy}}]))
    found = folder / "testssl.json"
    run(transcript, "testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1",
        *arguments, "--jsonfile", found, f"localhost:{port_of(edge)}", patience=900)
    rows = json.loads(found.read_text())
    assert [row for row in rows if row["severity"] not in BEARABLE] == []
    return {row["id"]: row["finding"] for row in rows}


def test_testssl_finds_nothing_above_low(newel, origin, certificates, transcript, tmp_path):
    found = findings_of_testssl(newel, origin, certificates, transcript, tmp_path, "intermediate",
                                "-p", "-s", "-f", "-P", "-U")
    for old in "SSLv2", "SSLv3", "TLS1", "TLS1_1":
        assert found[old].startswith("not offered"), (old, found[old])
    assert not found["TLS1_2"].startswith("not") and not found["TLS1_3"].startswith("not")
    assert {"PFS", "heartbleed", "ROBOT", "secure_renego", "BREACH"} <= found.keys(), found.keys()
    assert "h2" in found["ALPN_HTTP2"]


def test_testssl_sees_tls_1_3_alone(newel, origin, certificates, transcript, tmp_path):
    found = findings_of_testssl(newel, origin, certificates, transcript, tmp_path, "modern", "-p")
    assert found["TLS1_2"].startswith("not offered") and not found["TLS1_3"].startswith("not")


# Nodes that speak HTTP/2


NGINX = """\
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log notice;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} http2;
        root {folder}/files;
        location /protocol {{ return 200 "$server_protocol"; }}
    }}
}}
"""


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for size in (0, 1, 1000, 100_000, 3_000_000):
        (folder / str(size)).write_bytes(os.urandom(size))
    return folder


@pytest.fixture(params=["nghttpd", "nghttpd-tls", "nginx"])
def h2_node(request, files, tmp_path, pair, certificates, transcript):
    """A node, and the service that reaches it."""
    port = free_port()
    service = {"multiplex": "h2"}
    if request.param == "nginx":
        conf = tmp_path / "nginx.conf"
        conf.write_text(NGINX.format(folder=tmp_path, port=port,
                                     user="user root;" if os.geteuid() == 0 else ""))
        command = [program("nginx"), "-p", tmp_path, "-e", tmp_path / "error.log", "-c", conf]
    else:
        tls = [pair.key, pair.certificate] if request.param == "nghttpd-tls" else []
        command = [program("nghttpd"), "--address", "127.0.0.1", "--htdocs", files,
                   *([] if tls else ["--no-tls"]), port, *tls]
        if tls:
            service["tls"] = {"ca": certificates.ca, "name": "shop.example"}
    with Peer(transcript, request.param, command, port=port) as made:
        made.service = service
        yield made


def test_files_of_a_node_of_http2(newel, h2_node, files, transcript):
    edge = newel(site(h2_node, service=h2_node.service))
    for file in files.iterdir():
        reply = edge.get(f"/{file.name}")
        assert (reply.status, reply.body) == (200, file.read_bytes()), file
    head = edge.request("HEAD", "/100000")
    assert head.headers["content-length"] == "100000"
    assert edge.get("/none").status == 404


def test_many_clients_on_few_connections(newel, h2_node, transcript):
    edge = newel(site(h2_node, service={**h2_node.service, "multiplex": {
        "protocol": "h2", "streams": 50, "connections": 1}}, threads=1))
    done = run(transcript, "hey", "-n", "2000", "-c", "40", f"http://{edge.address}/1000")
    assert re.search(r"\[200\]\s+2000 responses", done.stdout), done.stdout
    assert edge.node(h2_node)["connections"]["open"] <= 1
