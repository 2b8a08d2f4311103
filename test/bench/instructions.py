#!/usr/bin/python3
"""How many instructions of newel's own one proxied request costs, and whether that has grown.

    instructions.py           measure and compare with instructions.json
    instructions.py --accept  measure and write the figures down

One figure for each kind of request: HTTP/1.1 throughout, TLS or HTTP/2 towards newel, and HTTP/2 to
the node for many clients. Instruction counts repeat exactly on one compiler, so 3 % more is a change
of the code and not of the weather. They are kept for each compiler; for one that is not known yet
the figures are printed and nothing fails. What belongs to libc, to the simulated world and to the
scripts does not count; of OpenSSL and nghttp2 a second column tells. The build is a release with
debug information, which says whose an instruction is.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build-instructions"
BASELINE = HERE / "instructions.json"
TOLERANCE = 0.03
FEW, MANY = 1000, 2000
KINDS = ["plain", "tls", "h2", "mux"]


def is_newels(path):
    """Our own sources but the simulated world, whatever the build calls them."""
    found = re.search(r"(?:^|/)src/([a-z]+)/([a-z0-9_]+\.[chS])$", path)
    return bool(found) and not (found[1] == "io" and found[2].startswith("sim"))


def self_costs(text):
    """Instructions by source file, without those of called functions."""
    names, costs, file = {}, {}, ""
    is_call = False
    for line in text.splitlines():
        found = re.match(r"(fl|fi|fe|cfi|cfl)=\((\d+)\)\s*(.*)$", line)
        if found:
            if found[3]:
                names[found[2]] = found[3]
            if not found[1].startswith("c"): # the callee's file only gives its name
                file = names[found[2]]
        elif line.startswith("calls="):
            is_call = True  # the next line is what the callee cost
        elif re.match(r"[+\-*\d]", line):
            words = line.split()
            if not is_call and len(words) > 1:
                costs[file] = costs.get(file, 0) + int(words[1])
            is_call = False
    return costs


def count(program, kind, requests):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--compress-strings=yes",
             "--compress-pos=no", f"--callgrind-out-file={out}", program, kind, str(requests)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return self_costs(out.read_text())


def compiler_of(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    compiler = commands[0]["command"].split()[0]
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, text=True)
    options = json.loads((build / "meson-info" / "intro-buildoptions.json").read_text())
    kind = next(option["value"] for option in options if option["name"] == "buildtype")
    return f"{version.stdout.splitlines()[0]}, {kind}"


def make():
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", BUILD, ROOT, "--buildtype=release", "-Ddebug=true"],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "test/bench/instructions"], check=True,
                   stdout=subprocess.DEVNULL)


def measure(build, kind):
    """Instructions per request: of newel's own by source file, and of the libraries beneath."""
    program = build / "test" / "bench" / "instructions"
    few, many = count(program, kind, FEW), count(program, kind, MANY)
    own, beneath = {}, 0
    for path in many:
        spent = (many[path] - few.get(path, 0)) / (MANY - FEW)
        if is_newels(path):
            short = re.search(r"src/(.*)$", path)[1]
            own[short] = own.get(short, 0) + spent
        elif path == "???":  # libraries bring no debug information
            beneath += spent
    return own, beneath


def compare(kind, figure, known):
    """False: more than the tolerance worse."""
    if kind not in known:
        print(f"{'':10}  {kind}: no figure is known for this compiler")
        return True
    growth = figure / known[kind] - 1
    print(f"{growth * 100:+9.2f}%  {kind}, against {known[kind]}")
    if growth > TOLERANCE:
        print(f"FAILED: {kind} is more than {TOLERANCE * 100:.0f} % worse")
    return growth <= TOLERANCE


def main():
    args = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
    args.add_argument("--accept", action="store_true", help="write the figures to instructions.json")
    args = args.parse_args()
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    make()
    compiler, figures, is_well = compiler_of(BUILD), {}, True
    for kind in KINDS:
        own, beneath = measure(BUILD, kind)
        figures[kind] = round(sum(own.values()), 1)
        for path, instructions in sorted(own.items(), key=lambda row: -row[1])[:12]:
            print(f"{instructions:10.1f}  {path}")
        print(f"{figures[kind]:10.1f}  of newel's own per request: {kind} "
              f"(libraries: {beneath:.0f})")
        is_well &= args.accept or compare(kind, figures[kind], known.get(compiler, {}))
        print()
    print(compiler)
    if args.accept:
        known[compiler] = figures
        BASELINE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
