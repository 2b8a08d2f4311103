/*
 * tree_edit.h - a tree with some of its values exchanged, before it is read.
 *
 * A path is keys divided by dots, "services.app.node_rate". Keys may hold dots themselves: the
 * longest key that is there wins.
 *
 * Owner:   new nodes live in the arena given; `source` is borrowed
 * Threads: one tree, one thread
 */
#ifndef NW_CONF_TREE_EDIT_H
#define NW_CONF_TREE_EDIT_H

#include "conf/tree.h"

/* A deep copy. */
struct nw_conf_tree *nw_conf_tree_copy(const struct nw_conf_tree *tree, struct nw_arena *arena);
/* What stands at the path, or NULL; the root at "". */
const struct nw_conf_tree *nw_conf_tree_find(const struct nw_conf_tree *root, struct nw_slice path);
/*
 * Puts a copy of `value` there, in the place of what is there; mappings on the way are made.
 * Messages about it name `source` ("--set load.peak=5") instead of a file and a line. NW_INVALID:
 * the path is empty, has an empty key, or goes through what is no mapping; mappings made on the
 * way stay.
 */
NW_MUST_CHECK nw_err nw_conf_tree_put(struct nw_conf_tree *root, struct nw_slice path,
                                      const struct nw_conf_tree *value, const char *source,
                                      struct nw_arena *arena);
/* Takes what is there away, if anything is. */
void nw_conf_tree_remove(struct nw_conf_tree *root, struct nw_slice path);

#endif
