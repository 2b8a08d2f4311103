"""docs/guide/planning.md: what it shows is what newel says, and every command in it runs."""

import json
import pathlib
import re
import shlex

import pytest

from kit.newel import run

GUIDE = (pathlib.Path(__file__).resolve().parents[2] / "docs/guide/planning.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
TEN_TIMES = "plan: 1\nload: { users: 500M, peak: 4 }\nroutes: { feed: { per_user: 4.5/d } }\n"


def block_with(words, kind=""):
    (found,) = [text for of, text in BLOCKS if of == kind and words in text]
    return found


def squeezed(text):
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the guide's reader stands: with the plan of the guide, and another one."""
    (tmp_path / "plan.yaml").write_text(block_with("plan: 1", "yaml"))
    (tmp_path / "other.yaml").write_text(TEN_TIMES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def newel(line):
    """One command of the guide, without what a shell would do with its output."""
    words = shlex.split(line.split(" > ")[0])
    assert words[0] == "newel"
    return run(*words[1:])


def commands():
    shown = [line for _, text in BLOCKS for line in text.splitlines()]
    named = re.findall(r"`(newel plan[^`]*)`", re.sub(r"\s+", " ", re.sub(r"```.*?```", "", GUIDE,
                                                                         flags=re.DOTALL)))
    steps = [line.split("run: ")[1] for line in shown if "run: newel" in line]
    return list(dict.fromkeys([line for line in shown if line.startswith("newel ")] + steps +
                              [line for line in named if line != "newel plan"]))


def test_the_guide_shows_commands():
    assert len(commands()) >= 10


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_guide_runs(folder, line):
    result = newel(line)
    bars = re.findall(r"--fail-if '(\w+)>(\d+)'", line)
    if bars:
        summary = json.loads(newel("newel plan plan.yaml --json").stdout)["summary"]
        is_missed = any(summary[name] > float(bar) for name, bar in bars)
        assert result.returncode == (4 if is_missed else 0), result.stderr
    else:
        assert result.returncode == 0, result.stderr
    if "--html" in line:
        assert (folder / "plan.html").read_text().startswith("<!DOCTYPE html>")


def test_the_lines_of_the_first_answer_are_those_of_newel():
    result = squeezed(newel(block_with("--requests 100M/d").strip()).stdout)
    for line in squeezed(block_with("100,000,000 /d")):
        assert line in result, line


def test_the_figures_in_the_words_are_those_of_the_plan(folder):
    report = " ".join(squeezed(newel("newel plan plan.yaml").stdout))
    words = " ".join(squeezed(GUIDE))
    for told, is_from in [("node_rate 300/s: at 200 -> 80 nodes, at 500 -> 32", None),
                          ("41 nodes keep one request in a hundred waiting 119 ms",
                           "p99 wait of 10,416.7, 41 nodes of 255 = 119.4 ms"),
                          ("54 nodes a third of a millisecond",
                           "p99 wait of 10,416.7, 54 nodes of 255 = 351.2 us")]:
        assert told in words and (is_from or told) in report


def test_compare_leads_with_the_decision_shown(folder):
    shown = squeezed(block_with("Decisions\n"))
    (folder / "a.yaml").write_text("plan: 1\nload: { requests: 100M/d, peak: 5 }\n"
                                   "routes: { all: { cached: 90% } }\n")
    (folder / "b.yaml").write_text("plan: 1\nload: { requests: 1B/d, peak: 5, read_share: 80% }\n"
                                   "routes: { all: { cached: 90% } }\n")
    result = squeezed(newel("newel plan compare a.yaml b.yaml").stdout)
    at = result.index(shown[0])
    # Beside the shards stand their replicas where they are read too much.
    assert result[at + 1].startswith(shown[1])


def test_the_short_names_are_those_of_the_schema():
    aliases = json.loads(run("plan", "--schema").stdout)["x-fail-if"]
    told = re.search(r"or by a short name: (.*?)\.$", GUIDE, re.MULTILINE | re.DOTALL).group(1)
    assert set(re.findall(r"`(\w+)`", told)) == set(aliases)
