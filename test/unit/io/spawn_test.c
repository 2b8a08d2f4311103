/* The contracts of io/spawn.h, with /bin/sh as the application. */
#include "io/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "core_run.h"
#include "io/spawn_impl.h"

static struct nw_spawner *the_spawner;

/* ---- a book that a test can write in: memory shared with the helper ---- */

enum { STRINGS_MAX = 16 };
static struct shared {
    char strings[STRINGS_MAX][256];
    unsigned argc, env_count;
    bool has_cwd, has_user;
    char cwd[256], user[64];
    uint64_t memory_bytes;
    uint64_t loads;
    unsigned takes;
    char file[128], listener[128];
    bool is_load_wrong, may_start_root;
} * shared;

static nw_err book_load(void *arg, uint64_t *out_digest, struct nw_spawn_power *out_power,
                        char why[NW_SPAWN_WHY_BYTES])
{
    snprintf(why, NW_SPAWN_WHY_BYTES, "line 7 is wrong");
    *out_digest = ++shared->loads;
    *out_power = (struct nw_spawn_power){.may_start_root = shared->may_start_root};
    return shared->is_load_wrong ? NW_INVALID : NW_OK;
}

static void book_take(void *arg)
{
    shared->takes++;
}

static nw_err book_process(void *arg, const struct nw_spawn_wish *wish, struct nw_spawn_spec *out,
                           char why[NW_SPAWN_WHY_BYTES])
{
    static const char *strings[STRINGS_MAX];
    snprintf(why, NW_SPAWN_WHY_BYTES, "no such service");
    if (strcmp(wish->service, "app") != 0 || wish->instance != 1 || wish->identity != 7)
        return NW_NOT_FOUND;
    for (int i = 0; i < STRINGS_MAX; i++)
        strings[i] = shared->strings[i];
    *out = (struct nw_spawn_spec){.argv = strings,
                                  .argc = shared->argc,
                                  .env = strings + shared->argc + 1,
                                  .env_count = shared->env_count,
                                  .cwd = shared->has_cwd ? shared->cwd : NULL,
                                  .user = shared->has_user ? shared->user : NULL,
                                  .memory_bytes = shared->memory_bytes};
    strings[shared->argc] = NULL;
    return NW_OK;
}

static bool book_may_open(void *arg, const char *path)
{
    return shared->file[0] != '\0' && strcmp(path, shared->file) == 0;
}

static bool book_may_listen(void *arg, const char *text, const struct nw_addr *addr)
{
    return strcmp(text, shared->listener) == 0 && addr->kind == NW_ADDR_IP4;
}

static const struct nw_spawn_book the_book = {
    .load = book_load,
    .take = book_take,
    .process = book_process,
    .may_open = book_may_open,
    .may_listen = book_may_listen,
};

static nw_err spawner_start(struct nw_spawner **out)
{
    if (shared == NULL)
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    memset(shared, 0, sizeof *shared);
    return nw_spawner_start(&the_book, out);
}

static void write_book(const struct nw_spawn_spec *spec)
{
    CHECK(spec->argc + 1 + spec->env_count < STRINGS_MAX);
    for (unsigned i = 0; i < spec->argc; i++)
        snprintf(shared->strings[i], sizeof shared->strings[i], "%s", spec->argv[i]);
    for (unsigned i = 0; i < spec->env_count; i++)
        snprintf(shared->strings[spec->argc + 1 + i], sizeof shared->strings[0], "%s",
                 spec->env[i]);
    shared->argc = spec->argc;
    shared->env_count = spec->env_count;
    shared->has_cwd = spec->cwd != NULL;
    shared->has_user = spec->user != NULL;
    snprintf(shared->cwd, sizeof shared->cwd, "%s", spec->cwd != NULL ? spec->cwd : "");
    snprintf(shared->user, sizeof shared->user, "%s", spec->user != NULL ? spec->user : "");
    shared->memory_bytes = spec->memory_bytes;
}

/* ---- processes ---- */

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
    struct nw_spawn_wish wish = {.service = "app", .instance = 1, .identity = 7};
    write_book(spec);
    return nw_process_start(the_spawner, &wish, on_output, &app->process);
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
    CHECK(spawner_start(&the_spawner) == NW_OK);
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

/* ---- who writes to the helper is not believed ---- */

SPAWN_TEST(what_the_book_does_not_name_is_not_started)
{
    const char *argv[] = {"true"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 1};
    const struct nw_spawn_wish wrong[] = {
        {.service = "other", .instance = 1, .identity = 7},
        {.service = "app", .instance = 2, .identity = 7},
        {.service = "app", .instance = 1, .identity = 8},
        {.service = "", .instance = 1, .identity = 7},
    };
    struct app app;
    write_book(&spec);
    for (size_t i = 0; i < NW_COUNT(wrong); i++) {
        CHECK_ERR(nw_process_start(the_spawner, &wrong[i], on_output, &app.process), NW_NOT_FOUND);
        CHECK(strcmp(app.process.reason, "no such service") == 0);
    }
}

/* What it answers on the first pair to bytes that no honest newel sends; 0: nothing. */
NW_YIELDS static uint32_t answer_to(const void *bytes, size_t count)
{
    struct nw_spawn_report report = {0};
    CHECK_EQ(send(the_spawner->fd, bytes, count, 0), (ssize_t)count);
    /* It answers in order: an honest request behind it shows that nothing came before. */
    struct nw_spawn_start honest = {
        .head = {.bytes = sizeof honest, .kind = NW_SPAWN_START, .ticket = 4242}};
    CHECK_EQ(send(the_spawner->fd, &honest, sizeof honest, 0), (ssize_t)sizeof honest);
    CHECK_EQ(recv(the_spawner->fd, &report, sizeof report, 0), (ssize_t)sizeof report);
    if (report.head.ticket == 4242)
        return 0;
    uint32_t kind = report.head.kind;
    CHECK_EQ(recv(the_spawner->fd, &report, sizeof report, 0), (ssize_t)sizeof report);
    CHECK_EQ(report.head.ticket, 4242);
    return kind;
}

static void a_forged_message_is_refused(void **state)
{
    CHECK(spawner_start(&the_spawner) == NW_OK);
    struct nw_spawn_start start = {
        .head = {.bytes = sizeof start, .kind = NW_SPAWN_START, .ticket = 1}, .port = 70000};
    struct nw_spawn_stop stop = {
        .head = {.bytes = sizeof stop, .kind = NW_SPAWN_STOP, .ticket = 99}};
    struct nw_spawn_head head = {.bytes = sizeof head, .kind = NW_SPAWN_LOOK, .ticket = 99};
    CHECK_EQ(answer_to(&start, sizeof start), NW_SPAWN_FAILED); /* a port beyond all */
    memset(start.service, 'x', sizeof start.service);
    start.port = 80;
    CHECK_EQ(answer_to(&start, sizeof start), NW_SPAWN_FAILED); /* a name without an end */
    CHECK_EQ(answer_to(&start, sizeof start - 1), 0);           /* short, and says otherwise */
    start.head.bytes = sizeof start - 1;
    CHECK_EQ(answer_to(&start, sizeof start - 1), 0); /* short */
    start.head.bytes = sizeof start;
    start.head.kind = 77;
    CHECK_EQ(answer_to(&start, sizeof start), 0); /* of no kind */
    CHECK_EQ(answer_to(&stop, sizeof stop), 0);   /* of nobody's process */
    CHECK_EQ(answer_to(&head, sizeof head), 0);
    CHECK_EQ(answer_to("x", 1), 0);
    static char big[1 << 16];
    CHECK_EQ(answer_to(big, sizeof big), 0);
    nw_spawner_stop(the_spawner);
}

/* On the second pair everything is answered. */
static nw_err ask_raw(const void *bytes, size_t count)
{
    struct nw_spawn_answer answer = {0};
    CHECK_EQ(send(the_spawner->ask_fd, bytes, count, 0), (ssize_t)count);
    CHECK_EQ(recv(the_spawner->ask_fd, &answer, sizeof answer, 0), (ssize_t)sizeof answer);
    CHECK_EQ(answer.head.kind, NW_SPAWN_ANSWER);
    return (nw_err)answer.err;
}

static void a_forged_question_is_refused(void **state)
{
    CHECK(spawner_start(&the_spawner) == NW_OK);
    static struct nw_spawn_open request;
    request.head = (struct nw_spawn_head){.bytes = sizeof request, .kind = NW_SPAWN_OPEN};
    memset(request.path, 'x', sizeof request.path);
    CHECK_ERR(ask_raw(&request, sizeof request), NW_DENIED); /* a path without an end */
    CHECK_ERR(ask_raw(&request, sizeof request - 1), NW_INVALID);
    CHECK_ERR(ask_raw("x", 1), NW_INVALID);
    struct nw_spawn_listen listening = {
        .head = {.bytes = sizeof listening, .kind = NW_SPAWN_LISTEN}};
    memset(listening.text, 'x', sizeof listening.text);
    CHECK_ERR(ask_raw(&listening, sizeof listening), NW_DENIED);
    listening.text[0] = '\0';
    listening.addr.kind = NW_ADDR_UNIX;
    memset(listening.addr.path, 'x', sizeof listening.addr.path);
    CHECK_ERR(ask_raw(&listening, sizeof listening), NW_DENIED);
    struct nw_spawn_head take = {.bytes = sizeof take, .kind = NW_SPAWN_TAKE};
    CHECK_ERR(ask_raw(&take, sizeof take), NW_INVALID); /* nothing was loaded */
    nw_spawner_stop(the_spawner);
}

static void only_named_files_are_opened(void **state)
{
    char path[] = "/tmp/newel-spawn-XXXXXX", byte;
    int made = mkstemp(path), fd = -1;
    CHECK(made >= 0 && write(made, "k", 1) == 1);
    CHECK(spawner_start(&the_spawner) == NW_OK);
    CHECK_ERR(nw_spawner_open_file_now(the_spawner, path, &fd), NW_DENIED);
    snprintf(shared->file, sizeof shared->file, "%s", path);
    CHECK_OK(nw_spawner_open_file_now(the_spawner, path, &fd));
    CHECK(read(fd, &byte, 1) == 1 && byte == 'k');
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(write(fd, "x", 1) < 0); /* to read */
    close(fd);
    snprintf(shared->file, sizeof shared->file, "/dev/zero"); /* named, but no file */
    CHECK_ERR(nw_spawner_open_file_now(the_spawner, "/dev/zero", &fd), NW_INVALID);
    snprintf(shared->file, sizeof shared->file, "/nonexistent");
    CHECK_ERR(nw_spawner_open_file_now(the_spawner, "/nonexistent", &fd), NW_NOT_FOUND);
    nw_spawner_stop(the_spawner);
    close(made);
    unlink(path);
}

SPAWN_TEST(only_named_listeners_are_opened)
{
    struct nw_addr addr = {.kind = NW_ADDR_IP4, .ip4 = {127, 0, 0, 1}};
    int fd = -1, is_listening = 0;
    socklen_t bytes = sizeof is_listening;
    snprintf(shared->listener, sizeof shared->listener, "here");
    CHECK_ERR(nw_spawner_listen(the_spawner, "there", &addr, true, &fd), NW_DENIED);
    CHECK_OK(nw_spawner_listen(the_spawner, "here", &addr, true, &fd));
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &bytes), 0);
    CHECK_EQ(is_listening, 1);
    close(fd);
}

static void the_helper_reads_when_it_is_told(void **state)
{
    uint64_t digest = 0;
    char why[NW_SPAWN_WHY_BYTES];
    CHECK(spawner_start(&the_spawner) == NW_OK);
    CHECK_OK(nw_spawner_load_now(the_spawner, &digest, why));
    CHECK_EQ(digest, 1);
    CHECK_OK(nw_spawner_take_now(the_spawner, why));
    shared->is_load_wrong = true;
    CHECK_ERR(nw_spawner_load_now(the_spawner, &digest, why), NW_INVALID);
    CHECK(strcmp(why, "line 7 is wrong") == 0);
    CHECK_ERR(nw_spawner_take_now(the_spawner, why), NW_INVALID);
    CHECK_EQ(kill(the_spawner->pid, SIGKILL), 0);
    CHECK_ERR(nw_spawner_load_now(the_spawner, &digest, why), NW_PEER_CLOSED);
    nw_spawner_stop(the_spawner);
}

static void a_helper_that_does_not_answer_is_not_waited_for(void **state)
{
    uint64_t digest = 0;
    char why[NW_SPAWN_WHY_BYTES];
    CHECK(spawner_start(&the_spawner) == NW_OK);
    CHECK_EQ(kill(the_spawner->pid, SIGSTOP), 0);
    the_spawner->ask_patience_ms = 10;
    CHECK_ERR(nw_spawner_load_now(the_spawner, &digest, why), NW_TIMEOUT);
    CHECK(strcmp(why, "the helper process does not answer") == 0);
    CHECK_EQ(kill(the_spawner->pid, SIGCONT), 0);
    the_spawner->ask_patience_ms = 60000;
    CHECK_OK(nw_spawner_load_now(the_spawner, &digest, why));
    CHECK_EQ(digest, 2); /* the answer to this question, not the late one */
    nw_spawner_stop(the_spawner);
}

SPAWN_TEST(what_was_taken_holds_for_the_next_process)
{
    uint64_t digest = 0;
    char why[NW_SPAWN_WHY_BYTES];
    struct app app;
    CHECK_OK(nw_spawner_load_now(the_spawner, &digest, why));
    nw_spawner_take(the_spawner);
    app_shell(&app, "exit 0");
    CHECK_EQ(shared->takes, 1);
    app_wait(&app);
    app_done(&app);
}

SPAWN_TEST(the_ports_of_a_process_are_found)
{
    struct nw_listening listening;
    const char *argv[] = {"/usr/bin/python3", "-c",
                          "import signal, socket; s = socket.create_server(('127.0.0.1', 0)); "
                          "print(s.getsockname()[1], flush=True); signal.pause()"};
    struct nw_spawn_spec spec = {.argv = argv, .argc = 3};
    struct app app;
    CHECK(app_start(&app, &spec) == NW_OK);
    app_wait_line(&app);
    CHECK_OK(nw_process_listening(&app.process, &listening));
    CHECK_EQ(listening.count, 1);
    CHECK_EQ(listening.addr[0].port, atoi(app.out[0].ptr));
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
    CHECK(spawner_start(&the_spawner) == NW_OK);
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
    CHECK(spawner_start(&spawner) == NW_OK);
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
        cmocka_unit_test(what_the_book_does_not_name_is_not_started),
        cmocka_unit_test(a_forged_message_is_refused),
        cmocka_unit_test(a_forged_question_is_refused),
        cmocka_unit_test(only_named_files_are_opened),
        cmocka_unit_test(only_named_listeners_are_opened),
        cmocka_unit_test(the_helper_reads_when_it_is_told),
        cmocka_unit_test(a_helper_that_does_not_answer_is_not_waited_for),
        cmocka_unit_test(what_was_taken_holds_for_the_next_process),
        cmocka_unit_test(the_ports_of_a_process_are_found),
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
