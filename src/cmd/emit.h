/*
 * emit.h - what all commands that report share: --json, --csv, --html FILE, --fail-if, --schema.
 *
 *     int code = emit_check(cli);                      before any work: usage mistakes
 *     nw_console_watch_interrupts();                   simulations only (io/console.h)
 *     … nw_console_is_interrupted() … report_mark_incomplete(report, "interrupted after 3 of 20")
 *     return emit_report(cli, report, aliases, count, EXIT_DONE);
 *
 * Without an option the report is text on stdout, as wide as the terminal and in colour there
 * (NO_COLOR is honoured). --json or --csv replace the text; --html FILE writes a page as well,
 * which appears whole or not at all ("-": the page goes to stdout instead of the text).
 * A command lists CLI_JSON, CLI_CSV, CLI_HTML and CLI_FAIL_IF in commands.def.
 *
 * Owner:   everything is borrowed for the call
 * Threads: the command's own
 */
#ifndef NW_CMD_EMIT_H
#define NW_CMD_EMIT_H

#include "base/diag.h"
#include "cmd/cli.h"
#include "cmd/report.h"

struct nw_conf_tables;

/* A short name for --fail-if: "nodes" for "services.app.nodes". */
struct emit_alias {
    const char *name;
    const char *path;
};

/* EXIT_DONE, or EXIT_USAGE after a sentence: two forms at once, a --fail-if that is none. */
NW_MUST_CHECK int emit_check(const struct cli *cli);

/*
 * Judges the bars, prints the report in the form asked for, and returns the exit code. `code` is
 * how the command itself ended, EXIT_DONE or EXIT_FAILED (an incomplete report is EXIT_FAILED); a
 * missed bar is EXIT_MISSED and outranks it, each with a sentence on stderr; a bar on a result
 * that has no value is missed, and the reason is said. A bar on a name that the report does not
 * have, or with a unit that the result does not have, is EXIT_USAGE, and nothing is printed. What
 * could not be written is EXIT_FAILED whatever else.
 */
NW_MUST_CHECK int emit_report(const struct cli *cli, const struct report *report,
                              const struct emit_alias *aliases, unsigned alias_count, int code);

/* Prints on standard output; EXIT_FAILED after a sentence when that cannot be written. */
NW_MUST_CHECK int emit_text(struct nw_slice text);
/* The same with the JSON Schema of a kind of file. */
NW_MUST_CHECK int emit_schema(const struct nw_conf_tables *tables);
/* Everything in diag, a line each, on stderr. */
void emit_mistakes(const struct nw_diag *diag);

#endif
