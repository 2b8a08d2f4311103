"""One time-stamped account of what every party did, printed when a scenario fails.

All parties live in threads of this process, so one monotonic clock orders them. Only the last lines
are kept: a failure is explained by what came just before it.
"""

import collections
import threading
import time

LINES_MAX = 200
BYTES_MAX = 140


def shorten(data):
    """Bytes as a person reads them, cut to a line."""
    shown = repr(bytes(data[:BYTES_MAX]))[2:-1]
    return shown if len(data) <= BYTES_MAX else f"{shown}… ({len(data)} bytes)"


class Transcript:
    def __init__(self):
        self.started = time.monotonic()
        self.lines = collections.deque(maxlen=LINES_MAX)
        self.count = 0
        self.lock = threading.Lock()

    def add(self, party, text):
        with self.lock:
            self.count += 1
            self.lines.append((time.monotonic() - self.started, party, text))

    def print(self):
        with self.lock:
            shown = [f"{at:9.4f} {party:<10} {text}" for at, party, text in self.lines]
            left_out = self.count - len(self.lines)
        return "\n".join(([f"({left_out} lines before)"] if left_out else []) + shown)
