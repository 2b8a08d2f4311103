/*
 * Framing is where two readers of one message part ways, so it is decided here once, from the
 * fields that the parser recognised, into nw_http1_framing; what goes out to the other side is
 * written from that. A message in which two fields say something about framing, or one says it
 * in a way that some reader might take differently, is refused, even where both agree.
 *
 * The first walk over the fields collects; the second, only when Connection names a field that is
 * not hop-by-hop by itself, marks what it names. Connection may not name away what the message's
 * meaning rests on (http_field.def says which): a client that could drop Authorization or
 * Content-Length at newel could make the node see another message than newel judged.
 *
 * Not taken: the allowances of RFC 9112 6.3 (Transfer-Encoding overrides Content-Length, equal
 * Content-Lengths collapse). They exist for old senders that nobody meets any more.
 */
#include "base/assert.h"
#include "proto/http1.h"
#include "proto/http1_scan.h"
#include "proto/target.h"

#define LENGTH_MAX_DIGITS 18
#define CONNECTION_MAX_TOKENS 32
#define CONNECTION_MAX_BYTES 1024 /* of all together: each other field is compared with them */

struct judge {
    const struct nw_http1_head *head;
    const char *bytes;
    struct nw_http1_message *out;
    uint64_t named;            /* ids that Connection names */
    uint32_t connection_bytes; /* all Connection values so far */
    uint32_t connection_tokens;
    uint32_t host_count;
    bool names_others; /* Connection names fields that have no id */
    bool says_close;
    bool says_keep_alive;
    bool says_upgrade;
    bool upgrade_names_websocket;
    bool expects_continue;
};

static nw_http1_class judge_length(struct judge *judge, struct nw_slice value)
{
    if (judge->out->has_length)
        return NW_HTTP1_REPEATED_LENGTH;
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return nw_slice_find(value, ',') < value.len ? NW_HTTP1_LENGTH_LIST
                                                         : NW_HTTP1_INVALID_LENGTH;
        if (i < LENGTH_MAX_DIGITS)
            length = length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    if (value.len == 0)
        return NW_HTTP1_INVALID_LENGTH;
    if (value.len > LENGTH_MAX_DIGITS)
        return NW_HTTP1_LENGTH_TOO_LONG;
    judge->out->has_length = true;
    judge->out->length_bytes = length;
    return NW_HTTP1_FINE;
}

static nw_http1_class judge_connection(struct judge *judge, struct nw_slice value)
{
    struct nw_slice token;
    judge->connection_bytes += (uint32_t)value.len;
    if (judge->connection_bytes > CONNECTION_MAX_BYTES)
        return NW_HTTP1_INVALID_CONNECTION;
    while (nw_http_list_next(&value, &token)) {
        if (++judge->connection_tokens > CONNECTION_MAX_TOKENS || !nw_http_is_token(token))
            return NW_HTTP1_INVALID_CONNECTION;
        if (nw_slice_eq_nocase(token, NW_SLICE("close"))) {
            judge->says_close = true;
            continue;
        }
        nw_http_field id = nw_http_field_find(token);
        if (id == NW_HTTP_FIELD_KEEP_ALIVE)
            judge->says_keep_alive = true;
        else if (id == NW_HTTP_FIELD_UPGRADE)
            judge->says_upgrade = true;
        else if (id == NW_HTTP_FIELD_OTHER)
            judge->names_others = true;
        else if (nw_http_field_kind_of(id) == NW_HTTP_KIND_END)
            judge->named |= UINT64_C(1) << id;
    }
    return NW_HTTP1_FINE;
}

static nw_http1_class judge_expect(struct judge *judge, struct nw_slice value)
{
    if (judge->head->is_response)
        return NW_HTTP1_FINE;
    if (!nw_slice_eq_nocase(value, NW_SLICE("100-continue")))
        return NW_HTTP1_UNKNOWN_EXPECTATION;
    judge->expects_continue = true;
    return NW_HTTP1_FINE;
}

static void judge_upgrade(struct judge *judge, struct nw_slice value)
{
    struct nw_slice protocol;
    while (nw_http_list_next(&value, &protocol)) {
        if (nw_slice_eq_nocase(protocol, NW_SLICE("websocket")))
            judge->upgrade_names_websocket = true;
    }
}

/* "timeout=5, max=1000"; what does not look like this says nothing. */
static void judge_keep_alive(struct judge *judge, struct nw_slice value)
{
    const struct nw_slice key = NW_SLICE("timeout=");
    struct nw_slice part;
    uint64_t seconds;
    while (nw_http_list_next(&value, &part)) {
        if (part.len > key.len && nw_slice_eq_nocase(nw_slice_first(part, key.len), key) &&
            nw_slice_to_u64(nw_slice_skip(part, key.len), &seconds) == NW_OK)
            judge->out->keep_alive_s = seconds < INT32_MAX ? (int32_t)seconds : INT32_MAX;
    }
}

/* One field with an id: which set it belongs to, and what it says. */
static nw_http1_class judge_known(struct judge *judge, uint32_t index, nw_http_field id)
{
    struct nw_slice value = nw_http1_value(judge->head, judge->bytes, index);
    nw_http_field_kind kind = nw_http_field_kind_of(id);
    if (kind == NW_HTTP_KIND_HOP)
        nw_http1_set_add(&judge->out->dropped, index);
    else if (kind == NW_HTTP_KIND_FRAME)
        nw_http1_set_add(&judge->out->framed, index);
    switch (id) {
    case NW_HTTP_FIELD_CONTENT_LENGTH:
        return judge_length(judge, value);
    case NW_HTTP_FIELD_CONNECTION:
        return judge_connection(judge, value);
    case NW_HTTP_FIELD_HOST:
        judge->host_count++;
        break;
    case NW_HTTP_FIELD_EXPECT:
        return judge_expect(judge, value);
    case NW_HTTP_FIELD_UPGRADE:
        judge_upgrade(judge, value);
        break;
    case NW_HTTP_FIELD_KEEP_ALIVE:
        judge_keep_alive(judge, value);
        break;
    default:
        break;
    }
    return NW_HTTP1_FINE;
}

/* Is `name` among the tokens of any Connection field? */
static bool is_named(const struct judge *judge, struct nw_slice name)
{
    for (uint32_t i = judge->head->first[NW_HTTP_FIELD_CONNECTION]; i < judge->head->field_count;
         i++) {
        if (judge->head->fields[i].id != NW_HTTP_FIELD_CONNECTION)
            continue;
        struct nw_slice value = nw_http1_value(judge->head, judge->bytes, i), token;
        while (nw_http_list_next(&value, &token)) {
            if (nw_slice_eq_nocase(token, name))
                return true;
        }
    }
    return false;
}

static void drop_named(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->head->field_count; i++) {
        nw_http_field id = (nw_http_field)judge->head->fields[i].id;
        bool is_hit = id != NW_HTTP_FIELD_OTHER
                          ? (judge->named >> id) & 1
                          : judge->names_others &&
                                is_named(judge, nw_http1_name(judge->head, judge->bytes, i));
        if (is_hit)
            nw_http1_set_add(&judge->out->dropped, i);
    }
}

/* The ids that say something here; all others pass on their way unseen. */
static const uint64_t telling = (UINT64_C(1) << NW_HTTP_FIELD_EXPECT)
#define NW_HTTP_FIELD(name, spelling, kind)                                                        \
    | (uint64_t)(NW_HTTP_KIND_##kind == NW_HTTP_KIND_HOP ||                                        \
                 NW_HTTP_KIND_##kind == NW_HTTP_KIND_FRAME) << NW_HTTP_FIELD_##name
#include "proto/http_field.def"
#undef NW_HTTP_FIELD
    ;

/* A field without an id. */
static void judge_other(struct judge *judge, uint32_t index)
{
    if (!nw_http_field_is_newel(nw_http1_name(judge->head, judge->bytes, index)))
        return;
    nw_http1_set_add(&judge->out->newel, index);
    if (!judge->head->is_response)
        nw_http1_set_add(&judge->out->dropped, index);
}

/* All fields with this id. */
static nw_http1_class judge_each(struct judge *judge, nw_http_field id)
{
    const struct nw_http1_head *head = judge->head;
    uint32_t first = head->first[id];
    nw_http1_class found = judge_known(judge, first, id);
    if (NW_LIKELY((head->repeated >> id & 1) == 0))
        return found;
    for (uint32_t i = first + 1; i < head->field_count && found == NW_HTTP1_FINE; i++)
        if (head->fields[i].id == id)
            found = judge_known(judge, i, id);
    return found;
}

static nw_http1_class judge_fields(struct judge *judge)
{
    const struct nw_http1_head *head = judge->head;
    for (uint64_t left = head->present & telling; left != 0; left &= left - 1) {
        nw_http1_class found = judge_each(judge, (nw_http_field)__builtin_ctzll(left));
        if (found != NW_HTTP1_FINE)
            return found;
    }
    bool has_n = (head->other_initials & nw_http1_initial('n')) != 0;
    for (uint32_t i = 0; NW_UNLIKELY(has_n) && i < head->field_count; i++)
        if (head->fields[i].id == NW_HTTP_FIELD_OTHER)
            judge_other(judge, i);
    if (judge->named != 0 || judge->names_others)
        drop_named(judge);
    return NW_HTTP1_FINE;
}

/* One Transfer-Encoding field; the two flags run on through all of them. */
static nw_http1_class judge_codings(struct nw_slice value, bool *has_chunked, bool *has_other)
{
    for (bool is_last = false; !is_last;) {
        size_t len = nw_slice_find(value, ',');
        struct nw_slice coding = nw_slice_trim(nw_slice_first(value, len));
        is_last = len == value.len;
        value = nw_slice_skip(value, is_last ? len : len + 1);
        struct nw_slice name = nw_slice_trim(nw_slice_first(coding, nw_slice_find(coding, ';')));
        if (!nw_http_is_token(name))
            return NW_HTTP1_INVALID_CODING;
        bool is_chunked = nw_slice_eq_nocase(name, NW_SLICE("chunked"));
        if (is_chunked && name.len != coding.len)
            return NW_HTTP1_INVALID_CODING; /* chunked has no parameters */
        if (*has_chunked)
            return is_chunked ? NW_HTTP1_CHUNKED_TWICE : NW_HTTP1_CHUNKED_NOT_LAST;
        *has_chunked = is_chunked;
        *has_other = *has_other || !is_chunked;
    }
    return NW_HTTP1_FINE;
}

static nw_http1_class judge_transfer(const struct judge *judge, bool *out_is_chunked)
{
    const struct nw_http1_head *head = judge->head;
    *out_is_chunked = false;
    if (!nw_http1_has(head, NW_HTTP_FIELD_TRANSFER_ENCODING))
        return NW_HTTP1_FINE;
    if (head->version_minor == 0)
        return NW_HTTP1_CODING_IN_HTTP10;
    if (judge->out->has_length)
        return NW_HTTP1_CODING_WITH_LENGTH;
    bool has_chunked = false, has_other = false;
    for (uint32_t i = head->first[NW_HTTP_FIELD_TRANSFER_ENCODING]; i < head->field_count; i++) {
        if (head->fields[i].id != NW_HTTP_FIELD_TRANSFER_ENCODING)
            continue;
        nw_http1_class found =
            judge_codings(nw_http1_value(head, judge->bytes, i), &has_chunked, &has_other);
        if (found != NW_HTTP1_FINE)
            return found;
    }
    *out_is_chunked = has_chunked;
    return has_other ? NW_HTTP1_UNKNOWN_CODING : NW_HTTP1_FINE;
}

static nw_http1_class judge_host(const struct judge *judge)
{
    const struct nw_http1_head *head = judge->head;
    if (!nw_http1_has(head, NW_HTTP_FIELD_HOST))
        return head->version_minor == 0 ? NW_HTTP1_FINE : NW_HTTP1_MISSING_HOST;
    if (judge->host_count > 1)
        return NW_HTTP1_REPEATED_HOST;
    struct nw_slice host = nw_http1_get(head, judge->bytes, NW_HTTP_FIELD_HOST);
    struct nw_authority authority;
    nw_http1_class found;
    if (nw_authority_parse(host, &authority, &found) == NW_OK)
        return NW_HTTP1_FINE;
    return found == NW_HTTP1_EMPTY_HOST ? found : NW_HTTP1_INVALID_HOST;
}

static bool keeps_alive(const struct judge *judge)
{
    if (judge->says_close)
        return false;
    return judge->head->version_minor == 1 || judge->says_keep_alive;
}

static void judge_init(struct judge *judge, const struct nw_http1_head *head, const char *bytes,
                       struct nw_http1_message *out)
{
    *judge = (struct judge){.head = head, .bytes = bytes, .out = out};
    *out = (struct nw_http1_message){.keep_alive_s = -1};
}

static nw_http1_framing body_framing(const struct nw_http1_message *message, bool is_chunked,
                                     nw_http1_framing otherwise)
{
    if (is_chunked)
        return NW_HTTP1_BODY_CHUNKED;
    if (!message->has_length)
        return otherwise;
    return message->length_bytes != 0 ? NW_HTTP1_BODY_LENGTH : NW_HTTP1_BODY_NONE;
}

static nw_http1_class judge_request(struct judge *judge)
{
    const struct nw_http1_head *head = judge->head;
    struct nw_http1_message *out = judge->out;
    if (head->method == NW_HTTP_CONNECT || head->method == NW_HTTP_TRACE)
        return NW_HTTP1_METHOD_REFUSED;
    bool is_chunked;
    nw_http1_class found = judge_fields(judge);
    if (found == NW_HTTP1_FINE)
        found = judge_transfer(judge, &is_chunked);
    if (found == NW_HTTP1_FINE)
        found = judge_host(judge);
    if (found != NW_HTTP1_FINE)
        return found;
    bool is_11 = head->version_minor == 1;
    out->framing = body_framing(out, is_chunked, NW_HTTP1_BODY_NONE);
    out->keep_alive = keeps_alive(judge);
    out->expect_continue = judge->expects_continue && is_11 && out->framing != NW_HTTP1_BODY_NONE;
    out->upgrade_websocket = judge->says_upgrade && judge->upgrade_names_websocket && is_11 &&
                             head->method == NW_HTTP_GET && out->framing == NW_HTTP1_BODY_NONE;
    return NW_HTTP1_FINE;
}

static nw_http1_class judge_response(struct judge *judge, const struct nw_http1_asked *asked)
{
    const struct nw_http1_head *head = judge->head;
    struct nw_http1_message *out = judge->out;
    bool is_chunked;
    nw_http1_class found = judge_fields(judge);
    if (found == NW_HTTP1_FINE)
        found = judge_transfer(judge, &is_chunked);
    if (found != NW_HTTP1_FINE)
        return found;
    if (head->status == 101) {
        if (!asked->upgrade_websocket || !judge->says_upgrade || !judge->upgrade_names_websocket ||
            head->version_minor == 0)
            return NW_HTTP1_UNASKED_UPGRADE;
        out->framing = NW_HTTP1_BODY_TUNNEL;
        out->upgrade_websocket = true;
        return NW_HTTP1_FINE;
    }
    out->is_informational = head->status < 200;
    bool has_no_body = out->is_informational || head->status == 204 || head->status == 304 ||
                       asked->method == NW_HTTP_HEAD;
    if (!has_no_body)
        out->framing = body_framing(out, is_chunked, NW_HTTP1_BODY_UNTIL_CLOSE);
    out->keep_alive = keeps_alive(judge) && out->framing != NW_HTTP1_BODY_UNTIL_CLOSE;
    return NW_HTTP1_FINE;
}

nw_err nw_http1_request_judge(const struct nw_http1_head *head, const char *bytes,
                              struct nw_http1_message *out, nw_http1_class *out_found)
{
    NW_ASSERT(!head->is_response && head->head_bytes != 0);
    struct judge judge;
    struct nw_http1_message message;
    judge_init(&judge, head, bytes, &message);
    nw_http1_class found = judge_request(&judge);
    if (found == NW_HTTP1_FINE)
        *out = message;
    else
        *out_found = found;
    return nw_http1_class_err(found, false);
}

nw_err nw_http1_response_judge(const struct nw_http1_head *head, const char *bytes,
                               const struct nw_http1_asked *asked, struct nw_http1_message *out,
                               nw_http1_class *out_found)
{
    NW_ASSERT(head->is_response && head->head_bytes != 0);
    struct judge judge;
    struct nw_http1_message message;
    judge_init(&judge, head, bytes, &message);
    nw_http1_class found = judge_response(&judge, asked);
    if (found == NW_HTTP1_FINE)
        *out = message;
    else
        *out_found = found;
    return nw_http1_class_err(found, true);
}
