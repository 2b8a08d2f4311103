/*
 * Nothing about a visitor is kept in this process. The road not taken is a
 * session table in memory: it is what most first versions of a shop do, and
 * what ties every visitor to one process (the fault memory-session shows how
 * that looks from outside).
 *
 * SameSite=Lax keeps the cookies out of forms that other sites send here;
 * HttpOnly keeps them away from scripts. Secure is added when the proxy says
 * that the visitor came by TLS.
 */
#include "visitor.h"

#include "password.h"
#include "store.h"

#include <string.h>
#include <strings.h>

#define USER_MAX_BYTES 64

static void cookie_set(struct shop_request *request, const char *name, const char *value, int age_s)
{
    const char *scheme = shop_request_header(request, "X-Forwarded-Proto");
    bool is_secure = scheme && strcasecmp(scheme, "https") == 0;
    shop_reply_header(request, "Set-Cookie",
                      shop_arena_format(&request->arena,
                                        "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s",
                                        name, value, age_s, is_secure ? "; Secure" : ""));
}

static const char *cookie_get(const struct shop_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

static const char *user_cart(struct shop_request *request, const char *user)
{
    return shop_arena_format(&request->arena, "user:%s", user);
}

static const char *anonymous_cart(struct shop_request *request)
{
    const char *token = cookie_get(request, "cart");
    const char *cart;
    if (!token || !shop_jwt_cart_read(&request->arena, &request->shop->key, token, request->now_s,
                                      &cart))
        return NULL;
    return strlen(cart) <= USER_MAX_BYTES
               ? shop_arena_format(&request->arena, "anonymous:%s", cart)
               : NULL;
}

void shop_visitor_read(struct shop_request *request)
{
    struct shop_visitor *visitor = &request->visitor;
    const char *token = cookie_get(request, "session");
    const char *authorization = shop_request_header(request, "Authorization");
    if (authorization) {
        bool is_bearer = strncasecmp(authorization, "Bearer ", 7) == 0;
        token = is_bearer ? authorization + 7 + strspn(authorization + 7, " ") : NULL;
    }
    struct shop_jwt_session session;
    if (token &&
        shop_jwt_session_read(&request->arena, &request->shop->key, token, request->now_s,
                              &session) &&
        strlen(session.user) <= USER_MAX_BYTES) {
        visitor->user = session.user;
        visitor->role = session.role;
        visitor->cart = user_cart(request, session.user);
    } else {
        visitor->has_bad_bearer = authorization != NULL;
        visitor->cart = anonymous_cart(request);
    }
}

const char *shop_visitor_cart_need(struct shop_request *request)
{
    struct shop_visitor *visitor = &request->visitor;
    if (!visitor->cart) {
        const char *id = shop_jwt_random_id(&request->arena);
        cookie_set(request, "cart",
                   shop_jwt_cart_sign(&request->arena, &request->shop->key, id, request->now_s),
                   SHOP_JWT_CART_S);
        visitor->cart = shop_arena_format(&request->arena, "anonymous:%s", id);
    }
    return visitor->cart;
}

const char *shop_visitor_token_new(struct shop_request *request, const char *user,
                                   const char *password, shop_result *out_result)
{
    struct shop_user known = {0};
    *out_result = shop_db_user_get(request->db, &request->arena, user, &known);
    if (*out_result != SHOP_OK && *out_result != SHOP_NOT_FOUND)
        return NULL;
    if (!shop_password_check(password, known.password_hash)) {
        *out_result = SHOP_NOT_FOUND;
        return NULL;
    }
    return shop_jwt_session_sign(&request->arena, &request->shop->key, known.name, known.role,
                                 request->now_s);
}

shop_result shop_visitor_sign_in(struct shop_request *request, const char *user, const char *token)
{
    const char *anonymous = anonymous_cart(request);
    if (anonymous) {
        shop_result result = shop_store_cart_merge(request, anonymous, user_cart(request, user));
        if (result != SHOP_OK)
            return result;
        cookie_set(request, "cart", "", 0);
    }
    cookie_set(request, "session", token, SHOP_JWT_SESSION_S);
    return SHOP_OK;
}

void shop_visitor_sign_out(struct shop_request *request)
{
    cookie_set(request, "session", "", 0);
}

bool shop_visitor_is_admin(const struct shop_visitor *visitor)
{
    return visitor->user && strcmp(visitor->role, "admin") == 0;
}

bool shop_visitor_can_see(const struct shop_visitor *visitor, const char *user)
{
    return visitor->user && (strcmp(visitor->user, user) == 0 || shop_visitor_is_admin(visitor));
}
