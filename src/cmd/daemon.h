/*
 * daemon.h - one newel at work: everything mutable hangs off this object, so that a simulation can
 * hold several.
 *
 *     nw_daemon_new     configuration text -> checked -> runtime, gate, fleet, admin; nothing runs
 *     nw_daemon_start   in a fiber on worker 0: opens, serves, says ready
 *     nw_daemon_reload  the same text source again, beside the running generation
 *     nw_daemon_end     SIGTERM's way: close, drain, cancel, stop
 *
 * Owner:   the caller; nw_daemon_free after its runtime has stopped
 * Threads: new and free outside of workers; the others in fibers on worker 0
 */
#ifndef NW_CMD_DAEMON_H
#define NW_CMD_DAEMON_H

#include "base/diag.h"
#include "conf/generation.h"
#include "io/addr.h"

struct nw_backend_ops;
struct nw_daemon;
struct nw_log_sink;
struct nw_runtime;
struct nw_spawner;
struct outside;

struct nw_daemon_options {
    const char *file;     /* read at start and at each reload; NULL: `text` rules */
    const char *text;     /* the file-less forms; copied */
    const char *text_name; /* of `text`, for messages: "(command line)" */
    const char *state_dir; /* overrides the configuration's; NULL: none */
    const struct nw_conf_outside *outside;   /* environment and files; borrowed */
    const struct nw_conf_outside *files;     /* that parts read, at load and later; NULL: none */
    const struct nw_backend_ops *backend;
    void *world;             /* the sim's world */
    const char *name;        /* of the daemon in a simulation */
    uint64_t seed;           /* 0: from the system */
    struct nw_spawner *spawner; /* NULL: services with `run:` are refused */
    struct outside *reading; /* what `outside` has read, to compare with the helper; NULL: do not */
    const struct nw_log_sink *log_sink; /* NULL: stderr/stdout/files as configured, with a thread */
    bool is_test;            /* NEWEL_TEST=1: clock verbs exist */
    bool has_disk;           /* makes and locks the state folder */
    void (*on_ready)(void *arg, struct nw_daemon *daemon); /* every listener is open; may be NULL */
    void *on_ready_arg;
};

/* NW_INVALID: the configuration has mistakes, all in diag. */
NW_MUST_CHECK nw_err nw_daemon_new(const struct nw_daemon_options *options, struct nw_diag *diag,
                                   struct nw_daemon **out);
void nw_daemon_free(struct nw_daemon *daemon);

/* For nw_runtime_run: arg is the daemon. A failure is in nw_daemon_start_diag; the runtime ends. */
NW_YIELDS void nw_daemon_start(void *daemon);
/* NW_INVALID, or what a section refused: in diag; the old generation goes on. */
NW_YIELDS NW_MUST_CHECK nw_err nw_daemon_reload(struct nw_daemon *daemon, struct nw_diag *diag);
/* Drains within the configured time, stops all, and the runtime ends. `is_hard`: does not drain. */
NW_YIELDS void nw_daemon_end(struct nw_daemon *daemon, bool is_hard);
/* From a signal: spawns the fiber for it on worker 0. On worker 0's loop stack. */
void nw_daemon_on_signal(void *daemon, int signal);

/* Why the start failed; empty when it did not. */
const struct nw_diag *nw_daemon_start_diag(const struct nw_daemon *daemon);
struct nw_runtime *nw_daemon_runtime(struct nw_daemon *daemon);
const char *nw_daemon_state_dir(const struct nw_daemon *daemon);
/* The whole status as one JSON object. */
NW_YIELDS void nw_daemon_status(void *daemon, struct nw_text *out);
bool nw_daemon_is_ready(void *daemon, struct nw_text *why);
/*
 * Bound addresses: the n-th HTTP listener (NULL behind the last), the admin listener (NULL: none).
 */
const struct nw_addr *nw_daemon_listener(struct nw_daemon *daemon, unsigned index);
bool nw_daemon_listener_is_secure(struct nw_daemon *daemon, unsigned index);
const struct nw_addr *nw_daemon_admin(struct nw_daemon *daemon);

#endif
