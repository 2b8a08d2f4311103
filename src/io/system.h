/*
 * system.h - what a daemon asks of the operating system once: limits, signals, its service manager.
 *
 * Owner:   plain values; the signal source belongs to the caller
 * Threads: start-up, or worker 0
 */
#ifndef NW_IO_SYSTEM_H
#define NW_IO_SYSTEM_H

#include <stdbool.h>

#include "base/err.h"
#include "io/addr.h"
#include "io/loop.h"

/* Raises the soft limit of descriptors to the hard one; returns what it is now. */
uint64_t nw_system_raise_files(void);
/* The soft limit of descriptors. */
uint64_t nw_system_files_max(void);

/* Tells systemd (NOTIFY_SOCKET), if it asked: "READY=1", "RELOADING=1", "STOPPING=1". */
void nw_system_notify(const char *state);

/* The socket that systemd passed (LISTEN_FDS) and that is bound to addr; -1 when there is none. */
int nw_system_inherited_fd(const struct nw_addr *addr);

/* Before any thread: blocks the signals that the daemon reads, ignores SIGPIPE. */
void nw_system_block_signals(void);

struct nw_system_signals {
    struct nw_source source; /* first */
    void (*on_signal)(void *arg, int signal); /* on worker 0's loop stack */
    void *arg;
};
/* On worker 0 of a real runtime: SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1 by signalfd. */
NW_MUST_CHECK nw_err nw_system_signals_open(struct nw_system_signals *signals,
                                            void (*on_signal)(void *arg, int signal), void *arg);
void nw_system_signals_close(struct nw_system_signals *signals);

/* 16 unpredictable bytes for keys, read at start; from the system. */
void nw_system_random(void *out, size_t bytes);

/* Unix time, read now: for commands, which have no runtime. */
uint64_t nw_system_wall_ms(void);

/* The variable's value or NULL. */
const char *nw_system_env(const char *name);

#endif
