/*
 * loopback.h - what the tests of the streams share: a runtime to run in, a peer that is a plain
 * blocking socket, and a backend that counts.
 *
 * A failed check ends the program: most of them happen on fiber stacks, which cmocka cannot leave.
 */
#ifndef NW_TEST_IO_LOOPBACK_H
#define NW_TEST_IO_LOOPBACK_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/backend.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/stream.h"
#include "io/sync.h"
#include "io/worker.h"
#include "../../check.h"

/* ---- a runtime ---- */

struct in_runtime {
    struct nw_runtime *runtime;
    void (*body)(void);
};

NW_UNUSED static void in_runtime_start(void *arg)
{
    struct in_runtime *in = arg;
    in->body();
    nw_runtime_stop(in->runtime);
}

NW_UNUSED static void run_on(const struct nw_backend_ops *backend, unsigned workers,
                             void (*body)(void))
{
    struct nw_runtime_options options = {
        .backend = backend,
        .name = "test",
        .worker_count = workers,
        .seed = 1,
        .buffers_max_bytes = 64 << 20,
    };
    struct in_runtime in = {.body = body};
    CHECK_OK(nw_runtime_new(&options, &in.runtime));
    nw_runtime_run(in.runtime, in_runtime_start, &in);
    nw_runtime_free(in.runtime);
}

NW_UNUSED static void run(void (*body)(void))
{
    run_on(&nw_backend_epoll, 1, body);
}

NW_UNUSED static struct nw_runtime *runtime_here(void)
{
    return nw_worker_runtime(nw_worker_self());
}

/* ---- a backend that counts system calls ---- */

static struct {
    _Atomic int reads, failed_reads, writes, changes;
} calls;

NW_UNUSED static ssize_t counting_readv(void *state, int fd, const struct iovec *iov, int count)
{
    ssize_t bytes = nw_backend_epoll.readv(state, fd, iov, count);
    calls.reads++;
    calls.failed_reads += bytes < 0;
    return bytes;
}

NW_UNUSED static ssize_t counting_writev(void *state, int fd, const struct iovec *iov, int count)
{
    calls.writes++;
    return nw_backend_epoll.writev(state, fd, iov, count);
}

NW_UNUSED static int counting_add(void *state, struct nw_source *source, unsigned want)
{
    calls.changes++;
    return nw_backend_epoll.add(state, source, want);
}

NW_UNUSED static int counting_modify(void *state, struct nw_source *source, unsigned want)
{
    calls.changes++;
    return nw_backend_epoll.modify(state, source, want);
}

NW_UNUSED static int counting_remove(void *state, struct nw_source *source)
{
    calls.changes++;
    return nw_backend_epoll.remove(state, source);
}

NW_UNUSED static void run_counting(void (*body)(void))
{
    struct nw_backend_ops counting = nw_backend_epoll;
    counting.readv = counting_readv;
    counting.writev = counting_writev;
    counting.add = counting_add;
    counting.modify = counting_modify;
    counting.remove = counting_remove;
    memset(&calls, 0, sizeof calls);
    run_on(&counting, 1, body);
}

/* ---- peers ---- */

/* A blocking listening socket on a port of the kernel's choice. */
NW_UNUSED static int raw_listen(struct nw_addr *out_addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof in;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&in, bytes) == 0 && listen(fd, 128) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&in, &bytes) == 0);
    *out_addr = (struct nw_addr){.kind = NW_ADDR_IP4, .port = ntohs(in.sin_port)};
    memcpy(out_addr->ip4, "\x7f\0\0\x01", 4);
    return fd;
}

NW_UNUSED static int raw_connect(const struct nw_addr *addr)
{
    int fd;
    if (addr->kind == NW_ADDR_UNIX) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        memcpy(un.sun_path, addr->path, sizeof un.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect(fd, (struct sockaddr *)&un, sizeof un) == 0 ? fd : (close(fd), -1);
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
    memcpy(&in.sin_addr, addr->ip4, 4);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&in, sizeof in) == 0 ? fd : (close(fd), -1);
}

/* A stream of ours and the blocking socket at its other end. */
struct pair {
    struct nw_stream stream;
    int peer;
};

NW_UNUSED static void pair_open(struct pair *pair)
{
    struct nw_addr addr;
    int listen_fd = raw_listen(&addr);
    CHECK_OK(nw_io_connect(&addr, &pair->stream));
    pair->peer = accept(listen_fd, NULL, NULL);
    CHECK(pair->peer >= 0);
    close(listen_fd);
}

NW_UNUSED static void pair_close(struct pair *pair)
{
    nw_stream_close(&pair->stream);
    if (pair->peer >= 0)
        close(pair->peer);
}

NW_UNUSED static void peer_send(struct pair *pair, const char *text)
{
    CHECK(send(pair->peer, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* The peer reads exactly `text`. */
NW_UNUSED static void peer_expect(struct pair *pair, const char *text)
{
    char got[256];
    CHECK(strlen(text) <= sizeof got);
    CHECK(recv(pair->peer, got, strlen(text), MSG_WAITALL) == (ssize_t)strlen(text));
    CHECK(memcmp(got, text, strlen(text)) == 0);
}

NW_UNUSED static void peer_reset(struct pair *pair)
{
    struct linger linger = {.l_onoff = 1};
    CHECK(setsockopt(pair->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    close(pair->peer);
    pair->peer = -1;
}

NW_UNUSED static void expect_read(struct nw_stream *stream, const char *text)
{
    char got[256];
    size_t all_bytes = 0;
    while (all_bytes < strlen(text)) {
        size_t bytes = 0;
        CHECK_OK(nw_io_read_into(stream, got + all_bytes, strlen(text) - all_bytes, &bytes));
        CHECK(bytes > 0);
        all_bytes += bytes;
    }
    CHECK(memcmp(got, text, all_bytes) == 0);
}

NW_UNUSED static nw_err write_text(struct nw_stream *stream, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    return nw_io_write_all(stream, &iov, 1);
}

NW_UNUSED static nw_err queue_text(struct nw_stream *stream, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    return nw_io_write_queue(stream, &iov, 1);
}

#endif
