/*
 * dns.h - names to addresses by c-ares, driven from the worker's loop, honouring TTL.
 *
 * Owner:   results are plain values
 * Threads: fibers of any worker (each worker has its own channel and cache)
 */
#ifndef NW_IO_DNS_H
#define NW_IO_DNS_H

#include "io/addr.h"

/*
 * Resolves `host` (no port; literal addresses are answered at once, /etc/hosts is read) and stamps
 * `port` on every address. Answers are cached for their TTL (at least 1 s, at most 1 h; failures 1
 * s). NW_NO_SUCH_NAME, NW_TIMEOUT (the caller's deadline), NW_UNREACHABLE (no server answered),
 * NW_BUSY.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_resolve(struct nw_slice host, uint16_t port,
                                             struct nw_addr_list *out);

/*
 * Where to listen: `text` when it is a literal address ("127.0.0.1:80", "unix:/path"), else the
 * first address of host.
 */
NW_YIELDS NW_MUST_CHECK nw_err nw_io_resolve_listen(struct nw_slice text, struct nw_slice host,
                                                    uint16_t port, struct nw_addr *out);

struct nw_runtime;
/* Tests: "127.0.0.1:5353" instead of the system's servers. Before the first lookup. */
void nw_dns_set_servers_for_test(struct nw_runtime *runtime, const char *servers);

#endif
