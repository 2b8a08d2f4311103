/*
 * type.h - from a node of the tree to a typed field.
 *
 * Owner:   results live in the reader's arena
 * Threads: one reader, one thread
 */
#ifndef NW_CONF_TYPE_H
#define NW_CONF_TYPE_H

#include "conf/option.h"

/* After this many mistakes the rest is counted, not shown. */
#define NW_CONF_MISTAKES_MAX 500

struct nw_conf_reader {
    const struct nw_conf_tables *tables;
    const char *file;
    const struct nw_conf_outside *outside;
    struct nw_arena *arena;
    struct nw_diag *diag;
    struct nw_secrets *secrets; /* where those of the file go */
    size_t unshown_count;       /* mistakes beyond the maximum */
};

typedef enum nw_conf_shape {
    NW_CONF_SHAPE_SCALAR,
    NW_CONF_SHAPE_LIST,
    NW_CONF_SHAPE_MAP,
    NW_CONF_SHAPE_QUANTITY, /* a scalar, or a mapping of value, low and high */
    NW_CONF_SHAPE_POINTS,   /* a list of pairs */
} nw_conf_shape;

typedef enum nw_conf_number {
    NW_CONF_NUMBER_NONE,
    NW_CONF_NUMBER_INT,
    NW_CONF_NUMBER_REAL,
    NW_CONF_NUMBER_PLUS, /* a REAL that is never below 0 */
    NW_CONF_NUMBER_SHARE,
} nw_conf_number;

struct nw_conf_type {
    const char *name;
    nw_conf_shape shape;
    /* One value; key is that of a map's entry, "x" or "y" in a pair, else empty. */
    nw_err (*parse)(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                    struct nw_slice key, struct nw_slice text, void *to, struct nw_conf_why *why);
    size_t value_bytes;
    nw_conf_number number;
    const char *pattern; /* of one value; NULL: any text */
    const char *title;
};

/* Only for the types of type.def, not for nested blocks. */
const struct nw_conf_type *nw_conf_type(nw_conf_type_id type);

/* Fills the field from the file's node; what is wrong goes to reader->diag. */
void nw_conf_type_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path, void *field);
/* Reads one scalar within the option's bounds; false when it was wrong and is reported. */
bool nw_conf_type_value(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, struct nw_slice key, const char *path,
                        void *to);
/* Fills the field from the option's default; asserts that the default is right. */
void nw_conf_type_default(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                          void *field);
/* Adds one mistake, or counts it once there are too many. */
void nw_conf_reader_blame(struct nw_conf_reader *reader, int line, int column, const char *path,
                          const char *suggestion, const char *format, ...) NW_PRINTF(6, 7);
/* The n-th of "a|b|c"; false behind the last. */
bool nw_conf_choice_at(const char *choices, size_t index, struct nw_slice *out);

#endif
