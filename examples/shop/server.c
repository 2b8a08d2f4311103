/*
 * One table lists every route; which methods a path has, and so 404, 405 and
 * Allow, follow from it. A handler never sees a request that is too large,
 * undecodable, or sent by another site's form.
 *
 * A request holds a database connection only while its handler runs, not while
 * its body trickles in or its answer trickles out: there are as many
 * connections as threads, and a slow client keeps none of them.
 *
 * Stopping: MHD_stop_daemon cuts whatever is under way, so requests are counted
 * from their first line to their last byte, and the server is stopped when none
 * is left.
 */
#include "server.h"

#include "api.h"
#include "layout.h"
#include "pages.h"
#include "visitor.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DAEMONS_MAX 2
#define CONNECTIONS_MAX 4096u
#define IDLE_S 120u
#define SWALLOW_MAX_BYTES (1024u * 1024u) /* of a body that was too large anyway */

struct shop_server {
    struct shop *shop;
    pthread_mutex_t lock;
    pthread_cond_t is_idle;
    size_t active_count;
    size_t daemon_count;
    struct MHD_Daemon *daemons[DAEMONS_MAX];
    int fds[DAEMONS_MAX];
};

typedef void handler(struct shop_request *request);

/* {} stands for one whole segment. */
static const struct route {
    const char *method;
    const char *path;
    handler *handle;
} ROUTES[] = {
    {"GET", "/", shop_page_home},
    {"GET", "/categories/{}", shop_page_category},
    {"GET", "/search", shop_page_search},
    {"GET", "/products/{}", shop_page_product},
    {"GET", "/images/{}", shop_page_image},
    {"GET", "/style.css", shop_page_style},
    {"GET", "/favicon.svg", shop_page_favicon},
    {"GET", "/cart", shop_page_cart},
    {"GET", "/cart/badge.svg", shop_page_badge},
    {"POST", "/cart/items", shop_page_cart_add},
    {"POST", "/cart/items/{}", shop_page_cart_set},
    {"GET", "/checkout", shop_page_checkout},
    {"POST", "/checkout", shop_page_checkout_place},
    {"GET", "/orders/{}", shop_page_order},
    {"GET", "/account", shop_page_account},
    {"GET", "/sign-in", shop_page_sign_in},
    {"POST", "/sign-in", shop_page_sign_in_check},
    {"POST", "/sign-out", shop_page_sign_out},
    {"GET", "/api/products", shop_api_products},
    {"GET", "/api/products/{}", shop_api_product},
    {"PUT", "/api/products/{}/price", shop_api_price_set},
    {"GET", "/api/orders", shop_api_orders},
    {"POST", "/api/orders", shop_api_order_place},
    {"GET", "/api/orders/{}", shop_api_order},
    {"GET", "/api/users/{}", shop_api_user},
    {"POST", "/api/session", shop_api_session_new},
    {"GET", "/ready", shop_api_ready},
};
#define ROUTE_COUNT (sizeof ROUTES / sizeof ROUTES[0])

/* Does the path fit the pattern? *out_parameter gets what {} stood for. */
static bool path_fits(struct shop_request *request, const char *pattern, const char **out_parameter)
{
    const char *path = request->path;
    size_t plain = strcspn(pattern, "{");
    if (strncmp(path, pattern, plain) != 0)
        return false;
    if (pattern[plain] == '\0')
        return path[plain] == '\0';
    const char *segment = path + plain;
    size_t len = strcspn(segment, "/");
    if (len == 0 || strcmp(segment + len, pattern + plain + 2) != 0)
        return false;
    *out_parameter = shop_arena_copy(&request->arena, segment, len);
    return true;
}

static handler *route_find(struct shop_request *request)
{
    struct shop_text allowed = {0};
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!path_fits(request, ROUTES[i].path, &request->parameter))
            continue;
        if (strcmp(ROUTES[i].method, method) == 0) {
            shop_text_done(&allowed);
            return ROUTES[i].handle;
        }
        shop_html(&allowed, "%s%s", allowed.len ? ", " : "", ROUTES[i].method);
        if (strcmp(ROUTES[i].method, "GET") == 0)
            shop_html(&allowed, ", HEAD");
    }
    if (allowed.len == 0) {
        shop_fail(request, 404, "There is no such page.");
        return NULL;
    }
    shop_reply_header(request, "Allow", shop_arena_copy(&request->arena, allowed.bytes,
                                                        allowed.len));
    shop_text_done(&allowed);
    shop_fail(request, 405, "This page cannot be used in that way.");
    return NULL;
}

static bool is_read(const struct shop_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* Everything that is refused before a handler; true when the request may pass. */
static bool is_acceptable(struct shop_request *request)
{
    if (request->is_malformed) {
        shop_fail(request, 400, "This address cannot be read.");
        return false;
    }
    if (request->is_too_large) {
        shop_fail(request, 413, "That was too much at once; 64 KiB is the limit.");
        return false;
    }
    if (is_read(request))
        return true;
    const char *site = shop_request_header(request, "Sec-Fetch-Site");
    if (site && strcmp(site, "cross-site") == 0) {
        shop_fail(request, 403, "This form was sent by another site.");
        return false;
    }
    if (request->is_api || request->body.len == 0)
        return true;
    if (!shop_request_has_content_type(request, "application/x-www-form-urlencoded")) {
        shop_fail(request, 415, "A form must be application/x-www-form-urlencoded.");
        return false;
    }
    if (!shop_pairs_decode(&request->arena, request->body.bytes, request->body.len,
                           &request->form)) {
        shop_fail(request, 400, "This form cannot be read.");
        return false;
    }
    return true;
}

static void dispatch(struct shop_request *request)
{
    if (!is_acceptable(request))
        return;
    handler *handle = route_find(request);
    if (!handle)
        return;
    shop_fault_verdict verdict = SHOP_FAULT_PASS;
    if (handle != shop_api_ready) {
        bool is_product = handle == shop_page_product || handle == shop_api_product;
        verdict = shop_fault_judge(&request->shop->fault, is_product);
    }
    if (verdict == SHOP_FAULT_FAIL)
        shop_fail(request, 500, "A planted fault: this one was meant to fail.");
    request->is_cut = verdict == SHOP_FAULT_CUT;
    if (verdict != SHOP_FAULT_PASS)
        return;
    request->db = shop_db_pool_take(request->shop->pool);
    shop_visitor_read(request);
    handle(request);
    shop_db_pool_give(request->shop->pool, request->db);
    request->db = NULL;
}

static void headers_add(const struct shop_request *request, struct MHD_Response *response)
{
    const struct shop_reply *reply = &request->reply;
    if (reply->content_type)
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    MHD_add_response_header(response, "X-Shop-Instance", request->shop->instance);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (!request->is_api)
        MHD_add_response_header(response, "Content-Security-Policy",
                                "default-src 'none'; img-src 'self'; style-src 'self';"
                                " form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    if (atomic_load(&request->shop->is_leaving))
        MHD_add_response_header(response, "Connection", "close");
}

/* The body's memory goes to libmicrohttpd, which frees it when it is sent. */
static enum MHD_Result reply_send(struct shop_request *request)
{
    if (request->is_cut)
        return MHD_NO;
    struct shop_text body = request->reply.body;
    request->reply.body = (struct shop_text){0};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, body.bytes ? body.bytes : "",
        body.bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        shop_text_done(&body);
        return MHD_NO;
    }
    headers_add(request, response);
    enum MHD_Result result = MHD_queue_response(request->connection, request->reply.status,
                                                response);
    MHD_destroy_response(response);
    return result;
}

static size_t slash_count(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '/';
    return count;
}

/* Decoded and whole, or NULL: a %2F that turned into a slash would have moved the segments. */
static const char *path_decode(struct shop_request *request, const char *raw, size_t len)
{
    const char *path = shop_percent_decode(&request->arena, raw, len, false);
    if (!path || path[0] != '/' || slash_count(path, strlen(path)) != slash_count(raw, len))
        return NULL;
    return path;
}

/* libmicrohttpd: the request line was read. The raw target is the only one that tells all. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct shop_server *server = context;
    struct shop_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    pthread_mutex_lock(&server->lock);
    server->active_count++;
    pthread_mutex_unlock(&server->lock);

    request->shop = server->shop;
    request->connection = connection;
    request->now_s = (int64_t)time(NULL);
    size_t path_len = strcspn(target, "?");
    request->path = path_decode(request, target, path_len);
    const char *query = target + path_len + (target[path_len] == '?');
    request->is_malformed = !request->path ||
                            !shop_pairs_decode(&request->arena, query, strlen(query),
                                               &request->query);
    request->is_api = strncmp(target, "/api/", 5) == 0;
    return request;
}

/* libmicrohttpd: the head is complete. A body announced as too large is refused unread. */
static enum MHD_Result on_head(struct shop_request *request, const char *method)
{
    request->is_begun = true;
    request->method = shop_arena_copy(&request->arena, method, strlen(method));
    const char *length = shop_request_header(request, "Content-Length");
    int64_t len_bytes;
    if (!length || shop_text_to_int(length, 0, SHOP_BODY_MAX_BYTES, &len_bytes))
        return MHD_YES;
    request->is_too_large = true;
    dispatch(request);
    return reply_send(request);
}

static enum MHD_Result on_body(struct shop_request *request, const char *bytes, size_t len)
{
    request->received_bytes += len;
    if (request->received_bytes > SHOP_BODY_MAX_BYTES)
        request->is_too_large = true;
    else
        shop_text_put(&request->body, bytes, len);
    return request->received_bytes > SWALLOW_MAX_BYTES ? MHD_NO : MHD_YES;
}

/* libmicrohttpd calls this with the head, then with each piece of body, then once more. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_len, void **slot)
{
    (void)context, (void)connection, (void)url, (void)version;
    struct shop_request *request = *slot;
    if (!request)
        return MHD_NO;
    if (!request->is_begun)
        return on_head(request, method);
    if (*upload_len > 0) {
        enum MHD_Result result = on_body(request, upload, *upload_len);
        *upload_len = 0;
        return result;
    }
    dispatch(request);
    return reply_send(request);
}

/* The path without its query, and no header: nothing here can be a token. */
static void access_log(const struct shop_request *request)
{
    fprintf(stderr, "shop: request instance=%s method=%s path=\"%s\" status=%u\n",
            request->shop->instance, request->method ? request->method : "-",
            request->is_malformed ? "-" : request->path, request->reply.status);
}

static void on_end(void *context, struct MHD_Connection *connection, void **slot,
                   enum MHD_RequestTerminationCode why)
{
    (void)connection, (void)why;
    struct shop_server *server = context;
    struct shop_request *request = *slot;
    if (!request)
        return;
    *slot = NULL;
    if (server->shop->has_access_log)
        access_log(request);
    bool is_answered = request->reply.status != 0;
    shop_text_done(&request->body);
    shop_text_done(&request->reply.body);
    shop_arena_done(&request->arena);
    free(request);

    pthread_mutex_lock(&server->lock);
    if (--server->active_count == 0)
        pthread_cond_broadcast(&server->is_idle);
    pthread_mutex_unlock(&server->lock);
    if (is_answered)
        shop_fault_answered(&server->shop->fault);
}

static struct MHD_Daemon *daemon_start(struct shop_server *server, int fd, unsigned thread_count)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, server,
        thread_count > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, thread_count,
        MHD_OPTION_END);
}

struct shop_server *shop_server_new(struct shop *shop, const int *take_fds, size_t fd_count,
                                    unsigned thread_count)
{
    struct shop_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->shop = shop;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->is_idle, NULL);
    for (size_t i = 0; i < fd_count && i < DAEMONS_MAX; i++) {
        server->fds[i] = take_fds[i];
        server->daemons[i] = daemon_start(server, take_fds[i], thread_count);
        if (!server->daemons[i]) {
            shop_server_stop(server, 0);
            shop_server_free(server);
            return NULL;
        }
        server->daemon_count++;
    }
    return server;
}

static void idle_wait(struct shop_server *server, int wait_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_s;
    int code = 0;
    pthread_mutex_lock(&server->lock);
    while (server->active_count > 0 && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&server->is_idle, &server->lock, &until);
    pthread_mutex_unlock(&server->lock);
}

void shop_server_stop(struct shop_server *server, int wait_s)
{
    for (size_t i = 0; i < server->daemon_count; i++) {
        (void)MHD_quiesce_daemon(server->daemons[i]);
        /* Its threads may look at the socket for a moment more, so it must not be closed yet. */
        shutdown(server->fds[i], SHUT_RDWR);
    }
    idle_wait(server, wait_s);
}

void shop_server_free(struct shop_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->daemon_count; i++) {
        MHD_stop_daemon(server->daemons[i]);
        close(server->fds[i]);
    }
    pthread_cond_destroy(&server->is_idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
