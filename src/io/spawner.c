/*
 * The helper process: one thread, one poll, no loop of newel's. It holds no more power than newel
 * does and knows no configuration; what a request may contain is bounded and checked here again.
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
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
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

struct helper {
    struct nw_list children;
    int fd;
    int signal_fd;
    bool is_ending;
    _Alignas(8) char request[NW_SPAWN_REQUEST_MAX_BYTES];
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

static void report_failure(struct helper *helper, uint32_t ticket, const char *what,
                           const char *name, int number)
{
    struct nw_spawn_report failed = {.head = {.kind = NW_SPAWN_FAILED, .ticket = ticket}};
    failed.err = (int32_t)(number == ENOENT ? NW_NOT_FOUND : nw_errno_to_err(number));
    snprintf(failed.text, sizeof failed.text, "cannot %s%s%.90s: %s", what, name[0] != 0 ? " " : "",
             name, strerror(number));
    report(helper, &failed, NULL);
}

/* ---- in the new process ---- */

typedef enum stage { STAGE_SESSION, STAGE_LIMIT, STAGE_USER, STAGE_CWD, STAGE_RUN } stage;

static const char *const stage_text[] = {
    [STAGE_SESSION] = "prepare the process for", [STAGE_LIMIT] = "set the limits of",
    [STAGE_USER] = "become user",                [STAGE_CWD] = "change to folder",
    [STAGE_RUN] = "run",
};

struct failure {
    int stage;
    int number; /* errno */
};

struct start {
    uint32_t ticket;
    char **argv;
    char **env;
    const char *cwd;
    const char *user;
    struct passwd *account; /* NULL: stays who we are */
    uint64_t memory_bytes;
    unsigned cpu_count;
    int output[2]; /* what the process writes to */
    int error_fd;
    pid_t helper_pid;
};

NW_NORETURN static void give_up(const struct start *start, stage at)
{
    struct failure failure = {(int)at, errno};
    ssize_t written = write(start->error_fd, &failure, sizeof failure);
    (void)written; /* the helper reads a short answer as a failure, too */
    _exit(127);
}

static void default_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* SIGKILL, SIGSTOP and the C library's own refuse: fine */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A share of time needs a cgroup; a share of the processors does not. */
static void limit_cpus(unsigned count)
{
    cpu_set_t have, want;
    if (count == 0 || sched_getaffinity(0, sizeof have, &have) != 0 ||
        (unsigned)CPU_COUNT(&have) <= count)
        return;
    CPU_ZERO(&want);
    for (unsigned cpu = (unsigned)getpid() % CPU_SETSIZE; (unsigned)CPU_COUNT(&want) < count;
         cpu = (cpu + 1) % CPU_SETSIZE)
        if (CPU_ISSET(cpu, &have))
            CPU_SET(cpu, &want);
    (void)sched_setaffinity(0, sizeof want, &want);
}

static void become(const struct start *start)
{
    const struct passwd *account = start->account;
    if (account == NULL)
        return;
    if (initgroups(account->pw_name, account->pw_gid) != 0 || setgid(account->pw_gid) != 0 ||
        setuid(account->pw_uid) != 0)
        give_up(start, STAGE_USER);
}

NW_NORETURN static void run_child(struct start *start)
{
    default_signals();
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (setsid() < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(start->output[0], 1) < 0 ||
        dup2(start->output[1], 2) < 0)
        give_up(start, STAGE_SESSION);
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    limit_cpus(start->cpu_count);
    struct rlimit memory = {start->memory_bytes, start->memory_bytes};
    if (start->memory_bytes > 0 && setrlimit(RLIMIT_DATA, &memory) != 0)
        give_up(start, STAGE_LIMIT);
    become(start);
    /* After setuid, which clears it; and our parent may be gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        give_up(start, STAGE_SESSION);
    if (getppid() != start->helper_pid)
        _exit(127);
    if (start->cwd[0] != '\0' && chdir(start->cwd) != 0)
        give_up(start, STAGE_CWD);
    environ = start->env;
    execvp(start->argv[0], start->argv);
    give_up(start, STAGE_RUN);
}

/* ---- starting ---- */

/* The program runs (false), or what went wrong. Ends when exec closes the pipe. */
static bool has_failed(int error_fd, struct failure *out)
{
    ssize_t got;
    do
        got = read(error_fd, out, sizeof *out);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *out;
}

static void adopt(struct helper *helper, const struct start *start, pid_t pid, const int *fds)
{
    struct child *child = nw_alloc_zero(sizeof *child);
    child->pid = pid;
    child->ticket = start->ticket;
    child->next_at_ms = NOT_AT_ALL;
    nw_list_push_back(&helper->children, &child->node);
    struct nw_spawn_report started = {
        .head = {.kind = NW_SPAWN_STARTED, .ticket = start->ticket}, .pid = pid};
    report(helper, &started, fds);
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void start_child(struct helper *helper, struct start *start)
{
    int fds[6] = {-1, -1, -1, -1, -1, -1}; /* pipes of stdout, of stderr, of the error */
    pid_t pid = -1;
    if (pipe2(fds, O_CLOEXEC) == 0 && pipe2(fds + 2, O_CLOEXEC) == 0 &&
        pipe2(fds + 4, O_CLOEXEC) == 0) {
        start->output[0] = fds[1];
        start->output[1] = fds[3];
        start->error_fd = fds[5];
        start->helper_pid = getpid();
        pid = fork();
    }
    if (pid == 0)
        run_child(start);
    if (pid < 0) {
        report_failure(helper, start->ticket, "start", start->argv[0], errno);
        close_all(fds, 6);
        return;
    }
    close_all((int[]){fds[1], fds[3], fds[5]}, 3);
    struct failure failure;
    if (has_failed(fds[4], &failure)) {
        const char *name = failure.stage == STAGE_USER  ? start->user
                           : failure.stage == STAGE_CWD ? start->cwd
                                                        : start->argv[0];
        report_failure(helper, start->ticket, stage_text[failure.stage], name, failure.number);
    } else {
        adopt(helper, start, pid, (int[]){fds[0], fds[2]});
    }
    close_all((int[]){fds[0], fds[2], fds[4]}, 3);
}

/* ---- reading a request ---- */

struct strings {
    char *at;
    char *end; /* behind a zero */
    bool is_short;
};

static char *next_string(struct strings *strings)
{
    if (strings->at >= strings->end) {
        strings->is_short = true;
        return strings->end - 1; /* its zero */
    }
    char *string = strings->at;
    strings->at += strlen(string) + 1;
    return string;
}

static bool is_same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* Ours without what is given, then what is given, then who it is. */
static char **make_env(struct strings *strings, unsigned given_count, const struct passwd *account)
{
    enum { OWN_EXTRA = 4 };
    unsigned own_count = 0, count = 0;
    while (environ[own_count] != NULL)
        own_count++;
    char **env = nw_alloc_array(own_count + given_count + OWN_EXTRA, sizeof *env);
    char **given = nw_alloc_array(given_count + 1, sizeof *given);
    for (unsigned i = 0; i < given_count; i++)
        given[i] = next_string(strings);
    for (unsigned i = 0; i < own_count; i++) {
        bool is_replaced = is_same_name("NOTIFY_SOCKET=", environ[i]) ||
                           is_same_name("LISTEN_FDS=", environ[i]) ||
                           is_same_name("LISTEN_PID=", environ[i]);
        if (account != NULL)
            is_replaced |= is_same_name("HOME=", environ[i]) || is_same_name("USER=", environ[i]) ||
                           is_same_name("LOGNAME=", environ[i]);
        for (unsigned k = 0; k < given_count && !is_replaced; k++)
            is_replaced = is_same_name(given[k], environ[i]);
        if (!is_replaced)
            env[count++] = environ[i];
    }
    for (unsigned i = 0; i < given_count; i++)
        env[count++] = given[i];
    nw_free(given);
    return env;
}

/* The lines are the caller's and live until the process was started. */
static void name_account(char **env, const struct passwd *account, char lines[3][PATH_MAX])
{
    unsigned count = 0;
    while (env[count] != NULL)
        count++;
    snprintf(lines[0], PATH_MAX, "HOME=%s", account->pw_dir);
    snprintf(lines[1], PATH_MAX, "USER=%s", account->pw_name);
    snprintf(lines[2], PATH_MAX, "LOGNAME=%s", account->pw_name);
    for (unsigned i = 0; i < 3; i++)
        env[count + i] = lines[i];
}

/* False: told already. */
static bool find_account(struct helper *helper, struct start *start)
{
    if (start->user[0] == '\0')
        return true;
    errno = 0;
    struct passwd *account = getpwnam(start->user);
    if (account == NULL) {
        report_failure(helper, start->ticket, "find user", start->user,
                       errno != 0 ? errno : ENOENT);
        return false;
    }
    if (account->pw_uid != geteuid())
        start->account = account;
    return true;
}

static void on_start(struct helper *helper, size_t bytes)
{
    const struct nw_spawn_start *request = (const struct nw_spawn_start *)helper->request;
    char lines[3][PATH_MAX];
    struct strings strings = {helper->request + sizeof *request, helper->request + bytes, false};
    struct start start = {.ticket = request->head.ticket,
                          .memory_bytes = request->memory_bytes,
                          .cpu_count = request->cpu_count};
    bool is_sound = bytes > sizeof *request && strings.end[-1] == '\0' && request->argc > 0 &&
                    request->argc <= NW_SPAWN_STRINGS_MAX &&
                    request->env_count <= NW_SPAWN_STRINGS_MAX;
    if (!is_sound) {
        report_failure(helper, start.ticket, "read the request", "", EINVAL);
        return;
    }
    start.cwd = next_string(&strings);
    start.user = next_string(&strings);
    if (!find_account(helper, &start))
        return;
    start.argv = nw_alloc_array(request->argc + 1, sizeof *start.argv);
    for (uint32_t i = 0; i < request->argc; i++)
        start.argv[i] = next_string(&strings);
    start.env = make_env(&strings, request->env_count, start.account);
    if (start.account != NULL)
        name_account(start.env, start.account, lines);
    if (strings.is_short)
        report_failure(helper, start.ticket, "read the request", "", EINVAL);
    else
        start_child(helper, &start);
    nw_free(start.argv);
    nw_free(start.env);
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

static void on_stop(struct helper *helper, size_t bytes)
{
    const struct nw_spawn_stop *request = (const struct nw_spawn_stop *)helper->request;
    if (bytes != sizeof *request)
        return;
    NW_LIST_EACH(node, &helper->children)
    {
        struct child *child = NW_CONTAINER_OF(node, struct child, node);
        if (child->ticket == request->head.ticket)
            stop_child(child, request->grace_ms);
    }
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
    ssize_t got = recv(helper->fd, helper->request, sizeof helper->request, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        begin_end(helper);
        return;
    }
    const struct nw_spawn_head *head = (const struct nw_spawn_head *)helper->request;
    if ((size_t)got < sizeof *head || head->bytes != (size_t)got)
        return;
    if (head->kind == NW_SPAWN_START)
        on_start(helper, (size_t)got);
    else if (head->kind == NW_SPAWN_STOP)
        on_stop(helper, (size_t)got);
}

static void prepare(struct helper *helper, int fd)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};
    sigset_t set;
    /* Signals to newel's terminal or service are for newel; the helper goes when newel goes. */
    for (size_t i = 0; i < NW_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "newel-spawner");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0) {
        (void)dup2(nothing, 0);
        (void)dup2(nothing, 1);
    }
    helper->fd = 3;
    if (fd != helper->fd)
        (void)dup2(fd, helper->fd);
    (void)fcntl(helper->fd, F_SETFD, FD_CLOEXEC);
    (void)close_range(4, ~0U, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGCHLD, SIG_DFL);
    helper->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void nw_spawner_main(int fd)
{
    struct helper *helper = nw_alloc_zero(sizeof *helper);
    nw_list_init(&helper->children);
    prepare(helper, fd);
    if (helper->signal_fd < 0)
        _exit(1);
    for (;;) {
        int timeout_ms = settle(helper);
        if (helper->is_ending && nw_list_is_empty(&helper->children))
            break;
        struct pollfd fds[] = {
            {.fd = helper->signal_fd, .events = POLLIN},
            {.fd = helper->is_ending ? -1 : helper->fd, .events = POLLIN},
        };
        if (poll(fds, NW_COUNT(fds), timeout_ms) < 0)
            continue;
        struct signalfd_siginfo info;
        while ((fds[0].revents & POLLIN) != 0 &&
               read(helper->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
            continue;
        reap(helper);
        if (fds[1].revents != 0)
            on_request(helper);
    }
    kill_strays();
    _exit(0);
}
