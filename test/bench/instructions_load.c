/*
 * Eight clients that ask in step, so that a turn of newel has work of several, as under load. The
 * answers are 128 bytes long. Clients and node are the same for every kind but for how they speak.
 */
#include "instructions_load.h"

#include "base/alloc.h"
#include "http/h2.h"
#include "io/listen.h"
#include "io/tls.h"
#include "io/worker.h"
#include "pair.h"
#include "talk.h"

enum { CLIENTS = 8, BODY_BYTES = 128 };

static const struct nw_slice request =
    NW_SLICE_LIT("GET /big/128 HTTP/1.1\r\nHost: shop.example\r\n"
                 "User-Agent: instructions\r\nAccept: */*\r\n\r\n");

static void connect_edge(struct nw_stream *stream)
{
    struct nw_addr addr;
    CHECK(nw_addr_parse(NW_SLICE("10.9.0.1:80"), &addr) == NW_OK);
    CHECK(nw_io_connect(&addr, stream) == NW_OK);
}

/* ---- clients: HTTP/1.1 ---- */

static bool ignore_body(void *arg, const char *bytes, size_t count)
{
    return true;
}

static void client_fiber(void *arg)
{
    struct load *load = arg;
    struct talk talk;
    connect_edge(&talk.stream);
    if (load->tls != NULL)
        CHECK(nw_io_tls_connect(&talk.stream, load->tls, NW_SLICE("a.example"), 1) == NW_OK);
    talk_init(&talk);
    while (load->left > 0) {
        struct talk_head head;
        load->left--;
        CHECK(talk_send(&talk, request) == NW_OK);
        CHECK(talk_head(&talk, &head) == NW_OK);
        CHECK(head.status == 200);
        CHECK(talk_body(&talk, &head, ignore_body, NULL) == NW_OK);
    }
    talk_done(&talk);
    load->running--;
}

/* ---- clients: streams of one connection ---- */

struct caller {
    struct load *load;
    struct nw_h2 *h2;
};

static void ask(struct nw_h2 *h2)
{
    struct nw_h2_stream *stream;
    struct nw_buf head = {0};
    struct nw_slice piece;
    size_t bytes = 0;
    CHECK(nw_h2_request(h2, request, true, &stream) == NW_OK);
    CHECK(nw_h2_head(stream, &head) == NW_OK);
    CHECK(nw_slice_starts_with(nw_buf_unread(&head), NW_SLICE("HTTP/1.1 200 ")));
    nw_buf_release(&head);
    do {
        CHECK(nw_h2_read(stream, &piece) == NW_OK);
        bytes += piece.len;
    } while (piece.len > 0);
    CHECK(bytes == BODY_BYTES);
    nw_h2_stream_done(stream);
}

static void stream_fiber(void *arg)
{
    struct caller *caller = arg;
    while (caller->load->left > 0) {
        caller->load->left--;
        ask(caller->h2);
    }
    caller->load->running--;
}

static void reader_fiber(void *arg)
{
    struct caller *caller = arg;
    nw_err err NW_UNUSED = nw_h2_run(caller->h2, NULL);
}

static void caller_fiber(void *arg)
{
    struct caller caller = {.load = arg};
    struct nw_stream stream;
    struct nw_scope reader, streams;
    struct nw_h2_options options = {
        .stream = &stream,
        .is_client = true,
        .streams_max = CLIENTS,
        .head_max_bytes = 32768,
        .window_bytes = 65535,
        .window_max_bytes = 65535,
    };
    connect_edge(&stream);
    CHECK(nw_h2_new(&options, &caller.h2) == NW_OK);
    nw_scope_open(&reader);
    nw_scope_open(&streams);
    CHECK(nw_scope_spawn(&reader, "reader", reader_fiber, &caller, NULL) == NW_OK);
    for (unsigned i = 0; i < CLIENTS; i++)
        CHECK(nw_scope_spawn(&streams, "stream", stream_fiber, &caller, NULL) == NW_OK);
    CHECK(nw_scope_join(&streams) == NW_OK);
    nw_scope_close(&streams);
    nw_h2_abort(caller.h2, NW_HTTP2_NO_ERROR);
    nw_scope_close(&reader);
    nw_h2_free(caller.h2);
    nw_stream_close(&stream);
}

/* ---- the node that speaks HTTP/2 ---- */

struct peer {
    struct nw_stream stream;
    struct nw_h2 *h2;
};

static void on_request(void *arg, struct nw_h2_stream *stream)
{
    struct nw_slice head = NW_SLICE("HTTP/1.1 200 OK\r\nContent-Length: 128\r\n\r\n");
    char body[BODY_BYTES] = {0};
    struct iovec iov = {body, sizeof body};
    CHECK(nw_h2_respond(stream, head, false) == NW_OK);
    CHECK(nw_h2_write(stream, &iov, 1, sizeof body) == NW_OK); /* there is window: no wait */
    CHECK(nw_h2_end(stream, nw_slice_of(NULL, 0)) == NW_OK);
    nw_h2_stream_done(stream);
}

static void peer_fiber(void *arg)
{
    struct peer *peer = arg;
    struct nw_h2_options options = {
        .stream = &peer->stream,
        .streams_max = 128,
        .head_max_bytes = 16384,
        .window_bytes = 65535,
        .window_max_bytes = 1 << 20,
        .on_request = on_request,
    };
    CHECK(nw_h2_new(&options, &peer->h2) == NW_OK);
    nw_err err = NW_OK;
    while (err == NW_OK) {
        struct nw_wait wait = {.stream = &peer->stream, .want = NW_WANT_READ};
        err = nw_h2_run(peer->h2, NULL);
        if (err == NW_OK)
            err = nw_io_wait_any(&wait, 1);
    }
    nw_h2_free(peer->h2);
    nw_stream_close(&peer->stream);
    nw_free(peer);
}

static void on_accept(void *owner, struct nw_accepted *accepted)
{
    struct peer *peer = nw_alloc_zero(sizeof *peer);
    nw_stream_init_accepted(&peer->stream, accepted);
    CHECK(nw_scope_spawn(nw_worker_root_scope(nw_worker_self()), "node.conn", peer_fiber, peer,
                         NULL) == NW_OK);
}

static void node_fiber(void *arg)
{
    struct nw_listener_options options = {.on_accept = on_accept, .inherited_fd = -1};
    struct nw_listener *listener;
    CHECK(nw_addr_parse(NW_SLICE("10.0.0.1:80"), &options.addr) == NW_OK);
    CHECK(nw_listener_open(nw_worker_runtime(nw_worker_self()), &options, &listener) == NW_OK);
    nw_listener_start(listener);
}

/* ---- kinds ---- */

static void start_edge(struct load *load, const char *tls, const char *multiplex)
{
    struct nw_text conf = {0};
    nw_text_addf(&conf,
                 "newel: 1\nthreads: 1\nlisten: [ { address: \"10.9.0.1:80\"%s } ]\n"
                 "limits: { buffers: 64M, fibers: 4000 }\n"
                 "services: { shop: { nodes: [ \"10.0.0.1:80\" ]%s } }\n"
                 "routes: [ { path: /, service: shop } ]\n",
                 tls, multiplex);
    world_daemon_add(load->world, "edge", conf.ptr);
    nw_text_done(&conf);
}

static void start_node(struct load *load)
{
    static const struct world_manner manner;
    world_node_add(load->world, &manner);
}

static void start_clients(struct load *load)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        nw_sim_spawn(load->world->hosts, 0, "client", client_fiber, load);
}

static void start_plain(struct load *load)
{
    start_node(load);
    start_edge(load, "", "");
    start_clients(load);
}

static void start_tls(struct load *load)
{
    struct nw_text why = {0};
    struct nw_tls_client_spec spec = {.ca_pem = nw_slice_str(pair_certificate)};
    CHECK(nw_tls_client_new(&spec, &why, &load->tls) == NW_OK);
    load->world->files[0] = (struct world_file){"site.pem", pair_certificate};
    load->world->files[1] = (struct world_file){"site.key", pair_key};
    start_node(load);
    start_edge(load, ", tls: { certificate: site.pem, key: site.key }", "");
    start_clients(load);
}

static void start_h2(struct load *load)
{
    start_node(load);
    start_edge(load, "", "");
    nw_sim_spawn(load->world->hosts, 0, "caller", caller_fiber, load);
}

static void start_mux(struct load *load)
{
    nw_sim_spawn(load->world->hosts, 0, "node", node_fiber, NULL);
    start_edge(load, "", ", multiplex: { connections: 1 }");
    start_clients(load);
}

bool load_start(struct load *load, const char *kind)
{
    static const struct {
        const char *name;
        void (*start)(struct load *load);
    } kinds[] = {{"plain", start_plain}, {"tls", start_tls}, {"h2", start_h2}, {"mux", start_mux}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, kind) == 0) {
            load->running = CLIENTS;
            kinds[i].start(load);
            return true;
        }
    return false;
}

bool load_is_done(void *load)
{
    return ((struct load *)load)->running == 0;
}

void load_done(struct load *load)
{
    world_free(load->world);
    if (load->tls != NULL)
        nw_tls_client_unref(load->tls);
}
