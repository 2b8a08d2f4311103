/*
 * log_line.h - an event as one line of text. Internal to log.
 *
 * Owner:   the caller's texts; `value` is scratch that keeps its memory between lines
 * Threads: one at a time
 */
#ifndef NW_BASE_LOG_LINE_H
#define NW_BASE_LOG_LINE_H

#include <stdarg.h>

#include "base/log.h"
#include "base/text.h"

#define NW_LOG_VALUE_MAX_BYTES 1024

struct nw_log_line {
    nw_log_format format;
    nw_log_level level;
    uint64_t wall_ms;
    const char *event;
};

/* Appends the line with its '\n'; takes `format` apart as log.h promises. */
void nw_log_line_add(struct nw_text *out, struct nw_text *value, const struct nw_log_line *line,
                     const char *format, va_list args);

#endif
