/*
 * spawn_impl.h - the messages between newel and its helper process: their only home.
 *
 * One message is one record of a SOCK_SEQPACKET pair, so bounds are the kernel's; the length in the
 * head is checked against them. Both ends are the same program at the same version.
 *
 * Owner:   nothing
 * Threads: stateless
 */
#ifndef NW_IO_SPAWN_IMPL_H
#define NW_IO_SPAWN_IMPL_H

#include "io/spawn.h"

typedef enum nw_spawn_kind {
    NW_SPAWN_START = 1, /* nw_spawn_start, strings behind it */
    NW_SPAWN_STOP,      /* nw_spawn_stop */
    NW_SPAWN_STARTED,   /* nw_spawn_report with the read ends of stdout and stderr */
    NW_SPAWN_FAILED,    /* nw_spawn_report: err and text */
    NW_SPAWN_ENDED      /* nw_spawn_report: wait_status */
} nw_spawn_kind;

struct nw_spawn_head {
    uint32_t bytes; /* of the whole message */
    uint32_t kind;
    uint32_t ticket; /* names the process; chosen by newel */
};

/* Behind it, each with its zero: cwd, user (may be empty), the arguments, the variables. */
struct nw_spawn_start {
    struct nw_spawn_head head;
    uint32_t argc;
    uint32_t env_count;
    uint32_t cpu_count;
    uint64_t memory_bytes;
};

struct nw_spawn_stop {
    struct nw_spawn_head head;
    uint64_t grace_ms;
};

struct nw_spawn_report {
    struct nw_spawn_head head;
    int32_t pid;
    int32_t wait_status;
    int32_t err; /* nw_err */
    char text[NW_PROCESS_REASON_BYTES];
};

/* The helper's life, on its end of the pair. */
NW_NORETURN void nw_spawner_main(int fd);

#endif
