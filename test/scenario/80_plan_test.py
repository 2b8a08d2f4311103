"""`newel plan`: a question in flags or a file, one report in four forms, and an exit code for CI."""

import csv
import io
import json
import math
import os
import pathlib
import re
import subprocess

import pytest

from kit.browser import Browser
from kit.newel import BINARY, environment, run, scaled
from kit.report import Page, assert_same_numbers

PLANS = pathlib.Path(__file__).resolve().parents[2] / "conf/plan"
PHOTO_FEED = str(PLANS / "photo-feed.yaml")
A_DAY = str(PLANS / "100m-a-day.yaml")


def plan(*arguments, **more):
    return run("plan", *arguments, **more)


def answer(*arguments, code=0):
    result = plan(*arguments, "--json")
    assert result.returncode == code, result.stderr
    return json.loads(result.stdout)


def squeezed(text):
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


@pytest.fixture
def plan_file(tmp_path):
    def write(text, name="plan.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write


# The photo feed, as on the page


def test_the_photo_feed_prints_its_arithmetic():
    result = plan(PHOTO_FEED)
    assert result.returncode == 0 and result.stderr == ""
    lines = squeezed(result.stdout)
    for line in ("Load 50,000,000 users x (4 + 0.5)/d = 225,000,000 /d",
                 "225,000,000 / 86,400 s = 2,604.2/s average",
                 "2,604.2 x 4 load.peak = 10,416.7/s peak",
                 "app 10,416.7 x 1.30 / (300 x 0.85) = 53.10 -> 54 nodes, 55 with 1 spare",
                 "main 9,259.3 feed x (1 - 0.95) = 463.0 reads/s < 1,000: primary alone; "
                 "as replicas 0.40 -> 1",
                 "10,416.7 x 25/225 x 1.30 = 1,504.6 writes/s < 5,000: no shard"):
        assert line in lines, result.stdout
    text = "\n".join(lines)
    assert "X3 efficiency: without it 46 nodes." in text
    assert "X29 one-spare: surviving one zone of three needs 81." in text
    assert "Assumed node_rate 300/s: at 200 -> 80 nodes, at 500 -> 32. --node-rate" in lines


def test_json_has_the_same_numbers():
    report = answer(PHOTO_FEED)
    assert next(iter(report)) == "schema" and report["schema"] == "newel.plan/1"
    results = {row["name"]: row["value"] for row in report["results"]}
    peak = 50e6 * 4.5 / 86400 * 4
    assert math.isclose(results["load.peak_per_s"], peak, rel_tol=1e-9)
    assert results["services.app.nodes"] == math.ceil(peak * 1.3 / (300 * .85)) + 1 == 55
    assert report["summary"]["nodes"] == 55 and report["summary"]["is_met"]
    decisions = {row["path"]: row["decision"] for row in report["decisions"]}
    assert decisions["databases.main"] == "ONE_PRIMARY"
    assert {"X3", "X29"} <= {row["id"] for row in report["disagreements"]}
    steps = {step["path"]: step for step in report["steps"]}
    assert steps["load.average_per_s"]["printed"] == "2,604"
    for row in report["results"]:
        assert (row["value"] is None) == (row["reason"] is not None)


def test_csv_lists_the_results():
    rows = list(csv.DictReader(io.StringIO(plan(PHOTO_FEED, "--csv").stdout)))
    results = {row["name"]: row["value"] for row in rows}
    assert results["services.app.nodes"] == "55" and results["services.app.cost_month"] == "20075"


def test_the_page_appears_whole(tmp_path):
    page = tmp_path / "plan.html"
    result = plan(PHOTO_FEED, "--html", str(page))
    assert result.returncode == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>")
    assert text.count("<svg") >= 4 and len(text) < 200_000
    assert "<script" not in text and re.search(r"(src|href)=.?https?:", text) is None
    assert os.listdir(tmp_path) == ["plan.html"]


def test_page_and_json_carry_the_same_numbers(tmp_path):
    page = tmp_path / "plan.html"
    assert plan(PHOTO_FEED, "--html", str(page)).returncode == 0
    assert assert_same_numbers(plan(PHOTO_FEED, "--json").stdout, page.read_text()) > 20
    words = " ".join(Page(page.read_text()).words).replace("→", "->")
    for line in ("53.10 -> 54", "nodes, 55 with 1 spare", "X3 efficiency: without it 46 nodes.",
                 "node_rate 300/s: at 200 -> 80 nodes, at 500 -> 32."):
        assert line in re.sub(r"\s+", " ", words)


def test_a_browser_shows_the_page_alone(tmp_path):
    page = tmp_path / "plan.html"
    assert plan(PHOTO_FEED, "--html", str(page)).returncode == 0
    with Browser(None, tmp_path / "chromium") as browser:
        for scheme in ("light", "dark"):
            browser.open(page, scheme)
            assert browser.fetched() == [] and browser.said() == []
            assert browser.ask("document.scripts.length") == 0
            assert browser.ask("document.querySelectorAll('svg').length") >= 4


# The schema is what the reports obey


def fits(value, schema, at="$"):
    """JSON Schema, as much of it as newel's own uses."""
    names = {"string": str, "number": (int, float), "boolean": bool, "array": list,
             "object": dict, "null": type(None)}
    if "const" in schema:
        assert value == schema["const"], at
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(isinstance(value, names[kind]) and
                   (kind == "boolean" or not isinstance(value, bool)) for kind in kinds), (at, value)
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value), at
        known = schema.get("properties", {})
        for name, held in value.items():
            assert name in known or schema.get("additionalProperties", True), f"{at}.{name}"
            fits(held, known.get(name, {}), f"{at}.{name}")
    if isinstance(value, list):
        for index, held in enumerate(value):
            fits(held, schema.get("items", {}), f"{at}[{index}]")


@pytest.mark.parametrize("name", sorted(os.listdir(PLANS)))
def test_reports_obey_the_published_schema(name):
    schema = json.loads(plan("--schema").stdout)
    report = answer(str(PLANS / name))
    fits(report, schema)
    assert set(report) <= set(schema["properties"])


def test_short_names_for_bars_are_those_of_the_schema():
    aliases = json.loads(plan("--schema").stdout)["x-fail-if"]
    report = answer(PHOTO_FEED)
    for name, path in aliases.items():
        block, leaf = path.split(".")
        held = report[block][leaf]
        missed = plan(PHOTO_FEED, "--fail-if", f"{name}>={held!r}")
        met = plan(PHOTO_FEED, "--fail-if", f"{name}<{held!r}")
        assert (missed.returncode, met.returncode) == (4, 0), name


@pytest.mark.parametrize("arguments", [
    "plan --schema", "plan init", "plan init --schema", "sim cache --schema", "sim queue --schema",
    "sim fleet --schema",
])
def test_a_schema_that_nobody_could_write_is_a_failure(arguments):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([BINARY, *arguments.split()], stdout=full, stderr=subprocess.PIPE,
                               text=True, env=environment(), timeout=60)
    assert ended.returncode == 1 and "the disk is full" in ended.stderr, ended


def test_the_schema_of_the_file_knows_every_block():
    schema = json.loads(run("plan", "init", "--schema").stdout)
    assert schema["title"] == "newel plan file"
    assert {"top", "load", "route", "service", "database", "cache", "queue", "region"} <= \
        set(schema["$defs"])


# Examples


EXPECTED = {
    "photo-feed.yaml": {"services.app": "REFACTOR_FIRST", "databases.main": "ONE_PRIMARY"},
    "100m-a-day.yaml": {"services.app": "SCALE_OUT", "databases.main": "ONE_PRIMARY"},
    "black-friday.yaml": {"services.shop": "SCALE_OUT", "databases.main": "READ_REPLICAS"},
    "one-box.yaml": {"services.app": "ONE_NODE", "databases.main": "ONE_PRIMARY"},
}


def test_every_example_is_expected():
    assert set(EXPECTED) == set(os.listdir(PLANS))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_example_decides_as_expected(name):
    report = answer(str(PLANS / name))
    assert {row["path"]: row["decision"] for row in report["decisions"]} == EXPECTED[name]
    assert report["complete"] and report["summary"]["is_met"]


def test_black_friday_needs_whole_zones():
    report = answer(str(PLANS / "black-friday.yaml"))
    results = {row["name"]: row["value"] for row in report["results"]}
    assert math.isclose(results["load.peak_per_s"], 50_000)
    others = {row["id"]: row["sentence"] for row in report["disagreements"]}
    assert str(math.ceil(50_000 * 1.3 / 2000)) in others["X3"]  # the guide's 33
    needed = math.ceil(50_000 * 1.3 / (2000 * .85))
    assert results["services.shop.nodes"] == 3 * math.ceil(needed / 2) == 60


def test_init_prints_a_plan_that_runs(plan_file):
    result = run("plan", "init")
    assert result.returncode == 0
    path = plan_file(result.stdout)
    assert plan(path).returncode == 0
    options = re.findall(r"^ *(?:# )?(\w+):", result.stdout, re.MULTILINE)
    assert {"load", "routes", "services", "databases", "cache", "queues", "regions",
            "availability", "budget", "node_rate", "margin", "spare"} <= set(options)


def test_the_largest_plan_is_computed(plan_file):
    count = scaled(256, 32)
    lines = ["plan: 1", "load: { users: 50M, peak: 4 }", "routes:"]
    lines += [f"  r{i}: {{ per_user: {{ value: 4/d, low: 3/d }}, service: s{i % 64}, "
              f"database: d{i % 64} }}" for i in range(count)]
    for block, letter in (("services", "s"), ("databases", "d"), ("queues", "q"), ("regions", "e")):
        lines += [f"{block}:"] + [f"  {letter}{i}: {{}}" for i in range(64)]
    report = answer(plan_file("\n".join(lines) + "\n"))
    assert report["complete"] and len(report["decisions"]) == 128
    assert math.isclose(report["summary"]["peak_per_s"], count * 50e6 * 4 / 86400 * 4)


# Flags, what-if, sweeps


def test_flags_alone_are_a_small_plan():
    by_flags = answer("--requests", "100M/d", "--peak", "5", "--cached", "90%")
    by_file = answer(A_DAY)
    assert by_flags["summary"]["nodes"] == by_file["summary"]["nodes"] == 31
    assert answer("--rate", "5800/s", "--peak", "5", "--margin", "0%", "--efficiency", "100%",
                  "--spare", "0")["summary"]["nodes"] == 20
    assert answer("--rate", "5800/s", "--peak", "5", "--node-rate", "5800/s", "--margin", "0%",
                  "--efficiency", "100%", "--spare", "0", "--read-share",
                  "100%")["summary"]["nodes"] == 1
    assert answer("--users", "50M", "--peak", "4", "--set",
                  "routes.all.per_user=4.5/d")["summary"]["nodes"] == 55


def test_what_if_is_marked():
    result = plan(PHOTO_FEED, "--set", "services.app.node_rate=500/s", "--set", "load.peak=5")
    lines = squeezed(result.stdout)
    assert "Changed services.app.node_rate: 300/s -> 500/s --set" in lines
    assert "load.peak: 4 -> 5 --set" in lines
    report = answer(PHOTO_FEED, "--set", "services.app.node_rate=500/s", "--set", "load.peak=5")
    assert report["changed"] == [
        {"path": "services.app.node_rate", "was": "300/s", "is": "500/s"},
        {"path": "load.peak", "was": "4", "is": "5"}]
    assert report["summary"]["nodes"] == math.ceil(50e6 * 4.5 / 86400 * 5 * 1.3 / 425) + 1
    assert answer(PHOTO_FEED)["changed"] == []
    defaults = answer(PHOTO_FEED, "--set", "services.app.bigger=none", "--set",
                      "services.app.stateless=true", "--set", "load.growth=2")["changed"]
    assert [row["was"] for row in defaults] == ["8", "unknown", "1"]


def test_a_name_with_dots_is_a_name_like_any_other(plan_file):
    path = plan_file("""\
plan: 1
load: { users: 50M, peak: 4 }
routes: { feed.html: { per_user: 4/d, kind: read, cached: 95% }, upload: { per_user: 0.5/d, kind: write } }
services: { app.v2: {} }
databases: { main: { replica_rate: 1500/s } }
""")
    changes = ["services.app.v2.node_rate=500/s", "services.app.v2.bigger=none",
               "services.app.v2.stateless=true", "routes.feed.html.cached=10%", "routes.feed.html.answer=2KB"]
    report = answer(path, *(word for change in changes for word in ("--set", change)))
    assert [row["was"] for row in report["changed"]] == ["300/s", "8", "unknown", "95%", "1 KB"]
    assumed = squeezed(plan(path).stdout)
    assert "Assumed node_rate 300/s: at 200 -> 80 nodes, at 500 -> 32. --node-rate" in assumed


def test_a_sweep_walks_along_one_input():
    rows = answer(PHOTO_FEED, "--sweep", "load.growth=1..100", "--points", "9")["main"]
    assert len(rows) == 9 and rows[0]["growth"] == 1 and rows[-1]["growth"] == 100
    assert math.isclose(rows[4]["growth"], 10, rel_tol=1e-9)  # equal ratios
    for row in rows:
        alone = answer(PHOTO_FEED, "--set", f"load.growth={row['growth']!r}")["summary"]
        assert (row["nodes"], row["cost_month"]) == (alone["nodes"], alone["cost_month"])
    rates = answer(PHOTO_FEED, "--sweep", "services.app.node_rate=100/s..500/s", "--points", "5")
    assert [row["node_rate"] for row in rates["main"]] == [100, 200, 300, 400, 500]
    assert [row["nodes"] for row in rates["main"]] == [161, 81, 55, 41, 33]
    table = plan(PHOTO_FEED, "--sweep", "load.peak=1..5", "--csv").stdout
    assert len(table.splitlines()) == 1 + 25


def test_counts_are_swept_whole():
    rows = answer(PHOTO_FEED, "--sweep", "services.app.spare=0..4")["main"]
    assert [row["spare"] for row in rows] == [0, 1, 2, 3, 4]


def test_guides_and_all_disagreements_are_asked_for():
    assert "(the guide prints 2,604)" in plan(PHOTO_FEED, "--guides").stdout
    assert "the guide prints" not in plan(PHOTO_FEED).stdout
    assert "The guides' stages at this peak" in plan(PHOTO_FEED, "--guides").stdout
    stages = {row["guide"]: row for row in answer(PHOTO_FEED)["stages"]}
    assert stages["building blocks"]["from"] <= 10_416.7  # by its peak
    assert stages["strangler fig"]["by"] == "users" and stages["strangler fig"]["from"] <= 50e6
    listed = answer(PHOTO_FEED, "--all-disagreements")["all_disagreements"]
    assert [row["id"] for row in listed] == [f"X{number}" for number in range(1, 37)]


# Two plans


E_AT_1B = """\
plan: 1
load: { requests: 1B/d, peak: 5, read_share: 80% }
routes: { all: { cached: 90% } }
services: { app: { node_rate: 300/s, stateless: true } }
databases: { main: { read_rate: 1000/s, replica_rate: 2000/s, write_rate: 5000/s } }
"""


def test_compare_leads_with_the_decision_that_flips(plan_file):
    path = plan_file(E_AT_1B)
    result = run("plan", "compare", A_DAY, path)
    assert result.returncode == 0
    lines = squeezed(result.stdout)
    first = lines[lines.index("Decisions") + 1]
    assert first == "databases.main one primary -> 4 shards"
    report = json.loads(run("plan", "compare", A_DAY, path, "--json").stdout)
    assert report["decisions"] == [{"path": "databases.main", "a": "ONE_PRIMARY", "b": "SHARDING",
                                    "a_words": "one primary", "b_words": "4 shards"}]
    numbers = {row["name"]: row for row in report["numbers"]}
    assert math.isclose(numbers["peak_per_s"]["factor"], 10)


def test_compare_says_which_input_causes_what(plan_file):
    report = json.loads(run("plan", "compare", A_DAY, plan_file(E_AT_1B), "--json").stdout)
    causes = {row["path"]: row for row in report["causes"]}
    assert set(causes) == {"load.requests", "load.read_share"}
    for path, value in (("load.requests", "1B/d"), ("load.read_share", "80%")):
        alone = answer(A_DAY, "--set", f"{path}={value}")["summary"]
        assert causes[path]["nodes"] == alone["nodes"]
        assert causes[path]["cost_month"] == alone["cost_month"]
    assert "one primary -> 2 shards" in causes["load.requests"]["flips"]
    assert causes["load.read_share"]["flips"] == ""


def test_what_makes_no_plan_alone_goes_together(plan_file):
    path = plan_file("plan: 1\nload: { requests: 100M/d, peak: 4 }\n")
    report = json.loads(run("plan", "compare", PHOTO_FEED, path, "--json").stdout)
    together = report["causes"][-1]
    assert "load.users" in together["path"] and "load.requests" in together["path"]
    assert together["nodes"] == answer(path)["summary"]["nodes"]


def test_a_plan_is_like_itself():
    result = run("plan", "compare", PHOTO_FEED, PHOTO_FEED)
    assert result.returncode == 0 and "The files say the same." in result.stdout
    assert "The decisions are the same." in result.stdout


# Outputs that fail


@pytest.mark.parametrize("command", [("plan", "init"), ("plan", "init", "--schema"), ("plan", "--schema"),
                                     ("sim", "fleet", "--schema")])
def test_a_text_that_a_full_disk_swallows_is_a_failure(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, *command], stdout=full, stderr=subprocess.PIPE, env=environment())
    assert done.returncode == 1
    assert done.stderr == b"newel: cannot write to standard output: the disk is full\n"


def test_a_page_cannot_be_a_folder(tmp_path):
    result = plan("--rate", "1/s", "--peak", "2", "--html", str(tmp_path))
    assert result.returncode == 1 and "it is a folder" in result.stderr


# The guide


def test_the_guide_shows_what_newel_prints(plan_file):
    guide = (PLANS.parents[1] / "docs/guide/planning.md").read_text()
    minute = re.search(r"```\n(newel plan --requests .*)\n```", guide).group(1).split()
    shown = re.search(r"```\n(At the peak .*?)```", guide, re.DOTALL).group(1)
    printed = squeezed(run(*minute[1:]).stdout)
    assert len(squeezed(shown)) == 11 and squeezed(shown)[3] == "A month 12,045 USD"
    for line in squeezed(shown):
        assert line in printed, line
    file = re.search(r"```yaml\n(.*?)```", guide, re.DOTALL).group(1)
    assert answer(plan_file(file))["summary"] == answer(PHOTO_FEED)["summary"]
    names = re.search(r"or by a short name: (.*?)\.\n", guide, re.DOTALL).group(1)
    assert re.findall(r"`(\w+)`", names) == list(json.loads(plan("--schema").stdout)["x-fail-if"])


# Explaining


def explained(*names):
    result = run("plan", "explain", *names, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_everything_that_has_a_name_is_explained():
    index = explained()
    everything = explained("--all")
    topics = [row["name"] for row in index["topics"]]
    constants = index["constants"].split()
    assert len(topics) > 15 and len(constants) > 60
    assert list(everything["topics"]) == topics and list(everything["constants"]) == constants
    for name in topics:
        assert explained(name)["topics"] == {name: everything["topics"][name]}
        assert everything["topics"][name]["text"]
    for name in constants:
        assert explained(name)["constants"] == {name: everything["constants"][name]}
        assert everything["constants"][name]["source"]


@pytest.mark.parametrize("number", range(1, 37))
def test_a_disagreement_is_explained_by_number_and_by_name(number):
    held = explained(f"X{number}")["disagreements"]
    row = held[f"X{number}"]
    assert row["name"] and row["values"] and row["uses"] and row["guides"]
    assert explained(row["name"])["disagreements"] == held
    text = run("plan", "explain", f"x{number}").stdout
    assert f"X{number} {row['name']}" in text


def test_a_topic_has_a_worked_example_and_its_matrix():
    text = "\n".join(squeezed(run("plan", "explain", "nodes").stdout))
    assert "150,000" not in text  # one line: the operands, not a product of them
    assert re.search(r"100,000 x 1\.50? / \(1,800 x 0\.85\) = 98\.04 -> 99 nodes", text)
    matrix = squeezed(run("plan", "explain", "database").stdout)
    assert "write rate limited by the primary grows with shards per domain" in matrix
    review = run("plan", "explain", "review").stdout
    assert [line.strip()[0] for line in review.splitlines() if re.match(r" *\d\. ", line)] == \
        ["1", "2", "3", "4"]


def test_what_nobody_explains_is_wrong_usage():
    result = run("plan", "explain", "nodse")
    assert result.returncode == 2 and "did you mean `nodes`" in result.stderr
    assert run("plan", "explain", "nodes", "--all").returncode == 2


# Mistakes and exit codes


def test_all_mistakes_of_a_file_are_located(plan_file):
    path = plan_file("plan: 1\n"
                     "load: { user: 5M, peak: 0 }\n"
                     "routes:\n"
                     "  feed: { per_user: 4, kind: raed, cached: 101%, queue: mail }\n"
                     "services: { app: { node_rate: { value: 3/s, low: 4/s }, margin: -1% } }\n")
    result = plan(path)
    assert result.returncode == 3 and result.stdout == ""
    found = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): (\S+): ", result.stderr, re.MULTILINE)
    assert {(int(line), at) for line, _, at in found} >= {
        (2, "load.user"), (2, "load.peak"), (4, "routes.feed.per_user"), (4, "routes.feed.kind"),
        (4, "routes.feed.cached"), (4, "routes.feed.queue"), (5, "services.app.node_rate"),
        (5, "services.app.margin")}
    assert "did you mean users" in result.stderr and "did you mean read" in result.stderr


@pytest.mark.parametrize("arguments, expected", [
    ([], "which plan?"),
    (["--peak", "4"], "says nothing about how much is asked"),
    (["--requests", "100M/d"], "load.peak: is missing"),
    (["--requests", "lots", "--peak", "4"], "--requests: load.requests: expected a rate"),
    (["--requests", "nan/s", "--peak", "4"], "expected a rate"),
    (["--requests", "1e400/s", "--peak", "4"], "is too large"),
    (["--requests", "-5/s", "--peak", "4"], "must be at least 1/d"),
    (["--requests", "1/s", "--rate", "5/s", "--peak", "4"], "(--requests) and rate (--rate)"),
    (["--users", "1M", "--peak", "4"], "what does a user do?"),
    ([PHOTO_FEED, "--peak", "5"], "photo-feed.yaml:4:"),
    ([PHOTO_FEED, "--set", "load.peak"], "--set wants PATH=VALUE"),
    ([PHOTO_FEED, "--set", "load.pek=5"], "did you mean peak"),
    ([PHOTO_FEED, "--sweep", "load.peak=5"], "--sweep wants PATH=FROM..TO"),
    ([PHOTO_FEED, "--sweep", "load.peak=5..1"], "goes upward"),
    ([PHOTO_FEED, "--sweep", "routes.feed.kind=read..write"], "only a number"),
    ([PHOTO_FEED, "--points", "9"], "belongs to --sweep"),
    ([PHOTO_FEED, "--sweep", "load.peak=1..2", "--points", "1"], "--points wants"),
    ([PHOTO_FEED, "--fail-if", "nodes"], "--fail-if"),
    ([PHOTO_FEED, "--fail-if", "nodse>3"], "nodse"),
    ([PHOTO_FEED, "--json", "--csv"], "--csv"),
])
def test_wrong_usage_exits_2(arguments, expected):
    result = plan(*arguments)
    assert result.returncode == 2, result
    assert expected in result.stderr and result.stdout == ""


def test_a_missed_bar_exits_4():
    assert plan(PHOTO_FEED, "--fail-if", "nodes>55").returncode == 0
    result = plan(PHOTO_FEED, "--fail-if", "nodes>54", "--fail-if", "services.app.nodes>100")
    assert result.returncode == 4 and "nodes>54" in result.stderr
    assert "services.app.nodes>100" not in result.stderr
    assert "= 53.10 -> 54 nodes" in result.stdout  # the plan is printed all the same


BEYOND = """\
plan: 1
load: { rate: 100000/s, peak: 5 }
services: { app: { usl: { gamma: 1800/s, alpha: 0.03, beta: 0.0005 } } }
"""


def test_a_plan_that_cannot_be_met_prints_whole_and_exits_1(plan_file):
    path = plan_file(BEYOND)
    result = plan(path)
    assert result.returncode == 1
    assert "Cannot be met" in result.stdout and "Staircase" in result.stdout
    assert "nan" not in result.stdout.lower() and "inf" not in squeezed(result.stdout)
    report = answer(path, code=1)
    assert not report["summary"]["is_met"]
    assert report["summary"]["nodes"] is None
    assert report["summary"]["nodes_reason"] == "beyond-peak"
    fits(report, json.loads(plan("--schema").stdout))
    assert [row["severity"] for row in report["findings"]].count("unmet") == 1
    absent = [row for row in report["results"] if row["value"] is None]
    assert absent and all(row["reason"] == "beyond-peak" for row in absent)


def test_beyond_the_laws_peak_no_form_prints_a_price(plan_file):
    path = plan_file(BEYOND)
    assert "none: beyond-peak, a month" in " ".join(plan(path).stdout.split())
    ends = json.loads(plan(path, "--json").stdout)["sensitivity"]
    assert ends["cautious"]["cost_month"] is None
    assert ends["cautious"]["cost_month_reason"] == "beyond-peak"
    swept = list(csv.DictReader(io.StringIO(
        plan(path, "--sweep", "load.growth=0.1..1", "--points", "2", "--csv").stdout)))
    assert float(swept[0]["nodes"]) > 0 and float(swept[0]["cost_month"]) > 0
    assert swept[1]["nodes"] == "" and swept[1]["cost_month"] == "" and swept[1]["is_met"] == "no"


def test_a_missed_bar_outranks_a_plan_that_cannot_be_met(plan_file):
    path = plan_file(BEYOND)
    assert plan(path, "--fail-if", "peak>1/s").returncode == 4
    assert plan(path, "--fail-if", "nodes>1").returncode == 4  # has no value
    assert plan(path, "--fail-if", "peak>1000M/s").returncode == 1


def test_files_that_are_none(tmp_path, plan_file):
    missing = plan(str(tmp_path / "none.yaml"))
    assert missing.returncode == 3 and "newel plan init" in missing.stderr
    nearly = plan("inti", cwd=tmp_path)
    assert nearly.returncode == 3 and "did you mean `newel plan init`" in nearly.stderr
    empty = plan(plan_file(""))
    assert empty.returncode == 3 and "begin with plan: 1" in empty.stderr
    large = plan(plan_file("plan: 1\n" + "# x\n" * 300_000))
    assert large.returncode == 3 and "larger than 1 MiB" in large.stderr
    assert run("plan", "compare", PHOTO_FEED, str(tmp_path / "none.yaml")).returncode == 3
    assert run("plan", "compare", PHOTO_FEED).returncode == 2


def test_a_full_disk_leaves_no_half_page(tmp_path):
    held = tmp_path / "plan.html"
    held.write_text("before")
    ended = subprocess.run(  # no file may grow beyond a page's first kilobytes
        ["sh", "-c", 'ulimit -f 4; trap "" XFSZ; exec "$0" "$@"', BINARY, "plan", PHOTO_FEED,
         "--html", str(held)],
        env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1 and "plan.html" in ended.stderr
    assert held.read_text() == "before" and os.listdir(tmp_path) == ["plan.html"]
