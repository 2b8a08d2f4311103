/*
 * One fiber reads the connection while there is something to read or a stream is open; each request
 * has a fiber of its own in a scope of that fiber's frame. When the last stream has ended the
 * reader leaves, and what stays is the session's tables.
 *
 * A refused stream costs no fiber: REFUSED_STREAM says that nothing was begun, and every client may
 * repeat such a request, whatever its method.
 */
#include "gate/h2.h"

#include "base/assert.h"
#include "gate/door.h"
#include "gate/serve.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/worker.h"
#include "proto/http2.h"

enum {
    LINGER_MS = 3000,
    WINDOW_BYTES = 64 * 1024,
    WINDOW_MAX_BYTES = 1024 * 1024,
    AHEAD_MIN_BYTES = 4096,
};

struct gate_h2 {
    struct gate_conn *conn;
    struct gate_worker *worker;
    struct nw_h2 *h2;
    struct nw_scope *requests; /* in the reader's frame; NULL while parked */
    size_t ahead_left_bytes;   /* of what may be queued ahead of this client */
    uint64_t idle_until_ms;    /* frames that are no request do not move it */
    bool is_ending;            /* the next run only says goodbye */
    bool is_cancelled;
};

static void on_wake(struct nw_stream *stream, nw_stream_wake why);

/* ---- streams ---- */

NW_YIELDS static void stream_fiber(void *arg)
{
    struct nw_h2_stream *stream = arg;
    struct gate_h2 *h2 = nw_h2_owner(stream);
    (void)gate_serve(h2->worker, h2->conn, NULL, stream);
    nw_h2_stream_done(stream);
    nw_metric_add(h2->worker->h2_streams, h2->worker->index, -1);
    h2->idle_until_ms = nw_now_ms() + h2->worker->settings.idle_ms;
    if (h2->is_cancelled && nw_h2_stream_count(h2->h2) == 0)
        nw_h2_abort(h2->h2, NW_HTTP2_NO_ERROR);
}

static void refuse_stream(struct gate_h2 *h2, struct nw_h2_stream *stream)
{
    nw_metric_add(h2->worker->gate->h2_streams_refused, h2->worker->index, 1);
    nw_h2_reset(stream, NW_HTTP2_REFUSED_STREAM);
    nw_h2_stream_done(stream);
}

static void on_request(void *arg, struct nw_h2_stream *stream)
{
    struct gate_h2 *h2 = arg;
    uint64_t count_max = h2->worker->settings.requests_per_connection_max;
    nw_h2_set_owner(stream, h2);
    if (++h2->conn->request_count >= count_max && count_max > 0)
        nw_h2_shutdown(h2->h2);
    if (!nw_runtime_can_admit(h2->worker->gate->runtime) ||
        nw_scope_spawn(h2->requests, "gate.stream", stream_fiber, stream, NULL) != NW_OK) {
        refuse_stream(h2, stream);
        return;
    }
    nw_metric_add(h2->worker->h2_streams, h2->worker->index, 1);
}

static void on_glitch(void *arg, nw_http2_glitch kind)
{
    struct gate_h2 *h2 = arg;
    nw_metric_add(h2->worker->gate->h2_glitches[kind], h2->worker->index, 1);
}

size_t gate_h2_ahead_take(struct gate_conn *conn, size_t want_bytes)
{
    size_t max_bytes = conn->h2->ahead_left_bytes / 2;
    size_t bytes = want_bytes < max_bytes ? want_bytes : max_bytes;
    if (bytes < want_bytes && bytes < AHEAD_MIN_BYTES) /* would cost a whole buffer */
        bytes = 0;
    conn->h2->ahead_left_bytes -= bytes;
    return bytes;
}

void gate_h2_ahead_give(struct gate_conn *conn, size_t bytes)
{
    conn->h2->ahead_left_bytes += bytes;
}

void gate_h2_write_raw(struct nw_h2_stream *stream, struct nw_slice text)
{
    const char *end = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    NW_ASSERT(end != NULL);
    size_t head_bytes = (size_t)(end - text.ptr) + 4;
    struct iovec body = {(void *)(text.ptr + head_bytes), text.len - head_bytes};
    bool is_end = body.iov_len == 0;
    nw_err err = nw_h2_respond(stream, nw_slice_first(text, head_bytes), is_end);
    if (err == NW_OK && !is_end)
        err = nw_h2_write(stream, &body, 1, 0);
    if (err == NW_OK && !is_end)
        err = nw_h2_end(stream, nw_slice_of(NULL, 0));
    if (err == NW_OK)
        err = nw_h2_drain(stream);
    (void)err; /* nobody is left to be told */
}

/* ---- the connection ---- */

static void h2_free(struct gate_h2 *h2)
{
    nw_metric_add(h2->worker->h2_connections, h2->worker->index, -1);
    h2->conn->h2 = NULL;
    nw_h2_free(h2->h2);
    nw_free(h2);
}

/* What is left when the connection is lost: requests that finish all the same, or wind up. */
NW_YIELDS static nw_err run(struct gate_h2 *h2, struct nw_buf *first)
{
    struct nw_scope requests;
    nw_scope_open(&requests);
    h2->requests = &requests;
    nw_err err = nw_h2_run(h2->h2, first);
    nw_err joined = nw_scope_join(&requests);
    nw_scope_close(&requests);
    h2->requests = NULL;
    return joined == NW_OK ? err : joined;
}

/* A frame that was begun has the time of a head, whatever drips in. */
static void rest(struct gate_h2 *h2)
{
    uint64_t now_ms = nw_now_ms(), until_ms = h2->idle_until_ms;
    uint64_t due_ms = nw_h2_due_ms(h2->h2);
    if (due_ms != 0 && due_ms < until_ms)
        until_ms = due_ms;
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 1;
    gate_door_park(h2->worker, h2->conn, left_ms, on_wake);
}

NW_YIELDS static void read_until_rest(struct gate_h2 *h2, struct nw_buf *first)
{
    struct gate_conn *conn = h2->conn;
    struct gate_worker *worker = h2->worker;
    if (h2->is_ending)
        nw_h2_abort(h2->h2, nw_h2_overdue_code(h2->h2));
    nw_err err = run(h2, first);
    if (err == NW_OK && !h2->is_ending && !worker->is_draining && !nw_fiber_is_cancelled()) {
        rest(h2);
        return;
    }
    h2_free(h2);
    if (nw_grace(LINGER_MS))
        nw_stream_linger_close(&conn->stream);
    gate_door_close(worker, conn);
}

NW_YIELDS static void h2_fiber(void *arg)
{
    struct gate_conn *conn = arg;
    read_until_rest(conn->h2, NULL);
}

static void on_wake(struct nw_stream *stream, nw_stream_wake why)
{
    struct gate_conn *conn = NW_CONTAINER_OF(stream, struct gate_conn, stream);
    struct gate_worker *worker = conn->h2->worker;
    if (why == NW_STREAM_INPUT && !nw_runtime_can_admit(worker->gate->runtime))
        nw_metric_add(worker->gate->connections_refused, worker->index, 1);
    conn->h2->is_ending |=
        why == NW_STREAM_TIMEOUT || !nw_runtime_can_admit(worker->gate->runtime);
    if (why != NW_STREAM_CLOSED && gate_door_start(worker, conn, "gate.h2", h2_fiber))
        return;
    h2_free(conn->h2);
    gate_door_close(worker, conn);
}

static nw_err h2_new(struct gate_conn *conn, struct gate_h2 **out)
{
    struct gate_worker *worker = gate_worker_self();
    const struct gate_settings *settings = &worker->settings;
    struct gate_h2 *h2 = nw_alloc_zero(sizeof *h2);
    struct nw_h2_options options = {
        .stream = &conn->stream,
        .streams_max =
            atomic_load_explicit(&conn->listener->h2_streams, memory_order_relaxed),
        .head_max_bytes = settings->head_limits.head_bytes,
        .window_bytes = WINDOW_BYTES,
        .window_max_bytes = WINDOW_MAX_BYTES,
        .idle_ms = settings->idle_ms,
        .head_ms = settings->head_time_ms,
        .arg = h2,
        .on_request = on_request,
        .on_glitch = on_glitch,
    };
    if (options.streams_max == 0) /* switched off since this client was told that it is on */
        options.streams_max = 1;
    nw_err err = nw_h2_new(&options, &h2->h2);
    if (err != NW_OK) {
        nw_free(h2);
        return err;
    }
    h2->conn = conn;
    h2->worker = worker;
    h2->ahead_left_bytes = settings->ahead_bytes;
    h2->idle_until_ms = nw_now_ms() + GATE_FIRST_BYTE_MS;
    nw_metric_add(worker->h2_connections, worker->index, 1);
    *out = h2;
    return NW_OK;
}

void gate_h2_open(struct gate_conn *conn, struct nw_buf *first)
{
    conn->request_count = 0;
    if (h2_new(conn, &conn->h2) != NW_OK) {
        nw_buf_release(first);
        nw_metric_add(gate_worker_self()->gate->connections_refused, gate_worker_self()->index, 1);
        gate_door_close(gate_worker_self(), conn);
        return;
    }
    struct gate_h2 *h2 = conn->h2;
    h2->is_ending = h2->worker->is_draining;
    if (nw_buf_unread_bytes(first) == 0 && !h2->is_ending && !nw_fiber_is_cancelled()) {
        nw_buf_release(first); /* after a handshake: the preface is still to come */
        rest(h2);
        return;
    }
    read_until_rest(h2, first);
}

void gate_h2_drain(struct gate_conn *conn)
{
    struct gate_h2 *h2 = conn->h2;
    if (!nw_stream_is_parked(&conn->stream)) {
        nw_h2_shutdown(h2->h2);
        return;
    }
    nw_io_unpark(&conn->stream);
    h2->is_ending = true;
    if (gate_door_start(h2->worker, conn, "gate.h2", h2_fiber))
        return;
    h2_free(h2);
    gate_door_close(h2->worker, conn);
}

void gate_h2_cancel(struct gate_conn *conn)
{
    struct gate_h2 *h2 = conn->h2;
    h2->is_cancelled = true;
    if (h2->requests != NULL)
        nw_scope_cancel(h2->requests);
    if (nw_h2_stream_count(h2->h2) == 0)
        nw_h2_abort(h2->h2, NW_HTTP2_NO_ERROR);
    else
        nw_h2_shutdown(h2->h2);
}
