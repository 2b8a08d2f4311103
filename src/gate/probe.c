/* One GET on a connection of its own; the status decides, the body is not read. */
#include "gate/probe.h"

#include "gate/tls.h"
#include "http/fetch.h"

NW_YIELDS static nw_err ask(const struct nw_gate_service *service, struct nw_stream *stream,
                            const char **out_reason)
{
    struct nw_http_fetch fetch = {
        .path = nw_slice_str(service->health_path),
        .host = service->host.text, /* empty unless the configuration fixes one */
    };
    int status = 0;
    nw_err err = nw_http_fetch(stream, &fetch, &status);
    if (err != NW_OK) {
        *out_reason = err == NW_TIMEOUT ? "the health check timed out"
                                        : "the health check got no usable answer";
        return err;
    }
    if (nw_conf_statuses_have(&service->expect, status))
        return NW_OK;
    *out_reason = "the health check answered with an unexpected status";
    return NW_INVALID;
}

NW_YIELDS static nw_err probe(struct nw_peer_node *node, const char **out_reason)
{
    struct nw_gate_service *service = nw_peer_node_driver_arg(node);
    struct nw_stream stream;
    nw_err err = nw_peer_node_connect(node, &stream);
    if (err != NW_OK) {
        *out_reason = err == NW_TIMEOUT ? "connecting timed out" : "the connection was refused";
        return err;
    }
    err = gate_tls_connect(service, node, &stream);
    if (err == NW_OK)
        err = ask(service, &stream, out_reason);
    else
        *out_reason = err == NW_TIMEOUT ? "its TLS handshake timed out"
                                        : "it did not prove who it is";
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
    .probe = probe,
};
