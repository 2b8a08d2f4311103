/*
 * One process from start to end, top to bottom in one fiber. The fiber decides nothing: it says
 * what happened and ends when the process does, or when its slot lets it go. Whatever way it ends,
 * the process group is gone when the fiber is, so closing a scope is enough to leave no orphan.
 *
 * The port is found by binding port 0 and letting go: between that and the process's own bind
 * another program may take it, and then the process fails and is started with another one. Handing
 * over a bound socket instead would need every application's cooperation.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "fleet/fleet_impl.h"
#include "io/clock.h"
#include "io/procfs.h"
#include "io/stream.h"
#include "io/worker.h"

enum { PORT_TRIES = 16 };

static struct nw_log *the_log(void)
{
    return nw_worker_log(nw_worker_self());
}

/* ---- output ---- */

struct line_from {
    struct fleet_run *run;
    bool is_stderr;
};

/* Below an error, and less telling than it: its stack, and how Node ends. */
static bool is_trace(struct nw_slice text)
{
    return text.len == 0 || text.ptr[0] == ' ' || text.ptr[0] == '\t' || text.ptr[0] == '}' ||
           nw_slice_starts_with(text, NW_SLICE("Node.js v"));
}

static void on_line(void *arg, struct nw_slice text)
{
    const struct line_from *from = arg;
    struct fleet_run *run = from->run;
    if (from->is_stderr && (run->last_words[0] == '\0' || !is_trace(text)))
        snprintf(run->last_words, sizeof run->last_words, "%.*s", NW_SLICE_ARG(text));
    nw_log(the_log(), NW_INFO, "process.output", "service=%s instance=%u stream=%s text=%.*s",
           run->slot->service->name, run->slot->number, from->is_stderr ? "stderr" : "stdout",
           NW_SLICE_ARG(text));
}

static void on_output(struct nw_process *process, bool is_stderr, struct nw_slice bytes)
{
    struct fleet_run *run = NW_CONTAINER_OF(process, struct fleet_run, process);
    struct line_from from = {run, is_stderr};
    struct nw_fleet_lines *lines = &run->lines[is_stderr ? 1 : 0];
    if (bytes.len > 0)
        nw_fleet_lines_feed(lines, bytes, on_line, &from);
    else
        nw_fleet_lines_flush(lines, on_line, &from);
}

static void flush_output(struct fleet_run *run)
{
    on_output(&run->process, false, nw_slice_of(NULL, 0));
    on_output(&run->process, true, nw_slice_of(NULL, 0));
}

/* ---- start ---- */

static nw_err choose_place(struct fleet_run *run)
{
    struct fleet_service *service = run->slot->service;
    uint16_t port = 0;
    for (int i = 0; i < PORT_TRIES && (port == 0 || nw_fleet_has_port(service->fleet, port)); i++)
        NW_TRY(nw_port_choose(&port));
    run->port = port;
    run->identity = service->identity; /* the newest */
    /* A process of another user could not get into our state folder. */
    run->has_socket =
        !service->has_user &&
        nw_fleet_socket_path(service->fleet->run_dir, service->name, run->slot->number,
                             ++service->start_count, run->socket_path, sizeof run->socket_path);
    if (run->has_socket)
        nw_socket_path_clear(run->socket_path);
    return NW_OK;
}

NW_YIELDS static nw_err start_process(struct fleet_run *run)
{
    const struct fleet_service *service = run->slot->service;
    struct nw_spawn_wish wish = {
        .service = service->name,
        .instance = run->slot->number,
        .port = run->port,
        .start = run->has_socket ? service->start_count : 0,
        .identity = run->identity,
    };
    return nw_process_start(service->fleet->options.spawner, &wish, on_output, &run->process);
}

static void count_running(struct fleet_service *service, int delta)
{
    if (service->running != NULL)
        nw_metric_add(service->running, 0, delta);
    if (service->starts != NULL && delta > 0)
        nw_metric_add(service->starts, 0, 1);
}

/* ---- life ---- */

static void become_ready(struct fleet_run *run)
{
    run->ready_ms = nw_now_ms();
    nw_addr_print(&run->addr, run->address);
    run->is_ready = true;
    nw_event_set(&run->slot->changed);
}

/* Until the process ends, or is let go, or everything ends. */
NW_YIELDS static void live(struct fleet_run *run)
{
    nw_err err = nw_fleet_run_wait_ready(run);
    if (err == NW_OK)
        become_ready(run);
    struct nw_wait waits[] = {{.event = &run->process.ended}, {.event = &run->asked}};
    while (err == NW_OK && !nw_process_has_ended(&run->process) && !run->is_leaving)
        err = nw_io_wait_any(waits, NW_COUNT(waits));
}

/* A member that leaves finishes what is in flight first. */
NW_YIELDS static void drain(struct fleet_run *run)
{
    const struct fleet_service *service = run->slot->service;
    const struct nw_fleet_options *options = &service->fleet->options;
    if (!run->is_leaving || !run->is_ready || options->on_retire == NULL ||
        nw_process_has_ended(&run->process) || nw_fiber_is_cancelled())
        return;
    NW_WITHIN(patience, service->drain_ms);
    options->on_retire(options->arg, nw_slice_str(service->name), run->address);
}

NW_YIELDS static void end(struct fleet_run *run)
{
    const struct fleet_slot *slot = run->slot;
    bool is_stopped = !nw_process_has_ended(&run->process);
    if (is_stopped) {
        nw_log(the_log(), NW_INFO, "process.stopping", "service=%s instance=%u pid=%d",
               slot->service->name, slot->number, run->process.pid);
        nw_process_stop(&run->process,
                        slot->service->fleet->is_hurried ? 0 : slot->service->stop_ms);
    }
    nw_process_close(&run->process);
    flush_output(run);
    count_running(slot->service, -1);
    if (run->has_socket)
        nw_socket_path_clear(run->socket_path);
    if (is_stopped) {
        nw_fleet_count_end(slot->service, "stopped");
        nw_log(the_log(), NW_INFO, "process.stopped", "service=%s instance=%u pid=%d how=%s",
               slot->service->name, slot->number, run->process.pid, run->process.reason);
    }
}

/*
 * Only a few start at once. Whoever was let go, or everything that ended, while others started is
 * not started at all: else a storm of reloads would still start a process for each of its commands.
 */
NW_YIELDS static nw_err start_in_turn(struct fleet_run *run)
{
    struct nw_semaphore *starting = &run->slot->service->fleet->starting;
    NW_TRY(nw_semaphore_take(starting));
    nw_err err = run->is_leaving ? NW_CANCELLED : choose_place(run);
    if (err == NW_OK)
        err = start_process(run);
    else if (err != NW_CANCELLED)
        snprintf(run->process.reason, sizeof run->process.reason, "no free port: %s",
                 nw_err_text(err));
    nw_semaphore_give(starting);
    return err;
}

NW_YIELDS static void run_fiber(void *arg)
{
    struct fleet_run *run = arg;
    struct fleet_slot *slot = run->slot;
    nw_err err = start_in_turn(run);
    run->started_ms = nw_now_ms();
    if (err == NW_OK) {
        count_running(slot->service, 1);
        nw_log(the_log(), NW_INFO, "process.started", "service=%s instance=%u pid=%d port=%u",
               slot->service->name, slot->number, run->process.pid, run->port);
        live(run);
        drain(run);
        end(run);
    }
    run->is_over = true;
    if (run->is_leaving)
        nw_fleet_run_free(run);
    else
        nw_event_set(&slot->changed);
}

struct fleet_run *nw_fleet_run_start(struct fleet_slot *slot)
{
    struct fleet_run *run = nw_alloc_zero(sizeof *run);
    run->slot = slot;
    nw_list_push_back(&slot->service->fleet->runs, &run->node);
    run->identity = slot->service->identity;
    run->started_ms = nw_now_ms();
    nw_event_init(&run->asked);
    nw_event_init(&run->process.ended);
    if (nw_scope_spawn(&slot->scope, "fleet.process", run_fiber, run, &run->fiber) == NW_OK)
        return run;
    nw_fleet_run_free(run);
    return NULL;
}

void nw_fleet_run_leave(struct fleet_run *run)
{
    run->is_leaving = true;
    if (run->is_over)
        nw_fleet_run_free(run);
    else
        nw_event_set(&run->asked);
}

void nw_fleet_run_free(struct fleet_run *run)
{
    nw_list_remove(&run->node);
    nw_free(run);
}
