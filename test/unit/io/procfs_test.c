/* The contracts of io/procfs.h; the lines of /proc are written after proc(5) and proc_net(5). */
#include "io/procfs.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void the_session_is_found_behind_any_name(void **state)
{
    assert_int_equal(nw_procfs_stat_session(NW_SLICE("7 (sh) S 1 20 30 0 -1 4194304")), 30);
    assert_int_equal(nw_procfs_stat_session(NW_SLICE("7 (a) b (c) S 1 20 31 0 -1")), 31);
    assert_int_equal(nw_procfs_stat_session(NW_SLICE("7 (sh) S 1")), -1);
    assert_int_equal(nw_procfs_stat_session(NW_SLICE("")), -1);
    assert_int_equal(nw_procfs_stat_session(NW_SLICE("7 (sh) S 1 20 x 0")), -1);
}

static void check_tcp(const char *line, const char *wanted, uint64_t wanted_inode)
{
    struct nw_addr addr;
    uint64_t inode;
    char text[NW_ADDR_TEXT_MAX_BYTES];
    assert_true(nw_procfs_tcp_listening(nw_slice_str(line), &addr, &inode));
    assert_string_equal(nw_addr_print(&addr, text), wanted);
    assert_int_equal(inode, wanted_inode);
}

static void listening_sockets_are_read(void **state)
{
    check_tcp("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  "
              "      0 12345 1 0000000000000000 100 0 0 10 0",
              "127.0.0.1:8080", 12345);
    check_tcp("  12: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 "
              "0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0",
              "[::1]:3000", 99);
}

static void other_lines_are_not(void **state)
{
    struct nw_addr addr;
    uint64_t inode;
    static const char *const lines[] = {
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode",
        "   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        "
        "0 12345 1",
        "   0: 0100007F:1F90 00000000:0000 0A",
        "   0: 0100007:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1",
        "",
    };
    for (size_t i = 0; i < NW_COUNT(lines); i++)
        assert_false(nw_procfs_tcp_listening(nw_slice_str(lines[i]), &addr, &inode));
}

static void add(struct nw_listening *list, const char *text)
{
    struct nw_addr addr;
    assert_int_equal(nw_addr_parse(nw_slice_str(text), &addr), NW_OK);
    nw_listening_add(list, &addr);
}

static void check_at(const struct nw_listening *list, unsigned i, const char *wanted)
{
    char text[NW_ADDR_TEXT_MAX_BYTES];
    assert_string_equal(nw_addr_print(&list->addr[i], text), wanted);
}

static void any_address_is_reached_over_loopback(void **state)
{
    struct nw_listening list = {.count = 0};
    add(&list, "0.0.0.0:80");
    add(&list, "[::]:81");
    add(&list, "[::1]:82");
    add(&list, "192.0.2.7:83");
    assert_int_equal(list.count, 4);
    check_at(&list, 0, "127.0.0.1:80");
    check_at(&list, 1, "127.0.0.1:81");
    check_at(&list, 2, "[::1]:82");
    check_at(&list, 3, "192.0.2.7:83");
}

static void a_port_counts_once(void **state)
{
    struct nw_listening list = {.count = 0};
    add(&list, "[::1]:80");
    add(&list, "127.0.0.1:80");
    assert_int_equal(list.count, 1);
    check_at(&list, 0, "127.0.0.1:80");
}

static int listen_on(uint16_t port, uint16_t *out_port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&addr, &len);
    *out_port = ntohs(addr.sin_port);
    return fd;
}

static void a_chosen_port_can_be_bound(void **state)
{
    uint16_t port, bound;
    assert_int_equal(nw_port_choose(&port), NW_OK);
    int fd = listen_on(port, &bound);
    assert_int_equal(bound, port);
    close(fd);
}

static void a_chosen_port_is_none_that_the_kernel_gives_to_others(void **state)
{
    unsigned first = 0;
    uint16_t port;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%u", &first), 1);
    fclose(file);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(nw_port_choose(&port), NW_OK);
        assert_true(port >= 10240 && (port < first || first < 11000));
    }
}

static void the_ports_of_a_session_are_found(void **state)
{
    static struct nw_listening list;
    uint16_t port;
    int fd = listen_on(0, &port);
    bool is_found = false;
    nw_session_listening((int)getsid(0), &list);
    for (unsigned i = 0; i < list.count && i < NW_LISTENING_MAX; i++)
        is_found |= list.addr[i].port == port;
    assert_true(is_found);
    close(fd);
}

static void only_sockets_are_cleared(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/newel-procfs-XXXXXX", file[64];
    struct stat info;
    assert_non_null(mkdtemp(folder));
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", folder);
    snprintf(file, sizeof file, "%s/f", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    FILE *plain = fopen(file, "w");
    fclose(plain);
    nw_socket_path_clear(file);
    nw_socket_folder_clear(folder);
    assert_int_not_equal(lstat(addr.sun_path, &info), 0);
    assert_int_equal(lstat(file, &info), 0);
    close(fd);
    unlink(file);
    rmdir(folder);
}

static void a_relative_path_starts_here(void **state)
{
    char here[4096], got[4200], wanted[4200];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(wanted, sizeof wanted, "%s/a/b", here);
    assert_true(nw_path_absolute("./a/b", got, sizeof got));
    assert_string_equal(got, wanted);
    assert_true(nw_path_absolute("/x", got, 3));
    assert_string_equal(got, "/x");
    assert_false(nw_path_absolute("/x", got, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_session_is_found_behind_any_name),
        cmocka_unit_test(listening_sockets_are_read),
        cmocka_unit_test(other_lines_are_not),
        cmocka_unit_test(any_address_is_reached_over_loopback),
        cmocka_unit_test(a_port_counts_once),
        cmocka_unit_test(a_chosen_port_can_be_bound),
        cmocka_unit_test(a_chosen_port_is_none_that_the_kernel_gives_to_others),
        cmocka_unit_test(the_ports_of_a_session_are_found),
        cmocka_unit_test(only_sockets_are_cleared),
        cmocka_unit_test(a_relative_path_starts_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
