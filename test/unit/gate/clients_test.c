/* A gate of nothing but what the counting needs. */
#include "gate/clients.h"

#include "exchange_build.h"

static struct nw_gate *gate_new(void)
{
    struct nw_gate *gate = nw_alloc_zero(sizeof *gate);
    struct nw_hash_key key = {1, 2};
    pthread_mutex_init(&gate->lock, NULL);
    nw_map_init(&gate->clients, key);
    return gate;
}

static void gate_free(struct nw_gate *gate)
{
    nw_map_done(&gate->clients);
    pthread_mutex_destroy(&gate->lock);
    nw_free(gate);
}

static struct gate_peer ip4(uint8_t last)
{
    return (struct gate_peer){.kind = NW_ADDR_IP4, .ip = {192, 0, 2, last}};
}

static struct gate_peer ip6(uint8_t subnet, uint8_t host)
{
    struct gate_peer peer = {.kind = NW_ADDR_IP6, .ip = {0x20, 0x01, 0x0d, 0xb8}};
    peer.ip[7] = subnet;
    peer.ip[15] = host;
    return peer;
}

static void a_client_has_its_limit_and_no_other_clients(void **state)
{
    struct nw_gate *gate = gate_new();
    struct gate_peer one = ip4(1), two = ip4(2);
    assert_true(gate_clients_enter(gate, &one, 2));
    assert_true(gate_clients_enter(gate, &one, 2));
    assert_false(gate_clients_enter(gate, &one, 2));
    assert_true(gate_clients_enter(gate, &two, 2));
    gate_free(gate);
}

static void who_leaves_makes_room_and_a_refused_one_was_not_counted(void **state)
{
    struct nw_gate *gate = gate_new();
    struct gate_peer one = ip4(1);
    assert_true(gate_clients_enter(gate, &one, 1));
    for (int i = 0; i < 3; i++)
        assert_false(gate_clients_enter(gate, &one, 1));
    gate_clients_leave(gate, &one);
    assert_true(gate_clients_enter(gate, &one, 1));
    gate_free(gate);
}

static void an_ipv6_client_is_its_64(void **state)
{
    struct nw_gate *gate = gate_new();
    struct gate_peer here = ip6(1, 1), same = ip6(1, 200), other = ip6(2, 1);
    assert_true(gate_clients_enter(gate, &here, 1));
    assert_false(gate_clients_enter(gate, &same, 1));
    assert_true(gate_clients_enter(gate, &other, 1));
    gate_clients_leave(gate, &same);
    assert_true(gate_clients_enter(gate, &here, 1));
    gate_free(gate);
}

static void an_ipv4_client_in_ipv6_clothes_is_the_same(void **state)
{
    struct nw_gate *gate = gate_new();
    struct gate_peer plain = ip4(9);
    struct gate_peer mapped = {
        .kind = NW_ADDR_IP6,
        .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9},
    };
    assert_true(gate_clients_enter(gate, &plain, 1));
    assert_false(gate_clients_enter(gate, &mapped, 1));
    gate_free(gate);
}

static void clients_that_left_take_no_memory(void **state)
{
    struct nw_gate *gate = gate_new();
    for (unsigned i = 0; i < 200; i++) {
        struct gate_peer peer = ip4((uint8_t)i);
        assert_true(gate_clients_enter(gate, &peer, 1));
        gate_clients_leave(gate, &peer);
    }
    assert_int_equal(gate->clients.count, 0);
    gate_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_its_limit_and_no_other_clients),
        cmocka_unit_test(who_leaves_makes_room_and_a_refused_one_was_not_counted),
        cmocka_unit_test(an_ipv6_client_is_its_64),
        cmocka_unit_test(an_ipv4_client_in_ipv6_clothes_is_the_same),
        cmocka_unit_test(clients_that_left_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
