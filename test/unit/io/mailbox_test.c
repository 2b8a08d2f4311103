/* Mailboxes: order per sender, nothing lost between a worker's last look and its sleep. */
#include <pthread.h>

#include "base/alloc.h"
#include "core_run.h"

enum { SENDERS = 4, LETTERS = NW_TSAN ? 2000 : 20000 };

struct letter {
    struct nw_message message;
    int sender;
    int number;
};

static struct nw_worker *receiver;
static struct letter *letters[SENDERS];
static int next_number[SENDERS];
static int received;
static struct nw_event all_received;

static void read_letter(struct nw_message *message)
{
    struct letter *letter = NW_CONTAINER_OF(message, struct letter, message);
    CHECK(nw_fiber_self() == NULL && nw_worker_self() == receiver);
    CHECK_EQ(letter->number, next_number[letter->sender]);
    next_number[letter->sender]++;
    if (++received == SENDERS * LETTERS)
        nw_event_set(&all_received);
}

static void *send_all(void *arg)
{
    struct letter *mine = arg;
    for (int i = 0; i < LETTERS; i++)
        nw_mailbox_post(receiver, &mine[i].message);
    return NULL;
}

static void receive_all(void)
{
    pthread_t threads[SENDERS];
    receiver = nw_worker_self();
    nw_event_init(&all_received);
    for (int sender = 0; sender < SENDERS; sender++) {
        letters[sender] = nw_alloc_array(LETTERS, sizeof(struct letter));
        for (int i = 0; i < LETTERS; i++)
            letters[sender][i] = (struct letter){
                .message.run = read_letter, .sender = sender, .number = i};
    }
    for (int i = 0; i < SENDERS; i++)
        CHECK(pthread_create(&threads[i], NULL, send_all, letters[i]) == 0);
    CHECK(nw_event_wait(&all_received) == NW_OK);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(next_number[i], LETTERS);
        nw_free(letters[i]);
    }
}

static void each_senders_order_is_kept(void **state)
{
    core_run(1, receive_all);
}

/* ---- Ping-pong: the worker sleeps between any two messages ---- */

enum { ROUNDS = 2000 };

struct ball {
    struct nw_message message;
    int bounces;
};
static struct ball ball;
static struct nw_worker *sides[2];
static struct nw_event game_over;

static void bounce(struct nw_message *message)
{
    unsigned index = nw_worker_index(nw_worker_self());
    if (++ball.bounces >= ROUNDS && index == 0)
        nw_event_set(&game_over);
    else
        nw_mailbox_post(sides[1 - index], &ball.message);
}

static void play(void)
{
    nw_event_init(&game_over);
    sides[0] = nw_runtime_worker(the_runtime(), 0);
    sides[1] = nw_runtime_worker(the_runtime(), 1);
    ball.message.run = bounce;
    nw_mailbox_post(sides[1], &ball.message);
    CHECK(nw_event_wait(&game_over) == NW_OK);
    CHECK(ball.bounces >= ROUNDS);
}

static void no_message_is_slept_through(void **state)
{
    core_run(2, play);
}

/* ---- One wake per batch ---- */

static struct nw_backend_ops counting;
static _Atomic int wakes;

static void count_wake(void *state)
{
    atomic_fetch_add(&wakes, 1);
    nw_backend_epoll.wake(state);
}

static int read_count;
static void count_letter(struct nw_message *message)
{
    read_count++;
}

static void a_batch_to_a_sleeping_worker_costs_one_wake(void **state)
{
    struct nw_runtime *runtime;
    struct nw_message messages[10];
    counting = nw_backend_epoll;
    counting.wake = count_wake;
    struct nw_runtime_options options = {.backend = &counting, .worker_count = 1};
    assert_int_equal(nw_runtime_new(&options, &runtime), NW_OK);
    struct nw_worker *worker = nw_runtime_worker(runtime, 0);
    for (int i = 0; i < 10; i++) {
        messages[i].run = count_letter;
        nw_mailbox_post(worker, &messages[i]);
    }
    assert_int_equal(wakes, 1);
    struct nw_worker *before = nw_worker_enter(worker);
    assert_int_equal(nw_loop_timeout_ns(worker), 0);
    nw_loop_turn(worker, false);
    assert_int_equal(read_count, 10);
    assert_int_equal(nw_loop_timeout_ns(worker), -1);
    nw_mailbox_post(worker, &messages[0]);
    assert_int_equal(wakes, 2);
    nw_loop_turn(worker, false);
    nw_worker_enter(before);
    nw_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_senders_order_is_kept),
        cmocka_unit_test(no_message_is_slept_through),
        cmocka_unit_test(a_batch_to_a_sleeping_worker_costs_one_wake),
    };
    return cmocka_run_group_tests_name("io/mailbox", tests, NULL, NULL);
}
