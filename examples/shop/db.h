/*
 * db.h - everything the shop remembers, behind functions that speak of products and orders.
 *
 * The only file that knows SQL is db.c: another database means another db.c.
 * Many processes may have the same database open. Each change is one short
 * transaction, so a reader sees a whole order or none of it.
 *
 * Owner:   results live in the arena passed in; arguments are borrowed for the call
 * Threads: a shop_db serves one thread at a time; a shop_db_pool is for all of them
 */
#ifndef SHOP_DB_H
#define SHOP_DB_H

#include "text.h"

#define SHOP_QUANTITY_MAX 99
#define SHOP_LINES_MAX 50

typedef enum {
    SHOP_OK,
    SHOP_NOT_FOUND, /* no such product, order, user */
    SHOP_EMPTY,     /* an order without lines */
    SHOP_SOLD_OUT,  /* less in stock than asked for; nothing was changed */
    SHOP_CONFLICT,  /* the idempotency key belongs to a different order */
    SHOP_BUSY,      /* other processes kept the database locked; nothing was changed */
    SHOP_BROKEN     /* the database failed; said on stderr */
} shop_result;

struct shop_product {
    int64_t id;
    const char *name;
    const char *category;
    const char *blurb;
    int64_t price_cents;
    int64_t stock;
};

struct shop_products {
    struct shop_product *items;
    size_t count;
};

struct shop_line {
    int64_t product_id;
    int64_t quantity;
    const char *name;
    int64_t price_cents; /* of one piece */
};

struct shop_lines {
    struct shop_line *items;
    size_t count;
    int64_t total_cents;
    int64_t piece_count;
};

struct shop_order {
    int64_t id;
    const char *user;
    const char *address;
    int64_t placed_at_s;
    int64_t total_cents;
    struct shop_lines lines; /* left empty in lists of orders */
};

struct shop_orders {
    struct shop_order *items;
    size_t count;
};

struct shop_user {
    const char *name;
    const char *full_name;
    const char *role;
    const char *password_hash;
    int64_t order_count;
};

/* What somebody wants to buy: these lines, or what lies in `cart` when that is set. */
struct shop_order_wish {
    const char *user;
    const char *address;
    const char *key;         /* idempotency key, NULL for none */
    const char *fingerprint; /* what the same key must stand for again */
    const char *cart;        /* emptied by the same transaction */
    const struct shop_line *lines;
    size_t line_count;
    int64_t now_s;
};

struct shop_db;

/* Creates and seeds the database unless that is done; several processes may call it at once. */
shop_result shop_db_open(const char *path, struct shop_db **out_db);
void shop_db_close(struct shop_db *db);
shop_result shop_db_ping(struct shop_db *db);

/* NULL category or search means any. */
shop_result shop_db_products_list(struct shop_db *db, struct shop_arena *arena,
                                  const char *category, const char *search,
                                  struct shop_products *out_products);
shop_result shop_db_product_get(struct shop_db *db, struct shop_arena *arena, int64_t id,
                                struct shop_product *out_product);
shop_result shop_db_price_set(struct shop_db *db, int64_t product_id, int64_t price_cents);

shop_result shop_db_user_get(struct shop_db *db, struct shop_arena *arena, const char *name,
                             struct shop_user *out_user);

/* Carts need not be created: one that nothing was put into is empty. */
shop_result shop_db_cart_get(struct shop_db *db, struct shop_arena *arena, const char *cart,
                             struct shop_lines *out_lines);
shop_result shop_db_cart_add(struct shop_db *db, const char *cart, int64_t product_id,
                             int64_t quantity, int64_t now_s);
shop_result shop_db_cart_set(struct shop_db *db, const char *cart, int64_t product_id,
                             int64_t quantity, int64_t now_s);
/* Moves everything from one cart into another. */
shop_result shop_db_cart_merge(struct shop_db *db, const char *from, const char *into,
                               int64_t now_s);

/* With a key that was used before for the same wish: that order again, *out_is_repeat true. */
shop_result shop_db_order_place(struct shop_db *db, const struct shop_order_wish *wish,
                                int64_t *out_id, bool *out_is_repeat);
shop_result shop_db_order_get(struct shop_db *db, struct shop_arena *arena, int64_t id,
                              struct shop_order *out_order);
/* The newest hundred. */
shop_result shop_db_orders_list(struct shop_db *db, struct shop_arena *arena, const char *user,
                                struct shop_orders *out_orders);

struct shop_db_pool;

/* Opens `count` connections; prints what is wrong and returns NULL when it cannot. */
struct shop_db_pool *shop_db_pool_new(const char *path, size_t count);
void shop_db_pool_free(struct shop_db_pool *pool);
/* Waits until one is free. */
struct shop_db *shop_db_pool_take(struct shop_db_pool *pool);
void shop_db_pool_give(struct shop_db_pool *pool, struct shop_db *db);

#endif
