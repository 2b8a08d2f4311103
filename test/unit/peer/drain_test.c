/* The contract of peer/peer.h: draining by hand. */
#include "origin.h"

struct drain {
    struct world *world;
    const char *name;
    uint64_t for_ms;
    struct nw_event done;
    bool is_done;
    nw_err err;
};

static void drain_main(void *arg)
{
    struct drain *drain = arg;
    drain->err = nw_peer_drain(drain->world->registry, nw_slice_str(drain->name), drain->for_ms,
                               NULL);
    drain->is_done = true;
}

static void drain_begin(struct drain *drain, struct nw_scope *scope)
{
    struct nw_fiber *fiber;
    CHECK_OK(nw_scope_spawn(scope, "drain", drain_main, drain, &fiber));
    CHECK_OK(nw_fiber_yield());
}

static void wait_for_flight(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site_open(world, &site);
    struct nw_scope scope;
    nw_scope_open(&scope);
    struct nw_peer_try tries[2];
    hold(site.set, &tries[0]);
    hold(site.set, &tries[1]);
    CHECK(tries[0].node != tries[1].node);
    struct drain drain = {.world = world, .name = nw_peer_node_name(tries[0].node)};
    drain_begin(&drain, &scope);
    CHECK(!drain.is_done && nw_peer_node_state(tries[0].node) == NW_PEER_DRAINING);
    for (unsigned i = 0; i < 6; i++) {
        const struct nw_peer_node *node;
        CHECK_OK(ask_for(site.set, NULL, &node));
        CHECK(node == tries[1].node);
    }
    CHECK(!drain.is_done);
    let_go(&tries[0]);
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(drain.err);
    let_go(&tries[1]);
    CHECK(site.origins[0].requests + site.origins[1].requests == 8);
    CHECK_OK(nw_peer_undrain(world->registry, nw_slice_str(drain.name), NULL));
    CHECK(nw_peer_node_state(tries[0].node) == NW_PEER_UP);
    const struct nw_peer_node *first, *second;
    CHECK_OK(ask_for(site.set, NULL, &first));
    CHECK_OK(ask_for(site.set, NULL, &second));
    CHECK(first != second);
    site_close(&site);
}

static void a_drain_waits_for_what_is_in_flight(void **state)
{
    run(1, wait_for_flight);
}

static void ask_once(void *set)
{
    CHECK_OK(ask(set));
}

static void close_what_idles(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_set *set = site.set;
    struct visit visit;
    visit_begin(world, &visit, 1, ask_once, set);
    visit_end(&visit);
    CHECK_OK(ask(set));
    CHECK(metric_of(world, "node_connections_idle", NULL) == 2);
    CHECK_OK(nw_peer_drain(world->registry, nw_slice_str(site.origins[0].address), 0, NULL));
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) == 0);
    CHECK_ERR(ask(set), NW_NO_NODE);
    site_close(&site);
}

static void a_drain_closes_idle_connections_of_all_workers(void **state)
{
    run(2, close_what_idles);
}

static void lease(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    const struct nw_peer_node *node;
    CHECK_OK(ask_for(site.set, NULL, &node));
    CHECK_OK(nw_peer_drain(world->registry, nw_slice_str(site.origins[0].address), 60000, NULL));
    advance(world, 59000);
    CHECK(nw_peer_node_state(node) == NW_PEER_DRAINING);
    advance(world, 1100);
    EVENTUALLY(nw_peer_node_state(node) == NW_PEER_UP);
    CHECK_OK(ask(site.set));
    site_close(&site);
}

static void a_lease_ends_the_drain(void **state)
{
    run(1, lease);
}

static void run_out_of_time(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site_open(world, &site);
    struct nw_peer_try try;
    hold(site.set, &try);
    {
        NW_WITHIN(patience, 20);
        CHECK_ERR(nw_peer_drain(world->registry, nw_slice_str(site.origins[0].address), 0, NULL),
                  NW_TIMEOUT);
    }
    CHECK(nw_peer_node_state(try.node) == NW_PEER_DRAINING);
    let_go(&try);
    CHECK_OK(nw_peer_drain(world->registry, nw_slice_str(site.origins[0].address), 0, NULL));
    site_close(&site);
}

static void a_drain_that_runs_out_of_time_leaves_the_node_draining(void **state)
{
    run(1, run_out_of_time);
}

static void name_nodes(struct world *world)
{
    struct site shop, images;
    site_init(&shop, 1);
    site_init(&images, 1);
    images.nodes[0].address = shop.origins[0].address;
    images.spec.name = "images";
    site_open(world, &shop);
    site_open(world, &images);
    struct nw_diag diag;
    nw_diag_init(&diag);
    const char *address = shop.origins[0].address;
    CHECK_ERR(nw_peer_drain(world->registry, nw_slice_str(address), 0, &diag), NW_NOT_FOUND);
    CHECK(diag.count == 1 && strstr(diag.items[0].sentence, "2 services") != NULL);
    CHECK_ERR(nw_peer_drain(world->registry, NW_SLICE("shop/nobody:1"), 0, &diag), NW_NOT_FOUND);
    CHECK(diag.count == 2);
    char name[NW_ADDR_TEXT_MAX_BYTES + 8];
    snprintf(name, sizeof name, "images/%s", address);
    CHECK_OK(nw_peer_drain(world->registry, nw_slice_str(name), 0, &diag));
    CHECK(diag.count == 2);
    CHECK_ERR(ask(images.set), NW_NO_NODE);
    CHECK_OK(ask(shop.set));
    nw_diag_done(&diag);
    site_close(&images);
    site_close(&shop);
}

static void a_node_is_named_by_its_address_or_with_its_service(void **state)
{
    run(1, name_nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_waits_for_what_is_in_flight),
        cmocka_unit_test(a_drain_closes_idle_connections_of_all_workers),
        cmocka_unit_test(a_lease_ends_the_drain),
        cmocka_unit_test(a_drain_that_runs_out_of_time_leaves_the_node_draining),
        cmocka_unit_test(a_node_is_named_by_its_address_or_with_its_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
