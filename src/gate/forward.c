/*
 * The hot path: borrow a connection, one send, one read, one send. Everything that an ordinary
 * exchange needs lies in this frame and three pooled buffers.
 *
 * Two rules hold it together. Framing: what the node said is judged once (http1.h) and the sink
 * frames the answer anew. Completeness: the connection goes back to the pool only when the answer
 * is provably complete, the request went out whole, and nothing unread is left; in every other case
 * it is closed.
 *
 * The road not taken: parsing and relaying in callbacks. It saved no measurable time over a fiber
 * switch of a few nanoseconds and cost the top-to-bottom reading.
 */
#include "gate/forward.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/planted.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/sync.h"
#include "io/worker.h"

enum { CONTINUE_WAIT_MS = 1000, UPLOAD_FIBER_ABOVE_BYTES = 64 * 1024 };

struct forward {
    struct nw_exchange *exchange;
    struct nw_gate_service *service;
    struct nw_peer_try try;
    struct nw_buf out; /* the request head */
    struct nw_buf in;  /* from the node */
    uint64_t sent_before;
    uint64_t begun_us;
    struct nw_event uploaded; /* set when the request went out whole, or failed to */
    struct nw_event may_send; /* a held body may go: 100, or a second passed */
    nw_err upload_err;
    bool has_upload_fiber; /* the body leaves beside this fiber: scope and events are in use */
    bool is_uploaded;
    bool is_answer_complete;
    bool was_node_at_fault;
    struct nw_http1_message message;
    /* Not zeroed: valid once a head is being read. */
    struct nw_http1_parser parser;
    struct nw_http1_head head;
};

static struct nw_stream *node_stream(struct forward *f)
{
    return &f->try.conn->stream;
}

/* ---- the request ---- */

NW_YIELDS static nw_err send_piece(struct forward *f, struct nw_slice piece, bool is_chunked)
{
    char chunk_head[NW_HTTP1_CHUNK_HEAD_MAX_BYTES];
    struct iovec iov[4];
    int n = 0;
    if (nw_buf_unread_bytes(&f->out) > 0)
        iov[n++] = (struct iovec){f->out.data + f->out.start, nw_buf_unread_bytes(&f->out)};
    if (is_chunked && piece.len > 0)
        iov[n++] = (struct iovec){chunk_head, nw_http1_chunk_encode_head(piece.len, chunk_head)};
    if (piece.len > 0)
        iov[n++] = (struct iovec){(void *)piece.ptr, piece.len};
    if (is_chunked)
        iov[n++] = piece.len > 0 ? (struct iovec){(void *)NW_HTTP1_CHUNK_END, 2}
                                 : (struct iovec){(void *)NW_HTTP1_CHUNKED_END, 5};
    f->out.start = f->out.end = 0;
    if (n == 0)
        return NW_OK;
    bool is_late;
    return nw_io_write_timed(node_stream(f), iov, n, 0, f->service->idle_ms, &is_late);
}

/*
 * The rest of the body. A body error towards us cuts the node's connection without a terminator:
 * the node must not take what it got for the whole.
 */
NW_YIELDS static nw_err send_body(struct forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    bool is_chunked = source->length_bytes == NW_HTTP_LENGTH_UNKNOWN;
    for (;;) {
        struct nw_slice piece;
        nw_err err = source->ops->read(source, &piece);
        if (err != NW_OK) {
            f->was_node_at_fault = false;
            return err;
        }
        if (piece.len == 0 && !is_chunked)
            return send_piece(f, piece, false);
        NW_TRY(send_piece(f, piece, is_chunked));
        if (piece.len == 0)
            return NW_OK;
    }
}

NW_YIELDS static void upload_fiber(void *arg)
{
    struct forward *f = arg;
    nw_err err = NW_OK;
    bool is_streaming = !f->exchange->source->is_whole;
    if (is_streaming) /* the node may answer before the client sends the first byte of its body */
        err = send_piece(f, nw_slice_of(NULL, 0), false);
    if (is_streaming && f->exchange->message.expect_continue) {
        NW_WITHIN(hold, CONTINUE_WAIT_MS);
        if (err == NW_OK)
            err = nw_event_wait(&f->may_send);
        if (err == NW_TIMEOUT && nw_within_ran_out(&hold))
            err = NW_OK;
    }
    if (err == NW_OK)
        err = send_body(f);
    f->upload_err = err;
    f->is_uploaded = err == NW_OK;
    nw_event_set(&f->uploaded);
}

/* ---- the answer's head ---- */

/* The client only sees a 502; which rule the node broke stands in the log. */
static nw_err refuse_answer(struct forward *f, nw_http1_class found)
{
    struct nw_log *log = nw_worker_log(nw_worker_self());
    nw_log(log, NW_WARN, "node.bad_answer", "service=%s node=%s id=%.*s why=%s", f->service->name,
           nw_peer_node_name(f->try.node), NW_SLICE_ARG(f->exchange->request_id),
           nw_http1_class_sentence(found));
    return NW_BAD_MESSAGE;
}

static nw_err judge_answer(struct forward *f)
{
    struct nw_http1_asked asked = {f->exchange->head->method, f->exchange->asks_upgrade};
    nw_http1_class found = NW_HTTP1_FINE;
    const char *bytes = f->in.data + f->in.start;
    nw_err err = nw_http1_response_judge(&f->head, bytes, &asked, &f->message, &found);
    if (err != NW_OK)
        return found != NW_HTTP1_FINE ? refuse_answer(f, found) : err;
    if (f->message.keep_alive_s >= 0)
        f->try.conn->learned_idle_ms = (uint32_t)f->message.keep_alive_s * 1000;
    return NW_OK;
}

NW_YIELDS static nw_err read_once(struct forward *f)
{
    size_t got_bytes = 0;
    if (f->in.data != NULL && nw_buf_space_bytes(&f->in) == 0) {
        if (f->in.start > 0)
            nw_buf_compact(&f->in);
        else
            NW_TRY(nw_buf_enlarge(&f->in));
    }
    NW_TRY(nw_io_read(node_stream(f), &f->in, &got_bytes));
    return got_bytes > 0 ? NW_OK : NW_PEER_CLOSED;
}

/* One head, final or informational; its bytes stay at in.start. */
NW_YIELDS static nw_err read_one_head(struct forward *f)
{
    nw_http1_parser_init(&f->parser, true, &NW_HTTP1_LIMITS_DEFAULT);
    for (;;) {
        if (nw_buf_unread_bytes(&f->in) > 0) {
            nw_err err = nw_http1_parse(&f->parser, nw_buf_unread(&f->in), &f->head);
            if (err == NW_OK)
                return judge_answer(f);
            if (err != NW_AGAIN)
                return refuse_answer(f, f->parser.found);
        }
        NW_TRY(read_once(f));
    }
}

static struct nw_http_answer answer_of(struct forward *f)
{
    const char *bytes = f->in.data + f->in.start;
    struct nw_http_answer answer = {
        .status = f->head.status,
        .reason = nw_http1_reason(&f->head, bytes),
        .fields = {bytes, f->head.fields, f->head.field_count, f->message.dropped,
                   !f->head.has_odd_fields},
        .has_date = nw_http1_has(&f->head, NW_HTTP_FIELD_DATE) &&
                    !nw_http1_set_has(&f->message.dropped, f->head.first[NW_HTTP_FIELD_DATE]),
        .length_bytes = f->message.has_length ? (int64_t)f->message.length_bytes
                                              : NW_HTTP_LENGTH_UNKNOWN,
        .has_no_body = f->message.framing == NW_HTTP1_BODY_NONE,
    };
    answer.fields.skip.word[0] |= f->message.framed.word[0];
    answer.fields.skip.word[1] |= f->message.framed.word[1];
    if (answer.has_no_body && !f->message.has_length && f->exchange->head->method != NW_HTTP_HEAD &&
        f->head.status != 204 && f->head.status != 304)
        answer.length_bytes = 0;
    return answer;
}

NW_YIELDS static nw_err pass_informational(struct forward *f)
{
    struct nw_exchange *exchange = f->exchange;
    nw_err err = NW_OK;
    if (f->head.status == 100) {
        if (f->has_upload_fiber)
            nw_event_set(&f->may_send);
        if (!exchange->source->is_whole)
            err = exchange->source->ops->proceed(exchange->source);
    } else {
        struct nw_http_answer answer = answer_of(f);
        err = exchange->sink->ops->informational(exchange->sink, &answer);
    }
    f->in.start += f->head.head_bytes;
    if (f->in.start == f->in.end)
        f->in.start = f->in.end = 0;
    return err;
}

/* The final head; informational ones are passed on. */
NW_YIELDS static nw_err read_answer_head(struct forward *f)
{
    for (;;) {
        NW_TRY(read_one_head(f));
        if (!f->message.is_informational)
            return NW_OK;
        NW_TRY(pass_informational(f));
    }
}

/* While the body is still on its way: the answer may come first, or the upload may fail. */
NW_YIELDS static nw_err wait_upload_or_answer(struct forward *f)
{
    while (!f->uploaded.is_set) {
        struct nw_wait waits[2] = {
            {.stream = node_stream(f), .want = NW_WANT_READ},
            {.event = &f->uploaded},
        };
        NW_TRY(nw_io_wait_any(waits, 2));
        if (waits[0].ready == 0)
            continue;
        NW_WITHIN(first_byte, f->service->first_byte_ms); /* a head that began must end */
        NW_TRY(read_one_head(f));
        if (!f->message.is_informational)
            return NW_OK;
        NW_TRY(pass_informational(f));
    }
    if (!f->is_uploaded && !f->was_node_at_fault)
        return f->upload_err;
    return NW_AGAIN;
}

NW_YIELDS static nw_err await_answer(struct forward *f)
{
    NW_WITHIN(first_byte, f->service->first_byte_ms);
    return read_answer_head(f);
}

/* ---- the answer's body ---- */

/* What is held leaves before this fiber waits for more from the node. */
NW_YIELDS static nw_err read_more(struct forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    f->was_node_at_fault = false;
    if (!node_stream(f)->is_readable)
        NW_TRY(sink->ops->flush(sink));
    f->was_node_at_fault = true;
    f->in.start = f->in.end = 0;
    NW_WITHIN(idle, f->service->idle_ms);
    return read_once(f);
}

NW_YIELDS static nw_err to_client(struct forward *f, struct nw_slice piece)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct iovec iov = {(void *)piece.ptr, piece.len};
    f->was_node_at_fault = false;
    NW_TRY(sink->ops->body(sink, &iov, 1));
    f->was_node_at_fault = true;
    return NW_OK;
}

/* A long body of known length between two plain streams passes through a pipe, never through us. */
NW_YIELDS static nw_err splice_rest(struct forward *f, uint64_t left_bytes)
{
    struct nw_http_sink *sink = f->exchange->sink;
    f->was_node_at_fault = false;
    NW_TRY(sink->ops->flush(sink));
    uint64_t moved_bytes = 0;
    bool is_from_fault = false;
    nw_err err = nw_io_relay(node_stream(f), sink->ops->stream(sink), left_bytes,
                             f->service->idle_ms, &moved_bytes, &is_from_fault);
    sink->ops->sent(sink, moved_bytes);
    f->was_node_at_fault = is_from_fault;
    return err;
}

NW_YIELDS static nw_err relay_length(struct forward *f)
{
    struct nw_exchange *exchange = f->exchange;
    uint64_t left_bytes = f->message.length_bytes;
    struct nw_slice piece = nw_slice_first(nw_buf_unread(&f->in), left_bytes);
    NW_TRY(to_client(f, piece));
    nw_buf_consume(&f->in, (uint32_t)piece.len);
    left_bytes -= piece.len;
    bool can_splice = exchange->sink->ops->stream != NULL && node_stream(f)->ops->is_plain &&
                      exchange->sink->ops->stream(exchange->sink) != NULL;
    if (left_bytes > exchange->ahead_bytes && can_splice) {
        NW_TRY(splice_rest(f, left_bytes));
        left_bytes = 0;
    }
    while (left_bytes > 0) {
        NW_TRY(read_more(f));
        piece = nw_slice_first(nw_buf_unread(&f->in), left_bytes);
        NW_TRY(to_client(f, piece));
        nw_buf_consume(&f->in, (uint32_t)piece.len);
        left_bytes -= piece.len;
    }
    return NW_OK;
}

NW_YIELDS static nw_err relay_chunked(struct forward *f)
{
    struct nw_http1_chunked chunked;
    nw_http1_chunked_init(&chunked, true, NW_HTTP1_LIMITS_DEFAULT.head_bytes);
    for (;;) {
        struct nw_slice data;
        size_t used_bytes = 0;
        nw_err err = nw_http1_chunked_read(&chunked, nw_buf_unread(&f->in), &data, &used_bytes);
        if (err != NW_OK && err != NW_AGAIN)
            return refuse_answer(f, chunked.found);
        if (data.len > 0)
            NW_TRY(to_client(f, data));
        nw_buf_consume(&f->in, (uint32_t)used_bytes);
        if (err == NW_OK)
            return NW_OK;
        if (data.len == 0)
            NW_TRY(read_more(f));
    }
}

NW_YIELDS static nw_err relay_until_close(struct forward *f)
{
    for (;;) {
        NW_TRY(to_client(f, nw_buf_unread(&f->in)));
        f->in.start = f->in.end = 0;
        nw_err err = read_more(f);
        if (err == NW_PEER_CLOSED && f->was_node_at_fault)
            return NW_OK;
        NW_TRY(err);
    }
}

NW_YIELDS static nw_err relay_body(struct forward *f)
{
    uint64_t here_bytes = nw_buf_unread_bytes(&f->in);
    bool is_all_here =
        f->message.framing == NW_HTTP1_BODY_NONE ||
        (f->message.framing == NW_HTTP1_BODY_LENGTH && here_bytes >= f->message.length_bytes);
    if (!is_all_here && f->exchange->on_relay != NULL)
        f->exchange->on_relay(f->exchange);
    switch (f->message.framing) {
    case NW_HTTP1_BODY_LENGTH: return relay_length(f);
    case NW_HTTP1_BODY_CHUNKED: return relay_chunked(f);
    case NW_HTTP1_BODY_UNTIL_CLOSE: return relay_until_close(f);
    default: return NW_OK;
    }
}

/* Bytes behind the answer that are here already make it a lie: nothing of it is passed on. */
static bool has_surplus(const struct forward *f)
{
    uint64_t here_bytes = nw_buf_unread_bytes(&f->in) - f->head.head_bytes;
    if (f->message.framing == NW_HTTP1_BODY_NONE)
        return here_bytes > 0;
    return f->message.framing == NW_HTTP1_BODY_LENGTH && here_bytes > f->message.length_bytes;
}

static nw_peer_outcome outcome_of_status(int status)
{
    if (status == 502 || status == 503 || status == 504)
        return NW_PEER_REFUSING;
    return status == 500 ? NW_PEER_FAILED : NW_PEER_OK;
}

static nw_peer_outcome outcome_of_err(nw_err err)
{
    switch (err) {
    case NW_TIMEOUT: return NW_PEER_TIMEOUT_;
    case NW_PEER_CLOSED:
    case NW_PEER_RESET: return NW_PEER_RESET_;
    case NW_BAD_MESSAGE:
    case NW_HEAD_TOO_LARGE: return NW_PEER_REFUSING;
    default: return NW_PEER_ABANDONED;
    }
}

/* From here on the client has a head: errors abort the sink. */
NW_YIELDS static nw_err relay_answer(struct forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_http_answer answer = answer_of(f);
    f->was_node_at_fault = false;
    nw_err err = sink->ops->head(sink, &answer);
    f->was_node_at_fault = err == NW_HEAD_TOO_LARGE; /* ours fit, its own did not */
    if (err != NW_OK)
        return f->was_node_at_fault ? NW_BAD_MESSAGE : err;
    nw_buf_consume(&f->in, f->head.head_bytes);
    f->was_node_at_fault = true;
    err = relay_body(f);
    f->is_answer_complete = err == NW_OK && f->message.framing != NW_HTTP1_BODY_UNTIL_CLOSE;
    return err;
}

static void settle_node(struct forward *f)
{
    /* A 204 that announces a length may send it after all (RFC 9110 section 8.6 forbids both). */
    bool is_odd = f->head.status == 204 && f->message.has_length && f->message.length_bytes > 0;
    bool is_whole = f->is_answer_complete && f->is_uploaded;
    bool is_reusable = is_whole && f->message.keep_alive && !is_odd &&
                       (nw_buf_unread_bytes(&f->in) == 0 || NW_PLANTED(pool_unread));
    if (f->is_answer_complete && nw_buf_unread_bytes(&f->in) > 0)
        nw_peer_try_report(&f->try, NW_PEER_REFUSING, 0); /* surplus bytes behind a whole answer */
    nw_peer_try_end(&f->try, is_reusable);
}

NW_YIELDS static nw_err tunnel(struct forward *f)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_http_answer answer = answer_of(f);
    struct gate_request *request = gate_request_of(f->exchange);
    NW_TRY(gate_tunnel_keep_head(f->exchange));
    NW_TRY(sink->ops->informational(sink, &answer));
    sink->has_head = true;
    f->exchange->outcome.status = 101;
    nw_buf_consume(&f->in, f->head.head_bytes);
    if (f->exchange->on_relay != NULL)
        f->exchange->on_relay(f->exchange);
    gate_tunnel(request->conn, request->source.in, node_stream(f), &f->in);
    request->sink.keeps_alive = false; /* the connection ends with the tunnel */
    return NW_OK;
}

/* ---- one try ---- */

static void note_first_byte(struct forward *f)
{
    uint64_t now_us = nw_now_us();
    struct nw_http_outcome *outcome = &f->exchange->outcome;
    outcome->first_byte_us = now_us - outcome->started_us;
    nw_peer_try_report(&f->try, outcome_of_status(f->head.status), now_us - f->begun_us + 1);
}

NW_YIELDS static nw_err send_whole(struct forward *f)
{
    struct nw_http_source *source = f->exchange->source;
    nw_err err = source->length_bytes == 0 ? send_piece(f, nw_slice_of(NULL, 0), false)
                                           : send_body(f);
    f->is_uploaded = err == NW_OK;
    if (NW_UNLIKELY(err != NW_OK) &&
        (!f->was_node_at_fault || err == NW_CANCELLED || err == NW_TIMEOUT))
        return err;
    return await_answer(f); /* a node may answer and close without reading */
}

/* In a scope of its own: what is left of an upload when the answer is out is not forwarded. */
NW_YIELDS static nw_err send_beside(struct forward *f, struct nw_scope *uploads)
{
    nw_event_init(&f->uploaded);
    nw_event_init(&f->may_send);
    NW_TRY(nw_scope_spawn(uploads, "gate.upload", upload_fiber, f, NULL));
    nw_err err = wait_upload_or_answer(f);
    return err == NW_AGAIN ? await_answer(f) : err;
}

NW_YIELDS static nw_err conclude(struct forward *f, nw_err err)
{
    nw_buf_release(&f->out);
    if (err == NW_OK && f->message.framing != NW_HTTP1_BODY_TUNNEL && has_surplus(f))
        err = NW_BAD_MESSAGE;
    if (NW_LIKELY(err == NW_OK)) {
        note_first_byte(f);
        return f->message.framing == NW_HTTP1_BODY_TUNNEL ? tunnel(f) : relay_answer(f);
    }
    nw_peer_try_report(&f->try, f->was_node_at_fault ? outcome_of_err(err) : NW_PEER_ABANDONED, 0);
    return err;
}

NW_YIELDS static nw_err one_try(struct forward *f)
{
    const struct nw_http_source *source = f->exchange->source;
    NW_TRY(nw_buf_reserve(&f->out));
    NW_TRY(gate_forward_head(f->exchange, f->service, nw_peer_node_name(f->try.node), &f->out));
    f->is_uploaded = f->is_answer_complete = false;
    f->was_node_at_fault = true;
    f->sent_before = nw_stream_sent_bytes(node_stream(f));
    f->has_upload_fiber = !source->is_whole || source->length_bytes > UPLOAD_FIBER_ABOVE_BYTES;
    nw_err err;
    if (NW_LIKELY(!f->has_upload_fiber)) {
        err = conclude(f, send_whole(f));
    } else {
        struct nw_scope uploads;
        nw_scope_open(&uploads);
        err = conclude(f, send_beside(f, &uploads));
        nw_scope_close(&uploads);
    }
    f->exchange->outcome.has_started |= nw_stream_sent_bytes(node_stream(f)) > f->sent_before;
    return err;
}

/* May the request be sent again after this try failed with `err`? */
static bool may_repeat(struct forward *f, nw_err err)
{
    struct nw_exchange *exchange = f->exchange;
    bool is_broken = err == NW_PEER_CLOSED || err == NW_PEER_RESET;
    if (!is_broken || !f->was_node_at_fault || exchange->sink->has_head ||
        !exchange->source->is_whole)
        return false;
    if (nw_buf_unread_bytes(&f->in) > 0)
        return false; /* an answer had begun */
    bool is_unsent = nw_stream_sent_bytes(node_stream(f)) == f->sent_before;
    bool may = is_unsent || (nw_http_method_is_safe(exchange->head->method) &&
                             nw_peer_may_retry(f->service->set));
    if (may)
        nw_metric_add(is_unsent ? f->service->moved : f->service->retried,
                      gate_worker_self()->index, 1);
    return may;
}

/* The answer is in hand or the try is over: whatever is left concerns the client alone. */
NW_YIELDS static nw_err finish(struct forward *f, nw_err err)
{
    struct nw_http_sink *sink = f->exchange->sink;
    struct nw_http_outcome *outcome = &f->exchange->outcome;
    bool is_tunnel = f->message.framing == NW_HTTP1_BODY_TUNNEL && outcome->status == 101;
    if (err == NW_OK && !is_tunnel) {
        f->was_node_at_fault = false;
        err = sink->ops->end(sink);
    }
    if (err == NW_OK)
        return NW_OK;
    outcome->why = err;
    outcome->ended_by = f->was_node_at_fault ? NW_HTTP_ENDED_BY_NODE : NW_HTTP_ENDED_BY_CLIENT;
    if (sink->has_head && (sink->ops->recall == NULL || !sink->ops->recall(sink)))
        sink->ops->abort(sink, err);
    return err;
}

/* The consistent hash is taken of what the service's `key` names. */
static uint64_t key_hash(const struct nw_exchange *exchange, const struct nw_gate_service *service)
{
    struct nw_slice value = {NULL, 0};
    switch (service->key.kind) {
    case NW_CONF_KEY_NONE: return 0;
    case NW_CONF_KEY_CLIENT:
        value = nw_slice_of((const char *)exchange->client.ip6,
                            exchange->client.kind == NW_ADDR_IP6 ? 16 : 4);
        break;
    case NW_CONF_KEY_PATH: value = exchange->target.path; break;
    case NW_CONF_KEY_HEADER: {
        int at = nw_http1_find(exchange->head, exchange->head_bytes, service->key.name, 0);
        if (at >= 0)
            value = nw_http1_value(exchange->head, exchange->head_bytes, (uint32_t)at);
        break;
    }
    case NW_CONF_KEY_COOKIE: {
        struct nw_slice field =
            nw_http1_get(exchange->head, exchange->head_bytes, NW_HTTP_FIELD_COOKIE);
        if (field.len == 0 || !nw_cookie_find(field, service->key.name, &value))
            value = nw_slice_of(NULL, 0);
        break;
    }
    }
    return nw_hash_fast(value, 0);
}

NW_YIELDS static nw_err begin(struct forward *f, struct nw_peer_want *want)
{
    nw_err err = nw_peer_try_begin(f->service->set, want, &f->try);
    bool is_connect = err == NW_REFUSED || err == NW_UNREACHABLE || err == NW_NO_SUCH_NAME ||
                      err == NW_TIMEOUT || err == NW_PEER_RESET || err == NW_UNTRUSTED;
    if (f->try.node != NULL)
        f->exchange->outcome.node = nw_peer_node_name(f->try.node);
    f->exchange->outcome.attempts++;
    if (err == NW_OK || !is_connect || nw_deadline_left_ms() == 0 || f->try.node == NULL ||
        !nw_peer_has_other(f->service->set, f->try.node))
        return err;
    want->exclude = f->try.node; /* nothing of it left: it moves once */
    want->has_refused = true;
    nw_metric_add(f->service->moved, gate_worker_self()->index, 1);
    f->exchange->outcome.attempts++;
    err = nw_peer_try_begin(f->service->set, want, &f->try);
    if (f->try.node != NULL)
        f->exchange->outcome.node = nw_peer_node_name(f->try.node);
    return err;
}

nw_err nw_gate_forward(struct nw_exchange *exchange)
{
    struct forward f;
    memset(&f, 0, offsetof(struct forward, parser));
    f.exchange = exchange;
    f.service = exchange->service;
    f.in.wants_large = true; /* a 16 KiB body and its head come in one read */
    struct nw_peer_want want = {.key_hash = key_hash(exchange, exchange->service)};
    nw_err err;
    for (bool is_repeat = false;; is_repeat = true) {
        f.begun_us = nw_now_us();
        f.was_node_at_fault = true;
        err = begin(&f, &want);
        if (err != NW_OK) {
            /* Connect timeouts are the node's, a passed request deadline stays 504. */
            if (err == NW_TIMEOUT && nw_deadline_left_ms() > 0)
                err = NW_UNREACHABLE;
            break;
        }
        err = one_try(&f);
        bool again = err != NW_OK && !is_repeat && may_repeat(&f, err);
        settle_node(&f);
        nw_buf_release(&f.out);
        if (!again) {
            nw_buf_release(&f.in);
            break;
        }
        nw_buf_release(&f.in);
        want.exclude = f.try.node;
        exchange->source->ops->rewind(exchange->source);
    }
    return finish(&f, err);
}
