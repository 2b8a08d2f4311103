#!/bin/bash
# Runs every test tree, the simplest broken thing first, and ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
python=/usr/bin/python3
passed=0 failed=0

# count TEXTFILE: adds meson's or pytest's own totals to ours.
count_meson() {
    local ok bad
    ok=$(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$1" | tail -1)
    bad=$(awk '/^(Fail|Unexpected Pass|Timeout): / {n += $2 ~ /^[0-9]+$/ ? $2 : $3} END {print n + 0}' "$1")
    passed=$((passed + ${ok:-0})) failed=$((failed + bad))
}
count_pytest() {
    local line ok bad
    line=$(grep -E '^=* ?.*(passed|failed|error).* in [0-9.]+' "$1" | tail -1)
    ok=$(grep -oE '[0-9]+ passed' <<<"$line" | cut -d' ' -f1)
    bad=$(grep -oE '[0-9]+ (failed|errors?)' <<<"$line" | awk '{n += $1} END {print n + 0}')
    passed=$((passed + ${ok:-0})) failed=$((failed + bad))
}
# step NAME COMMAND…: a step without totals of its own counts as one test.
step() {
    local name=$1
    shift
    echo "== $name"
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $name"; fi
}
build_dir() { # build_dir DIR MESON-OPTION…
    local dir=$1
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" >"/tmp/newel-setup.$$" || {
        cat "/tmp/newel-setup.$$"
        return 1
    }
    rm -f "/tmp/newel-setup.$$"
    ninja -C "$dir" >"$dir/build.log" || {
        grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking)' "$dir/build.log" | tail -60
        return 1
    }
}
suite() { # suite DIR: unit and sim tests by meson
    local out
    out=$(mktemp)
    meson test -C "$1" --no-rebuild --print-errorlogs --num-processes 2 >"$out" 2>&1 || tail -80 "$out"
    grep -E '^(Ok|Fail|Timeout): ' "$out"
    count_meson "$out"
    rm -f "$out"
}
scenarios() { # scenarios DIR: pytest against the binary in DIR
    [ -d test/scenario ] || return 0
    local out
    out=$(mktemp)
    NEWEL_BUILD=$PWD/$1 $python -m pytest -q -x --maxfail=5 -p no:cacheprovider test/scenario 2>&1 | tee "$out"
    [ "${PIPESTATUS[0]}" = 0 ] || [ "$(grep -cE '[0-9]+ (failed|error)' "$out")" != 0 ] ||
        { failed=$((failed + 1)) && echo "FAILED: pytest did not run"; }
    count_pytest "$out"
    rm -f "$out"
}
finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
    exit
}

if [ "${1:-}" = --sanitize ]; then
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=0
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    for kind in address,undefined thread; do
        dir=build-${kind%%,*}
        echo "== sanitizer: $kind"
        if build_dir "$dir" -Db_sanitize="$kind" -Dplanted=true; then
            suite "$dir"
            scenarios "$dir"
        else
            failed=$((failed + 1))
        fi
    done
    finish
fi

[ ! -f tools/tidy.py ] || step tidy $python tools/tidy.py
step build build_dir build -Dplanted=true -Dwerror=true
suite build
[ ! -f tools/fuzz.sh ] || step "fuzz smoke" tools/fuzz.sh --smoke
scenarios build
finish
