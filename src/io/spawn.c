/*
 * newel's end of the pair: requests go out, reports come in on worker 0's loop.
 *
 * A process is named by a ticket, not by its number: a report that arrives after its process was
 * forgotten finds nobody, and a number that the kernel has given away again is never signalled.
 * A request that the socket does not take at once waits in a list, because a worker must not block
 * on a helper that itself waits for the worker to read.
 *
 * Output is read on the loop's stack and handed on at once: at most 16 KiB per turn and pipe, so a
 * chatty application slows itself down, nobody else. When an end is reported the pipes are emptied
 * first, so that the last words of a process are known when its end is.
 */
#include "io/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/fiber.h"
#include "io/spawn_impl.h"
#include "io/stream.h"
#include "io/sysfd.h"
#include "io/worker_impl.h"

enum { ASK_PATIENCE_MS = 10000 };
enum { OUTPUT_PIECE_BYTES = 16 * 1024, LAST_WORDS_PIECES = 16, REPORTS_PER_TURN = 64 };

struct outgoing {
    struct nw_list node;
    size_t bytes;
    char message[];
};

/* ---- the helper's life ---- */

static void close_pairs(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

nw_err nw_spawner_start(const struct nw_spawn_book *book, struct nw_spawner **out)
{
    int fds[4] = {-1, -1, -1, -1}; /* each pair: ours, the helper's */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds + 2) != 0) {
        close_pairs(fds, 4);
        return NW_TOO_MANY_FILES;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        nw_spawner_main(fds[1], fds[3], book);
    if (pid < 0) {
        close_pairs(fds, 4);
        return NW_NO_MEMORY;
    }
    close(fds[1]);
    close(fds[3]);
    struct nw_spawner *spawner = nw_alloc_zero(sizeof *spawner);
    spawner->source.fd = -1;
    spawner->fd = fds[0];
    spawner->ask_fd = fds[2];
    spawner->pid = pid;
    spawner->ask_patience_ms = ASK_PATIENCE_MS;
    pthread_mutex_init(&spawner->ask_mutex, NULL);
    nw_list_init(&spawner->processes);
    nw_list_init(&spawner->outgoing);
    *out = spawner;
    return NW_OK;
}

void nw_spawner_stop(struct nw_spawner *spawner)
{
    if (spawner == NULL)
        return;
    NW_ASSERT(spawner->source.fd < 0);
    NW_ASSERT(nw_list_is_empty(&spawner->processes));
    for (struct nw_list *node; (node = nw_list_pop_front(&spawner->outgoing)) != NULL;)
        nw_free(NW_CONTAINER_OF(node, struct outgoing, node));
    close(spawner->fd);
    close(spawner->ask_fd);
    while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_destroy(&spawner->ask_mutex);
    nw_free(spawner);
}

bool nw_spawner_is_gone(const struct nw_spawner *spawner)
{
    return spawner->is_gone;
}

/* ---- ends ---- */

static void describe_end(struct nw_process *process)
{
    int status = process->wait_status;
    if (WIFEXITED(status))
        snprintf(process->reason, sizeof process->reason, "exited with status %d",
                 WEXITSTATUS(status));
    else
        snprintf(process->reason, sizeof process->reason, "killed by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
}

/* False: nothing (more) to read now. */
static bool read_output(struct nw_process *process, struct nw_source *source)
{
    char piece[OUTPUT_PIECE_BYTES];
    bool is_stderr = source == &process->output[1];
    ssize_t got = source->fd >= 0 ? read(source->fd, piece, sizeof piece) : -1;
    if (source->fd < 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return false;
    if (got <= 0) {
        nw_source_close(source);
        process->on_output(process, is_stderr, nw_slice_of(NULL, 0));
        return false;
    }
    process->on_output(process, is_stderr, nw_slice_of(piece, (size_t)got));
    return true;
}

static void on_stdout(struct nw_source *source, unsigned ready)
{
    (void)read_output(NW_CONTAINER_OF(source, struct nw_process, output[0]), source);
}

static void on_stderr(struct nw_source *source, unsigned ready)
{
    (void)read_output(NW_CONTAINER_OF(source, struct nw_process, output[1]), source);
}

static void end_process(struct nw_process *process)
{
    for (int i = 0; i < 2; i++) {
        int pieces = 0;
        while (pieces < LAST_WORDS_PIECES && read_output(process, &process->output[i]))
            pieces++;
    }
    nw_event_set(&process->ended);
}

static void answer(struct nw_process *process)
{
    process->is_answered = true;
    nw_fiber_make_ready(process->starter);
}

/* The helper was killed. Its children got SIGKILL from the kernel, their groups get it from us. */
static void lose_helper(struct nw_spawner *spawner)
{
    spawner->is_gone = true;
    nw_source_want(&spawner->source, 0);
    NW_LIST_EACH(node, &spawner->processes)
    {
        struct nw_process *process = NW_CONTAINER_OF(node, struct nw_process, node);
        snprintf(process->reason, sizeof process->reason, "the helper process has died");
        process->wait_status = -1;
        if (process->pid > 0 && !nw_process_has_ended(process)) {
            (void)kill(-process->pid, SIGKILL);
            end_process(process);
        }
        if (!process->is_answered)
            answer(process);
        nw_event_set(&process->looked);
    }
}

/* ---- reports ---- */

static void watch(struct nw_source *source, int fd,
                  void (*on_ready)(struct nw_source *source, unsigned ready))
{
    if (nw_fd_adopt(fd) == NW_OK && nw_source_add(source, fd, NW_READY_READ, on_ready) == NW_OK)
        return;
    close(fd); /* its output is lost; the process gets SIGPIPE or EPIPE */
    source->fd = -1;
}

static struct nw_process *find(struct nw_spawner *spawner, uint32_t ticket)
{
    NW_LIST_EACH(node, &spawner->processes)
    {
        struct nw_process *process = NW_CONTAINER_OF(node, struct nw_process, node);
        if (process->ticket == ticket)
            return process;
    }
    return NULL;
}

static void on_report(struct nw_spawner *spawner, const struct nw_spawn_report *report, int fds[2])
{
    struct nw_process *process = find(spawner, report->head.ticket);
    if (process == NULL) {
        if (fds[0] >= 0) {
            close(fds[0]);
            close(fds[1]);
        }
        return;
    }
    if (report->head.kind == NW_SPAWN_STARTED) {
        process->pid = report->pid;
        if (fds[0] >= 0) {
            watch(&process->output[0], fds[0], on_stdout);
            watch(&process->output[1], fds[1], on_stderr);
        }
        answer(process);
    } else if (report->head.kind == NW_SPAWN_FAILED) {
        memcpy(process->reason, report->text, sizeof process->reason);
        process->wait_status = report->err;
        answer(process);
    } else {
        process->wait_status = report->wait_status;
        describe_end(process);
        end_process(process);
    }
}

static void on_looked(struct nw_spawner *spawner, const struct nw_spawn_looked *looked)
{
    struct nw_process *process = find(spawner, looked->head.ticket);
    if (process == NULL || process->listening == NULL)
        return;
    *process->listening = looked->listening;
    nw_event_set(&process->looked);
}

/* 1: one was handled; 0: none is there; -1: the helper is gone. */
static int take_report(struct nw_spawner *spawner)
{
    union {
        struct nw_spawn_head head;
        struct nw_spawn_report report;
        struct nw_spawn_looked looked;
    } got;
    int fds[2] = {-1, -1};
    struct iovec iov = {&got, sizeof got};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t bytes = recvmsg(spawner->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (bytes < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (bytes < (ssize_t)sizeof got.head || got.head.bytes != (size_t)bytes)
        return -1;
    if (got.head.kind == NW_SPAWN_LOOKED) {
        on_looked(spawner, &got.looked);
        return 1;
    }
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fds))
        memcpy(fds, CMSG_DATA(head), sizeof fds);
    got.report.text[sizeof got.report.text - 1] = '\0';
    on_report(spawner, &got.report, fds);
    return 1;
}

/* ---- requests ---- */

/* True: the kernel has it, or nobody will ever read it. */
static bool send_now(struct nw_spawner *spawner, const void *message, size_t bytes)
{
    ssize_t sent = send(spawner->fd, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent >= 0 || errno != EAGAIN;
}

static void send_message(struct nw_spawner *spawner, const void *message, size_t bytes)
{
    if (spawner->is_gone)
        return;
    if (nw_list_is_empty(&spawner->outgoing) && send_now(spawner, message, bytes))
        return;
    struct outgoing *outgoing = nw_alloc(sizeof *outgoing + bytes);
    outgoing->bytes = bytes;
    memcpy(outgoing->message, message, bytes);
    nw_list_init(&outgoing->node);
    nw_list_push_back(&spawner->outgoing, &outgoing->node);
    if (spawner->source.fd >= 0)
        nw_source_want(&spawner->source, NW_READY_READ | NW_READY_WRITE);
}

static void send_waiting(struct nw_spawner *spawner)
{
    while (!nw_list_is_empty(&spawner->outgoing)) {
        struct outgoing *first = NW_CONTAINER_OF(spawner->outgoing.next, struct outgoing, node);
        if (!send_now(spawner, first->message, first->bytes))
            return;
        nw_list_remove(&first->node);
        nw_free(first);
    }
    nw_source_want(&spawner->source, NW_READY_READ);
}

static void on_ready(struct nw_source *source, unsigned ready)
{
    struct nw_spawner *spawner = NW_CONTAINER_OF(source, struct nw_spawner, source);
    int result = 1;
    for (int i = 0; i < REPORTS_PER_TURN && result > 0; i++)
        result = take_report(spawner);
    if (result < 0)
        lose_helper(spawner);
    else if ((ready & NW_READY_WRITE) != 0)
        send_waiting(spawner);
}

nw_err nw_spawner_attach(struct nw_spawner *spawner)
{
    if (spawner->source.fd >= 0 || spawner->is_gone)
        return NW_OK;
    bool has_waiting = !nw_list_is_empty(&spawner->outgoing);
    return nw_source_add(&spawner->source, spawner->fd,
                         NW_READY_READ | (has_waiting ? NW_READY_WRITE : 0), on_ready);
}

void nw_spawner_detach(struct nw_spawner *spawner)
{
    if (spawner->source.fd >= 0)
        (void)nw_source_detach(&spawner->source);
}

/* ---- processes ---- */

/*
 * In the row of the requests, not over the second pair: whoever is cancelled or finds a lane full
 * must not leave the helper behind, and a process that is asked for next must find it ahead.
 */
void nw_spawner_take(struct nw_spawner *spawner)
{
    struct nw_spawn_head take = {.bytes = sizeof take, .kind = NW_SPAWN_TAKE};
    send_message(spawner, &take, sizeof take);
}

nw_err nw_process_start(struct nw_spawner *spawner, const struct nw_spawn_wish *wish,
                        void (*on_output)(struct nw_process *process, bool is_stderr,
                                          struct nw_slice bytes),
                        struct nw_process *process)
{
    *process = (struct nw_process){.spawner = spawner, .on_output = on_output};
    process->output[0].fd = process->output[1].fd = -1;
    process->ticket = ++spawner->last_ticket;
    nw_event_init(&process->ended);
    nw_event_init(&process->looked);
    nw_list_init(&process->node);
    NW_ASSERT(spawner->source.fd >= 0 || spawner->is_gone);
    NW_ASSERT(strlen(wish->service) < NW_SPAWN_SERVICE_BYTES);
    if (spawner->is_gone) {
        snprintf(process->reason, sizeof process->reason, "the helper process has died");
        return NW_PEER_CLOSED;
    }
    struct nw_spawn_start start = {
        .head = {.bytes = sizeof start, .kind = NW_SPAWN_START, .ticket = process->ticket},
        .instance = wish->instance,
        .port = wish->port,
        .start = wish->start,
        .identity = wish->identity};
    memcpy(start.service, wish->service, strlen(wish->service));
    nw_list_push_back(&spawner->processes, &process->node);
    send_message(spawner, &start, sizeof start);
    while (!process->is_answered)
        nw_fiber_wait_always(&process->starter);
    if (process->pid > 0)
        return NW_OK;
    nw_list_remove(&process->node);
    return spawner->is_gone ? NW_PEER_CLOSED : (nw_err)process->wait_status;
}

nw_err nw_process_listening(struct nw_process *process, struct nw_listening *out)
{
    struct nw_spawn_head look = {
        .bytes = sizeof look, .kind = NW_SPAWN_LOOK, .ticket = process->ticket};
    struct nw_wait waits[] = {{.event = &process->looked}, {.event = &process->ended}};
    nw_event_clear(&process->looked);
    process->listening = out;
    send_message(process->spawner, &look, sizeof look);
    nw_err err = nw_io_wait_any(waits, NW_COUNT(waits));
    process->listening = NULL;
    if (err == NW_OK && (process->spawner->is_gone || !process->looked.is_set))
        err = NW_PEER_CLOSED;
    return err;
}

nw_err nw_process_wait(struct nw_process *process)
{
    return nw_event_wait(&process->ended);
}

void nw_process_stop(struct nw_process *process, uint64_t grace_ms)
{
    struct nw_spawn_stop stop = {
        .head = {.bytes = sizeof stop, .kind = NW_SPAWN_STOP, .ticket = process->ticket},
        .grace_ms = grace_ms};
    process->is_stop_asked = true;
    if (process->pid > 0 && !nw_process_has_ended(process))
        send_message(process->spawner, &stop, sizeof stop);
}

void nw_process_close(struct nw_process *process)
{
    if (!process->is_stop_asked)
        nw_process_stop(process, 0);
    while (process->pid > 0 && !nw_process_has_ended(process)) {
        /* As an event's waiter, but for a cancelled fiber too. */
        struct nw_waiter waiter = {.fiber = nw_fiber_self()};
        nw_list_push_back(&process->ended.waiters, &waiter.node);
        nw_fiber_wait_always(NULL);
        nw_list_remove(&waiter.node);
    }
    nw_list_remove(&process->node);
    for (int i = 0; i < 2; i++)
        if (process->output[i].fd >= 0)
            nw_source_close(&process->output[i]);
}
