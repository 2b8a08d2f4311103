/*
 * The strict parser of the door, and nothing else of it: the admin listener must answer when the
 * door is full, and none of its paths needs more than one buffer.
 */
#include "admin/http.h"

#include "io/fiber.h"
#include "proto/http1_write.h"

enum { READ_MS = 10000 };

NW_YIELDS static nw_err read_more(struct nw_stream *stream, struct nw_buf *buf)
{
    size_t got_bytes = 0;
    NW_TRY(nw_io_read(stream, buf, &got_bytes));
    return got_bytes > 0 ? NW_OK : NW_PEER_CLOSED;
}

NW_YIELDS static nw_err read_head(struct nw_stream *stream, struct admin_request *r,
                                  int *out_status)
{
    struct nw_http1_parser parser;
    struct nw_http1_limits limits = NW_HTTP1_LIMITS_DEFAULT;
    limits.head_bytes = NW_BUF_BYTES / 2;
    nw_http1_parser_init(&parser, false, &limits);
    for (;;) {
        if (nw_buf_unread_bytes(&r->buf) > 0) {
            nw_err err = nw_http1_parse(&parser, nw_buf_unread(&r->buf), &r->head);
            if (err == NW_OK)
                return NW_OK;
            if (err != NW_AGAIN) {
                *out_status = nw_http1_class_status(parser.found);
                return err;
            }
        }
        NW_TRY(read_more(stream, &r->buf));
    }
}

NW_YIELDS static nw_err read_body(struct nw_stream *stream, struct admin_request *r,
                                  int *out_status)
{
    if (r->message.framing == NW_HTTP1_BODY_NONE)
        return NW_OK;
    uint64_t room_bytes = NW_BUF_BYTES - r->head.head_bytes;
    if (r->message.framing != NW_HTTP1_BODY_LENGTH || r->message.length_bytes > room_bytes) {
        *out_status = 413;
        return NW_BODY_TOO_LARGE;
    }
    uint64_t whole_bytes = r->head.head_bytes + r->message.length_bytes;
    while (nw_buf_unread_bytes(&r->buf) < whole_bytes)
        NW_TRY(read_more(stream, &r->buf));
    r->body = nw_slice_of(r->buf.data + r->head.head_bytes, r->message.length_bytes);
    return NW_OK;
}

nw_err admin_http_read(struct nw_stream *stream, struct admin_request *r, int *out_status)
{
    *out_status = 0;
    r->body = nw_slice_of(NULL, 0);
    NW_WITHIN(read, READ_MS);
    NW_TRY(read_head(stream, r, out_status));
    r->bytes = r->buf.data + r->buf.start;
    nw_http1_class found = NW_HTTP1_FINE;
    nw_err err = nw_http1_request_judge(&r->head, r->bytes, &r->message, &found);
    if (err != NW_OK) {
        *out_status = nw_http1_class_status(found);
        return err;
    }
    struct nw_slice target = nw_http1_target(&r->head, r->bytes);
    r->path = nw_slice_first(target, nw_slice_find(target, '?'));
    r->host = nw_http1_get(&r->head, r->bytes, NW_HTTP_FIELD_HOST);
    return read_body(stream, r, out_status);
}

nw_err admin_http_answer(struct nw_stream *stream, int status, const char *content_type,
                         struct nw_slice body, bool is_head, bool close)
{
    char head[512];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, head, sizeof head);
    nw_http1_write_status_line(&writer, status, nw_slice_of(NULL, 0));
    nw_http1_write_field(&writer, NW_SLICE("Content-Type"), nw_slice_str(content_type));
    nw_http1_write_field_u64(&writer, NW_SLICE("Content-Length"), body.len);
    nw_http1_write_bytes(&writer, NW_SLICE("Cache-Control: no-store\r\n"
                                           "X-Content-Type-Options: nosniff\r\n"));
    if (status == 401)
        nw_http1_write_bytes(&writer, NW_SLICE("WWW-Authenticate: Bearer\r\n"));
    if (close)
        nw_http1_write_bytes(&writer, NW_SLICE("Connection: close\r\n"));
    nw_http1_write_end(&writer);
    struct iovec iov[2] = {{head, writer.len}, {(void *)body.ptr, is_head ? 0 : body.len}};
    NW_WITHIN(write, READ_MS);
    return nw_io_write_all(stream, iov, iov[1].iov_len > 0 ? 2 : 1);
}
