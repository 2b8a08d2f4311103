/* The contract of peer/peer.h: connections. */
#include "origin.h"

/* ---- reuse ---- */

static void ask_many(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    for (unsigned i = 0; i < 3000; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 1 && site.origins[1].accepted == 1);
    CHECK(site.origins[0].requests == 1500 && site.origins[1].requests == 1500);
    CHECK(metric_of(world, "node_connects_total", NULL) == 2);
    CHECK(metric_of(world, "node_reuses_total", NULL) == 2998);
    CHECK(metric_of(world, "node_requests_total", "class=ok") == 3000);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    CHECK(metric_of(world, "node_connections_open", NULL) == 2);
    CHECK(metric_of(world, "node_connections_idle", NULL) == 2);
    site_close(&site);
}

static void under_steady_load_999_of_1000_requests_reuse_a_connection(void **state)
{
    run(1, ask_many);
}

/* ---- settings ---- */

static void change_settings(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.spec.settings_key = 7;
    site_open(world, &site);
    CHECK_OK(ask(site.set));
    CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 1);

    struct nw_peer_set *old = site.set;
    site.spec.settings_key = 8;
    CHECK_OK(nw_peer_set_new(world->registry, &site.spec, &site.set));
    CHECK_OK(ask(site.set)); /* before its start too: it must not get what was made under 7 */
    CHECK(site.origins[0].accepted == 2);
    nw_peer_set_start(site.set);
    nw_peer_set_unref(old);
    CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 2);

    nw_peer_set_rekey(site.set, 9);
    IGNORE(nw_sleep(1)); /* the sweep */
    CHECK(metric_of(world, "node_connections_idle", NULL) == 0);
    CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 3);
    nw_peer_set_rekey(site.set, 9); /* the same: nothing closes */
    IGNORE(nw_sleep(1));
    CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 3);
    site_close(&site);
}

static void a_connection_made_under_other_settings_is_closed_not_reused(void **state)
{
    run(1, change_settings);
}

static void tell_trouble(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_node *node = nw_peer_set_find(site.set, site.nodes[0].address);
    struct nw_text status = {0};
    nw_peer_node_trouble(node, "its certificate has expired");
    nw_peer_set_status(site.set, &status);
    CHECK(strstr(status.ptr, "\"trouble\":\"its certificate has expired\"") != NULL);
    nw_text_clear(&status);
    nw_peer_node_trouble(node, NULL);
    nw_peer_set_status(site.set, &status);
    CHECK(strstr(status.ptr, "trouble") == NULL);
    nw_text_done(&status);
    site_close(&site);
}

static void trouble_with_a_node_is_told_until_it_is_over(void **state)
{
    run(1, tell_trouble);
}

struct load {
    struct nw_peer_set *set;
    unsigned count;
};

static void load_main(void *arg)
{
    struct load *load = arg;
    for (unsigned i = 0; i < load->count; i++)
        CHECK_OK(ask(load->set));
}

static void ask_together(struct world *world)
{
    struct site site;
    site_init(&site, 3);
    site_open(world, &site);
    struct load load = {site.set, 200};
    struct visit visits[16];
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_begin(world, &visits[i], i % 2, load_main, &load);
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_end(&visits[i]);
    CHECK(metric_of(world, "node_requests_total", "class=ok") == 3200);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    double open = metric_of(world, "node_connections_open", NULL);
    CHECK(open == metric_of(world, "node_connections_idle", NULL));
    CHECK(open == metric_of(world, "node_connects_total", NULL) && open <= 3 * 16);
    site_close(&site);
}

static void many_fibers_on_two_workers_share_the_nodes(void **state)
{
    run(2, ask_together);
}

static void use_the_newest(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_try first, second, third;
    hold(site.set, &first);
    hold(site.set, &second);
    struct nw_peer_conn *newest = second.conn;
    CHECK(first.is_fresh && second.is_fresh && newest->use_count == 0);
    let_go(&first);
    let_go(&second);
    hold(site.set, &third);
    CHECK(third.conn == newest && !third.is_fresh && newest->use_count == 1);
    let_go(&third);
    site_close(&site);
}

static void the_connection_used_last_is_used_first(void **state)
{
    run(1, use_the_newest);
}

static void end_unfinished(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_try try;
    hold(site.set, &try);
    nw_peer_try_report(&try, NW_PEER_ABANDONED, 0);
    nw_peer_try_end(&try, false);
    CHECK(metric_of(world, "node_connections_open", NULL) == 0);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    CHECK_OK(ask(site.set));
    CHECK(metric_of(world, "node_connects_total", NULL) == 2);
    site_close(&site);
}

static void an_unfinished_connection_is_not_used_again(void **state)
{
    run(1, end_unfinished);
}

/* ---- idling ---- */

static void idle_out(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.spec.idle_ms = 30000;
    site_open(world, &site);
    CHECK_OK(ask(site.set));
    advance(world, 29000);
    CHECK(metric_of(world, "node_connections_open", NULL) == 1);
    advance(world, 1100);
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    CHECK_OK(ask(site.set));
    site_close(&site);
}

static void an_idle_connection_is_closed_at_its_limit(void **state)
{
    run(1, idle_out);
}

static void idle_announced(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_try try;
    hold(site.set, &try);
    try.conn->learned_idle_ms = 5000;
    let_go(&try);
    advance(world, 3900);
    CHECK(metric_of(world, "node_connections_open", NULL) == 1);
    advance(world, 200);
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    site_close(&site);
}

static void the_limit_is_a_second_below_what_the_node_announced(void **state)
{
    run(1, idle_announced);
}

static void idle_learned(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    CHECK_OK(ask(site.set));
    advance(world, 5000);
    origin_stop(&site.origins[0]); /* it closes on us after 5 s of idling */
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    origin_restart(&site.origins[0]);
    CHECK_OK(ask(site.set));
    advance(world, 3800);
    CHECK(metric_of(world, "node_connections_open", NULL) == 1);
    advance(world, 400);
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    site_close(&site);
}

static void the_limit_is_learned_from_closes(void **state)
{
    run(1, idle_learned);
}

static void speak_unasked(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    CHECK_OK(ask(site.set));
    struct origin_client *client =
        NW_CONTAINER_OF(site.origins[0].clients.next, struct origin_client, link);
    struct iovec iov = {(void *)"408", 3};
    CHECK_OK(nw_io_write_all(&client->stream, &iov, 1));
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    CHECK_OK(ask(site.set));
    site_close(&site);
}

static void a_connection_that_speaks_unasked_is_dropped(void **state)
{
    run(1, speak_unasked);
}

/* ---- connecting ---- */

static void refuse(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    origin_stop(&site.origins[0]);
    unsigned refused = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct nw_peer_try try;
        nw_err err = nw_peer_try_begin(site.set, NULL, &try);
        if (err == NW_OK) {
            let_go(&try);
            continue;
        }
        CHECK(err == NW_REFUSED && !try.has_started);
        CHECK(strcmp(nw_peer_node_name(try.node), site.origins[0].address) == 0);
        struct nw_peer_want want = {.exclude = try.node};
        const struct nw_peer_node *other;
        CHECK_OK(ask_for(site.set, &want, &other));
        CHECK(other != try.node);
        refused++;
    }
    CHECK(refused == 2);
    CHECK(metric_of(world, "node_requests_total", "class=connect") == 2);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    CHECK(metric_of(world, "node_connect_errors_total", "reason=refused") == 2);
    CHECK(metric_of(world, "node_connect_errors_total", NULL) == 2);
    site_close(&site);
}

static void a_refused_connect_is_reported_and_another_node_serves(void **state)
{
    run(1, refuse);
}

static void go_by_name(struct world *world)
{
    /* The origin listens on 127.0.0.1; localhost may name ::1 before it. */
    struct site site;
    site_init(&site, 1);
    char name[64];
    snprintf(name, sizeof name, "localhost%s", strrchr(site.origins[0].address, ':'));
    site.nodes[0].address = name;
    site_open(world, &site);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[0].accepted == 1 && site.origins[0].requests == 3);
    site_close(&site);
}

static void a_name_is_resolved_and_its_addresses_tried_in_order(void **state)
{
    run(1, go_by_name);
}

static void exclude_the_only(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    const struct nw_peer_node *node, *again;
    CHECK_OK(ask_for(site.set, NULL, &node));
    struct nw_peer_want want = {.exclude = node};
    CHECK_OK(ask_for(site.set, &want, &again));
    CHECK(node == again && !nw_peer_has_other(site.set, node));
    CHECK(metric_of(world, "service_none_up_total", NULL) == 0);
    site_close(&site);
}

static void an_excluded_node_serves_when_it_is_the_only_one(void **state)
{
    run(1, exclude_the_only);
}

static void refused_beside_one_that_is_out(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    struct nw_peer_node *out = nw_peer_set_find(site.set, site.origins[0].address);
    const struct nw_peer_node *tried = nw_peer_set_find(site.set, site.origins[1].address);
    const struct nw_peer_node *served;
    nw_peer_node_judge(out, false, "test");
    struct nw_peer_want want = {.exclude = tried, .has_refused = true};
    CHECK_OK(ask_for(site.set, &want, &served));
    CHECK(served == out && nw_peer_has_other(site.set, tried));
    want.has_refused = false; /* it answered once: it is better than one that is out */
    CHECK_OK(ask_for(site.set, &want, &served));
    CHECK(served == tried);
    site_close(&site);
}

static void a_node_that_is_out_is_tried_before_one_that_refused(void **state)
{
    run(1, refused_beside_one_that_is_out);
}

static bool is_second(const struct nw_peer_node *node, const void *arg)
{
    const struct site *site = arg;
    return strcmp(nw_peer_node_name(node), site->origins[1].address) == 0;
}

static bool is_none(const struct nw_peer_node *node, const void *arg)
{
    return false;
}

static void choose_eligible(struct world *world)
{
    struct site site;
    site_init(&site, 3);
    site_open(world, &site);
    struct nw_peer_want want = {.eligible = is_second, .eligible_arg = &site};
    for (unsigned i = 0; i < 10; i++)
        CHECK_OK(ask_for(site.set, &want, NULL));
    CHECK(site.origins[1].requests == 10);
    want.eligible = is_none;
    CHECK_ERR(ask_for(site.set, &want, NULL), NW_NO_NODE);
    site_close(&site);
}

static void eligible_is_a_hard_rule(void **state)
{
    run(1, choose_eligible);
}

static void weigh(struct world *world)
{
    struct site site;
    site_init(&site, 3);
    site.nodes[0].weight = 30;
    site.nodes[1].weight = 10;
    site.nodes[2].weight = 0;
    site_open(world, &site);
    for (unsigned i = 0; i < 40; i++)
        CHECK_OK(ask(site.set));
    CHECK(site.origins[0].requests == 30 && site.origins[1].requests == 10);
    CHECK(site.origins[2].requests == 0);
    site_close(&site);
}

static void weights_are_exact_over_a_cycle(void **state)
{
    run(1, weigh);
}

static void hash_by_key(struct world *world)
{
    struct site site;
    site_init(&site, 4);
    site.spec.balance = NW_BALANCE_HASH;
    site_open(world, &site);
    const struct nw_peer_node *nodes[20], *again;
    unsigned distinct = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct nw_peer_want want = {.key_hash = i * 0x9e3779b97f4a7c15u};
        CHECK_OK(ask_for(site.set, &want, &nodes[i]));
        CHECK_OK(ask_for(site.set, &want, &again));
        CHECK(again == nodes[i]);
        distinct += i != 0 && nodes[i] != nodes[0];
    }
    CHECK(distinct > 0);
    site_close(&site);
}

static void one_key_goes_to_one_node(void **state)
{
    run(1, hash_by_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_made_under_other_settings_is_closed_not_reused),
        cmocka_unit_test(trouble_with_a_node_is_told_until_it_is_over),
        cmocka_unit_test(under_steady_load_999_of_1000_requests_reuse_a_connection),
        cmocka_unit_test(many_fibers_on_two_workers_share_the_nodes),
        cmocka_unit_test(the_connection_used_last_is_used_first),
        cmocka_unit_test(an_unfinished_connection_is_not_used_again),
        cmocka_unit_test(an_idle_connection_is_closed_at_its_limit),
        cmocka_unit_test(the_limit_is_a_second_below_what_the_node_announced),
        cmocka_unit_test(the_limit_is_learned_from_closes),
        cmocka_unit_test(a_connection_that_speaks_unasked_is_dropped),
        cmocka_unit_test(a_refused_connect_is_reported_and_another_node_serves),
        cmocka_unit_test(a_name_is_resolved_and_its_addresses_tried_in_order),
        cmocka_unit_test(an_excluded_node_serves_when_it_is_the_only_one),
        cmocka_unit_test(a_node_that_is_out_is_tried_before_one_that_refused),
        cmocka_unit_test(eligible_is_a_hard_rule),
        cmocka_unit_test(weights_are_exact_over_a_cycle),
        cmocka_unit_test(one_key_goes_to_one_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
