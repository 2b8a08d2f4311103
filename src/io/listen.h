/*
 * listen.h - listening sockets, one per worker and address, and fair accepting.
 *
 * The first socket of an address is bound without SO_REUSEPORT, so that a second newel is refused;
 * the flag is set after bind and the other workers' sockets join. Sockets are never closed by a
 * change of generation; a removed address accepts until empty before it closes.
 *
 * Owner:   the runtime; nw_listener_close on removal
 * Threads: opened, closed and re-pointed in a fiber on worker 0; on_accept runs on every worker
 */
#ifndef NW_IO_LISTEN_H
#define NW_IO_LISTEN_H

#include "base/err.h"
#include "io/stream.h"

struct nw_listener;
struct nw_runtime;

struct nw_listener_options {
    struct nw_addr addr; /* port 0: the kernel chooses */
    int inherited_fd;    /* from LISTEN_FDS, or -1 */
    unsigned mode;       /* of a Unix socket's file; 0: 0666 */
    bool only_worker_0;  /* admin: no need to spread */
    /* On the loop's stack of the worker that serves it; takes over `accepted`. Must not yield. */
    void (*on_accept)(void *owner, struct nw_accepted *accepted);
    /* Descriptors ran out (true) or came back (false); may be NULL. */
    void (*on_exhausted)(void *owner, bool is_exhausted);
    void *owner;
    /*
     * Asked where opening is denied (a port below 1024, a folder of somebody else): a socket for
     * addr from one who may. NULL: nobody. `text` names the listener; borrowed for the call.
     */
    NW_YIELDS nw_err (*ask_open)(void *arg, const char *text, const struct nw_addr *addr,
                                 bool is_first, int *out_fd);
    void *ask_arg;
    const char *text;
};

/*
 * Opens the sockets; they queue connections, which are accepted from nw_listener_start on.
 * NW_ADDRESS_IN_USE, NW_DENIED, NW_UNREACHABLE.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_listener_open(struct nw_runtime *runtime,
                                                const struct nw_listener_options *options,
                                                struct nw_listener **out);
/* Why it failed, as the rest of a sentence that begins with the address: "is in use by …". */
const char *nw_listener_trouble(nw_err err);
NW_YIELDS void nw_listener_start(struct nw_listener *listener);
/* Accepts until the queues are empty, then closes and frees. */
NW_YIELDS void nw_listener_close(struct nw_listener *listener);
/* The bound address (the kernel's port). */
const struct nw_addr *nw_listener_addr(const struct nw_listener *listener);

/* The owner counts its connections per worker, for the hand-over (> 25 % more than another). */
void nw_listener_count(int delta);
/* Connections that are counted on all workers. Any thread. */
uint64_t nw_listener_connections(const struct nw_runtime *runtime);

#endif
