/*
 * Every form ends in a redirect, so that "reload" never buys twice. The
 * checkout form carries a random key besides: pressed twice, or sent again by a
 * proxy that lost the answer, it still places one order, because the database
 * holds the key unique per user and reads the cart in the same transaction.
 */
#include "pages.h"

#include "art.h"
#include "layout.h"
#include "store.h"
#include "visitor.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#define ADDRESS_MAX_BYTES 400
#define KEY_BYTES 32
#define PACKED_AFTER_S 60
#define SENT_AFTER_S 300

void shop_page_badge(struct shop_request *request)
{
    struct shop_lines lines;
    shop_result result = shop_store_cart_get(request, request->visitor.cart, &lines);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, 0);
    request->reply.status = 200;
    request->reply.content_type = "image/svg+xml";
    shop_art_badge_draw(&request->reply.body, lines.piece_count);
}

static void cart_line(struct shop_text *out, const struct shop_line *line)
{
    shop_html(out,
              "<tr><td class=\"thumb\"><img src=\"/images/%l.svg\" alt=\"\" width=\"72\""
              " height=\"72\"></td><td><a href=\"/products/%l\">%s</a><br><small>%m each</small>"
              "</td><td><form class=\"amount\" method=\"post\" action=\"/cart/items/%l\">"
              "<input type=\"number\" name=\"quantity\" value=\"%l\" min=\"0\" max=\"%d\""
              " aria-label=\"Quantity\"><button class=\"quiet\">Update</button></form></td>"
              "<td><form method=\"post\" action=\"/cart/items/%l\"><input type=\"hidden\""
              " name=\"quantity\" value=\"0\"><button class=\"quiet\">Remove</button></form></td>"
              "<td class=\"money\">%m</td></tr>\n",
              line->product_id, line->product_id, line->name, line->price_cents, line->product_id,
              line->quantity, SHOP_QUANTITY_MAX, line->product_id,
              line->price_cents * line->quantity);
}

void shop_page_cart(struct shop_request *request)
{
    struct shop_lines lines;
    shop_result result = shop_store_cart_get(request, request->visitor.cart, &lines);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, 0);
    struct shop_text *out = shop_page_begin(request, 200, "Your cart");
    shop_html(out, "<h1>Your cart</h1>\n");
    if (lines.count == 0) {
        shop_html(out, "<section class=\"notice\"><p>There is nothing in it yet.</p>"
                       "<p><a class=\"button\" href=\"/\">Have a look around</a></p></section>");
        shop_page_end(request);
        return;
    }
    shop_html(out, "<table class=\"lines\">\n");
    for (size_t i = 0; i < lines.count; i++)
        cart_line(out, &lines.items[i]);
    shop_html(out,
              "<tr class=\"total\"><td></td><td colspan=\"3\">Total, delivery included</td>"
              "<td class=\"money\">%m</td></tr></table>\n<p class=\"onward\">"
              "<a class=\"quiet button\" href=\"/\">Keep looking</a>"
              "<a class=\"button\" href=\"/checkout\">Check out</a></p>",
              lines.total_cents);
    shop_page_end(request);
}

/* Both cart forms end here: back to the cart, or to what went wrong. */
static void cart_changed(struct shop_request *request, shop_result result)
{
    if (result == SHOP_OK)
        shop_reply_redirect(request, "/cart");
    else
        shop_fail_result(request, result);
}

void shop_page_cart_add(struct shop_request *request)
{
    int64_t id, quantity;
    if (!shop_text_to_int(shop_pairs_get(&request->form, "product"), 1, INT32_MAX, &id) ||
        !shop_text_to_int(shop_pairs_get(&request->form, "quantity"), 1, SHOP_QUANTITY_MAX,
                          &quantity)) {
        shop_fail(request, 400, "A product and a quantity from 1 to 99 are needed.");
        return;
    }
    struct shop_product product;
    shop_result result = shop_store_product_get(request, id, &product);
    if (result == SHOP_OK && product.stock == 0)
        result = SHOP_SOLD_OUT;
    if (result == SHOP_OK)
        result = shop_store_cart_add(request, shop_visitor_cart_need(request), id, quantity);
    cart_changed(request, result);
}

void shop_page_cart_set(struct shop_request *request)
{
    int64_t id, quantity;
    if (!shop_text_to_int(request->parameter, 1, INT32_MAX, &id)) {
        shop_fail_result(request, SHOP_NOT_FOUND);
        return;
    }
    if (!shop_text_to_int(shop_pairs_get(&request->form, "quantity"), 0, SHOP_QUANTITY_MAX,
                          &quantity)) {
        shop_fail(request, 400, "A quantity from 0 to 99 is needed.");
        return;
    }
    const char *cart = shop_visitor_cart_need(request);
    cart_changed(request, shop_store_cart_set(request, cart, id, quantity));
}

bool shop_page_needs_sign_in(struct shop_request *request)
{
    if (request->visitor.user)
        return false;
    bool is_plain = strspn(request->path, "/abcdefghijklmnopqrstuvwxyz-0123456789") ==
                    strlen(request->path);
    shop_reply_redirect(request, shop_arena_format(&request->arena, "/sign-in?next=%s",
                                                   is_plain ? request->path : "/account"));
    return true;
}

static void checkout_form(struct shop_request *request, unsigned status, const char *complaint)
{
    struct shop_lines lines;
    shop_result result = shop_store_cart_get(request, request->visitor.cart, &lines);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    if (lines.count == 0) {
        shop_reply_redirect(request, "/cart");
        return;
    }
    const char *name = shop_pairs_get(&request->form, "name");
    const char *address = shop_pairs_get(&request->form, "address");
    shop_reply_cacheable(request, 0);
    struct shop_text *out = shop_page_begin(request, status, "Check out");
    shop_html(out, "<h1>Check out</h1>\n<div class=\"two\"><form class=\"panel\" method=\"post\""
                   " action=\"/checkout\"><h2>Where to?</h2>");
    if (complaint)
        shop_html(out, "<p class=\"complaint\" role=\"alert\">%s</p>", complaint);
    shop_html(out,
              "<input type=\"hidden\" name=\"key\" value=\"%s\">"
              "<label>Name<input name=\"name\" value=\"%s\" autocomplete=\"name\" maxlength=\"80\""
              " required></label><label>Address<textarea name=\"address\" rows=\"4\""
              " autocomplete=\"street-address\" maxlength=\"300\" required>%s</textarea></label>"
              "<button>Order for %m</button><p><small>This is an example: nothing is charged and"
              " nothing is sent.</small></p></form>\n<div class=\"panel\"><h2>Your order</h2>"
              "<table class=\"sum\">",
              shop_jwt_random_id(&request->arena), name ? name : "", address ? address : "",
              lines.total_cents);
    for (size_t i = 0; i < lines.count; i++)
        shop_html(out, "<tr><td>%l ×</td><td>%s</td><td class=\"money\">%m</td></tr>",
                  lines.items[i].quantity, lines.items[i].name,
                  lines.items[i].quantity * lines.items[i].price_cents);
    shop_html(out, "<tr class=\"total\"><td></td><td>Total</td><td class=\"money\">%m</td></tr>"
                   "</table></div></div>",
              lines.total_cents);
    shop_page_end(request);
}

void shop_page_checkout(struct shop_request *request)
{
    if (!shop_page_needs_sign_in(request))
        checkout_form(request, 200, NULL);
}

static bool is_filled(const char *text)
{
    return text && text[strspn(text, " \t\r\n")] != '\0';
}

void shop_page_checkout_place(struct shop_request *request)
{
    if (shop_page_needs_sign_in(request))
        return;
    const char *name = shop_pairs_get(&request->form, "name");
    const char *address = shop_pairs_get(&request->form, "address");
    const char *key = shop_pairs_get(&request->form, "key");
    if (!is_filled(name) || !is_filled(address) ||
        strlen(name) + strlen(address) > ADDRESS_MAX_BYTES) {
        checkout_form(request, 400, "Please give a name and an address, 400 characters at most.");
        return;
    }
    if (!key || strlen(key) != KEY_BYTES) {
        checkout_form(request, 400, "The form was incomplete. Please send it again.");
        return;
    }
    struct shop_order_wish wish = {
        .user = request->visitor.user,
        .address = shop_arena_format(&request->arena, "%s\n%s", name, address),
        .key = shop_arena_format(&request->arena, "form:%s", key),
        .fingerprint = "checkout",
        .cart = request->visitor.cart,
        .now_s = request->now_s,
    };
    int64_t id;
    shop_result result = shop_store_cart_order(request, &wish, &id);
    if (result == SHOP_EMPTY)
        shop_reply_redirect(request, "/cart");
    else if (result != SHOP_OK)
        shop_fail_result(request, result);
    else
        shop_reply_redirect(request, shop_arena_format(&request->arena, "/orders/%lld",
                                                       (long long)id));
}

const char *shop_order_status(const struct shop_order *order, int64_t now_s)
{
    int64_t age_s = now_s - order->placed_at_s;
    return age_s >= SENT_AFTER_S ? "sent" : age_s >= PACKED_AFTER_S ? "packed" : "received";
}

const char *shop_order_date(struct shop_request *request, const struct shop_order *order)
{
    char text[64];
    struct tm parts;
    time_t placed_at = (time_t)order->placed_at_s;
    gmtime_r(&placed_at, &parts);
    size_t len = strftime(text, sizeof text, "%-d %B %Y, %H:%M UTC", &parts);
    return shop_arena_copy(&request->arena, text, len);
}

static void order_steps(struct shop_text *out, const char *status)
{
    static const char *const steps[] = {"received", "packed", "sent"};
    bool is_reached = true;
    shop_html(out, "<ol class=\"steps\">");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        bool is_now = strcmp(steps[i], status) == 0;
        shop_html(out, "<li class=\"%s\">%s</li>", is_now ? "now" : is_reached ? "done" : "ahead",
                  steps[i]);
        if (is_now)
            is_reached = false;
    }
    shop_html(out, "</ol>\n");
}

void shop_page_order(struct shop_request *request)
{
    if (shop_page_needs_sign_in(request))
        return;
    int64_t id;
    struct shop_order order;
    shop_result result = SHOP_NOT_FOUND;
    if (shop_text_to_int(request->parameter, 1, INT64_MAX, &id))
        result = shop_db_order_get(request->db, &request->arena, id, &order);
    if (result == SHOP_OK && !shop_visitor_can_see(&request->visitor, order.user))
        result = SHOP_NOT_FOUND; /* whose numbers exist is nobody else's business */
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, 0);
    struct shop_text *out = shop_page_begin(request, 200, "Your order");
    shop_html(out, "<h1>Order %l</h1><p>Placed on %s by %s.</p>\n", order.id,
              shop_order_date(request, &order), order.user);
    order_steps(out, shop_order_status(&order, request->now_s));
    shop_html(out, "<div class=\"two\"><table class=\"lines\">");
    for (size_t i = 0; i < order.lines.count; i++) {
        const struct shop_line *line = &order.lines.items[i];
        shop_html(out,
                  "<tr><td class=\"thumb\"><img src=\"/images/%l.svg\" alt=\"\" width=\"72\""
                  " height=\"72\"></td><td><a href=\"/products/%l\">%s</a><br><small>%l × %m"
                  "</small></td><td class=\"money\">%m</td></tr>\n",
                  line->product_id, line->product_id, line->name, line->quantity,
                  line->price_cents, line->price_cents * line->quantity);
    }
    shop_html(out,
              "<tr class=\"total\"><td></td><td>Total</td><td class=\"money\">%m</td></tr></table>"
              "<div class=\"panel\"><h2>Goes to</h2><p class=\"address\">%s</p></div></div>",
              order.total_cents, order.address);
    shop_page_end(request);
}
