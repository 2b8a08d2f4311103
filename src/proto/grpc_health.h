/*
 * grpc_health.h - the two messages of grpc.health.v1.Health/Check.
 *
 * HealthCheckRequest { string service = 1 } and HealthCheckResponse { ServingStatus status = 1 },
 * each behind gRPC's five bytes (compressed flag, length). Protocol buffers in as much as that
 * needs: fields that are not known are passed over, as their encoding demands.
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_PROTO_GRPC_HEALTH_H
#define NW_PROTO_GRPC_HEALTH_H

#include "base/err.h"
#include "base/slice.h"

enum {
    NW_GRPC_HEALTH_SERVICE_MAX_BYTES = 255,
    NW_GRPC_HEALTH_ASK_MAX_BYTES = 5 + 1 + 2 + NW_GRPC_HEALTH_SERVICE_MAX_BYTES,
    NW_GRPC_HEALTH_SERVING = 1,
};

/* Writes the request of at most NW_GRPC_HEALTH_ASK_MAX_BYTES; returns its length. */
size_t nw_grpc_health_ask(struct nw_slice service, char *out);
/* The one message of an answer: its ServingStatus. NW_BAD_MESSAGE when it is malformed. */
NW_MUST_CHECK nw_err nw_grpc_health_read(struct nw_slice body, uint64_t *out_status);

#endif
