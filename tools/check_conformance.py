#!/usr/bin/python3
"""Every row of docs/reference/http2-conformance.md has a case in test/scenario/h2_*cases.py, every
case a row, and both say the same answer."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "docs/reference/http2-conformance.md"


def cases():
    sys.path.insert(0, str(ROOT / "test/scenario"))
    import h2_message_cases  # noqa: E402: found by the path above
    import h2_node_cases  # noqa: E402
    found = {**h2_message_cases.CASES, **h2_node_cases.CASES}
    return {name: case.answer for name, case in found.items()}


def rows():
    """name -> answer as a case writes it, or "holds" for one in words of its own."""
    found, doubled = {}, []
    for line in (ROOT / PAGE).read_text().splitlines():
        match = re.fullmatch(r"\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \| (.+?) \|", line)
        if match:
            name, section, deed, answer = match.groups()
            if name in found:
                doubled.append(name)
            found[name] = as_case(answer)
    return found, doubled


def as_case(answer):
    forms = [(r"connection error `(\w+)`", "connection {}"), (r"stream error `(\w+)`", "stream {}"),
             (r"stream or connection error `(\w+)`", "either {}"), (r"status (\d+)", "answered {}"),
             (r"ignored or connection error `(\w+)`", "ignored or connection {}"),
             (r"ignored", "ignored"), (r"closed", "closed")]
    for pattern, form in forms:
        match = re.fullmatch(pattern, answer)
        if match:
            return form.format(*match.groups())
    return "holds"


def check():
    known, (written, doubled) = cases(), rows()
    yield from (f"{name}: two rows" for name in doubled)
    for name in sorted(set(known) | set(written)):
        if name not in known:
            yield f"{name}: no case in test/scenario/h2_*cases.py"
        elif name not in written:
            yield f"{name}: no row in {PAGE}"
        elif known[name] != written[name]:
            yield f"{name}: the page says {written[name]!r}, the case {known[name]!r}"


def main():
    faults = list(check())
    for fault in faults:
        print("conformance:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
