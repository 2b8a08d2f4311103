/*
 * One try: choose, connect, report, give back.
 *
 * The path that nearly every request takes is: a node by the rule, one atomic to reserve it, the
 * newest idle connection of this worker; on the way back one report into this worker's own
 * counters, the connection parked, one atomic. Everything else (waiting, moving, connecting,
 * ejecting) is reached by a branch that is not taken.
 *
 * While no connection is held nothing keeps the node alive but the caller's set; from then on the
 * connection does, so a set may change or go while its tries are in flight.
 */
#include "base/assert.h"
#include "io/clock.h"
#include "peer/multiplex.h"
#include "peer/node.h"

static const struct nw_peer_want want_any;

static inline bool is_shared(const struct nw_peer_node *node)
{
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    return NW_UNLIKELY((flags & NW_PEER_FLAG_SHARED) != 0);
}

/* Undoes choose where no connection came of it. */
static void give_up(struct nw_peer_try *try)
{
    struct nw_peer_node *node = try->node;
    if (try->is_trial)
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_TRIAL);
    try->is_trial = false;
    if (is_shared(node))
        nw_peer_shared_release(node, nw_worker_index(nw_worker_self()));
    nw_peer_node_release(node);
    nw_peer_node_unref(node);
}

/* A connection that is there already. */
static inline bool has_conn_now(struct nw_peer_try *try, unsigned worker_index)
{
    if (is_shared(try->node))
        return nw_peer_shared_take(try);
    try->conn = nw_peer_conn_pop(try->node, worker_index, nw_peer_set_key(try->set));
    return try->conn != NULL;
}

nw_err nw_peer_try_begin(struct nw_peer_set *set, const struct nw_peer_want *want,
                         struct nw_peer_try *try)
{
    struct nw_worker *worker = nw_worker_self();
    unsigned worker_index = nw_worker_index(worker);
    want = want != NULL ? want : &want_any;
    *try = (struct nw_peer_try){.set = set};
    nw_err err = NW_AGAIN;
    bool has_ref = false;
    if (NW_LIKELY(atomic_load_explicit(&set->group->waiting_count, memory_order_relaxed) == 0))
        err = nw_peer_choose(set, want, worker, worker_index, &try->node, &try->is_trial);
    if (NW_UNLIKELY(err == NW_AGAIN)) {
        err = want->spare ? NW_BUSY : nw_peer_wait(set, want, try);
        has_ref = true;
    }
    if (NW_UNLIKELY(err != NW_OK))
        return err;
    if (NW_UNLIKELY(try->conn == NULL && !has_conn_now(try, worker_index))) {
        if (!has_ref)
            nw_peer_node_ref(try->node);
        has_ref = true;
        err = nw_peer_conn_get(set, try, want->spare);
        if (err != NW_OK) {
            give_up(try);
            return err;
        }
    }
    if (has_ref) /* the connection holds it now */
        nw_peer_node_unref(try->node);
    if (!try->is_fresh) {
        nw_metric_add(try->node->reuses, worker_index, 1);
        try->started_us = nw_now_us();
    }
    try->has_started = true;
    return NW_OK;
}

static bool is_bad(nw_peer_outcome outcome)
{
    return outcome == NW_PEER_CONNECT || outcome == NW_PEER_RESET_ ||
           outcome == NW_PEER_TIMEOUT_ || outcome == NW_PEER_REFUSING;
}

/* A failed try counts as a second at least, so that failing fast attracts nothing. */
static void measure(struct nw_peer_node *node, nw_peer_outcome outcome, uint64_t now_ms,
                    uint64_t took_us)
{
    if (outcome != NW_PEER_OK && took_us < 1000000)
        took_us = 1000000;
    uint64_t before = atomic_load_explicit(&node->ewma, memory_order_relaxed);
    uint64_t after = nw_ewma_add(before, now_ms, took_us);
    if (after != before)
        atomic_store_explicit(&node->ewma, after, memory_order_relaxed);
}

/* The first answer makes a node known; any answer brings an ejected one back when none is up. */
static void note_good(struct nw_peer_node *node, bool is_trial, uint64_t now_ms)
{
    uint32_t flags = atomic_load_explicit(&node->flags, memory_order_relaxed);
    if (NW_LIKELY((flags & (NW_PEER_FLAG_KNOWN | NW_PEER_FLAG_EJECTED)) == NW_PEER_FLAG_KNOWN))
        return;
    if ((flags & NW_PEER_FLAG_KNOWN) == 0)
        atomic_fetch_or(&node->flags, (uint32_t)NW_PEER_FLAG_KNOWN);
    if (!is_trial && (flags & NW_PEER_FLAG_EJECTED) != 0 &&
        atomic_load(&node->group->is_panicking))
        nw_peer_node_tried(node, true, false, now_ms);
}

/* A reset on a kept connection is the node's right: it may have closed while we wrote. */
static bool is_broken(const struct nw_peer_try *try, nw_peer_outcome outcome)
{
    if (outcome == NW_PEER_CONNECT)
        return true;
    return outcome == NW_PEER_RESET_ && (try->conn == NULL || try->is_fresh);
}

/* What the log calls it; NULL for an answer: what that says is the application's word. */
static const char *failure_of(nw_peer_outcome outcome, bool is_refused)
{
    switch (outcome) {
    case NW_PEER_CONNECT: return is_refused ? "connections are refused" : "it cannot be reached";
    case NW_PEER_RESET_: return "it closes without an answer";
    case NW_PEER_TIMEOUT_: return "it does not answer in time";
    default: return NULL;
    }
}

static void judge(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us,
                  bool is_refused, bool counts)
{
    struct nw_peer_node *node = try->node;
    unsigned worker_index = nw_worker_index(nw_worker_self());
    struct nw_peer_local *local = &node->local[worker_index];
    if (NW_LIKELY(counts))
        nw_metric_add(node->requests[outcome], worker_index, 1);
    if (NW_UNLIKELY(outcome == NW_PEER_ABANDONED))
        return;
    uint64_t now_us = nw_now_us(), now_ms = now_us / 1000;
    uint32_t now_s = (uint32_t)(now_ms / 1000);
    uint64_t took_us = first_byte_us != 0 ? first_byte_us : now_us - try->started_us;
    measure(node, outcome, now_ms, took_us);
    if (first_byte_us != 0)
        nw_metric_record_us(node->duration, worker_index, first_byte_us);

    bool is_stale = outcome == NW_PEER_RESET_ && !is_broken(try, outcome);
    if (!is_stale)
        nw_window_add(&local->tries, now_s);
    if (NW_LIKELY(!is_bad(outcome))) {
        if (__atomic_load_n(&local->last_good_s, __ATOMIC_RELAXED) != now_s)
            __atomic_store_n(&local->last_good_s, now_s, __ATOMIC_RELAXED);
        note_good(node, try->is_trial, now_ms);
    }
    if (outcome != NW_PEER_CONNECT && outcome != NW_PEER_RESET_ && outcome != NW_PEER_TIMEOUT_ &&
        atomic_load_explicit(&node->broken_run, memory_order_relaxed) != 0)
        atomic_store_explicit(&node->broken_run, 0, memory_order_relaxed);
    if (NW_UNLIKELY(try->is_trial) && !is_stale) {
        try->is_trial = false;
        nw_peer_node_tried(node, !is_bad(outcome), true, now_ms);
    } else if (is_bad(outcome) && !is_stale) {
        nw_window_add(&local->bad, now_s);
        if (is_broken(try, outcome))
            atomic_fetch_add(&node->broken_run, 1);
        const char *why = failure_of(outcome, is_refused);
        if (why != NULL)
            nw_peer_node_tell_failing(node, why, now_ms);
        nw_peer_node_failed(node, is_refused, now_ms);
    }
}

void nw_peer_try_judge(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us,
                       bool is_refused)
{
    judge(try, outcome, first_byte_us, is_refused, true);
}

void nw_peer_try_blame(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us,
                       bool is_refused)
{
    judge(try, outcome, first_byte_us, is_refused, false);
}

void nw_peer_try_report(struct nw_peer_try *try, nw_peer_outcome outcome, uint64_t first_byte_us)
{
    NW_ASSERT(try->has_started);
    nw_peer_try_judge(try, outcome, first_byte_us, false);
}

void nw_peer_try_end(struct nw_peer_try *try, bool is_reusable)
{
    if (!try->has_started)
        return;
    struct nw_peer_node *node = try->node;
    struct nw_peer_conn *conn = try->conn;
    try->has_started = false;
    try->conn = NULL;
    if (NW_UNLIKELY(try->is_trial)) { /* nothing was learned: the next request is the trial */
        try->is_trial = false;
        atomic_fetch_and(&node->flags, ~(uint32_t)NW_PEER_FLAG_TRIAL);
    }
    conn->use_count++;
    /* Connection and permit first, then the reservation: see pool.c. */
    if (is_shared(node))
        nw_peer_shared_end(conn);
    else if (is_reusable)
        nw_peer_conn_park(conn);
    else
        nw_peer_conn_close(conn);
    nw_peer_node_release(node);
}
