/*
 * The two mistakes kept here are the ones most often found when an application
 * is first started twice: the cart in a map of the process, and a copy of
 * something from the database that is changed in place. Both work perfectly
 * with one process. They are small on purpose: a fixed number of carts, the
 * oldest forgotten first.
 */
#include "store.h"

#include "seed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CART_COUNT 512
#define CART_NAME_BYTES 96
#define PRODUCT_SLOTS (SHOP_SEED_PRODUCT_COUNT + 1)

struct memory_cart {
    char name[CART_NAME_BYTES];
    int64_t quantities[PRODUCT_SLOTS];
};

struct shop_memory {
    pthread_mutex_t lock;
    size_t next_cart;
    struct memory_cart carts[CART_COUNT];
    int64_t prices_cents[PRODUCT_SLOTS]; /* 0: as in the database */
};

struct shop_memory *shop_memory_new(void)
{
    struct shop_memory *memory = calloc(1, sizeof *memory);
    if (memory)
        pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void shop_memory_free(struct shop_memory *memory)
{
    if (!memory)
        return;
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static bool has_fault(const struct shop_request *request, shop_fault_kind kind)
{
    return request->shop->fault.values[kind] != 0;
}

static bool has_slot(int64_t product_id)
{
    return product_id > 0 && product_id < PRODUCT_SLOTS;
}

static void price_overlay(struct shop_request *request, struct shop_product *product)
{
    if (!has_fault(request, SHOP_FAULT_MEMORY_PRICE) || !has_slot(product->id))
        return;
    struct shop_memory *memory = request->shop->memory;
    pthread_mutex_lock(&memory->lock);
    if (memory->prices_cents[product->id] != 0)
        product->price_cents = memory->prices_cents[product->id];
    pthread_mutex_unlock(&memory->lock);
}

/* The cart of that name, made in place of the oldest one if there is none; under the lock. */
static struct memory_cart *memory_cart(struct shop_memory *memory, const char *name)
{
    for (size_t i = 0; i < CART_COUNT; i++) {
        if (strcmp(memory->carts[i].name, name) == 0)
            return &memory->carts[i];
    }
    struct memory_cart *cart = &memory->carts[memory->next_cart++ % CART_COUNT];
    *cart = (struct memory_cart){0};
    snprintf(cart->name, sizeof cart->name, "%s", name);
    return cart;
}

static shop_result memory_cart_change(struct shop_request *request, const char *name,
                                      int64_t product_id, int64_t quantity, bool is_added)
{
    if (!has_slot(product_id))
        return SHOP_NOT_FOUND;
    struct shop_memory *memory = request->shop->memory;
    pthread_mutex_lock(&memory->lock);
    int64_t *slot = &memory_cart(memory, name)->quantities[product_id];
    *slot = is_added ? *slot + quantity : quantity;
    if (*slot > SHOP_QUANTITY_MAX)
        *slot = SHOP_QUANTITY_MAX;
    pthread_mutex_unlock(&memory->lock);
    return SHOP_OK;
}

static shop_result memory_cart_get(struct shop_request *request, const char *name,
                                   struct shop_lines *out_lines)
{
    struct memory_cart cart;
    struct shop_memory *memory = request->shop->memory;
    pthread_mutex_lock(&memory->lock);
    cart = *memory_cart(memory, name);
    pthread_mutex_unlock(&memory->lock);

    struct shop_lines lines = {0};
    lines.items = shop_arena_alloc(&request->arena, PRODUCT_SLOTS * sizeof *lines.items);
    for (int64_t id = 1; id < PRODUCT_SLOTS; id++) {
        if (cart.quantities[id] == 0)
            continue;
        struct shop_product product;
        shop_result result = shop_store_product_get(request, id, &product);
        if (result != SHOP_OK)
            return result;
        lines.items[lines.count++] = (struct shop_line){
            id, cart.quantities[id], product.name, product.price_cents};
        lines.total_cents += product.price_cents * cart.quantities[id];
        lines.piece_count += cart.quantities[id];
    }
    *out_lines = lines;
    return SHOP_OK;
}

static void memory_cart_clear(struct shop_request *request, const char *name)
{
    struct shop_memory *memory = request->shop->memory;
    pthread_mutex_lock(&memory->lock);
    memory_cart(memory, name)->name[0] = '\0';
    pthread_mutex_unlock(&memory->lock);
}

static shop_result memory_cart_merge(struct shop_request *request, const char *from,
                                     const char *into)
{
    struct shop_lines lines = {0};
    shop_result result = memory_cart_get(request, from, &lines);
    for (size_t i = 0; i < lines.count && result == SHOP_OK; i++)
        result = memory_cart_change(request, into, lines.items[i].product_id,
                                    lines.items[i].quantity, true);
    if (result == SHOP_OK)
        memory_cart_clear(request, from);
    return result;
}

shop_result shop_store_products_list(struct shop_request *request, const char *category,
                                     const char *search, struct shop_products *out_products)
{
    shop_result result = shop_db_products_list(request->db, &request->arena, category, search,
                                               out_products);
    for (size_t i = 0; result == SHOP_OK && i < out_products->count; i++)
        price_overlay(request, &out_products->items[i]);
    return result;
}

shop_result shop_store_product_get(struct shop_request *request, int64_t id,
                                   struct shop_product *out_product)
{
    shop_result result = shop_db_product_get(request->db, &request->arena, id, out_product);
    if (result == SHOP_OK)
        price_overlay(request, out_product);
    return result;
}

shop_result shop_store_price_set(struct shop_request *request, int64_t id, int64_t price_cents)
{
    if (!has_fault(request, SHOP_FAULT_MEMORY_PRICE))
        return shop_db_price_set(request->db, id, price_cents);
    if (!has_slot(id))
        return SHOP_NOT_FOUND;
    struct shop_memory *memory = request->shop->memory;
    pthread_mutex_lock(&memory->lock);
    memory->prices_cents[id] = price_cents;
    pthread_mutex_unlock(&memory->lock);
    return SHOP_OK;
}

shop_result shop_store_cart_get(struct shop_request *request, const char *cart,
                                struct shop_lines *out_lines)
{
    if (!cart) {
        *out_lines = (struct shop_lines){0};
        return SHOP_OK;
    }
    if (has_fault(request, SHOP_FAULT_MEMORY_SESSION))
        return memory_cart_get(request, cart, out_lines);
    return shop_db_cart_get(request->db, &request->arena, cart, out_lines);
}

shop_result shop_store_cart_add(struct shop_request *request, const char *cart, int64_t product_id,
                                int64_t quantity)
{
    if (has_fault(request, SHOP_FAULT_MEMORY_SESSION))
        return memory_cart_change(request, cart, product_id, quantity, true);
    return shop_db_cart_add(request->db, cart, product_id, quantity, request->now_s);
}

shop_result shop_store_cart_set(struct shop_request *request, const char *cart, int64_t product_id,
                                int64_t quantity)
{
    if (has_fault(request, SHOP_FAULT_MEMORY_SESSION))
        return memory_cart_change(request, cart, product_id, quantity, false);
    return shop_db_cart_set(request->db, cart, product_id, quantity, request->now_s);
}

shop_result shop_store_cart_merge(struct shop_request *request, const char *from, const char *into)
{
    if (has_fault(request, SHOP_FAULT_MEMORY_SESSION))
        return memory_cart_merge(request, from, into);
    return shop_db_cart_merge(request->db, from, into, request->now_s);
}

shop_result shop_store_cart_order(struct shop_request *request, struct shop_order_wish *wish,
                                  int64_t *out_id)
{
    bool is_repeat;
    if (!has_fault(request, SHOP_FAULT_MEMORY_SESSION))
        return shop_db_order_place(request->db, wish, out_id, &is_repeat);
    const char *cart = wish->cart;
    struct shop_lines lines;
    shop_result result = memory_cart_get(request, cart, &lines);
    if (result != SHOP_OK)
        return result;
    wish->cart = NULL;
    wish->lines = lines.items;
    wish->line_count = lines.count;
    result = shop_db_order_place(request->db, wish, out_id, &is_repeat);
    if (result == SHOP_OK)
        memory_cart_clear(request, cart);
    return result;
}
