#!/usr/bin/python3
"""The ring of ring.h as SimPy processes, as rows of bench_model.py.

    simpy_events.py --list | ROW
"""
import json
import random
import sys
import time

import simpy

STATIONS = (64, 1024, 16384)
EVENTS = 200_000


def measure(station_count):
    env, draw = simpy.Environment(), random.Random(1).expovariate
    stores = [simpy.Store(env) for _ in range(station_count)]
    left = [EVENTS]

    def station(i):
        inbox, outbox = stores[i], stores[(i + 1) % station_count]
        while left[0] > 0:
            job = yield inbox.get()
            yield env.timeout(draw(1.0))
            left[0] -= 1
            outbox.put(job)

    for i in range(station_count):
        stores[i].items.extend([i, i])
        env.process(station(i))
    before = time.process_time()
    env.run()
    print(json.dumps({"operations": EVENTS - left[0], "cpu_s": time.process_time() - before}))


def main():
    names = {f"simpy-{count}": count for count in STATIONS}
    if len(sys.argv) != 2 or sys.argv[1] not in {"--list", *names}:
        return 2
    if sys.argv[1] != "--list":
        measure(names[sys.argv[1]])
        return 0
    for name, count in names.items():
        print(json.dumps({"name": name, "what": f"SimPy 3: ring of {count:,} stations",
                          "unit": "M events/s", "scale": 1e6, "is_time": False, "expected": 0,
                          "against": ""}))
    return 0


sys.exit(main())
