/*
 * The option tables for people: a Markdown page and a part of the manual page. Both list
 * the blocks in the order of options.def, which is the order in which a reader meets them.
 */
#include "conf/type.h"

static const char *path_of_block(nw_conf_block_id id)
{
    return nw_conf_block_info(id)->path;
}

static void add_type(struct nw_text *out, const struct nw_conf_option *option)
{
    struct nw_slice choice;
    if (option->type == NW_CONF_TYPE_BLOCK)
        nw_text_addf(out, "mapping, see %s", path_of_block(option->of));
    else if (option->type == NW_CONF_TYPE_BLOCKS)
        nw_text_addf(out, "list, see %s", path_of_block(option->of));
    else if (option->type == NW_CONF_TYPE_NAMED)
        nw_text_addf(out, "mapping of names, see %s", path_of_block(option->of));
    else
        nw_text_add_str(out, nw_conf_type(option->type)->title);
    for (size_t i = 0; option->choices != NULL && nw_conf_choice_at(option->choices, i, &choice);
         i++)
        nw_text_addf(out, "%s%.*s", i == 0 ? " " : ", ", NW_SLICE_ARG(choice));
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

static void add_row(struct nw_text *out, const struct nw_conf_option *option)
{
    nw_text_addf(out, "| `%s` | ", option->name);
    add_type(out, option);
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

static void add_section(struct nw_text *out, const struct nw_conf_block_info *info)
{
    nw_text_addf(out, "\n## %s\n\n%s", path_of_block(info->id), info->help);
    if (info->shorthand != NULL)
        nw_text_addf(out, " A bare value in its place sets `%s`.", info->shorthand);
    nw_text_add_str(out, "\n\n| option | value | default | range | meaning |\n"
                         "|---|---|---|---|---|\n");
    NW_CONF_EACH_OPTION(option, info)
    {
        if (option->type != NW_CONF_TYPE_OWN_NAME)
            add_row(out, option);
    }
}

static const char intro[] =
    "<!-- Generated from src/conf/options.def by tools/gen_reference.py. -->\n"
    "# Options of newel.yaml\n\n"
    "The file is strict YAML: unknown and duplicate keys, anchors, aliases, tags, tabs as\n"
    "indentation and bare `yes` and `no` are errors, and so are bare `on` and `off` but where an\n"
    "option names them. `newel check FILE` names every mistake with its line and column.\n\n"
    "| value | how it is written |\n|---|---|\n"
    "| duration | a whole number and `ms`, `s`, `m`, `h` or `d`; a bare `0` |\n"
    "| size | bytes, with `K M G T` in powers of 1024 or `KB MB GB TB` in powers of 1000 |\n"
    "| count | a whole number, with `K M G` in powers of 1000 |\n"
    "| share | a percentage, a fraction such as `1/8`, or a fixed number |\n"
    "| address | `host:port`, `[v6]:port` or `unix:/path` |\n"
    "| list | `[ a, b ]` or one item for each `-` line; a single item may stand alone |\n\n"
    "`${NAME}` in a value is the environment variable NAME; `$${` stands for `${` itself. Where\n"
    "`file:PATH` is allowed, the file's content is the value, without one trailing newline; PATH\n"
    "is relative to the folder of newel.yaml. Everything can be changed by a reload except what\n"
    "says that it needs a restart.\n";

void nw_conf_reference_markdown(struct nw_text *out)
{
    nw_text_add_str(out, intro);
    for (nw_conf_block_id id = 0; id < NW_CONF_BLOCK_COUNT; id++)
        add_section(out, nw_conf_block_info(id));
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

static void add_paragraph(struct nw_text *out, const struct nw_conf_option *option)
{
    struct nw_text note = {0};
    nw_text_addf(out, ".TP\n.B %s\n", option->name);
    add_roff(out, option->help);
    nw_text_add_str(&note, "(");
    add_type(&note, option);
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

void nw_conf_reference_man(struct nw_text *out)
{
    for (nw_conf_block_id id = 0; id < NW_CONF_BLOCK_COUNT; id++) {
        const struct nw_conf_block_info *info = nw_conf_block_info(id);
        nw_text_addf(out, ".SS %s\n", path_of_block(id));
        add_roff(out, info->help);
        NW_CONF_EACH_OPTION(option, info)
        {
            if (option->type != NW_CONF_TYPE_OWN_NAME)
                add_paragraph(out, option);
        }
    }
}
