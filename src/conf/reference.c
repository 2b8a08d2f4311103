/*
 * The option tables for people: a Markdown page and a part of the manual page. Both list
 * the blocks in the order of the table, which is the order in which a reader meets them.
 */
#include "conf/type.h"

static void add_type(struct nw_text *out, const struct nw_conf_tables *tables,
                     const struct nw_conf_option *option)
{
    const char *words = option->choices != NULL ? option->choices : option->words;
    struct nw_slice choice;
    if (option->type == NW_CONF_TYPE_BLOCK)
        nw_text_addf(out, "mapping, see %s", nw_conf_block_info(tables, option->of)->path);
    else if (option->type == NW_CONF_TYPE_BLOCKS)
        nw_text_addf(out, "list, see %s", nw_conf_block_info(tables, option->of)->path);
    else if (option->type == NW_CONF_TYPE_NAMED)
        nw_text_addf(out, "mapping of names, see %s", nw_conf_block_info(tables, option->of)->path);
    else
        nw_text_add_str(out, nw_conf_type(option->type)->title);
    for (size_t i = 0; words != NULL && nw_conf_choice_at(words, i, &choice); i++)
        nw_text_addf(out, "%s%.*s", i > 0 || option->words != NULL ? ", " : " ",
                     NW_SLICE_ARG(choice));
}

static void add_range(struct nw_text *out, const struct nw_conf_option *option)
{
    if (option->min != NULL && option->max != NULL)
        nw_text_addf(out, "%s to %s", option->min, option->max);
}

/* A cell of a Markdown table: a bar would end it. */
static void add_cell(struct nw_text *out, const char *string)
{
    for (; *string != '\0'; string++) {
        if (*string == '|' || *string == '*' || *string == '~' || *string == '<')
            nw_text_add_char(out, '\\');
        nw_text_add_char(out, *string);
    }
}

static void add_row(struct nw_text *out, const struct nw_conf_tables *tables,
                    const struct nw_conf_option *option)
{
    nw_text_addf(out, "| `%s` | ", option->name);
    add_type(out, tables, option);
    nw_text_add_str(out, " | ");
    if (nw_conf_option_is_required(option))
        nw_text_add_str(out, "required");
    else if (option->fallback != NULL)
        nw_text_addf(out, "`%s`", option->fallback);
    nw_text_add_str(out, " | ");
    add_range(out, option);
    nw_text_add_str(out, " | ");
    add_cell(out, option->help);
    nw_text_add_str(out, " |\n");
}

static void add_section(struct nw_text *out, const struct nw_conf_tables *tables,
                        const struct nw_conf_block_info *info)
{
    nw_text_addf(out, "\n## %s\n\n%s", info->path, info->help);
    if (info->shorthand != NULL)
        nw_text_addf(out, " A bare value in its place sets `%s`.", info->shorthand);
    nw_text_add_str(out, "\n\n| option | value | default | range | meaning |\n"
                         "|---|---|---|---|---|\n");
    NW_CONF_EACH_OPTION(option, info)
    {
        if (option->type != NW_CONF_TYPE_OWN_NAME)
            add_row(out, tables, option);
    }
}

void nw_conf_reference_markdown(const struct nw_conf_tables *tables, struct nw_text *out)
{
    nw_text_add_str(out, tables->intro);
    for (int id = 0; id < tables->block_count; id++)
        add_section(out, tables, nw_conf_block_info(tables, id));
}

/* A line that begins with a dot or a quote would be a request; a hyphen shall stay one. */
static void add_roff(struct nw_text *out, const char *string)
{
    if (*string == '.' || *string == '\'')
        nw_text_add_str(out, "\\&");
    for (; *string != '\0'; string++) {
        if (*string == '\\')
            nw_text_add_str(out, "\\e");
        else if (*string == '-')
            nw_text_add_str(out, "\\-");
        else
            nw_text_add_char(out, *string);
    }
    nw_text_add_char(out, '\n');
}

static void add_paragraph(struct nw_text *out, const struct nw_conf_tables *tables,
                          const struct nw_conf_option *option)
{
    struct nw_text note = {0};
    nw_text_addf(out, ".TP\n.B %s\n", option->name);
    add_roff(out, option->help);
    nw_text_add_str(&note, "(");
    add_type(&note, tables, option);
    if (nw_conf_option_is_required(option))
        nw_text_add_str(&note, "; required");
    else if (option->fallback != NULL)
        nw_text_addf(&note, "; default %s", option->fallback);
    if (option->min != NULL && option->max != NULL)
        nw_text_addf(&note, "; %s to %s", option->min, option->max);
    nw_text_add_str(&note, ")");
    add_roff(out, note.ptr);
    nw_text_done(&note);
}

void nw_conf_reference_man(const struct nw_conf_tables *tables, struct nw_text *out)
{
    for (int id = 0; id < tables->block_count; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(tables, id);
        nw_text_addf(out, ".SS %s\n", info->path);
        add_roff(out, info->help);
        NW_CONF_EACH_OPTION(option, info)
        {
            if (option->type != NW_CONF_TYPE_OWN_NAME)
                add_paragraph(out, tables, option);
        }
    }
}
