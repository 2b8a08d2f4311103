/*
 * request.h - one request and its reply, as the handlers see them.
 *
 * server.c fills the first half, decoded and checked: whatever text a handler
 * finds here is valid UTF-8 without control characters. The handler fills the
 * reply. Nothing of it outlives the request.
 *
 * Owner:   server.c makes and frees it; strings live in its arena
 * Threads: one request is handled by one thread
 */
#ifndef SHOP_REQUEST_H
#define SHOP_REQUEST_H

#include "db.h"
#include "fault.h"
#include "jwt.h"
#include "text.h"

#include <microhttpd.h>

#define SHOP_BODY_MAX_BYTES 65536u
#define SHOP_PAIRS_MAX 64
#define SHOP_HEADERS_MAX 16

struct shop_memory;

/* The whole shop: settings fixed at start, and what all threads share. */
struct shop {
    const char *instance; /* which process this is, for people */
    struct shop_jwt_key key;
    struct shop_db_pool *pool;
    struct shop_memory *memory; /* of the faults memory-session and memory-price */
    struct shop_fault fault;
    bool has_cache_headers;
    bool has_access_log;
    atomic_bool is_leaving; /* told to stop, or to prepare for it: /ready says 503 */
};

struct shop_pair {
    const char *name;
    const char *value;
};

struct shop_pairs {
    struct shop_pair items[SHOP_PAIRS_MAX];
    size_t count;
};

/* Who is asking. `cart` names the cart in the database; NULL until there is one. */
struct shop_visitor {
    const char *user; /* NULL: nobody signed in */
    const char *role;
    const char *cart;
    bool has_bad_bearer; /* an Authorization header that is worth nothing */
};

struct shop_reply {
    unsigned status;
    const char *content_type;
    struct shop_text body;
    struct shop_pair headers[SHOP_HEADERS_MAX];
    size_t header_count;
};

struct shop_request {
    struct shop *shop;
    struct MHD_Connection *connection;
    struct shop_arena arena;
    struct shop_db *db;
    int64_t now_s;
    const char *method;
    const char *path;
    const char *parameter; /* what {} stood for in the route */
    struct shop_pairs query;
    struct shop_pairs form;
    struct shop_text body;
    size_t received_bytes; /* of body, kept or not */
    struct shop_visitor visitor;
    struct shop_reply reply;
    bool is_api;
    bool is_malformed; /* the target cannot be decoded */
    bool is_too_large;
    bool is_begun;
    bool is_cut;
};

/* Decode a=b&c=d with + and %XX; false for anything that is not clean text or too much of it. */
bool shop_pairs_decode(struct shop_arena *arena, const char *text, size_t len,
                       struct shop_pairs *out_pairs);
/* One percent-encoded piece, for paths; NULL when it is not clean text. */
char *shop_percent_decode(struct shop_arena *arena, const char *text, size_t len,
                          bool plus_is_space);
const char *shop_pairs_get(const struct shop_pairs *pairs, const char *name);

const char *shop_request_header(const struct shop_request *request, const char *name);
bool shop_request_has_content_type(const struct shop_request *request, const char *type);

void shop_reply_header(struct shop_request *request, const char *name, const char *value);
/* 303: the answer to a form is a page that may be loaded again. */
void shop_reply_redirect(struct shop_request *request, const char *location);
/* With --cache-headers: how long the answer may be kept by anybody; 0: by nobody. */
void shop_reply_cacheable(struct shop_request *request, int age_s);

#endif
