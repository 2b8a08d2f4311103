/* The contract of io/listen.h on real sockets and two workers. */
#include "loopback.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "io/listen.h"

enum { SERVED_MAX = 256 };

/* What on_accept saw; it runs on every worker. */
struct door {
    _Atomic int slots, served; /* taken; filled */
    _Atomic int by_worker[2];
    _Atomic int exhausted, recovered;
    struct nw_accepted accepted[SERVED_MAX];
    uint64_t turn[SERVED_MAX];
    struct nw_worker *first;
    struct nw_message wake; /* tells the test's fiber on worker 0 */
    _Atomic bool is_posted;
    struct nw_event changed;
};

static struct door door;

static void door_woke(struct nw_message *message)
{
    door.is_posted = false;
    nw_event_set(&door.changed);
}

static void door_tell(void)
{
    if (!atomic_exchange(&door.is_posted, true))
        nw_mailbox_post(door.first, &door.wake);
}

static void door_open(void)
{
    memset(&door, 0, sizeof door);
    door.first = nw_worker_self();
    door.wake.run = door_woke;
    nw_event_init(&door.changed);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    CHECK(owner == &door);
    nw_listener_count(1);
    int at = door.slots++;
    CHECK(at < SERVED_MAX);
    door.accepted[at] = *accepted;
    door.turn[at] = nw_worker_turns(nw_worker_self());
    door.by_worker[nw_worker_index(nw_worker_self())]++;
    door.served++;
    door_tell();
}

static void on_exhausted(void *owner, bool is_exhausted)
{
    if (is_exhausted)
        door.exhausted++;
    else
        door.recovered++;
    door_tell();
}

static void expect_served(int count)
{
    while (door.served < count) {
        CHECK_OK(nw_event_wait(&door.changed));
        nw_event_clear(&door.changed);
    }
    CHECK(door.served == count);
}

static void door_close(struct nw_listener *listener)
{
    nw_listener_close(listener);
    for (int i = 0; i < door.served; i++)
        nw_accepted_close(&door.accepted[i]);
}

static struct nw_listener_options options_of(const char *text)
{
    struct nw_listener_options options = {
        .inherited_fd = -1,
        .on_accept = on_accept,
        .on_exhausted = on_exhausted,
        .owner = &door,
    };
    CHECK_OK(nw_addr_parse(nw_slice_str(text), &options.addr));
    return options;
}

static struct nw_listener *opened(const struct nw_listener_options *options)
{
    struct nw_listener *listener;
    CHECK_OK(nw_listener_open(runtime_here(), options, &listener));
    return listener;
}

/* ---- opening ---- */

static void serving(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    CHECK(nw_listener_addr(listener)->port != 0);
    int early = raw_connect(nw_listener_addr(listener)); /* queues until the start */
    CHECK(early >= 0 && door.served == 0);
    nw_listener_start(listener);
    int late = raw_connect(nw_listener_addr(listener));
    expect_served(2);
    for (int i = 0; i < 2; i++) {
        CHECK(door.accepted[i].peer.kind == NW_ADDR_IP4 && door.accepted[i].peer.port != 0);
        CHECK(nw_addr_eq(&door.accepted[i].local, nw_listener_addr(listener)));
        CHECK(!door.accepted[i].is_unix);
    }
    CHECK(nw_listener_connections(runtime_here()) == 2);
    door_close(listener);
    close(early);
    close(late);
}

static void connections_queue_until_the_start(void **state)
{
    run_on(&nw_backend_epoll, 2, serving);
}

static void serving_a_stream(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    struct pair pair = {.peer = raw_connect(nw_listener_addr(listener))};
    expect_served(1);
    nw_stream_init_accepted(&pair.stream, &door.accepted[0]);
    peer_send(&pair, "hello");
    expect_read(&pair.stream, "hello");
    CHECK_OK(write_text(&pair.stream, "hi"));
    peer_expect(&pair, "hi");
    pair_close(&pair);
    nw_listener_close(listener);
}

static void an_accepted_connection_becomes_a_stream(void **state)
{
    run(serving_a_stream);
}

static void wildcards(void)
{
    door_open();
    struct nw_listener_options options = options_of("0.0.0.0:0");
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    struct nw_addr to = *nw_listener_addr(listener);
    memcpy(to.ip4, "\x7f\0\0\x01", 4);
    int fd = raw_connect(&to);
    expect_served(1);
    CHECK(nw_addr_eq(&door.accepted[0].local, &to));
    door_close(listener);
    close(fd);
}

static void a_wildcard_listener_tells_the_address_that_was_called(void **state)
{
    run(wildcards);
}

static void second_newel(void)
{
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *first = opened(&options), *second;
    options.addr = *nw_listener_addr(first);
    CHECK_ERR(nw_listener_open(runtime_here(), &options, &second), NW_ADDRESS_IN_USE);
    nw_listener_start(first);
    CHECK_ERR(nw_listener_open(runtime_here(), &options, &second), NW_ADDRESS_IN_USE);
    nw_listener_close(first);
    first = opened(&options); /* and the port is free again */
    nw_listener_close(first);
}

static void a_second_listener_of_an_address_is_refused(void **state)
{
    run_on(&nw_backend_epoll, 2, second_newel);
}

static void foreign_address(void)
{
    struct nw_listener_options options = options_of("192.0.2.1:0");
    struct nw_listener *listener;
    CHECK_ERR(nw_listener_open(runtime_here(), &options, &listener), NW_UNREACHABLE);
    options = options_of("unix:/nonexistent/newel.sock");
    CHECK_ERR(nw_listener_open(runtime_here(), &options, &listener), NW_NOT_FOUND);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
    run(foreign_address);
}

/* ---- Unix and inherited sockets ---- */

static char unix_dir[64], unix_text[96];

static int make_dir(void **state)
{
    strcpy(unix_dir, "/tmp/newel-listen-XXXXXX");
    if (mkdtemp(unix_dir) == NULL)
        return -1;
    snprintf(unix_text, sizeof unix_text, "unix:%s/door.sock", unix_dir);
    return 0;
}

static int remove_dir(void **state)
{
    unlink(unix_text + 5);
    return rmdir(unix_dir);
}

static void serving_unix(void)
{
    door_open();
    struct nw_listener_options options = options_of(unix_text);
    options.mode = 0600;
    struct nw_listener *listener = opened(&options);
    struct stat info;
    CHECK(stat(unix_text + 5, &info) == 0 && (info.st_mode & 0777) == 0600);
    nw_listener_start(listener);
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = raw_connect(nw_listener_addr(listener));
        CHECK(fds[i] >= 0);
        expect_served(i + 1);
        CHECK(door.accepted[i].is_unix);
    }
    /* One socket, two workers: only the hand-over can have spread them. */
    CHECK(door.by_worker[0] == 4 && door.by_worker[1] == 4);
    door_close(listener);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void a_unix_listener_spreads_over_the_workers(void **state)
{
    run_on(&nw_backend_epoll, 2, serving_unix);
}

static int inherited_fd;

static void inheriting(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:1");
    options.inherited_fd = inherited_fd;
    struct nw_listener *listener = opened(&options);
    CHECK(nw_listener_addr(listener)->port > 1);
    nw_listener_start(listener);
    int fd = raw_connect(nw_listener_addr(listener));
    expect_served(1);
    door_close(listener);
    close(fd);
}

static void an_inherited_socket_serves_at_its_own_address(void **state)
{
    struct nw_addr addr;
    inherited_fd = raw_listen(&addr); /* blocking, as systemd hands it over */
    run(inheriting);
}

/* ---- fairness ---- */

static void handing_over(void)
{
    enum { COUNT = 64 };
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++)
        fds[i] = raw_connect(nw_listener_addr(listener));
    expect_served(COUNT);
    int most = door.by_worker[0] > door.by_worker[1] ? door.by_worker[0] : door.by_worker[1];
    int least = COUNT - most;
    CHECK(most * 4 <= (least + 2) * 5); /* two workers may decide at the same time */
    door_close(listener);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
}

static void no_worker_gets_a_quarter_more_than_another(void **state)
{
    run_on(&nw_backend_epoll, 2, handing_over);
}

static void alone(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    options.only_worker_0 = true;
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    int fds[8];
    for (int i = 0; i < 8; i++)
        fds[i] = raw_connect(nw_listener_addr(listener));
    expect_served(8);
    CHECK(door.by_worker[0] == 8);
    door_close(listener);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void an_admin_listener_stays_on_worker_0(void **state)
{
    run_on(&nw_backend_epoll, 2, alone);
}

static void storm(void)
{
    enum { COUNT = 60 };
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++)
        fds[i] = raw_connect(nw_listener_addr(listener));
    nw_listener_start(listener);
    expect_served(COUNT);
    for (int i = 16; i < COUNT; i++)
        CHECK(door.turn[i] > door.turn[i - 16]);
    door_close(listener);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
}

static void a_turn_accepts_sixteen_at_most(void **state)
{
    run(storm);
}

/* ---- the end, and running dry ---- */

static void draining(void)
{
    enum { COUNT = 40 };
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    struct pair peers[COUNT];
    for (int i = 0; i < COUNT; i++)
        peers[i].peer = raw_connect(nw_listener_addr(listener));
    struct nw_addr addr = *nw_listener_addr(listener);
    nw_listener_close(listener);
    CHECK(door.served == COUNT);
    CHECK(raw_connect(&addr) < 0);
    for (int i = 0; i < COUNT; i++) {
        peer_send(&peers[i], "x"); /* none of them was reset */
        nw_accepted_close(&door.accepted[i]);
        close(peers[i].peer);
    }
}

static void closing_serves_what_is_queued(void **state)
{
    run_on(&nw_backend_epoll, 2, draining);
}

static void running_dry(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *listener = opened(&options);
    nw_listener_start(listener);
    int fd = raw_connect(nw_listener_addr(listener));
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    while (door.exhausted == 0) {
        CHECK_OK(nw_event_wait(&door.changed));
        nw_event_clear(&door.changed);
    }
    CHECK(door.served == 0);
    uint64_t turns = nw_worker_turns(nw_worker_self());
    CHECK_OK(nw_sleep(50));
    CHECK(nw_worker_turns(nw_worker_self()) - turns < 20); /* the queue is readable all the time */
    nw_clock_advance_ms(runtime_here(), 1000);
    CHECK_OK(nw_sleep(5));
    CHECK(door.exhausted == 1 && door.recovered == 0); /* told once */
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    nw_clock_advance_ms(runtime_here(), 1000);
    expect_served(1);
    CHECK(door.recovered == 1);
    door_close(listener);
    close(fd);
}

static void without_descriptors_it_rests_and_recovers(void **state)
{
    run(running_dry);
}

static void leaving_open(void)
{
    door_open();
    struct nw_listener_options options = options_of("127.0.0.1:0");
    struct nw_listener *started = opened(&options), *unstarted = opened(&options);
    nw_listener_start(started);
    CHECK(started != unstarted);
}

static void a_runtime_that_ends_frees_its_listeners(void **state)
{
    run_on(&nw_backend_epoll, 2, leaving_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_queue_until_the_start),
        cmocka_unit_test(an_accepted_connection_becomes_a_stream),
        cmocka_unit_test(a_wildcard_listener_tells_the_address_that_was_called),
        cmocka_unit_test(a_second_listener_of_an_address_is_refused),
        cmocka_unit_test(an_address_that_is_not_ours_is_refused),
        cmocka_unit_test_setup_teardown(a_unix_listener_spreads_over_the_workers, make_dir,
                                        remove_dir),
        cmocka_unit_test(an_inherited_socket_serves_at_its_own_address),
        cmocka_unit_test(no_worker_gets_a_quarter_more_than_another),
        cmocka_unit_test(an_admin_listener_stays_on_worker_0),
        cmocka_unit_test(a_turn_accepts_sixteen_at_most),
        cmocka_unit_test(closing_serves_what_is_queued),
        cmocka_unit_test(without_descriptors_it_rests_and_recovers),
        cmocka_unit_test(a_runtime_that_ends_frees_its_listeners),
    };
    return cmocka_run_group_tests_name("io/listen", tests, NULL, NULL);
}
