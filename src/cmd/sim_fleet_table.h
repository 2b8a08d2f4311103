/*
 * sim_fleet_table.h - a fleet's scenario file as it was read: one struct for each block of
 * sim_fleet.def.
 *
 * Owner:   everything lies in the arena that the file was read into
 * Threads: immutable once read
 */
#ifndef NW_CMD_SIM_FLEET_TABLE_H
#define NW_CMD_SIM_FLEET_TABLE_H

#include "conf/table.h"

struct fleet_day {
    struct nw_conf_block block;
    double average_per_s;
    double peak_per_s;
    double at_s;
};

struct fleet_load {
    struct nw_conf_block block;
    double constant_per_s;
    struct nw_conf_points steps;
    struct nw_conf_points line;
    struct fleet_day day;
    struct nw_slice csv;
    struct nw_slice log;
    double repeat_s;
    double factor;
    double noise_ratio;
    int arrivals; /* nw_model_fleet_arrivals */
};

struct fleet_service {
    struct nw_conf_block block;
    struct nw_slice name;
    int64_t nodes;
    double node_rate_per_s;
    double start_s;
    double cold_s;
    double cold_rate_ratio;
    double cold_cpu_ratio;
    double drain_s;
    double wait_s;
    double price_per_h;
    double cached_ratio;
    double prewarm_ratio;
    double queries;
    double cache_lost_s;
    int balance; /* nw_model_fleet_balance */
    int station; /* nw_model_fleet_station */
    double cv;
};
struct fleet_services {
    struct fleet_service *items;
    size_t count;
};

struct fleet_database {
    struct nw_conf_block block;
    struct nw_slice name;
    double read_rate_per_s;
    int64_t connections;
    int64_t pool;
};
struct fleet_databases {
    struct fleet_database *items;
    size_t count;
};

struct fleet_metrics {
    struct nw_conf_block block;
    double noise_ratio;
    double lost_ratio;
};

struct fleet_scale {
    struct nw_conf_block block;
    unsigned on; /* bit nw_model_scale_signal */
    double target_ratio;
    double latency_s;
    double concurrency;
    double every_s;
    double for_s;
    struct nw_conf_share add;
    int64_t min;
    int64_t max;
    struct nw_conf_quantity cooldown_s; /* word 1: auto */
    bool count_cold;
    int scale_in; /* 1: never */
    double band_up_ratio;
    double band_in_ratio;
    double in_below_ratio;
    int brakes; /* 1: none */
    double max_cost_per_h;
    double no_benefit_ratio;
};

struct fleet_top {
    struct nw_conf_block block;
    int sim;
    double for_s;
    int engine; /* nw_model_fleet_engine */
    int64_t seed;
    struct fleet_load load;
    struct fleet_services services;
    struct fleet_databases databases;
    struct fleet_metrics metrics;
    struct fleet_scale scale;
};

extern const struct nw_conf_tables fleet_tables;

/* Numbers of blocks and options, for FLEET_GIVEN. */
#define NW_CONF_ROWS "cmd/sim_fleet.def"
#define NW_CONF_ID(word) FLEET_##word
#include "conf/table_ids.def"
#undef NW_CONF_ROWS
#undef NW_CONF_ID

/* Does this option of the block stand in the file? */
#define FLEET_GIVEN(pointer, block_name, option_name)                                              \
    NW_CONF_GIVEN(pointer, FLEET_OPTION_##block_name##_##option_name, FLEET_FIRST_##block_name)

#endif
