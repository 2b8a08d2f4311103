/*
 * The helper process: one thread, one poll, no loop of newel's. It is the only one that keeps any
 * power, so it believes nothing that it is told: what a request may name stands in the book, which
 * is read here (io/spawn_book.h), and every length and text is judged before it is looked at.
 *
 * A process leads its own session. Ending one means ending its *group*: the helper is also the
 * reaper of orphans (PR_SET_CHILD_SUBREAPER), so the last member of a group whose leader is gone
 * dies as our child and the group's emptiness is an event, not a guess after a while. A leader that
 * ends by itself takes its group with it: what it left behind would hold its port and answer for
 * it. The group is signalled before the leader is reaped, while its number cannot belong to
 * another.
 *
 * When newel goes, by kill -9 too, its end of the pair closes: every group gets SIGTERM, two
 * seconds later SIGKILL; then what escaped into other sessions is killed as well, for it is our
 * child now. Against the death of this process itself each application asks for SIGKILL at its
 * parent's death, and newel kills the groups that it knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/confine.h"
#include "io/errno.h"
#include "io/spawn_impl.h"

enum { END_GRACE_MS = 2000, KILLED_PATIENCE_MS = 1000 };
#define NOT_AT_ALL UINT64_MAX

struct child {
    struct nw_list node;
    pid_t pid;
    uint32_t ticket;
    int wait_status;
    bool has_ended;      /* the leader; its group may still be there */
    bool is_stopping;    /* SIGTERM was sent */
    bool was_killed;     /* SIGKILL was sent to the group */
    uint64_t next_at_ms; /* when SIGKILL is due, or, killed, when its end is reported anyhow */
};

/* Everything that may come over the first pair. */
union request {
    struct nw_spawn_head head;
    struct nw_spawn_start start;
    struct nw_spawn_stop stop;
};

struct helper {
    struct nw_list children;
    int fd;
    int signal_fd;
    bool is_ending;
    struct nw_spawn_desk desk;
    union request request;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- reports ---- */

static void report(struct helper *helper, struct nw_spawn_report *what, const int *fds)
{
    what->head.bytes = sizeof *what;
    struct iovec iov = {what, sizeof *what};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    if (fds != NULL) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(2 * sizeof(int));
        memcpy(CMSG_DATA(head), fds, 2 * sizeof(int));
    }
    while (sendmsg(helper->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue; /* another failure: newel is gone, which poll will say */
}

static void report_failure(struct helper *helper, uint32_t ticket, nw_err err, const char *text)
{
    struct nw_spawn_report failed = {.head = {.kind = NW_SPAWN_FAILED, .ticket = ticket},
                                     .err = (int32_t)err};
    snprintf(failed.text, sizeof failed.text, "%s", text);
    report(helper, &failed, NULL);
}

/* ---- starting ---- */

static void adopt(struct helper *helper, uint32_t ticket, pid_t pid, const int *fds)
{
    struct child *child = nw_alloc_zero(sizeof *child);
    child->pid = pid;
    child->ticket = ticket;
    child->next_at_ms = NOT_AT_ALL;
    nw_list_push_back(&helper->children, &child->node);
    struct nw_spawn_report started = {.head = {.kind = NW_SPAWN_STARTED, .ticket = ticket},
                                      .pid = pid};
    report(helper, &started, fds);
}

static struct child *find(struct helper *helper, uint32_t ticket)
{
    NW_LIST_EACH(node, &helper->children)
    {
        struct child *child = NW_CONTAINER_OF(node, struct child, node);
        if (child->ticket == ticket)
            return child;
    }
    return NULL;
}

static void on_start(struct helper *helper, const struct nw_spawn_start *request)
{
    uint32_t ticket = request->head.ticket;
    struct nw_spawn_wish wish = {.service = request->service,
                                 .instance = request->instance,
                                 .port = request->port,
                                 .start = request->start,
                                 .identity = request->identity};
    const struct nw_spawn_book *book = helper->desk.book;
    struct nw_spawn_spec spec = {0};
    struct nw_spawn_failure failure;
    char why[NW_SPAWN_WHY_BYTES] = "";
    bool is_sound = memchr(request->service, '\0', sizeof request->service) != NULL &&
                    request->port <= UINT16_MAX && find(helper, ticket) == NULL;
    if (!is_sound) {
        report_failure(helper, ticket, NW_INVALID, "the request is malformed");
        return;
    }
    nw_err err = book->process(book->arg, &wish, &spec, why);
    if (err == NW_OK && helper->desk.is_rootless && spec.user != NULL &&
        strcmp(spec.user, "root") == 0) {
        err = NW_DENIED;
        snprintf(why, sizeof why, "newel was started without a process that is root; restart it");
    }
    if (err != NW_OK) {
        report_failure(helper, ticket, err, why);
        return;
    }
    pid_t pid;
    int fds[2];
    if (!nw_spawn_run(&spec, &pid, fds, &failure)) {
        nw_spawn_explain(&spec, &failure, why, sizeof why);
        err = failure.number == ENOENT ? NW_NOT_FOUND : nw_errno_to_err(failure.number);
        report_failure(helper, ticket, err, why);
        return;
    }
    adopt(helper, ticket, pid, fds);
    close(fds[0]);
    close(fds[1]);
}

/* ---- looking ---- */

/* /proc shows a process's descriptors to its own user alone. */
static void become_owner(pid_t pid)
{
    char path[32];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &info) != 0 || info.st_uid == geteuid() || info.st_uid == 0)
        return;
    if (setgroups(0, NULL) != 0 || setgid(info.st_gid) != 0 || setuid(info.st_uid) != 0)
        _exit(1);
}

/* In a process of its own: /proc may be large, and the helper has children to reap. */
static void on_look(struct helper *helper, uint32_t ticket)
{
    struct child *child = find(helper, ticket);
    if (child == NULL || child->has_ended || fork() != 0)
        return;
    struct nw_spawn_looked looked = {
        .head = {.bytes = sizeof looked, .kind = NW_SPAWN_LOOKED, .ticket = ticket}};
    become_owner(child->pid);
    nw_confine_capabilities_raise(); /* a process of root's shows itself to its equals alone */
    nw_session_listening(child->pid, &looked.listening);
    (void)send(helper->fd, &looked, sizeof looked, MSG_NOSIGNAL);
    _exit(0);
}

/* ---- ending ---- */

static void kill_group(struct child *child)
{
    (void)kill(-child->pid, SIGKILL);
    child->is_stopping = true;
    child->was_killed = true;
    child->next_at_ms = now_ms() + KILLED_PATIENCE_MS;
}

static void stop_child(struct child *child, uint64_t grace_ms)
{
    uint64_t at_ms = now_ms() + grace_ms;
    if (child->was_killed)
        return;
    if (grace_ms == 0) {
        kill_group(child);
        return;
    }
    if (!child->is_stopping)
        (void)kill(-child->pid, SIGTERM);
    (void)kill(-child->pid, SIGCONT); /* a stopped process hears no SIGTERM */
    child->is_stopping = true;
    if (at_ms < child->next_at_ms)
        child->next_at_ms = at_ms;
}

static void on_stop(struct helper *helper, const struct nw_spawn_stop *request)
{
    struct child *child = find(helper, request->head.ticket);
    if (child != NULL)
        stop_child(child, request->grace_ms);
}

static void reap(struct helper *helper)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return;
        struct child *ended = NULL;
        NW_LIST_EACH(node, &helper->children)
        {
            struct child *child = NW_CONTAINER_OF(node, struct child, node);
            if (child->pid == info.si_pid && !child->has_ended)
                ended = child;
        }
        if (ended != NULL && !ended->is_stopping)
            kill_group(ended); /* while the zombie still holds the number */
        int wait_status = 0;
        (void)waitpid(info.si_pid, &wait_status, 0);
        if (ended == NULL)
            continue;
        ended->has_ended = true;
        ended->wait_status = wait_status;
    }
}

static bool is_group_empty(const struct child *child)
{
    return kill(-child->pid, 0) != 0 && errno == ESRCH;
}

/* Sends what is due, reports who is gone. Milliseconds until it has to be called again, or -1. */
static int settle(struct helper *helper)
{
    uint64_t now = now_ms(), next = NOT_AT_ALL;
    NW_LIST_EACH(node, &helper->children)
    {
        struct child *child = NW_CONTAINER_OF(node, struct child, node);
        bool is_due = now >= child->next_at_ms;
        if (is_due && child->is_stopping && !child->was_killed)
            kill_group(child);
        if (child->has_ended && (is_group_empty(child) || (is_due && child->was_killed))) {
            struct nw_spawn_report ended = {
                .head = {.kind = NW_SPAWN_ENDED, .ticket = child->ticket},
                .pid = child->pid,
                .wait_status = child->wait_status};
            report(helper, &ended, NULL);
            nw_list_remove(&child->node);
            nw_free(child);
            continue;
        }
        if (is_due && child->was_killed)
            child->next_at_ms = now + KILLED_PATIENCE_MS; /* the kernel holds it */
        if (child->next_at_ms < next)
            next = child->next_at_ms;
    }
    if (next == NOT_AT_ALL)
        return -1;
    return next > now + INT_MAX ? INT_MAX : next > now ? (int)(next - now) : 0;
}

static void begin_end(struct helper *helper)
{
    helper->is_ending = true;
    NW_LIST_EACH(node, &helper->children)
    {
        stop_child(NW_CONTAINER_OF(node, struct child, node), END_GRACE_MS);
    }
}

/* Whoever left its session is our child since its parents are gone. */
static void kill_strays(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    int pid;
    while (file != NULL && fscanf(file, "%d", &pid) == 1)
        (void)kill(pid, SIGKILL);
    if (file != NULL)
        fclose(file);
}

/* ---- the loop ---- */

static void on_request(struct helper *helper)
{
    union request *request = &helper->request;
    ssize_t got = recv(helper->fd, request, sizeof *request, MSG_TRUNC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        begin_end(helper);
        return;
    }
    size_t bytes = (size_t)got;
    if (bytes < sizeof request->head || request->head.bytes != bytes)
        return;
    if (request->head.kind == NW_SPAWN_START && bytes == sizeof request->start)
        on_start(helper, &request->start);
    else if (request->head.kind == NW_SPAWN_STOP && bytes == sizeof request->stop)
        on_stop(helper, &request->stop);
    else if (request->head.kind == NW_SPAWN_LOOK && bytes == sizeof request->head)
        on_look(helper, request->head.ticket);
    else if (request->head.kind == NW_SPAWN_TAKE && bytes == sizeof request->head)
        nw_spawn_desk_take(&helper->desk, &(struct nw_spawn_answer){0});
}

/* The two ends of ours become 3 and 4, whatever they were; everything else is closed. */
static void place_fds(struct helper *helper, int fd, int ask_fd)
{
    enum { FIRST = 3, SECOND = 4 };
    int moved = fcntl(ask_fd, F_DUPFD_CLOEXEC, SECOND + 1); /* 3 may be the second one */
    helper->fd = FIRST;
    helper->desk.fd = SECOND;
    if (fd != FIRST)
        (void)dup2(fd, FIRST);
    (void)dup2(moved, SECOND);
    (void)fcntl(FIRST, F_SETFD, FD_CLOEXEC);
    (void)fcntl(SECOND, F_SETFD, FD_CLOEXEC);
    (void)close_range(SECOND + 1, ~0U, 0);
}

static void prepare(struct helper *helper, int fd, int ask_fd)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};
    sigset_t set;
    /* Signals to newel's terminal or service are for newel; the helper goes when newel goes. */
    for (size_t i = 0; i < NW_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "newel-spawner");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    place_fds(helper, fd, ask_fd);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        (void)dup2(nothing, 0);
        (void)dup2(nothing, 1);
        close(nothing);
    }
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGCHLD, SIG_DFL);
    helper->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void nw_spawner_main(int fd, int ask_fd, const struct nw_spawn_book *book)
{
    struct helper *helper = nw_alloc_zero(sizeof *helper);
    helper->desk.book = book;
    nw_list_init(&helper->children);
    prepare(helper, fd, ask_fd);
    if (helper->signal_fd < 0)
        _exit(1);
    for (;;) {
        int timeout_ms = settle(helper);
        if (helper->is_ending && nw_list_is_empty(&helper->children))
            break;
        /*
         * The first pair is looked at last and served first: what was sent over it before a
         * question is done before the question is answered.
         */
        struct pollfd fds[] = {
            {.fd = helper->signal_fd, .events = POLLIN},
            {.fd = helper->is_ending ? -1 : helper->desk.fd, .events = POLLIN},
            {.fd = helper->is_ending ? -1 : helper->fd, .events = POLLIN},
        };
        if (poll(fds, NW_COUNT(fds), timeout_ms) < 0)
            continue;
        struct signalfd_siginfo info;
        while ((fds[0].revents & POLLIN) != 0 &&
               read(helper->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
            continue;
        reap(helper);
        if (fds[2].revents != 0)
            on_request(helper);
        else if (fds[1].revents != 0 && !nw_spawn_desk_serve(&helper->desk))
            begin_end(helper);
    }
    kill_strays();
    _exit(0);
}
