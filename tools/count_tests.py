#!/usr/bin/python3
"""Counts what a test run did: prints "PASSED FAILED".

    tools/count_tests.py meson BUILD/meson-logs/testlog.json
    tools/count_tests.py junit FILE.xml

A cmocka program counts as many tests as it says; one that died without saying counts as one failed.
A file that is missing or empty counts as one failed: a run that did not happen is no success.
"""
import json
import re
import sys
import xml.etree.ElementTree as tree


def meson(path):
    passed = failed = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            test = json.loads(line)
            text = (test.get("stdout") or "") + (test.get("stderr") or "")
            good = sum(int(n) for n in re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M))
            bad = sum(int(n) for n in re.findall(r"^\[  FAILED  \] (\d+) test", text, re.M))
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                passed += max(good, 1)
            elif test["result"] != "SKIP":
                passed += good
                failed += max(bad, 1)
    return passed, failed


def junit(path):
    root = tree.parse(path).getroot()
    passed = failed = 0
    for suite in root.iter("testsuite"):
        wrong = int(suite.get("failures")) + int(suite.get("errors"))
        failed += wrong
        passed += max(int(suite.get("tests")) - wrong - int(suite.get("skipped")), 0)
    return passed, failed


def main():
    try:
        passed, failed = {"meson": meson, "junit": junit}[sys.argv[1]](sys.argv[2])
    except (OSError, ValueError, KeyError, tree.ParseError) as error:
        print(f"count_tests: {error}", file=sys.stderr)
        passed, failed = 0, 1
    print(passed, failed if passed + failed else 1)


if __name__ == "__main__":
    main()
