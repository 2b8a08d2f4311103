/*
 * http2_pair.h - HTTP/2 sessions in memory: events become lines of a log, bodies come from slices.
 */
#ifndef NW_TEST_PROTO_HTTP2_PAIR_H
#define NW_TEST_PROTO_HTTP2_PAIR_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http2.h"
#include "../../check.h"

enum { SIDE_STREAMS = 256, SIDE_BYTES = 4 << 20 };

struct side_stream {
    struct nw_http2_stream wire; /* first */
    struct nw_slice body;        /* what is to be sent */
    const char *trailers;
    bool is_end;
};

struct side {
    struct nw_http2 *http2;
    char *log; /* what happened, one line each */
    size_t log_len;
    char *out; /* frames on their way */
    size_t out_len;
    struct side_stream streams[SIDE_STREAMS];
    unsigned stream_count;
    unsigned stream_max; /* more are refused */
    unsigned glitches[NW_HTTP2_GLITCH_COUNT];
    uint64_t now_ms;
    size_t frame_room; /* DATA bytes that on_frame takes */
    bool does_hold;    /* DATA is not consumed at once */
};

NW_PRINTF(2, 3) static void side_note(struct side *side, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(side->log + side->log_len, SIDE_BYTES - side->log_len, format, args);
    va_end(args);
    CHECK(bytes >= 0 && side->log_len + (size_t)bytes < SIDE_BYTES);
    side->log_len += (size_t)bytes;
}

static struct nw_http2_stream *side_on_request(void *arg, const struct nw_http2_head *head)
{
    struct side *side = arg;
    if (side->stream_count == side->stream_max)
        return NULL;
    struct side_stream *stream = &side->streams[side->stream_count++];
    memset(stream, 0, sizeof *stream);
    side_note(side, "request%s%s %.*s", head->is_end ? " end" : "",
              head->is_too_large ? " large" : "", NW_SLICE_ARG(head->text));
    return &stream->wire;
}

static void side_on_answer(void *arg, struct nw_http2_stream *stream,
                           const struct nw_http2_head *head)
{
    side_note(arg, "answer %d%s %.*s", stream->id, head->is_end ? " end" : "",
              NW_SLICE_ARG(head->text));
}

static bool side_on_data(void *arg, struct nw_http2_stream *stream, struct nw_slice bytes)
{
    struct side *side = arg;
    if (!side->does_hold)
        side_note(side, "data %d %.*s\n", stream->id, NW_SLICE_ARG(bytes));
    return true;
}

static bool side_on_end(void *arg, struct nw_http2_stream *stream, struct nw_slice trailers)
{
    side_note(arg, "end %d %.*s\n", stream->id, NW_SLICE_ARG(trailers));
    return true;
}

static void side_on_close(void *arg, struct nw_http2_stream *stream)
{
    struct side *side = arg;
    side_note(side, "close %u %s%s%s\n",
              (unsigned)(((struct side_stream *)stream) - side->streams),
              nw_http2_code_name(stream->code), stream->is_peer_reset ? " by peer" : "",
              stream->is_unprocessed ? " unprocessed" : "");
}

static void side_on_goaway(void *arg, uint32_t code)
{
    side_note(arg, "goaway %s\n", nw_http2_code_name(code));
}

static void side_on_ping_answer(void *arg)
{
    side_note(arg, "pong\n");
}

static void side_on_settings(void *arg)
{
}

static void side_on_glitch(void *arg, nw_http2_glitch kind)
{
    ((struct side *)arg)->glitches[kind]++;
}

static struct nw_http2_ready side_on_ready(void *arg, struct nw_http2_stream *wire,
                                           size_t max_bytes)
{
    struct side_stream *stream = (struct side_stream *)wire;
    size_t bytes = stream->body.len < max_bytes ? stream->body.len : max_bytes;
    return (struct nw_http2_ready){bytes, stream->is_end && bytes == stream->body.len,
                                   stream->trailers != NULL};
}

static void side_put(struct side *side, const void *bytes, size_t count)
{
    CHECK(side->out_len + count <= SIDE_BYTES);
    memcpy(side->out + side->out_len, bytes, count);
    side->out_len += count;
}

static bool side_on_frame(void *arg, struct nw_http2_stream *wire, const uint8_t *head,
                          size_t bytes)
{
    struct side *side = arg;
    struct side_stream *stream = (struct side_stream *)wire;
    if (bytes > side->frame_room)
        return false;
    side->frame_room -= bytes;
    side_put(side, head, 9);
    side_put(side, stream->body.ptr, bytes);
    stream->body = nw_slice_skip(stream->body, bytes);
    return true;
}

static void side_on_head_sent(void *arg, struct nw_http2_stream *stream)
{
}

static struct nw_slice side_on_trailers(void *arg, struct nw_http2_stream *wire)
{
    return nw_slice_str(((struct side_stream *)wire)->trailers);
}

static const struct nw_http2_events side_events = {
    .on_request = side_on_request,
    .on_answer = side_on_answer,
    .on_data = side_on_data,
    .on_end = side_on_end,
    .on_close = side_on_close,
    .on_goaway = side_on_goaway,
    .on_ping_answer = side_on_ping_answer,
    .on_settings = side_on_settings,
    .on_glitch = side_on_glitch,
    .on_ready = side_on_ready,
    .on_frame = side_on_frame,
    .on_head_sent = side_on_head_sent,
    .on_trailers = side_on_trailers,
};

static struct nw_http2_options side_options(bool is_client)
{
    return (struct nw_http2_options){
        .events = &side_events,
        .is_client = is_client,
        .streams_max = 128,
        .head_max_bytes = 32768,
        .stream_window_bytes = 65536,
        .connection_window_bytes = 1 << 20,
    };
}

/* The large buffers of sides that are gone: a fuzzer makes many. */
static struct {
    char *buffers[8];
    unsigned count;
} side_spare;

static char *side_buffer(void)
{
    return side_spare.count != 0 ? side_spare.buffers[--side_spare.count] : malloc(SIDE_BYTES);
}

static void side_buffer_free(char *buffer)
{
    if (side_spare.count == sizeof side_spare.buffers / sizeof side_spare.buffers[0])
        free(buffer);
    else
        side_spare.buffers[side_spare.count++] = buffer;
}

static struct side *side_new_with(const struct nw_http2_options *options)
{
    struct side *side = calloc(1, sizeof *side);
    side->log = side_buffer();
    side->out = side_buffer();
    side->frame_room = SIZE_MAX;
    side->stream_max = SIDE_STREAMS;
    side->now_ms = 1000;
    struct nw_http2_options own = *options;
    own.arg = side;
    CHECK_OK(nw_http2_new(&own, &side->http2));
    return side;
}

NW_UNUSED static struct side *side_new(bool is_client)
{
    struct nw_http2_options options = side_options(is_client);
    return side_new_with(&options);
}

NW_UNUSED static void side_free(struct side *side)
{
    nw_http2_free(side->http2);
    side_buffer_free(side->log);
    side_buffer_free(side->out);
    free(side);
}

/* What it has to say joins `out`. */
static void side_output(struct side *side)
{
    struct nw_slice bytes;
    while (nw_http2_output(side->http2, &bytes) == NW_OK && bytes.len != 0)
        side_put(side, bytes.ptr, bytes.len);
}

NW_UNUSED static nw_err side_input(struct side *side, const void *bytes, size_t count)
{
    nw_err err = nw_http2_input(side->http2, nw_slice_of(bytes, count), side->now_ms);
    for (unsigned i = 0; i < side->stream_count && !side->does_hold; i++) {
        struct nw_http2_stream *stream = &side->streams[i].wire;
        nw_http2_consume(side->http2, stream, stream->held_bytes);
        if (nw_http2_is_window_due(stream))
            nw_http2_window_announce(side->http2, stream, 0);
    }
    return err;
}

/* Both talk until neither has anything to say. */
NW_UNUSED static void side_talk(struct side *a, struct side *b)
{
    do {
        side_output(a);
        (void)!side_input(b, a->out, a->out_len);
        a->out_len = 0;
        side_output(b);
        (void)!side_input(a, b->out, b->out_len);
        b->out_len = 0;
        side_output(a);
    } while (a->out_len != 0);
}

NW_UNUSED static struct side_stream *side_ask(struct side *side, const char *head,
                                              const char *body)
{
    struct side_stream *stream = &side->streams[side->stream_count++];
    memset(stream, 0, sizeof *stream);
    stream->body = nw_slice_str(body);
    stream->is_end = true;
    CHECK_OK(nw_http2_request(side->http2, &stream->wire, nw_slice_str(head), body == NULL));
    return stream;
}

NW_UNUSED static void side_answer(struct side *side, unsigned index, const char *head,
                                  const char *body)
{
    struct side_stream *stream = &side->streams[index];
    stream->body = nw_slice_str(body);
    stream->is_end = true;
    CHECK_OK(nw_http2_respond(side->http2, &stream->wire, nw_slice_str(head), body == NULL));
}

/* The log so far is exactly this; it starts anew. */
NW_UNUSED static void side_expect_at(struct side *side, const char *text, int line)
{
    if (side->log_len != strlen(text) || memcmp(side->log, text, side->log_len) != 0) {
        fprintf(stderr, "line %d: got\n%.*s\nnot\n%s\n", line, (int)side->log_len, side->log,
                text);
        abort();
    }
    side->log_len = 0;
}
#define side_expect(side, text) side_expect_at(side, text, __LINE__)

/* ---- frames by hand ---- */

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct frames {
    unsigned char bytes[1 << 18];
    size_t len;
};

NW_UNUSED static void frame(struct frames *to, int type, int flags, unsigned id,
                            const void *payload, size_t count)
{
    unsigned char head[9] = {(unsigned char)(count >> 16), (unsigned char)(count >> 8),
                             (unsigned char)count, (unsigned char)type, (unsigned char)flags,
                             (unsigned char)(id >> 24), (unsigned char)(id >> 16),
                             (unsigned char)(id >> 8), (unsigned char)id};
    CHECK(to->len + 9 + count <= sizeof to->bytes);
    memcpy(to->bytes + to->len, head, 9);
    if (count != 0)
        memcpy(to->bytes + to->len + 9, payload, count);
    to->len += 9 + count;
}

NW_UNUSED static void frame_u32(struct frames *to, int type, unsigned id, uint32_t value)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 8), (unsigned char)value};
    frame(to, type, 0, id, bytes, 4);
}

NW_UNUSED static void frames_begin(struct frames *to)
{
    memcpy(to->bytes, preface, sizeof preface - 1);
    to->len = sizeof preface - 1;
    frame(to, SETTINGS, 0, 0, NULL, 0);
}

/* A field as literal without indexing, plain text: name and value up to 127 + 16383 bytes. */
NW_UNUSED static size_t field_put(unsigned char *to, const char *name, size_t name_len,
                                  const char *value, size_t value_len)
{
    unsigned char *at = to;
    *at++ = 0;
    CHECK(name_len < 127);
    *at++ = (unsigned char)name_len;
    memcpy(at, name, name_len);
    at += name_len;
    if (value_len < 127) {
        *at++ = (unsigned char)value_len;
    } else {
        *at++ = 127;
        size_t rest = value_len - 127;
        for (; rest >= 128; rest /= 128)
            *at++ = (unsigned char)(rest % 128 + 128);
        *at++ = (unsigned char)rest;
    }
    memcpy(at, value, value_len);
    return (size_t)(at + value_len - to);
}

/* "name=value" separated by '|'. */
NW_UNUSED static size_t block_of(unsigned char *to, const char *fields)
{
    size_t len = 0;
    while (*fields != '\0') {
        size_t field_len = strcspn(fields, "|");
        const char *equals = memchr(fields + 1, '=', field_len - 1);
        CHECK(equals != NULL);
        len += field_put(to + len, fields, (size_t)(equals - fields), equals + 1,
                         (size_t)(fields + field_len - equals - 1));
        fields += field_len + (fields[field_len] == '|');
    }
    return len;
}

NW_UNUSED static void frame_head(struct frames *to, int flags, unsigned id, const char *fields)
{
    unsigned char block[65536];
    frame(to, HEADERS, flags | END_HEADERS, id, block, block_of(block, fields));
}

#define GET_FIELDS ":method=GET|:scheme=http|:path=/|:authority=a"
#define POST_FIELDS ":method=POST|:scheme=http|:path=/|:authority=a"

/* The error code of the first frame of `type` in bytes; -1: there is none. */
NW_UNUSED static int code_in(const char *bytes, size_t len, int type)
{
    for (size_t at = 0; at + 9 <= len;) {
        const unsigned char *head = (const unsigned char *)bytes + at;
        size_t count = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[3] == type)
            return head[type == GOAWAY ? 16 : 12];
        at += 9 + count;
    }
    return -1;
}

#endif
