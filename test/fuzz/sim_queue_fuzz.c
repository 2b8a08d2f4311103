/*
 * Queue scenarios: whatever the bytes, reading ends with a verdict and says something when it
 * refuses. What is accepted is played and computed, with fewer messages so that it ends: the counts
 * balance at the end, no number is anything but finite, and the two engines agree on how many
 * messages there were.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cmd/sim_queue.h"

enum { COUNT_MAX = 300, BACKLOG_MAX = 100, EVENT_MAX = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_seen(const struct nw_model_queue_seen *seen)
{
    const struct nw_model_queue_counts *at = &seen->counts;
    NW_ASSERT(at->arrived == at->done + at->refused + at->dropped + at->dead + at->expired +
                                 at->blocked + at->waiting + at->serving);
    const double numbers[] = {seen->depth_mean, seen->serving_mean, seen->wait_s_mean,
                              seen->wait_s_p50, seen->wait_s_p99,   seen->wait_s_max,
                              seen->stay_s_max, seen->block_s_mean, seen->block_s_max,
                              seen->wait.mean,  seen->wait.half,    seen->wait.longer,
                              seen->empty_s,    seen->depth_peak_s};
    for (size_t i = 0; i < NW_COUNT(numbers); i++)
        NW_ASSERT(isfinite(numbers[i]) && numbers[i] >= 0);
    NW_ASSERT(seen->wait_s_p50 <= seen->wait_s_p99 && seen->wait_s_p99 <= seen->wait_s_max);
    NW_ASSERT(seen->bin_count <= NW_MODEL_QUEUE_BINS);
}

static void play(const struct nw_model_queue_spec *spec)
{
    struct nw_model_queuesim *sim;
    struct nw_model_queue_seen seen;
    NW_ASSERT(nw_model_queuesim_new(spec, &sim) == NW_OK);
    nw_err err = nw_model_queuesim_play(sim, EVENT_MAX);
    NW_ASSERT(err == NW_OK || err == NW_AGAIN);
    for (size_t g = 0; g < spec->group_count; g++) {
        nw_model_queuesim_look(sim, g, &seen);
        check_seen(&seen);
        NW_ASSERT(err == NW_AGAIN || spec->precision > 0 ||
                  seen.counts.arrived == spec->count + spec->backlog);
    }
    nw_model_queuesim_free(sim);
}

static void flow(const struct nw_model_queue_spec *spec)
{
    struct nw_model_queue_flow flows[NW_MODEL_QUEUE_GROUPS_MAX];
    NW_ASSERT(nw_model_queue_flow_solve(spec, flows) == NW_OK);
    for (size_t g = 0; g < spec->group_count; g++) {
        const struct nw_model_queue_flow *at = &flows[g];
        double all = at->done + at->refused + at->dropped + at->dead + at->expired;
        NW_ASSERT(fabs(all - at->arrived) <= 1e-3 * (1 + at->arrived));
        NW_ASSERT(at->arrived == (double)(spec->count + spec->backlog));
        NW_ASSERT(isfinite(at->wait_s_max) && isfinite(at->wait_s_mean) && isfinite(at->empty_s));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_queue sim = {.name = "fuzz.yaml"};
    struct nw_arena arena;
    struct nw_diag diag;
    nw_arena_init(&arena, NULL, 0, 64 << 20);
    nw_diag_init(&diag);
    nw_err err = nw_conf_table_load(nw_slice_of((const char *)data, size), sim.name,
                                    &sim_queue_tables, NULL, &arena, &diag, &sim.top);
    if (sim.top.block.tree != NULL && sim_queue_want(&sim, &arena, &diag) != NW_OK)
        err = NW_INVALID;
    NW_ASSERT((err == NW_OK) == (diag.error_count == 0));
    if (err == NW_OK && sim.top.trace.len == 0) {
        NW_ASSERT(nw_model_queue_spec_judge(&sim.spec) == NULL);
        if (sim.spec.count > COUNT_MAX)
            sim.spec.count = COUNT_MAX;
        if (sim.spec.backlog > BACKLOG_MAX)
            sim.spec.backlog = BACKLOG_MAX;
        play(&sim.spec);
        flow(&sim.spec);
    }
    sim_queue_done(&sim);
    nw_diag_done(&diag);
    nw_arena_done(&arena);
    return 0;
}
