/*
 * Decoding is done once, here, on the raw target and body, before anything is
 * matched or looked up: afterwards no handler has to wonder whether a %00, a
 * broken UTF-8 sequence or a control character is in front of it.
 */
#include "request.h"

#include <string.h>
#include <strings.h>

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

char *shop_percent_decode(struct shop_arena *arena, const char *text, size_t len,
                          bool plus_is_space)
{
    char *out = shop_arena_alloc(arena, len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = text[i];
        if (byte == '+' && plus_is_space) {
            byte = ' ';
        } else if (byte == '%') {
            bool is_whole = len - i > 2;
            int high = is_whole ? hex_value(text[i + 1]) : -1;
            int low = is_whole ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        out[used++] = byte;
    }
    return shop_text_is_clean(out, used) ? out : NULL;
}

bool shop_pairs_decode(struct shop_arena *arena, const char *text, size_t len,
                       struct shop_pairs *out_pairs)
{
    out_pairs->count = 0;
    const char *end = text + len;
    while (text < end) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        if (!stop)
            stop = end;
        const char *equals = memchr(text, '=', (size_t)(stop - text));
        const char *name_end = equals ? equals : stop;
        const char *value = equals ? equals + 1 : stop;
        struct shop_pair pair = {
            shop_percent_decode(arena, text, (size_t)(name_end - text), true),
            shop_percent_decode(arena, value, (size_t)(stop - value), true),
        };
        if (!pair.name || !pair.value || out_pairs->count == SHOP_PAIRS_MAX)
            return false;
        out_pairs->items[out_pairs->count++] = pair;
        text = stop + 1;
    }
    return true;
}

const char *shop_pairs_get(const struct shop_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    }
    return NULL;
}

const char *shop_request_header(const struct shop_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool shop_request_has_content_type(const struct shop_request *request, const char *type)
{
    const char *value = shop_request_header(request, "Content-Type");
    if (!value)
        return false;
    size_t len = strcspn(value, "; \t");
    return len == strlen(type) && strncasecmp(value, type, len) == 0;
}

void shop_reply_header(struct shop_request *request, const char *name, const char *value)
{
    struct shop_reply *reply = &request->reply;
    if (reply->header_count < SHOP_HEADERS_MAX)
        reply->headers[reply->header_count++] = (struct shop_pair){name, value};
}

void shop_reply_redirect(struct shop_request *request, const char *location)
{
    request->reply.status = 303;
    shop_reply_header(request, "Location", location);
}

void shop_reply_cacheable(struct shop_request *request, int age_s)
{
    if (!request->shop->has_cache_headers)
        return;
    shop_reply_header(request, "Cache-Control",
                      age_s > 0 ? shop_arena_format(&request->arena, "public, max-age=%d", age_s)
                                : "private, no-store");
}
