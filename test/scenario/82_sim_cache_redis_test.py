"""A simulated cache against a real one: Redis, filled cache-aside by the same requests."""

import json

import pytest

from kit import traces
from kit.newel import run
from kit.redis import Redis, cache_aside

KEYS = traces.zipf(100_000, 300_000, seed=11)
WARMUP = 150_000


@pytest.mark.parametrize("memory_bytes", [1_700_000, 2_300_000, 3_000_000])
def test_random_eviction_hits_as_often_as_fifo(tmp_path, memory_bytes):
    """Requests do not depend on each other, and then random eviction and FIFO have the same hit ratio."""
    redis = Redis(tmp_path, memory_bytes, "allkeys-random")
    try:
        hits, held = cache_aside(redis, KEYS, WARMUP)
    finally:
        redis.close()
    assert 2_000 < held < 15_000, held
    trace = tmp_path / "trace.txt"
    trace.write_bytes(traces.text(KEYS))
    result = run("sim", "cache", "--trace", trace, "--policy", "fifo,lru", "--size", round(held),
                 "--warmup", WARMUP, "--json")
    assert result.returncode == 0, result
    fifo, lru = (1 - one["miss_ratio"] for one in json.loads(result.stdout)["runs"])
    measured = hits / (len(KEYS) - WARMUP)
    assert abs(measured - fifo) < .01, (measured, fifo, held)
    assert lru - measured > .02  # it is not just any policy that agrees
