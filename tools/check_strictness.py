#!/usr/bin/python3
"""Every class of src/proto/http1_class.def has a row in docs/reference/http-strictness.md, a unit
test that the row names, and a raw message in test/scenario/strictness_cases.py; and they agree."""

import importlib.util
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def classes():
    text = (ROOT / "src/proto/http1_class.def").read_text()
    rows = re.findall(r'^NW_HTTP1_CLASS\((\w+), (\d+), "(.*)"\)$', text, re.M)
    return {name: int(status) for name, status, _ in rows}


def unit_tests():
    text = (ROOT / "test/unit/proto/http1_strict_test.c").read_text()
    return dict(re.findall(r'BAD\("(\w+)",\s*(\w+),', text))


def cases():
    path = ROOT / "test/scenario/strictness_cases.py"
    spec = importlib.util.spec_from_file_location("strictness_cases", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def doc_rows():
    """class -> (answer, unit test, sides of the wire test)"""
    rows = {}
    for line in (ROOT / "docs/reference/http-strictness.md").read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and re.fullmatch(r"`[A-Z0-9_]+`", cells[0]):
            rows[cells[0].strip("`")] = (cells[2], cells[3].strip("`"), cells[4])
    return rows


def check(out):
    known, tests, data, rows = classes(), unit_tests(), cases(), doc_rows()
    requests = {name: status for name, status, _ in data.REQUESTS}
    responses = {name for name, _ in data.RESPONSES + data.RESPONSE_BODIES}
    for name in sorted(set(requests) | responses | set(rows) | set(tests.values())):
        if name not in known:
            out.append(f"{name}: no such class in http1_class.def")
    for name, status in known.items():
        if name not in requests and name not in responses:
            out.append(f"{name}: no message in test/scenario/strictness_cases.py")
        if requests.get(name, status) != status:
            out.append(f"{name}: {requests[name]} in strictness_cases.py, {status} in the .def")
        if name not in rows:
            out.append(f"{name}: no row in docs/reference/http-strictness.md")
            continue
        answer, test, sides = rows[name]
        expected = [str(status)] if name in requests else ["502"]
        if answer.split()[:1] != expected:
            out.append(f"{name}: the page answers {answer!r}, not {expected[0]}")
        if tests.get(test) != name:
            out.append(f"{name}: {test} is no test of it in http1_strict_test.c")
        wanted = [side for side, there in (("request", name in requests),
                                           ("response", name in responses)) if there]
        if re.findall(r"request|response", sides) != wanted:
            out.append(f"{name}: wire tests {sides!r} instead of {', '.join(wanted)}")


def main():
    faults = []
    check(faults)
    for fault in faults:
        print("strictness:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
