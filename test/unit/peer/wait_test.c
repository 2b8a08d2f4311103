/* The contract of peer/peer.h: limits, moving connections, waiting. */
#include "origin.h"

/* ---- moving ---- */

struct asker {
    struct nw_peer_set *set;
    nw_err err;
};

static void ask_main(void *arg)
{
    struct asker *asker = arg;
    asker->err = ask(asker->set);
}

static void alternate(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site_open(world, &site);
    struct asker asker = {.set = site.set};
    for (unsigned i = 0; i < 500; i++) {
        on_worker(world, i % 2, ask_main, &asker);
        CHECK_OK(asker.err);
    }
    CHECK(site.origins[0].accepted == 1 && site.origins[0].requests == 500);
    CHECK(metric_of(world, "service_queue_refused_total", NULL) == 0);
    site_close(&site);
}

static void two_workers_that_alternate_share_one_connection(void **state)
{
    run(2, alternate);
}

struct crowd {
    struct nw_peer_set *set;
    unsigned count;
    _Atomic unsigned served;
};

static void crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < crowd->count; i++) {
        CHECK_OK(ask(crowd->set));
        crowd->served++;
    }
}

static void crowd_together(struct world *world)
{
    struct site site;
    site_init(&site, 2);
    site.nodes[0].max_connections = 1;
    site.nodes[1].max_connections = 2;
    site.spec.wait_ms = 60000;
    site_open(world, &site);
    struct crowd crowd = {.set = site.set, .count = 100};
    struct visit visits[20];
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_begin(world, &visits[i], i % 2, crowd_main, &crowd);
    for (unsigned i = 0; i < NW_COUNT(visits); i++)
        visit_end(&visits[i]);
    CHECK(crowd.served == 2000);
    CHECK(site.origins[0].accepted == 1 && site.origins[1].accepted == 2);
    CHECK(metric_of(world, "service_queue_refused_total", NULL) == 0);
    CHECK(metric_of(world, "service_queue_depth", NULL) == 0);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    site_close(&site);
}

static void a_crowd_on_two_workers_never_passes_the_limit_and_all_are_served(void **state)
{
    run(2, crowd_together);
}

/* ---- waiting ---- */

struct patient {
    struct nw_peer_set *set;
    struct nw_event done;
    nw_err err;
    unsigned order;
    unsigned *orders;
};

static void patient_main(void *arg)
{
    struct patient *patient = arg;
    struct nw_peer_try try;
    patient->err = nw_peer_try_begin(patient->set, NULL, &try);
    if (patient->err == NW_OK) {
        patient->order = ++*patient->orders;
        let_go(&try);
    }
    nw_event_set(&patient->done);
}

static void patient_begin(struct patient *patient, struct nw_scope *scope, struct nw_peer_set *set,
                          unsigned *orders, struct nw_fiber **out_fiber)
{
    *patient = (struct patient){.set = set, .orders = orders};
    nw_event_init(&patient->done);
    CHECK_OK(nw_scope_spawn(scope, "patient", patient_main, patient, out_fiber));
    CHECK_OK(nw_fiber_yield());
}

static void wait_in_line(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site_open(world, &site);
    struct nw_scope scope;
    nw_scope_open(&scope);
    struct nw_peer_try try;
    hold(site.set, &try);
    struct patient patients[5];
    struct nw_fiber *fiber;
    unsigned orders = 0;
    for (unsigned i = 0; i < NW_COUNT(patients); i++)
        patient_begin(&patients[i], &scope, site.set, &orders, &fiber);
    CHECK(metric_of(world, "service_queue_depth", NULL) == 5);
    CHECK(orders == 0);
    let_go(&try);
    CHECK_OK(nw_scope_join(&scope));
    for (unsigned i = 0; i < NW_COUNT(patients); i++)
        CHECK(patients[i].err == NW_OK && patients[i].order == i + 1);
    CHECK(site.origins[0].accepted == 1);
    CHECK(metric_of(world, "service_queue_waits_total", NULL) == 5);
    site_close(&site);
}

static void who_came_first_is_served_first(void **state)
{
    run(1, wait_in_line);
}

static void fill_the_queue(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site.spec.waiting_max = 2;
    site_open(world, &site);
    struct nw_scope scope;
    nw_scope_open(&scope);
    struct nw_peer_try try;
    hold(site.set, &try);
    struct patient patients[2];
    struct nw_fiber *fiber;
    unsigned orders = 0;
    for (unsigned i = 0; i < NW_COUNT(patients); i++)
        patient_begin(&patients[i], &scope, site.set, &orders, &fiber);
    CHECK_ERR(ask(site.set), NW_BUSY);
    CHECK(metric_of(world, "service_queue_refused_total", "reason=full") == 1);
    let_go(&try);
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(ask(site.set));
    CHECK(orders == 2);
    site_close(&site);
}

static void a_full_queue_refuses(void **state)
{
    run(1, fill_the_queue);
}

static void wait_in_vain(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site.spec.wait_ms = 20;
    site_open(world, &site);
    struct nw_peer_try try;
    hold(site.set, &try);
    CHECK_ERR(ask(site.set), NW_BUSY);
    CHECK(metric_of(world, "service_queue_refused_total", "reason=timeout") == 1);
    CHECK(metric_of(world, "service_queue_depth", NULL) == 0);
    let_go(&try);
    CHECK_OK(ask(site.set));
    site_close(&site);
}

static void who_waits_too_long_is_refused(void **state)
{
    run(1, wait_in_vain);
}

static void cancel_a_waiter(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site_open(world, &site);
    struct nw_scope scope;
    nw_scope_open(&scope);
    struct nw_peer_try try;
    hold(site.set, &try);
    struct patient gone, next;
    struct nw_fiber *gone_fiber, *next_fiber;
    unsigned orders = 0;
    patient_begin(&gone, &scope, site.set, &orders, &gone_fiber);
    patient_begin(&next, &scope, site.set, &orders, &next_fiber);
    nw_fiber_cancel(gone_fiber); /* and in the same turn its turn would come */
    let_go(&try);
    CHECK_OK(nw_event_wait(&gone.done));
    CHECK_OK(nw_event_wait(&next.done));
    CHECK_OK(nw_scope_join(&scope));
    CHECK(gone.err == NW_CANCELLED && next.err == NW_OK);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    site_close(&site);
}

static void a_grant_that_lost_passes_on(void **state)
{
    run(1, cancel_a_waiter);
}

static void spare_what_others_wait_for(struct world *world)
{
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 1;
    site_open(world, &site);
    struct nw_peer_want spare = {.spare = true};
    CHECK_OK(ask_for(site.set, &spare, NULL));
    struct nw_peer_try try;
    hold(site.set, &try);
    CHECK_ERR(ask_for(site.set, &spare, NULL), NW_BUSY);
    CHECK(metric_of(world, "service_queue_waits_total", NULL) == 0);
    let_go(&try);
    site_close(&site);
}

static void spare_work_never_waits(void **state)
{
    run(1, spare_what_others_wait_for);
}

static void give_up_by_chance(struct world *world)
{
    /* Timeouts and grants race on two workers; nothing may be lost or counted twice. */
    struct site site;
    site_init(&site, 1);
    site.nodes[0].max_connections = 2;
    site.spec.wait_ms = 1;
    site_open(world, &site);
    struct crowd crowd = {.set = site.set, .count = 0};
    struct visit visits[16];
    struct asker askers[16];
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < NW_COUNT(visits); i++) {
            askers[i] = (struct asker){.set = site.set};
            visit_begin(world, &visits[i], i % 2, ask_main, &askers[i]);
        }
        for (unsigned i = 0; i < NW_COUNT(visits); i++) {
            visit_end(&visits[i]);
            CHECK(askers[i].err == NW_OK || askers[i].err == NW_BUSY);
            crowd.served += askers[i].err == NW_OK;
        }
    }
    CHECK(crowd.served > 0);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    CHECK(metric_of(world, "service_queue_depth", NULL) == 0);
    EVENTUALLY(metric_of(world, "node_connections_open", NULL) <= 2);
    EVENTUALLY(metric_of(world, "node_connections_idle", NULL) ==
               metric_of(world, "node_connections_open", NULL));
    CHECK_OK(ask(site.set));
    site_close(&site);
}

static void grants_and_timeouts_race_without_loss(void **state)
{
    run(2, give_up_by_chance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_workers_that_alternate_share_one_connection),
        cmocka_unit_test(a_crowd_on_two_workers_never_passes_the_limit_and_all_are_served),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(who_waits_too_long_is_refused),
        cmocka_unit_test(a_grant_that_lost_passes_on),
        cmocka_unit_test(spare_work_never_waits),
        cmocka_unit_test(grants_and_timeouts_race_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
