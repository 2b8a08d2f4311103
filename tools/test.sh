#!/bin/bash
# Runs every test tree, the simplest broken thing first, and ends with "N passed, N failed".
#
#     tools/test.sh              everything, in build-test
#     tools/test.sh --sanitize   unit, sim and scenario in build-address and build-thread
#     tools/test.sh --sim        the simulations alone, with $SEEDS seeds
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
python=/usr/bin/python3
passed=0 failed=0
log=$(mktemp) && trap 'rm -f "$log"' EXIT

say() { # say NAME: a heading with the time since the start
    printf '== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
}
add() { # add PASSED FAILED
    passed=$((passed + $1)) failed=$((failed + $2))
    echo "$1 passed, $2 failed here"
}
# step NAME COMMAND…: counts as one test.
step() {
    say "$1"
    local name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $name"; fi
}
build_dir() { # build_dir DIR MESON-OPTION…
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        rm -rf "$dir"
        meson setup "$dir" "$@" >"$log" 2>&1 || { cat "$log" && return 1; }
    fi
    ninja -C "$dir" >"$log" 2>&1 && return 0
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking|Generating)' "$log" | tail -60
    return 1
}
suite() { # suite DIR MESON-TEST-OPTION…: unit and sim tests by meson
    local dir=$1
    shift
    say "unit and sim ($dir)"
    rm -f "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes 2 "$@" >"$log" 2>&1 ||
        tail -120 "$log"
    # shellcheck disable=SC2046
    add $($python tools/count_tests.py meson "$dir/meson-logs/testlog.json")
}
scenarios() { # scenarios DIR: pytest against the binary in DIR
    say "scenarios ($1)"
    rm -f "$1/scenario.xml"
    NEWEL_BUILD=$PWD/$1 $python -m pytest -q --tb=short -p no:cacheprovider \
        --junitxml="$1/scenario.xml" -o junit_logging=no test/scenario
    # shellcheck disable=SC2046
    add $($python tools/count_tests.py junit "$1/scenario.xml")
}
finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
    exit
}

case "${1:-}" in
--sanitize)
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=0
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    for kind in address,undefined thread; do
        dir=build-${kind%%,*}
        step "build under $kind" build_dir "$dir" -Db_sanitize="$kind" -Dplanted=true
        [ -x "$dir/newel" ] || continue
        suite "$dir" --timeout-multiplier 4
        scenarios "$dir"
    done
    ;;
--sim)
    step build build_dir build-test -Dplanted=true -Dwerror=true
    suite build-test --suite sim --timeout-multiplier 20
    ;;
"")
    step tidy $python tools/tidy.py
    step build build_dir build-test -Dplanted=true -Dwerror=true
    step "reference pages" $python tools/gen_reference.py --newel build-test/newel --check
    suite build-test
    step "fuzz smoke" tools/fuzz.sh --smoke
    scenarios build-test
    ;;
*)
    echo "usage: tools/test.sh [--sanitize | --sim]" >&2
    exit 2
    ;;
esac
finish
