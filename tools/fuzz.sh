#!/bin/bash
# Runs every fuzz target for a while, two at a time: --smoke (3 s each) or --seconds N (600).
# What a target finds is left in build-fuzz/found/, new interesting inputs in build-fuzz/corpus/.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=600
case "${1:-}" in
--smoke) seconds=3 ;;
--seconds) seconds=${2:?seconds} ;;
"") ;;
*) echo "usage: tools/fuzz.sh [--smoke | --seconds N]" >&2 && exit 2 ;;
esac
dir=build-fuzz
log=$(mktemp) && trap 'rm -f "$log"' EXIT
[ -f $dir/build.ninja ] || CC=clang meson setup $dir -Dfuzz=true >"$log" ||
    { cat "$log" && exit 1; }
targets=()
for source in test/fuzz/*_fuzz.c; do
    targets+=("$(basename "$source" .c)")
done
ninja -C $dir -j2 "${targets[@]/#/test/fuzz/}" >"$log" 2>&1 || { tail -60 "$log" && exit 1; }

one() { # one TARGET: 0 when nothing was found
    local name=${1%_fuzz}
    mkdir -p "$dir/corpus/$name" $dir/found
    if $dir/test/fuzz/"$1" -max_total_time="$seconds" -max_len=4096 -timeout=5 \
        -print_final_stats=1 -artifact_prefix=$dir/found/"$name"- \
        "$dir/corpus/$name" "test/fuzz/corpus/$name" \
        >"$dir/$name.log" 2>&1; then
        echo "ok    $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log") runs"
    else
        echo "FOUND $1:" && tail -40 "$dir/$name.log" && return 1
    fi
}

status=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pids=()
    for target in "${targets[@]:i:2}"; do
        one "$target" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || status=1
    done
done
exit $status
