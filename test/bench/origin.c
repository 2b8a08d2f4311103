/*
 * origin - the server behind the proxies: GET /N answers N bytes, keep-alive.
 *
 *     origin --listen 127.0.0.1:0 --listen unix:/tmp/origin.sock
 *
 * It shares the core with the process under test, so it must be cheap and, more
 * than that, the same for everybody: one epoll loop, one writev per response
 * (head and body together), a body made once. Requests may arrive pipelined
 * or in pieces; they are answered in order. A body larger than the socket
 * takes waits for EPOLLOUT, armed only then.
 *
 * The body is the alphabet over and over, so the load generator can tell from
 * the offset alone which letter must come: a proxy that loses, repeats or
 * swaps a piece is found out. The road not taken: sendfile from a memory file.
 * Applications write from memory, and page-sized fragments would change what
 * splice costs the proxy.
 */
#include "net.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    BODY_MAX_BYTES = 4 << 20,
    INBOX_BYTES = 8192,
    EVENT_MAX = 256,
};

struct conn {
    int fd;
    bool is_listener;
    bool is_waiting; /* EPOLLOUT armed: a response is half written */
    size_t in_bytes;
    size_t head_bytes, body_bytes; /* of the response being written */
    size_t sent_bytes;
    char head[192];
    char inbox[INBOX_BYTES + 1];
};

static void watch(int epoll, int op, struct conn *conn, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};
    if (epoll_ctl(epoll, op, conn->fd, &event) < 0)
        nw_bench_die("epoll_ctl");
}

static struct conn *conn_open(int epoll, int fd, bool is_listener)
{
    struct conn *conn = malloc(sizeof *conn);
    if (!conn)
        nw_bench_die("malloc");
    memset(conn, 0, offsetof(struct conn, head));
    conn->fd = fd;
    conn->is_listener = is_listener;
    watch(epoll, EPOLL_CTL_ADD, conn, EPOLLIN);
    return conn;
}

/* Write what is left of the response. False: the peer is gone. */
static bool response_push(int epoll, struct conn *conn, char *body)
{
    size_t total = conn->head_bytes + conn->body_bytes;
    while (conn->sent_bytes < total) {
        size_t head_sent = conn->sent_bytes;
        if (head_sent > conn->head_bytes)
            head_sent = conn->head_bytes;
        size_t body_sent = conn->sent_bytes - head_sent;
        struct iovec parts[2] = {
            {conn->head + head_sent, conn->head_bytes - head_sent},
            {body + body_sent, conn->body_bytes - body_sent},
        };
        ssize_t n = writev(conn->fd, parts, 2);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0) {
            if (!conn->is_waiting)
                watch(epoll, EPOLL_CTL_MOD, conn, EPOLLOUT);
            conn->is_waiting = true;
            return true;
        }
        conn->sent_bytes += (size_t)n;
    }
    if (conn->is_waiting)
        watch(epoll, EPOLL_CTL_MOD, conn, EPOLLIN);
    conn->is_waiting = false;
    return true;
}

/* Judge the request at the front of the inbox and prepare its response. */
static bool response_start(struct conn *conn)
{
    char *end;
    conn->sent_bytes = conn->body_bytes = 0;
    if (strncmp(conn->inbox, "GET /", 5) != 0)
        return false;
    unsigned long bytes = strtoul(conn->inbox + 5, &end, 10);
    if (end == conn->inbox + 5 || *end != ' ' || bytes > BODY_MAX_BYTES)
        return false;
    conn->body_bytes = bytes;
    conn->head_bytes = (size_t)snprintf(conn->head, sizeof conn->head,
                                        "HTTP/1.1 200 OK\r\n"
                                        "Server: origin\r\n"
                                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                        "Content-Type: text/plain\r\n"
                                        "Content-Length: %lu\r\n\r\n",
                                        bytes);
    return true;
}

/* Answer every whole request in the inbox, unless a response is stuck half way. */
static bool inbox_serve(int epoll, struct conn *conn, char *body)
{
    while (!conn->is_waiting) {
        conn->inbox[conn->in_bytes] = '\0';
        char *end = strstr(conn->inbox, "\r\n\r\n");
        if (!end)
            return conn->in_bytes < INBOX_BYTES;
        if (!response_start(conn)) {
            static const char bad[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                      "Content-Length: 0\r\n\r\n";
            (void)!write(conn->fd, bad, sizeof bad - 1);
            return false;
        }
        size_t used = (size_t)(end + 4 - conn->inbox);
        conn->in_bytes -= used;
        memmove(conn->inbox, conn->inbox + used, conn->in_bytes);
        if (!response_push(epoll, conn, body))
            return false;
    }
    return true;
}

static bool conn_turn(int epoll, struct conn *conn, char *body)
{
    if (conn->is_waiting) {
        if (!response_push(epoll, conn, body))
            return false;
    } else {
        ssize_t n = read(conn->fd, conn->inbox + conn->in_bytes, INBOX_BYTES - conn->in_bytes);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        conn->in_bytes += (size_t)n;
    }
    return inbox_serve(epoll, conn, body);
}

static void loop(int epoll, char *body)
{
    struct epoll_event events[EVENT_MAX];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENT_MAX, -1);
        for (int i = 0; i < ready; i++) {
            struct conn *conn = events[i].data.ptr;
            if (conn->is_listener) {
                int fd;
                while ((fd = nw_bench_accept(conn->fd)) >= 0)
                    conn_open(epoll, fd, false);
            } else if (!conn_turn(epoll, conn, body)) {
                close(conn->fd);
                free(conn);
            }
        }
    }
}

int main(int argc, char **argv)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    char *body = malloc(BODY_MAX_BYTES);
    if (epoll < 0 || !body)
        nw_bench_die("start");
    for (size_t i = 0; i < BODY_MAX_BYTES; i++)
        body[i] = (char)('a' + i % 26);
    nw_bench_nofile_raise();

    int listener_count = 0;
    for (int i = 1; i + 1 < argc && strcmp(argv[i], "--listen") == 0; i += 2, listener_count++)
        conn_open(epoll, nw_bench_listen(argv[i + 1]), true);
    if (listener_count == 0 || argc != 1 + 2 * listener_count) {
        fprintf(stderr, "usage: origin --listen ADDRESS [--listen ADDRESS]...\n");
        return 2;
    }
    loop(epoll, body);
}
