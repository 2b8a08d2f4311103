/* Rows of `make bench-model`: queues in closed form. Inputs change from turn to turn. */
#include "model_rows.h"

#include "model/queueing.h"

/* The web servers of L1 in front of a database of 8. */
static uint64_t open_run(void *state, uint64_t turns)
{
    static const struct nw_model_open_station stations[] = {
        {.servers = 22, .visits = 1, .serve_per_s = 300},
        {.servers = 8, .visits = 1.5, .serve_per_s = 1500},
    };
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_open open;
        double rate_per_s = 3000 + (double)(i & 2047);
        if (nw_model_open_solve(stations, 2, rate_per_s, &open, NULL) == NW_MODEL_QUEUE_STEADY)
            sum += open.response_s;
    }
    nw_bench_keep(sum);
    return turns;
}

/* The stations of L7, with and without time to think. */
static uint64_t closed_run(double think_s, uint64_t turns)
{
    struct nw_model_closed_station stations[] = {
        {.demand_s = 0.005}, {.demand_s = 0.030}, {.demand_s = 0.027}};
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++) {
        struct nw_model_closed closed;
        stations[0].demand_s = 0.005 + 1e-6 * (double)(i & 1023);
        if (nw_model_closed_solve(stations, 3, think_s, 200, &closed, NULL) ==
            NW_MODEL_QUEUE_STEADY)
            sum += closed.rate_per_s;
    }
    nw_bench_keep(sum);
    return turns;
}

static uint64_t closed_busy_run(void *state, uint64_t turns)
{
    return closed_run(0, turns);
}

static uint64_t closed_think_run(void *state, uint64_t turns)
{
    return closed_run(5, turns);
}

static uint64_t erlang_run(void *state, uint64_t turns)
{
    double sum = 0;
    for (uint64_t i = 0; i < turns; i++)
        sum += nw_model_erlang_b(100000, 99000 + (double)(i & 1023));
    nw_bench_keep(sum);
    return turns;
}

const struct nw_bench_row nw_bench_queueing_rows[] = {
    {.name = "open-2",
     .what = "two stations with Erlang C, 22 and 8 servers",
     .unit = "M solves/s",
     .scale = 1e6,
     .expected = 3,
     .run = open_run},
    {.name = "closed-3",
     .what = "closed network, 3 stations, 200 customers",
     .unit = "k solves/s",
     .scale = 1e3,
     .expected = 300,
     .run = closed_busy_run},
    {.name = "closed-3-think",
     .what = "the same with 5 s to think",
     .unit = "k solves/s",
     .scale = 1e3,
     .expected = 300,
     .run = closed_think_run},
    {.name = "erlang-100k",
     .what = "Erlang B of 100,000 servers",
     .unit = "us",
     .scale = 1e-6,
     .is_time = true,
     .run = erlang_run},
    {0},
};
