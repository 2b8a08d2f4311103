/*
 * libyaml's events become a tree that remembers places.
 *
 * A configuration is read by people under stress, so one run shall name everything that is wrong
 * with it. Only YAML's own syntax errors end the parse, because after them indentation means
 * nothing; whatever YAML allows and newel does not (anchors, tags, a second document, bare `yes`)
 * is reported where it stands and the walk goes on. A scalar that was reported is marked broken and
 * later checks stay silent about it.
 *
 * libyaml's document API was the other road: it loses the places of keys, resolves aliases (the
 * billion-laughs trap) and recurses. The events are walked with a stack of our own, so the depth is
 * bounded by an array, and the scanner, which is lazy, never sees what lies beyond the bound.
 *
 * libyaml accepts tabs inside flow collections and, as content, in quoted and block scalars. The
 * first would look like indentation and is refused; the second is content: the lines of such
 * scalars are remembered and left alone.
 */
#include "conf/tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/assert.h"

struct level {
    struct nw_conf_tree *node;
    struct nw_conf_tree **tail;
    struct nw_slice key; /* of a mapping, read and waiting for its value */
    yaml_mark_t key_mark;
    bool has_key;
};

/* Lines (0-based, inclusive) on which leading white space is content. */
struct span {
    size_t from;
    size_t to;
};

struct walk {
    yaml_parser_t parser;
    struct nw_slice text;
    const char *file;
    const char *first_line;
    struct nw_arena *arena;
    struct nw_diag *diag;
    struct nw_conf_tree *root;
    struct level levels[NW_CONF_TREE_DEPTH_MAX];
    size_t depth;
    size_t node_count;
    size_t document_count;
    struct span *spans;
    size_t span_count;
    size_t span_cap;
    bool is_stopped; /* by an error after which nothing can be trusted */
};

static void blame(struct walk *walk, yaml_mark_t mark, const char *suggestion, const char *sentence)
{
    nw_diag_add(walk->diag, false, walk->file, (int)mark.line + 1, (int)mark.column + 1, NULL,
                suggestion, "%s", sentence);
}

static void stop(struct walk *walk, yaml_mark_t mark, const char *suggestion, const char *sentence)
{
    blame(walk, mark, suggestion, sentence);
    walk->is_stopped = true;
}

/* Length of the well-formed UTF-8 sequence at `at`, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool is_outside = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return is_overlong || is_outside ? 0 : length;
}

/* Line and column (0-based, in characters) of a byte offset. */
static yaml_mark_t mark_at(struct nw_slice text, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static bool is_text_utf8(struct walk *walk)
{
    for (size_t i = 0; i < walk->text.len;) {
        const unsigned char *at = (const unsigned char *)walk->text.ptr + i;
        size_t length = utf8_length(at, walk->text.len - i);
        if (length == 0) {
            stop(walk, mark_at(walk->text, i), "save the file as UTF-8",
                 "this byte is not valid UTF-8");
            return false;
        }
        i += length;
    }
    return true;
}

static bool is_in_span(const struct walk *walk, size_t line)
{
    for (size_t i = 0; i < walk->span_count; i++)
        if (line >= walk->spans[i].from && line <= walk->spans[i].to)
            return true;
    return false;
}

/* Reports each line whose leading white space has a tab, up to and including `last_line`. */
static void blame_tabs(struct walk *walk, size_t last_line)
{
    struct nw_slice rest = walk->text, row;
    yaml_mark_t mark = {0};
    for (; mark.line <= last_line && nw_slice_split(&rest, '\n', &row); mark.line++) {
        size_t spaces = 0;
        while (spaces < row.len && row.ptr[spaces] == ' ')
            spaces++;
        if (spaces == row.len || row.ptr[spaces] != '\t' || is_in_span(walk, mark.line))
            continue;
        mark.column = spaces;
        stop(walk, mark, "indent with spaces", "a tab cannot indent");
    }
}

static bool has_leading_tab(struct nw_slice text, size_t line)
{
    struct nw_slice rest = text, row;
    for (size_t i = 0; nw_slice_split(&rest, '\n', &row); i++) {
        size_t spaces = 0;
        while (i == line && spaces < row.len && row.ptr[spaces] == ' ')
            spaces++;
        if (i == line)
            return spaces < row.len && row.ptr[spaces] == '\t';
    }
    return false;
}

static void blame_syntax(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    bool is_reader = parser->error == YAML_READER_ERROR;
    yaml_mark_t mark =
        is_reader ? mark_at(walk->text, parser->problem_offset) : parser->problem_mark;
    walk->is_stopped = true;
    if (!is_reader && has_leading_tab(walk->text, mark.line) && !is_in_span(walk, mark.line)) {
        blame_tabs(walk, mark.line);
        return;
    }
    const char *problem = parser->problem != NULL ? parser->problem : "this is not YAML";
    if (parser->context != NULL)
        nw_diag_add(walk->diag, false, walk->file, (int)mark.line + 1, (int)mark.column + 1, NULL,
                    NULL, "YAML syntax: %s, %s that began on line %d", problem, parser->context,
                    (int)parser->context_mark.line + 1);
    else
        nw_diag_add(walk->diag, false, walk->file, (int)mark.line + 1, (int)mark.column + 1, NULL,
                    NULL, "YAML syntax: %s", problem);
}

static void remember_span(struct walk *walk, const yaml_event_t *event)
{
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ||
        event->end_mark.line == event->start_mark.line)
        return;
    if (walk->span_count == walk->span_cap) {
        walk->span_cap = walk->span_cap != 0 ? walk->span_cap * 2 : 8;
        walk->spans = nw_realloc(walk->spans, walk->span_cap * sizeof *walk->spans);
    }
    size_t to = event->end_mark.line;
    if (event->end_mark.column == 0)
        to--; /* a block scalar ends where the next line begins */
    walk->spans[walk->span_count++] = (struct span){event->start_mark.line + 1, to};
}

static bool is_one_of(struct nw_slice text, const char *a, const char *b)
{
    return nw_slice_eq_nocase(text, nw_slice_str(a)) || nw_slice_eq_nocase(text, nw_slice_str(b));
}

static int by_key(const void *left, const void *right)
{
    const struct nw_conf_tree *a = *(struct nw_conf_tree *const *)left;
    const struct nw_conf_tree *b = *(struct nw_conf_tree *const *)right;
    size_t common = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = common != 0 ? memcmp(a->key.ptr, b->key.ptr, common) : 0;
    if (order != 0)
        return order;
    if (a->key.len != b->key.len)
        return a->key.len < b->key.len ? -1 : 1;
    if (a->key_line != b->key_line)
        return a->key_line < b->key_line ? -1 : 1;
    return a->key_column < b->key_column ? -1 : 1;
}

/* Sorting finds duplicates in n log n; the second and later ones leave the list. */
static void drop_duplicates(struct walk *walk, struct nw_conf_tree *mapping)
{
    if (mapping->child_count < 2)
        return;
    struct nw_conf_tree **order = nw_alloc_array(mapping->child_count, sizeof *order);
    size_t count = 0, dropped = 0;
    for (struct nw_conf_tree *child = mapping->first; child != NULL; child = child->next)
        order[count++] = child;
    qsort(order, count, sizeof *order, by_key);
    const struct nw_conf_tree *first = order[0];
    for (size_t i = 1; i < count; i++) {
        if (!nw_slice_eq(order[i]->key, first->key)) {
            first = order[i];
            continue;
        }
        nw_diag_add(walk->diag, false, walk->file, order[i]->key_line, order[i]->key_column, NULL,
                    NULL, "the key \"%s\" stands here already, on line %d", first->key.ptr,
                    first->key_line);
        order[i]->key_line = 0; /* marks it for removal */
        dropped++;
    }
    struct nw_conf_tree **link = &mapping->first;
    while (dropped > 0 && *link != NULL) {
        if ((*link)->key_line == 0)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
    mapping->child_count -= dropped;
    nw_free(order);
}

/* A new node below the open collection; NULL when the walk had to stop. */
static struct nw_conf_tree *add_node(struct walk *walk, nw_conf_tree_kind kind, yaml_mark_t mark)
{
    struct level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
    if (level != NULL && level->node->kind == NW_CONF_MAPPING && !level->has_key) {
        stop(walk, mark, NULL, "a key must be a plain or quoted word");
        return NULL;
    }
    if (++walk->node_count > NW_CONF_TREE_NODES_MAX) {
        stop(walk, mark, NULL, "the file holds more than 500000 values");
        return NULL;
    }
    struct nw_conf_tree *node = nw_arena_zero(walk->arena, sizeof *node);
    node->kind = kind;
    node->text = NW_SLICE("");
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    if (level == NULL) {
        walk->root = node;
        return node;
    }
    if (level->has_key) {
        node->key = level->key;
        node->key_line = (int)level->key_mark.line + 1;
        node->key_column = (int)level->key_mark.column + 1;
        level->has_key = false;
    }
    *level->tail = node;
    level->tail = &node->next;
    level->node->child_count++;
    return node;
}

static void refuse_decoration(struct walk *walk, yaml_mark_t mark, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL)
        blame(walk, mark, "write the value out", "anchors are not allowed");
    if (tag != NULL)
        blame(walk, mark, "remove the tag; the option decides the type", "tags are not allowed");
}

static void open_collection(struct walk *walk, nw_conf_tree_kind kind, yaml_mark_t mark)
{
    if (walk->depth == NW_CONF_TREE_DEPTH_MAX) {
        stop(walk, mark, NULL, "values are nested more than 32 deep");
        return;
    }
    struct nw_conf_tree *node = add_node(walk, kind, mark);
    if (node != NULL)
        walk->levels[walk->depth++] = (struct level){.node = node, .tail = &node->first};
}

static void close_collection(struct walk *walk)
{
    NW_ASSERT(walk->depth > 0);
    struct nw_conf_tree *node = walk->levels[--walk->depth].node;
    if (node->kind == NW_CONF_MAPPING)
        drop_duplicates(walk, node);
}

static void take_key(struct walk *walk, struct level *level, struct nw_slice text, yaml_mark_t mark)
{
    if (text.len == 0)
        blame(walk, mark, NULL, "a key must not be empty");
    level->key = nw_slice_of(nw_arena_string(walk->arena, text), text.len);
    level->key_mark = mark;
    level->has_key = true;
}

static void take_scalar(struct walk *walk, const yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    struct nw_slice text =
        nw_slice_of((const char *)event->data.scalar.value, event->data.scalar.length);
    refuse_decoration(walk, mark, event->data.scalar.anchor, event->data.scalar.tag);
    remember_span(walk, event);
    bool has_nul = nw_slice_find(text, '\0') != text.len;
    if (has_nul) {
        blame(walk, mark, NULL, "a NUL byte cannot be part of a value");
        text = nw_slice_first(text, nw_slice_find(text, '\0'));
    }
    struct level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
    if (level != NULL && level->node->kind == NW_CONF_MAPPING && !level->has_key) {
        take_key(walk, level, text, mark);
        return;
    }
    struct nw_conf_tree *node = add_node(walk, NW_CONF_SCALAR, mark);
    if (node == NULL)
        return;
    node->text = nw_slice_of(nw_arena_string(walk->arena, text), text.len);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->is_broken = has_nul || event->data.scalar.tag != NULL;
    node->is_bare_switch = !node->is_quoted && is_one_of(text, "on", "off");
    if (!node->is_quoted && is_one_of(text, "yes", "no")) {
        nw_diag_add(walk->diag, false, walk->file, node->line, node->column, NULL,
                    NW_CONF_TRAP_HINT, NW_CONF_TRAP_SENTENCE, node->text.ptr);
        node->is_broken = true;
    }
}

static void take_alias(struct walk *walk, const yaml_event_t *event)
{
    blame(walk, event->start_mark, "write the value out", "aliases are not allowed");
    struct nw_conf_tree *node = add_node(walk, NW_CONF_SCALAR, event->start_mark);
    if (node != NULL) {
        node->text = NW_SLICE("");
        node->is_broken = true;
    }
}

static void take_document(struct walk *walk, const yaml_event_t *event)
{
    const yaml_tag_directive_t *tags = event->data.document_start.tag_directives.start;
    if (tags != NULL && tags != event->data.document_start.tag_directives.end)
        blame(walk, event->start_mark, NULL, "%TAG directives are not allowed");
    if (++walk->document_count == 2)
        blame(walk, event->start_mark, "keep one document per file",
              "a second document begins here");
}

static void take_event(struct walk *walk, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        take_document(walk, event);
        break;
    case YAML_SCALAR_EVENT:
        take_scalar(walk, event);
        break;
    case YAML_ALIAS_EVENT:
        take_alias(walk, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(walk, event->start_mark, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        open_collection(walk, NW_CONF_SEQUENCE, event->start_mark);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(walk, event->start_mark, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        open_collection(walk, NW_CONF_MAPPING, event->start_mark);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_collection(walk);
        break;
    default:
        break;
    }
}

/* Until the stream's end, the second document, or an error. */
static void walk_events(struct walk *walk)
{
    bool is_end = false;
    while (!walk->is_stopped && !is_end && walk->document_count < 2) {
        yaml_event_t event;
        if (!yaml_parser_parse(&walk->parser, &event)) {
            blame_syntax(walk);
            return;
        }
        is_end = event.type == YAML_STREAM_END_EVENT;
        take_event(walk, &event);
        yaml_event_delete(&event);
    }
}

static void walk_text(struct walk *walk)
{
    if (walk->text.len > NW_CONF_TREE_TEXT_MAX_BYTES) {
        stop(walk, (yaml_mark_t){0}, NULL, "the file is larger than 8 MiB");
        return;
    }
    if (!is_text_utf8(walk))
        return;
    NW_ASSERT(yaml_parser_initialize(&walk->parser));
    yaml_parser_set_encoding(&walk->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&walk->parser, (const unsigned char *)walk->text.ptr,
                                 walk->text.len);
    walk_events(walk);
    yaml_parser_delete(&walk->parser);
    if (!walk->is_stopped)
        blame_tabs(walk, SIZE_MAX);
    if (!walk->is_stopped && walk->root == NULL)
        stop(walk, (yaml_mark_t){0},
             nw_arena_printf(walk->arena, "begin with %s", walk->first_line).ptr,
             "the file is empty");
}

nw_err nw_conf_tree_parse(struct nw_slice text, const char *file, const char *first_line,
                          struct nw_arena *arena, struct nw_diag *diag, struct nw_conf_tree **out)
{
    size_t error_count = diag->error_count;
    if (text.ptr == NULL)
        text = NW_SLICE("");
    struct walk *walk = nw_alloc_zero(sizeof *walk);
    *walk = (struct walk){
        .text = text, .file = file, .first_line = first_line, .arena = arena, .diag = diag};
    walk_text(walk);
    *out = walk->is_stopped ? NULL : walk->root;
    nw_free(walk->spans);
    nw_free(walk);
    return diag->error_count == error_count ? NW_OK : NW_INVALID;
}

const struct nw_conf_tree *nw_conf_tree_get(const struct nw_conf_tree *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != NW_CONF_MAPPING)
        return NULL;
    for (const struct nw_conf_tree *child = mapping->first; child != NULL; child = child->next)
        if (strcmp(child->key.ptr, key) == 0)
            return child;
    return NULL;
}
