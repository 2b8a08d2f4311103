"""Queues played from files and flags: the worked examples, what is refused, what is missing."""

import csv
import io
import json
import pathlib
import random
import re
import signal
import statistics
import subprocess

import pytest

from kit.newel import BINARY, environment, run
from kit.progress import interrupted_at
from kit.report import assert_same_numbers

CONF = pathlib.Path(__file__).resolve().parents[2] / "conf" / "sim"


def simulate(*arguments, code=0):
    """The report as JSON."""
    result = run("sim", "queue", "--json", *map(str, arguments))
    assert result.returncode == code, result
    return json.loads(result.stdout)


def group(report, name="default"):
    return report["groups"][name]


# The queue's four ways, and stopped workers


@pytest.mark.parametrize("name, peak, empty_s", [
    ("queue-at-once", 10000, 50),
    ("queue-even", 1, 59.999),
    ("queue-front", 8001, 50),
    ("queue-stopped-workers", 10000, 110),
])
def test_ten_thousand_jobs_the_four_ways(name, peak, empty_s):
    seen = group(simulate(CONF / f"{name}.yaml"))
    assert seen["done"] == 10000 and seen["lost"] == 0
    assert seen["depth_peak"] == peak
    assert seen["empty_s"] == pytest.approx(empty_s, abs=1e-6)


@pytest.mark.parametrize("name, peak, empty_s", [
    ("queue-at-once", 10000, 50),
    ("queue-even", 0, 60),
    ("queue-front", 8000, 50),
    ("queue-stopped-workers", 10000, 110),
])
def test_the_fluid_says_the_same(name, peak, empty_s):
    flow = group(simulate(CONF / f"{name}.yaml", "--engine", "fluid"))
    assert flow["done"] == pytest.approx(10000)
    assert flow["depth_peak"] == pytest.approx(peak, abs=1e-6)
    assert flow["empty_s"] == pytest.approx(empty_s)


def test_poisson_peaks_near_twenty():
    report = simulate(CONF / "queue-poisson.yaml")
    peak = report["runs"]["default"]["depth_peak"]
    assert report["runs"]["count"] == 200
    assert abs(peak["mean"] - 20) < 1
    assert 14 <= peak["low"] <= 16 and 26 <= peak["high"] <= 32


def test_stopped_workers_raise_the_alarm_and_catch_up():
    seen = group(simulate(CONF / "queue-stopped-workers.yaml"))
    assert seen["alarm_s"] == 30
    assert seen["catch_up_s"] == pytest.approx(50, abs=0.01)


@pytest.mark.parametrize("answer, refused, dropped, done", [
    ("refuse", 9000, 0, 1000),
    ("drop-oldest", 0, 9000, 1000),
    ("drop-newest", 0, 9000, 1000),
    ("block", 0, 0, 10000),
])
def test_a_full_queue_answers_as_told(answer, refused, dropped, done):
    seen = group(simulate(CONF / "queue-at-once.yaml", "--depth", 1000, "--full", answer))
    assert (seen["refused"], seen["dropped"], seen["done"]) == (refused, dropped, done)
    assert seen["depth_peak"] == 1000
    if answer == "block":
        assert seen["blocked_peak"] == 9000 and seen["empty_s"] == pytest.approx(50)


def test_groups_have_offsets_of_their_own(tmp_path):
    path = tmp_path / "groups.yaml"
    path.write_text("""
sim: queue
arrive: 60K
over: 10m
service: 5ms
groups:
  mail: { outages: [ 0s+2m ] }
  audit: { workers: 2, service: 4ms }
""")
    report = simulate(path)
    assert group(report, "mail")["waiting_peak"] == pytest.approx(12000, abs=1)
    assert group(report, "audit")["depth_peak"] == 1
    assert {row["group"] for row in report["main"]} == {"mail", "audit"}


def test_the_scenario_of_the_guide_is_one(tmp_path):
    guide = (CONF.parents[1] / "docs" / "guide" / "simulating.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in guide.split("```yaml\n")[1:]]
    scenario, = [block for block in blocks if block.startswith("sim: queue")]
    path = tmp_path / "guide.yaml"
    path.write_text(scenario)
    report = simulate(path)
    assert group(report, "mail")["retried"] > 0 and group(report, "mail")["alarm_s"] > 1200
    assert group(report, "audit")["done"] == 300_000


# A recorded trace


def test_recorded_times_are_played(tmp_path):
    dice = random.Random(7)
    at, lines, times = 1.7e9, ["time,id"], []
    for i in range(3000):
        at += dice.expovariate(150)
        times.append(round(at, 6))
        lines.append(f"{times[-1]:.6f},{i}")
    path = tmp_path / "jobs.csv"
    path.write_text("\n".join(lines) + "\n")
    seen = group(simulate("--trace", path, "--columns", "time=time,key=id", "--service", "6ms"))
    free, waits = 0.0, []
    for time in times: # Lindley
        begin = max(free, time - times[0])
        waits.append(begin - (time - times[0]))
        free = begin + 0.006
    assert seen["done"] == 3000
    assert seen["wait_s_mean"] == pytest.approx(sum(waits) / len(waits), rel=1e-5)
    assert seen["wait_s_max"] == pytest.approx(max(waits), rel=1e-4)


def test_a_trace_without_times_or_with_bad_lines_is_refused(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("a\nb\n")
    result = run("sim", "queue", "--trace", str(path))
    assert result.returncode == 1 and result.stdout == "" and "have no times" in result.stderr
    path = tmp_path / "bad.csv"
    path.write_text("time,key\n1,a\nnever,b\n3,c\n")
    result = run("sim", "queue", "--trace", str(path), "--columns", "time=time,key=key")
    assert result.returncode == 1 and result.stdout == "" and "line 3" in result.stderr


def test_a_trace_that_is_cut_off_marks_the_report(tmp_path):
    path = tmp_path / "cut.oracleGeneral"
    records = b"".join((i // 10).to_bytes(4, "little") + i.to_bytes(8, "little") + bytes(12)
                       for i in range(100))
    path.write_bytes(records[:-5])
    report = simulate("--trace", path, code=1)
    assert report["complete"] is False and "byte 2376" in report["incomplete_reason"]
    assert group(report)["arrived"] == 99


# The forms, the same bytes, bars


def test_all_forms_carry_the_same_numbers(tmp_path):
    page = tmp_path / "queue.html"
    arguments = ["sim", "queue", str(CONF / "queue-front.yaml"), "--html", str(page)]
    done = run(*arguments, "--json")
    html = page.read_text(encoding="utf-8")
    assert done.returncode == 0
    assert assert_same_numbers(done.stdout, html) > 15
    assert "<svg" in html and "<script" not in html
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--csv").stdout)))
    tree = json.loads(done.stdout)
    assert float(rows[0]["depth_peak"]) == tree["main"][0]["depth_peak"] == 8001
    text = run("sim", "queue", str(CONF / "queue-front.yaml")).stdout
    assert "only waiting 8,000" in " ".join(text.split())


def test_the_same_seed_prints_the_same_bytes():
    arguments = ["sim", "queue", "--shape", "on-off", "--law", "lognormal", "--fail", "10%", "--depth", "50",
                 "--full", "shed-low", "--low", "30%", "--html", "-"]
    first, second = run(*arguments), run(*arguments)
    assert first.returncode == 0 and first.stdout == second.stdout
    assert run(*arguments, "--seed", "2").stdout != first.stdout


def test_a_missed_bar_is_exit_4():
    result = run("sim", "queue", str(CONF / "queue-front.yaml"), "--fail-if", "depth_peak>5000")
    assert result.returncode == 4 and "8,001" in result.stdout
    assert run("sim", "queue", "--fail-if", "groups.default.wait_s_max>1ms").returncode == 0


def test_the_schema_knows_every_option():
    schema = json.loads(run("sim", "queue", "--schema").stdout)
    assert {"sim", "arrive", "groups", "backoff"} <= set(json.dumps(schema).replace('"', " ").split())


# What the long run knows


def test_an_interval_covers_the_closed_form_or_says_that_it_is_too_short():
    long = group(simulate("--arrive", "1M", "--over", "5000s", "--shape", "poisson", "--law",
                          "exponential", "--service", "4ms"))["long_run"]
    assert long["theory_wait_s_mean"] == pytest.approx(0.016)
    assert abs(long["wait_s_mean"] - 0.016) < 2 * long["wait_s_half"] < 0.002
    result = run("sim", "queue", "--arrive", "100", "--over", "1s", "--shape", "poisson", "--law",
                 "exponential", "--service", "9ms")
    assert result.returncode == 0 and "too short for an interval" in result.stdout


def test_precision_stops_when_it_is_reached():
    report = simulate("--arrive", "1B", "--over", "5000000s", "--shape", "poisson", "--law", "exponential",
                      "--service", "4ms", "--precision", "5%")
    seen = group(report)
    assert seen["arrived"] < 20_000_000
    assert seen["long_run"]["wait_s_half"] <= 0.05 * seen["long_run"]["wait_s_mean"]


def test_two_files_are_compared_under_the_same_seeds(tmp_path):
    paths = []
    for name, workers in (("four", 4), ("five", 5)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"sim: queue\narrive: 20K\nover: 100s\nshape: poisson\nlaw: exponential\n"
                        f"service: 18ms\nworkers: {workers}\n")
        paths.append(path)
    report = simulate(*paths)
    rows = {row["figure"]: row for row in report["difference"]}
    wait = rows["wait_s_mean"]
    assert wait["difference"] == pytest.approx(wait["second"] - wait["first"])
    assert -wait["difference"] > wait["half"] > 0
    apart = [simulate(path, "--runs", 20, "--seed", seed)["runs"]["default"]["wait_s_mean"]
             for path, seed in zip(paths, (1, 1001))]
    assert wait["half"] < (apart[0]["half"] ** 2 + apart[1]["half"] ** 2) ** 0.5


@pytest.fixture
def random_queue(tmp_path):
    def write(workers):
        path = tmp_path / f"{workers}.yaml"
        path.write_text("sim: queue\narrive: 2K\nover: 10s\nshape: poisson\nlaw: exponential\nservice: 18ms\n"
                        f"workers: {workers}\n")
        return path
    return write


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_any_number_of_threads_prints_the_same(random_queue, form):
    for arguments in ([random_queue(4), "--runs", 30], [random_queue(4), random_queue(5)]):
        one, many, default = (run("sim", "queue", *map(str, arguments), form, *threads).stdout
                              for threads in (["--threads", "1"], ["--threads", "4"], []))
        assert one == many == default != ""


def test_a_run_among_many_is_the_run_under_its_own_seed(random_queue):
    alone = [group(simulate(random_queue(4), "--seed", seed))["wait_s_mean"] for seed in range(7, 12)]
    together = simulate(random_queue(4), "--seed", 7, "--runs", 5, "--threads", 3)["runs"]["default"]
    assert together["wait_s_mean"]["mean"] == pytest.approx(statistics.fmean(alone), rel=1e-12)


# Mistakes


def test_every_mistake_of_a_file_is_named_at_its_place(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("""sim: queue
arive: 10K
over: -3s
shape: frontal
burst: 10
depth: 0
services: [ 5ms, soon ]
outages: [ 60s, 10s+5s, 12s+1s ]
groups:
  mail: { workers: 0, backoff: { least: 5s, most: 1s } }
""")
    result = run("sim", "queue", str(path))
    assert result.returncode == 3 and result.stdout == ""
    for line, words in ((2, "did you mean arrive"), (3, "over"), (4, "shape"), (6, "depth"), (7, "soon"),
                        (8, "has no length"), (8, "before the one above"), (10, "workers"), (10, "least")):
        assert any(f"wrong.yaml:{line}:" in one and words in one for one in result.stderr.splitlines()), \
            (line, words, result.stderr)


@pytest.mark.parametrize("arguments, words", [
    (["--arrive", "-1"], "--arrive"),
    (["--arrive", "1.5"], "whole number"),
    (["--over", "nan"], "--over"),
    (["--workers", "1e30"], "--workers"),
    (["--full", "explode"], "--full"),
    (["--low", "10%"], "shed-low"),
    (["--burst", "5"], "shape: burst"),
    (["--shape", "on-off", "--over", "0s"], "more than 0s"),
    (["--shape", "on-off", "--on", "1us", "--off", "1us"], "phases"),
    (["--shape", "burst", "--burst", "1", "--arrive", "20M", "--engine", "fluid"], "too many"),
    (["--service", "5ms", "--services", "5ms,6ms"], "services lists"),
    (["--engine", "fluid", "--runs", "3"], "same each time"),
    (["--trace", "x.csv", "--arrive", "5"], "recorded ones"),
    (["--threads", "0"], "--threads"),
    (["--threads", "257"], "at most 256"),
    (["--no-such"], "--no-such"),
])
def test_wrong_flags_are_exit_2(arguments, words):
    result = run("sim", "queue", *arguments)
    assert result.returncode == 2 and result.stdout == "" and words in result.stderr, result


def test_a_number_from_two_sources_names_both():
    result = run("sim", "queue", str(CONF / "queue-front.yaml"), "--service", "6ms")
    assert result.returncode == 2 and "--service" in result.stderr
    assert "queue-front.yaml:8:" in result.stderr


@pytest.mark.parametrize("kind", ["cache", "queue", "fleet"])
def test_a_scenario_that_cannot_be_read_is_exit_3(tmp_path, kind):
    missing = run("sim", kind, str(tmp_path / "none.yaml"))
    assert missing.returncode == 3 and "none.yaml: the file cannot be read" in missing.stderr
    large = tmp_path / "large.yaml"
    large.write_text(f"sim: {kind}\n" + "# x\n" * 300_000)
    result = run("sim", kind, str(large))
    assert result.returncode == 3 and "large.yaml: is larger than 1 MiB" in result.stderr


def test_a_mistake_in_the_first_of_two_files_is_the_files(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("sim: queue\nworkers: -3\n")
    result = run("sim", "queue", str(wrong), str(CONF / "queue-even.yaml"))
    assert result.returncode == 3 and "wrong.yaml:2:10:" in result.stderr, result


def test_a_backlog_that_grows_is_said():
    result = run("sim", "queue", "--arrive", "20K")
    assert result.returncode == 0 and "grows by 133.3 a second" in result.stdout


def test_an_interrupted_simulation_prints_what_there_is():
    child = subprocess.Popen([BINARY, "sim", "queue", "--arrive", "1B", "--over", "10000d", "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    while "SigCgt" in (status := pathlib.Path(f"/proc/{child.pid}/status").read_text()):
        caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
        if caught & 1 << (signal.SIGINT - 1): # it listens: it plays
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 1, err
    report = json.loads(out)
    assert report["complete"] is False and "interrupted in run 1 of 1" in report["incomplete_reason"]
    assert group(report)["empty_s"] is None or group(report)["arrived"] < 10**9


def test_interrupted_many_runs_are_those_that_are_whole(random_queue):
    path = random_queue(4)
    report = interrupted_at(rb" [1-9][0-9]+ of 10000 runs", "sim", "queue", path, "--runs", 10000,
                            "--threads", 4)
    run_number = int(re.fullmatch(r"interrupted in run (\d+) of 10000", report["incomplete_reason"])[1])
    whole = simulate(path, "--runs", run_number - 1, "--threads", 1)
    assert report["runs"] == whole["runs"] and group(report) == group(whole)


def test_interrupted_a_comparison_is_still_one_of_pairs(random_queue):
    paths = random_queue(4), random_queue(5)
    report = interrupted_at(rb" [1-9][0-9]+ of 20000 runs", "sim", "queue", *paths, "--runs", 10000)
    pairs = int(re.search(r"in run (\d+) of 10000", report["incomplete_reason"])[1]) - 1
    assert report["complete"] is False
    assert report["difference"] == simulate(*paths, "--runs", pairs)["difference"]


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_trace_without_messages_is_no_result(tmp_path, text):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    result = run("sim", "queue", "--trace", str(path), "--format", "csv", "--columns", "time=1,key=2")
    assert result.returncode == 1 and result.stdout == "" and "it holds no messages" in result.stderr
