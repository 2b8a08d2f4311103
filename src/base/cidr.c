/*
 * inet_pton is strict (four decimal numbers without leading zeros; no zone), pure, and has seen
 * every odd address there is, so text goes through it. Mapped IPv4 is folded into IPv4 at the door:
 * a dual-stack listener shows 10.0.0.1 as ::ffff:10.0.0.1, and a list entry must catch both.
 */
#include "base/cidr.h"

#include <arpa/inet.h>

#include "base/assert.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct nw_ip nw_ip_of_bytes(const void *bytes, size_t length)
{
    NW_ASSERT(length == 4 || length == 16);
    struct nw_ip ip = {0};
    if (length == 16 && memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        bytes = (const uint8_t *)bytes + 12;
        length = 4;
    }
    ip.is_v6 = length == 16;
    memcpy(ip.bytes, bytes, length);
    return ip;
}

/* The address as it is written: 4 or 16 bytes. */
static nw_err parse_raw(struct nw_slice text, uint8_t out[16], size_t *out_length)
{
    char copy[NW_IP_TEXT_BYTES];
    if (text.len == 0 || text.len >= sizeof copy || nw_slice_find(text, '\0') < text.len)
        return NW_INVALID;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    bool is_v6 = nw_slice_find(text, ':') < text.len;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, copy, out) != 1)
        return NW_INVALID;
    *out_length = is_v6 ? 16 : 4;
    return NW_OK;
}

nw_err nw_ip_parse(struct nw_slice text, struct nw_ip *out)
{
    uint8_t raw[16];
    size_t length = 0;
    NW_TRY(parse_raw(text, raw, &length));
    *out = nw_ip_of_bytes(raw, length);
    return NW_OK;
}

char *nw_ip_text(const struct nw_ip *ip, char to[NW_IP_TEXT_BYTES])
{
    NW_ASSERT(inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->bytes, to, NW_IP_TEXT_BYTES) != NULL);
    return to;
}

bool nw_ip_eq(const struct nw_ip *a, const struct nw_ip *b)
{
    return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool nw_ip_is_loopback(const struct nw_ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};
    return ip->is_v6 ? memcmp(ip->bytes, one, sizeof one) == 0 : ip->bytes[0] == 127;
}

struct nw_ip nw_ip_client(const struct nw_ip *ip)
{
    struct nw_ip client = *ip;
    if (client.is_v6)
        memset(client.bytes + 8, 0, 8);
    return client;
}

/* Are the first `bits` of both the same? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool is_zero_behind(const uint8_t *bytes, size_t length, unsigned bits)
{
    for (size_t i = bits; i < length * 8; i++)
        if ((bytes[i / 8] >> (7 - i % 8)) & 1)
            return false;
    return true;
}

nw_err nw_cidr_parse(struct nw_slice text, struct nw_cidr *out)
{
    uint8_t raw[16];
    size_t length = 0, slash = nw_slice_find(text, '/');
    NW_TRY(parse_raw(nw_slice_first(text, slash), raw, &length));
    uint64_t bits = length * 8;
    if (slash < text.len) {
        struct nw_slice digits = nw_slice_skip(text, slash + 1);
        NW_TRY(nw_slice_to_u64(digits, &bits));
        if (bits > length * 8 || (digits.len > 1 && digits.ptr[0] == '0'))
            return NW_INVALID;
    }
    if (!is_zero_behind(raw, length, (unsigned)bits))
        return NW_INVALID;
    struct nw_ip base = nw_ip_of_bytes(raw, length);
    /* A mapped base has its ones in bits 80 to 95, so the check above made bits at least 96. */
    *out = (struct nw_cidr){base, (uint8_t)(length == 16 && !base.is_v6 ? bits - 96 : bits)};
    return NW_OK;
}

bool nw_cidr_contains(const struct nw_cidr *cidr, const struct nw_ip *ip)
{
    return cidr->base.is_v6 == ip->is_v6 &&
           same_bits(cidr->base.bytes, ip->bytes, cidr->prefix_bits);
}

bool nw_cidr_any(const struct nw_cidr *list, size_t count, const struct nw_ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (nw_cidr_contains(&list[i], ip))
            return true;
    return false;
}
