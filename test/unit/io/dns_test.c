/* The contract of io/dns.h against a small name server on loopback. */
#include "loopback.h"

#include <pthread.h>

#include "io/dns.h"

/* ---- a name server ---- */

enum { TYPE_A = 1, TYPE_AAAA = 28 };

static struct {
    int fd;
    char address[32];
    pthread_t thread;
    _Atomic int shop_a, gone_a, slow_a; /* queries seen */
} server;

struct reply {
    unsigned char bytes[512];
    size_t len;
    int answers;
};

/* "\4shop\4test\0" to "shop.test"; returns the bytes behind the name. */
static size_t name_parse(const unsigned char *from, char *out)
{
    size_t at = 0, used = 0;
    while (from[at] != 0) {
        for (unsigned i = 1; i <= from[at]; i++)
            out[used++] = (char)from[at + i];
        out[used++] = '.';
        at += from[at] + 1u;
    }
    out[used > 0 ? used - 1 : 0] = '\0';
    return at + 1;
}

static void answer(struct reply *reply, int type, uint32_t ttl_s, const void *data, size_t bytes)
{
    const unsigned char head[] = {0xc0, 0x0c, 0, (unsigned char)type, 0, 1,
                                  (unsigned char)(ttl_s >> 24), (unsigned char)(ttl_s >> 16),
                                  (unsigned char)(ttl_s >> 8), (unsigned char)ttl_s,
                                  0, (unsigned char)bytes};
    memcpy(reply->bytes + reply->len, head, sizeof head);
    memcpy(reply->bytes + reply->len + sizeof head, data, bytes);
    reply->len += sizeof head + bytes;
    reply->answers++;
}

/* False: no answer at all. */
static bool answer_for(const char *name, int type, struct reply *reply)
{
    static const unsigned char ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};
    bool is_a = type == TYPE_A;
    if (strcasecmp(name, "shop.test") == 0) {
        server.shop_a += is_a;
        if (is_a) {
            answer(reply, TYPE_A, 60, "\x0a\0\0\x01", 4);
            answer(reply, TYPE_A, 90, "\x0a\0\0\x02", 4);
        }
    } else if (strcmp(name, "both.test") == 0) {
        if (is_a)
            answer(reply, TYPE_A, 100000, "\x0a\0\0\x03", 4);
        else
            answer(reply, TYPE_AAAA, 100000, ip6, 16);
    } else if (strcmp(name, "hasty.test") == 0) {
        if (is_a)
            answer(reply, TYPE_A, 0, "\x0a\0\0\x04", 4);
    } else if (strcmp(name, "slow.test") == 0) {
        server.slow_a += is_a;
        return false;
    } else {
        server.gone_a += is_a && strcmp(name, "gone.test") == 0;
        reply->bytes[3] |= 3; /* no such domain */
    }
    return true;
}

static void *serve(void *arg)
{
    for (;;) {
        unsigned char query[512];
        struct sockaddr_in from;
        socklen_t from_bytes = sizeof from;
        ssize_t bytes = recvfrom(server.fd, query, sizeof query, 0, (struct sockaddr *)&from,
                                 &from_bytes);
        if (bytes <= 0)
            return NULL;
        char name[256];
        size_t name_bytes = name_parse(query + 12, name);
        int type = query[12 + name_bytes + 1];
        struct reply reply = {.len = 12 + name_bytes + 4};
        memcpy(reply.bytes, query, reply.len);
        memcpy(reply.bytes + 2, "\x81\x80\0\1\0\0\0\0\0\0", 10);
        if (!answer_for(name, type, &reply))
            continue;
        reply.bytes[7] = (unsigned char)reply.answers;
        CHECK(sendto(server.fd, reply.bytes, reply.len, 0, (struct sockaddr *)&from, from_bytes) >
              0);
    }
}

static void server_address(int fd, char out[32])
{
    struct sockaddr_in in;
    socklen_t bytes = sizeof in;
    CHECK(getsockname(fd, (struct sockaddr *)&in, &bytes) == 0);
    snprintf(out, 32, "127.0.0.1:%u", ntohs(in.sin_port));
}

static int udp_socket(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof in) == 0);
    return fd;
}

static int server_start(void **state)
{
    memset(&server, 0, sizeof server);
    server.fd = udp_socket();
    server_address(server.fd, server.address);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int server_stop(void **state)
{
    struct sockaddr_in in;
    socklen_t bytes = sizeof in;
    CHECK(getsockname(server.fd, (struct sockaddr *)&in, &bytes) == 0);
    int fd = udp_socket();
    CHECK(sendto(fd, "", 0, 0, (struct sockaddr *)&in, bytes) == 0); /* empty: the end */
    pthread_join(server.thread, NULL);
    close(fd);
    close(server.fd);
    return 0;
}

static void use_server(void)
{
    nw_dns_set_servers_for_test(runtime_here(), server.address);
}

static void expect_addr(const struct nw_addr *addr, const char *text)
{
    char out[NW_ADDR_TEXT_MAX_BYTES];
    CHECK(strcmp(nw_addr_print(addr, out), text) == 0);
}

/* ---- the tests ---- */

static void literals(void)
{
    struct nw_addr_list list;
    CHECK_OK(nw_io_resolve(NW_SLICE("10.1.2.3"), 80, &list));
    CHECK(list.count == 1);
    expect_addr(&list.addr[0], "10.1.2.3:80");
    CHECK_OK(nw_io_resolve(NW_SLICE("::1"), 81, &list));
    CHECK(list.count == 1);
    expect_addr(&list.addr[0], "[::1]:81");
    CHECK_ERR(nw_io_resolve(NW_SLICE(""), 80, &list), NW_NO_SUCH_NAME);
    CHECK_ERR(nw_io_resolve(nw_slice_of("a\0b", 3), 80, &list), NW_NO_SUCH_NAME);
    char name[300];
    memset(name, 'x', sizeof name);
    CHECK_ERR(nw_io_resolve(nw_slice_of(name, sizeof name), 80, &list), NW_NO_SUCH_NAME);
}

static void a_literal_needs_no_server(void **state)
{
    run(literals);
}

static void hosts_file(void)
{
    struct nw_addr_list list;
    use_server();
    CHECK_OK(nw_io_resolve(NW_SLICE("localhost"), 80, &list));
    CHECK(list.count >= 1);
    for (unsigned i = 0; i < list.count; i++)
        CHECK(nw_addr_is_loopback(&list.addr[i]) && list.addr[i].port == 80);
}

static void the_hosts_file_is_read(void **state)
{
    run(hosts_file);
}

static void resolve_shop(void *arg)
{
    struct nw_addr_list list;
    CHECK_OK(nw_io_resolve(NW_SLICE("shop.test"), 3000, &list));
    CHECK(list.count == 2);
    expect_addr(&list.addr[0], "10.0.0.1:3000");
    expect_addr(&list.addr[1], "10.0.0.2:3000");
    CHECK(list.ttl_s <= 60 && list.ttl_s >= 59);
}

static void caching(void)
{
    use_server();
    struct nw_scope scope;
    nw_scope_open(&scope);
    for (int i = 0; i < 10; i++)
        CHECK_OK(nw_scope_spawn(&scope, "resolve", resolve_shop, NULL, NULL));
    CHECK_OK(nw_scope_join(&scope));
    CHECK(server.shop_a == 1); /* ten fibers, one question */
    resolve_shop(NULL);
    struct nw_addr_list list;
    CHECK_OK(nw_io_resolve(NW_SLICE("SHOP.Test"), 1, &list));
    CHECK(list.count == 2 && list.addr[0].port == 1);
    CHECK(server.shop_a == 1);

    nw_clock_advance_ms(runtime_here(), 59 * 1000);
    CHECK_OK(nw_sleep(1));
    CHECK_OK(nw_io_resolve(NW_SLICE("shop.test"), 1, &list));
    CHECK(server.shop_a == 1 && list.ttl_s == 1);
    nw_clock_advance_ms(runtime_here(), 1000);
    CHECK_OK(nw_sleep(1));
    resolve_shop(NULL);
    CHECK(server.shop_a == 2);
}

static void an_answer_is_shared_and_lives_as_long_as_its_ttl(void **state)
{
    run(caching);
}

static void families(void)
{
    struct nw_addr_list list;
    use_server();
    CHECK_OK(nw_io_resolve(NW_SLICE("both.test"), 80, &list));
    CHECK(list.count == 2);
    expect_addr(&list.addr[0], "10.0.0.3:80");
    expect_addr(&list.addr[1], "[2001:db8::7]:80");
    CHECK(list.ttl_s <= 3600 && list.ttl_s >= 3599);
    CHECK_OK(nw_io_resolve(NW_SLICE("hasty.test"), 80, &list));
    CHECK(list.count == 1 && list.ttl_s == 1);
}

static void both_families_answer_and_lifetimes_are_bounded(void **state)
{
    run(families);
}

static void nothing_there(void)
{
    struct nw_addr_list list;
    use_server();
    CHECK_ERR(nw_io_resolve(NW_SLICE("gone.test"), 80, &list), NW_NO_SUCH_NAME);
    CHECK_ERR(nw_io_resolve(NW_SLICE("gone.test"), 80, &list), NW_NO_SUCH_NAME);
    CHECK(server.gone_a == 1);
    nw_clock_advance_ms(runtime_here(), 1000);
    CHECK_OK(nw_sleep(1));
    CHECK_ERR(nw_io_resolve(NW_SLICE("gone.test"), 80, &list), NW_NO_SUCH_NAME);
    CHECK(server.gone_a == 2);
}

static void a_failure_is_remembered_for_a_second(void **state)
{
    run(nothing_there);
}

static void resolve_slow(void *arg)
{
    struct nw_addr_list list;
    CHECK_ERR(nw_io_resolve(NW_SLICE("slow.test"), 80, &list), NW_CANCELLED);
}

static void waiting(void)
{
    struct nw_addr_list list;
    use_server();
    {
        NW_WITHIN(soon, 5);
        CHECK_ERR(nw_io_resolve(NW_SLICE("slow.test"), 80, &list), NW_TIMEOUT);
        CHECK(nw_within_ran_out(&soon));
    }
    struct nw_scope scope;
    nw_scope_open(&scope);
    CHECK_OK(nw_scope_spawn(&scope, "resolve", resolve_slow, NULL, NULL));
    CHECK_OK(nw_fiber_yield());
    nw_scope_close(&scope);
    CHECK(server.slow_a <= 1); /* the lookup went on, nobody began another */
}

static void a_silent_server_is_the_callers_timeout(void **state)
{
    run(waiting);
}

static void dead_server(void)
{
    struct nw_addr_list list;
    int fd = udp_socket();
    char address[32];
    server_address(fd, address);
    close(fd);
    nw_dns_set_servers_for_test(runtime_here(), address);
    CHECK_ERR(nw_io_resolve(NW_SLICE("shop.test"), 80, &list), NW_UNREACHABLE);
}

static void no_server_is_no_verdict_on_the_name(void **state)
{
    run(dead_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_needs_no_server),
        cmocka_unit_test_setup_teardown(the_hosts_file_is_read, server_start, server_stop),
        cmocka_unit_test_setup_teardown(an_answer_is_shared_and_lives_as_long_as_its_ttl,
                                        server_start, server_stop),
        cmocka_unit_test_setup_teardown(both_families_answer_and_lifetimes_are_bounded,
                                        server_start, server_stop),
        cmocka_unit_test_setup_teardown(a_failure_is_remembered_for_a_second, server_start,
                                        server_stop),
        cmocka_unit_test_setup_teardown(a_silent_server_is_the_callers_timeout, server_start,
                                        server_stop),
        cmocka_unit_test(no_server_is_no_verdict_on_the_name),
    };
    return cmocka_run_group_tests_name("io/dns", tests, NULL, NULL);
}
