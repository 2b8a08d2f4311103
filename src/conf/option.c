/*
 * options.def becomes arrays of rows. The field that an option fills is found by name at compile
 * time: FIELD_<TYPE> adds the unit, offsetof fails when conf.h lacks the field, and the static
 * assertions below fail when it has another size than the type's parser writes. So a row and its
 * field cannot drift apart without the compiler saying so.
 */
#include "conf/option.h"

#include "base/assert.h"
#include "conf/networks.h"

#define REQUIRED NW_CONF_REQUIRED
#define nw_conf_top nw_conf /* the struct of the block `top` */

#define FIELD_BOOL(name) name
#define FIELD_INT(name) name
#define FIELD_COUNT(name) name
#define FIELD_AUTO(name) name
#define FIELD_COUNT_OR_OFF(name) name
#define FIELD_DURATION(name) name##_ms
#define FIELD_SIZE(name) name##_bytes
#define FIELD_BYTE_RATE(name) name##_bytes_per_s
#define FIELD_PERCENT(name) name##_ratio
#define FIELD_CORES(name) name##_cores
#define FIELD_SHARE(name) name
#define FIELD_SHARE_SIZE(name) name
#define FIELD_CHOICE(name) name
#define FIELD_CHOICES(name) name
#define FIELD_STRING(name) name
#define FIELD_TEXT(name) name
#define FIELD_NAME(name) name
#define FIELD_OWN_NAME(name) name
#define FIELD_SECRET(name) name
#define FIELD_OUTPUT(name) name
#define FIELD_FILE(name) name
#define FIELD_TICKETS(name) name
#define FIELD_LOCATION(name) name
#define FIELD_ADDRESS(name) name
#define FIELD_LISTEN_ADDRESS(name) name
#define FIELD_PATH(name) name
#define FIELD_KEY(name) name
#define FIELD_HOST_RULE(name) name
#define FIELD_STRINGS(name) name
#define FIELD_COMMAND(name) name
#define FIELD_METHODS(name) name
#define FIELD_HOSTS(name) name
#define FIELD_NETWORKS(name) name
#define FIELD_STATUSES(name) name
#define FIELD_MATCHES(name) name
#define FIELD_HEADER_MATCHES(name) name
#define FIELD_FIELDS(name) name
#define FIELD_ENVIRONMENT(name) name

/* What a field of each shape occupies. */
#define SHAPE_BYTES_SCALAR(type) sizeof(type)
#define SHAPE_BYTES_LIST(type) sizeof(struct nw_conf_strings)
#define SHAPE_BYTES_MAP(type) sizeof(struct nw_conf_pairs)

enum {
#define NW_TYPE(name, shape, parse, type, number, pattern, title)                                  \
    BYTES_##name = SHAPE_BYTES_##shape(type),
#include "conf/type.def"
#undef NW_TYPE
};

#define STRUCT(block) struct nw_conf_##block

static const struct nw_conf_option options[] = {
#define NW_BLOCK(block_name, place, shorthand, text)
#define NW_OPTION(block_name, option, kind, default_text, least, most, text)                       \
    {.block = NW_CONF_BLOCK_##block_name,                                                          \
     .name = #option,                                                                              \
     .type = NW_CONF_TYPE_##kind,                                                                  \
     .fallback = default_text,                                                                     \
     .min = least,                                                                                 \
     .max = most,                                                                                  \
     .of = NW_CONF_BLOCK_NONE,                                                                     \
     .help = text,                                                                                 \
     .offset = offsetof(STRUCT(block_name), FIELD_##kind(option))},
#define NW_CHOICE(block_name, option, kind, default_text, list, text)                              \
    {.block = NW_CONF_BLOCK_##block_name,                                                          \
     .name = #option,                                                                              \
     .type = NW_CONF_TYPE_##kind,                                                                  \
     .fallback = default_text,                                                                     \
     .choices = list,                                                                              \
     .of = NW_CONF_BLOCK_NONE,                                                                     \
     .help = text,                                                                                 \
     .offset = offsetof(STRUCT(block_name), option)},
#define NW_NESTED(block_name, option, kind, target, text)                                          \
    {.block = NW_CONF_BLOCK_##block_name,                                                          \
     .name = #option,                                                                              \
     .type = NW_CONF_TYPE_##kind,                                                                  \
     .of = NW_CONF_BLOCK_##target,                                                                 \
     .help = text,                                                                                 \
     .offset = offsetof(STRUCT(block_name), option)},
#include "conf/options.def"
#undef NW_BLOCK
#undef NW_OPTION
#undef NW_CHOICE
#undef NW_NESTED
    {.block = NW_CONF_BLOCK_NONE}, /* ends the last block */
};

#define FIELD_BYTES(block, field) sizeof(((STRUCT(block) *)0)->field)
#define NW_BLOCK(block_name, place, shorthand, text)                                               \
    _Static_assert(offsetof(STRUCT(block_name), block) == 0, #block_name);
#define NW_OPTION(block, name, kind, fallback, min, max, help)                                     \
    _Static_assert(FIELD_BYTES(block, FIELD_##kind(name)) == BYTES_##kind, #block "." #name);
#define NW_CHOICE(block, name, kind, fallback, choices, help)                                      \
    _Static_assert(FIELD_BYTES(block, name) == sizeof(int), #block "." #name);
#define NW_NESTED(block, name, kind, of, help)
#include "conf/options.def"
#undef NW_BLOCK
#undef NW_OPTION
#undef NW_CHOICE
#undef NW_NESTED

static const struct nw_conf_block_info blocks[] = {
#define NW_BLOCK(block_name, place, bare, text)                                                    \
    {.id = NW_CONF_BLOCK_##block_name,                                                             \
     .name = #block_name,                                                                          \
     .path = place,                                                                                \
     .shorthand = bare,                                                                            \
     .help = text,                                                                                 \
     .struct_bytes = sizeof(STRUCT(block_name)),                                                   \
     .options = options + NW_CONF_FIRST_##block_name},
#define NW_OPTION(block, name, kind, fallback, min, max, help)
#define NW_CHOICE(block, name, kind, fallback, choices, help)
#define NW_NESTED(block, name, kind, of, help)
#include "conf/options.def"
#undef NW_BLOCK
#undef NW_OPTION
#undef NW_CHOICE
#undef NW_NESTED
};

const struct nw_conf_block_info *nw_conf_block_info(nw_conf_block_id block)
{
    NW_ASSERT(block >= 0 && block < NW_CONF_BLOCK_COUNT);
    return &blocks[block];
}

const struct nw_conf_option *nw_conf_option_find(nw_conf_block_id block, struct nw_slice name)
{
    NW_CONF_EACH_OPTION(option, nw_conf_block_info(block))
    {
        if (nw_slice_eq(name, nw_slice_str(option->name)))
            return option;
    }
    return NULL;
}

bool nw_conf_option_is_required(const struct nw_conf_option *option)
{
    return option->fallback != NULL && strcmp(option->fallback, NW_CONF_REQUIRED) == 0;
}
