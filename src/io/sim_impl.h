/*
 * sim_impl.h - the insides of the simulated world, shared by sim.c (time, order), sim_net.c
 * (sockets) and sim_disk.c (files).
 *
 * Owner:   the world owns sockets, events and the disks; a worker's state is opened and closed
 *          with it
 * Threads: one
 */
#ifndef NW_IO_SIM_IMPL_H
#define NW_IO_SIM_IMPL_H

#include "io/offload_impl.h"
#include "io/sim.h"
#include "io/worker_impl.h"

typedef enum sim_event_kind {
    SIM_DELIVER, /* `bytes` more are readable */
    SIM_FIN,
    SIM_RESET,
    SIM_CONNECT, /* the attempt reaches the other side */
    SIM_CALL
} sim_event_kind;

/* In the world's heap, by (at_ns, order). A socket is named by fd and id: it may be gone then. */
struct sim_event {
    uint64_t at_ns;
    uint64_t order;
    sim_event_kind kind;
    int fd;
    uint64_t id;
    size_t bytes;
    void (*call)(void *arg);
    void *arg;
};

/* A worker's side of the world: the backend's state. */
struct sim_worker {
    struct nw_list node; /* in sim->workers, in order of birth */
    struct nw_sim *sim;
    struct nw_worker *worker;
    struct nw_list ready; /* sockets with something to tell; sim_socket.ready */
    bool is_woken;
    bool is_dead;
    uint64_t ahead_ns;      /* a dead one's own time */
    uint64_t stalled_until_ns;
    char name[64]; /* "edge/0" */
};

/* Bytes on their way to one socket: `readable` have arrived, the rest of `total` is in flight. */
struct sim_pipe {
    char *ring;
    size_t ring_bytes;
    size_t limit_bytes;
    size_t start;
    size_t total;
    size_t readable;
    uint64_t last_at_ns; /* nothing overtakes what was sent before */
    bool has_end;        /* FIN arrived */
};

typedef enum sim_socket_kind {
    SIM_LISTENER,
    SIM_CONNECTING,
    SIM_STREAM,
    SIM_DEAD,      /* of a killed runtime */
    SIM_DEAD_QUIET /* its listeners: nobody comes any more */
} sim_socket_kind;

struct sim_socket {
    int fd;
    sim_socket_kind kind;
    uint64_t id;
    char name[24]; /* "c7>" the side that connected, "c7<" the other, "l3" */
    struct nw_runtime *runtime;
    struct sim_worker *watcher; /* who registered it; NULL: nobody */
    struct nw_source *source;
    unsigned want;
    struct nw_list ready;
    struct nw_addr local;
    struct nw_addr remote;
    struct sim_socket *peer; /* NULL: none, or closed */
    struct sim_pipe in;
    int error;       /* the next call's answer */
    bool is_reset;
    bool is_shut;    /* our FIN was sent */
    bool is_void;    /* the other side died without a word */
    size_t void_bytes;
    struct nw_list node;  /* in sim->listeners, or in a listener's queue */
    struct nw_list queue; /* of a listener: not yet accepted */
    unsigned queue_count;
};

struct sim_name {
    struct nw_list node;
    char name[256];
    struct nw_addr_list answer;
};

struct sim_accepts {
    struct nw_list node;
    struct nw_addr addr;
    uint64_t count;
};

struct sim_job {
    struct nw_runtime *runtime;
    struct nw_lane *lane;
    uint64_t at_ns;
};

struct sim_disk;

struct nw_sim {
    struct nw_rng rng;
    struct nw_sim_faults faults;
    uint64_t turn_ns;
    uint64_t now_ns;
    int64_t wall_offset_ms;
    uint64_t steps;
    struct nw_list workers;
    struct sim_event *events; /* a heap */
    size_t event_count;
    size_t event_cap;
    uint64_t event_order;
    struct sim_job *jobs;
    size_t job_count;
    size_t job_cap;
    struct sim_socket **sockets; /* by fd */
    int socket_count;
    int socket_cap;
    int *free_fds; /* last in, first out */
    int free_fd_count;
    uint64_t next_id;
    uint16_t next_port;
    struct nw_list listeners;
    struct nw_list names;
    struct nw_list accepts;
    struct nw_list disks;
    void (*check)(void *arg);
    void *check_arg;
    void (*around)(void *arg, const struct nw_runtime *runtime, bool begins);
    void *around_arg;
    struct nw_text transcript;
    uint64_t transcript_hash;
    bool drops_transcript;
};

/* sim.c */
void sim_event_push(struct nw_sim *sim, struct sim_event event);
void sim_note(struct nw_sim *sim, const struct sim_worker *who, const char *format, ...)
    NW_PRINTF(3, 4);
bool sim_chance(struct nw_sim *sim, double probability);

/* sim_net.c */
void sim_net_event(struct nw_sim *sim, const struct sim_event *event);
int sim_net_wait(struct sim_worker *state, struct nw_ready *out, int max);
/* The runtime died. */
void sim_net_kill(struct nw_sim *sim, struct nw_runtime *runtime, bool is_silent);
/* Closes what a runtime left open. */
void sim_net_forget(struct nw_sim *sim, struct nw_runtime *runtime);
int sim_add(void *state, struct nw_source *source, unsigned want);
int sim_modify(void *state, struct nw_source *source, unsigned want);
int sim_remove(void *state, struct nw_source *source);
int sim_listen(void *state, const struct nw_addr *addr, bool is_first, unsigned mode);
int sim_local_addr(void *state, int fd, struct nw_addr *out);
int sim_accept(void *state, int listen_fd, struct nw_addr *out_peer);
int sim_connect(void *state, const struct nw_addr *to);
int sim_connect_result(void *state, int fd);
ssize_t sim_readv(void *state, int fd, const struct iovec *iov, int count);
ssize_t sim_peek(void *state, int fd, void *to, size_t bytes);
ssize_t sim_writev(void *state, int fd, const struct iovec *iov, int count);
void sim_shutdown_write(void *state, int fd);
void sim_close(void *state, int fd, bool with_reset);

#endif
