/*
 * What a node sees: the request as it came, less what belonged to the client's connection, plus who
 * asked. Framing is written from the judged enum, never copied through. From a peer that nobody
 * told us to trust, every field that claims to know the client is replaced; a trusted one is
 * appended to.
 */
#include "gate/forward.h"

#include "base/assert.h"

/* Fields that newel writes itself. */
#define FIELD_BIT(name) (UINT64_C(1) << NW_HTTP_FIELD_##name)
static const uint64_t rewritten = FIELD_BIT(X_FORWARDED_FOR) | FIELD_BIT(X_FORWARDED_PROTO) |
                                  FIELD_BIT(X_FORWARDED_HOST) | FIELD_BIT(X_FORWARDED_PORT) |
                                  FIELD_BIT(FORWARDED) | FIELD_BIT(X_REQUEST_ID) |
                                  FIELD_BIT(TRACEPARENT) | FIELD_BIT(X_REAL_IP);

/*
 * X_Forwarded_For is another field to us and the same one to whoever hands fields on as variables
 * (CGI, WSGI, PHP): there it would speak beside or instead of the one that newel writes.
 */
static NW_NOINLINE bool is_rewritten_disguised(struct nw_slice name)
{
    char spelled[sizeof "x-forwarded-proto" - 1]; /* the longest */
    if (name.len > sizeof spelled || memchr(name.ptr, '_', name.len) == NULL)
        return false;
    for (size_t i = 0; i < name.len; i++)
        spelled[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
    return ((rewritten >> nw_http_field_find(nw_slice_of(spelled, name.len))) & 1) != 0;
}

static NW_NOINLINE void find_disguised(const struct nw_exchange *exchange,
                                       struct nw_http1_set *out)
{
    const struct nw_http1_head *head = exchange->head;
    for (uint32_t i = 0; i < head->field_count; i++)
        if (head->fields[i].id == NW_HTTP_FIELD_OTHER &&
            is_rewritten_disguised(nw_http1_name(head, exchange->head_bytes, i)))
            nw_http1_set_add(out, i);
}

static void find_rewritten(const struct nw_exchange *exchange, struct nw_http1_set *out)
{
    const struct nw_http1_head *head = exchange->head;
    uint64_t any = rewritten;
    /* A body that newel holds whole, or whose 100 it already sent, expects nothing any more. */
    if (exchange->source->is_whole)
        any |= FIELD_BIT(EXPECT);
    /* Those of them that have a dash begin with x. */
    if (NW_UNLIKELY((head->other_initials & nw_http1_initial('x')) != 0))
        find_disguised(exchange, out);
    if (NW_LIKELY((head->present & any) == 0))
        return;
    for (uint32_t i = 0; i < head->field_count; i++)
        if ((any >> head->fields[i].id) & 1)
            nw_http1_set_add(out, i);
}

/* "Name: " and every value that the client's fields of this id had, ", " between and behind. */
static void write_earlier(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                          nw_http_field id)
{
    const struct nw_http1_head *head = exchange->head;
    if (!exchange->is_peer_trusted || !nw_http1_has(head, id))
        return;
    for (uint32_t i = head->first[id]; i < head->field_count; i++) {
        if (head->fields[i].id != id || head->fields[i].value_len == 0)
            continue;
        nw_http1_write_bytes(writer, nw_http1_value(head, exchange->head_bytes, i));
        NW_HTTP1_WRITE(writer, ", ");
    }
}

/* The first value that a trusted peer gave, else ours. */
static struct nw_slice trusted_or(const struct nw_exchange *exchange, nw_http_field id,
                                  struct nw_slice ours)
{
    if (!exchange->is_peer_trusted || !nw_http1_has(exchange->head, id))
        return ours;
    return nw_http1_get(exchange->head, exchange->head_bytes, id);
}

static void write_forwarded(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                            struct nw_slice peer, struct nw_slice proto, struct nw_slice asked)
{
    bool is_v6 = exchange->peer.kind == NW_ADDR_IP6;
    NW_HTTP1_WRITE(writer, "\r\nForwarded: ");
    write_earlier(writer, exchange, NW_HTTP_FIELD_FORWARDED);
    if (is_v6)
        NW_HTTP1_WRITE(writer, "for=\"[");
    else
        NW_HTTP1_WRITE(writer, "for=");
    nw_http1_write_bytes(writer, exchange->peer.kind == NW_ADDR_UNIX ? NW_SLICE("_unix") : peer);
    if (is_v6)
        NW_HTTP1_WRITE(writer, "]\"");
    NW_HTTP1_WRITE(writer, ";proto=");
    nw_http1_write_bytes(writer, proto);
    if (asked.len > 0) { /* a port's colon needs the quotes */
        NW_HTTP1_WRITE(writer, ";host=\"");
        nw_http1_write_bytes(writer, asked);
        NW_HTTP1_WRITE(writer, "\"");
    }
}

/* From a peer that is to be trusted, or that has no address. */
static void write_client(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                         struct nw_slice peer)
{
    struct nw_slice proto = exchange->is_secure ? NW_SLICE("https") : NW_SLICE("http");
    struct nw_slice asked = exchange->target.authority;

    nw_http1_write_bytes(writer, exchange->is_h2 ? NW_SLICE("Via: 2") : NW_SLICE("Via: 1.1"));
    NW_HTTP1_WRITE(writer, " newel\r\nX-Forwarded-For: ");
    write_earlier(writer, exchange, NW_HTTP_FIELD_X_FORWARDED_FOR);
    nw_http1_write_bytes(writer, peer);
    NW_HTTP1_WRITE(writer, "\r\nX-Forwarded-Proto: ");
    nw_http1_write_bytes(writer, trusted_or(exchange, NW_HTTP_FIELD_X_FORWARDED_PROTO, proto));
    if (asked.len > 0) {
        NW_HTTP1_WRITE(writer, "\r\nX-Forwarded-Host: ");
        nw_http1_write_bytes(writer, trusted_or(exchange, NW_HTTP_FIELD_X_FORWARDED_HOST, asked));
    }
    write_forwarded(writer, exchange, peer, proto, asked);
    NW_HTTP1_WRITE_FIELD(writer, "\r\nX-Request-Id: ", exchange->request_id);
    NW_HTTP1_WRITE_FIELD(writer, "traceparent: ",
                         nw_slice_of(exchange->traceparent, NW_HTTP_TRACEPARENT_BYTES));
}

/* The letter that "http" lacks. */
static char *put_secure(char *at, bool is_secure)
{
    *at = 's';
    return at + is_secure;
}

/*
 * The same for nearly everybody: a plain IPv4 client that nobody told us to trust. False: nothing
 * was written, another way must be taken. The pieces go into room that is asked for at once.
 */
static bool write_plain_client(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                               const char text[NW_ADDR_TEXT_MAX_BYTES], size_t text_len)
{
    enum { ADDRESS_BYTES = 16, FIXED_BYTES = 512 };
    struct nw_slice asked = exchange->target.authority;
    if (exchange->is_peer_trusted || asked.len == 0 ||
        exchange->peer.kind != NW_ADDR_IP4 || exchange->request_id.ptr != exchange->id_text)
        return false;
    bool is_secure = exchange->is_secure;
    char *at = nw_http1_write_room(writer, FIXED_BYTES + 2 * asked.len);
    if (at == NULL)
        return true; /* full: all the same */
    if (NW_UNLIKELY(exchange->is_h2))
        NW_HTTP1_PUT(at, "Via: 2 newel\r\nX-Forwarded-For: ");
    else
        NW_HTTP1_PUT(at, "Via: 1.1 newel\r\nX-Forwarded-For: ");
    memcpy(at, text, ADDRESS_BYTES);
    at += text_len;
    NW_HTTP1_PUT(at, "\r\nX-Forwarded-Proto: http");
    at = put_secure(at, is_secure);
    NW_HTTP1_PUT(at, "\r\nX-Forwarded-Host: ");
    at = nw_http1_put(at, asked);
    NW_HTTP1_PUT(at, "\r\nForwarded: for=");
    memcpy(at, text, ADDRESS_BYTES);
    at += text_len;
    NW_HTTP1_PUT(at, ";proto=http");
    at = put_secure(at, is_secure);
    NW_HTTP1_PUT(at, ";host=\"");
    at = nw_http1_put(at, asked);
    NW_HTTP1_PUT(at, "\"\r\nX-Request-Id: ");
    NW_HTTP1_PUT_ARRAY(at, exchange->id_text);
    NW_HTTP1_PUT(at, "\r\ntraceparent: ");
    NW_HTTP1_PUT_ARRAY(at, exchange->traceparent);
    NW_HTTP1_PUT(at, "\r\n");
    nw_http1_write_upto(writer, at);
    return true;
}

static struct nw_slice host_for(const struct nw_exchange *exchange,
                                const struct nw_gate_service *service, const char *node_name)
{
    if (service->host.kind == NW_CONF_HOST_FIXED)
        return service->host.text;
    if (service->host.kind == NW_CONF_HOST_NODE && strncmp(node_name, "unix:", 5) != 0)
        return nw_slice_str(node_name);
    return exchange->target.authority.len > 0 ? exchange->target.authority : NW_SLICE("localhost");
}

static void write_target(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                         bool is_raw)
{
    struct nw_slice method = nw_http1_method(exchange->head, exchange->head_bytes);
    const struct nw_target *target = &exchange->target;
    if (is_raw)
        nw_http1_write_request_line(writer, method, target->raw, false, nw_slice_of(NULL, 0));
    else
        nw_http1_write_request_line(writer, method, target->path, target->has_query, target->query);
}

static void write_body_framing(struct nw_http1_writer *writer, const struct nw_exchange *exchange)
{
    int64_t length = exchange->source->length_bytes;
    if (length == NW_HTTP_LENGTH_UNKNOWN)
        nw_http1_write_framing(writer, NW_HTTP1_BODY_CHUNKED, 0);
    else if (length > 0)
        nw_http1_write_framing(writer, NW_HTTP1_BODY_LENGTH, (uint64_t)length);
    else if (exchange->message.has_length || exchange->head->method == NW_HTTP_POST ||
             exchange->head->method == NW_HTTP_PUT ||
             exchange->message.framing != NW_HTTP1_BODY_NONE)
        NW_HTTP1_WRITE(writer, "Content-Length: 0\r\n");
}

static void write_all(struct nw_http1_writer *writer, const struct nw_exchange *exchange,
                      const struct nw_gate_service *service, const char *node_name)
{
    char text[NW_ADDR_TEXT_MAX_BYTES];
    size_t text_len = nw_addr_host_text(&exchange->peer, text);
    struct nw_http1_set also = {{0, 0}};
    find_rewritten(exchange, &also);
    write_target(writer, exchange, exchange->is_target_raw);
    NW_HTTP1_WRITE_FIELD(writer, "Host: ", host_for(exchange, service, node_name));
    nw_http1_write_kept(writer, exchange->head, exchange->head_bytes, &exchange->message, &also);
    if (!write_plain_client(writer, exchange, text, text_len))
        write_client(writer, exchange, nw_slice_of(text, text_len));
    if (exchange->asks_upgrade)
        NW_HTTP1_WRITE(writer, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    write_body_framing(writer, exchange);
    nw_http1_write_end(writer);
}

nw_err gate_forward_head(const struct nw_exchange *exchange, const struct nw_gate_service *service,
                         const char *node_name, struct nw_buf *out)
{
    for (;;) {
        struct nw_http1_writer writer;
        out->start = out->end = 0;
        nw_http1_writer_init(&writer, out->data, out->cap_bytes);
        write_all(&writer, exchange, service, node_name);
        if (!writer.is_full) {
            out->end = (uint32_t)writer.len;
            return NW_OK;
        }
        NW_TRY(nw_buf_enlarge(out));
    }
}
