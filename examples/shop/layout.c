/*
 * The head of a page is the same for everybody: it says "Account" and not a
 * name, and the number of pieces in the cart is an image of its own
 * (/cart/badge.svg). So the catalogue's pages may be kept by a cache and shown
 * to all; only the badge is fetched per visitor.
 */
#include "layout.h"

#include "seed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct shop_text *shop_page_begin(struct shop_request *request, unsigned status, const char *title)
{
    struct shop_reply *reply = &request->reply;
    shop_text_done(&reply->body);
    reply->status = status;
    reply->content_type = "text/html; charset=utf-8";
    struct shop_text *out = &reply->body;
    shop_html(out,
              "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
              "<title>%s - Landing</title><link rel=\"stylesheet\" href=\"/style.css\">"
              "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/favicon.svg\"></head>\n<body>"
              "<a class=\"skip\" href=\"#main\">To the content</a>"
              "<header class=\"top\"><div class=\"wide\"><a class=\"brand\" href=\"/\">"
              "<img src=\"/favicon.svg\" alt=\"\" width=\"34\" height=\"34\">Landing</a>"
              "<form class=\"search\" action=\"/search\" role=\"search\"><input type=\"search\""
              " name=\"q\" placeholder=\"Search the shop\" aria-label=\"Search the shop\""
              " maxlength=\"60\"></form>"
              "<nav class=\"tools\"><a href=\"/account\">Account</a>"
              "<a href=\"/cart\">Cart <img src=\"/cart/badge.svg\" alt=\"\" width=\"28\""
              " height=\"20\"></a></nav></div></header>\n"
              "<nav class=\"shelves\"><div class=\"wide\">"
              "<a href=\"/\">Everything</a>",
              title);
    for (size_t i = 0; i < SHOP_SEED_CATEGORY_COUNT; i++) {
        const char *category = shop_seed_categories[i];
        shop_html(out, "<a href=\"/categories/%s\">%s</a>", category, category);
    }
    shop_html(out, "</div></nav>\n<main id=\"main\" class=\"wide\">\n");
    return out;
}

void shop_page_end(struct shop_request *request)
{
    shop_html(&request->reply.body,
              "</main>\n<footer><div class=\"wide\"><p>Landing: things for the hall, the stairs and"
              " the way home. An example shop; nothing is sold and nothing is sent.</p>"
              "<p class=\"instance\">Answered by <b>%s</b></p></div></footer></body></html>\n",
              request->shop->instance);
}

static const char *reason(unsigned status)
{
    const char *phrase = MHD_get_reason_phrase_for(status);
    return phrase ? phrase : "Error";
}

static void fail_json(struct shop_request *request, unsigned status, const char *sentence)
{
    struct shop_reply *reply = &request->reply;
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                                reason(status), "status", (int)status, "detail", sentence);
    char *text = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    shop_text_done(&reply->body);
    if (text)
        shop_text_put(&reply->body, text, strlen(text));
    free(text);
    shop_text_put(&reply->body, "\n", 1);
    reply->status = status;
    reply->content_type = "application/problem+json";
}

void shop_fail(struct shop_request *request, unsigned status, const char *sentence)
{
    shop_reply_cacheable(request, 0);
    if (status == 503)
        shop_reply_header(request, "Retry-After", "1");
    if (request->is_api) {
        fail_json(request, status, sentence);
        return;
    }
    struct shop_text *out = shop_page_begin(request, status, reason(status));
    shop_html(out,
              "<section class=\"notice\"><p class=\"code\">%d</p><h1>%s</h1><p>%s</p>"
              "<p><a class=\"button\" href=\"/\">Back to the shop</a></p></section>",
              (int)status, reason(status), sentence);
    shop_page_end(request);
}

void shop_fail_result(struct shop_request *request, shop_result result)
{
    switch (result) {
    case SHOP_NOT_FOUND:
        shop_fail(request, 404, "There is no such thing in this shop.");
        break;
    case SHOP_EMPTY:
        shop_fail(request, 400, "An order needs at least one product.");
        break;
    case SHOP_SOLD_OUT:
        shop_fail(request, 409, "We have fewer of these than you asked for; nothing was ordered.");
        break;
    case SHOP_CONFLICT:
        shop_fail(request, 409, "This idempotency key was used for a different order.");
        break;
    case SHOP_BUSY:
        shop_fail(request, 503, "The shop is too busy to write this down. Please try again.");
        break;
    default:
        shop_fail(request, 500, "The shop could not look this up.");
        break;
    }
}
