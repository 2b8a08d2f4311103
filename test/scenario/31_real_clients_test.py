"""Real clients in front of newel, unchanged: curl, wget, Chromium, wrk, hey and ab."""

import hashlib
import os
import re

import pytest

from kit.site import site
from peer_kit import gunicorn, node, run, supervised
from shop_kit import KEY, SHOP


@pytest.fixture
def files(newel, tmp_path):
    """Files of a real server, on TCP and on a Unix socket."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "small.txt").write_text("small")
    (folder / "large").write_bytes(os.urandom(8 * 1024 * 1024))
    conf = site(service={"run": gunicorn("--workers", "2"), "env": {"FILES": str(folder)}},
                listen=["127.0.0.1:0", f"unix:{tmp_path}/front.sock"])
    del conf["services"]["app"]["nodes"]
    edge = newel(conf)
    edge.wait_line("event=process.ready")
    edge.folder_of_files = folder
    edge.front = str(tmp_path / "front.sock")
    return edge


@pytest.fixture
def shop(newel, tmp_path):
    """The example shop, two processes started by newel, with an access log."""
    conf = site(service={"run": [os.path.abspath(SHOP), "--database", str(tmp_path / "shop.db")],
                         "instances": 2, "health": {"path": "/ready"}},
                log={"access": {"to": "stdout"}})
    del conf["services"]["app"]["nodes"]
    edge = newel(conf, env={"SHOP_JWT_KEY": KEY})
    edge.wait(lambda: sum("event=process.ready" in line for line in edge.stderr) == 2, "had both")
    return edge


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# curl


def curl(transcript, *arguments, **more):
    done = run(transcript, "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_keeps_one_connection_for_several_urls(files, transcript):
    urls = [f"http://{files.address}/files/small.txt"] * 5
    sent = curl(transcript, "--write-out", "%{num_connects} %{http_code} %{http_version}\n",
                *(word for url in urls for word in ("--output", "/dev/null", url)))
    assert sent.splitlines() == ["1 200 1.1"] + ["0 200 1.1"] * 4


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_curl_uploads(files, transcript, expect, framing):
    large = files.folder_of_files / "large"
    fields = ["--header", expect]
    if framing == "chunked":
        fields += ["--header", "Transfer-Encoding: chunked"]
    out = curl(transcript, *fields, "--upload-file", large, f"http://{files.address}/upload")
    assert sha256(large.read_bytes()) in out and f'"bytes":{large.stat().st_size}' in out


# Says everything, and does not send on its own before it was told to.
PATIENT = ["--silent", "--verbose", "--noproxy", "*", "--header", "Expect: 100-continue",
           "--expect100-timeout", "60"]


def test_curl_is_told_to_continue_before_it_sends(files, transcript):
    large = files.folder_of_files / "large"
    done = run(transcript, "curl", *PATIENT, "--upload-file", large,
               f"http://{files.address}/upload")
    assert done.returncode == 0 and "HTTP/1.1 100 Continue" in done.stderr


def test_curl_is_refused_before_it_sends(newel, origin, transcript, tmp_path):
    (tmp_path / "large").write_bytes(bytes(2 * 1024 * 1024))
    edge = newel(site(origin, limits={"body": "1M"}))
    done = run(transcript, "curl", *PATIENT, "--upload-file", tmp_path / "large",
               "--write-out", "%{http_code} %{size_upload}", f"http://{edge.address}/")
    assert "HTTP/1.1 413" in done.stderr and "100 Continue" not in done.stderr
    assert done.stdout.endswith("413 0") and origin.requests == []


def test_curl_head_and_http_1_0(files, transcript):
    url = f"http://{files.address}/files/large"
    size = (files.folder_of_files / "large").stat().st_size
    head = curl(transcript, "--head", url).lower().splitlines()
    assert head[0] == "http/1.1 200 ok" and f"content-length: {size}" in head
    old = curl(transcript, "--http1.0", "--output", "/dev/null",
               "--write-out", "%{http_code} %{size_download}", url)
    assert old == f"200 {size}"
    generated = curl(transcript, "--http1.0", f"http://{files.address}/generated/1000")
    assert generated == "".join(f"line {i}\n" for i in range(1000))


def test_curl_over_a_unix_socket(files, transcript):
    out = curl(transcript, "--unix-socket", files.front, "http://shop.example/seen")
    assert '"host":"shop.example"' in out


def test_curl_follows_redirects_with_cookies(files, transcript, tmp_path):
    out = curl(transcript, "--location", "--cookie-jar", tmp_path / "jar", "--data", "name=Ada L",
               f"http://{files.address}/form")
    assert out == "welcome Ada L, seen 1"


def test_curl_takes_a_part_and_resumes(files, transcript, tmp_path):
    data = (files.folder_of_files / "large").read_bytes()
    url = f"http://{files.address}/files/large"
    part = tmp_path / "part"
    curl(transcript, "--range", "1000-1999", "--output", part, url)
    assert part.read_bytes() == data[1000:2000]
    part.write_bytes(data[:3_000_000])
    curl(transcript, "--continue-at", "-", "--output", part, url)
    assert sha256(part.read_bytes()) == sha256(data)


def test_curl_unpacks_what_the_application_packed(files, transcript):
    url = f"http://{files.address}/packed/20000"
    plain = "".join(f"line {i}\n" for i in range(20000))
    assert curl(transcript, "--compressed", url) == plain
    head = curl(transcript, "--compressed", "--dump-header", "-", "--output", "/dev/null", url)
    assert {"content-encoding: gzip", "vary: accept-encoding"} <= set(head.lower().splitlines())
    assert curl(transcript, url) == plain


# wget


def test_wget_mirrors_the_first_page_with_all_it_needs(shop, transcript, tmp_path):
    done = run(transcript, "wget", "--no-proxy", "--recursive", "--level=1", "--page-requisites",
               "--directory-prefix", tmp_path / "mirror", "--no-host-directories",
               f"http://{shop.address}/")
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "mirror" / "index.html").read_text()
    wanted = set(re.findall(r'(?:src|href)="/([^"?#]+\.(?:svg|css))"', page))
    assert len(wanted) > 5
    for name in wanted:
        got = (tmp_path / "mirror" / name).read_bytes()
        if "badge" not in name:
            assert got == shop.get("/" + name).body, name


def test_wget_resumes(files, transcript, tmp_path):
    data = (files.folder_of_files / "large").read_bytes()
    (tmp_path / "large").write_bytes(data[:1_234_567])
    url = f"http://{files.address}/files/large"
    done = run(transcript, "wget", "--no-proxy", "--continue", url, cwd=tmp_path)
    assert done.returncode == 0 and "206" in done.stderr
    assert sha256((tmp_path / "large").read_bytes()) == sha256(data)


# Chromium


def chromium(transcript, profile, url, *arguments):
    """The page as it stands once it has loaded."""
    done = run(transcript, "chromium", "--headless", "--no-sandbox", "--disable-gpu",
               "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--no-proxy-server",
               f"--user-data-dir={profile}", *arguments, "--dump-dom", url)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_chromium_shows_the_shop_with_its_pictures(shop, transcript, tmp_path):
    page = chromium(transcript, tmp_path / "chromium", f"http://{shop.address}/")
    assert re.search(r"<title>[^<]*Landing", page)
    pictures = set(re.findall(r'(?:<img src|stylesheet" href)="([^"]+)"', page))
    assert len(pictures) > 5
    for picture in pictures:
        line = shop.wait_line(f"target={picture} ", "stdout")
        assert "status=200" in line and "Chrome" in line, line
    assert shop.metric("newel_requests_refused_total") == 0


def test_chromium_hears_events(newel, transcript, tmp_path):
    """The page says something through one connection and hears it through the other."""
    edge = supervised(newel, node("events.js"))
    page = chromium(transcript, tmp_path / "chromium", f"http://{edge.address}/browse.html",
                    "--virtual-time-budget=30000")
    assert "<title>heard 1</title>" in page and ">hello from a browser<" in page


# Load generators: short runs, every answer must be the right one


def answered(edge):
    [service] = edge.status()["gate"]["services"].values()
    return sum(one["requests"] for one in service["nodes"])


def test_wrk(shop, transcript):
    done = run(transcript, "wrk", "--threads", "2", "--connections", "50", "--duration", "1s",
               f"http://{shop.address}/images/2.svg")
    assert done.returncode == 0
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])
    assert 0 < count <= answered(shop)


def test_hey(shop, transcript):
    done = run(transcript, "hey", "-n", "2000", "-c", "50", f"http://{shop.address}/images/2.svg")
    assert re.search(r"\[200\]\s+2000 responses", done.stdout), done.stdout
    assert "Error distribution" not in done.stdout


@pytest.mark.parametrize("arguments", [["-k"], [], ["-k", "-p", "body", "-T", "text/plain"]],
                         ids=["kept", "closed", "post"])
def test_ab(newel, origin, transcript, tmp_path, arguments):
    """ab speaks HTTP/1.0, and asks for the connection to be kept."""
    (tmp_path / "body").write_bytes(b"x" * 1000)
    origin.on("GET /").reply(200, "y" * 500)
    origin.on("POST /").reply(200, "y" * 500)
    edge = newel(site(origin))
    done = run(transcript, "ab", "-n", "1000", "-c", "20", *arguments, f"http://{edge.address}/",
               cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    numbers = dict(re.findall(r"^([A-Z][^:\n]+):\s+(\d+)", done.stdout, re.MULTILINE))
    assert numbers["Complete requests"] == "1000" and numbers["Failed requests"] == "0"
    assert "Non-2xx responses" not in numbers and numbers["HTML transferred"] == "500000"
    if "-k" in arguments:
        assert numbers["Keep-Alive requests"] == "1000"
    assert len(origin.requests) == 1000
