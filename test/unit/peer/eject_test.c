/* The contract of peer/peer.h: verdicts by live traffic, and the retry budget. */
#include "origin.h"

/* One try on the set, reported as told, without a byte. Returns which origin had it. */
static unsigned try_as(struct site *site, const struct nw_peer_want *want, nw_peer_outcome outcome)
{
    struct nw_peer_try try;
    CHECK_OK(nw_peer_try_begin(site->set, want, &try));
    unsigned index = 0;
    while (strcmp(nw_peer_node_name(try.node), site->origins[index].address) != 0)
        index++;
    nw_peer_try_report(&try, outcome, outcome == NW_PEER_OK ? 100 : 0);
    nw_peer_try_end(&try, outcome == NW_PEER_OK);
    return index;
}

struct only {
    const struct site *site;
    unsigned index;
};

static bool is_only(const struct nw_peer_node *node, const void *arg)
{
    const struct only *only = arg;
    return strcmp(nw_peer_node_name(node), only->site->origins[only->index].address) == 0;
}

/* `count` tries on one node. */
static void try_on(struct site *site, unsigned index, unsigned count, nw_peer_outcome outcome)
{
    struct only only = {site, index};
    struct nw_peer_want want = {.eligible = is_only, .eligible_arg = &only};
    for (unsigned i = 0; i < count; i++)
        CHECK(try_as(site, &want, outcome) == index);
}

static double ejections(struct world *world)
{
    return metric_of(world, "node_state_changes_total", "state=ejected");
}

static double nodes_up(struct world *world)
{
    return metric_of(world, "node_up", NULL);
}

static void break_five(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 0, 4, NW_PEER_RESET_);
    try_on(&site, 0, 1, NW_PEER_OK);
    /* The kept connection's reset says nothing: the node may have closed it rightfully. */
    try_on(&site, 0, 1 + 4, NW_PEER_RESET_);
    CHECK(nodes_up(world) == 2);
    try_on(&site, 0, 1, NW_PEER_RESET_);
    CHECK(nodes_up(world) == 1 && ejections(world) == 1);
    for (unsigned i = 0; i < 10; i++)
        CHECK(try_as(&site, NULL, NW_PEER_OK) == 1);
    site_close(&site);
}

static void five_resets_in_a_row_eject(void **state)
{
    run(1, break_five);
}

static void return_by_trial(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 0, 5, NW_PEER_RESET_);
    uint64_t out_ms = 5000;
    for (unsigned round = 0; round < 8; round++) {
        CHECK(nodes_up(world) == 1 && ejections(world) == round + 1);
        advance(world, out_ms - 100);
        for (unsigned i = 0; i < 4; i++)
            CHECK(try_as(&site, NULL, NW_PEER_OK) == 1);
        advance(world, 200);
        CHECK(try_as(&site, NULL, NW_PEER_RESET_) == 0); /* the trial fails */
        for (unsigned i = 0; i < 4; i++)
            CHECK(try_as(&site, NULL, NW_PEER_OK) == 1);
        out_ms = out_ms * 2 < 300000 ? out_ms * 2 : 300000;
    }
    advance(world, 300100);
    CHECK(try_as(&site, NULL, NW_PEER_OK) == 0); /* the trial succeeds */
    CHECK(nodes_up(world) == 2);
    unsigned on_first = 0;
    for (unsigned i = 0; i < 10; i++)
        on_first += try_as(&site, NULL, NW_PEER_OK) == 0;
    CHECK(on_first == 5);
    site_close(&site);
}

static void an_ejected_node_returns_by_one_trial_after_doubling_times(void **state)
{
    run(1, return_by_trial);
}

static void one_trial_at_a_time(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 0, 5, NW_PEER_RESET_);
    advance(world, 5100);
    struct nw_peer_try trial;
    hold(site.set, &trial);
    CHECK(trial.is_trial && strcmp(nw_peer_node_name(trial.node), site.origins[0].address) == 0);
    for (unsigned i = 0; i < 6; i++)
        CHECK(try_as(&site, NULL, NW_PEER_OK) == 1);
    nw_peer_try_report(&trial, NW_PEER_ABANDONED, 0); /* says nothing: the next one is asked */
    nw_peer_try_end(&trial, false);
    CHECK(nodes_up(world) == 1);
    CHECK(try_as(&site, NULL, NW_PEER_OK) == 0);
    CHECK(nodes_up(world) == 2);
    site_close(&site);
}

static void there_is_one_trial_at_a_time(void **state)
{
    run(1, one_trial_at_a_time);
}

static void fail_mostly(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 1, 20, NW_PEER_OK);
    for (unsigned i = 0; i < 9; i++) {
        try_on(&site, 0, 1, NW_PEER_REFUSING);
        try_on(&site, 0, 1, NW_PEER_OK);
    }
    try_on(&site, 0, 1, NW_PEER_TIMEOUT_);
    CHECK(nodes_up(world) == 2); /* 10 of 19 */
    try_on(&site, 0, 1, NW_PEER_REFUSING);
    CHECK(nodes_up(world) == 1); /* 11 of 20 */
    site_close(&site);
}

static void more_than_half_of_twenty_eject_while_another_is_well(void **state)
{
    run(1, fail_mostly);
}

static void fail_everywhere(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    for (unsigned i = 0; i < 40; i++) {
        try_on(&site, 0, 1, NW_PEER_REFUSING);
        try_on(&site, 1, 1, NW_PEER_REFUSING);
    }
    CHECK(nodes_up(world) == 2);
    site_close(&site);
}

static void a_failure_of_all_ejects_none(void **state)
{
    run(1, fail_everywhere);
}

static void fail_plainly(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 1, 100, NW_PEER_OK);
    try_on(&site, 0, 100, NW_PEER_FAILED);
    CHECK(nodes_up(world) == 2);
    site_close(&site);
}

static void plain_failures_never_eject(void **state)
{
    run(1, fail_plainly);
}

static void break_all(struct world *world)
{
    struct site site;
    site_init(&site, 4);
    site_open(world, &site);
    for (unsigned i = 0; i < 4; i++)
        try_on(&site, i, 10, NW_PEER_RESET_);
    CHECK(nodes_up(world) == 2 && ejections(world) == 2);
    site_close(&site);
}

static void live_traffic_takes_out_at_most_half(void **state)
{
    run(1, break_all);
}

static void refuse_all(struct world *world)
{
    struct site site;
    site_init(&site, 4);
    site_open(world, &site);
    for (unsigned i = 0; i < 4; i++)
        origin_stop(&site.origins[i]);
    for (unsigned i = 0; i < 60; i++) {
        struct nw_peer_try try;
        CHECK_ERR(nw_peer_try_begin(site.set, NULL, &try), NW_REFUSED);
    }
    CHECK(nodes_up(world) == 1 && ejections(world) == 3);
    CHECK(nw_peer_set_is_usable(site.set));
    site_close(&site);
}

static void refused_connects_are_believed_but_the_last_node_stays(void **state)
{
    run(1, refuse_all);
}

static void fail_fast(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.spec.balance = NW_BALANCE_LATENCY;
    site_open(world, &site);
    try_on(&site, 0, 1, NW_PEER_OK);
    try_on(&site, 0, 1, NW_PEER_FAILED); /* at once, and never ejected for it */
    try_on(&site, 1, 1, NW_PEER_OK);
    for (unsigned i = 0; i < 200; i++)
        CHECK(try_as(&site, NULL, NW_PEER_OK) == 1);
    site_close(&site);
}

static void a_node_that_fails_fast_attracts_nothing(void **state)
{
    run(1, fail_fast);
}

static void spend_retries(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    unsigned allowed = 0;
    for (unsigned i = 0; i < 10; i++)
        allowed += nw_peer_may_retry(site.set);
    CHECK(allowed == 3);
    CHECK(metric_of(world, "service_retries_denied_total", NULL) == 7);
    try_on(&site, 0, 203, NW_PEER_OK);
    allowed = 0;
    for (unsigned i = 0; i < 100; i++) {
        if (!nw_peer_may_retry(site.set))
            continue;
        try_on(&site, 0, 1, NW_PEER_OK);
        allowed++;
    }
    CHECK(allowed == 17); /* a tenth of 200 requests, 3 are spent */
    advance(world, 11000);
    allowed = 0;
    for (unsigned i = 0; i < 10; i++)
        allowed += nw_peer_may_retry(site.set);
    CHECK(allowed == 3);
    site_close(&site);
}

static void retries_are_a_tenth_of_requests_or_three_a_second(void **state)
{
    run(1, spend_retries);
}

static void answer_while_none_is_up(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    try_on(&site, 0, 5, NW_PEER_RESET_);
    nw_peer_node_judge(nw_peer_set_find(site.set, site.origins[1].address), false, "test");
    CHECK(nodes_up(world) == 0);
    try_on(&site, 0, 1, NW_PEER_OK); /* seconds before its time is over */
    CHECK(nodes_up(world) == 1);
    site_close(&site);
}

static void an_answer_brings_an_ejected_node_back_when_none_is_up(void **state)
{
    run(1, answer_while_none_is_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_resets_in_a_row_eject),
        cmocka_unit_test(an_ejected_node_returns_by_one_trial_after_doubling_times),
        cmocka_unit_test(there_is_one_trial_at_a_time),
        cmocka_unit_test(more_than_half_of_twenty_eject_while_another_is_well),
        cmocka_unit_test(a_failure_of_all_ejects_none),
        cmocka_unit_test(plain_failures_never_eject),
        cmocka_unit_test(live_traffic_takes_out_at_most_half),
        cmocka_unit_test(refused_connects_are_believed_but_the_last_node_stays),
        cmocka_unit_test(a_node_that_fails_fast_attracts_nothing),
        cmocka_unit_test(an_answer_brings_an_ejected_node_back_when_none_is_up),
        cmocka_unit_test(retries_are_a_tenth_of_requests_or_three_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
