/*
 * The session: how it begins and ends, what it sends, its windows.
 *
 * nghttp2 picks what goes out next: control frames, then heads, then DATA by urgency (RFC 9218).
 * DATA is not copied into it: it asks the owner how much there is, and hands the nine bytes of the
 * frame's head back to stand before the owner's own bytes. That callback may say "no room": the
 * same frame is asked for again at the next output.
 *
 * Windows are opened by hand. nghttp2's own bookkeeping of consumed bytes announces them when half
 * a window is gone; on the connection that is too late: slow streams may hold more than half of it,
 * and then the fast ones would never consume enough to reach the mark. So the connection's window
 * is announced in steps of at most 32 KiB, as the difference between what nghttp2 has received and
 * what our streams hold. Computed that way nothing can leak: padding, and DATA of streams that are
 * gone, are in neither number's way.
 */
#include "proto/http2.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/http2_impl.h"

enum {
    MEMORY_MAX_BYTES = 1 << 20,
    ACKS_MAX = 200,      /* unsent answers to PING and SETTINGS */
    RESET_BURST = 200,   /* nghttp2's limiter, RST_STREAM that arrive */
    RESET_RATE = 20,     /* a second */
    CREDIT_MAX = 1000,
    CONNECTION_STEP_BYTES = 32 * 1024,
    RFC_WINDOW_BYTES = 65535,
    SETTINGS_MAX = 6,
    EXCESS_MAX = NW_HTTP2_GLITCHES_MAX + 1, /* streams beyond the offer, each a glitch */
};

static const char *const code_names[] = {
    "NO_ERROR",          "PROTOCOL_ERROR",   "INTERNAL_ERROR",      "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",  "STREAM_CLOSED",    "FRAME_SIZE_ERROR",    "REFUSED_STREAM",
    "CANCEL",            "COMPRESSION_ERROR", "CONNECT_ERROR",      "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
};

const char *nw_http2_code_name(uint32_t code)
{
    return code < NW_COUNT(code_names) ? code_names[code] : "UNKNOWN";
}

/* Is the result fine? Remembers when nghttp2 is at its end. */
static bool went(struct nw_http2 *http2, int result)
{
    if (NW_UNLIKELY(result != 0 && nghttp2_is_fatal(result)))
        http2->is_failed = true;
    return result == 0;
}

/* ---- output callbacks ---- */

/* HEADERS behind the last DATA. False: there is nothing to be said in them. */
static NW_NOINLINE bool submit_trailers(struct nw_http2 *http2, struct nw_http2_stream *stream)
{
    struct nw_http2_fields fields;
    fields.message_number = http2->sent_count;
    struct nw_slice lines = http2->events->on_trailers(http2->arg, stream);
    return nw_http2_fields_of_trailers(lines, &fields) == NW_OK && fields.count != 0 &&
           went(http2, nghttp2_submit_trailer(http2->session, stream->id, fields.nv,
                                              fields.count));
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t max_bytes,
                       uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct nw_http2 *http2 = arg;
    struct nw_http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct nw_http2_ready ready = http2->events->on_ready(http2->arg, stream, max_bytes);
    if (ready.bytes == 0 && !ready.is_end) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!ready.is_end)
        return (ssize_t)ready.bytes;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (ready.has_trailers && submit_trailers(http2, stream))
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return (ssize_t)ready.bytes;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t bytes, nghttp2_data_source *source, void *arg)
{
    struct nw_http2 *http2 = arg;
    struct nw_http2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (!http2->events->on_frame(http2->arg, stream, head, bytes))
        return NGHTTP2_ERR_WOULDBLOCK;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        stream->is_write_ended = true;
    http2->calm_credit += http2->calm_credit < CREDIT_MAX ? 2 : 0;
    return 0;
}

static void reset_sent(struct nw_http2 *http2, const nghttp2_frame *frame)
{
    switch (frame->rst_stream.error_code) {
    case NW_HTTP2_PROTOCOL_ERROR:
    case NW_HTTP2_FLOW_CONTROL_ERROR:
    case NW_HTTP2_STREAM_CLOSED:
    case NW_HTTP2_FRAME_SIZE_ERROR: nw_http2_glitch_count(http2, NW_HTTP2_GLITCH_PROVOKED_RESET);
    default: break;
    }
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct nw_http2 *http2 = arg;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        reset_sent(http2, frame);
        return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        http2->is_aborted = true; /* nghttp2 itself says so */
        http2->error_code = frame->goaway.error_code;
    }
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct nw_http2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        stream->is_write_ended = true;
    http2->events->on_head_sent(http2->arg, stream);
    return 0;
}

/* ---- life ---- */

static nw_err submit_settings(struct nw_http2 *http2, const struct nw_http2_options *options)
{
    nghttp2_settings_entry entries[SETTINGS_MAX];
    size_t count = 0;
    if (options->is_client) {
        entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    } else {
        /* First: tell_streams_max knows where it stands. */
        entries[count++] = (nghttp2_settings_entry){
            NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max + EXCESS_MAX};
        entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    }
    entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                                options->stream_window_bytes};
    entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                                                options->head_max_bytes};
    if (nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, entries, count) != 0)
        return NW_NO_MEMORY;
    if (options->connection_window_bytes > RFC_WINDOW_BYTES &&
        nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)options->connection_window_bytes) != 0)
        return NW_NO_MEMORY;
    return NW_OK;
}

static int make_session(struct nw_http2 *http2, nghttp2_session_callbacks *callbacks,
                        nghttp2_option *option)
{
    nw_http2_read_callbacks(callbacks);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(option, RESET_BURST, RESET_RATE);
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
    nghttp2_mem memory;
    nw_http2_memory_functions(&http2->memory, &memory);
    return http2->is_client
               ? nghttp2_session_client_new3(&http2->session, callbacks, http2, option, &memory)
               : nghttp2_session_server_new3(&http2->session, callbacks, http2, option, &memory);
}

static nw_err open_session(struct nw_http2 *http2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int result = nghttp2_session_callbacks_new(&callbacks);
    if (result == 0)
        result = nghttp2_option_new(&option);
    if (result == 0)
        result = make_session(http2, callbacks, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result == 0 ? NW_OK : NW_NO_MEMORY;
}

nw_err nw_http2_new(const struct nw_http2_options *options, struct nw_http2 **out)
{
    NW_ASSERT(options->stream_window_bytes >= RFC_WINDOW_BYTES);
    NW_ASSERT(options->connection_window_bytes >= RFC_WINDOW_BYTES);
    struct nw_http2 *http2 = nw_alloc_zero(sizeof *http2);
    http2->events = options->events;
    http2->arg = options->arg;
    http2->is_client = options->is_client;
    http2->is_https = options->is_https;
    http2->head_max_bytes = options->head_max_bytes;
    http2->streams_max = options->streams_max;
    http2->stream_window_bytes = options->stream_window_bytes;
    nw_http2_scan_start(&http2->scan, options->is_client);
    http2->memory.max_bytes =
        options->memory_max_bytes != 0 ? options->memory_max_bytes : MEMORY_MAX_BYTES;
    nw_err err = open_session(http2);
    if (err == NW_OK)
        err = submit_settings(http2, options);
    if (err != NW_OK) {
        nw_http2_free(http2);
        return err;
    }
    *out = http2;
    return NW_OK;
}

void nw_http2_free(struct nw_http2 *http2)
{
    if (http2 == NULL)
        return;
    nw_http2_build_done(http2);
    nghttp2_session_del(http2->session);
    nw_http2_memory_trim(&http2->memory);
    NW_ASSERT(http2->memory.used_bytes == 0);
    nw_free(http2);
}

/* ---- in and out ---- */

/* What was received and is held by no stream may come again. */
static void open_connection_window(struct nw_http2 *http2)
{
    int64_t received = nghttp2_session_get_effective_recv_data_length(http2->session);
    int64_t window = nghttp2_session_get_effective_local_window_size(http2->session);
    int64_t step = window / 2 < CONNECTION_STEP_BYTES ? window / 2 : CONNECTION_STEP_BYTES;
    int64_t freed = received - http2->held_bytes;
    if (freed >= step && freed > 0)
        (void)went(http2, nghttp2_submit_window_update(http2->session, NGHTTP2_FLAG_NONE, 0,
                                                       (int32_t)freed));
}

nw_err nw_http2_input(struct nw_http2 *http2, struct nw_slice bytes, uint64_t now_ms)
{
    http2->now_ms = now_ms;
    if (http2->is_failed)
        return NW_NO_MEMORY;
    if (http2->is_aborted)
        return NW_BAD_MESSAGE;
    if (NW_UNLIKELY(http2->is_within_settings))
        nw_http2_settings_begin(http2);
    ssize_t read = nghttp2_session_mem_recv(http2->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (read == NGHTTP2_ERR_NOMEM || http2->is_failed) {
        http2->is_failed = true;
        return NW_NO_MEMORY;
    }
    if (read < 0) { /* no preface, or one of its floods: nghttp2 has no GOAWAY for these */
        nw_http2_abort(http2, read == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NW_HTTP2_PROTOCOL_ERROR
                                                                   : NW_HTTP2_ENHANCE_YOUR_CALM);
        return NW_BAD_MESSAGE;
    }
    nw_http2_scan(&http2->scan, bytes, now_ms);
    open_connection_window(http2);
    if (http2->is_aborted)
        return NW_BAD_MESSAGE;
    return NW_OK;
}

/*
 * nghttp2 ends the connection for a stream beyond the limit that the peer has acknowledged. The RFC
 * leaves it to us (section 5.1.2), and one stream refused, which may be asked for again, is enough:
 * so nghttp2 is told of more streams than the peer, and the owner refuses what is too many.
 */
static void tell_streams_max(struct nw_http2 *http2, uint8_t *frame, size_t bytes)
{
    enum { TYPE_AT = 3, ENTRY_AT = 9, VALUE_AT = ENTRY_AT + 2 };
    http2->is_greeted = true;
    NW_ASSERT(bytes >= VALUE_AT + 4 && frame[TYPE_AT] == NGHTTP2_SETTINGS);
    NW_ASSERT(frame[ENTRY_AT + 1] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    for (unsigned i = 0; i < 4; i++)
        frame[VALUE_AT + i] = (uint8_t)(http2->streams_max >> (24 - 8 * i));
}

nw_err nw_http2_output(struct nw_http2 *http2, struct nw_slice *out_bytes)
{
    if (http2->is_failed)
        return NW_NO_MEMORY;
    const uint8_t *data = NULL;
    ssize_t bytes = nghttp2_session_mem_send(http2->session, &data);
    if (bytes < 0 || http2->is_failed) {
        http2->is_failed = true;
        return NW_NO_MEMORY;
    }
    if (NW_UNLIKELY(!http2->is_greeted && bytes != 0 && !http2->is_client))
        tell_streams_max(http2, (uint8_t *)(uintptr_t)data, (size_t)bytes);
    *out_bytes = nw_slice_of((const char *)data, (size_t)bytes);
    return NW_OK;
}

bool nw_http2_has_output(const struct nw_http2 *http2)
{
    return !http2->is_failed && nghttp2_session_want_write(http2->session) != 0;
}

bool nw_http2_is_over(const struct nw_http2 *http2)
{
    if (http2->is_failed)
        return true;
    return nghttp2_session_want_write(http2->session) == 0 &&
           (http2->is_aborted || nghttp2_session_want_read(http2->session) == 0);
}

uint32_t nw_http2_error_code(const struct nw_http2 *http2)
{
    return http2->error_code;
}

bool nw_http2_is_settled(const struct nw_http2 *http2)
{
    return http2->is_settled;
}

bool nw_http2_has_begun(const struct nw_http2 *http2)
{
    return http2->settings_count > 0;
}

size_t nw_http2_memory_bytes(const struct nw_http2 *http2)
{
    return http2->memory.used_bytes + sizeof *http2;
}

void nw_http2_trim(struct nw_http2 *http2)
{
    if (http2->build.text != NULL && http2->build.len == 0 && http2->build.method == NULL)
        nw_http2_build_done(http2);
    nw_http2_memory_trim(&http2->memory);
}

/* ---- streams ---- */

/* No new streams: one side has said that it goes. */
static bool is_going(const struct nw_http2 *http2)
{
    return http2->is_peer_going || http2->is_aborted || http2->is_failed || http2->is_shutting;
}

uint32_t nw_http2_peer_streams_max(const struct nw_http2 *http2)
{
    if (is_going(http2))
        return 0;
    return nghttp2_session_get_remote_settings(http2->session,
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

nw_err nw_http2_request(struct nw_http2 *http2, struct nw_http2_stream *stream,
                        struct nw_slice head, bool is_end)
{
    NW_ASSERT(http2->is_client && stream->id == 0);
    if (is_going(http2))
        return NW_DRAINING;
    struct nw_http2_fields fields;
    fields.message_number = http2->sent_count++;
    NW_TRY(nw_http2_fields_of_request(head, http2->is_https, &fields));
    nghttp2_data_provider provider = {.read_callback = on_read};
    int32_t id = nghttp2_submit_request(http2->session, NULL, fields.nv, fields.count,
                                        is_end ? NULL : &provider, stream);
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE)
        return NW_DRAINING;
    if (id < 0) {
        http2->is_failed = true;
        return NW_NO_MEMORY;
    }
    stream->id = id;
    stream->is_head_method = fields.is_head_method;
    stream->window_bytes = http2->stream_window_bytes;
    return NW_OK;
}

nw_err nw_http2_respond(struct nw_http2 *http2, struct nw_http2_stream *stream,
                        struct nw_slice head, bool is_end)
{
    NW_ASSERT(!http2->is_client);
    if (stream->id == 0)
        return NW_PEER_RESET;
    struct nw_http2_fields fields;
    fields.message_number = http2->sent_count++;
    NW_TRY(nw_http2_fields_of_answer(head, &fields));
    int result;
    if (fields.status < 200) {
        result = nghttp2_submit_headers(http2->session, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                        fields.nv, fields.count, NULL);
    } else {
        nghttp2_data_provider provider = {.read_callback = on_read};
        result = nghttp2_submit_response(http2->session, stream->id, fields.nv, fields.count,
                                         is_end ? NULL : &provider);
    }
    return went(http2, result) ? NW_OK : NW_NO_MEMORY;
}

void nw_http2_stream_resume(struct nw_http2 *http2, struct nw_http2_stream *stream)
{
    if (!stream->is_deferred || stream->id == 0)
        return;
    stream->is_deferred = false;
    (void)went(http2, nghttp2_session_resume_data(http2->session, stream->id));
}

void nw_http2_stream_reset(struct nw_http2 *http2, struct nw_http2_stream *stream, uint32_t code)
{
    if (stream->id == 0 || stream->is_reset || http2->is_failed)
        return;
    stream->is_reset = true;
    (void)went(http2, nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream->id,
                                                code));
}

void nw_http2_stream_forget(struct nw_http2 *http2, struct nw_http2_stream *stream)
{
    http2->held_bytes -= stream->held_bytes;
    stream->held_bytes = 0;
    if (stream->id == 0)
        return;
    nghttp2_session_set_stream_user_data(http2->session, stream->id, NULL);
    stream->id = 0;
}

/* ---- windows ---- */

void nw_http2_consume(struct nw_http2 *http2, struct nw_http2_stream *stream, size_t bytes)
{
    if (stream->id == 0)
        return; /* closed: all of it counted as consumed then */
    NW_ASSERT(bytes <= stream->held_bytes);
    stream->held_bytes -= (uint32_t)bytes;
    stream->freed_bytes += (uint32_t)bytes;
    http2->held_bytes -= (int64_t)bytes;
    if (!http2->is_failed)
        open_connection_window(http2);
}

void nw_http2_window_announce(struct nw_http2 *http2, struct nw_http2_stream *stream,
                              uint32_t growth_bytes)
{
    if (stream->id == 0 || stream->is_reset || http2->is_failed)
        return;
    /* From nghttp2's number, which knows of padding too. */
    int64_t received =
        nghttp2_session_get_stream_effective_recv_data_length(http2->session, stream->id);
    int64_t wider = received - stream->held_bytes + growth_bytes;
    stream->freed_bytes = 0;
    stream->window_bytes += growth_bytes;
    if (wider > 0)
        (void)went(http2, nghttp2_submit_window_update(http2->session, NGHTTP2_FLAG_NONE,
                                                       stream->id, (int32_t)wider));
}

size_t nw_http2_send_window(const struct nw_http2 *http2, const struct nw_http2_stream *stream)
{
    if (stream->id == 0)
        return 0;
    int32_t own = nghttp2_session_get_stream_remote_window_size(http2->session, stream->id);
    int32_t all = nghttp2_session_get_remote_window_size(http2->session);
    int32_t least = own < all ? own : all;
    return least > 0 ? (size_t)least : 0;
}

/* ---- the connection ---- */

nw_err nw_http2_ping(struct nw_http2 *http2)
{
    return went(http2, nghttp2_submit_ping(http2->session, NGHTTP2_FLAG_NONE, NULL))
               ? NW_OK
               : NW_NO_MEMORY;
}

void nw_http2_shutdown(struct nw_http2 *http2)
{
    if (http2->is_shutting || http2->is_aborted || http2->is_failed)
        return;
    http2->is_shutting = true;
    if (http2->is_client) {
        http2->is_shut = true;
        (void)went(http2, nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE, 0,
                                                NGHTTP2_NO_ERROR, NULL, 0));
        return;
    }
    if (went(http2, nghttp2_submit_shutdown_notice(http2->session)))
        (void)went(http2, nghttp2_submit_ping(http2->session, NGHTTP2_FLAG_NONE, NULL));
}

bool nw_http2_is_shut(const struct nw_http2 *http2)
{
    return http2->is_shut || http2->is_aborted || http2->is_peer_going;
}

void nw_http2_abort(struct nw_http2 *http2, uint32_t code)
{
    if (http2->is_aborted || http2->is_failed)
        return;
    http2->is_aborted = true;
    if (code != NW_HTTP2_NO_ERROR || http2->error_code == 0)
        http2->error_code = code;
    (void)went(http2, nghttp2_session_terminate_session(http2->session, code));
}
