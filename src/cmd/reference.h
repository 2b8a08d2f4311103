/*
 * reference.h - the pages that are made from tables: options, commands, metrics, control verbs,
 * man.
 *
 * Owner:   nothing
 * Threads: main
 */
#ifndef NW_CMD_REFERENCE_H
#define NW_CMD_REFERENCE_H

#include "cmd/cli.h"

/* Prints the page of that name on stdout; an exit code. */
int reference_print(const struct cli *cli, const char *page);

#endif
