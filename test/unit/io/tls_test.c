/* The contract of io/tls.h: handshakes, names, trust, tickets, and streams that speak TLS. */
#include "tls_kit.h"

static struct cert root, site;

/* A server with the one certificate for a.example, a client that trusts its root. */
struct world {
    struct nw_tls_identity *identity;
    struct nw_tls_tickets *tickets;
    struct nw_tls_server *server;
    struct nw_tls_client *client;
};

static void world_open(struct world *world, struct nw_tls_server_spec spec)
{
    struct nw_text why = {0};
    world->identity = identity_of(&site);
    CHECK_OK(nw_tls_tickets_new(nw_slice_of(NULL, 0), &why, &world->tickets));
    spec.identities = &world->identity;
    spec.identity_count = 1;
    spec.tickets = world->tickets;
    world->server = server_of(&spec);
    world->client = client_of(&(struct nw_tls_client_spec){.ca_pem = nw_slice_str(root.pem)});
}

static void world_close(struct world *world)
{
    nw_tls_client_unref(world->client);
    nw_tls_server_unref(world->server);
    nw_tls_tickets_unref(world->tickets);
    nw_tls_identity_unref(world->identity);
}

static void shaking(void)
{
    struct world world;
    struct ends ends;
    world_open(&world, (struct nw_tls_server_spec){0});
    ends_open(&ends);
    ends_shake(&ends, world.server, world.client, "a.example");
    CHECK_OK(ends.client_err);
    CHECK_OK(ends.server_err);
    const struct nw_tls_info *info = nw_stream_tls(&ends.server);
    CHECK(strcmp(info->version, "1.3") == 0 && !info->is_resumed && info->server == world.server);
    CHECK_OK(write_text(&ends.client, "hello"));
    expect_read(&ends.server, "hello");
    CHECK_OK(write_text(&ends.server, "world"));
    expect_read(&ends.client, "world");
    ends_close(&ends);
    world_close(&world);
}

static void a_stream_becomes_tls_in_place(void **state)
{
    run(shaking);
}

int main(void)
{
    root = cert_make((struct cert_want){.cn = "root", .is_ca = true});
    site = cert_make((struct cert_want){.cn = "site", .names = "DNS:a.example", .by = &root});
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_becomes_tls_in_place),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cert_free(&root);
    cert_free(&site);
    return failed;
}
