/*
 * Start: everything is parsed and checked before the first socket is opened, every socket is open
 * before anybody is told. A start that fails leaves nothing behind.
 *
 * The order of sections is the order of layers: processes, then the door, then the admin door; they
 * stop the other way round.
 */
#include "cmd/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cmd/daemon_impl.h"
#include "cmd/outside.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/limits.h"
#include "io/offload.h"
#include "io/peer_user.h"
#include "io/spawn.h"
#include "io/sync.h"
#include "io/system.h"

struct nw_log *daemon_log(struct nw_daemon *daemon)
{
    return nw_worker_log(nw_runtime_worker(daemon->runtime, 0));
}

/* ---- configuration ---- */

static nw_err read_text(struct nw_daemon *daemon, struct nw_diag *diag, struct nw_text *out)
{
    const struct nw_daemon_options *o = &daemon->options;
    if (daemon->file == NULL) {
        nw_text_add_str(out, daemon->text);
        if (o->reading != NULL)
            outside_note(o->reading, nw_text_slice(out));
        return NW_OK;
    }
    nw_err err = o->outside->read_file(o->outside->arg, daemon->file, out);
    if (err == NW_OK)
        return NW_OK;
    nw_diag_add(diag, false, daemon->file, 0, 0, NULL, NULL, "the file cannot be read: %s",
                outside_why(err));
    return NW_INVALID;
}

/* What the helper read, or why it could not: told only when we could. */
struct other_reading {
    uint64_t digest;
    nw_err err;
    char why[NW_SPAWN_WHY_BYTES];
};

/* The helper reads first, so that it may open for us what only the new text names. */
static void begin_reading(struct nw_daemon *daemon, struct other_reading *other)
{
    const struct nw_daemon_options *o = &daemon->options;
    other->err = NW_OK;
    if (o->reading == NULL)
        return;
    outside_begin(o->reading);
    if (o->spawner != NULL)
        other->err = nw_spawner_load_now(o->spawner, &other->digest, other->why);
}

static nw_err compare_readings(struct nw_daemon *daemon, const struct other_reading *other,
                               struct nw_diag *diag)
{
    const struct nw_daemon_options *o = &daemon->options;
    if (o->reading == NULL || o->spawner == NULL)
        return NW_OK;
    if (other->err != NW_OK)
        nw_diag_error(diag, "the helper process refuses the configuration: %s", other->why);
    else if (other->digest != o->reading->digest)
        nw_diag_error(diag, "the configuration changed while it was read; try again");
    else
        return NW_OK;
    return NW_INVALID;
}

nw_err daemon_load(struct nw_daemon *daemon, const struct nw_sections *sections,
                   struct nw_diag *diag, struct nw_generation **out)
{
    const struct nw_daemon_options *o = &daemon->options;
    struct nw_generation *generation = NULL;
    struct other_reading other;
    struct nw_text text = {0};
    begin_reading(daemon, &other);
    nw_err err = read_text(daemon, diag, &text);
    if (err == NW_OK)
        err = nw_conf_load(nw_text_slice(&text),
                           daemon->file != NULL ? daemon->file : o->text_name, o->outside, sections,
                           daemon->generation_count + 1, diag, &generation);
    nw_wipe(text.ptr, text.len); /* a secret may stand in it */
    nw_text_done(&text);
    if (err == NW_OK)
        err = compare_readings(daemon, &other, diag);
    if (err == NW_OK)
        *out = generation;
    else
        nw_generation_unref(generation);
    return err;
}

/* ---- new and free ---- */

static uint64_t wall_ms(void *arg)
{
    struct nw_daemon *daemon = arg;
    return daemon->runtime != NULL ? nw_runtime_wall_ms(daemon->runtime) : 0;
}

static nw_err open_log_file(const struct nw_conf *conf, const struct nw_conf_block *block,
                            struct nw_slice to, struct nw_diag *diag, struct nw_log_file **out)
{
    nw_err err = nw_log_file_open(to.len > 0 ? to.ptr : "stderr", out);
    if (err != NW_OK)
        nw_conf_blame(conf, block, "to", NULL, diag, "the log file %.*s cannot be written: %s",
                      NW_SLICE_ARG(to), nw_err_text(err));
    return err;
}

static nw_err make_log(struct nw_daemon *daemon, const struct nw_conf *conf, struct nw_diag *diag)
{
    struct nw_log_options options = {
        .level = (nw_log_level)conf->log.level,
        .format = (nw_log_format)conf->log.format,
        .wall_ms = wall_ms,
        .wall_ms_arg = daemon,
        .is_direct = daemon->options.log_sink != NULL,
    };
    if (daemon->options.log_sink != NULL) {
        options.events = *daemon->options.log_sink;
    } else {
        NW_TRY(open_log_file(conf, &conf->log.block, conf->log.to, diag, &daemon->events_file));
        options.events = nw_log_file_sink(daemon->events_file);
        NW_TRY(open_log_file(conf, &conf->log.access.block, conf->log.access.to, diag,
                             &daemon->access_file));
        options.access = nw_log_file_sink(daemon->access_file);
    }
    daemon->log_hub = nw_log_hub_new(&options);
    return NW_OK;
}

static uint64_t buffers_max_bytes(const struct nw_conf *conf)
{
    const struct nw_conf_share *share = &conf->limits.buffers;
    return share->ratio == 0 ? (uint64_t)share->value
                             : (uint64_t)(share->ratio * (double)nw_limits_memory_bytes());
}

/* A fiber's stack is two mappings. */
static unsigned fibers_max(const struct nw_conf *conf)
{
    const struct nw_conf_share *share = &conf->limits.fibers;
    return share->ratio == 0 ? (unsigned)share->value
                             : (unsigned)(share->ratio * (double)nw_limits_map_count() / 2);
}

void daemon_apply_limits(struct nw_daemon *daemon, const struct nw_conf *conf)
{
    nw_runtime_buffers_max_set(daemon->runtime, buffers_max_bytes(conf));
    nw_runtime_fibers_max_set(daemon->runtime, fibers_max(conf));
}

static nw_err make_runtime(struct nw_daemon *daemon, const struct nw_conf *conf)
{
    struct nw_runtime_options options = {
        .backend = daemon->options.backend,
        .world = daemon->options.world,
        .name = daemon->options.name,
        .worker_count = (unsigned)conf->threads,
        .seed = daemon->options.seed,
        .buffers_max_bytes = buffers_max_bytes(conf),
        .fibers_max = fibers_max(conf),
        .log_hub = daemon->log_hub,
        .metrics = daemon->metrics,
    };
    return nw_runtime_new(&options, &daemon->runtime);
}

static unsigned members(void *arg, struct nw_slice service, struct nw_peer_node_spec *out,
                        unsigned max)
{
    struct nw_daemon *daemon = arg;
    return daemon->fleet != NULL ? nw_fleet_members(daemon->fleet, service, out, max) : 0;
}

NW_YIELDS static void on_members(void *arg, struct nw_slice service)
{
    struct nw_daemon *daemon = arg;
    nw_gate_members_changed(daemon->gate, service);
}

/* Members are told before: what is in flight at the old one is all that is left to wait for. */
NW_YIELDS static void on_retire(void *arg, struct nw_slice service, const char *address)
{
    struct nw_daemon *daemon = arg;
    struct nw_diag diag;
    char name[512];
    nw_diag_init(&diag);
    snprintf(name, sizeof name, "%.*s/%s", NW_SLICE_ARG(service), address);
    nw_err err = nw_peer_drain(daemon->registry, nw_slice_str(name), 0, &diag);
    (void)err; /* unknown: it has nothing in flight any more */
    nw_diag_done(&diag);
}

static void on_lost(void *arg);

static int inherited_fd(void *arg, const struct nw_addr *addr)
{
    return nw_system_inherited_fd(addr);
}

NW_YIELDS static nw_err ask_open(void *arg, const char *text, const struct nw_addr *addr,
                                 bool is_first, int *out_fd)
{
    struct nw_daemon *daemon = arg;
    return nw_spawner_listen(daemon->options.spawner, text, addr, is_first, out_fd);
}

static nw_err make_parts(struct nw_daemon *daemon)
{
    bool has_helper = daemon->options.reading != NULL && daemon->options.spawner != NULL;
    NW_TRY(nw_peer_registry_new(daemon->runtime, &daemon->registry));
    char spool[4096];
    snprintf(spool, sizeof spool, "%s/spool", daemon->state_dir);
    struct nw_gate_options gate = {
        .runtime = daemon->runtime,
        .registry = daemon->registry,
        .spool_dir = daemon->options.has_disk ? spool : NULL,
        .files = daemon->options.files,
        .members = members,
        .members_arg = daemon,
        .inherited_fd = daemon->options.world == NULL ? inherited_fd : NULL,
        .ask_open = has_helper ? ask_open : NULL,
        .ask_arg = daemon,
    };
    NW_TRY(nw_gate_new(&gate, &daemon->gate));
    struct nw_fleet_options fleet = {
        .runtime = daemon->runtime,
        .spawner = daemon->options.spawner,
        .state_dir = daemon->state_dir,
        .on_members = on_members,
        .on_retire = on_retire,
        .on_lost = on_lost,
        .arg = daemon,
    };
    NW_TRY(nw_fleet_new(&fleet, &daemon->fleet));
    struct nw_admin_options admin = {
        .runtime = daemon->runtime,
        .state_dir = daemon->options.has_disk ? daemon->state_dir : NULL,
        .verbs = daemon_verbs,
        .verb_count = daemon_verb_count,
        .daemon = daemon,
        .is_test = daemon->options.is_test,
        .user = daemon->user[0] != '\0' ? daemon->user : NULL,
        .ask_open = has_helper ? ask_open : NULL,
        .ask_arg = daemon,
        .status = nw_daemon_status,
        .is_ready = nw_daemon_is_ready,
    };
    NW_TRY(nw_admin_new(&admin, &daemon->admin));
    daemon->items[0] = nw_fleet_section(daemon->fleet);
    daemon->items[1] = nw_gate_section(daemon->gate);
    daemon->items[2] = nw_admin_section(daemon->admin);
    daemon->sections = (struct nw_sections){daemon->items, 3};
    return NW_OK;
}

/* Whose uid we shall have; afterwards nobody could be asked. */
static void take_user_name(struct nw_daemon *daemon, const struct nw_conf *conf)
{
    if (conf->user.len > 0)
        snprintf(daemon->user, sizeof daemon->user, "%s", conf->user.ptr);
    else if (!nw_user_own_name(daemon->user, sizeof daemon->user))
        daemon->user[0] = '\0';
}

static nw_err state_dir_trouble(const struct nw_daemon *daemon, nw_err err, struct nw_diag *diag)
{
    nw_diag_error(diag, "the state folder %s cannot be written: %s%s%s", daemon->state_dir,
                  nw_err_text(err), err == NW_DENIED ? "; it must belong to user " : "",
                  err == NW_DENIED ? daemon->user : "");
    return err;
}

/* The folder, its lock, and what lives in it. */
static nw_err take_state(struct nw_daemon *daemon, struct nw_diag *diag)
{
    char path[4096];
    const char *dir = daemon->state_dir;
    nw_err err = nw_file_make_dir_now(daemon->runtime, dir, 0700);
    if (err != NW_OK) {
        nw_diag_error(diag, "the state folder %s cannot be made: %s", dir, nw_err_text(err));
        return err;
    }
    int pid = 0;
    snprintf(path, sizeof path, "%s/lock", dir);
    err = nw_file_lock_now(daemon->runtime, path, &daemon->lock, &pid);
    if (err != NW_OK) {
        if (err == NW_EXISTS)
            nw_diag_error(diag, "the state folder %s is in use by another newel (pid %d)", dir,
                          pid);
        else
            return state_dir_trouble(daemon, err, diag);
        return err;
    }
    snprintf(path, sizeof path, "%s/spool", dir);
    NW_TRY(nw_file_make_dir_now(daemon->runtime, path, 0700));
    snprintf(path, sizeof path, "%s/run", dir);
    NW_TRY(nw_file_make_dir_now(daemon->runtime, path, 0700));
    snprintf(path, sizeof path, "%s/version", dir);
    return nw_file_replace_now(daemon->runtime, path, NW_SLICE("1\n"), 0600);
}

static void choose_state_dir(struct nw_daemon *daemon, const struct nw_conf *conf)
{
    const char *given = daemon->options.state_dir;
    daemon->state_dir = nw_alloc_string(given != NULL ? nw_slice_str(given) : conf->state);
}

/* The second reading finds again what the first did, and what only the parts know. */
static void add_news(struct nw_diag *diag, const struct nw_diag *again)
{
    size_t told_count = diag->count;
    for (size_t i = 0; i < again->count; i++) {
        const struct nw_diag_item *item = &again->items[i];
        bool is_told = false;
        for (size_t k = 0; k < told_count; k++)
            is_told |= diag->items[k].line == item->line && diag->items[k].column == item->column &&
                       strcmp(diag->items[k].sentence, item->sentence) == 0;
        if (!is_told)
            nw_diag_add(diag, item->is_warning, item->file, item->line, item->column, item->path,
                        item->suggestion, "%s", item->sentence);
    }
}

static nw_err build(struct nw_daemon *daemon, struct nw_diag *diag)
{
    struct nw_generation *draft = NULL; /* without sections: what the runtime needs to know */
    NW_TRY(daemon_load(daemon, &(struct nw_sections){NULL, 0}, diag, &draft));
    choose_state_dir(daemon, draft->conf);
    nw_err err = daemon_check_user(draft->conf, diag);
    take_user_name(daemon, draft->conf);
    unsigned slots = draft->conf->threads > 0 ? (unsigned)draft->conf->threads : NW_WORKERS_MAX;
    daemon->metrics = nw_metrics_new(slots + 1, 0);
    if (err == NW_OK)
        err = make_log(daemon, draft->conf, diag);
    if (err == NW_OK)
        err = daemon_confine(daemon, draft->conf, diag);
    if (err == NW_OK)
        err = nw_log_hub_start(daemon->log_hub); /* the first thread */
    if (err == NW_OK)
        err = make_runtime(daemon, draft->conf);
    nw_generation_unref(draft);
    NW_TRY(err);
    if (daemon->options.has_disk)
        NW_TRY(take_state(daemon, diag));
    NW_TRY(make_parts(daemon));
    struct nw_metrics *m = daemon->metrics;
    daemon->reloads_done = nw_metric_open(m, NW_METRIC_reloads_total, "done");
    daemon->reloads_refused = nw_metric_open(m, NW_METRIC_reloads_total, "refused");
    daemon->generation_gauge = nw_metric_open(m, NW_METRIC_generation);
    nw_metric_set(nw_metric_open(m, NW_METRIC_build_info, NW_VERSION), 0, 1);
    size_t mistakes_before = diag->error_count;
    struct nw_diag again;
    nw_diag_init(&again);
    err = daemon_load(daemon, &daemon->sections, mistakes_before == 0 ? &again : diag,
                      &daemon->first);
    add_news(diag, &again);
    nw_diag_done(&again);
    return err;
}

nw_err nw_daemon_new(const struct nw_daemon_options *options, struct nw_diag *diag,
                     struct nw_daemon **out)
{
    struct nw_daemon *daemon = nw_alloc_zero(sizeof *daemon);
    daemon->options = *options;
    nw_diag_init(&daemon->start_diag);
    nw_event_init(&daemon->reload_over);
    daemon->reload_over.is_set = true;
    if (options->file != NULL)
        daemon->file = nw_alloc_string(nw_slice_str(options->file));
    if (options->text != NULL)
        daemon->text = nw_alloc_string(nw_slice_str(options->text));
    nw_err err = build(daemon, diag);
    if (err != NW_OK) {
        nw_daemon_free(daemon);
        return err;
    }
    *out = daemon;
    return NW_OK;
}

void nw_daemon_free(struct nw_daemon *daemon)
{
    if (daemon == NULL)
        return;
    if (daemon->first != NULL)
        nw_generation_unref(daemon->first);
    nw_admin_free(daemon->admin);
    nw_fleet_free(daemon->fleet);
    nw_gate_free(daemon->gate);
    nw_peer_registry_free(daemon->registry); /* it never ran, or is gone: cannot yield here */
    if (daemon->lock != NULL)
        nw_file_close(daemon->lock);
    nw_runtime_free(daemon->runtime);
    if (daemon->events_file != NULL)
        nw_log_file_quit(daemon->events_file);
    if (daemon->access_file != NULL)
        nw_log_file_quit(daemon->access_file);
    nw_log_hub_free(daemon->log_hub);
    nw_metrics_free(daemon->metrics);
    nw_log_file_close(daemon->events_file);
    nw_log_file_close(daemon->access_file);
    nw_diag_done(&daemon->start_diag);
    nw_free(daemon->state_dir);
    nw_free(daemon->file);
    nw_free(daemon->text);
    nw_free(daemon);
}

/* ---- start ---- */

void nw_daemon_start(void *arg)
{
    struct nw_daemon *daemon = arg;
    struct nw_generation *first = NW_TAKE(daemon->first);
    daemon->started_wall_ms = nw_wall_ms();
    daemon->started_ms = nw_now_ms();
    daemon_change_begin(daemon);
    nw_err err = daemon_switch(daemon, first, &daemon->start_diag);
    daemon_change_end(daemon);
    nw_generation_unref(first);
    if (err != NW_OK) {
        if (daemon->start_diag.error_count == 0)
            nw_diag_error(&daemon->start_diag, "starting failed: %s", nw_err_text(err));
        nw_daemon_end(daemon, true);
        return;
    }
    daemon_tell_hardening(daemon);
    nw_metric_set(nw_metric_open(daemon->metrics, NW_METRIC_start_time_seconds), 0,
                  (int64_t)(daemon->started_wall_ms / 1000));
    nw_metric_set(nw_metric_open(daemon->metrics, NW_METRIC_workers), 0,
                  nw_runtime_worker_count(daemon->runtime));
    if (daemon->options.on_ready != NULL)
        daemon->options.on_ready(daemon->options.on_ready_arg, daemon);
}

/* ---- the end ---- */

/*
 * A change of generation opens listeners and names peers in several steps, between which other
 * fibers run. Neither a drain nor the end may take these away in the middle of it.
 */
NW_YIELDS static void wait_change_over(struct nw_daemon *daemon)
{
    while (daemon->is_reloading) {
        if (nw_event_wait(&daemon->reload_over) != NW_OK)
            return; /* cancelled: another end has stopped everything */
    }
}

void nw_daemon_end(struct nw_daemon *daemon, bool is_hard)
{
    if (daemon->is_ending && !is_hard)
        return;
    bool is_first = !daemon->is_ending;
    if (is_hard)
        nw_fleet_hurry(daemon->fleet);
    daemon->is_ending = true;
    wait_change_over(daemon);
    if (!is_hard && daemon->current != NULL) {
        nw_log(daemon_log(daemon), NW_INFO, "daemon.draining", "for_ms=%lld",
               (long long)daemon->current->conf->drain_ms);
        NW_WITHIN(drain, (uint64_t)daemon->current->conf->drain_ms);
        nw_gate_drain(daemon->gate);
        nw_err err = nw_gate_wait_idle(daemon->gate);
        if (err == NW_TIMEOUT)
            nw_log(daemon_log(daemon), NW_WARN, "daemon.drain_timeout", "left=%s", "cancelled");
    }
    if (!is_first && !is_hard)
        return;
    if (daemon->is_stopped)
        return;
    daemon->is_stopped = true;
    nw_sections_stop(&daemon->sections);
    if (daemon->current != NULL)
        nw_generation_unref(daemon->current);
    daemon->current = NULL;
    nw_peer_registry_free(daemon->registry);
    daemon->registry = NULL;
    nw_runtime_stop(daemon->runtime);
}

NW_YIELDS static void end_fiber(void *arg)
{
    nw_daemon_end(arg, false);
}

NW_YIELDS static void end_now_fiber(void *arg)
{
    nw_daemon_end(arg, true);
}

NW_YIELDS static void reload_fiber(void *arg)
{
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = nw_daemon_reload(arg, &diag);
    (void)err; /* nw_daemon_reload logged it */
    nw_diag_done(&diag);
}

static void spawn(struct nw_daemon *daemon, const char *name, nw_fiber_fn fn)
{
    struct nw_scope *root = nw_worker_root_scope(nw_runtime_worker(daemon->runtime, 0));
    nw_err err = nw_scope_spawn_vital(root, name, fn, daemon, NULL);
    if (err != NW_OK)
        nw_log(daemon_log(daemon), NW_ERROR, "daemon.no_fiber", "for=%s", name);
}

/* Newel cannot keep its word any more; ended with a failure, it is started anew by its manager. */
static void on_lost(void *arg)
{
    struct nw_daemon *daemon = arg;
    nw_diag_error(&daemon->start_diag, "the helper process that starts applications has died");
    nw_log(daemon_log(daemon), NW_ERROR, "daemon.spawner_lost", "action=%s", "drain and exit");
    spawn(daemon, "daemon.end", end_fiber);
}

void nw_daemon_on_signal(void *arg, int signal)
{
    struct nw_daemon *daemon = arg;
    bool is_repeated = signal == SIGINT && daemon->interrupts++ > 0;
    if (signal == SIGHUP)
        spawn(daemon, "daemon.reload", reload_fiber);
    else if (signal == SIGUSR1)
        nw_log_hub_reopen(daemon->log_hub);
    else if (signal == SIGQUIT || is_repeated)
        spawn(daemon, "daemon.end", end_now_fiber);
    else
        spawn(daemon, "daemon.end", end_fiber);
}

const struct nw_diag *nw_daemon_start_diag(const struct nw_daemon *daemon)
{
    return &daemon->start_diag;
}

struct nw_runtime *nw_daemon_runtime(struct nw_daemon *daemon)
{
    return daemon->runtime;
}

const char *nw_daemon_state_dir(const struct nw_daemon *daemon)
{
    return daemon->state_dir;
}

const struct nw_addr *nw_daemon_listener(struct nw_daemon *daemon, unsigned index)
{
    return nw_gate_listener_addr(daemon->gate, index);
}

bool nw_daemon_listener_is_secure(struct nw_daemon *daemon, unsigned index)
{
    return nw_gate_listener_is_secure(daemon->gate, index);
}

const struct nw_addr *nw_daemon_admin(struct nw_daemon *daemon)
{
    return nw_admin_addr(daemon->admin);
}
