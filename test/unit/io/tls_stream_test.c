/* TLS as a stream: what io/stream.h promises holds over records too. */
#include "tls_kit.h"

#include "io/stream_impl.h"
#include "io/tls_impl.h"

static struct cert root, site;

/* Two ends that have shaken hands and talked once, so that tickets are out of the way. */
struct talk {
    struct nw_tls_identity *identity;
    struct nw_tls_tickets *tickets;
    struct nw_tls_server *server;
    struct nw_tls_client *client;
    struct ends ends;
};

static void objects_open(struct talk *talk)
{
    struct nw_text why = {0};
    *talk = (struct talk){.identity = identity_of(&site)};
    CHECK_OK(nw_tls_tickets_new(nw_slice_of(NULL, 0), &why, &talk->tickets));
    talk->server = server_of(&(struct nw_tls_server_spec){
        .identities = &talk->identity, .identity_count = 1, .tickets = talk->tickets});
    talk->client = client_of(&(struct nw_tls_client_spec){.ca_pem = nw_slice_str(root.pem)});
}

static void objects_close(struct talk *talk)
{
    nw_tls_client_unref(talk->client);
    nw_tls_server_unref(talk->server);
    nw_tls_tickets_unref(talk->tickets);
    nw_tls_identity_unref(talk->identity);
}

static void talk_open(struct talk *talk)
{
    objects_open(talk);
    ends_open(&talk->ends);
    ends_shake(&talk->ends, talk->server, talk->client, "a.example");
    CHECK_OK(talk->ends.client_err);
    CHECK_OK(talk->ends.server_err);
    CHECK_OK(write_text(&talk->ends.client, "hello"));
    expect_read(&talk->ends.server, "hello");
    CHECK_OK(write_text(&talk->ends.server, "world"));
    expect_read(&talk->ends.client, "world");
}

static void talk_close(struct talk *talk)
{
    ends_close(&talk->ends);
    objects_close(talk);
}

static void pass_turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(nw_sleep(1));
}

/* ---- system calls ---- */

static void counting(void)
{
    struct talk talk;
    talk_open(&talk);
    struct nw_stream *client = &talk.ends.client, *server = &talk.ends.server;
    struct iovec answer[] = {{(char[]){"head "}, 5}, {(char[]){"and body"}, 8}};
    memset(&calls, 0, sizeof calls);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(write_text(client, "request"));
        expect_read(server, "request");
        CHECK_OK(nw_io_write_all(server, answer, 2));
        expect_read(client, "head and body");
    }
    CHECK_EQ(calls.reads, 20);
    CHECK_EQ(calls.failed_reads, 0);
    CHECK_EQ(calls.writes, 20);
    CHECK_EQ(calls.changes, 0);
    talk_close(&talk);
}

static void a_request_costs_one_recv_and_one_send_at_each_end(void **state)
{
    run_counting(counting);
}

static void counting_records(void)
{
    struct talk talk;
    talk_open(&talk);
    memset(&calls, 0, sizeof calls);
    for (int i = 0; i < 5; i++)
        CHECK_OK(write_text(&talk.ends.client, "x"));
    CHECK_EQ(calls.writes, 5);
    memset(&calls, 0, sizeof calls);
    expect_read(&talk.ends.server, "xxxxx"); /* five records in one recv */
    CHECK_EQ(calls.reads, 1);
    for (int i = 0; i < 5; i++)
        CHECK_OK(queue_text(&talk.ends.server, "y"));
    pass_turns(1);
    CHECK_EQ(calls.writes, 1);
    expect_read(&talk.ends.client, "yyyyy");
    talk_close(&talk);
}

static void what_is_said_in_a_turn_is_one_send_and_one_recv(void **state)
{
    run_counting(counting_records);
}

static void counting_the_ticket(void)
{
    struct talk talk;
    objects_open(&talk);
    ends_open(&talk.ends);
    ends_shake(&talk.ends, talk.server, talk.client, "a.example");
    CHECK_OK(talk.ends.client_err);
    CHECK(talk.ends.server.tls->is_ticket_due);
    memset(&calls, 0, sizeof calls);
    CHECK_OK(write_text(&talk.ends.server, "first answer"));
    CHECK_EQ(calls.writes, 1);
    CHECK(!talk.ends.server.tls->is_ticket_due);
    expect_read(&talk.ends.client, "first answer");
    CHECK_EQ(nw_tls_worker()->session_count, 1);
    talk_close(&talk);
}

static void the_ticket_leaves_with_the_first_answer(void **state)
{
    run_counting(counting_the_ticket);
}

/* ---- ends ---- */

static void ending(void)
{
    struct talk talk;
    talk_open(&talk);
    char byte;
    size_t bytes = 1;
    CHECK_OK(write_text(&talk.ends.client, "last"));
    nw_stream_shutdown_write(&talk.ends.client);
    expect_read(&talk.ends.server, "last");
    CHECK_OK(nw_io_read_into(&talk.ends.server, &byte, 1, &bytes));
    CHECK(bytes == 0 && talk.ends.server.is_ended);
    CHECK_OK(write_text(&talk.ends.server, "still")); /* the other way is open */
    expect_read(&talk.ends.client, "still");
    nw_stream_close(&talk.ends.server);
    CHECK_OK(nw_io_read_into(&talk.ends.client, &byte, 1, &bytes));
    CHECK(bytes == 0);
    talk_close(&talk);
}

static void close_notify_is_an_orderly_end_of_one_direction(void **state)
{
    run(ending);
}

static void cutting(void)
{
    struct talk talk;
    talk_open(&talk);
    char byte;
    size_t bytes;
    CHECK_OK(write_text(&talk.ends.client, "part"));
    shutdown(talk.ends.client.source.fd, SHUT_WR); /* a FIN that TLS knows nothing of */
    expect_read(&talk.ends.server, "part");
    for (int i = 0; i < 2; i++)
        CHECK_ERR(nw_io_read_into(&talk.ends.server, &byte, 1, &bytes), NW_PEER_RESET);
    CHECK_OK(write_text(&talk.ends.server, "we may still speak"));
    expect_read(&talk.ends.client, "we may still speak");
    talk_close(&talk);
}

static void an_end_without_close_notify_is_a_reset(void **state)
{
    run(cutting);
}

static void tampering(void)
{
    struct talk talk;
    talk_open(&talk);
    char byte;
    size_t bytes;
    CHECK(write(talk.ends.client.source.fd, "\x17\x03\x03\0\x20" "0123456789abcdef0123456789abcdef",
                37) == 37);
    CHECK_ERR(nw_io_read_into(&talk.ends.server, &byte, 1, &bytes), NW_BAD_MESSAGE);
    CHECK(write_text(&talk.ends.server, "no more") != NW_OK);
    CHECK_ERR(nw_io_read_into(&talk.ends.client, &byte, 1, &bytes), NW_PEER_RESET);
    CHECK(strcmp(nw_tls_trouble()->word, "alert") == 0);
    talk_close(&talk);
}

static void a_forged_record_ends_both_ways_and_is_told(void **state)
{
    run(tampering);
}

static void resetting(void)
{
    struct talk talk;
    talk_open(&talk);
    char byte;
    size_t bytes;
    CHECK_OK(write_text(&talk.ends.client, "part"));
    nw_stream_reset(&talk.ends.client);
    CHECK(nw_stream_tls(&talk.ends.client) == NULL);
    expect_read(&talk.ends.server, "part");
    CHECK_ERR(nw_io_read_into(&talk.ends.server, &byte, 1, &bytes), NW_PEER_RESET);
    talk_close(&talk);
}

static void a_reset_says_nothing(void **state)
{
    run(resetting);
}

/* Key updates of a client, by OpenSSL itself. */
static void update_keys(struct nw_stream *client, unsigned count, int kind)
{
    nw_tls_enter(client->tls);
    for (unsigned i = 0; i < count; i++)
        CHECK(SSL_key_update(client->tls->ssl, kind) == 1 &&
              SSL_do_handshake(client->tls->ssl) == 1);
    CHECK(nw_tls_send(client->tls) == 0);
}

static void flooding(void)
{
    const int kinds[] = {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED};
    for (unsigned i = 0; i < NW_COUNT(kinds); i++) {
        struct talk talk;
        talk_open(&talk);
        char byte;
        size_t bytes;
        for (unsigned round = 0; round < 4; round++) { /* data between them: as many as one likes */
            update_keys(&talk.ends.client, 30, kinds[i]);
            CHECK_OK(write_text(&talk.ends.client, "still here"));
            expect_read(&talk.ends.server, "still here");
        }
        update_keys(&talk.ends.client, 33, kinds[i]);
        CHECK_ERR(nw_io_read_into(&talk.ends.server, &byte, 1, &bytes), NW_BAD_MESSAGE);
        talk_close(&talk);
    }
}

static void key_updates_without_data_end_the_connection(void **state)
{
    run(flooding);
}

/* ---- parking ---- */

static int wakes;
static nw_stream_wake last_wake;

static void on_wake(struct nw_stream *stream, nw_stream_wake why)
{
    wakes++;
    last_wake = why;
}

static void parking(void)
{
    struct talk talk;
    talk_open(&talk);
    struct nw_stream *server = &talk.ends.server;
    wakes = 0;
    CHECK_OK(write_text(&talk.ends.client, "two"));
    expect_read(server, "t"); /* "wo" is decrypted and lies in OpenSSL; the kernel is empty */
    nw_io_park(server, 0, on_wake);
    pass_turns(2);
    CHECK(wakes == 1 && last_wake == NW_STREAM_INPUT);
    expect_read(server, "wo");
    nw_io_park(server, 1000, on_wake);
    pass_turns(2);
    CHECK(wakes == 1);
    CHECK_OK(write_text(&talk.ends.client, "more"));
    pass_turns(2);
    CHECK(wakes == 2 && last_wake == NW_STREAM_INPUT);
    expect_read(server, "more");
    nw_io_park(server, 1000, on_wake);
    nw_clock_advance_ms(runtime_here(), 1500);
    pass_turns(2);
    CHECK(wakes == 3 && last_wake == NW_STREAM_TIMEOUT);
    nw_io_park(server, 0, on_wake);
    nw_stream_close(&talk.ends.client); /* close_notify, then FIN: nothing to read before it */
    pass_turns(2);
    CHECK(wakes == 4 && last_wake == NW_STREAM_CLOSED);
    talk_close(&talk);
}

static void bytes_inside_openssl_wake_a_parked_stream(void **state)
{
    run(parking);
}

static void owning(void)
{
    struct talk talk;
    talk_open(&talk);
    CHECK(talk.ends.server.tls->out == NULL && talk.ends.server.tls->first.data == NULL);
    CHECK(talk.ends.client.tls->out == NULL && talk.ends.client.tls->first.data == NULL);
    CHECK(!talk.ends.server.has_input && !talk.ends.server.is_readable);
    talk_close(&talk);
}

static void our_buffers_go_with_the_bytes(void **state)
{
    run(owning);
}

static void keeping_warm(void)
{
    enum { COUNT = NW_TLS_WARM_MAX + 8 };
    struct talk *talks = calloc(COUNT, sizeof *talks);
    for (int i = 0; i < COUNT; i++)
        talk_open(&talks[i]);
    CHECK_EQ(nw_tls_worker()->warm_count, NW_TLS_WARM_MAX);
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(write_text(&talks[i].ends.client, "again"));
        expect_read(&talks[i].ends.server, "again");
    }
    for (int i = 0; i < COUNT; i++)
        talk_close(&talks[i]);
    CHECK_EQ(nw_tls_worker()->warm_count, 0);
    free(talks);
}

static void openssls_buffers_stay_with_the_sessions_used_last(void **state)
{
    run(keeping_warm);
}

static void wait_cancelled(void *arg)
{
    struct nw_stream *stream = arg;
    nw_stream_watch_gone(stream, nw_fiber_self());
    CHECK_ERR(nw_sleep(10000), NW_CANCELLED);
    CHECK(stream->is_gone);
}

static void going(void)
{
    struct talk talk;
    talk_open(&talk);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "watcher", wait_cancelled, &talk.ends.server, &fiber));
    pass_turns(1);
    nw_stream_close(&talk.ends.client); /* its close_notify lies before the FIN */
    CHECK_OK(nw_scope_join(&scope));
    talk_close(&talk);
}

static void a_client_that_says_goodbye_is_gone(void **state)
{
    run(going);
}

static void wait_not_cancelled(void *arg)
{
    struct nw_stream *stream = arg;
    nw_stream_watch_gone(stream, nw_fiber_self());
    CHECK_OK(nw_sleep(20));
    CHECK(!stream->is_gone);
    nw_stream_watch_gone(stream, NULL);
    expect_read(stream, "pipelined");
}

static void staying(void)
{
    struct talk talk;
    talk_open(&talk);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "watcher", wait_not_cancelled, &talk.ends.server, &fiber));
    pass_turns(1);
    CHECK_OK(write_text(&talk.ends.client, "pipelined"));
    nw_stream_shutdown_write(&talk.ends.client);
    CHECK_OK(nw_scope_join(&scope));
    talk_close(&talk);
}

static void a_client_with_a_request_before_its_goodbye_is_not(void **state)
{
    run(staying);
}

static void waiting_for_any(void)
{
    struct talk talk;
    talk_open(&talk);
    CHECK_OK(write_text(&talk.ends.client, "ab"));
    expect_read(&talk.ends.server, "a");
    struct nw_wait wait = {.stream = &talk.ends.server, .want = NW_WANT_READ};
    CHECK_OK(nw_io_wait_any(&wait, 1));
    CHECK(wait.ready == NW_WANT_READ);
    expect_read(&talk.ends.server, "b");
    NW_WITHIN(soon, 10);
    CHECK_ERR(nw_io_wait_any(&wait, 1), NW_TIMEOUT);
    talk_close(&talk);
}

static void wait_any_sees_bytes_inside_openssl(void **state)
{
    run(waiting_for_any);
}

/* ---- much ---- */

enum { MUCH_BYTES = 3 * 1000 * 1000 + 17 };

static char pattern(size_t at)
{
    return (char)(at * 31 + at / 251);
}

struct mover {
    struct nw_stream *stream;
    size_t step_bytes;
    int kind; /* 0 write_all, 1 ahead, 2 queue */
};

static void write_much(void *arg)
{
    struct mover *mover = arg;
    char *piece = malloc(mover->step_bytes);
    for (size_t at = 0; at < MUCH_BYTES;) {
        size_t bytes = mover->step_bytes < MUCH_BYTES - at ? mover->step_bytes : MUCH_BYTES - at;
        for (size_t i = 0; i < bytes; i++)
            piece[i] = pattern(at + i);
        struct iovec iov[] = {{piece, bytes / 3}, {piece + bytes / 3, bytes - bytes / 3}};
        if (mover->kind == 0)
            CHECK_OK(nw_io_write_all(mover->stream, iov, 2));
        else if (mover->kind == 1)
            CHECK_OK(nw_io_write_ahead(mover->stream, iov, 2, 100 * 1000));
        else
            CHECK_OK(nw_io_write_queue(mover->stream, iov, 2));
        if (mover->kind == 0)
            CHECK(nw_stream_is_drained(mover->stream));
        at += bytes;
    }
    CHECK_OK(nw_io_write_drain(mover->stream));
    CHECK(nw_stream_is_drained(mover->stream) && !mover->stream->is_flush_due);
    nw_stream_shutdown_write(mover->stream);
    free(piece);
}

static void read_much(void *arg)
{
    struct mover *mover = arg;
    char *piece = malloc(mover->step_bytes);
    size_t at = 0, bytes;
    for (;;) {
        CHECK_OK(nw_io_read_into(mover->stream, piece, mover->step_bytes, &bytes));
        if (bytes == 0)
            break;
        for (size_t i = 0; i < bytes; i++)
            CHECK(piece[i] == pattern(at + i));
        at += bytes;
    }
    CHECK_EQ(at, MUCH_BYTES);
    free(piece);
}

static void move_both_ways(size_t write_step, size_t read_step, int kind)
{
    struct talk talk;
    talk_open(&talk);
    struct mover movers[] = {{&talk.ends.client, write_step, kind},
                             {&talk.ends.server, write_step, kind},
                             {&talk.ends.client, read_step, kind},
                             {&talk.ends.server, read_step, kind}};
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    for (int i = 0; i < 4; i++)
        CHECK_OK(nw_scope_spawn(&scope, "mover", i < 2 ? write_much : read_much, &movers[i],
                                &fiber));
    CHECK_OK(nw_scope_join(&scope));
    CHECK(talk.ends.server.sent_bytes == MUCH_BYTES + 5);
    talk_close(&talk);
}

static void moving(void)
{
    move_both_ways(100 * 1000, 7777, 0);
    move_both_ways(1000, 100 * 1000, 1);
    move_both_ways(20 * 1000, 16 * 1024, 2);
    move_both_ways(1, 64 * 1024, 2);
}

static void much_moves_both_ways_at_once(void **state)
{
    run(moving);
}

struct relaying {
    struct nw_stream *from, *to;
};

static void relay_all(void *arg)
{
    struct relaying *relaying = arg;
    uint64_t moved_bytes;
    bool has_from_failed;
    CHECK_OK(nw_io_relay(relaying->from, relaying->to, UINT64_MAX, 5000, &moved_bytes,
                         &has_from_failed));
    CHECK_EQ(moved_bytes, MUCH_BYTES);
    nw_stream_shutdown_write(relaying->to);
}

static void passing_on(void)
{
    struct talk in, out;
    talk_open(&in);
    talk_open(&out);
    struct mover writer = {&in.ends.client, 50000, 0}, reader = {&out.ends.client, 3000, 0};
    struct relaying relaying = {&in.ends.server, &out.ends.server};
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "writer", write_much, &writer, &fiber));
    CHECK_OK(nw_scope_spawn(&scope, "relay", relay_all, &relaying, &fiber));
    CHECK_OK(nw_scope_spawn(&scope, "reader", read_much, &reader, &fiber));
    CHECK_OK(nw_scope_join(&scope));
    talk_close(&in);
    talk_close(&out);
}

static void a_relay_between_two_tls_streams_keeps_every_byte(void **state)
{
    run(passing_on);
}

/* ---- a slow reader ---- */

static void holding(void)
{
    struct talk talk;
    talk_open(&talk);
    struct nw_stream *server = &talk.ends.server;
    static char much[4 << 20];
    struct iovec iov = {much, sizeof much};
    size_t bytes = 0, all_bytes = 0;
    while (nw_io_write_some(server, &iov, 1, &bytes) == NW_OK)
        all_bytes += bytes;
    CHECK(server->is_flush_due && !nw_stream_is_drained(server));
    CHECK(nw_stream_held_bytes(server) > 0 && nw_stream_held_bytes(server) < 70 * 1024);
    { /* not one byte more, and the truth about what is held */
        NW_WITHIN(soon, 5);
        CHECK_ERR(nw_io_write_drain(server), NW_TIMEOUT);
    }
    nw_stream_shutdown_write(server); /* behind what is held */
    CHECK(server->is_fin_due);
    size_t got_bytes = 0;
    do { /* no fiber of the server's moves it: the loop does */
        CHECK_OK(nw_io_read_into(&talk.ends.client, much, sizeof much, &bytes));
        got_bytes += bytes;
    } while (bytes > 0);
    CHECK_EQ(got_bytes, all_bytes);
    CHECK(!server->is_flush_due && server->tls->out == NULL);
    talk_close(&talk);
}

static void records_that_wait_leave_without_a_fiber_and_before_the_end(void **state)
{
    run(holding);
}

/* ---- handshakes that fail ---- */

struct raw {
    struct talk talk;
    nw_err err;
    const char *word;
};

static void accept_raw(void *arg)
{
    struct raw *raw = arg;
    NW_WITHIN(stall, 1000);
    raw->err = nw_io_tls_accept(&raw->talk.ends.server, raw->talk.server, NULL);
    raw->word = nw_tls_trouble()->word;
    nw_stream_close(&raw->talk.ends.server);
}

/* A server that gets `bytes` instead of a handshake; what the peer reads back. */
static struct raw feed(const char *bytes, size_t count, bool is_ended, char answer[256],
                       ssize_t *out_answer_bytes)
{
    struct raw raw = {0};
    objects_open(&raw.talk);
    ends_open(&raw.talk.ends);
    struct nw_scope scope;
    struct nw_fiber *fiber;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "server", accept_raw, &raw, &fiber));
    int fd = raw.talk.ends.client.source.fd;
    CHECK(count == 0 || write(fd, bytes, count) == (ssize_t)count);
    if (is_ended)
        shutdown(fd, SHUT_WR);
    CHECK_OK(nw_scope_join(&scope));
    *out_answer_bytes = read(fd, answer, 256);
    ends_close(&raw.talk.ends);
    objects_close(&raw.talk);
    return raw;
}

static void feeding(void)
{
    char answer[256];
    ssize_t bytes;
    struct raw raw = feed(NULL, 0, true, answer, &bytes);
    CHECK(raw.err == NW_PEER_CLOSED && strcmp(raw.word, "closed") == 0 && bytes == 0);
    raw = feed("\x16\x03\x01\0\x05\x01\0\0\x01", 9, true, answer, &bytes);
    CHECK(raw.err == NW_PEER_CLOSED && strcmp(raw.word, "closed") == 0);
    raw = feed("\x16\x03\x01\0\x05\x01\0\0\x01", 9, false, answer, &bytes); /* and then nothing */
    CHECK(raw.err == NW_TIMEOUT && strcmp(raw.word, "timeout") == 0);
    raw = feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, false, answer, &bytes);
    CHECK(raw.err == NW_BAD_MESSAGE && strcmp(raw.word, "plain_http") == 0 && bytes == 0);
    raw = feed("\x16\x03\x01\0\x04\xff\0\0\0", 9, false, answer, &bytes);
    CHECK(raw.err == NW_BAD_MESSAGE && strcmp(raw.word, "garbage") == 0);
    CHECK(bytes == 7 && answer[0] == 21 && answer[5] == 2 && answer[6] == 10); /* unexpected */
}

static void what_is_no_handshake_is_closed_with_an_alert(void **state)
{
    run(feeding);
}

static void first_bytes(void)
{
    struct talk talk;
    objects_open(&talk);
    ends_open(&talk.ends);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    CHECK(SSL_connect(ssl) == -1);
    struct nw_buf first = {0};
    CHECK_OK(nw_buf_reserve(&first));
    first.end = (uint32_t)BIO_read(out, first.data, (int)first.cap_bytes);
    NW_WITHIN(stall, 50);
    CHECK_ERR(nw_io_tls_accept(&talk.ends.server, talk.server, &first), NW_TIMEOUT);
    CHECK(first.data == NULL);
    char answer[4096];
    ssize_t bytes = read(talk.ends.client.source.fd, answer, sizeof answer);
    CHECK(bytes > 100 && BIO_write(in, answer, (int)bytes) == bytes);
    CHECK(SSL_connect(ssl) == 1); /* the hello was the one that had been read before */
    SSL_free(ssl);
    SSL_CTX_free(context);
    ends_close(&talk.ends);
    objects_close(&talk);
}

static void bytes_read_before_belong_to_the_handshake(void **state)
{
    run(first_bytes);
}

/* ---- turns ---- */

struct crowd {
    struct talk *talk;
    struct nw_stream stream;
};

static void accept_one(void *arg)
{
    struct crowd *one = arg;
    CHECK(nw_io_tls_accept(&one->stream, one->talk->server, NULL) != NW_OK); /* it will go */
}

/* Twelve hellos are there at once; their answers appear four in a turn. */
static void crowding(void)
{
    enum { COUNT = 12 };
    struct talk talk;
    objects_open(&talk);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct crowd crowd[COUNT];
    struct nw_scope scope;
    struct nw_fiber *fiber;
    int peers[COUNT];
    nw_scope_open(&scope);
    for (int i = 0; i < COUNT; i++) {
        int fds[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
        crowd[i] = (struct crowd){.talk = &talk};
        nw_stream_init_accepted(&crowd[i].stream,
                                &(struct nw_accepted){.fd = fds[1], .is_unix = true});
        peers[i] = fds[0];
        SSL *ssl = SSL_new(context);
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new_socket(fds[0], BIO_NOCLOSE));
        CHECK(SSL_connect(ssl) == -1);
        SSL_free(ssl);
        CHECK_OK(nw_scope_spawn(&scope, "server", accept_one, &crowd[i], &fiber));
    }
    int answered = 0, most = 0;
    while (answered < COUNT) {
        int now = 0;
        uint64_t turn = nw_worker_turns(nw_worker_self());
        for (int i = 0; i < COUNT; i++)
            now += crowd[i].stream.tls != NULL && crowd[i].stream.tls->has_hello;
        most = now - answered > most ? now - answered : most;
        answered = now;
        while (nw_worker_turns(nw_worker_self()) == turn)
            CHECK_OK(nw_fiber_yield());
    }
    CHECK_EQ(most, NW_TLS_SIGNED_PER_TURN);
    for (int i = 0; i < COUNT; i++)
        close(peers[i]);
    CHECK_OK(nw_scope_join(&scope));
    for (int i = 0; i < COUNT; i++)
        nw_stream_close(&crowd[i].stream);
    SSL_CTX_free(context);
    objects_close(&talk);
}

static void at_most_four_handshakes_sign_in_a_turn(void **state)
{
    run(crowding);
}

/* ---- stacks ---- */

static void measuring_stacks(void)
{
    for (int i = 0; i < 3; i++) {
        struct talk talk;
        talk_open(&talk);
        talk_close(&talk);
    }
    CHECK(nw_fiber_stack_high_water() <= 24 * 1024);
}

static void records_need_little_stack(void **state)
{
    if (NW_ASAN || NW_TSAN)
        skip();
    run(measuring_stacks);
}

static int setup(void **state)
{
    root = cert_make((struct cert_want){.cn = "root", .is_ca = true});
    site = cert_make((struct cert_want){.cn = "site", .names = "DNS:a.example", .by = &root});
    return 0;
}

static int teardown(void **state)
{
    cert_free(&root);
    cert_free(&site);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_costs_one_recv_and_one_send_at_each_end),
        cmocka_unit_test(what_is_said_in_a_turn_is_one_send_and_one_recv),
        cmocka_unit_test(the_ticket_leaves_with_the_first_answer),
        cmocka_unit_test(close_notify_is_an_orderly_end_of_one_direction),
        cmocka_unit_test(an_end_without_close_notify_is_a_reset),
        cmocka_unit_test(a_forged_record_ends_both_ways_and_is_told),
        cmocka_unit_test(a_reset_says_nothing),
        cmocka_unit_test(key_updates_without_data_end_the_connection),
        cmocka_unit_test(bytes_inside_openssl_wake_a_parked_stream),
        cmocka_unit_test(our_buffers_go_with_the_bytes),
        cmocka_unit_test(openssls_buffers_stay_with_the_sessions_used_last),
        cmocka_unit_test(a_client_that_says_goodbye_is_gone),
        cmocka_unit_test(a_client_with_a_request_before_its_goodbye_is_not),
        cmocka_unit_test(wait_any_sees_bytes_inside_openssl),
        cmocka_unit_test(much_moves_both_ways_at_once),
        cmocka_unit_test(a_relay_between_two_tls_streams_keeps_every_byte),
        cmocka_unit_test(records_that_wait_leave_without_a_fiber_and_before_the_end),
        cmocka_unit_test(what_is_no_handshake_is_closed_with_an_alert),
        cmocka_unit_test(bytes_read_before_belong_to_the_handshake),
        cmocka_unit_test(at_most_four_handshakes_sign_in_a_turn),
        cmocka_unit_test(records_need_little_stack),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
