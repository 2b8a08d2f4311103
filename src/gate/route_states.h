/*
 * route_states.h - the tries made ready for requests: states that one segment changes to the next.
 *
 * Owner:   the struct owns its memory; texts are the configuration's
 * Threads: immutable once made
 */
#ifndef NW_GATE_ROUTE_STATES_H
#define NW_GATE_ROUTE_STATES_H

#include "gate/route_trie.h"
#include "proto/http_words.h"

/* One candidate. */
struct route_entry {
    uint32_t index;
    uint16_t methods; /* bit nw_http_method */
    bool has_names;   /* also methods without a number: ask by name */
    bool has_tests;   /* header, query, cookie, regex */
};
_Static_assert(NW_HTTP_METHOD_COUNT <= 16, "a set of methods is one word of 16 bits");

/* Candidates in file order; nothing stands behind one that takes every request. */
struct route_list {
    uint32_t first; /* in entries */
    uint32_t count;
};

struct route_state {
    uint32_t min_index;    /* of all routes reachable from here */
    uint32_t otherwise;    /* the state after a non-empty segment that has no edge; 0: none */
    uint32_t lists;        /* first of its lists: open_count take whatever follows, */
    uint32_t open_count;   /*   then closed_count take a path that ends here */
    uint32_t closed_count;
    uint32_t forks;        /* first of fork_count states that must all be tried instead */
    uint32_t fork_count;
    bool has_edges;
};

/* What a host leads to. */
struct route_group {
    uint32_t state;   /* before the first segment */
    uint32_t regexes; /* list */
};

struct route_states {
    struct route_words literals;
    struct route_words hosts;
    uint32_t *exact; /* group by host word; 0: none */
    uint32_t *wild;
    uint32_t wild_labels_max;
    struct route_group *groups; /* 0: routes without a host */
    size_t group_count;
    struct route_state *states; /* 0 is not used */
    size_t state_count, state_cap;
    struct route_list *lists; /* 0 is empty */
    size_t list_count, list_cap;
    struct route_entry *entries;
    size_t entry_count, entry_cap;
    uint32_t *forks;
    size_t fork_count, fork_cap;
    uint32_t *state_lists; /* what route_state.lists counts in */
    size_t state_list_count, state_list_cap;
    struct route_edges edges; /* (state, literal) to state */
    size_t depth_max;         /* segments that any walk may read */
    size_t pending_max;       /* forks that any walk may have put aside */
};

/* Takes the words and host tables out of the trie; its nodes stay for route_cover. */
void route_states_init(struct route_states *states, struct route_trie *trie);
void route_states_done(struct route_states *states);

#endif
