/*
 * talk.h - HTTP/1.1 as scripted clients and servers speak it: by hand, and by another hand than
 * newel's.
 *
 * Only what the scripts say to each other: heads of a few fields, bodies by length or chunks. A
 * message that is anything else is an error of whoever sent it.
 *
 * Owner:   a talk is embedded; talk_done closes its stream
 * Threads: fibers of one worker
 */
#ifndef NW_TEST_SIM_TALK_H
#define NW_TEST_SIM_TALK_H

#include "base/text.h"
#include "io/stream.h"

struct talk {
    struct nw_stream stream;
    char bytes[8192];
    size_t start;
    size_t end;
};

struct talk_head {
    char method[16]; /* of a request */
    char target[256];
    int status;      /* of an answer */
    int64_t length;  /* -1: none given */
    bool is_chunked;
    bool is_last;    /* Connection: close */
    uint64_t id;     /* X-Id; UINT64_MAX: none */
};

/* Piece by piece; false: stop. */
typedef bool (*talk_sink)(void *arg, const char *bytes, size_t count);

void talk_init(struct talk *talk);
void talk_done(struct talk *talk);
/* NW_PEER_CLOSED when the peer ended before the first byte; NW_BAD_MESSAGE for nonsense. */
nw_err talk_head(struct talk *talk, struct talk_head *out);
/* The whole body. `has_body`: the message's kind allows one. */
nw_err talk_body(struct talk *talk, const struct talk_head *head, talk_sink sink, void *arg);
nw_err talk_send(struct talk *talk, struct nw_slice bytes);

/*
 * What belongs to a request's number: everybody can tell a right byte from a wrong one. `side`
 * tells the request's body ('q') from the answer's ('a').
 */
size_t talk_size(uint64_t id, char side);
void talk_fill(uint64_t id, char side, size_t at, char *out, size_t count);
bool talk_is_right(uint64_t id, char side, size_t at, const char *bytes, size_t count);

#endif
