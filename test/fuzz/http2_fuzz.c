/*
 * HTTP/2 frames: cut anywhere they give the same events as the whole. And one request said in both
 * protocols: what the session lets through is one HTTP/1.1 head that says the same, and what the
 * judge of HTTP/1.1 refuses never gets through as HTTP/2.
 */
#include "../unit/proto/http2_pair.h"

#include "base/assert.h"
#include "proto/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the same events ---- */

/* All of it in pieces of `step` bytes (0: at once); what is held follows the events in the log. */
static struct side *hear(const uint8_t *data, size_t size, bool is_client, size_t step,
                         size_t *out_events_len)
{
    struct side *side = side_new(is_client);
    side->does_hold = true; /* what is read in between would widen windows at other moments */
    if (is_client)
        for (unsigned i = 0; i < 3; i++)
            side_ask(side, i == 1 ? "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
                                  : "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_output(side);
    nw_err err = NW_OK;
    if (!is_client)
        err = side_input(side, preface, sizeof preface - 1);
    for (size_t at = 0; at < size && err == NW_OK;) {
        size_t bytes = step == 0 || step > size - at ? size - at : step;
        char *copy = malloc(bytes); /* a read beyond the end is caught */
        memcpy(copy, data + at, bytes);
        err = side_input(side, copy, bytes);
        free(copy);
        at += bytes;
    }
    side_output(side);
    *out_events_len = side->log_len;
    for (unsigned i = 0; i < side->stream_count; i++)
        side_note(side, "held %u: %u\n", i, side->streams[i].wire.held_bytes);
    return side;
}

/*
 * Behind the frame that ended a connection, what came in the same piece may still be heard: then
 * the events of the cut are the first ones of the whole.
 */
static void same_events(const uint8_t *data, size_t size)
{
    bool is_client = (data[0] & 2) != 0;
    size_t step = data[0] >> 2, whole_len, cut_len;
    struct side *whole = hear(data + 1, size - 1, is_client, 0, &whole_len);
    struct side *cut = hear(data + 1, size - 1, is_client, step != 0 ? step : 1, &cut_len);
    bool is_over = nw_http2_is_over(whole->http2) || nw_http2_is_over(cut->http2);
    NW_ASSERT(is_over ? cut_len <= whole_len : whole->log_len == cut->log_len);
    NW_ASSERT(memcmp(whole->log, cut->log, is_over ? cut_len : whole->log_len) == 0);
    side_free(whole);
    side_free(cut);
}

/* ---- the same request ---- */

enum { PIECES_MAX = 24 };

/* Method, path, authority, then names and values, separated by 0xff. */
struct request {
    struct nw_slice pieces[PIECES_MAX];
    unsigned count;
};

static size_t as_http2(const struct request *request, unsigned char *to)
{
    static const char *const names[] = {":method", ":path", ":authority"};
    size_t len = field_put(to, ":scheme", 7, "http", 4);
    for (unsigned i = 0; i < 3; i++)
        len += field_put(to + len, names[i], strlen(names[i]), request->pieces[i].ptr,
                         request->pieces[i].len);
    for (unsigned i = 3; i + 1 < request->count; i += 2)
        len += field_put(to + len, request->pieces[i].ptr, request->pieces[i].len,
                         request->pieces[i + 1].ptr, request->pieces[i + 1].len);
    return len;
}

static size_t text_put(char *to, struct nw_slice piece)
{
    memcpy(to, piece.ptr, piece.len);
    return piece.len;
}

static size_t as_http1(const struct request *request, char *to)
{
    size_t len = text_put(to, request->pieces[0]);
    to[len++] = ' ';
    len += text_put(to + len, request->pieces[1]);
    len += text_put(to + len, NW_SLICE(" HTTP/1.1\r\nhost: "));
    len += text_put(to + len, request->pieces[2]);
    for (unsigned i = 3; i + 1 < request->count; i += 2) {
        len += text_put(to + len, NW_SLICE("\r\n"));
        len += text_put(to + len, request->pieces[i]);
        len += text_put(to + len, NW_SLICE(": "));
        len += text_put(to + len, request->pieces[i + 1]);
    }
    return len + text_put(to + len, NW_SLICE("\r\n\r\n"));
}

static nw_err judge(struct nw_slice text, struct nw_http1_head *head,
                    struct nw_http1_message *message)
{
    struct nw_http1_parser parser;
    nw_http1_class found;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    NW_TRY(nw_http1_parse(&parser, text, head));
    if (head->head_bytes != text.len)
        return NW_BAD_REQUEST;
    return nw_http1_request_judge(head, text.ptr, message, &found);
}

/* The crumbs that were sent are the value of one line, wherever it stands. */
static void says_the_cookie(const struct request *request, struct nw_slice got)
{
    bool is_first = true;
    for (unsigned i = 3; i + 1 < request->count; i += 2) {
        struct nw_slice value = request->pieces[i + 1];
        if (!nw_slice_eq(request->pieces[i], NW_SLICE("cookie")) || (value.len == 0 && !is_first))
            continue;
        if (!is_first) {
            NW_ASSERT(nw_slice_starts_with(got, NW_SLICE("; ")));
            got = nw_slice_skip(got, 2);
        }
        is_first = false;
        NW_ASSERT(nw_slice_starts_with(got, value));
        got = nw_slice_skip(got, value.len);
    }
    NW_ASSERT(!is_first && got.len == 0);
}

/* Every line of the text is one of the fields that were sent, in order, cookies aside. */
static void says_the_same(const struct request *request, const struct nw_http1_head *head,
                          const char *text)
{
    NW_ASSERT(nw_slice_eq(nw_http1_method(head, text), request->pieces[0]));
    NW_ASSERT(nw_slice_eq(nw_http1_target(head, text), request->pieces[1]));
    NW_ASSERT(nw_slice_eq(nw_http1_value(head, text, 0), request->pieces[2]));
    unsigned piece = 3, cookie_count = 0;
    for (uint32_t line = 1; line < head->field_count; line++) {
        struct nw_slice name = nw_http1_name(head, text, line);
        struct nw_slice value = nw_http1_value(head, text, line);
        if (nw_slice_eq(name, NW_SLICE("cookie"))) {
            says_the_cookie(request, value);
            cookie_count++;
            continue;
        }
        while (piece + 1 < request->count &&
               (nw_slice_eq(request->pieces[piece], NW_SLICE("cookie")) ||
                nw_slice_eq(request->pieces[piece], NW_SLICE("host"))))
            piece += 2;
        NW_ASSERT(piece + 1 < request->count && nw_slice_eq(name, request->pieces[piece]));
        NW_ASSERT(nw_slice_eq(value, request->pieces[piece + 1]));
        piece += 2;
    }
    NW_ASSERT(cookie_count <= 1);
    for (; piece + 1 < request->count; piece += 2)
        NW_ASSERT(nw_slice_eq(request->pieces[piece], NW_SLICE("host")) ||
                  (cookie_count == 1 && nw_slice_eq(request->pieces[piece], NW_SLICE("cookie"))));
}

static void same_request(const uint8_t *data, size_t size)
{
    static struct frames frames;
    static unsigned char block[16384];
    static char text[16384];
    static struct nw_http1_head head, direct;
    struct nw_http1_message message;
    struct request request = {.count = 0};
    struct nw_slice rest = nw_slice_of((const char *)data, size), piece;
    while (request.count < PIECES_MAX && nw_slice_split(&rest, (char)0xff, &piece))
        request.pieces[request.count++] = piece;
    if (request.count < 3 || nw_slice_eq(request.pieces[0], NW_SLICE("CONNECT")))
        return;
    for (unsigned i = 3; i < request.count; i += 2)
        if (request.pieces[i].len > 100 ||
            (request.pieces[i].len > 0 && request.pieces[i].ptr[0] == ':'))
            return; /* a pseudo-field has no other form */
    frames_begin(&frames);
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1, block, as_http2(&request, block));
    struct side *side = side_new(false);
    (void)!side_input(side, frames.bytes, frames.len);
    struct nw_slice log = nw_slice_of(side->log, side->log_len);
    struct nw_slice mark = NW_SLICE("request end ");
    if (nw_slice_starts_with(log, mark)) {
        struct nw_slice got = nw_slice_skip(log, mark.len);
        nw_err err = judge(got, &head, &message);
        if (err == NW_OK) {
            says_the_same(&request, &head, got.ptr);
            NW_ASSERT(message.framing == NW_HTTP1_BODY_NONE);
        }
        struct nw_slice said = nw_slice_of(text, as_http1(&request, text));
        bool has_host = memmem(data, size, "host", 4) != NULL; /* twice in HTTP/1.1 */
        NW_ASSERT(has_host || err == judge(said, &direct, &message));
    }
    side_free(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 8192)
        return 0;
    if ((data[0] & 1) == 0)
        same_events(data, size);
    else
        same_request(data + 1, size - 1);
    return 0;
}
