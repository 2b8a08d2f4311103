/*
 * Several processes share one SQLite file. Write-ahead logging lets readers go
 * on while one writes; every write transaction begins with BEGIN IMMEDIATE, so
 * it waits for its turn at the start (busy_timeout) and never has to give up in
 * the middle, as a read transaction that turns into a writer may have to.
 *
 * Waiting is where SQLite alone falls short: its busy handler sleeps ever longer
 * and wakes in no order, so with eight clients ordering at once the slowest of a
 * hundred orders took 535 ms. Threads of one process therefore queue for the
 * write lock on a mutex, and only the one in front competes with the other
 * processes, asking every millisecond: 68 ms.
 *
 * Statements are written once in a table, prepared on first use and kept. All
 * values are bound; no SQL text is ever put together from input.
 *
 * A commit is synced (synchronous=FULL): an order that was confirmed is there
 * after a power cut. That costs an fdatasync per order, which a shop can afford.
 */
#include "db.h"

#include "password.h"
#include "seed.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_TRIES 5000 /* a millisecond apart */
#define SCHEMA_VERSION 1
#define WAL_ATTEMPTS 200
#define CART_KEPT_S (30 * 86400)

static const char SCHEMA[] =
    "CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,"
    " blurb TEXT NOT NULL, price_cents INTEGER NOT NULL CHECK(price_cents > 0),"
    " stock INTEGER NOT NULL CHECK(stock >= 0));"
    "CREATE TABLE users(name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL,"
    " password_hash TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cart_lines(cart TEXT NOT NULL, product_id INTEGER NOT NULL"
    " REFERENCES products(id), quantity INTEGER NOT NULL, changed_at_s INTEGER NOT NULL,"
    " PRIMARY KEY(cart, product_id)) WITHOUT ROWID;"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL,"
    " address TEXT NOT NULL, placed_at_s INTEGER NOT NULL,"
    " total_cents INTEGER NOT NULL, key TEXT, fingerprint TEXT, UNIQUE(user, key));"
    "CREATE INDEX orders_by_user ON orders(user, id);"
    "CREATE TABLE order_lines(order_id INTEGER NOT NULL REFERENCES orders(id),"
    " product_id INTEGER NOT NULL, name TEXT NOT NULL, quantity INTEGER NOT NULL,"
    " price_cents INTEGER NOT NULL, PRIMARY KEY(order_id, product_id)) WITHOUT ROWID;";

typedef enum {
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    PING,
    PRODUCTS,
    PRODUCT,
    PRICE_SET,
    STOCK_TAKE,
    USER,
    CART,
    CART_ADD,
    CART_SET,
    CART_REMOVE,
    CART_MERGE,
    CART_CLEAR,
    CART_PRUNE,
    ORDER_BY_KEY,
    ORDER_INSERT,
    ORDER_LINE_INSERT,
    ORDER_TOTAL_SET,
    ORDER,
    ORDER_LINES,
    ORDERS,
    SEED_PRODUCT,
    SEED_USER,
    STATEMENT_COUNT
} statement;

#define PRODUCT_COLUMNS "id, name, category, blurb, price_cents, stock"
#define CART_UPSERT                                                                                \
    " ON CONFLICT(cart, product_id) DO UPDATE SET changed_at_s = excluded.changed_at_s, quantity ="

static const char *const SQL[STATEMENT_COUNT] = {
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PING] = "SELECT count(*) FROM (SELECT 1 FROM products LIMIT 1)",
    [PRODUCTS] = "SELECT " PRODUCT_COLUMNS " FROM products WHERE (?1 IS NULL OR category = ?1)"
                 " AND (?2 IS NULL OR instr(lower(name || ' ' || blurb), lower(?2)) > 0)"
                 " ORDER BY id",
    [PRODUCT] = "SELECT " PRODUCT_COLUMNS " FROM products WHERE id = ?1",
    [PRICE_SET] = "UPDATE products SET price_cents = ?2 WHERE id = ?1",
    [STOCK_TAKE] = "UPDATE products SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2",
    [USER] = "SELECT name, full_name, role, password_hash,"
             " (SELECT count(*) FROM orders WHERE orders.user = users.name)"
             " FROM users WHERE name = ?1",
    [CART] = "SELECT product_id, quantity, name, price_cents FROM cart_lines"
             " JOIN products ON products.id = product_id WHERE cart = ?1 ORDER BY product_id",
    [CART_ADD] = "INSERT INTO cart_lines SELECT ?1, id, min(?3, 99), ?4 FROM products"
                 " WHERE id = ?2" CART_UPSERT " min(quantity + ?3, 99)",
    [CART_SET] = "INSERT INTO cart_lines SELECT ?1, id, ?3, ?4 FROM products"
                 " WHERE id = ?2" CART_UPSERT " ?3",
    [CART_REMOVE] = "DELETE FROM cart_lines WHERE cart = ?1 AND product_id = ?2",
    [CART_MERGE] = "INSERT INTO cart_lines SELECT ?2, product_id, quantity, ?3 FROM cart_lines"
                   " WHERE cart = ?1" CART_UPSERT " min(quantity + excluded.quantity, 99)",
    [CART_CLEAR] = "DELETE FROM cart_lines WHERE cart = ?1",
    [CART_PRUNE] = "DELETE FROM cart_lines WHERE changed_at_s < ?1",
    [ORDER_BY_KEY] = "SELECT id, fingerprint FROM orders WHERE user = ?1 AND key = ?2",
    [ORDER_INSERT] = "INSERT INTO orders(user, address, placed_at_s, total_cents, key, fingerprint)"
                     " VALUES(?1, ?2, ?3, 0, ?4, ?5)",
    [ORDER_LINE_INSERT] = "INSERT INTO order_lines SELECT ?1, id, name, ?3, price_cents"
                          " FROM products WHERE id = ?2",
    [ORDER_TOTAL_SET] = "UPDATE orders SET total_cents = (SELECT sum(quantity * price_cents)"
                        " FROM order_lines WHERE order_id = ?1) WHERE id = ?1",
    [ORDER] = "SELECT id, user, address, placed_at_s, total_cents FROM orders WHERE id = ?1",
    [ORDER_LINES] = "SELECT product_id, quantity, name, price_cents FROM order_lines"
                    " WHERE order_id = ?1 ORDER BY product_id",
    [ORDERS] = "SELECT id, user, address, placed_at_s, total_cents FROM orders WHERE user = ?1"
               " ORDER BY id DESC LIMIT 100",
    [SEED_PRODUCT] = "INSERT INTO products VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [SEED_USER] = "INSERT INTO users VALUES(?1, ?2, ?3, ?4)",
};

struct shop_db {
    sqlite3 *handle;
    pthread_mutex_t *turn; /* to write, among the connections of a pool; NULL: no pool */
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

static shop_result failure(struct shop_db *db, int code)
{
    if ((code & 0xFF) == SQLITE_BUSY)
        return SHOP_BUSY;
    fprintf(stderr, "shop: database: %s\n", sqlite3_errmsg(db->handle));
    return SHOP_BROKEN;
}

/* Bind by shape: 's' text or NULL, 'i' int64_t. Text must outlive the statement's run. */
static shop_result bind(struct shop_db *db, statement which, const char *shape, va_list args,
                        sqlite3_stmt **out_stmt)
{
    sqlite3_stmt **slot = &db->statements[which];
    if (!*slot) {
        int code = sqlite3_prepare_v3(db->handle, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, slot,
                                      NULL);
        if (code != SQLITE_OK)
            return failure(db, code);
    }
    for (int i = 0; shape[i]; i++) {
        int code = shape[i] == 's'
                       ? sqlite3_bind_text(*slot, i + 1, va_arg(args, const char *), -1,
                                           SQLITE_STATIC)
                       : sqlite3_bind_int64(*slot, i + 1, va_arg(args, int64_t));
        if (code != SQLITE_OK)
            return failure(db, code);
    }
    *out_stmt = *slot;
    return SHOP_OK;
}

static shop_result start(struct shop_db *db, sqlite3_stmt **out_stmt, statement which,
                         const char *shape, ...)
{
    va_list args;
    va_start(args, shape);
    shop_result result = bind(db, which, shape, args, out_stmt);
    va_end(args);
    return result;
}

/* The next row is there: SHOP_OK; no more rows: SHOP_NOT_FOUND. */
static shop_result step(struct shop_db *db, sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return SHOP_OK;
    return code == SQLITE_DONE ? SHOP_NOT_FOUND : failure(db, code);
}

static void finish(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

/* Run a statement that returns no rows. */
static shop_result run(struct shop_db *db, statement which, const char *shape, ...)
{
    sqlite3_stmt *stmt;
    va_list args;
    va_start(args, shape);
    shop_result result = bind(db, which, shape, args, &stmt);
    va_end(args);
    if (result != SHOP_OK)
        return result;
    result = step(db, stmt);
    finish(stmt);
    return result == SHOP_NOT_FOUND ? SHOP_OK : result;
}

/* On success the caller has the turn to write, and must go through write_end. */
static shop_result write_begin(struct shop_db *db)
{
    if (db->turn)
        pthread_mutex_lock(db->turn);
    shop_result result = run(db, BEGIN_WRITE, "");
    if (result != SHOP_OK && db->turn)
        pthread_mutex_unlock(db->turn);
    return result;
}

/* Commit what went well, roll back what did not; the first failure is the one reported. */
static shop_result write_end(struct shop_db *db, shop_result result)
{
    if (result == SHOP_OK)
        result = run(db, COMMIT, "");
    if (result != SHOP_OK && !sqlite3_get_autocommit(db->handle))
        (void)run(db, ROLLBACK, "");
    if (db->turn)
        pthread_mutex_unlock(db->turn);
    return result;
}

static int on_busy(void *context, int try_count)
{
    (void)context;
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    nanosleep(&pause, NULL);
    return try_count < BUSY_TRIES;
}

/* A write that is one statement; SHOP_NOT_FOUND when there was no row for it to change. */
static shop_result change(struct shop_db *db, statement which, const char *shape, ...)
{
    shop_result result = write_begin(db);
    if (result != SHOP_OK)
        return result;
    sqlite3_stmt *stmt;
    va_list args;
    va_start(args, shape);
    result = bind(db, which, shape, args, &stmt);
    va_end(args);
    if (result == SHOP_OK) {
        result = step(db, stmt);
        finish(stmt);
    }
    /* Done without rows is what a write that worked looks like. */
    if (result == SHOP_NOT_FOUND && sqlite3_changes(db->handle) > 0)
        result = SHOP_OK;
    return write_end(db, result);
}

static const char *column_text(struct shop_arena *arena, sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return shop_arena_copy(arena, text ? text : "", (size_t)sqlite3_column_bytes(stmt, column));
}

/* Room for one more item in a list that lives in an arena: doubles, leaving the old one behind. */
static void *room(struct shop_arena *arena, void *items, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) != 0)
        return items; /* only at a power of two is the list full */
    void *larger = shop_arena_alloc(arena, (count ? count * 2 : 1) * item_bytes);
    if (count > 0)
        memcpy(larger, items, count * item_bytes);
    return larger;
}

static shop_result seed(struct shop_db *db)
{
    int code = sqlite3_exec(db->handle, SCHEMA, NULL, NULL, NULL);
    shop_result result = code == SQLITE_OK ? SHOP_OK : failure(db, code);
    for (size_t i = 0; i < SHOP_SEED_PRODUCT_COUNT && result == SHOP_OK; i++) {
        const struct shop_product *product = &shop_seed_products[i];
        result = run(db, SEED_PRODUCT, "isssii", product->id, product->name, product->category,
                     product->blurb, product->price_cents, product->stock);
    }
    for (size_t i = 0; i < SHOP_SEED_USER_COUNT && result == SHOP_OK; i++) {
        const struct shop_seed_user *user = &shop_seed_users[i];
        char hash[SHOP_PASSWORD_HASH_BYTES];
        if (!shop_password_hash(user->password, hash))
            return SHOP_BROKEN;
        result = run(db, SEED_USER, "ssss", user->name, user->full_name, user->role, hash);
    }
    if (result == SHOP_OK && sqlite3_exec(db->handle, "PRAGMA user_version = 1", 0, 0, 0))
        result = SHOP_BROKEN;
    return result;
}

static bool schema_version_get(struct shop_db *db, int *out_version)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
        return false;
    bool is_known = sqlite3_step(stmt) == SQLITE_ROW;
    if (is_known)
        *out_version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return is_known;
}

/*
 * Switching a new file to write-ahead logging needs it for oneself and does not
 * wait for the busy timeout, so two first starts at once have to try again.
 */
static shop_result wal_begin(struct shop_db *db)
{
    const struct timespec pause = {.tv_nsec = 25 * 1000 * 1000};
    int code = SQLITE_BUSY;
    for (int i = 0; i < WAL_ATTEMPTS && (code & 0xFF) == SQLITE_BUSY; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        code = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? SHOP_OK : failure(db, code);
}

/* Whoever gets the write lock first seeds; the others find it done. */
static shop_result prepare(struct shop_db *db)
{
    int version = 0;
    if (schema_version_get(db, &version) && version == SCHEMA_VERSION)
        return SHOP_OK;
    shop_result result = write_begin(db);
    if (result != SHOP_OK)
        return result;
    if (!schema_version_get(db, &version))
        result = SHOP_BROKEN;
    else if (version == 0)
        result = seed(db);
    else if (version != SCHEMA_VERSION) {
        fprintf(stderr, "shop: the database has schema %d, this shop needs %d\n", version,
                SCHEMA_VERSION);
        result = SHOP_BROKEN;
    }
    return write_end(db, result);
}

shop_result shop_db_open(const char *path, struct shop_db **out_db)
{
    struct shop_db *db = calloc(1, sizeof *db);
    if (!db)
        return SHOP_BROKEN;
    int code = sqlite3_open_v2(path, &db->handle,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               NULL);
    shop_result result = code == SQLITE_OK ? SHOP_OK : failure(db, code);
    if (result == SHOP_OK) {
        sqlite3_busy_handler(db->handle, on_busy, NULL);
        result = wal_begin(db);
    }
    if (result == SHOP_OK &&
        sqlite3_exec(db->handle, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", 0, 0, 0))
        result = failure(db, SQLITE_ERROR);
    if (result == SHOP_OK)
        result = prepare(db);
    if (result != SHOP_OK) {
        shop_db_close(db);
        return result;
    }
    *out_db = db;
    return SHOP_OK;
}

void shop_db_close(struct shop_db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    free(db);
}

shop_result shop_db_ping(struct shop_db *db)
{
    return run(db, PING, "");
}

static struct shop_product product_row(struct shop_arena *arena, sqlite3_stmt *stmt)
{
    return (struct shop_product){
        .id = sqlite3_column_int64(stmt, 0),
        .name = column_text(arena, stmt, 1),
        .category = column_text(arena, stmt, 2),
        .blurb = column_text(arena, stmt, 3),
        .price_cents = sqlite3_column_int64(stmt, 4),
        .stock = sqlite3_column_int64(stmt, 5),
    };
}

shop_result shop_db_products_list(struct shop_db *db, struct shop_arena *arena,
                                  const char *category, const char *search,
                                  struct shop_products *out_products)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, PRODUCTS, "ss", category, search);
    if (result != SHOP_OK)
        return result;
    struct shop_products list = {0};
    while ((result = step(db, stmt)) == SHOP_OK) {
        list.items = room(arena, list.items, list.count, sizeof *list.items);
        list.items[list.count++] = product_row(arena, stmt);
    }
    finish(stmt);
    if (result != SHOP_NOT_FOUND)
        return result;
    *out_products = list;
    return SHOP_OK;
}

shop_result shop_db_product_get(struct shop_db *db, struct shop_arena *arena, int64_t id,
                                struct shop_product *out_product)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, PRODUCT, "i", id);
    if (result != SHOP_OK)
        return result;
    result = step(db, stmt);
    if (result == SHOP_OK)
        *out_product = product_row(arena, stmt);
    finish(stmt);
    return result;
}

shop_result shop_db_price_set(struct shop_db *db, int64_t product_id, int64_t price_cents)
{
    return change(db, PRICE_SET, "ii", product_id, price_cents);
}

shop_result shop_db_user_get(struct shop_db *db, struct shop_arena *arena, const char *name,
                             struct shop_user *out_user)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, USER, "s", name);
    if (result != SHOP_OK)
        return result;
    result = step(db, stmt);
    if (result == SHOP_OK) {
        *out_user = (struct shop_user){
            .name = column_text(arena, stmt, 0),
            .full_name = column_text(arena, stmt, 1),
            .role = column_text(arena, stmt, 2),
            .password_hash = column_text(arena, stmt, 3),
            .order_count = sqlite3_column_int64(stmt, 4),
        };
    }
    finish(stmt);
    return result;
}

/* Reads the rows of CART or ORDER_LINES to the end. */
static shop_result lines_read(struct shop_db *db, struct shop_arena *arena, sqlite3_stmt *stmt,
                              struct shop_lines *out_lines)
{
    struct shop_lines list = {0};
    shop_result result;
    while ((result = step(db, stmt)) == SHOP_OK) {
        struct shop_line line = {
            .product_id = sqlite3_column_int64(stmt, 0),
            .quantity = sqlite3_column_int64(stmt, 1),
            .name = column_text(arena, stmt, 2),
            .price_cents = sqlite3_column_int64(stmt, 3),
        };
        list.items = room(arena, list.items, list.count, sizeof *list.items);
        list.items[list.count++] = line;
        list.total_cents += line.price_cents * line.quantity;
        list.piece_count += line.quantity;
    }
    finish(stmt);
    if (result != SHOP_NOT_FOUND)
        return result;
    *out_lines = list;
    return SHOP_OK;
}

shop_result shop_db_cart_get(struct shop_db *db, struct shop_arena *arena, const char *cart,
                             struct shop_lines *out_lines)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, CART, "s", cart);
    return result == SHOP_OK ? lines_read(db, arena, stmt, out_lines) : result;
}

shop_result shop_db_cart_add(struct shop_db *db, const char *cart, int64_t product_id,
                             int64_t quantity, int64_t now_s)
{
    return change(db, CART_ADD, "siii", cart, product_id, quantity, now_s);
}

shop_result shop_db_cart_set(struct shop_db *db, const char *cart, int64_t product_id,
                             int64_t quantity, int64_t now_s)
{
    if (quantity > 0)
        return change(db, CART_SET, "siii", cart, product_id, quantity, now_s);
    shop_result result = change(db, CART_REMOVE, "si", cart, product_id);
    return result == SHOP_NOT_FOUND ? SHOP_OK : result; /* it is not there, as was wished */
}

shop_result shop_db_cart_merge(struct shop_db *db, const char *from, const char *into,
                               int64_t now_s)
{
    shop_result result = write_begin(db);
    if (result != SHOP_OK)
        return result;
    result = run(db, CART_MERGE, "ssi", from, into, now_s);
    if (result == SHOP_OK)
        result = run(db, CART_CLEAR, "s", from);
    return write_end(db, result);
}

/* SHOP_OK: the key was used for the same wish. SHOP_NOT_FOUND: it is new, or there is none. */
static shop_result key_look_up(struct shop_db *db, const struct shop_order_wish *wish,
                               int64_t *out_id)
{
    if (!wish->key)
        return SHOP_NOT_FOUND;
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, ORDER_BY_KEY, "ss", wish->user, wish->key);
    if (result != SHOP_OK)
        return result;
    result = step(db, stmt);
    if (result == SHOP_OK) {
        const char *fingerprint = (const char *)sqlite3_column_text(stmt, 1);
        if (strcmp(fingerprint, wish->fingerprint) == 0)
            *out_id = sqlite3_column_int64(stmt, 0);
        else
            result = SHOP_CONFLICT;
    }
    finish(stmt);
    return result;
}

static shop_result line_take(struct shop_db *db, int64_t order_id, const struct shop_line *line)
{
    shop_result result = run(db, STOCK_TAKE, "ii", line->product_id, line->quantity);
    if (result != SHOP_OK)
        return result;
    bool is_taken = sqlite3_changes(db->handle) == 1;
    result = run(db, ORDER_LINE_INSERT, "iii", order_id, line->product_id, line->quantity);
    if (result != SHOP_OK)
        return result;
    if (sqlite3_changes(db->handle) == 0)
        return SHOP_NOT_FOUND;
    return is_taken ? SHOP_OK : SHOP_SOLD_OUT;
}

/* Inside the transaction, the key known to be new. */
static shop_result order_write(struct shop_db *db, const struct shop_order_wish *wish,
                               const struct shop_line *lines, size_t line_count, int64_t *out_id)
{
    if (line_count == 0)
        return SHOP_EMPTY;
    shop_result result = run(db, ORDER_INSERT, "ssiss", wish->user, wish->address, wish->now_s,
                             wish->key, wish->fingerprint);
    int64_t id = sqlite3_last_insert_rowid(db->handle);
    for (size_t i = 0; i < line_count && result == SHOP_OK; i++)
        result = line_take(db, id, &lines[i]);
    if (result == SHOP_OK)
        result = run(db, ORDER_TOTAL_SET, "i", id);
    if (result == SHOP_OK && wish->cart)
        result = run(db, CART_CLEAR, "s", wish->cart);
    if (result == SHOP_OK)
        *out_id = id;
    return result;
}

shop_result shop_db_order_place(struct shop_db *db, const struct shop_order_wish *wish,
                                int64_t *out_id, bool *out_is_repeat)
{
    shop_result result = write_begin(db);
    if (result != SHOP_OK)
        return result;
    int64_t id = 0;
    result = key_look_up(db, wish, &id);
    bool is_repeat = result == SHOP_OK;
    if (result == SHOP_NOT_FOUND && wish->cart) {
        struct shop_arena arena = {0};
        struct shop_lines lines = {0};
        result = shop_db_cart_get(db, &arena, wish->cart, &lines);
        if (result == SHOP_OK)
            result = order_write(db, wish, lines.items, lines.count, &id);
        shop_arena_done(&arena);
    } else if (result == SHOP_NOT_FOUND) {
        result = order_write(db, wish, wish->lines, wish->line_count, &id);
    }
    result = write_end(db, result);
    if (result == SHOP_OK) {
        *out_id = id;
        *out_is_repeat = is_repeat;
    }
    return result;
}

static struct shop_order order_row(struct shop_arena *arena, sqlite3_stmt *stmt)
{
    return (struct shop_order){
        .id = sqlite3_column_int64(stmt, 0),
        .user = column_text(arena, stmt, 1),
        .address = column_text(arena, stmt, 2),
        .placed_at_s = sqlite3_column_int64(stmt, 3),
        .total_cents = sqlite3_column_int64(stmt, 4),
    };
}

shop_result shop_db_order_get(struct shop_db *db, struct shop_arena *arena, int64_t id,
                              struct shop_order *out_order)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, ORDER, "i", id);
    if (result != SHOP_OK)
        return result;
    struct shop_order order;
    result = step(db, stmt);
    if (result == SHOP_OK)
        order = order_row(arena, stmt);
    finish(stmt);
    if (result != SHOP_OK)
        return result;
    result = start(db, &stmt, ORDER_LINES, "i", id);
    if (result == SHOP_OK)
        result = lines_read(db, arena, stmt, &order.lines);
    if (result == SHOP_OK)
        *out_order = order;
    return result;
}

shop_result shop_db_orders_list(struct shop_db *db, struct shop_arena *arena, const char *user,
                                struct shop_orders *out_orders)
{
    sqlite3_stmt *stmt;
    shop_result result = start(db, &stmt, ORDERS, "s", user);
    if (result != SHOP_OK)
        return result;
    struct shop_orders list = {0};
    while ((result = step(db, stmt)) == SHOP_OK) {
        list.items = room(arena, list.items, list.count, sizeof *list.items);
        list.items[list.count++] = order_row(arena, stmt);
    }
    finish(stmt);
    if (result != SHOP_NOT_FOUND)
        return result;
    *out_orders = list;
    return SHOP_OK;
}

/* The free connections are a stack: the one used last is the one whose pages are warm. */
struct shop_db_pool {
    pthread_mutex_t lock;
    pthread_mutex_t turn; /* to write */
    pthread_cond_t is_free;
    size_t free_count;
    size_t count;
    struct shop_db *free[];
};

struct shop_db_pool *shop_db_pool_new(const char *path, size_t count)
{
    struct shop_db_pool *pool = calloc(1, sizeof *pool + count * sizeof pool->free[0]);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->turn, NULL);
    pthread_cond_init(&pool->is_free, NULL);
    while (pool->count < count) {
        shop_result result = shop_db_open(path, &pool->free[pool->count]);
        if (result != SHOP_OK) {
            fprintf(stderr, "shop: cannot open the database %s%s\n", path,
                    result == SHOP_BUSY ? ": other processes keep it locked" : "");
            shop_db_pool_free(pool);
            return NULL;
        }
        pool->free[pool->count++]->turn = &pool->turn;
        pool->free_count++;
    }
    (void)change(pool->free[0], CART_PRUNE, "i", (int64_t)time(NULL) - CART_KEPT_S);
    return pool;
}

void shop_db_pool_free(struct shop_db_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->free_count; i++)
        shop_db_close(pool->free[i]);
    pthread_cond_destroy(&pool->is_free);
    pthread_mutex_destroy(&pool->turn);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct shop_db *shop_db_pool_take(struct shop_db_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->free_count == 0)
        pthread_cond_wait(&pool->is_free, &pool->lock);
    struct shop_db *db = pool->free[--pool->free_count];
    pthread_mutex_unlock(&pool->lock);
    return db;
}

void shop_db_pool_give(struct shop_db_pool *pool, struct shop_db *db)
{
    pthread_mutex_lock(&pool->lock);
    pool->free[pool->free_count++] = db;
    pthread_cond_signal(&pool->is_free);
    pthread_mutex_unlock(&pool->lock);
}
