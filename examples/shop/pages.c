/*
 * The catalogue looks the same for every visitor and says so: nothing on these
 * pages depends on a cookie. That is what makes them worth caching, and it is
 * a property a test holds (two visitors, same bytes).
 */
#include "pages.h"

#include "art.h"
#include "layout.h"
#include "seed.h"
#include "store.h"
#include "style.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_AGE_S 60
#define IMAGE_AGE_S 86400

static void card(struct shop_text *out, const struct shop_product *product)
{
    shop_html(out,
              "<li class=\"card\"><a href=\"/products/%l\"><img src=\"/images/%l.svg\" alt=\"\""
              " width=\"400\" height=\"400\" loading=\"lazy\"><span class=\"name\">%s</span>"
              "<span class=\"price\">%m</span>",
              product->id, product->id, product->name, product->price_cents);
    if (product->stock == 0)
        shop_html(out, "<span class=\"tag\">Sold out</span>");
    else if (product->stock < 10)
        shop_html(out, "<span class=\"tag few\">Only %l left</span>", product->stock);
    shop_html(out, "</a></li>\n");
}

static void grid(struct shop_text *out, const struct shop_products *products)
{
    shop_html(out, "<ul class=\"grid\">\n");
    for (size_t i = 0; i < products->count; i++)
        card(out, &products->items[i]);
    shop_html(out, "</ul>\n");
}

void shop_page_home(struct shop_request *request)
{
    struct shop_products products;
    shop_result result = shop_store_products_list(request, NULL, NULL, &products);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, PAGE_AGE_S);
    struct shop_text *out = shop_page_begin(request, 200, "Things for the way home");
    shop_html(out,
              "<section class=\"hero\"><div><h1>Things for the hall, the stairs and the way"
              " home.</h1><p>Twenty-four of them. Each made well, none of them urgent.</p>"
              "<p><a class=\"button\" href=\"/categories/lamps\">Start with a lamp</a></p></div>"
              "<img src=\"/images/2.svg\" alt=\"\" width=\"400\" height=\"400\">"
              "<img src=\"/images/6.svg\" alt=\"\" width=\"400\" height=\"400\"></section>\n"
              "<h2>Everything we have</h2>\n");
    grid(out, &products);
    shop_page_end(request);
}

static bool is_category(const char *name)
{
    for (size_t i = 0; i < SHOP_SEED_CATEGORY_COUNT; i++) {
        if (strcmp(shop_seed_categories[i], name) == 0)
            return true;
    }
    return false;
}

void shop_page_category(struct shop_request *request)
{
    const char *category = request->parameter;
    struct shop_products products;
    shop_result result = SHOP_NOT_FOUND;
    if (is_category(category))
        result = shop_store_products_list(request, category, NULL, &products);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, PAGE_AGE_S);
    struct shop_text *out = shop_page_begin(request, 200, category);
    shop_html(out, "<h1 class=\"title\">%s</h1>\n", category);
    grid(out, &products);
    shop_page_end(request);
}

void shop_page_search(struct shop_request *request)
{
    const char *wanted = shop_pairs_get(&request->query, "q");
    if (!wanted || wanted[0] == '\0') {
        shop_reply_redirect(request, "/");
        return;
    }
    struct shop_products products;
    shop_result result = shop_store_products_list(request, NULL, wanted, &products);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, PAGE_AGE_S);
    struct shop_text *out = shop_page_begin(request, 200, wanted);
    shop_html(out, "<h1>%d found for “%s”</h1>\n", (int)products.count, wanted);
    if (products.count == 0)
        shop_html(out, "<p>Try something shorter, like <a href=\"/search?q=oak\">oak</a>.</p>");
    grid(out, &products);
    shop_page_end(request);
}

static void buy_form(struct shop_text *out, const struct shop_product *product)
{
    if (product->stock == 0) {
        shop_html(out, "<p class=\"stock none\">Sold out. We do not know when there will be"
                       " more.</p>");
        return;
    }
    if (product->stock < 10)
        shop_html(out, "<p class=\"stock few\">Only %l left.</p>", product->stock);
    else
        shop_html(out, "<p class=\"stock\">In stock, with you in three days.</p>");
    shop_html(out,
              "<form class=\"buy\" method=\"post\" action=\"/cart/items\">"
              "<input type=\"hidden\" name=\"product\" value=\"%l\">"
              "<label>How many <input type=\"number\" name=\"quantity\" value=\"1\" min=\"1\""
              " max=\"%d\"></label><button>Add to cart</button></form>",
              product->id, SHOP_QUANTITY_MAX);
}

static void neighbours(struct shop_text *out, const struct shop_products *products, int64_t but)
{
    shop_html(out, "<h2>On the same shelf</h2>\n<ul class=\"grid small\">\n");
    for (size_t i = 0; i < products->count; i++) {
        if (products->items[i].id != but)
            card(out, &products->items[i]);
    }
    shop_html(out, "</ul>\n");
}

void shop_page_product(struct shop_request *request)
{
    int64_t id;
    struct shop_product product;
    struct shop_products shelf;
    shop_result result = SHOP_NOT_FOUND;
    if (shop_text_to_int(request->parameter, 1, INT32_MAX, &id))
        result = shop_store_product_get(request, id, &product);
    if (result == SHOP_OK)
        result = shop_store_products_list(request, product.category, NULL, &shelf);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, PAGE_AGE_S);
    struct shop_text *out = shop_page_begin(request, 200, product.name);
    shop_html(out,
              "<article class=\"product\"><img src=\"/images/%l.svg\" alt=\"%s\" width=\"400\""
              " height=\"400\"><div><p class=\"crumb\"><a href=\"/categories/%s\">%s</a></p>"
              "<h1>%s</h1><p class=\"price\">%m</p><p class=\"blurb\">%s</p>",
              product.id, product.name, product.category, product.category, product.name,
              product.price_cents, product.blurb);
    buy_form(out, &product);
    shop_html(out, "</div></article>\n");
    neighbours(out, &shelf, product.id);
    shop_page_end(request);
}

/*
 * With --cache-headers a fixed body also gets an ETag (FNV-1a of its bytes,
 * so all processes agree) and is not sent again to somebody who has it.
 */
static void fixed_end(struct shop_request *request, const char *content_type)
{
    struct shop_reply *reply = &request->reply;
    reply->status = 200;
    reply->content_type = content_type;
    shop_reply_cacheable(request, IMAGE_AGE_S);
    if (!request->shop->has_cache_headers)
        return;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < reply->body.len; i++)
        hash = (hash ^ (unsigned char)reply->body.bytes[i]) * 1099511628211u;
    const char *etag = shop_arena_format(&request->arena, "\"%016" PRIx64 "\"", hash);
    shop_reply_header(request, "ETag", etag);
    const char *known = shop_request_header(request, "If-None-Match");
    if (known && (strcmp(known, "*") == 0 || strstr(known, etag))) {
        reply->status = 304;
        shop_text_done(&reply->body);
    }
}

void shop_page_image(struct shop_request *request)
{
    size_t len = strlen(request->parameter);
    int64_t id = 0;
    if (len > 4 && strcmp(request->parameter + len - 4, ".svg") == 0) {
        const char *number = shop_arena_copy(&request->arena, request->parameter, len - 4);
        (void)shop_text_to_int(number, 1, INT32_MAX, &id);
    }
    if (shop_art_draw(&request->reply.body, id))
        fixed_end(request, "image/svg+xml");
    else
        shop_fail(request, 404, "There is no such picture.");
}

void shop_page_style(struct shop_request *request)
{
    shop_text_put(&request->reply.body, shop_style, strlen(shop_style));
    fixed_end(request, "text/css; charset=utf-8");
}

void shop_page_favicon(struct shop_request *request)
{
    shop_art_sign_draw(&request->reply.body);
    fixed_end(request, "image/svg+xml");
}
