/*
 * A new process: forked, placed in its session, limited, given its user, and then the program. What
 * goes wrong is told to the helper over a pipe that exec closes, as a stage and an errno, because
 * between fork and exec nothing may be allocated or formatted.
 *
 * Uid 0 is given to nobody by another name: a service gets it where its file says `user: root`, or
 * where newel itself was started as root and told nobody to become.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/confine.h"
#include "io/spawn_impl.h"

/* ---- in the new process ---- */

struct start {
    const struct nw_spawn_spec *spec;
    char **env;
    struct passwd *account; /* NULL: stays who we are */
    int output[2];          /* what the process writes to */
    int error_fd;
    pid_t helper_pid;
};

NW_NORETURN static void give_up(const struct start *start, nw_spawn_stage at)
{
    struct nw_spawn_failure failure = {(int)at, errno};
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
        give_up(start, NW_SPAWN_STAGE_USER);
}

/* The helper's capabilities are for the helper; a program run by root gets its own from exec. */
static void drop_power(void)
{
    if (geteuid() != 0)
        nw_confine_capabilities_drop();
}

NW_NORETURN static void run_child(struct start *start)
{
    default_signals();
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (setsid() < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(start->output[0], 1) < 0 ||
        dup2(start->output[1], 2) < 0)
        give_up(start, NW_SPAWN_STAGE_SESSION);
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    limit_cpus(start->spec->cpu_count);
    uint64_t memory_bytes = start->spec->memory_bytes;
    struct rlimit memory = {memory_bytes, memory_bytes};
    if (memory_bytes > 0 && setrlimit(RLIMIT_DATA, &memory) != 0)
        give_up(start, NW_SPAWN_STAGE_LIMIT);
    become(start);
    drop_power();
    /* After setuid, which clears it; and our parent may be gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        give_up(start, NW_SPAWN_STAGE_SESSION);
    if (getppid() != start->helper_pid)
        _exit(127);
    const char *cwd = start->spec->cwd;
    if (cwd != NULL && cwd[0] != '\0' && chdir(cwd) != 0)
        give_up(start, NW_SPAWN_STAGE_CWD);
    char **argv = (char **)(uintptr_t)start->spec->argv;
    environ = start->env;
    execvp(argv[0], argv);
    give_up(start, NW_SPAWN_STAGE_RUN);
}

/* ---- starting ---- */

/* The program runs (false), or what went wrong. Ends when exec closes the pipe. */
static bool has_failed(int error_fd, struct nw_spawn_failure *out)
{
    ssize_t got;
    do
        got = read(error_fd, out, sizeof *out);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *out;
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static bool start_child(struct start *start, pid_t *out_pid, int out_fds[2],
                        struct nw_spawn_failure *failure)
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
        *failure = (struct nw_spawn_failure){NW_SPAWN_STAGE_FORK, errno};
        close_all(fds, 6);
        return false;
    }
    close_all((int[]){fds[1], fds[3], fds[5]}, 3);
    bool is_running = !has_failed(fds[4], failure);
    close(fds[4]);
    if (!is_running) {
        close_all(fds, 1);
        close_all(fds + 2, 1);
        return false;
    }
    *out_pid = pid;
    out_fds[0] = fds[0];
    out_fds[1] = fds[2];
    return true;
}

/* ---- who, and with which variables ---- */

static bool is_same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* Ours without what is given, then what is given, then who it is. */
static char **make_env(const struct nw_spawn_spec *spec, const struct passwd *account)
{
    enum { OWN_EXTRA = 4 };
    unsigned own_count = 0, count = 0;
    while (environ[own_count] != NULL)
        own_count++;
    char **env = nw_alloc_array(own_count + spec->env_count + OWN_EXTRA, sizeof *env);
    for (unsigned i = 0; i < own_count; i++) {
        bool is_replaced = is_same_name("NOTIFY_SOCKET=", environ[i]) ||
                           is_same_name("LISTEN_FDS=", environ[i]) ||
                           is_same_name("LISTEN_PID=", environ[i]);
        if (account != NULL)
            is_replaced |= is_same_name("HOME=", environ[i]) || is_same_name("USER=", environ[i]) ||
                           is_same_name("LOGNAME=", environ[i]);
        for (unsigned k = 0; k < spec->env_count && !is_replaced; k++)
            is_replaced = is_same_name(spec->env[k], environ[i]);
        if (!is_replaced)
            env[count++] = environ[i];
    }
    for (unsigned i = 0; i < spec->env_count; i++)
        env[count++] = (char *)(uintptr_t)spec->env[i];
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

static bool find_account(const struct nw_spawn_spec *spec, struct start *start,
                         struct nw_spawn_failure *failure)
{
    if (spec->user == NULL)
        return true;
    errno = 0;
    struct passwd *account = getpwnam(spec->user);
    if (account == NULL) {
        *failure = (struct nw_spawn_failure){NW_SPAWN_STAGE_USER_UNKNOWN,
                                             errno != 0 ? errno : ENOENT};
        return false;
    }
    if (account->pw_uid == 0 && strcmp(spec->user, "root") != 0) {
        *failure = (struct nw_spawn_failure){NW_SPAWN_STAGE_USER, EPERM};
        return false;
    }
    if (account->pw_uid != geteuid())
        start->account = account;
    return true;
}

bool nw_spawn_run(const struct nw_spawn_spec *spec, pid_t *out_pid, int out_fds[2],
                  struct nw_spawn_failure *failure)
{
    char lines[3][PATH_MAX];
    struct start start = {.spec = spec};
    if (!find_account(spec, &start, failure))
        return false;
    start.env = make_env(spec, start.account);
    if (start.account != NULL)
        name_account(start.env, start.account, lines);
    bool is_running = start_child(&start, out_pid, out_fds, failure);
    nw_free(start.env);
    return is_running;
}

void nw_spawn_explain(const struct nw_spawn_spec *spec, const struct nw_spawn_failure *failure,
                      char *out, size_t out_bytes)
{
    static const char *const texts[] = {
        [NW_SPAWN_STAGE_FORK] = "start",
        [NW_SPAWN_STAGE_SESSION] = "prepare the process for",
        [NW_SPAWN_STAGE_LIMIT] = "set the limits of",
        [NW_SPAWN_STAGE_USER_UNKNOWN] = "find user",
        [NW_SPAWN_STAGE_USER] = "become user",
        [NW_SPAWN_STAGE_CWD] = "change to folder",
        [NW_SPAWN_STAGE_RUN] = "run",
    };
    bool is_user = failure->stage == NW_SPAWN_STAGE_USER_UNKNOWN ||
                   failure->stage == NW_SPAWN_STAGE_USER;
    const char *name = is_user                                ? spec->user
                       : failure->stage == NW_SPAWN_STAGE_CWD ? spec->cwd
                                                              : spec->argv[0];
    snprintf(out, out_bytes, "cannot %s %.90s: %s", texts[failure->stage], name,
             strerror(failure->number));
}
