/*
 * One line an exchange in one of three forms from one table of fields: logfmt, JSON, or the common
 * format that every log tool reads. Strings from the client are escaped; values of query parameters
 * that may be secret are not written.
 */
#include "gate/access.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "gate/ids.h"
#include "io/clock.h"
#include "io/worker.h"

struct line {
    struct nw_text text;
    bool is_json;
};

static void add_key(struct line *line, const char *key)
{
    if (line->is_json)
        nw_text_addf(&line->text, "%s\"%s\":", line->text.len > 1 ? "," : "", key);
    else
        nw_text_addf(&line->text, "%s%s=", line->text.len > 0 ? " " : "", key);
}

static void add_string(struct line *line, const char *key, struct nw_slice value)
{
    add_key(line, key);
    if (!line->is_json) {
        nw_log_add_value(&line->text, value);
        return;
    }
    nw_text_add_json_string(&line->text, value);
}

static void add_number(struct line *line, const char *key, uint64_t value)
{
    add_key(line, key);
    nw_text_addf(&line->text, "%llu", (unsigned long long)value);
}

static void add_ms(struct line *line, const char *key, uint64_t us)
{
    add_key(line, key);
    nw_text_addf(&line->text, "%llu.%03llu", (unsigned long long)(us / 1000),
                 (unsigned long long)(us % 1000));
}

static bool is_secret(struct nw_slice name, const struct nw_conf_strings *redact)
{
    for (size_t i = 0; i < redact->count; i++)
        if (nw_slice_eq_nocase(name, redact->items[i]) || nw_query_eq(name, redact->items[i]))
            return true;
    return false;
}

void gate_access_target(struct nw_text *out, const struct nw_target *target,
                        const struct nw_conf_strings *redact)
{
    nw_text_add(out, target->path);
    if (!target->has_query)
        return;
    nw_text_add_char(out, '?');
    struct nw_slice rest = target->query, part;
    for (bool is_first = true; nw_slice_split(&rest, '&', &part); is_first = false) {
        size_t equals = nw_slice_find(part, '=');
        struct nw_slice name = nw_slice_first(part, equals);
        if (!is_first)
            nw_text_add_char(out, '&');
        if (equals < part.len && is_secret(name, redact)) {
            nw_text_add(out, name);
            nw_text_add_str(out, "=***");
        } else {
            nw_text_add(out, part);
        }
    }
}

static struct nw_slice protocol_of(const struct gate_request *r)
{
    if (r->exchange.is_h2)
        return NW_SLICE("HTTP/2");
    return r->head.version_minor == 0 ? NW_SLICE("HTTP/1.0") : NW_SLICE("HTTP/1.1");
}

static const char *const ended_by_names[] = {"", "node", "client", "newel"};

static void write_fields(struct line *line, const struct gate_request *r, struct nw_slice target,
                         uint64_t duration_us)
{
    const struct nw_exchange *x = &r->exchange;
    const struct nw_http_outcome *o = &x->outcome;
    char time[NW_CLOCK_ISO_BYTES], client[NW_ADDR_TEXT_MAX_BYTES];
    add_string(line, "time", nw_slice_str(nw_clock_iso(nw_wall_ms(), time)));
    add_string(line, "id", x->request_id);
    add_string(line, "client", nw_slice_str(nw_addr_print_host(&x->client, client)));
    add_string(line, "method", nw_http1_method(&r->head, x->head_bytes));
    add_string(line, "host", x->target.host);
    add_string(line, "target", target);
    add_string(line, "protocol", protocol_of(r));
    add_number(line, "status", (uint64_t)o->status);
    add_number(line, "request_bytes", o->request_body_bytes);
    add_number(line, "bytes", o->response_body_bytes);
    add_ms(line, "duration_ms", duration_us);
    if (o->first_byte_us != 0)
        add_ms(line, "first_byte_ms", o->first_byte_us);
    if (x->route != NULL)
        add_string(line, "route", nw_slice_str(x->route->label));
    if (x->service != NULL)
        add_string(line, "service", nw_slice_str(x->service->name));
    if (o->node != NULL)
        add_string(line, "node", nw_slice_str(o->node));
    if (o->attempts > 0)
        add_number(line, "attempts", o->attempts);
    if (o->why != NW_OK) {
        add_string(line, "error", nw_slice_str(nw_err_name(o->why)));
        add_string(line, "ended_by", nw_slice_str(ended_by_names[o->ended_by]));
    }
    struct nw_slice agent = nw_http1_get(&r->head, x->head_bytes, NW_HTTP_FIELD_USER_AGENT);
    if (agent.ptr != NULL)
        add_string(line, "user_agent", agent);
    if (!line->is_json && x->notes.len > 0)
        nw_text_add(&line->text, x->notes);
}

/* host ident user [time] "request" status bytes "referer" "agent": quotes and controls escaped. */
static void write_common(struct line *line, const struct gate_request *r, struct nw_slice target)
{
    const struct nw_exchange *x = &r->exchange;
    char time[NW_CLOCK_COMMON_BYTES], client[NW_ADDR_TEXT_MAX_BYTES];
    struct nw_slice referer = nw_http1_get(&r->head, x->head_bytes, NW_HTTP_FIELD_REFERER);
    struct nw_slice agent = nw_http1_get(&r->head, x->head_bytes, NW_HTTP_FIELD_USER_AGENT);
    nw_text_addf(&line->text, "%s - - %s \"", nw_addr_print_host(&x->client, client),
                 nw_clock_common(nw_wall_ms(), time));
    nw_text_add_json(&line->text, nw_http1_method(&r->head, x->head_bytes));
    nw_text_add_char(&line->text, ' ');
    nw_text_add_json(&line->text, target);
    nw_text_addf(&line->text, " %.*s\" %d %llu \"", NW_SLICE_ARG(protocol_of(r)),
                 x->outcome.status, (unsigned long long)x->outcome.response_body_bytes);
    nw_text_add_json(&line->text, referer.ptr != NULL ? referer : NW_SLICE("-"));
    nw_text_add_str(&line->text, "\" \"");
    nw_text_add_json(&line->text, agent.ptr != NULL ? agent : NW_SLICE("-"));
    nw_text_add_char(&line->text, '"');
}

void gate_access_log_refused(struct gate_request *r, const struct nw_conf_access *access,
                             int status, struct nw_slice id, const char *why)
{
    struct line line = {.is_json = access->format == NW_CONF_ACCESS_FORMAT_JSON};
    char time[NW_CLOCK_COMMON_BYTES], iso[NW_CLOCK_ISO_BYTES], client[NW_ADDR_TEXT_MAX_BYTES];
    struct nw_addr addr;
    gate_peer_addr(&r->conn->peer, &addr);
    nw_addr_print_host(&addr, client);
    if (access->format == NW_CONF_ACCESS_FORMAT_COMMON) {
        nw_text_addf(&line.text, "%s - - %s \"-\" %d 0 \"-\" \"-\"", client,
                     nw_clock_common(nw_wall_ms(), time), status);
    } else {
        nw_text_add_str(&line.text, line.is_json ? "{" : "");
        add_string(&line, "time", nw_slice_str(nw_clock_iso(nw_wall_ms(), iso)));
        add_string(&line, "id", id);
        add_string(&line, "client", nw_slice_str(client));
        add_number(&line, "status", (uint64_t)status);
        add_string(&line, "refused", nw_slice_str(why));
        nw_text_add_str(&line.text, line.is_json ? "}" : "");
    }
    nw_log_raw(nw_worker_log(r->worker->worker), nw_text_slice(&line.text));
    nw_text_done(&line.text);
}

void gate_access_log(struct gate_request *r, const struct nw_conf_access *access,
                     uint64_t duration_us)
{
    int status = r->exchange.outcome.status;
    bool is_error = status >= 500 || status == 0 || r->exchange.outcome.why != NW_OK;
    if (!is_error && access->sample_ratio < 1 &&
        !nw_rng_chance(nw_worker_rng(r->worker->worker), access->sample_ratio))
        return;
    struct nw_text target = {0};
    gate_access_target(&target, &r->exchange.target, &access->redact);
    struct line line = {.is_json = access->format == NW_CONF_ACCESS_FORMAT_JSON};
    if (line.is_json)
        nw_text_add_char(&line.text, '{');
    if (access->format == NW_CONF_ACCESS_FORMAT_COMMON)
        write_common(&line, r, nw_text_slice(&target));
    else
        write_fields(&line, r, nw_text_slice(&target), duration_us);
    if (line.is_json)
        nw_text_add_char(&line.text, '}');
    nw_log_raw(nw_worker_log(r->worker->worker), nw_text_slice(&line.text));
    nw_text_done(&line.text);
    nw_text_done(&target);
}
