/*
 * The admin listener's paths. Read-only without a token; beyond loopback the token is asked for
 * everything. Host must be a literal loopback address or a listed name, so that a web page cannot
 * make a browser read it under the page's own name (DNS rebinding); no CORS header is ever sent.
 */
#include <stdio.h>
#include <string.h>

#include "admin/admin_impl.h"
#include "admin/http.h"
#include "base/cidr.h"
#include "proto/target.h"

bool admin_host_is_allowed(const struct nw_admin *admin, struct nw_slice host)
{
    struct nw_authority authority;
    nw_http1_class found;
    if (host.len == 0 || nw_authority_parse(host, &authority, &found) != NW_OK)
        return false;
    struct nw_slice name = authority.host;
    if (name.len > 2 && name.ptr[0] == '[')
        name = nw_slice_of(name.ptr + 1, name.len - 2);
    struct nw_ip ip;
    if (nw_ip_parse(name, &ip) == NW_OK && nw_ip_is_loopback(&ip))
        return true;
    for (size_t i = 0; i < admin->host_count; i++)
        if (nw_slice_eq_nocase(name, nw_slice_str(admin->hosts[i])))
            return true;
    return false;
}

bool admin_token_is_right(const struct nw_admin *admin, struct nw_slice authorization)
{
    if (admin->token == NULL || authorization.len < 7 ||
        !nw_slice_eq_nocase(nw_slice_first(authorization, 7), NW_SLICE("Bearer ")))
        return false;
    return nw_secret_equals(admin->token, nw_slice_skip(authorization, 7));
}

struct answer {
    int status;
    const char *type;
    struct nw_text body;
};

static void plain(struct answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->type = "text/plain; charset=utf-8";
    nw_text_addf(&answer->body, "%s\n", text);
}

static const char index_page[] =
    "newel\n\n/metrics       Prometheus text\n/status        JSON\n"
    "/health/live   200 while newel runs\n"
    "/health/ready  200 when every service has a usable node\n";

NW_YIELDS static void get(struct nw_admin *admin, struct nw_slice path, struct answer *answer)
{
    if (nw_slice_eq(path, NW_SLICE("/metrics"))) {
        answer->type = "text/plain; version=0.0.4; charset=utf-8";
        nw_metrics_print(admin->metrics, &answer->body);
    } else if (nw_slice_eq(path, NW_SLICE("/status"))) {
        answer->type = "application/json";
        admin->options.status(admin->options.daemon, &answer->body);
        nw_text_add_char(&answer->body, '\n');
    } else if (nw_slice_eq(path, NW_SLICE("/health/live"))) {
        plain(answer, 200, "live");
    } else if (nw_slice_eq(path, NW_SLICE("/health/ready"))) {
        struct nw_text why = {0};
        if (admin->options.is_ready(admin->options.daemon, &why)) {
            plain(answer, 200, "ready");
        } else {
            plain(answer, 503, "not ready");
            nw_text_addf(&answer->body, "waiting for: %.*s\n", NW_SLICE_ARG(nw_text_slice(&why)));
        }
        nw_text_done(&why);
    } else if (nw_slice_eq(path, NW_SLICE("/"))) {
        plain(answer, 200, index_page);
    } else {
        plain(answer, 404, "there is nothing here; see /");
    }
}

static void fail(struct answer *answer, int status, const char *error)
{
    answer->status = status;
    answer->type = "application/json";
    nw_text_addf(&answer->body, "{\"error\":\"%s\",\"done\":true}\n", error);
}

NW_YIELDS static void post(struct admin_conn *conn, struct admin_request *r, struct answer *answer)
{
    struct nw_slice prefix = NW_SLICE("/control/");
    if (!nw_slice_starts_with(r->path, prefix)) {
        plain(answer, 404, "there is nothing here; see /");
        return;
    }
    char name[64] = {0};
    struct nw_slice verb = nw_slice_skip(r->path, prefix.len);
    if (verb.len >= sizeof name) {
        fail(answer, 404, "there is no such verb");
        return;
    }
    memcpy(name, verb.ptr, verb.len);
    json_t *args = r->body.len > 0 ? admin_json_parse(r->body) : json_object();
    if (!json_is_object(args)) {
        fail(answer, 400, "the body is not one JSON object");
    } else {
        answer->type = "application/json";
        admin_call(conn, name, args, false, &answer->body, &answer->status);
    }
    admin_json_free(args);
}

/* Who may ask; fills the answer and returns false when this one may not. */
static bool may_ask(const struct nw_admin *admin, const struct admin_request *r,
                    struct answer *answer)
{
    bool is_change = r->head.method == NW_HTTP_POST;
    bool is_read = r->head.method == NW_HTTP_GET || r->head.method == NW_HTTP_HEAD;
    if (!admin_host_is_allowed(admin, r->host)) {
        plain(answer, 421, "this Host is not allowed here; list it in admin.hosts");
        return false;
    }
    if (!is_change && !is_read) {
        plain(answer, 405, "only GET, HEAD and POST are served here");
        return false;
    }
    if (is_change && admin->token == NULL) {
        plain(answer, 403, "read-only: set admin.token to steer newel from here");
        return false;
    }
    bool needs_token = is_change || !admin->is_loopback;
    if (needs_token && !admin_token_is_right(admin, nw_http1_get(&r->head, r->bytes,
                                                                 NW_HTTP_FIELD_AUTHORIZATION))) {
        plain(answer, 401, "a bearer token is needed");
        return false;
    }
    return true;
}

NW_YIELDS static bool serve_one(struct admin_conn *conn, struct admin_request *r)
{
    int status = 0;
    struct answer answer = {.status = 200};
    nw_err err = admin_http_read(&conn->stream, r, &status);
    if (err != NW_OK && status == 0)
        return false;
    bool is_last = err != NW_OK;
    if (err != NW_OK)
        plain(&answer, status, "the request is malformed");
    else if (may_ask(conn->admin, r, &answer)) {
        if (r->head.method == NW_HTTP_POST)
            post(conn, r, &answer);
        else
            get(conn->admin, r->path, &answer);
    }
    is_last |= !r->message.keep_alive || r->head.method == NW_HTTP_POST;
    err = admin_http_answer(&conn->stream, answer.status, answer.type, nw_text_slice(&answer.body),
                            err == NW_OK && r->head.method == NW_HTTP_HEAD, is_last);
    nw_text_done(&answer.body);
    return err == NW_OK && !is_last;
}

void admin_serve_http(struct admin_conn *conn)
{
    struct admin_request *r = nw_alloc_zero(sizeof *r);
    bool goes_on = true;
    snprintf(conn->caller, sizeof conn->caller, "token");
    while (goes_on) {
        goes_on = serve_one(conn, r);
        if (goes_on)
            nw_buf_consume(&r->buf, r->head.head_bytes + (uint32_t)r->body.len);
        if (goes_on && nw_buf_unread_bytes(&r->buf) > 0)
            nw_buf_compact(&r->buf);
    }
    nw_buf_release(&r->buf);
    nw_free(r);
}
