/*
 * fault.h - mistakes planted on purpose, for showing what a proxy does about them.
 *
 * Everything here is off until `--fault NAME[=VALUE]` turns it on.
 *
 * Owner:   the shop embeds one
 * Threads: the settings are read-only after start; the counters are atomic
 */
#ifndef SHOP_FAULT_H
#define SHOP_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SHOP_FAULT_SLOW,
    SHOP_FAULT_COLD,
    SHOP_FAULT_ERROR,
    SHOP_FAULT_DROP,
    SHOP_FAULT_DIE,
    SHOP_FAULT_MEMORY_SESSION,
    SHOP_FAULT_MEMORY_PRICE,
    SHOP_FAULT_NOT_READY,
    SHOP_FAULT_COUNT
} shop_fault_kind;

struct shop_fault {
    int64_t values[SHOP_FAULT_COUNT]; /* 0: off */
    atomic_int_fast64_t asked_count;    /* requests that may be failed or delayed */
    atomic_int_fast64_t answered_count; /* requests answered, whatever they were */
};

typedef enum { SHOP_FAULT_PASS, SHOP_FAULT_FAIL, SHOP_FAULT_CUT } shop_fault_verdict;

/* "error=5", "not-ready"; false for what --help does not list. */
bool shop_fault_parse(struct shop_fault *fault, const char *text);
void shop_fault_help_print(void);

/* Takes its time where it has to, then says what shall become of the request. */
shop_fault_verdict shop_fault_judge(struct shop_fault *fault, bool is_product);
/* Called when an answer is on its way; may end the process. */
void shop_fault_answered(struct shop_fault *fault);

#endif
