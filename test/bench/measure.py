"""What a process costs: CPU nanoseconds and resident bytes, summed over it and its descendants.

CPU comes from /proc/PID/task/*/schedstat, whose first field is nanoseconds on a core; the ticks of
/proc/PID/stat would be 10 ms each. The kernel brings the field up to date when a thread leaves the
core, so it is read only while the process rests. Threads that ended are not in it: none of the
processes measured here ends a thread while it serves.

Memory is Pss_Anon and Pss_Shmem of smaps_rollup, which walks the page tables and is exact; VmRSS is
a sum of per-core counters and may be some hundred KiB off. Pages of files are left out, because the
share of libc that falls to a process changes whenever a stranger starts or ends; so are kernel
buffers. A newel that nobody may look into shows its smaps to root alone; for others the counters of
/proc/PID/status have to do.
"""

import os
import pathlib
import statistics


def tree(pid):
    """The process and all its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_text()
            except OSError:
                continue  # ended since the listing
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for candidate in found:
        found += [child for child, parent in parents.items() if parent == candidate]
    return found


def cpu_ns(pids):
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_bytes(pids):
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except PermissionError:
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
        for line in text.splitlines():
            if line.startswith(("Pss_Anon:", "Pss_Shmem:", "RssAnon:", "RssShmem:")):
                total += int(line.split()[1]) * 1024
    return total


def spread(values):
    """(max - min) / median: how far apart the rounds lie."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def machine():
    """What a reader must know to compare two reports."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    congestion = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return {
        "kernel": os.uname().release,
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "congestion_control": congestion,
    }
