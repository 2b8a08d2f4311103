/*
 * Tables that fit eighty columns for ordinary names; states stand out in colour where there is any.
 */
#include "cmd/status_print.h"

#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "io/system.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static bool has_colour(FILE *to)
{
    return isatty(fileno(to)) && nw_system_env("NO_COLOR") == NULL;
}

static const char *colour_of(const char *state)
{
    if (strcmp(state, "up") == 0 || strcmp(state, "ready") == 0)
        return "\033[32m";
    if (strcmp(state, "down") == 0 || strcmp(state, "backoff") == 0)
        return "\033[31m";
    return "\033[33m";
}

static void print_state(const char *state, int width, FILE *to)
{
    if (has_colour(to))
        fprintf(to, "%s%-*s\033[0m", colour_of(state), width, state);
    else
        fprintf(to, "%-*s", width, state);
}

static void print_uptime(double seconds, FILE *to)
{
    unsigned long s = (unsigned long)seconds;
    if (s >= 86400)
        fprintf(to, "%lud %luh", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        fprintf(to, "%luh %lum", s / 3600, s % 3600 / 60);
    else
        fprintf(to, "%lum %lus", s / 60, s % 60);
}

static void print_classes(const json_t *requests, FILE *to)
{
    fprintf(to, "%.0f ok, %.0f redirected, %.0f client errors, %.0f server errors",
            number_of(requests, "2xx"), number_of(requests, "3xx"), number_of(requests, "4xx"),
            number_of(requests, "5xx"));
}

/* Tries that say that the node failed: all but good ones and those that we gave up ourselves. */
static double errors_of(const json_t *node)
{
    const json_t *tries = json_object_get(node, "tries");
    static const char *const bad[] = {"connect", "reset", "timeout", "refusing", "failed"};
    double count = 0;
    for (size_t i = 0; i < NW_COUNT(bad); i++)
        count += number_of(tries, bad[i]);
    return count;
}

static void print_node(const json_t *node, FILE *to)
{
    fprintf(to, "  %-28s ", text_of(node, "address"));
    print_state(text_of(node, "state"), 11, to);
    fprintf(to, " %4.0f in flight %9.0f requests %6.0f errors", number_of(node, "in_flight"),
            number_of(node, "requests"), errors_of(node));
    const char *reason = text_of(node, "reason");
    if (reason[0] != '\0')
        fprintf(to, "  %s", reason);
    const char *trouble = text_of(node, "trouble");
    if (trouble[0] != '\0')
        fprintf(to, "%s %s", reason[0] != '\0' ? ";" : " ", trouble);
    fputc('\n', to);
}

static void print_services(const json_t *services, FILE *to)
{
    const char *name;
    json_t *service;
    json_object_foreach((json_t *)services, name, service)
    {
        const json_t *latency = json_object_get(service, "latency");
        fprintf(to, "\nservice %s: ", name);
        print_classes(json_object_get(service, "requests"), to);
        fprintf(to, "; p50 %.1f ms, p99 %.1f ms\n", number_of(latency, "p50_ms"),
                number_of(latency, "p99_ms"));
        size_t i;
        json_t *node;
        json_array_foreach(json_object_get(service, "nodes"), i, node)
            print_node(node, to);
    }
}

static void print_processes(const json_t *fleet, FILE *to)
{
    const char *name;
    json_t *instances;
    json_object_foreach((json_t *)fleet, name, instances)
    {
        size_t i;
        json_t *instance;
        if (json_array_size(instances) > 0)
            fprintf(to, "\nprocesses of %s\n", name);
        json_array_foreach(instances, i, instance)
        {
            char pid[16] = "-"; /* none runs just now */
            if (number_of(instance, "pid") > 0)
                snprintf(pid, sizeof pid, "%.0f", number_of(instance, "pid"));
            fprintf(to, "  %2.0f  pid %-8s ", number_of(instance, "instance"), pid);
            print_state(text_of(instance, "state"), 9, to);
            fprintf(to, " %3.0f restarts  %s", number_of(instance, "restarts"),
                    text_of(instance, "address"));
            const char *reason = text_of(instance, "reason");
            fprintf(to, "%s%s\n", reason[0] != '\0' ? "  last exit: " : "", reason);
        }
    }
}

static void print_routes(const json_t *routes, FILE *to)
{
    size_t i;
    json_t *route;
    if (json_array_size(routes) > 0)
        fputs("\nroutes\n", to);
    json_array_foreach(routes, i, route)
    {
        fprintf(to, "  %-28s -> %-12s ", text_of(route, "route"), text_of(route, "service"));
        print_classes(json_object_get(route, "requests"), to);
        fputc('\n', to);
    }
}

void status_print(const json_t *status, FILE *to)
{
    const json_t *gate = json_object_get(status, "gate");
    fprintf(to, "newel %s, up ", text_of(status, "version"));
    print_uptime(number_of(status, "uptime_s"), to);
    fprintf(to, ", generation %.0f, %.0f worker%s, ", number_of(status, "generation"),
            number_of(status, "workers"), number_of(status, "workers") == 1 ? "" : "s");
    bool is_ready = json_is_true(json_object_get(status, "ready"));
    print_state(is_ready ? "ready" : "not ready", 0, to);
    if (!is_ready)
        fprintf(to, " (waiting for %s)", text_of(status, "waiting_for"));
    fputc('\n', to);
    size_t i;
    json_t *listener;
    json_array_foreach(json_object_get(gate, "listeners"), i, listener)
        fprintf(to, "listens on %s: %.0f connections, %.0f accepted\n", text_of(listener, "bound"),
                number_of(listener, "connections"), number_of(listener, "accepted"));
    print_services(json_object_get(gate, "services"), to);
    print_processes(json_object_get(status, "fleet"), to);
    print_routes(json_object_get(gate, "routes"), to);
}

void fibers_print(const json_t *workers, FILE *to)
{
    size_t w, i;
    json_t *fibers, *fiber;
    json_array_foreach((json_t *)workers, w, fibers)
    {
        fprintf(to, "worker %zu\n", w);
        json_array_foreach(fibers, i, fiber)
            fprintf(to, "  %-24s %-10s %5.0f  oldest %.0f ms\n", text_of(fiber, "name"),
                    text_of(fiber, "state"), number_of(fiber, "count"),
                    number_of(fiber, "oldest_ms"));
    }
}
