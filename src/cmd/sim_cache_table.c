/* sim_cache.def becomes the table of a cache scenario; what its page says before the options. */
#include "cmd/sim_cache_table.h"

#define NW_CONF_ROWS "cmd/sim_cache.def"
#define NW_CONF_ID(word) SIM_CACHE_##word
#define NW_CONF_STRUCT(block) struct sim_cache_##block
#include "conf/table_rows.def"

static const char intro[] =
    "<!-- Generated from src/cmd/sim_cache.def by tools/gen_reference.py. -->\n"
    "# The cache scenario\n\n"
    "What `newel sim cache FILE` reads: strict YAML as newel.yaml is, all mistakes named at once\n"
    "with line and column. Every option is a flag of the command too; an option that both give is\n"
    "a mistake. `newel sim cache --schema` prints its JSON Schema, for editors.\n"
    "[Simulating](../guide/simulating.md#caches) says what to give it.\n";

const struct nw_conf_tables sim_cache_tables = {
    .title = "cache scenario",
    .first_line = "sim: cache",
    .intro = intro,
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};
