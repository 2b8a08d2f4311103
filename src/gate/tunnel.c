/*
 * After 101 both sides speak something that newel does not read. Two fibers, one for each
 * direction; a buffer is borrowed only while bytes are in hand, so a quiet tunnel costs two stacks
 * and nothing else. A half-close is passed on; when both directions have ended, or nothing moved
 * for an hour, the tunnel is over.
 */
#include "gate/forward.h"

#include "io/fiber.h"
#include "io/sync.h"

enum { IDLE_MS = 60 * 60 * 1000, HALF_CLOSED_MS = 10 * 1000 };

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

struct tunnel {
    struct direction up;
    struct direction down;
    struct nw_fiber *main; /* pumps down */
    struct nw_event down_over;
};

/* False when reading failed: whoever should have sent is gone, not done. */
NW_YIELDS static bool pump(struct direction *way)
{
    struct nw_buf *buf = way->first;
    nw_err err = NW_OK;
    for (size_t got_bytes = 1; err == NW_OK && got_bytes > 0;) {
        NW_WITHIN(idle, IDLE_MS);
        if (nw_buf_unread_bytes(buf) > 0) {
            struct nw_slice bytes = nw_buf_unread(buf);
            struct iovec iov = {(void *)bytes.ptr, bytes.len};
            if (nw_io_write_all(way->to, &iov, 1) != NW_OK)
                break;
        }
        nw_buf_release(buf);
        got_bytes = 0;
        err = nw_io_read(way->from, buf, &got_bytes);
    }
    nw_buf_release(buf);
    nw_stream_shutdown_write(way->to);
    return err == NW_OK;
}

/*
 * A client that went must not leave its node's half standing for an hour: after a reset it ends at
 * once, after a half-close when the node has been quiet for a while.
 */
NW_YIELDS static void up_fiber(void *arg)
{
    struct tunnel *tunnel = arg;
    const struct nw_stream *node = tunnel->down.from;
    bool is_clean = pump(&tunnel->up);
    uint64_t seen_bytes = UINT64_MAX;
    while (is_clean && seen_bytes != node->received_bytes) {
        NW_WITHIN(quiet, HALF_CLOSED_MS);
        seen_bytes = node->received_bytes;
        if (nw_event_wait(&tunnel->down_over) != NW_TIMEOUT)
            return; /* over, or cancelled with everything */
    }
    if (!tunnel->down_over.is_set)
        nw_fiber_cancel(tunnel->main);
}

void gate_tunnel(struct gate_conn *conn, struct nw_buf *from_client, struct nw_stream *node,
                 struct nw_buf *from_node)
{
    struct tunnel tunnel = {.up = {&conn->stream, node, from_client},
                            .down = {node, &conn->stream, from_node},
                            .main = nw_fiber_self()};
    struct nw_scope scope;
    nw_event_init(&tunnel.down_over);
    nw_scope_open(&scope);
    conn->is_tunnel = true;
    nw_stream_watch_gone(&conn->stream, NULL);
    if (nw_scope_spawn(&scope, "gate.tunnel", up_fiber, &tunnel, NULL) == NW_OK) {
        (void)pump(&tunnel.down);
        nw_event_set(&tunnel.down_over);
        NW_WITHIN(half_closed, HALF_CLOSED_MS);
        nw_err err = nw_scope_join(&scope);
        (void)err; /* whatever it was, both directions end now */
    }
    nw_scope_close(&scope);
}
