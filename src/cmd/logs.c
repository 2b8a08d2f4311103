/* Whole lines by write(2); a pipe that nobody reads loses lines instead of holding the daemon. */
#include "cmd/logs.h"

#include "base/alloc.h"
#include "io/output.h"

static bool write_lines(void *owner, struct nw_slice lines, uint64_t line_count)
{
    struct logs_target *target = owner;
    return target->fd >= 0 && nw_output_write(target->fd, lines);
}

static void reopen(void *owner)
{
    struct logs_target *target = owner;
    if (target->path == NULL)
        return;
    int fd = nw_output_open(target->path);
    if (fd < 0)
        return; /* lines go on to the old file */
    nw_output_close(target->fd);
    target->fd = fd;
}

static nw_err open_target(struct logs_target *target, struct nw_slice to, const struct nw_conf *conf,
                          const struct nw_conf_block *block, struct nw_diag *diag)
{
    target->path = NULL;
    target->fd = nw_slice_eq(to, NW_SLICE("stdout")) ? 1 : 2;
    if (nw_slice_eq(to, NW_SLICE("stdout")) || nw_slice_eq(to, NW_SLICE("stderr")) || to.len == 0)
        return NW_OK;
    target->path = nw_alloc_string(to);
    target->fd = nw_output_open(target->path);
    if (target->fd >= 0)
        return NW_OK;
    nw_conf_blame(conf, block, "to", NULL, diag, "the log file %s cannot be written", target->path);
    return NW_DENIED;
}

nw_err logs_open(struct logs *logs, const struct nw_conf *conf, struct nw_diag *diag)
{
    NW_TRY(open_target(&logs->events, conf->log.to, conf, &conf->log.block, diag));
    return open_target(&logs->access, conf->log.access.to, conf, &conf->log.access.block, diag);
}

static void close_target(struct logs_target *target)
{
    if (target->path != NULL)
        nw_output_close(target->fd);
    nw_free(target->path);
    *target = (struct logs_target){.fd = -1};
}

void logs_close(struct logs *logs)
{
    close_target(&logs->events);
    close_target(&logs->access);
}

struct nw_log_sink logs_sink(struct logs_target *target)
{
    return (struct nw_log_sink){.owner = target, .write = write_lines, .reopen = reopen};
}
