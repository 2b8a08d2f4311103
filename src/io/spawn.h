/*
 * spawn.h - application processes, started and reaped by a helper process, which is also the only
 * one that keeps any power.
 *
 * The helper is forked before any thread exists, so that fork never meets threads, and before the
 * descriptor limit is raised, so that applications get the original one. It outlives nothing: when
 * newel goes, however it goes, the helper ends the process groups that it started, and itself.
 *
 * It obeys only what its own reading of the configuration names (io/spawn_book.h): start, stop and
 * look at instance i of service S, open a socket for listener L, open file F.
 *
 * Every process leads a session and group of its own, reads /dev/null, inherits no descriptor and
 * has default signals. When it ends by itself, the rest of its group is killed.
 *
 * Owner:   main owns the spawner, nw_spawner_stop after the daemon is freed; a process is embedded
 * in
 *          its user's struct, nw_process_close before that goes
 * Threads: start and stop on the main thread; what is asked of the helper at once, as each says;
 *          everything else on worker 0
 */
#ifndef NW_IO_SPAWN_H
#define NW_IO_SPAWN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "io/loop.h"
#include "io/procfs.h"
#include "io/spawn_book.h"
#include "io/sync.h"

struct nw_fiber;
struct nw_spawner;

/*
 * Forks the helper. Before any thread, before signals are blocked and before limits are raised. The
 * book is the helper's from then on: what the caller does to it later does not reach it.
 */
NW_MUST_CHECK nw_err nw_spawner_start(const struct nw_spawn_book *book, struct nw_spawner **out);
/* Closes the connection: the helper ends what still runs. Waits for it. NULL does nothing. */
void nw_spawner_stop(struct nw_spawner *spawner);

/* The loop begins, or ceases, to listen to the helper. Both may be called again. */
NW_MUST_CHECK nw_err nw_spawner_attach(struct nw_spawner *spawner);
void nw_spawner_detach(struct nw_spawner *spawner);
/* The helper itself has died: nothing can be started any more. */
bool nw_spawner_is_gone(const struct nw_spawner *spawner);

/*
 * ---- asked and answered at once ----
 *
 * NW_PEER_CLOSED when the helper is gone, NW_TIMEOUT when it does not answer for ten seconds. The
 * *_now functions block, on any thread that may: main before the loop, offload jobs. Fibers wait in
 * nw_spawner_listen.
 */

/*
 * The helper reads the configuration anew. NW_OK: *out_digest is over all that it read. Else `why`
 * is a sentence.
 */
NW_MUST_CHECK nw_err nw_spawner_load_now(struct nw_spawner *spawner, uint64_t *out_digest,
                                         char why[NW_SPAWN_WHY_BYTES]);
/*
 * What it loaded last is in force. The first time, the helper also gives up all power that its
 * reading does not need (io/confine.h), and says why when it cannot.
 */
NW_MUST_CHECK nw_err nw_spawner_take_now(struct nw_spawner *spawner, char why[NW_SPAWN_WHY_BYTES]);
/* The same on worker 0, without an answer: it holds for every process that is asked for later. */
void nw_spawner_take(struct nw_spawner *spawner);
/*
 * A descriptor of a regular file, to read; NW_DENIED where the helper's reading does not name this
 * very path, or may not read it either.
 */
NW_MUST_CHECK nw_err nw_spawner_open_file_now(struct nw_spawner *spawner, const char *path,
                                              int *out_fd);
/*
 * A listening socket for `addr` of the listener that stands as `text` in the configuration, as
 * struct nw_backend_ops.listen makes it.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_spawner_listen(struct nw_spawner *spawner, const char *text,
                                                 const struct nw_addr *addr, bool is_first,
                                                 int *out_fd);

/* ---- processes ---- */

enum { NW_PROCESS_REASON_BYTES = 160 };

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
    struct nw_event looked;         /* the answer to nw_process_listening */
    struct nw_listening *listening; /* where it goes; NULL: nobody waits for it */
    uint32_t ticket;
    int pid;         /* 0 unless it was started */
    int wait_status; /* once ended, as waitpid gives it; -1 unknown */
    bool is_answered;
    bool is_stop_asked;
    char reason[NW_PROCESS_REASON_BYTES]; /* why it was not started, or how it ended */
};

/*
 * Starts a process; is answered once the program runs. NW_DENIED, NW_NOT_FOUND, NW_IO…:
 * process->reason is a sentence for a person; process needs no close then. Not interrupted by
 * cancellation: the answer comes at once.
 */
NW_YIELDS NW_MUST_CHECK nw_err
nw_process_start(struct nw_spawner *spawner, const struct nw_spawn_wish *wish,
                 void (*on_output)(struct nw_process *process, bool is_stderr,
                                   struct nw_slice bytes),
                 struct nw_process *process);
/*
 * The TCP ports on which its session listens. The helper looks as the process's own user, which
 * newel could not. NW_CANCELLED, NW_TIMEOUT, NW_PEER_CLOSED.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_process_listening(struct nw_process *process,
                                                    struct nw_listening *out);
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
