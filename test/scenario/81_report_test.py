"""A report in all its forms: the numbers are the same, the page needs nothing but itself, bars are
judged, and whatever cannot be written is said. `report_sample` prints one with everything in it."""

import csv
import fcntl
import io
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import termios
import xml.dom.minidom

import pytest

from kit.browser import Browser
from kit.newel import BUILD, environment
from kit.report import Page, assert_same_numbers
from kit.wire import PATIENCE_S

SAMPLE = os.path.join(BUILD, "test", "report_sample")


def sample(*arguments, **options):
    return subprocess.run([SAMPLE, *map(str, arguments)], capture_output=True, timeout=PATIENCE_S,
                          env=environment(), **options)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The sample's page in a file."""
    path = tmp_path_factory.mktemp("report") / "page.html"
    done = sample("show", "--html", path)
    assert done.returncode == 0 and done.stderr == b""
    return path


@pytest.fixture(scope="module")
def html(page):
    return page.read_text(encoding="utf-8")


# The same numbers


def test_text_json_and_page_carry_the_same_numbers(html):
    done = sample("show", "--json")
    assert assert_same_numbers(done.stdout, html) >= 9
    words = " ".join(Page(html).words).replace("→", "->")
    text = sample("show").stdout.decode()
    for shown in ("20,075.33 USD", "10,416.7/s", "86.4 GB", "22.11 ms", "95%", "53.10 -> 54", "2,604.2/s"):
        assert shown in words and shown in text, shown


def test_csv_is_the_main_table():
    rows = list(csv.reader(io.StringIO(sample("show", "--csv").stdout.decode(), newline="")))
    tree = json.loads(sample("show", "--json").stdout)
    assert rows[0] == list(tree["main"][0]) and len(rows) == len(tree["main"]) + 1
    assert [float(row[1]) for row in rows[1:]] == [row["miss_ratio"] for row in tree["main"]]
    assert rows[5][0] == 'comma, "quote"\nnew line' and rows[4][2] == ""


def test_the_same_command_prints_the_same_bytes(html):
    assert sample("show", "--html", "-").stdout.decode() == html
    assert sample("show", "--json").stdout == sample("show", "--json").stdout


# The page


def test_the_page_is_small_and_its_charts_are_xml(html):
    assert len(html.encode()) < 200_000
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) == 6
    for chart in charts:
        parsed = xml.dom.minidom.parseString(chart)
        assert parsed.documentElement.getAttribute("role") == "img"
        assert parsed.documentElement.firstChild.tagName == "title"
        assert not re.search(r"nan|inf", re.sub(r"<(title|desc)>.*?</\1>|<text.*?</text>", "", chart))


CONTRAST = """(() => {
  const parse = c => c.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => v / 255).map(
    v => v <= .04045 ? v / 12.92 : Math.pow((v + .055) / 1.055, 2.4));
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255,255,255)'; };
  let worst = [99, ''];
  for (const e of document.querySelectorAll(
      'h1,h2,h3,p,th,td,dt,dd,small,nav a,figcaption,footer,svg text')) {
    const s = getComputedStyle(e), a = light(e.closest('svg') ? s.fill : s.color), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 200)];
  }
  return worst;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(None, tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_fetches_nothing_runs_nothing_and_has_nothing_to_say(browser, page, scheme):
    browser.open(page, scheme)
    assert browser.fetched() == [] and browser.said() == []
    assert browser.ask("document.scripts.length") == 0
    assert browser.ask("document.querySelectorAll('svg').length") == 6
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 29)")
    ratio, where = browser.ask(CONTRAST)
    assert ratio >= 4.5, where


def test_the_policy_of_the_page_forbids_what_somebody_might_add(browser, html, tmp_path):
    """A picture and a script in the same page: neither runs, and the console says so twice."""
    other = tmp_path / "other.html"
    other.write_text(html.replace("<h1>", '<img src="x.png"><script>document.title="ran"</script><h1>'))
    browser.open(other)
    assert browser.ask("document.title") == "A sample for 50M users"
    assert len([said for said in browser.said() if "Content Security Policy" in str(said)]) == 2


def test_on_a_phone_the_page_does_not_move_sideways(browser, page):
    browser.open(page, width=390, height=800)
    assert browser.ask("document.scrollingElement.scrollWidth") <= 390
    hidden = browser.ask("[...document.querySelectorAll('.s .r')].filter("
                         "e => e.getBoundingClientRect().right > 390).length")
    assert hidden == 0  # results of steps are in sight


def test_paper_is_white_and_nothing_is_cut_off(browser, page):
    browser.open(page, "dark", width=700)
    browser.call("Emulation.setEmulatedMedia", media="print",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("document.scrollingElement.scrollWidth") <= 700
    assert browser.ask("document.querySelector('svg').getBoundingClientRect().right") <= 700


def test_names_in_charts_do_not_leave_the_picture(browser, page):
    browser.open(page)
    outside = browser.ask("""[...document.querySelectorAll('svg')].flatMap(svg => {
      const frame = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
        return b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 ||
               b.bottom > frame.bottom + 1; }).map(t => t.textContent); })""")
    assert outside == []


# Text on a terminal


def on_terminal(columns, **env):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen([SAMPLE, "show"], stdout=theirs, env=environment(TERM="xterm", **env)) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            printed += more
    os.close(ours)
    assert process.returncode == 0
    return printed.decode()


def test_a_terminal_gets_colour_and_its_own_width():
    printed = on_terminal(70)
    assert "\x1b[1m" in printed
    plain = re.sub(r"\x1b\[[0-9]*m", "", printed)
    assert max(map(len, plain.splitlines())) <= 70
    assert "\x1b" not in plain


def test_no_color_is_honoured():
    assert "\x1b" not in on_terminal(70, NO_COLOR="1")
    assert "\x1b" in on_terminal(70, NO_COLOR="")
    assert b"\x1b" not in sample("show").stdout


# Bars


@pytest.mark.parametrize("bar, code, said", [
    ("nodes>30", 4, "missed --fail-if 'nodes>30': nodes is 55"),
    ("nodes>55", 0, ""),
    ("nodes>=55", 4, "missed"),
    ("peak > 10K/s", 4, "peak is 10,416.7/s"),
    ("load.peak_per_s>1B/d", 0, ""),
    ("load.p99_s<25ms", 4, "load.p99_s is 22.11 ms"),
    ("hit_ratio<90%", 0, ""),
    ("services.app.nodes_production == 54", 4, "is 54"),
    ("wait_s>1s", 4, "wait_s is none: unstable"),
    ("services.app.bogus>1", 2, "such as `services.app."),
    ("node>30", 2, "no result is called `node`; did you mean `nodes`?"),
    ("load.peak_per>1", 2, "did you mean `load.peak_per_s`?"),
    ("nonsense_of_the_week>1", 2, "names are those of --json"),
    ("nodes>many", 2, "stands no number"),
    ("nodes", 2, "one of > >= < <= == != is missing"),
    ("nodes>20ms", 2, "`ms` is no unit of `nodes`, which is 55"),
])
def test_bars(bar, code, said):
    done = sample("show", "--json", "--fail-if", bar)
    assert done.returncode == code and said in done.stderr.decode(), done.stderr
    if code == 2:
        assert done.stdout == b"" and done.stderr.count(b"\n") == 1
    else:
        assert json.loads(done.stdout)["nodes"] == 55


def test_every_missed_bar_is_said():
    done = sample("show", "--fail-if", "nodes>30", "--fail-if", "hit_ratio>1%", "--fail-if", "nodes<1")
    assert done.returncode == 4 and done.stderr.count(b"missed") == 2


@pytest.mark.parametrize("arguments, said", [
    (["--json", "--csv"], "choose one"),
    (["--html", "-", "--json"], "choose one"),
    (["--html="], "needs the name of a file"),
])
def test_two_forms_for_one_output_are_wrong_usage(arguments, said):
    done = sample("show", *arguments)
    assert done.returncode == 2 and said in done.stderr.decode() and done.stdout == b""


# Output that fails


def test_a_full_disk_on_stdout_is_said():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([SAMPLE, "show"], stdout=full, stderr=subprocess.PIPE, env=environment(),
                              timeout=PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr == b"newel: cannot write to standard output: the disk is full\n"


def test_a_reader_that_left_is_said():
    end, pipe = os.pipe()
    os.close(end)
    done = subprocess.run([SAMPLE, "show", "--json"], stdout=pipe, stderr=subprocess.PIPE,
                          env=environment(), timeout=PATIENCE_S)
    os.close(pipe)
    assert done.returncode == 1 and b"nobody reads it" in done.stderr


def test_a_full_disk_leaves_no_half_page(tmp_path):
    """The limit on a file's size stands for a disk that is full after 16 KB."""
    path = tmp_path / "page.html"
    path.write_text("the old page")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
    done = sample("show", "--csv", "--html", path, preexec_fn=limit)
    assert done.returncode == 1 and f"cannot write {path}: the disk is full" in done.stderr.decode()
    assert path.read_text() == "the old page" and os.listdir(tmp_path) == ["page.html"]
    assert done.stdout.startswith(b"policy,")  # what could be printed was


def test_a_folder_that_is_not_there_is_said(tmp_path):
    done = sample("show", "--html", tmp_path / "none" / "page.html")
    assert done.returncode == 1 and b"there is no such thing" in done.stderr


# Ctrl-C


def test_ctrl_c_prints_what_there_is_marked_incomplete():
    with subprocess.Popen([SAMPLE, "wait", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment()) as process:
        assert process.stderr.readline() == b"working\n"
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=PATIENCE_S)
    tree = json.loads(printed)
    assert process.returncode == 1 and tree["complete"] is False and tree["nodes"] == 55
    assert tree["incomplete_reason"] == "interrupted after 3 of 20 runs"
