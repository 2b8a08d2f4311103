/* HTTP/2 sessions: rules that nghttp2 is milder about, and what is no breach of them. */
#include <setjmp.h>

#include "http2_pair.h"

#include <cmocka.h>

static void our_frames_within_the_peers_settings_do_not_count(void **state)
{
    static struct frames frames;
    frames_begin(&frames);
    frame_head(&frames, END_STREAM, 1, GET_FIELDS);
    struct side *server = side_new(false);
    CHECK_OK(side_input(server, frames.bytes, frames.len));
    side_output(server);
    CHECK_OK(side_input(server, "\0\0\x6\4\0\0\0\0\0", 9)); /* the payload is to come */
    CHECK_OK(nw_http2_ping(server->http2));
    side_answer(server, 0, "HTTP/1.1 204 No Content\r\n\r\n", NULL);
    CHECK_OK(side_input(server, "\0\4\0\0\0\x1", 6));
    side_output(server);
    CHECK_EQ(nw_http2_error_code(server->http2), NW_HTTP2_NO_ERROR);
    side_free(server);
}

static void ids_that_were_left_out_stay_closed(void **state)
{
    static struct frames frames;
    static const struct {
        unsigned ids[3];
        bool is_fine;
    } rows[] = {{{1, 3, 5}, true}, {{1, 101, 103}, true}, {{5, 3}, false}, {{1, 101, 99}, false}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        frames_begin(&frames);
        for (unsigned k = 0; k < 3 && rows[i].ids[k] != 0; k++)
            frame_head(&frames, END_STREAM, rows[i].ids[k], GET_FIELDS);
        struct side *server = side_new(false);
        nw_err err = side_input(server, frames.bytes, frames.len);
        CHECK_EQ(err == NW_OK, rows[i].is_fine);
        CHECK_EQ(nw_http2_error_code(server->http2),
                 rows[i].is_fine ? NW_HTTP2_NO_ERROR : NW_HTTP2_PROTOCOL_ERROR);
        side_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_frames_within_the_peers_settings_do_not_count),
        cmocka_unit_test(ids_that_were_left_out_stay_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
