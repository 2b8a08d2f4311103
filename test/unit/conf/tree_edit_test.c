/* The contract of conf/tree_edit.h. */
#include "conf/tree_edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/assert.h"

static struct nw_arena arena;
static struct nw_diag diag;

static int open_all(void **state)
{
    nw_arena_init(&arena, NULL, 0, 1 << 24);
    nw_diag_init(&diag);
    return 0;
}

static int close_all(void **state)
{
    nw_diag_done(&diag);
    nw_arena_done(&arena);
    return 0;
}

static struct nw_conf_tree *tree_of(const char *text)
{
    struct nw_conf_tree *tree;
    NW_ASSERT(nw_conf_tree_parse(nw_slice_str(text), "t.yaml", "t: 1", &arena, &diag, &tree) ==
              NW_OK);
    return tree;
}

/* The tree as it would be written in one line. */
static void print(const struct nw_conf_tree *tree, struct nw_text *out)
{
    if (tree->kind == NW_CONF_SCALAR) {
        nw_text_add(out, tree->text);
        return;
    }
    size_t count = 0;
    nw_text_add_char(out, tree->kind == NW_CONF_MAPPING ? '{' : '[');
    for (const struct nw_conf_tree *child = tree->first; child != NULL; child = child->next) {
        nw_text_addf(out, "%s", count++ > 0 ? ", " : "");
        if (tree->kind == NW_CONF_MAPPING)
            nw_text_addf(out, "%s: ", child->key.ptr);
        print(child, out);
    }
    assert_int_equal(count, tree->child_count);
    nw_text_add_char(out, tree->kind == NW_CONF_MAPPING ? '}' : ']');
}

static void check_tree(const struct nw_conf_tree *tree, const char *expected)
{
    struct nw_text text = {0};
    print(tree, &text);
    assert_string_equal(text.ptr, expected);
    nw_text_done(&text);
}

static nw_err put(struct nw_conf_tree *tree, const char *path, const char *value)
{
    return nw_conf_tree_put(tree, nw_slice_str(path), tree_of(value), "--set", &arena);
}

static void a_value_takes_the_place_of_another(void **state)
{
    struct nw_conf_tree *tree = tree_of("a: { b: 1, c: [1, 2] }\nd: x\n");
    assert_int_equal(put(tree, "a.b", "7/s"), NW_OK);
    assert_int_equal(put(tree, "a.c", "{ e: 1 }"), NW_OK);
    assert_int_equal(put(tree, "d", "[[1, 2], 3]"), NW_OK);
    check_tree(tree, "{a: {b: 7/s, c: {e: 1}}, d: [[1, 2], 3]}");
    const struct nw_conf_tree *b = nw_conf_tree_find(tree, NW_SLICE("a.b"));
    assert_string_equal(b->file, "--set");
    assert_int_equal(b->line, 0);
    assert_string_equal(b->key.ptr, "b");
    assert_null(nw_conf_tree_find(tree, NW_SLICE("a"))->file);
}

static void mappings_on_the_way_are_made(void **state)
{
    struct nw_conf_tree *tree = tree_of("a: 1\n");
    assert_int_equal(put(tree, "b.c.d", "2"), NW_OK);
    assert_int_equal(put(tree, "b.c.e", "3"), NW_OK);
    check_tree(tree, "{a: 1, b: {c: {d: 2, e: 3}}}");
}

static void the_longest_key_that_is_there_wins(void **state)
{
    struct nw_conf_tree *tree = tree_of("a: { b: { c: 1 } }\na.b: { c: 2 }\nab: 3\n");
    assert_int_equal(put(tree, "a.b.c", "4"), NW_OK);
    check_tree(tree, "{a: {b: {c: 1}}, a.b: {c: 4}, ab: 3}");
    check_tree(nw_conf_tree_find(tree, NW_SLICE("a.b.c")), "4");
    nw_conf_tree_remove(tree, NW_SLICE("a.b"));
    check_tree(tree, "{a: {b: {c: 1}}, ab: 3}");
}

static void what_is_no_path_is_refused(void **state)
{
    static const char *const wrong[] = {"", ".", ".a", "a.", "a..b", "a.b.c", "l.0", "n."};
    struct nw_conf_tree *tree = tree_of("a: { b: 1 }\nl: [1]\n");
    for (size_t i = 0; i < NW_COUNT(wrong); i++)
        if (put(tree, wrong[i], "1") != NW_INVALID)
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_null(nw_conf_tree_find(tree, NW_SLICE("a.b.c")));
    assert_null(nw_conf_tree_find(tree, NW_SLICE("x")));
    assert_ptr_equal(nw_conf_tree_find(tree, NW_SLICE("")), tree);
}

static void what_is_taken_away_is_gone_and_the_rest_stays(void **state)
{
    struct nw_conf_tree *tree = tree_of("a: { b: 1, c: 2, d: 3 }\n");
    nw_conf_tree_remove(tree, NW_SLICE("a.c"));
    nw_conf_tree_remove(tree, NW_SLICE("a.x"));
    nw_conf_tree_remove(tree, NW_SLICE("a.b.y"));
    check_tree(tree, "{a: {b: 1, d: 3}}");
}

static void a_copy_lives_on_its_own(void **state)
{
    struct nw_conf_tree *tree = tree_of("a: { b: [1, { c: 2 }] }\n");
    struct nw_conf_tree *copy = nw_conf_tree_copy(tree, &arena);
    assert_int_equal(put(copy, "a.b", "9"), NW_OK);
    check_tree(tree, "{a: {b: [1, {c: 2}]}}");
    check_tree(copy, "{a: {b: 9}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_takes_the_place_of_another),
        TEST(mappings_on_the_way_are_made),
        TEST(the_longest_key_that_is_there_wins),
        TEST(what_is_no_path_is_refused),
        TEST(what_is_taken_away_is_gone_and_the_rest_stays),
        TEST(a_copy_lives_on_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
