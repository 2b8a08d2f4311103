/*
 * Trailers-only, as "gRPC over HTTP2" calls it. The access log has the HTTP status 200 that was
 * sent, so the gRPC status stands beside it as a note.
 */
#include "gate/grpc.h"

#include <stdio.h>

enum { MESSAGE_MAX_BYTES = 512 };

nw_err gate_grpc_answer(struct nw_exchange *exchange, nw_grpc_status status, const char *sentence)
{
    struct nw_http_sink *sink = exchange->sink;
    char message[MESSAGE_MAX_BYTES], code[4];
    size_t len = nw_grpc_message_encode(nw_slice_str(sentence), message, sizeof message);
    snprintf(code, sizeof code, "%u", (unsigned)status % 100);
    NW_TRY(nw_exchange_answer_field(exchange, "Content-Type", NW_SLICE("application/grpc")));
    NW_TRY(nw_exchange_answer_field(exchange, "grpc-status", nw_slice_str(code)));
    NW_TRY(nw_exchange_answer_field(exchange, "grpc-message", nw_slice_of(message, len)));
    nw_exchange_note(exchange, "grpc_status", nw_slice_str(code));
    struct nw_http_answer answer = {
        .status = 200,
        .length_bytes = NW_HTTP_LENGTH_UNKNOWN,
        .has_no_body = true,
    };
    NW_TRY(sink->ops->head(sink, &answer));
    return sink->ops->end(sink);
}

nw_err gate_grpc_end(struct nw_exchange *exchange, nw_grpc_status status, const char *sentence)
{
    struct nw_http_sink *sink = exchange->sink;
    char message[MESSAGE_MAX_BYTES], lines[MESSAGE_MAX_BYTES + 64], code[16];
    size_t len = nw_grpc_message_encode(nw_slice_str(sentence), message, sizeof message);
    snprintf(code, sizeof code, "%d", (int)status);
    int bytes = snprintf(lines, sizeof lines, "grpc-status: %s\r\ngrpc-message: %.*s\r\n", code,
                         (int)len, message);
    nw_exchange_note(exchange, "grpc_status", nw_slice_str(code));
    NW_TRY(sink->ops->trailers(sink, nw_slice_of(lines, (size_t)bytes)));
    return sink->ops->end(sink);
}

size_t gate_grpc_raw(int http_status, const char *sentence, const char id[NW_HTTP_ID_BYTES],
                     struct nw_slice date, char *out, size_t cap_bytes)
{
    char message[MESSAGE_MAX_BYTES];
    size_t len = nw_grpc_message_encode(nw_slice_str(sentence), message, sizeof message);
    int bytes = snprintf(out, cap_bytes,
                         "HTTP/1.1 200 OK\r\nDate: %.*s\r\nContent-Type: application/grpc\r\n"
                         "grpc-status: %d\r\ngrpc-message: %.*s\r\nX-Request-Id: %.32s\r\n\r\n",
                         NW_SLICE_ARG(date), (int)nw_grpc_status_of_http(http_status), (int)len,
                         message, id);
    return bytes > 0 && (size_t)bytes < cap_bytes ? (size_t)bytes : 0;
}
