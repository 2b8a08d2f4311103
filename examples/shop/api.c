/*
 * An order may be sent twice, by a client that lost patience or by a proxy that
 * lost an answer. With an Idempotency-Key the second sending gets the order of
 * the first; the same key for something else is a 409. What "the same" means is
 * the wish in normal form (products ascending, amounts added up, address), so a
 * client may spell its JSON differently the second time.
 */
#include "api.h"

#include "layout.h"
#include "pages.h"
#include "store.h"
#include "visitor.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRICE_MAX_CENTS 100000000
#define KEY_MAX_BYTES 255
#define ADDRESS_MAX_BYTES 400

/* Send a value, which is dropped. */
static void reply_json(struct shop_request *request, unsigned status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text) {
        shop_fail(request, 500, "The answer could not be written.");
        return;
    }
    shop_text_put(&request->reply.body, text, strlen(text));
    shop_text_put(&request->reply.body, "\n", 1);
    free(text);
    request->reply.status = status;
    request->reply.content_type = "application/json";
}

/* The request's JSON object, or NULL after the failure was answered. */
static json_t *body_read(struct shop_request *request)
{
    if (!shop_request_has_content_type(request, "application/json")) {
        shop_fail(request, 415, "The body must be application/json.");
        return NULL;
    }
    json_t *body = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.len,
                              JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        shop_fail(request, 400, "The body is not a JSON object.");
        return NULL;
    }
    return body;
}

static bool needs_user(struct shop_request *request)
{
    if (request->visitor.user)
        return false;
    shop_reply_header(request, "WWW-Authenticate",
                      request->visitor.has_bad_bearer
                          ? "Bearer realm=\"shop\", error=\"invalid_token\""
                          : "Bearer realm=\"shop\"");
    shop_fail(request, 401, "Sign in first: POST /api/session gives a token.");
    return true;
}

/* The number in the path; false after 400 was answered. */
static bool id_read(struct shop_request *request, int64_t *out_id)
{
    if (shop_text_to_int(request->parameter, 1, INT32_MAX, out_id))
        return true;
    shop_fail(request, 400, "An id is a whole number from 1.");
    return false;
}

static json_t *product_json(struct shop_request *request, const struct shop_product *product)
{
    const char *image = shop_arena_format(&request->arena, "/images/%" PRId64 ".svg", product->id);
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:b, s:s}", "id", (json_int_t)product->id,
                     "name", product->name, "category", product->category, "description",
                     product->blurb, "price_cents", (json_int_t)product->price_cents, "currency",
                     "EUR", "in_stock", product->stock > 0, "image", image);
}

void shop_api_products(struct shop_request *request)
{
    struct shop_products products;
    shop_result result = shop_store_products_list(request,
                                                  shop_pairs_get(&request->query, "category"),
                                                  shop_pairs_get(&request->query, "q"), &products);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < products.count; i++)
        json_array_append_new(list, product_json(request, &products.items[i]));
    shop_reply_cacheable(request, 60);
    reply_json(request, 200, json_pack("{s:o}", "products", list));
}

static void product_reply(struct shop_request *request, int64_t id, int age_s)
{
    struct shop_product product;
    shop_result result = shop_store_product_get(request, id, &product);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, age_s);
    reply_json(request, 200, product_json(request, &product));
}

void shop_api_product(struct shop_request *request)
{
    int64_t id;
    if (id_read(request, &id))
        product_reply(request, id, 60);
}

void shop_api_price_set(struct shop_request *request)
{
    int64_t id;
    if (!id_read(request, &id) || needs_user(request))
        return;
    if (!shop_visitor_is_admin(&request->visitor)) {
        shop_fail(request, 403, "Only an admin sets prices.");
        return;
    }
    json_t *body = body_read(request);
    if (!body)
        return;
    json_t *price = json_object_get(body, "price_cents");
    int64_t price_cents = json_is_integer(price) ? json_integer_value(price) : 0;
    json_decref(body);
    if (price_cents < 1 || price_cents > PRICE_MAX_CENTS) {
        shop_fail(request, 400, "price_cents must be a whole number from 1 to 100000000.");
        return;
    }
    shop_result result = shop_store_price_set(request, id, price_cents);
    if (result == SHOP_OK)
        product_reply(request, id, 0);
    else
        shop_fail_result(request, result);
}

static json_t *order_json(struct shop_request *request, const struct shop_order *order)
{
    char placed_at[32];
    struct tm parts;
    time_t seconds = (time_t)order->placed_at_s;
    gmtime_r(&seconds, &parts);
    strftime(placed_at, sizeof placed_at, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}", "id", (json_int_t)order->id, "user",
                     order->user, "status", shop_order_status(order, request->now_s), "placed_at",
                     placed_at, "total_cents", (json_int_t)order->total_cents, "currency", "EUR");
}

static void order_reply(struct shop_request *request, unsigned status,
                        const struct shop_order *order)
{
    json_t *items = json_array();
    for (size_t i = 0; i < order->lines.count; i++) {
        const struct shop_line *line = &order->lines.items[i];
        json_array_append_new(items, json_pack("{s:I, s:s, s:I, s:I}", "product",
                                               (json_int_t)line->product_id, "name", line->name,
                                               "quantity", (json_int_t)line->quantity,
                                               "price_cents", (json_int_t)line->price_cents));
    }
    json_t *value = order_json(request, order);
    json_object_set_new(value, "address", json_string(order->address));
    json_object_set_new(value, "items", items);
    shop_reply_cacheable(request, 0);
    reply_json(request, status, value);
}

void shop_api_orders(struct shop_request *request)
{
    if (needs_user(request))
        return;
    const char *user = shop_pairs_get(&request->query, "user");
    if (!user)
        user = request->visitor.user;
    if (!shop_visitor_can_see(&request->visitor, user)) {
        shop_fail(request, 403, "These orders belong to somebody else.");
        return;
    }
    struct shop_orders orders;
    shop_result result = shop_db_orders_list(request->db, &request->arena, user, &orders);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < orders.count; i++)
        json_array_append_new(list, order_json(request, &orders.items[i]));
    shop_reply_cacheable(request, 0);
    reply_json(request, 200, json_pack("{s:s, s:o}", "user", user, "orders", list));
}

void shop_api_order(struct shop_request *request)
{
    int64_t id;
    if (!id_read(request, &id) || needs_user(request))
        return;
    struct shop_order order;
    shop_result result = shop_db_order_get(request->db, &request->arena, id, &order);
    if (result == SHOP_OK && !shop_visitor_can_see(&request->visitor, order.user))
        result = SHOP_NOT_FOUND; /* whose numbers exist is nobody else's business */
    if (result == SHOP_OK)
        order_reply(request, 200, &order);
    else
        shop_fail_result(request, result);
}

/* Put one wanted item where it belongs in the ascending list; false if it makes no sense. */
static bool line_add(struct shop_lines *lines, json_t *item)
{
    json_t *product = json_object_get(item, "product");
    json_t *amount = json_object_get(item, "quantity");
    int64_t id = json_is_integer(product) ? json_integer_value(product) : 0;
    int64_t quantity = !amount ? 1 : json_is_integer(amount) ? json_integer_value(amount) : 0;
    if (id < 1 || id > INT32_MAX || quantity < 1 || quantity > SHOP_QUANTITY_MAX)
        return false;
    size_t at = 0;
    while (at < lines->count && lines->items[at].product_id < id)
        at++;
    struct shop_line *slot = &lines->items[at];
    if (at < lines->count && slot->product_id == id) {
        slot->quantity += quantity;
        return slot->quantity <= SHOP_QUANTITY_MAX;
    }
    memmove(slot + 1, slot, (lines->count - at) * sizeof *slot);
    *slot = (struct shop_line){.product_id = id, .quantity = quantity};
    lines->count++;
    return true;
}

/* {"items": [{"product": 3, "quantity": 2}, …]}, or for one product {"product": 3}. */
static bool lines_read(struct shop_request *request, json_t *body, struct shop_lines *out_lines)
{
    struct shop_lines lines = {0};
    lines.items = shop_arena_alloc(&request->arena, (SHOP_LINES_MAX + 1) * sizeof *lines.items);
    json_t *items = json_object_get(body, "items");
    if (!items && !line_add(&lines, body))
        return false;
    if (items && (!json_is_array(items) || json_array_size(items) < 1 ||
                  json_array_size(items) > SHOP_LINES_MAX))
        return false;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (!line_add(&lines, json_array_get(items, i)))
            return false;
    }
    *out_lines = lines;
    return true;
}

/* The Idempotency-Key, bare or quoted; NULL without one. False when it cannot be one. */
static bool key_read(struct shop_request *request, const char **out_key)
{
    const char *value = shop_request_header(request, "Idempotency-Key");
    *out_key = NULL;
    if (!value)
        return true;
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    if (len == 0 || len > KEY_MAX_BYTES || !shop_text_is_clean(value, len))
        return false;
    *out_key = shop_arena_format(&request->arena, "api:%.*s", (int)len, value);
    return true;
}

static const char *fingerprint(struct shop_request *request, const struct shop_lines *lines,
                               const char *address)
{
    struct shop_text text = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const char *part = shop_arena_format(&request->arena, "%" PRId64 "x%" PRId64 " ",
                                             lines->items[i].product_id, lines->items[i].quantity);
        shop_text_put(&text, part, strlen(part));
    }
    shop_text_put(&text, address, strlen(address));
    char *out = shop_arena_copy(&request->arena, text.bytes, text.len);
    shop_text_done(&text);
    return out;
}

static void order_place(struct shop_request *request, const struct shop_order_wish *wish)
{
    int64_t id;
    bool is_repeat;
    struct shop_order order;
    shop_result result = shop_db_order_place(request->db, wish, &id, &is_repeat);
    if (result == SHOP_NOT_FOUND) {
        shop_fail(request, 400, "One of these products does not exist.");
        return;
    }
    if (result == SHOP_OK)
        result = shop_db_order_get(request->db, &request->arena, id, &order);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_header(request, "Location",
                      shop_arena_format(&request->arena, "/api/orders/%" PRId64, id));
    if (is_repeat)
        shop_reply_header(request, "Idempotency-Replayed", "true");
    order_reply(request, 201, &order);
}

void shop_api_order_place(struct shop_request *request)
{
    if (needs_user(request))
        return;
    struct shop_order_wish wish = {.user = request->visitor.user, .now_s = request->now_s};
    if (!key_read(request, &wish.key)) {
        shop_fail(request, 400, "The Idempotency-Key must be 1 to 255 characters.");
        return;
    }
    json_t *body = body_read(request);
    if (!body)
        return;
    struct shop_lines lines = {0};
    json_t *address = json_object_get(body, "address");
    bool is_sound = lines_read(request, body, &lines) &&
                    (!address || (json_is_string(address) &&
                                  json_string_length(address) <= ADDRESS_MAX_BYTES &&
                                  shop_text_is_clean(json_string_value(address),
                                                     json_string_length(address))));
    wish.address = is_sound && address
                       ? shop_arena_copy(&request->arena, json_string_value(address),
                                         json_string_length(address))
                       : "";
    json_decref(body);
    if (!is_sound) {
        shop_fail(request, 400, "Wanted: items, each with a product and a quantity from 1 to 99,"
                                " 50 at most; address may be a text up to 400 bytes.");
        return;
    }
    wish.lines = lines.items;
    wish.line_count = lines.count;
    wish.fingerprint = fingerprint(request, &lines, wish.address);
    order_place(request, &wish);
}

void shop_api_user(struct shop_request *request)
{
    if (needs_user(request))
        return;
    if (!shop_visitor_can_see(&request->visitor, request->parameter)) {
        shop_fail(request, 403, "This is somebody else.");
        return;
    }
    struct shop_user user;
    shop_result result = shop_db_user_get(request->db, &request->arena, request->parameter, &user);
    if (result != SHOP_OK) {
        shop_fail_result(request, result);
        return;
    }
    shop_reply_cacheable(request, 0);
    reply_json(request, 200,
               json_pack("{s:s, s:s, s:s, s:I}", "user", user.name, "name", user.full_name, "role",
                         user.role, "order_count", (json_int_t)user.order_count));
}

void shop_api_session_new(struct shop_request *request)
{
    json_t *body = body_read(request);
    if (!body)
        return;
    const char *user = json_string_value(json_object_get(body, "user"));
    const char *password = json_string_value(json_object_get(body, "password"));
    if (!user || !password) {
        shop_fail(request, 400, "A user and a password are needed.");
    } else {
        shop_result result;
        const char *token = shop_visitor_token_new(request, user, password, &result);
        shop_reply_cacheable(request, 0);
        if (token)
            reply_json(request, 201, json_pack("{s:s, s:i}", "token", token, "expires_in_s",
                                               SHOP_JWT_SESSION_S));
        else if (result == SHOP_NOT_FOUND)
            shop_fail(request, 401, "That user and password do not belong together.");
        else
            shop_fail_result(request, result);
    }
    json_decref(body);
}

void shop_api_ready(struct shop_request *request)
{
    const struct shop *shop = request->shop;
    const char *state = "ready";
    if (atomic_load(&shop->is_leaving))
        state = "leaving";
    else if (shop->fault.values[SHOP_FAULT_NOT_READY])
        state = "not ready";
    else if (shop_db_ping(request->db) != SHOP_OK)
        state = "no database";
    shop_reply_cacheable(request, 0);
    unsigned status = strcmp(state, "ready") == 0 ? 200 : 503;
    reply_json(request, status, json_pack("{s:s, s:s}", "state", state, "instance",
                                          shop->instance));
}
