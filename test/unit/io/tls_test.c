/* The contract of io/tls.h: handshakes, names, trust, tickets (streams: tls_stream_test.c). */
#include <pthread.h>

#include "tls_kit.h"

#include "base/metric.h"
#include "base/planted.h"
#include "io/tls_impl.h"

static struct cert root, other_root, site;

/* A server with the one certificate for a.example, a client that trusts its root. */
struct world {
    struct nw_tls_identity *identity;
    struct nw_tls_tickets *tickets;
    struct nw_tls_server *server;
    struct nw_tls_client *client;
};

static struct nw_tls_tickets *tickets_of(struct nw_slice keys)
{
    struct nw_text why = {0};
    struct nw_tls_tickets *tickets;
    CHECK_OK(nw_tls_tickets_new(keys, &why, &tickets));
    nw_text_done(&why);
    return tickets;
}

static void world_open(struct world *world, struct nw_tls_server_spec spec,
                       struct nw_tls_client_spec client_spec)
{
    world->identity = identity_of(&site);
    world->tickets = tickets_of(nw_slice_of(NULL, 0));
    if (spec.identity_count == 0) {
        spec.identities = &world->identity;
        spec.identity_count = 1;
    }
    if (spec.tickets == NULL)
        spec.tickets = world->tickets;
    world->server = server_of(&spec);
    if (client_spec.ca_pem.len == 0 && !client_spec.is_unverified)
        client_spec.ca_pem = nw_slice_str(root.pem);
    world->client = client_of(&client_spec);
}

static void world_close(struct world *world)
{
    nw_tls_client_unref(world->client);
    nw_tls_server_unref(world->server);
    nw_tls_tickets_unref(world->tickets);
    nw_tls_identity_unref(world->identity);
}

/* One exchange: a resumable session is only the client's once the first answer has come. */
static void talk(struct ends *ends)
{
    CHECK_OK(ends->client_err);
    CHECK_OK(ends->server_err);
    CHECK_OK(write_text(&ends->client, "hello"));
    expect_read(&ends->server, "hello");
    CHECK_OK(write_text(&ends->server, "world"));
    expect_read(&ends->client, "world");
}

/* Shakes hands, talks; what both ends say about it. */
static struct nw_tls_info meet(struct nw_tls_server *server, struct nw_tls_client *client,
                               const char *host)
{
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, server, client, host);
    talk(&ends);
    struct nw_tls_info info = *nw_stream_tls(&ends.server);
    CHECK(nw_stream_tls(&ends.client)->is_resumed == info.is_resumed);
    ends_close(&ends);
    return info;
}

/* Neither end comes through; the word of the end that refused. */
static const char *refused(struct nw_tls_server *server, struct nw_tls_client *client,
                        const char *host)
{
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, server, client, host);
    const char *word = ends.client_err == NW_OK ? ends.server_word : ends.client_word;
    if (ends.client_err == NW_OK) { /* TLS 1.3: the client learns of its own refusal later */
        char byte;
        size_t bytes;
        CHECK(ends.server_err == NW_BAD_MESSAGE);
        CHECK(nw_io_read_into(&ends.client, &byte, 1, &bytes) != NW_OK);
    }
    ends_close(&ends);
    return word;
}

/* ---- handshakes ---- */

static void shaking(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    struct nw_tls_info info = meet(world.server, world.client, "a.example");
    CHECK(strcmp(info.version, "1.3") == 0 && strcmp(info.cipher, "TLS_AES_128_GCM_SHA256") == 0);
    CHECK(!info.is_resumed && !info.is_h2 && !info.has_client_certificate);
    CHECK(info.server == world.server);
    world_close(&world);
}

static void a_stream_becomes_tls_in_place(void **state)
{
    run(shaking);
}

static void resuming(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    CHECK(!meet(world.server, world.client, "a.example").is_resumed);
    for (int i = 0; i < 3; i++)
        CHECK(meet(world.server, world.client, "a.example").is_resumed);
    world_close(&world);
}

static void a_second_connection_resumes(void **state)
{
    run(resuming);
}

static void not_resuming(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    struct nw_tls_server_spec spec = {.identities = &world.identity, .identity_count = 1};
    struct nw_tls_server *off = server_of(&spec);
    for (int i = 0; i < 2; i++)
        CHECK(!meet(off, world.client, "a.example").is_resumed);
    nw_tls_server_unref(off);
    world_close(&world);
}

static void without_tickets_every_handshake_is_full(void **state)
{
    run(not_resuming);
}

static void turning(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    CHECK(!meet(world.server, world.client, "a.example").is_resumed);
    nw_clock_advance_ms(runtime_here(), 13ULL * 3600 * 1000); /* one key later: opened still */
    CHECK_OK(nw_sleep(1));
    CHECK(meet(world.server, world.client, "a.example").is_resumed);
    nw_clock_advance_ms(runtime_here(), 37ULL * 3600 * 1000); /* all keys are new */
    CHECK_OK(nw_sleep(1));
    CHECK(!meet(world.server, world.client, "a.example").is_resumed);
    world_close(&world);
}

static void a_ticket_lives_as_long_as_its_key(void **state)
{
    run(turning);
}

static void sharing(void)
{
    static const char keys[160] = "name-of-the-firstAAAAAAAA";
    struct nw_tls_tickets *here = tickets_of(nw_slice_of(keys, 80));
    struct nw_tls_tickets *there = tickets_of(nw_slice_of(keys, 80));
    struct world world, second;
    world_open(&world, (struct nw_tls_server_spec){.tickets = here},
               (struct nw_tls_client_spec){0});
    world_open(&second, (struct nw_tls_server_spec){.tickets = there},
               (struct nw_tls_client_spec){0});
    CHECK(!meet(world.server, world.client, "a.example").is_resumed);
    CHECK(meet(second.server, world.client, "a.example").is_resumed);
    world_close(&second);
    world_close(&world);
    nw_tls_tickets_unref(here);
    nw_tls_tickets_unref(there);
}

static void two_newels_with_the_same_keys_open_each_others_tickets(void **state)
{
    run(sharing);
}

/* ---- names ---- */

struct names {
    struct cert certs[4];
    struct nw_tls_identity *identities[4];
    unsigned count;
};

static void names_add(struct names *names, const char *sans, const char *key)
{
    struct cert cert = cert_make(
        (struct cert_want){.cn = sans, .names = sans, .key = key, .by = &root});
    names->certs[names->count] = cert;
    names->identities[names->count++] = identity_of(&cert);
}

static void names_free(struct names *names)
{
    for (unsigned i = 0; i < names->count; i++) {
        nw_tls_identity_unref(names->identities[i]);
        cert_free(&names->certs[i]);
    }
}

static void naming(void)
{
    struct names names = {0};
    names_add(&names, "DNS:first.example", "P-256");
    names_add(&names, "DNS:*.wild.example,DNS:Exact.Example", "P-256");
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.identities = names.identities,
                                                   .identity_count = names.count},
               (struct nw_tls_client_spec){0});
    CHECK(strcmp(nw_tls_identity_info(names.identities[1])->names[1], "exact.example") == 0);
    meet(world.server, world.client, "first.example");
    meet(world.server, world.client, "exact.example");
    meet(world.server, world.client, "any.wild.example");
    /* These are answered with the first certificate, which does not cover them. */
    CHECK(strcmp(refused(world.server, world.client, "two.labels.wild.example"), "name") == 0);
    CHECK(strcmp(refused(world.server, world.client, "wild.example"), "name") == 0);
    CHECK(nw_tls_server_has_name(world.server, NW_SLICE("x.wild.example")));
    CHECK(nw_tls_server_has_name(world.server, NW_SLICE("first.example")));
    CHECK(!nw_tls_server_has_name(world.server, NW_SLICE("a.b.wild.example")));
    CHECK(!nw_tls_server_has_name(world.server, NW_SLICE(".wild.example")));
    CHECK(!nw_tls_server_has_name(world.server, NW_SLICE("")));
    world_close(&world);
    names_free(&names);
}

static void a_name_is_exact_then_a_wildcard_then_the_first(void **state)
{
    run(naming);
}

static void refusing_names(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.refuses_unknown_name = true},
               (struct nw_tls_client_spec){0});
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, world.server, world.client, "b.example");
    CHECK(ends.server_err == NW_BAD_MESSAGE && ends.client_err == NW_BAD_MESSAGE);
    CHECK(strcmp(ends.server_word, "unknown_name") == 0);
    CHECK(strcmp(ends.client_word, "alert") == 0);
    CHECK(strstr(nw_tls_trouble()->sentence, "unrecognized name") != NULL);
    ends_close(&ends);
    meet(world.server, world.client, "a.example");
    world_close(&world);
}

static void an_unknown_name_is_refused_when_told_so(void **state)
{
    run(refusing_names);
}

static void choosing_keys(void)
{
    struct names names = {0};
    names_add(&names, "DNS:both.example", "RSA-2048");
    names_add(&names, "DNS:both.example", "P-256");
    struct nw_tls_server_spec spec = {.identities = names.identities, .identity_count = 2};
    struct world world;
    world_open(&world, spec, (struct nw_tls_client_spec){0});
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, world.server, world.client, "both.example");
    talk(&ends);
    CHECK(ends.server.tls->identity == names.identities[1]);
    ends_close(&ends);
    world_close(&world);
    names_free(&names);
}

static void of_two_keys_ecdsa_answers_who_can_verify_it(void **state)
{
    run(choosing_keys);
}

/* A blocking client of OpenSSL's own, on a thread of its own, that knows only RSA and TLS 1.2. */
static void *old_client(void *arg)
{
    const int *fd = arg;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    CHECK(SSL_CTX_set1_sigalgs_list(context, "RSA-PSS+SHA256:RSA+SHA256") == 1);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, *fd);
    SSL_set_tlsext_host_name(ssl, "both.example");
    CHECK(SSL_connect(ssl) == 1);
    X509 *leaf = SSL_get1_peer_certificate(ssl);
    CHECK(EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) == EVP_PKEY_RSA);
    X509_free(leaf);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return NULL;
}

static void choosing_for_old(void)
{
    struct names names = {0};
    names_add(&names, "DNS:both.example", "P-256");
    names_add(&names, "DNS:both.example", "RSA-2048");
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.identities = names.identities,
                                                   .identity_count = 2},
               (struct nw_tls_client_spec){0});
    struct pair pair;
    pthread_t thread;
    pair_open(&pair);
    CHECK(pthread_create(&thread, NULL, old_client, &pair.peer) == 0);
    CHECK_OK(nw_io_tls_accept(&pair.stream, world.server, NULL));
    CHECK(strcmp(nw_stream_tls(&pair.stream)->version, "1.2") == 0);
    pthread_join(thread, NULL);
    pair_close(&pair);
    world_close(&world);
    names_free(&names);
}

static void and_rsa_who_cannot(void **state)
{
    run(choosing_for_old);
}

static void old_versions(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.policy = NW_TLS_MODERN},
               (struct nw_tls_client_spec){0});
    CHECK(strcmp(meet(world.server, world.client, "a.example").version, "1.3") == 0);
    struct ends ends;
    ends_open(&ends);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, ends.client.source.fd);
    CHECK(SSL_connect(ssl) == -1);
    CHECK_ERR(nw_io_tls_accept(&ends.server, world.server, NULL), NW_BAD_MESSAGE);
    CHECK(strcmp(nw_tls_trouble()->word, "version") == 0);
    CHECK(SSL_connect(ssl) == -1 &&
          ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(context);
    ends_close(&ends);
    world_close(&world);
}

static void the_modern_policy_takes_1_3_alone(void **state)
{
    run(old_versions);
}

static void by_address(void)
{
    struct names names = {0};
    names_add(&names, "IP:127.0.0.1,IP:::1", "P-256");
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.identities = names.identities,
                                                   .identity_count = 1,
                                                   .refuses_unknown_name = true},
               (struct nw_tls_client_spec){0});
    meet(world.server, world.client, "127.0.0.1");
    meet(world.server, world.client, "[::1]");
    CHECK(strcmp(refused(world.server, world.client, "127.0.0.2"), "name") == 0);
    CHECK(strcmp(nw_tls_identity_info(names.identities[0])->names[1], "::1") == 0);
    world_close(&world);
    names_free(&names);
}

static void an_address_is_verified_and_never_sent_as_a_name(void **state)
{
    run(by_address);
}

/* ---- trust ---- */

/* What a client that trusts `root` says to a server with this certificate. */
static const char *judged(struct cert_want want, struct nw_tls_client_spec client_spec)
{
    struct cert cert = cert_make(want);
    struct nw_text why = {0};
    struct nw_tls_identity *identity;
    CHECK_OK(nw_tls_identity_new(nw_slice_str(cert.pem), nw_slice_str(cert.key_pem),
                                 nw_slice_of(NULL, 0), 0, &why, &identity));
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.identities = &identity, .identity_count = 1},
               client_spec);
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, world.server, world.client, "a.example");
    const char *word = ends.client_err == NW_OK ? "ok" : ends.client_word;
    ends_close(&ends);
    world_close(&world);
    nw_tls_identity_unref(identity);
    cert_free(&cert);
    return word;
}

static void judging(void)
{
    struct nw_tls_client_spec strict = {0}, lax = {.is_unverified = true},
                              named = {.name = NW_SLICE("b.example")};
    struct cert_want good = {.cn = "x", .names = "DNS:a.example", .by = &root}, want;
    CHECK(strcmp(judged(good, strict), "ok") == 0);
    want = good, want.by = NULL;
    CHECK(strcmp(judged(want, strict), "unknown_ca") == 0);
    CHECK(strcmp(judged(want, lax), "ok") == 0);
    want = good, want.by = &other_root;
    CHECK(strcmp(judged(want, strict), "unknown_ca") == 0);
    want = good, want.ends_in_s = -60;
    CHECK(strcmp(judged(want, strict), "expired") == 0);
    want = good, want.names = "DNS:b.example";
    CHECK(strcmp(judged(want, strict), "name") == 0);
    CHECK(strcmp(judged(want, named), "ok") == 0);
    want = good, want.names = NULL, want.cn = "a.example"; /* a common name is no name */
    CHECK(strcmp(judged(want, strict), "name") == 0);
}

static void a_node_is_verified_unless_told_otherwise(void **state)
{
    run(judging);
}

static void trusting_the_system(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    struct nw_tls_client *client = client_of(&(struct nw_tls_client_spec){0});
    meet(world.server, client, "a.example");
    CHECK(strcmp(refused(world.server, client, "b.example"), "name") == 0);
    nw_tls_client_unref(client);
    world_close(&world);
}

static void without_authorities_the_systems_roots_are_trusted(void **state)
{
    run(trusting_the_system);
}

/* ---- client certificates ---- */

static void asking_clients(void)
{
    struct cert me = cert_make((struct cert_want){.cn = "me", .by = &root});
    struct cert alien = cert_make((struct cert_want){.cn = "alien", .by = &other_root});
    struct nw_tls_identity *mine = identity_of(&me), *aliens = identity_of(&alien);
    struct nw_tls_server_spec need = {.client_ca_pem = nw_slice_str(root.pem),
                                      .needs_client_certificate = true};
    struct nw_tls_server_spec like = {.client_ca_pem = nw_slice_str(root.pem)};
    struct world world, wishing;
    world_open(&world, need, (struct nw_tls_client_spec){.identity = mine});
    world_open(&wishing, like, (struct nw_tls_client_spec){0});
    struct nw_tls_client *stranger = client_of(
        &(struct nw_tls_client_spec){.ca_pem = nw_slice_str(root.pem), .identity = aliens});

    CHECK(meet(world.server, world.client, "a.example").has_client_certificate);
    CHECK(strcmp(refused(world.server, wishing.client, "a.example"), "no_certificate") == 0);
    CHECK(strcmp(refused(world.server, stranger, "a.example"), "unknown_ca") == 0);
    CHECK(!meet(wishing.server, wishing.client, "a.example").has_client_certificate);
    CHECK(meet(wishing.server, world.client, "a.example").has_client_certificate);
    CHECK(strcmp(refused(wishing.server, stranger, "a.example"), "unknown_ca") == 0);

    nw_tls_client_unref(stranger);
    world_close(&wishing);
    world_close(&world);
    nw_tls_identity_unref(mine);
    nw_tls_identity_unref(aliens);
    cert_free(&me);
    cert_free(&alien);
}

static void a_client_certificate_is_wanted_needed_and_verified(void **state)
{
    run(asking_clients);
}

/* Gets a ticket where nothing is asked, and shows it where a certificate is needed. */
static bool crosses(void)
{
    struct world open, closed;
    world_open(&open, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    world_open(&closed, (struct nw_tls_server_spec){.client_ca_pem = nw_slice_str(root.pem),
                                                    .needs_client_certificate = true,
                                                    .tickets = open.tickets},
               (struct nw_tls_client_spec){0});
    meet(open.server, open.client, "a.example");
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, closed.server, open.client, "a.example");
    bool has_crossed = ends.server_err == NW_OK;
    CHECK(has_crossed || strcmp(ends.server_word, "no_certificate") == 0);
    ends_close(&ends);
    world_close(&closed);
    world_close(&open);
    return has_crossed;
}

static void crossing(void)
{
    CHECK(!crosses());
}

static void a_ticket_does_not_cross_client_policies(void **state)
{
    run(crossing);
}

static void crossing_planted(void)
{
    CHECK(crosses());
}

static void and_would_if_it_were_not_bound_to_them(void **state)
{
    if (nw_planted_init("ticket_crosses_policy") != NW_OK)
        skip();
    run(crossing_planted);
    CHECK_OK(nw_planted_init(""));
}

/* ---- ALPN and versions ---- */

static void choosing_protocols(void)
{
    struct world one, two;
    world_open(&one, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    world_open(&two, (struct nw_tls_server_spec){.has_h2 = true},
               (struct nw_tls_client_spec){.has_h2 = true});
    CHECK(!meet(one.server, one.client, "a.example").is_h2);
    CHECK(meet(two.server, two.client, "a.example").is_h2);
    CHECK(!meet(two.server, one.client, "a.example").is_h2);
    struct ends ends;
    ends_open(&ends);
    ends_shake(&ends, one.server, two.client, "a.example");
    CHECK(strcmp(ends.server_word, "alpn") == 0 && strcmp(ends.client_word, "alert") == 0);
    CHECK(strstr(nw_tls_trouble()->sentence, "application protocol") != NULL);
    ends_close(&ends);
    world_close(&one);
    world_close(&two);
}

static void alpn_chooses_or_refuses(void **state)
{
    run(choosing_protocols);
}

/* ---- identities ---- */

static void bad_identities_are_refused_with_a_sentence(void **state)
{
    struct cert weak = cert_make((struct cert_want){.cn = "w", .key = "RSA-1024", .by = &root});
    struct cert old = cert_make((struct cert_want){.cn = "o", .ends_in_s = -60, .by = &root});
    struct cert curve = cert_make((struct cert_want){.cn = "c", .key = "secp256k1", .by = &root});
    const struct {
        const char *pem, *key_pem, *why;
    } cases[] = {
        {site.pem, root.key_pem, "not the one of the (first) certificate"},
        {weak.pem, weak.key_pem, "1024 bits"},
        {old.pem, old.key_pem, "expired on"},
        {curve.pem, curve.key_pem, "curve secp256k1"},
        {"", site.key_pem, "no certificate in it (PEM is read"},
        {"\x30\x82\x01\x0a", site.key_pem, "no certificate in it (PEM is read"},
        {site.key_pem, site.key_pem, "no certificate in it, but a private key"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", site.key_pem, "parsed"},
        {site.pem, "", "holds no private key"},
        {site.pem, site.pem, "holds no private key"},
        {site.pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "key cannot be parsed"},
    };
    for (size_t i = 0; i < NW_COUNT(cases); i++) {
        struct nw_text why = {0};
        struct nw_tls_identity *identity = NULL;
        CHECK_ERR(nw_tls_identity_new(nw_slice_str(cases[i].pem), nw_slice_str(cases[i].key_pem),
                                      nw_slice_of(NULL, 0), KIT_NOW_S, &why, &identity),
                  NW_INVALID);
        CHECK(identity == NULL && strstr(why.ptr, cases[i].why) != NULL);
        nw_text_done(&why);
    }
    cert_free(&weak);
    cert_free(&old);
    cert_free(&curve);
}

static void an_identity_tells_what_it_is(void **state)
{
    struct nw_tls_identity *identity = identity_of(&site);
    const struct nw_tls_identity_info *info = nw_tls_identity_info(identity);
    CHECK(info->name_count == 1 && strcmp(info->names[0], "a.example") == 0);
    CHECK(strcmp(info->subject, "CN=site") == 0 && strcmp(info->issuer, "CN=root") == 0);
    CHECK(strcmp(info->key_type, "ECDSA P-256") == 0 && strlen(info->sha256) == 64);
    CHECK(info->not_after_s - info->not_before_s == 32 * KIT_DAY_S);
    nw_tls_identity_unref(identity);
    struct cert rsa = cert_make((struct cert_want){.cn = "r", .key = "RSA-2048", .by = &root});
    identity = identity_of(&rsa);
    CHECK(strcmp(nw_tls_identity_info(identity)->key_type, "RSA 2048") == 0);
    nw_tls_identity_unref(identity);
    cert_free(&rsa);
}

/* ---- metrics ---- */

static void counting(void *arg)
{
    struct nw_metrics *metrics = arg;
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){.refuses_unknown_name = true},
               (struct nw_tls_client_spec){0});
    meet(world.server, world.client, "a.example");
    meet(world.server, world.client, "a.example");
    refused(world.server, world.client, "b.example");
    world_close(&world);
    const char *name = "io_tls_handshakes_total"; /* both ends count */
    CHECK_EQ(nw_metrics_value(metrics, name, "version=1.3,resumed=no,result=ok"), 2);
    CHECK_EQ(nw_metrics_value(metrics, name, "version=1.3,resumed=yes,result=ok"), 2);
    CHECK_EQ(nw_metrics_value(metrics, name, "version=none,resumed=no,result=unknown_name"), 1);
    CHECK_EQ(nw_metrics_value(metrics, name, "result=alert"), 1);
    CHECK_EQ(nw_metrics_value(metrics, "io_tls_handshake_seconds_count", NULL), 4);
    nw_runtime_stop(runtime_here());
}

static void handshakes_are_counted_by_result(void **state)
{
    struct nw_metrics *metrics = nw_metrics_new(2, 0);
    struct nw_runtime_options options = {
        .backend = &nw_backend_epoll, .worker_count = 1, .seed = 1, .metrics = metrics};
    struct nw_runtime *runtime;
    CHECK_OK(nw_runtime_new(&options, &runtime));
    nw_runtime_run(runtime, counting, metrics);
    nw_runtime_free(runtime);
    nw_metrics_free(metrics);
}

/* ---- renewal ---- */

static void renewing(void)
{
    struct world world;
    world_open(&world, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
    meet(world.server, world.client, "a.example");
    unsigned made = nw_tls_made_count();
    for (int i = 0; i < 100; i++) {
        struct world next;
        world_open(&next, (struct nw_tls_server_spec){0}, (struct nw_tls_client_spec){0});
        meet(next.server, next.client, "a.example");
        world_close(&next);
        CHECK(nw_tls_made_count() <= made + 3);
    }
    world_close(&world);
}

static void a_hundred_renewals_leave_nothing_behind(void **state)
{
    run(renewing);
}

static int setup(void **state)
{
    char path[] = "/tmp/newel-tls-roots-XXXXXX";
    root = cert_make((struct cert_want){.cn = "root", .is_ca = true});
    other_root = cert_make((struct cert_want){.cn = "other", .is_ca = true});
    site = cert_make((struct cert_want){.cn = "site", .names = "DNS:a.example", .by = &root});
    int fd = mkstemp(path); /* the system's roots are ours */
    CHECK(fd >= 0 && write(fd, other_root.pem, strlen(other_root.pem)) > 0 &&
          write(fd, root.pem, strlen(root.pem)) > 0);
    setenv("SSL_CERT_FILE", path, 1);
    CHECK_OK(nw_tls_prepare());
    close(fd);
    unlink(path);
    return 0;
}

static int teardown(void **state)
{
    cert_free(&root);
    cert_free(&other_root);
    cert_free(&site);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_becomes_tls_in_place),
        cmocka_unit_test(a_second_connection_resumes),
        cmocka_unit_test(without_tickets_every_handshake_is_full),
        cmocka_unit_test(a_ticket_lives_as_long_as_its_key),
        cmocka_unit_test(two_newels_with_the_same_keys_open_each_others_tickets),
        cmocka_unit_test(a_name_is_exact_then_a_wildcard_then_the_first),
        cmocka_unit_test(an_unknown_name_is_refused_when_told_so),
        cmocka_unit_test(of_two_keys_ecdsa_answers_who_can_verify_it),
        cmocka_unit_test(and_rsa_who_cannot),
        cmocka_unit_test(the_modern_policy_takes_1_3_alone),
        cmocka_unit_test(an_address_is_verified_and_never_sent_as_a_name),
        cmocka_unit_test(a_node_is_verified_unless_told_otherwise),
        cmocka_unit_test(without_authorities_the_systems_roots_are_trusted),
        cmocka_unit_test(a_client_certificate_is_wanted_needed_and_verified),
        cmocka_unit_test(a_ticket_does_not_cross_client_policies),
        cmocka_unit_test(and_would_if_it_were_not_bound_to_them),
        cmocka_unit_test(alpn_chooses_or_refuses),
        cmocka_unit_test(bad_identities_are_refused_with_a_sentence),
        cmocka_unit_test(an_identity_tells_what_it_is),
        cmocka_unit_test(handshakes_are_counted_by_result),
        cmocka_unit_test(a_hundred_renewals_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
