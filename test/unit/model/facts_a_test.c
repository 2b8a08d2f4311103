/* Worked examples A1 to A12: volume and units. */
#include "facts.h"
#include "model/queuemath.h"
#include "model/volume.h"

static struct nw_model_volume by_requests(double per_day, double peak)
{
    const struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_REQUESTS,
        .requests_per_s = nw_model_given(per_day / 86400),
        .peak = nw_model_given(peak),
        .growth = nw_model_given(1),
    };
    return nw_model_volume_count(&(struct nw_model_volume_in){.load = &load}, &facts_steps);
}

static struct nw_model_volume by_users(double users, double first_day, double second_day,
                                       double peak)
{
    const struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_USERS,
        .users = nw_model_given(users),
        .peak = nw_model_given(peak),
        .growth = nw_model_given(1),
    };
    const struct nw_model_action actions[] = {{"feed", nw_model_given(first_day / 86400)},
                                              {"upload", nw_model_given(second_day / 86400)}};
    const struct nw_model_volume_in in = {&load, actions, second_day > 0 ? 2 : 1};
    return nw_model_volume_count(&in, &facts_steps);
}

static struct nw_model_traffic traffic(double rate_per_s, double retention_s)
{
    const struct nw_model_traffic_in in = {
        .at = "load",
        .average_per_s = nw_model_given(rate_per_s),
        .peak_per_s = nw_model_given(rate_per_s),
        .request_bytes = nw_model_given(1000),
        .answer_bytes = nw_model_given(1000),
        .log_bytes = nw_model_given(1000),
        .retention_s = nw_model_given(retention_s),
    };
    return nw_model_traffic_count(&in, &facts_steps);
}

static void fact_a1_a_day_of_100m_is_1157_a_second(void **state)
{
    struct nw_model_volume volume = by_requests(100e6, 3);
    assert_is(volume.average_per_s, 100e6 / 24 / 60 / 60);
    assert_shows(volume.average_per_s, 1157.407, 3);
    assert_step("load.average_per_s", 100e6 / 86400, "1,157, then ~1,160");
}

static void fact_a2_peaks_of_3_and_5(void **state)
{
    assert_shows(by_requests(100e6, 3).peak_per_s, 3472.2, 1);
    assert_step("load.peak_per_s", 300e6 / 86400, "3,480 (from 1,160)");
    assert_shows(by_requests(100e6, 5).peak_per_s, 5787.0, 1);
    assert_step("load.peak_per_s", 500e6 / 86400, "5,800 (from 1,160)");
}

static void fact_a3_a_billion_a_day_at_peak(void **state)
{
    assert_shows(by_requests(1e9, 5).peak_per_s, 57870.4, 1);
    assert_step("load.peak_per_s", 5e9 / 86400, "~58,000");
}

static void fact_a4_users_times_views(void **state)
{
    struct nw_model_volume volume = by_users(200e6, 5, 0, 3);
    assert_is(volume.per_day, 1e9);
    assert_shows(volume.average_per_s, 11574.1, 1);
    assert_shows(volume.peak_per_s, 34722.2, 1);
    assert_step("load.average_per_s", 1e9 / 86400, "~11,500");
    assert_step("load.peak_per_s", 3e9 / 86400, "~35,000");
}

static void fact_a5_reads_and_uploads_of_50m_users(void **state)
{
    struct nw_model_volume volume = by_users(50e6, 4, 0.5, 4);
    assert_is(volume.per_day, 225e6);
    assert_shows(volume.average_per_s, 2604.17, 2);
    assert_step("load.average_per_s", 225e6 / 86400, "2,604");
}

static void fact_a6_1000_a_second_are_8_mbit(void **state)
{
    struct nw_model_traffic all = traffic(1000, 86400);
    assert_is(all.out_bytes_per_s, 1e6);
    assert_is(all.out_bits_per_s, 8e6);
    assert_step("load.out_bits_per_s", 8e6, "8 Mbit/s, fine on 1 Gbit/s");
}

static void fact_a7_10000_a_second_are_80_mbit(void **state)
{
    assert_is(traffic(10000, 86400).in_bytes_per_s, 10e6);
    assert_is(traffic(10000, 86400).in_bits_per_s, 80e6);
    assert_step("load.out_bits_per_s", 80e6, "~10 MB/s, fine on 1 Gbit/s");
}

static void fact_a8_logs_of_a_day(void **state)
{
    struct nw_model_traffic all = traffic(1000, 86400);
    assert_is(all.log_bytes_day, 86.4e9);
    assert_is(all.log_bytes, all.log_bytes_day); /* kept for that day */
    assert_shows(all.log_bytes_day / (1 << 30), 80.47, 2);
    assert_step("load.log_bytes_day", 86.4e9, "~80 GB/day");
    assert_is(traffic(1000, 7 * 86400).log_bytes, 7 * 86.4e9);
}

static void fact_a9_messages_kept_for_an_hour_and_for_two(void **state)
{
    struct nw_model_retention_in in = {
        .at = "queues.orders",
        .arrive_per_s = nw_model_given(5000.0 / 60),
        .message_bytes = nw_model_given(1000),
        .retention_s = nw_model_given(60 * 60),
        .topics = nw_model_given(3),
    };
    assert_is(nw_model_queue_retention(&in, &facts_steps), 900e6);
    assert_step("queues.orders.retention_bytes", 900e6, "900 MB");
    in.topics = nw_model_given(1);
    in.retention_s = nw_model_given(120 * 60);
    assert_is(nw_model_queue_retention(&in, &facts_steps), 600e6);
    assert_step("queues.orders.retention_bytes", 600e6, "~600 MB");
}

static void fact_a10_black_friday_is_100_times_a_wednesday(void **state)
{
    const struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_RATE,
        .requests_per_s = nw_model_given(500),
        .peak = nw_model_given(1),
        .growth = nw_model_given(100),
    };
    struct nw_model_volume volume =
        nw_model_volume_count(&(struct nw_model_volume_in){.load = &load}, &facts_steps);
    assert_is(volume.peak_per_s, 50000);
    assert_is(volume.average_per_s, 50000);
    assert_step("load.peak_per_s", 50000, NULL);
}

/* A 0.1; C 0.01; B 0.001; E 0.0000521 on average and 0.000208 at peak; the first over E: 1,920. */
static void fact_a11_rates_per_user_differ_1920_fold(void **state)
{
    struct nw_model_volume feed = by_users(50e6, 4, 0.5, 4);
    double average = feed.average_per_s / 50e6, peak = feed.peak_per_s / 50e6;
    assert_shows(average, 0.0000521, 7);
    assert_shows(peak, 0.000208, 6);
    assert_shows(0.1 / average, 1920, 0);
}

static void fact_a12_where_bandwidth_is_stressed(void **state)
{
    assert_is(traffic(100e3, 86400).out_bits_per_s, 0.8e9);
    assert_step("load.out_bits_per_s", 0.8e9, "bandwidth stressed");
    assert_is(traffic(10e6, 86400).out_bits_per_s, 80e9);
    assert_step("load.out_bits_per_s", 80e9, "bandwidth stressed");
}

/* ---- beyond the worked examples ---- */

static void prints_values(const char *path, const char *values)
{
    struct nw_text text = {0};
    nw_model_step_print_values(&text, nw_model_steps_find(&facts_steps, path));
    assert_string_equal(text.ptr, values);
    nw_text_done(&text);
}

static void the_photo_feed_s_lines_are_those_on_the_page(void **state)
{
    by_users(50e6, 4, 0.5, 4);
    prints_values("load.requests_day", "50,000,000 users x (4 + 0.5)/d");
    prints_values("load.average_per_s", "225,000,000 / 86,400 s");
    prints_values("load.peak_per_s", "2,604.2 x 4 load.peak");
}

static void a_stated_rate_stays_as_it_is(void **state)
{
    const struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_RATE,
        .requests_per_s = nw_model_given(5800),
        .peak = nw_model_given(3),
        .growth = nw_model_given(1),
    };
    struct nw_model_volume volume =
        nw_model_volume_count(&(struct nw_model_volume_in){.load = &load}, &facts_steps);
    assert_true(volume.peak_per_s == 5800);
    assert_is(volume.average_per_s, 5800.0 / 3);
    assert_is(volume.per_day, 5800.0 / 3 * 86400);
    prints_values("load.average_per_s", "5,800 / 3 load.peak");
}

/* Wires carry the peak, each way its own size; logs grow with the average. */
static void wires_follow_the_peak_and_logs_the_average(void **state)
{
    const struct nw_model_traffic_in in = {
        .at = "load",
        .average_per_s = nw_model_given(100),
        .peak_per_s = nw_model_given(500),
        .request_bytes = nw_model_given(2000),
        .answer_bytes = nw_model_given(30000),
        .log_bytes = nw_model_given(700),
        .retention_s = nw_model_given(3600),
    };
    struct nw_model_traffic all = nw_model_traffic_count(&in, &facts_steps);
    assert_is(all.in_bits_per_s, 500 * 2000 * 8);
    assert_is(all.out_bits_per_s, 500 * 30000 * 8);
    assert_is(all.log_bytes_day, 100.0 * 86400 * 700);
    assert_is(all.log_bytes, 100.0 * 3600 * 700);
}

static void growth_multiplies_the_day_the_average_and_the_peak(void **state)
{
    struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_USERS,
        .users = nw_model_given(1000),
        .peak = nw_model_given(5),
        .growth = nw_model_given(2.5),
    };
    const struct nw_model_action action = {"all", nw_model_given(10.0 / 86400)};
    struct nw_model_volume volume =
        nw_model_volume_count(&(struct nw_model_volume_in){&load, &action, 1}, &facts_steps);
    assert_is(volume.per_day, 25000);
    assert_is(volume.peak_per_s, 25000.0 * 5 / 86400);
    prints_values("load.requests_day", "1,000 users x 10/d x 2.50 load.growth");
}

/* More routes than a line holds are told as their sum. */
static void many_routes_are_one_sum(void **state)
{
    struct nw_model_action actions[20];
    for (int i = 0; i < 20; i++)
        actions[i] = (struct nw_model_action){"route", nw_model_given(2.0 / 86400)};
    const struct nw_model_load load = {
        .kind = NW_MODEL_LOAD_USERS,
        .users = nw_model_given(100),
        .peak = nw_model_given(1),
        .growth = nw_model_given(1),
    };
    const struct nw_model_volume_in in = {&load, actions, 20};
    assert_is(nw_model_volume_count(&in, &facts_steps).per_day, 4000);
    prints_values("load.requests_day", "100 users x 40/d");
    assert_is(nw_model_volume_count(&in, NULL).per_day, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(fact_a1_a_day_of_100m_is_1157_a_second),
        FACT(fact_a2_peaks_of_3_and_5),
        FACT(fact_a3_a_billion_a_day_at_peak),
        FACT(fact_a4_users_times_views),
        FACT(fact_a5_reads_and_uploads_of_50m_users),
        FACT(fact_a6_1000_a_second_are_8_mbit),
        FACT(fact_a7_10000_a_second_are_80_mbit),
        FACT(fact_a8_logs_of_a_day),
        FACT(fact_a9_messages_kept_for_an_hour_and_for_two),
        FACT(fact_a10_black_friday_is_100_times_a_wednesday),
        FACT(fact_a11_rates_per_user_differ_1920_fold),
        FACT(fact_a12_where_bandwidth_is_stressed),
        FACT(the_photo_feed_s_lines_are_those_on_the_page),
        FACT(a_stated_rate_stays_as_it_is),
        FACT(wires_follow_the_peak_and_logs_the_average),
        FACT(growth_multiplies_the_day_the_average_and_the_peak),
        FACT(many_routes_are_one_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
