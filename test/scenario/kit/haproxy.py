"""haproxy before newel, as it hands on connections: the other reading of the PROXY protocol."""

import os
import shutil
import socket
import subprocess
import threading

from .wire import PATIENCE_S

CONFIGURATION = """\
global
    maxconn 100
defaults
    mode tcp
    timeout connect {patience}s
    timeout client {patience}s
    timeout server {patience}s
{extra}
frontend in
    bind fd@{fd}{accepts}
    default_backend out
backend out
{backend}
    server newel {address} {sends}
"""


class Haproxy:
    """One that listens at `address` and passes on to `to`; the kernel chose the port, and what
    connects before it runs waits in the queue."""

    def __init__(self, transcript, folder, to, sends="send-proxy", accepts="", backend="", extra=""):
        program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        assert program, "haproxy is not installed; tools/setup.sh test installs it"
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % listener.getsockname()[1]
        path = os.path.join(folder, f"haproxy-{listener.getsockname()[1]}.cfg")
        with open(path, "w") as out:
            out.write(CONFIGURATION.format(fd=listener.fileno(), address=to, sends=sends,
                                           accepts=f" {accepts}" if accepts else "", backend=backend,
                                           extra=extra, patience=PATIENCE_S))
        self.transcript = transcript
        self.note(f"passes {self.address} on to {to} with {sends}")
        self.process = subprocess.Popen([program, "-db", "-f", path], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        pass_fds=[listener.fileno()])
        listener.close()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def note(self, text):
        self.transcript.add("haproxy", text)

    def read(self):
        for line in self.process.stdout:
            self.note("| " + line.rstrip()[:300])

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.thread.join(PATIENCE_S)
