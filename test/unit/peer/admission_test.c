/* The contract of peer/admission.h. */
#include "peer/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void first_come_is_first_served(void **state)
{
    struct nw_admission queue;
    struct nw_admission_entry entries[3] = {0};
    nw_admission_init(&queue, &nw_admission_fifo);
    assert_null(queue.ops->next(&queue, NULL));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(queue.ops->enter(&queue, &entries[i], 3), NW_OK);
    assert_ptr_equal(queue.ops->next(&queue, NULL), &entries[0]);
    assert_ptr_equal(queue.ops->next(&queue, &entries[0]), &entries[1]);
    assert_null(queue.ops->next(&queue, &entries[2]));
    queue.ops->leave(&queue, &entries[0]);
    assert_ptr_equal(queue.ops->next(&queue, NULL), &entries[1]);
    queue.ops->leave(&queue, &entries[2]);
    assert_null(queue.ops->next(&queue, &entries[1]));
}

static void a_full_queue_refuses_and_leaving_makes_room(void **state)
{
    struct nw_admission queue;
    struct nw_admission_entry entries[3] = {0};
    nw_admission_init(&queue, &nw_admission_fifo);
    assert_int_equal(queue.ops->enter(&queue, &entries[0], 2), NW_OK);
    assert_int_equal(queue.ops->enter(&queue, &entries[1], 2), NW_OK);
    assert_int_equal(queue.ops->enter(&queue, &entries[2], 2), NW_BUSY);
    assert_false(entries[2].is_queued);
    queue.ops->leave(&queue, &entries[2]);
    assert_int_equal(queue.count, 2);
    queue.ops->leave(&queue, &entries[0]);
    queue.ops->leave(&queue, &entries[0]);
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.ops->enter(&queue, &entries[2], 2), NW_OK);
    assert_int_equal(queue.ops->enter(&queue, &entries[0], 0), NW_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_is_first_served),
        cmocka_unit_test(a_full_queue_refuses_and_leaving_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
