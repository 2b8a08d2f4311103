/*
 * A health check that is laxer than the door would send requests to a node whose answers are then
 * refused, so the same parser and the same judgement read both.
 *
 * The answer's bytes lie in memory of their own, not in a pooled buffer: a check that failed
 * because requests had used up the buffers would take out a node for being busy here.
 */
#include "http/fetch.h"

#include "base/alloc.h"
#include "base/text.h"
#include "proto/http1.h"

enum { ANSWERS_MAX_BYTES = 16 * 1024 };

struct answers {
    size_t start; /* of the head being read */
    size_t end;
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    char bytes[ANSWERS_MAX_BYTES];
};

NW_YIELDS static nw_err ask(struct nw_stream *stream, const struct nw_http_fetch *fetch)
{
    struct nw_text text = {0};
    struct nw_slice host = fetch->host.len > 0 ? fetch->host : NW_SLICE("localhost");
    nw_text_addf(&text,
                 "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: newel-health\r\n"
                 "Connection: close\r\n\r\n",
                 NW_SLICE_ARG(fetch->path), NW_SLICE_ARG(host));
    struct iovec iov = {text.ptr, text.len};
    nw_err err = nw_io_write_all(stream, &iov, 1);
    nw_text_done(&text);
    return err;
}

NW_YIELDS static nw_err read_more(struct nw_stream *stream, struct answers *answers)
{
    size_t got_bytes = 0;
    if (answers->end == sizeof answers->bytes)
        return NW_BAD_MESSAGE;
    NW_TRY(nw_io_read_into(stream, answers->bytes + answers->end,
                           sizeof answers->bytes - answers->end, &got_bytes));
    answers->end += got_bytes;
    return got_bytes > 0 ? NW_OK : NW_PEER_CLOSED;
}

NW_YIELDS static nw_err read_head(struct nw_stream *stream, struct answers *answers,
                                  struct nw_http1_message *out)
{
    static const struct nw_http1_asked asked = {.method = NW_HTTP_GET};
    const char *bytes = answers->bytes + answers->start;
    nw_http1_class found;
    nw_http1_parser_init(&answers->parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    for (;;) {
        nw_err err = NW_AGAIN;
        if (answers->end > answers->start)
            err = nw_http1_parse(&answers->parser,
                                 nw_slice_of(bytes, answers->end - answers->start), &answers->head);
        if (err == NW_OK)
            return nw_http1_response_judge(&answers->head, bytes, &asked, out, &found);
        if (err != NW_AGAIN)
            return NW_BAD_MESSAGE;
        NW_TRY(read_more(stream, answers));
    }
}

nw_err nw_http_fetch(struct nw_stream *stream, const struct nw_http_fetch *fetch, int *out_status)
{
    struct answers *answers = nw_alloc(sizeof *answers);
    struct nw_http1_message message = {.is_informational = true};
    answers->start = answers->end = 0;
    nw_err err = ask(stream, fetch);
    while (err == NW_OK && message.is_informational) {
        err = read_head(stream, answers, &message);
        if (err == NW_OK)
            answers->start += answers->head.head_bytes;
    }
    if (err == NW_OK)
        *out_status = answers->head.status;
    nw_free(answers);
    return err;
}
