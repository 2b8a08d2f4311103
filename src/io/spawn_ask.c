/*
 * Newel's end of the second pair: one question, one answer, under a mutex. Questions are rare (a
 * start, a reload, a renewed certificate), so a fiber goes to the lane of files and blocks there;
 * the worker never does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/offload.h"
#include "io/spawn_impl.h"
#include "io/sysfd.h"
#include "io/worker.h"

struct question {
    struct nw_spawner *spawner;
    void *request; /* begins with its head */
    struct nw_spawn_answer answer;
    int fd; /* -1: none came */
};

static bool send_request(int fd, const void *request)
{
    const struct nw_spawn_head *head = request;
    ssize_t sent;
    do
        sent = send(fd, request, head->bytes, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)head->bytes;
}

/* Until `deadline_ms` of the monotonic clock. */
static bool wait_readable(int fd, uint64_t deadline_ms)
{
    struct timespec now;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        ready = poll(&wait, 1, now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static nw_err receive_one(int fd, struct question *question)
{
    struct iovec iov = {&question->answer, sizeof question->answer};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof question->answer)
        return NW_PEER_CLOSED;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&question->fd, CMSG_DATA(head), sizeof(int));
    question->answer.text[sizeof question->answer.text - 1] = '\0';
    return NW_OK;
}

/* A late answer to an earlier question, which nobody waits for any more, is passed over. */
static nw_err receive_answer(const struct nw_spawner *spawner, struct question *question)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t deadline_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 +
                           spawner->ask_patience_ms;
    for (;;) {
        if (!wait_readable(spawner->ask_fd, deadline_ms))
            return NW_TIMEOUT;
        NW_TRY(receive_one(spawner->ask_fd, question));
        if (question->answer.head.ticket == spawner->ask_number)
            return NW_OK;
        if (question->fd >= 0)
            close(question->fd);
        question->fd = -1;
    }
}

/* Blocks. */
static nw_err ask(void *arg)
{
    struct question *question = arg;
    struct nw_spawner *spawner = question->spawner;
    struct nw_spawn_head *head = question->request;
    pthread_mutex_lock(&spawner->ask_mutex);
    head->ticket = ++spawner->ask_number;
    nw_err err = send_request(spawner->ask_fd, head) ? receive_answer(spawner, question)
                                                     : NW_PEER_CLOSED;
    pthread_mutex_unlock(&spawner->ask_mutex);
    return err == NW_OK ? (nw_err)question->answer.err : err;
}

NW_YIELDS static nw_err ask_in_lane(struct question *question)
{
    struct nw_runtime *runtime = nw_worker_runtime(nw_worker_self());
    return nw_offload(nw_lane_files(runtime), ask, question);
}

static void take_why(const struct question *question, nw_err err, char why[NW_SPAWN_WHY_BYTES])
{
    if (err == NW_OK)
        return;
    snprintf(why, NW_SPAWN_WHY_BYTES, "%s",
             question->answer.text[0] != '\0' ? question->answer.text
             : err == NW_PEER_CLOSED          ? "the helper process has died"
             : err == NW_TIMEOUT              ? "the helper process does not answer"
                                              : nw_err_text(err));
}

nw_err nw_spawner_load_now(struct nw_spawner *spawner, uint64_t *out_digest,
                           char why[NW_SPAWN_WHY_BYTES])
{
    struct nw_spawn_head request = {.bytes = sizeof request, .kind = NW_SPAWN_LOAD};
    struct question question = {.spawner = spawner, .request = &request, .fd = -1};
    nw_err err = ask(&question);
    if (err == NW_OK)
        *out_digest = question.answer.digest;
    take_why(&question, err, why);
    return err;
}

nw_err nw_spawner_take_now(struct nw_spawner *spawner, char why[NW_SPAWN_WHY_BYTES])
{
    struct nw_spawn_head request = {.bytes = sizeof request, .kind = NW_SPAWN_TAKE};
    struct question question = {.spawner = spawner, .request = &request, .fd = -1};
    nw_err err = ask(&question);
    take_why(&question, err, why);
    return err;
}

/* An answer that says yes brings a descriptor. */
static nw_err take_fd(const struct question *question, nw_err err, int *out_fd)
{
    if (err == NW_OK && question->fd < 0)
        err = NW_TOO_MANY_FILES; /* the kernel had no room for it here */
    if (err == NW_OK)
        *out_fd = question->fd;
    else if (question->fd >= 0)
        close(question->fd);
    return err;
}

nw_err nw_spawner_open_file_now(struct nw_spawner *spawner, const char *path, int *out_fd)
{
    if (strlen(path) >= NW_SPAWN_PATH_BYTES)
        return NW_INVALID; /* no file has so long a path */
    struct nw_spawn_open *request = nw_alloc_zero(sizeof *request);
    request->head = (struct nw_spawn_head){.bytes = sizeof *request, .kind = NW_SPAWN_OPEN};
    memcpy(request->path, path, strlen(path));
    struct question question = {.spawner = spawner, .request = request, .fd = -1};
    nw_err err = take_fd(&question, ask(&question), out_fd);
    nw_free(request);
    return err;
}

nw_err nw_spawner_listen(struct nw_spawner *spawner, const char *text, const struct nw_addr *addr,
                         bool is_first, int *out_fd)
{
    struct nw_spawn_listen request = {
        .head = {.bytes = sizeof request, .kind = NW_SPAWN_LISTEN},
        .is_first = is_first,
        .addr = *addr,
    };
    if (strlen(text) >= sizeof request.text)
        return NW_INVALID;
    memcpy(request.text, text, strlen(text));
    struct question question = {.spawner = spawner, .request = &request, .fd = -1};
    nw_err err = ask_in_lane(&question);
    return take_fd(&question, err, out_fd);
}
