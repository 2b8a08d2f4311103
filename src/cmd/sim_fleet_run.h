/*
 * sim_fleet_run.h - one simulated fleet with its course kept, and many for an interval.
 *
 * The course is at most FLEET_ROWS_MAX rows, whatever the run's length: when they are full, two
 * neighbours become one. Changes of the fleet are kept beside it, each by itself.
 *
 * Owner:   fleet_course_done; files are borrowed
 * Threads: one at a time
 */
#ifndef NW_CMD_SIM_FLEET_RUN_H
#define NW_CMD_SIM_FLEET_RUN_H

#include "cmd/sim_fleet_file.h"

enum { FLEET_ROWS_MAX = 200, FLEET_CHANGES_MAX = 100000, FLEET_RUNS_MAX = 100000 };

/* Means over the row's time; nodes at its end, before what was decided there. */
struct fleet_row {
    double from_s, to_s;
    double warm, cold, coming, draining;
    double offered, served, refused; /* requests */
    double cpu_s, database_s;        /* busy part times seconds */
    double response_total_s;
    double cost;
};

struct fleet_change {
    double at_s;
    int64_t change, nodes; /* nodes after it */
    nw_model_scale_reason reason;
    nw_model_scale_bottleneck bottleneck;
};

struct fleet_course {
    struct nw_model_fleet_result result;
    struct fleet_row rows[FLEET_ROWS_MAX];
    size_t row_count;
    uint64_t periods_per_row, periods_in_last; /* of the newest row */
    struct fleet_change *changes;
    size_t change_count, change_room;
    double changes_left_out;
    nw_model_scale_reason last_brake; /* a brake is a change of the course once, when it begins */
};

/* Runs the file's fleet; Ctrl-C ends it (result.is_complete). */
NW_MUST_CHECK nw_err fleet_course_run(const struct nw_model_fleet *fleet, struct fleet_course *out);
void fleet_course_done(struct fleet_course *course);

/* What is compared over many runs. */
typedef enum fleet_measure {
    FLEET_COST,
    FLEET_NODE_HOURS,
    FLEET_PEAK_NODES,
    FLEET_END_NODES,
    FLEET_REFUSED_RATIO,
    FLEET_RESPONSE_S,
    FLEET_MEASURE_COUNT,
} fleet_measure;

double fleet_measure_of(const struct nw_model_fleet_result *result, fleet_measure measure);
/* Does a run of it draw anything? Without, every run is the same. */
bool fleet_has_chance(const struct nw_model_fleet *fleet);
/*
 * Does its rule run away whatever the load (see simulating.md)? The part of cold nodes in the mean
 * that it then keeps up goes to *out_cold_ratio.
 */
bool fleet_runs_away(const struct nw_model_fleet *fleet, double *out_cold_ratio);

struct fleet_sample {
    double *values[FLEET_MEASURE_COUNT]; /* by run */
    size_t count;                        /* runs that came to their end */
};

struct fleet_sampling {
    const struct fleet_file *const *files;
    struct fleet_sample *samples; /* one for each file */
    size_t file_count;
    size_t runs_max;
    int64_t threads;  /* 0: one for each core; the samples are the same with any number */
    uint64_t seed;    /* of the first run; the next ones count up, the same for all files */
    double precision; /* of the first file's cost, or of the differences to it; 0: all runs */
    bool is_stopped;  /* written by fleet_sample: Ctrl-C came first */
};

/*
 * All files' run 1, then all files' run 2, …: stops at Ctrl-C, or when it is precise, with the same
 * count for all. From run 10 on each is asked whether that is precise, above 100 each hundredth.
 */
NW_MUST_CHECK nw_err fleet_sample(struct fleet_sampling *sampling);
void fleet_samples_free(struct fleet_sample *samples, size_t count);

#endif
