/*
 * Signing in trades a password for a token that says who one is until it
 * expires. Signing out forgets the cookie and nothing else: a token that was
 * copied before stays valid, which is the price of asking no table. Eight hours
 * bound it.
 */
#include "layout.h"
#include "pages.h"
#include "seed.h"
#include "visitor.h"

#include <string.h>

#define FIELD_MAX_BYTES 200

/* A path on this site, or the account page: never an address that leads away. */
static const char *next_page(const char *wanted)
{
    bool is_local = wanted && wanted[0] == '/' && wanted[1] != '/' &&
                    strspn(wanted, "/abcdefghijklmnopqrstuvwxyz-0123456789") == strlen(wanted);
    return is_local ? wanted : "/account";
}

static void sign_in_form(struct shop_request *request, unsigned status, const char *next,
                         const char *complaint)
{
    const char *user = shop_pairs_get(&request->form, "user");
    shop_reply_cacheable(request, 0);
    struct shop_text *out = shop_page_begin(request, status, "Sign in");
    shop_html(out, "<h1>Sign in</h1>\n<div class=\"two\"><form class=\"panel\" method=\"post\""
                   " action=\"/sign-in\">");
    if (complaint)
        shop_html(out, "<p class=\"complaint\" role=\"alert\">%s</p>", complaint);
    shop_html(out,
              "<input type=\"hidden\" name=\"next\" value=\"%s\"><label>Name<input name=\"user\""
              " value=\"%s\" autocomplete=\"username\" maxlength=\"60\" required></label>"
              "<label>Password<input type=\"password\" name=\"password\""
              " autocomplete=\"current-password\" maxlength=\"60\" required></label>"
              "<button>Sign in</button></form>\n<div class=\"panel\"><h2>Who you can be</h2>"
              "<table class=\"sum\">",
              next, user ? user : "");
    for (size_t i = 0; i < SHOP_SEED_USER_COUNT; i++) {
        const struct shop_seed_user *known = &shop_seed_users[i];
        shop_html(out, "<tr><td><code>%s</code></td><td><code>%s</code></td><td>%s, %s</td></tr>",
                  known->name, known->password, known->full_name, known->role);
    }
    shop_html(out, "</table><p><small>This is an example shop, so its passwords are printed on the"
                   " door.</small></p></div></div>");
    shop_page_end(request);
}

void shop_page_sign_in(struct shop_request *request)
{
    sign_in_form(request, 200, next_page(shop_pairs_get(&request->query, "next")), NULL);
}

void shop_page_sign_in_check(struct shop_request *request)
{
    const char *user = shop_pairs_get(&request->form, "user");
    const char *password = shop_pairs_get(&request->form, "password");
    const char *next = next_page(shop_pairs_get(&request->form, "next"));
    if (!user || !password || strlen(user) > FIELD_MAX_BYTES ||
        strlen(password) > FIELD_MAX_BYTES) {
        sign_in_form(request, 400, next, "A name and a password are needed.");
        return;
    }
    shop_result result;
    const char *token = shop_visitor_token_new(request, user, password, &result);
    if (token)
        result = shop_visitor_sign_in(request, user, token);
    if (result == SHOP_OK)
        shop_reply_redirect(request, next);
    else if (result == SHOP_NOT_FOUND)
        sign_in_form(request, 401, next, "That name and password do not belong together.");
    else
        shop_fail_result(request, result);
}

void shop_page_sign_out(struct shop_request *request)
{
    shop_visitor_sign_out(request);
    shop_reply_redirect(request, "/");
}

void shop_page_account(struct shop_request *request)
{
    if (shop_page_needs_sign_in(request))
        return;
    const struct shop_visitor *visitor = &request->visitor;
    struct shop_user user = {.full_name = visitor->user};
    struct shop_orders orders;
    shop_result result = shop_db_user_get(request->db, &request->arena, visitor->user, &user);
    if (result == SHOP_OK || result == SHOP_NOT_FOUND) /* a token from elsewhere names a guest */
        result = shop_db_orders_list(request->db, &request->arena, visitor->user, &orders);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, 0);
    struct shop_text *out = shop_page_begin(request, 200, "Your account");
    shop_html(out,
              "<div class=\"who\"><div><h1>Hello, %s</h1><p>Signed in as <b>%s</b>, %s.</p></div>"
              "<form method=\"post\" action=\"/sign-out\"><button class=\"quiet\">Sign out</button>"
              "</form></div>\n<h2>Your orders</h2>\n",
              user.full_name, visitor->user, visitor->role);
    if (orders.count == 0)
        shop_html(out, "<p>None so far. <a href=\"/\">There are nice lamps.</a></p>");
    else
        shop_html(out, "<table class=\"lines\">");
    for (size_t i = 0; i < orders.count; i++) {
        const struct shop_order *order = &orders.items[i];
        shop_html(out,
                  "<tr><td><a href=\"/orders/%l\">Order %l</a></td><td>%s</td>"
                  "<td><span class=\"state\">%s</span></td><td class=\"money\">%m</td></tr>",
                  order->id, order->id, shop_order_date(request, order),
                  shop_order_status(order, request->now_s), order->total_cents);
    }
    if (orders.count > 0)
        shop_html(out, "</table>");
    shop_page_end(request);
}
