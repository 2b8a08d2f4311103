/*
 * option.h - a table of options as rows, and what is printed from it.
 *
 * options.def is the table of newel.yaml; the planner and the simulators have tables of their own
 * (table.h). The parser walks a table, and so do the JSON Schema, the reference page and the
 * manual: an option exists in all of them or in none.
 *
 * Owner:   static, read-only tables
 * Threads: stateless
 */
#ifndef NW_CONF_OPTION_H
#define NW_CONF_OPTION_H

#include "base/text.h"
#include "conf/conf.h"

typedef enum nw_conf_type_id {
#define NW_TYPE(name, shape, parse, type, number, pattern, title) NW_CONF_TYPE_##name,
#include "conf/type.def"
#undef NW_TYPE
    NW_CONF_TYPE_BLOCK,  /* one nested mapping */
    NW_CONF_TYPE_BLOCKS, /* a list of them */
    NW_CONF_TYPE_NAMED,  /* a mapping of them by the user's own names */
} nw_conf_type_id;

#define NW_CONF_BLOCK_NONE (-1)

struct nw_conf_option {
    int block; /* its number in the table */
    const char *name;
    nw_conf_type_id type;
    const char *fallback; /* as a user would write it; NULL: empty; or NW_CONF_REQUIRED */
    const char *min;
    const char *max;
    const char *choices; /* "a|b|c" */
    const char *words;   /* beside numbers: "none|unknown"; or NULL */
    int of;              /* the nested types' block, else NW_CONF_BLOCK_NONE */
    const char *help;
    size_t offset; /* of the field in the block's struct */
};

#define NW_CONF_REQUIRED "(required)"

struct nw_conf_block_info {
    int id;
    const char *name;
    const char *path;      /* for people: "services.NAME.health" */
    const char *shorthand; /* the option that a bare value sets, or NULL */
    const char *help;
    size_t struct_bytes;
    const struct nw_conf_option *options; /* up to the first row of another block */
};

/* All that is known about one kind of file. */
struct nw_conf_tables {
    const char *title;                       /* "newel.yaml" */
    const char *first_line;                  /* what such a file begins with: "newel: 1" */
    const char *intro;                       /* of the reference page, in Markdown */
    const struct nw_conf_block_info *blocks; /* by number; the first is the file itself */
    int block_count;
};

/* newel.yaml */
extern const struct nw_conf_tables nw_conf_newel_tables;

#define NW_CONF_EACH_OPTION(option, info)                                                          \
    for (const struct nw_conf_option *option = (info)->options; option->block == (info)->id;       \
         option++)

/* Did the file give this option of the block? first: the block's first option. */
#define NW_CONF_GIVEN(pointer, option, first)                                                      \
    (((pointer)->block.given >> ((option) - (first)) & 1) != 0)
/* The same for newel.yaml. */
#define NW_CONF_HAS(pointer, block_name, option_name)                                              \
    NW_CONF_GIVEN(pointer, NW_CONF_OPTION_##block_name##_##option_name, NW_CONF_FIRST_##block_name)

/* Numbers of newel.yaml's blocks and options. */
#define NW_CONF_ROWS "conf/options.def"
#define NW_CONF_ID(word) NW_CONF_##word
#include "conf/table_ids.def"
#undef NW_CONF_ROWS
#undef NW_CONF_ID

const struct nw_conf_block_info *nw_conf_block_info(const struct nw_conf_tables *tables, int block);
/* The option of that name in the block, or NULL. */
const struct nw_conf_option *nw_conf_option_find(const struct nw_conf_block_info *info,
                                                 struct nw_slice name);
bool nw_conf_option_is_required(const struct nw_conf_option *option);

/* JSON Schema (draft 2020-12) of the file, for editors. */
void nw_conf_schema_json(const struct nw_conf_tables *tables, struct nw_text *out);
/* The reference page. */
void nw_conf_reference_markdown(const struct nw_conf_tables *tables, struct nw_text *out);
/* The same for the manual page, in man(7) macros: one .SS for each block. */
void nw_conf_reference_man(const struct nw_conf_tables *tables, struct nw_text *out);

#endif
