/*
 * stream.h - an ordered byte stream: TCP, Unix, TLS over either (io/tls.h), or simulated; callers
 * cannot tell.
 *
 * The struct is embedded in its owner's. An idle stream owns no fiber and no buffer: it is parked
 * in the event loop. Calls look blocking and yield; each honours the fiber's deadline and
 * cancellation. One fiber reads and one (it may be another) writes at a time.
 *
 * Owner:   the embedding struct; nw_stream_close before it goes. Its memory must outlive the
 *          current loop turn (nw_stream_close calls nothing later, but pool it with a rest turn)
 * Threads: the worker it was opened on
 */
#ifndef NW_IO_STREAM_H
#define NW_IO_STREAM_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/list.h"
#include "io/addr.h"
#include "io/buf.h"
#include "io/loop.h"
#include "io/timer.h"

struct nw_fiber;
struct nw_stream;
struct nw_tls;

/* Why a parked stream woke. For CLOSED and TIMEOUT the owner closes it. */
typedef enum nw_stream_wake { NW_STREAM_INPUT, NW_STREAM_CLOSED, NW_STREAM_TIMEOUT } nw_stream_wake;
/* On the loop's stack: must not yield; typically spawns the fiber that serves the input. */
typedef void (*nw_stream_on_wake)(struct nw_stream *stream, nw_stream_wake why);

/*
 * What lies below: plain sockets, or TLS (tls_stream.c). Bytes or a negative errno; never wait.
 *
 * A layer may hold bytes of its own, both ways, and says so in the stream: has_input (a read finds
 * some without asking the kernel) and is_flush_due (bytes it has taken wait for room in the kernel;
 * it has put WRITE into the mask, and `flush` moves them on).
 */
struct nw_stream_ops {
    ssize_t (*readv)(struct nw_stream *stream, const struct iovec *iov, int count);
    ssize_t (*writev)(struct nw_stream *stream, const struct iovec *iov, int count);
    /* Is there anything to read? > 0 yes, 0 the end, -EAGAIN no. Takes nothing away. */
    ssize_t (*peek)(struct nw_stream *stream);
    /* 0: nothing is held any more. NULL: this layer never holds any. */
    ssize_t (*flush)(struct nw_stream *stream);
    size_t (*held_bytes)(const struct nw_stream *stream);
    /* Says the end in its own way, ahead of the FIN; may leave bytes held. NULL: has none. */
    void (*finish)(struct nw_stream *stream);
    /* The layer and the descriptor go; with_reset: without a word. */
    void (*close)(struct nw_stream *stream, bool with_reset);
    bool is_plain; /* bytes may be spliced, the descriptor may move between workers */
};

struct nw_stream {
    struct nw_source source; /* first: descriptor and event mask */
    const struct nw_stream_ops *ops;
    struct nw_tls *tls;      /* the layer below; NULL: a plain socket */
    struct nw_fiber *reader; /* waits for input */
    struct nw_fiber *writer; /* waits for room */
    struct nw_fiber *gone_fiber; /* cancelled when the peer goes while nobody reads */
    nw_stream_on_wake on_wake;   /* parked when set */
    struct nw_timer idle;        /* re-armed lazily: it may fire early, or while not parked */
    uint64_t idle_until_ms;      /* while parked; NW_NEVER without a limit */
    uint64_t sent_bytes;
    uint64_t received_bytes;
    struct nw_stream_queue *queue; /* deferred writes of this turn; NULL when there are none */
    nw_err error;                  /* sticky: what broke the stream */
    bool is_open;
    bool is_readable; /* asking the kernel would probably give something */
    bool has_input;   /* the layer below holds bytes to read */
    bool is_flush_due; /* the layer below holds bytes that the kernel has not taken */
    bool is_ending;   /* the loop saw a FIN or RST; there may be bytes before it */
    bool is_ended;    /* the peer sent its FIN and everything was read */
    bool is_gone;     /* the peer went while nobody was reading */
    bool is_unix;
    bool is_read_broken; /* `error` ends reading; a broken writing side leaves reading open */
    bool is_write_broken;
    bool is_fin_due; /* FIN follows the queued bytes */
};
_Static_assert(sizeof(struct nw_stream) <= 200, "an idle connection must stay small");

struct nw_listener;
/* One accepted connection on its way to a stream; not yet registered with any loop. */
struct nw_accepted {
    int fd;
    bool is_unix;
    struct nw_addr peer;
    struct nw_addr local;
};

/* Takes over an accepted connection on this worker. */
void nw_stream_init_accepted(struct nw_stream *stream, const struct nw_accepted *accepted);
/* Drops an accepted connection unserved. */
void nw_accepted_close(struct nw_accepted *accepted);
/* The same with RST: the peer learns at once, and nothing of it stays in the kernel. */
void nw_accepted_reset(struct nw_accepted *accepted);

/* Waits for the connection. On failure the stream is closed. */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_connect(const struct nw_addr *to, struct nw_stream *stream);

/*
 * Waits for bytes, then borrows a pooled buffer if `into` has none, and appends what is there.
 * *out_read_bytes = 0 is the peer's orderly end. NW_NO_MEMORY when into has no space or no buffer
 * is to be had.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_read(struct nw_stream *stream, struct nw_buf *into,
                                          size_t *out_read_bytes);
/* The first bytes into an empty buffer. Never waits: NW_AGAIN when nothing is there. */
NW_MUST_CHECK nw_err nw_io_read_now(struct nw_stream *stream, struct nw_buf *into,
                                    size_t *out_read_bytes);
/*
 * A read may be tried: what the loop and the layer below said, no call. The kernel's word alone
 * (is_readable) is not enough: TLS may hold what it has decrypted while the kernel holds nothing.
 */
static inline bool nw_stream_may_read(const struct nw_stream *stream)
{
    return stream->is_readable || stream->has_input;
}
/* Into the caller's memory. */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_read_into(struct nw_stream *stream, void *to, size_t max_bytes,
                                               size_t *out_read_bytes);
/* Never waits: NW_AGAIN when nothing is there. */
NW_MUST_CHECK nw_err nw_io_read_some(struct nw_stream *stream, void *to, size_t max_bytes,
                                     size_t *out_read_bytes);
/*
 * One sendmsg when the kernel takes it all; waits for room otherwise. Flushes the queue first. On
 * NW_OK the kernel has everything, a TLS layer's records included.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_write_all(struct nw_stream *stream, const struct iovec *iov,
                                               int count);
/* Never waits; NW_AGAIN when not one byte was taken. What TLS took leaves without the caller. */
NW_MUST_CHECK nw_err nw_io_write_some(struct nw_stream *stream, const struct iovec *iov, int count,
                                      size_t *out_written_bytes);
/*
 * As write_all, but what the kernel does not take is copied and leaves as the peer takes it,
 * without the fiber: waits only while more than max_queued_bytes are queued (0: as write_all).
 * Later failures are reported by the next call.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_write_ahead(struct nw_stream *stream, const struct iovec *iov,
                                                 int count, size_t max_queued_bytes);
/* The same, waiting at most wait_ms (0: no limit); *out_is_late: it was that limit that ran out. */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_write_timed(struct nw_stream *stream, const struct iovec *iov,
                                                 int count, size_t max_queued_bytes,
                                                 uint64_t wait_ms, bool *out_is_late);
/* Nothing is queued, and nothing is known to be wrong: nw_io_write_drain would return at once. */
static inline bool nw_stream_is_drained(const struct nw_stream *stream)
{
    return stream->queue == NULL && !stream->is_flush_due && !stream->is_write_broken;
}
/* Waits until nothing is queued. */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_write_drain(struct nw_stream *stream);
/*
 * Copies the bytes; they leave in this turn's flush, one send per stream. Waits only while more
 * than 64 KiB are queued.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_write_queue(struct nw_stream *stream, const struct iovec *iov,
                                                 int count);
/*
 * Moves exactly `bytes` (UINT64_MAX: until the end of `from`): copies below 64 KiB, splices above
 * when both are plain, reading only what `to` has taken. NW_TIMEOUT when nothing moved for idle_ms
 * (0: no limit). *out_moved_bytes is written also on failure. out_from_failed (may be NULL) tells
 * which side an error came from. NW_PEER_CLOSED when `from` ended early.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_relay(struct nw_stream *from, struct nw_stream *to,
                                           uint64_t bytes, uint64_t idle_ms,
                                           uint64_t *out_moved_bytes, bool *out_from_failed);

typedef enum nw_want { NW_WANT_READ = 1, NW_WANT_WRITE = 2 } nw_want;
struct nw_event;
struct nw_wait {
    struct nw_stream *stream; /* or NULL and */
    struct nw_event *event;
    unsigned want;  /* nw_want bits, for streams */
    unsigned ready; /* written: nw_want bits (an event: NW_WANT_READ) */
};
/* Waits until at least one entry is ready. Drives both sides of a tunnel in one fiber. */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_wait_any(struct nw_wait *waits, unsigned count);

/*
 * Hands an idle stream to the loop: on_wake is called once, at the first input, close, or after
 * idle_ms (0: never); the stream is then unparked. Input that is already buffered by a layer below
 * wakes in this turn.
 */
void nw_io_park(struct nw_stream *stream, uint64_t idle_ms, nw_stream_on_wake on_wake);
/* Takes a parked stream back before it wakes. */
void nw_io_unpark(struct nw_stream *stream);
static inline bool nw_stream_is_parked(const struct nw_stream *stream)
{
    return stream->on_wake != NULL;
}

/*
 * While set, a peer that goes (RST, HUP, or FIN with everything it sent before already read) while
 * nobody reads cancels the fiber and sets is_gone. Pipelined bytes do not count. NULL ends it.
 */
void nw_stream_watch_gone(struct nw_stream *stream, struct nw_fiber *fiber);

/* True also after an error: "provably did not start". Queued bytes that never left do not count. */
static inline uint64_t nw_stream_sent_bytes(const struct nw_stream *stream)
{
    return stream->sent_bytes;
}

/* Sends FIN (TLS: close_notify before it); reading goes on. */
void nw_stream_shutdown_write(struct nw_stream *stream);
/* With RST instead of FIN, so that the peer cannot take what it got for complete. */
void nw_stream_reset(struct nw_stream *stream);
/* Idempotent. Wakes nobody: no fiber may be waiting on it. Drops queued bytes. */
void nw_stream_close(struct nw_stream *stream);

/* Only plain sockets move: a TLS session stays with the worker whose library context it uses. */
static inline bool nw_stream_can_move(const struct nw_stream *stream)
{
    return stream->ops->is_plain;
}
/* Moves an idle stream between workers: detach on the old one, carry fd, attach on the new one. */
void nw_stream_detach(struct nw_stream *stream);
void nw_stream_attach(struct nw_stream *stream);

/*
 * Reads and drops what the peer still sends: at most 256 KiB or 2 s after a shutdown of our side,
 * then closes, so that the last answer survives unread input. Bounded in number per worker; beyond
 * the bound closes at once.
 */
NW_YIELDS void nw_stream_linger_close(struct nw_stream *stream);

#endif
