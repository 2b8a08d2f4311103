/* Doubling growth; used off the request path (pages, metrics, status, messages). */
#include "base/text.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"

static void reserve(struct nw_text *text, size_t more_bytes)
{
    size_t need_bytes = text->len + more_bytes + 1;
    if (need_bytes <= text->cap_bytes)
        return;
    size_t cap_bytes = text->cap_bytes != 0 ? text->cap_bytes : 128;
    while (cap_bytes < need_bytes)
        cap_bytes *= 2;
    text->ptr = nw_realloc(text->ptr, cap_bytes);
    text->cap_bytes = cap_bytes;
}

void nw_text_done(struct nw_text *text)
{
    nw_free(text->ptr);
    *text = (struct nw_text){0};
}

void nw_text_clear(struct nw_text *text)
{
    text->len = 0;
    if (text->ptr != NULL)
        text->ptr[0] = '\0';
}

void nw_text_add(struct nw_text *text, struct nw_slice bytes)
{
    reserve(text, bytes.len);
    if (bytes.len != 0)
        memcpy(text->ptr + text->len, bytes.ptr, bytes.len);
    text->len += bytes.len;
    text->ptr[text->len] = '\0';
}

void nw_text_add_str(struct nw_text *text, const char *string)
{
    nw_text_add(text, nw_slice_str(string));
}

void nw_text_add_char(struct nw_text *text, char byte)
{
    nw_text_add(text, nw_slice_of(&byte, 1));
}

void nw_text_addv(struct nw_text *text, const char *format, va_list args)
{
    va_list again;
    size_t room_bytes = text->cap_bytes - text->len;
    va_copy(again, args);
    int bytes = vsnprintf(room_bytes != 0 ? text->ptr + text->len : NULL, room_bytes, format, args);
    NW_ASSERT(bytes >= 0);
    if ((size_t)bytes >= room_bytes) {
        reserve(text, (size_t)bytes);
        vsnprintf(text->ptr + text->len, (size_t)bytes + 1, format, again);
    }
    va_end(again);
    text->len += (size_t)bytes;
}

void nw_text_addf(struct nw_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    nw_text_addv(text, format, args);
    va_end(args);
}

/* Length of the well-formed UTF-8 sequence at the start of `bytes`, or 0 (RFC 3629 section 4). */
static size_t utf8_length(struct nw_slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (length == 1)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || bytes.len < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool is_too_large = p[0] == 0xf4 && p[1] > 0x8f;
    return is_overlong || is_surrogate || is_too_large ? 0 : length;
}

void nw_text_add_json(struct nw_text *text, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        unsigned char byte = (unsigned char)bytes.ptr[0];
        size_t length = utf8_length(bytes);
        if (byte == '"' || byte == '\\')
            nw_text_addf(text, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            nw_text_addf(text, "\\u%04x", byte);
        else if (length == 0)
            nw_text_add_str(text, "\\ufffd");
        else
            nw_text_add(text, nw_slice_first(bytes, length));
        bytes = nw_slice_skip(bytes, length != 0 ? length : 1);
    }
}

void nw_text_add_json_string(struct nw_text *text, struct nw_slice bytes)
{
    nw_text_add_char(text, '"');
    nw_text_add_json(text, bytes);
    nw_text_add_char(text, '"');
}

void nw_text_add_html(struct nw_text *text, struct nw_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        switch (bytes.ptr[i]) {
        case '&': nw_text_add_str(text, "&amp;"); break;
        case '<': nw_text_add_str(text, "&lt;"); break;
        case '>': nw_text_add_str(text, "&gt;"); break;
        case '"': nw_text_add_str(text, "&quot;"); break;
        case '\'': nw_text_add_str(text, "&#39;"); break;
        default: nw_text_add_char(text, bytes.ptr[i]);
        }
    }
}

void nw_text_add_plain(struct nw_text *text, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        const unsigned char *p = (const unsigned char *)bytes.ptr;
        size_t length = utf8_length(bytes);
        bool is_c1 = length == 2 && p[0] == 0xc2 && p[1] < 0xa0;
        if (p[0] == '\n' || p[0] == '\r' || p[0] == '\t')
            nw_text_add_char(text, ' ');
        else if (length == 0 || is_c1 || p[0] < 0x20 || p[0] == 0x7f)
            nw_text_add_char(text, '?');
        else
            nw_text_add(text, nw_slice_first(bytes, length));
        bytes = nw_slice_skip(bytes, length != 0 ? length : 1);
    }
}

/* Of what is well-formed, XML 1.0 section 2.2 leaves out control bytes, U+FFFE and U+FFFF. */
static bool is_xml(struct nw_slice character)
{
    const unsigned char *p = (const unsigned char *)character.ptr;
    if (character.len == 1)
        return p[0] >= 0x20 || p[0] == '\t' || p[0] == '\n' || p[0] == '\r';
    return character.len != 3 || p[0] != 0xef || p[1] != 0xbf || p[2] < 0xbe;
}

void nw_text_add_xml(struct nw_text *text, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        size_t length = utf8_length(bytes);
        if (length != 0 && is_xml(nw_slice_first(bytes, length)))
            nw_text_add_html(text, nw_slice_first(bytes, length));
        else
            nw_text_add_str(text, "\xef\xbf\xbd");
        bytes = nw_slice_skip(bytes, length != 0 ? length : 1);
    }
}
