/*
 * console.h - what a command that prints and ends asks of the system: its terminal, its files,
 * Ctrl-C.
 *
 * Owner:   nothing is kept but one flag of the process, set by a signal
 * Threads: a command's main thread; nw_console_is_interrupted from any
 */
#ifndef NW_IO_CONSOLE_H
#define NW_IO_CONSOLE_H

#include <stdbool.h>

#include "base/slice.h"

/* Columns of the terminal on stdout; 0 where it is none. */
unsigned nw_console_width(void);
/* Is stdout a terminal, and is NO_COLOR not set (or empty)? */
bool nw_console_has_colour(void);

/*
 * All of it to stdout, behind what stdio still held. A reader that went away is NW_PEER_CLOSED,
 * not the end of the process; NW_DISK_FULL, NW_IO as usual.
 */
NW_MUST_CHECK nw_err nw_console_print(struct nw_slice bytes);
/*
 * All of it to the file: written beside and renamed, with the rights it had (0644 when new). A
 * symbolic link stays one. What is no plain file (a pipe, a terminal, /dev/null) is written to.
 */
NW_MUST_CHECK nw_err nw_console_save(const char *path, struct nw_slice bytes);

/* From here on the first SIGINT only sets the flag; the second ends the process as always. */
void nw_console_watch_interrupts(void);
bool nw_console_is_interrupted(void);
/* The flag itself, for work that is told by an int that becomes not 0; lives for ever. */
const int *nw_console_stop(void);

/* A line of progress on stderr in place of the last one, "" takes it away; only on a terminal. */
void nw_console_progress(struct nw_slice line);
bool nw_console_has_progress(void);
/* Waits so long or until a signal. */
void nw_console_pause_ms(unsigned ms);

#endif
