"""Clients that keep asking while a scenario changes things under them, and waiting for what has no event."""

import threading
import time

from .message import Closed
from .wire import PATIENCE_S, Wire


def eventually(holds, what="what was expected"):
    """For states that can only be asked for: asks again until holds() is true; returns its value."""
    ends = time.monotonic() + PATIENCE_S
    while not (value := holds()):
        assert time.monotonic() < ends, f"never saw {what}"
        time.sleep(0.005)
    return value


class Background(threading.Thread):
    """A call in a thread of its own; result() gives its value or raises what it raised."""

    def __init__(self, function, *args, **more):
        super().__init__(daemon=True)
        self.call = lambda: function(*args, **more)
        self.value = self.trouble = None
        self.start()

    def run(self):
        try:
            self.value = self.call()
        except BaseException as trouble:  # handed to whoever asks for the result
            self.trouble = trouble

    def result(self):
        self.join(PATIENCE_S)
        assert not self.is_alive(), "the call did not end"
        if self.trouble is not None:
            raise self.trouble
        return self.value


class Load:
    """`clients` threads, each with one keep-alive connection, until the end of the block."""

    def __init__(self, address, clients=4, path="/", method="GET", body=None):
        self.address, self.path, self.method, self.body = address, path, method, body
        self.is_over = threading.Event()
        self.changed = threading.Condition()
        self.done, self.failures = 0, []
        self.threads = [threading.Thread(target=self.client, daemon=True) for _ in range(clients)]

    def client(self):
        wire = None
        while not self.is_over.is_set():
            try:
                wire = wire or Wire(self.address)
                response = wire.ask(self.method, self.path, self.body).response(self.method)
                trouble = None if response.status == 200 else repr(response)
                if response.headers.get("connection") == "close":
                    wire = wire.close()
            except (Closed, OSError) as error:
                trouble, wire = repr(error), None
            with self.changed:
                self.done += 1
                if trouble:
                    self.failures.append(trouble)
                self.changed.notify_all()
        if wire:
            wire.close()

    def wait(self, more):
        """Until so many requests more are done."""
        with self.changed:
            until = self.done + more
            assert self.changed.wait_for(lambda: self.done >= until, PATIENCE_S), "the load stands still"

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(PATIENCE_S)
