/*
 * grpc.h - the words of gRPC over HTTP/2: who speaks it, statuses, deadlines, messages.
 *
 * "gRPC over HTTP2" (PROTOCOL-HTTP2.md) and its status codes. A gRPC client reads the outcome of a
 * call from the trailers, so that an answer of newel's own has to be told there: HTTP status 200
 * and a head that is its own trailer.
 *
 * Owner:   nothing here allocates; texts are borrowed for the call
 * Threads: stateless
 */
#ifndef NW_PROTO_GRPC_H
#define NW_PROTO_GRPC_H

#include "base/slice.h"

typedef enum nw_grpc_status {
    NW_GRPC_OK = 0,
    NW_GRPC_CANCELLED = 1,
    NW_GRPC_UNKNOWN = 2,
    NW_GRPC_INVALID_ARGUMENT = 3,
    NW_GRPC_DEADLINE_EXCEEDED = 4,
    NW_GRPC_NOT_FOUND = 5,
    NW_GRPC_ALREADY_EXISTS = 6,
    NW_GRPC_PERMISSION_DENIED = 7,
    NW_GRPC_RESOURCE_EXHAUSTED = 8,
    NW_GRPC_FAILED_PRECONDITION = 9,
    NW_GRPC_ABORTED = 10,
    NW_GRPC_OUT_OF_RANGE = 11,
    NW_GRPC_UNIMPLEMENTED = 12,
    NW_GRPC_INTERNAL = 13,
    NW_GRPC_UNAVAILABLE = 14,
    NW_GRPC_DATA_LOSS = 15,
    NW_GRPC_UNAUTHENTICATED = 16
} nw_grpc_status;

/* Is this Content-Type application/grpc, alone or with "+proto" and its like or parameters? */
bool nw_grpc_is_content_type(struct nw_slice value);

/* What an answer of newel's own with this HTTP status means to a gRPC client. */
nw_grpc_status nw_grpc_status_of_http(int http_status);

/*
 * Reads a grpc-status value: digits without more, at most 99 (codes that no list has are a node's
 * own business). -1 when it is malformed.
 */
int nw_grpc_status_read(struct nw_slice value);
/* The same from trailers as "name: value\r\n" lines, names in lower case; -1: there is none. */
int nw_grpc_status_in(struct nw_slice lines);

/*
 * grpc-timeout: one to eight digits and a unit of H M S m u n. Rounded up to milliseconds, so that
 * 0 stays 0: the deadline has passed. NW_INVALID when malformed.
 */
NW_MUST_CHECK nw_err nw_grpc_timeout_read(struct nw_slice value, uint64_t *out_ms);

/*
 * Writes text as a grpc-message value: what is not printable ASCII, and '%', as %XX. Cut where
 * cap_bytes end, never inside an escape. Returns the length.
 */
size_t nw_grpc_message_encode(struct nw_slice text, char *out, size_t cap_bytes);

#endif
