/*
 * A slot is the place of one instance. Whatever happened, its fiber asks the same questions again:
 * has something ended, is the next one ready, does the plan still hold, is it time to start? So a
 * crash during a replacement, a second change while the first is under way, and a crash of the new
 * command while the old one serves need no code of their own.
 *
 * Every process begins as `next` and becomes `current`, the member, when it is ready; so an
 * instance that is replaced serves until the one after it does.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "fleet/fleet_impl.h"
#include "io/clock.h"
#include "io/worker.h"

static struct nw_log *the_log(void)
{
    return nw_worker_log(nw_worker_self());
}

static void set_state(struct fleet_slot *slot, fleet_state state)
{
    if (slot->state == state)
        return;
    slot->state = state;
    slot->since_ms = nw_now_ms();
}

/* ---- what ended ---- */

static const char *reason_name(const struct nw_process *process)
{
    if (process->pid == 0)
        return "not_started";
    if (process->wait_status == -1)
        return "unknown";
    if (!WIFEXITED(process->wait_status))
        return "signal";
    return WEXITSTATUS(process->wait_status) == 0 ? "success" : "failure";
}

/* Logs, counts and says when to try again. */
static void note_end(struct fleet_slot *slot, const struct fleet_run *run)
{
    const struct nw_process *process = &run->process;
    uint64_t now_ms = nw_now_ms();
    if (run->is_ready && now_ms - run->ready_ms >= NW_FLEET_HEALTHY_MS)
        slot->failures = 0;
    uint64_t pause_ms = nw_fleet_backoff_ms(slot->failures++);
    slot->retry_at_ms = now_ms + pause_ms;
    slot->restarts++;
    snprintf(slot->reason, sizeof slot->reason, "%s%s%s", process->reason,
             run->last_words[0] != '\0' ? ": " : "", run->last_words);
    if (process->pid == 0)
        nw_log(the_log(), NW_ERROR, "process.start_failed",
               "service=%s instance=%u reason=%s again_in_ms=%llu", slot->service->name,
               slot->number, process->reason, (unsigned long long)pause_ms);
    else
        nw_log(the_log(), NW_WARN, "process.exited",
               "service=%s instance=%u pid=%d how=%s last_stderr=%s again_in_ms=%llu",
               slot->service->name, slot->number, process->pid, process->reason, run->last_words,
               (unsigned long long)pause_ms);
    nw_fleet_count_end(slot->service, reason_name(process));
    struct nw_fleet *fleet = slot->service->fleet;
    if (!fleet->is_lost && fleet->options.on_lost != NULL &&
        nw_spawner_is_gone(fleet->options.spawner)) {
        fleet->is_lost = true;
        fleet->options.on_lost(fleet->options.arg);
    }
}

NW_YIELDS static void take_ended(struct fleet_slot *slot)
{
    if (slot->next != NULL && slot->next->is_over) {
        note_end(slot, slot->next);
        nw_fleet_run_free(NW_TAKE(slot->next));
    }
    if (slot->current != NULL && slot->current->is_over) {
        struct fleet_run *run = NW_TAKE(slot->current);
        note_end(slot, run);
        nw_fleet_tell(slot->service);
        nw_fleet_run_free(run);
    }
}

/* ---- what shall run ---- */

/* Who waits for this line may send requests at once: it comes after the door knows the member. */
static void say_ready(const struct fleet_slot *slot, const struct fleet_run *run)
{
    nw_log(the_log(), NW_INFO, "process.ready",
           "service=%s instance=%u pid=%d address=%s after_ms=%llu", slot->service->name,
           slot->number, run->process.pid, run->address,
           (unsigned long long)(run->ready_ms - run->started_ms));
}

NW_YIELDS static void shift(struct fleet_slot *slot)
{
    if (slot->next == NULL || !slot->next->is_ready || slot->next->is_over)
        return;
    struct fleet_run *old = slot->current;
    slot->current = NW_TAKE(slot->next);
    nw_fleet_tell(slot->service);
    say_ready(slot, slot->current);
    if (old != NULL)
        nw_fleet_run_leave(old);
}

static void start_what_lacks(struct fleet_slot *slot)
{
    uint64_t wanted = slot->service->identity;
    if (slot->seen_identity != wanted) { /* a new command starts with a clean record, and now */
        slot->seen_identity = wanted;
        slot->failures = 0;
        slot->retry_at_ms = 0;
    }
    if (slot->next != NULL && slot->next->identity != wanted)
        nw_fleet_run_leave(NW_TAKE(slot->next));
    bool is_lacking = slot->next == NULL &&
                      (slot->current == NULL || slot->current->identity != wanted);
    if (!is_lacking || nw_now_ms() < slot->retry_at_ms)
        return;
    if (slot->current != NULL)
        nw_log(the_log(), NW_INFO, "process.replacing", "service=%s instance=%u pid=%d",
               slot->service->name, slot->number, slot->current->process.pid);
    slot->next = nw_fleet_run_start(slot);
    if (slot->next == NULL) /* no fiber is left */
        slot->retry_at_ms = nw_now_ms() + nw_fleet_backoff_ms(slot->failures++);
}

/* Until something changed or a start is due. */
NW_YIELDS static nw_err rest(struct fleet_slot *slot)
{
    uint64_t now_ms = nw_now_ms();
    bool is_waiting_to_start = slot->next == NULL && slot->retry_at_ms > now_ms;
    NW_WITHIN(retry, is_waiting_to_start ? slot->retry_at_ms - now_ms : 0);
    nw_err err = nw_event_wait(&slot->changed);
    return err == NW_TIMEOUT && nw_within_ran_out(&retry) ? NW_OK : err;
}

/* ---- its life ---- */

NW_YIELDS static void leave(struct fleet_slot *slot)
{
    set_state(slot, FLEET_STOPPING);
    struct fleet_run *current = NW_TAKE(slot->current), *next = NW_TAKE(slot->next);
    if (next != NULL)
        nw_fleet_run_leave(next);
    if (current == NULL)
        return;
    if (!slot->service->fleet->is_stopping && slot->service->is_wanted)
        nw_fleet_tell(slot->service);
    nw_fleet_run_leave(current);
}

NW_YIELDS static void slot_fiber(void *arg)
{
    struct fleet_slot *slot = arg;
    nw_scope_open(&slot->scope);
    nw_err err = NW_OK;
    while (err == NW_OK && !slot->is_unwanted) {
        nw_event_clear(&slot->changed);
        take_ended(slot);
        shift(slot);
        start_what_lacks(slot);
        set_state(slot, slot->current != NULL ? FLEET_READY
                        : slot->next != NULL  ? FLEET_STARTING
                                              : FLEET_BACKOFF);
        err = rest(slot);
    }
    leave(slot);
    if (err == NW_OK)
        err = nw_scope_join(&slot->scope);
    nw_scope_close(&slot->scope); /* cancelled: no draining, but SIGTERM and patience */
    nw_fleet_slot_gone(slot);
}

void nw_fleet_slot_start(struct fleet_service *service, unsigned number)
{
    struct fleet_slot *slot = nw_alloc_zero(sizeof *slot);
    slot->service = service;
    slot->number = number;
    slot->since_ms = nw_now_ms();
    slot->seen_identity = service->identity;
    nw_event_init(&slot->changed);
    nw_list_push_back(&service->slots, &slot->node);
    nw_err err = nw_scope_spawn(&service->fleet->scope, "fleet.slot", slot_fiber, slot, NULL);
    if (err == NW_OK)
        return;
    nw_log(the_log(), NW_ERROR, "process.no_fiber", "service=%s instance=%u", service->name,
           number);
    nw_list_remove(&slot->node);
    nw_free(slot);
}

void nw_fleet_slot_leave(struct fleet_slot *slot)
{
    slot->is_unwanted = true;
    nw_event_set(&slot->changed);
}
