/*
 * Ids are random, not secret: they come from the worker's own generator, which costs nanoseconds
 * and follows the seed in a simulation.
 */
#include "gate/ids.h"

#include "base/rng.h"
#include "io/worker.h"

/*
 * Eight digits at once: nibbles spread to bytes, then the gap between '9' and 'a' where it is due.
 */
static void put_hex_8(char *out, uint32_t value)
{
    uint64_t x = value;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x); /* the highest digit comes first */
#endif
    memcpy(out, &x, sizeof x);
}

static void put_hex_16(char *out, uint64_t value)
{
    put_hex_8(out, (uint32_t)(value >> 32));
    put_hex_8(out + 8, (uint32_t)value);
}

void gate_ids_make(char out[NW_HTTP_ID_BYTES])
{
    struct nw_rng *rng = nw_worker_rng(nw_worker_self());
    put_hex_16(out, nw_rng_next(rng));
    put_hex_16(out + 16, nw_rng_next(rng));
}

struct nw_ip gate_peer_ip(const struct gate_peer *peer)
{
    return nw_ip_of_bytes(peer->ip, peer->kind == NW_ADDR_IP6 ? 16 : 4);
}

static void set_addr(struct nw_addr *out, uint8_t kind, uint16_t port, const uint8_t *ip)
{
    out->kind = kind;
    out->port = port;
    if (kind == NW_ADDR_UNIX)
        out->path[0] = '\0';
    else
        memcpy(out->ip6, ip, kind == NW_ADDR_IP6 ? 16 : 4);
}

void gate_peer_addr(const struct gate_peer *peer, struct nw_addr *out)
{
    set_addr(out, peer->kind, peer->port, peer->ip);
}

static bool is_hex(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') ||
              (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
            return false;
    return true;
}

static bool is_zero(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '0')
            return false;
    return true;
}

/* "00-<32 hex>-<16 hex>-<2 hex>": the trace id, or a NULL slice. */
static struct nw_slice trace_id_of(struct nw_slice field)
{
    struct nw_slice none = {NULL, 0};
    if (field.len < NW_HTTP_TRACEPARENT_BYTES || field.ptr[2] != '-' || field.ptr[35] != '-' ||
        field.ptr[52] != '-' || !is_hex(nw_slice_of(field.ptr, 2)) ||
        memcmp(field.ptr, "ff", 2) == 0)
        return none;
    if (field.len > NW_HTTP_TRACEPARENT_BYTES &&
        (memcmp(field.ptr, "00", 2) == 0 || field.ptr[NW_HTTP_TRACEPARENT_BYTES] != '-'))
        return none;
    struct nw_slice trace = nw_slice_of(field.ptr + 3, 32);
    struct nw_slice span = nw_slice_of(field.ptr + 36, 16);
    bool is_good = is_hex(trace) && is_hex(span) && is_hex(nw_slice_of(field.ptr + 53, 2)) &&
                   !is_zero(trace) && !is_zero(span);
    return is_good ? trace : none;
}

static void fill_trace(struct nw_exchange *exchange)
{
    struct nw_rng *rng = nw_worker_rng(nw_worker_self());
    struct nw_slice field =
        nw_http1_get(exchange->head, exchange->head_bytes, NW_HTTP_FIELD_TRACEPARENT);
    struct nw_slice trace = field.ptr != NULL ? trace_id_of(field) : field;
    char *out = exchange->traceparent;
    memcpy(out, "00-", 3);
    if (trace.ptr != NULL)
        memcpy(out + 3, trace.ptr, 32);
    else
        memcpy(out + 3, exchange->id_text, 32);
    out[35] = '-';
    put_hex_16(out + 36, nw_rng_next(rng) | 1);
    memcpy(out + 52, trace.ptr != NULL ? field.ptr + 52 : "-01", 3);
}

/* A trusted proxy's id is kept when it can stand in logs and fields as it is. */
static bool is_good_id(struct nw_slice id)
{
    if (id.len == 0 || id.len > NW_HTTP_ID_MAX_BYTES)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '='))
            return false;
    }
    return true;
}

/*
 * The last address in X-Forwarded-For that no trusted proxy has: the nearest one we cannot vouch
 * for. What stands before a word that is no address is nobody's word: "6.6.6.6, unknown" from a
 * trusted proxy was sent by who is unknown.
 */
static void find_client(struct nw_exchange *exchange, const struct gate_settings *settings)
{
    const struct nw_http1_head *head = exchange->head;
    struct nw_ip found = {0};
    bool has_found = false;
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].id != NW_HTTP_FIELD_X_FORWARDED_FOR)
            continue;
        struct nw_slice rest = nw_http1_value(head, exchange->head_bytes, i), part;
        while (nw_http_list_next(&rest, &part)) {
            struct nw_ip ip;
            if (nw_ip_parse(part, &ip) != NW_OK) {
                has_found = false;
                continue;
            }
            if (has_found && nw_ip_ranges_have(settings->trusted, &ip))
                continue;
            found = ip;
            has_found = true;
        }
    }
    if (has_found)
        set_addr(&exchange->client, found.is_v6 ? NW_ADDR_IP6 : NW_ADDR_IP4, 0, found.bytes);
}

static bool is_trusted(const struct gate_settings *settings, const struct gate_peer *peer)
{
    if (peer->kind == NW_ADDR_UNIX)
        return true;
    struct nw_ip ip = gate_peer_ip(peer);
    return nw_ip_ranges_have(settings->trusted, &ip);
}

void gate_ids_fill(struct nw_exchange *exchange, const struct gate_settings *settings,
                   const struct gate_peer *peer)
{
    set_addr(&exchange->peer, peer->kind, peer->port, peer->ip);
    set_addr(&exchange->client, peer->kind, peer->port, peer->ip);
    exchange->is_peer_trusted = settings->trusted != NULL && is_trusted(settings, peer);

    gate_ids_make(exchange->id_text);
    exchange->request_id = nw_slice_of(exchange->id_text, NW_HTTP_ID_BYTES);
    if (exchange->is_peer_trusted) {
        struct nw_slice given =
            nw_http1_get(exchange->head, exchange->head_bytes, NW_HTTP_FIELD_X_REQUEST_ID);
        if (is_good_id(given))
            exchange->request_id = given;
        find_client(exchange, settings);
    }
    fill_trace(exchange);
}
