/* The contract of conf/tree.h. */
#include "conf/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct parsed {
    struct nw_arena arena;
    struct nw_diag diag;
    struct nw_conf_tree *root;
    nw_err err;
};

static void parse_bytes(struct parsed *p, struct nw_slice text)
{
    nw_arena_init(&p->arena, NULL, 0, (size_t)1 << 30);
    nw_diag_init(&p->diag);
    p->root = NULL;
    p->err = nw_conf_tree_parse(text, "t.yaml", "newel: 1", &p->arena, &p->diag, &p->root);
}

static void parse(struct parsed *p, const char *text)
{
    parse_bytes(p, nw_slice_str(text));
}

static void done(struct parsed *p)
{
    nw_diag_done(&p->diag);
    nw_arena_done(&p->arena);
}

/* The only complaint stands at line:column and holds the words. */
static void assert_refused(struct nw_slice text, int line, int column, const char *words)
{
    struct parsed p;
    parse_bytes(&p, text);
    assert_int_equal(p.err, NW_INVALID);
    assert_int_equal(p.diag.error_count, 1);
    if (strstr(p.diag.items[0].sentence, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", p.diag.items[0].sentence, words);
    assert_string_equal(p.diag.items[0].file, "t.yaml");
    assert_int_equal(p.diag.items[0].line, line);
    assert_int_equal(p.diag.items[0].column, column);
    done(&p);
}

static void every_node_knows_its_place(void **state)
{
    struct parsed p;
    parse(&p, "a: 1\nliste:\n  - x\n  - { k: \"é\", l: z }\n");
    assert_int_equal(p.err, NW_OK);
    const struct nw_conf_tree *list = nw_conf_tree_get(p.root, "liste");
    assert_int_equal(list->kind, NW_CONF_SEQUENCE);
    assert_int_equal(list->child_count, 2);
    assert_int_equal(list->key_line, 2);
    assert_int_equal(list->first->line, 3);
    assert_int_equal(list->first->column, 5);
    const struct nw_conf_tree *l = nw_conf_tree_get(list->first->next, "l");
    assert_int_equal(l->line, 4);
    assert_int_equal(l->key_column, 15); /* columns count characters, not bytes */
    assert_int_equal(l->column, 18);
    assert_true(nw_conf_tree_get(list->first->next, "k")->is_quoted);
    assert_false(l->is_quoted);
    assert_null(nw_conf_tree_get(p.root, "b"));
    assert_null(nw_conf_tree_get(list, "b"));
    done(&p);
}

static void the_order_of_keys_is_the_order_of_the_file(void **state)
{
    struct parsed p;
    parse(&p, "c: 1\na: 2\nb: 3\n");
    assert_string_equal(p.root->first->key.ptr, "c");
    assert_string_equal(p.root->first->next->key.ptr, "a");
    assert_string_equal(p.root->first->next->next->key.ptr, "b");
    done(&p);
}

static void a_duplicate_key_is_an_error_and_the_first_one_stays(void **state)
{
    struct parsed p;
    parse(&p, "a: 1\nb: 2\na: 3\nb: 4\na: 5\n");
    assert_int_equal(p.err, NW_INVALID);
    assert_int_equal(p.diag.error_count, 3);
    assert_int_equal(p.root->child_count, 2);
    assert_string_equal(nw_conf_tree_get(p.root, "a")->text.ptr, "1");
    done(&p);
    assert_refused(NW_SLICE("x: 1\ny: { x: 1 }\nx: 2\n"), 3, 1, "on line 1");
}

static void what_newel_does_not_read_is_refused_where_it_stands(void **state)
{
    assert_refused(NW_SLICE("a: &x 1\n"), 1, 4, "anchors");
    assert_refused(NW_SLICE("a: !!str 1\n"), 1, 4, "tags");
    assert_refused(NW_SLICE("a: [1, *x]\n"), 1, 8, "aliases");
    assert_refused(NW_SLICE("a: 1\n---\nb: 2\n"), 2, 1, "second document");
    assert_refused(NW_SLICE("a: yes\n"), 1, 4, "bare yes");
    assert_refused(NW_SLICE("a: [ No ]\n"), 1, 6, "bare No");
    assert_refused(NW_SLICE("[a]: 1\n"), 1, 1, "key");
    assert_refused(NW_SLICE("a: \"x\\0y\"\n"), 1, 4, "NUL");
    assert_refused(NW_SLICE(""), 1, 1, "empty");
    assert_refused(NW_SLICE("# nothing\n"), 1, 1, "empty");
}

static void a_tab_cannot_indent_but_may_be_content(void **state)
{
    struct parsed p;
    assert_refused(NW_SLICE("a:\n\tb: 1\n"), 2, 1, "tab");
    assert_refused(NW_SLICE("a:\n  b: 1\n  \tc: 2\n"), 3, 3, "tab");
    assert_refused(NW_SLICE("a: [ 1,\n\t2 ]\n"), 2, 1, "tab");
    assert_refused(NW_SLICE("a: 1\n\t\nb: 2\n"), 2, 1, "tab");
    parse(&p, "a: |\n  x\n  \ty\nb: 'p\n  \tq'\nc: 1\t# comment\n");
    assert_int_equal(p.err, NW_OK);
    assert_string_equal(nw_conf_tree_get(p.root, "a")->text.ptr, "x\n\ty\n");
    done(&p);
}

static void quoted_words_are_only_words(void **state)
{
    struct parsed p;
    parse(&p, "a: \"yes\"\nb: 'no'\nc: true\nd: ''\ne:\n");
    assert_int_equal(p.err, NW_OK);
    assert_true(nw_conf_tree_get(p.root, "d")->is_quoted);
    assert_false(nw_conf_tree_get(p.root, "e")->is_quoted);
    assert_int_equal(nw_conf_tree_get(p.root, "e")->text.len, 0);
    done(&p);
}

static void bytes_that_are_not_utf8_are_named_by_place(void **state)
{
    assert_refused(NW_SLICE("a: é\nb: x\xffy\n"), 2, 5, "UTF-8");
    assert_refused(NW_SLICE("a: \xc0\xaf\n"), 1, 4, "UTF-8");
    assert_refused(NW_SLICE("a: \xed\xa0\x80\n"), 1, 4, "UTF-8");
}

static void a_syntax_error_ends_the_parse(void **state)
{
    struct parsed p;
    parse(&p, "a: yes\nb: [1, 2\nc: no\n");
    assert_int_equal(p.err, NW_INVALID);
    assert_null(p.root);
    assert_int_equal(p.diag.error_count, 2);
    assert_non_null(strstr(p.diag.items[1].sentence, "YAML syntax"));
    assert_true(p.diag.items[1].line >= 2);
    done(&p);
}

static void depth_has_a_bound(void **state)
{
    char text[200] = "";
    struct parsed p;
    for (int i = 0; i < 32; i++)
        strcat(text, "[");
    for (int i = 0; i < 32; i++)
        strcat(text, "]");
    parse(&p, text);
    assert_int_equal(p.err, NW_OK);
    done(&p);
    memset(text, '[', 33);
    text[33] = '\0';
    assert_refused(nw_slice_str(text), 1, 33, "32");
}

static void size_has_a_bound(void **state)
{
    size_t len = NW_CONF_TREE_TEXT_MAX_BYTES;
    char *text = malloc(len + 2);
    struct parsed p;
    memset(text, '#', len + 1);
    memcpy(text, "a: 1\n", 5);
    parse_bytes(&p, nw_slice_of(text, len));
    assert_int_equal(p.err, NW_OK);
    done(&p);
    assert_refused(nw_slice_of(text, len + 1), 1, 1, "8 MiB");
    free(text);
}

static void the_number_of_values_has_a_bound(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, "a: [");
    for (int i = 0; i < NW_CONF_TREE_NODES_MAX; i++)
        nw_text_add_str(&text, "1,");
    nw_text_add_str(&text, "]");
    struct parsed p;
    parse_bytes(&p, nw_text_slice(&text));
    assert_int_equal(p.err, NW_INVALID);
    assert_null(p.root);
    done(&p);
    nw_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place),
        cmocka_unit_test(the_order_of_keys_is_the_order_of_the_file),
        cmocka_unit_test(a_duplicate_key_is_an_error_and_the_first_one_stays),
        cmocka_unit_test(what_newel_does_not_read_is_refused_where_it_stands),
        cmocka_unit_test(a_tab_cannot_indent_but_may_be_content),
        cmocka_unit_test(quoted_words_are_only_words),
        cmocka_unit_test(bytes_that_are_not_utf8_are_named_by_place),
        cmocka_unit_test(a_syntax_error_ends_the_parse),
        cmocka_unit_test(depth_has_a_bound),
        cmocka_unit_test(size_has_a_bound),
        cmocka_unit_test(the_number_of_values_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
