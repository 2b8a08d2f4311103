/*
 * stack.h - where fibers live: mapped stacks with guard pages below, and the switch between them.
 *
 * Owner:   a worker's pool; a stack in use belongs to its fiber
 * Threads: the worker's thread, but for nw_stack_guard_*
 */
#ifndef NW_IO_STACK_H
#define NW_IO_STACK_H

#include "io/worker_impl.h"

#if NW_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if NW_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if NW_ASAN || NW_TSAN
#define NW_STACK_MAPPED_BYTES ((size_t)256 * 1024)
#else
#define NW_STACK_MAPPED_BYTES ((size_t)NW_FIBER_STACK_BYTES)
#endif

/* Lies at the very top of the mapping, above the fiber. */
struct nw_stack {
    struct nw_list node;          /* in worker->stacks */
    struct nw_stack *next_free;
    char *map;                    /* guard pages first */
    size_t map_bytes;
    char *low;                    /* lowest usable byte */
    size_t usable_bytes;          /* low up to the fiber */
    void *fake_stack;             /* AddressSanitizer's, while switched out */
    void *tsan;                   /* ThreadSanitizer's context */
    unsigned valgrind_id;
    bool is_free;
};

/* Zeroed but for stack and sp; the last freed stack first. NULL at the bound. */
struct nw_fiber *nw_stack_take(struct nw_worker *worker, void (*entry)(void *fiber), bool is_vital);
/* From another stack than the fiber's own. The fiber's memory is gone. */
void nw_stack_give(struct nw_worker *worker, struct nw_fiber *fiber);
/* Unmaps all free stacks beyond `keep`. */
void nw_stack_trim(struct nw_worker *worker, unsigned keep);
/* Greatest use of any stack so far, in whole pages. */
size_t nw_stack_high_water(struct nw_worker *worker);

/* From the loop's stack into the fiber, until it switches back. */
__attribute__((always_inline)) static inline void nw_switch_in(struct nw_worker *worker,
                                                               struct nw_fiber *fiber)
{
    worker->current = fiber;
    fiber->state = NW_FIBER_RUNNING;
#if NW_ASAN
    __sanitizer_start_switch_fiber(&worker->loop_fake_stack, fiber->stack->low,
                                   fiber->stack->usable_bytes);
#endif
#if NW_TSAN
    worker->loop_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->stack->tsan, 0);
#endif
    nw_switch(&worker->loop_context, &fiber->context);
#if NW_ASAN
    __sanitizer_finish_switch_fiber(worker->loop_fake_stack, NULL, NULL);
#endif
    worker->current = NULL;
}

/* The first thing that a new fiber does. */
static inline void nw_switch_arrived(struct nw_worker *worker)
{
    (void)worker;
#if NW_ASAN
    __sanitizer_finish_switch_fiber(NULL, &worker->loop_stack_bottom, &worker->loop_stack_bytes);
#endif
}

/* From the running fiber to the loop's stack. is_last: it never runs again. */
__attribute__((always_inline)) static inline void nw_switch_out(struct nw_worker *worker,
                                                                struct nw_fiber *fiber,
                                                                bool is_last)
{
    (void)is_last;
#if NW_ASAN
    __sanitizer_start_switch_fiber(is_last ? NULL : &fiber->stack->fake_stack,
                                   worker->loop_stack_bottom, worker->loop_stack_bytes);
#endif
#if NW_TSAN
    __tsan_switch_to_fiber(worker->loop_tsan, 0);
#endif
    nw_switch(&fiber->context, &worker->loop_context);
#if NW_ASAN
    __sanitizer_finish_switch_fiber(fiber->stack->fake_stack, &worker->loop_stack_bottom,
                                    &worker->loop_stack_bytes);
#endif
}

/* Reports an overflow by the fiber's name and aborts. Once per process and once per thread. */
void nw_stack_guard_install(void);
void *nw_stack_guard_thread_start(void);
void nw_stack_guard_thread_stop(void *alt_stack);

#endif
