/*
 * sim_queue.h - one run of `newel sim queue`, from what was asked to what is reported. Internal to
 * sim_queue*.c.
 *
 * Owner:   the command; sim_queue_done frees what a scenario holds, the report borrows from it
 * Threads: main
 */
#ifndef NW_CMD_SIM_QUEUE_H
#define NW_CMD_SIM_QUEUE_H

#include "cmd/cli.h"
#include "cmd/report.h"
#include "cmd/sim_queue_table.h"
#include "model/queuesim.h"
#include "proto/trace.h"

/* Runs of two files that are compared, unless runs says otherwise. */
enum { SIM_QUEUE_PAIRS = 20 };

/* What one run says, as numbers that many runs are summed up by. */
typedef enum sim_queue_figure {
    SIM_QUEUE_DONE,
    SIM_QUEUE_LOST, /* refused, dropped, dead and expired */
    SIM_QUEUE_DEPTH_PEAK,
    SIM_QUEUE_WAIT_MEAN,
    SIM_QUEUE_WAIT_P99,
    SIM_QUEUE_EMPTY,
    SIM_QUEUE_FIGURE_COUNT,
} sim_queue_figure;

struct sim_queue {
    const char *name; /* the file, or "command line" */
    struct sim_queue_top top;
    struct nw_model_queue_spec spec;
    const char *group_names[NW_MODEL_QUEUE_GROUPS_MAX];
    struct nw_trace_columns columns; /* of a recorded trace */
    double *trace_s;
    bool is_cut; /* the trace ends within a record */
    uint64_t cut_offset;
    uint64_t bad_count;
    size_t runs;
    size_t runs_done;
    double *figures;                  /* figure x group x run, see sim_queue_figures */
    struct nw_model_queue_seen *seen; /* of the first run, one per group; or NULL */
    struct nw_model_queue_flow flows[NW_MODEL_QUEUE_GROUPS_MAX];
    bool is_stopped;       /* by Ctrl-C */
    bool is_out_of_memory; /* more messages wait than can be kept */
    struct nw_model_chart charts[NW_MODEL_QUEUE_GROUPS_MAX];
    double *points; /* of the charts */
};

/*
 * Judges what the options mean together and fills spec, group_names, columns and runs; lists lie
 * in the arena. NW_INVALID: diag has at least one error more.
 */
NW_MUST_CHECK nw_err sim_queue_want(struct sim_queue *sim, struct nw_arena *arena,
                                    struct nw_diag *diag);
void sim_queue_done(struct sim_queue *sim);

static inline double *sim_queue_figures(const struct sim_queue *sim, sim_queue_figure figure,
                                        size_t group)
{
    return sim->figures + ((size_t)figure * sim->spec.group_count + group) * sim->runs;
}

/* One scenario, or two that are compared; the caller frees it before them. */
struct report *sim_queue_report(struct sim_queue *sims, size_t count);

#endif
