/*
 * http_date.h - "Sun, 06 Nov 1994 08:49:37 GMT" and back (RFC 9110 5.6.7).
 *
 * Owner:   nothing here allocates
 * Threads: stateless
 */
#ifndef NW_PROTO_HTTP_DATE_H
#define NW_PROTO_HTTP_DATE_H

#include "base/slice.h"

#define NW_HTTP_DATE_BYTES 29

/* Writes exactly NW_HTTP_DATE_BYTES, no zero byte; years 1970 to 9999. */
void nw_http_date_format(int64_t unix_s, char out[NW_HTTP_DATE_BYTES]);
/*
 * All three forms that RFC 9110 demands. now_s decides the century of the form with two-digit
 * years: never more than 50 years in the future. NW_INVALID for anything else.
 */
NW_MUST_CHECK nw_err nw_http_date_parse(struct nw_slice text, int64_t now_s, int64_t *out_unix_s);

#endif
