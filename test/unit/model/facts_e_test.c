/* Worked examples E1 to E4: queues, in the fluid view. */
#include "facts.h"
#include "model/constants.h"
#include "model/queuemath.h"

static struct nw_model_burst burst(double jobs, double over_s, double drain_per_s, double stopped_s)
{
    const struct nw_model_burst_in in = {
        .at = "queues.mail",
        .label = "mail",
        .jobs = nw_model_given(jobs),
        .over_s = nw_model_given(over_s),
        .drain_per_s = nw_model_given(drain_per_s),
        .stopped_s = nw_model_given(stopped_s),
    };
    return nw_model_queue_burst(&in, &facts_steps);
}

static void fact_e1_all_at_once(void **state)
{
    struct nw_model_burst all = burst(10000, 0, 200, 0);
    assert_is(all.peak_depth, 10000);
    assert_is(all.empty_s, 10000.0 / 200);
    assert_is(all.age_max_s, 50);
    assert_step("queues.mail.peak_depth", 10000, "10,000");
    assert_step("queues.mail.empty_s", 50, "50 s");
}

static void fact_e1a_spread_evenly_hardly_one_waits(void **state)
{
    struct nw_model_burst even = burst(10000, 60, 200, 0);
    assert_shows(10000.0 / 60, 166.7, 1);
    assert_true(even.peak_depth <= 1);
    assert_true(even.age_max_s == 0);
}

static void fact_e1c_all_in_the_first_ten_seconds(void **state)
{
    struct nw_model_burst front = burst(10000, 10, 200, 0);
    assert_is(front.peak_depth, (1000 - 200) * 10);
    assert_is(front.empty_s, 10000.0 / 200);
    assert_is(front.age_max_s, 8000.0 / 200); /* the last one behind 8,000 */
}

static void fact_e1d_workers_stopped_for_a_minute(void **state)
{
    struct nw_model_burst stopped = burst(10000, 60, 200, 60);
    assert_is(stopped.peak_depth, 10000);
    assert_is(stopped.empty_s, 60 + 50);
    assert_is(stopped.age_max_s, 60); /* the first waits for the workers */
}

static void fact_e2_three_calls_inline(void **state)
{
    const struct nw_model_inline_in in = {
        .at = "queues.orders",
        .rate_per_s = nw_model_given(5000.0 / 60),
        .calls = nw_model_given(3),
        .call_s = nw_model_given(0.2),
        .publish_s = nw_model_given(0.05),
    };
    struct nw_model_inline work = nw_model_queue_inline(&in, &facts_steps);
    assert_shows(in.rate_per_s.value, 83.33, 2);
    assert_is(work.calls_per_s, 250);
    assert_is(work.inline_s, 0.6);
    assert_step("queues.orders.calls_per_s", 250, "249");
    assert_step("queues.orders.inline_s", 0.6, "600 ms against ~50 ms");
}

static void fact_e2l_requests_held_by_little_s_law(void **state)
{
    const struct nw_model_inline_in in = {
        .at = "queues.orders",
        .rate_per_s = nw_model_given(5000.0 / 60),
        .calls = nw_model_given(3),
        .call_s = nw_model_given(0.2),
        .publish_s = nw_model_given(0.05),
    };
    struct nw_model_inline work = nw_model_queue_inline(&in, &facts_steps);
    assert_is(work.held, 5000.0 / 60 * 0.6);
    assert_shows(work.held, 50, 0);
    assert_shows(work.held_queued, 4.2, 1);
}

static void fact_e2d_two_minutes_without_mail(void **state)
{
    assert_is(nw_model_queue_behind(5000.0 / 60, 120), 10000);
    assert_true(nw_model_constant_value(NW_MODEL_C_OUTAGE) == 120);
}

static void fact_e2p_a_partition_has_40_times_the_room(void **state)
{
    assert_is(nw_model_constant_value(NW_MODEL_C_PARTITION_RATE) / (5000.0 / 60 * 3), 40);
    struct nw_model_quantity publish = nw_model_constant_quantity(NW_MODEL_C_PUBLISH);
    assert_is(publish.low, 2e-3);
    assert_is(publish.high, 10e-3);
}

static void fact_e3_fifteen_minutes_behind(void **state)
{
    double alarm_s = nw_model_constant_value(NW_MODEL_C_ALARM);
    assert_is(alarm_s, 15 * 60);
    assert_is(nw_model_queue_behind(5000.0 / 60, alarm_s), 75000);
    assert_is(nw_model_constant_value(NW_MODEL_C_RETENTION), 7 * 24 * 3600);
}

static struct nw_model_catchup catch_up(double backlog, double arrive_per_s, double drain_per_s)
{
    const struct nw_model_catchup_in in = {
        .at = "queues.orders",
        .backlog = nw_model_given(backlog),
        .arrive_per_s = nw_model_given(arrive_per_s),
        .drain_per_s = nw_model_given(drain_per_s),
    };
    return nw_model_queue_catchup(&in, &facts_steps);
}

static void fact_e3c_two_hours_behind(void **state)
{
    assert_is(nw_model_queue_behind(5000.0 / 60, 2 * 3600), 600000);
    double slow_s = catch_up(600000, 5000.0 / 60, 200).catchup_s;
    assert_shows(slow_s, 5142.9, 1);
    assert_step("queues.orders.catchup_s", 600e3 * 60 / (12000 - 5000), "\"full speed\"");
    assert_is(catch_up(600000, 5000.0 / 60, 250).catchup_s, 3600);
    assert_step("queues.orders.catchup_s", 3600, "\"full speed\"");
}

/* ---- beyond the worked examples ---- */

/* The same queue second by second, in small ticks, by nothing but adding up. */
static struct nw_model_burst by_ticks(double jobs, double over_s, double drain_per_s,
                                      double stopped_s)
{
    struct nw_model_burst out = {0};
    const double tick_s = 1e-3;
    double depth = over_s == 0 ? jobs : 0, served = 0;
    out.peak_depth = depth;
    for (double at_s = 0; served < jobs - 1e-6; at_s += tick_s) {
        if (at_s < over_s)
            depth += jobs * fmin(tick_s, over_s - at_s) / over_s;
        out.peak_depth = fmax(out.peak_depth, depth);
        if (at_s >= stopped_s) {
            double done = fmin(depth, drain_per_s * tick_s);
            depth -= done;
            served += done;
        }
        out.empty_s = at_s + tick_s;
    }
    return out;
}

static void closed_form_and_ticks_agree(void **state)
{
    static const double cases[][4] = {
        {10000, 0, 200, 0}, {10000, 10, 200, 0}, {10000, 60, 200, 60}, {10000, 60, 100, 0},
        {1000, 5, 300, 2},  {1000, 5, 150, 8},   {500, 20, 10, 3},     {10000, 60, 200, 90},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        const double *c = cases[i];
        struct nw_model_burst fluid = burst(c[0], c[1], c[2], c[3]);
        struct nw_model_burst ticks = by_ticks(c[0], c[1], c[2], c[3]);
        bool is_emptied_early = c[2] * (c[1] - c[3]) >= c[0];
        assert_true(fabs(fluid.peak_depth - ticks.peak_depth) < 1e-3 * c[0] + 1);
        if (!is_emptied_early) /* else the last arrival, not the last wait, ends the ticks */
            assert_true(fabs(fluid.empty_s - ticks.empty_s) < 0.05);
    }
}

static void a_short_stop_is_made_up_while_messages_still_arrive(void **state)
{
    /* 100/s for 60 s, stopped for 10 s: 1,000 wait; at 200/s they are gone after 10 s more. */
    struct nw_model_burst stopped = burst(6000, 60, 200, 10);
    assert_is(stopped.peak_depth, 1000);
    assert_is(stopped.empty_s, 10 + 1000.0 / (200 - 100));
    assert_is(stopped.age_max_s, 10);
}

static void without_workers_it_never_drains(void **state)
{
    struct nw_model_burst dead = burst(10, 60, 0, 0);
    assert_string_equal(dead.reason, "never-drains");
    assert_true(dead.peak_depth == 10 && dead.empty_s == 0);
    assert_null(burst(0, 60, 0, 0).reason); /* nothing to drain */
    assert_true(burst(0, 0, 200, 30).peak_depth == 0);
}

static void slower_workers_than_arrivals_never_catch_up(void **state)
{
    struct nw_model_catchup lost = catch_up(100, 250, 200);
    assert_string_equal(lost.reason, "unstable");
    assert_is(lost.growth_per_s, 50);
    assert_string_equal(catch_up(100, 200, 200).reason, "unstable");
    assert_null(catch_up(0, 200, 200).reason);
    assert_true(catch_up(0, 100, 200).catchup_s == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_e1_all_at_once),
        FACT(fact_e1a_spread_evenly_hardly_one_waits),
        FACT(fact_e1c_all_in_the_first_ten_seconds),
        FACT(fact_e1d_workers_stopped_for_a_minute),
        FACT(fact_e2_three_calls_inline),
        FACT(fact_e2l_requests_held_by_little_s_law),
        FACT(fact_e2d_two_minutes_without_mail),
        FACT(fact_e2p_a_partition_has_40_times_the_room),
        FACT(fact_e3_fifteen_minutes_behind),
        FACT(fact_e3c_two_hours_behind),
        FACT(closed_form_and_ticks_agree),
        FACT(a_short_stop_is_made_up_while_messages_still_arrive),
        FACT(without_workers_it_never_drains),
        FACT(slower_workers_than_arrivals_never_catch_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
