/*
 * day.h - the shape of a day whose rate rises and falls once: a power of a cosine.
 *
 * rate(t) = peak x ((1 + cos(2 pi t / day)) / 2)^k has any ratio of average to peak, by k alone.
 *
 * Owner:   nothing
 * Threads: stateless
 */
#ifndef NW_MODEL_DAY_H
#define NW_MODEL_DAY_H

/* The k at which the mean is `average_ratio` of the peak, 1e-4..1 (asserted); 0 for 1. */
double nw_model_day_power(double average_ratio);

#endif
