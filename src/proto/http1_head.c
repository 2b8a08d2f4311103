/*
 * One pass over the head, one function for each phase. A phase looks at the bytes that are there,
 * moves parser->at behind what it is sure of, and either names the next phase, asks for more, or
 * names the class of what is wrong. Long pieces (target, name, value) keep `at` where their scan
 * stopped, so a client that sends byte by byte costs no more than one that sends all at once.
 *
 * Invariant: a verdict depends on the bytes up to the one that decides it and on nothing behind it.
 * Hence a CR waits for the byte after it, limits are checked before the byte that passes them is
 * judged, and input beyond the head limit is not looked at. The tests and the fuzzers cut every
 * input at every byte and compare.
 *
 * The workload: heads of 200 to 2,000 bytes that arrive in one piece; names of about ten bytes (one
 * load finds the end, checks and recognises), values of 10 to 200 (sixteen bytes a step). Not
 * taken: one automaton with a table step for each byte, and leniency behind a switch: two readings
 * of one message are what request smuggling is made of.
 */
#include "base/assert.h"
#include "proto/http1.h"
#include "proto/http1_scan.h"

enum phase {
    PHASE_METHOD,
    PHASE_TARGET,
    PHASE_REQUEST_VERSION,
    PHASE_RESPONSE_VERSION,
    PHASE_STATUS,
    PHASE_REASON,
    PHASE_LINE,
    PHASE_NAME,
    PHASE_SPACE,
    PHASE_VALUE,
    PHASE_DONE,
    PHASE_FAILED
};

/* What a phase says: go on with parser->phase, wait, or fail. */
typedef enum step { STEP_ON, STEP_WAIT, STEP_FAIL } step;

/* The bytes of this call; offsets are taken against `bytes`. */
struct cursor {
    const char *bytes;
    const char *at;
    const char *end;
};

static const struct {
    const char *name;
    const char *sentence;
    int status;
} class_row[NW_HTTP1_CLASS_COUNT] = {
    [NW_HTTP1_FINE] = {"FINE", "nothing is wrong", 200},
#define NW_HTTP1_CLASS(name, status, sentence) [NW_HTTP1_##name] = {#name, sentence, status},
#include "proto/http1_class.def"
#undef NW_HTTP1_CLASS
};

const char *nw_http1_class_name(nw_http1_class found)
{
    NW_ASSERT(found < NW_HTTP1_CLASS_COUNT);
    return class_row[found].name;
}

const char *nw_http1_class_sentence(nw_http1_class found)
{
    NW_ASSERT(found < NW_HTTP1_CLASS_COUNT);
    return class_row[found].sentence;
}

int nw_http1_class_status(nw_http1_class found)
{
    NW_ASSERT(found < NW_HTTP1_CLASS_COUNT);
    return class_row[found].status;
}

nw_err nw_http1_class_err(nw_http1_class found, bool is_response)
{
    if (found == NW_HTTP1_FINE)
        return NW_OK;
    if (is_response)
        return NW_BAD_MESSAGE;
    switch (nw_http1_class_status(found)) {
    case 405:
        return NW_BAD_METHOD;
    case 414:
        return NW_TARGET_TOO_LONG;
    case 417:
        return NW_EXPECTATION_FAILED;
    case 431:
        return NW_HEAD_TOO_LARGE;
    case 501:
        return NW_NOT_IMPLEMENTED;
    case 505:
        return NW_BAD_VERSION;
    default:
        return NW_BAD_REQUEST;
    }
}

void nw_http1_parser_init(struct nw_http1_parser *parser, bool is_response,
                          const struct nw_http1_limits *limits)
{
    NW_ASSERT(limits->head_bytes <= NW_HTTP1_HEAD_MAX_BYTES);
    NW_ASSERT(limits->field_count <= NW_HTTP1_FIELDS_MAX);
    *parser = (struct nw_http1_parser){
        .limits = *limits,
        .phase = is_response ? PHASE_RESPONSE_VERSION : PHASE_METHOD,
        .is_response = is_response,
    };
}

static step fail(struct nw_http1_parser *parser, nw_http1_class found)
{
    parser->found = found;
    return STEP_FAIL;
}

/* `at` is a CR where `found` is the verdict if LF follows, BARE_CR if not. */
static step fail_at_cr(struct nw_http1_parser *parser, const struct cursor *c, const char *at,
                       nw_http1_class found)
{
    if (at + 1 == c->end)
        return STEP_WAIT;
    return fail(parser, at[1] == '\n' ? found : NW_HTTP1_BARE_CR);
}

static inline uint32_t offset(const struct cursor *c, const char *at)
{
    return (uint32_t)(at - c->bytes);
}

/* A byte of the start line that fits nowhere: white space has a class of its own there. */
static step fail_in_start(struct nw_http1_parser *parser, const struct cursor *c, const char *at,
                          nw_http1_class at_line_end, nw_http1_class otherwise)
{
    if (*at == '\r')
        return fail_at_cr(parser, c, at, at_line_end);
    if (*at == ' ' || *at == '\t')
        return fail(parser, NW_HTTP1_EXTRA_SPACE);
    return fail(parser, nw_byte_class(*at, otherwise));
}

static inline step read_method(struct nw_http1_parser *parser, struct cursor *c,
                               struct nw_http1_head *head)
{
    if (NW_LIKELY(parser->at == 0 && c->end - c->at >= 4 && memcmp(c->at, "GET ", 4) == 0)) {
        head->method_len = 3;
        head->method = NW_HTTP_GET;
        c->at += 4;
        parser->start = 4;
        parser->phase = PHASE_TARGET;
        return STEP_ON;
    }
    c->at = nw_scan_token(c->at, c->end);
    if (c->at == c->end)
        return STEP_WAIT;
    if (c->at == c->bytes && (*c->at == '\r' || *c->at == '\n'))
        return fail(parser, NW_HTTP1_LEADING_EMPTY_LINE);
    if (NW_UNLIKELY(*c->at != ' ' || c->at == c->bytes))
        return fail_in_start(parser, c, c->at, NW_HTTP1_MISSING_VERSION, NW_HTTP1_INVALID_METHOD);
    head->method_len = offset(c, c->at);
    head->method = nw_http_method_find(nw_slice_of(c->bytes, head->method_len));
    c->at++;
    parser->start = offset(c, c->at);
    parser->phase = PHASE_TARGET;
    return STEP_ON;
}

static inline step read_target(struct nw_http1_parser *parser, struct cursor *c,
                               struct nw_http1_head *head)
{
    c->at = nw_scan_target(c->at, c->end);
    uint32_t len = offset(c, c->at) - parser->start;
    if (NW_UNLIKELY(len > parser->limits.target_bytes))
        return fail(parser, NW_HTTP1_TARGET_TOO_LONG);
    if (c->at == c->end)
        return STEP_WAIT;
    if (NW_UNLIKELY(*c->at != ' ' || len == 0))
        return fail_in_start(parser, c, c->at, NW_HTTP1_MISSING_VERSION, NW_HTTP1_INVALID_TARGET);
    head->target_off = parser->start;
    head->target_len = len;
    c->at++;
    parser->phase = PHASE_REQUEST_VERSION;
    return STEP_ON;
}

/* "HTTP/1.1": the first eight bytes from c->at, as far as they are there. */
static step read_version(struct nw_http1_parser *parser, struct cursor *c)
{
    for (int i = 0; i < 8; i++) {
        const char *at = c->at + i;
        if (at == c->end)
            return STEP_WAIT;
        bool fits = i == 5 || i == 7 ? *at >= '0' && *at <= '9' : *at == "HTTP/0.0"[i];
        if (fits)
            continue;
        if (i == 0 && parser->is_response && (*at == '\r' || *at == '\n'))
            return fail(parser, NW_HTTP1_LEADING_EMPTY_LINE);
        return fail_in_start(parser, c, at,
                             i == 0 ? NW_HTTP1_MISSING_VERSION : NW_HTTP1_INVALID_VERSION,
                             NW_HTTP1_INVALID_VERSION);
    }
    return STEP_ON;
}

/* The two digits, once what has to follow them was seen. */
static step judge_version(struct nw_http1_parser *parser, const struct cursor *c,
                          struct nw_http1_head *head)
{
    if (c->at[5] != '1')
        return fail(parser, NW_HTTP1_UNSUPPORTED_VERSION);
    if (c->at[7] > '1')
        return fail(parser, NW_HTTP1_INVALID_VERSION);
    head->version_minor = (uint8_t)(c->at[7] - '0');
    return STEP_ON;
}

static step read_request_version_slowly(struct nw_http1_parser *parser, struct cursor *c,
                                        struct nw_http1_head *head)
{
    step went = read_version(parser, c);
    if (went != STEP_ON)
        return went;
    const char *end = c->at + 8;
    if (end == c->end || (*end == '\r' && end + 1 == c->end))
        return STEP_WAIT;
    if (*end != '\r')
        return fail_in_start(parser, c, end, NW_HTTP1_INVALID_VERSION, NW_HTTP1_INVALID_VERSION);
    if (end[1] != '\n')
        return fail(parser, NW_HTTP1_BARE_CR);
    went = judge_version(parser, c, head);
    c->at += went == STEP_ON ? 10 : 0;
    parser->phase = PHASE_LINE;
    return went;
}

static inline step read_request_version(struct nw_http1_parser *parser, struct cursor *c,
                                        struct nw_http1_head *head)
{
    if (NW_UNLIKELY(c->end - c->at < 10 || memcmp(c->at, "HTTP/1.1\r\n", 10) != 0))
        return read_request_version_slowly(parser, c, head);
    head->version_minor = 1;
    c->at += 10;
    parser->phase = PHASE_LINE;
    return STEP_ON;
}

static step read_response_version_slowly(struct nw_http1_parser *parser, struct cursor *c,
                                         struct nw_http1_head *head)
{
    step went = read_version(parser, c);
    if (went != STEP_ON)
        return went;
    const char *end = c->at + 8;
    if (end == c->end)
        return STEP_WAIT;
    if (*end == '\t')
        return fail(parser, NW_HTTP1_EXTRA_SPACE);
    if (*end != ' ')
        return fail_in_start(parser, c, end, NW_HTTP1_INVALID_STATUS, NW_HTTP1_INVALID_VERSION);
    went = judge_version(parser, c, head);
    c->at += went == STEP_ON ? 9 : 0;
    parser->phase = PHASE_STATUS;
    return went;
}

static inline step read_response_version(struct nw_http1_parser *parser, struct cursor *c,
                                         struct nw_http1_head *head)
{
    if (NW_UNLIKELY(c->end - c->at < 9 || memcmp(c->at, "HTTP/1.1 ", 9) != 0))
        return read_response_version_slowly(parser, c, head);
    head->version_minor = 1;
    c->at += 9;
    parser->phase = PHASE_STATUS;
    return STEP_ON;
}

/* Three digits, then a space and the phrase, or the end of the line as some servers send it. */
static step read_status(struct nw_http1_parser *parser, struct cursor *c,
                        struct nw_http1_head *head)
{
    int status = 0;
    for (int i = 0; i < 3; i++) {
        const char *at = c->at + i;
        if (at == c->end)
            return STEP_WAIT;
        if (*at < '0' || *at > '9')
            return fail_in_start(parser, c, at, NW_HTTP1_INVALID_STATUS, NW_HTTP1_INVALID_STATUS);
        status = status * 10 + (*at - '0');
    }
    const char *end = c->at + 3;
    if (end == c->end)
        return STEP_WAIT;
    if (status < 100 || status > 599)
        return fail(parser, NW_HTTP1_INVALID_STATUS);
    if (*end != ' ' && *end != '\r')
        return fail_in_start(parser, c, end, NW_HTTP1_INVALID_STATUS, NW_HTTP1_INVALID_STATUS);
    head->status = (uint16_t)status;
    c->at = *end == ' ' ? end + 1 : end;
    parser->start = offset(c, c->at);
    parser->phase = PHASE_REASON;
    return STEP_ON;
}

/* Takes the CRLF that ends a piece; c->at is where the scan stopped. */
static inline step take_line_end(struct nw_http1_parser *parser, struct cursor *c)
{
    if (c->at == c->end)
        return STEP_WAIT;
    if (NW_UNLIKELY(*c->at != '\r'))
        return fail(parser, nw_byte_class(*c->at, NW_HTTP1_CONTROL_BYTE));
    if (c->end - c->at < 2)
        return STEP_WAIT;
    if (NW_UNLIKELY(c->at[1] != '\n'))
        return fail(parser, NW_HTTP1_BARE_CR);
    c->at += 2;
    return STEP_ON;
}

static step read_reason(struct nw_http1_parser *parser, struct cursor *c,
                        struct nw_http1_head *head)
{
    c->at = nw_scan_value(c->at, c->end);
    const char *end = c->at;
    step went = take_line_end(parser, c);
    if (went != STEP_ON)
        return went;
    head->reason_off = parser->start;
    head->reason_len = offset(c, end) - parser->start;
    parser->phase = PHASE_LINE;
    return STEP_ON;
}

/* The first byte of a line: the end of the head, or a field. */
static inline step read_line(struct nw_http1_parser *parser, struct cursor *c,
                             struct nw_http1_head *head)
{
    if (c->at == c->end)
        return STEP_WAIT;
    char byte = *c->at;
    if (NW_LIKELY(nw_byte_is(byte, NW_BYTE_TOKEN))) {
        if (NW_UNLIKELY(head->field_count == parser->limits.field_count))
            return fail(parser, NW_HTTP1_TOO_MANY_FIELDS);
        parser->start = offset(c, c->at);
        parser->phase = PHASE_NAME;
        return STEP_ON;
    }
    if (byte == '\r') {
        step went = take_line_end(parser, c);
        if (went == STEP_ON)
            parser->phase = PHASE_DONE;
        return went;
    }
    if (byte == ' ' || byte == '\t')
        return fail(parser, NW_HTTP1_FOLDED_LINE);
    if (byte == ':')
        return fail(parser, NW_HTTP1_EMPTY_NAME);
    return fail(parser, nw_byte_class(byte, NW_HTTP1_INVALID_NAME));
}

static inline step read_name(struct nw_http1_parser *parser, struct cursor *c,
                             struct nw_http1_head *head)
{
    c->at = nw_scan_name(c->at, c->end);
    if (c->at == c->end)
        return STEP_WAIT;
    if (NW_UNLIKELY(*c->at != ':')) {
        if (*c->at == '\r')
            return fail_at_cr(parser, c, c->at, NW_HTTP1_MISSING_COLON);
        if (*c->at == ' ' || *c->at == '\t')
            return fail(parser, NW_HTTP1_SPACE_BEFORE_COLON);
        return fail(parser, nw_byte_class(*c->at, NW_HTTP1_INVALID_NAME));
    }
    struct nw_http1_field *field = &head->fields[head->field_count];
    field->name_off = parser->start;
    field->name_len = (uint16_t)(offset(c, c->at) - parser->start);
    c->at++;
    parser->phase = PHASE_SPACE;
    return STEP_ON;
}

static inline step read_space(struct nw_http1_parser *parser, struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
    if (c->at == c->end)
        return STEP_WAIT;
    parser->start = offset(c, c->at);
    parser->phase = PHASE_VALUE;
    return STEP_ON;
}

/* The field at the end of the table is complete. */
static void add_field(struct nw_http1_head *head, const char *bytes)
{
    struct nw_http1_field *field = &head->fields[head->field_count];
    nw_http_field id = nw_http_field_find(nw_http1_name(head, bytes, head->field_count));
    uint64_t bit = UINT64_C(1) << id;
    field->id = (uint16_t)id;
    if ((head->present & bit) == 0)
        head->first[id] = (uint8_t)head->field_count;
    if (id == NW_HTTP_FIELD_OTHER)
        head->other_initials |= nw_http1_initial(bytes[field->name_off]);
    head->has_odd_fields = true; /* or it was only cut by a read */
    head->repeated |= head->present & bit;
    head->present |= bit & ~UINT64_C(1);
    head->field_count++;
}

static inline step read_value(struct nw_http1_parser *parser, struct cursor *c,
                              struct nw_http1_head *head)
{
    c->at = nw_scan_value(c->at, c->end);
    const char *start = c->bytes + parser->start, *end = c->at;
    step went = take_line_end(parser, c);
    if (went != STEP_ON)
        return went;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    struct nw_http1_field *field = &head->fields[head->field_count];
    field->value_off = parser->start;
    field->value_len = (uint32_t)(end - start);
    add_field(head, c->bytes);
    parser->phase = PHASE_LINE;
    return STEP_ON;
}

#if defined(__SSE2__)
/* Sixteen bytes from `at`; near the end some before it are loaded too, to be shifted out. */
static inline __m128i load_near(const char *at, const char *end, unsigned *out_shift)
{
    *out_shift = end - at >= 16 ? 0 : 16 - (unsigned)(end - at);
    return nw_load_16(at - *out_shift);
}

static inline const char *scan_value_near(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        unsigned mask = nw_value_ends(nw_load_16(at));
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
    if (at == end)
        return end;
    unsigned shift;
    __m128i last = load_near(at, end, &shift); /* first: it says how far to shift */
    unsigned mask = nw_value_ends(last) >> shift;
    return mask != 0 ? at + __builtin_ctz(mask) : end;
}

/*
 * The straight way for fields that are all there and look as nearly all do: "Name: value CRLF" with
 * a name below sixteen bytes. At the first that is anything else it stops before it, and the phases
 * judge. The start line lies in front, so there are sixteen bytes before every end.
 */
static inline void read_plain_fields(struct nw_http1_parser *parser, struct cursor *c,
                                     struct nw_http1_head *head)
{
    const char *const bytes = c->bytes, *const end = c->end, *at = c->at;
    uint32_t count = head->field_count;
    uint64_t present = head->present, repeated = head->repeated;
    if (at - bytes < 16)
        return;
    for (; count < parser->limits.field_count && end - at >= 4; count++) {
        __m128i x;
        if (NW_LIKELY(end - at >= 16)) {
            x = nw_load_16(at);
        } else {
            char line[16] = {0};
            memcpy(line, at, (size_t)(end - at));
            x = nw_load_16(line);
        }
        unsigned name_len = (unsigned)__builtin_ctz(nw_name_ends(x) | 0x10000);
        const char *value = at + name_len + 2;
        if (name_len - 1 > 14 || end - value < 2 || memcmp(value - 2, ": ", 2) != 0)
            break;
        const char *value_end = scan_value_near(value, end);
        /* An empty value has its CR here; white space at an end is for the phases to cut. */
        if (NW_UNLIKELY(end - value_end < 2 || memcmp(value_end, "\r\n", 2) != 0 ||
                        (unsigned char)*value <= ' ' || (unsigned char)value_end[-1] <= ' '))
            break;
        nw_http_field id = nw_field_find_16(x, name_len);
        head->fields[count] = (struct nw_http1_field){
            .name_off = (uint32_t)(at - bytes),
            .name_len = (uint16_t)name_len,
            .value_off = (uint32_t)(value - bytes),
            .value_len = (uint32_t)(value_end - value),
            .id = (uint16_t)id,
        };
        uint64_t bit = UINT64_C(1) << id;
        if ((present & bit) == 0)
            head->first[id] = (uint8_t)count; /* of OTHER too; nobody reads it */
        if (id == NW_HTTP_FIELD_OTHER)
            head->other_initials |= nw_http1_initial(at[0]);
        repeated |= present & bit;
        present |= bit;
        at = value_end + 2;
    }
    head->field_count = count;
    head->present = present & ~UINT64_C(1);
    head->repeated = repeated;
    c->at = at;
}
#else
static inline void read_plain_fields(struct nw_http1_parser *parser, struct cursor *c,
                                     struct nw_http1_head *head)
{
}
#endif

static step read_phase(struct nw_http1_parser *parser, struct cursor *c, struct nw_http1_head *head)
{
    switch ((enum phase)parser->phase) {
    case PHASE_METHOD:
        return read_method(parser, c, head);
    case PHASE_TARGET:
        return read_target(parser, c, head);
    case PHASE_REQUEST_VERSION:
        return read_request_version(parser, c, head);
    case PHASE_RESPONSE_VERSION:
        return read_response_version(parser, c, head);
    case PHASE_STATUS:
        return read_status(parser, c, head);
    case PHASE_REASON:
        return read_reason(parser, c, head);
    case PHASE_LINE:
        read_plain_fields(parser, c, head);
        return read_line(parser, c, head);
    case PHASE_NAME:
        return read_name(parser, c, head);
    case PHASE_SPACE:
        return read_space(parser, c);
    case PHASE_VALUE:
        return read_value(parser, c, head);
    case PHASE_DONE:
    case PHASE_FAILED:
        break;
    }
    return STEP_FAIL;
}

/* Nothing but what later code may read before it is set; the field table stays as it is. */
static void head_init(struct nw_http1_head *head, bool is_response)
{
    memset(head, 0, offsetof(struct nw_http1_head, first));
    head->is_response = is_response;
}

nw_err nw_http1_parse(struct nw_http1_parser *parser, struct nw_slice bytes,
                      struct nw_http1_head *head)
{
    NW_ASSERT(parser->phase < PHASE_DONE);
    NW_ASSERT(bytes.len >= parser->at);
    if (bytes.len == 0)
        return NW_AGAIN;
    if (parser->at == 0)
        head_init(head, parser->is_response);
    bool is_cut = bytes.len >= parser->limits.head_bytes;
    size_t len = is_cut ? parser->limits.head_bytes : bytes.len;
    struct cursor c = {bytes.ptr, bytes.ptr + parser->at, bytes.ptr + len};
    step went = STEP_ON;
    while (went == STEP_ON && parser->phase != PHASE_DONE)
        went = read_phase(parser, &c, head);
    parser->at = offset(&c, c.at);
    if (went == STEP_ON) {
        head->head_bytes = parser->at;
        return NW_OK;
    }
    if (went == STEP_WAIT && !is_cut)
        return NW_AGAIN;
    if (went == STEP_WAIT)
        parser->found = NW_HTTP1_HEAD_TOO_LARGE;
    parser->phase = PHASE_FAILED;
    return nw_http1_class_err(parser->found, parser->is_response);
}

int nw_http1_find(const struct nw_http1_head *head, const char *bytes, struct nw_slice name,
                  uint32_t from)
{
    for (uint32_t i = from; i < head->field_count; i++) {
        if (nw_slice_eq_nocase(nw_http1_name(head, bytes, i), name))
            return (int)i;
    }
    return -1;
}
