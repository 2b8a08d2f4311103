/*
 * store.h - products and carts, as the handlers see them.
 *
 * Passes everything on to the database, unless a planted fault makes this
 * process keep carts or prices to itself.
 *
 * Owner:   results live in the request's arena
 * Threads: shop_memory locks itself
 */
#ifndef SHOP_STORE_H
#define SHOP_STORE_H

#include "request.h"

struct shop_memory *shop_memory_new(void);
void shop_memory_free(struct shop_memory *memory);

shop_result shop_store_products_list(struct shop_request *request, const char *category,
                                     const char *search, struct shop_products *out_products);
shop_result shop_store_product_get(struct shop_request *request, int64_t id,
                                   struct shop_product *out_product);
shop_result shop_store_price_set(struct shop_request *request, int64_t id, int64_t price_cents);

/* An absent cart (NULL) is an empty one. */
shop_result shop_store_cart_get(struct shop_request *request, const char *cart,
                                struct shop_lines *out_lines);
shop_result shop_store_cart_add(struct shop_request *request, const char *cart, int64_t product_id,
                                int64_t quantity);
shop_result shop_store_cart_set(struct shop_request *request, const char *cart, int64_t product_id,
                                int64_t quantity);
shop_result shop_store_cart_merge(struct shop_request *request, const char *from,
                                  const char *into);
/* Orders what lies in wish->cart. */
shop_result shop_store_cart_order(struct shop_request *request, struct shop_order_wish *wish,
                                  int64_t *out_id);

#endif
