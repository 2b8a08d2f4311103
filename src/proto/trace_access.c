/*
 * newel's own access log as a trace: what gate/access.c writes, told apart line by line, since the
 * form may have been changed by a reload and events may share the file. Only structure is judged
 * bad. A whole line that is no GET or HEAD, that tells of a refused head, or that is an event, is
 * skipped: a cache never saw it.
 *
 * The common format is what other servers write too, so logs of nginx and Apache are read as well;
 * they may hold targets that are not normal or bytes escaped as \x22.
 */
#include "base/assert.h"
#include "proto/target.h"
#include "proto/trace_impl.h"

/* What a line says, raw: escapes stand as they were written. */
struct line {
    struct nw_slice time, method, host, target, status, bytes;
    bool is_event;   /* not of an exchange */
    bool is_refused; /* of a head that newel refused */
};

/* ---- escapes ---- */

static int hex_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool read_hex(struct nw_slice text, size_t at, int digits, unsigned *out)
{
    unsigned value = 0;
    if (text.len < at + (size_t)digits)
        return false;
    for (int i = 0; i < digits; i++) {
        int digit = hex_of(text.ptr[at + (size_t)i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *out = value;
    return true;
}

static size_t put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | point >> 12);
    to[1] = (char)(0x80 | (point >> 6 & 0x3f));
    to[2] = (char)(0x80 | (point & 0x3f));
    return 3;
}

/* The escape at text.ptr[at], behind its backslash; *out_used bytes of it. 0: it is none. */
static size_t read_escape(struct nw_slice text, size_t at, char *to, size_t *out_used)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    unsigned value;
    if (at >= text.len)
        return 0;
    const char *found = text.ptr[at] != '\0' ? strchr(from, text.ptr[at]) : NULL;
    if (found != NULL) {
        *to = into[found - from];
        *out_used = 1;
        return 1;
    }
    if (text.ptr[at] == 'x' && read_hex(text, at + 1, 2, &value)) {
        *to = (char)value;
        *out_used = 3;
        return 1;
    }
    if (text.ptr[at] != 'u' || !read_hex(text, at + 1, 4, &value))
        return 0;
    *out_used = 5;
    return put_utf8(to, value); /* half of a pair stays a half: keys are compared, not read */
}

bool trace_unescape(struct nw_slice text, char *to, struct nw_slice *out)
{
    size_t len = nw_slice_find(text, '\\');
    if (len == text.len) {
        *out = text;
        return true;
    }
    memcpy(to, text.ptr, len);
    for (size_t at = len; at < text.len;) {
        if (text.ptr[at] != '\\') {
            to[len++] = text.ptr[at++];
            continue;
        }
        size_t used = 0, bytes = read_escape(text, at + 1, to + len, &used);
        if (bytes == 0)
            return false;
        len += bytes;
        at += 1 + used;
    }
    *out = nw_slice_of(to, len);
    return true;
}

/* The length of the text up to its first quote without a backslash; text.len: it has none. */
static size_t quoted_len(struct nw_slice text)
{
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] == '"')
            return at;
        if (text.ptr[at] == '\\')
            at++;
    }
    return text.len;
}

/* Behind an opening quote: what stands before the closing one, which *rest moves behind. */
static bool take_quoted(struct nw_slice *rest, struct nw_slice *out)
{
    size_t len = quoted_len(*rest);
    if (len >= rest->len)
        return false;
    *out = nw_slice_first(*rest, len);
    *rest = nw_slice_skip(*rest, len + 1);
    return true;
}

static bool take_char(struct nw_slice *rest, char byte)
{
    if (rest->len == 0 || rest->ptr[0] != byte)
        return false;
    *rest = nw_slice_skip(*rest, 1);
    return true;
}

/* ---- pairs, in logfmt and in JSON ---- */

/* The first pair of a name counts: what a gateway adds to a line stands behind newel's own. */
static void note(struct line *line, struct nw_slice name, struct nw_slice value)
{
    static const struct {
        struct nw_slice name;
        size_t at;
    } wanted[] = {
        {NW_SLICE_LIT("time"), offsetof(struct line, time)},
        {NW_SLICE_LIT("method"), offsetof(struct line, method)},
        {NW_SLICE_LIT("host"), offsetof(struct line, host)},
        {NW_SLICE_LIT("target"), offsetof(struct line, target)},
        {NW_SLICE_LIT("status"), offsetof(struct line, status)},
        {NW_SLICE_LIT("bytes"), offsetof(struct line, bytes)},
    };
    for (size_t i = 0; i < NW_COUNT(wanted); i++) {
        struct nw_slice *slot = (struct nw_slice *)(void *)((char *)line + wanted[i].at);
        if (nw_slice_eq(name, wanted[i].name) && slot->ptr == NULL)
            *slot = value;
    }
    line->is_event |= nw_slice_eq(name, NW_SLICE("event"));
    line->is_refused |= nw_slice_eq(name, NW_SLICE("refused"));
}

static bool read_logfmt(struct nw_slice rest, struct line *out)
{
    while (rest.len > 0) {
        size_t equals = nw_slice_find(rest, '=');
        struct nw_slice name = nw_slice_first(rest, equals), value;
        if (equals == 0 || equals == rest.len || nw_slice_find(name, ' ') < name.len)
            return false;
        rest = nw_slice_skip(rest, equals + 1);
        if (take_char(&rest, '"')) {
            if (!take_quoted(&rest, &value))
                return false;
        } else {
            value = nw_slice_first(rest, nw_slice_find(rest, ' '));
            rest = nw_slice_skip(rest, value.len);
        }
        note(out, name, value);
        if (rest.len > 0 && !take_char(&rest, ' '))
            return false;
    }
    return true;
}

static void skip_spaces(struct nw_slice *rest)
{
    while (take_char(rest, ' ') || take_char(rest, '\t'))
        ;
}

/* A string, a number or a word; what nests is none of ours. */
static bool take_json_value(struct nw_slice *rest, struct nw_slice *out)
{
    if (take_char(rest, '"'))
        return take_quoted(rest, out);
    size_t len = 0;
    while (len < rest->len && strchr(",} \t{[\"", rest->ptr[len]) == NULL)
        len++;
    *out = nw_slice_first(*rest, len);
    *rest = nw_slice_skip(*rest, len);
    return len > 0;
}

static bool read_json(struct nw_slice rest, struct line *out)
{
    struct nw_slice name, value;
    if (!take_char(&rest, '{'))
        return false;
    for (bool is_more = true; is_more;) {
        skip_spaces(&rest);
        if (!take_char(&rest, '"') || !take_quoted(&rest, &name))
            return false;
        skip_spaces(&rest);
        if (!take_char(&rest, ':'))
            return false;
        skip_spaces(&rest);
        if (!take_json_value(&rest, &value))
            return false;
        note(out, name, value);
        skip_spaces(&rest);
        is_more = take_char(&rest, ',');
    }
    if (!take_char(&rest, '}'))
        return false;
    skip_spaces(&rest);
    return rest.len == 0;
}

/* ---- the common format ---- */

/* "GET /a HTTP/1.1" into method and target; other words are no request. */
static void split_request(struct nw_slice request, struct line *out)
{
    size_t first = nw_slice_find(request, ' ');
    size_t last = request.len;
    while (last > first && request.ptr[last - 1] != ' ')
        last--;
    if (last <= first + 1)
        return;
    struct nw_slice protocol = nw_slice_skip(request, last);
    if (!nw_slice_starts_with(protocol, NW_SLICE("HTTP/")))
        return;
    out->method = nw_slice_first(request, first);
    out->target = nw_slice_of(request.ptr + first + 1, last - first - 2);
}

static bool take_word(struct nw_slice *rest, struct nw_slice *out)
{
    *out = nw_slice_first(*rest, nw_slice_find(*rest, ' '));
    *rest = nw_slice_skip(*rest, out->len);
    return out->len > 0;
}

static bool read_common(struct nw_slice rest, struct line *out)
{
    struct nw_slice request;
    size_t open = nw_slice_find(rest, '[');
    if (open == rest.len || open < 2 || rest.ptr[open - 1] != ' ')
        return false;
    rest = nw_slice_skip(rest, open + 1);
    size_t close = nw_slice_find(rest, ']');
    if (close == rest.len)
        return false;
    out->time = nw_slice_first(rest, close);
    rest = nw_slice_skip(rest, close + 1);
    if (!take_char(&rest, ' ') || !take_char(&rest, '"') || !take_quoted(&rest, &request) ||
        !take_char(&rest, ' ') || !take_word(&rest, &out->status) || !take_char(&rest, ' ') ||
        !take_word(&rest, &out->bytes))
        return false;
    if (nw_slice_eq(out->bytes, NW_SLICE("-"))) /* Apache's nothing */
        out->bytes = NW_SLICE("0");
    out->host = NW_SLICE("");
    split_request(request, out);
    out->is_refused = out->method.ptr == NULL;
    return true;
}

/* ---- a record ---- */

/* Host and target in the form that newel routes and caches by, in trace->key. */
static trace_verdict make_key(struct nw_trace *trace, const struct line *line,
                              nw_http_method method, struct nw_trace_record *out)
{
    struct nw_target parsed;
    struct nw_slice target;
    nw_http1_class found;
    char *scratch = trace->key + NW_TRACE_LINE_MAX_BYTES;
    if (!trace_unescape(line->target, trace->target, &target))
        return TRACE_BAD;
    if (nw_target_parse(method, target, line->host, scratch, &parsed, &found) != NW_OK)
        return TRACE_SKIP; /* newel would have refused it */
    size_t len = parsed.host.len;
    if (len > 0)
        memcpy(trace->key, parsed.host.ptr, len);
    memcpy(trace->key + len, parsed.path.ptr, parsed.path.len);
    len += parsed.path.len;
    if (parsed.has_query) {
        trace->key[len++] = '?';
        memcpy(trace->key + len, parsed.query.ptr, parsed.query.len);
        len += parsed.query.len;
    }
    out->key = nw_slice_of(trace->key, len);
    return TRACE_RECORD;
}

/* Three digits, or the 0 of an exchange that ended before its answer. */
static bool read_status(struct nw_slice text, uint64_t *out)
{
    return nw_slice_to_u64(text, out) == NW_OK && (*out == 0 || (*out >= 100 && *out <= 999));
}

static trace_verdict judge_line(struct nw_trace *trace, const struct line *line,
                                struct nw_trace_record *out, const char **out_why)
{
    uint64_t status;
    *out_why = "time, status or bytes is missing or not what it should be";
    out->has_time =
        trace_time_iso(line->time, &out->time_us) || trace_time_common(line->time, &out->time_us);
    if (!out->has_time || !read_status(line->status, &status) ||
        (!line->is_refused && (nw_slice_to_u64(line->bytes, &out->size_bytes) != NW_OK ||
                               out->size_bytes > NW_TRACE_SIZE_MAX_BYTES)))
        return TRACE_BAD;
    if (line->is_refused)
        return TRACE_SKIP;
    *out_why = "method, host or target is missing or not what it should be";
    if (line->method.len == 0 || line->host.ptr == NULL || line->target.len == 0)
        return TRACE_BAD;
    nw_http_method method = nw_http_method_find(line->method);
    if (method != NW_HTTP_GET && method != NW_HTTP_HEAD)
        return TRACE_SKIP;
    out->has_size = method == NW_HTTP_GET && status != 206 && status != 304 && status != 0;
    return make_key(trace, line, method, out);
}

trace_verdict trace_access_judge(struct nw_trace *trace, struct nw_slice text,
                                 struct nw_trace_record *out, const char **out_why)
{
    struct line line = {0};
    bool is_read;
    if (text.len == 0)
        return TRACE_SKIP;
    if (text.ptr[0] == '{')
        is_read = read_json(text, &line);
    else if (nw_slice_starts_with(text, NW_SLICE("time=")))
        is_read = read_logfmt(text, &line);
    else
        is_read = read_common(text, &line);
    *out_why = "it is no line of an access log";
    if (!is_read)
        return TRACE_BAD;
    if (line.is_event)
        return TRACE_SKIP;
    return judge_line(trace, &line, out, out_why);
}
