/*
 * One GET on a connection of its own; the status decides, the body is not read. Nodes of HTTP/2
 * are asked over it, by GET or by gRPC's own health service.
 */
#include "gate/probe.h"

#include "gate/tls.h"
#include "http/fetch.h"
#include "http/fetch_h2.h"
#include "proto/grpc.h"
#include "proto/grpc_health.h"

static nw_err no_answer(nw_err err, const char **out_reason)
{
    *out_reason = err == NW_TIMEOUT ? "the health check timed out"
                                    : "the health check got no usable answer";
    return err;
}

static nw_err judge_status(const struct nw_gate_service *service, int status,
                           const char **out_reason)
{
    if (nw_conf_statuses_have(&service->expect, status))
        return NW_OK;
    *out_reason = "the health check answered with an unexpected status";
    return NW_INVALID;
}

static nw_err judge_grpc(const struct nw_http_h2_answer *answer, const char **out_reason)
{
    uint64_t status = 0;
    struct nw_slice body = {answer->body, answer->body_bytes};
    *out_reason = "the health service did not answer well";
    if (answer->status != 200 || answer->grpc_status != NW_GRPC_OK)
        return NW_INVALID;
    NW_TRY(nw_grpc_health_read(body, &status));
    *out_reason = "the health service says that it is not serving";
    return status == NW_GRPC_HEALTH_SERVING ? NW_OK : NW_INVALID;
}

/* The heads that nodes of HTTP/2 are asked with. */
static void write_ask(const struct nw_gate_service *service, struct nw_text *out)
{
    struct nw_slice host = service->host.text.len > 0 ? service->host.text : NW_SLICE("localhost");
    if (service->has_grpc_check)
        nw_text_add_str(out, "POST /grpc.health.v1.Health/Check");
    else
        nw_text_addf(out, "GET %s", service->health_path);
    nw_text_addf(out, " HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: newel-health\r\n",
                 NW_SLICE_ARG(host));
    if (service->has_grpc_check)
        nw_text_add_str(out, "Content-Type: application/grpc\r\nTE: trailers\r\n");
    nw_text_add_str(out, "\r\n");
}

static struct nw_slice asked_about(const struct nw_gate_service *service)
{
    return nw_slice_skip(nw_slice_str(service->grpc_check), strlen("grpc:"));
}

NW_YIELDS static nw_err ask_h2(const struct nw_gate_service *service, struct nw_stream *stream,
                               const char **out_reason)
{
    char message[NW_GRPC_HEALTH_ASK_MAX_BYTES];
    struct nw_http_h2_answer answer;
    struct nw_text head = {0};
    write_ask(service, &head);
    struct nw_http_h2_ask ask = {
        .head = nw_slice_of(head.ptr, head.len),
        .is_https = nw_stream_tls(stream) != NULL,
        .wants_body = service->has_grpc_check,
    };
    if (service->has_grpc_check)
        ask.body = nw_slice_of(message, nw_grpc_health_ask(asked_about(service), message));
    nw_err err = nw_http_fetch_h2(stream, &ask, &answer);
    nw_text_done(&head);
    if (err != NW_OK)
        return no_answer(err, out_reason);
    return service->has_grpc_check ? judge_grpc(&answer, out_reason)
                                   : judge_status(service, answer.status, out_reason);
}

NW_YIELDS static nw_err ask(const struct nw_gate_service *service, struct nw_stream *stream,
                            const char **out_reason)
{
    struct nw_http_fetch fetch = {
        .path = nw_slice_str(service->health_path),
        .host = service->host.text, /* empty unless the configuration fixes one */
    };
    int status = 0;
    nw_err err = nw_http_fetch(stream, &fetch, &status);
    return err != NW_OK ? no_answer(err, out_reason) : judge_status(service, status, out_reason);
}

nw_err gate_probe(struct nw_peer_node *node, const char **out_reason)
{
    struct nw_gate_service *service = nw_peer_node_driver_arg(node);
    struct nw_stream stream;
    nw_err err = nw_peer_node_connect(node, &stream);
    if (err != NW_OK) {
        *out_reason = err == NW_TIMEOUT ? "connecting timed out" : "the connection was refused";
        return err;
    }
    err = gate_tls_connect(service, node, &stream);
    if (err != NW_OK)
        *out_reason = err == NW_TIMEOUT ? "its TLS handshake timed out"
                                        : "it did not prove who it is";
    else if (service->is_h2)
        err = ask_h2(service, &stream, out_reason);
    else
        err = ask(service, &stream, out_reason);
    nw_stream_close(&stream);
    return err;
}

NW_YIELDS static nw_err open_conn(struct nw_peer_conn *conn, void *driver_arg)
{
    return gate_tls_connect(driver_arg, conn->node, &conn->stream);
}

const struct nw_peer_driver gate_http_driver = {
    .conn_bytes = sizeof(struct nw_peer_conn),
    .open = open_conn,
    .probe = gate_probe,
};
