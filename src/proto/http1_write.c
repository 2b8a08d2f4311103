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

void nw_http1_writer_init(struct nw_http1_writer *writer, char *ptr, size_t cap_bytes)
{
    *writer = (struct nw_http1_writer){.ptr = ptr, .cap_bytes = cap_bytes};
}

/* Room for `bytes` more, counted as written; NULL when they do not fit. */
static inline char *reserve(struct nw_http1_writer *writer, size_t bytes)
{
    if (NW_UNLIKELY(writer->is_full || writer->cap_bytes - writer->len < bytes)) {
        writer->is_full = true;
        return NULL;
    }
    char *at = writer->ptr + writer->len;
    writer->len += bytes;
    return at;
}

static inline char *put(char *at, struct nw_slice bytes)
{
    if (bytes.len != 0)
        memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

void nw_http1_write_bytes(struct nw_http1_writer *writer, struct nw_slice bytes)
{
    char *at = reserve(writer, bytes.len);
    if (at != NULL)
        put(at, bytes);
}

void nw_http1_write_request_line(struct nw_http1_writer *writer, struct nw_slice method,
                                 struct nw_slice path, bool has_query, struct nw_slice query)
{
    const struct nw_slice version = NW_SLICE(" HTTP/1.1\r\n");
    size_t query_bytes = has_query ? 1 + query.len : 0;
    char *at = reserve(writer, method.len + 1 + path.len + query_bytes + version.len);
    if (at == NULL)
        return;
    at = put(at, method);
    *at++ = ' ';
    at = put(at, path);
    if (has_query) {
        *at++ = '?';
        at = put(at, query);
    }
    put(at, version);
}

void nw_http1_write_status_line(struct nw_http1_writer *writer, int status, struct nw_slice reason)
{
    NW_ASSERT(status >= 100 && status <= 599);
    const struct nw_slice version = NW_SLICE("HTTP/1.1 ");
    if (reason.len == 0)
        reason = nw_http_reason(status);
    char *at = reserve(writer, version.len + 4 + reason.len + 2);
    if (at == NULL)
        return;
    at = put(at, version);
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    *at++ = ' ';
    at = put(at, reason);
    put(at, NW_SLICE("\r\n"));
}

void nw_http1_write_field(struct nw_http1_writer *writer, struct nw_slice name,
                          struct nw_slice value)
{
    char *at = reserve(writer, name.len + 2 + value.len + 2);
    if (at == NULL)
        return;
    at = put(at, name);
    at = put(at, NW_SLICE(": "));
    at = put(at, value);
    put(at, NW_SLICE("\r\n"));
}

void nw_http1_write_field_u64(struct nw_http1_writer *writer, struct nw_slice name, uint64_t value)
{
    char digits[20], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    nw_http1_write_field(writer, name, nw_slice_of(at, (size_t)(digits + sizeof digits - at)));
}

/* Does the field stand in the head exactly as it would be written? */
static inline bool is_canonical(const struct nw_http1_head *head, const char *bytes, uint32_t index)
{
    const struct nw_http1_field *field = &head->fields[index];
    const char *end = bytes + field->value_off + field->value_len;
    return field->value_off == field->name_off + field->name_len + 2 &&
           bytes[field->value_off - 1] == ' ' && end[0] == '\r';
}

void nw_http1_write_kept(struct nw_http1_writer *writer, const struct nw_http1_head *head,
                         const char *bytes, const struct nw_http1_message *message,
                         const struct nw_http1_set *also)
{
    const char *run = NULL, *run_end = NULL;
    for (uint32_t i = 0; i < head->field_count; i++) {
        uint64_t skipped = message->dropped.word[i >> 6] | message->framed.word[i >> 6] |
                           (also != NULL ? also->word[i >> 6] : 0);
        if ((skipped >> (i & 63)) & 1)
            continue;
        const struct nw_http1_field *field = &head->fields[i];
        const char *start = bytes + field->name_off;
        bool is_whole = is_canonical(head, bytes, i);
        if (run != NULL && (start != run_end || !is_whole)) {
            nw_http1_write_bytes(writer, nw_slice_of(run, (size_t)(run_end - run)));
            run = NULL;
        }
        if (!is_whole) {
            nw_http1_write_field(writer, nw_http1_name(head, bytes, i),
                                 nw_http1_value(head, bytes, i));
            continue;
        }
        run = run != NULL ? run : start;
        run_end = bytes + field->value_off + field->value_len + 2;
    }
    if (run != NULL)
        nw_http1_write_bytes(writer, nw_slice_of(run, (size_t)(run_end - run)));
}

void nw_http1_write_framing(struct nw_http1_writer *writer, nw_http1_framing framing,
                            uint64_t length_bytes)
{
    if (framing == NW_HTTP1_BODY_LENGTH)
        nw_http1_write_field_u64(writer, NW_SLICE("Content-Length"), length_bytes);
    else if (framing == NW_HTTP1_BODY_CHUNKED)
        nw_http1_write_bytes(writer, NW_SLICE("Transfer-Encoding: chunked\r\n"));
}

void nw_http1_write_end(struct nw_http1_writer *writer)
{
    nw_http1_write_bytes(writer, NW_SLICE("\r\n"));
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
