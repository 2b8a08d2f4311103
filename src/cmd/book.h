/*
 * book.h - the helper process's own reading of the configuration (io/spawn_book.h).
 *
 * Owner:   the caller, before the fork; in the helper it lives as long as the process
 * Threads: the helper's one
 */
#ifndef NW_CMD_BOOK_H
#define NW_CMD_BOOK_H

#include "io/spawn_book.h"

struct book;

struct book_options {
    const char *file;      /* NULL: `text` rules, as for the daemon */
    const char *text;
    const char *text_name;
    const char *state_dir; /* overrides the configuration's; NULL: none */
};

/* Borrows the strings. */
struct book *book_new(const struct book_options *options);
void book_free(struct book *book);
struct nw_spawn_book book_ops(struct book *book);

#endif
