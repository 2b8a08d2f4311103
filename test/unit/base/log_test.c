/* The contract of base/log.h and base/log_file.h; jansson is the oracle for JSON lines. */
#include "base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log_file.h"
#include "base/text.h"

enum { THREADS = 3, LINES = 20000 };

/* A sink that keeps everything and can be held shut. */
struct keeper {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct nw_text text;
    uint64_t line_count;
    bool is_shut;
    bool is_waiting; /* a write is held */
    bool is_broken;  /* every write fails */
    int reopened_count;
};

static bool keep(void *owner, struct nw_slice lines, uint64_t line_count)
{
    struct keeper *keeper = owner;
    pthread_mutex_lock(&keeper->mutex);
    keeper->is_waiting = true;
    pthread_cond_broadcast(&keeper->changed);
    while (keeper->is_shut)
        pthread_cond_wait(&keeper->changed, &keeper->mutex);
    keeper->is_waiting = false;
    if (!keeper->is_broken) {
        nw_text_add(&keeper->text, lines);
        keeper->line_count += line_count;
    }
    bool is_kept = !keeper->is_broken;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
    return is_kept;
}

static void note_reopen(void *owner)
{
    ((struct keeper *)owner)->reopened_count++;
}

static void keeper_init(struct keeper *keeper)
{
    *keeper = (struct keeper){0};
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->changed, NULL);
}

static void keeper_done(struct keeper *keeper)
{
    nw_text_done(&keeper->text);
    pthread_mutex_destroy(&keeper->mutex);
    pthread_cond_destroy(&keeper->changed);
}

static void wait_for_lines(struct keeper *keeper, uint64_t count)
{
    pthread_mutex_lock(&keeper->mutex);
    while (keeper->line_count < count)
        pthread_cond_wait(&keeper->changed, &keeper->mutex);
    pthread_mutex_unlock(&keeper->mutex);
}

static uint64_t fixed_time(void *arg)
{
    (void)arg;
    return 971186136123;
}

static struct nw_log_options options_for(struct keeper *keeper)
{
    return (struct nw_log_options){
        .level = NW_INFO,
        .events = {keeper, keep, note_reopen},
        .wall_ms = fixed_time,
    };
}

static struct nw_log_hub *direct_hub(struct keeper *keeper, nw_log_format format)
{
    struct nw_log_options options = options_for(keeper);
    options.format = format;
    options.is_direct = true;
    keeper_init(keeper);
    return nw_log_hub_new(&options);
}

static void an_event_is_time_level_name_and_pairs(void **state)
{
    struct keeper keeper;
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_LOGFMT);
    struct nw_log *log = nw_log_open(hub);
    nw_log(log, NW_WARN, "peer.ejected", "peer=%s:%d failures=%u", "10.0.0.1", 80, 5u);
    nw_log(log, NW_DEBUG, "too.low", "n=%d", 1);
    nw_log(NULL, NW_ERROR, "nobody.listens", "n=%d", 1);
    assert_string_equal(keeper.text.ptr, "time=2000-10-10T13:55:36.123Z level=warn "
                                         "event=peer.ejected peer=10.0.0.1:80 failures=5\n");
    nw_log_hub_set_level(hub, NW_ERROR);
    assert_false(nw_log_is_on(log, NW_WARN));
    assert_true(nw_log_is_on(log, NW_ERROR));
    nw_log(log, NW_WARN, "too.low", "");
    nw_log(log, NW_ERROR, "alone", "");
    assert_string_equal(strchr(keeper.text.ptr, '\n') + 1,
                        "time=2000-10-10T13:55:36.123Z level=error event=alone\n");
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void no_string_can_forge_a_pair_or_a_line(void **state)
{
    struct keeper keeper;
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_LOGFMT);
    struct nw_log *log = nw_log_open(hub);
    nw_log(log, NW_INFO, "e", "a=%s b=%s c=%.*s d=%s", "x level=error", "1\nevent=forged", 3,
           "\"\\\x1b[31m", "");
    assert_string_equal(strstr(keeper.text.ptr, "a="),
                        "a=\"x level=error\" b=\"1\\u000aevent=forged\" c=\"\\\"\\\\\\u001b\" "
                        "d=\"\"\n");
    nw_text_clear(&keeper.text);
    nw_log(log, NW_INFO, "e", "a=%s", "\xc2\x9b"
                                      "31m\xc2\xa9\xff");
    assert_string_equal(strstr(keeper.text.ptr, "a="), "a=\"\\u009b31m\xc2\xa9\\ufffd\"\n");
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void every_conversion_prints_as_printf_does(void **state)
{
    struct keeper keeper;
    char expected[400];
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_LOGFMT);
    struct nw_log *log = nw_log_open(hub);
#define ARGS                                                                                       \
    -1, 7u, 255u, (long)-5000000000, (unsigned long)5000000000, (long long)-6, (size_t)9,          \
        (intmax_t)10, (ptrdiff_t)-11, (short)12, 1.5, 2.25, 1e10, 'c', 4, 17, 3, "abcdef", 6, 8.125
#define FORMAT                                                                                     \
    "a=%d b=%u c=%x d=%ld e=%lu f=%lld g=%zu h=%jd i=%td j=%hd k=%f l=%.1f m=%g n=%c o=%0*d " \
    "p=%.*s q=%05d r=%.2e s=50%%"
    nw_log(log, NW_INFO, "e", FORMAT, ARGS);
    snprintf(expected, sizeof expected, FORMAT "\n", ARGS);
#undef ARGS
#undef FORMAT
    assert_string_equal(strstr(keeper.text.ptr, "a="), expected);
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void a_json_line_reads_back_as_what_was_logged(void **state)
{
    struct keeper keeper;
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_JSON);
    struct nw_log *log = nw_log_open(hub);
    nw_log(log, NW_INFO, "e.f", "s=%s digits=%s n=%d r=%.2f nan=%f z=%03d host=%s:%d", "a\"\n\\ b=",
           "12", -3, 0.25, NAN, 7, "h", 80);
    json_t *line = json_loads(keeper.text.ptr, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "time")),
                        "2000-10-10T13:55:36.123Z");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(line, "event")), "e.f");
    assert_string_equal(json_string_value(json_object_get(line, "s")), "a\"\n\\ b=");
    assert_string_equal(json_string_value(json_object_get(line, "digits")), "12");
    assert_int_equal(json_integer_value(json_object_get(line, "n")), -3);
    assert_true(json_real_value(json_object_get(line, "r")) == 0.25);
    assert_string_equal(json_string_value(json_object_get(line, "nan")), "nan");
    assert_string_equal(json_string_value(json_object_get(line, "z")), "007");
    assert_string_equal(json_string_value(json_object_get(line, "host")), "h:80");
    assert_int_equal(json_object_size(line), 10);
    json_decref(line);
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void a_long_value_is_cut_and_the_line_stays_valid(void **state)
{
    char value[5000];
    struct keeper keeper;
    memset(value, '\n', sizeof value);
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_JSON);
    struct nw_log *log = nw_log_open(hub);
    nw_log(log, NW_INFO, "e", "a=%.*s b=%d", (int)sizeof value, value, 1);
    json_t *line = json_loads(keeper.text.ptr, 0, NULL);
    assert_int_equal(json_string_length(json_object_get(line, "a")), 1024 + 3);
    assert_int_equal(json_integer_value(json_object_get(line, "b")), 1);
    json_decref(line);
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void raw_lines_have_a_sink_of_their_own(void **state)
{
    for (int is_direct = 0; is_direct < 2; is_direct++) {
        struct keeper events, access;
        struct nw_log_options options = options_for(&events);
        keeper_init(&events);
        keeper_init(&access);
        options.access = (struct nw_log_sink){&access, keep, note_reopen};
        options.is_direct = is_direct;
        struct nw_log_hub *hub = nw_log_hub_new(&options);
        struct nw_log *log = nw_log_open(hub);
        nw_log_raw(log, NW_SLICE("GET / 200"));
        char *at = nw_log_raw_reserve(log, 100);
        memcpy(at, "GET /a 404", 10);
        nw_log_raw_commit(log, 10);
        nw_log_raw(log, NW_SLICE(""));
        nw_log(log, NW_INFO, "e", "");
        nw_log_hub_stop(hub);
        assert_string_equal(access.text.ptr, "GET / 200\nGET /a 404\n\n");
        assert_int_equal(events.line_count, 1);
        nw_log_hub_reopen(hub);
        assert_int_equal(events.reopened_count + access.reopened_count, 2);
        nw_log_hub_free(hub);
        keeper_done(&events);
        keeper_done(&access);
    }
}

static void a_sink_that_fails_is_counted(void **state)
{
    struct keeper keeper;
    struct nw_log_hub *hub = direct_hub(&keeper, NW_LOG_LOGFMT);
    struct nw_log *log = nw_log_open(hub);
    keeper.is_broken = true;
    nw_log(log, NW_INFO, "e", "");
    nw_log(log, NW_INFO, "e", "");
    assert_int_equal(nw_log_hub_dropped(hub), 2);
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

struct worker {
    struct nw_log_hub *hub;
    unsigned number;
};

static void *log_many(void *arg)
{
    struct worker *worker = arg;
    struct nw_log *log = nw_log_open(worker->hub);
    for (unsigned i = 0; i < LINES; i++) {
        if (i % 2)
            nw_log(log, NW_INFO, "line", "worker=%u n=%u", worker->number, i);
        else
            nw_log_raw(log, NW_SLICE("raw"));
    }
    nw_log_close(log);
    return NULL;
}

/* Every event line is whole, in its worker's order, and what is missing was counted as dropped. */
static void check_lines(struct keeper *keeper, uint64_t dropped)
{
    struct nw_slice rest = nw_text_slice(&keeper->text), line;
    unsigned next[THREADS] = {0};
    uint64_t own = 0;
    while (nw_slice_split(&rest, '\n', &line)) {
        char copy[200];
        unsigned worker, n;
        snprintf(copy, sizeof copy, "%.*s", NW_SLICE_ARG(line));
        if (strcmp(copy, "raw") == 0) {
            own++;
        } else if (strstr(copy, "event=log.dropped") == NULL) {
            assert_int_equal(sscanf(copy, "time=2000-10-10T13:55:36.123Z level=info event=line "
                                          "worker=%u n=%u",
                                    &worker, &n),
                             2);
            assert_true(worker < THREADS && n >= next[worker] && n < LINES);
            next[worker] = n + 1;
            own++;
        }
    }
    assert_int_equal(own + dropped, THREADS * LINES);
}

static void many_threads_log_whole_lines_in_their_order(void **state)
{
    for (int is_eager = 0; is_eager < 2; is_eager++) {
        struct keeper keeper;
        struct nw_log_options options = options_for(&keeper);
        pthread_t threads[THREADS];
        struct worker workers[THREADS];
        options.is_eager = is_eager;
        options.ring_bytes = 16 * 1024;
        keeper_init(&keeper);
        struct nw_log_hub *hub = nw_log_hub_new(&options);
        assert_int_equal(nw_log_hub_start(hub), NW_OK);
        for (unsigned i = 0; i < THREADS; i++) {
            workers[i] = (struct worker){hub, i};
            assert_int_equal(pthread_create(&threads[i], NULL, log_many, &workers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        nw_log_hub_stop(hub);
        check_lines(&keeper, nw_log_hub_dropped(hub));
        nw_log_hub_free(hub);
        keeper_done(&keeper);
    }
}

/* An eager writer sleeps between any two of these lines: a lost wake-up would hang the test. */
static void no_line_waits_for_the_next_one(void **state)
{
    struct keeper keeper;
    struct nw_log_options options = options_for(&keeper);
    options.is_eager = true;
    keeper_init(&keeper);
    struct nw_log_hub *hub = nw_log_hub_new(&options);
    assert_int_equal(nw_log_hub_start(hub), NW_OK);
    struct nw_log *log = nw_log_open(hub);
    for (uint64_t i = 1; i <= 20000; i++) {
        nw_log(log, NW_INFO, "e", "n=%d", (int)i);
        wait_for_lines(&keeper, i);
    }
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void a_stuck_sink_costs_lines_and_never_the_caller(void **state)
{
    struct keeper keeper;
    struct nw_log_options options = options_for(&keeper);
    options.ring_bytes = 4096;
    keeper_init(&keeper);
    keeper.is_shut = true;
    struct nw_log_hub *hub = nw_log_hub_new(&options);
    assert_int_equal(nw_log_hub_start(hub), NW_OK);
    struct nw_log *log = nw_log_open(hub);
    nw_log(log, NW_INFO, "first", "");
    pthread_mutex_lock(&keeper.mutex);
    while (!keeper.is_waiting)
        pthread_cond_wait(&keeper.changed, &keeper.mutex);
    pthread_mutex_unlock(&keeper.mutex);
    for (int i = 0; i < 1000; i++)
        nw_log(log, NW_INFO, "more", "");
    uint64_t dropped = nw_log_hub_dropped(hub);
    assert_in_range(dropped, 900, 999);

    pthread_mutex_lock(&keeper.mutex);
    keeper.is_shut = false;
    pthread_cond_broadcast(&keeper.changed);
    pthread_mutex_unlock(&keeper.mutex);
    wait_for_lines(&keeper, 1001 - dropped);
    nw_log(log, NW_INFO, "last", "");
    nw_log_hub_stop(hub);
    char notice[100];
    snprintf(notice, sizeof notice, "level=warn event=log.dropped lines=%d\n", (int)dropped);
    assert_non_null(strstr(keeper.text.ptr, notice));
    assert_non_null(strstr(keeper.text.ptr, "event=last\n"));
    assert_int_equal(nw_log_hub_dropped(hub), dropped);
    nw_log_hub_free(hub);
    keeper_done(&keeper);
}

static void read_file(const char *path, char *to, size_t to_bytes)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    to[fread(to, 1, to_bytes - 1, file)] = '\0';
    fclose(file);
}

static void a_rotated_file_is_left_and_a_new_one_made(void **state)
{
    char directory[] = "/tmp/newel-log-XXXXXX", path[64], old_path[64], content[256];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/log", directory);
    snprintf(old_path, sizeof old_path, "%s/log.1", directory);
    struct nw_log_file *file;
    struct keeper unused;
    struct nw_log_options options = options_for(&unused);
    assert_int_equal(nw_log_file_open("/no/such/directory/log", &file), NW_NOT_FOUND);
    assert_int_equal(nw_log_file_open(path, &file), NW_OK);
    options.events = nw_log_file_sink(file);
    options.is_direct = true;
    struct nw_log_hub *hub = nw_log_hub_new(&options);
    struct nw_log *log = nw_log_open(hub);
    nw_log_raw(log, NW_SLICE("one"));
    assert_int_equal(rename(path, old_path), 0);
    nw_log_raw(log, NW_SLICE("two"));
    nw_log_hub_reopen(hub);
    nw_log_raw(log, NW_SLICE("three"));
    nw_log_hub_free(hub);
    nw_log_file_close(file);
    read_file(old_path, content, sizeof content);
    assert_string_equal(content, "one\ntwo\n");
    read_file(path, content, sizeof content);
    assert_string_equal(content, "three\n");
    unlink(path);
    unlink(old_path);
    rmdir(directory);
}

/* A named pipe is opened read-write first, so that opening it for writing does not wait. */
static void a_pipe_that_nobody_reads_does_not_keep_the_program_from_ending(void **state)
{
    char directory[] = "/tmp/newel-log-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDWR);
    struct nw_log_file *file;
    struct keeper unused;
    struct nw_log_options options = options_for(&unused);
    assert_int_equal(nw_log_file_open(path, &file), NW_OK);
    options.events = nw_log_file_sink(file);
    options.ring_bytes = 1 << 20;
    struct nw_log_hub *hub = nw_log_hub_new(&options);
    struct nw_log *log = nw_log_open(hub);
    for (int i = 0; i < 5000; i++) /* some 80 bytes each: more than the pipe holds */
        nw_log(log, NW_INFO, "e", "n=%d", i);
    assert_int_equal(nw_log_hub_dropped(hub), 0);
    assert_int_equal(nw_log_hub_start(hub), NW_OK);
    nw_log_file_quit(file);
    nw_log_hub_stop(hub);
    assert_in_range(nw_log_hub_dropped(hub), 1, 5000);
    nw_log_hub_free(hub);
    nw_log_file_close(file);
    close(reader);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_time_level_name_and_pairs),
        cmocka_unit_test(no_string_can_forge_a_pair_or_a_line),
        cmocka_unit_test(every_conversion_prints_as_printf_does),
        cmocka_unit_test(a_json_line_reads_back_as_what_was_logged),
        cmocka_unit_test(a_long_value_is_cut_and_the_line_stays_valid),
        cmocka_unit_test(raw_lines_have_a_sink_of_their_own),
        cmocka_unit_test(a_sink_that_fails_is_counted),
        cmocka_unit_test(many_threads_log_whole_lines_in_their_order),
        cmocka_unit_test(no_line_waits_for_the_next_one),
        cmocka_unit_test(a_stuck_sink_costs_lines_and_never_the_caller),
        cmocka_unit_test(a_rotated_file_is_left_and_a_new_one_made),
        cmocka_unit_test(a_pipe_that_nobody_reads_does_not_keep_the_program_from_ending),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
