#!/bin/sh
# Installs the Debian packages that newel needs, saying which. Groups: build, test, bench, run,
# model (the peers of `make bench-model`) and cache (those of `make bench-redis`).
# On another system, or without root, it names what is missing and fails.
set -eu
group=${1:-build}

build_packages="gcc libc6-dev make meson ninja-build pkg-config python3 libssl-dev libyaml-dev
libjansson-dev libc-ares-dev libpcre2-dev libxxhash-dev libsqlite3-dev
libmicrohttpd-dev libcmocka-dev libcrypt-dev libnghttp2-dev libseccomp-dev zlib1g-dev libzstd-dev"
test_packages="clang libclang-rt-14-dev clang-format python3-pytest python3-yaml curl
gunicorn python3-flask php-cli nodejs node-ws wget wrk hey apache2-utils chromium
openssl python3-cryptography python3-h2 nghttp2-client nghttp2-server nghttp2-proxy nginx-light
haproxy testssl.sh strace libcap2-bin"
# A certificate to try things out, and the client that the example's lines are written for.
run_packages="openssl curl"
bench_packages="openssl nginx-light haproxy nghttp2-client nghttp2-server valgrind"
# What simulated caches are compared with, and how traces are packed.
cache_packages="redis-server zstd"
model_packages="g++ libns3-dev python3-simpy3"
# A nodejs of another origin brings its own npm, which Debian's package contradicts.
command -v npm >/dev/null 2>&1 || test_packages="$test_packages npm"

case $group in
build) packages=$build_packages ;;
run) packages="$build_packages $run_packages" ;;
test) packages="$build_packages $test_packages $cache_packages" ;;
bench) packages="$build_packages $bench_packages" ;;
model) packages="$build_packages $model_packages $cache_packages" ;;
cache) packages="$build_packages $cache_packages" ;;
*)
    echo "usage: tools/setup.sh build|run|test|bench|model|cache" >&2
    exit 2
    ;;
esac

missing=
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
else
    for tool in cc meson ninja pkg-config python3; do
        command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
    done
fi

# The packages of test/peers/package-lock.json, which says what each must hash to.
peers_install() {
    [ "$group" = test ] || return 0
    cd "$(dirname "$0")/../test/peers"
    cmp -s package-lock.json node_modules/.installed && return 0
    echo "setup: installing the npm packages of test/peers/package-lock.json"
    npm ci --ignore-scripts --no-audit --no-fund >/dev/null
    cp package-lock.json node_modules/.installed
}
if [ -z "$missing" ]; then
    peers_install
    exit 0
fi

echo "setup: missing packages:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: install what corresponds to these Debian packages, then try again" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        echo "setup: run as root: apt-get install -y$missing" >&2
        exit 1
    fi
fi
echo "setup: installing them with apt-get"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -q
    $as_root apt-get install -y -q --no-install-recommends $missing
}
peers_install
