/*
 * What a session hears: nghttp2's callbacks become events, and senseless frames are counted.
 *
 * A stream of the owner's exists from its first complete and well-formed head on. Before that there
 * is nothing to reset but nghttp2's own record, so a head that fails costs the owner nothing.
 *
 * The glitch score: nghttp2's limiter sees only RST_STREAM that arrives. A peer can as well make us
 * reset streams, or keep us busy with frames that carry nothing. Each such frame counts; more than
 * 200 in ten seconds end the connection. Frames that our own explain do not: a client that reports
 * every answer's DATA with a WINDOW_UPDATE, or measures the path with a PING each, is in its
 * rights, so each DATA frame of ours excuses two of those; each request excuses two of priority.
 *
 * Where nghttp2 is milder than RFC 9113 we look ourselves. HEADERS below the highest id it reads
 * over, as trailers of a stream that was reset meanwhile; but an id that was left out was never
 * opened. And when SETTINGS push a stream's window beyond 2^31-1 it resets the stream: seen by the
 * frames that they made wait, of which only the acknowledgement belongs there.
 */
#include "proto/http2_impl.h"

enum { TINY_INCREMENT = 1024, CREDIT_MAX = 1000 };

static const char *const glitch_names[NW_HTTP2_GLITCH_COUNT] = {
    [NW_HTTP2_GLITCH_RESET] = "reset",
    [NW_HTTP2_GLITCH_PROVOKED_RESET] = "provoked_reset",
    [NW_HTTP2_GLITCH_REFUSED] = "refused",
    [NW_HTTP2_GLITCH_EMPTY_DATA] = "empty_data",
    [NW_HTTP2_GLITCH_PING] = "ping",
    [NW_HTTP2_GLITCH_SETTINGS] = "settings",
    [NW_HTTP2_GLITCH_WINDOW_UPDATE] = "window_update",
    [NW_HTTP2_GLITCH_PRIORITY] = "priority",
    [NW_HTTP2_GLITCH_HEAD] = "head",
};

const char *nw_http2_glitch_name(nw_http2_glitch kind)
{
    return glitch_names[kind];
}

void nw_http2_glitch_count(struct nw_http2 *http2, nw_http2_glitch kind)
{
    if (http2->events->on_glitch != NULL)
        http2->events->on_glitch(http2->arg, kind);
    /* A node that resets or refuses is busy, not hostile: its verdicts belong to the caller. */
    if (http2->is_client && (kind == NW_HTTP2_GLITCH_RESET || kind == NW_HTTP2_GLITCH_REFUSED))
        return;
    if (http2->now_ms - http2->glitch_since_ms >= NW_HTTP2_GLITCH_WINDOW_MS) {
        http2->glitch_since_ms = http2->now_ms;
        http2->glitch_count = 0;
    }
    if (++http2->glitch_count > NW_HTTP2_GLITCHES_MAX)
        nw_http2_abort(http2, NW_HTTP2_ENHANCE_YOUR_CALM);
}

static struct nw_http2_stream *stream_of(struct nw_http2 *http2, int32_t id)
{
    return nghttp2_session_get_stream_user_data(http2->session, id);
}

static void rst(struct nw_http2 *http2, int32_t id, uint32_t code)
{
    if (nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, id, code) != 0)
        http2->is_failed = true;
}

/* ---- heads ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct nw_http2 *http2 = arg;
    struct nw_http2_stream *stream = stream_of(http2, frame->hd.stream_id);
    bool is_request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    bool is_trailers = !is_request && (!http2->is_client ||
                                       (stream != NULL && stream->has_final_head));
    nw_http2_build_start(http2, is_request, is_trailers,
                         (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
    http2->build.is_skipped = !is_request && stream == NULL;
    http2->build.is_head_method = stream != NULL && stream->is_head_method;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    struct nw_http2 *http2 = arg;
    nw_http2_build_field(http2, name, value);
    if (NW_UNLIKELY(http2->build.is_far_too_large) && !http2->is_aborted) {
        nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_HEAD);
        nw_http2_abort(http2, NW_HTTP2_ENHANCE_YOUR_CALM);
    }
    /* The rest of the block, which may be 15,000 fields in one frame, is not worth decoding. */
    return http2->is_aborted ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* nghttp2 would leave such a field out, and the message would be another one. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void request_came(struct nw_http2 *http2, int32_t id)
{
    struct nw_http2_build *build = &http2->build;
    struct nw_http2_head head = {nw_slice_of(build->text, build->len), build->is_end_stream,
                                 build->is_too_large};
    struct nw_http2_stream *stream = http2->events->on_request(http2->arg, &head);
    http2->order_credit += http2->order_credit < CREDIT_MAX ? 2 : 0;
    if (stream == NULL) {
        rst(http2, id, NW_HTTP2_REFUSED_STREAM);
        nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_REFUSED);
        return;
    }
    stream->id = id;
    stream->is_read_ended = build->is_end_stream;
    stream->window_bytes = http2->stream_window_bytes;
    nghttp2_session_set_stream_user_data(http2->session, id, stream);
}

static void answer_came(struct nw_http2 *http2, struct nw_http2_stream *stream)
{
    struct nw_http2_build *build = &http2->build;
    struct nw_http2_head head = {nw_slice_of(build->text, build->len), build->is_end_stream,
                                 false};
    stream->has_final_head = build->status >= 200;
    stream->is_read_ended = build->is_end_stream;
    http2->events->on_answer(http2->arg, stream, &head);
}

/*
 * Of a stream that we reset something may be missing: it must not look whole. (nghttp2 1.52 tells
 * no end of such a stream, but promises nothing.)
 */
static void end_came(struct nw_http2 *http2, struct nw_http2_stream *stream,
                     struct nw_slice trailers)
{
    if (stream == NULL || stream->is_reset)
        return;
    stream->is_read_ended = true;
    if (http2->events->on_end(http2->arg, stream, trailers))
        return;
    stream->is_read_ended = false;
    nw_http2_stream_reset(http2, stream, NW_HTTP2_ENHANCE_YOUR_CALM);
}

static void head_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    struct nw_http2_build *build = &http2->build;
    int32_t id = frame->hd.stream_id;
    struct nw_http2_stream *stream = stream_of(http2, id);
    if (build->is_skipped)
        return;
    if (!nw_http2_build_finish(http2) || (build->is_too_large && !build->is_request)) {
        rst(http2, id, NW_HTTP2_PROTOCOL_ERROR);
    } else if (build->is_request) {
        request_came(http2, id);
    } else if (build->is_trailers) {
        end_came(http2, stream, nw_slice_of(build->text, build->len));
    } else if (stream != NULL) {
        answer_came(http2, stream);
    }
    nw_http2_build_reset(http2);
}

/* ---- where nghttp2 is milder ---- */

/* RFC 9113 section 5.1.1: ids only grow. The last few runs that were left out are remembered. */
static void id_came(struct nw_http2 *http2, int32_t id)
{
    if (http2->is_client || id % 2 == 0)
        return;
    if (id > http2->highest_id) {
        if (NW_UNLIKELY(id > http2->highest_id + 2))
            http2->gaps[http2->gap_count++ % NW_HTTP2_GAPS_MAX] =
                (struct nw_http2_gap){http2->highest_id + 1, id - 1};
        http2->highest_id = id;
        return;
    }
    for (unsigned i = 0; i < NW_HTTP2_GAPS_MAX; i++)
        if (id >= http2->gaps[i].first && id <= http2->gaps[i].last)
            nw_http2_abort(http2, NW_HTTP2_PROTOCOL_ERROR);
}

void nw_http2_settings_begin(struct nw_http2 *http2)
{
    http2->is_within_settings = true;
    http2->queued_count = nghttp2_session_get_outbound_queue_size(http2->session);
}

/* RFC 9113 section 6.9.2. What was queued beside the acknowledgement resets a stream. */
static void settings_end(struct nw_http2 *http2)
{
    size_t count = nghttp2_session_get_outbound_queue_size(http2->session);
    http2->is_within_settings = false;
    if (NW_UNLIKELY(count > http2->queued_count + 1))
        nw_http2_abort(http2, NW_HTTP2_FLOW_CONTROL_ERROR);
}

/* ---- other frames ---- */

static void explain(struct nw_http2 *http2, int32_t *credit, nw_http2_glitch kind)
{
    if (*credit > 0)
        --*credit;
    else
        nw_http2_glitch_count(http2, kind);
}

static void data_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!is_end && frame->hd.length == frame->data.padlen)
        nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_EMPTY_DATA);
    if (is_end)
        end_came(http2, stream_of(http2, frame->hd.stream_id), NW_SLICE(""));
}

static void reset_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    struct nw_http2_stream *stream = stream_of(http2, frame->hd.stream_id);
    if (stream != NULL) {
        stream->is_peer_reset = true;
        stream->is_unprocessed = frame->rst_stream.error_code == NW_HTTP2_REFUSED_STREAM;
    }
    nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_RESET);
}

static void settings_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        http2->is_settled = true;
        return;
    }
    settings_end(http2);
    if (http2->settings_count++ > 0)
        nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_SETTINGS);
    http2->events->on_settings(http2->arg);
}

static void goaway_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    http2->is_peer_going = true;
    http2->last_id = frame->goaway.last_stream_id;
    if (http2->error_code == 0)
        http2->error_code = frame->goaway.error_code;
    http2->events->on_goaway(http2->arg, frame->goaway.error_code);
}

/* A round trip after the notice every stream that the client opened meanwhile is known. */
static void last_goaway(struct nw_http2 *http2)
{
    if (!http2->is_shutting || http2->is_shut)
        return;
    http2->is_shut = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(http2->session);
    if (nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL,
                              0) != 0)
        http2->is_failed = true;
}

static void ping_came(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        explain(http2, &http2->calm_credit, NW_HTTP2_GLITCH_PING);
        return;
    }
    last_goaway(http2);
    if (http2->events->on_ping_answer != NULL)
        http2->events->on_ping_answer(http2->arg);
}

/* The PRIORITY of RFC 7540 is read over and never reaches on_frame_recv. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *arg)
{
    struct nw_http2 *http2 = arg;
    if (head->type == NGHTTP2_HEADERS)
        id_came(http2, head->stream_id);
    else if (head->type == NGHTTP2_SETTINGS && (head->flags & NGHTTP2_FLAG_ACK) == 0)
        nw_http2_settings_begin(http2);
    else if (NW_UNLIKELY(head->type == NGHTTP2_PRIORITY && head->stream_id == 0))
        nw_http2_abort(http2, NW_HTTP2_PROTOCOL_ERROR);
    else if (NW_UNLIKELY(head->type == NGHTTP2_PRIORITY))
        explain(http2, &http2->order_credit, NW_HTTP2_GLITCH_PRIORITY);
    return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct nw_http2 *http2 = arg;
    if (NW_UNLIKELY(http2->is_aborted))
        return 0; /* what follows is read over */
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS: head_came(http2, frame); break;
    case NGHTTP2_DATA: data_came(http2, frame); break;
    case NGHTTP2_RST_STREAM: reset_came(http2, frame); break;
    case NGHTTP2_SETTINGS: settings_came(http2, frame); break;
    case NGHTTP2_PING: ping_came(http2, frame); break;
    case NGHTTP2_GOAWAY: goaway_came(http2, frame); break;
    case NGHTTP2_WINDOW_UPDATE:
        if (frame->window_update.window_size_increment < TINY_INCREMENT)
            explain(http2, &http2->calm_credit, NW_HTTP2_GLITCH_WINDOW_UPDATE);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        explain(http2, &http2->order_credit, NW_HTTP2_GLITCH_PRIORITY);
        break;
    default: break;
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t bytes, void *arg)
{
    struct nw_http2 *http2 = arg;
    struct nw_http2_stream *stream = stream_of(http2, id);
    if (stream == NULL || stream->is_reset || http2->is_aborted)
        return 0;
    if (!http2->events->on_data(http2->arg, stream, nw_slice_of((const char *)data, bytes))) {
        nw_http2_stream_reset(http2, stream, NW_HTTP2_ENHANCE_YOUR_CALM);
        return 0;
    }
    stream->held_bytes += (uint32_t)bytes;
    http2->held_bytes += (int64_t)bytes;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct nw_http2 *http2 = arg;
    struct nw_http2_stream *stream = stream_of(http2, id);
    if (stream == NULL)
        return 0;
    stream->code = code;
    if (http2->is_peer_going && id > http2->last_id)
        stream->is_unprocessed = true;
    nw_http2_stream_forget(http2, stream);
    http2->events->on_close(http2->arg, stream);
    return 0;
}

void nw_http2_read_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}
