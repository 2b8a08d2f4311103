/*
 * region.h - what distance costs, and how much of it is physics.
 *
 * All finite and >= 0 (asserted).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_REGION_H
#define NW_MODEL_REGION_H

#include "model/plan_input.h"

struct nw_model_region_in {
    const char *at; /* "regions.tokyo" */
    const struct nw_model_region *region;
};

struct nw_model_region_answer {
    double far_s;    /* calls x rtt */
    double near_s;   /* calls x local */
    double gain_s;   /* of one call: rtt - local; negative where local is slower */
    double vacuum_s; /* round trips over the great circle; 0 without a distance, as fibre */
    double fibre_s;
    bool is_below_physics; /* the stated rtt is shorter than light in fibre allows */
    bool fires;            /* rtt > 100 ms from outside: a region would help (F3) */
};

/* Steps: AT.far_s, AT.near_s, AT.gain_s, AT.floor_s. */
struct nw_model_region_answer nw_model_region_judge(const struct nw_model_region_in *in,
                                                    struct nw_model_steps *steps);

/* Round trip over the distance in fibre. */
double nw_model_region_fibre_s(double distance_km);

#endif
