/*
 * The option tables walk the tree. A block is filled in two passes: every option gets its default,
 * then the file's keys overwrite what they name, so no field is ever undefined, whatever was wrong
 * in the file. A struct starts with where it stood (nw_conf_block), which is all that later checks
 * need to point at the right line.
 *
 * Recursion follows the nesting of blocks, which the tree bounds at 32.
 */
#include "conf/parse.h"

#include "base/assert.h"
#include "base/suggest.h"
#include "conf/table.h"

/* What nw_conf_nodes and its relatives look like. */
struct array {
    char *items;
    size_t count;
};

static void read_block(struct nw_conf_reader *reader, int id, const struct nw_conf_tree *tree,
                       const char *path, void *out);

static void *field_of(void *block, const struct nw_conf_option *option)
{
    return (char *)block + option->offset;
}

static const char *join(struct nw_conf_reader *reader, const char *path, const char *name)
{
    if (path[0] == '\0')
        return name;
    return nw_arena_printf(reader->arena, "%s.%s", path, name).ptr;
}

/* One mapping may stand where a list of them is expected; so may one shorthand value. */
static void read_blocks(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, const char *path, struct array *out)
{
    bool is_list = tree->kind == NW_CONF_SEQUENCE;
    size_t count = is_list ? tree->child_count : 1;
    size_t bytes = nw_conf_block_info(reader->tables, option->of)->struct_bytes;
    out->items = nw_arena_zero(reader->arena, count * bytes + 1);
    const struct nw_conf_tree *item = is_list ? tree->first : tree;
    for (size_t i = 0; i < count; i++, item = item->next) {
        const char *item_path = nw_arena_printf(reader->arena, "%s[%zu]", path, i).ptr;
        read_block(reader, option->of, item, item_path, out->items + i * bytes);
    }
    out->count = count;
}

/* A mapping by the user's own names; the block has an option `name` of type OWN_NAME for them. */
static void read_named(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path, struct array *out)
{
    const struct nw_conf_block_info *info = nw_conf_block_info(reader->tables, option->of);
    const struct nw_conf_option *name = nw_conf_option_find(info, NW_SLICE("name"));
    size_t bytes = info->struct_bytes;
    NW_ASSERT(name != NULL && name->type == NW_CONF_TYPE_OWN_NAME);
    if (tree->kind != NW_CONF_MAPPING) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "expected a mapping of names");
        return;
    }
    out->items = nw_arena_zero(reader->arena, tree->child_count * bytes + 1);
    for (const struct nw_conf_tree *item = tree->first; item != NULL; item = item->next) {
        char *to = out->items + out->count++ * bytes;
        const char *item_path = join(reader, path, item->key.ptr);
        read_block(reader, option->of, item, item_path, to);
        struct nw_conf_tree key = {.text = item->key,
                                   .is_quoted = true,
                                   .line = item->key_line,
                                   .column = item->key_column};
        *(struct nw_slice *)field_of(to, name) = item->key;
        nw_conf_type_read(reader, name, &key, item_path, field_of(to, name));
    }
}

static void read_option(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, const char *path, void *block)
{
    if (tree->is_broken)
        return;
    void *field = field_of(block, option);
    bool is_nested = option->type >= NW_CONF_TYPE_BLOCK;
    if (is_nested && tree->kind == NW_CONF_SCALAR && tree->text.len == 0 && !tree->is_quoted)
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "has no value; give one or remove the line");
    else if (option->type == NW_CONF_TYPE_BLOCK)
        read_block(reader, option->of, tree, path, field);
    else if (option->type == NW_CONF_TYPE_BLOCKS)
        read_blocks(reader, option, tree, path, field);
    else if (option->type == NW_CONF_TYPE_NAMED)
        read_named(reader, option, tree, path, field);
    else
        nw_conf_type_read(reader, option, tree, path, field);
}

static void refuse_unknown(struct nw_conf_reader *reader, const struct nw_conf_block_info *info,
                           const struct nw_conf_tree *tree, const char *path)
{
    const char *names[64];
    size_t count = 0;
    NW_CONF_EACH_OPTION(option, info)
    {
        if (option->type != NW_CONF_TYPE_OWN_NAME)
            names[count++] = option->name;
    }
    const char *nearest = nw_suggest(tree->key, names, count);
    nw_conf_reader_blame(reader, tree->key_line, tree->key_column, path,
                         nearest != NULL
                             ? nw_arena_printf(reader->arena, "did you mean %s", nearest).ptr
                             : NULL,
                         "there is no such option");
}

static void read_defaults(struct nw_conf_reader *reader, const struct nw_conf_block_info *info,
                          const char *path, void *out)
{
    NW_CONF_EACH_OPTION(option, info)
    {
        if (option->type == NW_CONF_TYPE_BLOCK)
            read_block(reader, option->of, NULL, join(reader, path, option->name),
                       field_of(out, option));
        else if (option->type < NW_CONF_TYPE_BLOCK)
            nw_conf_type_default(reader, option, field_of(out, option));
    }
}

static void mark_given(const struct nw_conf_block_info *info, const struct nw_conf_option *option,
                       void *out)
{
    size_t index = (size_t)(option - info->options);
    NW_ASSERT(index < 64);
    ((struct nw_conf_block *)out)->given |= (uint64_t)1 << index;
}

static void read_keys(struct nw_conf_reader *reader, const struct nw_conf_block_info *info,
                      const struct nw_conf_tree *tree, const char *path, void *out)
{
    const char *file = reader->file;
    for (const struct nw_conf_tree *child = tree->first; child != NULL; child = child->next) {
        reader->file = child->file != NULL ? child->file : file;
        const struct nw_conf_option *option = nw_conf_option_find(info, child->key);
        const char *child_path = join(reader, path, child->key.ptr);
        if (option == NULL || option->type == NW_CONF_TYPE_OWN_NAME) {
            refuse_unknown(reader, info, child, child_path);
            continue;
        }
        mark_given(info, option, out);
        read_option(reader, option, child, child_path, out);
    }
    reader->file = file;
    NW_CONF_EACH_OPTION(option, info)
    {
        if (nw_conf_option_is_required(option) && nw_conf_tree_get(tree, option->name) == NULL)
            nw_conf_reader_blame(reader, tree->line, tree->column, join(reader, path, option->name),
                                 option == reader->tables->blocks[0].options
                                     ? nw_arena_printf(reader->arena, "write %s as the first line",
                                                       reader->tables->first_line)
                                           .ptr
                                     : option->help,
                                 "is missing");
    }
}

/* The value of the shorthand option alone: a scalar, or a quantity's { value, low, high }. */
static bool is_short_form(const struct nw_conf_block_info *info, const struct nw_conf_tree *tree)
{
    if (info->shorthand == NULL || tree->kind == NW_CONF_SEQUENCE)
        return false;
    if (tree->kind == NW_CONF_SCALAR)
        return true;
    const struct nw_conf_option *option = nw_conf_option_find(info, nw_slice_str(info->shorthand));
    return nw_conf_type(option->type)->shape == NW_CONF_SHAPE_QUANTITY &&
           nw_conf_option_find(info, NW_SLICE("value")) == NULL &&
           nw_conf_tree_get(tree, "value") != NULL;
}

/* `tree` NULL: the block does not stand in the file, only its defaults count. */
static void read_block(struct nw_conf_reader *reader, int id, const struct nw_conf_tree *tree,
                       const char *path, void *out)
{
    const struct nw_conf_block_info *info = nw_conf_block_info(reader->tables, id);
    *(struct nw_conf_block *)out = (struct nw_conf_block){.tree = tree, .path = path};
    read_defaults(reader, info, path, out);
    if (tree == NULL || tree->is_broken)
        return;
    bool is_short = is_short_form(info, tree);
    if (tree->kind == NW_CONF_MAPPING && !is_short) {
        read_keys(reader, info, tree, path, out);
        return;
    }
    if (!is_short) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path[0] != '\0' ? path : NULL, NULL,
                             "expected a mapping of options, not a %s",
                             tree->kind == NW_CONF_SCALAR ? "bare value" : "list");
        return;
    }
    const struct nw_conf_option *option = nw_conf_option_find(info, nw_slice_str(info->shorthand));
    NW_ASSERT(option != NULL);
    mark_given(info, option, out);
    read_option(reader, option, tree, path, out);
}

void nw_conf_parse(struct nw_conf_reader *reader, const struct nw_conf_tree *root,
                   struct nw_conf *conf)
{
    read_block(reader, 0, root, "", conf);
    for (size_t i = 0; i < conf->services.count; i++)
        conf->services.items[i].index = i;
}

/* What beside newel.yaml has tables keeps no secrets. */
nw_err nw_conf_table_read(const struct nw_conf_tree *tree, const char *file,
                          const struct nw_conf_tables *tables,
                          const struct nw_conf_outside *outside, struct nw_arena *arena,
                          struct nw_diag *diag, void *out)
{
    static const struct nw_conf_outside nothing = {0};
    size_t error_count = diag->error_count;
    struct nw_conf_reader reader = {
        .tables = tables,
        .file = nw_arena_string(arena, nw_slice_str(file)),
        .outside = outside != NULL ? outside : &nothing,
        .arena = arena,
        .diag = diag,
    };
    memset(out, 0, tables->blocks[0].struct_bytes);
    read_block(&reader, 0, tree, "", out);
    if (reader.unshown_count > 0)
        nw_diag_error(diag, "%zu more mistakes are not shown", reader.unshown_count);
    return diag->error_count == error_count ? NW_OK : NW_INVALID;
}

nw_err nw_conf_table_load(struct nw_slice text, const char *file,
                          const struct nw_conf_tables *tables,
                          const struct nw_conf_outside *outside, struct nw_arena *arena,
                          struct nw_diag *diag, void *out)
{
    struct nw_conf_tree *tree;
    nw_err err = nw_conf_tree_parse(text, file, tables->first_line, arena, diag, &tree);
    memset(out, 0, tables->blocks[0].struct_bytes);
    if (tree == NULL)
        return err;
    nw_err read = nw_conf_table_read(tree, file, tables, outside, arena, diag, out);
    return err != NW_OK ? err : read;
}

bool nw_conf_words_next(const struct nw_conf_strings *list, size_t *item, struct nw_slice *rest,
                        struct nw_slice *out)
{
    while (!nw_slice_split(rest, ',', out)) {
        if (*item == list->count)
            return false;
        *rest = list->items[(*item)++];
    }
    *out = nw_slice_trim(*out);
    return true;
}
