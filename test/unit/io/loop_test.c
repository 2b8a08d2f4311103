/* Sources, sockets, the points of a turn, stopping. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core_run.h"
#include "io/limits.h"

static const struct nw_addr loopback = {.kind = NW_ADDR_IP4, .ip4 = {127, 0, 0, 1}};

/* ---- A source with one waiting fiber ---- */

struct pipe_end {
    struct nw_source source;
    struct nw_fiber *waiter;
    unsigned bits;
    unsigned count;
};

static void on_ready(struct nw_source *source, unsigned ready)
{
    struct pipe_end *end = NW_CONTAINER_OF(source, struct pipe_end, source);
    end->bits = ready;
    end->count++;
    nw_source_want(source, 0);
    nw_fiber_make_ready(end->waiter);
}

static unsigned wait_ready(struct pipe_end *end, unsigned want)
{
    nw_source_want(&end->source, want);
    CHECK(nw_fiber_wait(&end->waiter) == NW_OK);
    return end->bits;
}

static void sockets(void)
{
    const struct nw_backend_ops *ops = &nw_backend_epoll;
    void *state = nw_worker_self()->backend_state;
    struct nw_addr addr, peer;
    int listen_fd = ops->listen(state, &loopback, true, 0);
    CHECK(listen_fd >= 0 && ops->local_addr(state, listen_fd, &addr) == 0 && addr.port != 0);
    CHECK(memcmp(addr.ip4, loopback.ip4, sizeof addr.ip4) == 0);
    struct pipe_end door = {0}, client = {0}, server = {0};
    CHECK(nw_source_add(&door.source, listen_fd, 0, on_ready) == NW_OK);
    int client_fd = ops->connect(state, &addr);
    CHECK(client_fd >= 0);
    CHECK(nw_source_add(&client.source, client_fd, 0, on_ready) == NW_OK);
    CHECK(wait_ready(&door, NW_READY_READ) & NW_READY_READ);
    int server_fd = ops->accept(state, listen_fd, &peer);
    CHECK(server_fd >= 0 && peer.kind == NW_ADDR_IP4);
    CHECK_EQ(ops->accept(state, listen_fd, &peer), -EAGAIN);
    CHECK(nw_source_add(&server.source, server_fd, 0, on_ready) == NW_OK);
    CHECK(wait_ready(&client, NW_READY_WRITE) & NW_READY_WRITE);
    CHECK_EQ(ops->connect_result(state, client_fd), 0);

    char text[16];
    struct iovec two[] = {{.iov_base = "hello ", .iov_len = 6},
                          {.iov_base = "world", .iov_len = 5}};
    struct iovec into = {.iov_base = text, .iov_len = sizeof text};
    CHECK_EQ(ops->readv(state, server_fd, &into, 1), -EAGAIN);
    CHECK_EQ(ops->writev(state, client_fd, two, 2), 11);
    CHECK_EQ(wait_ready(&server, NW_READY_READ), NW_READY_READ);
    CHECK_EQ(ops->peek(state, server_fd, text, 5), 5);
    CHECK_EQ(ops->readv(state, server_fd, &into, 1), 11);
    CHECK(memcmp(text, "hello world", 11) == 0);

    ops->shutdown_write(state, client_fd);
    CHECK(wait_ready(&server, NW_READY_PEER_END) & NW_READY_PEER_END);
    CHECK_EQ(ops->readv(state, server_fd, &into, 1), 0);
    /* A half-closed peer does not disturb a writer that waits for room. */
    CHECK_EQ(wait_ready(&server, NW_READY_WRITE), NW_READY_WRITE);
    int fd = nw_source_detach(&server.source);
    ops->close(state, fd, true);
    CHECK(wait_ready(&client, NW_READY_READ) & NW_READY_ERROR);
    CHECK_EQ(ops->readv(state, client_fd, &into, 1), -ECONNRESET);
    nw_source_close(&client.source);
    nw_source_close(&door.source);
    nw_source_close(&door.source); /* idempotent */
    int late_fd = ops->connect(state, &addr);
    if (late_fd >= 0) {
        CHECK(nw_source_add(&client.source, late_fd, 0, on_ready) == NW_OK);
        CHECK(wait_ready(&client, NW_READY_WRITE) & NW_READY_ERROR);
        CHECK_EQ(ops->connect_result(state, late_fd), -ECONNREFUSED);
        nw_source_close(&client.source);
    } else {
        CHECK_EQ(late_fd, -ECONNREFUSED);
    }
}

static void sockets_connect_carry_bytes_and_end(void **state)
{
    core_run(1, sockets);
}

static void listeners(void)
{
    const struct nw_backend_ops *ops = &nw_backend_epoll;
    void *state = nw_worker_self()->backend_state;
    struct nw_addr addr;
    int first = ops->listen(state, &loopback, true, 0);
    CHECK(first >= 0 && ops->local_addr(state, first, &addr) == 0);
    CHECK_EQ(ops->listen(state, &addr, true, 0), -EADDRINUSE); /* a second newel */
    int second = ops->listen(state, &addr, false, 0);          /* our own next worker */
    CHECK(second >= 0);
    ops->close(state, second, false);
    ops->close(state, first, false);

    struct nw_addr path = {.kind = NW_ADDR_UNIX};
    char folder[] = "/tmp/newel-loop-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path.path, sizeof path.path, "%s/socket", folder);
    first = ops->listen(state, &path, true, 0600);
    CHECK(first >= 0);
    CHECK_EQ(ops->listen(state, &path, true, 0600), -EADDRINUSE);
    ops->close(state, first, false);
    first = ops->listen(state, &path, true, 0600); /* what a killed newel left behind */
    CHECK(first >= 0);
    ops->close(state, first, false);
    CHECK(unlink(path.path) == 0 && rmdir(folder) == 0);
}

static void a_second_newel_is_refused_while_our_own_workers_join(void **state)
{
    core_run(1, listeners);
}

/* ---- Events of closed sources ---- */

static struct pipe_end twins[2];

static void close_twin(struct nw_source *source, unsigned ready)
{
    struct pipe_end *end = NW_CONTAINER_OF(source, struct pipe_end, source);
    end->count++;
    nw_source_close(&twins[end == &twins[0]].source);
    nw_source_want(source, 0);
}

static void closed_in_the_same_turn(void)
{
    int fds[2][2];
    for (int i = 0; i < 2; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds[i]) == 0);
        CHECK(write(fds[i][1], "x", 1) == 1);
        twins[i].count = 0;
        CHECK(nw_source_add(&twins[i].source, fds[i][0], NW_READY_READ, close_twin) == NW_OK);
    }
    pass_turns(2); /* both are readable in one turn; the first closes the second */
    CHECK_EQ(twins[0].count + twins[1].count, 1);
    for (int i = 0; i < 2; i++) {
        nw_source_close(&twins[i].source);
        close(fds[i][1]);
    }
}

static void an_event_of_a_source_closed_in_this_turn_is_dropped(void **state)
{
    core_run(1, closed_in_the_same_turn);
}

static void masked(void)
{
    int fds[2];
    struct pipe_end end = {0};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK(nw_source_add(&end.source, fds[0], NW_READY_READ, on_ready) == NW_OK);
    CHECK(write(fds[1], "x", 1) == 1);
    pass_turns(10);
    CHECK_EQ(end.count, 1); /* masked by its callback, although the byte is still there */
    CHECK_EQ(wait_ready(&end, NW_READY_READ), NW_READY_READ);
    close(fds[1]);
    pass_turns(10);
    CHECK_EQ(end.count, 2); /* removed: a hang-up cannot be masked */
    CHECK(wait_ready(&end, NW_READY_READ) & NW_READY_ERROR);
    nw_source_close(&end.source);
}

static void a_masked_source_is_silent_until_it_is_wanted_again(void **state)
{
    core_run(1, masked);
}

/* ---- The points of a turn ---- */

struct note {
    struct nw_turn_node node;
    const char *name;
    int left; /* registers itself again so often */
};
static char notes[64];

static void write_note(struct nw_turn_node *node)
{
    struct note *note = NW_CONTAINER_OF(node, struct note, node);
    CHECK(nw_fiber_self() == NULL);
    strcat(notes, note->name);
    if (note->left-- > 0)
        nw_loop_at_flush(nw_worker_self(), node);
}

static void write_timer(struct nw_timer *timer)
{
    strcat(notes, "t");
}

static void write_message(struct nw_message *message)
{
    strcat(notes, "m");
}

static void order_of_a_turn(void)
{
    struct nw_worker *worker = nw_worker_self();
    struct note flush = {.node.run = write_note, .name = "f"};
    struct note again = {.node.run = write_note, .name = "a", .left = 1};
    struct note rest = {.node.run = write_note, .name = "r"};
    struct nw_message message = {.run = write_message};
    struct nw_timer timer;
    nw_list_init(&flush.node.node);
    nw_list_init(&again.node.node);
    nw_list_init(&rest.node.node);
    nw_timer_init(&timer, write_timer);
    pass_turns(1);
    nw_timer_arm(&timer, 0);
    nw_loop_at_rest(worker, &rest.node);
    nw_loop_at_flush(worker, &flush.node);
    nw_loop_at_flush(worker, &flush.node); /* once */
    nw_loop_at_flush(worker, &again.node);
    nw_mailbox_post(worker, &message);
    pass_turns(2);
    CHECK(strcmp(notes, "mfatra") == 0);
}

static void mail_then_flush_then_timers_then_rest(void **state)
{
    core_run(1, order_of_a_turn);
}

static bool is_held;

static void hold_the_turn(void *arg)
{
    while (is_held)
        let_others_run();
}

static void release_turn(struct nw_timer *timer)
{
    is_held = false;
}

static void budget(void)
{
    struct nw_scope scope;
    struct nw_timer timer;
    nw_scope_open(&scope);
    is_held = true;
    for (int i = 0; i < 2; i++)
        CHECK(nw_scope_spawn(&scope, "greedy", hold_the_turn, NULL, NULL) == NW_OK);
    nw_timer_init(&timer, release_turn);
    nw_timer_arm(&timer, 1);
    CHECK(nw_scope_join(&scope) == NW_OK); /* ends only because turns end */
}

static void fibers_that_wake_each_other_cannot_hold_a_turn(void **state)
{
    core_run(1, budget);
}

/* ---- Stopping ---- */

static _Atomic int cleaned;

static void background(void *arg)
{
    CHECK(nw_sleep(1000000) == NW_CANCELLED);
    CHECK(nw_grace(100000));
    CHECK(nw_sleep(1) == NW_OK);
    atomic_fetch_add(&cleaned, 1);
}

static void spawn_background(void *arg)
{
    CHECK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "background", background, NULL,
                         NULL) == NW_OK);
}

static void with_background(void)
{
    nw_on_every_worker(spawn_background, NULL);
}

static void stopping_cancels_every_root_scope_and_waits(void **state)
{
    core_run(3, with_background);
    assert_int_equal(cleaned, 3);
}

static void stubborn(void *arg)
{
    CHECK(nw_sleep(1000000) == NW_CANCELLED);
    CHECK(nw_grace(1000000));
    nw_runtime_stop(the_runtime());
    CHECK(nw_sleep(900000) == NW_CANCELLED);
    atomic_fetch_add(&cleaned, 1);
}

static void with_stubborn(void)
{
    struct nw_scope *root = nw_worker_root_scope(nw_worker_self());
    CHECK(nw_scope_spawn(root, "stubborn", stubborn, NULL, NULL) == NW_OK);
}

static void a_second_stop_ends_graces(void **state)
{
    atomic_store(&cleaned, 0);
    core_run(1, with_stubborn);
    assert_int_equal(cleaned, 1);
}

/* ---- Limits of the machine ---- */

static void a_quota_is_read_as_thousandths_of_a_core(void **state)
{
    assert_int_equal(nw_limits_parse_cpu_max(NW_SLICE("150000 100000\n")), 1500);
    assert_int_equal(nw_limits_parse_cpu_max(NW_SLICE("max 100000\n")), 0);
    assert_int_equal(nw_limits_parse_cpu_max(NW_SLICE("")), 0);
    assert_int_equal(nw_limits_parse_cpu_max(NW_SLICE("5 0")), 0);
    assert_in_range(nw_limits_core_count(), 1, sysconf(_SC_NPROCESSORS_CONF));
    assert_true(nw_limits_memory_bytes() > 1 << 20);
    assert_true(nw_limits_map_count() > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_connect_carry_bytes_and_end),
        cmocka_unit_test(a_second_newel_is_refused_while_our_own_workers_join),
        cmocka_unit_test(an_event_of_a_source_closed_in_this_turn_is_dropped),
        cmocka_unit_test(a_masked_source_is_silent_until_it_is_wanted_again),
        cmocka_unit_test(mail_then_flush_then_timers_then_rest),
        cmocka_unit_test(fibers_that_wake_each_other_cannot_hold_a_turn),
        cmocka_unit_test(stopping_cancels_every_root_scope_and_waits),
        cmocka_unit_test(a_second_stop_ends_graces),
        cmocka_unit_test(a_quota_is_read_as_thousandths_of_a_core),
    };
    return cmocka_run_group_tests_name("io/loop", tests, NULL, NULL);
}
