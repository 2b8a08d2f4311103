/* What /metrics says of a runtime is compared with what was done to it. */
#include "io/gauges.h"

#include <string.h>

#include "core_run.h"
#include "io/buf.h"
#include "io/offload.h"

struct scene {
    struct nw_runtime *runtime;
    struct nw_metrics *metrics;
    void (*body)(struct scene *scene);
};

static void start(void *arg)
{
    struct scene *scene = arg;
    scene->body(scene);
    nw_runtime_stop(scene->runtime);
}

static void play(void (*body)(struct scene *scene))
{
    struct scene scene = {.body = body, .metrics = nw_metrics_new(2, 0)};
    struct nw_runtime_options options = {
        .backend = &nw_backend_epoll,
        .worker_count = 2,
        .seed = 1,
        .buffers_max_bytes = 1 << 20,
        .metrics = scene.metrics,
    };
    CHECK(nw_runtime_new(&options, &scene.runtime) == NW_OK);
    nw_runtime_run(scene.runtime, start, &scene);
    nw_runtime_free(scene.runtime);
    /* Nothing of it is shown any more, nor asked. */
    struct nw_text out = {0};
    nw_metrics_print(scene.metrics, &out);
    CHECK(out.len == 0 || strstr(out.ptr, "newel_loop_turns_total{") == NULL);
    nw_text_done(&out);
    nw_metrics_free(scene.metrics);
}

static double value(struct scene *scene, const char *name, const char *labels)
{
    return nw_metrics_value(scene->metrics, name, labels);
}

static void memory_body(struct scene *scene)
{
    struct nw_buf buf = {0};
    double before = value(scene, "memory_bytes", "account=buffers");
    CHECK_EQ(nw_buf_reserve(&buf), NW_OK);
    CHECK(value(scene, "memory_bytes", "account=buffers") == before + NW_BUF_BYTES);
    CHECK(value(scene, "memory_refused_total", "account=bodies") == 0);
    CHECK(!nw_memory_try(NW_MEMORY_BODIES, 2 << 20));
    CHECK(!nw_memory_try(NW_MEMORY_BODIES, 2 << 20));
    CHECK(value(scene, "memory_refused_total", "account=bodies") == 2);
    CHECK(value(scene, "memory_bytes", "account=bodies") == 0);
    nw_buf_release(&buf);
}

static nw_err nothing(void *arg)
{
    return NW_OK;
}

static void lane_body(struct scene *scene)
{
    CHECK(value(scene, "offload_jobs_total", "lane=files") == 0);
    CHECK_EQ(nw_offload(nw_lane_files(scene->runtime), nothing, NULL), NW_OK);
    CHECK_EQ(nw_offload(nw_lane_files(scene->runtime), nothing, NULL), NW_OK);
    CHECK(value(scene, "offload_jobs_total", "lane=files") == 2);
    CHECK(value(scene, "offload_jobs_total", "lane=reload") == 0);
    CHECK(value(scene, "offload_refused_total", "lane=files") == 0);
    CHECK(value(scene, "offload_depth", "lane=files") == 0);
}

static void wait_long(void *arg)
{
    nw_err ignored = nw_sleep(NW_NEVER);
    (void)ignored;
}

static void worker_body(struct scene *scene)
{
    struct nw_scope scope;
    double turns = value(scene, "loop_turns_total", "worker=0");
    double fibers = value(scene, "fibers_alive", "worker=0");
    nw_scope_open(&scope);
    CHECK_EQ(nw_scope_spawn(&scope, "one", wait_long, NULL, NULL), NW_OK);
    CHECK_EQ(nw_scope_spawn(&scope, "two", wait_long, NULL, NULL), NW_OK);
    CHECK(value(scene, "fibers_alive", "worker=0") == fibers + 2);
    nw_scope_close(&scope);
    CHECK(value(scene, "fibers_alive", "worker=0") == fibers);
    pass_turns(3);
    CHECK(value(scene, "loop_turns_total", "worker=0") >= turns + 3);
    CHECK(value(scene, "loop_turns_total", "worker=1") >= 0);
}

static void memory_is_shown_by_account_with_what_was_refused(void **state)
{
    play(memory_body);
}
static void a_lane_shows_the_jobs_it_took(void **state)
{
    play(lane_body);
}
static void each_worker_shows_its_turns_and_fibers(void **state)
{
    play(worker_body);
}

static void no_metrics(void)
{
    CHECK(nw_runtime_metrics(the_runtime()) == NULL);
}
static void a_runtime_without_metrics_shows_nothing(void **state)
{
    core_run(1, no_metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_shown_by_account_with_what_was_refused),
        cmocka_unit_test(a_lane_shows_the_jobs_it_took),
        cmocka_unit_test(each_worker_shows_its_turns_and_fibers),
        cmocka_unit_test(a_runtime_without_metrics_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
