/*
 * A head is written once per exchange and direction, straight into the buffer that is sent. The
 * fields that pass lie in the received head in the order in which they leave, mostly as
 * "Name: value CRLF" already, so neighbours are copied as one run; only a field with unusual white
 * space is put together from its parts. Nothing that was not judged is ever copied: a run consists
 * of names, values and the four bytes between them that the parser saw.
 */
#include "proto/http1_write.h"

#include "base/assert.h"
#include "proto/http1_scan.h"

char *nw_http1_put(char *to, struct nw_slice from)
{
    size_t len = from.len;
    char *end = to + len;
    if (len >= 16) {
        if (NW_UNLIKELY(len > 256))
            return (char *)memcpy(to, from.ptr, len) + len;
        const char *last = from.ptr + len - 16;
        for (; from.ptr < last; from.ptr += 16, to += 16)
            memcpy(to, from.ptr, 16);
        memcpy(end - 16, last, 16); /* overlaps what was copied */
    } else if (len >= 8) {
        memcpy(to, from.ptr, 8);
        memcpy(end - 8, from.ptr + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from.ptr, 4);
        memcpy(end - 4, from.ptr + len - 4, 4);
    } else if (len != 0) {
        to[0] = from.ptr[0];
        to[len / 2] = from.ptr[len / 2];
        to[len - 1] = from.ptr[len - 1];
    }
    return end;
}

void nw_http1_write_bytes(struct nw_http1_writer *writer, struct nw_slice bytes)
{
    char *at = nw_http1_write_room(writer, bytes.len);
    if (NW_LIKELY(at != NULL))
        nw_http1_put(at, bytes);
}

void nw_http1_write_request_line(struct nw_http1_writer *writer, struct nw_slice method,
                                 struct nw_slice path, bool has_query, struct nw_slice query)
{
    static const char version[] = " HTTP/1.1\r\n";
    size_t query_bytes = has_query ? 1 + query.len : 0;
    char *at =
        nw_http1_write_room(writer, method.len + 1 + path.len + query_bytes + sizeof version - 1);
    if (at == NULL)
        return;
    at = nw_http1_put(at, method);
    *at++ = ' ';
    at = nw_http1_put(at, path);
    if (has_query) {
        *at++ = '?';
        at = nw_http1_put(at, query);
    }
    memcpy(at, version, sizeof version - 1);
}

void nw_http1_write_status_line(struct nw_http1_writer *writer, int status, struct nw_slice reason)
{
    NW_ASSERT(status >= 100 && status <= 599);
    static const char version[] = "HTTP/1.1 ";
    if (NW_LIKELY(status == 200 && nw_slice_eq(reason, NW_SLICE("OK")))) {
        NW_HTTP1_WRITE(writer, "HTTP/1.1 200 OK\r\n");
        return;
    }
    if (reason.len == 0)
        reason = nw_http_reason(status);
    char *at = nw_http1_write_room(writer, sizeof version - 1 + 4 + reason.len + 2);
    if (at == NULL)
        return;
    at = (char *)memcpy(at, version, sizeof version - 1) + sizeof version - 1;
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    *at++ = ' ';
    at = nw_http1_put(at, reason);
    memcpy(at, "\r\n", 2);
}

void nw_http1_write_field(struct nw_http1_writer *writer, struct nw_slice name,
                          struct nw_slice value)
{
    char *at = nw_http1_write_room(writer, name.len + 2 + value.len + 2);
    if (at == NULL)
        return;
    at = nw_http1_put(at, name);
    memcpy(at, ": ", 2);
    at = nw_http1_put(at + 2, value);
    memcpy(at, "\r\n", 2);
}

char *nw_http1_put_u64(char *at, uint64_t value)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (first < sizeof digits)
        *at++ = digits[first++];
    return at;
}

void nw_http1_write_field_u64(struct nw_http1_writer *writer, struct nw_slice name, uint64_t value)
{
    char digits[20];
    size_t len = (size_t)(nw_http1_put_u64(digits, value) - digits);
    nw_http1_write_field(writer, name, nw_slice_of(digits, len));
}

/* Does the field stand in the text exactly as it would be written? */
static inline bool is_canonical(const struct nw_http1_field *field, const char *bytes)
{
    return field->value_off == field->name_off + field->name_len + 2 &&
           bytes[field->value_off - 1] == ' ' && bytes[field->value_off + field->value_len] == '\r';
}

/* The first index from `at` on that is in the set, or `count`. */
static inline uint32_t next_in_set(const struct nw_http1_set *set, uint32_t at, uint32_t count)
{
    for (; at < count; at = (at | 63) + 1) {
        uint64_t word = set->word[at >> 6] >> (at & 63);
        if (word != 0) {
            at += (uint32_t)__builtin_ctzll(word);
            return at < count ? at : count;
        }
    }
    return count;
}

/* Plain fields stand one behind the other, so what is kept between two that are not is one run. */
static void write_plain_fields(struct nw_http1_writer *writer, const char *bytes,
                               const struct nw_http1_field *fields, uint32_t count,
                               const struct nw_http1_set *skip)
{
    for (uint32_t at = 0; at < count;) {
        uint32_t end = next_in_set(skip, at, count);
        if (end > at) {
            const struct nw_http1_field *last = &fields[end - 1];
            uint32_t from = fields[at].name_off, to = last->value_off + last->value_len + 2;
            nw_http1_write_bytes(writer, nw_slice_of(bytes + from, to - from));
        }
        at = end + 1;
    }
}

void nw_http1_write_fields(struct nw_http1_writer *writer, const char *bytes,
                           const struct nw_http1_field *fields, uint32_t count,
                           const struct nw_http1_set *skip, bool is_plain)
{
    if (NW_LIKELY(is_plain)) {
        write_plain_fields(writer, bytes, fields, count, skip);
        return;
    }
    uint32_t run = 0, run_end = 0; /* what was seen and is not written yet */
    for (uint32_t i = 0; i < count; i++) {
        const struct nw_http1_field *field = &fields[i];
        if (nw_http1_set_has(skip, i))
            continue;
        bool is_whole = is_canonical(field, bytes);
        if (field->name_off != run_end || !is_whole) {
            nw_http1_write_bytes(writer, nw_slice_of(bytes + run, run_end - run));
            run = run_end = field->name_off;
        }
        if (NW_LIKELY(is_whole))
            run_end = field->value_off + field->value_len + 2;
        else
            nw_http1_write_field(writer, nw_slice_of(bytes + field->name_off, field->name_len),
                                 nw_slice_of(bytes + field->value_off, field->value_len));
    }
    nw_http1_write_bytes(writer, nw_slice_of(bytes + run, run_end - run));
}

void nw_http1_write_kept(struct nw_http1_writer *writer, const struct nw_http1_head *head,
                         const char *bytes, const struct nw_http1_message *message,
                         const struct nw_http1_set *also)
{
    struct nw_http1_set skip = message->dropped;
    for (int i = 0; i < 2; i++)
        skip.word[i] |= message->framed.word[i] | (also != NULL ? also->word[i] : 0);
    nw_http1_write_fields(writer, bytes, head->fields, head->field_count, &skip,
                          !head->has_odd_fields);
}

void nw_http1_write_framing(struct nw_http1_writer *writer, nw_http1_framing framing,
                            uint64_t length_bytes)
{
    if (framing == NW_HTTP1_BODY_LENGTH)
        nw_http1_write_field_u64(writer, NW_SLICE("Content-Length"), length_bytes);
    else if (framing == NW_HTTP1_BODY_CHUNKED)
        NW_HTTP1_WRITE(writer, "Transfer-Encoding: chunked\r\n");
}

bool nw_http1_is_value(struct nw_slice text)
{
    if (text.len == 0)
        return true;
    const char *end = text.ptr + text.len;
    char first = text.ptr[0], last = end[-1];
    return first != ' ' && first != '\t' && last != ' ' && last != '\t' &&
           nw_scan_value(text.ptr, end) == end;
}
