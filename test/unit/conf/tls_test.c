/* check_tls.c: what `tls` blocks become, and each of their mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "conf/generation.h"

#define LISTEN "newel: 1\nlisten: { address: \"127.0.0.1:0\", tls: "
#define SERVICE "newel: 1\nlisten: a:1\nroutes: { service: s }\nservices: { s: { nodes: b:1, tls: "

struct loaded {
    struct nw_diag diag;
    struct nw_generation *generation;
    nw_err err;
};

static void load(struct loaded *l, const char *text)
{
    *l = (struct loaded){0};
    nw_diag_init(&l->diag);
    l->err = nw_conf_load(nw_slice_str(text), "newel.yaml", NULL, NULL, 1, &l->diag,
                          &l->generation);
}

static void done(struct loaded *l)
{
    nw_generation_unref(l->generation);
    nw_diag_done(&l->diag);
}

static const struct nw_conf *load_right(struct loaded *l, const char *text)
{
    load(l, text);
    if (l->err != NW_OK)
        fail_msg("%s in:\n%s", l->diag.items[0].sentence, text);
    return l->generation->conf;
}

static void the_short_form_is_a_list_of_one(void **state)
{
    struct loaded l;
    const struct nw_conf *conf = load_right(&l, LISTEN "{ certificate: a.pem, key: a.key } }\n");
    const struct nw_conf_listen_tls *tls = &conf->listen.items[0].tls;
    assert_true(nw_conf_is_given(&tls->block));
    assert_int_equal(tls->certificates.count, 1);
    assert_string_equal(tls->certificates.items[0].certificate.ptr, "a.pem");
    assert_string_equal(tls->certificates.items[0].key.ptr, "a.key");
    assert_int_equal(tls->policy, NW_CONF_TLS_INTERMEDIATE);
    assert_int_equal(tls->tickets.kind, NW_CONF_TICKETS_AUTO);
    assert_int_equal(tls->unknown_name, NW_CONF_UNKNOWN_NAME_FIRST);
    assert_false(nw_conf_is_given(&tls->clients.block));
    done(&l);
}

static void every_option_of_a_listener_becomes_typed(void **state)
{
    struct loaded l;
    const struct nw_conf *conf = load_right(
        &l, LISTEN "{ certificates: [ { certificate: a.pem, key: a.key },"
                   " { certificate: b.pem, key: b.key } ], policy: modern,"
                   " tickets: \"file:tickets.key\", unknown_name: refuse,"
                   " clients: { ca: partners.pem, require: false } } }\n");
    const struct nw_conf_listen_tls *tls = &conf->listen.items[0].tls;
    assert_int_equal(tls->certificates.count, 2);
    assert_string_equal(tls->certificates.items[1].key.ptr, "b.key");
    assert_int_equal(tls->policy, NW_CONF_TLS_MODERN);
    assert_int_equal(tls->tickets.kind, NW_CONF_TICKETS_FILE);
    assert_string_equal(tls->tickets.path.ptr, "tickets.key");
    assert_int_equal(tls->unknown_name, NW_CONF_UNKNOWN_NAME_REFUSE);
    assert_string_equal(tls->clients.ca.ptr, "partners.pem");
    assert_false(tls->clients.require);
    done(&l);
}

static void tickets_are_off_without_quotes_but_verify_is_not(void **state)
{
    struct loaded l;
    const struct nw_conf *conf =
        load_right(&l, LISTEN "{ certificate: a.pem, key: a.key, tickets: off } }\n");
    assert_int_equal(conf->listen.items[0].tls.tickets.kind, NW_CONF_TICKETS_OFF);
    done(&l);
    load(&l, SERVICE "{ verify: off } } }\n");
    assert_int_equal(l.err, NW_INVALID);
    assert_string_equal(l.diag.items[0].sentence,
                        "a bare off is a trap: YAML versions disagree whether it is a boolean");
    done(&l);
}

static void without_the_block_a_listener_and_a_service_are_plain(void **state)
{
    struct loaded l;
    const struct nw_conf *conf =
        load_right(&l, "newel: 1\nlisten: a:1\nservices: { s: { nodes: b:1 } }\n");
    assert_false(nw_conf_is_given(&conf->listen.items[0].tls.block));
    assert_false(nw_conf_is_given(&conf->services.items[0].tls.block));
    done(&l);
}

static void an_empty_mapping_is_enough_for_a_service(void **state)
{
    struct loaded l;
    const struct nw_conf *conf = load_right(&l, SERVICE "{} } }\n");
    const struct nw_conf_service_tls *tls = &conf->services.items[0].tls;
    assert_true(nw_conf_is_given(&tls->block));
    assert_string_equal(tls->ca.ptr, "system");
    assert_int_equal(tls->name.len, 0);
    assert_true(tls->verify);
    assert_int_equal(l.diag.count, 0);
    done(&l);
}

static void a_unix_node_with_a_name_is_fine(void **state)
{
    struct loaded l;
    load_right(&l, "newel: 1\nlisten: a:1\nroutes: { service: s }\n"
                   "services: { s: { nodes: \"unix:/s\", tls: { name: shop.internal } } }\n");
    assert_int_equal(l.diag.count, 0);
    done(&l);
}

static void unverified_nodes_are_a_warning(void **state)
{
    struct loaded l;
    load_right(&l, SERVICE "{ verify: false } } }\n");
    assert_int_equal(l.diag.count, 1);
    assert_true(l.diag.items[0].is_warning);
    assert_string_equal(l.diag.items[0].path, "services.s.tls.verify");
    done(&l);
}

static const struct {
    const char *text;
    const char *path;
    const char *words;
    const char *hint; /* NULL: any */
} mistakes[] = {
    {LISTEN "{} }\n", "listen[0].tls", "certificate is missing", "key: FILE"},
    {LISTEN "true }\n", "listen[0].tls", "mapping", NULL},
    {LISTEN "{ certificate: a.pem } }\n", "listen[0].tls.certificate", "needs its key",
     "key: FILE"},
    {LISTEN "{ key: a.key } }\n", "listen[0].tls.key", "needs its certificate", NULL},
    {LISTEN "{ certificates: [] } }\n", "listen[0].tls.certificates", "empty", NULL},
    {LISTEN "{ certificates: [ { certificate: a.pem } ] } }\n",
     "listen[0].tls.certificates[0].key", "missing", NULL},
    {LISTEN "{ certificate: a, key: b, certificates: { certificate: c, key: d } } }\n",
     "listen[0].tls.certificates", "either", NULL},
    {LISTEN "{ certificate: a, key: b, policy: intermedate } }\n", "listen[0].tls.policy",
     "modern", "did you mean intermediate"},
    {LISTEN "{ certificate: a, key: b, tickets: always } }\n", "listen[0].tls.tickets", "file:PATH",
     NULL},
    {LISTEN "{ certificate: a, key: b, clients: { require: true } } }\n",
     "listen[0].tls.clients.ca", "missing", NULL},
    {LISTEN "{ certificate: a, key: b, sni: x } }\n", "listen[0].tls.sni", "no such", NULL},
    {SERVICE "{ certificate: a } } }\n", "services.s.tls.certificate", "needs its key", NULL},
    {SERVICE "{ key: a } } }\n", "services.s.tls.key", "needs its certificate", NULL},
    {SERVICE "{ name: \"a b\" } } }\n", "services.s.tls.name", "cannot be the name", NULL},
    {SERVICE "system } }\n", "services.s.tls", "mapping", NULL},
    {"newel: 1\nlisten: a:1\nroutes: { service: s }\n"
     "services: { s: { nodes: \"unix:/s\", tls: {} } }\n",
     "services.s.tls", "Unix socket", "name"},
};

static void each_mistake_is_one_sentence_at_its_option(void **state)
{
    for (size_t i = 0; i < NW_COUNT(mistakes); i++) {
        struct loaded l;
        load(&l, mistakes[i].text);
        if (l.err != NW_INVALID || l.diag.error_count != 1)
            fail_msg("%zu errors in:\n%s", l.diag.error_count, mistakes[i].text);
        const struct nw_diag_item *item = NULL;
        for (size_t k = 0; k < l.diag.count; k++)
            if (!l.diag.items[k].is_warning)
                item = &l.diag.items[k];
        assert_string_equal(item->path, mistakes[i].path);
        if (strstr(item->sentence, mistakes[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", item->sentence, mistakes[i].words);
        if (mistakes[i].hint != NULL &&
            (item->suggestion == NULL || strstr(item->suggestion, mistakes[i].hint) == NULL))
            fail_msg("\"%s\" lacks the hint \"%s\"", item->sentence, mistakes[i].hint);
        assert_true(item->line >= 2 && item->column > 1);
        done(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_form_is_a_list_of_one),
        cmocka_unit_test(every_option_of_a_listener_becomes_typed),
        cmocka_unit_test(tickets_are_off_without_quotes_but_verify_is_not),
        cmocka_unit_test(without_the_block_a_listener_and_a_service_are_plain),
        cmocka_unit_test(an_empty_mapping_is_enough_for_a_service),
        cmocka_unit_test(a_unix_node_with_a_name_is_fine),
        cmocka_unit_test(unverified_nodes_are_a_warning),
        cmocka_unit_test(each_mistake_is_one_sentence_at_its_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
