/*
 * sim_queue_table.h - a queue scenario as it was read: one struct for each block of sim_queue.def.
 *
 * Owner:   everything lies in the arena that it was read into
 * Threads: immutable once read
 */
#ifndef NW_CMD_SIM_QUEUE_TABLE_H
#define NW_CMD_SIM_QUEUE_TABLE_H

#include "conf/table.h"

struct sim_queue_backoff {
    struct nw_conf_block block;
    double base_s;
    double most_s;
    double least_s;
    bool jitter;
};

struct sim_queue_group {
    struct nw_conf_block block;
    struct nw_slice name;
    double workers;
    double service_s;
    int law; /* nw_model_law */
    double cv;
    struct nw_conf_strings services;
    double fail_ratio;
    int64_t attempts;
    struct sim_queue_backoff backoff;
    struct nw_conf_strings outages;
    double alarm_s;
};
struct sim_queue_groups {
    struct sim_queue_group *items;
    size_t count;
};

struct sim_queue_top {
    struct nw_conf_block block;
    int sim;
    int engine; /* 0: event, 1: fluid */
    double arrive;
    double over_s;
    int shape; /* nw_model_shape */
    double burst;
    double front_s;
    double on_s;
    double off_s;
    struct nw_slice trace; /* empty: invented */
    int format;            /* 0: auto, else nw_trace_format + 1 */
    struct nw_slice columns;
    double backlog;
    double low_ratio;
    double depth;
    int full; /* nw_model_full */
    double ttl_s;
    double workers;
    double service_s;
    int law; /* nw_model_law */
    double cv;
    struct nw_conf_strings services;
    double fail_ratio;
    int64_t attempts;
    struct sim_queue_backoff backoff;
    struct nw_conf_strings outages;
    double alarm_s;
    struct sim_queue_groups groups;
    int64_t seed;
    int64_t runs;
    int64_t threads; /* 0: auto */
    double precision_ratio;
};

extern const struct nw_conf_tables sim_queue_tables;

#define NW_CONF_ROWS "cmd/sim_queue.def"
#define NW_CONF_ID(word) SIM_QUEUE_##word
#include "conf/table_ids.def"
#undef NW_CONF_ROWS
#undef NW_CONF_ID

/* Did the file or a flag give this option of the block? */
#define SIM_QUEUE_GIVEN(pointer, block_name, option_name)                                          \
    NW_CONF_GIVEN(pointer, SIM_QUEUE_OPTION_##block_name##_##option_name,                          \
                  SIM_QUEUE_FIRST_##block_name)

#endif
