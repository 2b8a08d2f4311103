/*
 * text.h - the two kinds of memory a request needs: an arena and a growing text.
 *
 * Whatever a request reads or writes lives in its arena and goes with one
 * shop_arena_done. A shop_text is a growing string, used for pages and JSON.
 * shop_html is the only way to put a value into a page, and it escapes it.
 *
 * Owner:   the embedding struct; pointers into an arena live as long as it does
 * Threads: an arena or a text belongs to one thread at a time
 */
#ifndef SHOP_TEXT_H
#define SHOP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shop_arena_block;

struct shop_arena {
    struct shop_arena_block *head;
};

/* An all-zero arena is empty and ready. */
void *shop_arena_alloc(struct shop_arena *arena, size_t size_bytes);
char *shop_arena_copy(struct shop_arena *arena, const char *bytes, size_t len);
char *shop_arena_format(struct shop_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void shop_arena_done(struct shop_arena *arena);

/* An all-zero text is empty and ready; `bytes` is NUL-terminated once anything was put. */
struct shop_text {
    char *bytes;
    size_t len;
    size_t size;
};

void shop_text_put(struct shop_text *text, const char *bytes, size_t len);
void shop_text_done(struct shop_text *text);

/*
 * Append markup. The format is trusted, every value is not:
 *   %s  text, escaped for element content and double-quoted attributes
 *   %d  int           %l  int64_t
 *   %m  int64_t cents, as money        %f  double, one decimal (drawings)
 *   %%  a percent sign
 */
void shop_html(struct shop_text *text, const char *format, ...);

/* Is it valid UTF-8 without control characters other than tab, CR and LF? */
bool shop_text_is_clean(const char *bytes, size_t len);

/* A whole decimal number within the bounds, nothing before or after it. */
bool shop_text_to_int(const char *text, int64_t min, int64_t max, int64_t *out_value);

#endif
