/* One GET on a connection of its own; the status decides, the body is not read. */
#include "gate/probe.h"

#include "io/fiber.h"

static bool is_expected(const struct nw_gate_service *service, int status)
{
    if (service->expect_count == 0)
        return status >= 200 && status <= 399;
    for (unsigned i = 0; i < service->expect_count; i++)
        if (status >= service->expect[i].from && status <= service->expect[i].to)
            return true;
    return false;
}

NW_YIELDS static nw_err read_status(struct nw_stream *stream, struct nw_buf *buf, int *out_status)
{
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    nw_http1_parser_init(&parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    for (;;) {
        size_t got_bytes = 0;
        NW_TRY(nw_io_read(stream, buf, &got_bytes));
        if (got_bytes == 0)
            return NW_PEER_CLOSED;
        nw_err err = nw_http1_parse(&parser, nw_buf_unread(buf), &head);
        if (err == NW_OK) {
            *out_status = head.status;
            return NW_OK;
        }
        if (err != NW_AGAIN || nw_buf_space_bytes(buf) == 0)
            return NW_BAD_MESSAGE;
    }
}

NW_YIELDS static nw_err ask(const struct nw_gate_service *service, struct nw_stream *stream,
                            const char **out_reason)
{
    struct iovec iov = {service->probe_request, strlen(service->probe_request)};
    struct nw_buf buf = {0};
    int status = 0;
    nw_err err = nw_io_write_all(stream, &iov, 1);
    if (err == NW_OK)
        err = read_status(stream, &buf, &status);
    nw_buf_release(&buf);
    if (err != NW_OK) {
        *out_reason = err == NW_TIMEOUT ? "the health check timed out"
                                        : "the health check got no usable answer";
        return err;
    }
    if (is_expected(service, status))
        return NW_OK;
    *out_reason = "the health check answered with an unexpected status";
    return NW_INVALID;
}

NW_YIELDS static nw_err probe(struct nw_peer_node *node, const char **out_reason)
{
    const struct nw_gate_service *service = nw_peer_node_driver_arg(node);
    struct nw_stream stream;
    nw_err err = nw_peer_node_connect(node, &stream);
    if (err != NW_OK) {
        *out_reason = err == NW_TIMEOUT ? "connecting timed out" : "the connection was refused";
        return err;
    }
    err = ask(service, &stream, out_reason);
    nw_stream_close(&stream);
    return err;
}

const struct nw_peer_driver gate_http_driver = {
    .conn_bytes = sizeof(struct nw_peer_conn),
    .probe = probe,
};
