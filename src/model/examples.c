/*
 * Each example is a guide's own question, put to the function that answers it for a plan. Labels
 * name the guide's case, since several stand under one topic.
 */
#include "model/examples.h"

#include <math.h>

#include "base/assert.h"
#include "model/cachemath.h"
#include "model/constants.h"
#include "model/cost.h"
#include "model/database.h"
#include "model/decide.h"
#include "model/fleetsim.h"
#include "model/nines.h"
#include "model/nodes.h"
#include "model/pool.h"
#include "model/queueing.h"
#include "model/queuemath.h"
#include "model/region.h"
#include "model/volume.h"

#define GIVEN nw_model_given
#define CONSTANT(id) nw_model_constant_quantity(NW_MODEL_C_##id)

static void load(double requests_per_s, double peak, struct nw_model_steps *steps)
{
    const struct nw_model_load asked = {
        .kind = NW_MODEL_LOAD_REQUESTS,
        .requests_per_s = GIVEN(requests_per_s),
        .peak = GIVEN(peak),
        .growth = GIVEN(1),
    };
    nw_model_volume_count(&(struct nw_model_volume_in){.load = &asked}, steps);
}

static void traffic(double rate_per_s, struct nw_model_steps *steps)
{
    const struct nw_model_traffic_in in = {
        .at = "load",
        .average_per_s = GIVEN(rate_per_s),
        .peak_per_s = GIVEN(rate_per_s),
        .request_bytes = CONSTANT(REQUEST),
        .answer_bytes = GIVEN(1000),
        .log_bytes = CONSTANT(LOG),
        .retention_s = CONSTANT(LOG_RETENTION),
    };
    nw_model_traffic_count(&in, steps);
}

/* A result that no plan has, told with the same means. */
static void tell(struct nw_model_step step, const char *path, double exact, nw_model_unit unit,
                 const char *what, struct nw_model_steps *steps)
{
    step.path = path;
    step.exact = exact;
    step.unit = unit;
    step.what = what;
    while (step.operand_count < NW_MODEL_OPERANDS_MAX && step.operands[step.operand_count].name)
        step.operand_count++;
    nw_model_steps_add(steps, &step);
}

void nw_model_example_volume(struct nw_model_steps *steps)
{
    static const double wires_per_s[] = {1e3, 10e3, 100e3, 10e6};
    const struct nw_model_load users = {
        .kind = NW_MODEL_LOAD_USERS,
        .users = GIVEN(50e6),
        .peak = GIVEN(4),
        .growth = GIVEN(1),
    };
    const struct nw_model_action feed[] = {{"feed", GIVEN(4 / NW_MODEL_DAY_S)},
                                           {"upload", GIVEN(0.5 / NW_MODEL_DAY_S)}};
    nw_model_volume_count(&(struct nw_model_volume_in){&users, feed, 2}, steps);
    load(100e6 / NW_MODEL_DAY_S, 3, steps);
    load(100e6 / NW_MODEL_DAY_S, 5, steps);
    load(1e9 / NW_MODEL_DAY_S, 3, steps);
    load(1e9 / NW_MODEL_DAY_S, 5, steps);
    for (size_t i = 0; i < NW_COUNT(wires_per_s); i++)
        traffic(wires_per_s[i], steps);
}

static void count(const char *label, double peak_per_s, double rate_per_s, double efficiency,
                  double margin, double zones, struct nw_model_steps *steps)
{
    const struct nw_model_nodes_in in = {
        .at = "services.app",
        .label = label,
        .peak_per_s = GIVEN(peak_per_s),
        .node_rate_per_s = GIVEN(rate_per_s),
        .efficiency = GIVEN(efficiency),
        .margin = GIVEN(margin),
        .spare = GIVEN(1),
        .zones = GIVEN(zones),
    };
    nw_model_nodes_count(&in, steps);
}

void nw_model_example_nodes(struct nw_model_steps *steps)
{
    count("Base", 50000, 2000, 1, 0.3, 0, steps);
    count("Production", 100000, 1800, 0.85, 0.5, 0, steps);
    count("In three zones", 100000, 1800, 0.85, 0.5, 3, steps);
    count("100M, no margin", 5800, 300, 1, 0, 0, steps);
    count("100M a day", 5800, 300, 1, 0.3, 0, steps);
    count("Photo feed", 225e6 / NW_MODEL_DAY_S * 4, 300, 1, 0.3, 0, steps);
    count("Gateway", 10000, 3000, 1, 0, 0, steps);
    count("Smaller gateways", 10000, 2000, 1, 0, 0, steps);
}

void nw_model_example_pool(struct nw_model_steps *steps)
{
    const struct nw_model_pool_in in = {
        .at = "databases.main",
        .nodes = GIVEN(20),
        .pool = CONSTANT(POOL),
        .connections = CONSTANT(DATABASE_CONNECTIONS),
    };
    nw_model_pool_check(&in, steps);
    double rate_per_s, wait_s;
    nw_model_pool_limit(20, 0.02, 1000, &rate_per_s, &wait_s);
    tell((struct nw_model_step){.label = "Tuned query",
                                .formula = "{0} / {1}",
                                .operands = {{"pool", 20, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                                             {"held", 0.02, NW_MODEL_SECONDS, NW_MODEL_GIVEN}}},
         "pool.rate_per_s", rate_per_s, NW_MODEL_PER_S, "at most", steps);
    tell(
        (struct nw_model_step){
            .formula = "{0+} / {1}",
            .operands = {{"users at once", 1000, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                         {"rate", rate_per_s, NW_MODEL_PER_S, NW_MODEL_DERIVED}}},
        "pool.wait_s", wait_s, NW_MODEL_SECONDS, "for each of them", steps);
}

static void relieve(double reads_per_s, double hit_ratio, struct nw_model_steps *steps)
{
    const struct nw_model_cache_load_in in = {
        .at = "databases.main",
        .reads_per_s = GIVEN(reads_per_s),
        .hit_ratio = GIVEN(hit_ratio),
        .bears_per_s = CONSTANT(READ_RATE),
    };
    nw_model_cache_relieve(&in, steps);
}

static void keep(double entries, double entry_bytes, struct nw_model_quantity fill,
                 struct nw_model_steps *steps)
{
    const struct nw_model_cache_size_in in = {
        .at = "cache",
        .entries = GIVEN(entries),
        .entry_bytes = GIVEN(entry_bytes),
        .ram_bytes = CONSTANT(RAM),
        .fill = fill,
    };
    nw_model_cache_size(&in, steps);
}

void nw_model_example_cache(struct nw_model_steps *steps)
{
    relieve(1160, 0.9, steps);
    relieve(1e9 / NW_MODEL_DAY_S, 0.95, steps);
    relieve(1e9 / NW_MODEL_DAY_S, 0.8, steps);
    keep(40e6, 50e3, GIVEN(1), steps);
    keep(40e6, 2e3, GIVEN(1), steps);
    keep(40e6, 2e3, CONSTANT(FILL), steps);
    const struct nw_model_cache_hit_in page = {
        .at = "routes.private",
        .stated = GIVEN(0.95),
        .per_key_per_s = GIVEN(5 / NW_MODEL_DAY_S),
        .ttl_s = GIVEN(300),
    };
    nw_model_cache_cap(&page, steps);
    const struct nw_model_cache_outage_in outage = {
        .at = "databases.main",
        .rate_per_s = GIVEN(10000),
        .bears_per_s = GIVEN(3000),
    };
    nw_model_cache_outage(&outage, steps);
    tell((struct nw_model_step){.label = "Traced key",
                                .formula = "({0} x {1} + {2} x {3}) / 10,000",
                                .operands = {{"hits", 9998, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                                             {"of a hit", 4e-3, NW_MODEL_SECONDS, NW_MODEL_GIVEN},
                                             {"misses", 2, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                                             {"of a miss", 0.186, NW_MODEL_SECONDS,
                                              NW_MODEL_GIVEN}}},
         "trace.mean_s", nw_model_cache_mean_s(9998, 4e-3, 2, 0.186), NW_MODEL_SECONDS,
         "on average", steps);
    tell((struct nw_model_step){.label = "Celebrity",
                                .formula = "{0+} x {1} / {2}",
                                .operands = {{"followers", 50e6, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                                             {"active", 0.1, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                                             {"within", 300, NW_MODEL_SECONDS, NW_MODEL_GIVEN}}},
         "post.copies_per_s", nw_model_cache_fanout_per_s(50e6, 0.1, 300), NW_MODEL_PER_S,
         "writes, against one and 5M reads", steps);
}

static void judge(const char *label, const char *route, double reads_per_s, double hit_ratio,
                  double writes_per_s, double margin, double replica_rate_per_s,
                  struct nw_model_steps *steps)
{
    const struct nw_model_database database = {
        .read_rate_per_s = CONSTANT(READ_RATE),
        .replica_rate_per_s = GIVEN(replica_rate_per_s),
        .write_rate_per_s = CONSTANT(WRITE_RATE),
        .size_bytes = CONSTANT(SIZE),
        .size_max_bytes = CONSTANT(SIZE_MAX),
        .own_writes = CONSTANT(OWN_WRITES),
        .domains = CONSTANT(DOMAINS),
    };
    const struct nw_model_database_reads reads = {route, GIVEN(reads_per_s), GIVEN(hit_ratio)};
    const struct nw_model_database_in in = {
        .at = "databases.main",
        .label = label,
        .database = &database,
        .reads = &reads,
        .read_count = 1,
        .writes_per_s = GIVEN(writes_per_s),
        .margin = GIVEN(margin),
    };
    nw_model_database_judge(&in, steps);
}

void nw_model_example_database(struct nw_model_steps *steps)
{
    double peak_per_s = 1e9 / NW_MODEL_DAY_S * 5, feed_per_s = 225e6 / NW_MODEL_DAY_S * 4;
    judge("100M a day", "reads", 5220, 0, 580, 0, 2000, steps);
    judge("Photo feed", "feed", feed_per_s * 200 / 225, 0.95, feed_per_s * 25 / 225, 0, 1500,
          steps);
    judge("A billion, no margin", "reads", peak_per_s * 0.8, 0.9, peak_per_s * 0.2, 0, 2000, steps);
    judge("A billion", "reads", peak_per_s * 0.8, 0.9, peak_per_s * 0.2, 0.3, 2000, steps);
}

void nw_model_example_scaling(struct nw_model_steps *steps)
{
    const struct nw_model_decide_in friday = {
        .at = "services.friday",
        .current_per_s = GIVEN(500),
        .projected_per_s = GIVEN(50000),
        .has_bigger = true,
        .stateless = NW_MODEL_NO,
    };
    const struct nw_model_decide_in small = {
        .at = "services.small",
        .current_per_s = GIVEN(500),
        .projected_per_s = GIVEN(2000),
        .has_bigger = true,
        .stateless = NW_MODEL_YES,
    };
    nw_model_decide(&friday, steps);
    nw_model_decide(&small, steps);
}

static void burst(const char *label, double over_s, double stopped_s, struct nw_model_steps *steps)
{
    const struct nw_model_burst_in in = {
        .at = "queues.mail",
        .label = label,
        .jobs = GIVEN(10000),
        .over_s = GIVEN(over_s),
        .drain_per_s = CONSTANT(DRAIN),
        .stopped_s = GIVEN(stopped_s),
    };
    nw_model_queue_burst(&in, steps);
}

static void retain(double retention_s, double topics, struct nw_model_steps *steps)
{
    const struct nw_model_retention_in in = {
        .at = "queues.orders",
        .arrive_per_s = GIVEN(5000.0 / 60),
        .message_bytes = CONSTANT(MESSAGE),
        .retention_s = GIVEN(retention_s),
        .topics = GIVEN(topics),
    };
    nw_model_queue_retention(&in, steps);
}

void nw_model_example_queue(struct nw_model_steps *steps)
{
    const struct nw_model_quantity orders_per_s = GIVEN(5000.0 / 60);
    burst("At once", 0, 0, steps);
    burst("Spread", 60, 0, steps);
    burst("First 10 s", 10, 0, steps);
    burst("Workers stopped", 60, 60, steps);
    const struct nw_model_inline_in work = {
        .at = "queues.orders",
        .rate_per_s = orders_per_s,
        .calls = GIVEN(3),
        .call_s = GIVEN(0.2),
        .publish_s = GIVEN(0.05),
    };
    nw_model_queue_inline(&work, steps);
    const struct nw_model_catchup_in behind = {
        .at = "queues.orders",
        .backlog = GIVEN(nw_model_queue_behind(orders_per_s.value, 7200)),
        .arrive_per_s = orders_per_s,
        .drain_per_s = CONSTANT(DRAIN),
    };
    nw_model_queue_catchup(&behind, steps);
    retain(3600, 3, steps);
    retain(7200, 1, steps);
    retain(CONSTANT(RETENTION).value, 3, steps);
}

void nw_model_example_region(struct nw_model_steps *steps)
{
    const struct nw_model_region tokyo = {
        .name = "Tokyo",
        .rtt_s = GIVEN(0.155),
        .local_s = GIVEN(0.003),
        .calls = GIVEN(5),
        .distance_km = GIVEN(10872),
    };
    nw_model_region_judge(&(struct nw_model_region_in){"regions.tokyo", &tokyo}, steps);
}

void nw_model_example_nines(struct nw_model_steps *steps)
{
    static const double targets[] = {0.99, 0.9999, 0.99999, 0.999999};
    const struct nw_model_part parts[] = {
        {"app", GIVEN(0.9999)}, {"cache", GIVEN(0.9999)}, {"main", GIVEN(0.999)}};
    const struct nw_model_nines_in in = {
        .at = "availability",
        .target = GIVEN(0.999),
        .parts = parts,
        .part_count = 3,
    };
    for (size_t i = 0; i < NW_COUNT(targets); i++) {
        const struct nw_model_nines_in level = {.at = "availability", .target = GIVEN(targets[i])};
        nw_model_nines_judge(&level, steps);
    }
    nw_model_nines_judge(&in, steps);
    for (int nodes = 20; nodes <= 22; nodes++) {
        const struct nw_model_nines_fleet_in fleet = {
            .at = "services.app",
            .node = GIVEN(0.99),
            .needed = GIVEN(20),
            .nodes = GIVEN(nodes),
        };
        nw_model_nines_fleet(&fleet, steps);
    }
    const double pair[] = {0.99, 0.99};
    tell((struct nw_model_step){.label = "Two in parallel",
                                .formula = "1 - (1 - {0}) x (1 - {1})",
                                .operands = {{"one", 0.99, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                                             {"other", 0.99, NW_MODEL_RATIO, NW_MODEL_GIVEN}}},
         "pair.availability", nw_model_nines_parallel(pair, 2), NW_MODEL_RATIO,
         "of the time, if they fail independently", steps);
    tell((struct nw_model_step){.label = "Repaired in an hour",
                                .formula = "{0} / ({0} + {1})",
                                .operands = {{"MTBF", 999 * 3600, NW_MODEL_SECONDS, NW_MODEL_GIVEN},
                                             {"MTTR", 3600, NW_MODEL_SECONDS, NW_MODEL_GIVEN}}},
         "repair.availability", nw_model_nines_repair(999 * 3600, 3600), NW_MODEL_RATIO,
         "of the time", steps);
    tell((struct nw_model_step){.label = "40 % errors",
                                .formula = "(1 - {0}) / {1} x {2}",
                                .operands = {{"target", 0.97, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                                             {"errors", 0.4, NW_MODEL_RATIO, NW_MODEL_GIVEN},
                                             {"a day", 86400, NW_MODEL_SECONDS, NW_MODEL_GIVEN}}},
         "errors.window_s", nw_model_nines_error_window_s(0.97, 0.4, 86400), NW_MODEL_SECONDS,
         "and the day is down to the target", steps);
}

void nw_model_example_cost(struct nw_model_steps *steps)
{
    const struct nw_model_cost_line fleet = {"services.app", GIVEN(100), GIVEN(0.5)};
    const struct nw_model_cost_in in = {
        .at = "cost",
        .lines = &fleet,
        .line_count = 1,
        .average_per_s = GIVEN(100e6 / NW_MODEL_DAY_S),
    };
    nw_model_cost_sum(&in, steps);
    const struct nw_model_bigger_in bigger = {
        .at = "services.app",
        .nodes_exact = GIVEN(8),
        .price_per_h = GIVEN(0.9),
        .bigger_factor = CONSTANT(BIGGER_FACTOR),
        .bigger_price_per_h = CONSTANT(BIGGER_PRICE),
    };
    nw_model_cost_bigger(&bigger, steps);
    const struct nw_model_cache_or_database_in cache = {
        .at = "cache",
        .cache_nodes = GIVEN(5),
        .cache_price_per_h = CONSTANT(CACHE_PRICE),
        .with_database_per_h = GIVEN(0),
        .only_database_per_h = GIVEN(5000 / NW_MODEL_MONTH_H),
    };
    nw_model_cost_cache(&cache, steps);
}

/* What 20, 22 and 26 nodes make of 5,800 requests a second (L1). */
void nw_model_example_queueing(struct nw_model_steps *steps)
{
    static const unsigned fleets[] = {20, 22, 26, 30};
    for (size_t i = 0; i < NW_COUNT(fleets); i++) {
        struct nw_model_mmc mmc;
        nw_model_queue_verdict verdict = nw_model_mmc_solve(fleets[i], 5800, 300, &mmc);
        NW_ASSERT(verdict == NW_MODEL_QUEUE_STEADY);
        nw_model_steps_add(
            steps, &(struct nw_model_step){
                       .path = nw_model_steps_text(steps, "nodes_%u.wait_s_p99", fleets[i]),
                       .label = nw_model_steps_text(steps, "%u nodes", fleets[i]),
                       .formula = "ln({0} / 0.01) / ({1} x {2} - {3})",
                       .operands = {nw_model_operand_derived("share that waits", NW_MODEL_NUMBER,
                                                             mmc.wait_probability),
                                    nw_model_operand("nodes", NW_MODEL_COUNT, GIVEN(fleets[i])),
                                    nw_model_operand("node_rate", NW_MODEL_PER_S, GIVEN(300)),
                                    nw_model_operand("peak", NW_MODEL_PER_S, GIVEN(5800))},
                       .operand_count = 4,
                       .exact = nw_model_mmc_wait_s_quantile(&mmc, 0.99),
                       .unit = NW_MODEL_SECONDS,
                       .what = nw_model_steps_text(steps, "p99 of the wait at %.1f %% utilisation",
                                                   mmc.utilisation * 100),
                   });
    }
}

void nw_model_example_law(struct nw_model_steps *steps)
{
    static const double demands_per_s[] = {7540, 15000, 24000, 24500};
    static const char *const labels[] = {"7,540/s", "15,000/s", "24,000/s", "24,500/s"};
    for (size_t i = 0; i < NW_COUNT(demands_per_s); i++) {
        const struct nw_model_nodes_in in = {
            .at = nw_model_steps_text(steps, "for_%.0f", demands_per_s[i]),
            .label = labels[i],
            .peak_per_s = GIVEN(demands_per_s[i]),
            .has_usl = true,
            .usl_gamma_per_s = 1800,
            .usl_alpha = 0.03,
            .usl_beta = 0.0005,
        };
        nw_model_nodes_count(&in, steps);
    }
    tell((struct nw_model_step){.label = "Efficiency",
                                .formula = "{0} / ({1} x {2})",
                                .operands = {{"X(8)", 11631.7, NW_MODEL_PER_S, NW_MODEL_GIVEN},
                                             {"nodes", 8, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                                             {"X(1)", 1800, NW_MODEL_PER_S, NW_MODEL_GIVEN}}},
         "law.efficiency_8", nw_model_nodes_efficiency(8, 11631.7, 1800), NW_MODEL_RATIO,
         "of eight single nodes", steps);
}

/* The guide's fleet: doubles each minute while the mean of all nodes is above 80 % of CPU. */
static struct nw_model_fleet incident(void)
{
    static const struct nw_model_fleet_knot load = {0, 12000};
    struct nw_model_fleet fleet = {
        .for_s = 3600,
        .load = {.knots = &load, .knot_count = 1},
        .nodes = 20,
        .node_rate_per_s = 300,
        .cold_s = 180,
        .cold_rate_ratio = 1,
        .cold_cpu_ratio = 1,
        .wait_s = 1,
        .policy = nw_model_scale_default(0, 425),
        .engine = NW_MODEL_FLEET_FLUID,
        .seed = 1,
    };
    fleet.policy.target[NW_MODEL_SCALE_CPU] = 0.8;
    fleet.policy.every_s = fleet.policy.for_s = 60;
    fleet.policy.cooldown_s = 0;
    fleet.policy.add_ratio = 1;
    fleet.policy.counts_cold = true;
    fleet.policy.scales_in = false;
    fleet.policy.no_benefit_ratio = 0;
    fleet.policy.price_per_h = 100;
    return fleet;
}

static void replay(const char *at, const char *label, const struct nw_model_fleet *fleet,
                   const char *printed, struct nw_model_steps *steps)
{
    struct nw_model_fleet_result result;
    nw_err err = nw_model_fleet_run(fleet, NULL, NULL, &result);
    NW_ASSERT(err == NW_OK);
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, at, "nodes"),
                                  .label = label,
                                  .exact = (double)result.end_nodes,
                                  .unit = NW_MODEL_COUNT,
                                  .what = "nodes after an hour that began with 20",
                                  .fact = "I1s",
                              });
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, at, "cost"),
                                  .exact = result.cost,
                                  .unit = NW_MODEL_MONEY,
                                  .what = "for that hour",
                                  .printed = printed,
                                  .fact = "I1s",
                              });
}

/* What doubling keeps cold: 1 - 2^-3 of the nodes, each of them at 100 % of CPU. */
static void stay_cold(double growth, double cold_steps, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = "incident.cold_share",
                   .label = "Why",
                   .formula = "1 - (1 + {0})^-{1}",
                   .operands = {nw_model_operand("growth", NW_MODEL_NUMBER, GIVEN(growth)),
                                nw_model_operand("cold_steps", NW_MODEL_COUNT, GIVEN(cold_steps))},
                   .operand_count = 2,
                   .exact = 1 - pow(1 + growth, -cold_steps),
                   .unit = NW_MODEL_RATIO,
                   .what = "of the nodes are cold while it grows: over 80 %, so it goes on",
                   .fact = "I1u",
               });
}

void nw_model_example_autoscaling(struct nw_model_steps *steps)
{
    struct nw_model_fleet fleet = incident();
    replay("incident", "The incident", &fleet, "40,000", steps);
    stay_cold(1, 3, steps);
    fleet.policy.cooldown_s = 300;
    replay("cooldown", "Cooldown of 5 min", &fleet, NULL, steps);
    fleet = incident();
    fleet.policy.counts_cold = false;
    replay("warm", "Cold nodes left out", &fleet, NULL, steps);
    fleet = incident();
    fleet.policy.add_ratio = 0;
    fleet.policy.add_nodes = 2;
    replay("two", "Two nodes a minute", &fleet, NULL, steps);
}

void nw_model_example_rounding(struct nw_model_steps *steps)
{
    count("In doubles", 3000, 300, 1, 0.1, 0, steps);
    count("100M a day", 5800, 300, 1, 0.3, 0, steps);
    count("1,000/s", 1000, 300, 1, 0.3, 0, steps);
}
