/*
 * One page, small, the same for every error. It never names a node, a path of the server or a
 * version: the request id is what a person quotes and an engineer looks up.
 */
#include "gate/page.h"

#include <stdio.h>

#include "base/text.h"
#include "gate/grpc.h"
#include "gate/ids.h"
#include "gate/serve.h"
#include "io/fiber.h"

static const struct {
    int status;
    const char *sentence;
} sentences[] = {
    {400, "The request is malformed."},
    {403, "This address is not for you."},
    {404, "There is nothing at this address."},
    {405, "This method is not served here."},
    {408, "The request took too long to arrive."},
    {413, "The request is larger than this address accepts."},
    {414, "The address is too long."},
    {417, "The expectation in the request cannot be met."},
    {421, "This server does not answer for that host."},
    {431, "The head of the request is too large."},
    {500, "Something went wrong here."},
    {501, "The request uses something that is not supported."},
    {502, "The application did not give a usable answer."},
    {503, "The server is busy. Please try again in a moment."},
    {504, "The application took too long to answer."},
    {505, "This HTTP version is not supported."},
    {507, "There is no room to take the request."},
};

const char *gate_sentence(int status)
{
    for (size_t i = 0; i < NW_COUNT(sentences); i++)
        if (sentences[i].status == status)
            return sentences[i].sentence;
    return status >= 500 ? "Something went wrong here." : "The request cannot be served.";
}

/* JSON when Accept names a JSON type and does not name HTML before it. */
static bool prefers_json(const struct nw_exchange *exchange)
{
    struct nw_slice rest = nw_http1_get(exchange->head, exchange->head_bytes, NW_HTTP_FIELD_ACCEPT);
    struct nw_slice part;
    while (rest.ptr != NULL && nw_http_list_next(&rest, &part)) {
        struct nw_slice type = nw_slice_trim(nw_slice_first(part, nw_slice_find(part, ';')));
        if (nw_slice_eq_nocase(type, NW_SLICE("text/html")))
            return false;
        if (nw_slice_eq_nocase(type, NW_SLICE("application/json")) ||
            nw_slice_eq_nocase(type, NW_SLICE("application/problem+json")))
            return true;
    }
    return false;
}

static void write_html(struct nw_text *out, int status, const char *sentence, struct nw_slice id)
{
    struct nw_slice reason = nw_http_reason(status);
    nw_text_addf(out,
                 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width\">"
                 "<title>%d %.*s</title>"
                 "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:18vh auto;"
                 "padding:0 1em;color:#222}h1{font-size:1.4em}small{color:#777}</style></head>"
                 "<body><h1>%d %.*s</h1><p>%s</p><p><small>Request ",
                 status, NW_SLICE_ARG(reason), status, NW_SLICE_ARG(reason), sentence);
    nw_text_add_html(out, id);
    nw_text_add_str(out, "</small></p></body></html>\n");
}

static void write_json(struct nw_text *out, int status, const char *sentence, struct nw_slice id)
{
    struct nw_slice reason = nw_http_reason(status);
    nw_text_addf(out, "{\"type\":\"about:blank\",\"title\":\"%.*s\",\"status\":%d,\"detail\":\"",
                 NW_SLICE_ARG(reason), status);
    nw_text_add_json(out, nw_slice_str(sentence));
    nw_text_add_str(out, "\",\"request_id\":\"");
    nw_text_add_json(out, id);
    nw_text_add_str(out, "\"}\n");
}

nw_err gate_respond(struct nw_exchange *exchange, int status, struct nw_slice content_type,
                    struct nw_slice body)
{
    struct nw_http_sink *sink = exchange->sink;
    if (exchange->is_grpc && status != 200)
        return gate_grpc_answer(exchange, nw_grpc_status_of_http(status), gate_sentence(status));
    if (content_type.len > 0)
        NW_TRY(nw_exchange_answer_field(exchange, "Content-Type", content_type));
    bool is_bodiless = status == 204 || status == 304;
    struct nw_http_answer answer = {
        .status = status,
        .length_bytes = is_bodiless ? NW_HTTP_LENGTH_UNKNOWN : (int64_t)body.len,
        .has_no_body = is_bodiless || exchange->head->method == NW_HTTP_HEAD,
    };
    NW_TRY(sink->ops->head(sink, &answer));
    if (!answer.has_no_body && body.len > 0) {
        struct iovec iov = {(void *)body.ptr, body.len};
        NW_TRY(sink->ops->body(sink, &iov, 1));
    }
    return sink->ops->end(sink);
}

nw_err gate_page(struct nw_exchange *exchange, int status, const char *sentence)
{
    if (exchange->is_grpc)
        return gate_grpc_answer(exchange, nw_grpc_status_of_http(status), sentence);
    bool is_json = prefers_json(exchange);
    struct nw_text page = {0};
    if (is_json)
        write_json(&page, status, sentence, exchange->request_id);
    else
        write_html(&page, status, sentence, exchange->request_id);
    if (status == 503)
        NW_TRY(nw_exchange_answer_field(exchange, "Retry-After", NW_SLICE("1")));
    nw_err err = nw_exchange_answer_field(exchange, "Cache-Control", NW_SLICE("no-store"));
    if (err == NW_OK)
        err = gate_respond(exchange, status,
                           is_json ? NW_SLICE("application/problem+json")
                                   : NW_SLICE("text/html; charset=utf-8"),
                           nw_text_slice(&page));
    nw_text_done(&page);
    return err;
}

nw_err gate_redirect(struct nw_exchange *exchange, int status, struct nw_slice location)
{
    NW_TRY(nw_exchange_answer_field(exchange, "Location", location));
    return gate_respond(exchange, status, nw_slice_of(NULL, 0), nw_slice_of(NULL, 0));
}

size_t gate_page_raw(int status, const char *sentence, const char id[NW_HTTP_ID_BYTES],
                     struct nw_slice date, char *out, size_t cap_bytes)
{
    struct nw_text page = {0};
    write_html(&page, status, sentence, nw_slice_of(id, NW_HTTP_ID_BYTES));
    struct nw_slice reason = nw_http_reason(status);
    int bytes =
        snprintf(out, cap_bytes,
                 "HTTP/1.1 %d %.*s\r\nDate: %.*s\r\nContent-Type: text/html; charset=utf-8\r\n"
                 "Content-Length: %zu\r\nX-Request-Id: %.32s\r\n%s"
                 "Connection: close\r\n\r\n%s",
                 status, NW_SLICE_ARG(reason), NW_SLICE_ARG(date), page.len, id,
                 status == 503 ? "Retry-After: 1\r\n" : "", page.ptr);
    nw_text_done(&page);
    return bytes > 0 && (size_t)bytes < cap_bytes ? (size_t)bytes : 0;
}

nw_err gate_page_send(struct nw_stream *stream, int status, const char *sentence)
{
    enum { WRITE_MS = 2000 };
    char id[NW_HTTP_ID_BYTES], text[2048];
    gate_ids_make(id);
    size_t bytes =
        gate_page_raw(status, sentence, id, gate_date(gate_worker_self()), text, sizeof text);
    struct iovec iov = {text, bytes};
    NW_WITHIN(write, WRITE_MS);
    return nw_io_write_all(stream, &iov, 1);
}
