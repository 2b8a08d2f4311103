/* The contracts of io/spawn.h, with /bin/sh as the application. */
#include "io/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "core_run.h"

static struct nw_spawner *the_spawner;

/* A process and what it wrote. */
struct app {
    struct nw_process process;
    struct nw_text out[2];
    struct nw_event wrote;
};

static void on_output(struct nw_process *process, bool is_stderr, struct nw_slice bytes)
{
    struct app *app = NW_CONTAINER_OF(process, struct app, process);
    nw_text_add(&app->out[is_stderr], bytes);
    nw_event_set(&app->wrote);
}

NW_YIELDS static nw_err app_start(struct app *app, const struct nw_spawn_spec *spec)
{
    *app = (struct app){0};
    nw_event_init(&app->wrote);
    nw_text_add_str(&app->out[0], "");
    nw_text_add_str(&app->out[1], "");
    return nw_process_start(the_spawner, spec, on_output, &app->process);
}

NW_YIELDS static void app_shell(struct app *app, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 3};
    CHECK(app_start(app, &spec) == NW_OK);
}

NW_YIELDS static void app_wait(struct app *app)
{
    CHECK(nw_process_wait(&app->process) == NW_OK);
}

/* Until it has written a whole line to stdout. */
NW_YIELDS static void app_wait_line(struct app *app)
{
    while (strchr(app->out[0].ptr, '\n') == NULL) {
        nw_event_clear(&app->wrote);
        CHECK(nw_event_wait(&app->wrote) == NW_OK);
    }
}

NW_YIELDS static void app_done(struct app *app)
{
    nw_process_close(&app->process);
    nw_text_done(&app->out[0]);
    nw_text_done(&app->out[1]);
}

static void (*the_body)(void);

static void body_with_spawner(void)
{
    CHECK(nw_spawner_attach(the_spawner) == NW_OK);
    the_body();
    nw_spawner_detach(the_spawner);
}

static void run_with_spawner(void (*body)(void))
{
    the_body = body;
    CHECK(nw_spawner_start(&the_spawner) == NW_OK);
    core_run(1, body_with_spawner);
    nw_spawner_stop(the_spawner);
}

#define SPAWN_TEST(name)                                                                           \
    static void name##_body(void);                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        run_with_spawner(name##_body);                                                             \
    }                                                                                              \
    static void name##_body(void)

static bool is_alive(int pid)
{
    return kill(pid, 0) == 0;
}

/* Waits for the end of a process that is nobody's child here. */
static void wait_gone(int pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return; /* gone already */
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&wait, 1, 60000), 1);
    close(fd);
}

SPAWN_TEST(output_and_exit_status_arrive)
{
    struct app app;
    app_shell(&app, "echo to out; echo to err >&2; exit 3");
    CHECK(app.process.pid > 0);
    app_wait(&app);
    CHECK(strcmp(app.out[0].ptr, "to out\n") == 0);
    CHECK(strcmp(app.out[1].ptr, "to err\n") == 0);
    CHECK_EQ(WEXITSTATUS(app.process.wait_status), 3);
    CHECK(strcmp(app.process.reason, "exited with status 3") == 0);
    app_done(&app);
}

SPAWN_TEST(arguments_variables_and_folder_are_the_given_ones)
{
    const char *argv[] = {"sh", "-c", "echo $1:$A:$B:$PWD; cat", "sh", "one two"};
    const char *env[] = {"A=x=y", "B="};
    struct nw_spawn_spec spec = {
        .argv = argv, .argc = 5, .env = env, .env_count = 2, .cwd = "/dev"};
    struct app app;
    setenv("B", "from before", 1); /* after the fork of the helper, so of no effect */
    CHECK(app_start(&app, &spec) == NW_OK);
    app_wait(&app); /* cat ends: there is no standard input */
    CHECK(strcmp(app.out[0].ptr, "one two:x=y::/dev\n") == 0);
    app_done(&app);
}

SPAWN_TEST(what_cannot_run_is_explained)
{
    const char *argv[] = {"/no/such/program"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 1};
    struct app app;
    CHECK(app_start(&app, &spec) == NW_NOT_FOUND);
    CHECK(strcmp(app.process.reason,
                 "cannot run /no/such/program: No such file or directory") == 0);
    app_done(&app);
    argv[0] = "/dev/null";
    CHECK(app_start(&app, &spec) == NW_DENIED);
    app_done(&app);
    argv[0] = "true";
    spec.cwd = "/no/such/folder";
    CHECK(app_start(&app, &spec) == NW_NOT_FOUND);
    CHECK(strstr(app.process.reason, "/no/such/folder") != NULL);
    app_done(&app);
    spec.cwd = NULL;
    spec.user = "no-such-user";
    CHECK(app_start(&app, &spec) == NW_NOT_FOUND);
    CHECK(strstr(app.process.reason, "no-such-user") != NULL);
    app_done(&app);
}

SPAWN_TEST(a_request_has_a_greatest_size)
{
    static char big[NW_SPAWN_REQUEST_MAX_BYTES];
    memset(big, 'x', sizeof big - 1);
    const char *argv[] = {"true", big};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 2};
    struct app app;
    CHECK(app_start(&app, &spec) == NW_INVALID);
    app_done(&app);
    big[sizeof big - 1000] = '\0';
    CHECK(app_start(&app, &spec) == NW_OK);
    app_wait(&app);
    CHECK_EQ(app.process.wait_status, 0);
    app_done(&app);
}

SPAWN_TEST(a_process_that_ends_takes_its_group_with_it)
{
    struct app app;
    app_shell(&app, "sleep 1000 & echo $!; kill -9 $$");
    app_wait(&app);
    CHECK_EQ(WTERMSIG(app.process.wait_status), SIGKILL);
    CHECK(strncmp(app.process.reason, "killed by signal 9", 18) == 0);
    int other = atoi(app.out[0].ptr);
    CHECK(other > 0);
    CHECK(!is_alive(other));
    app_done(&app);
}

SPAWN_TEST(stop_asks_the_whole_group_and_waits_for_it)
{
    struct app app;
    app_shell(&app, "trap 'exit 5' TERM; sh -c 'trap \"sleep 0.1; echo child; exit\" TERM; "
                    "echo $$; while :; do sleep 0.01; done' & wait");
    app_wait_line(&app);
    int child = atoi(app.out[0].ptr);
    nw_process_stop(&app.process, 60000);
    app_wait(&app); /* the shell ended at once, its child took its time */
    CHECK(!is_alive(child));
    CHECK(strstr(app.out[0].ptr, "child\n") != NULL);
    CHECK_EQ(WEXITSTATUS(app.process.wait_status), 5);
    app_done(&app);
}

SPAWN_TEST(who_does_not_hear_is_killed)
{
    struct app app;
    app_shell(&app, "trap '' TERM; echo ready; while :; do sleep 1000; done");
    app_wait_line(&app);
    nw_process_stop(&app.process, 20);
    app_wait(&app);
    CHECK_EQ(WTERMSIG(app.process.wait_status), SIGKILL);
    app_done(&app);
}

SPAWN_TEST(closing_leaves_nothing_behind)
{
    struct app app;
    app_shell(&app, "trap '' TERM; sleep 1000 & echo $!; wait");
    app_wait_line(&app);
    int pid = app.process.pid, other = atoi(app.out[0].ptr);
    app_done(&app);
    CHECK(!is_alive(pid));
    CHECK(!is_alive(other));
}

SPAWN_TEST(much_output_is_all_delivered)
{
    struct app app;
    app_shell(&app, "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
                    "i=$((i+1)); done");
    app_wait(&app);
    CHECK_EQ(app.out[0].len, 3000 * 41);
    app_done(&app);
}

SPAWN_TEST(many_processes_run_at_once)
{
    enum { COUNT = 40 };
    static struct app apps[COUNT];
    for (int i = 0; i < COUNT; i++)
        app_shell(&apps[i], "read line; exit 0");
    for (int i = 0; i < COUNT; i++) {
        app_wait(&apps[i]);
        CHECK_EQ(apps[i].process.wait_status, 0);
        app_done(&apps[i]);
    }
}

SPAWN_TEST(memory_is_limited)
{
    const char *argv[] = {"sh", "-c", "ulimit -d"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 3, .memory_bytes = 64 << 20};
    struct app app;
    CHECK(app_start(&app, &spec) == NW_OK);
    app_wait(&app);
    CHECK_EQ(atoi(app.out[0].ptr), 64 * 1024);
    app_done(&app);
}

SPAWN_TEST(the_user_is_changed_where_newel_may)
{
    const char *argv[] = {"sh", "-c", "id -u; id -G; echo $USER"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 3};
    struct app app;
    if (geteuid() != 0) {
        spec.user = "root";
        CHECK(app_start(&app, &spec) == NW_DENIED);
        CHECK(strstr(app.process.reason, "become user root") != NULL);
        app_done(&app);
        return;
    }
    const struct passwd *nobody = getpwnam("nobody");
    char wanted[100];
    CHECK(nobody != NULL);
    snprintf(wanted, sizeof wanted, "%d\n%d\nnobody\n", (int)nobody->pw_uid, (int)nobody->pw_gid);
    spec.user = "nobody";
    CHECK(app_start(&app, &spec) == NW_OK);
    app_wait(&app);
    CHECK(strcmp(app.out[0].ptr, wanted) == 0);
    app_done(&app);
}

SPAWN_TEST(the_helpers_death_ends_its_processes)
{
    struct app app;
    app_shell(&app, "sleep 1000 & echo $PPID $!; wait");
    app_wait_line(&app);
    char *rest;
    int helper = (int)strtol(app.out[0].ptr, &rest, 10), other = atoi(rest);
    CHECK_EQ(kill(helper, SIGKILL), 0);
    app_wait(&app);
    CHECK(nw_spawner_is_gone(the_spawner));
    int pid = app.process.pid;
    app_done(&app);
    wait_gone(pid);
    wait_gone(other);
    const char *argv[] = {"true"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 1};
    CHECK(app_start(&app, &spec) == NW_PEER_CLOSED);
    app_done(&app);
}

/* ---- what a process does not inherit ---- */

/*
 * glibc's posix_spawn, by which make and others start programs, leaves its two internal signals (32
 * and 33) ignored, and no call of glibc can change that.
 */
static unsigned long long ignored_for_good(void)
{
    char line[128];
    unsigned long long ignored = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "SigIgn:", 7) == 0)
            ignored = strtoull(line + 7, NULL, 16);
    CHECK(status != NULL && fclose(status) == 0);
    return ignored & 3ULL << 31;
}

static void clean_body(void)
{
    struct app app;
    /* Read without a child: a shell that forks blocks its signals for that moment. */
    app_shell(&app, "ls /proc/$$/fd; while read -r line; do case $line in SigBlk*|SigIgn*) "
                    "echo \"$line\";; esac; done < /proc/$$/status; ulimit -n; "
                    "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader");
    app_wait(&app);
    char wanted[200];
    snprintf(wanted, sizeof wanted,
             "0\n1\n2\nSigBlk:\t0000000000000000\nSigIgn:\t%016llx\n%d\nleader\n",
             ignored_for_good(), 100);
    if (strcmp(app.out[0].ptr, wanted) != 0)
        fprintf(stderr, "%s", app.out[0].ptr);
    CHECK(strcmp(app.out[0].ptr, wanted) == 0);
    app_done(&app);
}

static void a_process_starts_clean(void **state)
{
    struct rlimit before, low;
    sigset_t set, old;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 100;
    int bait = dup(2);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &old);
    signal(SIGHUP, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &low);
    the_body = clean_body;
    CHECK(nw_spawner_start(&the_spawner) == NW_OK);
    setrlimit(RLIMIT_NOFILE, &before); /* as newel does, behind its back */
    core_run(1, body_with_spawner);
    nw_spawner_stop(the_spawner);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(bait);
}

/* ---- newel's own death ---- */

static int tell_fd;

static void dying_body(void)
{
    static struct app app;
    app_shell(&app, "trap '' TERM; sleep 1000 & setsid sleep 1000 & echo $$ $! $PPID; wait");
    app_wait_line(&app);
    CHECK(write(tell_fd, app.out[0].ptr, app.out[0].len) > 0);
    raise(SIGKILL);
}

static void newels_death_ends_everything(void **state)
{
    int fds[2], pids[3];
    CHECK_EQ(pipe(fds), 0);
    pid_t newel = fork();
    if (newel == 0) {
        tell_fd = fds[1];
        run_with_spawner(dying_body);
        _exit(1);
    }
    close(fds[1]);
    FILE *told = fdopen(fds[0], "r");
    CHECK_EQ(fscanf(told, "%d %d %d", &pids[0], &pids[1], &pids[2]), 3);
    for (int i = 0; i < 3; i++)
        wait_gone(pids[i]); /* the shell, who left its session, the helper */
    int status;
    CHECK_EQ(waitpid(newel, &status, 0), newel);
    CHECK_EQ(WTERMSIG(status), SIGKILL);
    fclose(told);
}

static void a_helper_without_work_ends_with_newel(void **state)
{
    struct nw_spawner *spawner;
    CHECK(nw_spawner_start(&spawner) == NW_OK);
    nw_spawner_stop(spawner);
    nw_spawner_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_helper_without_work_ends_with_newel),
        cmocka_unit_test(output_and_exit_status_arrive),
        cmocka_unit_test(arguments_variables_and_folder_are_the_given_ones),
        cmocka_unit_test(what_cannot_run_is_explained),
        cmocka_unit_test(a_request_has_a_greatest_size),
        cmocka_unit_test(a_process_that_ends_takes_its_group_with_it),
        cmocka_unit_test(stop_asks_the_whole_group_and_waits_for_it),
        cmocka_unit_test(who_does_not_hear_is_killed),
        cmocka_unit_test(closing_leaves_nothing_behind),
        cmocka_unit_test(much_output_is_all_delivered),
        cmocka_unit_test(many_processes_run_at_once),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(the_user_is_changed_where_newel_may),
        cmocka_unit_test(a_process_starts_clean),
        cmocka_unit_test(the_helpers_death_ends_its_processes),
        cmocka_unit_test(newels_death_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
