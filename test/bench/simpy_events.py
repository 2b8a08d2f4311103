#!/usr/bin/python3
"""The ring of ring.h as SimPy processes: events per second of CPU time.

    simpy_events.py STATIONS EVENTS
"""
import random
import sys
import time

import simpy


def main(station_count, event_count):
    env, draw = simpy.Environment(), random.Random(1).expovariate
    stores = [simpy.Store(env) for _ in range(station_count)]
    left = [event_count]

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
    print(f"{event_count / (time.process_time() - before):.0f}")


main(int(sys.argv[1]), int(sys.argv[2]))
