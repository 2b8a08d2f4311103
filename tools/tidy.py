#!/usr/bin/python3
"""Checks what a machine can check of the house style. Each finding is `file:line: sentence`.

    tools/tidy.py            the whole tree, exit 1 when something was found
    tools/tidy.py --list     names the checks

A check is a generator over the tree; CHECKS at the end lists them. C text is judged after comments
and strings are blanked out (same length, same lines), by patterns that know this tree's layout:
definitions begin in column 0 and their braces stand alone there.
"""
import functools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE_MAX, PYTHON_LINE_MAX, FUNCTION_MAX, FILE_MAX, README_MAX = 100, 110, 70, 800, 60
WORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined", "else", "do", "case"}

# Calls that have one home. (pattern of names, where they may stand, what to do instead)
BANNED = [
    ("strcpy strcat sprintf vsprintf gets strtok alloca", [],
     "has no bound: use base/text.h or a slice"),
    ("atoi atol atoll", ["src/io/system.c", "src/io/limits.c"],
     "hides errors: use the parsers of base/text.h or conf/value.h"),
    ("rand srand random drand48 getrandom", ["src/io/"], "is not seeded by us: use nw_worker_rng"),
    ("time clock_gettime gettimeofday localtime gmtime sleep usleep nanosleep", ["src/io/"],
     "reads the clock: use io/clock.h or nw_sleep_ms, which tests can move"),
    ("getaddrinfo gethostbyname", ["nowhere"], "blocks the worker: use nw_io_resolve"),
    ("malloc calloc realloc reallocarray strdup strndup asprintf vasprintf",
     ["src/base/alloc.c", "src/io/"],
     "can fail and be forgotten: use base/alloc.h, arena.h or pool.h"),
    ("socket socketpair bind listen accept accept4 connect send sendto sendmsg recv recvfrom "
     "recvmsg setsockopt getsockopt shutdown epoll_ctl epoll_wait eventfd timerfd_create signalfd "
     "pipe2",
     ["src/io/", "src/base/log.c"], "is a socket call: it belongs to io/"),
    ("open openat creat fopen freopen read pread readv write pwrite writev fsync fdatasync rename "
     "unlink mkdir rmdir opendir mmap munmap fork execve execvp posix_spawn waitpid",
     ["src/io/", "src/base/log.c", "src/base/log_file.c", "src/base/secret.c"],
     "touches files or processes: it belongs to io/"),
]
MUTABLE_ALLOWED = {"src/io/worker.c", "src/io/console.c", "src/base/planted.c", "src/base/log.c",
                   "src/io/tls_roots.c"}


def run(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as error: # a source tree without git, a machine without it
        return subprocess.CompletedProcess(command, 127, "", str(error))


@functools.cache
def files():
    """What belongs to the tree: everything that git would keep."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        names = [n for n in names if not re.match(r"(\.git|build[^/]*|newel-data)/|.*\bnode_modules/", n)]
    return sorted(name for name in set(names) if (ROOT / name).is_file())


@functools.cache
def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


@functools.cache
def lines_of(name):
    return text_of(name).split("\n")


def c_files(*prefixes, ends=(".c", ".h")):
    prefixes = prefixes or ("src/", "test/", "examples/")
    return [name for name in files() if name.startswith(prefixes) and name.endswith(ends)]


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    found = match.group(0)
    if found[0] in "\"'":
        return found[0] + " " * (len(found) - 2) + found[0]
    return re.sub(r"[^\n]", " ", found)


@functools.cache
def code_of(name):
    """The file's text with comments and the inside of literals blanked."""
    return TOKEN.sub(blank, text_of(name))


@functools.cache
def code_lines(name):
    return code_of(name).split("\n")


HEAD = re.compile(r"^(?P<head>[A-Za-z_][^;{}#=]*?\b(?P<name>\w+)\((?:[^;{}#]*)\))\s*\n\{\n", re.M)


class Function:
    def __init__(self, name, head, first, last, body, body_line):
        self.name, self.head, self.first, self.last = name, head, first, last
        self.body, self.body_line = body, body_line


@functools.cache
def functions_of(name):
    """Definitions: head from column 0, `{` and `}` alone in column 0."""
    code, found = code_of(name), []
    for match in HEAD.finditer(code):
        end = code.find("\n}", match.end() - 1)
        if end < 0:
            continue
        head = match.group("head")
        called = re.search(r"\b(\w+)\s*\(", re.sub(r"__attribute__\(\(.*?\)\)|NW_PRINTF\([^)]*\)",
                                                     "", head))
        found.append(Function(called.group(1) if called else match.group("name"), head,
                              code.count("\n", 0, match.start()) + 1, code.count("\n", 0, end) + 2,
                              code[match.end():end], code.count("\n", 0, match.end()) + 1))
    return found


# ---- layers ----

@functools.cache
def layers():
    table = {}
    for line in (ROOT / "tools/layers.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            table[words[0]] = (int(words[1]), set(words[2:]))
    return table


def check_layers():
    """A folder includes itself and smaller numbers; from layer 3 up only another folder's face."""
    for name in c_files("src/", ends=(".c", ".h", ".S")):
        folder = name.split("/")[1]
        if folder not in layers():
            yield name, 1, f"folder {folder} has no line in tools/layers.txt"
            continue
        own, _ = layers()[folder]
        for number, line in enumerate(lines_of(name), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target, _, header = match.group(1).partition("/")
            if not header:
                yield name, number, f'"{target}" is spelled without its folder'
            elif target not in layers():
                yield name, number, f"{target} has no line in tools/layers.txt"
            elif target != folder:
                level, faces = layers()[target]
                if level >= own:
                    yield name, number, (f"{folder} (layer {own}) must not include {target} "
                                         f"(layer {level})")
                elif "*" not in faces and header not in faces:
                    yield name, number, f"{target}/{header} is inside {target}: include its face"


# ---- sizes ----

def check_lengths():
    """Lines of 100 columns (Python 110), files of 800 lines, functions of 70."""
    for name in files():
        if not name.endswith((".c", ".h", ".def", ".S", ".py", ".sh")):
            continue
        lines = lines_of(name)
        if len(lines) > FILE_MAX + 1:
            yield name, FILE_MAX, f"the file has {len(lines) - 1} lines, at most {FILE_MAX}"
        columns_max = PYTHON_LINE_MAX if name.endswith(".py") else LINE_MAX
        if not name.endswith(".def"):  # rows of a table: its help text stands on one line
            for number, line in enumerate(lines, 1):
                if len(line) > columns_max:
                    yield name, number, f"the line has {len(line)} columns, at most {columns_max}"
        for number, line in enumerate(lines, 1):
            if line.rstrip() != line:
                yield name, number, "space at the end of the line"
            elif "\t" in line and name.endswith((".c", ".h")):
                yield name, number, "a tab: indentation is four spaces"
    for name in c_files(ends=(".c", ".h")):
        for function in functions_of(name):
            length = function.last - function.first + 1
            if length > FUNCTION_MAX:
                yield name, function.first, (f"{function.name} has {length} lines, at most "
                                             f"{FUNCTION_MAX}")


# ---- what may be called where ----

def check_banned():
    """Clocks, files, sockets, randomness and malloc have one home each."""
    rules = [(re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\("), homes, why)
             for names, homes, why in BANNED]
    for name in c_files("src/"):
        for pattern, homes, why in rules:
            if any(name.startswith(home) for home in homes):
                continue
            for number, line in enumerate(code_lines(name), 1):
                match = pattern.search(line)
                if match and not re.match(r"\s*#\s*define", line):
                    yield name, number, f"{match.group(1)}() {why}"
    for name in c_files("src/"):
        if name in ("src/base/alloc.c",) or name.startswith("src/io/"):
            continue
        for number, line in enumerate(code_lines(name), 1):
            says_why = "library" in lines_of(name)[number - 1]
            if re.search(r"(?<![\w.>])free\s*\(", line) and not says_why:
                yield name, number, ("free() frees what a library made, and says so in a comment: "
                                     "use nw_free")


STATIC = re.compile(
    r"^\s*(?:static|_Thread_local|__thread)\b(?P<rest>[^;={(]*)(?P<end>[;={(])", re.M)


def check_statics():
    """State lives in objects: no mutable statics, no thread-locals."""
    for name in c_files("src/"):
        if name in MUTABLE_ALLOWED:
            continue
        code = code_of(name)
        for match in STATIC.finditer(code):
            number = code.count("\n", 0, match.start(0) + len(match.group(0)) -
                                len(match.group(0).lstrip())) + 1
            rest = match.group("rest")
            if "__thread" in match.group(0) or "_Thread_local" in match.group(0):
                yield name, number, "a thread-local: only src/io/worker.c has one"
            elif match.group("end") != "(" and not re.search(r"\bconst\b", rest):
                yield name, number, "a mutable static: state lives in an object"


# ---- contracts ----

def check_contracts():
    """A header is a contract, a source file opens with its idea."""
    for name in c_files():
        lines = lines_of(name)
        first = next((i for i, line in enumerate(lines) if line.strip()), 0)
        if not lines[first].startswith("/*"):
            yield name, first + 1, "the file does not open with a comment"
            continue
        if not name.endswith(".h"):
            continue
        opening = text_of(name).split("*/")[0]
        base = name.rsplit("/", 1)[1]
        if not re.search(rf"^ \* {re.escape(base)} - ", opening, re.M):
            yield name, 2, f"the contract does not begin with `{base} - `"
        for word in ("Owner:", "Threads:"):
            if word not in opening and not name.startswith("test/"):
                yield name, 2, f"the contract does not say `{word}`"
        yield from guard_findings(name)


def guard_findings(name):
    match = re.search(r"^#ifndef (\w+)\n#define (\w+)\n", text_of(name), re.M)
    if not match:
        yield name, 1, "no include guard"
    elif name.startswith("src/"):
        want = "NW_" + re.sub(r"\W", "_", name[len("src/"):]).upper()
        if match.group(1) != want or match.group(2) != want:
            number = text_of(name).count("\n", 0, match.start()) + 1
            yield name, number, f"the include guard is {match.group(1)}, not {want}"


def check_readmes():
    """Each folder explains itself on one page."""
    folders = set()
    for name in files():
        parts = name.split("/")
        if len(parts) > 2 and parts[0] in ("src", "examples", "test") and parts[1] != "unit":
            folders.add("/".join(parts[:2]))
    # A folder that holds only its list of sources has nothing to explain yet.
    for folder in sorted(folders):
        held = [n for n in files() if n.startswith(folder + "/") and not n.endswith("meson.build")]
        page = folder + "/README.md"
        if not (ROOT / page).is_file():
            if len(held) > 1:
                yield page, 1, f"{folder} has no README.md"
        elif len(lines_of(page)) > README_MAX + 1:
            yield page, README_MAX, f"{len(lines_of(page)) - 1} lines, at most {README_MAX}"


# ---- who may yield ----

@functools.cache
def yielding():
    """Names of exported functions, and of function-pointer members, that are declared NW_YIELDS."""
    functions, members, plain = set(), set(), set()
    for name in c_files("src/"):
        code = re.sub(r"^\s*#.*$", "", code_of(name), flags=re.M)
        for match in re.finditer(r"[^;{}]*[;{]", code):
            text = " ".join(match.group(0).split())
            declared = re.search(r"(?:\(\*(\w+)\)|\b(?!NW_|__)(\w+)(?=\s*\((?!\*)))\s*\(", text)
            if not declared:
                continue
            member, function = declared.groups()
            if member:
                (members if "NW_YIELDS" in text else plain).add(member)
            elif "NW_YIELDS" in text and name.endswith(".h"):
                functions.add(function)
    return functions, members - plain


def marked_here(name):
    """Names that this file marks itself, and those that it defines without a mark."""
    code, marked, unmarked = code_of(name), set(), set()
    for match in re.finditer(r"^NW_YIELDS\b[^;{}]*?\b(?!NW_)(\w+)\s*\(", code, re.M):
        marked.add(match.group(1))
    for function in functions_of(name):
        if function.name not in marked and re.search(r"\bstatic\b", function.head):
            unmarked.add(function.name)
    return marked, unmarked - marked


CALL = re.compile(r"(?P<member>(?:->|\.)\s*)?\b(?P<name>[A-Za-z_]\w*)\s*\(")


def check_yields():
    """A function that calls one marked NW_YIELDS is marked itself, or says: cannot yield here."""
    exported, members = yielding()
    for name in c_files("src/"):
        marked, unmarked = marked_here(name)
        yields = (exported | marked) - unmarked
        for function in functions_of(name):
            if function.name in yields or "NW_YIELDS" in function.head or function.name == "main":
                continue
            for call in CALL.finditer(function.body):
                called = call.group("name")
                if called in WORDS:
                    continue
                if called in (members if call.group("member") else yields):
                    number = function.body_line + function.body.count("\n", 0, call.start("name"))
                    if "cannot yield here" in lines_of(name)[number - 1]:
                        continue
                    yield name, number, (f"{function.name} calls {called}, which may yield, and is "
                                         "not marked NW_YIELDS")
                    break


# ---- words ----

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b|\bnot yet implemented\b|\bstubs?\b",
                        re.I)
PLACES = re.compile(r"(?<![\w.])(/home/\w|/root/|/tmp/\w+/\w)")


def check_words():
    """Nothing unfinished, and no path of somebody's machine."""
    for name in files():
        if name in ("tools/tidy.py", "LICENSE") or "/corpus/" in name:
            continue
        if not name.endswith((".c", ".h", ".def", ".py", ".sh", ".md", ".yaml", ".build", ".S")):
            continue
        for number, line in enumerate(lines_of(name), 1):
            match = UNFINISHED.search(line)
            if match and not re.search(r"stub resolver", line):
                yield name, number, f"`{match.group(0)}`: finish it or leave it out"
            match = PLACES.search(line)
            if match:
                yield name, number, f"`{match.group(0)}`: a path of one machine"


def check_links():
    """Relative links and files named in pages exist."""
    for name in files():
        if not name.endswith(".md"):
            continue
        folder = (ROOT / name).parent
        for number, line in enumerate(lines_of(name), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (folder / target).exists():
                    yield name, number, f"the link {target} leads nowhere"


def check_tests_run():
    """Every test file is listed for meson, every fuzz target too."""
    for name in files():
        match = re.match(r"test/(?:unit/\w+|sim|fuzz)/(\w+)_(test|fuzz)\.c$", name)
        if not match:
            continue
        meson = name.rsplit("/", 1)[0] + "/meson.build"
        listed = text_of(meson) if (ROOT / meson).is_file() else ""
        # As a whole word; with the kind of test in it where a folder has several kinds.
        base = re.sub(r"_sim$", "", match.group(1))
        if not re.search(rf"['/ ]{base}(_{match.group(2)}(\.c)?)?['\s]", listed):
            yield name, 1, f"no line of {meson} builds it"


def findings_of(script, page):
    """What a script of its own has to say about a page."""
    if (ROOT / script).is_file():
        result = run(sys.executable, str(ROOT / script))
        if result.returncode != 0:
            for line in (result.stdout + result.stderr).strip().splitlines():
                yield page, 1, line


def check_strictness():
    """Each strictness class has its row in the reference and its tests."""
    yield from findings_of("tools/check_strictness.py", "docs/reference/http-strictness.md")


def check_conformance():
    """Each row of the HTTP/2 reference has its test, and each test its row."""
    yield from findings_of("tools/check_conformance.py", "docs/reference/http2-conformance.md")


CHECKS = [check_layers, check_lengths, check_banned, check_statics, check_contracts, check_readmes,
          check_yields, check_words, check_links, check_tests_run, check_strictness,
          check_conformance]


def main():
    if "--list" in sys.argv:
        for check in CHECKS:
            print(f"{check.__name__[len('check_'):]:12} {check.__doc__}")
        return 0
    count = 0
    for check in CHECKS:
        for name, number, sentence in check():
            print(f"{name}:{number}: {sentence}")
            count += 1
    if count:
        print(f"tidy: {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
