/*
 * The words are few and their lengths are spread, so a name is looked up by its length:
 * http_field.def is sorted by length, `nw_http_field_last` points at the last word of each, and the
 * walk goes backwards while the length stays. First and last byte reject nearly every wrong
 * candidate before eight bytes at a time are compared. A hash was not needed: the longest walk is
 * seven words, and nothing has to be generated when a row is added (a unit test finds every row and
 * checks the order).
 *
 * Case is folded by setting bit 0x20. Among token bytes that maps letters to lower case, '^' to '~'
 * and '_' to 0x7F, neither of which any spelling contains, and leaves digits and '-' alone.
 */
#include "proto/http_words.h"

#include "base/assert.h"
#include "proto/http1_scan.h"

/* Bits are NW_BYTE_*; a unit test states them again from the RFCs' own lists. */
/* clang-format off */
const uint8_t nw_byte_kind[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x40, 0x6d, 0x60, 0x61, 0x6d, 0x61, 0x6d, 0x6d, 0x6c, 0x6c, 0x6d, 0x6d, 0x6c, 0x7f, 0x7f, 0x64,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x6c, 0x6c, 0x60, 0x6c, 0x60, 0x60,
    0x6c, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x6c, 0x60, 0x6c, 0x6d, 0x7f,
    0x61, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x6c, 0x6d, 0x6c, 0x6f, 0x00,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
};
/* clang-format on */

const char nw_http_field_spelling[NW_HTTP_FIELD_COUNT][NW_HTTP_SPELLING_MAX_BYTES] = {
#define NW_HTTP_FIELD(name, spelling, kind) [NW_HTTP_FIELD_##name] = spelling,
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
};

const uint8_t nw_http_field_len[NW_HTTP_FIELD_COUNT] = {
#define NW_HTTP_FIELD(name, spelling, kind) [NW_HTTP_FIELD_##name] = sizeof(spelling) - 1,
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
};

static const uint8_t field_kind[NW_HTTP_FIELD_COUNT] = {
#define NW_HTTP_FIELD(name, spelling, kind) [NW_HTTP_FIELD_##name] = NW_HTTP_KIND_##kind,
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
};

/* Length, last byte and first byte: what is looked at before a name is compared as a whole. */
#define WORD_KEY(len, first, last) \
    ((uint32_t)(len) << 16 | (uint32_t)(uint8_t)(last) << 8 | (uint8_t)(first))
static const uint32_t field_key[NW_HTTP_FIELD_COUNT] = {
#define NW_HTTP_FIELD(name, spelling, kind)                                                        \
    [NW_HTTP_FIELD_##name] =                                                                       \
        WORD_KEY(sizeof(spelling) - 1, (spelling)[0], (spelling)[sizeof(spelling) - 2]),
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
};

/* A later row of the same length overrides the earlier one: that is how the last one is found. */
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const uint8_t nw_http_field_last[NW_HTTP_SPELLING_MAX_BYTES] = {
#define NW_HTTP_FIELD(name, spelling, kind) [sizeof(spelling) - 1] = NW_HTTP_FIELD_##name,
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
};
#pragma GCC diagnostic pop

_Static_assert(NW_HTTP_FIELD_COUNT <= 64, "a set of field ids is one 64-bit word");

static inline uint64_t load_8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t load_4(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Does name, folded to lower case, equal the spelling of the same length? len >= 2. */
static inline bool same_spelling(const char *name, const char *spelling, size_t len)
{
    const uint64_t fold_8 = UINT64_C(0x2020202020202020);
    const uint32_t fold_4 = UINT32_C(0x20202020);
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8) {
            if ((load_8(name + i) | fold_8) != load_8(spelling + i))
                return false;
        }
        return (load_8(name + len - 8) | fold_8) == load_8(spelling + len - 8);
    }
    if (len >= 4)
        return (load_4(name) | fold_4) == load_4(spelling) &&
               (load_4(name + len - 4) | fold_4) == load_4(spelling + len - 4);
    return len == 2 || (name[1] | 0x20) == spelling[1]; /* first and last were compared */
}

nw_http_field nw_http_field_find(struct nw_slice name)
{
    if (name.len < 2 || name.len >= NW_HTTP_SPELLING_MAX_BYTES)
        return NW_HTTP_FIELD_OTHER;
    uint32_t key = WORD_KEY(name.len, name.ptr[0] | 0x20, name.ptr[name.len - 1] | 0x20);
    unsigned id = nw_http_field_last[name.len];
    for (; field_key[id] >> 16 == name.len; id--)
        if (field_key[id] == key && same_spelling(name.ptr, nw_http_field_spelling[id], name.len))
            return (nw_http_field)id;
    return NW_HTTP_FIELD_OTHER;
}

struct nw_slice nw_http_field_name(nw_http_field field)
{
    NW_ASSERT(field < NW_HTTP_FIELD_COUNT);
    return nw_slice_of(nw_http_field_spelling[field], nw_http_field_len[field]);
}

nw_http_field_kind nw_http_field_kind_of(nw_http_field field)
{
    NW_ASSERT(field < NW_HTTP_FIELD_COUNT);
    return (nw_http_field_kind)field_kind[field];
}

bool nw_http_field_is_newel(struct nw_slice name)
{
    return name.len >= 6 && (name.ptr[5] == '-' || name.ptr[5] == '_') &&
           nw_slice_eq_nocase(nw_slice_first(name, 5), NW_SLICE("newel"));
}

static const struct nw_slice method_name[NW_HTTP_METHOD_COUNT] = {
    [NW_HTTP_METHOD_OTHER] = NW_SLICE_LIT(""),
#define NW_HTTP_METHOD(name) [NW_HTTP_##name] = NW_SLICE_LIT(#name),
#include "proto/http_method.def"
#undef NW_HTTP_METHOD
};

nw_http_method nw_http_method_find(struct nw_slice name)
{
    if (name.len < 3 || name.len > 7)
        return NW_HTTP_METHOD_OTHER;
    for (unsigned id = 1; id < NW_HTTP_METHOD_COUNT; id++) {
        if (nw_slice_eq(method_name[id], name))
            return (nw_http_method)id;
    }
    return NW_HTTP_METHOD_OTHER;
}

struct nw_slice nw_http_method_name(nw_http_method method)
{
    NW_ASSERT(method < NW_HTTP_METHOD_COUNT);
    return method_name[method];
}

struct nw_slice nw_http_reason(int status)
{
    switch (status) {
#define NW_HTTP_STATUS(code, phrase)                                                               \
    case code:                                                                                     \
        return NW_SLICE(phrase);
#include "proto/http_status.def"
#undef NW_HTTP_STATUS
    default:
        break;
    }
    switch (status / 100) {
    case 1:
        return NW_SLICE("Informational");
    case 2:
        return NW_SLICE("Success");
    case 3:
        return NW_SLICE("Redirection");
    case 4:
        return NW_SLICE("Client Error");
    default:
        return NW_SLICE("Server Error");
    }
}

bool nw_http_is_token(struct nw_slice text)
{
    return text.len != 0 && nw_scan_token(text.ptr, text.ptr + text.len) == text.ptr + text.len;
}

/* The length of the first list element: up to a comma that stands outside a quoted string. */
static size_t element_len(struct nw_slice list)
{
    size_t comma = nw_slice_find(list, ',');
    if (nw_slice_find(nw_slice_first(list, comma), '"') == comma)
        return comma;
    bool is_quoted = false;
    for (size_t i = 0; i < list.len; i++) {
        char byte = list.ptr[i];
        if (byte == '"')
            is_quoted = !is_quoted;
        else if (byte == '\\' && is_quoted)
            i++;
        else if (byte == ',' && !is_quoted)
            return i;
    }
    return list.len;
}

bool nw_http_list_next(struct nw_slice *rest, struct nw_slice *out_element)
{
    while (rest->len != 0) {
        size_t len = element_len(*rest);
        struct nw_slice element = nw_slice_trim(nw_slice_first(*rest, len));
        *rest = nw_slice_skip(*rest, len < rest->len ? len + 1 : len);
        if (element.len != 0) {
            *out_element = element;
            return true;
        }
    }
    return false;
}
