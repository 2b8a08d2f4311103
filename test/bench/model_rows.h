/*
 * model_rows.h - what `make bench-model` measures, a row for each kind of work.
 *
 * An area has one file model_<area>.c with one table of rows, ended by a row without a name, and a
 * line in the list of model.c. A row's work is done `turns` times in one call; how many turns make
 * half a second of CPU time is found out by the driver. What is prepared in open() does not count.
 */
#ifndef NW_TEST_BENCH_MODEL_ROWS_H
#define NW_TEST_BENCH_MODEL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_bench_row {
    const char *name;    /* open-2: for --rows */
    const char *what;    /* a few words for the table */
    const char *unit;    /* "M solves/s", "ms"; it goes with scale */
    double scale;        /* 1e6: the figure is operations / second / scale */
    bool is_time;        /* the figure is seconds / operation / scale, and less is better */
    double expected;     /* of the figure; 0: reported only */
    const char *against; /* name of the row whose figure `expected` multiplies; NULL: none */
    void *(*open)(void); /* NULL: nothing to prepare */
    uint64_t (*run)(void *state, uint64_t turns); /* the operations that were done */
    void (*close)(void *state);                   /* NULL: nothing to undo */
};

/* Keeps the compiler from dropping work whose result nobody reads. */
static inline void nw_bench_keep(double value)
{
    __asm__ volatile("" : : "x"(value));
}

extern const struct nw_bench_row nw_bench_queueing_rows[];
extern const struct nw_bench_row nw_bench_stats_rows[];
extern const struct nw_bench_row nw_bench_plan_rows[];
extern const struct nw_bench_row nw_bench_fleet_rows[];
extern const struct nw_bench_row nw_bench_trace_rows[];
extern const struct nw_bench_row nw_bench_events_rows[];
extern const struct nw_bench_row nw_bench_cache_rows[];

#endif
