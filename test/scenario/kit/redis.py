"""A real Redis on a Unix socket of its own, and an application that uses it cache-aside.

The application asks GET and, where nothing is found, sets the key. Requests travel in batches, as they do
from many clients; a batch ends before a key that it holds already, so that every request sees what the ones
before it left behind.
"""

import os
import shutil
import socket
import subprocess
import time

from .wire import PATIENCE_S

VALUE = b"v" * 100


class Redis:
    def __init__(self, folder, memory_bytes, policy, samples=10):
        self.path = os.path.join(str(folder), "redis.sock")
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed (tools/setup.sh test)"
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", self.path, "--save", "", "--appendonly", "no",
             "--dir", str(folder), "--maxmemory", str(memory_bytes), "--maxmemory-policy", policy,
             "--maxmemory-samples", str(samples), "--daemonize", "no"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in self.process.stdout:  # ends at once when it cannot start
            if b"Ready to accept connections" in line or b"ready to accept connections" in line:
                break
        else:
            raise AssertionError("redis-server did not start")
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(PATIENCE_S)
        self.link.connect(self.path)
        self.input = self.link.makefile("rb")

    def close(self):
        self.input.close()
        self.link.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def reply(self):
        line = self.input.readline()
        kind, rest = line[:1], line[1:-2]
        assert kind in b"+:$" and line.endswith(b"\r\n"), line
        if kind == b"$" and rest != b"-1":
            return self.input.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else rest

    def ask(self, *words):
        self.link.sendall(command(*words))
        return self.reply()

    def key_count(self):
        return int(self.ask("DBSIZE"))


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def batches(keys, most=64):
    """Stretches of the requests within which no key comes twice."""
    batch, seen = [], set()
    for key in keys:
        if key in seen or len(batch) == most:
            yield batch
            batch, seen = [], set()
        batch.append(key)
        seen.add(key)
    if batch:
        yield batch


def cache_aside(redis, keys, warmup, per_s=None):
    """(hits behind the warm-up, mean number of keys held there). per_s: paced, else as fast as it goes."""
    get = {key: command("GET", key) for key in set(keys)}
    put = {key: command("SET", key, VALUE) for key in get}
    done = hits = 0
    held = []
    started = time.monotonic()
    for batch in batches(keys):
        redis.link.sendall(b"".join([get[key] for key in batch]))
        missed = []
        for key in batch:
            if redis.reply() is None:
                missed.append(key)
            elif done >= warmup:
                hits += 1
            done += 1
        if missed:
            redis.link.sendall(b"".join([put[key] for key in missed]))
            for _ in missed:
                redis.reply()
        if done >= warmup and done // 2048 != (done - len(batch)) // 2048:
            held.append(redis.key_count())
        if per_s is not None:
            ahead = started + done / per_s - time.monotonic()
            if ahead > 0.002:  # a schedule: there is no event to wait for, the clock is the rate
                time.sleep(ahead)
    return hits, sum(held) / len(held)
