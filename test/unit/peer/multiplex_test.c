/* Connections that carry many tries, with a scripted peer: limits, goodbyes, pings. */
#include "origin.h"
#include "peer/multiplex.h"

/* ---- a driver ---- */

struct line {
    struct nw_peer_shared shared;
    struct nw_event ended;
    unsigned slots;
};

/* What the connections of a test do; several workers count in it. */
static struct script {
    unsigned slots;
    _Atomic unsigned runs;  /* connections that are running */
    _Atomic unsigned opens; /* tried */
    _Atomic unsigned stops;
    _Atomic unsigned pings;
    nw_err open_err;
    bool is_silent;
    bool is_unsettled;
    bool holds_open; /* open waits for may_open */
    struct nw_event may_open;
    struct line *_Atomic last;
} script;

static nw_err line_open(struct nw_peer_conn *conn, void *driver_arg)
{
    struct line *line = (struct line *)conn;
    script.opens++;
    if (script.holds_open)
        NW_TRY(nw_event_wait(&script.may_open));
    NW_TRY(script.open_err);
    nw_event_init(&line->ended);
    line->slots = script.slots;
    line->shared.is_unsettled = script.is_unsettled;
    script.last = line;
    return NW_OK;
}

static nw_err line_run(struct nw_peer_conn *conn)
{
    struct line *line = (struct line *)conn;
    nw_err err = NW_OK;
    char byte;
    size_t bytes;
    script.runs++;
    while (err == NW_OK && !line->ended.is_set) {
        struct nw_wait waits[] = {{.stream = &conn->stream, .want = NW_WANT_READ},
                                  {.event = &line->ended}};
        err = nw_io_wait_any(waits, 2);
        if (err == NW_OK && waits[0].ready != 0)
            err = nw_io_read_some(&conn->stream, &byte, 1, &bytes);
        if (err == NW_AGAIN)
            err = NW_OK;
        else if (err == NW_OK && waits[0].ready != 0 && bytes == 0)
            err = NW_PEER_CLOSED;
    }
    script.runs--;
    return err != NW_OK ? err : NW_PEER_CLOSED;
}

static unsigned line_slots(const struct nw_peer_conn *conn)
{
    return ((const struct line *)conn)->slots;
}

static nw_err line_ping(struct nw_peer_conn *conn, uint64_t wait_ms)
{
    script.pings++;
    CHECK(wait_ms == 5000);
    conn->stream.received_bytes += script.is_silent ? 0 : 1;
    return script.is_silent ? NW_TIMEOUT : NW_OK;
}

static void line_stop(struct nw_peer_conn *conn)
{
    script.stops++;
    nw_event_set(&((struct line *)conn)->ended);
}

static const struct nw_peer_shared_ops line_ops = {
    .run = line_run, .slots = line_slots, .ping = line_ping, .stop = line_stop};
static const struct nw_peer_driver line_driver = {
    .conn_bytes = sizeof(struct line), .open = line_open, .shared = &line_ops};

/* One origin; `streams` on each of `connections`. */
static void open_site(struct world *world, struct site *site, unsigned streams,
                      unsigned connections)
{
    script = (struct script){.slots = 1000};
    nw_event_init(&script.may_open);
    site_init(site, 1);
    site->spec.driver = &line_driver;
    site->spec.streams_max = streams;
    site->spec.connections_max = connections;
    site_open(world, site);
}

static void begin(struct site *site, struct nw_peer_try *tries, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(nw_peer_try_begin(site->set, NULL, &tries[i]));
}

static void end(struct nw_peer_try *tries, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        nw_peer_try_report(&tries[i], NW_PEER_OK, 100);
        nw_peer_try_end(&tries[i], true);
    }
}

static double open_now(struct world *world)
{
    return metric_of(world, "node_connections_open", NULL);
}

/* A try that another fiber begins. */
struct asker {
    struct nw_peer_set *set;
    struct nw_peer_try try;
    nw_err err;
    bool is_done;
};

static void asker_main(void *arg)
{
    struct asker *asker = arg;
    asker->err = nw_peer_try_begin(asker->set, NULL, &asker->try);
    asker->is_done = true;
}

static void ask_beside(struct nw_scope *scope, struct site *site, struct asker *askers,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct nw_fiber *fiber;
        askers[i] = (struct asker){.set = site->set};
        CHECK_OK(nw_scope_spawn(scope, "asker", asker_main, &askers[i], &fiber));
    }
}

/* ---- stories ---- */

static void use_one(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[64];
    open_site(world, &site, 100, 4);
    begin(&site, tries, 64);
    for (unsigned i = 1; i < 64; i++)
        CHECK(tries[i].conn == tries[0].conn);
    CHECK(script.opens == 1 && open_now(world) == 1);
    CHECK(metric_of(world, "node_in_flight", NULL) == 64);
    end(tries, 64);
    CHECK(metric_of(world, "node_connections_idle", NULL) == 1);
    begin(&site, tries, 1);
    CHECK(!tries[0].is_fresh && tries[0].conn->use_count == 64);
    end(tries, 1);
    site_close(&site);
}

static void many_tries_share_one_connection(void **state)
{
    run(1, use_one);
}

static void open_another(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[6];
    open_site(world, &site, 2, 3);
    begin(&site, tries, 3);
    CHECK(tries[0].conn == tries[1].conn && tries[2].conn != tries[0].conn);
    end(&tries[0], 1); /* one on each: the next one may go to either, the one after to the other */
    begin(&site, &tries[0], 1);
    begin(&site, &tries[3], 1);
    CHECK(tries[0].conn != tries[3].conn);
    begin(&site, &tries[4], 2);
    CHECK(open_now(world) == 3 && script.opens == 3);
    struct nw_peer_try more;
    struct nw_peer_want want = {.spare = true};
    CHECK_ERR(nw_peer_try_begin(site.set, &want, &more), NW_BUSY);
    end(tries, 6);
    site_close(&site);
}

static void another_is_opened_when_all_are_full_up_to_the_limit(void **state)
{
    run(1, open_another);
}

static void open_once(struct world *world)
{
    struct site site;
    struct asker askers[50];
    struct nw_scope scope;
    open_site(world, &site, 100, 4);
    script.holds_open = true;
    nw_scope_open(&scope);
    ask_beside(&scope, &site, askers, 50);
    EVENTUALLY(script.opens == 1);
    CHECK_OK(nw_sleep(5));
    CHECK(script.opens == 1 && !askers[0].is_done);
    nw_event_set(&script.may_open);
    CHECK_OK(nw_scope_join(&scope));
    for (unsigned i = 0; i < 50; i++) {
        CHECK_OK(askers[i].err);
        CHECK(askers[i].try.conn == &script.last->shared.conn);
        end(&askers[i].try, 1);
    }
    CHECK(script.opens == 1);
    nw_scope_close(&scope);
    site_close(&site);
}

static void who_comes_while_it_is_opened_waits_for_it(void **state)
{
    run(1, open_once);
}

static void wait_for_settings(struct world *world)
{
    struct site site;
    struct asker askers[50];
    struct nw_scope scope;
    open_site(world, &site, 100, 4);
    script.is_unsettled = true;
    nw_scope_open(&scope);
    ask_beside(&scope, &site, askers, 50);
    EVENTUALLY(askers[0].is_done);
    CHECK_OK(nw_sleep(5));
    CHECK(!askers[1].is_done && script.opens == 1); /* one goes ahead, no other is opened */
    script.last->shared.is_unsettled = false;
    nw_peer_shared_changed(&script.last->shared.conn);
    CHECK_OK(nw_scope_join(&scope));
    CHECK(script.opens == 1);
    for (unsigned i = 0; i < 50; i++)
        end(&askers[i].try, 1);
    nw_scope_close(&scope);
    site_close(&site);
}

static void until_the_peer_has_said_its_limit_one_goes_ahead(void **state)
{
    run(1, wait_for_settings);
}

static void fail_together(struct world *world)
{
    struct site site;
    struct asker askers[50];
    struct nw_scope scope;
    open_site(world, &site, 100, 4);
    script.holds_open = true;
    script.open_err = NW_PEER_CLOSED;
    nw_scope_open(&scope);
    ask_beside(&scope, &site, askers, 50);
    EVENTUALLY(script.opens == 1);
    nw_event_set(&script.may_open);
    CHECK_OK(nw_scope_join(&scope));
    for (unsigned i = 0; i < 50; i++)
        CHECK_ERR(askers[i].err, NW_PEER_CLOSED);
    CHECK(script.opens == 1 && open_now(world) == 0);
    CHECK(metric_of(world, "node_in_flight", NULL) == 0);
    CHECK(metric_of(world, "node_requests_total", "class=connect") == 50);
    CHECK(metric_of(world, "node_connect_errors_total", NULL) == 1);
    CHECK(nw_peer_node_state(nw_peer_set_find(site.set, site.origins[0].address)) !=
          NW_PEER_DOWN); /* one failed connect is one failure, however many waited for it */
    nw_scope_close(&scope);
    site_close(&site);
}

static void a_failed_connect_reaches_all_who_wait_and_counts_once(void **state)
{
    run(1, fail_together);
}

static void lower_the_limit(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[4];
    struct asker asker;
    struct nw_scope scope;
    open_site(world, &site, 10, 1);
    begin(&site, tries, 3);
    script.last->slots = 3; /* the peer's SETTINGS */
    nw_peer_shared_changed(tries[0].conn);
    nw_scope_open(&scope);
    ask_beside(&scope, &site, &asker, 1);
    EVENTUALLY(metric_of(world, "service_queue_depth", NULL) == 1);
    CHECK(!asker.is_done);
    end(&tries[0], 1);
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(asker.err);
    tries[0] = asker.try;
    ask_beside(&scope, &site, &asker, 1);
    EVENTUALLY(metric_of(world, "service_queue_depth", NULL) == 1);
    script.last->slots = 4;
    nw_peer_shared_changed(tries[0].conn);
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(asker.err);
    end(&asker.try, 1);
    end(tries, 3);
    nw_scope_close(&scope);
    site_close(&site);
}

static void the_peer_lowers_and_raises_the_slots(void **state)
{
    run(1, lower_the_limit);
}

static void say_goodbye(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[3];
    open_site(world, &site, 10, 1);
    begin(&site, tries, 2);
    struct nw_peer_conn *old = tries[0].conn;
    ((struct line *)old)->slots = 0;
    nw_peer_shared_down(old); /* GOAWAY */
    begin(&site, &tries[2], 1);
    CHECK(tries[2].conn != old && script.opens == 2 && script.runs == 2);
    end(&tries[0], 1);
    CHECK_OK(nw_sleep(1));
    CHECK(script.runs == 2); /* the other one goes on */
    end(&tries[1], 1);
    EVENTUALLY(script.runs == 1);
    EVENTUALLY(open_now(world) == 1);
    end(&tries[2], 1);
    site_close(&site);
}

static void one_that_goes_away_takes_no_more_and_ends_with_its_last_try(void **state)
{
    run(1, say_goodbye);
}

static void lose_it(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[2];
    open_site(world, &site, 10, 1);
    begin(&site, tries, 1);
    origin_stop(&site.origins[0]);
    EVENTUALLY(script.runs == 0);
    CHECK(open_now(world) == 1); /* the try still holds it */
    origin_restart(&site.origins[0]);
    begin(&site, &tries[1], 1);
    CHECK(tries[1].conn != tries[0].conn);
    nw_peer_try_report(&tries[0], NW_PEER_RESET_, 0);
    nw_peer_try_end(&tries[0], false);
    CHECK(open_now(world) == 1);
    end(&tries[1], 1);
    site_close(&site);
}

static void a_lost_one_lives_as_long_as_its_tries(void **state)
{
    run(1, lose_it);
}

static void idle_out(struct world *world)
{
    struct site site;
    struct nw_peer_try try;
    open_site(world, &site, 10, 4);
    site.spec.idle_ms = 30000;
    nw_peer_set_unref(site.set);
    site_open(world, &site);
    begin(&site, &try, 1);
    advance(world, 100000);
    CHECK(script.runs == 1); /* in use */
    end(&try, 1);
    advance(world, 29000);
    CHECK_OK(nw_sleep(2));
    CHECK(script.runs == 1);
    advance(world, 1100);
    EVENTUALLY(script.runs == 0 && open_now(world) == 0);
    site_close(&site);
}

static void an_idle_one_is_ended_after_its_time(void **state)
{
    run(1, idle_out);
}

static void fall_silent(struct world *world)
{
    struct site site;
    struct nw_peer_try try;
    open_site(world, &site, 10, 4);
    begin(&site, &try, 1);
    for (unsigned i = 0; i < 3; i++) {
        advance(world, 4900);
        CHECK_OK(nw_sleep(2));
    }
    CHECK(script.pings == 0); /* 14.7 s */
    for (unsigned i = 0; i < 2; i++) {
        advance(world, 5000);
        CHECK_OK(nw_sleep(2));
    }
    CHECK(script.pings == 1 && script.stops == 0); /* it answered */
    script.is_silent = true;
    for (unsigned i = 0; i < 5; i++) {
        advance(world, 5000);
        CHECK_OK(nw_sleep(2));
    }
    EVENTUALLY(script.runs == 0);
    CHECK(script.stops == 1 && open_now(world) == 1);
    nw_peer_try_report(&try, NW_PEER_RESET_, 0);
    nw_peer_try_end(&try, false);
    CHECK(open_now(world) == 0);
    site_close(&site);
}

static void a_silent_one_is_pinged_and_ended_without_an_answer(void **state)
{
    run(1, fall_silent);
}

static void drain_node(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[2];
    struct nw_diag diag;
    nw_diag_init(&diag);
    open_site(world, &site, 10, 4);
    begin(&site, tries, 1);
    end(tries, 1);
    CHECK(script.runs == 1);
    CHECK_OK(nw_peer_drain(world->registry, nw_slice_str(site.origins[0].address), 0, &diag));
    EVENTUALLY(script.runs == 0 && open_now(world) == 0);
    CHECK_ERR(nw_peer_try_begin(site.set, NULL, tries), NW_NO_NODE);
    CHECK_OK(nw_peer_undrain(world->registry, nw_slice_str(site.origins[0].address), &diag));
    begin(&site, tries, 1);
    end(tries, 1);
    nw_diag_done(&diag);
    site_close(&site);
}

static void a_drained_node_keeps_none(void **state)
{
    run(1, drain_node);
}

/* ---- two workers ---- */

struct busy {
    struct nw_peer_set *set;
    struct nw_peer_try tries[2];
    struct nw_ticket *end;
};

static void take_two(void *arg)
{
    struct busy *busy = arg;
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(nw_peer_try_begin(busy->set, NULL, &busy->tries[i]));
}

static void give_two(void *arg)
{
    struct busy *busy = arg;
    end(busy->tries, 2);
}

static void share_out(struct world *world)
{
    struct site site;
    struct nw_peer_try tries[3];
    open_site(world, &site, 2, 4);
    site.nodes[0].max_connections = 3; /* one for each worker */
    nw_peer_set_unref(site.set);
    site_open(world, &site);
    struct busy busy = {.set = site.set};
    on_worker(world, 1, take_two, &busy);
    begin(&site, tries, 2);
    CHECK(open_now(world) == 2);
    struct nw_peer_want want = {.spare = true};
    CHECK_ERR(nw_peer_try_begin(site.set, &want, &tries[2]), NW_BUSY);
    struct asker asker;
    struct nw_scope scope;
    nw_scope_open(&scope);
    ask_beside(&scope, &site, &asker, 1);
    EVENTUALLY(metric_of(world, "service_queue_depth", NULL) == 1);
    on_worker(world, 1, give_two, &busy); /* slots there help nobody here */
    CHECK(!asker.is_done);
    on_worker(world, 1, take_two, &busy); /* and are not held up by who waits here */
    end(tries, 1);
    CHECK_OK(nw_scope_join(&scope));
    CHECK_OK(asker.err);
    end(&asker.try, 1);
    end(&tries[1], 1);
    on_worker(world, 1, give_two, &busy);
    nw_scope_close(&scope);
    site_close(&site);
}

static void each_worker_has_its_share_and_waits_for_its_own(void **state)
{
    run(2, share_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_tries_share_one_connection),
        cmocka_unit_test(another_is_opened_when_all_are_full_up_to_the_limit),
        cmocka_unit_test(who_comes_while_it_is_opened_waits_for_it),
        cmocka_unit_test(until_the_peer_has_said_its_limit_one_goes_ahead),
        cmocka_unit_test(a_failed_connect_reaches_all_who_wait_and_counts_once),
        cmocka_unit_test(the_peer_lowers_and_raises_the_slots),
        cmocka_unit_test(one_that_goes_away_takes_no_more_and_ends_with_its_last_try),
        cmocka_unit_test(a_lost_one_lives_as_long_as_its_tries),
        cmocka_unit_test(an_idle_one_is_ended_after_its_time),
        cmocka_unit_test(a_silent_one_is_pinged_and_ended_without_an_answer),
        cmocka_unit_test(a_drained_node_keeps_none),
        cmocka_unit_test(each_worker_has_its_share_and_waits_for_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
