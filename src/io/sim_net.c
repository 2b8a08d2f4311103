/*
 * Sockets in memory. A connection is two of them, each owning the pipe of bytes on their way to
 * it; what is written goes into the other's pipe at once and becomes readable when the segment
 * arrives, so a full buffer, a slow link and a peer that closes too early are the same
 * arithmetic as in a kernel.
 *
 * The rules follow Linux where a proxy can tell the difference: closing with unread input sends
 * a reset; bytes that arrived before a reset can still be read; an error is told once, to
 * whichever call comes first, a peek included; writing to a closed peer succeeds once and brings
 * the reset back; room for writing is announced when a third of the buffer is free; both
 * directions shut is a hang-up.
 *
 * Readiness is level-triggered. A socket with something to tell stands in its watcher's ready
 * list; every change of state ends in socket_update, which puts it there or takes it away. So a
 * turn looks only at what is ready, however many connections are idle.
 *
 * The network itself never half-closes: a FIN that nobody sent would make a truncated message
 * whole. Half-closes are what scripted clients and servers do.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"
#include "io/sim_impl.h"

enum { BACKLOG = 512, RING_FIRST_BYTES = 4096, EPHEMERAL_FIRST = 32768, EPHEMERAL_COUNT = 28000 };

/* ---- The table ---- */

static struct sim_socket *socket_new(struct nw_sim *sim, sim_socket_kind kind,
                                     struct nw_runtime *runtime)
{
    struct sim_socket *socket = nw_alloc_zero(sizeof *socket);
    if (sim->free_fd_count > 0) {
        socket->fd = sim->free_fds[--sim->free_fd_count];
    } else {
        if (sim->socket_count == sim->socket_cap) {
            sim->socket_cap = sim->socket_cap * 2 + 64;
            sim->sockets =
                nw_realloc(sim->sockets, (size_t)sim->socket_cap * sizeof(struct sim_socket *));
            sim->free_fds = nw_realloc(sim->free_fds, (size_t)sim->socket_cap * sizeof(int));
        }
        socket->fd = sim->socket_count++;
    }
    sim->sockets[socket->fd] = socket;
    socket->kind = kind;
    socket->runtime = runtime;
    socket->id = ++sim->next_id;
    nw_list_init(&socket->ready);
    nw_list_init(&socket->node);
    nw_list_init(&socket->queue);
    return socket;
}

static void socket_free(struct nw_sim *sim, struct sim_socket *socket)
{
    if (socket->peer != NULL)
        socket->peer->peer = NULL;
    nw_list_remove(&socket->ready);
    nw_list_remove(&socket->node);
    sim->sockets[socket->fd] = NULL;
    sim->free_fds[sim->free_fd_count++] = socket->fd;
    nw_free(socket->in.ring);
    nw_free(socket);
}

static struct sim_socket *socket_at(const struct sim_worker *state, int fd)
{
    NW_ASSERT(fd >= 0 && fd < state->sim->socket_count && state->sim->sockets[fd] != NULL);
    struct sim_socket *socket = state->sim->sockets[fd];
    NW_ASSERT(socket->runtime == state->worker->runtime);
    return socket;
}

static size_t draw_limit(struct nw_sim *sim)
{
    size_t min = sim->faults.buffer_min_bytes, max = sim->faults.buffer_max_bytes;
    return max > min ? min + nw_rng_below(&sim->rng, max - min + 1) : min > 0 ? min : 1;
}

static uint64_t draw_delay_ns(struct nw_sim *sim)
{
    uint64_t ns = sim->faults.latency_us * 1000;
    if (sim->faults.jitter_us > 0)
        ns += (uint64_t)nw_rng_exponential(&sim->rng, (double)sim->faults.jitter_us * 1000);
    return ns;
}

/* ---- Readiness ---- */

static bool has_room(const struct sim_socket *socket)
{
    if (socket->peer == NULL)
        return !socket->is_void || socket->void_bytes < socket->in.limit_bytes;
    const struct sim_pipe *out = &socket->peer->in;
    return out->total < out->limit_bytes && (out->limit_bytes - out->total) * 2 >= out->total;
}

static unsigned ready_bits(const struct sim_socket *socket)
{
    switch (socket->kind) {
    case SIM_LISTENER:
        return socket->queue_count > 0 ? NW_READY_READ : 0;
    case SIM_CONNECTING:
    case SIM_DEAD_QUIET:
        return 0;
    case SIM_DEAD:
        return NW_READY_READ | NW_READY_WRITE | NW_READY_PEER_END | NW_READY_ERROR;
    case SIM_STREAM:
        break;
    }
    if (socket->is_reset)
        return NW_READY_READ | NW_READY_WRITE | NW_READY_PEER_END | NW_READY_ERROR;
    unsigned bits = 0;
    if (socket->in.readable > 0 || socket->in.has_end)
        bits |= NW_READY_READ;
    if (socket->in.has_end)
        bits |= NW_READY_PEER_END;
    if (socket->in.has_end && socket->is_shut)
        bits |= NW_READY_ERROR; /* a hang-up */
    if (has_room(socket) || socket->is_shut)
        bits |= NW_READY_WRITE;
    return bits;
}

static unsigned wanted_bits(const struct sim_socket *socket)
{
    unsigned told = NW_READY_ERROR | (socket->want & NW_READY_WRITE);
    if (socket->want & NW_READY_READ)
        told |= NW_READY_READ | NW_READY_PEER_END;
    if (socket->want & NW_READY_PEER_END)
        told |= NW_READY_PEER_END;
    return ready_bits(socket) & told;
}

static void socket_update(struct sim_socket *socket)
{
    bool is_ready = socket->watcher != NULL && wanted_bits(socket) != 0;
    bool is_listed = !nw_list_is_empty(&socket->ready);
    if (is_ready && !is_listed)
        nw_list_push_back(&socket->watcher->ready, &socket->ready);
    else if (!is_ready && is_listed)
        nw_list_remove(&socket->ready);
}

int sim_add(void *arg, struct nw_source *source, unsigned want)
{
    struct sim_worker *state = arg;
    struct sim_socket *socket = socket_at(state, source->fd);
    NW_ASSERT(socket->watcher == NULL);
    socket->watcher = state;
    socket->source = source;
    socket->want = want;
    socket_update(socket);
    return 0;
}

int sim_modify(void *arg, struct nw_source *source, unsigned want)
{
    struct sim_socket *socket = socket_at(arg, source->fd);
    NW_ASSERT(socket->source == source && socket->watcher == arg);
    socket->want = want;
    socket_update(socket);
    return 0;
}

int sim_remove(void *arg, struct nw_source *source)
{
    struct sim_socket *socket = socket_at(arg, source->fd);
    NW_ASSERT(socket->source == source && socket->watcher == arg);
    socket->watcher = NULL;
    socket->source = NULL;
    socket_update(socket);
    return 0;
}

int sim_net_wait(struct sim_worker *state, struct nw_ready *out, int max)
{
    struct nw_sim *sim = state->sim;
    int count = 0;
    NW_LIST_EACH (node, &state->ready) {
        struct sim_socket *socket = NW_CONTAINER_OF(node, struct sim_socket, ready);
        if (count == max)
            break;
        out[count++] = (struct nw_ready){socket->source, wanted_bits(socket)};
    }
    if (count < 2)
        return count;
    nw_rng_shuffle(&sim->rng, out, (size_t)count, sizeof out[0]);
    if (sim_chance(sim, sim->faults.partial_events))
        count = 1 + (int)nw_rng_below(&sim->rng, (uint64_t)count);
    return count;
}

/* ---- Pipes ---- */

static void pipe_grow(struct sim_pipe *pipe, size_t need_bytes)
{
    if (pipe->ring_bytes >= need_bytes)
        return;
    size_t bytes = pipe->ring_bytes != 0 ? pipe->ring_bytes : RING_FIRST_BYTES;
    while (bytes < need_bytes)
        bytes *= 2;
    char *ring = nw_alloc(bytes);
    size_t first = pipe->ring_bytes - pipe->start < pipe->total ? pipe->ring_bytes - pipe->start
                                                                : pipe->total;
    if (pipe->total > 0) {
        memcpy(ring, pipe->ring + pipe->start, first);
        memcpy(ring + first, pipe->ring, pipe->total - first);
    }
    nw_free(pipe->ring);
    pipe->ring = ring;
    pipe->ring_bytes = bytes;
    pipe->start = 0;
}

static void pipe_put(struct sim_pipe *pipe, const char *from, size_t bytes)
{
    size_t end = (pipe->start + pipe->total) % pipe->ring_bytes;
    size_t first = pipe->ring_bytes - end < bytes ? pipe->ring_bytes - end : bytes;
    memcpy(pipe->ring + end, from, first);
    memcpy(pipe->ring, from + first, bytes - first);
    pipe->total += bytes;
}

static void pipe_look(const struct sim_pipe *pipe, size_t skip, char *to, size_t bytes)
{
    size_t start = (pipe->start + skip) % pipe->ring_bytes;
    size_t first = pipe->ring_bytes - start < bytes ? pipe->ring_bytes - start : bytes;
    memcpy(to, pipe->ring + start, first);
    memcpy(to + first, pipe->ring, bytes - first);
}

static void pipe_drop(struct sim_pipe *pipe, size_t bytes)
{
    pipe->start = (pipe->start + bytes) % pipe->ring_bytes;
    pipe->total -= bytes;
    pipe->readable -= bytes;
}

/* ---- What is in flight ---- */

/* In order behind everything that was sent to this socket before. */
static void send_to(struct nw_sim *sim, struct sim_socket *to, sim_event_kind kind, size_t bytes)
{
    uint64_t at_ns = sim->now_ns + draw_delay_ns(sim);
    if (at_ns < to->in.last_at_ns)
        at_ns = to->in.last_at_ns;
    to->in.last_at_ns = at_ns;
    struct sim_event event = {
        .at_ns = at_ns, .kind = kind, .fd = to->fd, .id = to->id, .bytes = bytes};
    if (at_ns <= sim->now_ns && to->in.total == to->in.readable + bytes)
        sim_net_event(sim, &event);
    else
        sim_event_push(sim, event);
}

/* A reset may overtake what is on its way. */
static void send_reset(struct nw_sim *sim, struct sim_socket *to)
{
    if (to->is_reset || to->kind >= SIM_DEAD)
        return;
    uint64_t at_ns = sim->now_ns + draw_delay_ns(sim);
    if (at_ns < to->in.last_at_ns && nw_rng_below(&sim->rng, 4) != 0)
        at_ns = to->in.last_at_ns;
    sim_event_push(
        sim, (struct sim_event){.at_ns = at_ns, .kind = SIM_RESET, .fd = to->fd, .id = to->id});
}

static void reset_arrives(struct nw_sim *sim, struct sim_socket *socket)
{
    if (socket->is_reset || socket->kind == SIM_DEAD)
        return;
    sim_note(sim, NULL, "reset arrives at %s", socket->name);
    socket->is_reset = true;
    socket->error = ECONNRESET;
    socket->in.total = socket->in.readable; /* what was in flight is lost */
}

static bool covers(const struct nw_addr *listener, const struct nw_addr *to)
{
    static const uint8_t any[16];
    if (nw_addr_eq(listener, to))
        return true;
    if (listener->kind != to->kind || listener->port != to->port || listener->kind == NW_ADDR_UNIX)
        return false;
    size_t bytes = listener->kind == NW_ADDR_IP4 ? 4 : 16;
    return memcmp(listener->ip6, any, bytes) == 0;
}

/* One of the sockets that listen there, as the kernel's hash would choose; NULL: nobody does. */
static struct sim_socket *choose_listener(struct nw_sim *sim, const struct nw_addr *to)
{
    struct sim_socket *chosen = NULL;
    uint64_t count = 0;
    NW_LIST_EACH (node, &sim->listeners) {
        struct sim_socket *socket = NW_CONTAINER_OF(node, struct sim_socket, node);
        if (covers(&socket->local, to) && nw_rng_below(&sim->rng, ++count) == 0)
            chosen = socket;
    }
    return chosen;
}

static void connect_arrives(struct nw_sim *sim, struct sim_socket *client)
{
    struct sim_socket *listener = choose_listener(sim, &client->remote);
    if (listener == NULL || sim_chance(sim, sim->faults.connect_refused)) {
        sim_note(sim, NULL, "%s is refused", client->name);
        client->kind = SIM_STREAM;
        client->is_reset = true;
        client->error = ECONNREFUSED;
        return;
    }
    if (listener->queue_count >= BACKLOG)
        return; /* the attempt is dropped, as by a kernel whose queue is full */
    struct sim_socket *server = socket_new(sim, SIM_STREAM, listener->runtime);
    snprintf(server->name, sizeof server->name, "%.*s<", (int)strlen(client->name) - 1,
             client->name);
    server->local = client->remote;
    server->remote = client->local;
    server->in.limit_bytes = draw_limit(sim);
    client->in.limit_bytes = draw_limit(sim);
    client->kind = SIM_STREAM;
    client->peer = server;
    server->peer = client;
    nw_list_push_back(&listener->queue, &server->node);
    listener->queue_count++;
    socket_update(listener);
}

void sim_net_event(struct nw_sim *sim, const struct sim_event *event)
{
    struct sim_socket *socket = sim->sockets[event->fd];
    if (socket == NULL || socket->id != event->id || socket->is_reset || socket->kind == SIM_DEAD)
        return;
    switch (event->kind) {
    case SIM_DELIVER:
        socket->in.readable += event->bytes;
        NW_ASSERT(socket->in.readable <= socket->in.total);
        break;
    case SIM_FIN:
        socket->in.has_end = true;
        break;
    case SIM_RESET:
        reset_arrives(sim, socket);
        break;
    case SIM_CONNECT:
        connect_arrives(sim, socket);
        break;
    case SIM_CALL:
        break;
    }
    socket_update(socket);
}

/* ---- Opening ---- */

static bool is_taken(struct nw_sim *sim, const struct nw_addr *addr,
                     const struct nw_runtime *runtime, bool *out_is_ours)
{
    NW_LIST_EACH (node, &sim->listeners) {
        struct sim_socket *socket = NW_CONTAINER_OF(node, struct sim_socket, node);
        if (covers(&socket->local, addr) || covers(addr, &socket->local)) {
            *out_is_ours = socket->runtime == runtime;
            return true;
        }
    }
    return false;
}

int sim_listen(void *arg, const struct nw_addr *addr, bool is_first, unsigned mode)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    (void)mode;
    if (state->is_dead)
        return -ENETDOWN;
    if (addr->kind == NW_ADDR_NONE)
        return -EAFNOSUPPORT;
    struct nw_addr bound = *addr;
    bool is_ours = false;
    if (bound.kind != NW_ADDR_UNIX && bound.port == 0)
        bound.port = sim->next_port++;
    bool taken = is_taken(sim, &bound, state->worker->runtime, &is_ours);
    if (taken && (is_first || !is_ours))
        return -EADDRINUSE;
    struct sim_socket *socket = socket_new(sim, SIM_LISTENER, state->worker->runtime);
    snprintf(socket->name, sizeof socket->name, "l%llu", (unsigned long long)socket->id);
    socket->local = bound;
    nw_list_push_back(&sim->listeners, &socket->node);
    char text[NW_ADDR_TEXT_MAX_BYTES];
    sim_note(sim, state, "listen %s %s", socket->name, nw_addr_print(&bound, text));
    return socket->fd;
}

int sim_local_addr(void *arg, int fd, struct nw_addr *out)
{
    *out = socket_at(arg, fd)->local;
    return 0;
}

static void count_accept(struct nw_sim *sim, const struct nw_addr *addr)
{
    NW_LIST_EACH (node, &sim->accepts) {
        struct sim_accepts *accepts = NW_CONTAINER_OF(node, struct sim_accepts, node);
        if (nw_addr_eq(&accepts->addr, addr)) {
            accepts->count++;
            return;
        }
    }
    struct sim_accepts *accepts = nw_alloc_zero(sizeof *accepts);
    accepts->addr = *addr;
    accepts->count = 1;
    nw_list_push_back(&sim->accepts, &accepts->node);
}

uint64_t nw_sim_accepted_count(const struct nw_sim *sim, const struct nw_addr *addr)
{
    NW_LIST_EACH (node, &sim->accepts) {
        struct sim_accepts *accepts = NW_CONTAINER_OF(node, struct sim_accepts, node);
        if (nw_addr_eq(&accepts->addr, addr))
            return accepts->count;
    }
    return 0;
}

int sim_accept(void *arg, int listen_fd, struct nw_addr *out_peer)
{
    struct sim_worker *state = arg;
    struct sim_socket *listener = socket_at(state, listen_fd);
    struct nw_list *node = nw_list_pop_front(&listener->queue);
    if (node == NULL)
        return -EAGAIN;
    struct sim_socket *socket = NW_CONTAINER_OF(node, struct sim_socket, node);
    listener->queue_count--;
    socket_update(listener);
    count_accept(state->sim, &socket->local);
    *out_peer = socket->remote;
    sim_note(state->sim, state, "accept %s", socket->name);
    return socket->fd;
}

int sim_connect(void *arg, const struct nw_addr *to)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    if (state->is_dead)
        return -ENETDOWN;
    if (to->kind == NW_ADDR_NONE)
        return -EAFNOSUPPORT;
    struct sim_socket *socket = socket_new(sim, SIM_CONNECTING, state->worker->runtime);
    snprintf(socket->name, sizeof socket->name, "c%llu>", (unsigned long long)socket->id);
    socket->remote = *to;
    socket->local.kind = to->kind;
    if (to->kind == NW_ADDR_IP4)
        memcpy(socket->local.ip4, (const uint8_t[]){127, 0, 0, 1}, 4);
    else if (to->kind == NW_ADDR_IP6)
        socket->local.ip6[15] = 1;
    if (to->kind != NW_ADDR_UNIX)
        socket->local.port = (uint16_t)(EPHEMERAL_FIRST + socket->id % EPHEMERAL_COUNT);
    char text[NW_ADDR_TEXT_MAX_BYTES];
    bool is_lost = sim_chance(sim, sim->faults.connect_lost);
    sim_note(sim, state, "connect %s %s%s", socket->name, nw_addr_print(to, text),
             is_lost ? " (lost)" : "");
    if (!is_lost)
        send_to(sim, socket, SIM_CONNECT, 0);
    return socket->fd;
}

static int take_error(struct sim_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    return error;
}

int sim_connect_result(void *arg, int fd)
{
    return -take_error(socket_at(arg, fd));
}

/* ---- Moving bytes ---- */

static size_t iov_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

static uint32_t bytes_hash(const struct iovec *iov, int count, size_t bytes)
{
    uint64_t hash = 0;
    for (int i = 0; i < count && bytes > 0; i++) {
        size_t part = iov[i].iov_len < bytes ? iov[i].iov_len : bytes;
        hash = nw_hash_fast(nw_slice_of(iov[i].iov_base, part), hash);
        bytes -= part;
    }
    return (uint32_t)hash;
}

/* What a call without bytes answers. */
static ssize_t empty_result(struct sim_socket *socket)
{
    if (socket->kind == SIM_DEAD)
        return -ECONNRESET;
    if (socket->error != 0)
        return -take_error(socket);
    return socket->is_reset || socket->in.has_end ? 0 : -EAGAIN;
}

ssize_t sim_readv(void *arg, int fd, const struct iovec *iov, int count)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    struct sim_socket *socket = socket_at(state, fd);
    struct sim_pipe *pipe = &socket->in;
    size_t bytes = iov_bytes(iov, count);
    if (pipe->readable == 0 || socket->kind == SIM_DEAD) {
        ssize_t result = empty_result(socket);
        if (result != -EAGAIN)
            sim_note(sim, state, "read %s %s", socket->name, result == 0 ? "end" : "reset");
        return result;
    }
    if (bytes > pipe->readable)
        bytes = pipe->readable;
    if (bytes > 1 && sim_chance(sim, sim->faults.split_read))
        bytes = 1 + nw_rng_below(&sim->rng, bytes);
    size_t done = 0;
    for (int i = 0; i < count && done < bytes; i++) {
        size_t part = iov[i].iov_len < bytes - done ? iov[i].iov_len : bytes - done;
        pipe_look(pipe, done, iov[i].iov_base, part);
        done += part;
    }
    if (bytes > 0)
        pipe_drop(pipe, bytes);
    sim_note(sim, state, "read %s %zu #%08x", socket->name, bytes, bytes_hash(iov, count, bytes));
    socket_update(socket);
    if (socket->peer != NULL)
        socket_update(socket->peer);
    return (ssize_t)bytes;
}

ssize_t sim_peek(void *arg, int fd, void *to, size_t bytes)
{
    struct sim_socket *socket = socket_at(arg, fd);
    if (socket->in.readable == 0 || socket->kind == SIM_DEAD)
        return empty_result(socket);
    if (bytes > socket->in.readable)
        bytes = socket->in.readable;
    pipe_look(&socket->in, 0, to, bytes);
    return (ssize_t)bytes;
}

/* The other side has closed: the bytes leave, nobody takes them, and a reset comes back. */
static ssize_t write_to_nobody(struct sim_worker *state, struct sim_socket *socket, size_t bytes)
{
    if (!socket->is_void) {
        sim_note(state->sim, state, "write %s %zu to nobody", socket->name, bytes);
        send_reset(state->sim, socket);
        return (ssize_t)bytes;
    }
    size_t room = socket->in.limit_bytes - socket->void_bytes;
    if (room == 0)
        return -EAGAIN;
    bytes = bytes < room ? bytes : room;
    socket->void_bytes += bytes;
    socket_update(socket);
    return (ssize_t)bytes;
}

/* Maybe in pieces, which arrive one after the other. */
static void send_bytes(struct nw_sim *sim, struct sim_socket *to, const struct iovec *iov,
                       int count, size_t bytes)
{
    pipe_grow(&to->in, to->in.total + bytes);
    size_t left = bytes;
    for (int i = 0; i < count && left > 0; i++) {
        size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;
        pipe_put(&to->in, iov[i].iov_base, part);
        left -= part;
    }
    left = bytes;
    while (left > 1 && sim_chance(sim, sim->faults.split_write)) {
        size_t piece = 1 + nw_rng_below(&sim->rng, left - 1);
        send_to(sim, to, SIM_DELIVER, piece);
        left -= piece;
    }
    send_to(sim, to, SIM_DELIVER, left);
}

ssize_t sim_writev(void *arg, int fd, const struct iovec *iov, int count)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    struct sim_socket *socket = socket_at(state, fd);
    size_t bytes = iov_bytes(iov, count);
    if (socket->kind == SIM_DEAD)
        return -EPIPE;
    if (socket->kind == SIM_CONNECTING)
        return -EAGAIN;
    if (socket->error != 0)
        return -take_error(socket);
    if (socket->is_reset || socket->is_shut)
        return -EPIPE;
    if (bytes == 0)
        return 0;
    if (socket->peer == NULL)
        return write_to_nobody(state, socket, bytes);
    struct sim_socket *peer = socket->peer;
    size_t room = peer->in.limit_bytes - peer->in.total;
    if (room == 0 || sim_chance(sim, sim->faults.full))
        return -EAGAIN;
    if (bytes > room)
        bytes = room;
    if (bytes > 1 && sim_chance(sim, sim->faults.split_write))
        bytes = 1 + nw_rng_below(&sim->rng, bytes);
    sim_note(sim, state, "write %s %zu #%08x", socket->name, bytes, bytes_hash(iov, count, bytes));
    send_bytes(sim, peer, iov, count, bytes);
    if (sim_chance(sim, sim->faults.reset)) {
        send_reset(sim, peer);
        send_reset(sim, socket);
    }
    socket_update(socket);
    return (ssize_t)bytes;
}

/* ---- Closing ---- */

static void send_fin(struct nw_sim *sim, struct sim_socket *socket)
{
    if (socket->is_shut || socket->is_reset)
        return;
    socket->is_shut = true;
    if (socket->peer != NULL)
        send_to(sim, socket->peer, SIM_FIN, 0);
}

void sim_shutdown_write(void *arg, int fd)
{
    struct sim_worker *state = arg;
    struct sim_socket *socket = socket_at(state, fd);
    if (socket->kind != SIM_STREAM)
        return;
    sim_note(state->sim, state, "shutdown %s", socket->name);
    send_fin(state->sim, socket);
    socket_update(socket);
}

/* Whoever was not accepted yet is turned away. */
static void queue_drop(struct nw_sim *sim, struct sim_socket *listener)
{
    for (struct nw_list *node; (node = nw_list_pop_front(&listener->queue)) != NULL;) {
        struct sim_socket *waiting = NW_CONTAINER_OF(node, struct sim_socket, node);
        if (waiting->peer != NULL)
            send_reset(sim, waiting->peer);
        socket_free(sim, waiting);
    }
    listener->queue_count = 0;
}

static void stream_part(struct nw_sim *sim, struct sim_socket *socket, bool with_reset)
{
    struct sim_socket *peer = socket->peer;
    if (peer == NULL || socket->is_reset)
        return;
    bool is_in_flight = socket->in.total > socket->in.readable;
    if (with_reset || socket->in.readable > 0) {
        send_reset(sim, peer);
    } else {
        send_fin(sim, socket);
        if (is_in_flight)
            send_reset(sim, peer);
    }
}

void sim_close(void *arg, int fd, bool with_reset)
{
    struct sim_worker *state = arg;
    struct nw_sim *sim = state->sim;
    struct sim_socket *socket = socket_at(state, fd);
    NW_ASSERT(socket->watcher == NULL);
    if (socket->kind < SIM_DEAD)
        sim_note(sim, state, "%s %s", with_reset ? "reset" : "close", socket->name);
    if (socket->kind == SIM_LISTENER)
        queue_drop(sim, socket);
    if (socket->kind == SIM_STREAM)
        stream_part(sim, socket, with_reset);
    struct sim_socket *peer = socket->peer;
    socket_free(sim, socket);
    if (peer != NULL)
        socket_update(peer);
}

static void socket_kill(struct nw_sim *sim, struct sim_socket *socket, bool is_silent)
{
    struct sim_socket *peer = socket->peer;
    if (socket->kind == SIM_LISTENER) {
        queue_drop(sim, socket);
        nw_list_remove(&socket->node);
    }
    if (peer != NULL) {
        peer->is_void = is_silent;
        if (!is_silent)
            send_reset(sim, peer);
        peer->peer = NULL;
        socket->peer = NULL;
        socket_update(peer);
    }
    socket->kind = socket->kind == SIM_LISTENER ? SIM_DEAD_QUIET : SIM_DEAD;
    socket_update(socket);
}

void sim_net_kill(struct nw_sim *sim, struct nw_runtime *runtime, bool is_silent)
{
    for (int fd = 0; fd < sim->socket_count; fd++) {
        struct sim_socket *socket = sim->sockets[fd];
        if (socket != NULL && socket->runtime == runtime && socket->kind == SIM_LISTENER)
            socket_kill(sim, socket, is_silent);
    }
    for (int fd = 0; fd < sim->socket_count; fd++) {
        struct sim_socket *socket = sim->sockets[fd];
        if (socket != NULL && socket->runtime == runtime && socket->kind < SIM_DEAD)
            socket_kill(sim, socket, is_silent);
    }
}

void sim_net_forget(struct nw_sim *sim, struct nw_runtime *runtime)
{
    for (int fd = 0; fd < sim->socket_count; fd++) {
        struct sim_socket *socket = sim->sockets[fd];
        if (socket == NULL || socket->runtime != runtime)
            continue;
        if (socket->kind == SIM_LISTENER)
            queue_drop(sim, socket);
        if (socket->kind == SIM_STREAM)
            stream_part(sim, socket, false);
        struct sim_socket *peer = socket->peer;
        socket_free(sim, socket);
        if (peer != NULL)
            socket_update(peer);
    }
}

unsigned nw_sim_socket_count(const struct nw_runtime *runtime)
{
    const struct sim_worker *state = runtime->workers[0]->backend_state;
    unsigned count = 0;
    for (int fd = 0; fd < state->sim->socket_count; fd++) {
        const struct sim_socket *socket = state->sim->sockets[fd];
        count += socket != NULL && socket->runtime == runtime;
    }
    return count;
}
