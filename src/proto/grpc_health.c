/*
 * A library for two messages of one field each would weigh more than newel's own parser of HTTP.
 * What matters is to read strictly: an answer that is cut or longer than it says is no answer.
 */
#include "proto/grpc_health.h"

#include <string.h>

#include "base/assert.h"

enum {
    PREFIX_BYTES = 5,
    FIELD_1_LENGTH = 0x0a, /* field 1, length-delimited */
    VARINT_MAX_BYTES = 10,
};
typedef enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 } wire_type;

size_t nw_grpc_health_ask(struct nw_slice service, char *out)
{
    NW_ASSERT(service.len <= NW_GRPC_HEALTH_SERVICE_MAX_BYTES);
    size_t len = PREFIX_BYTES;
    if (service.len > 0) {
        out[len++] = FIELD_1_LENGTH;
        if (service.len > 0x7f)
            out[len++] = (char)(0x80 | (service.len & 0x7f));
        out[len++] = (char)(service.len > 0x7f ? service.len >> 7 : service.len);
        memcpy(out + len, service.ptr, service.len);
        len += service.len;
    }
    size_t message_bytes = len - PREFIX_BYTES;
    const char prefix[PREFIX_BYTES] = {0, 0, 0, (char)(message_bytes >> 8), (char)message_bytes};
    memcpy(out, prefix, sizeof prefix);
    return len;
}

static nw_err read_varint(struct nw_slice *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_MAX_BYTES; i++) {
        uint8_t byte = (uint8_t)rest->ptr[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = nw_slice_skip(*rest, i + 1);
            *out = value;
            return NW_OK;
        }
    }
    return NW_BAD_MESSAGE;
}

/* Passes over a value of this type; of a varint, *out is its value. */
static nw_err read_value(struct nw_slice *rest, wire_type type, uint64_t *out)
{
    uint64_t bytes = 0;
    *out = 0;
    switch (type) {
    case WIRE_VARINT: return read_varint(rest, out);
    case WIRE_64: bytes = 8; break;
    case WIRE_32: bytes = 4; break;
    case WIRE_LENGTH: NW_TRY(read_varint(rest, &bytes)); break;
    default: return NW_BAD_MESSAGE; /* groups were given up before gRPC began */
    }
    if (bytes > rest->len)
        return NW_BAD_MESSAGE;
    *rest = nw_slice_skip(*rest, (size_t)bytes);
    return NW_OK;
}

nw_err nw_grpc_health_read(struct nw_slice body, uint64_t *out_status)
{
    if (body.len < PREFIX_BYTES || body.ptr[0] != 0)
        return NW_BAD_MESSAGE;
    uint64_t bytes = 0, status = 0;
    for (unsigned i = 1; i < PREFIX_BYTES; i++)
        bytes = bytes << 8 | (uint8_t)body.ptr[i];
    struct nw_slice rest = nw_slice_skip(body, PREFIX_BYTES);
    if (bytes != rest.len)
        return NW_BAD_MESSAGE;
    while (rest.len > 0) {
        uint64_t tag, value;
        NW_TRY(read_varint(&rest, &tag));
        if (tag >> 3 == 0)
            return NW_BAD_MESSAGE;
        NW_TRY(read_value(&rest, (wire_type)(tag & 7), &value));
        if (tag == (1 << 3 | WIRE_VARINT))
            status = value; /* the last one counts */
    }
    *out_status = status;
    return NW_OK;
}
