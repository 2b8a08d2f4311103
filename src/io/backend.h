/*
 * backend.h - the plug point below the loop: epoll in production, sim in tests.
 *
 * Nothing above io/ sees it. Socket calls return a value >= 0 or a negative errno (which never
 * leaves io/) and never block.
 *
 * Owner:   state belongs to the worker (worker_open/worker_close)
 * Threads: a worker's thread, but for wake
 */
#ifndef NW_IO_BACKEND_H
#define NW_IO_BACKEND_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"
#include "io/addr.h"
#include "io/loop.h"

struct nw_file_ops;
struct nw_worker;

struct nw_ready {
    struct nw_source *source; /* NULL: the slot is void (its source was closed in this turn) */
    unsigned bits;
};

struct nw_backend_ops {
    const char *name;
    bool is_simulated;

    nw_err (*worker_open)(struct nw_worker *worker, void *world, void **out_state);
    void (*worker_close)(struct nw_worker *worker, void *state);

    /*
     * Events. add/modify take nw_ready_bits; ERROR is always reported, PEER_END while READ or
     * PEER_END is wanted (a half-closed peer must not spin a writer that waits for room).
     */
    int (*add)(void *state, struct nw_source *source, unsigned want);
    int (*modify)(void *state, struct nw_source *source, unsigned want);
    int (*remove)(void *state, struct nw_source *source);
    /* Fills out; sleeps at most timeout_ns (-1: until woken; 0: not at all). Returns the count. */
    int (*wait)(void *state, struct nw_ready *out, int max, int64_t timeout_ns);
    /* Any thread: makes a sleeping or the next wait return. */
    void (*wake)(void *state);

    /* Clock and chance. */
    uint64_t (*mono_ns)(void *state);
    uint64_t (*wall_ms)(void *state);
    void (*random)(void *state, void *out, size_t bytes);

    /* Sockets: non-blocking, close-on-exec, TCP_NODELAY. */
    int (*listen)(void *state, const struct nw_addr *addr, bool is_first, unsigned mode);
    int (*local_addr)(void *state, int fd, struct nw_addr *out);
    int (*accept)(void *state, int listen_fd, struct nw_addr *out_peer);
    int (*connect)(void *state, const struct nw_addr *to); /* fd; completion is WRITE readiness */
    int (*connect_result)(void *state, int fd);            /* 0 or -errno */
    ssize_t (*readv)(void *state, int fd, const struct iovec *iov, int count);
    ssize_t (*peek)(void *state, int fd, void *to, size_t bytes);
    ssize_t (*writev)(void *state, int fd, const struct iovec *iov, int count);
    /*
     * Up to `bytes` between a socket and a pipe, either way; see io/relay.c, which pools the pipes
     * and closes both ends with `close`. NULL: copy.
     */
    ssize_t (*splice)(void *state, int from_fd, int to_fd, size_t bytes, bool is_more);
    int (*pipe)(void *state, int out_fds[2], size_t *out_cap_bytes);
    void (*shutdown_write)(void *state, int fd);
    void (*close)(void *state, int fd, bool with_reset);

    /* Where the kernel's and c-ares' ways are not taken; NULL in production. */
    NW_YIELDS nw_err (*resolve)(void *state, const char *host, struct nw_addr_list *out);
    const struct nw_file_ops *files;
};

extern const struct nw_backend_ops nw_backend_epoll;
extern const struct nw_backend_ops nw_backend_sim;

#endif
