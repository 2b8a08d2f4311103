/*
 * log_file.h - a log sink that writes to a descriptor or an appended file.
 *
 * The one place in base that writes a file: it runs in the log's own thread, which may block, and
 * would otherwise need the whole of io for one write. A pipe that nobody reads makes the writer
 * wait, the rings fill and lines be counted as dropped; while stopping it waits 1 s at most.
 *
 * Owner:   nw_log_file_open/_close; descriptors 1 and 2 are borrowed, never closed
 * Threads: the sink runs in the hub's thread; quit: any
 */
#ifndef NW_BASE_LOG_FILE_H
#define NW_BASE_LOG_FILE_H

#include "base/err.h"
#include "base/log.h"

struct nw_log_file;

/* `to`: "stdout", "stderr" or a path, made with mode 0640 if missing. */
NW_MUST_CHECK nw_err nw_log_file_open(const char *to, struct nw_log_file **out);
/* After the hub is freed; NULL does nothing. */
void nw_log_file_close(struct nw_log_file *file);
struct nw_log_sink nw_log_file_sink(struct nw_log_file *file);
/* From now on a reader that takes nothing is waited for 1 s at most. Call before the hub stops. */
void nw_log_file_quit(struct nw_log_file *file);

#endif
