/*
 * gate.h - the HTTP door: listeners, connections, routes, forwarding.
 *
 * The one face of this folder. cmd makes the gate, hands its section to the configuration engine,
 * and lets every worker take each new generation.
 *
 * Owner:   cmd; nw_gate_free after nw_gate_stop
 * Threads: worker 0 in a fiber, unless said otherwise
 */
#ifndef NW_GATE_GATE_H
#define NW_GATE_GATE_H

#include "conf/generation.h"
#include "peer/peer.h"

struct nw_gate;
struct nw_peer_registry;
struct nw_runtime;

struct nw_gate_options {
    struct nw_runtime *runtime;
    struct nw_peer_registry *registry;
    const char *spool_dir; /* copied; NULL: bodies beyond the memory buffer are refused with 413 */
    /*
     * The present members of a supervised service: fills at most `max` specs (strings static until
     * the next call) and returns how many. NULL where nothing is supervised.
     */
    unsigned (*members)(void *arg, struct nw_slice service, struct nw_peer_node_spec *out,
                        unsigned max);
    void *members_arg;
    /* Reads and finds certificates and keys; borrowed. NULL: there are none. */
    const struct nw_conf_outside *files;
    /* Inherited listening sockets: the descriptor bound to addr, or -1. NULL: none. */
    int (*inherited_fd)(void *arg, const struct nw_addr *addr);
    void *inherited_arg;
    /* Asked where opening a listener is denied: as struct nw_listener_options says. May be NULL. */
    NW_YIELDS nw_err (*ask_open)(void *arg, const char *text, const struct nw_addr *addr,
                                 bool is_first, int *out_fd);
    void *ask_arg;
};

NW_MUST_CHECK nw_err nw_gate_new(const struct nw_gate_options *options, struct nw_gate **out);
void nw_gate_free(struct nw_gate *gate);

/* The gate as a section of the configuration. */
struct nw_section nw_gate_section(struct nw_gate *gate);
/* On each worker's loop stack: new requests of this worker use `generation` from now on. */
void nw_gate_take(struct nw_gate *gate, struct nw_generation *generation);

/* Reads and judges the files that `tls` names; every mistake and warning is in diag. Blocks. */
void nw_gate_check_tls(const struct nw_conf_outside *outside, int64_t now_s,
                       const struct nw_conf *conf, struct nw_diag *diag);
/* {"listeners": […], "services": […], "watched": bool}: which certificates serve. */
void nw_gate_tls_status(const struct nw_gate *gate, struct nw_text *out);
/* Does the n-th listener speak HTTPS? */
bool nw_gate_listener_is_secure(struct nw_gate *gate, unsigned index);

/* The members of a supervised service changed. */
NW_YIELDS void nw_gate_members_changed(struct nw_gate *gate, struct nw_slice service);

/* No more connections; keep-alive answers close. Returns when idle ones are closed. */
NW_YIELDS void nw_gate_drain(struct nw_gate *gate);
/* Waits until no exchange and no tunnel is left; NW_TIMEOUT, NW_CANCELLED. */
NW_YIELDS NW_MUST_CHECK nw_err nw_gate_wait_idle(struct nw_gate *gate);
/* Cancels what is left and waits for it; frees what workers hold. */
NW_YIELDS void nw_gate_stop(struct nw_gate *gate);

/* How many generations some worker still decides on. */
unsigned nw_gate_generations_alive(struct nw_gate *gate);
/* The bound address of the n-th listener, NULL behind the last; for the line on stderr. */
const struct nw_addr *nw_gate_listener_addr(struct nw_gate *gate, unsigned index);

#endif
