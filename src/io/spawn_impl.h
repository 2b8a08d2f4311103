/*
 * spawn_impl.h - the messages between newel and its helper process: their only home; and what the
 * helper's files share.
 *
 * One message is one record of a SOCK_SEQPACKET pair and one struct, so bounds are the kernel's and
 * a length is right or wrong. There are two pairs: over the first processes are started and their
 * ends reported, in any order; over the second each request is answered before the next is sent,
 * because whoever asks there blocks. Both ends are the same program at the same version, but the
 * helper judges what it reads as if they were not.
 *
 * Owner:   nothing
 * Threads: stateless
 */
#ifndef NW_IO_SPAWN_IMPL_H
#define NW_IO_SPAWN_IMPL_H

#include <pthread.h>
#include <sys/types.h>

#include "io/spawn.h"

typedef enum nw_spawn_kind {
    NW_SPAWN_START = 1, /* nw_spawn_start */
    NW_SPAWN_STOP,      /* nw_spawn_stop */
    NW_SPAWN_LOOK,      /* nw_spawn_head */
    NW_SPAWN_STARTED,   /* nw_spawn_report with the read ends of stdout and stderr */
    NW_SPAWN_FAILED,    /* nw_spawn_report: err and text */
    NW_SPAWN_ENDED,     /* nw_spawn_report: wait_status */
    NW_SPAWN_LOOKED,    /* nw_spawn_looked */
    /* On the second pair, each answered by nw_spawn_answer. */
    NW_SPAWN_LOAD,   /* nw_spawn_head */
    NW_SPAWN_TAKE,   /* nw_spawn_head; on the first pair too, and not answered there */
    NW_SPAWN_OPEN,   /* nw_spawn_open */
    NW_SPAWN_LISTEN, /* nw_spawn_listen */
    NW_SPAWN_ANSWER
} nw_spawn_kind;

struct nw_spawn_head {
    uint32_t bytes; /* of the whole message */
    uint32_t kind;
    uint32_t ticket; /* names the process, or the question; chosen by newel */
};

/* Texts end with a zero byte inside their arrays. */
struct nw_spawn_start {
    struct nw_spawn_head head;
    uint32_t instance;
    uint32_t port;
    uint32_t start;
    uint64_t identity;
    char service[NW_SPAWN_SERVICE_BYTES];
};

struct nw_spawn_stop {
    struct nw_spawn_head head;
    uint64_t grace_ms;
};

struct nw_spawn_open {
    struct nw_spawn_head head;
    char path[NW_SPAWN_PATH_BYTES];
};

struct nw_spawn_listen {
    struct nw_spawn_head head;
    uint32_t is_first;
    struct nw_addr addr;
    char text[512];
};

struct nw_spawn_report {
    struct nw_spawn_head head;
    int32_t pid;
    int32_t wait_status;
    int32_t err; /* nw_err */
    char text[NW_PROCESS_REASON_BYTES];
};

struct nw_spawn_looked {
    struct nw_spawn_head head;
    struct nw_listening listening;
};

struct nw_spawn_answer {
    struct nw_spawn_head head;
    int32_t err;
    uint64_t digest;
    char text[NW_SPAWN_WHY_BYTES];
};

/* Newel's end. */
struct nw_spawner {
    struct nw_source source; /* first; fd -1 while detached */
    int fd;
    int ask_fd; /* of the second pair */
    pthread_mutex_t ask_mutex;
    uint32_t ask_number; /* of the last question */
    unsigned ask_patience_ms;
    pid_t pid;
    uint32_t last_ticket;
    struct nw_list processes;
    struct nw_list outgoing;
    bool is_gone;
};

/* ---- in the helper ---- */

/* Its life, on its ends of the pairs. */
NW_NORETURN void nw_spawner_main(int fd, int ask_fd, const struct nw_spawn_book *book);

typedef enum nw_spawn_stage {
    NW_SPAWN_STAGE_FORK,
    NW_SPAWN_STAGE_SESSION,
    NW_SPAWN_STAGE_LIMIT,
    NW_SPAWN_STAGE_USER_UNKNOWN,
    NW_SPAWN_STAGE_USER,
    NW_SPAWN_STAGE_CWD,
    NW_SPAWN_STAGE_RUN
} nw_spawn_stage;

struct nw_spawn_failure {
    int stage;  /* nw_spawn_stage */
    int number; /* errno */
};

/* The program runs: *out_pid, and the read ends of its output; else false and why. */
bool nw_spawn_run(const struct nw_spawn_spec *spec, pid_t *out_pid, int out_fds[2],
                  struct nw_spawn_failure *failure);
/* "cannot become user shop: Operation not permitted" */
void nw_spawn_explain(const struct nw_spawn_spec *spec, const struct nw_spawn_failure *failure,
                      char *out, size_t out_bytes);
/* One request of the second pair, read and answered; false: newel is gone. */
struct nw_spawn_desk {
    int fd;
    const struct nw_spawn_book *book;
    struct nw_spawn_power power; /* as loaded last */
    bool is_loaded;
    bool is_settled;  /* power was given up, or shall not be */
    bool is_rootless; /* nothing that it starts can have root's power any more */
};
bool nw_spawn_desk_serve(struct nw_spawn_desk *desk);
/* What was loaded last is in force; its answer is left in *out. */
void nw_spawn_desk_take(struct nw_spawn_desk *desk, struct nw_spawn_answer *out);

#endif
