/* The contract of peer/peer.h: sets, reloads, changes of members, status. */
#include "origin.h"

#include <jansson.h>

static void reload(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(ask(site.set));
    struct nw_peer_node *node = nw_peer_set_find(site.set, site.origins[0].address);
    nw_peer_node_judge(node, false, "before the reload");
    struct nw_peer_set *old = site.set;
    site_open(world, &site);
    nw_peer_set_unref(old);
    CHECK(nw_peer_node_state(node) == NW_PEER_DOWN);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 1 && site.origins[1].accepted == 1);
    CHECK(metric_of(world, "node_connects_total", NULL) == 2);
    site_close(&site);
}

static void a_reload_keeps_verdicts_and_idle_connections(void **state)
{
    run(1, reload);
}

static void check_otherwise(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.spec.has_health = true;
    site.spec.health_check = "GET /old";
    site.spec.health_fall = 1;
    site.origins[0].manner = ORIGIN_BREAKS;
    site_open(world, &site);
    EVENTUALLY(!nw_peer_set_is_usable(site.set));
    struct nw_peer_set *old = site.set;
    site_open(world, &site);
    nw_peer_set_unref(old);
    CHECK(!nw_peer_set_is_usable(site.set));
    old = site.set;
    site.origins[0].manner = ORIGIN_ANSWERS;
    site.spec.health_check = "GET /new";
    site_open(world, &site);
    nw_peer_set_unref(old);
    CHECK(nw_peer_set_is_usable(site.set));
    site_close(&site);
}

static void a_verdict_of_another_check_does_not_count(void **state)
{
    run(1, check_otherwise);
}

static void change_members(struct world *world)
{
    struct site site;
    site_init(&site, 3);
    site.spec.node_count = 2;
    site_open(world, &site);
    struct nw_peer_try kept, gone;
    do {
        hold(site.set, &gone);
        if (strcmp(nw_peer_node_name(gone.node), site.origins[0].address) == 0)
            break;
        let_go(&gone);
    } while (true);
    hold(site.set, &kept);
    CHECK_OK(nw_peer_set_change(site.set, &site.nodes[1], 2));
    for (unsigned i = 0; i < 6; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[2].requests == 3);
    let_go(&gone); /* finishes on a node that is in no set any more */
    let_go(&kept);
    CHECK(site.origins[0].requests == 1);
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) ==
               site.origins[1].accepted + site.origins[2].accepted);
    char labels[NW_ADDR_TEXT_MAX_BYTES + 8];
    snprintf(labels, sizeof labels, "node=%s", site.origins[0].address);
    EVENTUALLY(nw_metrics_value(world->metrics, "node_up", labels) !=
               nw_metrics_value(world->metrics, "node_up", labels)); /* NaN: it is gone */
    CHECK(strcmp(nw_peer_node_name(gone.node), site.origins[0].address) == 0);
    site_close(&site);
}

static void a_change_of_members_keeps_what_is_in_flight(void **state)
{
    run(1, change_members);
}

struct hammer {
    struct nw_peer_set *set;
    _Atomic bool is_over;
    _Atomic unsigned served;
};

static void hammer_main(void *arg)
{
    struct hammer *hammer = arg;
    while (!hammer->is_over) {
        CHECK_OK(ask(hammer->set));
        hammer->served++;
    }
}

static void change_under_load(struct world *world)
{
    struct site site;
    site_init(&site, 3);
    site.nodes[1].max_connections = 1;
    site.spec.wait_ms = 60000;
    site_open(world, &site);
    struct hammer hammer = {.set = site.set};
    struct visit visits[6];
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_begin(world, &visits[i], i % 2, hammer_main, &hammer);
    for (unsigned round = 0; round < 60; round++) {
        unsigned served = hammer.served;
        CHECK_OK(nw_peer_set_change(site.set, &site.nodes[round % 3], 3 - round % 3));
        EVENTUALLY(hammer.served > served);
    }
    hammer.is_over = true;
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_end(&visits[i]);
    CHECK(metric_of(world, "node_requests_total", "class=reset") == 0);
    site_close(&site);
}

static void members_change_under_load_without_a_failed_request(void **state)
{
    run(2, change_under_load);
}

static void come_back(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(ask(site.set));
    CHECK_OK(nw_peer_set_change(site.set, &site.nodes[1], 1));
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 1);
    CHECK_OK(nw_peer_set_change(site.set, &site.nodes[0], 2));
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[0].requests == 3 && site.origins[1].requests == 3);
    site_close(&site);
}

static void a_node_that_went_may_come_back(void **state)
{
    run(1, come_back);
}

static void refuse_nonsense(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[1] = (struct nw_peer_node_spec){"nonsense", 1, 0};
    site.spec.node_count = 2;
    struct nw_peer_set *set = NULL;
    CHECK_ERR(nw_peer_set_new(world->registry, &site.spec, &set), NW_INVALID);
    CHECK(set == NULL);
    site.spec.node_count = 0;
    site_open(world, &site);
    CHECK_ERR(ask(site.set), NW_NO_NODE);
    CHECK(!nw_peer_set_is_usable(site.set));
    site_close(&site);
}

static void a_malformed_address_is_refused_and_an_empty_set_serves_none(void **state)
{
    run(1, refuse_nonsense);
}

static void tell(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.nodes[0].weight = 3;
    site.nodes[1].weight = 6;
    site.nodes[1].max_connections = 7;
    site_open(world, &site);
    for (unsigned i = 0; i < 30; i++)
        CHECK_OK(ask(site.set));
    struct nw_text text = {0};
    nw_peer_set_status(site.set, &text);
    json_t *all = json_loadb(text.ptr, text.len, 0, NULL);
    CHECK(all != NULL && json_array_size(all) == 2);
    json_t *node = json_array_get(all, 1);
    CHECK(strcmp(json_string_value(json_object_get(node, "address")), site.nodes[1].address) == 0);
    CHECK(strcmp(json_string_value(json_object_get(node, "state")), "up") == 0);
    CHECK(json_integer_value(json_object_get(node, "weight")) == 6);
    CHECK(json_integer_value(json_object_get(node, "requests")) == 20);
    CHECK(json_integer_value(json_object_get(node, "in_flight")) == 0);
    CHECK(json_integer_value(json_object_get(node, "reuses")) == 19);
    CHECK(json_integer_value(json_object_get(json_object_get(node, "tries"), "ok")) == 20);
    json_t *connections = json_object_get(node, "connections");
    CHECK(json_integer_value(json_object_get(connections, "open")) == 1);
    CHECK(json_integer_value(json_object_get(connections, "max")) == 7);
    json_t *latency = json_object_get(node, "latency_us"); /* exchange() reports 100 us each */
    CHECK(json_integer_value(json_object_get(latency, "p50")) >= 99);
    CHECK(json_integer_value(json_object_get(latency, "p99")) <= 101);
    json_decref(all);
    nw_text_done(&text);
    site_close(&site);
}

static void the_status_is_json_with_the_true_numbers(void **state)
{
    run(1, tell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_keeps_verdicts_and_idle_connections),
        cmocka_unit_test(a_verdict_of_another_check_does_not_count),
        cmocka_unit_test(a_change_of_members_keeps_what_is_in_flight),
        cmocka_unit_test(members_change_under_load_without_a_failed_request),
        cmocka_unit_test(a_node_that_went_may_come_back),
        cmocka_unit_test(a_malformed_address_is_refused_and_an_empty_set_serves_none),
        cmocka_unit_test(the_status_is_json_with_the_true_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
