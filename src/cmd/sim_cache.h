/*
 * sim_cache.h - one run of `newel sim cache`, from what was asked to what is reported. Internal to
 * sim_cache*.c.
 *
 * Owner:   struct sim_cache, freed by sim_cache.c; the report borrows from it
 * Threads: main
 */
#ifndef NW_CMD_SIM_CACHE_H
#define NW_CMD_SIM_CACHE_H

#include "cmd/cli.h"
#include "cmd/report.h"
#include "cmd/sim_cache_run.h"
#include "cmd/sim_cache_table.h"
#include "cmd/sim_trace.h"
#include "model/zipf.h"

enum { SIM_CACHE_SIZES_MAX = 64, SIM_CACHE_CURVE_SIZES = 50 };

/* What was asked, judged. */
struct sim_cache_want {
    const struct sim_cache_top *top;
    nw_model_policy policies[NW_MODEL_POLICY_COUNT];
    size_t policy_count;
    struct nw_conf_share sizes[SIM_CACHE_SIZES_MAX]; /* as given */
    size_t size_count;
    bool is_in_bytes;
    bool is_invented;
    struct nw_trace_columns columns;
    struct nw_model_invented invented; /* but for counts that do not fit, see below */
    double keys; /* of the law and of the scan together, and requests, as they were asked for */
    double requests;
    uint64_t ttl_us;
};

/* The miss-ratio curve of LRU. */
struct sim_cache_curve {
    uint64_t sizes[SIM_CACHE_CURVE_SIZES];
    double x[SIM_CACHE_CURVE_SIZES]; /* the same, for the chart */
    double exact[SIM_CACHE_CURVE_SIZES];
    double estimate[SIM_CACHE_CURVE_SIZES];
    size_t count;
    bool is_wanted;
    bool has_exact; /* not with a time to live, nor when it does not fit into memory */
    bool has_estimate;
    const char *why_no_exact;
};

struct sim_cache {
    const char *name; /* of the scenario, for messages */
    struct sim_cache_want want;
    struct sim_trace trace;              /* of an invented one only `model` */
    uint64_t sizes[SIM_CACHE_SIZES_MAX]; /* in objects or bytes, ascending, each once */
    size_t size_count;
    struct nw_model_cache_job *jobs; /* size by size, and in each by policy */
    struct nw_model_cache_counts *counts;
    bool *is_done;
    uint64_t *played;
    size_t job_count;
    bool is_stopped; /* by Ctrl-C */
    struct sim_cache_curve curve;
    struct nw_model_chart chart; /* of the report, with its points */
    double *points;
};

/*
 * Judges what the options mean together and fills *out. NW_INVALID: diag has at least one error
 * more.
 */
NW_MUST_CHECK nw_err sim_cache_want(const struct sim_cache_top *top, const char *name,
                                    struct nw_diag *diag, struct sim_cache_want *out);
/* The sizes of the cache in objects or bytes for this trace. */
void sim_cache_resolve(struct sim_cache *sim);

/* The whole report; the caller frees it before the simulation. */
struct report *sim_cache_report(struct sim_cache *sim);

#endif
