/* plan.def becomes the table of a plan file; what its page says before the options. */
#include "cmd/plan_table.h"

#define NW_CONF_ROWS "cmd/plan.def"
#define NW_CONF_ID(word) PLAN_##word
#define NW_CONF_STRUCT(block) struct plan_##block
#include "conf/table_rows.def"

static const char intro[] =
    "<!-- Generated from src/cmd/plan.def by tools/gen_reference.py. -->\n"
    "# The plan file\n\n"
    "What `newel plan FILE` reads: strict YAML as newel.yaml is, all mistakes named at once with\n"
    "line and column. `newel plan init` prints one to begin with, `newel plan init --schema` its\n"
    "JSON Schema, for editors. Every number that is not given has the value and the range of its\n"
    "row in [constants](plan-constants.md), and the report says which of them it assumed.\n\n"
    "| value | how it is written |\n|---|---|\n"
    "| count | a number, with `K M B T` in powers of 1000: `50M` users |\n"
    "| rate | a count and `/s`, `/m`, `/h` or `/d`: `100M/d`, `0.5/d` |\n"
    "| time | a number and `us`, `ms`, `s`, `m`, `h` or `d` |\n"
    "| size | bytes, with `K M G T` in powers of 1024 or `KB MB GB TB` in powers of 1000 |\n"
    "| percentage | a number and `%` |\n"
    "| money for a time | `0.50/h`, `12/d`, `30/month` (730 hours), `1K/year` |\n\n"
    "Any of these may be `{ value: 300/s, low: 200/s, high: 500/s }` instead: how far it may be\n"
    "off. The report then says what each of them does to the result, and all together.\n";

const struct nw_conf_tables plan_tables = {
    .title = "newel plan file",
    .first_line = "plan: 1",
    .intro = intro,
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};
