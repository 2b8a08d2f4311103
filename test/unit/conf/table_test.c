/* The contract of conf/table.h: files with tables of their own, and numbers to compute with. */
#include "conf/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "conf/tree_edit.h"

struct test_bigger {
    struct nw_conf_block block;
    struct nw_conf_quantity factor;
};

struct test_room {
    struct nw_conf_block block;
    struct nw_slice name;
    int kind;
    struct nw_conf_quantity rate_per_s;
};
struct test_rooms {
    struct test_room *items;
    size_t count;
};

struct test_top {
    struct nw_conf_block block;
    int64_t test;
    struct nw_conf_quantity people, speed_per_s, wage_per_h, stay_s, share_ratio, room_bytes;
    struct nw_conf_quantity factor, spare;
    double beat_s, flow_per_s, fee_per_h, heads, weight, part_ratio;
    struct nw_conf_points measured, steps;
    struct test_bigger bigger;
    struct test_rooms rooms;
};

#define NW_CONF_ROWS "../../test/unit/conf/table_test.def"
#define NW_CONF_ID(word) TEST_##word
#define NW_CONF_STRUCT(block) struct test_##block
#include "conf/table_ids.def"
#include "conf/table_rows.def"

static const struct nw_conf_tables tables = {
    .title = "test.yaml",
    .first_line = "test: 1",
    .intro = "# A test\n",
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};

static struct nw_arena arena;
static struct nw_diag diag;
static struct test_top top;

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

static void load_right(const char *text)
{
    struct nw_text said = {0};
    nw_err err =
        nw_conf_table_load(nw_slice_str(text), "t.yaml", &tables, NULL, &arena, &diag, &top);
    nw_diag_print(&diag, &said);
    if (err != NW_OK)
        fail_msg("%s", said.ptr);
    assert_int_equal(diag.count, 0);
    nw_text_done(&said);
}

/* `text` is wrong exactly as `expected` says, one line for each mistake. */
static void check_wrong(const char *text, const char *expected)
{
    struct nw_text said = {0};
    nw_diag_done(&diag);
    nw_diag_init(&diag);
    assert_int_equal(
        nw_conf_table_load(nw_slice_str(text), "t.yaml", &tables, NULL, &arena, &diag, &top),
        NW_INVALID);
    nw_diag_print(&diag, &said);
    assert_string_equal(said.ptr, expected);
    nw_text_done(&said);
}

static void check_quantity(const struct nw_conf_quantity *quantity, double value, double low,
                           double high)
{
    assert_true(quantity->value == value);
    assert_true(quantity->low == low);
    assert_true(quantity->high == high);
}

static void defaults_are_numbers_that_nobody_gave(void **state)
{
    load_right("test: 1\n");
    check_quantity(&top.people, 1000, 1000, 1000);
    check_quantity(&top.speed_per_s, 0, 0, 0);
    check_quantity(&top.wage_per_h, .5, .5, .5);
    check_quantity(&top.share_ratio, .3, .3, .3);
    check_quantity(&top.room_bytes, 1000, 1000, 1000);
    assert_null(top.people.at);
    assert_int_equal(top.spare.word, 1);
    assert_true(top.beat_s == 1 && top.weight == 1);
    check_quantity(&top.bigger.factor, 8, 8, 8);
    assert_false(nw_conf_is_given(&top.bigger.block));
    assert_int_equal(top.measured.count, 0);
}

typedef nw_err parser(struct nw_slice text, double *out, struct nw_conf_why *why);

static void check_value(parser *parse, const char *text, double expected)
{
    struct nw_conf_why why;
    double value;
    assert_int_equal(parse(nw_slice_str(text), &value, &why), NW_OK);
    if (value != expected)
        fail_msg("%s is %.17g", text, value);
}

static void numbers_are_read_in_base_units(void **state)
{
    load_right("test: 1\n"
               "people: 2.5M\n"
               "speed: 43.2K/d\n"
               "wage: 365/month\n"
               "stay: 250us\n"
               "share: 250%\n"
               "room: 1.5K\n"
               "factor: -1.25\n"
               "beat: 1.5m\nflow: 90/m\nfee: 12/d\nheads: 1e3\nweight: 5e-7\npart: 0\n");
    check_quantity(&top.people, 2500000, 2500000, 2500000);
    assert_true(top.speed_per_s.value == .5);
    assert_true(top.wage_per_h.value == .5);
    assert_true(top.stay_s.value == 250e-6);
    assert_true(top.share_ratio.value == 2.5);
    check_value(nw_conf_value_ratio, "99.9%", 0.999);
    check_value(nw_conf_value_ratio, "7%", 0.07);
    check_value(nw_conf_value_ratio, "9.99e1%", 0.999);
    check_value(nw_conf_value_span, "300us", 300e-6);
    check_value(nw_conf_value_amount, "0.3K", 300);
    check_value(nw_conf_value_real, "-12.5E-1", -1.25);
    check_value(nw_conf_value_real, "1e-99999999999999999999", 0);
    assert_true(top.room_bytes.value == 1536);
    assert_true(top.factor.value == -1.25);
    assert_true(top.beat_s == 90 && top.flow_per_s == 1.5 && top.fee_per_h == .5);
    assert_true(top.heads == 1000 && top.weight == 5e-7 && top.part_ratio == 0);
    assert_non_null(top.people.at);
    assert_int_equal(top.people.at->line, 2);
    assert_int_equal(top.people.at->column, 9);
}

static void any_quantity_may_carry_low_and_high(void **state)
{
    load_right("test: 1\n"
               "speed: { value: 300/s, low: 200/s, high: 500/s }\n"
               "people: { value: 10, high: 20 }\n"
               "stay: { low: 1s, value: 2s }\n"
               "rooms: { a: { rate: { value: 2/s, low: 1/s, high: 3/s } } }\n");
    check_quantity(&top.speed_per_s, 300, 200, 500);
    check_quantity(&top.people, 10, 10, 20);
    check_quantity(&top.stay_s, 2, 1, 2);
    check_quantity(&top.rooms.items[0].rate_per_s, 2, 1, 3);
}

static void a_word_may_stand_beside_numbers(void **state)
{
    load_right("test: 1\nspare: unknown\nbigger: none\n");
    assert_int_equal(top.spare.word, 2);
    assert_int_equal(top.bigger.factor.word, 1);
    assert_true(TEST_OPTION_bigger_factor == TEST_FIRST_bigger);
    assert_true(NW_CONF_GIVEN(&top.bigger, TEST_OPTION_bigger_factor, TEST_FIRST_bigger));
    load_right("test: 1\nspare: 3\nbigger: 4\n");
    assert_int_equal(top.spare.word, 0);
    assert_true(top.spare.value == 3 && top.bigger.factor.value == 4);
    load_right("test: 1\nbigger: { factor: { value: 4, low: 2 } }\n");
    check_quantity(&top.bigger.factor, 4, 2, 4);
    load_right("test: 1\nbigger: { value: 5, high: 6 }\n");
    check_quantity(&top.bigger.factor, 5, 5, 6);
}

static void pairs_are_read_in_order(void **state)
{
    load_right("test: 1\n"
               "measured: [[1, 1800/s], [2, 3490/s]]\n"
               "steps:\n  - [0s, 60/m]\n  - [1h, 0]\n");
    assert_int_equal(top.measured.count, 2);
    assert_true(top.measured.items[1].x == 2 && top.measured.items[1].y == 3490);
    assert_int_equal(top.measured.items[1].at->column, 25);
    assert_int_equal(top.steps.count, 2);
    assert_true(top.steps.items[0].x == 0 && top.steps.items[0].y == 1);
    assert_true(top.steps.items[1].x == 3600 && top.steps.items[1].y == 0);
}

static void all_mistakes_are_located_at_once(void **state)
{
    check_wrong("test: 2\n"
                "peopel: 3\n"
                "speed: 300\n"
                "wage: -1/h\n"
                "stay: 11d\n"
                "share: 85\n"
                "room: { value: 1K, hihg: 2K, low: 0 }\n"
                "factor: { low: 1, high: 2 }\n"
                "rooms: { a: { kind: raed } }\n",
                "t.yaml:1:7: test: must be at most 1, not \"2\"\n"
                "t.yaml:2:1: peopel: there is no such option (did you mean people)\n"
                "t.yaml:3:8: speed: expected a rate such as 300/s, 5K/m, 10/h or 0.5/d, not "
                "\"300\" (the time is missing)\n"
                "t.yaml:4:7: wage: must be at least 0, not \"-1/h\"\n"
                "t.yaml:5:7: stay: must be at most 10d, not \"11d\"\n"
                "t.yaml:6:8: share: expected a percentage such as 85%, not \"85\" (the sign % is "
                "missing)\n"
                "t.yaml:7:20: room.hihg: a number has value, low and high here (did you mean "
                "high)\n"
                "t.yaml:7:35: room.low: must be at least 1, not \"0\"\n"
                "t.yaml:8:9: factor.value: is missing\n"
                "t.yaml:9:13: rooms.a.rate: is missing (how fast)\n"
                "t.yaml:9:21: rooms.a.kind: expected mixed, read or write, not \"raed\" (did you "
                "mean read)\n");
}

static void a_range_must_hold_its_value(void **state)
{
    check_wrong("test: 1\nspeed: { value: 3/s, low: 4/s }\nstay: { value: 2s, high: 1s }\n",
                "t.yaml:2:8: speed: low must be at most value\n"
                "t.yaml:3:7: stay: high must be at least value\n");
}

static void words_are_listed_and_suggested(void **state)
{
    check_wrong("test: 1\nspare: nnoe\nbigger: some\n",
                "t.yaml:2:8: spare: expected a count or none or unknown (did you mean none)\n"
                "t.yaml:3:9: bigger: expected a number or none\n");
}

static void pairs_are_judged_one_by_one(void **state)
{
    check_wrong("test: 1\nmeasured: [[1, 20K/s], [2], [-1, 1/s], 7]\nsteps: 1/s\n",
                "t.yaml:2:16: measured[0]: must be at most 10K/s, not \"20K/s\"\n"
                "t.yaml:2:24: measured[1]: expected a pair, as in [1, 100/s]\n"
                "t.yaml:2:30: measured[2]: must be at least 0, not \"-1\"\n"
                "t.yaml:2:40: measured[3]: expected a pair, as in [1, 100/s]\n"
                "t.yaml:3:8: steps: expected a list of pairs, as in [[1, 100/s], [2, 190/s]]\n");
}

static void numbers_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = {"nan", "inf",   "-inf",  "0x10", "1e",  "1.",    ".5",
                                        "",    "1e999", "1 000", "1,5",  "--1", "1e5000"};
    for (size_t i = 0; i < NW_COUNT(wrong); i++) {
        struct nw_conf_why why = {0};
        double value = 7;
        assert_int_equal(nw_conf_value_real(nw_slice_str(wrong[i]), &value, &why), NW_INVALID);
        assert_true(value == 7);
        assert_non_null(why.sentence);
    }
    check_wrong("test: 1\nfactor: 1e999\nweight: .inf\npeople: 1001T\n",
                "t.yaml:2:9: factor: is too large\n"
                "t.yaml:3:9: weight: expected a number such as 4 or 1.5, not \".inf\"\n"
                "t.yaml:4:9: people: must be at most 1000T, not \"1001T\"\n");
}

static void an_empty_file_is_told_how_to_begin(void **state)
{
    check_wrong("", "t.yaml:1:1: the file is empty (begin with test: 1)\n");
    check_wrong("people: 3\n", "t.yaml:1:1: test: is missing (write test: 1 as the first line)\n");
}

static void a_key_in_the_file_cannot_steer_the_terminal(void **state)
{
    check_wrong("test: 1\n\"\\e[31mred\": 3\n", "t.yaml:2:1: ?[31mred: there is no such option\n");
}

static void a_check_of_the_command_points_into_the_file(void **state)
{
    struct nw_text said = {0};
    load_right("test: 1\nrooms: { a: { rate: 1/s } }\n");
    nw_conf_block_blame("t.yaml", &top.rooms.items[0].block, "rate", "use b", &diag, "is not %s",
                        "wanted");
    nw_diag_print(&diag, &said);
    assert_string_equal(said.ptr, "t.yaml:2:21: rooms.a.rate: is not wanted (use b)\n");
    nw_text_done(&said);
}

static void what_a_flag_put_there_is_told_by_its_name(void **state)
{
    struct nw_conf_tree *tree, *value;
    struct nw_text said = {0};
    const char *text = "test: 1\nrooms: { a: { rate: 1/s } }\n";
    assert_int_equal(
        nw_conf_tree_parse(nw_slice_str(text), "t.yaml", "test: 1", &arena, &diag, &tree), NW_OK);
    assert_int_equal(nw_conf_tree_parse(NW_SLICE("5"), "--rate", "a value", &arena, &diag, &value),
                     NW_OK);
    assert_int_equal(nw_conf_tree_put(tree, NW_SLICE("rooms.a.rate"), value, "--rate", &arena),
                     NW_OK);
    assert_int_equal(nw_conf_tree_put(tree, NW_SLICE("rooms.a.knid"), value, "--kind", &arena),
                     NW_OK);
    assert_int_equal(nw_conf_tree_put(tree, NW_SLICE("share"), value, "--set", &arena), NW_OK);
    assert_int_equal(nw_conf_table_read(tree, "t.yaml", &tables, NULL, &arena, &diag, &top),
                     NW_INVALID);
    nw_conf_block_blame("t.yaml", &top.rooms.items[0].block, "rate", NULL, &diag, "is odd");
    nw_diag_print(&diag, &said);
    assert_string_equal(said.ptr,
                        "--kind: rooms.a.knid: there is no such option (did you mean kind)\n"
                        "--rate: rooms.a.rate: expected a rate such as 300/s, 5K/m, 10/h or "
                        "0.5/d, not \"5\" (the time is missing)\n"
                        "--rate: rooms.a.rate: is odd\n"
                        "--set: share: expected a percentage such as 85%, not \"5\" (the sign % is "
                        "missing)\n");
    nw_text_done(&said);
}

static void a_path_leads_to_an_option(void **state)
{
    static const struct {
        const char *path;
        const char *name;
    } rows[] = {
        {"people", "people"},       {"bigger", "bigger"},        {"bigger.factor", "factor"},
        {"rooms.a.rate", "rate"},   {"rooms.a", "rooms"},        {"peopel", NULL},
        {"people.x", NULL},         {"rooms.a.x", NULL},         {"", NULL},
        {"rooms.a.b.rate", "rate"}, {"rooms.a.b..rate", "rate"}, {"rooms..rate", NULL},
        {"rooms.a.rate.", NULL},    {"rooms.rate.rate", "rate"}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        const struct nw_conf_option *option =
            nw_conf_table_find(&tables, nw_slice_str(rows[i].path));
        assert_true((option == NULL) == (rows[i].name == NULL));
        if (option != NULL)
            assert_string_equal(option->name, rows[i].name);
    }
}

static void the_schema_is_that_of_the_table(void **state)
{
    struct nw_text text = {0};
    json_error_t error;
    nw_conf_schema_json(&tables, &text);
    json_t *schema = json_loads(text.ptr, JSON_REJECT_DUPLICATES, &error);
    if (schema == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    assert_string_equal(json_string_value(json_object_get(schema, "title")), "test.yaml");
    const json_t *defs = json_object_get(schema, "$defs");
    const json_t *properties = json_object_get(json_object_get(defs, "top"), "properties");
    assert_int_equal(json_object_size(properties), 19);
    const json_t *forms = json_object_get(json_object_get(properties, "spare"), "anyOf");
    assert_int_equal(json_array_size(forms), 3); /* number, words, range */
    nw_text_done(&text);
    json_decref(schema);
    nw_conf_reference_markdown(&tables, &text);
    assert_ptr_equal(strstr(text.ptr, "# A test\n"), text.ptr);
    assert_non_null(strstr(text.ptr, "| `spare` | count, none, unknown | `none` | 0 to 100 |"));
    nw_text_done(&text);
}

static void words_of_a_list_are_told_apart_by_commas_too(void **state)
{
    struct nw_slice items[] = {NW_SLICE("lru, fifo"), NW_SLICE("sieve")}, rest = {0}, word;
    const struct nw_conf_strings list = {.items = items, .count = NW_COUNT(items)};
    static const char *const words[] = {"lru", "fifo", "sieve"};
    size_t item = 0;
    for (size_t i = 0; i < NW_COUNT(words); i++) {
        assert_true(nw_conf_words_next(&list, &item, &rest, &word));
        assert_true(nw_slice_eq(word, nw_slice_str(words[i])));
    }
    assert_false(nw_conf_words_next(&list, &item, &rest, &word));
}

static void a_number_of_things_stays_within_its_integer(void **state)
{
    assert_int_equal(nw_conf_whole(7, UINT64_MAX), 7);
    assert_int_equal(nw_conf_whole(-3, UINT64_MAX), 0);
    assert_int_equal(nw_conf_whole(1e300, UINT32_MAX), UINT32_MAX);
    assert_true(nw_conf_whole(1e300, UINT64_MAX) == UINT64_MAX);
    assert_true(nw_conf_whole(0x1p64, UINT64_MAX) == UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_numbers_that_nobody_gave),
        TEST(numbers_are_read_in_base_units),
        TEST(any_quantity_may_carry_low_and_high),
        TEST(a_word_may_stand_beside_numbers),
        TEST(pairs_are_read_in_order),
        TEST(all_mistakes_are_located_at_once),
        TEST(a_range_must_hold_its_value),
        TEST(words_are_listed_and_suggested),
        TEST(pairs_are_judged_one_by_one),
        TEST(numbers_that_are_none_are_refused),
        TEST(an_empty_file_is_told_how_to_begin),
        TEST(a_key_in_the_file_cannot_steer_the_terminal),
        TEST(a_check_of_the_command_points_into_the_file),
        TEST(what_a_flag_put_there_is_told_by_its_name),
        TEST(a_path_leads_to_an_option),
        TEST(the_schema_is_that_of_the_table),
        TEST(words_of_a_list_are_told_apart_by_commas_too),
        TEST(a_number_of_things_stays_within_its_integer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
