/*
 * A stack is 64 KiB of address space of which a request touches two or three pages. The pool is
 * last in, first out, so that the next fiber runs on memory that is still in the cache; the
 * fiber's own struct lies at the top of its stack, so that starting one allocates nothing. The
 * tops are shifted against each other by a few cache lines: were all fibers at the same offset of
 * a page, their hottest lines would compete for the same sets of the first-level cache.
 *
 * High water is what the kernel knows anyway: the lowest page of a stack that was ever touched.
 * That is exact to a page and costs nothing until somebody asks, where painting each stack would
 * touch all sixteen of its pages and make ten thousand fibers cost 640 MB.
 *
 * All the annotations that sanitizers need at a switch are in nw_switch_in and nw_switch_out
 * (stack.h).
 */
#include "io/stack.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

#if NW_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) ((void)(from), (void)(to), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/*
 * The guard is address space only, so it is wide enough that no frame of ours can step over it; an
 * odd number of pages in all spreads the stacks over the sets of the address translation's cache.
 */
enum { PAGE_BYTES = 4096, GUARD_BYTES = 15 * PAGE_BYTES };
enum { COLORS = 16, COLOR_BYTES = 128, TOP_ALIGN = 64 };

/* ---- The pool ---- */

/* As if the fiber had switched out just before its first instruction. */
static void begin_at_entry(struct nw_fiber *fiber, void (*entry)(void *))
{
    void **sp = (void **)fiber - 2; /* 16-byte aligned, as before every call */
    sp[0] = fiber;
    sp[1] = (void *)entry;
    fiber->context = (struct nw_context){.sp = sp, .ip = (void *)nw_switch_entry};
}

static struct nw_stack *map_stack(struct nw_worker *worker, bool is_vital)
{
    struct nw_runtime *runtime = worker->runtime;
    unsigned before = atomic_fetch_add_explicit(&runtime->stack_count, 1, memory_order_relaxed);
    if (!is_vital && before >= atomic_load_explicit(&runtime->fibers_max, memory_order_relaxed))
        goto refused;
    size_t bytes = NW_STACK_MAPPED_BYTES + GUARD_BYTES;
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        goto refused;
    if (mprotect(map, GUARD_BYTES, PROT_NONE) != 0) {
        munmap(map, bytes);
        goto refused;
    }
    size_t color = (worker->stacks_made++ % COLORS) * COLOR_BYTES;
    size_t top = bytes - color - sizeof(struct nw_stack);
    struct nw_stack *stack = (void *)(map + top / TOP_ALIGN * TOP_ALIGN);
    *stack = (struct nw_stack){.map = map, .map_bytes = bytes, .low = map + GUARD_BYTES};
    size_t below = (size_t)((char *)stack - stack->low);
    stack->usable_bytes = (below - sizeof(struct nw_fiber)) / TOP_ALIGN * TOP_ALIGN;
    nw_list_push_back(&worker->stacks, &stack->node);
    atomic_fetch_add_explicit(&runtime->memory_used_bytes[NW_MEMORY_STACKS], NW_STACK_COUNTED_BYTES,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&runtime->memory_total_bytes, NW_STACK_COUNTED_BYTES,
                              memory_order_relaxed);
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->low, map + bytes);
#if NW_ASAN
    __lsan_register_root_region(stack->low, NW_STACK_MAPPED_BYTES);
#endif
#if NW_TSAN
    stack->tsan = __tsan_create_fiber(0);
#endif
    return stack;
refused:
    atomic_fetch_sub_explicit(&runtime->stack_count, 1, memory_order_relaxed);
    return NULL;
}

/* The depth of the lowest page that is there, seen from the top of the mapping. */
static size_t touched_bytes(const struct nw_stack *stack)
{
    unsigned char is_there[NW_STACK_MAPPED_BYTES / PAGE_BYTES];
    if (mincore(stack->low, NW_STACK_MAPPED_BYTES, is_there) != 0)
        return 0;
    size_t page = 0;
    while (page < sizeof is_there && (is_there[page] & 1) == 0)
        page++;
    return NW_STACK_MAPPED_BYTES - page * PAGE_BYTES;
}

static void unmap_stack(struct nw_worker *worker, struct nw_stack *stack)
{
    struct nw_runtime *runtime = worker->runtime;
    size_t touched = touched_bytes(stack);
    if (touched > worker->stack_high_water_bytes)
        worker->stack_high_water_bytes = touched;
    nw_list_remove(&stack->node);
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#if NW_ASAN
    __lsan_unregister_root_region(stack->low, NW_STACK_MAPPED_BYTES);
    __asan_unpoison_memory_region(stack->low, NW_STACK_MAPPED_BYTES);
#endif
#if NW_TSAN
    __tsan_destroy_fiber(stack->tsan);
#endif
    munmap(stack->map, stack->map_bytes);
    atomic_fetch_sub_explicit(&runtime->stack_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&runtime->memory_used_bytes[NW_MEMORY_STACKS], NW_STACK_COUNTED_BYTES,
                              memory_order_relaxed);
    atomic_fetch_sub_explicit(&runtime->memory_total_bytes, NW_STACK_COUNTED_BYTES,
                              memory_order_relaxed);
}

struct nw_fiber *nw_stack_take(struct nw_worker *worker, void (*entry)(void *fiber), bool is_vital)
{
    struct nw_stack *stack = worker->free_stacks;
    if (stack != NULL) {
        worker->free_stacks = stack->next_free;
        worker->free_stack_count--;
        if (worker->free_stack_count < worker->free_stack_low)
            worker->free_stack_low = worker->free_stack_count;
    } else {
        stack = map_stack(worker, is_vital);
        if (stack == NULL)
            return NULL;
    }
    if (worker->free_stacks != NULL) /* the next of a burst */
        nw_prefetch((char *)worker->free_stacks - sizeof(struct nw_fiber) - 64,
                    sizeof(struct nw_fiber) + sizeof(struct nw_stack) + 64);
    stack->is_free = false;
#if NW_ASAN
    __asan_unpoison_memory_region(stack->low, (size_t)((char *)stack - stack->low));
#endif
    struct nw_fiber *fiber = (void *)(stack->low + stack->usable_bytes);
    memset(fiber, 0, sizeof *fiber);
    fiber->stack = stack;
    begin_at_entry(fiber, entry);
    return fiber;
}

void nw_stack_give(struct nw_worker *worker, struct nw_fiber *fiber)
{
    struct nw_stack *stack = fiber->stack;
    NW_ASSERT(!stack->is_free);
    stack->is_free = true;
    stack->next_free = worker->free_stacks;
    worker->free_stacks = stack;
    worker->free_stack_count++;
#if NW_ASAN
    __asan_poison_memory_region(stack->low, (size_t)((char *)stack - stack->low));
#endif
}

void nw_stack_trim(struct nw_worker *worker, unsigned keep)
{
    /* The front of the list was used last, so the tail is what goes. */
    struct nw_stack **at = &worker->free_stacks;
    for (unsigned i = 0; i < keep && *at != NULL; i++)
        at = &(*at)->next_free;
    struct nw_stack *stack = *at;
    *at = NULL;
    while (stack != NULL) {
        struct nw_stack *next = stack->next_free;
        unmap_stack(worker, stack);
        worker->free_stack_count--;
        stack = next;
    }
}

size_t nw_stack_high_water(struct nw_worker *worker)
{
    NW_LIST_EACH (node, &worker->stacks) {
        size_t bytes = touched_bytes(NW_CONTAINER_OF(node, struct nw_stack, node));
        if (bytes > worker->stack_high_water_bytes)
            worker->stack_high_water_bytes = bytes;
    }
    return worker->stack_high_water_bytes;
}

/* ---- Overflow ---- */

#if NW_ASAN || NW_TSAN
/* The sanitizer reports it, with both stacks. */
void nw_stack_guard_install(void)
{
}

void *nw_stack_guard_thread_start(void)
{
    return NULL;
}

void nw_stack_guard_thread_stop(void *alt_stack)
{
    (void)alt_stack;
}
#else

static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

/* Runs on the thread's alternate stack, with only what a signal handler may call. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    struct nw_worker *worker = nw_worker_self();
    struct nw_fiber *fiber = worker != NULL ? worker->current : NULL;
    if (fiber != NULL) {
        const char *at = info->si_addr;
        if (at >= fiber->stack->map && at < fiber->stack->low) {
            say("newel: stack overflow in fiber ");
            say(fiber->name);
            say("\n");
        }
    }
    /* Returning runs into the same fault again, now with the default action: a core. */
    signal(signal_number, SIG_DFL);
}

void nw_stack_guard_install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

enum { ALT_STACK_BYTES = 32 * 1024 };

void *nw_stack_guard_thread_start(void)
{
    stack_t alt = {.ss_sp = nw_alloc(ALT_STACK_BYTES), .ss_size = ALT_STACK_BYTES};
    sigaltstack(&alt, NULL);
    return alt.ss_sp;
}

void nw_stack_guard_thread_stop(void *alt_stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    nw_free(alt_stack);
}
#endif
