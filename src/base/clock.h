/*
 * clock.h - time, duration and size as text. Pure arithmetic: nothing here reads a clock.
 *
 * Owner:   the caller's buffers
 * Threads: stateless
 */
#ifndef NW_BASE_CLOCK_H
#define NW_BASE_CLOCK_H

#include "base/compiler.h"

/* A moment of the proleptic Gregorian calendar, UTC. */
struct nw_civil {
    int64_t year;
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int second;  /* 0..59: unix time has no leap seconds */
    int weekday; /* 0 Sunday .. 6 */
};

struct nw_civil nw_clock_civil(int64_t unix_s);
/* The inverse; the fields must be in range (weekday is ignored). */
int64_t nw_clock_unix_s(const struct nw_civil *civil);

#define NW_CLOCK_ISO_BYTES 25      /* with the terminating zero; years 0 to 9999 */
#define NW_CLOCK_COMMON_BYTES 29
#define NW_CLOCK_DURATION_BYTES 32
#define NW_CLOCK_SIZE_BYTES 16

/* "2000-10-10T13:55:36.123Z"; times outside the years 0 to 9999 are clamped. Returns `to`. */
char *nw_clock_iso(uint64_t unix_ms, char to[NW_CLOCK_ISO_BYTES]);
/* "[10/Oct/2000:13:55:36 +0000]", the date of the common log format. Returns `to`. */
char *nw_clock_common(uint64_t unix_ms, char to[NW_CLOCK_COMMON_BYTES]);
/*
 * "850ns" "12us" "1.5ms" "2s" "1m30s" "2h5m" "3d4h": below a minute three significant digits
 * without trailing zeros, above it the two greatest units, rounded down. Returns `to`.
 */
char *nw_clock_duration(uint64_t ns, char to[NW_CLOCK_DURATION_BYTES]);
/* "512B" "1.5K" "64K" "256M" "1T": powers of two, three significant digits, rounded down. */
char *nw_clock_size(uint64_t bytes, char to[NW_CLOCK_SIZE_BYTES]);

#endif
