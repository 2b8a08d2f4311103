/*
 * status_print.h - the daemon's status for a person at a terminal.
 *
 * Owner:   borrows
 * Threads: main
 */
#ifndef NW_CMD_STATUS_PRINT_H
#define NW_CMD_STATUS_PRINT_H

#include <jansson.h>
#include <stdio.h>

/* Colours only when `to` is a terminal and NO_COLOR is not set. */
void status_print(const json_t *status, FILE *to);
/* `newel tls` */
void tls_print(const json_t *tls, FILE *to);
void fibers_print(const json_t *workers, FILE *to);

#endif
