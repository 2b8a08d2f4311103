"""A newel under test: the real binary, its state in a folder of its own, every port the kernel's choice.

Readiness is the line "newel: serving …" on stderr. At the end of each scenario every newel must stop
cleanly, and neither a failed assertion nor a sanitizer's report may stand in what it printed.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import string
import subprocess
import threading

from .site import text_of
from .transcript import shorten
from .wire import PATIENCE_S, Wire, connect, request

BUILD = os.path.abspath(os.environ.get("NEWEL_BUILD", "build"))
BINARY = os.environ.get("NEWEL_BINARY", os.path.join(BUILD, "newel"))
SANITIZED = ("thread" in os.path.basename(BUILD) or "address" in os.path.basename(BUILD)
             if "NEWEL_SANITIZED" not in os.environ else os.environ["NEWEL_SANITIZED"] == "1")
# Started by root, every newel becomes this user; see README.md.
USER = os.environ.get("NEWEL_USER")
ALARMS = re.compile(r"assertion failed|Sanitizer:|runtime error:|stack smashing", re.IGNORECASE)


def scaled(count, sanitized):
    """Counts that a sanitizer's build would take too long for."""
    return sanitized if SANITIZED else count


def written(conf):
    """The configuration's text, with the user that all shall become."""
    if USER is None:
        return text_of(conf)
    if isinstance(conf, dict):
        return text_of({"user": USER, **conf} if "user" in conf else {**conf, "user": USER})
    is_block = conf.startswith("newel:") and "\nuser:" not in conf
    return conf.rstrip("\n") + f"\nuser: {USER}\n" if is_block else conf


def opened_up(folder):
    """So that another user gets there."""
    if USER is not None:
        shutil.chown(folder, USER)
        while folder.startswith("/tmp/"):
            os.chmod(folder, 0o777)
            folder = os.path.dirname(folder)


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG") or name.endswith("SAN_OPTIONS")}
    return {**kept, "NEWEL_TEST": "1", **more}


def run(*arguments, cwd=None, env=None, stdin=None):
    """A command that ends by itself."""
    return subprocess.run([BINARY, *map(str, arguments)], cwd=cwd, env=environment(**(env or {})),
                          capture_output=True, text=True, timeout=PATIENCE_S, input=stdin)


class Clock:
    """Time inside newel, moved from outside."""

    def __init__(self, newel):
        self.newel = newel

    def advance(self, s=0, ms=0):
        reply = self.newel.control("clock advance", ms=int(s * 1000 + ms))
        assert "error" not in reply, reply

    def step(self, s=0, ms=0):
        reply = self.newel.control("clock step", ms=int(s * 1000 + ms))
        assert "error" not in reply, reply


class Ask:
    """A question on the control socket that is still being answered."""

    def __init__(self, newel, verb, **args):
        self.newel = newel
        self.sock = connect("unix:" + newel.socket_path)
        self.file = self.sock.makefile("rb")
        line = json.dumps({"verb": verb, **args})
        newel.note(f"is asked {line}")
        self.sock.sendall(line.encode() + b"\n")

    def line(self):
        line = self.file.readline()
        self.newel.note(f"answers {shorten(line)}")
        return json.loads(line) if line else None

    def last(self):
        while (line := self.line()) is not None:
            if line.get("done"):
                return line
        raise AssertionError("the control socket closed without a last line")

    def hang_up(self):
        self.file.close()
        self.sock.close()


class Newel:
    def __init__(self, transcript, folder, name, arguments, env=None, wrap=()):
        self.transcript = transcript
        self.folder = folder
        self.name = name
        self.clock = Clock(self)
        self.stdout, self.stderr = [], []
        self.changed = threading.Condition()
        self.listeners, self.admin, self.state = [], None, None
        self.is_ready = self.is_checked = False
        self.expects_alarm = False
        self.arguments = [*wrap, BINARY, *arguments]
        self.note("starts: " + " ".join(self.arguments))
        self.process = subprocess.Popen(self.arguments, cwd=folder, env=environment(**(env or {})),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.threads = [threading.Thread(target=self.read, args=args, daemon=True)
                        for args in ((self.process.stdout, self.stdout),
                                     (self.process.stderr, self.stderr))]
        for thread in self.threads:
            thread.start()

    def note(self, text):
        self.transcript.add(self.name, text)

    # What it prints

    def read(self, pipe, lines):
        for line in pipe:
            line = line.rstrip("\n")
            with self.changed:
                lines.append(line)
                if line.startswith("newel: serving "):
                    self.take_ready(line)
                self.changed.notify_all()
            self.note("| " + line[:400])
        with self.changed:
            self.changed.notify_all()

    def take_ready(self, line):
        parts = line[len("newel: serving "):].split("; ")
        self.listeners = [part.removeprefix("http://").removeprefix("https://")
                          for part in parts[0].split(", ")]
        for part in parts[1:]:
            if part.startswith("status "):
                url = part.split(",")[0].removeprefix("status ")
                self.admin = url.removeprefix("http://").removesuffix("/status")
            elif part.startswith("state "):
                self.state = os.path.join(self.folder, part.removeprefix("state "))
        self.is_ready = True

    def wait(self, holds, what):
        """Until holds() is true, asked whenever newel printed something or ended."""
        def is_over():
            return holds() or not any(thread.is_alive() for thread in self.threads)
        with self.changed:
            self.changed.wait_for(is_over, PATIENCE_S)
            assert holds(), f"{self.name} never {what}; it printed:\n" + "\n".join(self.stderr[-40:])

    def wait_ready(self):
        self.wait(lambda: self.is_ready, "became ready")
        return self

    def wait_line(self, part, where="stderr"):
        """The first line that has this part."""
        lines = getattr(self, where)
        self.wait(lambda: any(part in line for line in lines), f"printed {part!r}")
        return next(line for line in lines if part in line)

    # Clients

    @property
    def address(self):
        return self.listeners[0]

    def wire(self, listener=0, name="client", receive_bytes=None, source=None):
        return Wire(self.listeners[listener], self.transcript, name, receive_bytes, source)

    def request(self, method, path="/", body=None, headers=None, listener=0, **fields):
        reply = request(self.listeners[listener], method, path, body, headers, **fields)
        self.note(f"answered {method} {path}: {reply.status}, {len(reply.body)} bytes")
        return reply

    def get(self, path="/", **more):
        return self.request("GET", path, **more)

    def post(self, path="/", body=b"", **more):
        return self.request("POST", path, body, **more)

    # Steering and asking

    @property
    def socket_path(self):
        return os.path.join(self.state, "control.sock")

    def ask(self, verb, **args):
        return Ask(self, verb, **args)

    def control(self, verb, **args):
        """The last line of the answer."""
        asked = self.ask(verb, **args)
        try:
            return asked.last()
        finally:
            asked.hang_up()

    def admin_get(self, path, **more):
        return request(self.admin, "GET", path, headers={"Host": self.admin, **more})

    def status(self):
        return self.control("status")["status"]

    def node(self, origin, service="app"):
        """What the status says about one node."""
        address = getattr(origin, "address", origin)
        nodes = self.status()["gate"]["services"][service]["nodes"]
        return next(node for node in nodes if node["address"] == address)

    def metrics(self):
        return metrics_parse(self.admin_get("/metrics").text)

    def metric(self, name, **labels):
        """The sum of the series that have these labels."""
        return sum(value for series, found, value in self.metrics()
                   if series == name and labels.items() <= found.items())

    def write(self, conf):
        with open(os.path.join(self.folder, "newel.yaml"), "w") as out:
            out.write(written(conf))

    def reload(self, conf=None):
        if conf is not None:
            self.write(conf)
        return self.control("reload")

    def drain(self, origin, service="app", **args):
        return self.control("drain", node=f"{service}/{getattr(origin, 'address', origin)}", **args)

    def undrain(self, origin, service="app"):
        return self.control("undrain", node=f"{service}/{getattr(origin, 'address', origin)}")

    def command(self, *arguments, **more):
        """A command of newel that finds this one by its state."""
        name, *rest = arguments
        return run(name, "--state", self.state, *rest, cwd=self.folder, **more)

    # The process

    @property
    def pid(self):
        return self.process.pid

    def send_signal(self, number):
        self.note(f"gets {signal.Signals(number).name}")
        self.process.send_signal(number)

    def memory(self, field="VmRSS"):
        """Resident bytes; VmHWM: the most there ever were."""
        with open(f"/proc/{self.pid}/status") as status:
            line = next(line for line in status if line.startswith(field + ":"))
        return int(line.split()[1]) * 1024

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.is_checked = True

    def wait_end(self):
        code = self.process.wait(PATIENCE_S)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        self.note(f"ended with {code}")
        return code

    def stop(self, number=signal.SIGTERM):
        """A clean end, and nothing alarming in what it printed."""
        if self.process.poll() is None:
            self.send_signal(number)
        code = self.wait_end()
        self.is_checked = True
        alarms = [line for line in self.stderr if ALARMS.search(line)]
        assert not alarms, "\n".join(self.stderr[-80:])
        assert code == 0, f"newel ended with {code}; it printed:\n" + "\n".join(self.stderr[-40:])

    def end(self):
        """For the harness: what still runs is stopped, checked, and never left behind."""
        try:
            if not self.is_checked:
                self.stop(signal.SIGQUIT if self.process.poll() is None else signal.SIGTERM)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(PATIENCE_S)


def metrics_parse(text):
    """(name, labels, value) of Prometheus' text format."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)', line)
        assert match, f"not a line of the text format: {line}"
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        found.append((match[1], labels, float(match[3])))
    return found


class Factory:
    """The fixture `newel`: call it to start one."""

    def __init__(self, transcript, tmp_path):
        self.transcript = transcript
        self.tmp_path = tmp_path
        self.started = []
        self.scaled = scaled
        self.is_sanitized = SANITIZED
        self.run = run

    def __call__(self, conf=None, *arguments, wait=True, env=None, wrap=(), folder=None, **names):
        """conf: a text, in which $name stands for the address of the origin given as name=…, or a
        dict, or None: then the arguments are those of `newel run` without a file."""
        number = len(self.started) + 1
        folder = folder or str(self.tmp_path / f"newel-{number}")
        os.makedirs(folder, exist_ok=True)
        opened_up(folder)
        if conf is not None:
            text = written(conf)
            if names:
                text = string.Template(text).safe_substitute(
                    {name: getattr(value, "address", value) for name, value in names.items()})
            with open(os.path.join(folder, "newel.yaml"), "w") as out:
                out.write(text)
            arguments = ("newel.yaml", *arguments)
        name = "newel" if number == 1 else f"newel-{number}"
        made = Newel(self.transcript, folder, name, ["run", *map(str, arguments)], env, wrap)
        self.started.append(made)
        return made.wait_ready() if wait else made

    def end(self):
        troubles = []
        for made in self.started:
            try:
                made.end()
            except AssertionError as trouble:
                troubles.append(trouble)
        if troubles:
            raise troubles[0]
