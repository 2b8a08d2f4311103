/*
 * fleet_impl.h - the insides of the fleet: services, slots, runs.
 *
 *     service   one with `run:`; its command is the newest configuration's
 *     slot      instance 1, 2, …: a fiber that decides what shall run (slot.c)
 *     run       one process from its start to its end: a fiber that does it (run.c)
 *
 * Owner:   the fleet owns services; a service its slots; a slot the runs that it names; a run that
 *          was told to leave owns itself
 * Threads: worker 0
 */
#ifndef NW_FLEET_FLEET_IMPL_H
#define NW_FLEET_FLEET_IMPL_H

#include "base/log.h"
#include "base/metric.h"
#include "fleet/fleet.h"
#include "fleet/lines.h"
#include "fleet/plan.h"
#include "io/fiber.h"
#include "io/sync.h"

struct nw_fleet {
    struct nw_fleet_options options;
    char *run_dir; /* absolute */
    struct nw_metrics *metrics; /* may be NULL */
    struct nw_list services;
    struct nw_list runs; /* all, those that leave too */
    struct nw_scope scope; /* fibers of slots */
    struct nw_semaphore telling; /* on_members, one at a time */
    struct nw_semaphore starting; /* so many processes at once */
    bool is_started;
    bool is_stopping;
    bool is_hurried;
    bool is_lost; /* on_lost was called */
};

struct fleet_service {
    struct nw_list node;
    struct nw_fleet *fleet;
    char *name;
    struct nw_list slots;
    bool is_wanted; /* by the newest configuration */
    uint64_t identity; /* of the command that the newest configuration wants */
    bool has_user;     /* of its own */
    unsigned start_count;
    unsigned instances;
    unsigned max_connections;
    uint64_t stop_ms;
    uint64_t drain_ms;
    char *health_path; /* NULL: accepting is enough */
    char *health_host; /* empty: localhost */
    uint64_t health_timeout_ms;
    struct nw_conf_statuses expect; /* items are the service's own */
    struct nw_metric_series *starts;
    struct nw_metric_series *running;
};

typedef enum fleet_state { FLEET_STARTING, FLEET_READY, FLEET_BACKOFF, FLEET_STOPPING } fleet_state;

struct fleet_run {
    struct nw_list node; /* in the fleet's runs */
    struct fleet_slot *slot;
    struct nw_process process; /* pid 0 unless started */
    struct nw_fiber *fiber;
    struct nw_event asked; /* is_leaving was set */
    uint64_t identity;     /* of the plan that it was started from */
    unsigned port;
    bool has_socket; /* NEWEL_SOCKET was given */
    char socket_path[NW_ADDR_UNIX_MAX_BYTES];
    struct nw_addr addr;
    char address[NW_ADDR_TEXT_MAX_BYTES]; /* once ready */
    bool is_ready;
    bool is_leaving; /* drains, stops, frees itself */
    bool is_over;    /* its slot frees it */
    bool has_answered; /* accepted a connection, whatever its health said */
    uint64_t started_ms;
    uint64_t ready_ms;
    char last_words[NW_PROCESS_REASON_BYTES]; /* last telling line of stderr */
    struct nw_fleet_lines lines[2];           /* of stdout, of stderr */
};

struct fleet_slot {
    struct nw_list node;
    struct fleet_service *service;
    unsigned number; /* from 1 */
    struct nw_event changed;
    struct nw_scope scope;      /* fibers of runs */
    struct fleet_run *current;  /* the member */
    struct fleet_run *next;     /* not ready yet */
    uint64_t seen_identity;
    uint64_t retry_at_ms;
    unsigned failures; /* in a row */
    unsigned restarts;
    bool is_unwanted;
    fleet_state state;
    uint64_t since_ms;
    char reason[2 * NW_PROCESS_REASON_BYTES + 4]; /* of the last end */
};

/* fleet.c */

/* Tells that the members of a service changed, unless everything ends. */
NW_YIELDS void nw_fleet_tell(struct fleet_service *service);
/* Is the port promised to a process that may not have bound it yet? */
bool nw_fleet_has_port(const struct nw_fleet *fleet, unsigned port);
/* The last one frees a service that nobody wants. */
void nw_fleet_slot_gone(struct fleet_slot *slot);
/* Counts an end by its reason. */
void nw_fleet_count_end(struct fleet_service *service, const char *reason);

/* slot.c */

/* Makes the slot and starts its fiber. */
void nw_fleet_slot_start(struct fleet_service *service, unsigned number);
/* Drains and stops what runs; the slot frees itself. */
void nw_fleet_slot_leave(struct fleet_slot *slot);

/* run.c */

/* Starts a process of the newest plan; the slot hears by `changed`. NULL: no fiber is left. */
struct fleet_run *nw_fleet_run_start(struct fleet_slot *slot);
/* The run is the slot's no longer: it drains (when it was a member), stops and frees itself. */
void nw_fleet_run_leave(struct fleet_run *run);
void nw_fleet_run_free(struct fleet_run *run);

/* ready.c */

/*
 * Returns once the process answers: NW_OK with run->addr set, or when it has ended or was asked to
 * leave (NW_PEER_CLOSED), or is cancelled.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_fleet_run_wait_ready(struct fleet_run *run);

#endif
