/*
 * cidr.h - IP addresses as bytes, and networks that contain them. No sockets, no names.
 *
 * An IPv4 address and its IPv4-mapped form in IPv6 (::ffff:a.b.c.d) are the same address here, and
 * it is an IPv4 one: no IPv6 network contains it, not even ::/0.
 *
 * Owner:   plain data
 * Threads: stateless
 */
#ifndef NW_BASE_CIDR_H
#define NW_BASE_CIDR_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"
#include "base/slice.h"

struct nw_ip {
    uint8_t is_v6;
    uint8_t bytes[16]; /* network order; IPv4 uses the first 4, the rest is zero */
};

struct nw_cidr {
    struct nw_ip base; /* the bits behind the prefix are zero */
    uint8_t prefix_bits;
};

#define NW_IP_TEXT_BYTES 46 /* with the terminating zero */

/* "10.0.0.1", "2001:db8::1"; no brackets, zones, ports or leading zeros: NW_INVALID. */
NW_MUST_CHECK nw_err nw_ip_parse(struct nw_slice text, struct nw_ip *out);
/* From network-order bytes: 4 or 16 of them; mapped IPv4 becomes IPv4. */
struct nw_ip nw_ip_of_bytes(const void *bytes, size_t length);
/* RFC 5952 form. Returns `to`. */
char *nw_ip_text(const struct nw_ip *ip, char to[NW_IP_TEXT_BYTES]);
bool nw_ip_eq(const struct nw_ip *a, const struct nw_ip *b);
bool nw_ip_is_loopback(const struct nw_ip *ip);
/*
 * What counts as one client: the IPv4 address, or the first 64 bits of the IPv6 address, because
 * a single subscriber is given at least a /64 and may use all of it.
 */
struct nw_ip nw_ip_client(const struct nw_ip *ip);

/*
 * "10.0.0.0/8", "2001:db8::/32", or an address alone (the whole of it counts). Bits set behind the
 * prefix are a mistake: NW_INVALID.
 */
NW_MUST_CHECK nw_err nw_cidr_parse(struct nw_slice text, struct nw_cidr *out);
bool nw_cidr_contains(const struct nw_cidr *cidr, const struct nw_ip *ip);
/* Is the address in any of them? */
bool nw_cidr_any(const struct nw_cidr *list, size_t count, const struct nw_ip *ip);

#endif
