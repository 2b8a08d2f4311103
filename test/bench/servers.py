"""The parties of the benchmark: how each is configured, started, found ready and stopped.

Every party runs with one worker, without an access log, with keep-alive on both sides that outlasts
the run, pinned to the one core of the benchmark. newel runs at its defaults apart from that; nginx
and haproxy get the settings that serve them best, each explained where it stands.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

READY_S = 10
STOP_S = 5
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """A sentence for the person who runs the benchmark."""


def free_port():
    """A port that the kernel chose and that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def with_our_life():
    """Run in the child: it gets SIGTERM should this benchmark be killed before it can clean up."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(command, core, **options):
    """Start a program pinned to the core, in a session of its own: ^C is ours to handle."""
    return subprocess.Popen(
        ["taskset", "-c", str(core), *map(str, command)],
        start_new_session=True,
        preexec_fn=with_our_life,
        **options,
    )


def connect(address):
    if address.startswith("unix:"):
        stream = socket.socket(socket.AF_UNIX)
        where = address[5:]
    else:
        stream = socket.socket()
        host, _, port = address.rpartition(":")
        where = (host, int(port))
    stream.settimeout(1)
    with stream:
        stream.connect(where)


class Party:
    """One running server. Subclasses say which command serves `self.address`."""

    name = ""
    announces = False  # prints "listening ADDRESS" for each address, so nothing has to be guessed

    workers = 1
    speaks_h2 = False  # to its upstream

    def __init__(self, directory, core, upstream, row):
        self.directory = pathlib.Path(directory, self.name)
        self.directory.mkdir()
        self.core = core
        self.upstream = upstream
        self.row = row
        self.body_bytes = row.body_bytes if row else 0
        self.address = None if self.announces else f"127.0.0.1:{free_port()}"
        self.process = None

    def command(self):
        raise NotImplementedError

    def listener_count(self):
        return 1

    def __enter__(self):
        self.log = open(self.directory / "log", "w+b")
        out = subprocess.PIPE if self.announces else self.log
        self.process = spawn(self.command(), self.core, stdout=out, stderr=self.log)
        try:
            if self.announces:
                self.addresses = [self.read_address() for _ in range(self.listener_count())]
                self.address = self.addresses[0]
            self.wait_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def read_address(self):
        line = self.process.stdout.readline().decode().split()
        if len(line) != 2 or line[0] != "listening":
            raise BenchError(f"{self.name} did not start: {self.last_words()}")
        return line[1]

    def wait_ready(self):
        deadline = time.monotonic() + READY_S
        while True:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended at start: {self.last_words()}")
            try:
                return connect(self.address)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BenchError(f"{self.name} does not listen on {self.address}: {error}")
            time.sleep(0.01)

    def last_words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").strip()[-800:] or "(it said nothing)"

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):  # whatever is left of its session
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()


class Origin(Party):
    name = "origin"
    announces = True

    def __init__(self, directory, core, build):
        super().__init__(directory, core, None, None)
        self.program = build / "test/bench/origin"

    def command(self):
        unix = f"unix:{self.directory}/origin.sock"
        return [self.program, "--listen", "127.0.0.1:0", "--listen", unix]

    def listener_count(self):
        return 2


class Floor(Party):
    """The do-nothing echo: what the forwarding itself costs."""

    name = "floor"
    announces = True

    @classmethod
    def missing(cls, build):
        return None

    @classmethod
    def version(cls, build):
        return None

    def __init__(self, *arguments, build):
        super().__init__(*arguments)
        self.program = build / "test/bench/echo_floor"

    def command(self):
        return [self.program, "--listen", "127.0.0.1:0", "--upstream", self.upstream]


class Newel(Party):
    name = "newel"

    CONFIG = """\
newel: 1
listen: [ {{ address: "{address}"{tls} }} ]
threads: {workers}
services: {{ origin: {{ nodes: [ "{upstream}" ]{multiplex} }} }}
routes: [ {{ path: /, service: origin }} ]
"""

    @classmethod
    def missing(cls, build):
        program = build / "newel"
        return None if program.exists() else f"newel is skipped: {program} does not exist"

    @classmethod
    def version(cls, build):
        return first_line([build / "newel", "--version"])

    def __init__(self, *arguments, build):
        super().__init__(*arguments)
        self.program = build / "newel"

    def command(self):
        config = self.directory / "newel.yaml"
        pair = self.row.pair
        tls = f", tls: {{ certificate: {pair.certificate}, key: {pair.key} }}" if pair else ""
        config.write_text(
            self.CONFIG.format(
                address=self.address,
                upstream=self.upstream,
                tls=tls,
                workers=self.workers,
                multiplex=", multiplex: h2" if self.speaks_h2 else "",
            )
        )
        state = self.directory / "state"
        state.mkdir()
        return [self.program, "run", "--state", state, config]


def nginx_user():
    """A worker that may open the origin's socket when started as root."""
    return "user root;" if os.geteuid() == 0 else ""


class Nginx(Party):
    name = "nginx"

    # multi_accept: the 64 clients arrive at once. keepalive_requests: 1000 by default, after which
    # both sides would reconnect. keepalive 128: every client may hold an upstream connection.
    # proxy_max_temp_file_size 0: never spill a
    # response to disk.
    CONFIG = """\
{user}
daemon off;
worker_processes {workers};
pid {directory}/pid;
error_log {directory}/error.log error;
events {{ worker_connections 20000; multi_accept on; }}
worker_rlimit_nofile 20000;
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 600s;
    keepalive_requests 100000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream origin {{
        server {upstream};
        keepalive 128;
        keepalive_requests 100000000;
        keepalive_time 10h;
        keepalive_timeout 600s;
    }}
    {tls}
    server {{
        listen {address} backlog=4096{ssl};
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
            {buffers}
        }}
    }}
}}
"""

    @classmethod
    def missing(cls, build):
        return None if shutil.which("nginx") else "nginx is skipped: it is not installed"

    @classmethod
    def version(cls, build):
        return first_line(["nginx", "-v"])

    def __init__(self, *arguments, build):
        super().__init__(*arguments)

    def tls(self):
        """Tickets as nginx makes them by default, two a handshake."""
        pair = self.row.pair
        if not pair:
            return {"tls": "", "ssl": ""}
        lines = f"ssl_certificate {pair.certificate}; ssl_certificate_key {pair.key}; "
        return {"tls": lines + "ssl_protocols TLSv1.3;",
                "ssl": " ssl http2" if self.row.front == "h2" else " ssl"}  # fmt: skip

    def buffers(self):
        """One buffer that takes a response whole where it can, and no spooling of the rest.

        Measured, us per request over TCP: 16 KiB 34 against 44 with the defaults; 1 MiB 380 against
        840 with the defaults and 440 with 64 KiB. 128 B does not care.
        """
        if self.body_bytes < 4096:
            return ""
        size = "32k" if self.body_bytes < 65536 else "256k"
        return (
            f"proxy_buffering off; proxy_buffer_size {size}; "
            f"proxy_buffers 4 {size}; proxy_busy_buffers_size {size};"
        )

    def command(self):
        config = self.directory / "nginx.conf"
        config.write_text(
            self.CONFIG.format(
                user=nginx_user(),
                directory=self.directory,
                address=self.address,
                upstream=self.upstream,
                buffers=self.buffers(),
                workers=self.workers,
                **self.tls(),
            )
        )
        return ["nginx", "-p", self.directory, "-e", self.directory / "error.log", "-c", config]


class Haproxy(Party):
    name = "haproxy"

    # pool-purge-delay and timeouts: idle connections outlast the pauses between the rounds.
    # http-reuse always: any request may take any idle connection. splice-response: move large
    # bodies without copying them (haproxy itself leaves small ones alone); maxpipes: 16 clients
    # of large bodies need no more, and the default would ask for 5,000 descriptors.
    CONFIG = """\
global
    nbthread {workers}
    maxconn 9000
    maxpipes 64
    {tuning}
defaults
    mode http
    backlog 4096
    http-reuse always
    option splice-response
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
frontend front
    bind {address}{tls}
    default_backend origin
backend origin
    server one {upstream} pool-purge-delay 600s{proto}
"""

    @classmethod
    def missing(cls, build):
        return None if shutil.which("haproxy") else "haproxy is skipped: it is not installed"

    @classmethod
    def version(cls, build):
        return first_line(["haproxy", "-v"])

    def __init__(self, *arguments, build):
        super().__init__(*arguments)

    def tls(self):
        pair = self.row.pair
        alpn = "h2,http/1.1" if self.row.front == "h2" else "http/1.1"
        return f" ssl crt {pair.both} ssl-min-ver TLSv1.3 alpn {alpn}" if pair else ""

    def tuning(self):
        """Buffers just large enough for the response.

        Measured, us per request over TCP: 128 B 25.7 with 8 KiB against 28 with the default of 16;
        16 KiB 37 with 32 KiB against 44; 1 MiB 177 with pipes of 256 KiB against 220 with 64.
        HTTP/2 needs 16 KiB, the default: a frame must fit.
        """
        if self.row.front == "h2" or self.speaks_h2:
            return ""
        if self.body_bytes < 4096:
            return "tune.bufsize 8192"
        if self.body_bytes < 65536:
            return "tune.bufsize 32768"
        return "tune.pipesize 262144"

    def command(self):
        config = self.directory / "haproxy.cfg"
        upstream = self.upstream.replace("unix:", "unix@")
        config.write_text(
            self.CONFIG.format(
                address=self.address,
                upstream=upstream,
                tuning=self.tuning(),
                workers=self.workers,
                tls=self.tls(),
                proto=" proto h2" if self.speaks_h2 else "",
            )
        )
        return ["haproxy", "-db", "-f", config]


def first_line(command):
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10, check=False
        )
    except OSError as error:
        return f"unknown ({error})"
    return (done.stdout.decode(errors="replace").splitlines() or ["unknown"])[0]


PARTIES = [Floor, Newel, Nginx, Haproxy]
