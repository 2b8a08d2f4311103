/*
 * From a wish to a command, in the helper. Everything comes from the configuration that the helper
 * read: newel's part is the numbers that go into PORT, NEWEL_INSTANCE and the name of the socket.
 * The folder of the socket is the helper's own knowledge, too.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "fleet/plan.h"
#include "io/procfs.h"

struct nw_fleet_command {
    struct nw_fleet_plan *plan;
    char **argv;
    char **env;
    unsigned argc;
    unsigned env_count;
};

char *nw_fleet_run_dir(const char *state_dir)
{
    char folder[4096];
    struct nw_text run_dir = {0};
    if (!nw_path_absolute(state_dir != NULL ? state_dir : ".", folder, sizeof folder))
        return NULL;
    nw_text_addf(&run_dir, "%s/run", folder);
    return run_dir.ptr;
}

static char *printed(const char *name, const char *value)
{
    struct nw_text text = {0};
    nw_text_addf(&text, "%s=%s", name, value);
    return text.ptr;
}

static void fill(struct nw_fleet_command *command, const struct nw_spawn_wish *wish,
                 const char *socket)
{
    enum { OWN_ENV = 3 };
    const struct nw_fleet_plan *plan = command->plan;
    char number[16];
    command->argv = nw_alloc_zero((plan->argc + 1) * sizeof *command->argv);
    command->env = nw_alloc_zero((plan->env_count + OWN_ENV) * sizeof *command->env);
    for (unsigned i = 0; i < plan->argc; i++)
        command->argv[command->argc++] = nw_fleet_argument(plan->argv[i], wish->port, socket);
    for (unsigned i = 0; i < plan->env_count; i++)
        command->env[command->env_count++] = nw_alloc_string(nw_slice_str(plan->env[i]));
    snprintf(number, sizeof number, "%u", wish->port);
    command->env[command->env_count++] = printed("PORT", number);
    snprintf(number, sizeof number, "%u", wish->instance);
    command->env[command->env_count++] = printed("NEWEL_INSTANCE", number);
    if (socket != NULL)
        command->env[command->env_count++] = printed("NEWEL_SOCKET", socket);
}

nw_err nw_fleet_command_new(const struct nw_conf *conf, const char *run_dir,
                            const struct nw_spawn_wish *wish, struct nw_spawn_spec *out_spec,
                            char why[NW_SPAWN_WHY_BYTES], struct nw_fleet_command **out)
{
    const struct nw_conf_service *service =
        nw_conf_service_find(conf, nw_slice_str(wish->service));
    char socket[NW_ADDR_UNIX_MAX_BYTES];
    if (service == NULL || service->run.count == 0) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "the file runs no service of that name");
        return NW_NOT_FOUND;
    }
    if (wish->instance < 1 || wish->instance > (unsigned)service->instances) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "the service has %u instances, not %u",
                 (unsigned)service->instances, wish->instance);
        return NW_NOT_FOUND;
    }
    struct nw_fleet_plan *plan = nw_fleet_plan_new(service);
    bool has_socket =
        wish->start > 0 && nw_fleet_socket_path(run_dir, wish->service, wish->instance, wish->start,
                                                socket, sizeof socket);
    if (plan->identity != wish->identity || (wish->start > 0 && !has_socket)) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "the command has changed meanwhile");
        nw_fleet_plan_free(plan);
        return NW_INVALID;
    }
    struct nw_fleet_command *command = nw_alloc_zero(sizeof *command);
    command->plan = plan;
    fill(command, wish, has_socket ? socket : NULL);
    *out_spec = (struct nw_spawn_spec){
        .argv = (const char *const *)command->argv,
        .argc = command->argc,
        .env = (const char *const *)command->env,
        .env_count = command->env_count,
        .cwd = plan->cwd,
        .user = plan->user,
        .memory_bytes = plan->memory_bytes,
        .cpu_count = plan->cpu_count,
    };
    *out = command;
    return NW_OK;
}

void nw_fleet_command_free(struct nw_fleet_command *command)
{
    if (command == NULL)
        return;
    for (unsigned i = 0; i < command->argc; i++)
        nw_free(command->argv[i]);
    for (unsigned i = 0; i < command->env_count; i++) {
        nw_wipe(command->env[i], strlen(command->env[i]));
        nw_free(command->env[i]);
    }
    nw_free(command->argv);
    nw_free(command->env);
    nw_fleet_plan_free(command->plan);
    nw_free(command);
}
