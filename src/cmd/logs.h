/*
 * logs.h - where log lines go: standard streams or files that rotation may move.
 *
 * Owner:   embedded in the daemon
 * Threads: opened at start, written by the log's thread
 */
#ifndef NW_CMD_LOGS_H
#define NW_CMD_LOGS_H

#include "base/diag.h"
#include "base/log.h"
#include "conf/conf.h"

struct logs_target {
    int fd;
    char *path; /* NULL: a standard stream */
};

struct logs {
    struct logs_target events;
    struct logs_target access;
};

/* Opens what the configuration names; NW_DENIED and kin with a located sentence. */
NW_MUST_CHECK nw_err logs_open(struct logs *logs, const struct nw_conf *conf, struct nw_diag *diag);
void logs_close(struct logs *logs);
struct nw_log_sink logs_sink(struct logs_target *target);

#endif
