/*
 * page.h - answers of newel's own: error pages, redirects, fixed responses.
 *
 * Owner:   texts are borrowed for the call or lie in the exchange's arena
 * Threads: the exchange's worker
 */
#ifndef NW_GATE_PAGE_H
#define NW_GATE_PAGE_H

#include "gate/gate_impl.h"

/*
 * HTML, or application/problem+json where Accept prefers JSON; status, a sentence, the request id.
 */
NW_YIELDS NW_MUST_CHECK nw_err gate_page(struct nw_exchange *exchange, int status,
                                         const char *sentence);
/* A fixed answer; content_type empty: none. */
NW_YIELDS NW_MUST_CHECK nw_err gate_respond(struct nw_exchange *exchange, int status,
                                            struct nw_slice content_type, struct nw_slice body);
NW_YIELDS NW_MUST_CHECK nw_err gate_redirect(struct nw_exchange *exchange, int status,
                                             struct nw_slice location);
/*
 * For a head that could not be read: the whole answer as text, always closing. Returns its length,
 * at most cap_bytes (2048 are enough).
 */
size_t gate_page_raw(int status, const char *sentence, const char id[NW_HTTP_ID_BYTES],
                     struct nw_slice date, char *out, size_t cap_bytes);

/*
 * The same, sent within 2 s: for a connection whose first words were no request, or that is not
 * served. It is to be closed.
 */
NW_YIELDS NW_MUST_CHECK nw_err gate_page_send(struct nw_stream *stream, int status,
                                              const char *sentence);

/* The sentence for a status that newel answers itself. */
const char *gate_sentence(int status);

#endif
