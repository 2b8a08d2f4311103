/*
 * The number of processors in the machine is not what a container may use: a quota of 1.5 cores on
 * 64 processors would get 64 workers that are throttled in turns. So affinity counts first, then
 * the tightest quota between our own control group and the root of what we can see.
 */
#include "io/limits.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 4096, PATH_MAX_BYTES = 1024 };

static struct nw_slice read_file(const char *path, char *to, size_t max_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nw_slice_of(NULL, 0);
    ssize_t bytes = read(fd, to, max_bytes);
    close(fd);
    return nw_slice_trim(nw_slice_of(to, bytes > 0 ? (size_t)bytes : 0));
}

/* The first number of a file; 0 when there is none ("max"). */
static uint64_t read_number(const char *path)
{
    char buf[FILE_MAX_BYTES];
    struct nw_slice text = read_file(path, buf, sizeof buf);
    struct nw_slice word = nw_slice_first(text, nw_slice_find(text, '\n'));
    uint64_t number;
    return nw_slice_to_u64(word, &number) == NW_OK ? number : 0;
}

uint64_t nw_limits_parse_cpu_max(struct nw_slice text)
{
    struct nw_slice quota, period, rest = text;
    uint64_t quota_us, period_us;
    if (!nw_slice_split(&rest, ' ', &quota) || nw_slice_to_u64(quota, &quota_us) != NW_OK)
        return 0;
    period = nw_slice_trim(nw_slice_first(rest, nw_slice_find(rest, '\n')));
    if (nw_slice_to_u64(period, &period_us) != NW_OK || period_us == 0)
        return 0;
    return quota_us * 1000 / period_us;
}

/* The path of our group: "0::/a/b" for v2, "4:cpu,cpuacct:/a/b" for a v1 controller. */
static bool group_path(const char *controller, char out[PATH_MAX_BYTES])
{
    char buf[FILE_MAX_BYTES];
    struct nw_slice rest = read_file("/proc/self/cgroup", buf, sizeof buf), line;
    while (nw_slice_split(&rest, '\n', &line)) {
        struct nw_slice id, names, name;
        if (!nw_slice_split(&line, ':', &id) || !nw_slice_split(&line, ':', &names))
            continue;
        bool is_ours = names.len == 0 && controller == NULL;
        while (controller != NULL && nw_slice_split(&names, ',', &name))
            is_ours = is_ours || nw_slice_eq(name, nw_slice_str(controller));
        if (is_ours) {
            snprintf(out, PATH_MAX_BYTES, "%.*s", NW_SLICE_ARG(line));
            return true;
        }
    }
    return false;
}

/* Calls limit(folder) for our group and everything above it; the least that is not 0, else 0. */
static uint64_t tightest(const char *root, const char *controller,
                         uint64_t (*limit)(const char *folder))
{
    char path[PATH_MAX_BYTES], folder[PATH_MAX_BYTES + 64];
    if (!group_path(controller, path))
        return 0;
    uint64_t least = 0;
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", root, path);
        uint64_t value = limit(folder);
        if (value != 0 && (least == 0 || value < least))
            least = value;
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static uint64_t cpu_v2(const char *folder)
{
    char path[PATH_MAX_BYTES + 128], buf[FILE_MAX_BYTES];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    return nw_limits_parse_cpu_max(read_file(path, buf, sizeof buf));
}

static uint64_t cpu_v1(const char *folder)
{
    char path[PATH_MAX_BYTES + 128];
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    uint64_t quota_us = read_number(path); /* "-1" is no number: no quota */
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    uint64_t period_us = read_number(path);
    return period_us != 0 ? quota_us * 1000 / period_us : 0;
}

static uint64_t memory_v2(const char *folder)
{
    char path[PATH_MAX_BYTES + 128];
    snprintf(path, sizeof path, "%s/memory.max", folder);
    return read_number(path);
}

static uint64_t memory_v1(const char *folder)
{
    char path[PATH_MAX_BYTES + 128];
    snprintf(path, sizeof path, "%s/memory.limit_in_bytes", folder);
    return read_number(path);
}

unsigned nw_limits_core_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t cores = online > 0 ? (uint64_t)online : 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        cores = (uint64_t)CPU_COUNT(&set);
    uint64_t quotas[] = {tightest("/sys/fs/cgroup", NULL, cpu_v2),
                         tightest("/sys/fs/cgroup/cpu", "cpu", cpu_v1)};
    for (size_t i = 0; i < NW_COUNT(quotas); i++)
        if (quotas[i] != 0 && quotas[i] / 1000 < cores)
            cores = quotas[i] / 1000;
    return cores > 0 ? (unsigned)cores : 1;
}

uint64_t nw_limits_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t bytes = 1ull << 30;
    if (pages > 0 && page_bytes > 0)
        bytes = (uint64_t)pages * (uint64_t)page_bytes;
    uint64_t limits[] = {tightest("/sys/fs/cgroup", NULL, memory_v2),
                         tightest("/sys/fs/cgroup/memory", "memory", memory_v1)};
    for (size_t i = 0; i < NW_COUNT(limits); i++)
        if (limits[i] != 0 && limits[i] < bytes)
            bytes = limits[i];
    return bytes;
}

uint64_t nw_limits_map_count(void)
{
    uint64_t count = read_number("/proc/sys/vm/max_map_count");
    return count != 0 ? count : 65530;
}
