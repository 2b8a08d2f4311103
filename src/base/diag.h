/*
 * diag.h - failures that a person will read.
 *
 * Owner:   a diag list owns its texts; nw_diag_done frees them
 * Threads: one at a time
 */
#ifndef NW_BASE_DIAG_H
#define NW_BASE_DIAG_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/text.h"

struct nw_diag_item {
    bool is_warning;
    char *file; /* NULL when there is none */
    int line;   /* 1-based; 0 unknown */
    int column; /* 1-based; 0 unknown */
    char *path; /* "services.shop.balance"; NULL when there is none */
    char *sentence;
    char *suggestion; /* "did you mean …"; NULL when there is none */
};

struct nw_diag {
    struct nw_diag_item *items;
    size_t count;
    size_t cap;
    size_t error_count;
};

void nw_diag_init(struct nw_diag *diag);
void nw_diag_done(struct nw_diag *diag);

/* Adds one error (or warning); strings are copied. file, path and suggestion may be NULL. */
void nw_diag_add(struct nw_diag *diag, bool is_warning, const char *file, int line, int column,
                 const char *path, const char *suggestion, const char *format, ...)
    NW_PRINTF(8, 9);
/* One sentence without a place. */
void nw_diag_error(struct nw_diag *diag, const char *format, ...) NW_PRINTF(2, 3);
/* "file:line:column: path: sentence (suggestion)\n" for each, by file and position. */
void nw_diag_print(const struct nw_diag *diag, struct nw_text *out);

#endif
