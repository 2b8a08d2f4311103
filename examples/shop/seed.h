/*
 * seed.h - what a new shop has on its shelves, and who may sign in.
 *
 * Owner:   constants
 * Threads: constants
 */
#ifndef SHOP_SEED_H
#define SHOP_SEED_H

#include "db.h"

#define SHOP_SEED_PRODUCT_COUNT 24
#define SHOP_SEED_USER_COUNT 3
#define SHOP_SEED_CATEGORY_COUNT 6

struct shop_seed_user {
    const char *name;
    const char *full_name;
    const char *role;
    const char *password;
};

/* Four products to a category, in the order of the categories; art.c draws them by number. */
extern const struct shop_product shop_seed_products[SHOP_SEED_PRODUCT_COUNT];
extern const char *const shop_seed_categories[SHOP_SEED_CATEGORY_COUNT];
extern const struct shop_seed_user shop_seed_users[SHOP_SEED_USER_COUNT];

#endif
