/* sim_fleet.def becomes the table of a scenario file; what its page says before the options. */
#include "cmd/sim_fleet_table.h"

#define NW_CONF_ROWS "cmd/sim_fleet.def"
#define NW_CONF_ID(word) FLEET_##word
#define NW_CONF_STRUCT(block) struct fleet_##block
#include "conf/table_rows.def"

static const char intro[] =
    "<!-- Generated from src/cmd/sim_fleet.def by tools/gen_reference.py. -->\n"
    "# The fleet's scenario file\n\n"
    "What `newel sim fleet FILE` reads: strict YAML as newel.yaml is, all mistakes named at once\n"
    "with line and column. `newel sim fleet --schema` prints its JSON Schema, for editors.\n"
    "[Simulating](../guide/simulating.md#fleets) says what the words mean together.\n\n"
    "Rates are `300/s`, `/m`, `/h`, `/d`; times `500ms 2s 5m 1h 7d`; money for a time `0.50/h`,\n"
    "`30/month`.\n";

const struct nw_conf_tables fleet_tables = {
    .title = "newel fleet scenario",
    .first_line = "sim: fleet",
    .intro = intro,
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};
