/*
 * option.h - options.def as tables, and what is printed from them.
 *
 * The parser walks these tables, and so do the JSON Schema, the reference page and the manual: an
 * option exists in all of them or in none.
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

typedef enum nw_conf_block_id {
#define NW_BLOCK(block, place, shorthand, help) NW_CONF_BLOCK_##block,
#define NW_OPTION(block, name, type, fallback, min, max, help)
#define NW_CHOICE(block, name, type, fallback, choices, help)
#define NW_NESTED(block, name, type, of, help)
#include "conf/options.def"
#undef NW_BLOCK
#undef NW_OPTION
#undef NW_CHOICE
#undef NW_NESTED
    NW_CONF_BLOCK_COUNT,
    NW_CONF_BLOCK_NONE = -1,
} nw_conf_block_id;

/* Numbers options; NW_CONF_FIRST_<block> is the number of the block's first. */
enum nw_conf_option_id {
#define NW_BLOCK(block, place, shorthand, help)                                                    \
    NW_CONF_FIRST_##block, NW_CONF_BEFORE_##block = NW_CONF_FIRST_##block - 1,
#define NW_OPTION(block, name, type, fallback, min, max, help) NW_CONF_OPTION_##block##_##name,
#define NW_CHOICE(block, name, type, fallback, choices, help) NW_CONF_OPTION_##block##_##name,
#define NW_NESTED(block, name, type, of, help) NW_CONF_OPTION_##block##_##name,
#include "conf/options.def"
#undef NW_BLOCK
#undef NW_OPTION
#undef NW_CHOICE
#undef NW_NESTED
    NW_CONF_OPTION_COUNT,
};

struct nw_conf_option {
    nw_conf_block_id block;
    const char *name;
    nw_conf_type_id type;
    const char *fallback; /* as a user would write it; NULL: empty; or NW_CONF_REQUIRED */
    const char *min;
    const char *max;
    const char *choices; /* "a|b|c" */
    nw_conf_block_id of; /* nested types only */
    const char *help;
    size_t offset; /* of the field in the block's struct */
};

#define NW_CONF_REQUIRED "(required)"

struct nw_conf_block_info {
    nw_conf_block_id id;
    const char *name;
    const char *path;      /* for people: "services.NAME.health" */
    const char *shorthand; /* the option that a bare value sets, or NULL */
    const char *help;
    size_t struct_bytes;
    const struct nw_conf_option *options; /* up to the first row of another block */
};

#define NW_CONF_EACH_OPTION(option, info)                                                          \
    for (const struct nw_conf_option *option = (info)->options; option->block == (info)->id;       \
         option++)

/* Did the file give this option of the block? */
#define NW_CONF_HAS(pointer, block_name, option_name)                                              \
    (((pointer)->block.given >>                                                                    \
          (NW_CONF_OPTION_##block_name##_##option_name - NW_CONF_FIRST_##block_name) &             \
      1) != 0)

const struct nw_conf_block_info *nw_conf_block_info(nw_conf_block_id block);
/* The option of that name in the block, or NULL. */
const struct nw_conf_option *nw_conf_option_find(nw_conf_block_id block, struct nw_slice name);
bool nw_conf_option_is_required(const struct nw_conf_option *option);

/* JSON Schema (draft 2020-12) of the file, for editors. */
void nw_conf_schema_json(struct nw_text *out);
/* docs/reference/options.md. */
void nw_conf_reference_markdown(struct nw_text *out);
/* The same for the manual page, in man(7) macros: one .SS for each block. */
void nw_conf_reference_man(struct nw_text *out);

#endif
