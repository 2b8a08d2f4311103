/*
 * What a request costs among 10,000 routes and among ten, in instructions.
 *
 * A child process asks the router between two stops, and its parent single-steps it from one to the
 * other: the count is exact, the same each time, and needs no tool. Where a process may not trace
 * its own child, and in builds whose code is not what runs in earnest (sanitizers, no optimiser),
 * the test is skipped.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "route_build.h"

#if defined(__OPTIMIZE__) && !NW_ASAN && !NW_TSAN
#define IS_EARNEST true
#else
#define IS_EARNEST false
#endif

enum { FEW = 10, MANY = 10000, MAY_COST_MORE = 1000, SKIPPED = 77 };

/* A request in its worst and its usual places. */
struct query {
    const char *host;
    const char *path;
};

struct shape {
    const char *name;
    void (*fill)(struct build *b, int count);
    struct query queries[6];
};

/* ---- the shapes ---- */

static void fill_hosts(struct build *b, int count)
{
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, i % 10 == 9 ? "/" : "/area%d/{id}", i % 10);
        struct nw_conf_route *route = build_route(b, text);
        snprintf(text, sizeof text, "host%d.shop.example", i / 10);
        build_host(b, route, text);
    }
}

static void fill_wildcards(struct build *b, int count)
{
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, i % 10 == 9 ? "/" : "/area%d/{id}", i % 10);
        struct nw_conf_route *route = build_route(b, text);
        snprintf(text, sizeof text, "*.host%d.shop.example", i / 10);
        build_host(b, route, text);
    }
}

static void fill_exact(struct build *b, int count)
{
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "/api/v1/thing%d/list", i);
        build_host(b, build_route(b, text), "shop.example");
    }
}

static void fill_prefix(struct build *b, int count)
{
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "/api/v1/thing%d/", i);
        build_host(b, build_route(b, text), "shop.example");
    }
}

static void fill_segments(struct build *b, int count)
{
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "/api/{tenant}/thing%d/{id}", i);
        build_host(b, build_route(b, text), "shop.example");
    }
}

/* Of everything something: the wide {segment} beside wide literals cannot be merged. */
static void fill_mixed(struct build *b, int count)
{
    static const char *const forms[] = {"/api/thing%d/list", "/api/thing%d/", "/api/{x}/part%d",
                                        "/api/thing%d/{id}", "/{area}/{x}/last%d"};
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, forms[i % 5], i / 5);
        build_host(b, build_route(b, text), "shop.example");
    }
}

/* Every choice of literal or {segment} in six places, the least literal first; then the others. */
static void fill_overlap(struct build *b, int count)
{
    for (int i = 0; i < 64 && i < count; i++) {
        struct nw_text text = {0};
        for (int k = 0; k < 6; k++)
            nw_text_addf(&text, i >> k & 1 ? "/p%d" : "/{x%d}", k);
        nw_text_add_str(&text, i > 0 ? "/end" : "/never");
        build_host(b, build_route(b, text.ptr), "shop.example");
        nw_text_done(&text);
    }
    for (int i = 64; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "/p0/p1/thing%d/{id}", i);
        build_host(b, build_route(b, text), "shop.example");
    }
}

static const struct shape shapes[] = {
    {"1,000 hosts of 10", fill_hosts,
     {{"host0.shop.example", "/area3/7"}, {"host0.shop.example", "/none/7"},
      {"host0.shop.example", "/"}, {"other.example", "/area3/7"}}},
    {"1,000 wildcards of 10", fill_wildcards,
     {{"www.host0.shop.example", "/area3/7"}, {"a.b.c.host0.shop.example", "/none/7"},
      {"shop.example", "/area3/7"}}},
    {"exact under one host", fill_exact,
     {{"shop.example", "/api/v1/thing9/list"}, {"shop.example", "/api/v1/thing0/none"},
      {"shop.example", "/api/v1/none/list"}, {"shop.example", "/none"}}},
    {"prefix under one host", fill_prefix,
     {{"shop.example", "/api/v1/thing9/a/b/c"}, {"shop.example", "/api/v1/thing0"},
      {"shop.example", "/api/v1/none/list"}}},
    {"{segment} under one host", fill_segments,
     {{"shop.example", "/api/acme/thing9/5"}, {"shop.example", "/api/acme/none/5"},
      {"shop.example", "/api/acme/thing0/5/6"}}},
    {"all of these under one host", fill_mixed,
     {{"shop.example", "/api/thing1/list"}, {"shop.example", "/api/thing1/part0"},
      {"shop.example", "/api/thing0/none"}, {"shop.example", "/any/thing0/last1"},
      {"shop.example", "/api/thing1/none/x"}}},
    {"64 overlapping, then others", fill_overlap,
     {{"shop.example", "/p0/p1/p2/p3/p4/p5/end"}, {"shop.example", "/p0/p1/p2/p3/p4/p5/miss"},
      {"shop.example", "/p0/p1/x/p3/x/p5/end"}, {"shop.example", "/a/b/c/d/e/f/never"},
      {"shop.example", "/p0/p1/x/5"}}},
};

/* ---- counting ---- */

/* What the child does between its stops. */
static NW_NOINLINE void ask_once(const struct nw_route_table *table, const struct nw_route_ask *ask,
                                 struct nw_route_found *out)
{
    nw_route_find(table, ask, out);
}

static NW_NORETURN void child_main(const struct nw_route_table *table,
                                   const struct nw_route_ask *ask)
{
    struct nw_route_found found;
    ask_once(table, ask, &found); /* binds what is bound at first use */
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(SKIPPED);
    raise(SIGSTOP);
    ask_once(table, ask, &found);
    raise(SIGSTOP);
    _exit(0);
}

/* Instructions between the child's stops, those of raise() included; -1: it may not be traced. */
static long count_steps(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        return -1;
    for (long steps = 0;; steps++) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 ||
            waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            return -1;
        if (WSTOPSIG(status) == SIGSTOP)
            return steps;
        if (WSTOPSIG(status) != SIGTRAP)
            return -1;
    }
}

static long cost_of(const struct nw_route_table *table, const struct nw_route_ask *ask)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_main(table, ask);
    long steps = count_steps(child);
    if (waitpid(child, NULL, WNOHANG) == 0) { /* else it ended and is reaped */
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return steps;
}

static long cost_among(const struct shape *shape, const struct query *query, int count)
{
    struct build b;
    struct asked asked;
    build_init(&b, (size_t)count);
    shape->fill(&b, count);
    build_compile(&b, false);
    asked_init(&asked, "GET", query->host, query->path, "", "");
    long cost = cost_of(b.table, &asked.ask);
    asked_done(&asked);
    build_done(&b);
    return cost;
}

static void ten_thousand_routes_cost_at_most_a_thousand_instructions_more(void **state)
{
    for (size_t i = 0; IS_EARNEST && i < NW_COUNT(shapes); i++)
        for (const struct query *query = shapes[i].queries; query->host != NULL; query++) {
            long few = cost_among(&shapes[i], query, FEW);
            if (few < 0)
                skip();
            long many = cost_among(&shapes[i], query, MANY);
            printf("%-28s %s%s: %ld among %d, %ld among %d\n", shapes[i].name, query->host,
                   query->path, few, FEW, many, MANY);
            if (many - few > MAY_COST_MORE)
                fail_msg("%s: %s%s costs %ld more", shapes[i].name, query->host, query->path,
                         many - few);
        }
    if (!IS_EARNEST)
        skip();
}

/* The measure itself: more routes read one by one do cost more. */
static void the_count_sees_work_that_grows(void **state)
{
    long costs[2];
    if (!IS_EARNEST)
        skip();
    for (int i = 0; i < 2; i++) {
        struct build b;
        struct asked asked;
        build_init(&b, 50);
        for (int k = 0; k < (i == 0 ? 1 : 50); k++)
            build_match(&b, &build_route(&b, "/a")->header, "x-none", "1");
        build_compile(&b, false);
        asked_init(&asked, "GET", "h", "/a", "", "");
        costs[i] = cost_of(b.table, &asked.ask);
        asked_done(&asked);
        build_done(&b);
        if (costs[i] < 0)
            skip();
    }
    assert_true(costs[1] > costs[0] + 49 * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_sees_work_that_grows),
        cmocka_unit_test(ten_thousand_routes_cost_at_most_a_thousand_instructions_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
