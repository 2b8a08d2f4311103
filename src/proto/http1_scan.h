/*
 * http1_scan.h - how far does a run of harmless bytes reach?
 *
 * The three inner loops of the head parser, and the table of byte kinds that they and the target
 * share. Sixteen bytes at a time where the machine has SSE2, one at a time elsewhere.
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_PROTO_HTTP1_SCAN_H
#define NW_PROTO_HTTP1_SCAN_H

#include "proto/http1.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define NW_BYTE_TOKEN 0x01      /* RFC 9110 tchar */
#define NW_BYTE_UNRESERVED 0x02 /* RFC 3986: letters, digits, - . _ ~ */
#define NW_BYTE_PATH 0x04       /* may stand in a path as it is; '%' is judged apart */
#define NW_BYTE_PLAIN 0x08      /* as PATH, but '/': nothing to look at in a normal path */
#define NW_BYTE_HOST 0x10       /* letters, digits, - . _ */
#define NW_BYTE_TARGET 0x20     /* 0x21 to 0x7E */
#define NW_BYTE_VALUE 0x40      /* anything but control bytes; tab is allowed */

extern const uint8_t nw_byte_kind[256];

static inline bool nw_byte_is(char byte, uint8_t kind)
{
    return (nw_byte_kind[(unsigned char)byte] & kind) != 0;
}

/* The first byte that is no token byte, or `end`. */
static inline const char *nw_scan_token(const char *at, const char *end)
{
    while (at < end && nw_byte_is(*at, NW_BYTE_TOKEN))
        at++;
    return at;
}

#if defined(__SSE2__)
static inline __m128i nw_load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Of sixteen bytes those that are no letter, digit or '-': one bit each, lowest first. */
static inline unsigned nw_name_ends(__m128i x)
{
    const __m128i case_bit = _mm_set1_epi8(0x20), dash = _mm_set1_epi8('-');
    const __m128i before_a = _mm_set1_epi8('a' - 1), behind_z = _mm_set1_epi8('z' + 1);
    const __m128i before_0 = _mm_set1_epi8('0' - 1), behind_9 = _mm_set1_epi8('9' + 1);
    __m128i low = _mm_or_si128(x, case_bit);
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, before_a), _mm_cmplt_epi8(low, behind_z));
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(x, before_0), _mm_cmplt_epi8(x, behind_9));
    __m128i good = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(x, dash));
    return (unsigned)_mm_movemask_epi8(good) ^ 0xffffU;
}

/* Of sixteen bytes those that are control bytes but no tab. */
static inline unsigned nw_value_ends(__m128i x)
{
    const __m128i last = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, last), x);
    __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), control), _mm_cmpeq_epi8(x, del));
    return (unsigned)_mm_movemask_epi8(bad);
}
#endif

/*
 * As nw_scan_token, for field names, which are made of letters, digits and '-': those sixteen at a
 * time, what else is a token byte one by one.
 */
static inline const char *nw_scan_name(const char *at, const char *end)
{
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        unsigned mask = nw_name_ends(nw_load_16(at));
        if (mask != 0) {
            at += __builtin_ctz(mask);
            break;
        }
    }
#endif
    return nw_scan_token(at, end);
}

#if defined(__SSE2__)
/*
 * Of sixteen bytes: which are NW_BYTE_HOST, and which of them are dots. One bit each, lowest first.
 */
static inline unsigned nw_host_bits(const char *at, unsigned *out_dots)
{
    __m128i x = nw_load_16(at);
    __m128i low = _mm_or_si128(x, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('0' - 1)),
                                  _mm_cmplt_epi8(x, _mm_set1_epi8('9' + 1)));
    __m128i dot = _mm_cmpeq_epi8(x, _mm_set1_epi8('.'));
    __m128i other = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('-')),
                                 _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
    __m128i good = _mm_or_si128(_mm_or_si128(letter, digit), _mm_or_si128(dot, other));
    *out_dots = (unsigned)_mm_movemask_epi8(dot);
    return (unsigned)_mm_movemask_epi8(good);
}
#endif

/* The first byte outside 0x21 to 0x7E, or `end`. */
static inline const char *nw_scan_target(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8(0x21), del = _mm_set1_epi8(0x7f);
    for (; end - at >= 16; at += 16) {
        __m128i x = nw_load_16(at);
        /* The comparison is signed, so bytes from 0x80 on are "less" as well. */
        __m128i bad = _mm_or_si128(_mm_cmplt_epi8(x, first), _mm_cmpeq_epi8(x, del));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && nw_byte_is(*at, NW_BYTE_TARGET))
        at++;
    return at;
}

/* The first control byte other than tab, or `end`. */
static inline const char *nw_scan_value(const char *at, const char *end)
{
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        unsigned mask = nw_value_ends(nw_load_16(at));
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && nw_byte_is(*at, NW_BYTE_VALUE))
        at++;
    return at;
}

/* http_words.c's tables: lower case and padded with zeros; lengths; the last id of each length. */
#define NW_HTTP_SPELLING_MAX_BYTES 24
extern const char nw_http_field_spelling[NW_HTTP_FIELD_COUNT][NW_HTTP_SPELLING_MAX_BYTES];
extern const uint8_t nw_http_field_len[NW_HTTP_FIELD_COUNT];
extern const uint8_t nw_http_field_last[NW_HTTP_SPELLING_MAX_BYTES];

#if defined(__SSE2__)
/* nw_http_field_find for a name of `len` < 16 letters, digits and '-' at the front of `x`. */
static inline nw_http_field nw_field_find_16(__m128i x, unsigned len)
{
    __m128i low = _mm_or_si128(x, _mm_set1_epi8(0x20));
    unsigned all = (1u << len) - 1, id = nw_http_field_last[len];
    for (; nw_http_field_len[id] == len; id--) {
        __m128i same = _mm_cmpeq_epi8(low, nw_load_16(nw_http_field_spelling[id]));
        if (((unsigned)_mm_movemask_epi8(same) & all) == all)
            return (nw_http_field)id;
    }
    return NW_HTTP_FIELD_OTHER;
}
#endif

/* The class of a byte that should not be where it is; `otherwise` for a visible one. */
static inline nw_http1_class nw_byte_class(char byte, nw_http1_class otherwise)
{
    unsigned char b = (unsigned char)byte;
    if (b == '\n')
        return NW_HTTP1_BARE_LF;
    if (b < 0x20 || b == 0x7f)
        return NW_HTTP1_CONTROL_BYTE;
    return b >= 0x80 ? NW_HTTP1_HIGH_BYTE : otherwise;
}

/* 0 to 15, or -1. */
static inline int nw_hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

#endif
