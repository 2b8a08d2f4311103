"""Cache traces: the same requests in every format, and caches in a few lines that say what must come out.

The Zipf trace is made here a second time from its definition (splitmix64, xoshiro256**, a running sum and
a search), so what newel invents is compared with something else than itself.
"""

import bisect
import collections
import gzip
import json
import struct
import subprocess
import time

MASK = (1 << 64) - 1
START_S = 1767225600  # 2026-01-01T00:00:00Z


def splitmix64(state):
    while True:
        state = (state + 0x9e3779b97f4a7c15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
        yield z ^ (z >> 31)


def xoshiro(seed):
    source = splitmix64(seed)
    s = [next(source) for _ in range(4)]

    def turn(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    while True:
        yield (turn((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = turn(s[3], 45)


def zipf(keys, requests, seed=1, exponent=1.0):
    """Ranks 1..keys, in proportion to rank ** -exponent."""
    sums, total = [], 0.0
    for rank in range(1, keys + 1):
        total += rank ** -exponent if exponent != 1.0 else 1.0 / rank
        sums.append(total)
    chance = xoshiro(seed)
    return [bisect.bisect_right(sums, (next(chance) >> 11) * 2.0 ** -53 * total) + 1
            for _ in range(requests)]


def size_of(key):
    """Each object has a size of its own, 1 to 5,000 bytes."""
    return 1 + key * 7919 % 5000


# Formats


def iso(second):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + ".000Z"


def text(keys):
    return "".join(f"{key}\n" for key in keys).encode()


def csv(keys):
    """Every third key is in quotes, as some writers do."""
    lines = (f'{START_S + at // 10},{key if key % 3 else chr(34) + str(key) + chr(34)},{size_of(key)}\n'
             for at, key in enumerate(keys))
    return ("time,key,size\n" + "".join(lines)).encode()


def oracle(keys):
    return b"".join(struct.pack("<IQIq", START_S + at // 10, key, size_of(key), -1)
                    for at, key in enumerate(keys))


def logfmt(keys):
    return "".join(
        f'time={iso(START_S + at // 10)} id={at:x} client=127.0.0.1 method=GET host=shop.example '
        f'target="/item?id={key}" protocol=HTTP/1.1 status=200 request_bytes=0 bytes={size_of(key)} '
        f'duration_ms=1.250 route=/ service=app user_agent="the \\"agent\\""\n'
        for at, key in enumerate(keys)).encode()


def json_lines(keys):
    return "".join(json.dumps({
        "time": iso(START_S + at // 10), "id": f"{at:x}", "client": "127.0.0.1", "method": "GET",
        "host": "shop.example", "target": f"/item?id={key}", "protocol": "HTTP/1.1", "status": 200,
        "request_bytes": 0, "bytes": size_of(key), "duration_ms": 1.25}, separators=(",", ":")) + "\n"
        for at, key in enumerate(keys)).encode()


def common(keys):
    def when(second):
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
    return "".join(
        f'127.0.0.1 - - [{when(START_S + at // 10)}] "GET /item?id={key} HTTP/1.1" 200 {size_of(key)} '
        f'"-" "curl/7.88"\n' for at, key in enumerate(keys)).encode()


FORMATS = {"trace.txt": text, "trace.csv": csv, "trace.oracleGeneral": oracle, "logfmt.log": logfmt,
           "json.log": json_lines, "common.log": common}


def gz(data):
    return gzip.compress(data, 6, mtime=0)


def zst(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


# Caches


def fifo(keys, size):
    cache, queue, misses = set(), collections.deque(), 0
    for key in keys:
        if key in cache:
            continue
        misses += 1
        if len(cache) == size:
            cache.remove(queue.popleft())
        cache.add(key)
        queue.append(key)
    return misses


def lru(keys, size):
    cache, misses = collections.OrderedDict(), 0
    for key in keys:
        if key in cache:
            cache.move_to_end(key)
            continue
        misses += 1
        if len(cache) == size:
            cache.popitem(last=False)
        cache[key] = True
    return misses


def clock(keys, size):
    """A ring of entries with one bit each; the hand clears bits until it finds none."""
    ring, place, bits, hand, misses = [], {}, [], 0, 0
    for key in keys:
        if key in place:
            bits[place[key]] = True
            continue
        misses += 1
        if len(ring) < size:
            place[key] = len(ring)
            ring.append(key)
            bits.append(False)
            continue
        while bits[hand]:
            bits[hand] = False
            hand = (hand + 1) % size
        del place[ring[hand]]
        ring[hand], place[key] = key, hand
        hand = (hand + 1) % size
    return misses


class Sieve:
    """A list from head (newest) to tail; the hand walks from tail to head and clears bits."""

    def __init__(self, size):
        self.size, self.next, self.prev, self.bit = size, {}, {}, {}
        self.head = self.tail = self.hand = None

    def ask(self, key):
        if key in self.bit:
            self.bit[key] = True
            return True
        if len(self.bit) == self.size:
            self.evict()
        self.bit[key], self.next[key], self.prev[key] = False, self.head, None
        if self.head is not None:
            self.prev[self.head] = key
        self.head = key
        self.tail = key if self.tail is None else self.tail
        return False

    def evict(self):
        hand = self.hand if self.hand is not None else self.tail
        while self.bit[hand]:
            self.bit[hand] = False
            hand = self.prev[hand] if self.prev[hand] is not None else self.tail
        before, after = self.prev.pop(hand), self.next.pop(hand)
        if before is not None:
            self.next[before] = after
        else:
            self.head = after
        if after is not None:
            self.prev[after] = before
        else:
            self.tail = before
        del self.bit[hand]
        self.hand = before


def sieve(keys, size):
    cache = Sieve(size)
    return sum(not cache.ask(key) for key in keys)


POLICIES = {"fifo": fifo, "lru": lru, "clock": clock, "sieve": sieve}


def lru_bytes(keys, capacity, overhead=0):
    """(misses, bypassed, bytes missed) of LRU in bytes; what is larger than all of it is not kept."""
    cache, used, misses, bypassed, missed = collections.OrderedDict(), 0, 0, 0, 0
    for key in keys:
        weight = size_of(key) + overhead
        if key in cache:
            cache.move_to_end(key)
            continue
        misses += 1
        missed += size_of(key)
        if weight > capacity:
            bypassed += 1
            continue
        while used + weight > capacity:
            used -= cache.popitem(last=False)[1]
        cache[key] = weight
        used += weight
    return misses, bypassed, missed


def lru_ttl(requests, size, ttl):
    """(misses, expired) of LRU over (time, key); an age counts from the fill."""
    cache, misses, expired = collections.OrderedDict(), 0, 0
    for moment, key in requests:
        if key in cache:
            cache.move_to_end(key)
            if moment - cache[key] < ttl:
                continue
            expired += 1
        elif len(cache) == size:
            cache.popitem(last=False)
        misses += 1
        cache[key] = moment
    return misses, expired
