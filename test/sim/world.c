/*
 * The world's stage management: what starts, dies and comes back. The actors are in node.c and
 * client.c.
 */
#include "world.h"

#include <stdarg.h>

#include "actors.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/backend.h"
#include "io/fiber.h"
#include "io/worker.h"

/* ---- the world ---- */

static struct nw_runtime *runtime_new(struct world *world, const char *name)
{
    struct nw_runtime_options options = {.backend = &nw_backend_sim,
                                         .world = world->sim,
                                         .name = name,
                                         .worker_count = 1,
                                         .buffers_max_bytes = 256 << 20,
                                         .fibers_max = 4000};
    struct nw_runtime *runtime;
    nw_err err = nw_runtime_new(&options, &runtime);
    CHECK(err == NW_OK);
    return runtime;
}

struct world *world_new_in(const struct nw_sim_options *options)
{
    struct world *world = nw_alloc_zero(sizeof *world);
    world->seed = options->seed;
    world->backend = &nw_backend_sim;
    world->sim = nw_sim_new(options);
    nw_sim_split(world->sim, "world", &world->rng);
    world->hosts = runtime_new(world, "clients");
    world->next_id = 1;
    return world;
}

struct world *world_new(uint64_t seed, bool drops_transcript)
{
    return world_new_in(
        &(struct nw_sim_options){.seed = seed, .drops_transcript = drops_transcript});
}

void world_free(struct world *world)
{
    nw_sim_end(world->sim, world->hosts);
    for (unsigned i = 0; i < world->daemon_count; i++) {
        if (world->daemons[i].daemon != NULL)
            world_daemon_end(&world->daemons[i]);
        nw_free(world->daemons[i].text);
    }
    for (unsigned i = 0; i < world->node_count; i++)
        if (world->nodes[i].runtime != NULL)
            nw_sim_end(world->sim, world->nodes[i].runtime);
    nw_sim_free(world->sim);
    nw_free(world->post_starts);
    nw_free(world);
}

void world_violation(struct world *world, const char *format, ...)
{
    if (world->violation[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(world->violation, sizeof world->violation, format, args);
    va_end(args);
    nw_sim_note(world->sim, "world", "VIOLATION %s", world->violation);
}

/* ---- nodes ---- */

struct world_node *world_node_add(struct world *world, const struct world_manner *manner)
{
    CHECK(world->node_count < WORLD_NODES_MAX);
    struct world_node *node = &world->nodes[world->node_count++];
    node->world = world;
    node->manner = *manner;
    snprintf(node->name, sizeof node->name, "node%u", world->node_count);
    snprintf(node->address, sizeof node->address, "10.0.0.%u:80", world->node_count);
    nw_sim_split(world->sim, node->name, &node->rng);
    world_node_restart(node);
    return node;
}

void world_node_restart(struct world_node *node)
{
    if (node->runtime != NULL)
        return;
    node->runtime = runtime_new(node->world, node->name);
    nw_sim_spawn(node->runtime, 0, "node", world_node_main, node);
}

void world_node_crash(struct world_node *node, bool is_silent)
{
    if (node->runtime == NULL)
        return;
    struct nw_runtime *runtime = node->runtime;
    node->runtime = NULL;
    nw_sim_kill(node->world->sim, runtime, is_silent);
    nw_sim_bury(node->world->sim, runtime, NULL, NULL);
    nw_runtime_free(runtime);
}

/* ---- daemons ---- */

static bool take_lines(void *owner, struct nw_slice lines, uint64_t line_count)
{
    struct world_daemon *daemon = owner;
    if (daemon->daemon != NULL && nw_sim_is_dead(nw_daemon_runtime(daemon->daemon)))
        return true;
    struct nw_slice line;
    while (lines.len > 0 && nw_slice_split(&lines, '\n', &line))
        if (line.len > 0)
            nw_sim_note(daemon->world->sim, daemon->name, "log %.*s", NW_SLICE_ARG(line));
    return true;
}

static nw_err read_file(void *arg, const char *path, struct nw_text *out)
{
    const struct world_daemon *daemon = arg;
    if (strcmp(path, "newel.yaml") != 0)
        return NW_NOT_FOUND;
    nw_text_add_str(out, daemon->text);
    return NW_OK;
}

static nw_err read_secret(void *arg, const char *path, struct nw_secret **out)
{
    const struct world_file *files = ((const struct world_daemon *)arg)->world->files;
    for (unsigned i = 0; i < WORLD_FILES_MAX && files[i].path != NULL; i++)
        if (strcmp(files[i].path, path) == 0) {
            *out = nw_secret_new(nw_slice_str(files[i].text));
            return NW_OK;
        }
    return NW_NOT_FOUND;
}

static void on_ready(void *arg, struct nw_daemon *daemon)
{
    ((struct world_daemon *)arg)->is_ready = true;
}

static bool is_ready(void *arg)
{
    return ((struct world_daemon *)arg)->is_ready;
}

static void diag_print(const struct nw_diag *diag)
{
    for (size_t i = 0; i < diag->count; i++)
        fprintf(stderr, "%d:%d: %s: %s\n", diag->items[i].line, diag->items[i].column,
                diag->items[i].path != NULL ? diag->items[i].path : "", diag->items[i].sentence);
}

void world_daemon_restart(struct world_daemon *daemon)
{
    char state_dir[32];
    snprintf(state_dir, sizeof state_dir, "/state/%s", daemon->name);
    struct nw_daemon_options options = {
        .file = "newel.yaml",
        .outside = &daemon->outside,
        .files = &daemon->outside,
        .backend = daemon->world->backend,
        .world = daemon->world->sim,
        .name = daemon->name,
        .state_dir = state_dir,
        .has_disk = true,
        .log_sink = &daemon->sink,
        .on_ready = on_ready,
        .on_ready_arg = daemon,
    };
    struct nw_diag diag;
    nw_diag_init(&diag);
    CHECK(daemon->daemon == NULL);
    daemon->is_ready = false;
    daemon->sink = (struct nw_log_sink){.owner = daemon, .write = take_lines};
    daemon->outside = (struct nw_conf_outside){
        .arg = daemon, .read_file = read_file, .read_secret = read_secret};
    nw_err err = nw_daemon_new(&options, &diag, &daemon->daemon);
    if (err != NW_OK)
        diag_print(&diag);
    CHECK(err == NW_OK);
    nw_diag_done(&diag);
    nw_sim_spawn(nw_daemon_runtime(daemon->daemon), 0, "start", nw_daemon_start, daemon->daemon);
    bool has_started = nw_sim_run_until(daemon->world->sim, is_ready, daemon, 60000);
    if (!has_started)
        diag_print(nw_daemon_start_diag(daemon->daemon));
    CHECK(has_started);
}

struct world_daemon *world_daemon_add(struct world *world, const char *name, const char *text)
{
    CHECK(world->daemon_count < WORLD_DAEMONS_MAX);
    struct world_daemon *daemon = &world->daemons[world->daemon_count++];
    daemon->world = world;
    snprintf(daemon->name, sizeof daemon->name, "%s", name);
    daemon->text = nw_alloc_string(nw_slice_str(text));
    world_daemon_restart(daemon);
    return daemon;
}

static void end_hard(void *arg)
{
    nw_daemon_end(arg, true);
}

static void end_kindly(void *arg)
{
    nw_daemon_end(arg, false);
}

void world_daemon_kill(struct world_daemon *daemon, bool is_silent)
{
    struct nw_runtime *runtime = nw_daemon_runtime(daemon->daemon);
    nw_sim_kill(daemon->world->sim, runtime, is_silent);
    nw_sim_bury(daemon->world->sim, runtime, end_hard, daemon->daemon);
    nw_daemon_free(daemon->daemon);
    daemon->daemon = NULL;
}

void world_daemon_end_begin(struct world_daemon *daemon)
{
    nw_sim_spawn(nw_daemon_runtime(daemon->daemon), 0, "end", end_kindly, daemon->daemon);
}

static bool is_over(void *runtime)
{
    return nw_sim_is_over(runtime);
}

void world_daemon_end(struct world_daemon *daemon)
{
    struct nw_runtime *runtime = nw_daemon_runtime(daemon->daemon);
    if (!nw_sim_is_over(runtime))
        world_daemon_end_begin(daemon);
    bool has_ended = nw_sim_run_until(daemon->world->sim, is_over, runtime, 3600 * 1000);
    CHECK(has_ended);
    nw_daemon_free(daemon->daemon);
    daemon->daemon = NULL;
}

static void reload_fiber(void *arg)
{
    struct world_daemon *daemon = arg;
    struct nw_diag diag;
    nw_diag_init(&diag);
    if (nw_daemon_reload(daemon->daemon, &diag) == NW_OK)
        daemon->reloads_done++;
    else
        daemon->reloads_failed++;
    nw_diag_done(&diag);
}

void world_daemon_reload(struct world_daemon *daemon, const char *text)
{
    if (text != NULL) {
        nw_free(daemon->text);
        daemon->text = nw_alloc_string(nw_slice_str(text));
    }
    nw_sim_spawn(nw_daemon_runtime(daemon->daemon), 0, "reload", reload_fiber, daemon);
}

void world_conf(const struct world *world, unsigned threads, const char *service, const char *route,
                struct nw_text *out)
{
    nw_text_clear(out);
    nw_text_addf(out,
                 "newel: 1\nthreads: %u\nlisten: 10.9.0.1:80\n"
                 "limits: { buffers: 64M, fibers: 4000 }\n"
                 "services:\n  shop:\n    nodes:\n",
                 threads);
    for (unsigned i = 0; i < world->node_count; i++)
        nw_text_addf(out, "      - %s\n", world->nodes[i].address);
    nw_text_addf(out, "%sroutes:\n  - path: /\n    service: shop\n%s", service, route);
}

/* ---- clients ---- */

void world_clients_add(struct world *world, unsigned count, const struct world_habit *habit)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK(world->client_count < WORLD_CLIENTS_MAX);
        struct world_client *client = &world->clients[world->client_count++];
        *client = (struct world_client){.world = world, .habit = *habit};
        snprintf(client->name, sizeof client->name, "client%u", world->client_count);
        nw_sim_split(world->sim, client->name, &client->rng);
        nw_sim_spawn(world->hosts, 0, "client", world_client_main, client);
    }
}

static bool are_over(void *arg)
{
    struct world *world = arg;
    if (world->violation[0] != '\0')
        return true;
    for (unsigned i = 0; i < world->client_count; i++)
        if (!world->clients[i].is_over)
            return false;
    return true;
}

bool world_run_clients(struct world *world, uint64_t max_ms)
{
    return nw_sim_run_until(world->sim, are_over, world, max_ms) && world->violation[0] == '\0';
}
