/*
 * daemon_impl.h - the daemon's insides, shared by daemon.c, reload.c and verbs.c.
 *
 * Owner:   see daemon.h
 * Threads: see daemon.h
 */
#ifndef NW_CMD_DAEMON_IMPL_H
#define NW_CMD_DAEMON_IMPL_H

#include "admin/admin.h"
#include "base/log_file.h"
#include "base/metric.h"
#include "cmd/daemon.h"
#include "fleet/fleet.h"
#include "gate/gate.h"
#include "io/confine.h"
#include "io/file.h"
#include "io/sync.h"
#include "io/worker.h"

struct nw_daemon {
    struct nw_daemon_options options;
    char *file;
    char *text;
    char *state_dir;
    char user[64]; /* whose uid we have; empty: it has no name */
    struct nw_file *lock;
    struct nw_log_file *events_file;
    struct nw_log_file *access_file; /* NULL: access lines go with the events */
    struct nw_log_hub *log_hub;
    struct nw_metrics *metrics;
    struct nw_runtime *runtime;
    struct nw_peer_registry *registry;
    struct nw_gate *gate;
    struct nw_fleet *fleet;
    struct nw_admin *admin;
    struct nw_confine_report confined;
    struct nw_section items[NW_CONF_SECTION_MAX];
    struct nw_sections sections;
    struct nw_generation *first;   /* checked by new, put in force by start */
    struct nw_generation *current; /* in force */
    uint64_t generation_count;
    struct nw_diag start_diag;
    uint64_t started_wall_ms;
    uint64_t started_ms;
    bool is_reloading;            /* or starting: generations are being changed */
    struct nw_event reload_over;  /* set while they are not */
    bool is_ending;  /* draining */
    bool is_stopped; /* the sections were stopped */
    unsigned interrupts;
    struct nw_metric_series *reloads_done;
    struct nw_metric_series *reloads_refused;
    struct nw_metric_series *generation_gauge;
};

extern const struct nw_control_verb daemon_verbs[];
extern const unsigned daemon_verb_count;

/* Reads the configuration's text as it is now. Blocks. */
NW_MUST_CHECK nw_err daemon_load(struct nw_daemon *daemon, const struct nw_sections *sections,
                                 struct nw_diag *diag, struct nw_generation **out);
/* Between the two a change of generation is under way, and the end of the daemon waits. */
void daemon_change_begin(struct nw_daemon *daemon);
void daemon_change_end(struct nw_daemon *daemon);
/* Puts `next` in force. */
NW_YIELDS NW_MUST_CHECK nw_err daemon_switch(struct nw_daemon *daemon, struct nw_generation *next,
                                             struct nw_diag *diag);
/* The reloadable limits of the runtime. */
void daemon_apply_limits(struct nw_daemon *daemon, const struct nw_conf *conf);
struct nw_log *daemon_log(struct nw_daemon *daemon);

/* confine.c: of `newel run` alone; elsewhere they do nothing. */

/* May we become the file's user? */
NW_MUST_CHECK nw_err daemon_check_user(const struct nw_conf *conf, struct nw_diag *diag);
/* The helper and newel give up their power; before the first thread. */
NW_MUST_CHECK nw_err daemon_confine(struct nw_daemon *daemon, const struct nw_conf *conf,
                                    struct nw_diag *diag);
/* The event that says what is on. */
void daemon_tell_hardening(struct nw_daemon *daemon);

#endif
