"""Caches played against recorded and invented requests: what is read, what is refused, what is missing."""

import functools
import gzip
import json
import os
import random
import re
import signal
import subprocess

import pytest

from kit import traces
from kit.newel import BINARY, environment, run, scaled
from kit.progress import interrupted_at
from kit.site import site

KEYS = traces.zipf(2000, 20000, seed=5)
SIZE = 200


def simulate(*arguments, code=0, env=None):
    """The report as JSON."""
    result = run("sim", "cache", "--json", *arguments, env=env)
    assert result.returncode == code, result
    return json.loads(result.stdout)


def misses_of(report):
    return {(one["policy"], one.get("size", one.get("size_bytes"))): one["misses"] for one in report["runs"]}


@pytest.fixture(scope="module")
def expected():
    return {(name, SIZE): cache(KEYS, SIZE) for name, cache in traces.POLICIES.items()}


@functools.cache
def written(name, pack):
    """The requests in a format, packed or not."""
    data = traces.FORMATS[name](KEYS)
    return {"": bytes, ".gz": traces.gz, ".zst": traces.zst}[pack](data)


@pytest.fixture
def put(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)
    return write


def refused(*arguments, code):
    """It failed with a sentence and printed nothing that could be taken for a result."""
    result = run("sim", "cache", *arguments)
    assert result.returncode == code, result
    assert result.stdout == ""
    return result.stderr


# The same requests


def test_invented_requests_are_those_of_the_definition(expected):
    report = simulate("--zipf", "1.0", "--keys", 2000, "--requests", 20000, "--seed", 5, "--size", SIZE)
    counted = misses_of(report)
    assert {key: counted[key] for key in expected} == expected
    assert report["trace"]["keys"] == len(set(KEYS)) and report["trace"]["requests"] == len(KEYS)
    assert len(counted) == 6 and report["complete"] is True


@pytest.mark.skipif(scaled(0, 1), reason="ten million requests under a sanitizer take a minute")
def test_the_reference_trace_counts_as_written():
    """The second source of these numbers is another simulator; see the decision about policies."""
    report = simulate("--zipf", "1.0", "--keys", "1M", "--requests", "10M", "--seed", 1, "--size", "100K")
    counted = {policy: misses for (policy, _), misses in misses_of(report).items()}
    assert report["trace"]["keys"] == 763_036
    assert (counted["fifo"], counted["lru"]) == (2_529_208, 2_233_064)
    assert (counted["clock"], counted["sieve"]) == (2_165_854, 1_904_175)
    assert abs(counted["s3-fifo"] / 1e7 - .1884) < .001
    assert abs(counted["w-tinylfu"] / 1e7 - .1875) < .003


def test_the_example_shows_that_winners_change_with_the_size():
    report = simulate(os.path.join(os.path.dirname(__file__), "../../conf/sim/cache.yaml"))
    assert len(report["runs"]) == 20 and len({one["winner"] for one in report["best"]}) > 1


@pytest.mark.parametrize("name", traces.FORMATS)
@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_every_format_counts_the_same(put, expected, name, pack):
    path = put(name + pack, written(name, pack))
    report = simulate("--trace", path, "--size", SIZE, "--policy", ",".join(traces.POLICIES))
    assert misses_of(report) == expected
    assert report["trace"]["keys"] == len(set(KEYS))
    if name != "trace.txt":
        assert report["trace"]["asked_bytes"] == sum(map(traces.size_of, KEYS))
        assert report["trace"]["span_s"] == (len(KEYS) - 1) // 10


def test_newels_own_log_is_a_trace(newel, origin, tmp_path):
    """Real lines by a real newel in its three formats; one worker, so that they stand in order."""
    counted = []
    for form in ("logfmt", "json", "common"):
        log = tmp_path / f"{form}.log"
        edge = newel(site(origin, threads=1, log={"access": {"to": str(log), "format": form}}), name=form)
        for key in KEYS[:60]:
            edge.get(f"/item?id={key}", host="shop.example")
        edge.post("/item?id=1", b"x", host="shop.example")
        edge.get('/%7Euser/./a?q="1"', host="shop.example")
        edge.get("/~user/a?q=%221%22", host="shop.example")
        edge.stop()
        report = simulate("--trace", log, "--size", 5, "--policy", "lru")
        counted.append((report["trace"]["requests"], report["trace"]["keys"], report["trace"]["skipped"],
                        report["runs"][0]["misses"], report["trace"]["asked_bytes"]))
        assert report["trace"]["format"] == "access" and report["trace"]["bad"] == 0
    assert counted[0][:3] == (62, len(set(KEYS[:60])) + 2, 1)
    assert counted[0] == counted[1] == counted[2]


def test_the_same_seed_prints_the_same_bytes():
    arguments = ["sim", "cache", "--zipf", "0.8", "--keys", "5K", "--requests", "50K", "--mrc", "--scan",
                 "5%", "--shift", "10", "--object", "10K", "--html", "-"]
    first = run(*arguments)
    assert first.returncode == 0 and first.stdout == run(*arguments).stdout
    assert first.stdout == run(*arguments, "--threads", 1).stdout == run(*arguments, "--threads", 4).stdout
    assert first.stdout != run(*arguments, "--seed", 2).stdout


# What a cache can be


def test_bytes_weigh_and_the_too_large_pass_by(put):
    path = put("trace.csv", traces.csv(KEYS))
    for capacity, overhead in ((4096, 0), (100000, 0), (100000, 300)):
        report = simulate("--trace", path, "--bytes", capacity, "--overhead", overhead, "--policy", "lru")
        one = report["runs"][0]
        misses, bypassed, missed = traces.lru_bytes(KEYS, capacity, overhead)
        assert (one["misses"], one["bypassed"]) == (misses, bypassed)
        assert one["byte_miss_ratio"] == pytest.approx(missed / sum(map(traces.size_of, KEYS)), abs=1e-12)
        assert one["used_bytes"] <= capacity
        assert one["cold"] + one["capacity"] + one["expired"] + one["bypassed"] == misses
    assert misses != traces.lru_bytes(KEYS, 100000, 0)[0]


def test_entries_grow_old_by_the_traces_own_times(put):
    path = put("trace.csv", traces.csv(KEYS))
    timed = [(traces.START_S + at // 10, key) for at, key in enumerate(KEYS)]
    one = simulate("--trace", path, "--size", SIZE, "--policy", "lru", "--ttl", "60s")["runs"][0]
    assert (one["misses"], one["expired"]) == traces.lru_ttl(timed, SIZE, 60)
    assert one["expired"] > 0


def test_without_times_a_rate_says_how_fast(put):
    path = put("trace.txt", traces.text(KEYS))
    assert "--ttl needs --rate" in refused("--trace", path, "--ttl", "60s", code=1)
    timed = [(at / 8, key) for at, key in enumerate(KEYS)]
    one = simulate("--trace", path, "--size", SIZE, "--policy", "lru", "--ttl", "60s",
                   "--rate", "8/s")["runs"][0]
    assert (one["misses"], one["expired"]) == traces.lru_ttl(timed, SIZE, 60)
    path = put("trace.csv", traces.csv(KEYS))
    assert "has times of its own" in refused("--trace", path, "--ttl", "60s", "--rate", "8/s", code=1)


def test_a_warm_up_is_not_counted(put):
    path = put("trace.txt", traces.text(KEYS))
    one = simulate("--trace", path, "--size", SIZE, "--policy", "lru", "--warmup", "25%")["runs"][0]
    assert one["misses"] == traces.lru(KEYS, SIZE) - traces.lru(KEYS[:5000], SIZE)
    assert one["requests"] == 15000


def test_sizes_are_shares_of_the_keys_too(put, expected):
    path = put("trace.txt", traces.text(KEYS))
    share = 100 * SIZE / len(set(KEYS))
    report = simulate("--trace", path, "--size", f"{share:.6f}%,1000000", "--policy", "lru", "--policy",
                      "fifo")
    assert misses_of(report)["lru", SIZE] == expected["lru", SIZE]
    assert misses_of(report)["fifo", 1000000] == len(set(KEYS))  # all of it fits: only first requests miss
    best = report["best"]
    assert best[0]["winner"] == min(("lru", "fifo"), key=lambda name: expected[name, SIZE])
    assert best[1]["winner"] == "all alike"


def test_the_curve_of_lru_agrees_with_lru(put):
    path = put("trace.txt", traces.text(KEYS))
    curve = simulate("--trace", path, "--size", SIZE, "--policy", "lru", "--mrc")["mrc"]
    assert len(curve) > 30 and curve[-1]["size"] == len(set(KEYS))
    for point in curve[::7] + curve[-1:]:
        assert point["miss_ratio"] == pytest.approx(traces.lru(KEYS, point["size"]) / len(KEYS), abs=1e-12)
        assert point["miss_ratio_estimate"] == pytest.approx(point["miss_ratio"], abs=.001)


# Forms of the answer


def test_text_names_the_winner_and_csv_is_the_table(put, expected):
    path = put("trace.txt", traces.text(KEYS))
    result = run("sim", "cache", "--trace", path, "--size", SIZE, "--policy", ",".join(traces.POLICIES))
    assert result.returncode == 0 and result.stderr == "" and "\x1b" not in result.stdout
    assert re.search(r"Best at each size\n.*\n +200  sieve", result.stdout)
    assert f"{expected['sieve', SIZE]:,}" in result.stdout
    rows = run("sim", "cache", "--trace", path, "--size", SIZE, "--policy", "lru", "--csv").stdout
    rows = rows.splitlines()
    assert rows[0].startswith("size,policy,miss_ratio") and len(rows) == 2
    assert rows[1].startswith("200,lru,")


def test_a_bar_can_fail_a_build(put):
    path = put("trace.txt", traces.text(KEYS))
    base = ["sim", "cache", "--trace", path, "--size", SIZE, "--policy", "lru", "--json"]
    assert run(*base, "--fail-if", "miss_ratio.lru.200>90%").returncode == 0
    missed = run(*base, "--fail-if", "miss_ratio.lru.200>10%")
    assert missed.returncode == 4 and "miss_ratio.lru.200" in missed.stderr
    assert json.loads(missed.stdout)["complete"] is True


def test_a_scenario_is_a_file_or_flags(put):
    trace = put("trace.txt", traces.text(KEYS))
    scenario = put("cache.yaml", f"sim: cache\ntrace: {trace}\npolicy: [lru, sieve]\nsize: [1%, {SIZE}]\n")
    flags = run("sim", "cache", "--trace", trace, "--policy", "lru,sieve", "--size", f"1%,{SIZE}", "--json")
    assert run("sim", "cache", scenario, "--json").stdout == flags.stdout
    both = refused(scenario, "--policy", "fifo", "--seed", "x", code=2)
    assert "--policy: policy stands in" in both and "cache.yaml:3:" in both and "--seed" in both


def test_all_mistakes_of_a_file_are_told_at_once(put):
    scenario = put("bad.yaml", "sim: cache\nzipf: 1.0\nkyes: 1M\nsize: [1%, none]\npolicy: lruu\nttl: 5x\n")
    said = refused(scenario, code=3)
    for place in (":3:1: ", ":4:7: size: ", ":5:9: policy: ", ":6:6: ttl: "):
        assert place in said, said
    assert "did you mean keys" in said


@pytest.mark.parametrize("arguments, words", [
    ([], "nothing says where the requests come from"),
    (["--zipf", "1", "--trace", "x"], "is of an invented trace"),
    (["--zipf", "1", "--format", "csv"], "is of a recorded trace"),
    (["--zipf", "1", "--size", "1K", "--bytes", "1M"], "choose one"),
    (["--zipf", "1", "--bytes", "1M"], "have no sizes"),
    (["--zipf", "1", "--overhead", "64"], "counts with `bytes` only"),
    (["--zipf", "1", "--ttl", "5m"], "has no times"),
    (["--zipf", "1", "--rate", "5/s"], "counts with `ttl` only"),
    (["--zipf", "11"], "zipf"),
    (["--zipf", "nan"], "zipf"),
    (["--zipf", "1", "--size", "0"], "must be more than nothing"),
    (["--zipf", "1", "--policy", "lfu"], "there is no policy `lfu`"),
    (["--trace", "x", "--columns", "key"], "columns"),
    (["--trace", "x", "--columns", "key=1", "--format", "text"], "only a CSV trace has columns"),
    (["--zipf", "1", "--json", "--csv"], "choose one"),
])
def test_wrong_usage_is_told(arguments, words):
    assert words in refused(*arguments, code=2)


# Bad and broken traces


def test_few_bad_lines_are_counted_with_their_places(put):
    lines = traces.csv(KEYS).splitlines(keepends=True)
    lines[100] = b"oops\n"
    lines[200] = b'1,"a"b,3\n'
    report = simulate("--trace", put("trace.csv", b"".join(lines)), "--policy", "lru", "--size", 10)
    assert report["trace"]["bad"] == 2 and report["trace"]["requests"] == len(KEYS) - 2
    assert report["trace"]["bad_first"].startswith(f"line 101 (byte {sum(map(len, lines[:100]))}): a column")
    assert "line 201" in report["trace"]["bad_first"] and report["complete"] is True


def test_many_bad_lines_are_a_failure_unless_asked_for(put):
    lines = traces.csv(KEYS).splitlines(keepends=True)
    lines[50:300] = [b"oops\n"] * 250
    path = put("trace.csv", b"".join(lines))
    said = refused("--trace", path, code=1)
    assert f"250 of {len(KEYS)} lines" in said and "line 51 " in said and "--skip-bad" in said
    report = simulate("--trace", path, "--skip-bad", "--policy", "lru", "--size", 10)
    assert report["trace"]["bad"] == 250 and report["trace"]["requests"] == len(KEYS) - 250
    lines[300:] = []
    del lines[1:50]
    assert "holds no requests" in refused("--trace", put("all.csv", b"".join(lines)), "--skip-bad", code=1)


def test_a_csv_without_a_key_says_how_to_name_it(put):
    path = put("trace.csv", "a,b\n1,2\n")
    assert "time=1,key=2,size=3" in refused("--trace", path, code=1)
    assert simulate("--trace", path, "--columns", "key=b")["trace"]["requests"] == 1
    assert "no column `c`" in refused("--trace", path, "--columns", "key=c", code=1)


def test_what_cannot_be_read_is_told(put, tmp_path):
    assert "cannot be opened" in refused("--trace", tmp_path / "nowhere", code=1)
    assert "reading fails" in refused("--trace", tmp_path, code=1)
    assert "holds no requests" in refused("--trace", put("empty", ""), code=1)
    assert "it is not" in refused("--trace", put("trace.gz", traces.text(KEYS)), code=1)
    damaged = bytearray(traces.zst(traces.text(KEYS)))
    damaged[len(damaged) // 2] ^= 0x10
    said = refused("--trace", put("trace.zst", bytes(damaged)), code=1)
    assert "the Zstandard data is damaged near byte" in said


def judge_cut(name, whole, cut_at, result):
    """A cut trace never yields a ratio without saying what is missing; requests are those that are whole."""
    assert result.returncode in (0, 1), (name, cut_at, result)
    assert "assertion" not in result.stderr
    if result.stdout == "":
        assert result.returncode == 1 and len(result.stderr) > 20, (name, cut_at, result)
        return "refused"
    report = json.loads(result.stdout)
    told = report["complete"] is False or report["trace"]["is_unended"]
    assert (result.returncode == 1) == (report["complete"] is False)
    if report["complete"] is False:
        assert re.search(r"byte \d+", report["incomplete_reason"]), report
    assert report["trace"]["requests"] <= len(KEYS)
    packed = name.endswith((".gz", ".zst"))
    at_an_end = cut_at == len(whole) or (not packed and (
        cut_at % 24 == 0 if "oracle" in name else whole[:cut_at].endswith(b"\n")))
    assert told or at_an_end, (name, cut_at)
    return "told" if told else "whole records"


@pytest.mark.parametrize("name", traces.FORMATS)
@pytest.mark.parametrize("pack", ["", ".gz", ".zst"])
def test_a_cut_trace_says_what_is_missing(put, name, pack):
    whole = written(name, pack)
    chance = random.Random(name + pack)
    outcomes = set()
    for _ in range(scaled(40, 8)):
        cut_at = chance.randrange(len(whole))
        path = put(name + pack, whole[:cut_at])
        result = run("sim", "cache", "--trace", path, "--policy", "lru", "--size", SIZE, "--json")
        outcomes.add(judge_cut(name + pack, whole, cut_at, result))
    assert outcomes - {"whole records"}
    if "oracle" in name and not pack:
        path = put(name, whole[:24 * 1000 + 5])
        result = run("sim", "cache", "--trace", path, "--size", SIZE)
        said = " ".join(result.stdout.split())
        assert result.returncode == 1
        assert "within the record at byte 24000, of which 5 bytes are there" in said


# Memory


def test_a_file_that_cannot_fit_is_refused_before_it_is_read(put):
    path = put("huge.oracleGeneral", b"")
    os.truncate(path, 24 * 3_000_000_000)  # a hole: reading it would take minutes
    said = refused("--trace", path, code=1)
    assert "it holds 3000000000 requests" in said and "--memory is 2G" in said
    assert "nothing was read" in said
    os.truncate(path, 24 * 6_000_000_000)
    assert "4294967294 requests are as far" in refused("--trace", path, "--memory", "1T", code=1)


def test_an_invention_that_cannot_fit_is_refused(put):
    said = refused("--zipf", "1", "--keys", "1B", "--requests", "2B", code=1)
    assert re.search(r"need about [\d.]+G of memory; --memory is 2G. Nothing was invented", said)
    assert "counts to 4,294,967,293" in refused("--zipf", "1", "--keys", "5B", "--memory", "1T", code=1)


def packed_of(pieces):
    """gzip of many pieces, never whole in memory."""
    child = subprocess.Popen(["gzip", "-1", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if os.fork() == 0:
        child.stdout.close()
        for piece in pieces:
            child.stdin.write(piece)
        os._exit(0)
    child.stdin.close()
    data = child.stdout.read()
    child.wait()
    os.wait()
    return data


def refused_within(mebibytes, *arguments):
    """As refused, in an address space of so many MiB, where a build can bear that; without one it aborts."""
    shell = f"ulimit -v {scaled(mebibytes * 1024, 'unlimited')}; exec \"$@\""
    result = subprocess.run(["sh", "-c", shell, "sh", BINARY, "sim", "cache", *arguments],
                            capture_output=True, text=True, env=environment())
    assert result.returncode == 1 and result.stdout == "", result
    return result.stderr


def test_packed_data_is_bounded_by_memory(put):
    """A megabyte that unpacks to a quarter of a gigabyte of nothing, and one of ever new keys."""
    bomb = put("zeroes.gz", packed_of([bytes(1 << 20)] * scaled(256, 32)))
    said = refused_within(64, "--trace", bomb, "--format", "text", "--memory", "16M")
    assert "cannot be read as text" in said
    keys = traces.gz(b"".join(b"%d\n" % key for key in range(1_200_000)))
    said = refused_within(64, "--trace", put("keys.gz", keys), "--memory", "16M")
    assert "it needs more memory than --memory 16M: after" in said


# Interrupted


REQUESTS = scaled(20_000_000, 4_000_000)


def test_an_interrupted_simulation_prints_what_there_is():
    report = interrupted_at(rb"simulating", "sim", "cache", "--zipf", "1", "--keys", "1M", "--requests",
                            REQUESTS, "--policy", "lru,fifo", "--size", "1K,100K", "--threads", "1")
    assert report["complete"] is False and "interrupted" in report["incomplete_reason"]
    unfinished = [one for one in report["runs"] if one["requests"] < REQUESTS]
    assert unfinished and all(one["miss_ratio"] is None for one in unfinished)


def test_an_interrupted_reading_says_how_far_it_came(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)
    child = subprocess.Popen([BINARY, "sim", "cache", "--trace", str(path), "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    data = traces.text(KEYS) * 4
    for at in range(0, len(data), 4096):
        os.write(pipe, data[at:at + 4096])  # more than a pipe holds: newel reads, or this waits
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    os.close(pipe)
    assert child.returncode == 1, err
    report = json.loads(out)
    assert report["complete"] is False and "while the trace was read" in report["incomplete_reason"]
    assert report["trace"]["requests"] > 0 and "runs" not in report


def test_a_pipe_is_a_trace():
    child = subprocess.Popen([BINARY, "sim", "cache", "--trace", "/dev/stdin", "--size", str(SIZE),
                              "--policy", "lru", "--json"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    out = child.communicate(gzip.compress(traces.oracle(KEYS)))[0]
    assert child.returncode == 0
    assert json.loads(out)["runs"][0]["misses"] == traces.lru(KEYS, SIZE)


@pytest.mark.parametrize("warmup", ["100%", "1000", "1M"])
def test_a_warm_up_that_leaves_nothing_to_count_says_so(warmup):
    report = simulate("--zipf", "1", "--keys", "100", "--requests", "1K", "--warmup", warmup, code=1)
    assert report["complete"] is False and "warmup" in report["incomplete_reason"]
    assert {ratio for name, ratio in report["miss_ratio"]["lru"].items() if name.endswith("_reason")} == {
        "all requests were warm-up"}


def test_what_is_refused_for_memory_needs_more_than_there_is(put):
    path = put("zeros.oracleGeneral.gz", gzip.compress(bytes(24 * 5_500_000), 1))
    said = refused("--trace", path, "--memory", "64M", code=1)
    needed = re.search(r"may need ([0-9.]+)M", said)
    assert needed and float(needed.group(1)) > 64, said
