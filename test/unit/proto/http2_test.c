/* HTTP/2 sessions: heads as text, what is refused, windows, ends, and frames that only cost. */
#include <setjmp.h>

#include "http2_pair.h"

#include <cmocka.h>

#include "proto/http1.h"

/* ---- both sides ---- */

static void a_request_and_its_answer_arrive_as_text(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    side_ask(client, "GET /a?b=c HTTP/1.1\r\nHost: ex.org\r\nX-One: 1\r\nTE: trailers\r\n"
                     "Connection: te\r\nKeep-Alive: 5\r\nHTTP2-Settings: AAMA\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(server, "request end GET /a?b=c HTTP/1.1\r\nhost: ex.org\r\nx-one: 1\r\n"
                        "te: trailers\r\n\r\n");
    side_answer(server, 0, "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n", "");
    side_answer(server, 0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi");
    side_talk(client, server);
    side_expect(client, "answer 1 HTTP/1.1 103 \r\nlink: </s>\r\n\r\n"
                        "answer 1 HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"
                        "data 1 hi\nend 1 \nclose 0 NO_ERROR\n");
    side_free(client);
    side_free(server);
}

static void a_body_of_unknown_length_is_chunked_in_the_text(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    struct side_stream *stream =
        side_ask(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "one");
    stream->trailers = "Grpc-Status: 0\r\nHost: b\r\nContent-Length: 9\r\n";
    side_talk(client, server);
    side_expect(server, "request POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                        "data 1 one\nend 1 grpc-status: 0\r\n\n");
    side_answer(server, 0, "HTTP/1.1 200 OK\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(client, "answer 1 end HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n"
                        "close 0 NO_ERROR\n");
    side_free(client);
    side_free(server);
}

static void an_answer_to_head_promises_no_body(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    side_ask(client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_talk(client, server);
    side_answer(server, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(client, "answer 1 end HTTP/1.1 200 \r\ncontent-length: 10\r\n\r\n"
                        "close 0 NO_ERROR\n");
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_talk(client, server);
    side_answer(server, 1, "HTTP/1.1 304 Not Modified\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(client, "answer 3 end HTTP/1.1 304 \r\n\r\nclose 1 NO_ERROR\n");
    side_free(client);
    side_free(server);
}

static void what_http2_cannot_say_is_refused(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    struct nw_http2_stream stream = {0};
    static const char *const bad[] = {
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\r\n\r\n", "\r\n", ""};
    for (unsigned i = 0; i < NW_COUNT(bad); i++)
        CHECK_ERR(nw_http2_request(client->http2, &stream, nw_slice_str(bad[i]), true),
                  NW_INVALID);
    side_ask(client, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(server, "request end OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK_ERR(nw_http2_respond(server->http2, &server->streams[0].wire,
                               NW_SLICE("HTTP/1.1 101 Switching\r\n\r\n"), true),
              NW_INVALID);
    side_free(client);
    side_free(server);
}

/* ---- requests made by hand ---- */

/* What a server of ours does with these bytes after the preface. */
static struct side *serve_frames(const struct frames *frames)
{
    struct side *server = side_new(false);
    (void)!side_input(server, frames->bytes, frames->len);
    side_output(server);
    return server;
}

static struct side *serve_fields(const char *fields, int flags)
{
    static struct frames frames;
    frames_begin(&frames);
    frame_head(&frames, flags, 1, fields);
    return serve_frames(&frames);
}

static void expect_request(const char *fields, const char *text)
{
    struct side *server = serve_fields(fields, END_STREAM);
    side_expect(server, text);
    CHECK_EQ(code_in(server->out, server->out_len, RST_STREAM), -1);
    side_free(server);
}

static void crumbs_of_a_cookie_are_joined(void **state)
{
    expect_request(GET_FIELDS "|cookie=a=1|cookie=b=2|x=y",
                   "request end GET / HTTP/1.1\r\nhost: a\r\ncookie: a=1; b=2\r\nx: y\r\n\r\n");
    expect_request(GET_FIELDS "|cookie=a=1|x=y|cookie=b=2|z=w|cookie=c",
                   "request end GET / HTTP/1.1\r\nhost: a\r\nx: y\r\nz: w\r\n"
                   "cookie: a=1; b=2; c\r\n\r\n");
}

static void host_may_stand_alone_or_equal(void **state)
{
    expect_request(":method=GET|:scheme=https|:path=/|x=y|host=b",
                   "request end GET / HTTP/1.1\r\nx: y\r\nhost: b\r\n\r\n");
    expect_request(GET_FIELDS "|host=A|x=y",
                   "request end GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n");
}

static void connect_keeps_the_shape_that_the_judge_refuses(void **state)
{
    expect_request(":method=CONNECT|:authority=a:1",
                   "request end CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
}

static void malformed_requests_are_answered_with_protocol_error(void **state)
{
    static const char *const bad[] = {
        GET_FIELDS "|X=y",                                   /* upper case */
        GET_FIELDS "|connection=close",                      /* fields of the connection */
        GET_FIELDS "|keep-alive=1",
        GET_FIELDS "|proxy-connection=close",
        GET_FIELDS "|transfer-encoding=chunked",
        GET_FIELDS "|upgrade=h2c",
        GET_FIELDS "|te=gzip",
        ":scheme=http|:path=/|:authority=a",                 /* pseudo-fields missing */
        ":method=GET|:path=/|:authority=a",
        ":method=GET|:scheme=http|:authority=a",
        GET_FIELDS "|:path=/",                               /* repeated */
        GET_FIELDS "|:authority=a",
        ":method=GET|x=y|:scheme=http|:path=/|:authority=a", /* late */
        GET_FIELDS "|:status=200",                           /* of an answer, unknown */
        GET_FIELDS "|:protocol=websocket",
        GET_FIELDS "|:what=1",
        ":method=GET|:scheme=http|:path=|:authority=a",      /* empty and odd ones */
        ":method=GET|:scheme=http|:path=a|:authority=a",
        ":method=GET|:scheme=http|:path=/ HTTP/1.1\t|:authority=a",
        ":method=GET|:scheme=http|:path=/a b|:authority=a",
        ":method=GET|:scheme=http|:path=/a\x7f|:authority=a",
        ":method=GET|:scheme=ftp|:path=/|:authority=a",
        ":method=G T|:scheme=http|:path=/|:authority=a",
        ":method=|:scheme=http|:path=/|:authority=a",
        ":method=GET\r\n|:scheme=http|:path=/|:authority=a",
        ":method=GET|:scheme=http|:path=/|:authority=a\r\nx: y",
        GET_FIELDS "|host=b",                                /* unlike Host */
        GET_FIELDS "|host=a|host=a",
        GET_FIELDS "|x=a\rb",                                /* CR, LF, outer blanks */
        GET_FIELDS "|x=a\nb",
        GET_FIELDS "|x= a",
        GET_FIELDS "|x=a ",
        GET_FIELDS "|x=\ta",
        GET_FIELDS "|x y=a",
        GET_FIELDS "|x:=a",
        GET_FIELDS "|content-length=1",                      /* with END_STREAM */
        GET_FIELDS "|content-length=0|content-length=0",
        GET_FIELDS "|content-length=+0",
    };
    for (unsigned i = 0; i < NW_COUNT(bad); i++) {
        struct side *server = serve_fields(bad[i], END_STREAM);
        if (server->log_len != 0)
            fprintf(stderr, "%s gave %.*s\n", bad[i], (int)server->log_len, server->log);
        CHECK_EQ(server->log_len, 0);
        CHECK_EQ(code_in(server->out, server->out_len, RST_STREAM), NW_HTTP2_PROTOCOL_ERROR);
        CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), -1);
        CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_PROVOKED_RESET], 1);
        side_free(server);
    }
}

static void a_value_with_nul_is_malformed(void **state)
{
    static struct frames frames;
    unsigned char block[256];
    frames_begin(&frames);
    size_t len = block_of(block, GET_FIELDS);
    len += field_put(block + len, "x", 1, "a\0b", 3);
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1, block, len);
    struct side *server = serve_frames(&frames);
    CHECK_EQ(server->log_len, 0);
    CHECK_EQ(code_in(server->out, server->out_len, RST_STREAM), NW_HTTP2_PROTOCOL_ERROR);
    side_free(server);
}

static void data_unlike_content_length_resets_the_stream(void **state)
{
    static struct frames frames;
    static const char *const bodies[] = {"ab", "abcd"};
    for (unsigned i = 0; i < NW_COUNT(bodies); i++) {
        frames_begin(&frames);
        frame_head(&frames, 0, 1, POST_FIELDS "|content-length=3");
        frame(&frames, DATA, END_STREAM, 1, bodies[i], strlen(bodies[i]));
        struct side *server = serve_frames(&frames);
        CHECK(memmem(server->log, server->log_len, "\nend", 4) == NULL);
        CHECK(memmem(server->log, server->log_len, "close 0 PROTOCOL_ERROR\n", 23) != NULL);
        CHECK_EQ(code_in(server->out, server->out_len, RST_STREAM), NW_HTTP2_PROTOCOL_ERROR);
        side_free(server);
    }
}

/* The text of every request that passes is read by the HTTP/1.1 parser and judge as it was said. */
static void text_that_passes_is_one_head(void **state)
{
    struct side *server = serve_fields(POST_FIELDS "|x-a=1|cookie=a|cookie=b|x-empty=|content-"
                                       "length=4", 0);
    CHECK(nw_slice_starts_with(nw_slice_of(server->log, server->log_len), NW_SLICE("request ")));
    struct nw_slice text = nw_slice_of(server->log + 8, server->log_len - 8);
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message;
    nw_http1_class found;
    nw_http1_parser_init(&parser, false, &NW_HTTP1_LIMITS_DEFAULT);
    CHECK_OK(nw_http1_parse(&parser, text, &head));
    CHECK_EQ(head.head_bytes, text.len);
    CHECK_EQ(head.field_count, 5);
    CHECK_OK(nw_http1_request_judge(&head, text.ptr, &message, &found));
    CHECK_EQ(message.framing, NW_HTTP1_BODY_LENGTH);
    CHECK_EQ(message.length_bytes, 4);
    side_free(server);
}

/* ---- heads that are too large ---- */

static void a_head_above_the_limit_is_marked_and_the_table_stays_in_step(void **state)
{
    static struct frames frames;
    static char fields[40000];
    unsigned char block[65536];
    char value[12000];
    memset(value, 'v', sizeof value);
    size_t len = (size_t)snprintf(fields, sizeof fields, "%s", GET_FIELDS);
    len += (size_t)snprintf(fields + len, sizeof fields - len, "|a=%.12000s", value);
    snprintf(fields + len, sizeof fields - len, "|b=%.3000s", value);
    frames_begin(&frames);
    frame(&frames, HEADERS, END_STREAM, 1, block, block_of(block, fields));
    size_t rest = block_of(block, "c=12");
    for (unsigned i = 0; i < 2; i++)
        rest += field_put(block + rest, "d", 1, value, 9000);
    /* The last field enters the table: with incremental indexing, new name (RFC 7541 6.2.1). */
    block[rest] = 0x40;
    memcpy(block + rest + 1, "\x01s\x01t", 4);
    rest += 5;
    frame(&frames, 9, 0, 1, block, 16000);
    frame(&frames, 9, END_HEADERS, 1, block + 16000, rest - 16000);
    len = block_of(block, GET_FIELDS);
    block[len++] = 0x80 | 62; /* the table's newest entry */
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 3, block, len);
    struct side *server = serve_frames(&frames);
    side_expect(server, "request end large GET / HTTP/1.1\r\nhost: a\r\n\r\n"
                        "request end GET / HTTP/1.1\r\nhost: a\r\ns: t\r\n\r\n");
    side_free(server);
}

static void the_hundred_and_first_field_is_too_many(void **state)
{
    char fields[2000] = GET_FIELDS;
    for (unsigned i = 0; i < 99; i++)
        strcat(fields, "|x=y");
    struct side *server = serve_fields(fields, END_STREAM);
    struct nw_slice log = nw_slice_of(server->log, server->log_len);
    CHECK(nw_slice_starts_with(log, NW_SLICE("request end G")));
    side_free(server);
    strcat(fields, "|x=y");
    server = serve_fields(fields, END_STREAM);
    side_expect(server, "request end large GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    side_free(server);
}

static void a_head_that_only_costs_ends_the_connection(void **state)
{
    static struct frames frames;
    unsigned char block[16384];
    char value[4000];
    memset(value, 'v', sizeof value);
    frames_begin(&frames);
    size_t len = block_of(block, GET_FIELDS);
    block[len++] = 0x40;
    size_t field = field_put(block + len - 1, "s", 1, value, sizeof value);
    block[len - 1] = 0x40;
    len += field - 1;
    while (len < 8000)
        block[len++] = 0x80 | 62; /* 4,000 bytes for one */
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1, block, len);
    struct side *server = serve_frames(&frames);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_ENHANCE_YOUR_CALM);
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_HEAD], 1);
    CHECK_EQ(server->stream_count, 0);
    side_free(server);
}

/* A crumb behind another field moves the whole line, so it counts as one. */
static void scattered_crumbs_count_as_lines(void **state)
{
    char fields[2000] = GET_FIELDS "|cookie=a";
    for (unsigned i = 0; i < 49; i++)
        strcat(fields, "|x=y|cookie=a");
    struct side *server = serve_fields(fields, END_STREAM);
    CHECK(nw_slice_starts_with(nw_slice_of(server->log, server->log_len),
                               NW_SLICE("request end G")));
    side_free(server);
    strcat(fields, "|x=y|cookie=a");
    server = serve_fields(fields, END_STREAM);
    side_expect(server, "request end large GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    side_free(server);
}

/* Of fields that are one byte each on the wire. */
static struct side *serve_indexed(const char *name, unsigned count)
{
    static struct frames frames;
    unsigned char block[16384];
    frames_begin(&frames);
    size_t len = block_of(block, GET_FIELDS);
    size_t field = field_put(block + len, name, strlen(name), "v", 1);
    block[len] = 0x40;
    len += field;
    for (unsigned i = 1; i < count; i++)
        block[len++] = 0x80 | 62;
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1, block, len);
    return serve_frames(&frames);
}

static void a_thousand_fields_end_the_connection(void **state)
{
    const char *const names[] = {"cookie", "s"};
    for (unsigned i = 0; i < NW_COUNT(names); i++) {
        struct side *server = serve_indexed(names[i], 900);
        CHECK_EQ(server->stream_count, 1);
        CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), -1);
        side_free(server);
        server = serve_indexed(names[i], 10000);
        CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_ENHANCE_YOUR_CALM);
        CHECK_EQ(server->stream_count, 0);
        side_free(server);
    }
}

/* ---- answers made by hand ---- */

static struct side *answer_frames(struct frames *frames)
{
    struct side *client = side_new(true);
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_output(client);
    client->out_len = 0;
    (void)!side_input(client, frames->bytes, frames->len);
    side_output(client);
    return client;
}

static void malformed_answers_reset_their_stream(void **state)
{
    static struct frames frames;
    static const char *const bad[] = {
        "x=y", ":status=20", ":status=2000", ":status=abc", ":status=101",
        ":status=200|:status=200", ":status=200|:path=/", ":status=200|X=y",
        ":status=200|connection=close",
        ":status=200|transfer-encoding=chunked", ":status=200|x=a\nb", "x=y|:status=200",
        ":status=200|content-length=5",
    };
    for (unsigned i = 0; i < NW_COUNT(bad); i++) {
        frames.len = 0;
        frame(&frames, SETTINGS, 0, 0, NULL, 0);
        frame_head(&frames, END_STREAM, 1, bad[i]);
        struct side *client = answer_frames(&frames);
        side_expect(client, "close 0 PROTOCOL_ERROR\n");
        CHECK_EQ(code_in(client->out, client->out_len, RST_STREAM), NW_HTTP2_PROTOCOL_ERROR);
        side_free(client);
    }
}

static void ids_above_goaway_were_never_begun(void **state)
{
    static struct frames frames;
    frames.len = 0;
    frame(&frames, SETTINGS, 0, 0, NULL, 0);
    frame(&frames, GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
    struct side *client = side_new(true);
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_output(client);
    CHECK_OK(side_input(client, frames.bytes, frames.len));
    side_expect(client, "goaway NO_ERROR\nclose 1 REFUSED_STREAM unprocessed\n");
    struct nw_http2_stream stream = {0};
    CHECK_ERR(nw_http2_request(client->http2, &stream, NW_SLICE("GET / HTTP/1.1\r\n\r\n"), true),
              NW_DRAINING);
    frames.len = 0;
    frame_head(&frames, END_STREAM, 1, ":status=204");
    CHECK_OK(side_input(client, frames.bytes, frames.len));
    side_expect(client, "answer 1 end HTTP/1.1 204 \r\n\r\nclose 0 NO_ERROR\n");
    side_free(client);
}

static void a_refused_stream_says_so(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    server->stream_max = 1;
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(client, "close 1 REFUSED_STREAM by peer unprocessed\n");
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_REFUSED], 1);
    side_free(client);
    side_free(server);
}

/* ---- frames that only cost ---- */

static void expect_calm(const struct frames *frames, nw_http2_glitch kind, unsigned count)
{
    struct side *server = serve_frames(frames);
    CHECK_EQ(server->glitches[kind], count);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_ENHANCE_YOUR_CALM);
    side_free(server);
}

static void senseless_frames_end_the_connection(void **state)
{
    static struct frames frames;
    frames_begin(&frames);
    for (unsigned i = 0; i < 199; i++)
        frame(&frames, PING, 0, 0, "12345678", 8);
    struct side *server = serve_frames(&frames);
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_PING], 199);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), -1);
    side_free(server);

    frames_begin(&frames);
    frame_head(&frames, 0, 1, POST_FIELDS);
    for (unsigned i = 0; i < 201; i++)
        frame(&frames, DATA, 0, 1, NULL, 0);
    expect_calm(&frames, NW_HTTP2_GLITCH_EMPTY_DATA, 201);

    frames_begin(&frames);
    for (unsigned i = 0; i < 203; i++)
        frame_u32(&frames, WINDOW_UPDATE, 0, 1);
    expect_calm(&frames, NW_HTTP2_GLITCH_WINDOW_UPDATE, 201);

    frames_begin(&frames);
    for (unsigned i = 0; i < 203; i++)
        frame(&frames, PRIORITY, 0, 1, "\0\0\0\0\1", 5);
    expect_calm(&frames, NW_HTTP2_GLITCH_PRIORITY, 201);
}

static void senseless_frames_over_a_long_time_are_forgiven(void **state)
{
    static struct frames frames;
    struct side *server = side_new(false);
    frames_begin(&frames);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 150; i++)
            frame(&frames, PING, 0, 0, "12345678", 8);
        CHECK_OK(side_input(server, frames.bytes, frames.len));
        side_output(server);
        server->now_ms += 10000;
        frames.len = 0;
    }
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_PING], 1500);
    side_free(server);
}

static void reports_on_our_data_are_no_glitches(void **state)
{
    static struct frames frames;
    struct side *client = side_new(true), *server = side_new(false);
    for (unsigned i = 0; i < 250; i++) {
        side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
        side_talk(client, server);
        side_answer(server, i, "HTTP/1.1 200 OK\r\n\r\n", "x");
        side_talk(client, server);
        frames.len = 0;
        frame_u32(&frames, WINDOW_UPDATE, 0, 1);
        frame(&frames, PING, 0, 0, "12345678", 8);
        CHECK_OK(side_input(server, frames.bytes, frames.len));
    }
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_WINDOW_UPDATE], 0);
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_PING], 0);
    side_free(client);
    side_free(server);
}

static void provoked_resets_count_like_received_ones(void **state)
{
    static struct frames frames;
    frames_begin(&frames);
    struct side *server = side_new(false);
    nw_err err = NW_OK;
    for (unsigned i = 0; i < 201 && err == NW_OK; i++) {
        frame_head(&frames, 0, 2 * i + 1, POST_FIELDS);
        frame_u32(&frames, WINDOW_UPDATE, 2 * i + 1, 0x7fffffff); /* RFC 9113 6.9.1 */
        err = side_input(server, frames.bytes, frames.len);
        side_output(server);
        frames.len = 0;
        server->stream_count = 0;
    }
    side_output(server);
    CHECK_EQ(server->glitches[NW_HTTP2_GLITCH_PROVOKED_RESET], 201);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_ENHANCE_YOUR_CALM);
    side_free(server);
}

static void received_resets_count(void **state)
{
    static struct frames frames;
    frames_begin(&frames);
    struct side *server = side_new(false);
    server->stream_max = 0; /* the slot is the owner's business: each is refused, and reset */
    nw_err err = NW_OK;
    unsigned sent = 0;
    for (; sent < 201 && err == NW_OK; sent++) {
        frame_head(&frames, END_STREAM, 2 * sent + 1, GET_FIELDS);
        frame_u32(&frames, RST_STREAM, 2 * sent + 1, NW_HTTP2_CANCEL);
        err = side_input(server, frames.bytes, frames.len);
        side_output(server);
        frames.len = 0;
    }
    CHECK_ERR(err, NW_BAD_MESSAGE);
    CHECK(sent <= 102); /* each round costs two */
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_ENHANCE_YOUR_CALM);
    side_free(server);
}

/* ---- windows ---- */

static void what_is_not_consumed_closes_the_window(void **state)
{
    static char body[300000];
    memset(body, 'b', sizeof body);
    struct side *client = side_new(true), *server = side_new(false);
    server->does_hold = true;
    struct side_stream *stream = side_ask(client, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "");
    stream->body = nw_slice_of(body, sizeof body);
    side_talk(client, server);
    CHECK_EQ(stream->body.len, sizeof body - 65536);
    CHECK_EQ(server->streams[0].wire.held_bytes, 65536);
    /* Half of it consumed: exactly that much may come. */
    nw_http2_consume(server->http2, &server->streams[0].wire, 32767);
    CHECK(!nw_http2_is_window_due(&server->streams[0].wire));
    nw_http2_consume(server->http2, &server->streams[0].wire, 1);
    CHECK(nw_http2_is_window_due(&server->streams[0].wire));
    nw_http2_window_announce(server->http2, &server->streams[0].wire, 0);
    side_talk(client, server);
    CHECK_EQ(stream->body.len, sizeof body - 65536 - 32768);
    /* Wider than before. */
    nw_http2_consume(server->http2, &server->streams[0].wire, 65536);
    nw_http2_window_announce(server->http2, &server->streams[0].wire, 65536);
    side_talk(client, server);
    CHECK_EQ(stream->body.len, sizeof body - 65536 - 32768 - 131072);
    side_free(client);
    side_free(server);
}

static void streams_that_are_gone_leave_no_hole_in_the_connections_window(void **state)
{
    static char body[60000];
    memset(body, 'b', sizeof body);
    struct side *client = side_new(true), *server = side_new(false);
    server->does_hold = true;
    for (unsigned i = 0; i < 100; i++) { /* 6 MB in all, through a window of 1 MiB */
        struct side_stream *stream = side_ask(client, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "");
        stream->body = nw_slice_of(body, sizeof body);
        side_talk(client, server);
        CHECK_EQ(stream->body.len, 0);
        nw_http2_stream_reset(server->http2, &server->streams[i].wire, NW_HTTP2_CANCEL);
        nw_http2_stream_forget(server->http2, &server->streams[i].wire);
        side_talk(client, server);
    }
    side_free(client);
    side_free(server);
}

static void a_frame_without_room_is_asked_for_again(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    client->frame_room = 0;
    struct side_stream *stream = side_ask(client, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "body");
    side_talk(client, server);
    CHECK_EQ(stream->body.len, 4);
    client->frame_room = 4;
    side_talk(client, server);
    side_expect(server, "request POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                        "data 1 body\nend 1 \n");
    side_free(client);
    side_free(server);
}

static void urgent_streams_go_first(void **state)
{
    static char body[60000];
    memset(body, 'b', sizeof body);
    struct side *client = side_new(true), *server = side_new(false);
    static const char *const urgency[] = {"u=7", "u=0", "u=3"};
    for (unsigned i = 0; i < 3; i++) {
        char head[100];
        snprintf(head, sizeof head, "GET /%u HTTP/1.1\r\nHost: a\r\nPriority: %s\r\n\r\n", i,
                 urgency[i]);
        side_ask(client, head, NULL);
    }
    side_talk(client, server);
    for (unsigned i = 0; i < 3; i++) {
        side_answer(server, i, "HTTP/1.1 200 OK\r\n\r\n", "");
        server->streams[i].body = nw_slice_of(body, 20000);
    }
    server->frame_room = 16384;
    side_output(server);
    CHECK(server->streams[0].body.len == 20000 && server->streams[1].body.len == 20000 - 16384);
    server->frame_room = 3616 + 16384;
    side_output(server);
    CHECK(server->streams[0].body.len == 20000 && server->streams[1].body.len == 0);
    CHECK_EQ(server->streams[2].body.len, 20000 - 16384);
    side_free(client);
    side_free(server);
}

/* ---- the end ---- */

static void shutdown_takes_a_round_trip(void **state)
{
    struct side *client = side_new(true), *server = side_new(false);
    side_talk(client, server);
    nw_http2_shutdown(server->http2);
    side_ask(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL); /* crosses the notice */
    side_output(client);
    side_output(server);
    CHECK_OK(side_input(server, client->out, client->out_len));
    client->out_len = 0;
    side_expect(server, "request end GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK(!nw_http2_is_shut(server->http2));
    side_talk(client, server);
    CHECK(nw_http2_is_shut(server->http2));
    side_expect(client, "goaway NO_ERROR\ngoaway NO_ERROR\n");
    side_answer(server, 0, "HTTP/1.1 204 No Content\r\n\r\n", NULL);
    side_talk(client, server);
    side_expect(client, "answer 1 end HTTP/1.1 204 \r\n\r\nclose 0 NO_ERROR\n");
    CHECK(nw_http2_is_over(server->http2));
    side_free(client);
    side_free(server);
}

static void garbage_is_answered_with_goaway(void **state)
{
    struct side *server = side_new(false);
    CHECK_ERR(side_input(server, "GET / HTTP/1.1\r\n\r\n........", 24), NW_BAD_MESSAGE);
    side_output(server);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_PROTOCOL_ERROR);
    CHECK_ERR(side_input(server, "x", 1), NW_BAD_MESSAGE);
    side_free(server);
}

static void broken_compression_ends_the_connection(void **state)
{
    static struct frames frames;
    frames_begin(&frames);
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1, "\xff\xff\xff\xff\x0f", 5);
    struct side *server = side_new(false);
    CHECK_OK(side_input(server, frames.bytes, frames.len));
    side_output(server);
    CHECK_EQ(code_in(server->out, server->out_len, GOAWAY), NW_HTTP2_COMPRESSION_ERROR);
    CHECK(nw_http2_is_over(server->http2));
    CHECK_ERR(side_input(server, "x", 1), NW_BAD_MESSAGE);
    side_free(server);
}

static void a_session_cannot_outgrow_its_memory(void **state)
{
    static struct frames frames;
    struct nw_http2_options options = side_options(false);
    options.memory_max_bytes = 40 * 1024;
    struct side *server = side_new_with(&options);
    frames_begin(&frames);
    nw_err err = side_input(server, frames.bytes, frames.len);
    for (unsigned i = 0; i < 128 && err == NW_OK; i++) {
        frames.len = 0;
        frame_head(&frames, 0, 2 * i + 1, POST_FIELDS);
        err = side_input(server, frames.bytes, frames.len);
        CHECK(nw_http2_memory_bytes(server->http2) < 44 * 1024);
    }
    CHECK_ERR(err, NW_NO_MEMORY);
    side_free(server);
}

/* ---- RFC 7541 appendix C ---- */

static void expect_block(struct side *server, unsigned id, const char *block, size_t len,
                         const char *text)
{
    static struct frames frames;
    if (id == 1)
        frames_begin(&frames);
    else
        frames.len = 0;
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, id, block, len);
    CHECK_OK(side_input(server, frames.bytes, frames.len));
    side_expect(server, text);
}

#define BLOCK(literal) literal, sizeof(literal) - 1
#define EXAMPLE "request end GET / HTTP/1.1\r\nhost: www.example.com\r\n"

static void the_rfcs_requests_decode(void **state)
{
    struct side *plain = side_new(false); /* C.3 */
    expect_block(plain, 1, BLOCK("\x82\x86\x84\x41\x0fwww.example.com"), EXAMPLE "\r\n");
    expect_block(plain, 3, BLOCK("\x82\x86\x84\xbe\x58\x08no-cache"),
                 EXAMPLE "cache-control: no-cache\r\n\r\n");
    expect_block(plain, 5, BLOCK("\x82\x87\x85\xbf\x40\x0a" "custom-key\x0c" "custom-value"),
                 "request end GET /index.html HTTP/1.1\r\nhost: www.example.com\r\n"
                 "custom-key: custom-value\r\n\r\n");
    side_free(plain);

    struct side *huffman = side_new(false); /* C.4 */
    expect_block(huffman, 1,
                 BLOCK("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
                 EXAMPLE "\r\n");
    expect_block(huffman, 3, BLOCK("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf"),
                 EXAMPLE "cache-control: no-cache\r\n\r\n");
    expect_block(huffman, 5,
                 BLOCK("\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49"
                       "\xe9\x5b\xb8\xe8\xb4\xbf"),
                 "request end GET /index.html HTTP/1.1\r\nhost: www.example.com\r\n"
                 "custom-key: custom-value\r\n\r\n");
    side_free(huffman);
}

static void the_rfcs_answer_decodes(void **state)
{
    static struct frames frames; /* C.5.1 */
    frames.len = 0;
    frame(&frames, SETTINGS, 0, 0, NULL, 0);
    frame(&frames, HEADERS, END_STREAM | END_HEADERS, 1,
          BLOCK("\x48\x03" "302\x58\x07private\x61\x1dMon, 21 Oct 2013 20:13:21 GMT"
                "\x6e\x17https://www.example.com"));
    struct side *client = answer_frames(&frames);
    side_expect(client, "answer 1 end HTTP/1.1 302 \r\ncache-control: private\r\n"
                        "date: Mon, 21 Oct 2013 20:13:21 GMT\r\n"
                        "location: https://www.example.com\r\ncontent-length: 0\r\n\r\n"
                        "close 0 NO_ERROR\n");
    side_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer_arrive_as_text),
        cmocka_unit_test(a_body_of_unknown_length_is_chunked_in_the_text),
        cmocka_unit_test(an_answer_to_head_promises_no_body),
        cmocka_unit_test(what_http2_cannot_say_is_refused),
        cmocka_unit_test(crumbs_of_a_cookie_are_joined),
        cmocka_unit_test(host_may_stand_alone_or_equal),
        cmocka_unit_test(connect_keeps_the_shape_that_the_judge_refuses),
        cmocka_unit_test(malformed_requests_are_answered_with_protocol_error),
        cmocka_unit_test(a_value_with_nul_is_malformed),
        cmocka_unit_test(data_unlike_content_length_resets_the_stream),
        cmocka_unit_test(text_that_passes_is_one_head),
        cmocka_unit_test(a_head_above_the_limit_is_marked_and_the_table_stays_in_step),
        cmocka_unit_test(the_hundred_and_first_field_is_too_many),
        cmocka_unit_test(a_head_that_only_costs_ends_the_connection),
        cmocka_unit_test(scattered_crumbs_count_as_lines),
        cmocka_unit_test(a_thousand_fields_end_the_connection),
        cmocka_unit_test(malformed_answers_reset_their_stream),
        cmocka_unit_test(ids_above_goaway_were_never_begun),
        cmocka_unit_test(a_refused_stream_says_so),
        cmocka_unit_test(senseless_frames_end_the_connection),
        cmocka_unit_test(senseless_frames_over_a_long_time_are_forgiven),
        cmocka_unit_test(reports_on_our_data_are_no_glitches),
        cmocka_unit_test(provoked_resets_count_like_received_ones),
        cmocka_unit_test(received_resets_count),
        cmocka_unit_test(what_is_not_consumed_closes_the_window),
        cmocka_unit_test(streams_that_are_gone_leave_no_hole_in_the_connections_window),
        cmocka_unit_test(a_frame_without_room_is_asked_for_again),
        cmocka_unit_test(urgent_streams_go_first),
        cmocka_unit_test(shutdown_takes_a_round_trip),
        cmocka_unit_test(garbage_is_answered_with_goaway),
        cmocka_unit_test(broken_compression_ends_the_connection),
        cmocka_unit_test(a_session_cannot_outgrow_its_memory),
        cmocka_unit_test(the_rfcs_requests_decode),
        cmocka_unit_test(the_rfcs_answer_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
