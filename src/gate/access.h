/*
 * access.h - the access log line of one exchange.
 *
 * Owner:   nothing is kept
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_ACCESS_H
#define NW_GATE_ACCESS_H

#include "gate/gate_impl.h"

/* Writes the line, or drops it by `sample` (errors are always kept). */
void gate_access_log(struct gate_request *request, const struct nw_conf_access *access,
                     uint64_t duration_us);

/*
 * The line of a request whose head was refused; of it only is known who sent it. `why`: a sentence.
 */
void gate_access_log_refused(struct gate_request *request, const struct nw_conf_access *access,
                             int status, struct nw_slice id, const char *why);

/* The target with the values of the named query parameters replaced by ***. */
void gate_access_target(struct nw_text *out, const struct nw_target *target,
                        const struct nw_conf_strings *redact);

#endif
