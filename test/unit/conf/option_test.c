/* The contract of conf/option.h: one table, and everything printed from it. */
#include "conf/option.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "conf/type.h"

static void assert_choice(const char *block, const char *name, int index, const char *word)
{
    for (int id = 0; id < NW_CONF_BLOCK_COUNT; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(&nw_conf_newel_tables, id);
        if (strcmp(info->name, block) != 0)
            continue;
        const struct nw_conf_option *option = nw_conf_option_find(info, nw_slice_str(name));
        struct nw_slice choice;
        assert_non_null(option);
        assert_true(nw_conf_choice_at(option->choices, (size_t)index, &choice));
        assert_true(nw_slice_eq(choice, nw_slice_str(word)));
        return;
    }
    fail();
}

static void the_enums_follow_the_order_of_the_choices(void **state)
{
    assert_choice("log", "level", NW_CONF_LOG_DEBUG, "debug");
    assert_choice("log", "level", NW_CONF_LOG_INFO, "info");
    assert_choice("log", "level", NW_CONF_LOG_WARN, "warn");
    assert_choice("log", "level", NW_CONF_LOG_ERROR, "error");
    assert_choice("log", "format", NW_CONF_LOG_FORMAT_LOGFMT, "logfmt");
    assert_choice("log", "format", NW_CONF_LOG_FORMAT_JSON, "json");
    assert_choice("access", "format", NW_CONF_ACCESS_FORMAT_LOGFMT, "logfmt");
    assert_choice("access", "format", NW_CONF_ACCESS_FORMAT_JSON, "json");
    assert_choice("access", "format", NW_CONF_ACCESS_FORMAT_COMMON, "common");
    assert_choice("service", "balance", NW_CONF_BALANCE_ROUND_ROBIN, "round-robin");
    assert_choice("service", "balance", NW_CONF_BALANCE_LEAST_CONNECTIONS, "least-connections");
    assert_choice("service", "balance", NW_CONF_BALANCE_TWO_CHOICES, "two-choices");
    assert_choice("service", "balance", NW_CONF_BALANCE_LATENCY, "latency");
    assert_choice("service", "balance", NW_CONF_BALANCE_HASH, "hash");
    assert_choice("route", "target", NW_CONF_TARGET_NORMALIZED, "normalized");
    assert_choice("route", "target", NW_CONF_TARGET_RAW, "raw");
    assert_int_equal(NW_CONF_UPGRADE_WEBSOCKET, 1 << 0);
    assert_choice("route", "upgrade", 0, "websocket");
}

static void every_block_is_reached_and_every_shorthand_exists(void **state)
{
    bool is_reached[NW_CONF_BLOCK_COUNT] = {[NW_CONF_BLOCK_top] = true};
    for (int id = 0; id < NW_CONF_BLOCK_COUNT; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(&nw_conf_newel_tables, id);
        size_t count = 0;
        NW_CONF_EACH_OPTION(option, info)
        {
            count++;
            if (option->of != NW_CONF_BLOCK_NONE)
                is_reached[option->of] = true;
            assert_ptr_equal(nw_conf_option_find(info, nw_slice_str(option->name)), option);
            assert_true(strlen(option->help) > 0);
        }
        assert_in_range(count, 1, 64);
        if (info->shorthand != NULL)
            assert_non_null(nw_conf_option_find(info, nw_slice_str(info->shorthand)));
    }
    for (size_t i = 0; i < NW_COUNT(is_reached); i++)
        assert_true(is_reached[i]);
}

/* The mapping form of a definition, whether or not it has a shorthand beside it. */
static const json_t *mapping_of(const json_t *definition)
{
    const json_t *forms = json_object_get(definition, "anyOf");
    return forms != NULL ? json_array_get(forms, 1) : definition;
}

static void the_schema_holds_every_option(void **state)
{
    struct nw_text text = {0};
    json_error_t error;
    nw_conf_schema_json(&nw_conf_newel_tables, &text);
    json_t *schema = json_loads(text.ptr, JSON_REJECT_DUPLICATES, &error);
    if (schema == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    const json_t *definitions = json_object_get(schema, "$defs");
    assert_int_equal(json_object_size(definitions), NW_CONF_BLOCK_COUNT);
    for (int id = 0; id < NW_CONF_BLOCK_COUNT; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(&nw_conf_newel_tables, id);
        const json_t *mapping = mapping_of(json_object_get(definitions, info->name));
        assert_true(json_is_false(json_object_get(mapping, "additionalProperties")));
        const json_t *properties = json_object_get(mapping, "properties");
        NW_CONF_EACH_OPTION(option, info)
        {
            const json_t *property = json_object_get(properties, option->name);
            bool is_own_name = option->type == NW_CONF_TYPE_OWN_NAME;
            assert_true(is_own_name == (property == NULL));
            if (!is_own_name)
                assert_true(json_is_string(json_object_get(property, "description")));
        }
    }
    const json_t *top = json_object_get(definitions, "top");
    assert_string_equal(json_string_value(json_array_get(json_object_get(top, "required"), 0)),
                        "newel");
    json_decref(schema);
    nw_text_done(&text);
}

static void the_pages_hold_every_option(void **state)
{
    struct nw_text page = {0}, manual = {0};
    nw_conf_reference_markdown(&nw_conf_newel_tables, &page);
    nw_conf_reference_man(&nw_conf_newel_tables, &manual);
    for (int id = 0; id < NW_CONF_BLOCK_COUNT; id++) {
        const char *in_page = strstr(page.ptr, nw_conf_block_info(&nw_conf_newel_tables, id)->path);
        const char *in_manual =
            strstr(manual.ptr, nw_conf_block_info(&nw_conf_newel_tables, id)->path);
        NW_CONF_EACH_OPTION(option, nw_conf_block_info(&nw_conf_newel_tables, id)) {
            struct nw_text row = {0}, line = {0};
            nw_text_addf(&row, "| `%s` | ", option->name);
            nw_text_addf(&line, ".B %s\n", option->name);
            bool is_shown = option->type != NW_CONF_TYPE_OWN_NAME;
            assert_true(!is_shown || strstr(in_page, row.ptr) != NULL);
            assert_true(!is_shown || strstr(in_manual, line.ptr) != NULL);
            nw_text_done(&row);
            nw_text_done(&line);
        }
    }
    nw_text_done(&page);
    nw_text_done(&manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_enums_follow_the_order_of_the_choices),
        cmocka_unit_test(every_block_is_reached_and_every_shorthand_exists),
        cmocka_unit_test(the_schema_holds_every_option),
        cmocka_unit_test(the_pages_hold_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
