/*
 * What readers of a checked configuration share: finding a service, pointing at a line, and the
 * list of what only a restart can change.
 */
#include "conf/conf.h"

#include <stdarg.h>

#include "base/alloc.h"
#include "base/text.h"

const struct nw_conf_service *nw_conf_service_find(const struct nw_conf *conf, struct nw_slice name)
{
    for (size_t i = 0; i < conf->services.count; i++)
        if (nw_slice_eq(conf->services.items[i].name, name))
            return &conf->services.items[i];
    return NULL;
}

bool nw_conf_statuses_have(const struct nw_conf_statuses *statuses, int status)
{
    for (size_t i = 0; i < statuses->count; i++)
        if (status >= statuses->items[i].from && status <= statuses->items[i].to)
            return true;
    return false;
}

struct nw_conf_statuses nw_conf_statuses_copy(const struct nw_conf_statuses *statuses)
{
    struct nw_conf_statuses copy = {
        .items = nw_alloc_array(statuses->count + 1, sizeof *copy.items),
        .count = statuses->count,
    };
    for (size_t i = 0; i < copy.count; i++)
        copy.items[i] = statuses->items[i];
    return copy;
}

/* "file:line:column: path: …" for an option of a block, or the block itself. */
static void blame(const char *file, const struct nw_conf_block *block, const char *option,
                  const char *suggestion, struct nw_diag *diag, bool is_warning,
                  const char *sentence)
{
    const struct nw_conf_tree *at = option != NULL ? nw_conf_tree_get(block->tree, option) : NULL;
    struct nw_text path = {0};
    nw_text_add_str(&path, block->path != NULL ? block->path : "");
    if (option != NULL)
        nw_text_addf(&path, "%s%s", path.len > 0 ? "." : "", option);
    if (at == NULL)
        at = block->tree;
    if (at != NULL && at->file != NULL)
        file = at->file;
    nw_diag_add(diag, is_warning, file, at != NULL ? at->line : 0, at != NULL ? at->column : 0,
                path.len > 0 ? path.ptr : NULL, suggestion, "%s", sentence);
    nw_text_done(&path);
}

void nw_conf_block_blame(const char *file, const struct nw_conf_block *block, const char *option,
                         const char *suggestion, struct nw_diag *diag, const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    blame(file, block, option, suggestion, diag, false, sentence.ptr);
    nw_text_done(&sentence);
}

void nw_conf_blame(const struct nw_conf *conf, const struct nw_conf_block *block,
                   const char *option, const char *suggestion, struct nw_diag *diag,
                   const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    blame(conf->file, block, option, suggestion, diag, false, sentence.ptr);
    nw_text_done(&sentence);
}

void nw_conf_warn(const struct nw_conf *conf, const struct nw_conf_block *block, const char *option,
                  const char *suggestion, struct nw_diag *diag, const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    blame(conf->file, block, option, suggestion, diag, true, sentence.ptr);
    nw_text_done(&sentence);
}

static nw_err refuse_change(const struct nw_conf *next, const struct nw_conf_block *block,
                            const char *option, struct nw_diag *diag)
{
    nw_conf_blame(next, block, option, "restart newel to change it", diag,
                  "cannot be changed by a reload");
    return NW_INVALID;
}

static const struct nw_conf_service *first_root(const struct nw_conf *conf)
{
    for (size_t i = 0; i < conf->services.count; i++)
        if (nw_slice_eq(conf->services.items[i].user, NW_SLICE("root")))
            return &conf->services.items[i];
    return NULL;
}

/* The power to start root is given up at the start where the file does not ask for it. */
static nw_err refuse_new_root(const struct nw_conf *old, const struct nw_conf *next,
                              struct nw_diag *diag)
{
    const struct nw_conf_service *root = first_root(next);
    if (root == NULL || first_root(old) != NULL)
        return NW_OK;
    nw_conf_blame(next, &root->block, "user", "restart newel", diag,
                  "the first process that is root cannot come by a reload");
    return NW_INVALID;
}

nw_err nw_conf_not_reloadable(const struct nw_conf *old, const struct nw_conf *next,
                              struct nw_diag *diag)
{
    nw_err err = NW_OK;
    if (old->threads != next->threads)
        err = refuse_change(next, &next->block, "threads", diag);
    if (!nw_slice_eq(old->state, next->state))
        err = refuse_change(next, &next->block, "state", diag);
    if (!nw_slice_eq(old->user, next->user))
        err = refuse_change(next, &next->block, "user", diag);
    if (old->hardening != next->hardening)
        err = refuse_change(next, &next->block, "hardening", diag);
    if (refuse_new_root(old, next, diag) != NW_OK)
        err = NW_INVALID;
    if (old->admin.address.kind == next->admin.address.kind &&
        nw_slice_eq(old->admin.address.text, next->admin.address.text))
        return err;
    if (nw_conf_is_given(&next->admin.block))
        return refuse_change(next, &next->admin.block, "address", diag);
    return refuse_change(next, &next->block, "admin.address", diag);
}
