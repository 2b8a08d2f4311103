/*
 * Editing a tree before it is read: what-if is the file with one value exchanged, so every check
 * and every message is that of the file. Names of the user's own may hold dots; on the way down the
 * longest key that is there and fits wins, and only what is not there is cut at the first dot.
 */
#include "conf/tree_edit.h"

struct nw_conf_tree *nw_conf_tree_copy(const struct nw_conf_tree *tree, struct nw_arena *arena)
{
    struct nw_conf_tree *copy = nw_arena_zero(arena, sizeof *copy);
    *copy = *tree;
    copy->first = NULL;
    copy->next = NULL;
    struct nw_conf_tree **tail = &copy->first;
    for (const struct nw_conf_tree *child = tree->first; child != NULL; child = child->next) {
        *tail = nw_conf_tree_copy(child, arena);
        tail = &(*tail)->next;
    }
    return copy;
}

/* Does the path begin with this key, whole? */
static bool is_on_path(const struct nw_conf_tree *child, struct nw_slice path)
{
    return nw_slice_starts_with(path, child->key) &&
           (path.len == child->key.len || path.ptr[child->key.len] == '.');
}

/* The child that the path goes through, as a link; NULL when there is none. */
static struct nw_conf_tree **link_on_path(struct nw_conf_tree *mapping, struct nw_slice path)
{
    struct nw_conf_tree **found = NULL;
    for (struct nw_conf_tree **link = &mapping->first; *link != NULL; link = &(*link)->next)
        if (is_on_path(*link, path) && (found == NULL || (*link)->key.len > (*found)->key.len))
            found = link;
    return found;
}

const struct nw_conf_tree *nw_conf_tree_find(const struct nw_conf_tree *root, struct nw_slice path)
{
    const struct nw_conf_tree *at = root;
    while (at != NULL && path.len > 0) {
        struct nw_conf_tree **link = at->kind == NW_CONF_MAPPING
                                         ? link_on_path((struct nw_conf_tree *)(uintptr_t)at, path)
                                         : NULL;
        if (link == NULL)
            return NULL;
        at = *link;
        path = nw_slice_skip(path, at->key.len < path.len ? at->key.len + 1 : path.len);
    }
    return at;
}

static struct nw_conf_tree *add_child(struct nw_conf_tree *mapping, struct nw_slice key,
                                      const char *source, struct nw_arena *arena)
{
    struct nw_conf_tree *child = nw_arena_zero(arena, sizeof *child);
    child->kind = NW_CONF_MAPPING;
    child->file = source;
    child->text = NW_SLICE("");
    child->key = nw_slice_of(nw_arena_string(arena, key), key.len);
    struct nw_conf_tree **tail = &mapping->first;
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = child;
    mapping->child_count++;
    return child;
}

/* Places belong to the text that was parsed, not to the file. */
static void mark_source(struct nw_conf_tree *tree, const char *source)
{
    tree->file = source;
    tree->line = tree->column = tree->key_line = tree->key_column = 0;
    for (struct nw_conf_tree *child = tree->first; child != NULL; child = child->next)
        mark_source(child, source);
}

nw_err nw_conf_tree_put(struct nw_conf_tree *root, struct nw_slice path,
                        const struct nw_conf_tree *value, const char *source,
                        struct nw_arena *arena)
{
    struct nw_conf_tree *at = root;
    while (path.len > 0) {
        if (at->kind != NW_CONF_MAPPING)
            return NW_INVALID;
        struct nw_conf_tree **link = link_on_path(at, path);
        size_t len = link != NULL ? (*link)->key.len : nw_slice_find(path, '.');
        if (len == 0)
            return NW_INVALID;
        at = link != NULL ? *link : add_child(at, nw_slice_first(path, len), source, arena);
        if (len + 1 == path.len)
            return NW_INVALID; /* ends in a dot */
        path = nw_slice_skip(path, len < path.len ? len + 1 : len);
    }
    if (at == root)
        return NW_INVALID;
    struct nw_conf_tree *copy = nw_conf_tree_copy(value, arena);
    mark_source(copy, source);
    copy->key = at->key;
    copy->next = at->next;
    *at = *copy;
    return NW_OK;
}

void nw_conf_tree_remove(struct nw_conf_tree *root, struct nw_slice path)
{
    struct nw_conf_tree *at = root;
    while (at->kind == NW_CONF_MAPPING && path.len > 0) {
        struct nw_conf_tree **link = link_on_path(at, path);
        if (link == NULL)
            return;
        size_t len = (*link)->key.len;
        if (len == path.len) {
            *link = (*link)->next;
            at->child_count--;
            return;
        }
        at = *link;
        path = nw_slice_skip(path, len + 1);
    }
}
