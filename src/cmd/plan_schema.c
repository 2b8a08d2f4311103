/*
 * The JSON of `newel plan --json`, described for who reads it: a JSON Schema in which every table
 * has its columns, and the short names that --fail-if knows. A scenario test holds reports against
 * it.
 */
#include "cmd/plan.h"

/*
 * "name:type …": s text, n number, i null or number, t null or text, b boolean; o a text that may
 * be left out.
 */
struct shape {
    const char *name;
    const char *columns;
    const char *help;
};

static const struct shape tables[] = {
    {"staircase", "rung:s state:s growth:i why:s",
     "the eight moves, and at how many times this load each is due; below 1 it is due already"},
    {"stages", "guide:s by:s from:n stage:s month:s",
     "what the classic guides say at this peak and for so many users: orientation only"},
    {"changed", "path:s was:s is:s", "what --set changed against the file"},
    {"decisions", "path:s decision:s count:n words:s why:s", "choices, such as SHARDING, 4"},
    {"findings", "severity:s path:s sentence:s",
     "severity unmet: the plan cannot be met; warning: it can, but somebody should know"},
    {"disagreements", "id:s name:s path:s sentence:s",
     "where the classic guides would have given another result"},
    {"assumed",
     "path:s value:n low:n high:n unit:s nodes_needed_at_low:i nodes_needed_at_high:i "
     "cost_month_at_low:i cost_month_at_high:i flag:s source:s metric:s",
     "numbers that nobody gave; null: the result does not move within low and high"},
    {"results", "name:s value:i unit:s reason:t",
     "every step's result in base units (per second, bytes, seconds, 0..1); null has a reason"},
};

static const struct shape summary = {
    "summary",
    "is_met:b average_per_s:n peak_per_s:n nodes:i nodes_needed:i hit_ratio:n cache_nodes:n "
    "replicas:n shards:n cost_per_h:i cost_month:i nodes_reason:o nodes_needed_reason:o "
    "cost_per_h_reason:o cost_month_reason:o",
    "the numbers of the whole plan; null has a reason"};

static const struct shape outcome = {"",
                                     "is_met:b nodes:i nodes_needed:i cost_month:i nodes_reason:o "
                                     "nodes_needed_reason:o cost_month_reason:o",
                                     "all inputs at that end"};

static const char *type_of(char letter)
{
    switch (letter) {
    case 'o':
    case 's': return "\"string\"";
    case 'n': return "\"number\"";
    case 'i': return "[\"number\", \"null\"]";
    case 't': return "[\"string\", \"null\"]";
    default: return "\"boolean\"";
    }
}

/* An object of these columns, all of them required. */
static void add_object(struct nw_text *out, const struct shape *shape)
{
    struct nw_slice rest = nw_slice_str(shape->columns), word;
    struct nw_text required = {0};
    const char *comma = "";
    nw_text_add_str(out,
                    "\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
    while (nw_slice_split(&rest, ' ', &word)) {
        struct nw_slice name = nw_slice_first(word, nw_slice_find(word, ':'));
        nw_text_addf(out, "%s\"%.*s\": {\"type\": %s}", comma, NW_SLICE_ARG(name),
                     type_of(word.ptr[word.len - 1]));
        if (word.ptr[word.len - 1] != 'o')
            nw_text_addf(&required, "%s\"%.*s\"", comma, NW_SLICE_ARG(name));
        comma = ", ";
    }
    nw_text_addf(out, "}, \"required\": [%s]", required.ptr);
    nw_text_done(&required);
}

static void add_table(struct nw_text *out, const struct shape *shape)
{
    nw_text_addf(out, ",\n    \"%s\": {\"description\": \"%s\", \"type\": \"array\", \"items\": {",
                 shape->name, shape->help);
    add_object(out, shape);
    nw_text_add_str(out, "}}");
}

static const char head[] =
    "{\n"
    "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
    "  \"title\": \"newel.plan/1\",\n"
    "  \"description\": \"what `newel plan --json` prints\",\n"
    "  \"type\": \"object\",\n"
    "  \"properties\": {\n"
    "    \"schema\": {\"const\": \"newel.plan/1\"},\n"
    "    \"complete\": {\"type\": \"boolean\"},\n"
    "    \"currency\": {\"type\": \"string\"},\n"
    "    \"source\": {\"description\": \"the file\", \"type\": \"string\"},\n"
    "    \"all_disagreements\": {\"description\": \"with --all-disagreements\", \"type\": "
    "\"array\"},\n"
    "    \"steps\": {\"description\": \"the arithmetic, in order\", \"type\": \"array\", "
    "\"items\": {\"type\": \"object\", \"required\": [\"path\", \"exact\", \"unit\"], "
    "\"properties\": {\"path\": {\"type\": \"string\"}, \"exact\": {\"type\": [\"number\", "
    "\"null\"]}, \"rounded\": {\"type\": [\"number\", \"null\"]}, \"unit\": {\"type\": "
    "\"string\"}, \"exact_reason\": {\"type\": \"string\"}}}}";

void plan_report_schema(struct nw_text *out)
{
    nw_text_add_str(out, head);
    nw_text_addf(out, ",\n    \"summary\": {\"description\": \"%s\", ", summary.help);
    add_object(out, &summary);
    nw_text_add_str(out, "}");
    for (size_t i = 0; i < NW_COUNT(tables); i++)
        add_table(out, &tables[i]);
    nw_text_add_str(out, ",\n    \"sensitivity\": {\"type\": \"object\", \"properties\": {"
                         "\"cautious\": {");
    add_object(out, &outcome);
    nw_text_add_str(out, "}, \"hopeful\": {");
    add_object(out, &outcome);
    nw_text_add_str(out, "}}, \"required\": [\"cautious\", \"hopeful\"]}\n  },\n"
                         "  \"required\": [\"schema\", \"complete\", \"currency\", \"source\", "
                         "\"summary\", \"steps\", \"sensitivity\"");
    for (size_t i = 0; i < NW_COUNT(tables); i++)
        nw_text_addf(out, ", \"%s\"", tables[i].name);
    nw_text_add_str(out, "],\n  \"x-fail-if\": {");
    for (unsigned i = 0; i < plan_alias_count; i++)
        nw_text_addf(out, "%s\"%s\": \"%s\"", i > 0 ? ", " : "", plan_aliases[i].name,
                     plan_aliases[i].path);
    nw_text_add_str(out, "}\n}\n");
}
