# A thin face over meson: every target works as the first one typed.
BUILD   ?= build
PREFIX  ?= /usr/local
PYTHON  := /usr/bin/python3
CONF    ?= conf/4-balanced.yaml
SEEDS   ?= 50
# For each fuzz target.
FUZZ_SECONDS ?= 600

.PHONY: build release run test test-sanitize sim bench bench-instructions fuzz format install clean setup

build: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD)

release: setup
	@test -f build-release/build.ninja || meson setup build-release --buildtype=release -Doptimization=2 -Db_lto=true
	@ninja -C build-release

setup:
	@tools/setup.sh build

test: setup
	@tools/setup.sh test
	@tools/test.sh

test-sanitize: setup
	@tools/setup.sh test
	@tools/test.sh --sanitize

bench: release
	@tools/setup.sh bench
	@$(PYTHON) test/bench/bench.py $(BENCH)
fuzz: setup
	@tools/setup.sh test
	@tools/fuzz.sh --seconds $(FUZZ_SECONDS)

clean:
	rm -rf build build-*
