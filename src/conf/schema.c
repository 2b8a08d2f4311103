/*
 * The option tables as JSON Schema. Each block becomes one definition; a shorthand becomes an
 * alternative beside the mapping. Patterns come from type.def; `${NAME}` may stand for any value,
 * so each of them also admits a text that holds one. The schema helps while typing; `newel check`
 * has the last word.
 */
#include "conf/type.h"

static void add_string(struct nw_text *out, const char *string)
{
    nw_text_add_json_string(out, nw_slice_str(string));
}

static void add_pattern(struct nw_text *out, const char *pattern)
{
    struct nw_text whole = {0};
    nw_text_addf(&whole, "^(%s)$|\\$\\{", pattern);
    nw_text_add_str(out, "\"pattern\": ");
    add_string(out, whole.ptr);
    nw_text_done(&whole);
}

/* "a|b" */
static void add_words(struct nw_text *out, const char *words)
{
    struct nw_slice choice;
    nw_text_add_str(out, "\"enum\": [");
    for (size_t i = 0; nw_conf_choice_at(words, i, &choice); i++) {
        nw_text_add_str(out, i > 0 ? ", " : "");
        nw_text_add_json_string(out, choice);
    }
    nw_text_add_char(out, ']');
}

/* One value: what a scalar option is, and what a list or mapping holds. */
static void add_value(struct nw_text *out, const struct nw_conf_option *option)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    if (option->choices != NULL) {
        add_words(out, option->choices);
    } else if (option->type == NW_CONF_TYPE_BOOL) {
        nw_text_add_str(out, "\"type\": \"boolean\"");
    } else {
        nw_text_add_str(out, "\"type\": [\"string\", \"number\", \"boolean\"]");
        if (type->pattern != NULL) {
            nw_text_add_str(out, ", ");
            add_pattern(out, type->pattern);
        }
    }
}

/* A number alone, one of the words, or a number with its bounds. */
static void add_quantity(struct nw_text *out, const struct nw_conf_option *option)
{
    static const char *const members[] = {"value", "low", "high"};
    nw_text_add_str(out, "\"anyOf\": [{");
    add_value(out, option);
    if (option->words != NULL) {
        nw_text_add_str(out, "}, {");
        add_words(out, option->words);
    }
    nw_text_add_str(out, "}, {\"type\": \"object\", \"additionalProperties\": false, "
                         "\"required\": [\"value\"], \"properties\": {");
    for (size_t i = 0; i < NW_COUNT(members); i++) {
        nw_text_addf(out, "%s\"%s\": {", i > 0 ? ", " : "", members[i]);
        add_value(out, option);
        nw_text_add_char(out, '}');
    }
    nw_text_add_str(out, "}}]");
}

static void add_type(struct nw_text *out, const struct nw_conf_option *option)
{
    switch (nw_conf_type(option->type)->shape) {
    case NW_CONF_SHAPE_QUANTITY: add_quantity(out, option); break;
    case NW_CONF_SHAPE_POINTS:
        nw_text_add_str(out, "\"type\": \"array\", \"items\": {\"type\": \"array\", "
                             "\"minItems\": 2, \"maxItems\": 2}");
        break;
    case NW_CONF_SHAPE_SCALAR:
        add_value(out, option);
        break;
    case NW_CONF_SHAPE_LIST:
        nw_text_add_str(out, "\"anyOf\": [{");
        add_value(out, option);
        nw_text_add_str(out, "}, {\"type\": \"array\", \"items\": {");
        add_value(out, option);
        nw_text_add_str(out, "}}]");
        break;
    case NW_CONF_SHAPE_MAP:
        nw_text_add_str(out, "\"type\": \"object\", \"additionalProperties\": {");
        add_value(out, option);
        nw_text_add_char(out, '}');
        break;
    }
}

static void add_nested(struct nw_text *out, const struct nw_conf_tables *tables,
                       const struct nw_conf_option *option)
{
    const char *of = nw_conf_block_info(tables, option->of)->name;
    if (option->type == NW_CONF_TYPE_BLOCK)
        nw_text_addf(out, "\"$ref\": \"#/$defs/%s\"", of);
    else if (option->type == NW_CONF_TYPE_BLOCKS)
        nw_text_addf(out,
                     "\"anyOf\": [{\"$ref\": \"#/$defs/%s\"}, {\"type\": \"array\", \"items\": "
                     "{\"$ref\": \"#/$defs/%s\"}}]",
                     of, of);
    else
        nw_text_addf(out,
                     "\"type\": \"object\", \"additionalProperties\": {\"$ref\": \"#/$defs/%s\"}",
                     of);
}

static void add_option(struct nw_text *out, const struct nw_conf_tables *tables,
                       const struct nw_conf_option *option)
{
    struct nw_text description = {0};
    nw_text_add_str(&description, option->help);
    if (option->fallback != NULL && !nw_conf_option_is_required(option))
        nw_text_addf(&description, " (default %s)", option->fallback);
    if (option->min != NULL && option->max != NULL)
        nw_text_addf(&description, " (%s to %s)", option->min, option->max);
    nw_text_addf(out, "        \"%s\": {\"description\": ", option->name);
    add_string(out, description.ptr);
    nw_text_add_str(out, ", ");
    if (option->of != NW_CONF_BLOCK_NONE)
        add_nested(out, tables, option);
    else
        add_type(out, option);
    nw_text_add_char(out, '}');
    nw_text_done(&description);
}

static void add_required(struct nw_text *out, const struct nw_conf_block_info *info)
{
    const char *separator = ", \"required\": [";
    NW_CONF_EACH_OPTION(option, info)
    {
        if (!nw_conf_option_is_required(option))
            continue;
        nw_text_addf(out, "%s\"%s\"", separator, option->name);
        separator = ", ";
    }
    if (separator[2] == '\0')
        nw_text_add_char(out, ']');
}

static void add_mapping(struct nw_text *out, const struct nw_conf_tables *tables,
                        const struct nw_conf_block_info *info)
{
    const char *separator = "\n";
    nw_text_add_str(out, "\"type\": \"object\", \"additionalProperties\": false");
    add_required(out, info);
    nw_text_add_str(out, ", \"properties\": {");
    NW_CONF_EACH_OPTION(option, info)
    {
        if (option->type == NW_CONF_TYPE_OWN_NAME)
            continue;
        nw_text_add_str(out, separator);
        add_option(out, tables, option);
        separator = ",\n";
    }
    nw_text_add_str(out, "}");
}

static void add_block(struct nw_text *out, const struct nw_conf_tables *tables,
                      const struct nw_conf_block_info *info)
{
    nw_text_addf(out, "    \"%s\": {\"description\": ", info->name);
    add_string(out, info->help);
    nw_text_add_str(out, ", ");
    if (info->shorthand == NULL) {
        add_mapping(out, tables, info);
    } else {
        nw_text_add_str(out, "\"anyOf\": [{");
        add_type(out, nw_conf_option_find(info, nw_slice_str(info->shorthand)));
        nw_text_add_str(out, "}, {");
        add_mapping(out, tables, info);
        nw_text_add_str(out, "}]");
    }
    nw_text_add_char(out, '}');
}

void nw_conf_schema_json(const struct nw_conf_tables *tables, struct nw_text *out)
{
    nw_text_addf(out,
                 "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                 "  \"title\": \"%s\",\n  \"$ref\": \"#/$defs/top\",\n"
                 "  \"$defs\": {\n",
                 tables->title);
    for (int id = 0; id < tables->block_count; id++) {
        if (id > 0)
            nw_text_add_str(out, ",\n");
        add_block(out, tables, nw_conf_block_info(tables, id));
    }
    nw_text_add_str(out, "\n  }\n}\n");
}
