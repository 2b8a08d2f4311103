/*
 * After 101 both sides speak something that newel does not read. Two fibers, one for each
 * direction; a buffer is borrowed only while bytes are in hand, so a quiet tunnel costs two stacks
 * and nothing else. A half-close is passed on; when both directions have ended, or nothing moved
 * for an hour, the tunnel is over.
 */
#include "gate/forward.h"

#include "io/fiber.h"

enum { IDLE_MS = 60 * 60 * 1000 };

/* What points into the old bytes points to the same place in the copy. */
static void move(struct nw_slice *slice, const char *from, size_t bytes, const char *to)
{
    if (slice->ptr >= from && slice->ptr < from + bytes)
        slice->ptr = to + (slice->ptr - from);
}

nw_err gate_tunnel_keep_head(struct nw_exchange *exchange)
{
    size_t bytes = exchange->head->head_bytes;
    const char *from = exchange->head_bytes;
    char *to = nw_arena_try(exchange->arena, bytes);
    if (to == NULL)
        return NW_NO_MEMORY;
    memcpy(to, from, bytes);
    struct nw_target *target = &exchange->target;
    struct nw_slice *const slices[] = {&target->authority, &target->host, &target->path,
                                       &target->query,     &target->raw,  &exchange->request_id};
    for (size_t i = 0; i < NW_COUNT(slices); i++)
        move(slices[i], from, bytes, to);
    exchange->head_bytes = to;
    return NW_OK;
}

struct direction {
    struct nw_stream *from;
    struct nw_stream *to;
    struct nw_buf *first; /* bytes that came with the heads */
};

NW_YIELDS static void pump(void *arg)
{
    struct direction *way = arg;
    struct nw_buf *buf = way->first;
    for (;;) {
        NW_WITHIN(idle, IDLE_MS);
        if (nw_buf_unread_bytes(buf) > 0) {
            struct nw_slice bytes = nw_buf_unread(buf);
            struct iovec iov = {(void *)bytes.ptr, bytes.len};
            if (nw_io_write_all(way->to, &iov, 1) != NW_OK)
                break;
        }
        nw_buf_release(buf);
        size_t got_bytes = 0;
        if (nw_io_read(way->from, buf, &got_bytes) != NW_OK || got_bytes == 0)
            break;
    }
    nw_buf_release(buf);
    nw_stream_shutdown_write(way->to);
}

void gate_tunnel(struct gate_conn *conn, struct nw_buf *from_client, struct nw_stream *node,
                 struct nw_buf *from_node)
{
    struct direction up = {&conn->stream, node, from_client};
    struct direction down = {node, &conn->stream, from_node};
    struct nw_scope scope;
    nw_scope_open(&scope);
    conn->is_tunnel = true;
    nw_stream_watch_gone(&conn->stream, NULL);
    if (nw_scope_spawn(&scope, "gate.tunnel", pump, &up, NULL) == NW_OK) {
        pump(&down);
        NW_WITHIN(half_closed, 10000);
        nw_err err = nw_scope_join(&scope);
        (void)err; /* whatever it was, both directions end now */
    }
    nw_scope_close(&scope);
}
