/*
 * Targets: the normal form is its own normal form, holds no dot segment and no byte that must be
 * encoded, and host, query and cookie look-ups stay within their input. Scratch memory is as large
 * as the contract says and no larger.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "proto/http1_scan.h"
#include "proto/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *own(struct nw_slice text)
{
    char *copy = malloc(text.len != 0 ? text.len : 1);
    NW_ASSERT(copy != NULL);
    if (text.len != 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

static void assert_normal(struct nw_slice path)
{
    struct nw_slice rest = path, segment;
    NW_ASSERT(path.len != 0 && path.ptr[0] == '/');
    while (nw_slice_split(&rest, '/', &segment))
        NW_ASSERT(!nw_slice_eq(segment, NW_SLICE(".")) && !nw_slice_eq(segment, NW_SLICE("..")));
    for (size_t i = 0; i < path.len; i++) {
        NW_ASSERT(path.ptr[i] == '%' || nw_byte_is(path.ptr[i], NW_BYTE_PATH));
        if (path.ptr[i] != '%')
            continue;
        NW_ASSERT(path.len - i >= 3);
        int value = nw_hex_value(path.ptr[i + 1]) << 4 | nw_hex_value(path.ptr[i + 2]);
        NW_ASSERT(value > 0 && value != '\\' && !nw_byte_is((char)value, NW_BYTE_UNRESERVED));
    }
    char *scratch = malloc(path.len);
    struct nw_slice again;
    nw_http1_class found;
    NW_ASSERT(nw_path_normalise(path, scratch, &again, &found) == NW_OK);
    NW_ASSERT(again.ptr == path.ptr && again.len == path.len);
    free(scratch);
}

static void parse(nw_http_method method, struct nw_slice target, struct nw_slice host)
{
    char *scratch = malloc(nw_target_scratch_bytes(target, host) + 1);
    struct nw_target out;
    nw_http1_class found = NW_HTTP1_FINE;
    scratch[nw_target_scratch_bytes(target, host)] = '#'; /* must stay */
    nw_err err = nw_target_parse(method, target, host, scratch, &out, &found);
    NW_ASSERT(scratch[nw_target_scratch_bytes(target, host)] == '#');
    NW_ASSERT((err == NW_OK) == (found == NW_HTTP1_FINE));
    if (err == NW_OK) {
        if (out.form == NW_TARGET_ORIGIN || out.form == NW_TARGET_ABSOLUTE)
            assert_normal(out.path);
        for (size_t i = 0; i < out.authority.len; i++)
            NW_ASSERT(out.authority.ptr[i] < 'A' || out.authority.ptr[i] > 'Z');
        NW_ASSERT(out.host.len <= out.authority.len);
        struct nw_slice rest = out.query, name, value;
        while (nw_query_next(&rest, &name, &value)) {
            struct nw_slice hit;
            if (nw_query_eq(name, name)) /* false where it is encoded */
                NW_ASSERT(nw_query_find(out.query, name, &hit));
        }
    }
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    nw_http_method method = (nw_http_method)(data[0] % NW_HTTP_METHOD_COUNT);
    struct nw_slice input = nw_slice_of((const char *)data + 1, size - 1);
    /* "target SP host" */
    size_t space = nw_slice_find(input, ' ');
    struct nw_slice target = nw_slice_first(input, space);
    struct nw_slice host = nw_slice_skip(input, space < input.len ? space + 1 : space);
    char *target_copy = own(target), *host_copy = own(host);
    parse(method, nw_slice_of(target_copy, target.len), nw_slice_of(host_copy, host.len));
    struct nw_slice rest = nw_slice_of(host_copy, host.len), name, value;
    while (nw_cookie_next(&rest, &name, &value)) {
        struct nw_slice hit;
        NW_ASSERT(nw_cookie_find(nw_slice_of(host_copy, host.len), name, &hit));
    }
    free(target_copy);
    free(host_copy);
    return 0;
}
