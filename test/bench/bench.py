#!/usr/bin/python3
"""newel beside nginx, haproxy and do-nothing echoes: CPU per request and handshake, memory per connection.

    /usr/bin/python3 test/bench/bench.py [--rows 128-tcp,idle] [--quick] [--json FILE]

README.md in this folder explains the method. Exit status: 0 the table was measured, whether targets
were met or missed; 1 it could not be measured; 2 wrong usage.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile

import measure
import servers
import transport
from servers import BenchError

KIB = 1024
ROUNDS = 3
SLICES = 10  # of a round; the parties take turns slice by slice
SPREAD_MAX = 0.03
ATTEMPTS_MAX = 3
LOAD_TIMEOUT_S = 60
NOFILE = 20000
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Row:
    """One line of the table: what is asked of every party, and what newel must reach."""

    def __init__(self, name, body_bytes, is_unix, targets, connections=64, requests=0, front="http",
                 parties=None, node=None, load="load", key=None, is_resumed=False, subject="newel"):
        self.name = name
        self.body_bytes = body_bytes
        self.is_unix = is_unix
        self.targets = targets  # see judge()
        self.connections = connections
        self.requests = requests  # or handshakes
        self.front = front  # http, tls, h2: how the load generator talks to the party
        self.parties = parties  # None: those that were chosen
        self.node = node  # of parties that speak HTTP/2 upstream
        self.load = load  # load, h2load, handshakes
        self.key = key or ("ecdsa" if front != "http" else None)
        self.is_resumed = is_resumed
        self.subject = subject  # whose figure is judged
        self.pair = None  # the certificate, once it is made
        self.unit = ("us/handshake" if load == "handshakes" else "us/request") if requests \
            else "KiB/connection"


def handshake_row(name, key, requests, is_resumed=False):
    return Row(name, 128, False, {"best": 1.0}, connections=1, requests=requests, front="tls",
               load="handshakes", key=key, is_resumed=is_resumed, parties=PEERS)


PEERS = [servers.Newel, servers.Nginx, servers.Haproxy]
MUX = [transport.MuxFloor, transport.NewelMux, servers.Nginx, servers.Haproxy, transport.HaproxyMux]
MUX_TARGETS = {"best": 0.60, "haproxy-h2": 0.80}
ROWS = [
    Row("128-tcp", 128, False, {"floor": 1.15, "best": 0.90}, requests=60000),
    Row("128-unix", 128, True, {"floor": 1.15, "best": 0.80}, requests=60000),
    Row("16k-tcp", 16384, False, {"floor": 1.15, "best": 0.80}, requests=40000),
    Row("16k-unix", 16384, True, {"floor": 1.15, "best": 0.80}, requests=40000),
    Row("1m-tcp", 1 << 20, False, {"haproxy": 1.03}, connections=16, requests=2000),
    Row("1m-unix", 1 << 20, True, {"haproxy": 1.03}, connections=16, requests=2000),
    Row("idle", 128, False, {"absolute": 0.57}, connections=8000),
    Row("tls-128", 128, False, {"nginx": 0.85}, requests=60000, front="tls", parties=PEERS),
    Row("tls-h2", 128, False, {"haproxy": 0.90}, requests=60000, front="h2", load="h2load",
        parties=PEERS),
    Row("tls-idle", 128, False, {"nginx": 1.0}, connections=2000, front="tls", parties=PEERS),
    handshake_row("hs-ecdsa", "ecdsa", 5000),
    handshake_row("hs-rsa", "rsa", 3000),
    handshake_row("hs-resumed", "ecdsa", 5000, is_resumed=True),
    Row("hs-2-core", 128, False, {"newel": 1.10}, connections=4, requests=8000, front="tls",
        load="handshakes", parties=[servers.Newel, transport.NewelTwo], subject="newel-2"),
    Row("mux-nginx", 128, False, MUX_TARGETS, requests=60000, parties=MUX,
        node=transport.NginxNode),
    Row("mux-nghttpd", 128, False, MUX_TARGETS, requests=60000, parties=MUX,
        node=transport.NghttpdNode),
]


class Load:
    """The load generator, run to its end or kept at rest while something is measured."""

    def __init__(self, build, core):
        self.program = build / "test/bench/load"
        self.core = core

    def command(self, party, row, *more):
        return [self.program, "--target", party.address, "--body", row.body_bytes,
                "--timeout", LOAD_TIMEOUT_S, *(["--tls", 1] if row.pair else []),
                *more]  # fmt: skip

    def start(self, party, row, *more):
        return servers.spawn(
            self.command(party, row, *more),
            self.core,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def result(self, party, process, line):
        if not line:
            why = process.stderr.read().decode().strip()
            raise BenchError(f"load against {party.name} failed: {why} {party.last_words()}")
        answer = json.loads(line)
        if answer.get("errors"):
            why = process.stderr.read().decode().strip()
            raise BenchError(f"{party.name}: {answer['errors']} wrong answers: {why}")
        return answer

    def run(self, party, row, requests):
        process = self.start(party, row, "--connections", row.connections, "--requests", requests)
        with reaped(process):
            self.result(party, process, process.stdout.readline())

    @contextlib.contextmanager
    def stepping(self, party, row):
        """Inside, call the value with a number to make so many requests on open connections."""
        process = self.start(party, row, "--connections", row.connections, "--steps", "stdin")

        def step(requests):
            process.stdin.write(f"{requests}\n".encode())
            process.stdin.flush()
            self.result(party, process, process.stdout.readline())

        with reaped(process):
            yield step
            process.stdin.close()

    @contextlib.contextmanager
    def resting(self, party, row, connections):
        """Inside, so many connections have made one request each and are idle."""
        process = self.start(party, row, "--idle", connections)
        with reaped(process):
            self.result(party, process, process.stdout.readline())
            yield
            process.stdin.close()
            after = self.result(party, process, process.stdout.readline())
            if after["closed_by_server"]:
                count = after["closed_by_server"]
                raise BenchError(f"{party.name} closed {count} idle connections")


@contextlib.contextmanager
def reaped(process):
    try:
        yield
        process.wait(LOAD_TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


class Bench:
    def __init__(self, options, parties, directory):
        self.build = options.build
        self.core = options.core
        self.scale = 5 if options.quick else 1
        self.attempts_max = 1 if options.quick else ATTEMPTS_MAX
        self.parties = parties
        self.directory = directory
        self.load = Load(self.build, self.core)
        self.run_count = 0
        self.pairs = {}
        self.all_cores = options.all_cores

    @contextlib.contextmanager
    def serving(self, row, parties):
        """Inside, an origin and these parties run, each with a directory of its own."""
        self.run_count += 1
        directory = pathlib.Path(self.directory, f"{self.run_count}-{row.name}")
        directory.mkdir()
        if row.key and not row.pair:
            row.pair = self.pair(row.key)
        with contextlib.ExitStack() as stack:
            origin = stack.enter_context(servers.Origin(directory, self.core, self.build))
            plain = origin.addresses[1 if row.is_unix else 0]
            h2 = None
            if row.node:
                h2 = stack.enter_context(row.node(directory, self.core, None, row)).address
            yield [
                stack.enter_context(
                    party(directory, self.cores(row), h2 if party.speaks_h2 else plain, row,
                          build=self.build)  # fmt: skip
                )
                for party in parties
            ]

    def cores(self, row):
        """Parties with several workers, and those beside them, get all the cores there are."""
        is_wide = any(party.workers > 1 for party in self.parties_of(row))
        return ",".join(map(str, sorted(self.all_cores))) if is_wide else self.core

    def pair(self, key):
        if key not in self.pairs:
            self.pairs[key] = transport.Pair(self.directory, key)
        return self.pairs[key]

    def parties_of(self, row):
        """Of the row's own parties those whose kind was chosen."""
        chosen = tuple(self.parties)
        return [party for party in row.parties or chosen if issubclass(party, chosen)]

    @contextlib.contextmanager
    def stepping(self, party, row):
        """The load generator of the row as a function of a number of requests."""
        if row.load == "load":
            with self.load.stepping(party, row) as step:
                yield step
        elif row.load == "h2load":
            generator = transport.H2Load(self.build, self.core)
            yield lambda requests: generator.step(party, row, requests)
        else:
            generator = transport.Handshakes(self.build, self.cores(row), party, row)
            with reaped(generator.process):
                yield generator.step
                generator.process.stdin.close()

    def cpu_rounds(self, row):
        """us of CPU per request, {party: [one per round]}; the rounds are interleaved."""
        kinds = self.parties_of(row)
        found = {party.name: [] for party in kinds}
        slice_requests = row.requests // self.scale // SLICES
        with self.serving(row, kinds) as running, contextlib.ExitStack() as stack:
            steps = [stack.enter_context(self.stepping(party, row)) for party in running]
            for step in steps:  # code paged in, pools filled, upstream connections open
                step(max(slice_requests, row.connections))
            for _ in range(ROUNDS):
                slices = {party.name: [] for party in running}
                for _ in range(SLICES):
                    for party, step in zip(running, steps):
                        pids = measure.tree(party.process.pid)
                        before = measure.cpu_ns(pids)
                        step(slice_requests)
                        spent_us = (measure.cpu_ns(pids) - before) / 1000
                        slices[party.name].append(spent_us / slice_requests)
                for name, values in slices.items():
                    found[name].append(statistics.median(values))
        return found

    def memory_rounds(self, row):
        """KiB per idle connection; a fresh process each time, because memory is not given back."""
        kinds = [kind for kind in self.parties_of(row) if kind is not servers.Floor]  # keeps nothing
        found = {kind.name: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind in kinds:
                with self.serving(row, [kind]) as (party,):
                    warm = Row("warm", row.body_bytes, row.is_unix, {}, requests=640)
                    warm.pair = row.pair
                    self.load.run(party, warm, warm.requests)
                    pids = measure.tree(party.process.pid)
                    before = measure.memory_bytes(pids)
                    with self.load.resting(party, row, row.connections):
                        grown = measure.memory_bytes(pids) - before
                    found[party.name].append(grown / KIB / row.connections)
        return found

    def row(self, row):
        """Measure until the rounds agree; the calmest of the attempts stands."""
        calmest = None
        for attempt in range(1, self.attempts_max + 1):
            found = self.cpu_rounds(row) if row.requests else self.memory_rounds(row)
            unrest = max(map(measure.spread, found.values()), default=0.0)
            if calmest is None or unrest < calmest["spread"]:
                calmest = {"spread": unrest, "rounds": found}
            calmest["attempts"] = attempt
            if calmest["spread"] <= SPREAD_MAX:
                break
        return report(row, calmest)


def report(row, calmest):
    medians = {name: statistics.median(values) for name, values in calmest["rounds"].items()}
    peers = {name: medians[name] for name in ("nginx", "haproxy") if name in medians}
    best = min(peers, key=peers.get) if peers else None
    return {
        "row": row.name,
        "unit": row.unit,
        "median": medians,
        "best_peer": best,
        "spread": calmest["spread"],
        "attempts": calmest["attempts"],
        "rounds": calmest["rounds"],
        "targets": judge(row, medians, best),
    }


def judge(row, medians, best):
    """Each target of the row: newel's figure against it, or None where a party is missing."""
    verdicts = []
    for against, limit in row.targets.items():
        name = best if against == "best" else against
        value = medians.get(row.subject)
        if value is not None and against != "absolute":
            value = value / medians[name] if medians.get(name) else None
        is_met = None if value is None else round(value, 3) <= limit
        verdicts.append({"against": against, "limit": limit, "value": value, "met": is_met})
    return verdicts


def figure(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def verdict_text(verdict):
    if verdict["against"] == "absolute":
        goal = f"<= {verdict['limit']:.2f}"
    else:
        goal = f"<= {verdict['limit']:.2f} x {verdict['against']}"
    word = {True: "met", False: "MISSED", None: "not measured"}[verdict["met"]]
    return f"{goal} {word}"


HEADINGS = ["row", "unit", "floor", "newel", "nginx", "haproxy", "newel/floor", "newel/best",
            "spread", "targets"]  # fmt: skip
LINE = "{:11} {:15} {:>7} {:>7} {:>7} {:>8} {:>12} {:>11} {:>9}  {}"


def line_text(found):
    median = found["median"]
    known = ("floor", "newel", "nginx", "haproxy")
    more = [f"{name} {value:.2f}" for name, value in median.items() if name not in known]
    newel, floor = median.get("newel"), median.get("floor")
    best = median.get(found["best_peer"])
    again = f" ({found['attempts']})" if found["attempts"] > 1 else ""
    return LINE.format(
        found["row"],
        found["unit"],
        *(figure(median.get(name)) for name in known),
        figure(newel / floor if newel is not None and floor else None, 3),
        figure(newel / best if newel is not None and best else None, 3),
        f"{found['spread'] * 100:.1f} %{again}",
        "; ".join(more + list(map(verdict_text, found["targets"]))),
    ).rstrip()


def heading_text(facts):
    lines = [
        f"kernel {facts['kernel']}, {facts['cpu']}, {facts['cores']} cores, "
        f"all parties on core {facts['core']}, tcp {facts['congestion_control']}"
    ]
    lines += [text for text in facts["versions"].values() if text]
    lines += facts["skipped"]
    return "\n".join(lines)


def options_read():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build-release",
                        help="build directory with newel and test/bench/")  # fmt: skip
    parser.add_argument("--rows", help="comma-separated; all: " + ",".join(r.name for r in ROWS))
    parser.add_argument("--parties", help="comma-separated, of floor,newel,nginx,haproxy")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="a fifth of the requests, one attempt")
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.rows = chosen(parser, options.rows, ROWS)
    options.parties = chosen(parser, options.parties, servers.PARTIES)
    if options.core not in os.sched_getaffinity(0):
        parser.error(f"core {options.core} is not one of {sorted(os.sched_getaffinity(0))}")
    return options


def chosen(parser, text, offered):
    if not text:
        return list(offered)
    by_name = {item.name: item for item in offered}
    names = text.split(",")
    for name in names:
        if name not in by_name:
            parser.error(f"'{name}' is none of {', '.join(by_name)}")
    return [by_name[name] for name in names]


def facts_gather(options):
    facts = measure.machine()
    facts["core"] = options.core
    reasons = {party: party.missing(options.build) for party in options.parties}
    facts["skipped"] = [reason for reason in reasons.values() if reason] + transport.missing()
    present = [party for party, reason in reasons.items() if not reason]
    facts["versions"] = {party.name: party.version(options.build) for party in present}
    return facts, present


def nofile_raise():
    """Room for the idle row in every process started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < NOFILE:
        with contextlib.suppress(ValueError, PermissionError):  # then the idle row may say so
            resource.setrlimit(resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
            return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_on_signal(number, frame):
    raise KeyboardInterrupt


def main():
    options = options_read()
    nofile_raise()
    options.all_cores = os.sched_getaffinity(0)
    others = options.all_cores - {options.core}
    facts, present = facts_gather(options)
    os.sched_setaffinity(0, others or {options.core})  # keep out of the way
    signal.signal(signal.SIGTERM, stop_on_signal)
    for program in ("origin", "load", "echo_floor", "mux_floor", "handshakes"):
        if not (options.build / "test/bench" / program).exists():
            raise BenchError(f"{options.build}/test/bench/{program} does not exist: `make release`")

    print(heading_text(facts) + "\n")
    print(LINE.format(*HEADINGS), flush=True)
    rows = []
    is_whole = True
    with tempfile.TemporaryDirectory(prefix="newel-bench-") as directory:
        bench = Bench(options, present, directory)
        for row in options.rows:
            try:
                rows.append(bench.row(row))
                print(line_text(rows[-1]), flush=True)
            except (BenchError, OSError) as error:  # OSError: a party ended while measured
                is_whole = False
                print(f"{row.name:11} failed: {error}", flush=True)
    if options.json:
        document = {"schema": "newel.proxy-bench/1", "machine": facts, "rows": rows}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0 if is_whole else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: stopped")
