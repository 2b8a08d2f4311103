/* io/watch.h on real folders: each way in which programs replace a file. */
#include "core_run.h"

#include <sys/stat.h>
#include <unistd.h>

#include "io/sync.h"
#include "io/watch.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % NW_COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "w");
    CHECK(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
}

static void on_change(void *arg)
{
    nw_event_set(arg);
}

static void write_in_place(void)
{
    put("site.pem", "new");
}

static void rename_over(void)
{
    put("site.new", "new");
    CHECK(rename(in_folder("site.new"), in_folder("site.pem")) == 0);
}

/* certbot: live/site.pem points to archive/site2.pem from now on. */
static void point_elsewhere(void)
{
    CHECK(symlink("archive/2.pem", in_folder("live/new")) == 0);
    CHECK(rename(in_folder("live/new"), in_folder("live/site.pem")) == 0);
}

static void write_the_target(void)
{
    put("archive/1.pem", "new");
}

/* Kubernetes: ..data points to another folder; nothing else changes. */
static void swap_the_folder(void)
{
    CHECK(symlink("two", in_folder("mount/..new")) == 0);
    CHECK(rename(in_folder("mount/..new"), in_folder("mount/..data")) == 0);
}

/* The folder itself makes way for another one. */
static void replace_the_folder(void)
{
    CHECK(rename(in_folder("mount/one"), in_folder("mount/old")) == 0);
    CHECK(rename(in_folder("mount/two"), in_folder("mount/one")) == 0);
}

static const struct {
    const char *path;
    void (*change)(void);
} ways[] = {
    {"site.pem", write_in_place},
    {"site.pem", rename_over},
    {"live/site.pem", point_elsewhere},
    {"live/site.pem", write_the_target},
    {"mount/tls.crt", swap_the_folder},
    {"mount/..data/tls.crt", swap_the_folder},
    {"mount/one/tls.crt", replace_the_folder},
};

static void make_files(void)
{
    static const char *const folders[] = {"live", "archive", "mount", "mount/one", "mount/two"};
    snprintf(folder, sizeof folder, "/tmp/newel-watch-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < NW_COUNT(folders); i++)
        CHECK(mkdir(in_folder(folders[i]), 0700) == 0);
    put("site.pem", "old");
    put("archive/1.pem", "old");
    put("archive/2.pem", "new");
    put("mount/one/tls.crt", "old");
    put("mount/two/tls.crt", "new");
    CHECK(symlink("../archive/1.pem", in_folder("live/site.pem")) == 0);
    CHECK(symlink("one", in_folder("mount/..data")) == 0);
    CHECK(symlink("..data/tls.crt", in_folder("mount/tls.crt")) == 0);
}

static void remove_files(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

static void each_way(void)
{
    for (size_t i = 0; i < NW_COUNT(ways); i++) {
        struct nw_watch *watch = NULL;
        struct nw_event changed;
        make_files();
        nw_event_init(&changed);
        CHECK(nw_watch_new(&watch) == NW_OK);
        CHECK(nw_watch_path(watch, in_folder(ways[i].path)));
        CHECK(nw_watch_start(watch, on_change, &changed) == NW_OK);
        ways[i].change();
        CHECK(nw_event_wait(&changed) == NW_OK);
        nw_watch_free(watch);
        remove_files();
    }
}

static void every_way_to_replace_a_file_is_noticed(void **state)
{
    core_run(1, each_way);
}

static void a_folder_that_is_not_there_cannot_be_watched(void **state)
{
    struct nw_watch *watch = NULL;
    assert_int_equal(nw_watch_new(&watch), NW_OK);
    assert_false(nw_watch_path(watch, "/nowhere/at/all.pem"));
    nw_watch_free(watch);
    nw_watch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_replace_a_file_is_noticed),
        cmocka_unit_test(a_folder_that_is_not_there_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
