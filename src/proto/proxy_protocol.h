/*
 * proxy_protocol.h - what a proxy in front says about a connection before its first byte.
 *
 * Implements the PROXY protocol of haproxy (doc/proxy-protocol.txt, 2020/03/05): section 2.1, the
 * line of version 1, and 2.2, the binary header of version 2, with the checksum of 2.2.3. Other
 * type-length-values are skipped once they are known to end within the header.
 *
 * Whoever calls knows that a header must come: nothing is guessed, what is not exactly a header is
 * refused. What tells no TCP address (LOCAL, UNKNOWN, UNSPEC, Unix sockets, datagrams) leaves the
 * connection with the addresses of its socket, as the specification allows or demands.
 *
 * Owner:   nothing here allocates; bytes are borrowed for the call
 * Threads: stateless
 */
#ifndef NW_PROTO_PROXY_PROTOCOL_H
#define NW_PROTO_PROXY_PROTOCOL_H

#include "base/cidr.h"
#include "base/slice.h"

#define NW_PROXY_V1_MAX_BYTES 107
/* The protocol's own bound is 65551: more than 2 KiB no sender has to say. */
#define NW_PROXY_MAX_BYTES 2048

typedef enum nw_proxy_fault {
    NW_PROXY_FINE = 0,
#define NW_PROXY_FAULT(name, kind, sentence) NW_PROXY_##name,
#include "proto/proxy_fault.def"
#undef NW_PROXY_FAULT
    NW_PROXY_FAULT_COUNT
} nw_proxy_fault;

/* "LINE_END"; "FINE". */
const char *nw_proxy_fault_name(nw_proxy_fault fault);
/* A sentence without a full stop. */
const char *nw_proxy_fault_sentence(nw_proxy_fault fault);
/* Longer than a header may be, rather than wrong. */
bool nw_proxy_fault_is_oversized(nw_proxy_fault fault);

struct nw_proxy_header {
    uint32_t header_bytes; /* what lies behind belongs to the protocol that follows */
    uint8_t version;       /* 1 or 2 */
    bool has_source;       /* false: the socket's addresses hold, those below are zero */
    struct nw_ip source;   /* a mapped IPv4 address is an IPv4 one */
    struct nw_ip destination;
    uint16_t source_port;
    uint16_t destination_port;
};

/*
 * Judges the connection's first bytes, all of them each time. NW_AGAIN: every byte given belongs to
 * the header, and more must come. NW_BAD_MESSAGE: *out_fault says why; the same bytes with more
 * behind them would be refused for the same reason. At most NW_PROXY_MAX_BYTES are looked at.
 */
NW_MUST_CHECK nw_err nw_proxy_header_read(struct nw_slice bytes, struct nw_proxy_header *out,
                                          nw_proxy_fault *out_fault);

/* Could these bytes be the beginning of a header? For a message to whoever sent one unasked. */
bool nw_proxy_is_announced(struct nw_slice bytes);

#endif
