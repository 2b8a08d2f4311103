/* The control verbs: one table for the socket, the admin listener, help and the reference page. */
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "cmd/daemon.h"
#include "cmd/daemon_impl.h"
#include "io/clock.h"
#include "io/sync.h"

static void add_diag(struct nw_text *out, const struct nw_diag *diag)
{
    struct nw_text text = {0};
    nw_diag_print(diag, &text);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    nw_text_add(out, nw_text_slice(&text));
    nw_text_done(&text);
}

NW_YIELDS static nw_err do_status(struct nw_control_call *call, struct nw_text *out)
{
    nw_text_add_str(out, "\"status\":");
    nw_daemon_status(call->daemon, out);
    return NW_OK;
}

struct fibers_of {
    struct nw_text text[NW_WORKERS_MAX];
};

static void fibers_on_worker(void *arg)
{
    struct fibers_of *all = arg;
    struct nw_worker *worker = nw_worker_self();
    nw_worker_print_fibers(worker, &all->text[nw_worker_index(worker)]);
}

NW_YIELDS static nw_err do_fibers(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    struct fibers_of *all = nw_alloc_zero(sizeof *all);
    nw_on_every_worker(fibers_on_worker, all);
    nw_text_add_str(out, "\"workers\":[");
    for (unsigned i = 0; i < nw_runtime_worker_count(daemon->runtime); i++) {
        nw_text_add_str(out, i > 0 ? "," : "");
        nw_text_add(out, nw_text_slice(&all->text[i]));
        nw_text_done(&all->text[i]);
    }
    nw_text_add_char(out, ']');
    nw_free(all);
    return NW_OK;
}

NW_YIELDS static nw_err do_reload(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = nw_daemon_reload(daemon, &diag);
    if (err != NW_OK)
        add_diag(out, &diag);
    else
        nw_text_addf(out, "\"generation\":%llu", (unsigned long long)daemon->current->number);
    nw_diag_done(&diag);
    return err;
}

NW_YIELDS static nw_err do_tls(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    nw_text_add_str(out, "\"tls\":");
    nw_gate_tls_status(daemon->gate, out);
    return NW_OK;
}

/* The node that "node" names; NULL with a sentence in out. */
static const char *node_of(struct nw_control_call *call, struct nw_text *out)
{
    const char *node = json_string_value(json_object_get(call->args, "node"));
    if (node == NULL || node[0] == '\0')
        nw_text_add_str(out, "which node? give \"node\", as in shop/10.0.0.12:3000");
    return node;
}

NW_YIELDS static nw_err do_drain(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    const char *node = node_of(call, out);
    if (node == NULL)
        return NW_USAGE;
    json_int_t for_ms = json_integer_value(json_object_get(call->args, "for_ms"));
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_log(daemon_log(daemon), NW_INFO, "control.drain", "node=%s for_ms=%lld caller=%s", node,
           (long long)for_ms, call->caller);
    nw_err err = nw_peer_drain(daemon->registry, nw_slice_str(node),
                               for_ms > 0 ? (uint64_t)for_ms : 0, &diag);
    if (err != NW_OK && diag.count > 0)
        add_diag(out, &diag);
    else if (err == NW_OK)
        nw_text_add_str(out, "\"state\":\"drained\",\"in_flight\":0");
    nw_diag_done(&diag);
    return err;
}

NW_YIELDS static nw_err do_undrain(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    const char *node = node_of(call, out);
    if (node == NULL)
        return NW_USAGE;
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_log(daemon_log(daemon), NW_INFO, "control.undrain", "node=%s caller=%s", node, call->caller);
    nw_err err = nw_peer_undrain(daemon->registry, nw_slice_str(node), &diag);
    if (err != NW_OK && diag.count > 0)
        add_diag(out, &diag);
    nw_diag_done(&diag);
    return err;
}

NW_YIELDS static nw_err do_clock_advance(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    json_int_t ms = json_integer_value(json_object_get(call->args, "ms"));
    if (ms <= 0) {
        nw_text_add_str(out, "give \"ms\", a number above 0");
        return NW_USAGE;
    }
    nw_clock_advance_ms(daemon->runtime, (uint64_t)ms);
    return NW_OK;
}

NW_YIELDS static nw_err do_clock_step(struct nw_control_call *call, struct nw_text *out)
{
    struct nw_daemon *daemon = call->daemon;
    nw_clock_step_ms(daemon->runtime, json_integer_value(json_object_get(call->args, "ms")));
    return NW_OK;
}

const struct nw_control_verb daemon_verbs[] = {
    {"status", "", "everything that newel knows about itself now", false, false, do_status},
    {"fibers", "", "the fibers at work, by name", false, false, do_fibers},
    {"reload", "", "puts the changed configuration in force", true, false, do_reload},
    {"tls", "", "which certificates serve, until when, and what was refused", false, false, do_tls},
    {"drain", "node, for_ms (optional)", "sends a node no new requests and waits until it has none",
     true, false, do_drain},
    {"undrain", "node", "lets a drained node take requests again", true, false, do_undrain},
    {"clock advance", "ms", "moves both clocks forward", true, true, do_clock_advance},
    {"clock step", "ms", "steps the wall clock, either way", true, true, do_clock_step},
};
const unsigned daemon_verb_count = NW_COUNT(daemon_verbs);

/* ---- status ---- */

static void add_memory(struct nw_text *out, struct nw_runtime *runtime)
{
    nw_text_add_char(out, '{');
    for (int i = 0; i < NW_MEMORY_ACCOUNT_COUNT; i++)
        nw_text_addf(out, "%s\"%s\":%llu", i > 0 ? "," : "",
                     nw_memory_account_name((nw_memory_account)i),
                     (unsigned long long)nw_memory_used_bytes(runtime, (nw_memory_account)i));
    nw_text_addf(out, ",\"max\":%llu}", (unsigned long long)nw_runtime_buffers_max_bytes(runtime));
}

void nw_daemon_status(void *arg, struct nw_text *out)
{
    struct nw_daemon *daemon = arg;
    struct nw_text why = {0};
    bool is_ready = nw_daemon_is_ready(daemon, &why);
    nw_text_addf(out,
                 "{\"version\":\"" NW_VERSION "\",\"uptime_s\":%.3f,\"started_unix_ms\":%llu,"
                 "\"generation\":%llu,\"workers\":%u,\"ready\":%s,\"draining\":%s,\"reloads\":"
                 "{\"done\":%.0f,\"refused\":%.0f},\"loop_lag_us\":%llu,\"memory\":",
                 (double)(nw_now_ms() - daemon->started_ms) / 1000,
                 (unsigned long long)daemon->started_wall_ms,
                 (unsigned long long)(daemon->current != NULL ? daemon->current->number : 0),
                 nw_runtime_worker_count(daemon->runtime), is_ready ? "true" : "false",
                 daemon->is_ending ? "true" : "false",
                 nw_metric_read(daemon->metrics, daemon->reloads_done),
                 nw_metric_read(daemon->metrics, daemon->reloads_refused),
                 (unsigned long long)nw_loop_lag_us(nw_worker_self()));
    add_memory(out, daemon->runtime);
    if (why.len > 0)
        nw_text_addf(out, ",\"waiting_for\":\"%s\"", why.ptr);
    nw_text_done(&why);
    for (size_t i = 0; i < daemon->sections.count; i++) {
        const struct nw_section *section = &daemon->sections.items[i];
        if (section->status == NULL)
            continue;
        nw_text_addf(out, ",\"%s\":", section->name);
        section->status(section->self, out);
    }
    nw_text_add_char(out, '}');
}

bool nw_daemon_is_ready(void *arg, struct nw_text *why)
{
    struct nw_daemon *daemon = arg;
    if (daemon->current == NULL || daemon->is_ending) {
        nw_text_add_str(why, daemon->is_ending ? "the end: newel is stopping" : "the start");
        return false;
    }
    return nw_sections_are_ready(&daemon->sections, why);
}
