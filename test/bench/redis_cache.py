#!/usr/bin/python3
"""Simulated caches beside a real one: Redis, filled cache-aside with Zipf requests over 100,000 keys.

    /usr/bin/python3 test/bench/redis_cache.py [--only random|lru] [--newel FILE]

At three sizes of memory the hit ratio of `allkeys-random` is measured and compared with FIFO simulated on
the same requests at the key count that Redis held (equal under independent requests), and that of
`allkeys-lru` with LRU. Redis tells recency by a clock of one second, so LRU is paced: a key stays for 24 s,
of which a second is less than 5 %. That takes two and a half minutes; the three sizes run side by side.
Exit status 1 when a ratio is off by more than .01.
"""

import argparse
import concurrent.futures
import itertools
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "test/scenario"))

from kit import traces  # noqa: E402
from kit.redis import Redis, cache_aside  # noqa: E402

KEY_COUNT, MEMORY_BYTES, STAY_S, OFF_MAX = 100_000, (2_500_000, 5_000_000, 9_000_000), 24, .01
WEIGHTS = [1.0 / rank for rank in range(1, KEY_COUNT + 1)]
SUMS = list(itertools.accumulate(WEIGHTS))


def zipf(count, seed):
    return random.Random(seed).choices(range(1, KEY_COUNT + 1), cum_weights=SUMS, k=count)


def stay_requests(held):
    """How many requests a key of an LRU cache with so many keys stays without being asked for (Che)."""
    low, high = 1.0, 1e9
    for _ in range(100):
        middle = math.sqrt(low * high)
        filled = sum(-math.expm1(-weight / SUMS[-1] * middle) for weight in WEIGHTS)
        low, high = (middle, high) if filled < held else (low, middle)
    return low


def simulated(newel, keys, policy, size, warmup):
    with tempfile.NamedTemporaryFile() as trace:
        trace.write(traces.text(keys))
        trace.flush()
        command = [newel, "sim", "cache", "--trace", trace.name, "--format", "text", "--policy", policy,
                   "--size", str(size), "--warmup", str(warmup), "--json"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return 1 - report["runs"][0]["miss_ratio"]


def measure(newel, memory_bytes, policy, keys, warmup, per_s=None):
    """(keys held, measured hit ratio, simulated hit ratio)"""
    with tempfile.TemporaryDirectory(prefix="newel-redis-") as folder:
        redis = Redis(folder, memory_bytes, f"allkeys-{policy}")
        try:
            hits, held = cache_aside(redis, keys, warmup, per_s)
        finally:
            redis.close()
    model = {"random": "fifo", "lru": "lru"}[policy]
    return held, hits / (len(keys) - warmup), simulated(newel, keys, model, round(held), warmup)


def measure_random(newel, memory_bytes):
    return measure(newel, memory_bytes, "random", zipf(2_000_000, memory_bytes), 1_000_000)


def measure_lru(newel, memory_bytes, held_about):
    stay = stay_requests(held_about)
    count = int(6 * stay)
    return measure(newel, memory_bytes, "lru", zipf(count, memory_bytes + 1), count // 2, stay / STAY_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", choices=["random", "lru"])
    parser.add_argument("--newel", default=str(SOURCE / "build-release/newel"))
    wanted = parser.parse_args()
    print(f"{'Redis':15} {'memory':>10} {'keys held':>10} {'measured':>9} {'simulated':>10} {'off':>7}")
    is_off, held_about = False, {}

    def show(policy, memory_bytes, seen):
        held, measured, model = seen
        print(f"allkeys-{policy:7} {memory_bytes:10,} {held:10,.0f} {measured:9.4f} {model:10.4f} "
              f"{measured - model:+7.4f}", flush=True)
        return abs(measured - model) > OFF_MAX

    for memory_bytes in MEMORY_BYTES:
        seen = measure_random(wanted.newel, memory_bytes)
        held_about[memory_bytes] = seen[0]
        if wanted.only != "lru":
            is_off |= show("random", memory_bytes, seen)
    if wanted.only != "random":
        with concurrent.futures.ProcessPoolExecutor(len(MEMORY_BYTES)) as pool:
            running = {memory_bytes: pool.submit(measure_lru, wanted.newel, memory_bytes, held)
                       for memory_bytes, held in held_about.items()}
            for memory_bytes, one in running.items():
                is_off |= show("lru", memory_bytes, one.result())
    return 1 if is_off else 0


if __name__ == "__main__":
    sys.exit(main())
