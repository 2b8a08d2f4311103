/* The slice functions that are too long to be inline. */
#include "base/slice.h"

struct nw_slice nw_slice_trim(struct nw_slice slice)
{
    while (slice.len > 0 && (slice.ptr[0] == ' ' || slice.ptr[0] == '\t'))
        slice = nw_slice_skip(slice, 1);
    while (slice.len > 0 && (slice.ptr[slice.len - 1] == ' ' || slice.ptr[slice.len - 1] == '\t'))
        slice.len--;
    return slice;
}

bool nw_slice_split(struct nw_slice *rest, char separator, struct nw_slice *out_part)
{
    if (rest->ptr == NULL || rest->len == 0)
        return false;
    size_t at = nw_slice_find(*rest, separator);
    *out_part = nw_slice_first(*rest, at);
    *rest = at < rest->len ? nw_slice_skip(*rest, at + 1) : nw_slice_of(NULL, 0);
    return true;
}

nw_err nw_slice_to_u64(struct nw_slice slice, uint64_t *out)
{
    if (slice.len == 0 || slice.len > 20)
        return NW_INVALID;
    uint64_t value = 0;
    for (size_t i = 0; i < slice.len; i++) {
        unsigned digit = (unsigned char)slice.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return NW_INVALID;
    }
    *out = value;
    return NW_OK;
}
