/*
 * Judgements are arithmetic on small numbers, kept apart from who stores them: the counts live per
 * worker and per node, the rules live here. Every rule that says "in 10 s" counts whole seconds in
 * ten cells, each stamped with its second, so that nothing has to run when a second passes: a cell
 * of another second is simply not counted.
 *
 * The latency average keeps value and time in one word, so that workers share it by one relaxed
 * store. A sample below the value changes nothing until a tenth of a second has passed since the
 * last change; below that the decay of one step is smaller than the resolution and rounding would
 * hold the value up for ever.
 */
#include "peer/verdict.h"

#include <math.h>

enum {
    EJECT_RUN = 5,
    EJECT_TRIES_MIN = 20,
    EJECT_FIRST_MS = 5 * 1000,
    EJECT_MAX_MS = 300 * 1000,
    EWMA_HALF_LIFE_MS = 10 * 1000,
    EWMA_STEP_MS = 100,
    EWMA_STAMP_MS = 10,    /* unit of the stamp */
    EWMA_SUBUNITS = 16,    /* of a microsecond */
    EWMA_VALUE_BITS = 30,  /* 67 s */
    RETRIES_PER_S_MIN = 3,
    IDLE_DEFAULT_MS = 60 * 1000,
    IDLE_LEARN_MIN_MS = 1000
};
#define EWMA_VALUE_MAX ((1ull << EWMA_VALUE_BITS) - 1)

uint32_t nw_window_sum(const struct nw_window *window, uint32_t now_s, uint32_t since_s)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < NW_WINDOW_S; i++) {
        uint64_t cell = __atomic_load_n(&window->cells[i], __ATOMIC_RELAXED);
        uint32_t at_s = (uint32_t)(cell >> 32);
        if (now_s - at_s < NW_WINDOW_S && at_s >= since_s)
            sum += (uint32_t)cell;
    }
    return sum;
}

uint32_t nw_window_now(const struct nw_window *window, uint32_t now_s)
{
    uint64_t cell = __atomic_load_n(&window->cells[now_s % NW_WINDOW_S], __ATOMIC_RELAXED);
    return (uint32_t)(cell >> 32) == now_s ? (uint32_t)cell : 0;
}

nw_health_change nw_health_step(struct nw_health *health, bool is_good, bool is_known, bool is_down,
                                unsigned fall, unsigned rise)
{
    if (is_good) {
        health->bad_run = 0;
        health->good_run++;
        if (!is_known || (is_down && health->good_run >= (rise != 0 ? rise : 1)))
            return NW_HEALTH_UP;
        return NW_HEALTH_SAME;
    }
    health->good_run = 0;
    health->bad_run++;
    bool is_over = health->bad_run >= (fall != 0 ? fall : 1);
    return is_over && !is_down ? NW_HEALTH_DOWN : NW_HEALTH_SAME;
}

bool nw_eject_is_bad(uint32_t try_count, uint32_t bad_count)
{
    return try_count >= EJECT_TRIES_MIN && (uint64_t)bad_count * 2 > try_count;
}

bool nw_eject_is_well(uint32_t try_count, uint32_t bad_count)
{
    return (uint64_t)bad_count * 10 < try_count || bad_count == 0;
}

bool nw_eject_judge(const struct nw_eject_facts *facts, const char **out_reason)
{
    if (facts->usable_others == 0)
        return false;
    bool is_broken = facts->broken_run >= EJECT_RUN;
    if (is_broken && facts->is_refused) {
        *out_reason = "connections are refused";
        return true;
    }
    if ((facts->ejected_count + 1) * 2 > facts->member_count)
        return false;
    if (is_broken) {
        *out_reason = "connections fail or break";
        return true;
    }
    if (nw_eject_is_bad(facts->try_count, facts->bad_count) && facts->has_well_other) {
        *out_reason = "most requests fail while another node answers";
        return true;
    }
    return false;
}

uint64_t nw_eject_ms(unsigned before_count)
{
    if (before_count >= 6)
        return EJECT_MAX_MS;
    uint64_t ms = (uint64_t)EJECT_FIRST_MS << before_count;
    return ms < EJECT_MAX_MS ? ms : EJECT_MAX_MS;
}

unsigned nw_slow_start_percent(uint64_t elapsed_ms, uint64_t slow_start_ms)
{
    if (elapsed_ms >= slow_start_ms)
        return 100;
    return 10 + (unsigned)(elapsed_ms * 90 / slow_start_ms);
}

static uint64_t ewma_pack(uint64_t now_ms, double value)
{
    uint64_t whole = value < 1 ? 1 : value > (double)EWMA_VALUE_MAX ? EWMA_VALUE_MAX
                                                                    : (uint64_t)value;
    return now_ms / EWMA_STAMP_MS << EWMA_VALUE_BITS | whole;
}

static double ewma_keep(uint64_t elapsed_ms)
{
    return exp2(-(double)elapsed_ms / EWMA_HALF_LIFE_MS);
}

static uint64_t ewma_elapsed_ms(uint64_t ewma, uint64_t now_ms)
{
    uint64_t at_ms = (ewma >> EWMA_VALUE_BITS) * EWMA_STAMP_MS;
    return now_ms > at_ms ? now_ms - at_ms : 0;
}

uint64_t nw_ewma_add(uint64_t ewma, uint64_t now_ms, uint64_t sample_us)
{
    double sample = (double)sample_us * EWMA_SUBUNITS;
    double value = (double)(ewma & EWMA_VALUE_MAX);
    if (sample > value)
        return ewma_pack(now_ms, sample);
    uint64_t elapsed_ms = ewma_elapsed_ms(ewma, now_ms);
    if (elapsed_ms < EWMA_STEP_MS)
        return ewma;
    double keep = ewma_keep(elapsed_ms);
    return ewma_pack(now_ms, value * keep + sample * (1 - keep));
}

uint64_t nw_ewma_read_us(uint64_t ewma, uint64_t now_ms)
{
    if (ewma == 0)
        return 0;
    double value = (double)(ewma & EWMA_VALUE_MAX) * ewma_keep(ewma_elapsed_ms(ewma, now_ms));
    return value < EWMA_SUBUNITS ? 1 : (uint64_t)(value / EWMA_SUBUNITS);
}

bool nw_retry_allow(uint64_t request_count, uint32_t retry_count, uint32_t retry_count_now)
{
    return retry_count_now < RETRIES_PER_S_MIN || (uint64_t)retry_count * 10 < request_count;
}

uint32_t nw_idle_limit_ms(uint32_t configured_ms, uint32_t announced_ms, uint32_t learned_ms)
{
    uint32_t limit_ms = configured_ms != 0 ? configured_ms : IDLE_DEFAULT_MS;
    if (announced_ms != 0) {
        uint32_t below_ms = announced_ms > 1000 ? announced_ms - 1000 : announced_ms / 2;
        limit_ms = below_ms < limit_ms ? below_ms : limit_ms;
    }
    if (learned_ms != 0 && learned_ms < limit_ms)
        limit_ms = learned_ms;
    return limit_ms != 0 ? limit_ms : 1;
}

uint32_t nw_idle_learn_ms(uint32_t learned_ms, uint64_t idle_ms)
{
    if (idle_ms < IDLE_LEARN_MIN_MS || idle_ms > UINT32_MAX)
        return learned_ms;
    uint32_t below_ms = (uint32_t)(idle_ms * 8 / 10);
    return learned_ms != 0 && learned_ms < below_ms ? learned_ms : below_ms;
}
