/*
 * The fleet as a section: it compares what the newest configuration wants with what there is, by
 * service name and instance number, and leaves the rest to the slots. Services that nobody names
 * any more go in drain, after the door has taken up the new generation, so that no request is
 * routed to a process that is being stopped.
 *
 * Processes are no part of a generation: one that is started from an unchanged command serves under
 * any number of reloads.
 */
#include "fleet/fleet.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "conf/generation.h"
#include "fleet/fleet_impl.h"
#include "io/clock.h"
#include "io/procfs.h"
#include "io/worker.h"

enum { STARTING_MAX = 4 };

/* ---- services ---- */

static struct fleet_service *find(const struct nw_fleet *fleet, struct nw_slice name)
{
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        if (service->is_wanted && nw_slice_eq(nw_slice_str(service->name), name))
            return service;
    }
    return NULL;
}

static struct fleet_service *service_new(struct nw_fleet *fleet, struct nw_slice name)
{
    struct fleet_service *service = nw_alloc_zero(sizeof *service);
    service->fleet = fleet;
    service->name = nw_alloc_string(name);
    service->is_wanted = true;
    nw_list_init(&service->slots);
    nw_list_push_back(&fleet->services, &service->node);
    if (fleet->metrics != NULL) {
        service->starts =
            nw_metric_open(fleet->metrics, NW_METRIC_process_starts_total, service->name);
        service->running = nw_metric_open(fleet->metrics, NW_METRIC_process_running, service->name);
    }
    return service;
}

static void service_free(struct fleet_service *service)
{
    struct nw_metrics *metrics = service->fleet->metrics;
    if (metrics != NULL) {
        nw_metric_close(metrics, service->starts);
        nw_metric_close(metrics, service->running);
    }
    nw_list_remove(&service->node);
    nw_free(service->health_path);
    nw_free(service->health_host);
    nw_free(service->expect.items);
    nw_free(service->name);
    nw_free(service);
}

/* What may change without a new process. */
static void take_settings(struct fleet_service *service, const struct nw_conf *conf,
                          const struct nw_conf_service *wanted)
{
    service->instances = (unsigned)wanted->instances;
    service->max_connections = (unsigned)wanted->max_connections;
    service->stop_ms = (uint64_t)wanted->stop_ms;
    service->drain_ms = (uint64_t)conf->drain_ms;
    service->health_timeout_ms = (uint64_t)wanted->health.timeout_ms;
    nw_free(service->health_path);
    nw_free(service->health_host);
    nw_free(service->expect.items);
    service->health_path =
        wanted->health.path.len > 0 ? nw_alloc_string(wanted->health.path) : NULL;
    service->health_host = nw_alloc_string(wanted->host.text);
    service->expect = nw_conf_statuses_copy(&wanted->health.expect);
}

static struct fleet_slot *find_slot(const struct fleet_service *service, unsigned number)
{
    NW_LIST_EACH(node, &service->slots)
    {
        struct fleet_slot *slot = NW_CONTAINER_OF(node, struct fleet_slot, node);
        if (slot->number == number && !slot->is_unwanted)
            return slot;
    }
    return NULL;
}

static void update(struct fleet_service *service, const struct nw_conf *conf,
                   const struct nw_conf_service *wanted)
{
    struct nw_fleet_plan *plan = nw_fleet_plan_new(wanted);
    service->identity = plan->identity;
    service->has_user = plan->user != NULL;
    nw_fleet_plan_free(plan); /* the helper makes its own */
    take_settings(service, conf, wanted);
    NW_LIST_EACH(node, &service->slots)
    {
        struct fleet_slot *slot = NW_CONTAINER_OF(node, struct fleet_slot, node);
        if (slot->number > service->instances)
            nw_fleet_slot_leave(slot);
        else
            nw_event_set(&slot->changed);
    }
    for (unsigned number = 1; number <= service->instances; number++)
        if (find_slot(service, number) == NULL)
            nw_fleet_slot_start(service, number);
}

/* ---- what slots and runs ask for ---- */

void nw_fleet_tell(struct fleet_service *service)
{
    struct nw_fleet *fleet = service->fleet;
    if (fleet->is_stopping || fleet->options.on_members == NULL)
        return;
    if (nw_semaphore_take(&fleet->telling) != NW_OK)
        return; /* cancelled: the fleet stops */
    if (service->is_wanted)
        fleet->options.on_members(fleet->options.arg, nw_slice_str(service->name));
    nw_semaphore_give(&fleet->telling);
}

bool nw_fleet_has_port(const struct nw_fleet *fleet, unsigned port)
{
    NW_LIST_EACH(node, &fleet->runs)
    {
        if (NW_CONTAINER_OF(node, struct fleet_run, node)->port == port)
            return true;
    }
    return false;
}

void nw_fleet_slot_gone(struct fleet_slot *slot)
{
    struct fleet_service *service = slot->service;
    nw_list_remove(&slot->node);
    nw_free(slot);
    if (nw_list_is_empty(&service->slots) && (!service->is_wanted || service->fleet->is_stopping))
        service_free(service);
}

void nw_fleet_count_end(struct fleet_service *service, const char *reason)
{
    struct nw_metrics *metrics = service->fleet->metrics;
    if (metrics == NULL)
        return;
    struct nw_metric_series *ends =
        nw_metric_open(metrics, NW_METRIC_process_exits_total, service->name, reason);
    nw_metric_add(ends, 0, 1); /* stays open: a count that vanished would look like a restart */
}

/* ---- the section ---- */

static bool uses(const struct nw_conf_service *service, const char *mark)
{
    for (size_t i = 0; i < service->run.count; i++)
        if (strstr(service->run.items[i].ptr, mark) != NULL)
            return true;
    return false;
}

static void check_socket(const struct nw_fleet *fleet, const struct nw_conf *conf,
                         const struct nw_conf_service *service, struct nw_diag *diag)
{
    char path[NW_ADDR_UNIX_MAX_BYTES];
    bool is_used = uses(service, "{socket}");
    if (nw_fleet_socket_path(fleet->run_dir, service->name.ptr, (unsigned)service->instances,
                             1000000, path, sizeof path))
        return;
    else if (is_used)
        nw_conf_blame(conf, &service->block, "run", "choose a shorter state folder", diag,
                      "the path of a socket in %s is longer than the 107 bytes that one may have",
                      fleet->run_dir);
    else
        nw_conf_warn(conf, &service->block, "run", "choose a shorter state folder", diag,
                     "NEWEL_SOCKET is not given: its path in %s would be longer than 107 bytes",
                     fleet->run_dir);
}

static void check(void *self, const struct nw_conf *conf, struct nw_diag *diag)
{
    const struct nw_fleet *fleet = self;
    for (size_t i = 0; i < conf->services.count; i++) {
        const struct nw_conf_service *service = &conf->services.items[i];
        if (service->run.count == 0)
            continue;
        if (fleet->options.spawner == NULL) {
            nw_conf_blame(conf, &service->block, "run", "use nodes", diag,
                          "no processes can be started here");
            continue;
        }
        check_socket(fleet, conf, service, diag);
    }
}

static void start(void *self, struct nw_generation *next)
{
    struct nw_fleet *fleet = self;
    const struct nw_conf *conf = next->conf;
    if (fleet->options.spawner == NULL || fleet->is_stopping)
        return;
    if (!fleet->is_started) {
        fleet->is_started = true;
        nw_socket_folder_clear(fleet->run_dir); /* of a newel that was killed */
        nw_scope_open(&fleet->scope);
        fleet->scope.deadline_ms = NW_NEVER;
    }
    nw_err err = nw_spawner_attach(fleet->options.spawner);
    if (err != NW_OK) {
        nw_log(nw_worker_log(nw_worker_self()), NW_ERROR, "process.no_helper", "reason=%s",
               nw_err_text(err));
        return;
    }
    for (size_t i = 0; i < conf->services.count; i++) {
        const struct nw_conf_service *wanted = &conf->services.items[i];
        if (wanted->run.count == 0)
            continue;
        struct fleet_service *service = find(fleet, wanted->name);
        update(service != NULL ? service : service_new(fleet, wanted->name), conf, wanted);
    }
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        const struct nw_conf_service *wanted =
            nw_conf_service_find(conf, nw_slice_str(service->name));
        service->is_wanted = service->is_wanted && wanted != NULL && wanted->run.count > 0;
    }
}

static void drain(void *self, struct nw_generation *old)
{
    struct nw_fleet *fleet = self;
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        if (service->is_wanted)
            continue;
        NW_LIST_EACH(at, &service->slots)
        {
            nw_fleet_slot_leave(NW_CONTAINER_OF(at, struct fleet_slot, node));
        }
    }
}

NW_YIELDS static void stop(void *self)
{
    struct nw_fleet *fleet = self;
    if (fleet->is_stopping)
        return;
    fleet->is_stopping = true;
    if (!fleet->is_started)
        return;
    nw_scope_close(&fleet->scope);
    nw_spawner_detach(fleet->options.spawner);
}

static bool is_ready(void *self, struct nw_text *why)
{
    const struct nw_fleet *fleet = self;
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        bool has_member = !service->is_wanted;
        NW_LIST_EACH(at, &service->slots)
        {
            has_member |= NW_CONTAINER_OF(at, struct fleet_slot, node)->current != NULL;
        }
        if (!has_member) {
            nw_text_addf(why, "a process of service %s", service->name);
            return false;
        }
    }
    return true;
}

/* ---- telling ---- */

static void slot_status(const struct fleet_slot *slot, struct nw_text *out)
{
    static const char *const names[] = {
        [FLEET_STARTING] = "starting",
        [FLEET_READY] = "ready",
        [FLEET_BACKOFF] = "backoff",
        [FLEET_STOPPING] = "stopping",
    };
    const struct fleet_run *run = slot->current != NULL ? slot->current : slot->next;
    nw_text_addf(out, "{\"instance\":%u,\"pid\":%d,\"state\":\"%s\",\"restarts\":%u,\"reason\":\"",
                 slot->number, run != NULL ? run->process.pid : 0, names[slot->state],
                 slot->restarts);
    nw_text_add_json(out, nw_slice_str(slot->reason));
    nw_text_add_str(out, "\",\"address\":\"");
    nw_text_add_json(out, nw_slice_str(slot->current != NULL ? slot->current->address : ""));
    nw_text_addf(out, "\",\"is_replacing\":%s,\"since_ms\":%llu}",
                 slot->current != NULL && slot->next != NULL ? "true" : "false",
                 (unsigned long long)(nw_now_ms() - slot->since_ms));
}

static void status(void *self, struct nw_text *out)
{
    const struct nw_fleet *fleet = self;
    bool is_first = true;
    nw_text_add_char(out, '{');
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        if (!service->is_wanted)
            continue;
        nw_text_add_str(out, is_first ? "" : ",");
        nw_text_add_json_string(out, nw_slice_str(service->name));
        nw_text_add_str(out, ":[");
        is_first = false;
        bool is_first_slot = true;
        NW_LIST_EACH(at, &service->slots)
        {
            nw_text_add_str(out, is_first_slot ? "" : ",");
            is_first_slot = false;
            slot_status(NW_CONTAINER_OF(at, struct fleet_slot, node), out);
        }
        nw_text_add_char(out, ']');
    }
    nw_text_add_char(out, '}');
}

void nw_fleet_hurry(struct nw_fleet *fleet)
{
    fleet->is_hurried = true;
    NW_LIST_EACH(node, &fleet->runs)
    {
        struct fleet_run *run = NW_CONTAINER_OF(node, struct fleet_run, node);
        nw_process_stop(&run->process, 0);
    }
}

unsigned nw_fleet_members(struct nw_fleet *fleet, struct nw_slice name,
                          struct nw_peer_node_spec *out, unsigned max)
{
    struct fleet_service *service = find(fleet, name);
    unsigned count = 0;
    if (service == NULL)
        return 0;
    NW_LIST_EACH(node, &service->slots)
    {
        const struct fleet_slot *slot = NW_CONTAINER_OF(node, struct fleet_slot, node);
        if (slot->current == NULL || count == max)
            continue;
        out[count++] = (struct nw_peer_node_spec){.address = slot->current->address,
                                                  .weight = 1,
                                                  .max_connections = service->max_connections};
    }
    return count;
}

/* ---- new and free ---- */

nw_err nw_fleet_new(const struct nw_fleet_options *options, struct nw_fleet **out)
{
    char *run_dir = nw_fleet_run_dir(options->state_dir);
    if (run_dir == NULL)
        return NW_INVALID;
    struct nw_fleet *fleet = nw_alloc_zero(sizeof *fleet);
    fleet->options = *options;
    fleet->options.state_dir = NULL; /* borrowed for the call */
    fleet->run_dir = run_dir;
    fleet->metrics = options->runtime != NULL ? nw_runtime_metrics(options->runtime) : NULL;
    nw_list_init(&fleet->services);
    nw_list_init(&fleet->runs);
    nw_semaphore_init(&fleet->telling, 1);
    nw_semaphore_init(&fleet->starting, STARTING_MAX);
    *out = fleet;
    return NW_OK;
}

void nw_fleet_free(struct nw_fleet *fleet)
{
    if (fleet == NULL)
        return;
    NW_LIST_EACH(node, &fleet->services)
    {
        struct fleet_service *service = NW_CONTAINER_OF(node, struct fleet_service, node);
        NW_ASSERT(nw_list_is_empty(&service->slots));
        service_free(service);
    }
    nw_free(fleet->run_dir);
    nw_free(fleet);
}

struct nw_section nw_fleet_section(struct nw_fleet *fleet)
{
    return (struct nw_section){
        .name = "fleet",
        .self = fleet,
        .check = check,
        .start = start,
        .drain = drain,
        .stop = stop,
        .is_ready = is_ready,
        .status = status,
    };
}
