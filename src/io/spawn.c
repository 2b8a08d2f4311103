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
#include "io/sysfd.h"
#include "io/worker_impl.h"

enum { OUTPUT_PIECE_BYTES = 16 * 1024, LAST_WORDS_PIECES = 16, REPORTS_PER_TURN = 64 };

struct outgoing {
    struct nw_list node;
    size_t bytes;
    char message[];
};

struct nw_spawner {
    struct nw_source source; /* first; fd -1 while detached */
    int fd;
    pid_t pid;
    uint32_t last_ticket;
    struct nw_list processes;
    struct nw_list outgoing;
    bool is_gone;
};

/* ---- the helper's life ---- */

nw_err nw_spawner_start(struct nw_spawner **out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return NW_TOO_MANY_FILES;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        nw_spawner_main(pair[1]);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return NW_NO_MEMORY;
    }
    struct nw_spawner *spawner = nw_alloc_zero(sizeof *spawner);
    spawner->source.fd = -1;
    spawner->fd = pair[0];
    spawner->pid = pid;
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
    while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
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

/* 1: one was handled; 0: none is there; -1: the helper is gone. */
static int take_report(struct nw_spawner *spawner)
{
    struct nw_spawn_report report;
    int fds[2] = {-1, -1};
    struct iovec iov = {&report, sizeof report};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(spawner->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (got != (ssize_t)sizeof report || report.head.bytes != sizeof report)
        return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof fds))
        memcpy(fds, CMSG_DATA(head), sizeof fds);
    report.text[sizeof report.text - 1] = '\0';
    on_report(spawner, &report, fds);
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
    return nw_source_add(&spawner->source, spawner->fd, NW_READY_READ, on_ready);
}

void nw_spawner_detach(struct nw_spawner *spawner)
{
    if (spawner->source.fd >= 0)
        (void)nw_source_detach(&spawner->source);
}

/* ---- processes ---- */

static void add_string(char *message, size_t *at, const char *string)
{
    size_t len = strlen(string != NULL ? string : "") + 1;
    if (*at + len <= NW_SPAWN_REQUEST_MAX_BYTES)
        memcpy(message + *at, string != NULL ? string : "", len);
    *at += len;
}

/* The message's bytes; more than NW_SPAWN_REQUEST_MAX_BYTES: it does not fit. */
static size_t write_start(const struct nw_spawn_spec *spec, uint32_t ticket, char *message)
{
    struct nw_spawn_start start = {.head = {.kind = NW_SPAWN_START, .ticket = ticket},
                                   .argc = spec->argc,
                                   .env_count = spec->env_count,
                                   .cpu_count = spec->cpu_count,
                                   .memory_bytes = spec->memory_bytes};
    size_t at = sizeof start;
    add_string(message, &at, spec->cwd);
    add_string(message, &at, spec->user);
    for (unsigned i = 0; i < spec->argc; i++)
        add_string(message, &at, spec->argv[i]);
    for (unsigned i = 0; i < spec->env_count; i++)
        add_string(message, &at, spec->env[i]);
    start.head.bytes = (uint32_t)at;
    memcpy(message, &start, sizeof start);
    return at;
}

nw_err nw_process_start(struct nw_spawner *spawner, const struct nw_spawn_spec *spec,
                        void (*on_output)(struct nw_process *process, bool is_stderr,
                                          struct nw_slice bytes),
                        struct nw_process *process)
{
    *process = (struct nw_process){.spawner = spawner, .on_output = on_output};
    process->output[0].fd = process->output[1].fd = -1;
    process->ticket = ++spawner->last_ticket;
    nw_event_init(&process->ended);
    nw_list_init(&process->node);
    NW_ASSERT(spawner->source.fd >= 0 || spawner->is_gone);
    char *message = nw_alloc(NW_SPAWN_REQUEST_MAX_BYTES);
    size_t bytes = write_start(spec, process->ticket, message);
    bool is_fitting = bytes <= NW_SPAWN_REQUEST_MAX_BYTES && spec->argc > 0 &&
                      spec->argc <= NW_SPAWN_STRINGS_MAX && spec->env_count <= NW_SPAWN_STRINGS_MAX;
    if (!is_fitting || spawner->is_gone) {
        nw_free(message);
        snprintf(process->reason, sizeof process->reason, "%s",
                 is_fitting ? "the helper process has died"
                            : "the command and its environment are larger than 64K");
        return is_fitting ? NW_PEER_CLOSED : NW_INVALID;
    }
    nw_list_push_back(&spawner->processes, &process->node);
    send_message(spawner, message, bytes);
    nw_free(message);
    while (!process->is_answered)
        nw_fiber_wait_always(&process->starter);
    if (process->pid > 0)
        return NW_OK;
    nw_list_remove(&process->node);
    return spawner->is_gone ? NW_PEER_CLOSED : (nw_err)process->wait_status;
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
