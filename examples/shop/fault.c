/*
 * Percentages are spread evenly by counting instead of drawn at random: with
 * error=5 exactly every twentieth request of a process fails. That makes the
 * faults repeatable, and tests about them exact.
 *
 * Delays block the thread that serves the request, as a slow query does in an
 * application of this kind: with four threads, slow=200 lets twenty product
 * pages through per second and not one more.
 */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define COLD_REQUESTS 100
#define DIE_STATUS 70

static const struct {
    const char *name;
    const char *unit; /* NULL: takes no value */
    int64_t max;
    const char *help;
} FAULTS[SHOP_FAULT_COUNT] = {
    [SHOP_FAULT_SLOW] = {"slow", "MS", 60000, "products answer MS milliseconds late"},
    [SHOP_FAULT_COLD] = {"cold", "MS", 60000, "the first 100 requests answer MS milliseconds late"},
    [SHOP_FAULT_ERROR] = {"error", "PERCENT", 100, "so many requests get 500 (not /ready)"},
    [SHOP_FAULT_DROP] = {"drop", "PERCENT", 100,
                         "so many connections are cut without an answer (not /ready)"},
    [SHOP_FAULT_DIE] = {"die", "N", 1000000000, "the process exits after N answers"},
    [SHOP_FAULT_MEMORY_SESSION] = {"memory-session", NULL, 1,
                                   "carts live in this process and nowhere else"},
    [SHOP_FAULT_MEMORY_PRICE] = {"memory-price", NULL, 1,
                                 "a changed price is known to this process only"},
    [SHOP_FAULT_NOT_READY] = {"not-ready", NULL, 1, "/ready answers 503; all else works"},
};

bool shop_fault_parse(struct shop_fault *fault, const char *text)
{
    size_t name_len = strcspn(text, "=");
    for (size_t i = 0; i < SHOP_FAULT_COUNT; i++) {
        if (strlen(FAULTS[i].name) != name_len || strncmp(FAULTS[i].name, text, name_len) != 0)
            continue;
        if (!FAULTS[i].unit) {
            fault->values[i] = 1;
            return text[name_len] == '\0';
        }
        return text[name_len] == '=' &&
               shop_text_to_int(text + name_len + 1, 1, FAULTS[i].max, &fault->values[i]);
    }
    return false;
}

void shop_fault_help_print(void)
{
    for (size_t i = 0; i < SHOP_FAULT_COUNT; i++) {
        char usage[32];
        snprintf(usage, sizeof usage, "%s%s%s", FAULTS[i].name, FAULTS[i].unit ? "=" : "",
                 FAULTS[i].unit ? FAULTS[i].unit : "");
        printf("    %-18s %s\n", usage, FAULTS[i].help);
    }
}

static void wait_ms(int64_t delay_ms)
{
    struct timespec left = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000};
    while (left.tv_sec + left.tv_nsec > 0 && nanosleep(&left, &left) != 0)
        continue;
}

/* Does the share of hits grow with the nth request? */
static bool is_hit(int64_t nth, int64_t percent)
{
    return nth * percent / 100 > (nth - 1) * percent / 100;
}

shop_fault_verdict shop_fault_judge(struct shop_fault *fault, bool is_product)
{
    int64_t nth = atomic_fetch_add(&fault->asked_count, 1) + 1;
    if (is_product)
        wait_ms(fault->values[SHOP_FAULT_SLOW]);
    if (nth <= COLD_REQUESTS)
        wait_ms(fault->values[SHOP_FAULT_COLD]);
    if (is_hit(nth, fault->values[SHOP_FAULT_DROP]))
        return SHOP_FAULT_CUT;
    return is_hit(nth, fault->values[SHOP_FAULT_ERROR]) ? SHOP_FAULT_FAIL : SHOP_FAULT_PASS;
}

void shop_fault_answered(struct shop_fault *fault)
{
    int64_t nth = atomic_fetch_add(&fault->answered_count, 1) + 1;
    if (nth == fault->values[SHOP_FAULT_DIE]) {
        fputs("shop: fault die: exiting\n", stderr);
        _exit(DIE_STATUS);
    }
}
