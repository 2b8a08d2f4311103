/*
 * Parameters and cookies are looked up where a route or a policy asks for one by name, so nothing
 * is split beforehand: each look-up walks the text, which is short and in the cache already. The
 * first of several equal names counts, in both.
 *
 * A query is passed on as it came, so nothing here judges it: a percent sign without two hex digits
 * stands for itself.
 */
#include "proto/http1_scan.h"
#include "proto/target.h"

bool nw_query_next(struct nw_slice *rest, struct nw_slice *out_name, struct nw_slice *out_value)
{
    struct nw_slice pair;
    do {
        if (!nw_slice_split(rest, '&', &pair))
            return false;
    } while (pair.len == 0);
    size_t len = nw_slice_find(pair, '=');
    *out_name = nw_slice_first(pair, len);
    *out_value = nw_slice_skip(pair, len < pair.len ? len + 1 : len);
    return true;
}

bool nw_query_eq(struct nw_slice raw, struct nw_slice plain)
{
    size_t at = 0;
    for (size_t i = 0; i < raw.len; i++, at++) {
        char byte = raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
        if (byte == '%' && raw.len - i >= 3) {
            int high = nw_hex_value(raw.ptr[i + 1]), low = nw_hex_value(raw.ptr[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (char)(high << 4 | low);
                i += 2;
            }
        }
        if (at == plain.len || byte != plain.ptr[at])
            return false;
    }
    return at == plain.len;
}

bool nw_query_find(struct nw_slice query, struct nw_slice name, struct nw_slice *out_value)
{
    struct nw_slice found, value;
    while (nw_query_next(&query, &found, &value)) {
        if (nw_query_eq(found, name)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

bool nw_cookie_next(struct nw_slice *rest, struct nw_slice *out_name, struct nw_slice *out_value)
{
    struct nw_slice pair;
    do {
        if (!nw_slice_split(rest, ';', &pair))
            return false;
        pair = nw_slice_trim(pair);
    } while (pair.len == 0);
    size_t len = nw_slice_find(pair, '=');
    struct nw_slice value = nw_slice_trim(nw_slice_skip(pair, len < pair.len ? len + 1 : len));
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = nw_slice_of(value.ptr + 1, value.len - 2);
    *out_name = nw_slice_trim(nw_slice_first(pair, len));
    *out_value = value;
    return true;
}

bool nw_cookie_find(struct nw_slice field, struct nw_slice name, struct nw_slice *out_value)
{
    struct nw_slice found, value;
    while (nw_cookie_next(&field, &found, &value)) {
        if (nw_slice_eq(found, name)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}
