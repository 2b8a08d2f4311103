/*
 * spawn.h - application processes, started and reaped by a helper process.
 *
 * The helper is forked before any thread exists, so that fork never meets threads, and before the
 * descriptor limit is raised, so that applications get the original one. It outlives nothing: when
 * newel goes, however it goes, the helper ends the process groups that it started, and itself.
 *
 * Every process leads a session and group of its own, reads /dev/null, inherits no descriptor and
 * has default signals. When it ends by itself, the rest of its group is killed.
 *
 * Owner:   main owns the spawner, nw_spawner_stop after the daemon is freed; a process is embedded
 * in
 *          its user's struct, nw_process_close before that goes
 * Threads: start and stop on the main thread; everything else on worker 0
 */
#ifndef NW_IO_SPAWN_H
#define NW_IO_SPAWN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "io/loop.h"
#include "io/sync.h"

struct nw_fiber;
struct nw_spawner;

/* Forks the helper. Before any thread, before signals are blocked and before limits are raised. */
NW_MUST_CHECK nw_err nw_spawner_start(struct nw_spawner **out);
/* Closes the connection: the helper ends what still runs. Waits for it. NULL does nothing. */
void nw_spawner_stop(struct nw_spawner *spawner);

/* The loop begins, or ceases, to listen to the helper. Both may be called again. */
NW_MUST_CHECK nw_err nw_spawner_attach(struct nw_spawner *spawner);
void nw_spawner_detach(struct nw_spawner *spawner);
/* The helper itself has died: nothing can be started any more. */
bool nw_spawner_is_gone(const struct nw_spawner *spawner);

enum {
    NW_SPAWN_REQUEST_MAX_BYTES = 64 * 1024,
    NW_SPAWN_STRINGS_MAX = 2048, /* arguments, variables */
    NW_PROCESS_REASON_BYTES = 160
};

/* What is started. Strings are borrowed for the call. */
struct nw_spawn_spec {
    const char *const *argv; /* the program is looked up in PATH */
    unsigned argc;
    const char *const *env; /* "NAME=value", in place of or beside newel's own */
    unsigned env_count;
    const char *cwd;       /* NULL: newel's own */
    const char *user;      /* NULL: newel's own */
    uint64_t memory_bytes; /* private writable memory; 0: no limit */
    unsigned cpu_count;    /* processors it may run on; 0: newel's own */
};

struct nw_process {
    struct nw_list node;
    struct nw_spawner *spawner;
    struct nw_source output[2]; /* its stdout and stderr */
    /*
     * Bytes from stdout or stderr; empty: it was closed. On the loop's stack: must not yield.
     */
    void (*on_output)(struct nw_process *process, bool is_stderr, struct nw_slice bytes);
    struct nw_fiber *starter;
    struct nw_event ended;
    uint32_t ticket;
    int pid;         /* 0 unless it was started */
    int wait_status; /* once ended, as waitpid gives it; -1 unknown */
    bool is_answered;
    bool is_stop_asked;
    char reason[NW_PROCESS_REASON_BYTES]; /* why it was not started, or how it ended */
};

/*
 * Starts a process; is answered once the program runs. NW_INVALID: more strings or bytes than a
 * request may have. NW_DENIED, NW_NOT_FOUND, NW_IO…: process->reason is a sentence for a person;
 * process needs no close then. Not interrupted by cancellation: the answer comes at once.
 */
NW_YIELDS NW_MUST_CHECK nw_err
nw_process_start(struct nw_spawner *spawner, const struct nw_spawn_spec *spec,
                 void (*on_output)(struct nw_process *process, bool is_stderr,
                                   struct nw_slice bytes),
                 struct nw_process *process);
/* Returns when it and its group have ended and its output was read. */
NW_YIELDS NW_MUST_CHECK nw_err nw_process_wait(struct nw_process *process);
/* SIGTERM to the group, after grace_ms SIGKILL (0: at once). Asking again can only shorten it. */
void nw_process_stop(struct nw_process *process, uint64_t grace_ms);
/*
 * Waits for the end, whatever the caller's deadline or cancellation, and lets go. Kills the group
 * where nw_process_stop was not asked for before.
 */
NW_YIELDS void nw_process_close(struct nw_process *process);

static inline bool nw_process_has_ended(const struct nw_process *process)
{
    return process->ended.is_set;
}

#endif
