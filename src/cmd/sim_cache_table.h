/*
 * sim_cache_table.h - a cache scenario as it was read: one struct for each block of sim_cache.def.
 *
 * Owner:   everything lies in the arena that it was read into
 * Threads: immutable once read
 */
#ifndef NW_CMD_SIM_CACHE_TABLE_H
#define NW_CMD_SIM_CACHE_TABLE_H

#include "conf/table.h"

struct sim_cache_shift {
    struct nw_conf_block block;
    double by;
    double every;
};

struct sim_cache_scan {
    struct nw_conf_block block;
    double share_ratio;
    double keys;
};

struct sim_cache_object {
    struct nw_conf_block block;
    int64_t size_bytes;
    double cv;
};

struct sim_cache_top {
    struct nw_conf_block block;
    int sim;
    struct nw_slice trace; /* empty: invented */
    int format;            /* 0: auto, else nw_trace_format + 1 */
    struct nw_slice columns;
    bool skip_bad;
    double zipf;
    double keys;
    double requests;
    struct sim_cache_shift shift;
    struct sim_cache_scan scan;
    struct sim_cache_object object;
    struct nw_conf_strings policy;
    struct nw_conf_strings size;
    struct nw_conf_strings bytes;
    int64_t overhead_bytes;
    double ttl_s;
    double rate_per_s;
    struct nw_conf_share warmup;
    bool mrc;
    int64_t seed;
    int64_t threads; /* 0: auto */
    int64_t memory_bytes;
};

extern const struct nw_conf_tables sim_cache_tables;

#define NW_CONF_ROWS "cmd/sim_cache.def"
#define NW_CONF_ID(word) SIM_CACHE_##word
#include "conf/table_ids.def"
#undef NW_CONF_ROWS
#undef NW_CONF_ID

/* Did the file or a flag give this option of the block? */
#define SIM_CACHE_GIVEN(pointer, block_name, option_name)                                          \
    NW_CONF_GIVEN(pointer, SIM_CACHE_OPTION_##block_name##_##option_name,                          \
                  SIM_CACHE_FIRST_##block_name)

#endif
