/* The contract of cmd/book.h: what the helper obeys is what stands in the text, nothing else. */
#include "cmd/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"

static char folder[64], file[128];
static struct book *book;
static struct nw_spawn_book ops;

static void write_text(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static int make_book(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/newel-book-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/newel.yaml", folder);
    struct book_options options = {.file = file, .state_dir = "/var/lib/newel"};
    book = book_new(&options);
    ops = book_ops(book);
    write_text("key", "s3cret\n");
    write_text("list", "10.0.0.0/8\n");
    return 0;
}

static int free_book(void **state)
{
    const char *const names[] = {"newel.yaml", "key", "list"};
    char path[128];
    book_free(book);
    for (size_t i = 0; i < NW_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static const char shop[] = "newel: 1\n"
                           "user: nobody\n"
                           "listen:\n"
                           "  - 127.0.0.1:80\n"
                           "  - { address: \"localhost:81\", allow: \"file:list\" }\n"
                           "  - 127.0.0.1:0\n"
                           "  - { address: \"127.0.0.1:443\",\n"
                           "      tls: { certificate: site.pem, key: /keys/site.key } }\n"
                           "admin: unix:/run/admin.sock\n"
                           "services:\n"
                           "  shop: { run: [shop, \"--port={port}\"], instances: 2,\n"
                           "          env: { KEY: \"file:key\" }, user: daemon }\n"
                           "  old: { nodes: [\"127.0.0.1:3000\"] }\n"
                           "routes: [ { path: /, service: shop }, { path: /o, service: old } ]\n";

static nw_err load(uint64_t *digest, struct nw_spawn_power *power)
{
    char why[NW_SPAWN_WHY_BYTES] = "";
    nw_err err = ops.load(ops.arg, digest, power, why);
    if (err != NW_OK)
        assert_true(strlen(why) > 0);
    return err;
}

static void load_right(const char *text)
{
    uint64_t digest;
    struct nw_spawn_power power;
    write_text("newel.yaml", text);
    assert_int_equal(load(&digest, &power), NW_OK);
}

static nw_err process(const char *service, unsigned instance, uint64_t identity,
                      struct nw_spawn_spec *out)
{
    char why[NW_SPAWN_WHY_BYTES] = "";
    struct nw_spawn_wish wish = {
        .service = service, .instance = instance, .port = 4000, .start = 7, .identity = identity};
    nw_err err = ops.process(ops.arg, &wish, out, why);
    if (err != NW_OK)
        assert_true(strlen(why) > 0);
    return err;
}

static bool may_open(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/",
             name);
    return ops.may_open(ops.arg, path);
}

static bool may_listen(const char *text, const char *addr_text)
{
    struct nw_addr addr;
    assert_int_equal(nw_addr_parse(nw_slice_str(addr_text), &addr), NW_OK);
    return ops.may_listen(ops.arg, text, &addr);
}

static void nothing_is_known_before_the_first_reading(void **state)
{
    struct nw_spawn_spec spec;
    assert_int_not_equal(process("shop", 1, 0, &spec), NW_OK);
    assert_false(may_open("newel.yaml"));
    assert_false(may_listen("127.0.0.1:80", "127.0.0.1:80"));
}

static void only_the_files_that_are_named_may_be_opened(void **state)
{
    load_right(shop);
    assert_true(may_open("newel.yaml"));
    assert_true(may_open("key"));
    assert_true(may_open("list"));
    assert_true(may_open("site.pem"));
    assert_true(may_open("/keys/site.key"));
    assert_false(may_open("/keys/other.key"));
    assert_false(may_open("/etc/shadow"));
    assert_false(may_open("other"));
    assert_false(may_open("./key")); /* not as it is named */
}

static void only_the_listeners_that_are_named_may_be_opened(void **state)
{
    load_right(shop);
    assert_true(may_listen("127.0.0.1:80", "127.0.0.1:80"));
    assert_false(may_listen("127.0.0.1:80", "127.0.0.1:22"));
    assert_false(may_listen("127.0.0.1:80", "0.0.0.0:80"));
    assert_false(may_listen("127.0.0.1:22", "127.0.0.1:22"));
    assert_true(may_listen("localhost:81", "[::1]:81")); /* a name is what newel found it to be */
    assert_false(may_listen("localhost:81", "[::1]:80"));
    assert_false(may_listen("localhost:81", "unix:/run/x"));
    assert_false(may_listen("127.0.0.1:0", "127.0.0.1:25")); /* any port is not every port */
    assert_true(may_listen("unix:/run/admin.sock", "unix:/run/admin.sock"));
    assert_false(may_listen("unix:/run/admin.sock", "unix:/run/other.sock"));
}

static void a_process_needs_its_very_command(void **state)
{
    struct nw_spawn_spec spec;
    load_right(shop);
    ops.take(ops.arg);
    assert_int_equal(process("old", 1, 0, &spec), NW_NOT_FOUND);
    assert_int_equal(process("nobody", 1, 0, &spec), NW_NOT_FOUND);
    assert_int_equal(process("shop", 0, 0, &spec), NW_NOT_FOUND);
    assert_int_equal(process("shop", 3, 0, &spec), NW_NOT_FOUND);
    assert_int_equal(process("shop", 1, 0, &spec), NW_INVALID); /* another command is meant */
}

static void a_reading_that_fails_changes_nothing(void **state)
{
    uint64_t digest = 1;
    struct nw_spawn_power power;
    load_right(shop);
    ops.take(ops.arg);
    write_text("newel.yaml", "newel: 1\nlisten: nowhere\n");
    assert_int_equal(load(&digest, &power), NW_INVALID);
    assert_int_equal(digest, 1);
    assert_true(may_open("key"));
    ops.take(ops.arg); /* nothing was loaded */
    assert_true(may_open("key"));
}

static void the_power_follows_the_file(void **state)
{
    uint64_t digest;
    struct nw_spawn_power power;
    write_text("newel.yaml", shop);
    assert_int_equal(load(&digest, &power), NW_OK);
    assert_string_equal(power.user, "nobody");
    assert_true(power.is_hardened && !power.may_start_root);
    write_text("newel.yaml",
               "newel: 1\nhardening: off\nlisten: 127.0.0.1:80\n"
               "services: { shop: { run: [shop], user: root } }\n"
               "routes: [ { path: /, service: shop } ]\n");
    assert_int_equal(load(&digest, &power), NW_OK);
    assert_null(power.user);
    assert_true(!power.is_hardened && power.may_start_root);
}

static void the_digest_is_over_all_that_was_read(void **state)
{
    uint64_t first, second, third;
    struct nw_spawn_power power;
    write_text("newel.yaml", shop);
    assert_int_equal(load(&first, &power), NW_OK);
    assert_int_equal(load(&second, &power), NW_OK);
    write_text("key", "s3cret2\n");
    assert_int_equal(load(&third, &power), NW_OK);
    assert_true(first == second && second != third);
}

#define WITH_BOOK(test) cmocka_unit_test_setup_teardown(test, make_book, free_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOK(nothing_is_known_before_the_first_reading),
        WITH_BOOK(only_the_files_that_are_named_may_be_opened),
        WITH_BOOK(only_the_listeners_that_are_named_may_be_opened),
        WITH_BOOK(a_process_needs_its_very_command),
        WITH_BOOK(a_reading_that_fails_changes_nothing),
        WITH_BOOK(the_power_follows_the_file),
        WITH_BOOK(the_digest_is_over_all_that_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
