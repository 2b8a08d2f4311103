/*
 * Escaping that can be forgotten will be forgotten once. So pages have no
 * function that appends a raw value: markup comes from string literals in this
 * program, values only through a conversion of shop_html, and %s always
 * escapes. The cost is a little format language of our own, which the compiler
 * cannot check; an unknown conversion aborts on the first page that uses it.
 *
 * Memory that cannot be had ends the process: a shop without memory for a page
 * has no memory for an apology either, and its supervisor starts another.
 */
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8192u

struct shop_arena_block {
    struct shop_arena_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

static void *must(void *memory)
{
    if (!memory) {
        fputs("shop: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *shop_arena_alloc(struct shop_arena *arena, size_t size_bytes)
{
    const size_t align = sizeof(max_align_t);
    size_bytes = (size_bytes + align - 1) / align * align;
    struct shop_arena_block *block = arena->head;
    if (!block || block->size - block->used < size_bytes) {
        size_t size = size_bytes > BLOCK_BYTES ? size_bytes : BLOCK_BYTES;
        block = must(malloc(sizeof *block + size));
        block->next = arena->head;
        block->used = 0;
        block->size = size;
        arena->head = block;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size_bytes;
    return memset(memory, 0, size_bytes);
}

char *shop_arena_copy(struct shop_arena *arena, const char *bytes, size_t len)
{
    char *copy = shop_arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *shop_arena_format(struct shop_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *out = shop_arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(out, (size_t)len + 1, format, args);
    va_end(args);
    return out;
}

void shop_arena_done(struct shop_arena *arena)
{
    struct shop_arena_block *block = arena->head;
    while (block) {
        struct shop_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->head = NULL;
}

void shop_text_put(struct shop_text *text, const char *bytes, size_t len)
{
    if (text->size - text->len <= len) {
        size_t size = text->size ? text->size : 2048;
        while (size - text->len <= len)
            size *= 2;
        text->bytes = must(realloc(text->bytes, size));
        text->size = size;
    }
    if (len > 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void shop_text_done(struct shop_text *text)
{
    free(text->bytes);
    *text = (struct shop_text){0};
}

static void put_string(struct shop_text *text, const char *string)
{
    shop_text_put(text, string, strlen(string));
}

static void put_escaped(struct shop_text *text, const char *value)
{
    for (;;) {
        size_t plain = strcspn(value, "&<>\"'");
        shop_text_put(text, value, plain);
        value += plain;
        switch (*value++) {
        case '&': put_string(text, "&amp;"); break;
        case '<': put_string(text, "&lt;"); break;
        case '>': put_string(text, "&gt;"); break;
        case '"': put_string(text, "&quot;"); break;
        case '\'': put_string(text, "&#39;"); break;
        default: return;
        }
    }
}

static void put_money(struct shop_text *text, int64_t cents)
{
    char number[48];
    snprintf(number, sizeof number, "€ %" PRId64 ".%02" PRId64, cents / 100, cents % 100);
    put_string(text, number);
}

static void put_conversion(struct shop_text *text, char conversion, va_list *args)
{
    char number[48];
    switch (conversion) {
    case 's':
        put_escaped(text, va_arg(*args, const char *));
        return;
    case 'm':
        put_money(text, va_arg(*args, int64_t));
        return;
    case 'd':
        snprintf(number, sizeof number, "%d", va_arg(*args, int));
        break;
    case 'l':
        snprintf(number, sizeof number, "%" PRId64, va_arg(*args, int64_t));
        break;
    case 'f':
        snprintf(number, sizeof number, "%.1f", va_arg(*args, double));
        break;
    case '%':
        strcpy(number, "%");
        break;
    default:
        fprintf(stderr, "shop: unknown conversion %%%c in a page\n", conversion);
        abort();
    }
    put_string(text, number);
}

void shop_html(struct shop_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (;;) {
        size_t plain = strcspn(format, "%");
        shop_text_put(text, format, plain);
        format += plain;
        if (*format == '\0')
            break;
        put_conversion(text, format[1], &args);
        format += 2;
    }
    va_end(args);
}

/* The length of the well-formed UTF-8 sequence at `at`, 0 if there is none (RFC 3629 table). */
static size_t sequence_len(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((lead == 0xE0 && at[1] < 0xA0) || (lead == 0xED && at[1] > 0x9F) ||
        (lead == 0xF0 && at[1] < 0x90) || (lead == 0xF4 && at[1] > 0x8F))
        return 0;
    return len;
}

bool shop_text_is_clean(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    while (len > 0) {
        size_t step = sequence_len(at, len);
        if (step == 0)
            return false;
        if ((at[0] < 0x20 && at[0] != '\t' && at[0] != '\r' && at[0] != '\n') || at[0] == 0x7F)
            return false;
        at += step;
        len -= step;
    }
    return true;
}

bool shop_text_to_int(const char *text, int64_t min, int64_t max, int64_t *out_value)
{
    if (!text || text[0] < '0' || text[0] > '9' || strlen(text) > 15)
        return false;
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0 || value < min || value > max)
        return false;
    *out_value = value;
    return true;
}
