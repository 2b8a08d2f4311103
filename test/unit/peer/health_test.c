/* The contract of peer/peer.h: active checks, verdicts from outside, slow start. */
#include "origin.h"

static nw_peer_state state_of(struct site *site, unsigned index)
{
    /* Only tests look a node up by its text. */
    struct nw_text json = {0};
    nw_peer_set_status(site->set, &json);
    char key[NW_ADDR_TEXT_MAX_BYTES + 32];
    snprintf(key, sizeof key, "\"address\":\"%s\",\"state\":\"", site->origins[index].address);
    const char *at = strstr(json.ptr, key);
    CHECK(at != NULL);
    static const char *const names[] = {"unknown", "up", "slow-start", "down", "draining"};
    int state = -1;
    at += strlen(key);
    for (int i = 0; i < 5; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0 && at[strlen(names[i])] == '"')
            state = i;
    if (strncmp(at, "slow\"", 5) == 0)
        state = 100;
    nw_text_done(&json);
    CHECK(state >= 0);
    return (nw_peer_state)state;
}

static void fall_and_rise(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.spec.has_health = true;
    CHECK_OK(nw_peer_set_new(world->registry, &site.spec, &site.set));
    CHECK(state_of(&site, 0) == NW_PEER_UNKNOWN);
    CHECK(nw_peer_set_is_usable(site.set));
    nw_peer_set_start(site.set);
    EVENTUALLY(state_of(&site, 0) == NW_PEER_UP && state_of(&site, 1) == NW_PEER_UP);
    site.origins[0].manner = ORIGIN_BREAKS;
    double bad = 0;
    while (bad < 2) {
        CHECK(state_of(&site, 0) == NW_PEER_UP);
        advance(world, 1100);
        EVENTUALLY(metric_of(world, "node_probes_total", "outcome=bad") > bad);
        bad = metric_of(world, "node_probes_total", "outcome=bad");
    }
    CHECK(bad == 2 && state_of(&site, 0) == NW_PEER_DOWN);
    for (unsigned i = 0; i < 6; i++)
        CHECK_OK(ask(site.set));
    CHECK(metric_of(world, "node_requests_total", "class=ok") == 6);
    site.origins[0].manner = ORIGIN_ANSWERS;
    for (unsigned i = 0; i < 2; i++) {
        CHECK(state_of(&site, 0) == NW_PEER_DOWN);
        unsigned before = site.origins[0].requests;
        advance(world, 1100);
        EVENTUALLY(site.origins[0].requests > before);
        CHECK_OK(nw_sleep(2));
    }
    EVENTUALLY(state_of(&site, 0) == NW_PEER_UP);
    site_close(&site);
}

static void a_node_falls_and_rises_by_its_probes(void **state)
{
    run(1, fall_and_rise);
}

static void be_slow(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.spec.has_health = true;
    site.spec.health_every_ms = 20;
    site.spec.health_timeout_ms = 5;
    site.spec.health_fall = 1;
    site_open(world, &site);
    EVENTUALLY(state_of(&site, 0) == NW_PEER_UP);
    site.origins[0].manner = ORIGIN_HANGS; /* for probes; live answers are reported by hand */
    for (unsigned i = 0; metric_of(world, "node_probes_total", "outcome=bad") < 5; i++) {
        CHECK(i < CHECK_WAIT_MS);
        struct nw_peer_try try;
        hold(site.set, &try);
        nw_peer_try_report(&try, NW_PEER_OK, 100);
        nw_peer_try_end(&try, false);
        CHECK_OK(nw_sleep(1));
        CHECK(state_of(&site, 0) != NW_PEER_DOWN);
    }
    CHECK(state_of(&site, 0) == 100);
    advance(world, 3000); /* no live answer for a while */
    EVENTUALLY(state_of(&site, 0) == NW_PEER_DOWN);
    site_close(&site);
}

static void probes_that_time_out_beside_live_answers_mean_slow_not_down(void **state)
{
    run(1, be_slow);
}

static void all_down(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    struct nw_peer_node *nodes[2];
    struct nw_peer_want want = {0};
    for (unsigned i = 0; i < 2; i++)
        nodes[i] = nw_peer_set_find(site.set, site.origins[i].address);
    CHECK(nodes[0] != NULL && nodes[1] != NULL);
    CHECK(nw_peer_set_find(site.set, "nobody:1") == NULL);
    nw_peer_node_judge(nodes[0], false, "said so");
    for (unsigned i = 0; i < 4; i++) {
        const struct nw_peer_node *node;
        CHECK_OK(ask_for(site.set, &want, &node));
        CHECK(node == nodes[1]);
    }
    CHECK(metric_of(world, "service_none_up_total", NULL) == 0);
    nw_peer_node_judge(nodes[1], false, "said so");
    CHECK(!nw_peer_set_is_usable(site.set));
    unsigned before[2] = {site.origins[0].requests, site.origins[1].requests};
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(ask(site.set));
    for (unsigned i = 0; i < 2; i++)
        CHECK(site.origins[i].requests == before[i] + 2);
    CHECK(metric_of(world, "service_none_up_total", NULL) == 4);
    nw_peer_node_judge(nodes[0], true, "said so");
    CHECK(nw_peer_node_state(nodes[0]) == NW_PEER_UP);
    CHECK(nw_peer_node_state(nodes[1]) == NW_PEER_DOWN);
    site_close(&site);
}

static void when_none_is_up_all_are_tried_and_counted(void **state)
{
    run(1, all_down);
}

static unsigned share_of_first(struct site *site)
{
    unsigned before = site->origins[0].requests;
    for (unsigned i = 0; i < 110; i++)
        CHECK_OK(ask(site->set));
    return site->origins[0].requests - before;
}

static void recover_slowly(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.spec.slow_start_ms = 10000;
    site_open(world, &site);
    struct nw_peer_node *node = nw_peer_set_find(site.set, site.origins[0].address);
    nw_peer_node_judge(node, true, "test"); /* the first verdict is no recovery */
    CHECK(nw_peer_node_state(node) == NW_PEER_UP && share_of_first(&site) == 55);
    nw_peer_node_judge(node, false, "test");
    nw_peer_node_judge(node, true, "test");
    CHECK(nw_peer_node_state(node) == NW_PEER_SLOW_START);
    CHECK(share_of_first(&site) <= 13); /* 10 of 110 */
    advance(world, 5000);
    unsigned half = share_of_first(&site);
    CHECK(half >= 36 && half <= 42); /* 55 of 155 */
    advance(world, 6000);
    unsigned full = share_of_first(&site);
    CHECK(full >= 54 && full <= 56);
    CHECK(nw_peer_node_state(node) == NW_PEER_UP);
    site_close(&site);
}

static void a_recovered_node_gets_its_share_slowly(void **state)
{
    run(1, recover_slowly);
}

static void leave_while_probed(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.spec.has_health = true;
    site_open(world, &site);
    EVENTUALLY(state_of(&site, 0) == NW_PEER_UP && state_of(&site, 1) == NW_PEER_UP);
    CHECK_OK(nw_peer_set_change(site.set, &site.nodes[1], 1));
    char labels[NW_ADDR_TEXT_MAX_BYTES + 8];
    snprintf(labels, sizeof labels, "node=%s", site.origins[0].address);
    EVENTUALLY(nw_metrics_value(world->metrics, "node_up", labels) !=
               nw_metrics_value(world->metrics, "node_up", labels)); /* NaN: it is gone */
    unsigned before[2] = {site.origins[0].requests, site.origins[1].requests};
    for (unsigned i = 0; i < 3; i++) {
        advance(world, 1100);
        EVENTUALLY(site.origins[1].requests > before[1] + i);
    }
    CHECK(site.origins[0].requests == before[0]);
    CHECK_OK(nw_peer_set_change(site.set, site.nodes, 2));
    EVENTUALLY(site.origins[0].requests > before[0]);
    site_close(&site);
}

static void only_members_are_probed(void **state)
{
    run(1, leave_while_probed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_falls_and_rises_by_its_probes),
        cmocka_unit_test(probes_that_time_out_beside_live_answers_mean_slow_not_down),
        cmocka_unit_test(only_members_are_probed),
        cmocka_unit_test(when_none_is_up_all_are_tried_and_counted),
        cmocka_unit_test(a_recovered_node_gets_its_share_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
