/*
 * list.h - an intrusive, circular, doubly linked list.
 *
 * Owner:   the caller owns every node; a node is in one list at a time
 * Threads: none of its own; guard it where it is shared
 */
#ifndef NW_BASE_LIST_H
#define NW_BASE_LIST_H

#include <stdbool.h>

#include "base/compiler.h"

struct nw_list {
    struct nw_list *next;
    struct nw_list *prev;
};

/* Makes an empty list, or a node that is in no list. */
static inline void nw_list_init(struct nw_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool nw_list_is_empty(const struct nw_list *list)
{
    return list->next == list;
}

static inline void nw_list_push_back(struct nw_list *list, struct nw_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void nw_list_push_front(struct nw_list *list, struct nw_list *node)
{
    node->next = list->next;
    node->prev = list;
    list->next->prev = node;
    list->next = node;
}

/* Safe on a node that is in no list (after nw_list_init or an earlier removal). */
static inline void nw_list_remove(struct nw_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    nw_list_init(node);
}

/* The first node, removed; NULL when empty. */
static inline struct nw_list *nw_list_pop_front(struct nw_list *list)
{
    struct nw_list *node = list->next;
    if (node == list)
        return NULL;
    nw_list_remove(node);
    return node;
}

/* Moves everything of `from` to the back of `to`; `from` is empty afterwards. */
static inline void nw_list_splice_back(struct nw_list *to, struct nw_list *from)
{
    if (nw_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    nw_list_init(from);
}

/* The body may remove the current node, no other. */
#define NW_LIST_EACH(node, list)                                                                   \
    for (struct nw_list *node = (list)->next, *nw_next_##node = node->next; node != (list);        \
         node = nw_next_##node, nw_next_##node = node->next)

#endif
