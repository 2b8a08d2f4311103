/*
 * admin.h - how people and tools look into a running newel and steer it.
 *
 * Two doors to one table of verbs: STATE/control.sock (mode 0600, caller = the peer's user) and,
 * only where admin.token is set, POST /control/VERB on the admin listener (caller = the token's
 * name). The admin listener also serves /metrics, /status, /health/live and /health/ready.
 *
 * Owner:   cmd; nw_admin_free after its section was stopped
 * Threads: worker 0
 */
#ifndef NW_ADMIN_ADMIN_H
#define NW_ADMIN_ADMIN_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "conf/section.h"
#include "io/addr.h"

struct nw_admin;
struct nw_runtime;

/* One call of a verb, in a fiber of its own; hanging up cancels the fiber. */
struct nw_control_call {
    const char *caller;   /* "root", "token" */
    const json_t *args;   /* an object: the request without "verb"; borrowed */
    void *daemon;         /* nw_admin_options.daemon */
    void *connection;     /* admin's own */
};

/*
 * One answer line that is not the last: a JSON object's members without braces, as in
 * `"state":"draining","in_flight":3`. NW_CLIENT_GONE when nobody listens any more.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_control_progress(struct nw_control_call *call,
                                                   const char *members, ...) NW_PRINTF(2, 3);

struct nw_control_verb {
    const char *name;      /* "drain" */
    const char *arguments; /* "node [for_ms]": for help and the reference page */
    const char *help;      /* one sentence */
    bool is_change;        /* needs more than a read */
    bool is_test_only;     /* exists only on the socket and with NEWEL_TEST=1 */
    /*
     * Adds the members of the last line to out (as above, may stay empty). On an error `out` is the
     * sentence for a person (plain text), empty: the error's own text.
     */
    NW_YIELDS nw_err (*handle)(struct nw_control_call *call, struct nw_text *out);
};

struct nw_admin_options {
    struct nw_runtime *runtime;
    const char *state_dir; /* copied; NULL: no control socket */
    const struct nw_control_verb *verbs; /* static */
    unsigned verb_count;
    void *daemon; /* handed to verbs and callbacks */
    bool is_test; /* NEWEL_TEST=1 */
    const char *user; /* whose uid is ours, to name callers; copied; NULL: by its number */
    /* Asked where opening the listener is denied: as struct nw_listener_options says; or NULL. */
    NW_YIELDS nw_err (*ask_open)(void *arg, const char *text, const struct nw_addr *addr,
                                 bool is_first, int *out_fd);
    void *ask_arg;
    /* The whole status as one JSON object. */
    NW_YIELDS void (*status)(void *daemon, struct nw_text *out);
    /* For /health/ready; adds to why what it waits for. */
    bool (*is_ready)(void *daemon, struct nw_text *why);
};

NW_MUST_CHECK nw_err nw_admin_new(const struct nw_admin_options *options, struct nw_admin **out);
void nw_admin_free(struct nw_admin *admin);
/* admit: opens the listener and socket; start: serves them. */
struct nw_section nw_admin_section(struct nw_admin *admin);
/* The bound address of the admin listener; NULL when there is none. */
const struct nw_addr *nw_admin_addr(const struct nw_admin *admin);

#endif
