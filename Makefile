# A thin face over meson: every target works as the first one typed.
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  := /usr/bin/python3
CONF    ?= conf/4-balanced.yaml
SEEDS   ?= 50
# For each fuzz target.
FUZZ_SECONDS ?= 600

.PHONY: build release run demo-https test test-sanitize sim bench bench-model bench-instructions bench-redis \
        bench-truncations fuzz format reference install clean setup help

build: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD) newel examples/shop/shop

help:
	@echo 'make              build/newel, and the example shop'
	@echo 'make run          serve the shop by two processes; CONF=FILE for another configuration'
	@echo 'make demo-https   HTTPS, HTTP/2, renewal, client certificates, shown by curl'
	@echo 'make test         everything that must hold; make test-sanitize: under sanitizers'
	@echo 'make sim          simulations; SEEDS=N'
	@echo 'make fuzz         fuzzers; FUZZ_SECONDS=N each'
	@echo 'make bench        beside nginx and haproxy; make bench-instructions: counted, not timed'
	@echo 'make bench-model  how fast the planner and the simulators calculate'
	@echo 'make bench-redis  simulated caches beside a Redis; make bench-truncations: traces cut 1,000 times'
	@echo 'make format       formats the lines that you changed'
	@echo 'make reference    writes docs/reference/ and the manual page from the tables'
	@echo 'make install      PREFIX=/usr/local DESTDIR='

build-release/build.ninja: | setup
	@meson setup build-release --buildtype=release -Doptimization=2 -Db_lto=true

release: build-release/build.ninja
	@ninja -C build-release

# Who runs an example needs openssl and curl, too.
PACKAGES := build
run demo-https: PACKAGES := run
setup:
	@tools/setup.sh $(PACKAGES)

# Ctrl-C reaches newel, which drains and ends.
run: build
	@exec tools/run.sh $(BUILD)/newel $(CONF)

demo-https: build
	@tools/demo_https.sh $(BUILD)

test:
	@tools/setup.sh test
	@tools/test.sh

test-sanitize:
	@tools/setup.sh test
	@tools/test.sh --sanitize

sim:
	@tools/setup.sh test
	@SEEDS=$(SEEDS) tools/test.sh --sim

bench: release
	@tools/setup.sh bench
	@$(PYTHON) test/bench/bench.py $(BENCH)

bench-model:
	@tools/setup.sh model
	@$(MAKE) release
	@$(PYTHON) test/bench/bench_model.py $(BENCH)

bench-redis: release
	@tools/setup.sh cache
	@$(PYTHON) test/bench/redis_cache.py

bench-truncations: release
	@tools/setup.sh cache
	@$(PYTHON) test/bench/truncations.py

bench-instructions:
	@tools/setup.sh bench
	@$(PYTHON) test/bench/instructions.py

fuzz:
	@tools/setup.sh test
	@tools/fuzz.sh --seconds $(FUZZ_SECONDS)

format:
	@git diff -U0 --no-color HEAD -- '*.c' '*.h' | clang-format-diff -p1 -i

reference: build
	@$(PYTHON) tools/gen_reference.py --newel $(BUILD)/newel

install: build-release/build.ninja
	@ninja -C build-release newel
	install -D -m 755 build-release/newel $(DESTDIR)$(PREFIX)/bin/newel
	install -D -m 644 docs/newel.1 $(DESTDIR)$(PREFIX)/share/man/man1/newel.1
	install -d $(DESTDIR)$(PREFIX)/share/doc/newel $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 README.md CHANGELOG.md LICENSE NOTICE $(DESTDIR)$(PREFIX)/share/doc/newel
	cp -R conf docs $(DESTDIR)$(PREFIX)/share/doc/newel
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/newel.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/newel.service

clean:
	rm -rf build build-*
