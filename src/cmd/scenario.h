/*
 * scenario.h - what a simulation is told: a scenario file, flags, or both, read by one table.
 *
 * Flags are put into the file's tree before it is read, so that types, bounds and messages are the
 * same for both. A flag adds what the file leaves out; what both give is a mistake that names both.
 *
 * Owner:   what was read lies in the arena given
 * Threads: main
 */
#ifndef NW_CMD_SCENARIO_H
#define NW_CMD_SCENARIO_H

#include "base/diag.h"
#include "cmd/cli.h"
#include "conf/table.h"

/* A flag, and where its value stands in a file: "scan", "service.rate". */
struct scenario_flag {
    cli_option_id option;
    const char *name; /* "--skip-bad" */
    const char *path;
    bool is_switch; /* it takes no value: true */
    bool is_list;   /* given several times, the values are joined by commas */
};

/*
 * Reads the file that is the command's first argument, or none, and the flags into *out, the struct
 * of the table's first block, whose first option is `sim: KIND` (first_line of the table). A value
 * that begins with { or [ is YAML; anything else is one text. On NW_INVALID diag holds at least one
 * error. *out_name is the file's, or "command line".
 */
NW_MUST_CHECK nw_err scenario_read(const struct cli *cli, const struct nw_conf_tables *tables,
                                   const struct scenario_flag *flags, size_t flag_count,
                                   struct nw_arena *arena, struct nw_diag *diag,
                                   const char **out_name, void *out);
/* Prints the mistakes; EXIT_INVALID when one stands in a file of the command, else EXIT_USAGE. */
int scenario_blame(const struct cli *cli, const struct nw_diag *diag);
/* What went wrong while it was played: a sentence in place of the progress; EXIT_FAILED. */
int scenario_fail(const char *format, ...) NW_PRINTF(1, 2);

#endif
