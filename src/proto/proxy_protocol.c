/*
 * Each version is judged in the order in which its bytes come, and the verdict is that of the first
 * byte that decides: so it does not depend on how the bytes were split, and a sender that speaks
 * something else is refused with its first byte, not when its time is up.
 *
 * Version 1 is decoded only once its CR LF is there. inet_pton reads addresses: it takes the dotted
 * form of a mapped address under TCP6, which haproxy writes when the two sides of a connection are
 * of different families.
 *
 * Version 2: LOCAL discards all that follows, whatever it holds ("including the family"). For PROXY
 * the type-length-values begin right behind the addresses of the family, of which UNSPEC has none.
 * The checksum runs over the header with its own four bytes as zeros; half bytes and a table of 16
 * words are enough for 2 KiB once in the life of a connection.
 */
#include "proto/proxy_protocol.h"

static const char signature_v1[] = "PROXY ";
static const char signature_v2[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    SIGNATURE_V1_BYTES = sizeof signature_v1 - 1,
    SIGNATURE_V2_BYTES = sizeof signature_v2 - 1,
    FIXED_V2_BYTES = 16,
    TLV_HEAD_BYTES = 3,
    TLV_CRC32C = 0x03,
    CRC32C_BYTES = 4,
};

static const struct {
    const char *name;
    const char *sentence;
    bool is_oversized;
} faults[] = {
    {"FINE", "it is well-formed", false},
#define MALFORMED false
#define OVERSIZED true
#define NW_PROXY_FAULT(word, kind, text) {#word, text, kind},
#include "proto/proxy_fault.def"
#undef NW_PROXY_FAULT
#undef MALFORMED
#undef OVERSIZED
};

const char *nw_proxy_fault_name(nw_proxy_fault fault)
{
    return faults[fault].name;
}

const char *nw_proxy_fault_sentence(nw_proxy_fault fault)
{
    return faults[fault].sentence;
}

bool nw_proxy_fault_is_oversized(nw_proxy_fault fault)
{
    return faults[fault].is_oversized;
}

static nw_err refuse(nw_proxy_fault *out_fault, nw_proxy_fault fault)
{
    *out_fault = fault;
    return NW_BAD_MESSAGE;
}

/* Do the bytes, as many as there are, agree with the signature? */
static bool agrees(struct nw_slice bytes, const char *signature, size_t signature_bytes)
{
    size_t length = bytes.len < signature_bytes ? bytes.len : signature_bytes;
    return length == 0 || memcmp(bytes.ptr, signature, length) == 0;
}

/* ---- version 1 ---- */

/* The part up to the next space, which must be there; the rest begins behind it. */
static bool take_part(struct nw_slice *rest, struct nw_slice *out_part)
{
    size_t space = nw_slice_find(*rest, ' ');
    if (space == rest->len)
        return false;
    *out_part = nw_slice_first(*rest, space);
    *rest = nw_slice_skip(*rest, space + 1);
    return true;
}

static bool read_address(struct nw_slice text, bool is_tcp6, struct nw_ip *out)
{
    bool is_v6_text = nw_slice_find(text, ':') < text.len;
    return is_v6_text == is_tcp6 && nw_ip_parse(text, out) == NW_OK;
}

static bool read_port(struct nw_slice text, uint16_t *out)
{
    uint64_t port;
    if (nw_slice_to_u64(text, &port) != NW_OK || port > 65535 ||
        (text.len > 1 && text.ptr[0] == '0'))
        return false;
    *out = (uint16_t)port;
    return true;
}

/* What stands behind "PROXY ", without the line's end. */
static nw_err read_line(struct nw_slice line, struct nw_proxy_header *header, nw_proxy_fault *fault)
{
    struct nw_slice protocol = nw_slice_first(line, nw_slice_find(line, ' '));
    struct nw_slice source, destination, source_port;
    if (nw_slice_eq(protocol, NW_SLICE("UNKNOWN")))
        return NW_OK; /* the rest must be ignored */
    bool is_tcp6 = nw_slice_eq(protocol, NW_SLICE("TCP6"));
    if (!is_tcp6 && !nw_slice_eq(protocol, NW_SLICE("TCP4")))
        return refuse(fault, NW_PROXY_PROTOCOL);
    if (!take_part(&line, &protocol) || !take_part(&line, &source) ||
        !take_part(&line, &destination) || !take_part(&line, &source_port) || source.len == 0 ||
        destination.len == 0 || source_port.len == 0 || line.len == 0 ||
        nw_slice_find(line, ' ') < line.len)
        return refuse(fault, NW_PROXY_FIELDS);
    if (!read_address(source, is_tcp6, &header->source) ||
        !read_address(destination, is_tcp6, &header->destination))
        return refuse(fault, NW_PROXY_ADDRESS);
    if (!read_port(source_port, &header->source_port) ||
        !read_port(line, &header->destination_port))
        return refuse(fault, NW_PROXY_PORT);
    header->has_source = true;
    return NW_OK;
}

static nw_err read_v1(struct nw_slice bytes, struct nw_proxy_header *header, nw_proxy_fault *fault)
{
    if (!agrees(bytes, signature_v1, SIGNATURE_V1_BYTES))
        return refuse(fault, NW_PROXY_SIGNATURE);
    struct nw_slice line = nw_slice_first(bytes, NW_PROXY_V1_MAX_BYTES);
    size_t end = nw_slice_find(line, '\r');
    if (nw_slice_find(nw_slice_first(line, end), '\n') < end)
        return refuse(fault, NW_PROXY_LINE_END);
    if (end + 1 < line.len && line.ptr[end + 1] != '\n')
        return refuse(fault, NW_PROXY_LINE_END);
    if (end + 1 >= line.len)
        return line.len < NW_PROXY_V1_MAX_BYTES ? NW_AGAIN : refuse(fault, NW_PROXY_LINE_TOO_LONG);
    header->version = 1;
    header->header_bytes = (uint32_t)end + 2;
    return read_line(nw_slice_skip(nw_slice_first(line, end), SIGNATURE_V1_BYTES), header, fault);
}

/* ---- version 2 ---- */

static const uint8_t *bytes_at(struct nw_slice bytes, size_t at)
{
    return (const uint8_t *)bytes.ptr + at;
}

static unsigned read_u16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t crc32c_add(uint32_t crc, const uint8_t *bytes, size_t count)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

/* `at` is where the four bytes of the checksum stand within the header. */
static bool checksum_fits(struct nw_slice header, size_t at)
{
    static const uint8_t zeros[CRC32C_BYTES];
    const uint8_t *told = bytes_at(header, at);
    uint32_t crc = crc32c_add(UINT32_MAX, bytes_at(header, 0), at);
    crc = crc32c_add(crc, zeros, sizeof zeros);
    crc = crc32c_add(crc, told + CRC32C_BYTES, header.len - at - CRC32C_BYTES);
    return ~crc == ((uint32_t)read_u16(told) << 16 | read_u16(told + 2));
}

/* Those between the addresses and the header's end. */
static nw_err check_tlvs(struct nw_slice header, size_t at, nw_proxy_fault *fault)
{
    size_t checksum_at = 0;
    while (at < header.len) {
        if (header.len - at < TLV_HEAD_BYTES)
            return refuse(fault, NW_PROXY_TLV);
        const uint8_t *tlv = bytes_at(header, at);
        size_t length = read_u16(tlv + 1);
        at += TLV_HEAD_BYTES;
        if (header.len - at < length)
            return refuse(fault, NW_PROXY_TLV);
        if (tlv[0] == TLV_CRC32C) {
            if (length != CRC32C_BYTES || checksum_at != 0)
                return refuse(fault, NW_PROXY_CHECKSUM);
            checksum_at = at;
        }
        at += length;
    }
    if (checksum_at != 0 && !checksum_fits(header, checksum_at))
        return refuse(fault, NW_PROXY_CHECKSUM);
    return NW_OK;
}

/* Bytes of the two addresses and ports; false for what the protocol does not know. */
static bool address_bytes_of(uint8_t family, size_t *out_bytes)
{
    switch (family) {
    case 0x00: *out_bytes = 0; return true; /* UNSPEC */
    case 0x11:
    case 0x12: *out_bytes = 12; return true; /* TCP and UDP over IPv4 */
    case 0x21:
    case 0x22: *out_bytes = 36; return true; /* TCP and UDP over IPv6 */
    case 0x31:
    case 0x32: *out_bytes = 216; return true; /* Unix stream and datagram */
    default: return false;
    }
}

static void take_addresses(const uint8_t *at, uint8_t family, struct nw_proxy_header *header)
{
    if (family != 0x11 && family != 0x21)
        return;
    size_t ip_bytes = family == 0x11 ? 4 : 16;
    header->source = nw_ip_of_bytes(at, ip_bytes);
    header->destination = nw_ip_of_bytes(at + ip_bytes, ip_bytes);
    header->source_port = (uint16_t)read_u16(at + 2 * ip_bytes);
    header->destination_port = (uint16_t)read_u16(at + 2 * ip_bytes + 2);
    header->has_source = true;
}

/* Version and command, family, length: each as soon as it is there. */
static nw_err read_fixed(struct nw_slice bytes, size_t *out_address_bytes, size_t *out_bytes,
                         nw_proxy_fault *fault)
{
    *out_address_bytes = 0;
    if (bytes.len <= 12)
        return NW_AGAIN;
    const uint8_t *at = bytes_at(bytes, 0);
    if (at[12] >> 4 != 2)
        return refuse(fault, NW_PROXY_VERSION);
    if ((at[12] & 15) > 1)
        return refuse(fault, NW_PROXY_COMMAND);
    bool is_local = (at[12] & 15) == 0;
    if (!is_local && bytes.len > 13 && !address_bytes_of(at[13], out_address_bytes))
        return refuse(fault, NW_PROXY_FAMILY);
    if (bytes.len < FIXED_V2_BYTES)
        return NW_AGAIN;
    *out_bytes = FIXED_V2_BYTES + read_u16(at + 14);
    if (*out_bytes > NW_PROXY_MAX_BYTES)
        return refuse(fault, NW_PROXY_TOO_LARGE);
    if (*out_bytes < FIXED_V2_BYTES + *out_address_bytes)
        return refuse(fault, NW_PROXY_TOO_SHORT);
    return bytes.len < *out_bytes ? NW_AGAIN : NW_OK;
}

static nw_err read_v2(struct nw_slice bytes, struct nw_proxy_header *header, nw_proxy_fault *fault)
{
    size_t address_bytes, all_bytes = 0;
    if (!agrees(bytes, signature_v2, SIGNATURE_V2_BYTES))
        return refuse(fault, NW_PROXY_SIGNATURE);
    NW_TRY(read_fixed(bytes, &address_bytes, &all_bytes, fault));
    header->version = 2;
    header->header_bytes = (uint32_t)all_bytes;
    bool is_local = (*bytes_at(bytes, 12) & 15) == 0;
    if (is_local)
        return NW_OK;
    NW_TRY(check_tlvs(nw_slice_first(bytes, all_bytes), FIXED_V2_BYTES + address_bytes, fault));
    take_addresses(bytes_at(bytes, FIXED_V2_BYTES), *bytes_at(bytes, 13), header);
    return NW_OK;
}

/* ---- either ---- */

nw_err nw_proxy_header_read(struct nw_slice bytes, struct nw_proxy_header *out,
                            nw_proxy_fault *out_fault)
{
    struct nw_proxy_header header = {0};
    if (bytes.len == 0)
        return NW_AGAIN;
    bool is_v2 = bytes.ptr[0] == signature_v2[0];
    NW_TRY(is_v2 ? read_v2(bytes, &header, out_fault) : read_v1(bytes, &header, out_fault));
    *out = header;
    return NW_OK;
}

bool nw_proxy_is_announced(struct nw_slice bytes)
{
    return (bytes.len >= SIGNATURE_V1_BYTES && agrees(bytes, signature_v1, SIGNATURE_V1_BYTES)) ||
           (bytes.len >= SIGNATURE_V2_BYTES && agrees(bytes, signature_v2, SIGNATURE_V2_BYTES));
}
