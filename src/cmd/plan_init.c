/* `newel plan init`: a plan file to begin with, in which every line says what it means. */
#include "cmd/emit.h"
#include "cmd/plan_table.h"

/* clang-format off */
static const char example[] =
    "# What newel plan reads: newel plan plan.yaml\n"
    "# Only the load must be stated. What stands behind # is assumed unless you say otherwise;\n"
    "# any number may be { value: 300/s, low: 200/s, high: 500/s } instead.\n"
    "plan: 1\n"
    "\n"
    "load:\n"
    "  users: 1M                  # or requests: 100M/d (an average), or rate: 5800/s (at peak)\n"
    "  peak: 4                    # the busiest moment, times the average; never assumed\n"
    "  # growth: 1                # multiplies the load; try --set load.growth=10\n"
    "  # connected: 0             # clients connected at once, if they stay (WebSocket, SSE)\n"
    "\n"
    "routes:                      # what a user does, on average\n"
    "  pages:\n"
    "    per_user: 20/d\n"
    "    kind: read               # read, write or mixed (mixed: 90% reads)\n"
    "    cached: 0%               # share that the cache answers; start without\n"
    "  orders:\n"
    "    per_user: 0.5/d\n"
    "    kind: write\n"
    "    # queue: orders          # done later instead of at once\n"
    "\n"
    "services:\n"
    "  app:\n"
    "    # node_rate: 300/s       # what one node answers in time: measure it, it decides most\n"
    "    # efficiency: 85%        # what is left of it beside other nodes\n"
    "    # margin: 30%\n"
    "    # spare: 1               # or zones: 3, to survive the loss of one\n"
    "    # connections: 2000      # that one node holds\n"
    "    stateless: unknown       # true, false or unknown: may any node answer any request?\n"
    "    # bigger: { factor: 8, price: 4.80/h }   # the next larger machine, or none\n"
    "    # price: 0.50/h\n"
    "\n"
    "databases:\n"
    "  main:\n"
    "    # read_rate: 1000/s      # of the primary\n"
    "    # replica_rate: 2000/s\n"
    "    # write_rate: 5000/s\n"
    "    # size: 0                # what it holds, such as 200GB; 0: not stated\n"
    "    # size_max: 5TB          # above which one primary becomes unwieldy\n"
    "    # connections: 100       # PostgreSQL as shipped\n"
    "    # pool: 20               # connections that each node opens\n"
    "    price: 1.00/h\n"
    "\n"
    "# cache: { entry: 2KB, hot: 0, ram: 64GB, fill: 75%, price: 0.50/h }\n"
    "# queues: { orders: { burst: 10000, over: 60s, drain: 200/s } }\n"
    "# regions: { tokyo: { users: 10%, rtt: 155ms, local: 3ms, calls: 5, distance_km: 10872 } }\n"
    "# availability: { target: 99.9%, parts: { app: 99%, main: 99.9% } }\n"
    "# budget: { month: 5000 }\n";
/* clang-format on */

int cmd_plan_init(const struct cli *cli)
{
    return cli_has(cli, CLI_FILE_SCHEMA) ? emit_schema(&plan_tables)
                                         : emit_text(nw_slice_str(example));
}
