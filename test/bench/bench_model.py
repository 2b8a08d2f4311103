#!/usr/bin/python3
"""How fast the models and simulators calculate: one core, CPU time, beside what was expected.

    /usr/bin/python3 test/bench/bench_model.py [--rows open-2,closed-3] [--rounds 3] [--json FILE]

Every row is run once per round, in turn, so that a machine that gets slower does so for all; a
figure is the median of the rounds. PROGRAMS are the parties: each prints its rows with `--list` and
measures one by name (test/bench/model.c says in which form), so a peer of another language is one
more program. No test asserts a figure. Exit status: 0 measured, whether expectations were met or
missed; 1 it could not be measured; 2 wrong usage.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 600


def programs(build):
    """The parties' command lines; those that are not built or not installed are left out."""
    offered = [[build / "test/bench/model"], [build / "test/bench/ns3_events"]]
    if importlib.util.find_spec("simpy"):
        offered.append([sys.executable, SOURCE / "test/bench/simpy_events.py"])
    return [[str(word) for word in command] for command in offered if command[-1].exists()]


class Row:
    def __init__(self, command, described):
        self.command = command
        self.__dict__.update(described)  # name what unit scale is_time expected against
        self.figures = []

    def measure(self):
        run = subprocess.run([*self.command, self.name], check=True, capture_output=True, text=True,
                             timeout=TIMEOUT_S)
        seen = json.loads(run.stdout)
        rate = seen["operations"] / seen["cpu_s"]
        self.figures.append((1 / rate if self.is_time else rate) / self.scale)

    @property
    def median(self):
        return statistics.median(self.figures)

    @property
    def spread(self):
        return (max(self.figures) - min(self.figures)) / self.median


def rows_of(build):
    found = []
    for command in programs(build):
        listed = subprocess.run([*command, "--list"], check=True, capture_output=True, text=True)
        found += [Row(command, json.loads(line)) for line in listed.stdout.splitlines()]
    return found


def judge(row, by_name):
    """(the expectation in words, 'met' | 'missed by N %' | '')"""
    if not row.expected:
        return "", ""
    bound, text = row.expected, f"{row.expected:g}"
    if row.against:
        base = by_name.get(row.against)
        text = f"{row.expected:g} x {row.against}"
        if base is None or not base.figures:
            return text, "not measured beside it"
        bound *= base.median
    short = row.median / bound - 1 if row.is_time else 1 - row.median / bound
    sign = "<=" if row.is_time else ">="
    return f"{sign} {text}", "met" if short <= 0 else f"missed by {short:.0%}"


def line_text(row, by_name):
    expected, verdict = judge(row, by_name)
    if row.against and row.against in by_name and by_name[row.against].figures:
        verdict += f" ({row.median / by_name[row.against].median:.2f} x)"
    return (f"{row.name:18} {row.median:10.4g} {row.unit:14} {row.spread:5.1%}  {expected:24} "
            f"{verdict:22} {row.what}")


def machine_text():
    with open("/proc/cpuinfo", encoding="ascii") as info:
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {len(os.sched_getaffinity(0))} cores"


def options_read():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", help="comma-separated; all if left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, help="keeps every round here")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build-release")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: one at least")
    return parser, options


def main():
    parser, options = options_read()
    try:
        rows = rows_of(options.build)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"bench_model: {error}", file=sys.stderr)
        return 1
    if not rows:
        print(f"bench_model: nothing is built in {options.build}", file=sys.stderr)
        return 1
    if options.rows:
        wanted = options.rows.split(",")
        unknown = set(wanted) - {row.name for row in rows}
        if unknown:
            parser.error(f"--rows: there is no {', '.join(sorted(unknown))}")
        rows = [row for row in rows if row.name in wanted]
    print(f"{machine_text()}; CPU time on one core, median of {options.rounds} interleaved rounds")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        for _ in range(options.rounds):
            for row in rows:
                row.measure()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"bench_model: {row.name}: {error}", file=sys.stderr)
        return 1
    by_name = {row.name: row for row in rows}
    print(f"{'row':18} {'figure':>10} {'unit':14} {'spread':6} {'expected':24} {'':22} work")
    for row in rows:
        print(line_text(row, by_name))
    if options.json:
        kept = [{"name": row.name, "unit": row.unit, "figures": row.figures,
                 "expected": row.expected, "against": row.against} for row in rows]
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
