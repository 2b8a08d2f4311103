/*
 * route_trie.h - the routes of a configuration sorted by host and by path segment.
 *
 * One trie for each host name, each wildcard and the routes without a host. It lives while a table
 * is compiled: route_states.h turns it into what requests walk, route_cover.h asks it which earlier
 * routes might cover a later one.
 *
 * Owner:   the struct owns its memory; texts are the configuration's
 * Threads: one at a time
 */
#ifndef NW_GATE_ROUTE_TRIE_H
#define NW_GATE_ROUTE_TRIE_H

#include "conf/conf.h"
#include "gate/route_words.h"

#define ROUTE_NONE UINT32_MAX /* behind every index */

/* Routes that end at one place, in file order. */
struct trie_list {
    uint32_t first; /* link; 0: none */
    uint32_t last;
};

struct trie_link {
    uint32_t index; /* of the route */
    uint32_t next;
};

struct trie_node {
    uint32_t any;         /* the child for {x}, or 0 */
    uint32_t literal;     /* the word that leads here; 0 for {x} */
    uint32_t children;    /* first child with a literal */
    uint32_t next;        /* sibling with a literal */
    uint32_t child_count; /* with literals */
    uint32_t depth;
    uint32_t height;      /* levels below */
    uint32_t min_index;   /* of the routes here and below */
    struct trie_list open;   /* take whatever follows: prefixes, {x...}, routes without a path */
    struct trie_list closed; /* take a path that ends here */
};

struct trie_group {
    uint32_t root;
    struct trie_list regexes;
    uint32_t route_count;
};

struct route_trie {
    const struct nw_conf *conf;
    struct route_words literals;
    struct route_words hosts;
    uint32_t *exact; /* group by host word, as many as there are words; 0: none */
    uint32_t *wild;
    size_t exact_cap, wild_cap;
    struct trie_group *groups; /* 0: routes without a host */
    size_t group_count, group_cap;
    struct trie_node *nodes; /* 0 is not used */
    size_t node_count, node_cap;
    struct trie_link *links; /* 0 is not used */
    size_t link_count, link_cap;
    struct route_edges edges; /* (node, word) to node */
    uint32_t depth_max;
    uint32_t wild_labels_max; /* dots + 1 in the longest wildcard's name */
};

/* A path as the trie sees it: segments that are tested, and whether anything may follow them. */
struct trie_shape {
    const struct nw_conf_segment *segments;
    size_t count;
    bool is_open;
};
struct trie_shape trie_shape_of(const struct nw_conf_path *path);

void route_trie_init(struct route_trie *trie, const struct nw_conf *conf);
void route_trie_done(struct route_trie *trie);

/*
 * The suffixes of a host that wildcards may name: "b.c" then "c" for "a.b.c". *at starts as 1, for
 * at least one byte stands before the dot; false at the end.
 */
static inline bool route_host_suffix(struct nw_slice host, size_t *at, struct nw_slice *out)
{
    if (*at >= host.len)
        return false;
    size_t dot = *at + nw_slice_find(nw_slice_skip(host, *at), '.');
    if (dot >= host.len)
        return false;
    *at = dot + 1;
    *out = nw_slice_skip(host, dot + 1);
    return true;
}

#endif
