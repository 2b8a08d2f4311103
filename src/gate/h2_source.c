/*
 * A request's body as an HTTP/2 stream brings it. Framing is nghttp2's business: what arrives here
 * is data, and the end is known with the last piece of it. Reading grants the client window for
 * more, so that a body nobody reads stops at the stream's window.
 *
 * The ordinary small body lies whole in the stream's own memory, which nobody touches before the
 * next read: it is its own copy.
 */
#include "gate/source.h"

#include "http/h2.h"
#include "io/fiber.h"

static struct nw_h2_stream *stream_of(const struct gate_source *source)
{
    return gate_request_of(source->exchange)->h2;
}

static nw_err send_continue(struct gate_source *source)
{
    if (!source->owes_continue)
        return NW_OK;
    source->owes_continue = false;
    return nw_h2_respond(stream_of(source), NW_SLICE("HTTP/1.1 100 Continue\r\n\r\n"), false);
}

NW_YIELDS static nw_err next_of_stream(struct gate_source *source, struct nw_slice *out_piece)
{
    NW_TRY(send_continue(source));
    uint64_t patience = gate_source_patience_ms(source);
    NW_WITHIN(client, patience == NW_NEVER ? 0 : patience);
    nw_err err = nw_h2_read(stream_of(source), out_piece);
    if (err == NW_TIMEOUT && nw_within_ran_out(&client))
        return NW_CLIENT_SLOW;
    if (err == NW_PEER_RESET || err == NW_PEER_CLOSED)
        return NW_CLIENT_GONE;
    NW_TRY(err);
    source->wire_bytes += out_piece->len;
    source->is_done = out_piece->len == 0 || nw_h2_is_ended(stream_of(source));
    return NW_OK;
}

NW_YIELDS static nw_err h2_collect(struct nw_http_source *base, uint64_t memory_bytes)
{
    struct gate_source *source = gate_source_of(base);
    if (base->is_whole)
        return NW_OK;
    struct nw_slice piece;
    NW_TRY(gate_source_next(source, &piece));
    if (!source->is_done)
        return gate_source_keep(source, piece, memory_bytes);
    source->direct = piece;
    source->is_direct = piece.len > 0;
    gate_source_is_whole(source);
    return NW_OK;
}

/* There is no stream to wait for: news of an HTTP/2 stream is an event. */
static struct nw_stream *h2_stream(struct nw_http_source *base)
{
    return NULL;
}

NW_YIELDS static nw_err h2_proceed(struct nw_http_source *base)
{
    return send_continue(gate_source_of(base));
}

static struct nw_slice h2_trailers(struct nw_http_source *base)
{
    return nw_h2_trailers(stream_of(gate_source_of(base)));
}

static const struct nw_http_source_ops ops = {
    .read = gate_source_read,
    .collect = h2_collect,
    .rewind = gate_source_rewind,
    .stream = h2_stream,
    .proceed = h2_proceed,
    .trailers = h2_trailers,
};

void gate_h2_source_take(struct gate_source *source)
{
    source->base.ops = &ops;
    source->next = next_of_stream;
    source->is_chunked = false;
}
