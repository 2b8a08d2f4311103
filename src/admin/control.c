/*
 * One JSON line asks, lines answer. While a verb works, a second fiber watches for the asker to
 * hang up, which cancels the work: `newel drain` interrupted by ^C waits no longer.
 */
#include <stdio.h>
#include <string.h>

#include "admin/admin_impl.h"
#include "io/sync.h"

enum { LINE_MAX_BYTES = 16 * 1024, WRITE_MS = 10000, IDLE_MS = 60000 };

NW_YIELDS static nw_err write_line(struct admin_conn *conn, const struct nw_text *line)
{
    struct iovec iov = {line->ptr, line->len};
    NW_WITHIN(write, WRITE_MS);
    return nw_io_write_all(&conn->stream, &iov, 1);
}

nw_err nw_control_progress(struct nw_control_call *call, const char *members, ...)
{
    struct admin_conn *conn = call->connection;
    if (!conn->is_control)
        return NW_OK; /* HTTP answers once */
    struct nw_text line = {0};
    va_list args;
    nw_text_add_char(&line, '{');
    va_start(args, members);
    nw_text_addv(&line, members, args);
    va_end(args);
    nw_text_add_str(&line, "}\n");
    nw_err err = write_line(conn, &line);
    nw_text_done(&line);
    return err == NW_OK ? NW_OK : NW_CLIENT_GONE;
}

struct json {
    struct nw_slice text;
    json_t *value;
};

static void json_parse(void *arg)
{
    struct json *json = arg;
    json->value = json_loadb(json->text.ptr, json->text.len, JSON_REJECT_DUPLICATES, NULL);
}

static void json_drop(void *arg)
{
    json_decref(arg);
}

json_t *admin_json_parse(struct nw_slice text)
{
    struct json json = {text, NULL};
    nw_run_on_big_stack(json_parse, &json);
    return json.value;
}

void admin_json_free(json_t *value)
{
    nw_run_on_big_stack(json_drop, value);
}

static const struct nw_control_verb *find(const struct nw_admin *admin, const char *name,
                                          bool is_socket)
{
    for (unsigned i = 0; i < admin->options.verb_count; i++) {
        const struct nw_control_verb *verb = &admin->options.verbs[i];
        bool is_hidden = verb->is_test_only && (!is_socket || !admin->options.is_test);
        if (!is_hidden && strcmp(verb->name, name) == 0)
            return verb;
    }
    return NULL;
}

static void write_last(struct nw_text *last, nw_err err, const struct nw_text *members)
{
    if (err == NW_OK) {
        nw_text_addf(last, "{%s%s\"done\":true}\n", members->len > 0 ? members->ptr : "",
                     members->len > 0 ? "," : "");
        return;
    }
    nw_text_add_str(last, "{\"error\":\"");
    nw_text_add_json(last, members->len > 0 ? nw_text_slice(members)
                                            : nw_slice_str(nw_err_text(err)));
    nw_text_addf(last, "\",\"code\":\"%s\",\"done\":true}\n", nw_err_name(err));
}

void admin_call(struct admin_conn *conn, const char *name, const json_t *args, bool is_socket,
                struct nw_text *last, int *out_status)
{
    struct nw_admin *admin = conn->admin;
    struct nw_text members = {0};
    const struct nw_control_verb *verb = find(admin, name, is_socket);
    nw_err err = NW_NOT_FOUND;
    if (verb == NULL) {
        nw_text_addf(&members, "there is no verb `%s`", name);
    } else {
        struct nw_control_call call = {conn->caller, args, admin->options.daemon, conn};
        err = verb->handle(&call, &members);
    }
    write_last(last, err, &members);
    *out_status = err == NW_OK ? 200 : verb == NULL ? 404 : err == NW_NOT_FOUND ? 404 : 409;
    nw_text_done(&members);
}

struct work {
    struct admin_conn *conn;
    const json_t *request;
    struct nw_text last;
    struct nw_event done;
};

NW_YIELDS static void work_fiber(void *arg)
{
    struct work *work = arg;
    const char *name = json_string_value(json_object_get(work->request, "verb"));
    int status = 0;
    admin_call(work->conn, name, work->request, true, &work->last, &status);
    nw_event_set(&work->done);
}

/* Until the verb is done or the asker is gone; bytes that come meanwhile wait. */
NW_YIELDS static nw_err wait_done_or_gone(struct work *work)
{
    nw_stream_watch_gone(&work->conn->stream, nw_fiber_self());
    nw_err err = nw_event_wait(&work->done);
    nw_stream_watch_gone(&work->conn->stream, NULL);
    return err;
}

NW_YIELDS static nw_err serve_line(struct admin_conn *conn, struct nw_slice line)
{
    json_t *request = admin_json_parse(line);
    struct work work = {.conn = conn, .request = request};
    nw_err err = NW_OK;
    if (!json_is_string(json_object_get(request, "verb"))) {
        nw_text_add_str(&work.last, "{\"error\":\"one JSON object with a member verb is expected\","
                                    "\"code\":\"INVALID\",\"done\":true}\n");
        err = write_line(conn, &work.last);
    } else {
        struct nw_scope scope;
        nw_event_init(&work.done);
        nw_scope_open(&scope);
        err = nw_scope_spawn(&scope, "admin.verb", work_fiber, &work, NULL);
        if (err == NW_OK)
            err = wait_done_or_gone(&work);
        nw_scope_close(&scope);
        if (err == NW_OK)
            err = write_line(conn, &work.last);
    }
    nw_text_done(&work.last);
    admin_json_free(request);
    return err;
}

void admin_serve_control(struct admin_conn *conn)
{
    struct nw_buf buf = {0};
    nw_err err = NW_OK;
    while (err == NW_OK) {
        struct nw_slice unread = nw_buf_unread(&buf);
        size_t at = nw_slice_find(unread, '\n');
        if (unread.len > 0 && at < unread.len) {
            err = serve_line(conn, nw_slice_first(unread, at));
            nw_buf_consume(&buf, (uint32_t)at + 1);
            continue;
        }
        if (unread.len >= LINE_MAX_BYTES)
            break;
        if (buf.data != NULL && nw_buf_space_bytes(&buf) == 0)
            nw_buf_compact(&buf);
        size_t got_bytes = 0;
        NW_WITHIN(idle, IDLE_MS);
        err = nw_io_read(&conn->stream, &buf, &got_bytes);
        if (got_bytes == 0)
            break;
    }
    nw_buf_release(&buf);
}
