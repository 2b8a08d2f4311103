/*
 * A generation is parsed, checked and built beside the running one, in the lane `reload`; then, in
 * one fiber on worker 0, the sections admit and adopt it, every worker takes it at the top of a
 * turn, and what only the old one needed drains. A broken file changes nothing and says why.
 */
#include "base/alloc.h"
#include "cmd/daemon.h"
#include "cmd/daemon_impl.h"
#include "io/clock.h"
#include "io/offload.h"
#include "io/spawn.h"
#include "io/sync.h"
#include "io/system.h"

struct take {
    struct nw_daemon *daemon;
    struct nw_generation *next;
};

static void take_on_worker(void *arg)
{
    struct take *take = arg;
    nw_gate_take(take->daemon->gate, take->next);
}

NW_YIELDS static void swap(void *arg, struct nw_generation *next)
{
    struct nw_daemon *daemon = arg;
    struct take take = {daemon, next};
    nw_on_every_worker(take_on_worker, &take);
    if (daemon->options.reading != NULL && daemon->options.spawner != NULL)
        nw_spawner_take(daemon->options.spawner);
}

nw_err daemon_switch(struct nw_daemon *daemon, struct nw_generation *next, struct nw_diag *diag)
{
    struct nw_generation *old = daemon->current;
    NW_TRY(nw_generation_switch(old, next, swap, daemon, diag));
    daemon->current = nw_generation_ref(next);
    daemon_apply_limits(daemon, next->conf);
    daemon->generation_count = next->number;
    nw_metric_set(daemon->generation_gauge, 0, (int64_t)next->number);
    if (old != NULL)
        nw_generation_unref(old);
    return NW_OK;
}

void daemon_change_begin(struct nw_daemon *daemon)
{
    daemon->is_reloading = true;
    nw_event_clear(&daemon->reload_over);
}

void daemon_change_end(struct nw_daemon *daemon)
{
    daemon->is_reloading = false;
    nw_event_set(&daemon->reload_over);
}

struct job {
    struct nw_daemon *daemon;
    struct nw_diag *diag;
    struct nw_generation *next;
};

static nw_err load_job(void *arg)
{
    struct job *job = arg;
    return daemon_load(job->daemon, &job->daemon->sections, job->diag, &job->next);
}

static void tell(struct nw_daemon *daemon, nw_err err, const struct nw_diag *diag)
{
    struct nw_log *log = daemon_log(daemon);
    for (size_t i = 0; i < diag->count; i++) {
        const struct nw_diag_item *item = &diag->items[i];
        nw_log(log, item->is_warning ? NW_WARN : NW_ERROR, "reload.finding",
               "file=%s line=%d column=%d path=%s text=%s hint=%s",
               item->file != NULL ? item->file : "", item->line, item->column,
               item->path != NULL ? item->path : "", item->sentence,
               item->suggestion != NULL ? item->suggestion : "");
    }
    if (err == NW_OK)
        nw_log(log, NW_INFO, "reload.done", "generation=%llu",
               (unsigned long long)daemon->current->number);
    else
        nw_log(log, NW_ERROR, "reload.refused", "generation=%llu reason=%s",
               (unsigned long long)daemon->current->number, nw_err_text(err));
}

nw_err nw_daemon_reload(struct nw_daemon *daemon, struct nw_diag *diag)
{
    if (daemon->is_reloading || daemon->is_ending || daemon->current == NULL) {
        nw_diag_error(diag, daemon->is_reloading ? "another reload is under way"
                                                 : "newel is not serving");
        return NW_BUSY;
    }
    daemon_change_begin(daemon);
    nw_system_notify("RELOADING=1");
    struct job job = {daemon, diag, NULL};
    nw_err err = nw_offload(nw_lane_reload(daemon->runtime), load_job, &job);
    if (err == NW_OK && daemon->is_ending)
        err = NW_DRAINING; /* the end came while the file was read */
    if (err == NW_OK)
        err = daemon_switch(daemon, job.next, diag);
    if (job.next != NULL)
        nw_generation_unref(job.next);
    if (err != NW_OK && diag->error_count == 0)
        nw_diag_error(diag, "the reload failed: %s", nw_err_text(err));
    nw_metric_add(err == NW_OK ? daemon->reloads_done : daemon->reloads_refused, 0, 1);
    if (err == NW_OK)
        nw_log_hub_set_level(daemon->log_hub, (nw_log_level)daemon->current->conf->log.level);
    tell(daemon, err, diag);
    nw_system_notify("READY=1");
    daemon_change_end(daemon);
    return err;
}
