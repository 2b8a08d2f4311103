/*
 * loop.h - what a loop watches: a source is a descriptor with one callback.
 *
 * Used by streams, listeners, the resolver and signal handling. Level-triggered; an event that its
 * source did not consume is masked by the callback with nw_source_want, else the loop would spin.
 *
 * Owner:   the source is embedded; nw_source_close before it goes
 * Threads: the worker it was added on
 */
#ifndef NW_IO_LOOP_H
#define NW_IO_LOOP_H

#include <stdbool.h>

#include "base/err.h"

struct nw_worker;

typedef enum nw_ready_bits {
    NW_READY_READ = 1,
    NW_READY_WRITE = 2,
    NW_READY_PEER_END = 4, /* FIN from the peer; there may be bytes before it */
    NW_READY_ERROR = 8     /* RST, HUP: cannot be masked, only removed */
} nw_ready_bits;

struct nw_source {
    int fd; /* -1 when closed; in sim an index of the world's own table */
    uint8_t want; /* nw_ready_bits as registered with the backend */
    bool is_added;
    struct nw_worker *worker;
    /* On the loop's stack: must not yield. */
    void (*on_ready)(struct nw_source *source, unsigned ready);
};

/* Registers fd. NW_TOO_MANY_FILES or NW_NO_MEMORY when the kernel refuses. */
NW_MUST_CHECK nw_err nw_source_add(struct nw_source *source, int fd, unsigned want,
                                   void (*on_ready)(struct nw_source *source, unsigned ready));
/* Changes the mask; costs a system call only when it differs. 0 removes it from the backend. */
void nw_source_change(struct nw_source *source, unsigned want);
static inline void nw_source_want(struct nw_source *source, unsigned want)
{
    if (NW_UNLIKELY(source->want != want))
        nw_source_change(source, want);
}
/* Removes and closes the descriptor. Events of this turn that still name it are dropped. */
void nw_source_close(struct nw_source *source);
/* Removes without closing (hand-over); returns the descriptor. */
int nw_source_detach(struct nw_source *source);

#endif
