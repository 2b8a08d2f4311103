/*
 * load - the closed-loop load generator of the comparison.
 *
 *     load --target 127.0.0.1:8080 --body 128 --connections 64 --requests 60000
 *     load --target 127.0.0.1:8080 --body 128 --connections 64 --steps stdin
 *     load --target 127.0.0.1:8080 --body 128 --idle 8000
 *     load --target 127.0.0.1:8443 --body 128 --tls 1 …        the same over TLS 1.3
 *
 * Closed loop on purpose: a proxy's CPU time per request is wanted with the core
 * always busy, not latency at a rate, so each connection sends its next request
 * as soon as the response is complete. Nothing is trusted: the status is 200,
 * Content-Length is the one asked for, every piece of the body begins and ends
 * with the letter that its offset demands, and nothing follows the body.
 *
 * With --steps it reads numbers from standard input, one a line, and makes so
 * many requests each time on the connections it keeps: the caller can measure
 * short slices of several servers in turn without paying for new connections.
 *
 * With --idle N it opens N connections, makes one request on each and keeps
 * them open. Not more than WINDOW requests are under way at a time, so that
 * the proxy is measured with N idle connections and not after a stampede.
 *
 * Prints one JSON line (per step): requests, seconds, errors, reconnects (the server said
 * "Connection: close"). After --idle it prints that line with everything open,
 * waits until standard input closes, and prints how many the server closed in
 * the meantime. Exit: 0 whatever the server did, 1 when the tool itself failed.
 */
#include "net.h"
#include "tls.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    HEAD_MAX_BYTES = 2048,
    BUFFER_BYTES = 128 * 1024,
    EVENT_MAX = 256,
    WINDOW = 64,
    ERROR_MAX = 100, /* after so many the run is pointless */
};

struct conn {
    int fd;
    SSL *tls;          /* NULL in clear text */
    size_t head_bytes; /* collected in head, before its end was seen */
    bool has_head;
    bool is_closing; /* the server announced it */
    size_t body_bytes;
    char head[HEAD_MAX_BYTES + 1];
};

struct load {
    int epoll;
    SSL_CTX *tls;
    struct nw_bench_address target;
    size_t expected_bytes;
    long connection_count, request_count; /* wanted */
    bool is_idle_mode, is_stepping;
    int64_t timeout_ns; /* for one run */
    int64_t deadline_ns;
    long started, finished, errors, reconnects, closed_by_server;
    struct conn *conns;
    size_t request_bytes;
    char request[512];
    char buffer[BUFFER_BYTES];
};

static void conn_open(struct load *load, struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    memset(conn, 0, offsetof(struct conn, head));
    conn->fd = nw_bench_connect(&load->target);
    if (load->tls)
        conn->tls = nw_bench_tls_connect(load->tls, conn->fd, NULL);
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0)
        nw_bench_die("epoll_ctl");
}

static void conn_close(struct conn *conn)
{
    SSL_free(conn->tls);
    close(conn->fd);
    conn->tls = NULL;
    conn->fd = -1;
}

static void request_send(struct load *load, struct conn *conn)
{
    conn->head_bytes = conn->body_bytes = 0;
    conn->has_head = false;
    load->started++;
    ssize_t n = conn->tls ? nw_bench_tls_write(conn->tls, load->request, load->request_bytes)
                          : send(conn->fd, load->request, load->request_bytes, MSG_NOSIGNAL);
    /* A refused send shows as end of stream on the next turn; a short one cannot happen. */
    if (n >= 0 && (size_t)n != load->request_bytes)
        nw_bench_die("send");
}

/* The finished connection takes the next piece of work, if there is one. */
static void conn_next(struct load *load, struct conn *conn)
{
    if (load->started == load->request_count)
        return;
    if (load->is_idle_mode) {
        conn = &load->conns[load->started];
        conn_open(load, conn);
    }
    request_send(load, conn);
}

static void conn_renew(struct load *load, struct conn *conn)
{
    conn_close(conn);
    if (!load->is_idle_mode)
        conn_open(load, conn);
}

static void request_finish(struct load *load, struct conn *conn)
{
    load->finished++;
    if (conn->is_closing) {
        load->reconnects++;
        conn_renew(load, conn);
    }
    conn_next(load, conn);
}

static void request_fail(struct load *load, struct conn *conn, const char *why)
{
    if (load->errors++ == 0)
        fprintf(stderr, "load: first error: %s\n", why);
    load->finished++;
    conn_renew(load, conn);
    conn_next(load, conn);
}

/* NULL, or what is wrong with the head. */
static const char *head_judge(const struct load *load, struct conn *conn)
{
    if (strncmp(conn->head, "HTTP/1.1 200 ", 13) != 0)
        return "status is not 200";
    const char *length = strcasestr(conn->head, "\r\ncontent-length:");
    if (!length || strtoul(length + 17, NULL, 10) != load->expected_bytes)
        return "content-length is not the one asked for";
    conn->is_closing = strcasestr(conn->head, "\r\nconnection: close") != NULL;
    return NULL;
}

/* NULL, or what is wrong with this piece of the body. */
static const char *body_judge(const struct load *load, struct conn *conn, const char *piece,
                              size_t bytes)
{
    if (bytes == 0)
        return NULL;
    if (conn->body_bytes + bytes > load->expected_bytes)
        return "bytes after the end of the body";
    size_t last = conn->body_bytes + bytes - 1;
    if (piece[0] != (char)('a' + conn->body_bytes % 26) ||
        piece[bytes - 1] != (char)('a' + last % 26))
        return "body differs from what the origin sent";
    conn->body_bytes += bytes;
    return NULL;
}

static void bytes_take(struct load *load, struct conn *conn, const char *bytes, size_t count)
{
    const char *wrong = NULL;
    if (!conn->has_head) {
        size_t room = HEAD_MAX_BYTES - conn->head_bytes;
        size_t before = conn->head_bytes;
        size_t copied = count < room ? count : room;
        memcpy(conn->head + before, bytes, copied);
        conn->head_bytes += copied;
        conn->head[conn->head_bytes] = '\0';
        char *end = strstr(conn->head, "\r\n\r\n");
        if (!end && conn->head_bytes == HEAD_MAX_BYTES)
            wrong = "head too large";
        else if (!end)
            return;
        else {
            size_t used = (size_t)(end + 4 - conn->head) - before;
            end[2] = '\0'; /* the judge must not look into the body */
            conn->has_head = true;
            wrong = head_judge(load, conn);
            bytes += used;
            count -= used;
        }
    }
    if (!wrong)
        wrong = body_judge(load, conn, bytes, count);
    if (wrong)
        request_fail(load, conn, wrong);
    else if (conn->body_bytes == load->expected_bytes)
        request_finish(load, conn);
}

/* One read; false: nothing more was there. */
static bool conn_read(struct load *load, struct conn *conn)
{
    bool is_resting = conn->has_head && conn->body_bytes == load->expected_bytes;
    ssize_t n = conn->tls ? nw_bench_tls_read(conn->tls, load->buffer, BUFFER_BYTES)
                          : recv(conn->fd, load->buffer, BUFFER_BYTES, 0);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n > 0) {
        bytes_take(load, conn, load->buffer, (size_t)n);
    } else if (is_resting) { /* an idle connection, or one whose work is done */
        load->closed_by_server++;
        conn_close(conn);
    } else {
        request_fail(load, conn, n == 0 ? "closed before the response ended" : strerror(errno));
    }
    return n > 0;
}

static void conn_turn(struct load *load, struct conn *conn)
{
    /* epoll does not know what OpenSSL has read already. */
    while (conn_read(load, conn) && conn->tls && SSL_pending(conn->tls) > 0)
        ;
}

static void loop_turn(struct load *load)
{
    struct epoll_event events[EVENT_MAX];
    int ready = epoll_wait(load->epoll, events, EVENT_MAX, 1000);
    for (int i = 0; i < ready; i++) {
        struct conn *conn = events[i].data.ptr;
        conn_turn(load, conn);
    }
    if (nw_bench_now_ns() > load->deadline_ns) {
        fprintf(stderr, "load: out of time: %ld of %ld requests done\n", load->finished,
                load->request_count);
        exit(1);
    }
    if (load->errors >= ERROR_MAX) {
        fprintf(stderr, "load: %ld errors, giving up\n", load->errors);
        exit(1);
    }
}

static void connections_open(struct load *load)
{
    long first = load->is_idle_mode && load->connection_count > WINDOW ? WINDOW
                                                                       : load->connection_count;
    for (long i = 0; i < first; i++)
        conn_open(load, &load->conns[i]);
}

/* Make request_count requests on the open connections and say how it went. */
static void run(struct load *load)
{
    long first = load->is_idle_mode ? WINDOW : load->connection_count;
    if (first > load->request_count)
        first = load->request_count;
    load->started = load->finished = load->errors = load->reconnects = 0;
    int64_t start_ns = nw_bench_now_ns();
    load->deadline_ns = start_ns + load->timeout_ns;
    for (long i = 0; i < first; i++)
        request_send(load, &load->conns[i]);
    while (load->finished < load->request_count)
        loop_turn(load);
    double seconds = (double)(nw_bench_now_ns() - start_ns) / 1e9;
    printf("{\"requests\": %ld, \"seconds\": %.6f, \"errors\": %ld, \"reconnects\": %ld}\n",
           load->finished, seconds, load->errors, load->reconnects);
    fflush(stdout);
}

static void steps_run(struct load *load)
{
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        load->request_count = strtol(line, NULL, 10);
        if (load->request_count > 0)
            run(load);
    }
}

/* Keep everything open until the parent has measured and closes our standard input. */
static void rest(struct load *load)
{
    static char stdin_mark;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &stdin_mark};
    struct epoll_event events[EVENT_MAX];
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        nw_bench_die("--idle wants a pipe as standard input");
    for (bool is_over = false; !is_over;) {
        int ready = epoll_wait(load->epoll, events, EVENT_MAX, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &stdin_mark)
                is_over = read(STDIN_FILENO, load->buffer, BUFFER_BYTES) <= 0;
            else
                conn_turn(load, events[i].data.ptr);
        }
    }
    printf("{\"closed_by_server\": %ld}\n", load->closed_by_server);
}

static noreturn void usage(void)
{
    fprintf(stderr, "usage: load --target ADDRESS --body BYTES [--timeout S] [--tls 1]"
                    " --requests N|--steps stdin [--connections N]\n"
                    "       load --target ADDRESS --body BYTES [--timeout S] [--tls 1] --idle N\n");
    exit(2);
}

static void options_read(struct load *load, int argc, char **argv)
{
    long timeout_s = 60;
    load->connection_count = 64;
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!value)
            usage();
        if (strcmp(name, "--target") == 0)
            load->target = nw_bench_address_parse(value);
        else if (strcmp(name, "--body") == 0)
            load->expected_bytes = strtoul(value, NULL, 10);
        else if (strcmp(name, "--requests") == 0)
            load->request_count = strtol(value, NULL, 10);
        else if (strcmp(name, "--connections") == 0)
            load->connection_count = strtol(value, NULL, 10);
        else if (strcmp(name, "--idle") == 0)
            load->connection_count = load->request_count = strtol(value, NULL, 10);
        else if (strcmp(name, "--tls") == 0)
            load->tls = nw_bench_tls_context();
        else if (strcmp(name, "--timeout") == 0)
            timeout_s = strtol(value, NULL, 10);
        else if (strcmp(name, "--steps") != 0)
            usage();
        load->is_idle_mode |= strcmp(name, "--idle") == 0;
        load->is_stepping |= strcmp(name, "--steps") == 0;
    }
    if (load->target.where_bytes == 0 || load->connection_count <= 0 ||
        (load->request_count <= 0 && !load->is_stepping))
        usage();
    load->timeout_ns = timeout_s * 1000000000;
    load->request_bytes =
        (size_t)snprintf(load->request, sizeof load->request,
                         "GET /%zu HTTP/1.1\r\n"
                         "Host: shop.example:8080\r\n"
                         "User-Agent: Mozilla/5.0 (X11; Linux x86_64) load/1\r\n"
                         "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
                         "Accept-Language: en\r\n\r\n",
                         load->expected_bytes);
}

int main(int argc, char **argv)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load || (load->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        nw_bench_die("start");
    options_read(load, argc, argv);
    nw_bench_nofile_raise();
    load->conns = calloc((size_t)load->connection_count, sizeof *load->conns);
    if (!load->conns)
        nw_bench_die("calloc");
    connections_open(load);
    if (load->is_stepping)
        steps_run(load);
    else
        run(load);
    if (load->is_idle_mode)
        rest(load);
    return 0;
}
