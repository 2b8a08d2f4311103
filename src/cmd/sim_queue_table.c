/* sim_queue.def becomes the table of a queue scenario; what its page says before the options. */
#include "cmd/sim_queue_table.h"

#define NW_CONF_ROWS "cmd/sim_queue.def"
#define NW_CONF_ID(word) SIM_QUEUE_##word
#define NW_CONF_STRUCT(block) struct sim_queue_##block
#include "conf/table_rows.def"

static const char intro[] =
    "<!-- Generated from src/cmd/sim_queue.def by tools/gen_reference.py. -->\n"
    "# The queue scenario\n\n"
    "What `newel sim queue FILE` reads: strict YAML as newel.yaml is, all mistakes named at once\n"
    "with line and column. Every option but `groups` is a flag of the command too; an option that\n"
    "both give is a mistake. `newel sim queue --schema` prints its JSON Schema, for editors.\n"
    "[Simulating](../guide/simulating.md#queues) says what they mean.\n";

const struct nw_conf_tables sim_queue_tables = {
    .title = "queue scenario",
    .first_line = "sim: queue",
    .intro = intro,
    .blocks = blocks,
    .block_count = NW_COUNT(blocks),
};
