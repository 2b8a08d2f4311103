/*
 * Closing a TCP socket with unread input makes the kernel send RST, and an RST makes the peer throw
 * away the answer that it has not read yet: the 413 that explains the refusal would be lost. So we
 * say FIN first, then read and drop until the peer closes, within bounds that keep an attacker from
 * parking fibers here.
 */
#include "io/fiber.h"
#include "io/stream_impl.h"

enum { LINGER_BYTES = 256 * 1024, LINGER_MS = 2000, LINGER_FIBERS_MAX = 256, STEP_BYTES = 8192 };

NW_YIELDS static void drain(struct nw_stream *stream)
{
    NW_WITHIN(linger, LINGER_MS);
    char dropped[STEP_BYTES];
    size_t all_bytes = 0;
    while (all_bytes < LINGER_BYTES) {
        size_t bytes;
        nw_err err = nw_io_read_into(stream, dropped, sizeof dropped, &bytes);
        bool is_ours = err == NW_TIMEOUT && nw_within_ran_out(&linger);
        if ((err == NW_CANCELLED || err == NW_TIMEOUT) && !is_ours && nw_grace(LINGER_MS))
            continue;
        if (err != NW_OK || bytes == 0)
            return;
        all_bytes += bytes;
    }
}

void nw_stream_linger_close(struct nw_stream *stream)
{
    if (!stream->is_open)
        return;
    struct nw_stream_shared *shared = nw_stream_shared();
    nw_stream_shutdown_write(stream);
    bool is_worthwhile = !stream->is_read_broken && !stream->is_write_broken && !stream->is_ended;
    if (is_worthwhile && shared->linger_count < LINGER_FIBERS_MAX) {
        shared->linger_count++;
        nw_stream_watch_gone(stream, NULL);
        drain(stream);
        shared->linger_count--;
    }
    nw_stream_close(stream);
}
