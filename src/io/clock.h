/*
 * clock.h - the only clocks of the program.
 *
 * One cached monotonic and wall time per loop turn; tests move both. nw_io_now_ns reads the clock
 * at the event.
 *
 * Owner:   nothing
 * Threads: inside workers only, unless said otherwise
 */
#ifndef NW_IO_CLOCK_H
#define NW_IO_CLOCK_H

#include "base/compiler.h"

struct nw_runtime;

/* Monotonic, of this loop turn. */
uint64_t nw_now_ms(void);
uint64_t nw_now_us(void);
/* Unix time, of this loop turn. */
uint64_t nw_wall_ms(void);
/* Monotonic, read now. */
uint64_t nw_io_now_ns(void);
/* Any thread: wall time of the runtime, read now (for the log's writer). */
uint64_t nw_runtime_wall_ms(struct nw_runtime *runtime);

/* Tests: moves both clocks forward; timers that became due fire in the next turn. Any thread. */
void nw_clock_advance_ms(struct nw_runtime *runtime, uint64_t ms);
/* Tests: steps only the wall clock, either way. Any thread. */
void nw_clock_step_ms(struct nw_runtime *runtime, int64_t ms);

#endif
