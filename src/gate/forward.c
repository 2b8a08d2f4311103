/*
 * The loop over tries: choose a node, send the request over whatever it speaks, relay the answer,
 * and decide whether a failed try may be made again.
 *
 * Framing: what the node said is judged once (http1.h, whose text HTTP/2 heads are turned into) and
 * the sink frames the answer anew. How a request is sent and an answer read stands in forward_h1.c
 * and forward_h2.c.
 *
 * The road not taken: parsing and relaying in callbacks. It saved no measurable time over a fiber
 * switch of a few nanoseconds and cost the top-to-bottom reading.
 */
#include "gate/forward.h"

#include "base/hash.h"
#include "base/log.h"
#include "gate/forward_wire.h"
#include "io/clock.h"
#include "io/worker.h"

/* ---- answers ---- */

nw_err gate_forward_refuse(struct gate_forward *f, nw_http1_class found)
{
    struct nw_log *log = nw_worker_log(nw_worker_self());
    nw_log(log, NW_WARN, "node.bad_answer", "service=%s node=%s id=%.*s why=%s", f->service->name,
           nw_peer_node_name(f->try.node), NW_SLICE_ARG(f->exchange->request_id),
           nw_http1_class_sentence(found));
    return NW_BAD_MESSAGE;
}

nw_err gate_forward_inform(struct gate_forward *f)
{
    struct nw_exchange *exchange = f->exchange;
    nw_err err = NW_OK;
    if (f->head.status == 100) {
        if (f->has_upload_fiber)
            nw_event_set(&f->may_send);
        if (!exchange->source->is_whole)
            err = exchange->source->ops->proceed(exchange->source);
    } else {
        struct nw_http_answer answer = gate_forward_answer(f);
        err = exchange->sink->ops->informational(exchange->sink, &answer);
    }
    f->in.start += f->head.head_bytes;
    if (f->in.start == f->in.end)
        f->in.start = f->in.end = 0;
    return err;
}

nw_peer_outcome gate_forward_outcome(nw_err err)
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

/* ---- tries ---- */

/*
 * A node may retire its HTTP/2 connections as often as it likes, and a request that meets that has
 * not begun: it may move more often than one that a node lost.
 */
static unsigned repeats_max(const struct gate_forward *f)
{
    enum { MOVES_MAX = 3 };
    return f->service->is_h2 && f->is_unsent ? MOVES_MAX : 1;
}

/* May the request be sent again after this try failed with `err`? */
static bool may_repeat(struct gate_forward *f, nw_err err)
{
    struct nw_exchange *exchange = f->exchange;
    bool is_broken = err == NW_PEER_CLOSED || err == NW_PEER_RESET;
    bool has_body = exchange->source->is_whole || (f->service->is_h2 && !f->is_body_lost);
    if (!is_broken || !f->was_node_at_fault || exchange->sink->has_head || !has_body)
        return false;
    if (nw_buf_unread_bytes(&f->in) > 0)
        return false; /* an answer had begun */
    bool may = f->is_unsent || (nw_http_method_is_safe(exchange->head->method) &&
                             nw_peer_may_retry(f->service->set));
    if (may)
        nw_metric_add(f->is_unsent ? f->service->moved : f->service->retried,
                      gate_worker_self()->index, 1);
    return may;
}

/* The answer is in hand or the try is over: whatever is left concerns the client alone. */
NW_YIELDS static nw_err finish(struct gate_forward *f, nw_err err)
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
    bool is_recalled = sink->has_head && sink->ops->recall != NULL && sink->ops->recall(sink);
    if (sink->has_head && !is_recalled && !f->exchange->is_grpc) /* a call is told its status */
        sink->ops->abort(sink, err);
    return err;
}

/* The consistent hash is taken of what the service's `key` names. */
static uint64_t key_hash(const struct nw_exchange *exchange, const struct nw_gate_service *service)
{
    struct nw_slice value = {NULL, 0};
    if (NW_LIKELY(service->key.kind == NW_CONF_KEY_NONE))
        return 0;
    switch (service->key.kind) {
    case NW_CONF_KEY_NONE: break;
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

NW_YIELDS static nw_err try_begin(struct gate_forward *f, struct nw_peer_want *want)
{
    f->exchange->outcome.attempts++;
    nw_err err = nw_peer_try_begin(f->service->set, want, &f->try);
    if (NW_LIKELY(f->try.node != NULL))
        f->exchange->outcome.node = nw_peer_node_name(f->try.node);
    return err;
}

NW_YIELDS static nw_err begin(struct gate_forward *f, struct nw_peer_want *want)
{
    nw_err err = try_begin(f, want);
    if (NW_LIKELY(err == NW_OK))
        return NW_OK;
    bool is_connect = err == NW_REFUSED || err == NW_UNREACHABLE || err == NW_NO_SUCH_NAME ||
                      err == NW_TIMEOUT || err == NW_PEER_RESET || err == NW_UNTRUSTED;
    if (!is_connect || nw_deadline_left_ms() == 0 || f->try.node == NULL ||
        !nw_peer_has_other(f->service->set, f->try.node))
        return err;
    want->exclude = f->try.node; /* nothing of it left: it moves once */
    want->has_refused = true;
    nw_metric_add(f->service->moved, gate_worker_self()->index, 1);
    return try_begin(f, want);
}

NW_YIELDS static nw_err one_try(struct gate_forward *f)
{
    return NW_UNLIKELY(f->service->is_h2) ? gate_forward_h2(f) : gate_forward_h1(f);
}

static void settle(struct gate_forward *f)
{
    if (NW_UNLIKELY(f->service->is_h2))
        gate_forward_h2_settle(f);
    else
        gate_forward_h1_settle(f);
}

nw_err nw_gate_forward(struct nw_exchange *exchange)
{
    struct gate_forward f;
    memset(&f, 0, offsetof(struct gate_forward, uploaded));
    f.message.framing = NW_HTTP1_BODY_NONE;
    f.exchange = exchange;
    f.service = exchange->service;
    f.in.wants_large = true; /* a 16 KiB body and its head come in one read */
    struct nw_peer_want want = {.key_hash = key_hash(exchange, exchange->service)};
    nw_err err;
    for (unsigned repeats = 0;; repeats++) {
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
        bool again = err != NW_OK && repeats < repeats_max(&f) && may_repeat(&f, err);
        settle(&f);
        nw_buf_release(&f.out);
        if (!again) {
            nw_buf_release(&f.in);
            break;
        }
        nw_buf_release(&f.in);
        want.exclude = f.try.node;
        if (exchange->source->is_whole)
            exchange->source->ops->rewind(exchange->source);
    }
    nw_buf_release(&f.kept);
    return finish(&f, err);
}
