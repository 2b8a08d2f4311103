"""`newel plan explain`: every topic, every number that plans assume, every disagreement, by name."""

import functools
import json
import math
import os
import pathlib
import pty
import re
import subprocess

import pytest

from kit.newel import BINARY, environment, run

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src/model"
TOPICS = re.findall(r'^NW_MODEL_TOPIC\("(\w+)"', (SOURCES / "topics.def").read_text(), re.MULTILINE)
NUMBERS = re.findall(r'^NW_MODEL_CONSTANT\(\w+, "(\w+)"', (SOURCES / "constants.def").read_text(),
                     re.MULTILINE)
DISAGREEMENTS = re.findall(r'^NW_MODEL_DISAGREE\((\d+), "([\w-]+)"',
                           (SOURCES / "disagree.def").read_text(), re.MULTILINE)


def explain(*arguments, code=0):
    result = run("plan", "explain", *arguments)
    assert result.returncode == code, result
    assert code == 0 or result.stdout == ""
    return result.stdout if code == 0 else result.stderr


def answer(*arguments):
    return json.loads(explain(*arguments, "--json"), parse_constant=pytest.fail)


@functools.cache
def everything():
    return answer("--all")


def words_of(text):
    return re.sub(r"\s+", " ", text)


def test_the_tables_are_read():
    assert len(TOPICS) >= 20 and len(NUMBERS) >= 60
    assert [int(number) for number, _ in DISAGREEMENTS] == list(range(1, 37))


# Words that a report prints

@pytest.mark.parametrize("word, topic", [
    ("REFACTOR_FIRST", "scaling"), ("SCALE_UP", "scaling"), ("READ_REPLICAS", "database"),
    ("SHARDING", "database"), ("wait", "queueing"), ("wall", "pool")])
def test_a_word_of_the_report_leads_to_its_topic(word, topic):
    assert list(answer(word)["topics"]) == [topic]


# The list


def test_without_a_name_it_lists_everything():
    text = explain()
    for name in TOPICS:
        assert re.search(rf"^{name} +\w", text, re.MULTILINE), name
    for name in NUMBERS:
        assert re.search(rf"\b{name}\b", text), name
    for number, name in DISAGREEMENTS:
        assert f"X{number} {name}" in text
    assert [row["name"] for row in answer()["topics"]] == TOPICS


def test_all_is_everything():
    report = everything()
    assert report["schema"] == "newel.plan.explain/1" and report["complete"] is True
    assert list(report["topics"]) == TOPICS
    assert list(report["constants"]) == NUMBERS
    assert list(report["disagreements"]) == [f"X{number}" for number, _ in DISAGREEMENTS]
    assert "--all and a name" in explain("--all", "nodes", code=2)


# One of each


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_has_its_formula_its_source_and_what_belongs_to_it(name):
    topic = answer(name)["topics"][name]
    assert topic == everything()["topics"][name]
    text = words_of(explain(name))
    assert topic["title"] in text
    for key in ("formula", "source"):
        assert topic.get(key, "") in text
    for number in topic["constants"].split():
        assert f"{number} " in text and number in NUMBERS
    for number in topic["disagreements"].split():
        assert f"{number} {dict(DISAGREEMENTS)[number[1:]]}" in text
    assert not re.search(r"\b(nan|inf|infinity)\b", text.lower())
    for step in topic.get("example", []):
        assert math.isfinite(step["exact"]) if step["exact"] is not None else step["exact_reason"]


def test_topics_keep_their_words_in_text():
    """Tables are read from a drawing; nothing may be lost on the way."""
    for name in TOPICS:
        told = words_of(explain(name)).split()
        for word in set(everything()["topics"][name]["text"].split()):
            assert word in told, (name, word)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_says_where_it_comes_from_and_what_replaces_it(name):
    number = answer(name)["constants"][name]
    text = words_of(explain(name))
    assert number["low"] <= number["value"] <= number["high"]
    assert number["text"] in text and number["source"] in text
    assert f"in a plan file {number['path']}" in text
    assert ("flag" in number) == (number["path"] != "fixed")
    if "flag" in number:
        assert f"changed by {number['flag']}" in text
    if "metric" in number:
        assert f"once measured {number['metric']}" in text


@pytest.mark.parametrize("number, name", DISAGREEMENTS)
def test_a_disagreement_by_number_and_by_name(number, name):
    row = answer(f"X{number}")["disagreements"][f"X{number}"]
    assert row["name"] == name
    text = words_of(explain(f"x{number}"))
    for key in ("guides", "values", "uses", "why"):
        assert row[key] and row[key] in text
    assert row["values"] in words_of(explain(name))
    for topic in filter(None, row["topics"].split(", ")):
        assert f"X{number}" in everything()["topics"][topic]["disagreements"].split()


# What must be in there


@pytest.mark.parametrize("asked, expected", [
    ("X16", ["10,000", "50 s", "167/s"]),
    ("X4", ["26 nodes", "6 instead of 5", "28 instead of 27"]),
    ("X9", ["1,736", "6,944", "320 GB"]),
    ("X17", ["72.5 ms", "106.5 ms"]),
    ("X25", ["39,991.67", "80,000 nodes"]),
    ("X29", ["99 -> 149", "150"]),
    ("database", ["limited by the primary", "must hit the right shard", "composed across services",
                  "strong on the primary, eventual on replicas", "per domain"]),
    ("review", ["converted to a rate", "reads x (1 - hit ratio)", "primary's ceiling",
                "metric named for each move"]),
    ("nodes", ["100,000 x 1.50 / (1,800 x 0.85) = 98.04 -> 99 nodes, 100 with 1 spare",
               "50,000 x 1.30 / 2,000 = 32.50 -> 33 nodes", "150 nodes: any one zone may be lost"]),
    ("queueing", ["= 22.11 ms p99", "= 4.78 ms p99", "= 1.18 ms p99"]),
    ("autoscaling", ["20, 40, 80, 160, 320, 425", "39,991.67", "7,566.67", "7,833.33", "4,746.67"]),
    ("autoscaling", ["The incident 425 nodes", "39,991.67 for that hour (the guide prints 40,000)",
                     "1 - (1 + 1)^-3 = 87.5%", "80 nodes", "7,566.67 for that hour",
                     "7,833.33 for that hour", "52 nodes", "4,746.67 for that hour"]),
    ("overload", ["502 or 503", "the five slowest queries", "its cache is cold"]),
    ("rounding", ["3,000 x 1.10 / 300 = 11 nodes"]),
])
def test_what_a_page_must_say(asked, expected):
    text = words_of(explain(asked))
    for words in expected:
        assert words in text, text


def test_every_figure_that_a_guide_prints_stands_beside_ours():
    """The rows of worked.def, each in the example of a topic that lists its id."""
    source = (SOURCES / "worked.def").read_text()
    rows = re.findall(r'^NW_MODEL_WORKED\("(\w+)", \'[A-E]\', "(\w+)",\s.*?,\s*"((?:[^"\\]|\\.)*)"\)',
                      source, re.MULTILINE | re.DOTALL)
    assert len(rows) == source.count("\nNW_MODEL_WORKED(") >= 50
    shown = {(step["fact"], step["path"].rsplit(".", 1)[-1], step["printed"])
             for topic in everything()["topics"].values() for step in topic.get("example", [])
             if step.get("printed")}
    missing = [row for row in rows if (row[0], row[1], row[2].replace('\\"', '"')) not in shown]
    assert missing == []


def test_every_worked_example_has_a_test_named_after_it_or_is_a_rule_that_is_told():
    tests = pathlib.Path(__file__).resolve().parents[1]
    named, rules = set(), set()
    for path in tests.rglob("*_test.*"):
        named |= set(re.findall(r"\bfact_([a-z]\d+[a-z]*)_", path.read_text()))
    source = (tests / "unit/model/topics_test.c").read_text()
    for fact, topic in re.findall(r'\{"([A-Z]\d+[a-z]?)",\s*"(\w+)",\s*\{"', source):
        assert fact in everything()["topics"][topic]["facts"].split()
        rules.add(fact.lower())
    ids = {fact.lower() for topic in everything()["topics"].values()
           for fact in topic.get("facts", "").split()}
    assert len(ids) > 100 and named <= ids
    assert ids - named - rules == set()


# Names


def test_names_are_found_by_how_they_begin():
    assert explain("rev") == explain("review")
    assert explain("NODE-RATE") == explain("node_rate")
    assert "REFACTOR_FIRST" in explain("H1a")  # a worked example: its topics
    assert list(answer("E3c")["topics"]) == ["queue"]
    both = answer("efficiency")  # a number and a disagreement
    assert list(both["constants"]) == ["efficiency"] and list(both["disagreements"]) == ["X3"]
    assert answer("effic") == both


@pytest.mark.parametrize("asked, expected", [
    ("nods", "did you mean `nodes`?"),
    ("ca", "`ca` may be `cache`, `cached`, `cache_price`, `calls`, `cache-forgotten`"),
    ("X0", "nothing is called `X0`"),
    ("X37", "X1 to X36"),
    ("", "nothing is called ``"),
    ("a" * 3000, "nothing is called"),
    ("\x1b[31m", "nothing is called"),
])
def test_what_is_not_there_exits_2(asked, expected):
    told = explain(asked, code=2)
    assert expected in told and "\x1b" not in told


# Forms


def on_a_terminal(columns, *arguments, **more):
    """What a terminal of that width gets."""
    leader, follower = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([BINARY, "plan", "explain", *arguments], stdout=follower,
                               stdin=subprocess.DEVNULL, env=environment() | more)
    os.close(follower)
    text = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(leader)
    assert process.wait() == 0
    return text.decode()


def test_a_terminal_gets_its_width_and_colour():
    wide = explain("database")
    assert "\x1b" not in wide and max(map(len, wide.splitlines())) > 200
    narrow = on_a_terminal(100, "database", TERM="xterm", NO_COLOR="")
    assert "\x1b[1m" in narrow
    plain = on_a_terminal(100, "database", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in plain
    assert sorted(words_of(plain).split()) == sorted(words_of(wide).split())


@pytest.mark.parametrize("columns, name", [(100, name) for name in TOPICS] +
                         [(80, name) for name in ("database", "scaling", "staircase", "stages",
                                                  "nines", "overload", "review")])
def test_no_line_of_a_topic_is_wider_than_the_terminal(columns, name):
    text = on_a_terminal(columns, name, TERM="xterm", NO_COLOR="1")
    assert max(map(len, text.replace("\r", "").splitlines())) <= columns


def test_a_page_holds_the_tables(tmp_path):
    page = tmp_path / "explain.html"
    explain("--all", "--html", str(page))
    text = page.read_text()
    assert text.count("<table") >= 7 and "<script" not in text and "<p></p>" not in text
    for name in ("must hit the right shard", "39,991.67", "spread-or-burst"):
        assert name in text
