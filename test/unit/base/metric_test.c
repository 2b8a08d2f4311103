/* The contract of base/metric.h. */
#include "base/metric.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool is_histogram(const struct nw_metric_family *family)
{
    return family->kind == NW_METRIC_KIND_HISTOGRAM || family->kind == NW_METRIC_KIND_COARSE ||
           family->kind == NW_METRIC_KIND_COUNTS;
}

static void every_row_of_the_table_is_named_as_prometheus_wants(void **state)
{
    for (int i = 0; i < NW_METRIC_FAMILIES; i++) {
        const struct nw_metric_family *family = nw_metric_family((nw_metric)i);
        struct nw_slice name = nw_slice_str(family->name), rest = nw_slice_str(family->labels), at;
        size_t label_count = 0;
        assert_true(islower((unsigned char)name.ptr[0]));
        for (size_t j = 0; j < name.len; j++)
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.ptr[j]));
        assert_int_equal(nw_slice_ends_with(name, NW_SLICE("_total")),
                         family->kind == NW_METRIC_KIND_COUNTER);
        if (family->kind == NW_METRIC_KIND_COUNTS) {
            assert_true(nw_slice_ends_with(name, NW_SLICE("_count")));
        } else if (is_histogram(family)) {
            assert_true(nw_slice_ends_with(name, NW_SLICE("_seconds")));
            assert_string_equal(family->unit, "seconds");
        }
        for (; nw_slice_split(&rest, ',', &at); label_count++)
            assert_true(at.len > 0 && !nw_slice_eq(at, NW_SLICE("le")));
        assert_true(label_count <= NW_METRIC_LABELS_MAX);
        assert_true(strpbrk(family->help, "\n\\") == NULL && family->help[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(family->name, nw_metric_family((nw_metric)j)->name);
    }
}

static void scalars_print_as_text_format_0_0_4(void **state)
{
    struct nw_metrics *m = nw_metrics_new(2, 0);
    struct nw_metric_series *api = nw_metric_open(m, NW_METRIC_requests_total, "api", "2xx");
    struct nw_metric_series *odd = nw_metric_open(m, NW_METRIC_requests_total, "a\"\\\nb", "");
    struct nw_metric_series *flight = nw_metric_open(m, NW_METRIC_requests_in_flight);
    struct nw_text out = {0};
    nw_metric_add(api, 0, 3);
    nw_metric_add(api, 1, 4);
    nw_metric_add(odd, 1, 1);
    nw_metric_add(flight, 0, 2);
    nw_metric_add(flight, 1, -5);
    nw_metrics_print(m, &out);
    assert_string_equal(out.ptr,
                        "# HELP newel_requests_total answers to clients, by status class\n"
                        "# TYPE newel_requests_total counter\n"
                        "newel_requests_total{route=\"api\",class=\"2xx\"} 7\n"
                        "newel_requests_total{route=\"a\\\"\\\\\\nb\",class=\"\"} 1\n"
                        "# HELP newel_requests_in_flight requests being worked on\n"
                        "# TYPE newel_requests_in_flight gauge\n"
                        "newel_requests_in_flight -3\n");
    nw_metric_set(flight, 0, 10);
    assert_true(nw_metric_read(m, flight) == 5);
    nw_text_done(&out);
    nw_metrics_free(m);
}

static void a_histogram_prints_cumulative_seconds(void **state)
{
    struct nw_metrics *m = nw_metrics_new(2, 0);
    struct nw_metric_series *api = nw_metric_open(m, NW_METRIC_request_duration_seconds, "api");
    struct nw_text out = {0};
    nw_metric_record_us(api, 0, 40);
    nw_metric_record_us(api, 1, 3000);
    nw_metric_record_us(api, 1, 3000000);
    nw_metric_record_us(api, 0, 90000000);
    nw_metrics_print(m, &out);
    static const struct {
        const char *bound;
        int count;
    } expected[] = {
        {"0.00005", 1}, {"0.0001", 1}, {"0.00025", 1}, {"0.0005", 1}, {"0.001", 1},
        {"0.0025", 1},  {"0.005", 2},  {"0.01", 2},    {"0.025", 2},  {"0.05", 2},
        {"0.1", 2},     {"0.25", 2},   {"0.5", 2},     {"1", 2},      {"2.5", 2},
        {"5", 3},       {"10", 3},     {"20", 3},      {"30", 3},     {"60", 3},
        {"+Inf", 4},
    };
    const char *at = strstr(out.ptr, "TYPE newel_request_duration_seconds histogram\n");
    assert_non_null(at);
    at = strchr(at, '\n') + 1;
    for (size_t i = 0; i < NW_COUNT(expected); i++) {
        char line[120];
        snprintf(line, sizeof line,
                 "newel_request_duration_seconds_bucket{route=\"api\",le=\"%s\"} %d\n",
                 expected[i].bound, expected[i].count);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    assert_string_equal(at, "newel_request_duration_seconds_sum{route=\"api\"} 93.003040\n"
                            "newel_request_duration_seconds_count{route=\"api\"} 4\n");
    assert_true(nw_metrics_value(m, "request_duration_seconds_count", "route=api") == 4);
    assert_true(fabs(nw_metrics_value(m, "newel_request_duration_seconds_sum", NULL) - 93.00304) <
                1e-9);
    struct nw_histogram *all = nw_metric_merge(m, api);
    assert_int_equal(nw_histogram_max(all), 90000000);
    assert_int_equal(nw_histogram_count(all), 4);
    nw_histogram_free(all);
    nw_text_done(&out);
    nw_metrics_free(m);
}

static void the_same_labels_are_the_same_series_and_go_on_after_closing(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 0);
    struct nw_text out = {0};
    struct nw_metric_series *a = nw_metric_open(m, NW_METRIC_client_gone_total, "r");
    assert_ptr_equal(nw_metric_open(m, NW_METRIC_client_gone_total, "r"), a);
    assert_ptr_not_equal(nw_metric_open(m, NW_METRIC_client_gone_total, "s"), a);
    nw_metric_add(a, 0, 5);
    nw_metric_close(m, a);
    assert_true(nw_metrics_value(m, "client_gone_total", "route=r") == 5);
    nw_metric_close(m, a);
    assert_true(isnan(nw_metrics_value(m, "client_gone_total", "route=r")));
    nw_metrics_print(m, &out);
    assert_null(strstr(out.ptr, "route=\"r\""));
    assert_ptr_equal(nw_metric_open(m, NW_METRIC_client_gone_total, "r"), a);
    assert_true(nw_metrics_value(m, "client_gone_total", "route=r") == 5);
    nw_metric_close(m, NULL);
    nw_text_done(&out);
    nw_metrics_free(m);
}

/* "a" + "bc" and "ab" + "c" must not meet. */
static void label_values_do_not_run_into_each_other(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 0);
    assert_ptr_not_equal(nw_metric_open(m, NW_METRIC_requests_total, "a", "bc"),
                         nw_metric_open(m, NW_METRIC_requests_total, "ab", "c"));
    assert_ptr_not_equal(nw_metric_open(m, NW_METRIC_requests_total, "1:a", ""),
                         nw_metric_open(m, NW_METRIC_requests_total, "", "1:a"));
    nw_metrics_free(m);
}

static void a_full_family_shares_other_and_reuses_what_was_closed(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 2);
    struct nw_metric_series *a = nw_metric_open(m, NW_METRIC_client_gone_total, "a");
    struct nw_metric_series *b = nw_metric_open(m, NW_METRIC_client_gone_total, "b");
    struct nw_metric_series *c = nw_metric_open(m, NW_METRIC_client_gone_total, "c");
    struct nw_metric_series *d = nw_metric_open(m, NW_METRIC_client_gone_total, "d");
    assert_ptr_equal(c, d);
    nw_metric_add(a, 0, 1);
    nw_metric_add(b, 0, 2);
    nw_metric_add(c, 0, 4);
    nw_metric_add(d, 0, 8);
    assert_true(nw_metrics_value(m, "client_gone_total", "route=other") == 12);
    assert_true(nw_metrics_value(m, "client_gone_total", NULL) == 15);
    nw_metric_close(m, b);
    nw_metric_close(m, a);
    struct nw_metric_series *e = nw_metric_open(m, NW_METRIC_client_gone_total, "e");
    assert_ptr_equal(e, b); /* closed before a */
    assert_true(nw_metrics_value(m, "client_gone_total", "route=e") == 0);
    nw_metric_open(m, NW_METRIC_client_gone_total, "a");
    assert_true(nw_metrics_value(m, "client_gone_total", "route=a") == 1);
    nw_metrics_free(m);
}

static void a_reused_histogram_starts_empty(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 1);
    struct nw_metric_series *a = nw_metric_open(m, NW_METRIC_service_duration_seconds, "a");
    nw_metric_record_us(a, 0, 100);
    nw_metric_close(m, a);
    struct nw_metric_series *b = nw_metric_open(m, NW_METRIC_service_duration_seconds, "b");
    nw_metric_record_us(b, 0, 200);
    assert_true(nw_metrics_value(m, "service_duration_seconds_count", "service=b") == 1);
    nw_metrics_free(m);
}

static double seven(void *arg)
{
    (*(int *)arg)++;
    return 7.5;
}

static void a_watched_function_is_asked_when_read(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 0);
    struct nw_metric_series *series = nw_metric_open(m, NW_METRIC_memory_bytes, "buffers");
    struct nw_text out = {0};
    int asked_count = 0;
    struct nw_metric_watch *one = nw_metric_watch(m, series, seven, &asked_count);
    struct nw_metric_watch *two = nw_metric_watch(m, series, seven, &asked_count);
    nw_metric_set(series, 0, 1);
    assert_true(nw_metrics_value(m, "memory_bytes", "account=buffers") == 16);
    nw_metric_unwatch(m, one);
    nw_metrics_print(m, &out);
    assert_non_null(strstr(out.ptr, "newel_memory_bytes{account=\"buffers\"} 8.5\n"));
    nw_metric_unwatch(m, two);
    assert_true(nw_metric_read(m, series) == 1);
    assert_int_equal(asked_count, 3);
    nw_metric_close(m, series);
    nw_text_done(&out);
    nw_metrics_free(m);
}

static void a_value_sums_what_the_labels_leave_open(void **state)
{
    struct nw_metrics *m = nw_metrics_new(1, 0);
    nw_metric_add(nw_metric_open(m, NW_METRIC_requests_total, "a", "2xx"), 0, 1);
    nw_metric_add(nw_metric_open(m, NW_METRIC_requests_total, "a", "5xx"), 0, 2);
    nw_metric_add(nw_metric_open(m, NW_METRIC_requests_total, "b", "2xx"), 0, 4);
    assert_true(nw_metrics_value(m, "newel_requests_total", "class=2xx,route=a") == 1);
    assert_true(nw_metrics_value(m, "newel_requests_total", "route=a") == 3);
    assert_true(nw_metrics_value(m, "newel_requests_total", "class=2xx") == 5);
    assert_true(nw_metrics_value(m, "newel_requests_total", NULL) == 7);
    assert_true(isnan(nw_metrics_value(m, "newel_requests_total", "route=c")));
    assert_true(isnan(nw_metrics_value(m, "newel_requests_total", "node=a")));
    assert_true(isnan(nw_metrics_value(m, "no_such_metric", NULL)));
    assert_true(isnan(nw_metrics_value(m, "requests_total_count", NULL)));
    nw_metrics_free(m);
}

static void two_workers_never_share_a_cache_line(void **state)
{
    struct nw_metrics *m = nw_metrics_new(3, 2000);
    char name[16];
    for (unsigned i = 0; i < 1200; i++) {
        snprintf(name, sizeof name, "%u", i);
        struct nw_metric_series *series = nw_metric_open(m, NW_METRIC_client_gone_total, name);
        uintptr_t first = (uintptr_t)series->cells;
        uintptr_t second = (uintptr_t)(series->cells + NW_METRIC_STRIDE);
        assert_int_equal((second - first) % 64, 0);
        assert_true(second - first >= 64);
        if (i % NW_METRIC_STRIDE == 0)
            assert_int_equal(first % 64, 0);
        for (uint32_t w = 0; w < 3; w++)
            nw_metric_add(series, w, i);
    }
    assert_true(nw_metrics_value(m, "client_gone_total", NULL) == 3.0 * 1199 * 1200 / 2);
    nw_metrics_free(m);
}

enum { WORKERS = 3, ROUNDS = 50000 };

struct worker {
    struct nw_metrics *metrics;
    struct nw_metric_series *count;
    struct nw_metric_series *time;
    uint32_t index;
};

static void *count_many(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < ROUNDS; i++) {
        nw_metric_add(worker->count, worker->index, 1);
        nw_metric_record_us(worker->time, worker->index, 100);
        if (i % 5000 == 0) {
            struct nw_metric_series *other =
                nw_metric_open(worker->metrics, NW_METRIC_requests_total, "reload", "2xx");
            nw_metric_close(worker->metrics, other);
        }
    }
    return NULL;
}

static void readers_see_sane_numbers_while_workers_count(void **state)
{
    struct nw_metrics *m = nw_metrics_new(WORKERS, 0);
    struct nw_metric_series *count = nw_metric_open(m, NW_METRIC_requests_total, "a", "2xx");
    struct nw_metric_series *time = nw_metric_open(m, NW_METRIC_request_duration_seconds, "a");
    pthread_t threads[WORKERS];
    struct worker workers[WORKERS];
    struct nw_text out = {0};
    double last = 0;
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){m, count, time, i};
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &workers[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        double now = nw_metrics_value(m, "requests_total", "route=a");
        assert_true(now >= last && now <= WORKERS * ROUNDS);
        last = now;
        nw_text_clear(&out);
        nw_metrics_print(m, &out);
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(nw_metrics_value(m, "requests_total", "route=a") == WORKERS * ROUNDS);
    assert_true(nw_metrics_value(m, "request_duration_seconds_count", NULL) == WORKERS * ROUNDS);
    nw_text_done(&out);
    nw_metrics_free(m);
}

static void plain_numbers_are_printed_as_they_are(void **state)
{
    struct nw_metrics *metrics = nw_metrics_new(1, 0);
    struct nw_metric_series *series =
        nw_metric_open(metrics, NW_METRIC_peer_streams_per_send_count, "shop", "a:1");
    struct nw_text text = {0};
    nw_metric_record_us(series, 0, 1);
    nw_metric_record_us(series, 0, 2);
    nw_metric_record_us(series, 0, 60);
    nw_metrics_print(metrics, &text);
    static const char *const lines[] = {
        "_bucket{service=\"shop\",node=\"a:1\",le=\"1\"} 1\n",
        "_bucket{service=\"shop\",node=\"a:1\",le=\"2\"} 2\n",
        "_bucket{service=\"shop\",node=\"a:1\",le=\"32\"} 2\n",
        "_bucket{service=\"shop\",node=\"a:1\",le=\"64\"} 3\n",
        "_bucket{service=\"shop\",node=\"a:1\",le=\"+Inf\"} 3\n",
        "_sum{service=\"shop\",node=\"a:1\"} 63\n",
        "_count{service=\"shop\",node=\"a:1\"} 3\n",
    };
    nw_text_add_char(&text, '\0');
    for (size_t i = 0; i < NW_COUNT(lines); i++)
        assert_non_null(strstr(text.ptr, lines[i]));
    assert_true(nw_metrics_value(metrics, "peer_streams_per_send_count_sum", NULL) == 63);
    nw_text_done(&text);
    nw_metric_close(metrics, series);
    nw_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_named_as_prometheus_wants),
        cmocka_unit_test(scalars_print_as_text_format_0_0_4),
        cmocka_unit_test(a_histogram_prints_cumulative_seconds),
        cmocka_unit_test(the_same_labels_are_the_same_series_and_go_on_after_closing),
        cmocka_unit_test(label_values_do_not_run_into_each_other),
        cmocka_unit_test(a_full_family_shares_other_and_reuses_what_was_closed),
        cmocka_unit_test(a_reused_histogram_starts_empty),
        cmocka_unit_test(a_watched_function_is_asked_when_read),
        cmocka_unit_test(a_value_sums_what_the_labels_leave_open),
        cmocka_unit_test(two_workers_never_share_a_cache_line),
        cmocka_unit_test(plain_numbers_are_printed_as_they_are),
        cmocka_unit_test(readers_see_sane_numbers_while_workers_count),
    };
    return cmocka_run_group_tests_name("base/metric", tests, NULL, NULL);
}
