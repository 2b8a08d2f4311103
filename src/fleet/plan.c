/*
 * Two plans are the same when a process started from one could not be told from a process started
 * from the other. The identity is a hash over every part with its length, so that moving a letter
 * from one argument to the next is a change; values of secrets count, but never appear.
 */
#include "fleet/plan.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"

static void add_part(struct nw_text *all, struct nw_slice part)
{
    nw_text_addf(all, "%zu:", part.len);
    nw_text_add(all, part);
}

static uint64_t identity_of(const struct nw_fleet_plan *plan)
{
    struct nw_text all = {0};
    nw_text_addf(&all, "%u %u %llu %u;", plan->argc, plan->env_count,
                 (unsigned long long)plan->memory_bytes, plan->cpu_count);
    for (unsigned i = 0; i < plan->argc; i++)
        add_part(&all, nw_slice_str(plan->argv[i]));
    for (unsigned i = 0; i < plan->env_count; i++)
        add_part(&all, nw_slice_str(plan->env[i]));
    add_part(&all, nw_slice_str(plan->cwd != NULL ? plan->cwd : ""));
    add_part(&all, nw_slice_str(plan->user != NULL ? plan->user : ""));
    uint64_t identity = nw_hash_fast(nw_text_slice(&all), 0);
    nw_wipe(all.ptr, all.len);
    nw_text_done(&all);
    return identity;
}

static char *env_line(const struct nw_conf_pair *pair)
{
    struct nw_text line = {0};
    nw_text_add(&line, pair->key);
    nw_text_add_char(&line, '=');
    nw_text_add(&line, pair->value);
    return line.ptr;
}

struct nw_fleet_plan *nw_fleet_plan_new(const struct nw_conf_service *conf)
{
    struct nw_fleet_plan *plan = nw_alloc_zero(sizeof *plan);
    plan->argc = (unsigned)conf->run.count;
    plan->argv = nw_alloc_array(plan->argc + 1, sizeof *plan->argv);
    for (unsigned i = 0; i < plan->argc; i++)
        plan->argv[i] = nw_alloc_string(conf->run.items[i]);
    plan->env_count = (unsigned)conf->env.count;
    plan->env = nw_alloc_array(plan->env_count + 1, sizeof *plan->env);
    for (unsigned i = 0; i < plan->env_count; i++)
        plan->env[i] = env_line(&conf->env.items[i]);
    if (conf->cwd.len > 0)
        plan->cwd = nw_alloc_string(conf->cwd);
    if (conf->user.len > 0)
        plan->user = nw_alloc_string(conf->user);
    plan->memory_bytes = (uint64_t)conf->memory_bytes;
    plan->cpu_count = (unsigned)conf->cpu_cores;
    if (plan->cpu_count < conf->cpu_cores)
        plan->cpu_count++; /* half a processor is still one */
    plan->identity = identity_of(plan);
    return plan;
}

void nw_fleet_plan_free(struct nw_fleet_plan *plan)
{
    if (plan == NULL)
        return;
    for (unsigned i = 0; i < plan->argc; i++)
        nw_free(plan->argv[i]);
    for (unsigned i = 0; i < plan->env_count; i++) {
        nw_wipe(plan->env[i], strlen(plan->env[i])); /* it may be a secret */
        nw_free(plan->env[i]);
    }
    nw_free(plan->argv);
    nw_free(plan->env);
    nw_free(plan->cwd);
    nw_free(plan->user);
    nw_free(plan);
}

char *nw_fleet_argument(const char *text, unsigned port, const char *socket)
{
    const struct nw_slice port_mark = NW_SLICE("{port}"), socket_mark = NW_SLICE("{socket}");
    struct nw_slice rest = nw_slice_str(text);
    struct nw_text out = {0};
    nw_text_add_str(&out, ""); /* an empty argument is one, too */
    while (rest.len > 0) {
        if (nw_slice_starts_with(rest, port_mark)) {
            nw_text_addf(&out, "%u", port);
            rest = nw_slice_skip(rest, port_mark.len);
        } else if (socket != NULL && nw_slice_starts_with(rest, socket_mark)) {
            nw_text_add_str(&out, socket);
            rest = nw_slice_skip(rest, socket_mark.len);
        } else {
            nw_text_add_char(&out, rest.ptr[0]);
            rest = nw_slice_skip(rest, 1);
        }
    }
    return out.ptr; /* nw_text's memory is nw_alloc's */
}

uint64_t nw_fleet_backoff_ms(unsigned failures)
{
    uint64_t pause_ms = NW_FLEET_BACKOFF_MIN_MS;
    while (failures-- > 0 && pause_ms < NW_FLEET_BACKOFF_MAX_MS)
        pause_ms *= 2;
    return pause_ms < NW_FLEET_BACKOFF_MAX_MS ? pause_ms : NW_FLEET_BACKOFF_MAX_MS;
}

bool nw_fleet_socket_path(const char *run_dir, const char *service, unsigned instance,
                          unsigned start, char *out, size_t out_bytes)
{
    bool is_plain = strchr(service, '/') == NULL;
    if (is_plain && (size_t)snprintf(out, out_bytes, "%s/%s-%u-%u.sock", run_dir, service, instance,
                                     start) < out_bytes)
        return true;
    uint32_t name = (uint32_t)nw_hash_fast(nw_slice_str(service), 0);
    return (size_t)snprintf(out, out_bytes, "%s/%x-%u-%u", run_dir, name, instance, start) <
           out_bytes;
}
