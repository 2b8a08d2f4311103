/*
 * The contract of model/queueing.h for open queues. Values of many digits come from mpmath at 40
 * digits: sums over states, the recursion of Erlang B and its form by the incomplete gamma
 * function, roots of tails that were integrated numerically.
 */
#include "model/queueing.h"

#include <float.h>

#include "near.h"

static struct nw_model_mmc steady(uint64_t servers, double arrive_per_s, double serve_per_s)
{
    struct nw_model_mmc mmc;
    assert_int_equal(nw_model_mmc_solve(servers, arrive_per_s, serve_per_s, &mmc),
                     NW_MODEL_QUEUE_STEADY);
    return mmc;
}

static void fact_e2l_threads_held(void **state)
{
    assert_near(nw_model_little_count(5000.0 / 60, 0.6), 50, 1e-12);
    assert_near(nw_model_little_count(5000.0 / 60, 0.05), 4.166666666666667, 1e-12);
}

static void fact_l1_waits_of_a_fleet(void **state)
{
    static const struct {
        uint64_t nodes;
        double utilisation, wait_probability, wait_ms, wait_ms_p99;
    } rows[] = {
        {20, 0.966666666666667, 0.832471492889244, 4.16235746444622, 22.1090694274929},
        {22, 0.878787878787879, 0.456148946397548, 0.570186182996935, 4.77529287502859},
        {26, 0.743589743589744, 0.105485528258933, 0.0527427641294663, 1.17799433880595},
        {30, 0.644444444444444, 0.0164989856098051, 0.00515593300306409, 0.156473064946561},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_model_mmc mmc = steady(rows[i].nodes, 5800, 300);
        assert_near(mmc.utilisation, rows[i].utilisation, 1e-12);
        assert_near(mmc.wait_probability, rows[i].wait_probability, 1e-12);
        assert_near(mmc.wait_s * 1e3, rows[i].wait_ms, 1e-12);
        assert_near(nw_model_mmc_wait_s_quantile(&mmc, 0.99) * 1e3, rows[i].wait_ms_p99, 1e-12);
    }
}

static void fact_l2_utilisation_of_a_fleet(void **state)
{
    assert_near(round(steady(56, 100000, 1800).utilisation * 1e4), 9921, 0);
    assert_near(round(steady(66, 100000, 1800).utilisation * 1e4), 8418, 0);
    assert_near(round(steady(99, 100000, 1800).utilisation * 1e4), 5612, 0);
    assert_near(round(steady(99, 100000, 1530).utilisation * 1e4), 6602, 0);
    assert_near(nw_model_utilisation_count(100000, 1 / 1800.0) / 56, 125.0 / 126, 1e-12);
}

static void fact_l3_erlang(void **state)
{
    assert_near(nw_model_erlang_b(10, 10), 0.214582343107347, 1e-13);
    assert_near(nw_model_erlang_b(100, 90), 0.0269573804643592, 1e-13);
    assert_near(nw_model_erlang_b(100000, 99000), 8.22577559850422e-6, 1e-12);
    assert_near(nw_model_erlang_c(10, 8), 0.409180150796444, 1e-13);
    assert_near(nw_model_erlang_c(100, 90), 0.216940480906366, 1e-13);
}

static void fact_l4_textbook_queues(void **state)
{
    struct nw_model_mmc one = steady(1, 0.8, 1);
    assert_near(one.inside_count, 4, 1e-12);
    assert_near(one.response_s, 5, 1e-12);
    assert_near(nw_model_mmc_response_s_quantile(&one, 0.99), 23.0258509299405, 1e-12);

    struct nw_model_mmck k;
    assert_int_equal(nw_model_mmck_solve(1, 10, 0.8, 1, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.loss_probability, 0.0234928575799056, 1e-12);
    assert_int_equal(nw_model_mmck_solve(4, 20, 3.6, 1, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.loss_probability, 0.0168049823021886, 1e-12);
    assert_near(k.waiting_count, 4.22970607280909, 1e-12);
}

static void fact_l5_other_variabilities(void **state)
{
    struct nw_model_mmc mmc = steady(22, 5800, 300);
    assert_near(nw_model_allen_cunneen_wait_s(mmc.wait_s, 1, 0) * 1e3, 0.570186182996935 / 2,
                1e-12);
    double response_s, growth_per_s;
    assert_int_equal(nw_model_mg1_ps_response_s(240, 1 / 300.0, &response_s, &growth_per_s),
                     NW_MODEL_QUEUE_STEADY);
    assert_near(response_s, 0.05 / 3, 1e-12);
    assert_near(growth_per_s, 0, 0);
}

static void one_server_without_room_is_the_textbook_fraction(void **state)
{
    for (double load = 1e-6; load < 1e7; load *= 3)
        assert_near(nw_model_erlang_b(1, load), load / (1 + load), 1e-14);
    assert_near(nw_model_erlang_b(0, 5), 1, 0);
    assert_near(nw_model_erlang_b(0, 0), 1, 0);
    assert_near(nw_model_erlang_b(3, 0), 0, 0);
}

/* The recursion itself, from 0: the other form of what begins late. */
static double b_from_the_start(uint64_t servers, double load)
{
    double inverse = 1;
    for (uint64_t n = 1; n <= servers; n++)
        inverse = 1 + inverse * (double)n / load;
    return 1 / inverse;
}

static void beginning_late_changes_no_digit(void **state)
{
    static const struct {
        uint64_t servers;
        double load, b; /* b: of mpmath */
    } rows[] = {{101, 101, 0.0753442016068898},   {120, 100, 0.00569005460686993},
                {301, 250, 0.000174699015830595}, {200, 1000, 0.800249222869485},
                {1000, 2000, 0.500498015814808},  {5000, 5200, 0.042456785461886},
                {1000, 500, 1.65241512775134e-86}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        assert_near(nw_model_erlang_b(rows[i].servers, rows[i].load), rows[i].b, 1e-12);
        assert_near(b_from_the_start(rows[i].servers, rows[i].load), rows[i].b, 1e-12);
    }
    assert_near(nw_model_erlang_b(1000000, 999500.25), b_from_the_start(1000000, 999500.25), 1e-10);
    assert_near(nw_model_erlang_b(1000000, 1e6), b_from_the_start(1000000, 1e6), 1e-10);
}

/* At load = servers 1/B is 1 + Ramanujan's Q, whose series is known: an independent form. */
static void a_billion_servers_are_no_work(void **state)
{
    for (double c = 1e4; c < 2e9; c *= 10) {
        double root = sqrt(3.14159265358979324 * c / 2);
        double inverse = root + 2 / 3.0 + root / (12 * c) - 4 / (135 * c);
        assert_near(nw_model_erlang_b((uint64_t)c, c), 1 / inverse, 1e-10);
    }
    assert_near(nw_model_erlang_b(1000000000, 1), 0, 0);
}

static void more_servers_refuse_less_and_more_load_more(void **state)
{
    for (double load = 0.5; load < 400; load *= 1.7) {
        double last = 1;
        for (uint64_t servers = 1; servers < 300; servers++) {
            double b = nw_model_erlang_b(servers, load), c = nw_model_erlang_c(servers, load);
            assert_true(b < last || b == 0);
            assert_true(nw_model_erlang_b(servers, load * 1.01) >= b);
            assert_true(c >= b && c <= 1);
            last = b;
        }
    }
}

static void wait_is_zero_for_whom_need_not_wait(void **state)
{
    struct nw_model_mmc mmc = steady(30, 5800, 300);
    assert_near(nw_model_mmc_wait_s_quantile(&mmc, 0.5), 0, 0);
    assert_near(nw_model_mmc_wait_s_quantile(&mmc, 1 - mmc.wait_probability), 0, 0);
    assert_true(nw_model_mmc_wait_s_quantile(&mmc, 0.9836) > 0);
    struct nw_model_mmc idle = steady(3, 0, 2);
    assert_near(idle.wait_s, 0, 0);
    assert_near(idle.response_s, 0.5, 0);
    assert_near(nw_model_mmc_wait_s_quantile(&idle, 0.999), 0, 0);
    assert_near(nw_model_mmc_response_s_quantile(&idle, 0.5), 0.34657359027997264, 1e-14);
}

static void response_percentiles_fold_wait_and_service(void **state)
{
    struct nw_model_mmc mmc = steady(4, 3.6, 1);
    assert_near(nw_model_mmc_response_s_quantile(&mmc, 0.99), 12.1931674361991, 1e-12);
    mmc = steady(22, 5800, 300);
    assert_near(nw_model_mmc_response_s_quantile(&mmc, 0.99), 0.0161567374545988, 1e-12);
    mmc = steady(2, 1, 1); /* spare and service rate are the same */
    assert_near(nw_model_mmc_response_s_quantile(&mmc, 0.95), 3.81646030516783, 1e-12);
    assert_near(nw_model_mmc_response_s_quantile(&mmc, 0), 0, 0);
    for (double rate = 0.999; rate < 1.001; rate += 1e-4) { /* and nearly the same */
        mmc = steady(2, rate, 1);
        assert_near(nw_model_mmc_response_s_quantile(&mmc, 0.95), 3.81646030516783, 2e-3);
    }
}

static void a_queue_at_its_limit_is_unstable_and_says_how_fast_it_grows(void **state)
{
    struct nw_model_mmc mmc;
    assert_int_equal(nw_model_mmc_solve(19, 5800, 300, &mmc), NW_MODEL_QUEUE_UNSTABLE);
    assert_near(mmc.growth_per_s, 100, 1e-12);
    assert_near(mmc.utilisation, 5800 / 5700.0, 1e-12);
    assert_near(mmc.wait_s, 0, 0);
    assert_int_equal(nw_model_mmc_solve(10, 10, 1, &mmc), NW_MODEL_QUEUE_UNSTABLE);
    assert_near(mmc.growth_per_s, 0, 0);
    assert_near(nw_model_erlang_c(10, 10), 1, 0);
    double response_s, growth_per_s;
    assert_int_equal(nw_model_mg1_ps_response_s(310, 1 / 300.0, &response_s, &growth_per_s),
                     NW_MODEL_QUEUE_UNSTABLE);
    assert_near(growth_per_s, 10, 1e-9);
    assert_string_equal(nw_model_queue_verdict_name(NW_MODEL_QUEUE_STEADY), "steady");
    assert_string_equal(nw_model_queue_verdict_name(NW_MODEL_QUEUE_UNSTABLE), "unstable");
    assert_string_equal(nw_model_queue_verdict_name(NW_MODEL_QUEUE_INVALID), "invalid");
}

/* Up to the last double below the edge: finite, and the more the nearer. */
static void nothing_infinite_comes_from_near_the_edge(void **state)
{
    double last = 0;
    for (double idle = 0.5; idle > 1e-14; idle /= 2) {
        struct nw_model_mmc mmc;
        if (nw_model_mmc_solve(7, 7 * (1 - idle), 1, &mmc) != NW_MODEL_QUEUE_STEADY) {
            assert_true(idle < 2e-12);
            continue;
        }
        assert_true(isfinite(mmc.wait_s) && mmc.wait_s > last);
        assert_true(isfinite(nw_model_mmc_response_s_quantile(&mmc, 0.999)));
        last = mmc.wait_s;
    }
}

static void what_is_no_queue_is_invalid_and_writes_nothing(void **state)
{
    static const double bad[] = {-1, NAN, INFINITY, -INFINITY, 1e101, DBL_MIN};
    struct nw_model_mmc mmc = {.wait_s = 42};
    struct nw_model_mmck k = {.wait_s = 42};
    double response_s = 42, growth_per_s = 42;
    for (size_t i = 0; i < NW_COUNT(bad); i++) {
        assert_int_equal(nw_model_mmc_solve(1, bad[i], 1, &mmc), NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_mmc_solve(1, 0.5, bad[i], &mmc), NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_mmck_solve(1, 2, bad[i], 1, &k), NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_mmck_solve(1, 2, 1, bad[i], &k), NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_mg1_ps_response_s(bad[i], 1, &response_s, &growth_per_s),
                         NW_MODEL_QUEUE_INVALID);
        assert_int_equal(nw_model_mg1_ps_response_s(1, bad[i], &response_s, &growth_per_s),
                         NW_MODEL_QUEUE_INVALID);
    }
    assert_int_equal(nw_model_mmc_solve(0, 0.5, 1, &mmc), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_mmc_solve(NW_MODEL_SERVERS_MAX + 1ull, 0.5, 1, &mmc),
                     NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_mmck_solve(3, 2, 1, 1, &k), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_mmck_solve(3, UINT64_MAX, 1, 1, &k), NW_MODEL_QUEUE_INVALID);
    assert_near(mmc.wait_s + k.wait_s + response_s + growth_per_s, 4 * 42, 0);
}

static void a_bounded_queue_loses_what_the_sum_over_its_states_says(void **state)
{
    static const struct {
        uint64_t servers, places;
        double load, loss, waiting, inside;
    } rows[] = {
        {4, 20, 4, 0.0520325203252033, 7.07642276422764, 10.8682926829268},
        {4, 20, 8, 0.500000990929183, 15.0000449866948, 19.0000370592613},
        {4, 4, 3, 0.206106870229008, 0, 2.38167938931298},
        {1, 1, 1e6, 0.999999000001, 0, 0.999999000001},
        {3, 1000, 2.9999, 0.000983553146363813, 494.78117273297, 497.778122171887},
        {3, 1000, 3.0003, 0.00105088912670481, 505.887832357681, 508.884979375034},
        {2, 50, 0.01, 1.75868164696841e-115, 2.50006250156254e-7, 0.0100002500062502},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        struct nw_model_mmck k;
        assert_int_equal(
            nw_model_mmck_solve(rows[i].servers, rows[i].places, rows[i].load * 5, 5, &k),
            NW_MODEL_QUEUE_STEADY);
        assert_near(k.loss_probability, rows[i].loss, 2e-11);
        assert_near(k.waiting_count, rows[i].waiting, 2e-11);
        assert_near(k.inside_count, rows[i].inside, 1e-11);
        assert_near(k.wait_s * k.accepted_per_s, k.waiting_count, 1e-12);
        assert_near(k.response_s * k.accepted_per_s, k.inside_count, 1e-12);
    }
}

static void a_bounded_queue_survives_any_load(void **state)
{
    struct nw_model_mmck k;
    assert_int_equal(nw_model_mmck_solve(2, 1000000, 1e100, 1e-100, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.loss_probability, 1, 0);
    assert_near(k.accepted_per_s, 2e-100, 1e-12);
    assert_near(k.waiting_count, 999998, 1e-12);
    assert_int_equal(nw_model_mmck_solve(2, 2, 1e100, 1, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.accepted_per_s, 2, 1e-12);
    assert_int_equal(nw_model_mmck_solve(2, 10, 0, 1, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.loss_probability + k.waiting_count + k.wait_s + k.utilisation, 0, 0);
    assert_int_equal(nw_model_mmck_solve(4, 1000000000000000u, 3.6, 1, &k), NW_MODEL_QUEUE_STEADY);
    assert_near(k.wait_s, steady(4, 3.6, 1).wait_s, 1e-12); /* room for all: M/M/c */
}

static const struct nw_model_open_station shop[] = {
    {.servers = 22, .visits = 1, .serve_per_s = 300},
    {.servers = 4, .visits = 1.5, .serve_per_s = 2500},
};

static void an_open_network_is_the_sum_of_its_stations(void **state)
{
    struct nw_model_open open;
    struct nw_model_mmc stations[2], app = steady(22, 5800, 300), db = steady(4, 8700, 2500);
    assert_int_equal(nw_model_open_solve(shop, 2, 5800, &open, stations), NW_MODEL_QUEUE_STEADY);
    assert_near(open.response_s, app.response_s + 1.5 * db.response_s, 1e-14);
    assert_near(open.wait_s, app.wait_s + 1.5 * db.wait_s, 1e-14);
    assert_memory_equal(&stations[0], &app, sizeof app);
    assert_memory_equal(&stations[1], &db, sizeof db);
    assert_near(open.rate_per_s_max, 6600, 1e-12); /* 22 x 300 < 4 x 2500 / 1.5 */
    assert_near(open.utilisation, app.utilisation, 1e-14);
    assert_int_equal(open.bottleneck_index, 0);
}

static void an_open_network_is_unstable_where_its_first_station_is(void **state)
{
    struct nw_model_open open;
    struct nw_model_mmc stations[2] = {{.wait_s = 42}, {.wait_s = 42}};
    assert_int_equal(nw_model_open_solve(shop, 2, 6650, &open, stations), NW_MODEL_QUEUE_UNSTABLE);
    assert_near(open.growth_per_s, 50, 1e-9);
    assert_near(open.response_s, 0, 0);
    assert_near(stations[0].wait_s + stations[1].wait_s, 84, 0);
    struct nw_model_open_station none = {.servers = 1, .visits = 0, .serve_per_s = 1};
    struct nw_model_open_station bad = {.servers = 1, .visits = 1, .serve_per_s = 0};
    assert_int_equal(nw_model_open_solve(&none, 1, 1, &open, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_open_solve(&bad, 1, 1, &open, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_open_solve(shop, 0, 1, &open, NULL), NW_MODEL_QUEUE_INVALID);
    assert_int_equal(nw_model_open_solve(shop, 2, NAN, &open, NULL), NW_MODEL_QUEUE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fact_e2l_threads_held),
        cmocka_unit_test(fact_l1_waits_of_a_fleet),
        cmocka_unit_test(fact_l2_utilisation_of_a_fleet),
        cmocka_unit_test(fact_l3_erlang),
        cmocka_unit_test(fact_l4_textbook_queues),
        cmocka_unit_test(fact_l5_other_variabilities),
        cmocka_unit_test(one_server_without_room_is_the_textbook_fraction),
        cmocka_unit_test(beginning_late_changes_no_digit),
        cmocka_unit_test(a_billion_servers_are_no_work),
        cmocka_unit_test(more_servers_refuse_less_and_more_load_more),
        cmocka_unit_test(wait_is_zero_for_whom_need_not_wait),
        cmocka_unit_test(response_percentiles_fold_wait_and_service),
        cmocka_unit_test(a_queue_at_its_limit_is_unstable_and_says_how_fast_it_grows),
        cmocka_unit_test(nothing_infinite_comes_from_near_the_edge),
        cmocka_unit_test(what_is_no_queue_is_invalid_and_writes_nothing),
        cmocka_unit_test(a_bounded_queue_loses_what_the_sum_over_its_states_says),
        cmocka_unit_test(a_bounded_queue_survives_any_load),
        cmocka_unit_test(an_open_network_is_the_sum_of_its_stations),
        cmocka_unit_test(an_open_network_is_unstable_where_its_first_station_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
