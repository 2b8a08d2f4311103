/*
 * pages.h - the handlers behind what a person sees.
 *
 * Owner:   each writes the reply of the request it is given
 * Threads: the request's own
 */
#ifndef SHOP_PAGES_H
#define SHOP_PAGES_H

#include "request.h"

/* pages.c: the catalogue, the same for everybody */
void shop_page_home(struct shop_request *request);
void shop_page_category(struct shop_request *request);
void shop_page_search(struct shop_request *request);
void shop_page_product(struct shop_request *request);
void shop_page_image(struct shop_request *request);
void shop_page_style(struct shop_request *request);
void shop_page_favicon(struct shop_request *request);

/* purchase.c: the cart and what becomes of it */
void shop_page_badge(struct shop_request *request);
void shop_page_cart(struct shop_request *request);
void shop_page_cart_add(struct shop_request *request);
void shop_page_cart_set(struct shop_request *request);
void shop_page_checkout(struct shop_request *request);
void shop_page_checkout_place(struct shop_request *request);
void shop_page_order(struct shop_request *request);

/* account.c: who one is */
void shop_page_sign_in(struct shop_request *request);
void shop_page_sign_in_check(struct shop_request *request);
void shop_page_sign_out(struct shop_request *request);
void shop_page_account(struct shop_request *request);

/* "received", "packed" or "sent", by how long ago it was placed. */
const char *shop_order_status(const struct shop_order *order, int64_t now_s);
const char *shop_order_date(struct shop_request *request, const struct shop_order *order);
/* Send an anonymous visitor to the sign-in page, and back here afterwards. */
bool shop_page_needs_sign_in(struct shop_request *request);

#endif
