/*
 * networks.h - lists of networks: written out, or in files of their own, as one set of ranges.
 *
 * Owner:   ranges lie in the reader's arena; what is in between lies on the heap and is freed here
 * Threads: one reader, one thread
 */
#ifndef NW_CONF_NETWORKS_H
#define NW_CONF_NETWORKS_H

#include "conf/type.h"

/* One entry of such a list before all of them are put together. */
struct nw_conf_networks_entry {
    struct nw_cidr one;
    struct nw_cidr *many; /* of a file; NULL: `one` it is */
    size_t count;
    bool is_off;
};

/* "10.0.0.0/8", "file:PATH" or "off". What is wrong within the file is blamed there. */
NW_MUST_CHECK nw_err nw_conf_networks_entry(struct nw_conf_reader *reader, struct nw_slice text,
                                            struct nw_conf_networks_entry *out,
                                            struct nw_conf_why *why);
/*
 * The lines of a list: a network each, "#" begins a comment. Each mistake is blamed at its place in
 * `file`; *out_networks, for the caller to free, holds the others, NW_IP_RANGES_MAX at most.
 */
void nw_conf_networks_lines(struct nw_conf_reader *reader, struct nw_slice text, const char *file,
                            struct nw_cidr **out_networks, size_t *out_count);
/*
 * Puts the entries together and frees what they hold. Too many, or off beside others, is blamed at
 * the first of them. Not is_right, something in them was blamed already: empty, as if not given.
 */
void nw_conf_networks_join(struct nw_conf_reader *reader, const struct nw_conf_tree *first,
                           const char *path, struct nw_conf_networks_entry *entries, size_t count,
                           bool is_right, struct nw_conf_networks *out);

#endif
