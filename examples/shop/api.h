/*
 * api.h - the same shop for programs: JSON in, JSON out, problems as RFC 9457.
 *
 * Owner:   each writes the reply of the request it is given
 * Threads: the request's own
 */
#ifndef SHOP_API_H
#define SHOP_API_H

#include "request.h"

void shop_api_products(struct shop_request *request);
void shop_api_product(struct shop_request *request);
void shop_api_price_set(struct shop_request *request);
void shop_api_orders(struct shop_request *request);
void shop_api_order_place(struct shop_request *request);
void shop_api_order(struct shop_request *request);
void shop_api_user(struct shop_request *request);
void shop_api_session_new(struct shop_request *request);
void shop_api_ready(struct shop_request *request);

#endif
