/*
 * Rows of `make bench-model`: a trace from a file to the answer. A million Zipf requests over a
 * million keys lie in a file in each format; a turn opens it, reads, unpacks and parses it, interns
 * its keys, and, in the rows `file-*`, plays LRU with 10,000 objects. `read-*` stop before that.
 */
#include "model_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmd/sim_trace.h"
#include "model/cachesim.h"
#include "model/zipf.h"

enum { REQUESTS = 1000000 };

struct bench {
    char path[64];
    bool is_played;
};

static void write_line(FILE *file, nw_trace_format format, uint64_t at, uint32_t key)
{
    unsigned size = 1 + key * 7919u % 5000;
    switch (format) {
    case NW_TRACE_TEXT: fprintf(file, "%u\n", key); break;
    case NW_TRACE_CSV:
        fprintf(file, "%u,%u,%u\n", 1767225600 + (unsigned)(at / 1000), key, size);
        break;
    case NW_TRACE_ORACLE: {
        uint32_t time_s = 1767225600 + (uint32_t)(at / 1000), bytes = size;
        uint64_t id = key;
        int64_t next = -1;
        fwrite(&time_s, 4, 1, file);
        fwrite(&id, 8, 1, file);
        fwrite(&bytes, 4, 1, file);
        fwrite(&next, 8, 1, file);
        break;
    }
    default:
        fprintf(file,
                "time=2026-01-01T00:%02u:%02u.%03uZ id=%012llx client=127.0.0.1 method=GET "
                "host=shop.example target=/item/%u protocol=HTTP/1.1 status=200 request_bytes=0 "
                "bytes=%u duration_ms=1.250 first_byte_ms=1.100 route=/ service=app "
                "node=10.0.0.11:3000 attempts=1\n",
                (unsigned)(at / 60000 % 60), (unsigned)(at / 1000 % 60), (unsigned)(at % 1000),
                (unsigned long long)at, key, size);
        break;
    }
}

static void *open_file(nw_trace_format format, const char *packer, bool is_played)
{
    struct bench *bench = nw_alloc_zero(sizeof *bench);
    struct nw_model_invented what = {
        .exponent = 1, .key_count = 1000000, .seed = 1, .request_count = REQUESTS};
    struct nw_model_inventor inventor;
    char command[160];
    bench->is_played = is_played;
    strcpy(bench->path, "/tmp/newel-bench-XXXXXX");
    int fd = mkstemp(bench->path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL || nw_model_inventor_init(&inventor, &what) != NW_OK)
        exit(1);
    if (format == NW_TRACE_CSV)
        fputs("time,key,size\n", file);
    for (uint64_t i = 0; i < REQUESTS; i++)
        write_line(file, format, i, nw_model_inventor_next(&inventor));
    nw_model_inventor_done(&inventor);
    fclose(file);
    if (packer != NULL) {
        snprintf(command, sizeof command, "%s -c %s > %s.packed && mv %s.packed %s", packer,
                 bench->path, bench->path, bench->path, bench->path);
        if (system(command) != 0)
            exit(1);
    }
    return bench;
}

static uint64_t run_file(void *state, uint64_t turns)
{
    const struct bench *bench = state;
    for (uint64_t turn = 0; turn < turns; turn++) {
        struct sim_trace_options options = {
            .file = {.path = bench->path, .window_max_bytes = 1 << 27},
            .memory_max_bytes = (uint64_t)1 << 31,
        };
        struct nw_model_cache_job job = {.policy = NW_MODEL_LRU, .capacity = 10000};
        struct nw_model_cache_counts counts;
        struct sim_trace trace;
        char *why;
        if (sim_trace_read(&options, &trace, &why) != NW_OK ||
            trace.model.request_count != REQUESTS)
            exit(1);
        if (bench->is_played && nw_model_cachesim_run(&trace.model, &job, NULL, &counts) != NW_OK)
            exit(1);
        sim_trace_done(&trace);
    }
    return turns * REQUESTS;
}

static void close_file(void *state)
{
    struct bench *bench = state;
    unlink(bench->path);
    nw_free(bench);
}

#define OPEN(name, format, packer, is_played)                                                      \
    static void *open_##name(void)                                                                 \
    {                                                                                              \
        return open_file(format, packer, is_played);                                               \
    }

OPEN(read_text, NW_TRACE_TEXT, NULL, false)
OPEN(read_oracle, NW_TRACE_ORACLE, NULL, false)
OPEN(text, NW_TRACE_TEXT, NULL, true)
OPEN(csv, NW_TRACE_CSV, NULL, true)
OPEN(oracle, NW_TRACE_ORACLE, NULL, true)
OPEN(oracle_zst, NW_TRACE_ORACLE, "zstd -q", true)
OPEN(oracle_gz, NW_TRACE_ORACLE, "gzip", true)
OPEN(access, NW_TRACE_ACCESS, NULL, true)

#define ROW(row, words, open)                                                                      \
    {                                                                                              \
        row, words, "M requests/s", 1e6, false, 0, NULL, open, run_file, close_file                \
    }

const struct nw_bench_row nw_bench_trace_rows[] = {
    ROW("read-text", "a text trace, to interned columns", open_read_text),
    ROW("read-oracle", "an oracleGeneral trace, to interned columns", open_read_oracle),
    ROW("file-text", "a text trace to LRU's misses", open_text),
    ROW("file-csv", "a CSV trace to LRU's misses", open_csv),
    ROW("file-oracle", "an oracleGeneral trace to LRU's misses", open_oracle),
    ROW("file-oracle-zst", "the same packed by zstd", open_oracle_zst),
    ROW("file-oracle-gz", "the same packed by gzip", open_oracle_gz),
    ROW("file-access", "an access log (logfmt) to LRU's misses", open_access),
    {0},
};
