/* The contract of io/buf.h: buffers, their pool, the ceiling. */
#include "loopback.h"

#include "io/buf.h"

static void lifting(void)
{
    struct nw_buf buf = {0};
    CHECK(nw_buf_unread_bytes(&buf) == 0 && nw_buf_space_bytes(&buf) == 0);
    CHECK_OK(nw_buf_reserve(&buf));
    CHECK(buf.cap_bytes == NW_BUF_BYTES && nw_buf_space_bytes(&buf) == NW_BUF_BYTES);
    char *data = buf.data;
    CHECK_OK(nw_buf_reserve(&buf));
    CHECK(buf.data == data);

    memcpy(buf.data, "0123456789", 10);
    buf.end = 10;
    nw_buf_consume(&buf, 4);
    CHECK(nw_slice_eq(nw_buf_unread(&buf), NW_SLICE("456789")));
    nw_buf_compact(&buf);
    CHECK(buf.start == 0 && nw_slice_eq(nw_buf_unread(&buf), NW_SLICE("456789")));

    nw_buf_consume(&buf, 1);
    CHECK_OK(nw_buf_enlarge(&buf));
    CHECK(buf.cap_bytes == NW_BUF_LARGE_BYTES);
    CHECK(nw_slice_eq(nw_buf_unread(&buf), NW_SLICE("56789")));
    CHECK_ERR(nw_buf_enlarge(&buf), NW_HEAD_TOO_LARGE);
    nw_buf_consume(&buf, 5);
    CHECK(buf.start == 0 && buf.end == 0);
    nw_buf_release(&buf);
    CHECK(buf.data == NULL && buf.cap_bytes == 0);
    nw_buf_release(&buf);

    buf.wants_large = true;
    for (int i = 0; i < 2; i++) { /* the wish outlives the memory */
        CHECK_OK(nw_buf_reserve(&buf));
        CHECK(buf.cap_bytes == NW_BUF_LARGE_BYTES);
        nw_buf_release(&buf);
    }
}

static void a_buffer_keeps_its_content_when_it_moves(void **state)
{
    run(lifting);
}

static void filling(void)
{
    enum { MAX = 64 };
    struct nw_buf bufs[MAX + 1] = {{0}};
    struct nw_runtime *runtime = runtime_here();
    uint64_t others_bytes = nw_memory_used_bytes(runtime, NW_MEMORY_STACKS);
    nw_runtime_buffers_max_set(runtime, others_bytes + 10 * NW_BUF_BYTES);
    unsigned count = 0;
    while (count < MAX && nw_buf_reserve(&bufs[count]) == NW_OK)
        count++;
    CHECK(count == 10);
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_BUFFERS) == 10 * NW_BUF_BYTES);
    CHECK(bufs[10].data == NULL);
    CHECK_ERR(nw_buf_enlarge(&bufs[0]), NW_NO_MEMORY);
    CHECK(bufs[0].cap_bytes == NW_BUF_BYTES);
    CHECK(!nw_runtime_can_admit(runtime) && nw_runtime_is_memory_tight(runtime));
    CHECK(!nw_memory_try(NW_MEMORY_BODIES, 1));
    nw_buf_release(&bufs[0]);
    CHECK(nw_runtime_can_admit(runtime));
    CHECK_OK(nw_buf_reserve(&bufs[0]));
    for (unsigned i = 0; i < 10; i++)
        nw_buf_release(&bufs[i]);
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_BUFFERS) <= 10 * NW_BUF_BYTES / 8 + NW_BUF_BYTES);
}

static void the_ceiling_refuses_and_recovers(void **state)
{
    run(filling);
}

static void accounting(void)
{
    struct nw_runtime *runtime = runtime_here();
    CHECK(nw_memory_try(NW_MEMORY_BODIES, 1000));
    CHECK(nw_memory_try(NW_MEMORY_SPOOL, 500));
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_BODIES) == 1000);
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_SPOOL) == 500);
    CHECK(!nw_memory_try(NW_MEMORY_BODIES, nw_runtime_buffers_max_bytes(runtime)));
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_BODIES) == 1000);
    nw_memory_give(NW_MEMORY_BODIES, 1000);
    nw_memory_give(NW_MEMORY_SPOOL, 500);
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_BODIES) == 0);
    for (int i = 0; i < NW_MEMORY_ACCOUNT_COUNT; i++)
        CHECK(nw_memory_account_name((nw_memory_account)i)[0] != '\0');
}

static void spooling(void)
{
    struct nw_runtime *runtime = runtime_here();
    uint64_t ceiling_bytes = nw_runtime_buffers_max_bytes(runtime);
    nw_memory_set_max_bytes(runtime, NW_MEMORY_SPOOL, ceiling_bytes + 1000);
    CHECK(nw_memory_try(NW_MEMORY_SPOOL, ceiling_bytes + 1000));
    CHECK(!nw_memory_try(NW_MEMORY_SPOOL, 1));
    CHECK(nw_memory_try(NW_MEMORY_BODIES, 1000)); /* memory is still free */
    CHECK(nw_runtime_can_admit(runtime));
    nw_memory_give(NW_MEMORY_BODIES, 1000);
    nw_memory_give(NW_MEMORY_SPOOL, ceiling_bytes + 1000);
    CHECK(nw_memory_used_bytes(runtime, NW_MEMORY_SPOOL) == 0);
}

static void what_is_spooled_is_bounded_by_its_own_maximum_alone(void **state)
{
    run(spooling);
}

static void accounts_share_one_ceiling(void **state)
{
    run(accounting);
}

#if !NW_ASAN && !NW_TSAN
static void reusing(void)
{
    struct nw_buf a = {0}, b = {0};
    CHECK_OK(nw_buf_reserve(&a));
    CHECK_OK(nw_buf_reserve(&b));
    char *last = b.data;
    uint64_t used_bytes = nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS);
    nw_buf_release(&a);
    nw_buf_release(&b);
    CHECK_OK(nw_buf_reserve(&a));
    CHECK(a.data == last);
    CHECK(nw_memory_used_bytes(runtime_here(), NW_MEMORY_BUFFERS) == used_bytes);
    nw_buf_release(&a);
}

static void the_buffer_used_last_comes_first(void **state)
{
    run(reusing);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_keeps_its_content_when_it_moves),
        cmocka_unit_test(the_ceiling_refuses_and_recovers),
        cmocka_unit_test(accounts_share_one_ceiling),
        cmocka_unit_test(what_is_spooled_is_bounded_by_its_own_maximum_alone),
#if !NW_ASAN && !NW_TSAN
        cmocka_unit_test(the_buffer_used_last_comes_first),
#endif
    };
    return cmocka_run_group_tests_name("io/buf", tests, NULL, NULL);
}
