"""What the rows of TLS and HTTP/2 need beyond servers.py: certificates, nodes that speak HTTP/2 in
clear text, the parties that multiplex, and the load generators for HTTP/2 and for handshakes.
"""

import json
import pathlib
import re
import shutil
import subprocess

import servers
from servers import BenchError, first_line


class Pair:
    """A self-made certificate with its key; `both` in one file is what haproxy takes."""

    KINDS = {
        "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["-newkey", "rsa:2048"],
    }

    def __init__(self, directory, kind):
        self.certificate = pathlib.Path(directory, f"{kind}.pem")
        self.key = pathlib.Path(directory, f"{kind}.key")
        self.both = pathlib.Path(directory, f"{kind}-both.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=shop.example",
             "-addext", "subjectAltName=DNS:shop.example", *self.KINDS[kind],
             "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True)  # fmt: skip
        self.both.write_text(self.certificate.read_text() + self.key.read_text())


def letters(size):
    """The body that the load generator expects: its offset decides each letter."""
    return "".join(chr(ord("a") + at % 26) for at in range(size))


class NginxNode(servers.Party):
    """A node that speaks HTTP/2 with prior knowledge."""

    name = "nginx-node"
    CONFIG = """\
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen {address} http2;
        location / {{ default_type text/plain; return 200 "{body}"; }}
    }}
}}
"""

    def command(self):
        config = self.directory / "nginx.conf"
        config.write_text(
            self.CONFIG.format(
                user=servers.nginx_user(),
                directory=self.directory,
                address=self.address,
                body=letters(self.body_bytes),
            )
        )
        return ["nginx", "-p", self.directory, "-e", self.directory / "error.log", "-c", config]


class NghttpdNode(servers.Party):
    name = "nghttpd-node"

    def command(self):
        (self.directory / str(self.body_bytes)).write_text(letters(self.body_bytes))
        host, _, port = self.address.rpartition(":")
        return ["nghttpd", "--no-tls", "--address", host, "--htdocs", self.directory,
                "--max-concurrent-streams", "256", port]  # fmt: skip


class MuxFloor(servers.Floor):
    """The do-nothing multiplexer: all clients on one connection, one send a turn."""

    speaks_h2 = True

    def __init__(self, *arguments, build):
        super().__init__(*arguments, build=build)
        self.program = build / "test/bench/mux_floor"


class NewelMux(servers.Newel):
    speaks_h2 = True


class HaproxyMux(servers.Haproxy):
    name = "haproxy-h2"
    speaks_h2 = True


class NewelTwo(servers.Newel):
    name = "newel-2"
    workers = 2


class H2Load:
    """nghttp2's load generator. It cannot keep its connections from slice to slice: the handshakes of
    8 connections, some 2 ms, are spread over the 6,000 requests of a slice."""

    CONNECTIONS, STREAMS = 8, 8

    def __init__(self, build, core):
        self.core = core

    def step(self, party, row, requests):
        command = ["h2load", "--requests", str(requests), "--clients", str(self.CONNECTIONS),
                   "--max-concurrent-streams", str(self.STREAMS),
                   f"https://{party.address}/{row.body_bytes}"]  # fmt: skip
        process = servers.spawn(command, self.core, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)  # fmt: skip
        said = process.communicate(timeout=120)[0].decode(errors="replace")
        found = re.search(r"status codes: (\d+) 2xx", said)
        bytes_found = re.search(r"\((\d+)\) data", said)
        if not found or int(found[1]) != requests:
            raise BenchError(f"h2load against {party.name}: {said[-600:]} {party.last_words()}")
        if not bytes_found or int(bytes_found[1]) != requests * row.body_bytes:
            raise BenchError(f"{party.name} answered other bytes: {said[-600:]}")


class Handshakes:
    """test/bench/handshakes.c, fed with one number after the other."""

    def __init__(self, build, core, party, row):
        self.party = party
        command = [build / "test/bench/handshakes", "--target", party.address,
                   "--resume", int(row.is_resumed), "--clients", row.connections]  # fmt: skip
        self.process = servers.spawn(command, core, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def step(self, count):
        self.process.stdin.write(f"{count}\n".encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            why = self.process.stderr.read().decode().strip()
            raise BenchError(f"handshakes with {self.party.name}: {why} {self.party.last_words()}")
        return json.loads(line)["handshakes"]


def missing():
    """Sentences about programs without which rows of this file cannot be measured."""
    wanted = ["openssl", "h2load", "nghttpd", "nginx"]
    return [f"{name} is not installed: its rows fail" for name in wanted if not shutil.which(name)]


def versions():
    return [first_line(["openssl", "version"]), first_line(["nghttpd", "--version"])]
