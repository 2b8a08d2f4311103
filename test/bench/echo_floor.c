/*
 * echo_floor - the least that a proxy can do: the floor of the comparison.
 *
 *     echo_floor --listen 127.0.0.1:0 --upstream ADDRESS
 *
 * A request is whatever one read of a client returns; it goes unread to an idle
 * upstream connection. A response is as long as the first one was: its head is
 * looked at once in the life of the program. So it is correct only between this
 * benchmark's load generator and origin, and that is the point: four system
 * calls per small request, no memory allocated, nothing looked at. What a real
 * proxy costs more than this is what it charges for being one.
 *
 * Invariant: an upstream connection is either in the idle stack or linked with
 * exactly one client, never both.
 *
 * Responses from SPLICE_MIN_BYTES on are spliced through the pair's pipe,
 * smaller ones are copied through one shared buffer. A client that does not
 * take everything silences its upstream until it does. Measured for 1 MiB, TCP
 * and Unix upstream: pipe of 256 KiB 172 and 245 us, of 64 KiB 174 and 312, of
 * 1 MiB 190 and 241; copying with a buffer of 256 KiB 377 and 352. Splicing
 * 16 KiB as well measured 9.9 and 8.3 us where copying takes 13.2 and 12.1, but
 * only because this program need not read the head first: a floor for proxies
 * copies what proxies copy.
 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 64 * 1024,
    SPLICE_MIN_BYTES = 64 * 1024,
    PIPE_BYTES = 256 * 1024,
    EVENT_MAX = 256,
    IDLE_MAX = 16384,
};

typedef enum { LISTENER, CLIENT, UPSTREAM } end_kind;

struct end {
    int fd;
    end_kind kind;
    struct end *peer;
    /* of an upstream */
    size_t left_bytes; /* of the response still to be read */
    size_t piped_bytes;
    int pipe[2];
    bool is_silenced; /* the client is full: it waits for EPOLLOUT, we for it */
};

struct floor {
    int epoll;
    struct nw_bench_address upstream;
    size_t response_bytes; /* 0 until the first response was seen */
    size_t idle_count;
    struct end *idle[IDLE_MAX];
    char buffer[BUFFER_BYTES];
};

static void watch(struct floor *floor, int op, struct end *end, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = end};
    if (epoll_ctl(floor->epoll, op, end->fd, &event) < 0)
        nw_bench_die("epoll_ctl");
}

static struct end *end_open(struct floor *floor, int fd, end_kind kind)
{
    struct end *end = calloc(1, sizeof *end);
    if (!end)
        nw_bench_die("calloc");
    end->fd = fd;
    end->kind = kind;
    end->pipe[0] = end->pipe[1] = -1;
    watch(floor, EPOLL_CTL_ADD, end, EPOLLIN);
    return end;
}

static void end_close(struct end *end)
{
    close(end->fd);
    if (end->pipe[0] >= 0) {
        close(end->pipe[0]);
        close(end->pipe[1]);
    }
    free(end);
}

static void client_turn(struct floor *floor, struct end *client)
{
    ssize_t n = recv(client->fd, floor->buffer, BUFFER_BYTES, 0);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        if (client->peer) { /* hung up in the middle of a response: an error in a benchmark */
            errno = ECONNRESET;
            nw_bench_die("client");
        }
        end_close(client);
        return;
    }
    struct end *upstream = floor->idle_count > 0
                               ? floor->idle[--floor->idle_count]
                               : end_open(floor, nw_bench_connect(&floor->upstream), UPSTREAM);
    client->peer = upstream;
    upstream->peer = client;
    upstream->left_bytes = floor->response_bytes;
    if (send(upstream->fd, floor->buffer, (size_t)n, MSG_NOSIGNAL) != n)
        nw_bench_die("send to upstream");
}

/* The one look at a head: how long is a response with everything? */
static void response_measure(struct floor *floor, struct end *upstream)
{
    ssize_t n = recv(upstream->fd, floor->buffer, BUFFER_BYTES - 1, MSG_PEEK);
    floor->buffer[n > 0 ? n : 0] = '\0';
    char *length = strcasestr(floor->buffer, "\r\ncontent-length:");
    char *end = strstr(floor->buffer, "\r\n\r\n");
    if (!length || !end || length > end) {
        errno = EPROTO;
        nw_bench_die("first response");
    }
    floor->response_bytes = (size_t)(end + 4 - floor->buffer) + strtoul(length + 17, NULL, 10);
    upstream->left_bytes = floor->response_bytes;
}

static void response_finish(struct floor *floor, struct end *upstream)
{
    if (floor->idle_count == IDLE_MAX) {
        errno = ENOBUFS;
        nw_bench_die("idle stack");
    }
    upstream->peer->peer = NULL;
    upstream->peer = NULL;
    floor->idle[floor->idle_count++] = upstream;
}

static void response_copy(struct floor *floor, struct end *upstream)
{
    ssize_t n = recv(upstream->fd, floor->buffer, BUFFER_BYTES, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || (size_t)n > upstream->left_bytes)
        nw_bench_die("read from upstream");
    if (send(upstream->peer->fd, floor->buffer, (size_t)n, MSG_NOSIGNAL) != n)
        nw_bench_die("send to client");
    upstream->left_bytes -= (size_t)n;
    if (upstream->left_bytes == 0)
        response_finish(floor, upstream);
}

static void silence(struct floor *floor, struct end *upstream, bool is_silenced)
{
    if (upstream->is_silenced == is_silenced)
        return;
    upstream->is_silenced = is_silenced;
    watch(floor, EPOLL_CTL_MOD, upstream, is_silenced ? 0 : EPOLLIN);
    watch(floor, EPOLL_CTL_MOD, upstream->peer, is_silenced ? EPOLLOUT : EPOLLIN);
}

static void pipe_ensure(struct end *upstream)
{
    if (upstream->pipe[0] >= 0)
        return;
    if (pipe2(upstream->pipe, O_NONBLOCK | O_CLOEXEC) < 0)
        nw_bench_die("pipe2");
    if (fcntl(upstream->pipe[0], F_SETPIPE_SZ, PIPE_BYTES) < 0)
        nw_bench_die("F_SETPIPE_SZ");
}

/* False: the client is full and bytes stay in the pipe. */
static bool pipe_drain(struct end *upstream)
{
    unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    while (upstream->piped_bytes > 0) {
        ssize_t n = splice(upstream->pipe[0], NULL, upstream->peer->fd, NULL, upstream->piped_bytes,
                           flags | (upstream->left_bytes > 0 ? SPLICE_F_MORE : 0));
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0)
            nw_bench_die("splice to client");
        upstream->piped_bytes -= (size_t)n;
    }
    return true;
}

static void response_splice(struct floor *floor, struct end *upstream)
{
    pipe_ensure(upstream);
    do {
        if (!pipe_drain(upstream)) {
            silence(floor, upstream, true);
            return;
        }
        if (upstream->left_bytes == 0)
            break;
        ssize_t n = splice(upstream->fd, NULL, upstream->pipe[1], NULL, upstream->left_bytes,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EAGAIN) {
            silence(floor, upstream, false);
            return;
        }
        if (n <= 0)
            nw_bench_die("splice from upstream");
        upstream->left_bytes -= (size_t)n;
        upstream->piped_bytes = (size_t)n;
    } while (true);
    silence(floor, upstream, false);
    response_finish(floor, upstream);
}

static void upstream_turn(struct floor *floor, struct end *upstream)
{
    if (!upstream->peer) {
        errno = ECONNRESET;
        nw_bench_die("idle upstream spoke or closed");
    }
    if (floor->response_bytes == 0)
        response_measure(floor, upstream);
    if (upstream->left_bytes == 0) /* asked before the length was known */
        upstream->left_bytes = floor->response_bytes;
    if (floor->response_bytes < SPLICE_MIN_BYTES)
        response_copy(floor, upstream);
    else
        response_splice(floor, upstream);
}

static void end_turn(struct floor *floor, struct end *end)
{
    int fd;
    switch (end->kind) {
    case LISTENER:
        while ((fd = nw_bench_accept(end->fd)) >= 0)
            end_open(floor, fd, CLIENT);
        break;
    case CLIENT:
        if (end->peer && end->peer->is_silenced)
            response_splice(floor, end->peer);
        else
            client_turn(floor, end);
        break;
    case UPSTREAM:
        upstream_turn(floor, end);
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[1], "--listen") != 0 || strcmp(argv[3], "--upstream") != 0) {
        fprintf(stderr, "usage: echo_floor --listen ADDRESS --upstream ADDRESS\n");
        return 2;
    }
    struct floor *floor = calloc(1, sizeof *floor);
    if (!floor || (floor->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        nw_bench_die("start");
    nw_bench_nofile_raise();
    floor->upstream = nw_bench_address_parse(argv[4]);
    end_open(floor, nw_bench_listen(argv[2]), LISTENER);

    struct epoll_event events[EVENT_MAX];
    for (;;) {
        int ready = epoll_wait(floor->epoll, events, EVENT_MAX, -1);
        for (int i = 0; i < ready; i++)
            end_turn(floor, events[i].data.ptr);
    }
}
