/*
 * exchange.h - one request and its answer, whoever asks and whoever answers.
 *
 * Everything that carries a request builds on this contract: the HTTP/1 door, later HTTP/2 streams,
 * cache fills, queue delivery, shadow traffic. No field points to a client connection: the source
 * yields the request's body, the sink takes the answer, and both may yield the fiber, which is the
 * back pressure.
 *
 * Owner:   the exchange lives in the frame of the fiber that serves it; slices point into the
 *          head's bytes or the arena, which outlive it
 * Threads: one worker
 */
#ifndef NW_HTTP_EXCHANGE_H
#define NW_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/arena.h"
#include "io/addr.h"
#include "proto/http1.h"
#include "proto/target.h"

struct nw_exchange;
struct nw_gate_route;
struct nw_gate_service;
struct nw_generation;
struct nw_stream;

/*
 * Fields as offsets into a parsed head, so that it is passed on without conversion. `skip` names
 * those that do not count (hop-by-hop, framing).
 */
struct nw_http_fields {
    const char *bytes;
    const struct nw_http1_field *items;
    uint32_t count;
    struct nw_http1_set skip;
    bool is_plain; /* the head has no odd fields */
};

/* Where the body's end shows. */
#define NW_HTTP_LENGTH_UNKNOWN (-1)

struct nw_http_answer {
    int status;
    struct nw_slice reason; /* empty: the registered phrase */
    struct nw_http_fields fields;
    bool has_date;        /* one of the fields is Date */
    bool is_h2;           /* it came over HTTP/2, which Via says */
    int64_t length_bytes; /* of the body that will follow; NW_HTTP_LENGTH_UNKNOWN */
    bool has_no_body;     /* HEAD, 204, 304: length_bytes (if known) is only told */
};

/* The request's body. */
struct nw_http_source {
    const struct nw_http_source_ops *ops;
    int64_t length_bytes; /* NW_HTTP_LENGTH_UNKNOWN while it is not known */
    bool is_whole;        /* collected: read never waits for the client, rewind works */
};
struct nw_http_source_ops {
    /*
     * The next piece, borrowed until the next call; empty at the end. The first read sends a
     * pending 100 Continue. Errors: what the client did (NW_CLIENT_SLOW, NW_BAD_REQUEST,
     * NW_CLIENT_GONE…).
     */
    NW_YIELDS nw_err (*read)(struct nw_http_source *source, struct nw_slice *out_piece);
    /* Reads all of it into memory or the spool; NW_BODY_TOO_LARGE beyond max_bytes. */
    NW_YIELDS nw_err (*collect)(struct nw_http_source *source, uint64_t max_bytes);
    /* Of a whole body: starts again from its first byte. */
    void (*rewind)(struct nw_http_source *source);
    /*
     * The client's stream, to wait for its input beside others; NULL when there is none to wait
     * for.
     */
    struct nw_stream *(*stream)(struct nw_http_source *source);
    /* Answers a held Expect: 100-continue; called when a node said 100. */
    NW_YIELDS nw_err (*proceed)(struct nw_http_source *source);
    /* Once read has said the end: "name: value\r\n" lines, empty for none. NULL: never any. */
    struct nw_slice (*trailers)(struct nw_http_source *source);
};

/* Takes the answer. A head is held until the first body, the end, or flush: one send. */
struct nw_http_sink {
    const struct nw_http_sink_ops *ops;
    bool has_head; /* head was called: from here on failures can only abort */
};
struct nw_http_sink_ops {
    /* 103 and its like; may be dropped where the client cannot take it. */
    NW_YIELDS nw_err (*informational)(struct nw_http_sink *sink,
                                      const struct nw_http_answer *answer);
    /* Exactly once. */
    NW_YIELDS nw_err (*head)(struct nw_http_sink *sink, const struct nw_http_answer *answer);
    /* Returns when it needs the bytes no more. At most 4 pieces. */
    NW_YIELDS nw_err (*body)(struct nw_http_sink *sink, const struct iovec *iov, int count);
    /* A held head leaves now. */
    NW_YIELDS nw_err (*flush)(struct nw_http_sink *sink);
    /*
     * Before end: "name: value\r\n" lines that follow the body. NULL (the client speaks
     * HTTP/1): they are dropped, as RFC 9110 section 6.5.1 allows.
     */
    NW_YIELDS nw_err (*trailers)(struct nw_http_sink *sink, struct nw_slice lines);
    NW_YIELDS nw_err (*end)(struct nw_http_sink *sink);
    /* Takes back a head of which nothing has left; false: the client may have seen some of it. */
    bool (*recall)(struct nw_http_sink *sink);
    /* The answer cannot be completed; the client must be able to tell. */
    void (*abort)(struct nw_http_sink *sink, nw_err why);
    /*
     * The plain stream that body bytes of a known length may be spliced to, after flush, with
     * sent() telling how many; NULL when bytes must pass through body().
     */
    struct nw_stream *(*stream)(struct nw_http_sink *sink);
    void (*sent)(struct nw_http_sink *sink, uint64_t bytes);
};

typedef enum nw_http_ended_by {
    NW_HTTP_ENDED_WELL,
    NW_HTTP_ENDED_BY_NODE,
    NW_HTTP_ENDED_BY_CLIENT,
    NW_HTTP_ENDED_BY_NEWEL
} nw_http_ended_by;

/* Written by forward and by the sink; log, evidence and metrics read only this. */
struct nw_http_outcome {
    int status;           /* as sent to the client; 0: none was */
    const char *node;     /* the last one tried; NULL when none was; valid during the exchange */
    unsigned attempts;
    bool has_started;     /* a byte of the request left for a node */
    uint64_t started_us;  /* monotonic, first byte of the head */
    uint64_t first_byte_us; /* after started_us: first byte of the node's answer; 0 none */
    uint64_t request_body_bytes;
    uint64_t response_body_bytes;
    nw_http_ended_by ended_by;
    nw_err why; /* NW_OK when it ended well */
};

enum { NW_HTTP_ID_BYTES = 32, NW_HTTP_ID_MAX_BYTES = 128, NW_HTTP_TRACEPARENT_BYTES = 55 };

/* One path segment that `{name}` took, of the normalised path. */
struct nw_http_capture {
    struct nw_slice name;
    struct nw_slice value;
};
enum { NW_HTTP_CAPTURES_MAX = 16 };

struct nw_exchange {
    const struct nw_http1_head *head;
    const char *head_bytes;
    struct nw_http1_message message; /* what is dropped, how the body is framed */
    struct nw_target target;         /* normalised */
    struct nw_arena *arena;          /* dies with the exchange; bounded */
    struct nw_generation *generation;
    const struct nw_gate_route *route;
    struct nw_gate_service *service;
    struct nw_http_capture captures[NW_HTTP_CAPTURES_MAX];
    unsigned capture_count;
    struct nw_addr peer;   /* who is connected */
    struct nw_addr client; /* who asks: differs behind trusted proxies */
    bool is_peer_trusted;
    bool is_secure;
    bool is_h2;         /* asked over HTTP/2 */
    bool is_grpc;       /* a gRPC call: answers of newel's own are told as gRPC statuses */
    bool is_target_raw; /* the node gets the target byte for byte */
    bool asks_upgrade;  /* a WebSocket upgrade that the route allows */
    bool finishes;      /* the node's request goes on when the client goes */
    size_t ahead_bytes; /* of the answer that may be taken from the node ahead of the client */
    struct nw_slice request_id;
    char id_text[NW_HTTP_ID_BYTES];
    char traceparent[NW_HTTP_TRACEPARENT_BYTES];
    struct nw_http_source *source;
    struct nw_http_sink *sink;
    struct nw_slice answer_lines; /* newel's own answer fields, ready "Name: value\r\n" text */
    struct nw_slice notes;        /* " key=value" for the access log */
    /*
     * Called once when a long relay begins: the owner lets go of the generation and keeps counted
     * references on route and service. NULL: nothing to do.
     */
    void (*on_relay)(struct nw_exchange *exchange);
    struct nw_http_outcome outcome;
};

/* Adds to the access log line of this exchange. */
void nw_exchange_note(struct nw_exchange *exchange, const char *key, struct nw_slice value);
/* Adds an answer field of newel's own. NW_NO_MEMORY beyond the arena. */
NW_MUST_CHECK nw_err nw_exchange_answer_field(struct nw_exchange *exchange, const char *name,
                                              struct nw_slice value);

#endif
