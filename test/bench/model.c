/*
 * model - does one row's work of `make bench-model` and says what it cost.
 *
 *     model --list    one JSON line for each row
 *     model ROW       {"operations": N, "cpu_s": S}
 *
 * The cost is CPU time of this process, user and system. A row is tried with twice as many turns
 * until it takes a tenth of a second, which warms caches and branch predictors too, and then
 * measured once over half a second. test/bench/bench_model.py runs the rows in turn.
 */
#include "model_rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WARM_S 0.1
#define MEASURE_S 0.5

static const struct nw_bench_row *const tables[] = {
    nw_bench_queueing_rows, nw_bench_stats_rows, nw_bench_plan_rows,  nw_bench_fleet_rows,
    nw_bench_events_rows,   nw_bench_cache_rows, nw_bench_trace_rows,
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void list_print(const struct nw_bench_row *row)
{
    printf("{\"name\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", \"scale\": %g, \"is_time\": %s, "
           "\"expected\": %g, \"against\": \"%s\"}\n",
           row->name, row->what, row->unit, row->scale, row->is_time ? "true" : "false",
           row->expected, row->against ? row->against : "");
}

/* False when the row did nothing. */
static bool row_measure(const struct nw_bench_row *row)
{
    void *state = row->open ? row->open() : NULL;
    uint64_t turns = 1, operations = 0;
    double spent_s = 0;
    do {
        double before_s = cpu_s();
        operations = row->run(state, turns);
        spent_s = cpu_s() - before_s;
        if (spent_s < WARM_S)
            turns *= 2;
        else if (spent_s < MEASURE_S)
            turns = (uint64_t)((double)turns * MEASURE_S * 1.1 / spent_s) + 1;
    } while (operations > 0 && spent_s < MEASURE_S);
    if (row->close)
        row->close(state);
    if (operations == 0) {
        fprintf(stderr, "model: %s did nothing\n", row->name);
        return false;
    }
    printf("{\"operations\": %llu, \"cpu_s\": %.9f}\n", (unsigned long long)operations, spent_s);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: model --list | ROW\n");
        return 2;
    }
    bool is_list = strcmp(argv[1], "--list") == 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct nw_bench_row *row = tables[i]; row->name; row++) {
            if (is_list) {
                list_print(row);
            } else if (strcmp(argv[1], row->name) == 0) {
                return row_measure(row) ? 0 : 1;
            }
        }
    }
    if (!is_list)
        fprintf(stderr, "model: no row is called %s\n", argv[1]);
    return is_list ? 0 : 2;
}
