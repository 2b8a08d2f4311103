/*
 * layout.h - what all pages have in common, and how failures look.
 *
 * Owner:   writes into the request's reply
 * Threads: the request's own
 */
#ifndef SHOP_LAYOUT_H
#define SHOP_LAYOUT_H

#include "request.h"

/* A page is begun, filled through shop_html on the returned text, and ended. */
struct shop_text *shop_page_begin(struct shop_request *request, unsigned status,
                                  const char *title);
void shop_page_end(struct shop_request *request);

/* An error: a JSON problem (RFC 9457) below /api/, a page elsewhere. */
void shop_fail(struct shop_request *request, unsigned status, const char *sentence);
/* The error that fits a result of the store; SHOP_OK is not one. */
void shop_fail_result(struct shop_request *request, shop_result result);

#endif
