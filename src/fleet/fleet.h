/*
 * fleet.h - application processes that newel starts, watches, replaces and stops.
 *
 * A service with `run:` has `instances` processes. Each gets PORT (loopback), NEWEL_SOCKET and
 * NEWEL_INSTANCE; whichever answers first is its address. One that exits is started again with
 * backoff; a changed command is replaced without a gap: start new, wait until ready, shift, drain
 * old, SIGTERM, after `stop` SIGKILL.
 *
 * Owner:   cmd; nw_fleet_free after its section was stopped
 * Threads: worker 0
 */
#ifndef NW_FLEET_FLEET_H
#define NW_FLEET_FLEET_H

#include "conf/section.h"
#include "io/spawn.h"
#include "peer/peer.h"

struct nw_fleet;
struct nw_runtime;

struct nw_fleet_options {
    struct nw_runtime *runtime;
    struct nw_spawner *spawner;
    const char *state_dir; /* sockets go to STATE/run/; copied */
    /* The members of `service` changed (became ready, went): ask nw_fleet_members anew. */
    NW_YIELDS void (*on_members)(void *arg, struct nw_slice service);
    /* Drains and forgets an instance that is being replaced: returns when nothing is in flight. */
    NW_YIELDS void (*on_retire)(void *arg, struct nw_slice service, const char *address);
    /* The spawner has died, nothing can be started any more; called once. May be NULL. */
    void (*on_lost)(void *arg);
    void *arg;
};

NW_MUST_CHECK nw_err nw_fleet_new(const struct nw_fleet_options *options, struct nw_fleet **out);
void nw_fleet_free(struct nw_fleet *fleet);
struct nw_section nw_fleet_section(struct nw_fleet *fleet);

/*
 * Nobody has time any more: what runs or will be stopped gets SIGKILL at once. May be called while
 * the section stops.
 */
void nw_fleet_hurry(struct nw_fleet *fleet);

/*
 * What an instance is started with, by a reading of the configuration alone: for the helper's book
 * (io/spawn_book.h). NW_NOT_FOUND: no such service, or it runs nothing, or it has no such instance;
 * NW_INVALID: newel means another command. `spec` points into *out, which is the caller's to free.
 */
struct nw_fleet_command;
NW_MUST_CHECK nw_err nw_fleet_command_new(const struct nw_conf *conf, const char *run_dir,
                                          const struct nw_spawn_wish *wish,
                                          struct nw_spawn_spec *out_spec,
                                          char why[NW_SPAWN_WHY_BYTES],
                                          struct nw_fleet_command **out);
/* NULL does nothing. */
void nw_fleet_command_free(struct nw_fleet_command *command);
/* The folder of the sockets, absolute, for the caller to nw_free; NULL: no working folder. */
char *nw_fleet_run_dir(const char *state_dir);

/* The ready instances of a service; addresses stay valid until the next change of that service. */
unsigned nw_fleet_members(struct nw_fleet *fleet, struct nw_slice service,
                          struct nw_peer_node_spec *out, unsigned max);

#endif
