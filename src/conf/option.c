/*
 * options.def becomes the table of newel.yaml. Rows find their fields at compile time
 * (table_rows.def); what is left here is looking them up.
 */
#include "conf/table.h"

#include "base/assert.h"

#define nw_conf_top nw_conf /* the struct of the block `top` */
#define NW_CONF_ROWS "conf/options.def"
#define NW_CONF_ID(word) NW_CONF_##word
#define NW_CONF_STRUCT(block) struct nw_conf_##block
#include "conf/table_rows.def"

static const char intro[] =
    "<!-- Generated from src/conf/options.def by tools/gen_reference.py. -->\n"
    "# Options of newel.yaml\n\n"
    "The file is strict YAML: unknown and duplicate keys, anchors, aliases, tags, tabs as\n"
    "indentation and bare `yes` and `no` are errors, and so are bare `on` and `off` but where an\n"
    "option names them. `newel check FILE` names every mistake with its line and column.\n\n"
    "| value | how it is written |\n|---|---|\n"
    "| duration | a whole number and `ms`, `s`, `m`, `h` or `d`; a bare `0` |\n"
    "| size | bytes, with `K M G T` in powers of 1024 or `KB MB GB TB` in powers of 1000 |\n"
    "| count | a whole number, with `K M G` in powers of 1000 |\n"
    "| share | a percentage, a fraction such as `1/8`, or a fixed number |\n"
    "| address | `host:port`, `[v6]:port` or `unix:/path` |\n"
    "| list | `[ a, b ]` or one item for each `-` line; a single item may stand alone |\n\n"
    "`${NAME}` in a value is the environment variable NAME; `$${` stands for `${` itself. Where\n"
    "`file:PATH` is allowed, the file's content is the value, without one trailing newline; PATH\n"
    "is relative to the folder of newel.yaml. Everything can be changed by a reload except what\n"
    "says that it needs a restart.\n";

const struct nw_conf_tables nw_conf_newel_tables = {
    .title = "newel.yaml",
    .first_line = "newel: 1",
    .intro = intro,
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};

const struct nw_conf_block_info *nw_conf_block_info(const struct nw_conf_tables *tables, int block)
{
    NW_ASSERT(block >= 0 && block < tables->block_count);
    return &tables->blocks[block];
}

const struct nw_conf_option *nw_conf_option_find(const struct nw_conf_block_info *info,
                                                 struct nw_slice name)
{
    NW_CONF_EACH_OPTION(option, info) {
        if (nw_slice_eq(name, nw_slice_str(option->name)))
            return option;
    }
    return NULL;
}

bool nw_conf_option_is_required(const struct nw_conf_option *option)
{
    return option->fallback != NULL && strcmp(option->fallback, NW_CONF_REQUIRED) == 0;
}

/* Names of the user's own may hold dots: the shortest behind which an option follows is meant. */
static const struct nw_conf_option *find_from(const struct nw_conf_tables *tables,
                                              const struct nw_conf_block_info *info,
                                              struct nw_slice path)
{
    size_t len = nw_slice_find(path, '.');
    const struct nw_conf_option *option =
        info != NULL ? nw_conf_option_find(info, nw_slice_first(path, len)) : NULL;
    if (option == NULL || len == path.len)
        return option;
    path = nw_slice_skip(path, len + 1);
    info = option->of != NW_CONF_BLOCK_NONE ? nw_conf_block_info(tables, option->of) : NULL;
    if (option->type != NW_CONF_TYPE_NAMED)
        return find_from(tables, info, path);
    if (nw_slice_find(path, '.') == path.len)
        return option; /* it is the name */
    for (size_t at = 1; at + 1 < path.len; at++) {
        const struct nw_conf_option *found =
            path.ptr[at] == '.' ? find_from(tables, info, nw_slice_skip(path, at + 1)) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

const struct nw_conf_option *nw_conf_table_find(const struct nw_conf_tables *tables,
                                                struct nw_slice path)
{
    return find_from(tables, &tables->blocks[0], path);
}
