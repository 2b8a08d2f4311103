/*
 * volume.h - users to requests, requests to bytes.
 *
 * Inputs are quantities so that the steps know where each came from. All finite and >= 0, peak and
 * growth > 0 (asserted: the reader of the plan file holds them to their bounds).
 *
 * Owner:   nothing here allocates but in the recorder's arena
 * Threads: stateless
 */
#ifndef NW_MODEL_VOLUME_H
#define NW_MODEL_VOLUME_H

#include "model/plan_input.h"

/* What one user does, on average: one for each route that is stated per user. */
struct nw_model_action {
    const char *name;
    struct nw_model_quantity per_user_per_s;
};

struct nw_model_volume_in {
    const struct nw_model_load *load;
    const struct nw_model_action *actions; /* for a load in users */
    unsigned action_count;
};

struct nw_model_volume {
    double per_day; /* growth included, as in the other two */
    double average_per_s;
    double peak_per_s;
};

/* Steps: load.requests_day, load.average_per_s, load.peak_per_s. */
struct nw_model_volume nw_model_volume_count(const struct nw_model_volume_in *in,
                                             struct nw_model_steps *steps);

struct nw_model_traffic_in {
    const char *at; /* "load" or "routes.feed" */
    struct nw_model_quantity average_per_s;
    struct nw_model_quantity peak_per_s;
    struct nw_model_quantity request_bytes;
    struct nw_model_quantity answer_bytes;
    struct nw_model_quantity log_bytes;
    struct nw_model_quantity retention_s; /* of the logs */
};

struct nw_model_traffic {
    double in_bytes_per_s; /* at peak, as out and bits */
    double out_bytes_per_s;
    double in_bits_per_s;
    double out_bits_per_s;
    double log_bytes_day; /* from the average: a day has one peak, not 24 hours of it */
    double log_bytes;     /* kept for the retention */
};

/* Steps: AT.in_bits_per_s, out_bits_per_s, log_bytes_day, log_bytes. */
struct nw_model_traffic nw_model_traffic_count(const struct nw_model_traffic_in *in,
                                               struct nw_model_steps *steps);

#endif
