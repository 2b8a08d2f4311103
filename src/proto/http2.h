/*
 * http2.h - one HTTP/2 session in either role: bytes in, events out, frames on demand.
 *
 * RFC 9113, 7541 and 9218 on libnghttp2, which decodes, compresses, keeps windows and states and
 * picks the stream that sends next. Added here: heads as HTTP/1.1 text both ways, what nghttp2 lets
 * pass, a bound on all its memory, windows that open as bytes are read, and a score of senseless
 * frames. No I/O and no clock: the caller passes bytes and the time.
 *
 * Text that comes out of a request cannot be read differently from what HTTP/2 said: names are
 * lower-case tokens, values hold no CR, LF, NUL and no white space at their ends, the method is a
 * token, the path has neither blanks nor control bytes. Whatever is otherwise malformed is answered
 * with PROTOCOL_ERROR on its stream and never becomes an event.
 *
 * Events arrive inside nw_http2_input and nw_http2_output and must not call those two; all else may
 * be called from them.
 *
 * Owner:   the session is the caller's; stream structs lie in the caller's and stay until on_close
 *          or nw_http2_stream_forget
 * Threads: one at a time
 */
#ifndef NW_PROTO_HTTP2_H
#define NW_PROTO_HTTP2_H

#include "base/slice.h"

struct nw_http2;

/* RFC 9113 section 7. */
typedef enum nw_http2_code {
    NW_HTTP2_NO_ERROR = 0,
    NW_HTTP2_PROTOCOL_ERROR = 1,
    NW_HTTP2_INTERNAL_ERROR = 2,
    NW_HTTP2_FLOW_CONTROL_ERROR = 3,
    NW_HTTP2_SETTINGS_TIMEOUT = 4,
    NW_HTTP2_STREAM_CLOSED = 5,
    NW_HTTP2_FRAME_SIZE_ERROR = 6,
    NW_HTTP2_REFUSED_STREAM = 7,
    NW_HTTP2_CANCEL = 8,
    NW_HTTP2_COMPRESSION_ERROR = 9,
    NW_HTTP2_CONNECT_ERROR = 10,
    NW_HTTP2_ENHANCE_YOUR_CALM = 11,
    NW_HTTP2_INADEQUATE_SECURITY = 12,
    NW_HTTP2_HTTP_1_1_REQUIRED = 13
} nw_http2_code;

/* "PROTOCOL_ERROR"; "UNKNOWN" for what no registry has. */
const char *nw_http2_code_name(uint32_t code);

/* Frames that cost us more than the peer and move nothing. */
typedef enum nw_http2_glitch {
    NW_HTTP2_GLITCH_RESET,          /* the peer reset a stream */
    NW_HTTP2_GLITCH_PROVOKED_RESET, /* what the peer sent made us reset one (CVE-2025-8671) */
    NW_HTTP2_GLITCH_REFUSED,        /* a stream while all slots were held */
    NW_HTTP2_GLITCH_EMPTY_DATA,
    NW_HTTP2_GLITCH_PING,
    NW_HTTP2_GLITCH_SETTINGS,
    NW_HTTP2_GLITCH_WINDOW_UPDATE, /* a tiny one that no DATA of ours explains */
    NW_HTTP2_GLITCH_PRIORITY,
    NW_HTTP2_GLITCH_HEAD, /* a head far above the limit */
    NW_HTTP2_GLITCH_COUNT
} nw_http2_glitch;
const char *nw_http2_glitch_name(nw_http2_glitch kind); /* "reset", for labels */

enum { NW_HTTP2_GLITCHES_MAX = 200, NW_HTTP2_GLITCH_WINDOW_MS = 10000 };

/* Zeroed by the owner before it is given away. */
struct nw_http2_stream {
    int32_t id;           /* 0: not opened, or forgotten */
    uint32_t held_bytes;  /* of received DATA that was not consumed yet */
    uint32_t freed_bytes; /* consumed, and not announced as window yet */
    uint32_t window_bytes; /* what the peer may have on its way or here */
    uint32_t code;        /* of the RST_STREAM or GOAWAY that closed it */
    bool has_final_head;  /* client: the answer's head came */
    bool is_head_method;  /* client: HEAD was asked for */
    bool is_read_ended;   /* the peer's END_STREAM came */
    bool is_write_ended;  /* our END_STREAM was framed */
    bool is_peer_reset;   /* the peer sent RST_STREAM */
    bool is_unprocessed;  /* the peer said that it did not begin on it */
    bool is_reset;        /* we asked for RST_STREAM */
    bool is_deferred;     /* nghttp2 waits for nw_http2_stream_resume */
};

struct nw_http2_head {
    struct nw_slice text; /* valid during the call */
    bool is_end;          /* END_STREAM: no body follows */
    bool is_too_large;    /* server: above head_max_bytes or 100 lines; text is a shortened one */
};

/* What the owner says about a stream's next DATA frame. */
struct nw_http2_ready {
    size_t bytes;
    bool is_end;       /* END_STREAM behind them */
    bool has_trailers; /* HEADERS with END_STREAM behind them: nw_http2_trailers is called for */
};

struct nw_http2_events {
    /* Server: the stream that takes this request; NULL refuses it with REFUSED_STREAM. */
    struct nw_http2_stream *(*on_request)(void *arg, const struct nw_http2_head *head);
    /* Client: a head, informational or final. */
    void (*on_answer)(void *arg, struct nw_http2_stream *stream, const struct nw_http2_head *head);
    /*
     * Held against the windows until nw_http2_consume. False: no memory; the stream is reset, and
     * no end of it is told, because what was left out belongs before it.
     */
    bool (*on_data)(void *arg, struct nw_http2_stream *stream, struct nw_slice bytes);
    /*
     * END_STREAM; trailers as lines, without those of framing, routing and credentials. False: no
     * memory for them; the stream is reset and has not ended.
     */
    bool (*on_end)(void *arg, struct nw_http2_stream *stream, struct nw_slice trailers);
    /* The session knows the stream no more; the owner must not name it again. */
    void (*on_close)(void *arg, struct nw_http2_stream *stream);
    /* Client: no new streams from here on. */
    void (*on_goaway)(void *arg, uint32_t code);
    void (*on_ping_answer)(void *arg);
    /* The peer's SETTINGS changed. */
    void (*on_settings)(void *arg);
    void (*on_glitch)(void *arg, nw_http2_glitch kind);
    /* Output: what could be sent now, at most max_bytes of it. */
    struct nw_http2_ready (*on_ready)(void *arg, struct nw_http2_stream *stream, size_t max_bytes);
    /* A DATA frame: 9 bytes of head and then `bytes` of the stream. False: no room, asked again. */
    bool (*on_frame)(void *arg, struct nw_http2_stream *stream, const uint8_t *head, size_t bytes);
    /* Our HEADERS of this stream are among the frames. */
    void (*on_head_sent)(void *arg, struct nw_http2_stream *stream);
    /* The trailers that `has_trailers` promised, as lines. */
    struct nw_slice (*on_trailers)(void *arg, struct nw_http2_stream *stream);
};

struct nw_http2_options {
    const struct nw_http2_events *events;
    void *arg;
    bool is_client;
    bool is_https;           /* client: the :scheme that is sent */
    uint32_t streams_max;    /* server: offered */
    uint32_t head_max_bytes; /* of a decoded head as text */
    uint32_t stream_window_bytes;     /* of a new stream, at least 65535 */
    uint32_t connection_window_bytes; /* of all together, at least 65535 */
    size_t memory_max_bytes;          /* of the session; 0: 1 MiB */
};

/* The preface and SETTINGS leave with the first output. NW_NO_MEMORY. */
NW_MUST_CHECK nw_err nw_http2_new(const struct nw_http2_options *options, struct nw_http2 **out);
void nw_http2_free(struct nw_http2 *http2);

/*
 * NW_BAD_MESSAGE: the connection is over, output has the GOAWAY that says why (some errors show
 * only after output: nw_http2_is_over). NW_NO_MEMORY: over without one.
 */
NW_MUST_CHECK nw_err nw_http2_input(struct nw_http2 *http2, struct nw_slice bytes,
                                    uint64_t now_ms);
/* Since when the input is within a frame, block or preface that is not whole; 0: it is not. */
uint64_t nw_http2_cut_since_ms(const struct nw_http2 *http2);
/*
 * The next frames, valid until the next call; empty when there is nothing more, or on_frame had no
 * room. DATA comes through on_frame, in order with the pieces: those returned before lie before.
 */
NW_MUST_CHECK nw_err nw_http2_output(struct nw_http2 *http2, struct nw_slice *out_bytes);
bool nw_http2_has_output(const struct nw_http2 *http2);
/* After a GOAWAY that ends it, either side's: neither reading nor writing makes sense. */
bool nw_http2_is_over(const struct nw_http2 *http2);
/* Of the GOAWAY that we sent or got, whichever was first and not NO_ERROR; 0. */
uint32_t nw_http2_error_code(const struct nw_http2 *http2);
/* Since when the input is within a header block or preface that is not whole; 0: it is not. */
uint64_t nw_http2_head_since_ms(const struct nw_http2 *http2);
/* The peer's first words have come, and they were SETTINGS. */
bool nw_http2_has_begun(const struct nw_http2 *http2);
/* The peer acknowledged our SETTINGS. */
bool nw_http2_is_settled(const struct nw_http2 *http2);
size_t nw_http2_memory_bytes(const struct nw_http2 *http2);
/* Gives back what is kept for the next streams. */
void nw_http2_trim(struct nw_http2 *http2);

/* Client: streams that the peer lets us have at once. */
uint32_t nw_http2_peer_streams_max(const struct nw_http2 *http2);
/* Client: NW_DRAINING: no more streams; NW_INVALID: the text cannot be said in HTTP/2. */
NW_MUST_CHECK nw_err nw_http2_request(struct nw_http2 *http2, struct nw_http2_stream *stream,
                                      struct nw_slice head, bool is_end);
/* Server. Informational heads any number of times, then one final one. */
NW_MUST_CHECK nw_err nw_http2_respond(struct nw_http2 *http2, struct nw_http2_stream *stream,
                                      struct nw_slice head, bool is_end);
/* on_ready has more to say. */
void nw_http2_stream_resume(struct nw_http2 *http2, struct nw_http2_stream *stream);
/* RST_STREAM; on_close comes when it is framed. */
void nw_http2_stream_reset(struct nw_http2 *http2, struct nw_http2_stream *stream, uint32_t code);
/* No event will name it any more; what was held counts as consumed. */
void nw_http2_stream_forget(struct nw_http2 *http2, struct nw_http2_stream *stream);

/* `bytes` of on_data were read: the connection's window opens again. */
void nw_http2_consume(struct nw_http2 *http2, struct nw_http2_stream *stream, size_t bytes);
/* Enough was consumed to be worth a WINDOW_UPDATE on the stream? */
static inline bool nw_http2_is_window_due(const struct nw_http2_stream *stream)
{
    return stream->freed_bytes >= stream->window_bytes / 2 && !stream->is_read_ended &&
           stream->id != 0;
}
/* Sends it, `growth_bytes` wider than before. */
void nw_http2_window_announce(struct nw_http2 *http2, struct nw_http2_stream *stream,
                              uint32_t growth_bytes);
/* What the peer's windows leave for this stream. */
size_t nw_http2_send_window(const struct nw_http2 *http2, const struct nw_http2_stream *stream);

NW_MUST_CHECK nw_err nw_http2_ping(struct nw_http2 *http2);
/* GOAWAY(2^31-1); a round trip later GOAWAY(last id). */
void nw_http2_shutdown(struct nw_http2 *http2);
/* Our last GOAWAY was said, or the peer's came: with the last stream the connection ends. */
bool nw_http2_is_shut(const struct nw_http2 *http2);
/* GOAWAY(code) and the end. */
void nw_http2_abort(struct nw_http2 *http2, uint32_t code);

#endif
