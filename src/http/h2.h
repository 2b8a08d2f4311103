/*
 * h2.h - an HTTP/2 connection over a stream, in either role, and its streams as fibers see them.
 *
 * RFC 9113 over proto/http2.h. One fiber reads the connection (nw_h2_run); any number of fibers
 * work on one HTTP/2 stream each, with calls that look blocking. All frames of a loop turn, of all
 * streams, leave in one send at the turn's flush.
 *
 * Heads are HTTP/1.1 text in both directions ("GET /a HTTP/1.1\r\nhost: …\r\n\r\n"), so that one
 * parser and one judge read every request and answer, and one writer writes them. Reading: pseudo-
 * fields become the start line and Host, cookie crumbs are joined, a body of unknown length is
 * announced as "transfer-encoding: chunked" (its DATA is not chunked). Writing: the start line and
 * Host become pseudo-fields, names are lowered, fields of the connection and Transfer-Encoding are
 * left out. What only HTTP/2 forbids (upper case, fields of the connection, `te` but trailers,
 * pseudo-fields missing, repeated, late or unknown, :authority unlike Host, DATA unlike
 * Content-Length) is answered with PROTOCOL_ERROR on the stream and never seen here.
 *
 * A stream's slot returns when nw_h2_stream_done is called, not when the stream is reset: no reset
 * buys concurrency.
 *
 * Owner:   the connection is the caller's; the nw_stream below it is borrowed and outlives it.
 *          A stream is owed nw_h2_stream_done by whoever got it
 * Threads: one worker
 */
#ifndef NW_HTTP_H2_H
#define NW_HTTP_H2_H

#include "io/stream.h"
#include "proto/http2.h"

struct nw_h2;
struct nw_h2_stream;

struct nw_h2_options {
    struct nw_stream *stream;
    bool is_client;
    bool is_https;             /* client: the :scheme that is sent */
    uint32_t streams_max;      /* server: offered; client: used, fewer if the peer says so */
    uint32_t head_max_bytes;   /* of a head as text, at most 32 KiB; above: 431; client: refused */
    uint32_t window_bytes;     /* a stream's first receive window; at least 65535 */
    uint32_t window_max_bytes; /* what it may grow to while its reader keeps up; server: of all */
    /*
     * A stream whose bytes wait that long for window is reset; so ends (server, NW_CLIENT_SLOW) a
     * connection that has no stream any more and whose last bytes nobody takes. 0: neither.
     */
    uint64_t idle_ms;
    uint64_t head_ms;          /* from a header block's first byte to its last; 0: no bound */
    uint64_t ping_idle_ms;     /* client: silence with streams open, then PING; 0: never */
    uint64_t ping_wait_ms;     /* and the connection is lost (NW_TIMEOUT) without its answer */
    void *arg;
    /* Server: a request's head is there. In nw_h2_run's fiber, must not yield; owes stream_done. */
    void (*on_request)(void *arg, struct nw_h2_stream *stream);
    /* The connection was lost or refuses new streams (GOAWAY). May be NULL; must not yield. */
    void (*on_down)(void *arg);
    /* A slot returned, or the peer raised its limit. May be NULL; must not yield. */
    void (*on_slot)(void *arg);
    /* One send left, with frames of so many streams. For metrics. May be NULL. */
    void (*on_send)(void *arg, unsigned stream_count);
    /* A frame that cost more than it moved (proto/http2.h), for metrics. May be NULL. */
    void (*on_glitch)(void *arg, nw_http2_glitch kind);
};

/* Client: the preface leaves with the first request. NW_NO_MEMORY. */
NW_MUST_CHECK nw_err nw_h2_new(const struct nw_h2_options *options, struct nw_h2 **out);
/* No stream may be left (nw_h2_stream_count is 0) and nw_h2_run must have returned. */
void nw_h2_free(struct nw_h2 *h2);

/*
 * Reads and answers the connection's frames, `first` being bytes that were read already (may be
 * NULL; released when used up). Returns NW_OK when no stream is open and nothing is left to be
 * sent: the stream may be parked, and run be called again at its next input (never for a client,
 * which waits on). NW_PEER_CLOSED: ended in order; another error: lost. Streams that are left then
 * fail with it.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_run(struct nw_h2 *h2, struct nw_buf *first);
/*
 * No new streams: GOAWAY(2^31-1), a round trip later GOAWAY(last id); run returns NW_PEER_CLOSED
 * when the last stream has ended.
 */
void nw_h2_shutdown(struct nw_h2 *h2);
/* GOAWAY(code) and the end, whatever is open. */
void nw_h2_abort(struct nw_h2 *h2, uint32_t code);
unsigned nw_h2_stream_count(const struct nw_h2 *h2);
/* The peer has shown that it speaks HTTP/2: its SETTINGS are there. */
bool nw_h2_has_begun(const struct nw_h2 *h2);
/* Client: how many requests could be opened now; 0 after GOAWAY. */
unsigned nw_h2_slots_free(const struct nw_h2 *h2);
/*
 * When the peer will have taken too long for the rest of a header block or preface, or of any frame
 * while no stream is open (head_ms: then GOAWAY(ENHANCE_YOUR_CALM)), or to acknowledge SETTINGS
 * (30 s: SETTINGS_TIMEOUT); 0: it owes neither. run watches it. Who has parked the stream does, and
 * then calls nw_h2_abort with nw_h2_overdue_code, which is NO_ERROR before the time.
 */
uint64_t nw_h2_due_ms(const struct nw_h2 *h2);
uint32_t nw_h2_overdue_code(const struct nw_h2 *h2);
/* What it holds beside pooled buffers. */
size_t nw_h2_memory_bytes(const struct nw_h2 *h2);
/* Client: PING; NW_TIMEOUT when the peer's answer does not come within wait_ms. */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_ping(struct nw_h2 *h2, uint64_t wait_ms);

/*
 * Client: opens a stream with this request head (HTTP/1.1 text), which leaves at this turn's
 * flush. is_end: no body follows. NW_BUSY: no slot; NW_DRAINING: the connection takes none.
 */
NW_MUST_CHECK nw_err nw_h2_request(struct nw_h2 *h2, struct nw_slice head, bool is_end,
                                   struct nw_h2_stream **out);

/* The request's head (server), valid until stream_done or the next nw_h2_head. */
struct nw_slice nw_h2_request_head(const struct nw_h2_stream *stream);
/* Above head_max_bytes or 100 fields: the head is a shortened one, to be answered with 431. */
bool nw_h2_is_head_too_large(const struct nw_h2_stream *stream);
/* Client: waits for the next head, informational or final; text as above, into `into`'s space. */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_head(struct nw_h2_stream *stream, struct nw_buf *into);
/* Would nw_h2_head return at once? */
bool nw_h2_has_head(const struct nw_h2_stream *stream);
/* No body follows the head, or all of it was read. */
bool nw_h2_is_ended(const struct nw_h2_stream *stream);
/*
 * The next piece of the body, borrowed until the next call; empty at its end. Reading it gives the
 * peer window for more. NW_PEER_RESET: the stream was reset (nw_h2_code says why).
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_read(struct nw_h2_stream *stream, struct nw_slice *out_piece);
/* Would nw_h2_read wait? */
bool nw_h2_is_readable(const struct nw_h2_stream *stream);
/* After the end: the trailers as "name: value\r\n" lines; empty when there were none. */
struct nw_slice nw_h2_trailers(const struct nw_h2_stream *stream);

/* Server: an answer's head, informational or final; leaves at this turn's flush. */
NW_MUST_CHECK nw_err nw_h2_respond(struct nw_h2_stream *stream, struct nw_slice head, bool is_end);
/*
 * Sends body bytes, which are copied or gone when it returns. Waits while more than ahead_bytes of
 * this stream wait for the peer's window. NW_CLIENT_SLOW (server) when the peer grants none for
 * options.idle_ms; NW_PEER_RESET; NW_PEER_CLOSED.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_write(struct nw_h2_stream *stream, const struct iovec *iov,
                                           int count, size_t ahead_bytes);
/* END_STREAM behind what was written, with trailers ("name: value\r\n" lines) unless empty. */
NW_MUST_CHECK nw_err nw_h2_end(struct nw_h2_stream *stream, struct nw_slice trailers);
/* Waits until everything written has left. Errors as nw_h2_write. */
NW_YIELDS NW_MUST_CHECK nw_err nw_h2_drain(struct nw_h2_stream *stream);
/* RST_STREAM(code); calls on the stream fail from here on. */
void nw_h2_reset(struct nw_h2_stream *stream, uint32_t code);
/*
 * The slot returns; what is unfinished is reset: NO_ERROR where only the peer's body is, else
 * CANCEL. No fiber may be waiting on it.
 */
void nw_h2_stream_done(struct nw_h2_stream *stream);

/*
 * While set, a reset by the peer or the connection's end cancels the fiber and nw_h2_is_gone
 * becomes true. A half-closed stream (END_STREAM) is not gone. NULL ends it.
 */
void nw_h2_watch_gone(struct nw_h2_stream *stream, struct nw_fiber *fiber);
bool nw_h2_is_gone(const struct nw_h2_stream *stream);
/* Of the RST_STREAM or GOAWAY that ended it; 0. */
uint32_t nw_h2_code(const struct nw_h2_stream *stream);
/* Client: REFUSED_STREAM, an id above GOAWAY's, or never sent: the peer did not begin on it. */
bool nw_h2_never_started(const struct nw_h2_stream *stream);
/*
 * One fiber waits for several things: set whenever a head, data, the end, an error arrives. The
 * caller resets it before it looks.
 */
struct nw_event;
struct nw_event *nw_h2_news(struct nw_h2_stream *stream);
/* What the owner of the stream wants to find again; NULL at first. */
void nw_h2_set_owner(struct nw_h2_stream *stream, void *owner);
void *nw_h2_owner(const struct nw_h2_stream *stream);

#endif
