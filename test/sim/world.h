/*
 * world.h - a simulated installation: daemons, the nodes behind them, the clients before them.
 *
 * Everything runs on io/sim.h: one thread, virtual time, one seed. Nodes are scripted servers in
 * runtimes of their own, so that one can crash alone; clients share one runtime. Each request has a
 * number, from which follow its method, both bodies and their framing, so whoever reads a byte
 * knows what it must be: an answer that belongs to another request is seen by its first byte.
 *
 * What must never happen is a violation: the first one is kept with its sentence and ends the run.
 *
 * Owner:   world_new/_free; daemons, nodes and clients belong to the world
 * Threads: one; outside of turns
 */
#ifndef NW_TEST_SIM_WORLD_H
#define NW_TEST_SIM_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/daemon.h"
#include "conf/value.h"
#include "io/sim.h"
#include "../check.h"

enum { WORLD_NODES_MAX = 8, WORLD_DAEMONS_MAX = 4, WORLD_CLIENTS_MAX = 256, WORLD_FILES_MAX = 4 };

struct world;

/* What daemons may read beside their configuration; borrowed. */
struct world_file {
    const char *path;
    const char *text;
};

/* How a node behaves; may be changed while it runs. Probabilities are per request. */
struct world_manner {
    uint64_t service_us;   /* mean time to answer, exponential */
    uint64_t slowest_us;   /* bound of the above; 0: none */
    double hangs;          /* never answers */
    double drops;          /* closes without an answer */
    double cuts;           /* resets in the middle of the answer */
    double says_close;     /* closes after the answer, and says so */
    double closes;         /* closes after the answer, and does not say so */
    double fails;          /* answers 503 */
    double surplus;        /* one more answer behind a whole one: the connection is spoilt */
    bool is_mute;          /* accepts and never answers, whatever is asked */
};

struct world_node {
    struct world *world;
    char name[16];
    char address[32];
    struct nw_runtime *runtime; /* NULL: it is down */
    struct nw_rng rng;
    struct world_manner manner;
    struct nw_listener *listener;
    uint64_t requests;
    uint64_t connections;
    uint64_t answered;
    uint64_t cancelled; /* the connection ended while it worked */
    uint64_t big_sent_bytes;
};

struct world_daemon {
    struct world *world;
    char name[16];
    char *text; /* of newel.yaml, for the next load */
    struct nw_daemon *daemon; /* NULL: it is down */
    struct nw_log_sink sink;
    struct nw_conf_outside outside;
    bool is_ready;
    unsigned reloads_done;
    unsigned reloads_failed;
};

/* How a client behaves. */
struct world_habit {
    const char *address;
    uint64_t requests;
    uint64_t think_us;     /* mean pause between two requests */
    uint64_t patience_ms;  /* for one answer */
    double aborts;         /* goes away while it waits */
    bool says_close;       /* one request for each connection */
    bool only_get;
};

struct world_client {
    struct world *world;
    char name[16];
    struct world_habit habit;
    struct nw_rng rng;
    uint64_t done;
    bool is_over;
};

struct world_stats {
    uint64_t ok;      /* the right answer */
    uint64_t refused; /* an error page */
    uint64_t broken;  /* the connection ended, or patience did */
    uint64_t aborted; /* by the client itself */
    uint64_t connections; /* that clients made */
    uint64_t status[600];
};

struct world {
    struct nw_sim *sim;
    struct nw_rng rng;
    uint64_t seed;
    struct nw_runtime *hosts; /* of the clients */
    struct world_file files[WORLD_FILES_MAX];
    const struct nw_backend_ops *backend; /* of daemons: nw_backend_sim, or one that measures it */
    struct world_node nodes[WORLD_NODES_MAX];
    unsigned node_count;
    struct world_daemon daemons[WORLD_DAEMONS_MAX];
    unsigned daemon_count;
    struct world_client clients[WORLD_CLIENTS_MAX];
    unsigned client_count;
    struct world_stats stats;
    uint64_t next_id;
    uint8_t *post_starts; /* by number: how many nodes began it */
    uint64_t post_cap;
    char violation[400]; /* empty: none */
};

struct world *world_new(uint64_t seed, bool drops_transcript);
struct world *world_new_in(const struct nw_sim_options *options);
/* Ends whatever still runs. */
void world_free(struct world *world);

/* The first one counts. Also from inside a turn. */
void world_violation(struct world *world, const char *format, ...) NW_PRINTF(2, 3);

/* A node on "10.0.0.N:80", serving at once. */
struct world_node *world_node_add(struct world *world, const struct world_manner *manner);
void world_node_crash(struct world_node *node, bool is_silent);
void world_node_restart(struct world_node *node);

/* A daemon from the text of a configuration; returns when it serves. */
struct world_daemon *world_daemon_add(struct world *world, const char *name, const char *text);
/* The same name again, after a kill or an end, with its present text. */
void world_daemon_restart(struct world_daemon *daemon);
void world_daemon_kill(struct world_daemon *daemon, bool is_silent);
/* SIGTERM; returns when it has ended. */
void world_daemon_end(struct world_daemon *daemon);
/* SIGTERM; returns at once. */
void world_daemon_end_begin(struct world_daemon *daemon);
/* Reads the new text (NULL: the old one) again; returns at once, is seen in reloads_done. */
void world_daemon_reload(struct world_daemon *daemon, const char *text);

/*
 * A configuration: one listener on 10.9.0.1:80, one route to a service of all nodes; `service` and
 * `route` are further lines of the two, indented by four.
 */
void world_conf(const struct world *world, unsigned threads, const char *service, const char *route,
                struct nw_text *out);

/* Starts `count` clients of this habit. */
void world_clients_add(struct world *world, unsigned count, const struct world_habit *habit);
/* Runs until all clients are over, or a violation, or max_ms have passed; true: all are over. */
bool world_run_clients(struct world *world, uint64_t max_ms);

#endif
