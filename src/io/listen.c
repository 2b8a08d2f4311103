/*
 * Listening: a listener has a seat on every worker, each with a socket of its own, so that
 * accepting needs no lock and the kernel spreads new connections by hash.
 *
 * The hash is uneven for few, long-lived clients: with 8 connections on 2 workers, 6 to 2 is common
 * and costs a third of the throughput. So a worker that would hold over a quarter more connections
 * than the least loaded one hands the accepted descriptor over by message. What is under way counts
 * for the receiver at once, otherwise a burst would all go the same way. Unix sockets and inherited
 * ones exist once: worker 0 sits alone and the same rule does all the spreading.
 *
 * At most 16 are accepted a turn, so that a storm of new clients cannot starve the running
 * requests; the loop is level-triggered and comes back. When descriptors run out the seat stops
 * watching (the queue would stay readable and spin) and tries again every 100 ms.
 *
 * Closing a listening socket resets what its queue holds, hence accept until empty first.
 */
#include "io/listen.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/errno.h"
#include "io/sysfd.h"
#include "io/worker_impl.h"

enum { ACCEPT_TURN_MAX = 16, RETRY_MS = 100 };

struct seat {
    struct nw_source source; /* first */
    struct nw_timer retry;
    struct nw_listener *listener;
    struct nw_list node; /* in the worker's list while it is watched */
    int fd;              /* before the start; then the source's */
    bool is_exhausted;
};

struct nw_listener {
    struct nw_listener_options options;
    struct nw_runtime *runtime;
    struct nw_list node; /* in the runtime's list */
    struct nw_addr addr; /* with the kernel's port */
    bool is_wildcard;    /* each connection is asked for its own local address */
    _Atomic int handed_over; /* messages that have not run */
    unsigned seat_count;
    struct seat seats[];
};

struct load {
    _Atomic int64_t connections;
    _Atomic int64_t under_way; /* handed over to it and not yet arrived */
    char own_cache_line[48];
};

/* Of the runtime: made by the first listener, on worker 0 before any other worker looks. */
struct listening {
    struct nw_list listeners;
    struct load loads[NW_WORKERS_MAX];
};

struct handover {
    struct nw_message message;
    struct nw_listener *listener;
    struct nw_accepted accepted;
};

static void seat_on_ready(struct nw_source *source, unsigned ready);
static struct nw_list *seats_of(struct nw_worker *worker);

/* ---- counting ---- */

static struct listening *listening_of(const struct nw_runtime *runtime)
{
    return runtime->parts[NW_IO_PART_LISTEN].state;
}

/* The runtime's parts end before its workers, but the workers' seats still need it. */
static void listening_keep(void *state)
{
}

static struct listening *listening_make(struct nw_runtime *runtime)
{
    struct nw_part *part = &runtime->parts[NW_IO_PART_LISTEN];
    if (part->state == NULL) {
        struct listening *listening = nw_alloc_zero(sizeof *listening);
        nw_list_init(&listening->listeners);
        part->state = listening;
        part->free = listening_keep;
        (void)seats_of(runtime->workers[0]); /* whose end is the last and frees it */
    }
    return part->state;
}

void nw_listener_count(int delta)
{
    struct nw_worker *worker = nw_worker_self();
    atomic_fetch_add_explicit(&worker->runtime->connections, delta, memory_order_relaxed);
    struct listening *listening = listening_of(worker->runtime);
    if (listening != NULL)
        atomic_fetch_add_explicit(&listening->loads[worker->index].connections, delta,
                                  memory_order_relaxed);
}

uint64_t nw_listener_connections(const struct nw_runtime *runtime)
{
    int64_t count = atomic_load_explicit(&runtime->connections, memory_order_relaxed);
    return count > 0 ? (uint64_t)count : 0;
}

static int64_t load_of(const struct listening *listening, unsigned index)
{
    const struct load *load = &listening->loads[index];
    return atomic_load_explicit(&load->connections, memory_order_relaxed) +
           atomic_load_explicit(&load->under_way, memory_order_relaxed);
}

/* Who should serve one more: ourselves, unless we would hold > 25 % more than the least loaded. */
static unsigned choose_worker(const struct nw_listener *listener, unsigned self)
{
    if (listener->options.only_worker_0)
        return self;
    const struct listening *listening = listening_of(listener->runtime);
    unsigned least = self;
    for (unsigned i = 0; i < listener->runtime->worker_count; i++)
        if (load_of(listening, i) < load_of(listening, least))
            least = i;
    bool is_uneven = (load_of(listening, self) + 1) * 4 > load_of(listening, least) * 5;
    return is_uneven ? least : self;
}

/* ---- accepting ---- */

static void handover_run(struct nw_message *message)
{
    struct handover *handover = NW_CONTAINER_OF(message, struct handover, message);
    struct nw_listener *listener = handover->listener;
    struct nw_accepted accepted = handover->accepted;
    nw_free(handover);
    struct load *load = &listening_of(listener->runtime)->loads[nw_worker_self()->index];
    atomic_fetch_sub_explicit(&load->under_way, 1, memory_order_relaxed);
    listener->options.on_accept(listener->options.owner, &accepted);
    atomic_fetch_sub_explicit(&listener->handed_over, 1, memory_order_release);
}

static void hand_over(struct nw_listener *listener, unsigned to, const struct nw_accepted *accepted)
{
    struct handover *handover = nw_alloc_zero(sizeof *handover);
    handover->message.run = handover_run;
    handover->listener = listener;
    handover->accepted = *accepted;
    atomic_fetch_add_explicit(&listening_of(listener->runtime)->loads[to].under_way, 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&listener->handed_over, 1, memory_order_relaxed);
    nw_mailbox_post(listener->runtime->workers[to], &handover->message);
}

static void serve(struct nw_listener *listener, int fd, const struct nw_addr *peer)
{
    struct nw_worker *worker = nw_worker_self();
    struct nw_accepted accepted = {
        .fd = fd,
        .is_unix = listener->addr.kind == NW_ADDR_UNIX,
        .peer = *peer,
        .local = listener->addr,
    };
    if (listener->is_wildcard)
        (void)worker->backend->local_addr(worker->backend_state, fd, &accepted.local);
    unsigned to = choose_worker(listener, worker->index);
    if (to == worker->index)
        listener->options.on_accept(listener->options.owner, &accepted);
    else
        hand_over(listener, to, &accepted);
}

static void seat_exhausted_set(struct seat *seat, bool is_exhausted)
{
    if (seat->is_exhausted == is_exhausted)
        return;
    seat->is_exhausted = is_exhausted;
    struct nw_listener_options *options = &seat->listener->options;
    if (options->on_exhausted != NULL)
        options->on_exhausted(options->owner, is_exhausted);
}

/* Stops watching: the queue stays readable although nothing can be accepted. */
static void seat_rest(struct seat *seat, int number)
{
    nw_source_want(&seat->source, 0);
    nw_timer_arm(&seat->retry, RETRY_MS);
    nw_err err = nw_errno_to_err(number);
    if (err == NW_TOO_MANY_FILES || err == NW_NO_MEMORY)
        seat_exhausted_set(seat, true);
}

static void seat_retry(struct nw_timer *timer)
{
    struct seat *seat = NW_CONTAINER_OF(timer, struct seat, retry);
    nw_source_want(&seat->source, NW_READY_READ);
}

/* False when there is nothing more to accept. */
static bool accept_one(struct seat *seat)
{
    struct nw_worker *worker = seat->source.worker;
    struct nw_addr peer = {0};
    int fd = worker->backend->accept(worker->backend_state, seat->source.fd, &peer);
    if (fd == -ECONNABORTED || fd == -EINTR || fd == -EPROTO)
        return true; /* that one went away while it waited */
    if (fd == -EAGAIN)
        return false;
    if (fd < 0) {
        seat_rest(seat, -fd);
        return false;
    }
    seat_exhausted_set(seat, false);
    serve(seat->listener, fd, &peer);
    return true;
}

static void seat_on_ready(struct nw_source *source, unsigned ready)
{
    struct seat *seat = NW_CONTAINER_OF(source, struct seat, source);
    for (int i = 0; i < ACCEPT_TURN_MAX; i++)
        if (!accept_one(seat))
            return;
}

/* ---- opening ---- */

static bool is_any_addr(const struct nw_addr *addr)
{
    static const uint8_t zero[16];
    return (addr->kind == NW_ADDR_IP4 && memcmp(addr->ip4, zero, 4) == 0) ||
           (addr->kind == NW_ADDR_IP6 && memcmp(addr->ip6, zero, 16) == 0);
}

static unsigned seats_wanted(const struct nw_runtime *runtime,
                             const struct nw_listener_options *options)
{
    bool is_single = options->only_worker_0 || options->inherited_fd >= 0 ||
                     options->addr.kind == NW_ADDR_UNIX;
    return is_single ? 1 : runtime->worker_count;
}

NW_YIELDS static nw_err open_one(const struct nw_listener_options *options,
                                 struct nw_worker *worker, const struct nw_addr *addr,
                                 bool is_first, int *out_fd)
{
    int fd = worker->backend->listen(worker->backend_state, addr, is_first, options->mode);
    if (fd == -EACCES && options->ask_open != NULL)
        return options->ask_open(options->ask_arg, options->text, addr, is_first, out_fd);
    if (fd < 0)
        return nw_errno_to_err(-fd);
    *out_fd = fd;
    return NW_OK;
}

NW_YIELDS static nw_err open_first(struct nw_listener *listener, struct nw_worker *worker)
{
    const struct nw_listener_options *options = &listener->options;
    int fd = options->inherited_fd;
    if (fd >= 0)
        NW_TRY(nw_fd_adopt(fd));
    else
        NW_TRY(open_one(options, worker, &options->addr, true, &fd));
    listener->seats[0].fd = fd;
    int result = worker->backend->local_addr(worker->backend_state, fd, &listener->addr);
    return result < 0 ? nw_errno_to_err(-result) : NW_OK;
}

NW_YIELDS static nw_err open_all(struct nw_listener *listener, struct nw_worker *worker)
{
    NW_TRY(open_first(listener, worker));
    for (unsigned i = 1; i < listener->seat_count; i++)
        NW_TRY(open_one(&listener->options, worker, &listener->addr, false,
                        &listener->seats[i].fd));
    return NW_OK;
}

static void close_unstarted(struct nw_listener *listener, struct nw_worker *worker)
{
    for (unsigned i = 0; i < listener->seat_count; i++) {
        if (listener->seats[i].fd >= 0)
            worker->backend->close(worker->backend_state, listener->seats[i].fd, false);
        listener->seats[i].fd = -1;
    }
}

nw_err nw_listener_open(struct nw_runtime *runtime, const struct nw_listener_options *options,
                        struct nw_listener **out)
{
    NW_ASSERT(options->on_accept != NULL);
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker->index == 0 && worker->runtime == runtime);
    unsigned count = seats_wanted(runtime, options);
    struct nw_listener *listener =
        nw_alloc_zero(sizeof *listener + count * sizeof listener->seats[0]);
    listener->options = *options;
    listener->runtime = runtime;
    listener->addr = options->addr;
    listener->seat_count = count;
    for (unsigned i = 0; i < count; i++) {
        struct seat *seat = &listener->seats[i];
        seat->listener = listener;
        seat->fd = seat->source.fd = -1;
        nw_list_init(&seat->node);
        nw_timer_init(&seat->retry, seat_retry);
    }
    nw_err err = open_all(listener, worker);
    if (err != NW_OK) {
        close_unstarted(listener, worker);
        nw_free(listener);
        return err;
    }
    listener->is_wildcard = is_any_addr(&listener->addr);
    nw_list_push_back(&listening_make(runtime)->listeners, &listener->node);
    *out = listener;
    return NW_OK;
}

const struct nw_addr *nw_listener_addr(const struct nw_listener *listener)
{
    return &listener->addr;
}

/* ---- starting and closing, on every worker ---- */

static void listening_free(struct listening *listening, struct nw_worker *worker)
{
    struct nw_list *node;
    while ((node = nw_list_pop_front(&listening->listeners)) != NULL) {
        struct nw_listener *listener = NW_CONTAINER_OF(node, struct nw_listener, node);
        close_unstarted(listener, worker);
        nw_free(listener);
    }
    nw_free(listening);
}

/* What a runtime that ends without nw_listener_close leaves open. Worker 0 is the last to go. */
static void seats_free(void *state)
{
    struct nw_list *seats = state, *node;
    while ((node = nw_list_pop_front(seats)) != NULL) {
        struct seat *seat = NW_CONTAINER_OF(node, struct seat, node);
        nw_timer_disarm(&seat->retry);
        nw_source_close(&seat->source);
    }
    nw_free(seats);
    struct nw_worker *worker = nw_worker_self();
    if (worker->index == 0)
        listening_free(listening_of(worker->runtime), worker);
}

static struct nw_list *seats_of(struct nw_worker *worker)
{
    struct nw_part *part = &worker->parts[NW_IO_PART_LISTEN];
    if (part->state == NULL) {
        part->state = nw_alloc(sizeof(struct nw_list));
        nw_list_init(part->state);
        part->free = seats_free;
    }
    return part->state;
}

static struct seat *seat_here(struct nw_listener *listener)
{
    unsigned index = nw_worker_self()->index;
    return index < listener->seat_count ? &listener->seats[index] : NULL;
}

static void start_here(void *arg)
{
    struct seat *seat = seat_here(arg);
    if (seat == NULL || seat->fd < 0)
        return;
    int fd = seat->fd;
    nw_err err = nw_source_add(&seat->source, fd, NW_READY_READ, seat_on_ready);
    NW_ASSERT(err == NW_OK); /* at start, with descriptors at hand, only a lack of memory */
    seat->fd = -1;
    nw_list_push_back(seats_of(nw_worker_self()), &seat->node);
}

const char *nw_listener_trouble(nw_err err)
{
    switch (err) {
    case NW_ADDRESS_IN_USE: return "is in use by another process";
    case NW_DENIED: return "may not be opened by this user";
    case NW_NO_SUCH_NAME: return "does not resolve";
    case NW_UNREACHABLE: return "is not an address of this machine";
    default: return nw_err_text(err);
    }
}

void nw_listener_start(struct nw_listener *listener)
{
    nw_on_every_worker(start_here, listener);
}

static void close_here(void *arg)
{
    struct seat *seat = seat_here(arg);
    if (seat == NULL || seat->source.fd < 0)
        return;
    while (accept_one(seat))
        continue;
    nw_timer_disarm(&seat->retry);
    nw_list_remove(&seat->node);
    nw_source_close(&seat->source);
}

static void pass(void *arg)
{
}

void nw_listener_close(struct nw_listener *listener)
{
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker->index == 0);
    nw_on_every_worker(close_here, listener);
    close_unstarted(listener, worker);
    /* Those handed over still name the listener. */
    while (atomic_load_explicit(&listener->handed_over, memory_order_acquire) != 0)
        nw_on_every_worker(pass, NULL);
    nw_list_remove(&listener->node);
    nw_free(listener);
}
