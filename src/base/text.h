/*
 * text.h - a growing byte string for output that is built piece by piece.
 *
 * Owner:   the caller; nw_text_done frees it
 * Threads: one at a time
 */
#ifndef NW_BASE_TEXT_H
#define NW_BASE_TEXT_H

#include <stdarg.h>

#include "base/compiler.h"
#include "base/slice.h"

struct nw_text {
    char *ptr; /* zero-terminated once anything was added */
    size_t len;
    size_t cap_bytes;
};

/* A zeroed struct is an empty text. */
static inline void nw_text_init(struct nw_text *text)
{
    *text = (struct nw_text){0};
}

void nw_text_done(struct nw_text *text);
void nw_text_clear(struct nw_text *text);
void nw_text_add(struct nw_text *text, struct nw_slice bytes);
void nw_text_add_str(struct nw_text *text, const char *string);
void nw_text_add_char(struct nw_text *text, char byte);
void nw_text_addf(struct nw_text *text, const char *format, ...) NW_PRINTF(2, 3);
void nw_text_addv(struct nw_text *text, const char *format, va_list args);
/* As the inside of a JSON string: quotes, backslash, control bytes and invalid UTF-8 escaped. */
void nw_text_add_json(struct nw_text *text, struct nw_slice bytes);
/* A whole JSON string, quotes included. */
void nw_text_add_json_string(struct nw_text *text, struct nw_slice bytes);
/* With & < > " ' escaped. */
void nw_text_add_html(struct nw_text *text, struct nw_slice bytes);
/*
 * As part of one line for a terminal or a log: line ends and tabs are spaces; other control
 * characters (C1 included) and invalid UTF-8 are "?", so that no name can steer the terminal.
 */
void nw_text_add_plain(struct nw_text *text, struct nw_slice bytes);
/* As nw_text_add_html; what no XML document may hold (control bytes, invalid UTF-8) is U+FFFD. */
void nw_text_add_xml(struct nw_text *text, struct nw_slice bytes);

static inline struct nw_slice nw_text_slice(const struct nw_text *text)
{
    return nw_slice_of(text->ptr, text->len);
}

#endif
