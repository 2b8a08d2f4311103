"""Fleets under a scaling rule: the examples of conf/sim, what a run prints, and what is refused."""

import json
import pathlib
import re
import signal
import subprocess

import pytest

from kit import traces
from kit.newel import BINARY, environment, run
from kit.progress import interrupted_at
from kit.report import assert_same_numbers

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "conf/sim"
FLEET = "services: {app: {nodes: 20, node_rate: 300/s, price: 1/h}}\n"


def simulate(*arguments, code=0):
    """The report as JSON."""
    result = run("sim", "fleet", "--json", *arguments)
    assert result.returncode == code, result
    assert "nan" not in result.stdout.lower() and "inf" not in result.stdout.lower()
    return json.loads(result.stdout)


def example(name, *arguments):
    return simulate(EXAMPLES / f"fleet-{name}.yaml", *arguments)


@pytest.fixture
def scenario(tmp_path):
    def write(text, name="fleet.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


# ---- the examples ----

def test_the_incident_costs_what_it_cost():
    report = example("incident")
    assert [row["nodes"] for row in report["main"]] == [20, 40, 80, 160, 320] + [425] * 55
    seen = [row["cpu_ratio"] for row in report["main"][:9]]
    assert seen == pytest.approx([1, 1, .875, .90625, .8906, .8295, .6590, .3179, .0941], abs=5e-5)
    assert report["cost"] == pytest.approx(39991.67, abs=.005)
    assert report["runs_away"] is True and report["braked"] == "at max"


def test_a_rule_that_did_nothing_says_so(scenario):
    name = scenario("sim: fleet\nfor: 10m\nload: { constant: 300/s }\n"
                    "services: { app: { nodes: 2, node_rate: 300/s } }\nscale: { max: 9 }\n")
    text = run("sim", "fleet", name).stdout
    assert "The rule changed nothing." in text and "What the rule did" not in text


def test_an_hour_in_which_nothing_changes_is_one_row_to_people():
    text = run("sim", "fleet", EXAMPLES / "fleet-incident.yaml").stdout
    rows = [line.split() for line in text.split("The course\n")[1].splitlines()[1:]]
    assert len(rows) == 9 and rows[-1][:5] == ["8", "min", "1", "h", "425"]
    assert sum(float(row[-1].replace(",", "")) for row in rows) == pytest.approx(39991.67, abs=.05)


@pytest.mark.parametrize("cure, nodes, cost", [
    ("cooldown", 80, 7566.67), ("warm", 80, 7833.33), ("two", 52, 4746.67)])
def test_each_cure_is_one_change_of_the_incident(cure, nodes, cost):
    report = example(f"cure-{cure}")
    assert report["nodes_end"] == nodes and report["cost"] == pytest.approx(cost, abs=.005)
    incident = (EXAMPLES / "fleet-incident.yaml").read_text().split()
    cured = (EXAMPLES / f"fleet-cure-{cure}.yaml").read_text().split()
    start, other = incident.index("sim:"), cured.index("sim:")
    assert sum(a != b for a, b in zip(incident[start:], cured[other:], strict=True)) == 1


def test_a_cure_is_compared_with_the_incident_to_the_cent():
    report = simulate(EXAMPLES / "fleet-incident.yaml", EXAMPLES / "fleet-cure-warm.yaml")
    cost = report["against_1"]["cost"]
    assert cost["difference"] == pytest.approx(7833.33 - 39991.67, abs=.01)
    assert cost["half"] == 0 and report["runs"] == 1


def test_cache_death_is_not_cured_with_nodes(scenario):
    report = example("cache-death")
    text = (EXAMPLES / "fleet-cache-death.yaml").read_text()
    assert report["nodes_added"] == 0 and report["bottleneck"] == "database"
    unbraked = simulate(scenario(text.replace("max: 200", "max: 200, no_benefit: 0%")))
    assert unbraked["nodes_end"] == 81
    assert round(report["refused_ratio"], 3) == .021 and round(unbraked["refused_ratio"], 3) == .032


def test_black_friday_costs_less_than_a_fleet_for_its_peak():
    report = example("black-friday", "--runs", "20")
    assert report["refused_ratio"] < 1e-4 and report["turns_in_5_min"] <= 1
    assert 217 <= report["nodes_peak"] < 300
    cost = report["over_runs"]["cost"]
    assert cost["mean"] + cost["half"] < .4 * 217 * 24 * .5
    assert 0 < cost["half"] < .02 * cost["mean"] and report["over_runs"]["runs"] == 20


def test_every_example_is_tested():
    tested = {"incident", "cure-cooldown", "cure-warm", "cure-two", "cache-death", "black-friday"}
    assert {path.stem for path in EXAMPLES.glob("fleet-*.yaml")} == {f"fleet-{name}" for name in tested}


# ---- what is printed ----

def test_the_same_seed_prints_the_same_bytes():
    path = EXAMPLES / "fleet-black-friday.yaml"
    first, second = (run("sim", "fleet", path, "--seed", "5").stdout for _ in range(2))
    assert first == second
    assert first != run("sim", "fleet", path, "--seed", "6").stdout


def test_text_json_csv_and_html_carry_the_same_numbers(tmp_path):
    page = tmp_path / "fleet.html"
    path = EXAMPLES / "fleet-cure-two.yaml"
    json_text = run("sim", "fleet", path, "--json", "--html", page).stdout
    assert assert_same_numbers(json_text, page.read_text()) > 10
    assert page.read_text().count("<svg") == 3
    lines = run("sim", "fleet", path, "--csv").stdout.splitlines()
    nodes = [row["nodes"] for row in json.loads(json_text)["main"]]
    assert [float(line.split(",")[2]) for line in lines[1:]] == nodes
    assert re.search(r"cost +4,746\.67\n", run("sim", "fleet", path).stdout)


def test_both_engines_order_the_same_nodes(scenario):
    text = (EXAMPLES / "fleet-incident.yaml").read_text()
    path = scenario(text.replace("12000/s", "600/s, arrivals: even").replace("300/s", "15/s, cv: 0"))
    fluid, event = (simulate(path, "--engine", engine) for engine in ("fluid", "event"))
    assert fluid["changes"] == event["changes"] and event["engine"] == "event"
    assert len(event["changes"]) == 5


def test_a_bar_that_is_missed_ends_with_4():
    path = EXAMPLES / "fleet-incident.yaml"
    assert run("sim", "fleet", path, "--fail-if", "nodes_peak>104").returncode == 4
    assert run("sim", "fleet", path, "--fail-if", "refused_ratio>1%").returncode == 0
    assert run("sim", "fleet", path, "--fail-if", "nodes_pek>1").returncode == 2


def test_two_rules_meet_the_same_luck(scenario):
    rule = "sim: fleet\nload: {line: [[0s, 4000/s], [30m, 12000/s], [1h, 4000/s]], noise: 50%}\n" + FLEET
    high = scenario(rule + "scale: {max: 200}\n", "high.yaml")
    low = scenario(rule + "scale: {max: 200, target: 60%}\n", "low.yaml")
    report = simulate(high, low)
    cost = report["against_1"]["cost"]
    assert report["runs"] == 32 and cost["difference"] - cost["half"] > 0
    precise = simulate(high, low, "--precision", "2%")
    assert 10 <= precise["runs"] < 1000
    assert precise["against_1"]["cost"]["half"] <= .02 * precise["against_1"]["cost"]["first"]


def test_any_number_of_threads_prints_the_same(scenario):
    """One of them stops because it is precise, after a number of runs that no thread decides."""
    rule = "sim: fleet\nload: {line: [[0s, 4000/s], [30m, 12000/s], [1h, 4000/s]], noise: 50%}\n" + FLEET
    high = scenario(rule + "scale: {max: 200}\n", "high.yaml")
    low = scenario(rule + "scale: {max: 200, target: 60%}\n", "low.yaml")
    for arguments in ([high, "--runs", 40], [high, low], [high, "--precision", "0.25%"],
                      [high, low, "--precision", "2%"]):
        one, many, default = (run("sim", "fleet", *arguments, "--json", *threads).stdout
                              for threads in (["--threads", "1"], ["--threads", "4"], []))
        assert one == many == default
    runs = json.loads(run("sim", "fleet", high, "--precision", "0.25%", "--json").stdout)["over_runs"]["runs"]
    assert 10 < runs < 1000


def test_interrupted_many_runs_are_those_that_are_whole(scenario):
    path = scenario("sim: fleet\nload: {constant: 5000/s, noise: 10%}\n" + FLEET + "scale: {max: 200}\n")
    report = interrupted_at(rb" [1-9][0-9]{3,} of 100000 runs", "sim", "fleet", path, "--runs", 100000,
                            "--threads", 4)
    runs = int(re.fullmatch(r"interrupted after (\d+) of 100000 runs", report["incomplete_reason"])[1])
    assert report["over_runs"] == simulate(path, "--runs", runs, "--threads", 1)["over_runs"]
    assert report["over_runs"]["runs"] == runs


def test_one_run_has_no_interval_and_says_so(scenario):
    rule = "sim: fleet\nload: {constant: 5000/s, noise: 10%}\n" + FLEET
    path = scenario(rule + "scale: {max: 200}\n")
    cost = simulate(path, path, "--runs", "1")["against_1"]["cost"]
    assert cost["half"] is None and "too short for an interval" in cost["half_reason"]


def test_figures_that_do_not_exist_have_a_reason(scenario):
    report = simulate(scenario("sim: fleet\nload: {constant: 0/s}\nservices: {app: {price: 0/h}}\n"))
    assert report["cost"] is None and "no price" in report["cost_reason"]
    assert report["response_s"] is None and report["refused_ratio"] is None


@pytest.mark.parametrize("arguments, line", [
    ((), rb"playing: [0-9.]+%"), (("--runs", "50K"), rb"playing: [0-9.]+%, [0-9]+ of 50000 runs")])
def test_a_long_simulation_says_how_far_it_is(scenario, arguments, line):
    path = scenario("sim: fleet\nfor: 36500d\nload: {constant: 20000/s, noise: 1%}\n"
                    "services: {app: {nodes: 100}}\n")
    if arguments:
        path.write_text(path.read_text().replace("36500d", "1d"))
    report = interrupted_at(line, "sim", "fleet", path, *arguments)
    assert report["complete"] is False and "interrupted after" in report["incomplete_reason"]


def test_money_meets_its_bound(scenario):
    path = scenario("sim: fleet\nload: {constant: 1/s}\nservices: {app: {price: 1e308/h}}\n")
    result = run("sim", "fleet", path)
    assert result.returncode == 3 and "services.app.price: must be at most 1M/h" in result.stderr


def test_interrupted_it_prints_what_there_is(scenario):
    path = scenario("sim: fleet\nfor: 7d\nengine: event\nload: {constant: 20000/s}\n"
                    "services: {app: {nodes: 100}}\n")
    child = subprocess.Popen([BINARY, "sim", "fleet", str(path), "--json"], stdout=subprocess.PIPE,
                             env=environment())
    while not is_caught(child.pid, signal.SIGINT):
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    report = json.loads(child.communicate()[0])
    assert child.returncode == 1 and report["complete"] is False
    assert "interrupted after" in report["incomplete_reason"] and report["ran_s"] < 7 * 86400


def is_caught(pid, number):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"SigCgt:\s+(\w+)", status)[1], 16) >> (number - 1) & 1 == 1


# ---- recorded traffic ----

def test_a_day_from_csv_is_as_long_as_its_file(scenario):
    scenario("seconds,rate\n0,100\n60,900\n119,0\n", "load.csv")
    report = simulate(scenario("sim: fleet\nload: {csv: load.csv}\n" + FLEET))
    assert report["ran_s"] == 120 and report["offered"] == 60 * 100 + 59 * 900


@pytest.mark.parametrize("pack", [bytes, traces.gz])
def test_an_access_log_is_counted_second_by_second(scenario, tmp_path, pack):
    """Three requests in the first second, one in the second, none, two."""
    line = "time=2026-11-29T10:00:{}Z id=1 client=127.0.0.1 method=GET host=a target=/x status=200 bytes=10\n"
    log = "".join(line.format(second) for second in ("00.1", "00.5", "01.0", "00.9", "03.2", "03.4"))
    (tmp_path / "access.log").write_bytes(pack(log.encode()))
    report = simulate(scenario("sim: fleet\nload: {log: access.log, factor: 2}\n" + FLEET))
    assert report["ran_s"] == 4 and report["offered"] == 2 * 6


def test_a_log_of_something_else_is_refused(scenario):
    scenario("GET / HTTP/1.1\n" * 50, "access.log")
    result = run("sim", "fleet", scenario("sim: fleet\nload: {log: access.log}\n" + FLEET))
    assert result.returncode == 3 and "one line in a hundred" in result.stderr


# ---- what is refused ----

def test_all_mistakes_of_a_file_are_named_at_once(scenario):
    path = scenario("sim: fleet\nfor: 0s\nload: {constant: 12000}\nservices: {app: {nods: 3}}\n"
                    "scale: {min: 2}\n")
    result = run("sim", "fleet", path)
    assert result.returncode == 3 and result.stdout == ""
    places = [line.removeprefix(f"{path}:").split(" ")[0] for line in result.stderr.splitlines()]
    assert places == ["2:6:", "3:18:", "4:18:", "5:8:"]
    assert "did you mean nodes" in result.stderr


def test_mistakes_of_a_csv_file_have_its_lines(scenario):
    scenario("0,1\n5,x\n3,2\n3,4\n", "load.csv")
    result = run("sim", "fleet", scenario("sim: fleet\nload: {csv: load.csv}\n" + FLEET))
    assert result.returncode == 3
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == ["load.csv:2:1:", "load.csv:4:1:"]


@pytest.mark.parametrize("arguments", [
    [], ["--seed", "x", "f"], ["--runs", "0", "f"], ["--precision", "0%", "f"], ["--engine", "solid", "f"],
    ["--threads", "0", "f"], ["--threads", "257", "f"],
    ["--json", "--csv", "f"]])
def test_wrong_usage_ends_with_2(arguments):
    assert run("sim", "fleet", *arguments).returncode == 2


def test_a_file_that_is_not_there_is_named():
    result = run("sim", "fleet", "nowhere.yaml")
    assert result.returncode == 3 and "nowhere.yaml" in result.stderr


def test_the_schema_knows_every_block():
    schema = json.loads(run("sim", "fleet", "--schema").stdout)
    assert {"load", "services", "databases", "metrics", "scale"} <= set(schema["$defs"]["top"]["properties"])
