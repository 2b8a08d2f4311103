/*
 * visitor.h - who is asking, as far as tokens tell.
 *
 * Two cookies: `session` says who signed in, `cart` names the cart of somebody
 * who has not. Both are signed, so any process can believe either without
 * asking anybody. `Authorization: Bearer` carries a session too and goes first.
 *
 * Owner:   strings live in the request's arena
 * Threads: the request's own
 */
#ifndef SHOP_VISITOR_H
#define SHOP_VISITOR_H

#include "request.h"

/* Fills request->visitor. */
void shop_visitor_read(struct shop_request *request);
/* The visitor's cart; an anonymous visitor without one gets a new one, and its token. */
const char *shop_visitor_cart_need(struct shop_request *request);
/* Checks the password, NULL when it is wrong or the database does not answer (then *out_result). */
const char *shop_visitor_token_new(struct shop_request *request, const char *user,
                                   const char *password, shop_result *out_result);
/* Sets the cookie, and moves what was in the anonymous cart into the user's. */
shop_result shop_visitor_sign_in(struct shop_request *request, const char *user, const char *token);
void shop_visitor_sign_out(struct shop_request *request);

bool shop_visitor_is_admin(const struct shop_visitor *visitor);
/* May the visitor see what belongs to that user? */
bool shop_visitor_can_see(const struct shop_visitor *visitor, const char *user);

#endif
