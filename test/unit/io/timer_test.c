/* The wheel against a naive oracle, and the timers of a running worker. */
#include "base/rng.h"
#include "core_run.h"
#include "io/wheel.h"

enum { TIMERS = 300, STEPS = 20000 };

struct probe {
    struct nw_timer timer;
    uint64_t at_ms; /* the oracle's: 0 when not armed */
    uint64_t fired;
};

static struct nw_wheel wheel;
static struct probe probes[TIMERS];

static void note(struct nw_timer *timer)
{
    struct probe *probe = NW_CONTAINER_OF(timer, struct probe, timer);
    CHECK(probe->at_ms != 0 && probe->at_ms <= wheel.now_ms);
    probe->at_ms = 0;
    probe->fired++;
}

/* Mostly near, sometimes hours, rarely years. */
static uint64_t random_span_ms(struct nw_rng *rng)
{
    static const uint64_t spans[] = {1, 10, 64, 100, 1000, 4096, 60000, 3600000, 400000000000};
    return nw_rng_below(rng, spans[nw_rng_below(rng, NW_COUNT(spans))] + 1);
}

static uint64_t oracle_next_ms(void)
{
    uint64_t next_ms = NW_NEVER;
    for (int i = 0; i < TIMERS; i++)
        if (probes[i].at_ms != 0 && probes[i].at_ms < next_ms)
            next_ms = probes[i].at_ms;
    return next_ms;
}

static void advance_and_compare(uint64_t to_ms)
{
    uint64_t first_at_ms, due = 0;
    for (int i = 0; i < TIMERS; i++)
        due += probes[i].at_ms != 0 && probes[i].at_ms <= to_ms;
    nw_wheel_advance(&wheel, to_ms);
    assert_int_equal(nw_wheel_fire(&wheel, &first_at_ms), due);
    for (int i = 0; i < TIMERS; i++) {
        assert_true(probes[i].at_ms == 0 || probes[i].at_ms > to_ms);
        assert_int_equal(nw_timer_is_armed(&probes[i].timer), probes[i].at_ms != 0);
    }
}

static void compare(uint64_t seed)
{
    struct nw_rng rng;
    nw_rng_init(&rng, seed);
    uint64_t now_ms = nw_rng_below(&rng, 1ull << 40);
    nw_wheel_init(&wheel, now_ms);
    for (int i = 0; i < TIMERS; i++) {
        probes[i].at_ms = 0;
        nw_timer_init(&probes[i].timer, note);
    }
    for (int step = 0; step < STEPS; step++) {
        struct probe *probe = &probes[nw_rng_below(&rng, TIMERS)];
        uint64_t dice = nw_rng_below(&rng, 100);
        if (dice < 60) {
            probe->at_ms = now_ms + random_span_ms(&rng);
            nw_wheel_arm(&wheel, &probe->timer, probe->at_ms);
        } else if (dice < 80) {
            probe->at_ms = 0;
            nw_wheel_disarm(&wheel, &probe->timer);
        } else if (dice < 90) {
            now_ms += random_span_ms(&rng) % 7200000;
            advance_and_compare(now_ms);
        } else {
            /* As a sleeping loop does: to the moment that the wheel asks for. */
            uint64_t next_ms = nw_wheel_next_ms(&wheel);
            assert_true(next_ms <= oracle_next_ms());
            if (next_ms != NW_NEVER && next_ms > now_ms && next_ms < now_ms + 7200000) {
                now_ms = next_ms;
                advance_and_compare(now_ms);
            }
        }
    }
}

static void it_agrees_with_an_oracle_whatever_the_order_and_the_jumps(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        compare(seed);
    }
}

static void the_next_moment_is_reached_in_one_cascade_per_level(void **state)
{
    struct probe *probe = &probes[0];
    nw_wheel_init(&wheel, 12345);
    nw_timer_init(&probe->timer, note);
    probe->at_ms = 12345 + 10000000000;
    nw_wheel_arm(&wheel, &probe->timer, probe->at_ms);
    uint64_t at_ms = probe->at_ms, first_at_ms, steps = 0;
    while (nw_timer_is_armed(&probe->timer)) {
        nw_wheel_advance(&wheel, nw_wheel_next_ms(&wheel));
        nw_wheel_fire(&wheel, &first_at_ms);
        steps++;
    }
    assert_int_equal(wheel.now_ms, at_ms);
    assert_in_range(steps, 1, NW_WHEEL_LEVELS);
    assert_int_equal(nw_wheel_next_ms(&wheel), NW_NEVER);
}

static struct nw_timer again;
static unsigned again_count;

static void arm_again(struct nw_timer *timer)
{
    again_count++;
    nw_wheel_arm(&wheel, timer, wheel.now_ms);
}

static void a_timer_armed_for_now_while_firing_waits_for_the_next_round(void **state)
{
    uint64_t first_at_ms;
    nw_wheel_init(&wheel, 1000);
    nw_timer_init(&again, arm_again);
    nw_wheel_arm(&wheel, &again, 1000);
    for (unsigned round = 1; round <= 3; round++) {
        assert_int_equal(nw_wheel_fire(&wheel, &first_at_ms), 1);
        assert_int_equal(again_count, round);
        assert_int_equal(nw_wheel_next_ms(&wheel), 1000);
    }
    nw_wheel_disarm(&wheel, &again);
    assert_int_equal(nw_wheel_fire(&wheel, &first_at_ms), 0);
}

static struct nw_timer victim;

static void disarm_victim(struct nw_timer *timer)
{
    nw_wheel_disarm(&wheel, &victim);
}

static void must_not_fire(struct nw_timer *timer)
{
    fail();
}

static void a_timer_can_disarm_another_that_is_due_in_the_same_round(void **state)
{
    uint64_t first_at_ms;
    struct nw_timer killer;
    nw_wheel_init(&wheel, 1000);
    nw_timer_init(&killer, disarm_victim);
    nw_timer_init(&victim, must_not_fire);
    nw_wheel_arm(&wheel, &killer, 1005);
    nw_wheel_arm(&wheel, &victim, 1005);
    nw_wheel_advance(&wheel, 1010);
    assert_int_equal(nw_wheel_fire(&wheel, &first_at_ms), 1);
    assert_int_equal(first_at_ms, 1005);
}

static unsigned fired;

static void count_up(struct nw_timer *timer)
{
    CHECK(nw_fiber_self() == NULL);
    fired++;
}

static void on_a_worker(void)
{
    struct nw_timer soon, far, never;
    nw_timer_init(&soon, count_up);
    nw_timer_init(&far, count_up);
    nw_timer_init(&never, count_up);
    nw_timer_arm(&soon, 0);
    nw_timer_arm(&far, 7200000);
    nw_timer_arm(&never, NW_NEVER);
    CHECK(!nw_timer_is_armed(&never));
    pass_turns(2);
    CHECK_EQ(fired, 1);
    CHECK(!nw_timer_is_armed(&soon) && nw_timer_is_armed(&far));
    uint64_t wall_ms = nw_wall_ms();
    advance(7200000);
    CHECK_EQ(fired, 2);
    CHECK(nw_wall_ms() - wall_ms >= 7200000);
    nw_clock_step_ms(the_runtime(), -3600000);
    pass_turns(1);
    CHECK(nw_wall_ms() - wall_ms < 7200000); /* wall time alone went back */
    nw_timer_arm(&far, 1000);
    nw_timer_arm(&far, 5000); /* moves it */
    advance(1000);
    CHECK_EQ(fired, 2);
    nw_timer_disarm(&far);
    advance(5000);
    CHECK_EQ(fired, 2);
}

static void a_worker_fires_its_timers_when_the_clock_is_moved(void **state)
{
    core_run(1, on_a_worker);
}

static void fine(void)
{
    uint64_t start_ns = nw_io_now_ns();
    CHECK(nw_sleep_until_ns(start_ns) == NW_OK);
    CHECK(nw_sleep_until_ns(start_ns + 300000) == NW_OK);
    CHECK(nw_io_now_ns() >= start_ns + 300000);
    uint64_t start_ms = nw_now_ms();
    CHECK(nw_sleep(2) == NW_OK);
    CHECK(nw_now_ms() >= start_ms + 2);
}

static void a_sleep_is_never_too_short(void **state)
{
    core_run(1, fine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_an_oracle_whatever_the_order_and_the_jumps),
        cmocka_unit_test(the_next_moment_is_reached_in_one_cascade_per_level),
        cmocka_unit_test(a_timer_armed_for_now_while_firing_waits_for_the_next_round),
        cmocka_unit_test(a_timer_can_disarm_another_that_is_due_in_the_same_round),
        cmocka_unit_test(a_worker_fires_its_timers_when_the_clock_is_moved),
        cmocka_unit_test(a_sleep_is_never_too_short),
    };
    return cmocka_run_group_tests_name("io/timer", tests, NULL, NULL);
}
