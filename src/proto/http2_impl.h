/*
 * http2_impl.h - what the files of the HTTP/2 session share among themselves.
 *
 * Owner:   see http2.h
 * Threads: see http2.h
 */
#ifndef NW_PROTO_HTTP2_IMPL_H
#define NW_PROTO_HTTP2_IMPL_H

#include <nghttp2/nghttp2.h>

#include "proto/http1.h"
#include "proto/http2.h"

enum {
    NW_HTTP2_MEMORY_CLASSES = 32, /* of 64 bytes each: 64, 128 … 2048 */
    NW_HTTP2_SPARE_MAX_BYTES = 64 * 1024,
    NW_HTTP2_NV_MAX = NW_HTTP1_FIELDS_MAX + 4,
    NW_HTTP2_GAPS_MAX = 8, /* runs of skipped ids that are remembered */
};

struct nw_http2_block;
/* All that nghttp2 allocates for one session (http2_memory.c). */
struct nw_http2_memory {
    size_t used_bytes; /* spare ones included */
    size_t max_bytes;
    size_t spare_bytes;
    struct nw_http2_block *spare[NW_HTTP2_MEMORY_CLASSES];
};
void nw_http2_memory_functions(struct nw_http2_memory *memory, nghttp2_mem *out);
void nw_http2_memory_trim(struct nw_http2_memory *memory);
/* Counted like the rest; NULL at the bound. */
void *nw_http2_memory_get(struct nw_http2_memory *memory, size_t bytes);
void nw_http2_memory_put(struct nw_http2_memory *memory, void *block);

/* The head that is being decoded: HPACK allows one at a time (http2_head.c). */
struct nw_http2_build {
    char *text;
    uint32_t len;
    uint32_t cap;
    nghttp2_rcbuf *method;
    nghttp2_rcbuf *path;
    nghttp2_rcbuf *authority;
    nghttp2_rcbuf *scheme;
    uint64_t decoded_bytes;
    uint32_t line_count;
    uint32_t field_count; /* crumbs and pseudo-fields included */
    uint32_t cookie_start;
    uint32_t cookie_end; /* behind the value of the cookie line; 0: there is none */
    int status;
    bool is_request;
    bool is_trailers;
    bool is_begun; /* the start line stands */
    bool is_end_stream;
    bool is_skipped; /* decoded for the table's sake only */
    bool is_too_large;
    bool is_bad;
    bool is_far_too_large;
    bool has_length;
    bool has_host;
    bool is_head_method;
};

/* Where in the peer's frames we are (http2_scan.c). */
struct nw_http2_scan {
    uint64_t since_ms;   /* when the frame, header block or preface began */
    uint32_t left_bytes; /* of the frame's payload, or the preface */
    uint8_t head[9];
    uint8_t have_bytes; /* of head */
    bool is_of_block;   /* that payload belongs to a header block, or is the preface */
    bool is_open;       /* CONTINUATION must follow */
};
void nw_http2_scan_start(struct nw_http2_scan *scan, bool is_client);
void nw_http2_scan(struct nw_http2_scan *scan, struct nw_slice bytes, uint64_t now_ms);

/* Ids that the peer left out: streams that never were. */
struct nw_http2_gap {
    int32_t first;
    int32_t last;
};

struct nw_http2 {
    nghttp2_session *session;
    const struct nw_http2_events *events;
    void *arg;
    struct nw_http2_memory memory;
    struct nw_http2_build build;
    struct nw_http2_scan scan;
    uint64_t now_ms;
    uint64_t glitch_since_ms;
    uint32_t glitch_count;  /* in this window of time */
    uint32_t settings_count;
    uint32_t streams_max;  /* server: that the peer was offered */
    size_t queued_count;   /* frames that waited when a SETTINGS frame of the peer's began */
    uint32_t sent_count; /* heads */
    int32_t calm_credit;    /* of PING and WINDOW_UPDATE that our own frames explain */
    int32_t order_credit;   /* of PRIORITY frames that requests explain */
    uint32_t head_max_bytes;
    uint32_t stream_window_bytes;
    uint32_t error_code;
    int64_t held_bytes; /* of DATA, all streams */
    int32_t last_id;    /* of the peer's GOAWAY */
    int32_t highest_id; /* server: that the peer opened */
    struct nw_http2_gap gaps[NW_HTTP2_GAPS_MAX]; /* a ring */
    uint32_t gap_count; /* ever */
    bool is_client;
    bool is_https;
    bool is_shutting;   /* the notice was sent */
    bool is_shut;       /* and the last GOAWAY was submitted */
    bool is_greeted;    /* our first SETTINGS were framed */
    bool is_within_settings; /* the peer's SETTINGS have begun and not ended */
    bool is_settled;    /* the peer acknowledged our SETTINGS */
    bool is_peer_going; /* it sent GOAWAY */
    bool is_aborted;
    bool is_failed; /* nghttp2 itself gave up */
};

/* Those that frame, route or authenticate a message have no business behind its body. */
bool nw_http2_is_never_trailer(struct nw_slice name);
/* Starts a head; its text is written as fields come. */
void nw_http2_build_start(struct nw_http2 *http2, bool is_request, bool is_trailers,
                          bool is_end_stream);
void nw_http2_build_field(struct nw_http2 *http2, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
/* Writes what was left for the end. False: malformed. */
bool nw_http2_build_finish(struct nw_http2 *http2);
/* Gives back what the fields held. */
void nw_http2_build_reset(struct nw_http2 *http2);
/* And the text's memory. */
void nw_http2_build_done(struct nw_http2 *http2);

struct nw_http2_fields {
    nghttp2_nv nv[NW_HTTP2_NV_MAX];
    size_t count;
    int status;              /* of an answer */
    uint32_t message_number; /* in: the session's heads so far */
    bool is_head_method;
};
/* Text to fields (http2_text.c). NW_INVALID: it cannot be said in HTTP/2. */
NW_MUST_CHECK nw_err nw_http2_fields_of_request(struct nw_slice text, bool is_https,
                                                struct nw_http2_fields *out);
NW_MUST_CHECK nw_err nw_http2_fields_of_answer(struct nw_slice text, struct nw_http2_fields *out);
NW_MUST_CHECK nw_err nw_http2_fields_of_trailers(struct nw_slice lines,
                                                 struct nw_http2_fields *out);

/* The callbacks of reading (http2_read.c). */
void nw_http2_read_callbacks(nghttp2_session_callbacks *callbacks);
/* Once more at each input, for frames of ours that came between. */
void nw_http2_settings_begin(struct nw_http2 *http2);
void nw_http2_glitch_count(struct nw_http2 *http2, nw_http2_glitch kind);

#endif
