/*
 * plan.h - what a process is started with, and when it is started again: arithmetic and text.
 *
 * Owner:   a plan owns copies of everything; nw_fleet_plan_free
 * Threads: stateless
 */
#ifndef NW_FLEET_PLAN_H
#define NW_FLEET_PLAN_H

#include "conf/conf.h"

enum {
    NW_FLEET_BACKOFF_MIN_MS = 100,
    NW_FLEET_BACKOFF_MAX_MS = 30000,
    NW_FLEET_HEALTHY_MS = 60000, /* after so long as a member, failures are forgotten */
};

/* A command and everything around it. */
struct nw_fleet_plan {
    uint64_t identity;
    char **argv; /* {port} and {socket} not yet replaced */
    unsigned argc;
    char **env; /* "NAME=value" */
    unsigned env_count;
    char *cwd;  /* NULL: newel's own */
    char *user; /* NULL: newel's own */
    uint64_t memory_bytes;
    unsigned cpu_count;
};

struct nw_fleet_plan *nw_fleet_plan_new(const struct nw_conf_service *conf);
/* NULL does nothing. */
void nw_fleet_plan_free(struct nw_fleet_plan *plan);

/*
 * An argument with {port} and {socket} replaced, for the caller to nw_free; other braces stay as
 * they are. A socket of NULL leaves {socket}, too.
 */
char *nw_fleet_argument(const char *text, unsigned port, const char *socket);
/* The pause after the n-th failure in a row, from 0. */
uint64_t nw_fleet_backoff_ms(unsigned failures);
/*
 * The path of an instance's socket: "RUN_DIR/shop-1-7.sock", a shorter one when that is more than a
 * socket's address holds; false when even that is.
 */
bool nw_fleet_socket_path(const char *run_dir, const char *service, unsigned instance,
                          unsigned start, char *out, size_t out_bytes);

#endif
