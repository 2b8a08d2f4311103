/*
 * quantity.h - numbers that may carry how far they are off, and lists of pairs.
 *
 * Owner:   results live in the reader's arena
 * Threads: one reader, one thread
 */
#ifndef NW_CONF_QUANTITY_H
#define NW_CONF_QUANTITY_H

#include "conf/type.h"

/*
 * "300/s", one of the option's words, or { value: 300/s, low: 200/s, high: 500/s }: low <= value <=
 * high, each within the option's bounds; low and high are the value where they are not given. The
 * field is written only when all of it is right.
 */
void nw_conf_quantity_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                           const struct nw_conf_tree *tree, const char *path,
                           struct nw_conf_quantity *out);
/* [[1, 1800/s], [2, 3490/s]]; what is wrong is reported and left out. */
void nw_conf_points_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                         const struct nw_conf_tree *tree, const char *path,
                         struct nw_conf_points *out);

#endif
