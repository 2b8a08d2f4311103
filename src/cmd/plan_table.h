/*
 * plan_table.h - a plan file as it was read: one struct for each block of plan.def.
 *
 * Owner:   everything lies in the arena that the file was read into
 * Threads: immutable once read
 */
#ifndef NW_CMD_PLAN_TABLE_H
#define NW_CMD_PLAN_TABLE_H

#include "conf/table.h"

struct plan_load {
    struct nw_conf_block block;
    struct nw_conf_quantity users;
    struct nw_conf_quantity requests_per_s;
    struct nw_conf_quantity rate_per_s;
    struct nw_conf_quantity peak;
    struct nw_conf_quantity growth;
    struct nw_conf_quantity connected;
    struct nw_conf_quantity read_share_ratio;
    struct nw_slice currency;
};

struct plan_route {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity per_user_per_s;
    struct nw_conf_quantity share_ratio;
    int kind; /* nw_model_route_kind */
    struct nw_conf_quantity cached_ratio;
    struct nw_conf_quantity request_bytes;
    struct nw_conf_quantity answer_bytes;
    struct nw_conf_quantity queries;
    struct nw_conf_quantity log_bytes;
    struct nw_slice service;
    struct nw_slice database;
    struct nw_slice queue;
};
struct plan_routes {
    struct plan_route *items;
    size_t count;
};

struct plan_usl {
    struct nw_conf_block block;
    double gamma_per_s;
    double alpha;
    double beta;
};

struct plan_bigger {
    struct nw_conf_block block;
    struct nw_conf_quantity factor;
    struct nw_conf_quantity price_per_h;
};

struct plan_service {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity node_rate_per_s;
    struct nw_conf_quantity efficiency_ratio;
    struct plan_usl usl;
    struct nw_conf_points measured;
    struct nw_conf_quantity margin_ratio;
    struct nw_conf_quantity spare;
    struct nw_conf_quantity zones;
    struct nw_conf_quantity connections;
    int stateless; /* nw_model_answer */
    struct plan_bigger bigger;
    struct nw_conf_quantity price_per_h;
};
struct plan_services {
    struct plan_service *items;
    size_t count;
};

struct plan_database {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity read_rate_per_s;
    struct nw_conf_quantity replica_rate_per_s;
    struct nw_conf_quantity write_rate_per_s;
    struct nw_conf_quantity size_bytes;
    struct nw_conf_quantity size_max_bytes;
    struct nw_conf_quantity own_writes_ratio;
    struct nw_conf_quantity lag_s;
    struct nw_conf_quantity connections;
    struct nw_conf_quantity pool;
    struct nw_conf_quantity domains;
    bool clear_domains;
    struct nw_conf_quantity price_per_h;
};
struct plan_databases {
    struct plan_database *items;
    size_t count;
};

struct plan_cache {
    struct nw_conf_block block;
    struct nw_conf_quantity entry_bytes;
    struct nw_conf_quantity hot;
    struct nw_conf_quantity ttl_s;
    struct nw_conf_quantity per_key_per_s;
    struct nw_conf_quantity ram_bytes;
    struct nw_conf_quantity fill_ratio;
    struct nw_conf_quantity price_per_h;
};

struct plan_queue {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity burst;
    struct nw_conf_quantity over_s;
    struct nw_conf_quantity drain_per_s;
    struct nw_conf_quantity message_bytes;
    struct nw_conf_quantity retention_s;
    struct nw_conf_quantity groups;
    struct nw_conf_quantity outage_s;
    struct nw_conf_quantity alarm_s;
};
struct plan_queues {
    struct plan_queue *items;
    size_t count;
};

struct plan_region {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity users_ratio;
    struct nw_conf_quantity rtt_s;
    struct nw_conf_quantity local_s;
    struct nw_conf_quantity calls;
    struct nw_conf_quantity distance_km;
};
struct plan_regions {
    struct plan_region *items;
    size_t count;
};

struct plan_part {
    struct nw_conf_block block;
    struct nw_slice name;
    struct nw_conf_quantity works_ratio;
};
struct plan_parts {
    struct plan_part *items;
    size_t count;
};

struct plan_availability {
    struct nw_conf_block block;
    struct nw_conf_quantity target_ratio;
    struct plan_parts parts;
    struct nw_conf_quantity common_cause_ratio;
};

struct plan_budget {
    struct nw_conf_block block;
    struct nw_conf_quantity month;
};

struct plan_top {
    struct nw_conf_block block;
    int64_t plan;
    struct plan_load load;
    struct plan_routes routes;
    struct plan_services services;
    struct plan_databases databases;
    struct plan_cache cache;
    struct plan_queues queues;
    struct plan_regions regions;
    struct plan_availability availability;
    struct plan_budget budget;
};

extern const struct nw_conf_tables plan_tables;

/* Numbers of blocks and options, for PLAN_GIVEN. */
#define NW_CONF_ROWS "cmd/plan.def"
#define NW_CONF_ID(word) PLAN_##word
#include "conf/table_ids.def"
#undef NW_CONF_ROWS
#undef NW_CONF_ID

/* Did the file, a flag or --set give this option of the block? */
#define PLAN_GIVEN(pointer, block_name, option_name)                                               \
    NW_CONF_GIVEN(pointer, PLAN_OPTION_##block_name##_##option_name, PLAN_FIRST_##block_name)

#endif
