/*
 * h2_impl.h - what the files of the HTTP/2 connection share among themselves.
 *
 * Owner:   see h2.h
 * Threads: see h2.h
 */
#ifndef NW_HTTP_H2_IMPL_H
#define NW_HTTP_H2_IMPL_H

#include "http/h2.h"
#include "http/h2_chain.h"
#include "io/fiber.h"
#include "io/sync.h"
#include "io/turn.h"
#include "proto/http2.h"

enum {
    NW_H2_HEAD_SMALL_BYTES = 768,
    NW_H2_BODY_SMALL_BYTES = 256,
    NW_H2_OUT_MAX_BYTES = 192 * 1024, /* framed and not taken by the kernel: no more is framed */
};

struct nw_h2_stream {
    struct nw_http2_stream wire; /* first */
    struct nw_h2 *h2;
    struct nw_list node; /* of h2->streams; of h2->arrived before on_request */
    void *owner;
    struct nw_event news;
    struct nw_event room;
    struct nw_fiber *gone_fiber;
    struct nw_h2_chain in;
    struct nw_h2_chain out;
    struct nw_buf head; /* in head_small, or borrowed; several heads lie behind each other */
    struct nw_buf trailers_in;
    struct nw_buf trailers_out;
    uint64_t head_at;        /* position in h2->framed_bytes behind our head; 0: not framed */
    size_t lent_bytes;       /* of the piece that nw_h2_read lent */
    uint32_t reserved_bytes; /* of window growth, counted on READ_AHEAD */
    nw_err error;            /* the stream is dead */
    uint32_t head_count;     /* client: heads in `head` */
    uint32_t send_number; /* h2->send_number when something of it was last framed */
    bool is_too_large;
    bool is_answered; /* server: the final head was submitted */
    bool is_out_ended;
    bool is_gone;
    char head_small[NW_H2_HEAD_SMALL_BYTES];
    char in_small[NW_H2_BODY_SMALL_BYTES];
    char out_small[NW_H2_BODY_SMALL_BYTES];
};

struct nw_h2 {
    struct nw_h2_options options;
    struct nw_http2 *wire;
    struct nw_stream *stream;
    struct nw_turn_node flush;
    struct nw_list streams;
    struct nw_list arrived;
    struct nw_list spare_streams;
    struct nw_event wake; /* for the fiber in nw_h2_run */
    struct nw_event pinged;
    struct nw_timer keepalive;
    struct nw_timer overdue; /* the peer owes the rest of a head, or an acknowledgement */
    struct nw_h2_chain out;
    uint64_t framed_bytes; /* that entered `out`, ever */
    uint64_t left_bytes;   /* that the kernel took, ever */
    uint64_t input_ms;     /* of the last input */
    uint64_t settings_ms;  /* since when SETTINGS are to be acknowledged; 0: no input yet */
    uint64_t taken_ms;     /* when the kernel last took something */
    uint64_t pinged_ms;    /* when the unanswered PING was sent; 0: none */
    size_t reserve_bytes;  /* client: set aside for windows */
    uint32_t grown_bytes;  /* server: by which streams' windows grew */
    unsigned stream_count;
    unsigned spare_count;
    unsigned framed_count; /* streams of which something was framed since the last send */
    uint32_t send_number;
    nw_err error; /* the connection is dead */
    bool is_running;
    bool is_blocked; /* the kernel is full */
    bool is_framing; /* inside the session: no second entry */
    bool is_out_broken; /* half a frame stands in `out` */
    bool is_down;    /* on_down was called */
};

/* Something is to be said: it leaves at this turn's flush. */
void nw_h2_touch(struct nw_h2 *h2);
/* Frames what may be framed. Does nothing inside the session. */
void nw_h2_frame(struct nw_h2 *h2);
/* Frames and sends what can be sent without waiting. */
void nw_h2_flush(struct nw_h2 *h2);
/* No new streams from here on: the owner is told, once. */
void nw_h2_down(struct nw_h2 *h2);
/* The connection is dead: every stream fails with err. */
void nw_h2_lost(struct nw_h2 *h2, nw_err err);

/* h2_stream.c */
extern const struct nw_http2_events nw_h2_events;
struct nw_h2_stream *nw_h2_stream_new(struct nw_h2 *h2);
void nw_h2_stream_fail(struct nw_h2_stream *stream, nw_err err);
void nw_h2_spare_trim(struct nw_h2 *h2);
/* Hands the requests that arrived to the owner. */
void nw_h2_deliver(struct nw_h2 *h2);

#endif
