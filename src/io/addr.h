/*
 * addr.h - where a socket is: IPv4, IPv6 or a Unix path.
 *
 * Owner:   plain values, nothing allocates
 * Threads: stateless
 */
#ifndef NW_IO_ADDR_H
#define NW_IO_ADDR_H

#include <stdbool.h>

#include "base/slice.h"

typedef enum nw_addr_kind { NW_ADDR_NONE, NW_ADDR_IP4, NW_ADDR_IP6, NW_ADDR_UNIX } nw_addr_kind;

enum { NW_ADDR_UNIX_MAX_BYTES = 108, NW_ADDR_TEXT_MAX_BYTES = 128 };

struct nw_addr {
    uint8_t kind; /* nw_addr_kind */
    uint16_t port; /* host order; 0 for Unix */
    union {
        uint8_t ip4[4];
        uint8_t ip6[16];
        char path[NW_ADDR_UNIX_MAX_BYTES]; /* zero-terminated */
    };
};

struct nw_addr_list {
    struct nw_addr addr[16];
    unsigned count;
    uint32_t ttl_s;
};

/*
 * "127.0.0.1:80", "[::1]:80", "unix:/path". A host that is no literal address gives NW_NO_SUCH_NAME
 * (resolve it with io/dns.h), anything malformed NW_INVALID.
 */
NW_MUST_CHECK nw_err nw_addr_parse(struct nw_slice text, struct nw_addr *out);
/* Splits "name:port" for a resolver; NW_INVALID when there is no port of 1..65535. */
NW_MUST_CHECK nw_err nw_addr_split(struct nw_slice text, struct nw_slice *out_host,
                                   uint16_t *out_port);
/* "127.0.0.1:80"; returns out. */
const char *nw_addr_print(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES]);
/* Without the port: "127.0.0.1", "::1" (RFC 5952), "unix". The length; once per request. */
size_t nw_addr_host_text(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES]);
/* The same; returns out. */
const char *nw_addr_print_host(const struct nw_addr *addr, char out[NW_ADDR_TEXT_MAX_BYTES]);
bool nw_addr_eq(const struct nw_addr *a, const struct nw_addr *b);
/* 127/8, ::1, a Unix socket. */
bool nw_addr_is_loopback(const struct nw_addr *addr);

#endif
