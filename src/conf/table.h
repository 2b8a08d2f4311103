/*
 * table.h - other files than newel.yaml, read by tables of their own.
 *
 * A command writes its options down in a .def as options.def does, its structs with a field for
 * each row, and hands both to these functions: strict tree, typed fields, bounds, defaults, all
 * mistakes at once with file:line:column and a suggestion. README.md has the recipe. What the
 * options mean together, the command judges itself (nw_conf_block_blame).
 *
 * Owner:   everything read lies in the arena given
 * Threads: one arena, one thread
 */
#ifndef NW_CONF_TABLE_H
#define NW_CONF_TABLE_H

#include "conf/option.h"

/*
 * Reads `text` into *out, the struct of the table's first block. On NW_INVALID diag holds at least
 * one error; fields are then filled as far as they could be. `file` stands in messages. outside
 * NULL: no variable is set. SECRET and ENVIRONMENT are for newel.yaml alone.
 */
NW_MUST_CHECK nw_err nw_conf_table_load(struct nw_slice text, const char *file,
                                        const struct nw_conf_tables *tables,
                                        const struct nw_conf_outside *outside,
                                        struct nw_arena *arena, struct nw_diag *diag, void *out);
/* The same for a tree that was parsed, and perhaps edited, before. */
NW_MUST_CHECK nw_err nw_conf_table_read(const struct nw_conf_tree *tree, const char *file,
                                        const struct nw_conf_tables *tables,
                                        const struct nw_conf_outside *outside,
                                        struct nw_arena *arena, struct nw_diag *diag, void *out);
/*
 * The option that a path such as "services.app.node_rate" leads to, names of the user's own
 * included; NULL where it leads to none. A name may hold dots where an option follows it: the
 * shortest that fits.
 */
const struct nw_conf_option *nw_conf_table_find(const struct nw_conf_tables *tables,
                                                struct nw_slice path);

/*
 * The next word of a list of texts whose items may be "a,b" themselves, as flags give them; false
 * behind the last. *item is 0 and *rest empty before the first call.
 */
bool nw_conf_words_next(const struct nw_conf_strings *list, size_t *item, struct nw_slice *rest,
                        struct nw_slice *out);

/*
 * A number of things as an integer: what is below 0 (or none, where the reader refused it) as 0,
 * what is above `most` as that.
 */
static inline uint64_t nw_conf_whole(double value, uint64_t most)
{
    if (!(value > 0))
        return 0;
    return value < (double)most ? (uint64_t)value : most;
}

#endif
