"""Real software behind and in front of newel: where it is, and how it is started.

A program that is missing fails its scenario: `tools/setup.sh test` installs all of them.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading

from kit.load import eventually
from kit.wire import PATIENCE_S, Wire

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
NODE_ENVIRONMENT = {"NODE_PATH": "/usr/share/nodejs"}


def program(name):
    found = shutil.which(name)
    assert found, f"{name} is not installed; tools/setup.sh test installs it"
    return found


def peer(name):
    return os.path.join(PEERS, name)


def gunicorn(*arguments):
    """The command line of the Flask application on the socket that newel chose."""
    command = [program("gunicorn"), "--chdir", PEERS, "--bind", "unix:{socket}"]
    return [*command, *arguments, "flask_app:app"]


def node(script):
    return [program("node"), peer(script)]


def php():
    return [program("php"), "-S", "127.0.0.1:{port}", peer("php/index.php")]


def python_files(folder):
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder),
            "{port}"]


def supervised(newel, command, env=None):
    """`newel run -- COMMAND`, once the process is ready."""
    edge = newel(None, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--", *command, env=env)
    edge.wait_line("event=process.ready")
    return edge


def run(transcript, name, *arguments, cwd=None, env=None, stdin=None, patience=2 * PATIENCE_S):
    """A client that ends by itself; its output as text."""
    command = [program(name), *map(str, arguments)]
    transcript.add(name, "starts: " + " ".join(command))
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, input=stdin,
                          capture_output=True, text=True, errors="replace", timeout=patience)
    for line in (done.stdout + done.stderr).splitlines()[-30:]:
        transcript.add(name, "| " + line[:300])
    transcript.add(name, f"ended with {done.returncode}")
    return done


def free_port():
    """For programs that cannot ask the kernel themselves: one that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """A server in other software that runs beside newel: a context manager. It is ready when it says
    `listening PORT`, or, when the caller knows the port, when somebody accepts there. Port 0: a client."""

    def __init__(self, transcript, name, command, port=None, env=None, cwd=None):
        self.transcript, self.name, self.port = transcript, name, port
        self.lines, self.changed = [], threading.Condition()
        transcript.add(name, "starts: " + " ".join(map(str, command)))
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, cwd=cwd,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", env={**os.environ, **(env or {})})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        try:
            if self.port == 0:
                pass
            elif self.port is None:
                self.port = int(self.wait_line("listening ").split()[1])
            else:
                eventually(self.accepts, f"{self.name} on port {self.port}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def read(self):
        for line in self.process.stdout:
            self.transcript.add(self.name, "| " + line.rstrip()[:300])
            with self.changed:
                self.lines.append(line.rstrip())
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def accepts(self):
        assert self.process.poll() is None, "\n".join(self.lines[-20:])
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
            return True
        except ConnectionRefusedError:
            return False

    def wait_line(self, part):
        def found():
            return next((line for line in self.lines if part in line), None)
        with self.changed:
            self.changed.wait_for(lambda: found() or not self.reader.is_alive(), PATIENCE_S)
            assert found(), f"{self.name} never said {part!r}:\n" + "\n".join(self.lines[-20:])
            return found()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        self.process.stdin.close()
        self.process.stdout.close()
        self.transcript.add(self.name, "is gone")


class Uploaders(threading.Thread):
    """Clients that each upload `size` bytes at `rate` bytes a second, all in one thread."""

    TICK_S = 0.2

    def __init__(self, address, count, size, rate, path="/upload"):
        super().__init__(daemon=True)
        self.data = os.urandom(size)
        self.piece = int(rate * self.TICK_S)
        self.wires = [Wire(address) for _ in range(count)]
        self.sent = 0
        self.changed = threading.Condition()
        self.is_over = threading.Event()
        self.trouble = None
        for wire in self.wires:
            wire.send(f"POST {path} HTTP/1.1\r\nHost: shop.example\r\n"
                      f"Content-Length: {size}\r\n\r\n")
        self.start()

    def run(self):
        try:
            while not self.is_over.wait(self.TICK_S) and self.sent + self.piece < len(self.data):
                for wire in self.wires:
                    wire.send(self.data[self.sent:self.sent + self.piece])
                with self.changed:
                    self.sent += self.piece
                    self.changed.notify_all()
        except OSError as trouble:
            with self.changed:
                self.trouble = trouble
                self.changed.notify_all()

    def wait(self, sent):
        """Until each of them has sent so much."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.sent >= sent or self.trouble, PATIENCE_S)
        assert self.trouble is None, self.trouble

    def stop(self):
        """No more is sent; the connections stay open."""
        self.is_over.set()
        self.join(PATIENCE_S)
        assert self.trouble is None, self.trouble

    def finish(self, wire):
        """The rest at once; the answer."""
        return wire.send(self.data[self.sent:]).response()

    def hang_up(self):
        self.is_over.set()
        self.join(PATIENCE_S)
        for wire in self.wires:
            wire.close()
