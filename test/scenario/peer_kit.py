"""Real software behind and in front of newel: where it is, and how it is started.

A program that is missing fails its scenario: `tools/setup.sh test` installs all of them.
"""

import os
import shutil
import subprocess
import sys
import threading

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


def run(transcript, name, *arguments, cwd=None, env=None, stdin=None):
    """A client that ends by itself; its output as text."""
    command = [program(name), *map(str, arguments)]
    transcript.add(name, "starts: " + " ".join(command))
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, input=stdin,
                          capture_output=True, text=True, errors="replace", timeout=2 * PATIENCE_S)
    for line in (done.stdout + done.stderr).splitlines()[-30:]:
        transcript.add(name, "| " + line[:300])
    transcript.add(name, f"ended with {done.returncode}")
    return done


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
