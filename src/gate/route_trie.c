/*
 * Routes are added in file order, so every list is sorted as it grows, and the first route that
 * passes a node is the least one below it. A route with several hosts stands in several tries.
 */
#include "gate/route_trie.h"

#include "base/alloc.h"

struct trie_shape trie_shape_of(const struct nw_conf_path *path)
{
    if (path->kind != NW_CONF_PATH_SEGMENTS)
        return (struct trie_shape){NULL, 0, true};
    struct trie_shape shape = {path->segments, path->segment_count, path->is_prefix};
    if (shape.count > 0 && shape.segments[shape.count - 1].kind == NW_CONF_SEGMENT_REST) {
        shape.count--;
        shape.is_open = true;
    }
    return shape;
}

static uint32_t node_new(struct route_trie *trie, uint32_t literal, uint32_t depth)
{
    trie->nodes = route_grow(trie->nodes, trie->node_count, &trie->node_cap, sizeof *trie->nodes);
    trie->nodes[trie->node_count] =
        (struct trie_node){.literal = literal, .depth = depth, .min_index = ROUTE_NONE};
    if (depth > trie->depth_max)
        trie->depth_max = depth;
    return (uint32_t)trie->node_count++;
}

static uint32_t group_new(struct route_trie *trie)
{
    trie->groups =
        route_grow(trie->groups, trie->group_count, &trie->group_cap, sizeof *trie->groups);
    trie->groups[trie->group_count] = (struct trie_group){.root = node_new(trie, 0, 0)};
    return (uint32_t)trie->group_count++;
}

static void reach(uint32_t **by_host, size_t *cap, size_t count)
{
    if (count <= *cap)
        return;
    size_t next_cap = count * 2;
    *by_host = nw_realloc(*by_host, next_cap * sizeof **by_host);
    memset(*by_host + *cap, 0, (next_cap - *cap) * sizeof **by_host);
    *cap = next_cap;
}

static uint32_t group_of(struct route_trie *trie, uint32_t *by_host, uint32_t word)
{
    if (by_host[word] == 0)
        by_host[word] = group_new(trie);
    return by_host[word];
}

static void list_add(struct route_trie *trie, struct trie_list *list, uint32_t index)
{
    if (list->last != 0 && trie->links[list->last].index == index)
        return; /* the same host twice */
    trie->links = route_grow(trie->links, trie->link_count, &trie->link_cap, sizeof *trie->links);
    trie->links[trie->link_count] = (struct trie_link){index, 0};
    if (list->last != 0)
        trie->links[list->last].next = (uint32_t)trie->link_count;
    else
        list->first = (uint32_t)trie->link_count;
    list->last = (uint32_t)trie->link_count++;
}

static uint32_t child_of(struct route_trie *trie, uint32_t parent,
                         const struct nw_conf_segment *segment)
{
    uint32_t depth = trie->nodes[parent].depth + 1;
    if (segment->kind == NW_CONF_SEGMENT_ONE) {
        if (trie->nodes[parent].any == 0) {
            uint32_t any = node_new(trie, 0, depth);
            trie->nodes[parent].any = any;
        }
        return trie->nodes[parent].any;
    }
    uint32_t word = route_words_add(&trie->literals, segment->text);
    uint32_t child = route_edges_get(&trie->edges, parent, word);
    if (child != 0)
        return child;
    child = node_new(trie, word, depth);
    trie->nodes[child].next = trie->nodes[parent].children;
    trie->nodes[parent].children = child;
    trie->nodes[parent].child_count++;
    route_edges_set(&trie->edges, parent, word, child);
    return child;
}

static void pass(struct route_trie *trie, uint32_t id, uint32_t index, size_t depth)
{
    struct trie_node *node = &trie->nodes[id];
    if (node->min_index == ROUTE_NONE)
        node->min_index = index;
    if (depth - node->depth > node->height)
        node->height = (uint32_t)(depth - node->depth);
}

static void add_to_group(struct route_trie *trie, uint32_t group, uint32_t index)
{
    const struct nw_conf_path *path = &trie->conf->routes.items[index].path;
    trie->groups[group].route_count++;
    if (path->kind == NW_CONF_PATH_REGEX) {
        list_add(trie, &trie->groups[group].regexes, index);
        return;
    }
    struct trie_shape shape = trie_shape_of(path);
    uint32_t node = trie->groups[group].root;
    pass(trie, node, index, shape.count);
    for (size_t i = 0; i < shape.count; i++) {
        node = child_of(trie, node, &shape.segments[i]);
        pass(trie, node, index, shape.count);
    }
    list_add(trie, shape.is_open ? &trie->nodes[node].open : &trie->nodes[node].closed, index);
}

static uint32_t label_count(struct nw_slice name)
{
    uint32_t labels = 1;
    for (size_t i = 0; i < name.len; i++)
        labels += name.ptr[i] == '.';
    return labels;
}

static void add_route(struct route_trie *trie, uint32_t index)
{
    const struct nw_conf_hosts *hosts = &trie->conf->routes.items[index].host;
    if (hosts->count == 0)
        add_to_group(trie, 0, index);
    for (size_t i = 0; i < hosts->count; i++) {
        uint32_t word = route_words_add(&trie->hosts, hosts->items[i].name);
        reach(&trie->exact, &trie->exact_cap, word + 1);
        reach(&trie->wild, &trie->wild_cap, word + 1);
        if (!hosts->items[i].is_wildcard) {
            add_to_group(trie, group_of(trie, trie->exact, word), index);
            continue;
        }
        uint32_t labels = label_count(hosts->items[i].name);
        if (labels > trie->wild_labels_max)
            trie->wild_labels_max = labels;
        add_to_group(trie, group_of(trie, trie->wild, word), index);
    }
}

void route_trie_init(struct route_trie *trie, const struct nw_conf *conf)
{
    *trie = (struct route_trie){.conf = conf, .link_count = 1};
    trie->links = route_grow(NULL, 0, &trie->link_cap, sizeof *trie->links);
    node_new(trie, 0, 0);
    group_new(trie);
    for (size_t i = 0; i < conf->routes.count; i++)
        add_route(trie, (uint32_t)i);
}

void route_trie_done(struct route_trie *trie)
{
    route_words_done(&trie->literals);
    route_words_done(&trie->hosts);
    route_edges_done(&trie->edges);
    nw_free(trie->exact);
    nw_free(trie->wild);
    nw_free(trie->groups);
    nw_free(trie->nodes);
    nw_free(trie->links);
    *trie = (struct route_trie){0};
}
