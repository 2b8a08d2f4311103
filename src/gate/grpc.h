/*
 * grpc.h - answers of newel's own to gRPC calls.
 *
 * A gRPC client reads the outcome from trailers and takes any other HTTP status for a broken proxy.
 * So what would be a page is told as HTTP status 200 with a head that is its own trailer.
 *
 * Owner:   texts are borrowed for the call
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_GRPC_H
#define NW_GATE_GRPC_H

#include "gate/gate_impl.h"
#include "proto/grpc.h"

NW_YIELDS NW_MUST_CHECK nw_err gate_grpc_answer(struct nw_exchange *exchange,
                                                nw_grpc_status status, const char *sentence);
/* For a call whose answer has begun: the outcome stands behind what was sent. */
NW_YIELDS NW_MUST_CHECK nw_err gate_grpc_end(struct nw_exchange *exchange, nw_grpc_status status,
                                             const char *sentence);
/*
 * For a request that was refused before there was an exchange: the whole head as text. Returns its
 * length, at most cap_bytes (1024 are enough).
 */
size_t gate_grpc_raw(int http_status, const char *sentence, const char id[NW_HTTP_ID_BYTES],
                     struct nw_slice date, char *out, size_t cap_bytes);

#endif
