/*
 * After 101 both sides speak something that newel does not read. Two fibers, one for each
 * direction; a buffer is borrowed only while bytes are in hand, so a quiet tunnel costs two stacks
 * and nothing else. A half-close is passed on; when both directions have ended, or nothing moved
 * for an hour, the tunnel is over.
 */
#include "gate/forward.h"

#include "io/fiber.h"

enum { IDLE_MS = 60 * 60 * 1000 };

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
