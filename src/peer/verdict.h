/*
 * verdict.h - the arithmetic behind every judgement on a node.
 *
 * Sliding counts, health runs, ejection, slow start, latency averages, the retry budget and the
 * idle limit, each a pure function of numbers and of a time passed in, so that tests live in any
 * year.
 *
 * Owner:   plain values
 * Threads: a window has one writer; any thread may sum it meanwhile. The rest is stateless
 */
#ifndef NW_PEER_VERDICT_H
#define NW_PEER_VERDICT_H

#include <stdbool.h>

#include "base/compiler.h"

enum { NW_WINDOW_S = 10 };

/* How often something happened in the last ten seconds, by whole seconds. */
struct nw_window {
    uint64_t cells[NW_WINDOW_S]; /* second << 32 | count */
};

static inline void nw_window_add(struct nw_window *window, uint32_t now_s)
{
    uint64_t *cell = &window->cells[now_s % NW_WINDOW_S];
    uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
    if ((uint32_t)(seen >> 32) != now_s)
        seen = (uint64_t)now_s << 32;
    __atomic_store_n(cell, seen + 1, __ATOMIC_RELAXED);
}
/* Of this second and the nine before it, but none before since_s. */
uint32_t nw_window_sum(const struct nw_window *window, uint32_t now_s, uint32_t since_s);
/* Of this second alone. */
uint32_t nw_window_now(const struct nw_window *window, uint32_t now_s);

/* Runs of equal answers of an active check. */
struct nw_health {
    unsigned good_run;
    unsigned bad_run;
};
typedef enum nw_health_change { NW_HEALTH_SAME, NW_HEALTH_UP, NW_HEALTH_DOWN } nw_health_change;
/*
 * One more answer. `is_known`: there was a verdict before; the first good answer of an unknown node
 * is its verdict. fall and rise of 0 count as 1.
 */
nw_health_change nw_health_step(struct nw_health *health, bool is_good, bool is_known, bool is_down,
                                unsigned fall, unsigned rise);

/* What is known when a node has failed once more. */
struct nw_eject_facts {
    unsigned member_count;   /* of the set, those with a weight */
    unsigned ejected_count;  /* of them, out by a passive verdict */
    unsigned usable_others;  /* other members that take requests */
    unsigned broken_run;     /* connect failures and resets in a row */
    bool is_refused;         /* the last one was a refused connect: always believed */
    uint32_t try_count;      /* in the window */
    uint32_t bad_count;
    bool has_well_other;     /* another usable node is under 10 % bad */
};
/* Shall it go out? *out_reason says why (static); written only when true. */
bool nw_eject_judge(const struct nw_eject_facts *facts, const char **out_reason);
/* Over half of at least 20 tries: the part of the rule that concerns the node itself. */
bool nw_eject_is_bad(uint32_t try_count, uint32_t bad_count);
/* Under 10 % bad. A node without tries is well. */
bool nw_eject_is_well(uint32_t try_count, uint32_t bad_count);
/* 5 s x 2^n, at most 5 min. */
uint64_t nw_eject_ms(unsigned before_count);

/* 10..100: the share of its weight that a recovering node gets. */
unsigned nw_slow_start_percent(uint64_t elapsed_ms, uint64_t slow_start_ms);

/*
 * Peak EWMA of a latency, half life 10 s, in one word: it jumps up at once and decays slowly. 0:
 * nothing measured.
 */
uint64_t nw_ewma_add(uint64_t ewma, uint64_t now_ms, uint64_t sample_us);
/* Decayed to now, at least 1 once anything was measured; 0 for nothing measured. */
uint64_t nw_ewma_read_us(uint64_t ewma, uint64_t now_ms);

/* 10 % of the requests of ten seconds, or fewer than 3 in this second. */
bool nw_retry_allow(uint64_t request_count, uint32_t retry_count, uint32_t retry_count_now);

/*
 * How long a connection may idle: the configured limit, 1 s less than what the node announced (0:
 * nothing), what was learned from its closing on us (0: nothing).
 */
uint32_t nw_idle_limit_ms(uint32_t configured_ms, uint32_t announced_ms, uint32_t learned_ms);
/*
 * The new learned limit after the node closed a connection that had idled for idle_ms: 0.8 of the
 * shortest. Closes under a second teach nothing: that is a restart.
 */
uint32_t nw_idle_learn_ms(uint32_t learned_ms, uint64_t idle_ms);

#endif
