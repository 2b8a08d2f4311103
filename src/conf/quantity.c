/*
 * A number of a plan is an estimate, so wherever one may stand, so may the three that say how good
 * the estimate is. The scalar reader of type.c does the reading; here is only what binds them.
 */
#include "conf/quantity.h"

#include <ctype.h>

#include "base/suggest.h"

static const char *const members[] = {"value", "low", "high"};

/* The option's word that stands there, counted from 1; 0: none of them. */
static unsigned word_of(const struct nw_conf_option *option, const struct nw_conf_tree *tree)
{
    struct nw_slice word;
    for (unsigned i = 0; option->words != NULL && tree->kind == NW_CONF_SCALAR &&
                         nw_conf_choice_at(option->words, i, &word);
         i++)
        if (nw_slice_eq(tree->text, word))
            return i + 1;
    return 0;
}

static void refuse_member(struct nw_conf_reader *reader, const struct nw_conf_tree *member,
                          const char *path)
{
    const char *nearest = nw_suggest(member->key, members, NW_COUNT(members));
    nw_conf_reader_blame(
        reader, member->key_line, member->key_column,
        nw_arena_printf(reader->arena, "%s.%s", path, member->key.ptr).ptr,
        nearest != NULL ? nw_arena_printf(reader->arena, "did you mean %s", nearest).ptr : NULL,
        "a number has value, low and high here");
}

/* Reads the members that are there into numbers[]; false when one is wrong. */
static bool read_members(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                         const struct nw_conf_tree *tree, const char *path, double *numbers,
                         bool *is_there)
{
    bool is_right = true;
    for (const struct nw_conf_tree *child = tree->first; child != NULL; child = child->next) {
        size_t index = 0;
        while (index < NW_COUNT(members) && !nw_slice_eq(child->key, nw_slice_str(members[index])))
            index++;
        if (index == NW_COUNT(members)) {
            refuse_member(reader, child, path);
            is_right = false;
            continue;
        }
        const char *child_path = nw_arena_printf(reader->arena, "%s.%s", path, members[index]).ptr;
        is_there[index] =
            nw_conf_type_value(reader, option, child, NW_SLICE(""), child_path, &numbers[index]);
        is_right &= is_there[index];
    }
    return is_right;
}

static void read_range(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path,
                       struct nw_conf_quantity *out)
{
    double numbers[NW_COUNT(members)] = {0};
    bool is_there[NW_COUNT(members)] = {0};
    if (!read_members(reader, option, tree, path, numbers, is_there))
        return;
    if (!is_there[0]) {
        nw_conf_reader_blame(reader, tree->line, tree->column,
                             nw_arena_printf(reader->arena, "%s.value", path).ptr, NULL,
                             "is missing");
        return;
    }
    double low = is_there[1] ? numbers[1] : numbers[0];
    double high = is_there[2] ? numbers[2] : numbers[0];
    if (low > numbers[0] || high < numbers[0]) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             low > numbers[0] ? "low must be at most value"
                                              : "high must be at least value");
        return;
    }
    *out = (struct nw_conf_quantity){.value = numbers[0], .low = low, .high = high, .at = tree};
}

/* A word that is none of the option's; false when it is no word. */
static bool refuse_word(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, const char *path)
{
    const char *words[8];
    struct nw_slice word;
    struct nw_text list = {0};
    size_t count = 0;
    if (tree->kind != NW_CONF_SCALAR || tree->text.len == 0 ||
        !isalpha((unsigned char)tree->text.ptr[0]))
        return false;
    for (; count < NW_COUNT(words) && nw_conf_choice_at(option->words, count, &word); count++) {
        words[count] = nw_arena_string(reader->arena, word);
        nw_text_addf(&list, " or %s", words[count]);
    }
    const char *nearest = nw_suggest(tree->text, words, count);
    nw_conf_reader_blame(
        reader, tree->line, tree->column, path,
        nearest != NULL ? nw_arena_printf(reader->arena, "did you mean %s", nearest).ptr : NULL,
        "expected a %s%s", nw_conf_type(option->type)->title, list.ptr);
    nw_text_done(&list);
    return true;
}

void nw_conf_quantity_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                           const struct nw_conf_tree *tree, const char *path,
                           struct nw_conf_quantity *out)
{
    double value;
    unsigned word = word_of(option, tree);
    if (word > 0)
        *out = (struct nw_conf_quantity){.word = word, .at = tree};
    else if (tree->kind == NW_CONF_MAPPING)
        read_range(reader, option, tree, path, out);
    else if (option->words != NULL && refuse_word(reader, option, tree, path))
        return;
    else if (nw_conf_type_value(reader, option, tree, NW_SLICE(""), path, &value))
        *out = (struct nw_conf_quantity){.value = value, .low = value, .high = value, .at = tree};
}

static bool read_point(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path, struct nw_conf_point *out)
{
    if (tree->is_broken)
        return false;
    if (tree->kind != NW_CONF_SEQUENCE || tree->child_count != 2) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "expected a pair, as in [1, 100/s]");
        return false;
    }
    out->at = tree;
    bool is_x = nw_conf_type_value(reader, option, tree->first, NW_SLICE("x"), path, &out->x);
    bool is_y = nw_conf_type_value(reader, option, tree->first->next, NW_SLICE("y"), path, &out->y);
    if (is_x && out->x < 0) {
        nw_conf_reader_blame(reader, tree->first->line, tree->first->column, path, NULL,
                             "must be at least 0, not \"%s\"", tree->first->text.ptr);
        return false;
    }
    return is_x && is_y;
}

void nw_conf_points_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                         const struct nw_conf_tree *tree, const char *path,
                         struct nw_conf_points *out)
{
    if (tree->kind != NW_CONF_SEQUENCE) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "expected a list of pairs, as in [[1, 100/s], [2, 190/s]]");
        return;
    }
    struct nw_conf_points points = {
        .items = nw_arena_zero(reader->arena, tree->child_count * sizeof *points.items + 1)};
    size_t index = 0;
    for (const struct nw_conf_tree *item = tree->first; item != NULL; item = item->next, index++) {
        const char *item_path = nw_arena_printf(reader->arena, "%s[%zu]", path, index).ptr;
        points.count += read_point(reader, option, item, item_path, &points.items[points.count]);
    }
    *out = points;
}
