/*
 * nines.h - how often a thing may be away, and what several things do together.
 *
 * Availabilities are shares 0..1 (asserted). Series, parallel and k of n assume that parts fail
 * independently of each other: they do not, so common_cause says which share of failures takes all
 * copies at once (beta factor).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_NINES_H
#define NW_MODEL_NINES_H

#include "model/plan_input.h"

struct nw_model_downtime {
    double year_s;
    double month_s; /* a twelfth of a year: 730 h */
    double week_s;
};

struct nw_model_downtime nw_model_nines_downtime(double availability);
/* All parts are needed. None: 1. */
double nw_model_nines_series(const double *availability, size_t count);
/* One of them is enough. None: 0. */
double nw_model_nines_parallel(const double *availability, size_t count);
/*
 * At least `needed` of `count` equal ones, with a common cause: share of the failures of one that
 * take all. needed <= count, both whole (asserted). needed 0: 1. Of more than 1e9 by the law of
 * large numbers: all or nothing.
 */
double nw_model_nines_of(double availability, double needed, double count, double common_cause);
/* MTBF / (MTBF + MTTR); both 0 is asserted against. */
double nw_model_nines_repair(double mtbf_s, double mttr_s);
/* How long a share of errors may last until a period of period_s is down to the target (G9). */
double nw_model_nines_error_window_s(double target, double error_share, double period_s);

struct nw_model_nines_in {
    const char *at; /* "availability" */
    struct nw_model_quantity target;
    const struct nw_model_part *parts; /* in series */
    unsigned part_count;
};

struct nw_model_nines {
    double availability; /* of the parts in series */
    struct nw_model_downtime downtime;
    struct nw_model_downtime allowed; /* by the target */
    bool is_met;
    int weakest_index; /* of the parts; -1 without any */
    double best;       /* no better is possible while the weakest is as it is */
};

/* Steps: AT.allowed_year_s, AT.series, AT.downtime_year_s. */
struct nw_model_nines nw_model_nines_judge(const struct nw_model_nines_in *in,
                                           struct nw_model_steps *steps);

struct nw_model_nines_fleet_in {
    const char *at;                /* "services.app" */
    struct nw_model_quantity node; /* availability of one node */
    struct nw_model_quantity needed;
    struct nw_model_quantity nodes;
    struct nw_model_quantity common_cause;
};
/* k of n of a fleet, in whole nodes. Step: AT.availability. */
double nw_model_nines_fleet(const struct nw_model_nines_fleet_in *in, struct nw_model_steps *steps);

#endif
