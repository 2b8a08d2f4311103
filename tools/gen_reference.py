#!/usr/bin/python3
"""Writes the pages that newel prints from its own tables: docs/reference/*.md and docs/newel.1.

    tools/gen_reference.py [--newel build/newel]           write them
    tools/gen_reference.py [--newel build/newel] --check   exit 1 when one is not up to date
"""
import argparse
import difflib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = {
    "options": "docs/reference/options.md",
    "commands": "docs/reference/commands.md",
    "metrics": "docs/reference/metrics.md",
    "control": "docs/reference/control.md",
    "man": "docs/newel.1",
    "plan-file": "docs/reference/plan-file.md",
    "plan-constants": "docs/reference/plan-constants.md",
    "plan-disagreements": "docs/reference/plan-disagreements.md",
    "plan-formulas": "docs/reference/plan-formulas.md",
    "sim-cache": "docs/reference/sim-cache.md",
    "sim-queue": "docs/reference/sim-queue.md",
    "sim-fleet": "docs/reference/sim-fleet.md",
}


def printed(newel, page):
    command = [newel, "check", "--reference", page]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--newel", default=str(ROOT / "build/newel"))
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    stale = 0
    for page, name in PAGES.items():
        path, text = ROOT / name, printed(args.newel, page)
        held = path.read_text() if path.exists() else ""
        if held == text:
            continue
        stale += 1
        if args.check:
            lines = difflib.unified_diff(held.splitlines(), text.splitlines(), name, "newel", n=0,
                                         lineterm="")
            print("\n".join(list(lines)[:20]))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    if args.check and stale:
        print(f"{stale} pages are not up to date: run tools/gen_reference.py")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
