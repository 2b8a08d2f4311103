/*
 * The contract of fleet/fleet.h. The application is this program itself, started with "--app MODE":
 * it answers every connection with "NAME PID INSTANCE".
 *
 * Waits are for events (a log line, a change of members); the minute that bounds them is not what
 * is tested.
 */
#include "fleet/fleet.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../io/core_run.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/text.h"
#include "conf/generation.h"
#include "io/fiber.h"
#include "io/spawn_impl.h"
#include "io/stream.h"

/* ---- the application ---- */

static int listen_tcp(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(fd, 16) != 0)
        exit(9);
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(fd, 16) != 0)
        exit(9);
    return fd;
}

/* `refusals`: so many answers to begin with are 503. */
static void serve(int fd, const char *name, int refusals)
{
    char request[1000];
    for (;;) {
        int client = accept(fd, NULL, NULL);
        if (client < 0)
            continue;
        bool is_asked = read(client, request, sizeof request) > 0;
        if (is_asked)
            dprintf(client, "HTTP/1.1 %d X\r\n\r\n%s %d %s", refusals > 0 ? 503 : 200, name,
                    (int)getpid(), getenv("NEWEL_INSTANCE"));
        if (is_asked && refusals > 0 && strncmp(request, "GET /ready ", 11) == 0)
            refusals--;
        close(client);
    }
}

static int app(const char *mode, const char *argument)
{
    const char *port = getenv("PORT"), *path = getenv("NEWEL_SOCKET");
    if (strcmp(mode, "crash") == 0) {
        fprintf(stderr, "first\nno database\n");
        return 7;
    }
    if (strcmp(mode, "socket") == 0)
        serve(listen_unix(path), "socket", 0);
    if (strcmp(mode, "port-argument") == 0)
        serve(listen_tcp(atoi(argument)), "port-argument", 0);
    if (strcmp(mode, "own") == 0 || strcmp(mode, "two") == 0) {
        int fd = listen_tcp(0);
        if (strcmp(mode, "two") == 0)
            (void)listen_tcp(0);
        printf("listening\n");
        fflush(stdout);
        serve(fd, mode, 0);
    }
    if (strcmp(mode, "family") == 0) {
        signal(SIGTERM, SIG_IGN);
        if (fork() == 0)
            for (;;)
                pause();
    }
    serve(listen_tcp(atoi(port)), argument, strcmp(mode, "unwell") == 0 ? 3 : 0);
    return 0;
}

/* ---- the fixture ---- */

static struct {
    char folder[64];
    struct nw_spawner *spawner;
    struct nw_log_hub *hub;
    struct nw_metrics *metrics;
    struct nw_fleet *fleet;
    struct nw_section section;
    struct nw_generation *generation;
    struct nw_event news; /* a log line, or members changed */
    struct nw_text log;
    struct nw_text retired; /* addresses, in order */
    unsigned least_members; /* since it was last reset */
    unsigned tell_count;
    bool is_helper_stopped; /* it reads nothing meanwhile */
    void (*body)(void);
} t;

static bool take_lines(void *owner, struct nw_slice lines, uint64_t line_count)
{
    nw_text_add(&t.log, lines);
    nw_event_set(&t.news);
    return true;
}

static uint64_t no_time(void *arg)
{
    return 0;
}

static unsigned members(struct nw_peer_node_spec *out)
{
    return nw_fleet_members(t.fleet, NW_SLICE("app"), out, 16);
}

NW_YIELDS static void on_members(void *arg, struct nw_slice service)
{
    struct nw_peer_node_spec nodes[16];
    CHECK(nw_slice_eq(service, NW_SLICE("app")));
    unsigned count = members(nodes);
    if (count < t.least_members)
        t.least_members = count;
    t.tell_count++;
    nw_event_set(&t.news);
}

NW_YIELDS static void on_retire(void *arg, struct nw_slice service, const char *address)
{
    nw_text_addf(&t.retired, "%s ", address);
    nw_event_set(&t.news);
}

/* Until the condition holds. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        NW_WITHIN(patience_, 60000);                                                               \
        while (!(condition)) {                                                                     \
            nw_event_clear(&t.news);                                                               \
            if (nw_event_wait(&t.news) != NW_OK) {                                                 \
                fprintf(stderr, "%s:%d: in vain: %s\n%s", __FILE__, __LINE__, #condition,          \
                        t.log.ptr);                                                                \
                abort();                                                                           \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static unsigned count_log(const char *what)
{
    unsigned count = 0;
    for (const char *at = t.log.ptr; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static unsigned member_count(void)
{
    struct nw_peer_node_spec nodes[16];
    return members(nodes);
}

/* ---- the helper's own reading: the text is shared with it ---- */

static struct shared {
    char text[4096];
    char run_dir[80];
} * shared;
static struct nw_generation *read_now, *read_next;

static nw_err book_load(void *arg, uint64_t *out_digest, struct nw_spawn_power *out_power,
                        char why[NW_SPAWN_WHY_BYTES])
{
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_generation_unref(read_next);
    read_next = NULL;
    *out_digest = 1;
    *out_power = (struct nw_spawn_power){0};
    snprintf(why, NW_SPAWN_WHY_BYTES, "it is wrong");
    nw_err err =
        nw_conf_load(nw_slice_str(shared->text), "test.yaml", NULL, NULL, 1, &diag, &read_next);
    nw_diag_done(&diag);
    return err;
}

static void book_take(void *arg)
{
    nw_generation_unref(read_now);
    read_now = NW_TAKE(read_next);
}

static nw_err book_process(void *arg, const struct nw_spawn_wish *wish, struct nw_spawn_spec *out,
                           char why[NW_SPAWN_WHY_BYTES])
{
    static struct nw_fleet_command *command;
    nw_fleet_command_free(command);
    command = NULL;
    return nw_fleet_command_new(read_now->conf, shared->run_dir, wish, out, why, &command);
}

static const struct nw_spawn_book the_book = {
    .load = book_load, .take = book_take, .process = book_process};

static void swap(void *arg, struct nw_generation *next)
{
    uint64_t digest;
    char why[NW_SPAWN_WHY_BYTES];
    if (t.is_helper_stopped)
        return;
    CHECK(nw_spawner_load_now(t.spawner, &digest, why) == NW_OK);
    CHECK(nw_spawner_take_now(t.spawner, why) == NW_OK);
}

static nw_err load(const char *service, struct nw_diag *diag, struct nw_generation **out)
{
    struct nw_text text = {0};
    struct nw_sections sections = {&t.section, 1};
    nw_text_addf(&text, "newel: 1\nlisten: 127.0.0.1:0\n%s", service);
    nw_err err = nw_conf_load(nw_text_slice(&text), "test.yaml", NULL, &sections, 1, diag, out);
    CHECK((size_t)snprintf(shared->text, sizeof shared->text, "%s", text.ptr) <
          sizeof shared->text);
    nw_text_done(&text);
    return err;
}

/* `options` beside run, in the flow style: "instances: 2, ". */
static void app_text(char out[800], const char *options, const char *mode, const char *argument)
{
    char self[400];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    CHECK(len > 0);
    self[len] = '\0';
    snprintf(out, 800,
             "services: { app: { %s run: [ \"%s\", --app, %s, \"%s\" ] } }\n"
             "routes: [ { path: /, service: app } ]\n",
             options, self, mode, argument);
}

NW_YIELDS static void switch_to_text(const char *text)
{
    struct nw_diag diag;
    struct nw_generation *next = NULL;
    struct nw_text printed = {0};
    nw_diag_init(&diag);
    nw_err err = load(text, &diag, &next);
    nw_diag_print(&diag, &printed);
    if (err != NW_OK)
        fprintf(stderr, "%s", printed.ptr);
    CHECK(err == NW_OK);
    CHECK(nw_generation_switch(t.generation, next, swap, NULL, &diag) == NW_OK);
    nw_generation_unref(t.generation);
    t.generation = next;
    nw_text_done(&printed);
    nw_diag_done(&diag);
}

NW_YIELDS static void switch_to(const char *options, const char *mode, const char *argument)
{
    char text[800];
    app_text(text, options, mode, argument);
    switch_to_text(text);
}

/* What the member answers: "NAME PID INSTANCE". */
NW_YIELDS static void fetch(unsigned index, char name[64], int *out_pid, int *out_instance)
{
    struct nw_peer_node_spec nodes[16];
    struct nw_addr addr;
    struct nw_stream stream;
    char answer[300];
    size_t len = 0, got = 1;
    CHECK(index < members(nodes));
    CHECK(nw_addr_parse(nw_slice_str(nodes[index].address), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, &stream) == NW_OK);
    struct iovec iov = {"GET / HTTP/1.0\r\n\r\n", 18};
    CHECK(nw_io_write_all(&stream, &iov, 1) == NW_OK);
    while (got > 0 && len < sizeof answer - 1) {
        CHECK(nw_io_read_into(&stream, answer + len, sizeof answer - 1 - len, &got) == NW_OK);
        len += got;
    }
    nw_stream_close(&stream);
    answer[len] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    CHECK(body != NULL);
    CHECK_EQ(sscanf(body, " %63s %d %d", name, out_pid, out_instance), 3);
}

NW_YIELDS static int fetch_pid(unsigned index)
{
    char name[64];
    int pid, instance;
    fetch(index, name, &pid, &instance);
    return pid;
}

static json_t *read_status(void)
{
    struct nw_text text = {0};
    t.section.status(t.section.self, &text);
    json_t *status = json_loads(text.ptr, 0, NULL);
    CHECK(status != NULL);
    nw_text_done(&text);
    return status;
}

static bool is_alive(int pid)
{
    return kill(pid, 0) == 0;
}

NW_YIELDS static void in_fiber(void)
{
    struct nw_fleet_options options = {
        .runtime = the_runtime(),
        .spawner = t.spawner,
        .state_dir = t.folder,
        .on_members = on_members,
        .on_retire = on_retire,
    };
    nw_event_init(&t.news);
    nw_text_add_str(&t.log, "");
    nw_text_add_str(&t.retired, "");
    CHECK(nw_fleet_new(&options, &t.fleet) == NW_OK);
    t.section = nw_fleet_section(t.fleet);
    t.body();
    t.section.stop(t.section.self);
    nw_generation_unref(t.generation);
    nw_fleet_free(t.fleet);
}

static void run_fleet(void (*body)(void))
{
    memset(&t, 0, sizeof t);
    snprintf(t.folder, sizeof t.folder, "/tmp/newel-fleet-XXXXXX");
    CHECK(mkdtemp(t.folder) != NULL);
    char run_dir[80];
    snprintf(run_dir, sizeof run_dir, "%s/run", t.folder);
    CHECK_EQ(mkdir(run_dir, 0700), 0);
    t.body = body;
    if (shared == NULL)
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    snprintf(shared->run_dir, sizeof shared->run_dir, "%s", run_dir);
    CHECK(nw_spawner_start(&the_book, &t.spawner) == NW_OK); /* before threads */
    struct nw_log_options log = {
        .level = NW_DEBUG, .events = {.write = take_lines}, .wall_ms = no_time, .is_direct = true};
    t.hub = nw_log_hub_new(&log);
    t.metrics = nw_metrics_new(2, 0);
    struct nw_runtime_options options = {.backend = &nw_backend_epoll,
                                         .worker_count = 1,
                                         .seed = 1,
                                         .log_hub = t.hub,
                                         .metrics = t.metrics};
    core_run_with(&options, in_fiber);
    nw_log_hub_free(t.hub);
    nw_metrics_free(t.metrics);
    nw_spawner_stop(t.spawner);
    nw_text_done(&t.log);
    nw_text_done(&t.retired);
    CHECK_EQ(rmdir(run_dir), 0); /* no socket is left */
    CHECK_EQ(rmdir(t.folder), 0);
}

#define FLEET_TEST(name)                                                                           \
    static void name##_body(void);                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        run_fleet(name##_body);                                                                    \
    }                                                                                              \
    static void name##_body(void)

/* ---- start ---- */

static bool is_ready(void)
{
    struct nw_text why = {0};
    bool answer = t.section.is_ready(t.section.self, &why);
    CHECK(answer || strcmp(why.ptr, "a process of service app") == 0);
    nw_text_done(&why);
    return answer;
}

FLEET_TEST(every_instance_becomes_a_member)
{
    switch_to("instances: 3,", "port", "v1");
    CHECK(!is_ready());
    WAIT_UNTIL(member_count() == 3);
    CHECK(is_ready());
    unsigned seen = 0;
    for (unsigned i = 0; i < 3; i++) {
        char name[64];
        int pid, instance;
        fetch(i, name, &pid, &instance);
        CHECK(strcmp(name, "v1") == 0);
        seen |= 1u << instance;
    }
    CHECK_EQ(seen, 1u << 1 | 1u << 2 | 1u << 3);
}

FLEET_TEST(a_socket_is_as_good_as_a_port)
{
    struct nw_peer_node_spec nodes[16];
    switch_to("", "socket", "");
    WAIT_UNTIL(members(nodes) == 1);
    CHECK(strncmp(nodes[0].address, "unix:/", 6) == 0);
    CHECK(fetch_pid(0) > 0);
}

FLEET_TEST(the_port_can_stand_in_the_command)
{
    switch_to("", "port-argument", "{port}");
    WAIT_UNTIL(member_count() == 1);
    CHECK(fetch_pid(0) > 0);
}

FLEET_TEST(who_has_a_health_path_must_be_well_first)
{
    char name[64];
    int pid, instance;
    switch_to("health: { path: /ready },", "unwell", "v1");
    WAIT_UNTIL(member_count() == 1);
    fetch(0, name, &pid, &instance); /* three probes were refused, the fourth was answered well */
    CHECK(count_log("process.ready") == 1);
}

FLEET_TEST(a_single_port_of_its_own_is_found)
{
    switch_to("", "own", "");
    WAIT_UNTIL(count_log("text=listening") == 1);
    advance(2000);
    WAIT_UNTIL(member_count() == 1);
    CHECK(count_log("process.port_found") == 1);
    CHECK(fetch_pid(0) > 0);
}

FLEET_TEST(several_ports_are_listed_instead)
{
    switch_to("", "two", "");
    WAIT_UNTIL(count_log("text=listening") == 1);
    advance(2000);
    WAIT_UNTIL(count_log("process.not_answering") >= 1);
    CHECK_EQ(member_count(), 0);
    unsigned first, second;
    CHECK_EQ(sscanf(strstr(t.log.ptr, "listens_on="), "listens_on=%u,%u", &first, &second), 2);
}

/* ---- ends ---- */

FLEET_TEST(a_killed_process_is_back)
{
    switch_to("", "port", "v1");
    WAIT_UNTIL(member_count() == 1);
    int pid = fetch_pid(0);
    CHECK_EQ(kill(pid, SIGKILL), 0);
    WAIT_UNTIL(member_count() == 0);
    WAIT_UNTIL(member_count() == 1);
    CHECK(fetch_pid(0) != pid);
    CHECK(count_log("how=\"killed by signal 9 (Killed)\"") == 1);
    json_t *status = read_status();
    json_t *slot = json_array_get(json_object_get(status, "app"), 0);
    CHECK(strcmp(json_string_value(json_object_get(slot, "state")), "ready") == 0);
    CHECK_EQ(json_integer_value(json_object_get(slot, "restarts")), 1);
    CHECK_EQ(json_integer_value(json_object_get(slot, "pid")), fetch_pid(0));
    CHECK(strcmp(json_string_value(json_object_get(slot, "reason")),
                 "killed by signal 9 (Killed)") == 0);
    json_decref(status);
}

FLEET_TEST(crashes_are_told_with_the_last_words_and_ever_longer_pauses)
{
    switch_to("", "crash", "");
    WAIT_UNTIL(count_log("process.exited") == 3);
    CHECK(count_log("last_stderr=\"no database\"") == 3);
    CHECK(count_log("how=\"exited with status 7\"") == 3);
    CHECK(count_log("again_in_ms=100\n") == 1);
    CHECK(count_log("again_in_ms=200\n") == 1);
    CHECK(count_log("again_in_ms=400\n") == 1);
    CHECK(count_log("stream=stderr text=first\n") == 3);
    CHECK_EQ(member_count(), 0);
    struct nw_text text = {0};
    nw_metrics_print(t.metrics, &text);
    static const char *const wanted[] = {
        "newel_process_exits_total{service=\"app\",reason=\"failure\"} 3\n",
        "newel_process_starts_total{service=\"app\"} 3\n",
        "newel_process_running{service=\"app\"} 0\n",
    };
    for (size_t i = 0; i < NW_COUNT(wanted); i++)
        CHECK(strstr(text.ptr, wanted[i]) != NULL);
    nw_text_done(&text);
}

FLEET_TEST(what_cannot_be_started_is_told_and_tried_again)
{
    switch_to_text("services: { app: { run: [ /no/such/program ] } }\n"
                   "routes: [ { path: /, service: app } ]\n");
    WAIT_UNTIL(count_log("process.start_failed") == 2);
    CHECK(count_log("cannot run /no/such/program: No such file or directory") == 2);
}

/* ---- reloads ---- */

FLEET_TEST(an_unchanged_command_keeps_its_process)
{
    switch_to("", "port", "v1");
    WAIT_UNTIL(member_count() == 1);
    int pid = fetch_pid(0);
    switch_to("stop: 5s, timeouts: { idle: 7s },", "port", "v1");
    pass_turns(3);
    CHECK_EQ(fetch_pid(0), pid);
    CHECK_EQ(count_log("process.started"), 1);
}

FLEET_TEST(a_changed_command_is_replaced_without_a_gap)
{
    struct nw_peer_node_spec nodes[16];
    char old_address[200], name[64];
    int pid, instance;
    switch_to("", "port", "v1");
    WAIT_UNTIL(members(nodes) == 1);
    snprintf(old_address, sizeof old_address, "%s ", nodes[0].address);
    int old = fetch_pid(0);
    t.least_members = 99;
    switch_to("", "port", "v2");
    WAIT_UNTIL(count_log("process.stopped") == 1);
    CHECK_EQ(t.least_members, 1);
    CHECK(strcmp(t.retired.ptr, old_address) == 0);
    CHECK(!is_alive(old));
    fetch(0, name, &pid, &instance);
    CHECK(strcmp(name, "v2") == 0);
    CHECK(strstr(t.log.ptr, "process.stopping") > strstr(t.log.ptr, "process.replacing"));
}

FLEET_TEST(a_broken_new_command_leaves_the_old_one_serving)
{
    char name[64];
    int pid, instance;
    switch_to("", "port", "v1");
    WAIT_UNTIL(member_count() == 1);
    switch_to("", "crash", "");
    WAIT_UNTIL(count_log("process.exited") == 2);
    fetch(0, name, &pid, &instance);
    CHECK(strcmp(name, "v1") == 0);
    switch_to("", "port", "v3");
    WAIT_UNTIL(count_log("process.stopped") == 1);
    fetch(0, name, &pid, &instance);
    CHECK(strcmp(name, "v3") == 0);
}

/* A storm of changes while the helper is busy with something else. */
FLEET_TEST(a_command_that_a_later_change_replaced_is_never_started)
{
    char name[16];
    switch_to("", "port", "v0");
    WAIT_UNTIL(member_count() == 1);
    CHECK_EQ(kill(t.spawner->pid, SIGSTOP), 0);
    t.is_helper_stopped = true;
    for (int i = 1; i <= 30; i++) {
        snprintf(name, sizeof name, "v%d", i);
        switch_to("", "port", name);
        CHECK(nw_fiber_yield() == NW_OK); /* the slot asks for a process */
    }
    t.is_helper_stopped = false;
    CHECK_EQ(kill(t.spawner->pid, SIGCONT), 0);
    swap(NULL, NULL);
    WAIT_UNTIL(count_log("process.ready") == 2);
    CHECK_EQ(count_log("process.started"), 2);
    int pid, instance;
    char answer[64];
    fetch(0, answer, &pid, &instance);
    CHECK(strcmp(answer, "v30") == 0);
}

FLEET_TEST(surplus_instances_are_drained_and_stopped)
{
    switch_to("instances: 3,", "port", "v1");
    WAIT_UNTIL(member_count() == 3);
    switch_to("instances: 1,", "port", "v1");
    WAIT_UNTIL(count_log("process.stopped") == 2);
    CHECK_EQ(member_count(), 1);
    char name[64];
    int pid, instance;
    fetch(0, name, &pid, &instance);
    CHECK_EQ(instance, 1);
}

FLEET_TEST(a_removed_service_is_stopped)
{
    switch_to("", "port", "v1");
    WAIT_UNTIL(member_count() == 1);
    int pid = fetch_pid(0);
    switch_to_text("routes: [ { path: /, respond: 204 } ]\n");
    CHECK_EQ(member_count(), 0);
    WAIT_UNTIL(count_log("process.stopped") == 1);
    CHECK(!is_alive(pid));
    CHECK(is_ready());
}

/* ---- the end ---- */

static int family_pid;

FLEET_TEST(nobody_survives_the_end)
{
    switch_to("stop: 50ms,", "family", "v1");
    WAIT_UNTIL(member_count() == 1);
    family_pid = fetch_pid(0);
    t.section.stop(t.section.self);
    CHECK(!is_alive(family_pid));
    CHECK(kill(-family_pid, 0) != 0); /* its child neither, though both ignore SIGTERM */
}

NW_YIELDS static void hurry(void *arg)
{
    WAIT_UNTIL(count_log("process.stopping") == 1);
    nw_fleet_hurry(t.fleet);
}

FLEET_TEST(the_end_can_be_hurried)
{
    struct nw_scope scope;
    switch_to("stop: 1h,", "family", "v1");
    WAIT_UNTIL(member_count() == 1);
    int pid = fetch_pid(0);
    nw_scope_open(&scope);
    CHECK(nw_scope_spawn(&scope, "test.hurry", hurry, NULL, NULL) == NW_OK);
    t.section.stop(t.section.self);
    nw_scope_close(&scope);
    CHECK(!is_alive(pid));
}

FLEET_TEST(the_end_does_not_wait_for_a_process_that_is_not_ready)
{
    switch_to("", "two", "");
    WAIT_UNTIL(count_log("text=listening") == 1);
    t.section.stop(t.section.self);
    CHECK_EQ(count_log("process.stopped"), 1);
}

static void without_a_helper_nothing_can_be_run(void **state)
{
    struct nw_fleet_options options = {.state_dir = "/tmp"};
    struct nw_diag diag;
    struct nw_generation *next = NULL;
    char text[800];
    CHECK(nw_fleet_new(&options, &t.fleet) == NW_OK);
    t.section = nw_fleet_section(t.fleet);
    nw_diag_init(&diag);
    app_text(text, "", "port", "v1");
    assert_int_equal(load(text, &diag, &next), NW_INVALID);
    assert_int_equal(diag.error_count, 1);
    assert_string_equal(diag.items[0].path, "services.app.run");
    nw_diag_done(&diag);
    nw_fleet_free(t.fleet);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "--app") == 0)
        return app(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_becomes_a_member),
        cmocka_unit_test(a_socket_is_as_good_as_a_port),
        cmocka_unit_test(the_port_can_stand_in_the_command),
        cmocka_unit_test(who_has_a_health_path_must_be_well_first),
        cmocka_unit_test(a_single_port_of_its_own_is_found),
        cmocka_unit_test(several_ports_are_listed_instead),
        cmocka_unit_test(a_killed_process_is_back),
        cmocka_unit_test(crashes_are_told_with_the_last_words_and_ever_longer_pauses),
        cmocka_unit_test(what_cannot_be_started_is_told_and_tried_again),
        cmocka_unit_test(an_unchanged_command_keeps_its_process),
        cmocka_unit_test(a_changed_command_is_replaced_without_a_gap),
        cmocka_unit_test(a_broken_new_command_leaves_the_old_one_serving),
        cmocka_unit_test(a_command_that_a_later_change_replaced_is_never_started),
        cmocka_unit_test(surplus_instances_are_drained_and_stopped),
        cmocka_unit_test(a_removed_service_is_stopped),
        cmocka_unit_test(nobody_survives_the_end),
        cmocka_unit_test(the_end_can_be_hurried),
        cmocka_unit_test(the_end_does_not_wait_for_a_process_that_is_not_ready),
        cmocka_unit_test(without_a_helper_nothing_can_be_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
