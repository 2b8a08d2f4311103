/*
 * What-if by editing the tree: a flag or --set becomes a value in the file's own place before
 * anything is read, so every path, bound and check of the file holds for it, and a message names
 * the flag where it would name a line. The road not taken, setting fields of the structs, needed a
 * second list of paths, units and bounds.
 */
#include "cmd/plan_file.h"

#include "base/alloc.h"
#include "cmd/plan_input.h"

/* A megabyte of the densest YAML is half a million nodes, in two trees. */
#define ARENA_MAX_BYTES ((size_t)1 << 30)

/* What a plan without names calls its only one. */
static const struct {
    const char *block;
    const char *name;
} defaults[] = {{"routes", "all"}, {"services", "app"}, {"databases", "main"}};

static void blame(const struct plan_edit *edit, struct nw_diag *diag, const char *hint,
                  const char *sentence)
{
    nw_diag_add(diag, false, edit->source, 0, 0, NULL, hint, "%s", sentence);
}

/* "services.*.margin" to "services.app.margin"; a NULL slice when there are several services. */
static struct nw_slice resolve(const struct nw_conf_tree *tree, const struct plan_edit *edit,
                               struct nw_arena *arena, struct nw_diag *diag)
{
    struct nw_slice path = nw_slice_str(edit->path);
    size_t star = nw_slice_find(path, '*');
    if (star == path.len || star < 2)
        return path;
    const char *block = nw_arena_string(arena, nw_slice_first(path, star - 1));
    const struct nw_conf_tree *names = nw_conf_tree_get(tree, block);
    const char *name = NULL;
    for (size_t i = 0; i < NW_COUNT(defaults); i++)
        if (strcmp(defaults[i].block, block) == 0)
            name = defaults[i].name;
    if (names != NULL && names->kind == NW_CONF_MAPPING && names->child_count > 1) {
        blame(edit, diag,
              nw_arena_printf(arena, "--set %s.%s%s=%s", block, names->first->key.ptr,
                              path.ptr + star + 1, edit->value)
                  .ptr,
              nw_arena_printf(arena, "which of the %zu %s?", names->child_count, block).ptr);
        return (struct nw_slice){0};
    }
    if (names != NULL && names->kind == NW_CONF_MAPPING && names->child_count == 1)
        name = names->first->key.ptr;
    return nw_arena_printf(arena, "%s.%s%s", block, name != NULL ? name : "*", path.ptr + star + 1);
}

/* A flag adds what the file leaves out; two sources for one number are both named. */
static bool is_silent(const struct nw_conf_tree *tree, const struct plan_edit *edit,
                      struct nw_slice path, const char *name, struct nw_diag *diag)
{
    const struct nw_conf_tree *there = edit->is_set ? NULL : nw_conf_tree_find(tree, path);
    if (there == NULL)
        return true;
    nw_diag_add(diag, false, edit->source, 0, 0, NULL, "keep one of them, or use --set",
                "%.*s stands in %s:%d:%d too", NW_SLICE_ARG(path), name, there->line,
                there->column);
    return false;
}

static nw_err put(struct nw_conf_tree *tree, const struct plan_edit *edit, struct nw_slice path,
                  struct nw_arena *arena, struct nw_diag *diag)
{
    struct nw_conf_tree *value;
    if (edit->value[0] == '\0') {
        blame(edit, diag, NULL, "has no value");
        return NW_INVALID;
    }
    nw_err err =
        nw_conf_tree_parse(nw_slice_str(edit->value), edit->source, "a value", arena, diag, &value);
    if (err != NW_OK)
        return err;
    err = nw_conf_tree_put(tree, path, value, edit->source, arena);
    if (err != NW_OK)
        blame(edit, diag, "paths are names divided by dots, such as load.peak",
              "no option can stand there");
    return err;
}

nw_err plan_file_edit(struct nw_conf_tree *tree, const struct plan_edit *edit,
                      struct nw_arena *arena, struct nw_diag *diag)
{
    struct nw_slice path = resolve(tree, edit, arena, diag);
    return path.ptr == NULL ? NW_INVALID : put(tree, edit, path, arena, diag);
}

static nw_err apply(struct nw_conf_tree *tree, const struct plan_file *file,
                    const struct plan_edit *edits, size_t edit_count, struct nw_arena *arena,
                    struct nw_diag *diag)
{
    nw_err first = NW_OK;
    for (size_t i = 0; i < edit_count; i++) {
        struct nw_slice path = resolve(file->written, &edits[i], arena, diag);
        nw_err err = NW_INVALID;
        if (path.ptr != NULL && is_silent(file->written, &edits[i], path, file->name, diag))
            err = put(tree, &edits[i], path, arena, diag);
        if (first == NW_OK)
            first = err;
    }
    return first;
}

nw_err plan_file_input(const struct nw_conf_tree *tree, const char *name,
                       const struct nw_conf_outside *outside, struct nw_arena *arena,
                       struct nw_diag *diag, struct nw_model_plan_input **out)
{
    struct plan_top *top = nw_arena_zero(arena, sizeof *top);
    nw_err err = nw_conf_table_read(tree, name, &plan_tables, outside, arena, diag, top);
    nw_err made = plan_input_make(top, name, arena, diag, out);
    return err != NW_OK ? err : made;
}

static nw_err read_all(struct plan_file *file, struct nw_slice text, const struct plan_edit *edits,
                       size_t edit_count, const struct nw_conf_outside *outside,
                       struct nw_diag *diag)
{
    struct nw_conf_tree *written;
    struct nw_slice start = text.ptr != NULL ? text : NW_SLICE("plan: 1\n");
    if (text.len > PLAN_FILE_MAX_BYTES) {
        nw_diag_add(diag, false, file->name, 0, 0, NULL, NULL, "is larger than 1 MiB");
        return NW_INVALID;
    }
    nw_err err =
        nw_conf_tree_parse(start, file->name, plan_tables.first_line, &file->arena, diag, &written);
    if (written == NULL)
        return err;
    file->written = written;
    struct nw_conf_tree *tree = nw_conf_tree_copy(written, &file->arena);
    nw_err applied = apply(tree, file, edits, edit_count, &file->arena, diag);
    file->tree = tree;
    nw_err made = plan_file_input(tree, file->name, outside, &file->arena, diag, &file->input);
    return err != NW_OK ? err : applied != NW_OK ? applied : made;
}

nw_err plan_file_read(struct nw_slice text, const char *name, const struct plan_edit *edits,
                      size_t edit_count, const struct nw_conf_outside *outside,
                      struct nw_diag *diag, struct plan_file **out)
{
    struct plan_file *file = nw_alloc_zero(sizeof *file);
    nw_arena_init(&file->arena, NULL, 0, ARENA_MAX_BYTES);
    file->name =
        text.ptr != NULL ? nw_arena_string(&file->arena, nw_slice_str(name)) : "command line";
    nw_err err = read_all(file, text, edits, edit_count, outside, diag);
    if (err == NW_OK)
        *out = file;
    else
        plan_file_free(file);
    return err;
}

void plan_file_free(struct plan_file *file)
{
    if (file == NULL)
        return;
    nw_arena_done(&file->arena);
    nw_free(file);
}
