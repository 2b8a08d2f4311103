/*
 * mux_floor - the least that a multiplexing proxy can do: the floor of the rows `mux-…`.
 *
 *     mux_floor --listen 127.0.0.1:0 --upstream ADDRESS
 *
 * What one read of a client returns is a request; it goes unread as one more stream of the single
 * HTTP/2 connection upstream, with fields that were written beforehand. All that the streams of a
 * turn have to say leaves in one send. An answer is its DATA behind a head that was written
 * beforehand: the length is that of the first answer. So it is correct only between this
 * benchmark's load generator and a node that always answers the same, and that is the point: what a
 * real proxy costs more than this is what it charges for being one.
 *
 * Invariant: a client has at most one stream, and a stream always has its client.
 */
#include "net.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 * 1024, ANSWER_BYTES = 32 * 1024, EVENT_MAX = 256, BODY_AT = 128 };

struct client {
    int fd;
    size_t answer_bytes; /* of the body, collected from BODY_AT on */
    char answer[ANSWER_BYTES];
};

struct floor {
    int epoll, listener, upstream;
    nghttp2_session *session;
    char path[32]; /* of the first request: the same for all */
    size_t out_bytes;
    uint8_t out[BUFFER_BYTES];
    uint8_t in[BUFFER_BYTES];
};

static void watch(struct floor *floor, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(floor->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        nw_bench_die("epoll_ctl");
}

/* ---- upstream ---- */

static void check(ssize_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "mux_floor: %s: %s\n", what, nghttp2_strerror((int)result));
    exit(1);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t bytes, void *arg)
{
    struct client *client = nghttp2_session_get_stream_user_data(session, stream);
    if (client->answer_bytes + bytes > ANSWER_BYTES - BODY_AT)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(client->answer + BODY_AT + client->answer_bytes, data, bytes);
    client->answer_bytes += bytes;
    return 0;
}

/* The head stands right before the body. */
static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *arg)
{
    struct client *client = nghttp2_session_get_stream_user_data(session, stream);
    char head[BODY_AT];
    int head_bytes = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                              client->answer_bytes);
    char *begin = client->answer + BODY_AT - head_bytes;
    memcpy(begin, head, (size_t)head_bytes);
    size_t bytes = (size_t)head_bytes + client->answer_bytes;
    if (code != NGHTTP2_NO_ERROR || send(client->fd, begin, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        nw_bench_die("answer");
    client->answer_bytes = 0;
    return 0;
}

/* Everything that the session has to say, in one send. */
static void upstream_flush(struct floor *floor)
{
    const uint8_t *piece;
    ssize_t bytes;
    while ((bytes = nghttp2_session_mem_send(floor->session, &piece)) > 0) {
        if (floor->out_bytes + (size_t)bytes > BUFFER_BYTES) {
            errno = ENOBUFS;
            nw_bench_die("frames of one turn");
        }
        memcpy(floor->out + floor->out_bytes, piece, (size_t)bytes);
        floor->out_bytes += (size_t)bytes;
    }
    check(bytes, "mem_send");
    if (floor->out_bytes == 0)
        return;
    if (send(floor->upstream, floor->out, floor->out_bytes, MSG_NOSIGNAL) !=
        (ssize_t)floor->out_bytes)
        nw_bench_die("send to upstream");
    floor->out_bytes = 0;
}

static void upstream_turn(struct floor *floor)
{
    ssize_t n = recv(floor->upstream, floor->in, BUFFER_BYTES, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        nw_bench_die("read from upstream");
    check(nghttp2_session_mem_recv(floor->session, floor->in, (size_t)n), "mem_recv");
}

static void upstream_open(struct floor *floor, const char *address)
{
    struct nw_bench_address where = nw_bench_address_parse(address);
    nghttp2_settings_entry settings = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    nghttp2_session_callbacks *callbacks;
    check(nghttp2_session_callbacks_new(&callbacks), "callbacks");
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    check(nghttp2_session_client_new(&floor->session, callbacks, floor), "session");
    nghttp2_session_callbacks_del(callbacks);
    check(nghttp2_submit_settings(floor->session, NGHTTP2_FLAG_NONE, &settings, 1), "settings");
    check(nghttp2_session_set_local_window_size(floor->session, NGHTTP2_FLAG_NONE, 0, 1 << 24),
          "window");
    floor->upstream = nw_bench_connect(&where);
    watch(floor, floor->upstream, &floor->upstream);
}

/* ---- clients ---- */

/* The one look at a request: its path. */
static void path_take(struct floor *floor, const char *request)
{
    size_t length = strcspn(request + 4, " ");
    if (length >= sizeof floor->path)
        length = sizeof floor->path - 1;
    memcpy(floor->path, request + 4, length);
}

static void stream_open(struct floor *floor, struct client *client)
{
#define FIELD(name, value)                                                                         \
    {(uint8_t *)name, (uint8_t *)value, sizeof name - 1, strlen(value),                            \
     NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}
    const nghttp2_nv fields[] = {FIELD(":method", "GET"), FIELD(":scheme", "http"),
                                 FIELD(":path", floor->path),
                                 FIELD(":authority", "shop.example:8080")};
#undef FIELD
    check(nghttp2_submit_request(floor->session, NULL, fields, 4, NULL, client), "request");
}

static void client_turn(struct floor *floor, struct client *client)
{
    ssize_t n = recv(client->fd, floor->in, BUFFER_BYTES - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close(client->fd);
        free(client);
        return;
    }
    if (floor->path[0] == '\0')
        path_take(floor, (const char *)floor->in);
    stream_open(floor, client);
}

static void clients_accept(struct floor *floor)
{
    int fd;
    while ((fd = nw_bench_accept(floor->listener)) >= 0) {
        struct client *client = calloc(1, sizeof *client);
        if (!client)
            nw_bench_die("calloc");
        client->fd = fd;
        watch(floor, fd, client);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[1], "--listen") != 0 || strcmp(argv[3], "--upstream") != 0) {
        fprintf(stderr, "usage: mux_floor --listen ADDRESS --upstream ADDRESS\n");
        return 2;
    }
    struct floor *floor = calloc(1, sizeof *floor);
    if (!floor || (floor->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        nw_bench_die("start");
    nw_bench_nofile_raise();
    upstream_open(floor, argv[4]);
    floor->listener = nw_bench_listen(argv[2]);
    watch(floor, floor->listener, &floor->listener);

    struct epoll_event events[EVENT_MAX];
    for (;;) {
        int ready = epoll_wait(floor->epoll, events, EVENT_MAX, -1);
        for (int i = 0; i < ready; i++) {
            void *what = events[i].data.ptr;
            if (what == &floor->listener)
                clients_accept(floor);
            else if (what == &floor->upstream)
                upstream_turn(floor);
            else
                client_turn(floor, what);
        }
        upstream_flush(floor);
    }
}
