#!/usr/bin/python3
"""Cuts a long trace at random places, again and again, and lets newel sim cache play what is left.

    /usr/bin/python3 test/bench/truncations.py [--count 1000] [--requests 10000000] [--newel FILE]

The trace lies in a file in each format, plain and packed; a cut is a truncation of that file, the longest
piece first. Every run must end by itself, with exit code 0 or 1, without a crash, and print no ratio unless
the trace was whole up to a record's end or the report says what is missing. Exit status 1 when one did not.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "test/scenario"))

from kit import traces  # noqa: E402

TIMEOUT_S = 300
PIECE = 100_000
# name, writer, packer, this many times fewer requests: a log takes 250 bytes for each
FILES = [("trace.oracleGeneral", traces.oracle, None, 1), ("trace.txt", traces.text, None, 1),
         ("trace.csv", traces.csv, None, 1), ("access.log", traces.logfmt, None, 10),
         ("trace.oracleGeneral.zst", traces.oracle, ["zstd", "-q", "-c", "-1"], 1),
         ("trace.txt.gz", traces.text, ["gzip", "-c", "-1"], 1)]


def zipf(count, key_count=1_000_000, seed=1):
    sums = list(itertools.accumulate(1.0 / rank for rank in range(1, key_count + 1)))
    return random.Random(seed).choices(range(1, key_count + 1), cum_weights=sums, k=count)


def write(path, keys, writer, packer):
    with open(path, "wb") as file:
        child = subprocess.Popen(packer, stdin=subprocess.PIPE, stdout=file) if packer else None
        to = child.stdin if child else file
        for at in range(0, len(keys), PIECE):
            data = writer(keys[at:at + PIECE])
            to.write(data.split(b"\n", 1)[1] if writer is traces.csv and at > 0 else data)
        if child:
            to.close()
            assert child.wait() == 0


def ends_with_a_record(name, path, size):
    """Where nothing tells that something is missing, and nothing can."""
    if name.endswith((".gz", ".zst")):
        return False
    if "oracle" in name:
        return size % 24 == 0
    with open(path, "rb") as file:
        file.seek(max(0, size - 1))
        return file.read(1) in (b"\n", b"")


def judge(newel, name, path, size):
    """'' or what is wrong; and how it ended."""
    command = [newel, "sim", "cache", "--trace", path, "--policy", "lru", "--size", "100K", "--json"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "hangs", "hung"
    if run.returncode not in (0, 1) or "assertion" in run.stderr:
        return f"ends with {run.returncode}: {run.stderr[-300:]}", "crashed"
    if run.stdout == "":
        is_fine = run.returncode == 1 and "newel: " in run.stderr
        return "" if is_fine else "says nothing", "refused with a sentence"
    report = json.loads(run.stdout)
    is_told = not report["complete"] and "byte " in report["incomplete_reason"]
    is_told = is_told or report["trace"]["is_unended"]
    if report["complete"] != (run.returncode == 0):
        return "exit code and report differ", "wrong"
    if is_told:
        return "", "played, and says what is missing"
    is_fine = ends_with_a_record(name, path, size)
    return "" if is_fine else "prints a ratio and says nothing", "whole up to a record's end"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--newel", default=str(SOURCE / "build-release/newel"))
    wanted = parser.parse_args()
    keys = zipf(wanted.requests)
    chance = random.Random(1)
    ends, wrong = {}, 0
    with tempfile.TemporaryDirectory(prefix="newel-truncations-") as folder:
        for at, (name, writer, packer, fewer) in enumerate(FILES):
            path = os.path.join(folder, name)
            write(path, keys[:len(keys) // fewer], writer, packer)
            whole = os.path.getsize(path)
            cuts = wanted.count // len(FILES) + (at < wanted.count % len(FILES))
            for size in sorted((chance.randrange(whole) for _ in range(cuts)), reverse=True):
                os.truncate(path, size)
                what, end = judge(wanted.newel, name, path, size)
                ends[end] = ends.get(end, 0) + 1
                if what:
                    wrong += 1
                    print(f"{name} cut to {size} of {whole} bytes: {what}", flush=True)
            print(f"{name}: {whole:,} bytes, {cuts} cuts", flush=True)
            os.unlink(path)
    for end, count in sorted(ends.items()):
        print(f"{count:6}  {end}")
    print(f"{sum(ends.values())} truncations of a trace of {wanted.requests:,} requests, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
