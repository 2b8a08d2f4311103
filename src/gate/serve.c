/*
 * A request is read strictly, given an identity and a route, answered, and accounted for. What is
 * not well-formed is refused before anything of it can reach a node, and an HTTP/1 connection
 * closes: whatever follows on it cannot be trusted to be a message.
 *
 * What brought a request matters at its ends alone: how its head is read, how it is refused before
 * there is an exchange, what becomes of the connection. In between HTTP/1 and HTTP/2 are the same.
 */
#include "gate/serve.h"

#include <stdio.h>

#include "base/assert.h"
#include "gate/access.h"
#include "gate/account.h"
#include "gate/address.h"
#include "gate/denied.h"
#include "gate/door.h"
#include "gate/forward.h"
#include "gate/grpc.h"
#include "gate/h2.h"
#include "gate/ids.h"
#include "gate/page.h"
#include "gate/sink.h"
#include "gate/source.h"
#include "gate/tls.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "proto/proxy_protocol.h"

enum { ARENA_MAX_BYTES = 64 * 1024, GRACE_MS = 5000 };

/* ---- reading the head ---- */

/* The buffer ran full before the head was whole: first the front is used, then a larger class. */
static nw_err make_room(struct nw_buf *in, uint32_t head_max_bytes)
{
    if (in->data == NULL || nw_buf_space_bytes(in) > 0)
        return NW_OK;
    if (in->start > 0) {
        nw_buf_compact(in);
        return NW_OK;
    }
    return in->cap_bytes >= head_max_bytes ? NW_HEAD_TOO_LARGE : nw_buf_enlarge(in);
}

/* The head did not lie there whole: the client gets its time for it. */
NW_YIELDS static nw_err wait_head(struct gate_request *r, struct nw_buf *in)
{
    struct gate_settings *settings = &r->worker->settings;
    NW_WITHIN(head, settings->head_time_ms);
    for (;;) {
        if (nw_buf_unread_bytes(in) > 0) {
            nw_err err = nw_http1_parse(&r->parser, nw_buf_unread(in), &r->head);
            if (err != NW_AGAIN)
                return err;
        }
        NW_TRY(make_room(in, settings->head_limits.head_bytes));
        size_t got_bytes = 0;
        nw_err err = nw_io_read(&r->conn->stream, in, &got_bytes);
        if (err == NW_TIMEOUT && nw_within_ran_out(&head))
            return NW_CLIENT_SLOW;
        NW_TRY(err);
        if (got_bytes == 0)
            return NW_CLIENT_GONE;
    }
}

NW_YIELDS static nw_err read_head(struct gate_request *r, struct nw_buf *in)
{
    size_t got_bytes = 0;
    nw_http1_parser_init(&r->parser, false, &r->worker->settings.head_limits);
    if (in->data == NULL && nw_io_read_now(&r->conn->stream, in, &got_bytes) == NW_OK &&
        got_bytes > 0) {
        nw_err err = nw_http1_parse(&r->parser, nw_buf_unread(in), &r->head);
        if (NW_LIKELY(err != NW_AGAIN))
            return err;
    }
    return wait_head(r, in);
}

/* Of a stream whose head was read. */
static bool is_grpc(const struct gate_request *r)
{
    return nw_grpc_is_content_type(nw_http1_get(
        &r->head, nw_h2_request_head(r->h2).ptr, NW_HTTP_FIELD_CONTENT_TYPE));
}

/* Answers without an exchange; what follows on an HTTP/1 connection is never parsed. */
NW_YIELDS static gate_next refuse_as(struct gate_request *r, int status, const char *sentence,
                                     const char id[NW_HTTP_ID_BYTES])
{
    char text[2048];
    bool is_call = r->h2 != NULL && r->parser.found == NW_HTTP1_FINE && is_grpc(r);
    size_t bytes =
        is_call ? gate_grpc_raw(status, sentence, id, gate_date(r->worker), text, sizeof text)
                : gate_page_raw(status, sentence, id, gate_date(r->worker), text, sizeof text);
    struct iovec iov = {text, bytes};
    bool may_write = nw_grace(GRACE_MS);
    NW_WITHIN(write, GRACE_MS);
    if (r->h2 != NULL) {
        if (may_write)
            gate_h2_write_raw(r->h2, nw_slice_of(text, bytes));
        return GATE_CLOSE;
    }
    if (!may_write || nw_io_write_all(&r->conn->stream, &iov, 1) != NW_OK)
        return GATE_CLOSE;
    return GATE_LINGER;
}

/*
 * Says why on the wire and in the access log. `why` is a sentence of ours without a full stop:
 * nothing of the request is repeated in it.
 */
NW_YIELDS static gate_next refuse(struct gate_request *r, int status, const char *why)
{
    char id[NW_HTTP_ID_BYTES], sentence[256];
    const struct nw_conf_access *access = r->worker->settings.access;
    gate_ids_make(id);
    if (access != NULL)
        gate_access_log_refused(r, access, status, nw_slice_of(id, sizeof id), why);
    snprintf(sentence, sizeof sentence, "The request was refused: %s.", why);
    return refuse_as(r, status, sentence, id);
}

/* A PROXY header from who is not named as its source: a mistake of the operator, or a forgery. */
static void note_unnamed_proxy(struct gate_request *r, const struct nw_buf *in)
{
    if (r->conn->request_count == 0 && nw_proxy_is_announced(nw_buf_unread(in)))
        gate_denied(r->worker, GATE_DENIED_PROXY_UNNAMED, r->conn->listener, &r->conn->peer,
                    "a PROXY header from an address that proxy_protocol does not name");
}

NW_YIELDS static gate_next refuse_class(struct gate_request *r, nw_http1_class found)
{
    nw_metric_add(r->worker->gate->refused[found], r->worker->index, 1);
    return refuse(r, nw_http1_class_status(found), nw_http1_class_sentence(found));
}

/*
 * A connection may begin with HTTP/2's client preface (RFC 9113 section 3.4), which looks like a
 * request line of a version that does not exist. All of it is awaited: the verdict must not depend
 * on how the bytes were cut.
 */
NW_YIELDS static bool is_h2_preface(struct gate_request *r, struct nw_buf *in)
{
    static const struct nw_slice preface = NW_SLICE_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    struct gate_listener *listener = r->conn->listener;
    if (r->parser.found != NW_HTTP1_UNSUPPORTED_VERSION || r->conn->request_count > 0 ||
        r->conn->is_secure || /* there ALPN has chosen */
        atomic_load_explicit(&listener->h2_streams, memory_order_relaxed) == 0)
        return false;
    NW_WITHIN(head, r->worker->settings.head_time_ms);
    for (;;) {
        struct nw_slice here = nw_slice_first(nw_buf_unread(in), preface.len);
        size_t got_bytes = 0;
        if (!nw_slice_starts_with(preface, here))
            return false;
        if (here.len == preface.len)
            return true;
        if (nw_io_read(&r->conn->stream, in, &got_bytes) != NW_OK || got_bytes == 0)
            return false;
    }
}

static const char busy[] = "the server is busy; please try again in a moment";

NW_YIELDS static gate_next refuse_err(struct gate_request *r, struct nw_buf *in, nw_err err)
{
    note_unnamed_proxy(r, in);
    if (err == NW_BAD_REQUEST || r->parser.found != NW_HTTP1_FINE)
        return refuse_class(r, r->parser.found);
    bool was_silent = nw_buf_unread_bytes(in) == 0;
    if (err == NW_CLIENT_SLOW)
        return was_silent ? GATE_CLOSE : refuse(r, 408, "its head took too long to arrive");
    if (err == NW_HEAD_TOO_LARGE)
        return refuse_class(r, NW_HTTP1_HEAD_TOO_LARGE);
    if (err == NW_NO_MEMORY)
        return refuse(r, 503, busy);
    return GATE_CLOSE;
}

/* ---- judging it ---- */

static nw_err judge(struct gate_request *r, const char *bytes, nw_http1_class *out_found)
{
    struct nw_exchange *x = &r->exchange;
    NW_TRY(nw_http1_request_judge(&r->head, bytes, &x->message, out_found));
    struct nw_slice target = nw_http1_target(&r->head, bytes);
    struct nw_slice host = nw_http1_get(&r->head, bytes, NW_HTTP_FIELD_HOST);
    char *scratch = nw_arena_try(&r->arena, nw_target_scratch_bytes(target, host) + 1);
    if (scratch == NULL)
        return NW_NO_MEMORY;
    return nw_target_parse(r->head.method, target, host, scratch, &x->target, out_found);
}

static void init_exchange(struct gate_request *r, const char *bytes)
{
    struct nw_exchange *x = &r->exchange;
    x->head = &r->head;
    x->head_bytes = bytes;
    x->arena = &r->arena;
    x->generation = NULL;
    x->route = NULL;
    x->service = NULL;
    x->capture_count = 0;
    x->is_secure = r->conn->is_secure;
    x->is_target_raw = x->asks_upgrade = x->finishes = false;
    x->is_h2 = x->is_grpc = false;
    x->ahead_bytes = 0;
    x->source = &r->source.base;
    x->sink = &r->sink.base;
    x->answer_lines = x->notes = nw_slice_of(NULL, 0);
    x->on_relay = NULL;
    x->outcome = (struct nw_http_outcome){.started_us = nw_now_us()};
    nw_arena_init(&r->arena, r->arena_first, sizeof r->arena_first, ARENA_MAX_BYTES);
}

/* ---- answering it ---- */

/*
 * A long relay must not hold its generation, or a hundred reloads would keep a hundred alive: from
 * here on the exchange holds counted references on what it still names.
 */
static void release_generation(struct nw_exchange *x)
{
    struct gate_request *r = gate_request_of(x);
    if (r->pin == NULL)
        return;
    gate_route_ref((struct nw_gate_route *)x->route);
    gate_service_ref(x->service);
    r->holds_refs = true;
    x->generation = NULL;
    gate_pin_give(r->worker, r->pin);
    r->pin = NULL;
}

static void drop_references(struct gate_request *r)
{
    if (r->pin != NULL)
        gate_pin_give(r->worker, r->pin);
    if (r->holds_refs) {
        gate_route_unref((struct nw_gate_route *)r->exchange.route);
        gate_service_unref(r->exchange.service);
    }
}

NW_YIELDS static nw_err page_for(struct gate_request *r, nw_err err)
{
    struct nw_exchange *x = &r->exchange;
    int status = nw_err_status(err);
    if (!r->source.is_done)
        r->sink.keeps_alive = false;
    return gate_page(x, status, gate_sentence(status));
}

/* A client that goes cancels the fiber from here on. */
static void watch_gone(struct gate_request *r)
{
    if (r->h2 != NULL)
        nw_h2_watch_gone(r->h2, nw_fiber_self());
    else
        nw_stream_watch_gone(&r->conn->stream, nw_fiber_self());
}

static bool is_client_gone(const struct gate_request *r)
{
    return r->h2 != NULL ? nw_h2_is_gone(r->h2) : r->conn->stream.is_gone;
}

NW_YIELDS static nw_err forward(struct gate_request *r, const struct nw_conf_route *route)
{
    struct nw_exchange *x = &r->exchange;
    struct nw_http_source *source = x->source;
    x->service = r->pin->part->services[route->to_service->index];
    x->is_target_raw = route->target == NW_CONF_TARGET_RAW;
    x->asks_upgrade =
        x->message.upgrade_websocket && (route->upgrade & NW_CONF_UPGRADE_WEBSOCKET) != 0;
    x->finishes = route->finish;
    x->ahead_bytes = (size_t)route->buffer.response_bytes;
    r->sink.ahead_bytes = x->ahead_bytes;
    x->on_relay = release_generation;
    if (!source->is_whole && !route->stream && !x->asks_upgrade && !x->is_grpc)
        NW_TRY(source->ops->collect(source, (uint64_t)route->buffer.request_bytes));
    if (!x->finishes)
        watch_gone(r);
    return nw_gate_forward(x);
}

NW_YIELDS static nw_err act(struct gate_request *r, const struct nw_conf_route *route)
{
    struct nw_exchange *x = &r->exchange;
    r->source.max_bytes = (uint64_t)route->limits.body_bytes;
    r->source.rate_bytes_per_s = (uint64_t)route->limits.body_rate_bytes_per_s;
    if (x->source->length_bytes > route->limits.body_bytes)
        return NW_BODY_TOO_LARGE;
    switch (route->action) {
    case NW_CONF_ACTION_SERVICE: return forward(r, route);
    case NW_CONF_ACTION_REDIRECT:
        return gate_redirect(x, (int)route->redirect.status, route->redirect.to);
    case NW_CONF_ACTION_RESPOND:
        for (size_t i = 0; i < route->respond.headers.count; i++)
            NW_TRY(nw_exchange_answer_field(x, route->respond.headers.items[i].key.ptr,
                                            route->respond.headers.items[i].value));
        return gate_respond(x, (int)route->respond.status, route->respond.content_type,
                            route->respond.body);
    case NW_CONF_ACTION_NONE: break;
    }
    return NW_NO_ROUTE;
}

/* "/a" where only "/a/" is served. */
NW_YIELDS static nw_err add_slash(struct nw_exchange *x)
{
    const struct nw_target *t = &x->target;
    struct nw_slice location =
        nw_arena_printf(x->arena, "%.*s/%s%.*s", NW_SLICE_ARG(t->path), t->has_query ? "?" : "",
                        NW_SLICE_ARG(t->query));
    return location.ptr == NULL ? NW_NO_MEMORY : gate_redirect(x, 308, location);
}

static bool belongs_to_newel(struct nw_slice path)
{
    return nw_slice_starts_with(path, NW_SLICE("/_newel/"));
}

/* Is the host another listener's, which asks clients for other certificates? */
static nw_err check_direction(struct gate_request *r)
{
    bool is_over = false;
    if (!gate_tls_is_misdirected(r, &is_over))
        return NW_OK;
    if (is_over && r->h2 != NULL)
        gate_h2_drain(r->conn);
    else if (is_over)
        r->sink.keeps_alive = false;
    return NW_MISDIRECTED;
}

/* The nearer of the route's time and the caller's own (grpc-timeout); 0: neither is given. */
static nw_err grpc_deadline(const struct nw_exchange *x, uint64_t *request_ms)
{
    int at = nw_http1_find(x->head, x->head_bytes, NW_SLICE("grpc-timeout"), 0);
    uint64_t ms;
    if (at < 0)
        return NW_OK;
    if (nw_grpc_timeout_read(nw_http1_value(x->head, x->head_bytes, (uint32_t)at), &ms) != NW_OK)
        return NW_BAD_REQUEST;
    if (ms == 0)
        return NW_TIMEOUT;
    if (*request_ms == 0 || ms < *request_ms)
        *request_ms = ms;
    return NW_OK;
}

static bool takes_grpc(struct gate_request *r, const struct nw_conf_route *route)
{
    r->exchange.service = r->pin->part->services[route->to_service->index];
    return r->exchange.service->is_h2;
}

/* The same address under https: whatever port the client named was the one of plain HTTP. */
NW_YIELDS static nw_err to_https(struct nw_exchange *x)
{
    const struct nw_target *t = &x->target;
    if (t->host.len == 0)
        return NW_BAD_REQUEST;
    struct nw_slice location =
        nw_arena_printf(x->arena, "https://%.*s%.*s%s%.*s", NW_SLICE_ARG(t->host),
                        NW_SLICE_ARG(t->path), t->has_query ? "?" : "", NW_SLICE_ARG(t->query));
    return location.ptr == NULL ? NW_NO_MEMORY : gate_redirect(x, 308, location);
}

/* Who proves that he holds the name is asked over plain HTTP (RFC 8555 section 8.3). */
static bool goes_to_https(const struct gate_request *r)
{
    return NW_UNLIKELY(atomic_load_explicit(&r->conn->listener->redirects, memory_order_relaxed)) &&
           !nw_slice_starts_with(r->exchange.target.path, NW_SLICE("/.well-known/acme-challenge/"));
}

NW_YIELDS static nw_err answer(struct gate_request *r)
{
    struct nw_exchange *x = &r->exchange;
    if (x->is_secure)
        NW_TRY(check_direction(r));
    if (x->target.form == NW_TARGET_ASTERISK) {
        NW_TRY(nw_exchange_answer_field(
            x, "Allow", NW_SLICE("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")));
        return gate_respond(x, 204, nw_slice_of(NULL, 0), nw_slice_of(NULL, 0));
    }
    if (goes_to_https(r))
        return to_https(x);
    if (belongs_to_newel(x->target.path))
        return NW_NO_ROUTE;
    struct nw_route_ask ask = {
        .method = r->head.method,
        .method_name = nw_http1_method(&r->head, x->head_bytes),
        .host = x->target.host,
        .path = x->target.path,
        .query = x->target.query,
        .head = &r->head,
        .head_bytes = x->head_bytes,
    };
    struct nw_route_found found;
    nw_route_find(r->pin->part->table, &ask, &found);
    if (found.route == NULL)
        return found.wants_slash ? add_slash(x) : NW_NO_ROUTE;
    x->route = r->pin->part->routes[found.index];
    x->capture_count = found.capture_count;
    for (unsigned i = 0; i < found.capture_count; i++)
        x->captures[i] = found.captures[i];
    if (NW_UNLIKELY(found.route->is_guarded))
        NW_TRY(gate_address_check_route(r, found.route));
    uint64_t request_ms = (uint64_t)found.route->timeouts.request_ms;
    if (NW_UNLIKELY(x->is_grpc)) {
        NW_TRY(grpc_deadline(x, &request_ms));
        if (found.route->action == NW_CONF_ACTION_SERVICE && !takes_grpc(r, found.route))
            return gate_grpc_answer(x, NW_GRPC_UNIMPLEMENTED,
                                    "The service behind this address does not speak HTTP/2.");
    }
    if (request_ms == 0)
        return act(r, found.route);
    NW_WITHIN(request, request_ms);
    return act(r, found.route);
}

/* A call that has begun is told its status where plain HTTP could only be cut. */
NW_YIELDS static bool end_call(struct gate_request *r, nw_err err)
{
    struct nw_exchange *x = &r->exchange;
    if (!x->is_grpc || x->sink->ops->trailers == NULL || r->sink.is_ended || err == NW_CLIENT_GONE)
        return false;
    if (err == NW_CANCELLED)
        err = NW_DRAINING;
    if ((err == NW_DRAINING || nw_deadline_left_ms() == 0) && !nw_grace(GRACE_MS))
        return false;
    NW_WITHIN(words, GRACE_MS);
    int status = nw_err_status(err);
    return gate_grpc_end(x, nw_grpc_status_of_http(status), gate_sentence(status)) == NW_OK;
}

/* What remains to be done when answering failed: a page if there is still room for one. */
NW_YIELDS static void rescue(struct gate_request *r, nw_err err)
{
    struct nw_exchange *x = &r->exchange;
    struct nw_http_outcome *outcome = &x->outcome;
    if (outcome->why == NW_OK)
        outcome->why = err;
    if (err == NW_CANCELLED && is_client_gone(r))
        outcome->why = err = NW_CLIENT_GONE;
    if (x->sink->has_head || err == NW_CLIENT_GONE) {
        outcome->ended_by =
            outcome->ended_by != NW_HTTP_ENDED_WELL ? outcome->ended_by : NW_HTTP_ENDED_BY_CLIENT;
        if (err == NW_CLIENT_GONE)
            outcome->ended_by = NW_HTTP_ENDED_BY_CLIENT;
        if (!r->sink.is_aborted && !end_call(r, err))
            x->sink->ops->abort(x->sink, err);
        return;
    }
    if (outcome->ended_by != NW_HTTP_ENDED_BY_NODE)
        outcome->ended_by = NW_HTTP_ENDED_BY_NEWEL;
    if (err == NW_CANCELLED)
        err = NW_DRAINING;
    if ((err == NW_DRAINING || nw_deadline_left_ms() == 0) && !nw_grace(GRACE_MS))
        return;
    NW_WITHIN(page, GRACE_MS);
    nw_err failed = page_for(r, err);
    if (failed == NW_NO_MEMORY && !x->sink->has_head) { /* this one needs no buffer */
        x->outcome.status = nw_err_status(err);
        r->sink.keeps_alive = false;
        (void)refuse_as(r, x->outcome.status, gate_sentence(x->outcome.status), x->id_text);
    } else if (failed != NW_OK && !r->sink.is_aborted) {
        x->sink->ops->abort(x->sink, err);
    }
}

static gate_next after(struct gate_request *r, struct nw_buf *in)
{
    if (r->conn->stream.is_open) /* a cut answer may have reset it */
        nw_stream_watch_gone(&r->conn->stream, NULL);
    bool is_at_next = gate_source_done(&r->source, in);
    bool is_gone = r->exchange.outcome.why == NW_CLIENT_GONE || r->conn->is_tunnel;
    if (is_gone)
        return GATE_CLOSE;
    if (!is_at_next || !r->sink.is_ended || !r->sink.keeps_alive)
        return GATE_LINGER;
    if (in->start == in->end)
        in->start = in->end = 0;
    uint64_t count_max = r->worker->settings.requests_per_connection_max;
    bool is_last = count_max > 0 && r->conn->request_count + 1 >= count_max;
    return is_last ? GATE_LINGER : GATE_NEXT;
}

static gate_next after_stream(struct gate_request *r)
{
    nw_h2_watch_gone(r->h2, NULL);
    (void)gate_source_done(&r->source, NULL);
    gate_h2_ahead_give(r->conn, r->granted_bytes);
    return GATE_NEXT;
}

/* The head of a stream lies there whole; http/h2.h has refused what only HTTP/2 forbids. */
static nw_err parse_stream_head(struct gate_request *r)
{
    nw_http1_parser_init(&r->parser, false, &r->worker->settings.head_limits);
    if (nw_h2_is_head_too_large(r->h2)) {
        r->parser.found = NW_HTTP1_HEAD_TOO_LARGE; /* so nobody looks into r->head */
        return NW_HEAD_TOO_LARGE;
    }
    nw_err err = nw_http1_parse(&r->parser, nw_h2_request_head(r->h2), &r->head);
    return err == NW_AGAIN ? NW_HEAD_TOO_LARGE : err;
}

/* Nothing of the exchange has begun. */
NW_YIELDS static gate_next refuse_unread(struct gate_request *r, struct nw_buf *in, nw_err err)
{
    if (r->h2 != NULL)
        return refuse_class(r, r->parser.found != NW_HTTP1_FINE ? r->parser.found
                                                                : NW_HTTP1_HEAD_TOO_LARGE);
    return is_h2_preface(r, in) ? GATE_H2 : refuse_err(r, in, err);
}

static void begin_stream(struct gate_request *r)
{
    r->granted_bytes = 0;
    r->trailers = nw_slice_of(NULL, 0);
    r->exchange.is_h2 = true;
    r->exchange.is_grpc = is_grpc(r);
}

static void open_ends(struct gate_request *r, struct nw_buf *in)
{
    gate_source_init(&r->source, r, in);
    gate_sink_init(&r->sink, r);
    if (NW_UNLIKELY(r->h2 != NULL)) {
        begin_stream(r);
        return;
    }
    in->start += r->head.head_bytes;
    uint64_t count_max = r->worker->settings.requests_per_connection_max;
    if (r->worker->is_draining || (count_max > 0 && r->conn->request_count + 1 >= count_max))
        r->sink.keeps_alive = false;
}

gate_next gate_serve(struct gate_worker *worker, struct gate_conn *conn, struct nw_buf *in,
                     struct nw_h2_stream *h2)
{
    struct gate_request request;
    struct gate_request *r = &request;
    r->conn = conn;
    r->h2 = h2;
    r->worker = worker;
    r->pin = NULL;
    r->holds_refs = false;
    nw_err err = NW_LIKELY(h2 == NULL) ? read_head(r, in) : parse_stream_head(r);
    if (NW_UNLIKELY(err != NW_OK))
        return refuse_unread(r, in, err);

    const char *bytes = NW_LIKELY(h2 == NULL) ? in->data + in->start : nw_h2_request_head(h2).ptr;
    nw_http1_class found = NW_HTTP1_FINE;
    init_exchange(r, bytes);
    err = judge(r, bytes, &found);
    if (err != NW_OK) {
        nw_arena_done(&r->arena);
        return found != NW_HTTP1_FINE ? refuse_class(r, found)
                                       : refuse(r, nw_err_status(err), busy);
    }
    r->pin = gate_pin_take(r->worker);
    r->exchange.generation = r->pin->generation;
    gate_ids_fill(&r->exchange, &r->worker->settings, &conn->peer);
    open_ends(r, in);
    nw_metric_add(r->worker->in_flight, r->worker->index, 1);

    err = answer(r);
    if (err != NW_OK)
        rescue(r, err);
    gate_account(r); /* the log names the head's bytes, which the next message may replace */
    gate_next next = h2 == NULL ? after(r, in) : after_stream(r);
    nw_metric_add(r->worker->in_flight, r->worker->index, -1);
    gate_sink_done(&r->sink);
    drop_references(r);
    if (r->arena.blocks != NULL)
        nw_arena_done(&r->arena);
    return next;
}
