/*
 * Replicas copy every write, so they help neither a primary that writes too much nor one that is
 * too large: those two are asked first. (The guide's function asks for reads first, and answers
 * "replicas" to 50 TB; it runs beside ours so that a report can name the difference.)
 *
 * Reads of one's own writes are not for replicas, which may be behind, nor for a cache: they are
 * taken out of the reads before both. What is left after the cache may go to replicas.
 */
#include "model/database.h"

#include <math.h>

#include "base/assert.h"
#include "model/constants.h"

/* Two operands for each route shown, two for the reads of one's own writes. */
enum { ROUTES_SHOWN = (NW_MODEL_OPERANDS_MAX - 2) / 2 };

const char *nw_model_database_move_name(nw_model_database_move move)
{
    switch (move) {
    case NW_MODEL_ONE_PRIMARY: return "ONE_PRIMARY";
    case NW_MODEL_READ_REPLICAS: return "READ_REPLICAS";
    case NW_MODEL_SHARDING: return "SHARDING";
    case NW_MODEL_FEDERATION: return "FEDERATION";
    }
    NW_ASSERT(!"a move");
    return "";
}

nw_model_database_move nw_model_database_guide(double read_share, double size_bytes,
                                               double writes_per_s, double domains,
                                               bool has_clear_domains)
{
    if (nw_model_is_above(read_share, nw_model_constant_value(NW_MODEL_C_GUIDE_READ_SHARE)))
        return NW_MODEL_READ_REPLICAS;
    if (!nw_model_is_above(size_bytes, nw_model_constant_value(NW_MODEL_C_GUIDE_SIZE)) &&
        !nw_model_is_above(writes_per_s, nw_model_constant_value(NW_MODEL_C_GUIDE_WRITES)))
        return NW_MODEL_READ_REPLICAS;
    bool is_federated = has_clear_domains &&
                        nw_model_is_above(domains, nw_model_constant_value(NW_MODEL_C_DOMAINS_MIN));
    return is_federated ? NW_MODEL_FEDERATION : NW_MODEL_SHARDING;
}

static void measure(const struct nw_model_database_in *in, struct nw_model_database_answer *out)
{
    const struct nw_model_database *database = in->database;
    double margin = 1 + in->margin.value, missed_per_s = 0;
    NW_ASSERT(database->read_rate_per_s.value > 0 && database->replica_rate_per_s.value > 0);
    NW_ASSERT(database->write_rate_per_s.value > 0 && database->size_max_bytes.value > 0);
    NW_ASSERT(database->own_writes.value >= 0 && database->own_writes.value <= 1);
    for (unsigned i = 0; i < in->read_count; i++) {
        out->reads_per_s += in->reads[i].reads_per_s.value;
        missed_per_s += in->reads[i].reads_per_s.value * (1 - in->reads[i].hit_ratio.value);
    }
    out->own_per_s = out->reads_per_s * database->own_writes.value;
    out->after_cache_per_s = missed_per_s * (1 - database->own_writes.value);
    out->read_load_per_s = out->after_cache_per_s + out->own_per_s;
    out->write_load_per_s = in->writes_per_s.value * margin;
    out->replicas_exact = out->after_cache_per_s * margin / database->replica_rate_per_s.value;
    out->replicas_if = nw_model_ceil(out->replicas_exact);
    out->replicas_forgetting_cache_exact = out->reads_per_s * (1 - database->own_writes.value) *
                                           margin / database->replica_rate_per_s.value;
    out->replicas_forgetting_cache = nw_model_ceil(out->replicas_forgetting_cache_exact);
    double by_writes = out->write_load_per_s / database->write_rate_per_s.value;
    double by_size = database->size_bytes.value / database->size_max_bytes.value;
    out->is_by_size = by_size > by_writes;
    out->shards_exact = fmax(by_writes, by_size);
    out->shards_if = fmax(1, nw_model_ceil(out->shards_exact));
}

/* Would the largest domain, on a database of its own, still be small enough? */
static bool is_largest_fitting(const struct nw_model_database_in *in,
                               const struct nw_model_database_answer *out)
{
    const struct nw_model_database *database = in->database;
    double share = in->largest_share > 0 ? in->largest_share : 1 / database->domains.value;
    return !nw_model_is_above(out->write_load_per_s * share, database->write_rate_per_s.value) &&
           !nw_model_is_above(database->size_bytes.value * share, database->size_max_bytes.value);
}

static void split(const struct nw_model_database_in *in, struct nw_model_database_answer *out)
{
    const struct nw_model_database *database = in->database;
    bool has_domains =
        database->has_clear_domains &&
        nw_model_is_above(database->domains.value, nw_model_constant_value(NW_MODEL_C_DOMAINS_MIN));
    if (has_domains && is_largest_fitting(in, out)) {
        out->move = NW_MODEL_FEDERATION;
        out->domains = out->primaries = database->domains.value;
        out->why = "one primary is too small, and clear domains each fit a database of their own";
        return;
    }
    out->move = NW_MODEL_SHARDING;
    out->shards = out->primaries = out->shards_if;
    if (has_domains)
        out->why = "one primary is too small, and so would be that of the largest domain";
    else
        out->why = out->size_exceeds && !out->writes_exceed
                       ? "the data is larger than one primary should hold"
                       : "more is written than one primary bears; replicas would not help";
}

/* What is read from each part of a split database may still be more than its primary bears. */
static void add_replicas(const struct nw_model_database_in *in,
                         struct nw_model_database_answer *out)
{
    const struct nw_model_database *database = in->database;
    out->reads_exceed =
        nw_model_is_above(out->read_load_per_s / out->primaries, database->read_rate_per_s.value);
    if (out->reads_exceed)
        out->replicas_each = nw_model_ceil(out->replicas_exact / out->primaries);
    out->replicas = out->replicas_each * out->primaries;
}

static void decide(const struct nw_model_database_in *in, struct nw_model_database_answer *out)
{
    const struct nw_model_database *database = in->database;
    out->writes_exceed = nw_model_is_above(out->write_load_per_s, database->write_rate_per_s.value);
    out->size_exceeds =
        nw_model_is_above(database->size_bytes.value, database->size_max_bytes.value);
    out->reads_exceed = nw_model_is_above(out->read_load_per_s, database->read_rate_per_s.value);
    out->own_exceeds = nw_model_is_above(out->own_per_s, database->read_rate_per_s.value);
    out->shards = out->domains = out->primaries = 1;
    if (out->writes_exceed || out->size_exceeds) {
        split(in, out);
        add_replicas(in, out);
    } else if (out->reads_exceed) {
        out->move = NW_MODEL_READ_REPLICAS;
        out->replicas = out->replicas_each = out->replicas_if;
        out->why = out->own_exceeds
                       ? "reads of own writes alone are more than the primary bears: replicas "
                         "take the rest, not those"
                       : "more is read than the primary bears";
    } else {
        out->move = NW_MODEL_ONE_PRIMARY;
        out->why = "one primary bears the reads, the writes and the size";
    }
    out->writes_each_per_s = in->writes_per_s.value / out->primaries;
    double total_per_s = out->reads_per_s + in->writes_per_s.value;
    out->read_share = total_per_s > 0 ? out->reads_per_s / total_per_s : 0;
    out->guide =
        nw_model_database_guide(out->read_share, database->size_bytes.value, in->writes_per_s.value,
                                database->domains.value, database->has_clear_domains);
}

static const char *sign_of(double load, double ceiling)
{
    return nw_model_is_above(load, ceiling) ? ">" : nw_model_is_above(ceiling, load) ? "<" : "=";
}

static const char *reads_text(const struct nw_model_database_in *in,
                              const struct nw_model_database_answer *out,
                              struct nw_model_steps *steps)
{
    struct nw_text ceiling = {0}, replicas = {0};
    nw_model_unit_print(&ceiling, in->database->read_rate_per_s.value, NW_MODEL_COUNT, NULL);
    nw_model_unit_print(&replicas, out->replicas_exact, NW_MODEL_NUMBER, NULL);
    const char *sign = sign_of(out->read_load_per_s, in->database->read_rate_per_s.value);
    const char *text;
    if (out->move == NW_MODEL_ONE_PRIMARY)
        text = nw_model_steps_text(steps, "%s %s: primary alone; as replicas %s -> %.0f", sign,
                                   ceiling.ptr, replicas.ptr, out->replicas_if);
    else if (out->move == NW_MODEL_READ_REPLICAS)
        text = nw_model_steps_text(steps, "> %s: replicas", ceiling.ptr);
    else
        text = nw_model_steps_text(steps, "%s %.0f primaries of %s%s",
                                   out->reads_exceed ? "are too much for" : "on", out->primaries,
                                   ceiling.ptr, out->reads_exceed ? ": replicas beside them" : "");
    nw_text_done(&ceiling);
    nw_text_done(&replicas);
    return text;
}

/* "{0+} x (1 - {1}) + {2+} x (1 - {3}) + own", or the sum where there are too many routes. */
static void show_reads(const struct nw_model_database_in *in,
                       const struct nw_model_database_answer *out, struct nw_model_steps *steps)
{
    struct nw_model_step step = {
        .path = nw_model_steps_path(steps, in->at, "read_load_per_s"),
        .label = in->label,
        .exact = out->read_load_per_s,
        .unit = NW_MODEL_PER_S,
        .noun = "reads",
        .what = reads_text(in, out, steps),
    };
    struct nw_text formula = {0};
    bool has_own = out->own_per_s > 0, is_each = in->read_count <= ROUTES_SHOWN && !has_own;
    for (unsigned i = 0; is_each && i < in->read_count; i++) {
        nw_text_addf(&formula, "%s{%u+} x (1 - {%u})", i ? " + " : "", step.operand_count,
                     step.operand_count + 1);
        step.operands[step.operand_count++] =
            nw_model_operand(in->reads[i].name, NW_MODEL_PER_S, in->reads[i].reads_per_s);
        step.operands[step.operand_count++] =
            nw_model_operand("cached", NW_MODEL_RATIO, in->reads[i].hit_ratio);
    }
    if (!is_each) {
        nw_text_add_str(&formula, has_own ? "{0+} + {1+}" : "{0+}");
        step.operands[0] = nw_model_operand_derived("reads after the cache", NW_MODEL_PER_S,
                                                    out->after_cache_per_s);
        step.operands[1] =
            nw_model_operand_derived("of own writes", NW_MODEL_PER_S, out->own_per_s);
        step.operand_count = 2;
    }
    step.formula = formula.len ? nw_model_steps_text(steps, "%s", formula.ptr) : NULL;
    nw_text_done(&formula);
    nw_model_steps_add(steps, &step);
}

static const char *writes_text(const struct nw_model_database_in *in,
                               const struct nw_model_database_answer *out,
                               struct nw_model_steps *steps)
{
    struct nw_text ceiling = {0};
    nw_model_unit_print(&ceiling, in->database->write_rate_per_s.value, NW_MODEL_COUNT, NULL);
    const char *verdict = !out->writes_exceed                ? "no shard"
                          : out->move == NW_MODEL_FEDERATION ? "databases apart"
                                                             : "shards";
    const char *text = nw_model_steps_text(
        steps, "%s %s: %s", sign_of(out->write_load_per_s, in->database->write_rate_per_s.value),
        ceiling.ptr, verdict);
    nw_text_done(&ceiling);
    return text;
}

static void show_writes(const struct nw_model_database_in *in,
                        const struct nw_model_database_answer *out, struct nw_model_steps *steps)
{
    /* 25/225 reads better than 25,000,000/225,000,000. */
    double scale = in->writes_day >= 1e6 && in->requests_day >= 1e6 ? 1e6 : 1;
    bool is_told = in->requests_day > 0;
    struct nw_model_operand margin = {"1 + margin", 1 + in->margin.value, NW_MODEL_NUMBER,
                                      in->margin.origin};
    struct nw_model_step step = {
        .path = nw_model_steps_path(steps, in->at, "write_load_per_s"),
        .formula = is_told                ? "{0} x {1}/{2} x {3}"
                   : in->margin.value > 0 ? "{0} x {1}"
                                          : "{0}",
        .operand_count = is_told ? 4 : 2,
        .exact = out->write_load_per_s,
        .unit = NW_MODEL_PER_S,
        .noun = "writes",
        .what = writes_text(in, out, steps),
    };
    if (is_told) {
        step.operands[0] = nw_model_operand_derived("peak", NW_MODEL_PER_S, in->peak_per_s);
        step.operands[1] =
            nw_model_operand_derived("writes", NW_MODEL_COUNT, in->writes_day / scale);
        step.operands[2] =
            nw_model_operand_derived("requests", NW_MODEL_COUNT, in->requests_day / scale);
        step.operands[3] = margin;
    } else {
        step.operands[0] = nw_model_operand("writes", NW_MODEL_PER_S, in->writes_per_s);
        step.operands[1] = margin;
    }
    nw_model_steps_add(steps, &step);
}

/* What is not on a line of its own is there for JSON and --fail-if all the same. */
static void show_count(const struct nw_model_database_in *in, const char *leaf, double count,
                       struct nw_model_steps *steps)
{
    nw_model_steps_add(steps, &(struct nw_model_step){
                                  .path = nw_model_steps_path(steps, in->at, leaf),
                                  .exact = count,
                                  .unit = NW_MODEL_COUNT,
                                  .is_quiet = true,
                              });
}

static void show_replicas(const struct nw_model_database_in *in,
                          const struct nw_model_database_answer *out, struct nw_model_steps *steps)
{
    bool is_split = out->primaries > 1, has_margin = in->margin.value > 0;
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "replicas"),
            .formula = is_split     ? "{3} x ceil({0} x {1} / {2} / {3})"
                       : has_margin ? "{0} x {1} / {2}"
                                    : "{0} / {2}",
            .operands = {nw_model_operand_derived("reads after the cache", NW_MODEL_PER_S,
                                                  out->after_cache_per_s),
                         {"1 + margin", 1 + in->margin.value, NW_MODEL_NUMBER, in->margin.origin},
                         nw_model_operand("replica_rate", NW_MODEL_PER_S,
                                          in->database->replica_rate_per_s),
                         nw_model_operand_derived("primaries", NW_MODEL_COUNT, out->primaries)},
            .operand_count = 4,
            .exact = is_split ? out->replicas : out->replicas_exact,
            .rounded = out->replicas,
            .is_rounded = true,
            .unit = NW_MODEL_COUNT,
            .what = "replicas",
        });
}

static const char *each_text(const struct nw_model_database_answer *out,
                             struct nw_model_steps *steps)
{
    struct nw_text each = {0};
    nw_model_unit_print(&each, out->writes_each_per_s, NW_MODEL_COUNT, NULL);
    const char *text = nw_model_steps_text(steps, "shards, %s writes/s each", each.ptr);
    nw_text_done(&each);
    return text;
}

static void show_shards(const struct nw_model_database_in *in,
                        const struct nw_model_database_answer *out, struct nw_model_steps *steps)
{
    const struct nw_model_database *database = in->database;
    bool is_size = out->is_by_size;
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = nw_model_steps_path(steps, in->at, "shards"),
            .formula = "{0} / {1}",
            .operands = {is_size ? nw_model_operand("size", NW_MODEL_BYTES, database->size_bytes)
                                 : nw_model_operand_derived("writes with margin", NW_MODEL_PER_S,
                                                            out->write_load_per_s),
                         is_size ? nw_model_operand("size_max", NW_MODEL_BYTES,
                                                    database->size_max_bytes)
                                 : nw_model_operand("write_rate", NW_MODEL_PER_S,
                                                    database->write_rate_per_s)},
            .operand_count = 2,
            .exact = out->shards_exact,
            .rounded = out->shards_if,
            .is_rounded = true,
            .unit = NW_MODEL_COUNT,
            .what = each_text(out, steps),
        });
}

struct nw_model_database_answer nw_model_database_judge(const struct nw_model_database_in *in,
                                                        struct nw_model_steps *steps)
{
    struct nw_model_database_answer out = {0};
    NW_ASSERT(in->margin.value >= 0 && in->writes_per_s.value >= 0);
    measure(in, &out);
    decide(in, &out);
    if (!steps)
        return out;
    show_reads(in, &out, steps);
    show_writes(in, &out, steps);
    if (out.replicas > 0)
        show_replicas(in, &out, steps);
    else
        show_count(in, "replicas", 0, steps);
    if (out.move == NW_MODEL_SHARDING)
        show_shards(in, &out, steps);
    else
        show_count(in, "shards", 1, steps);
    show_count(in, "primaries", out.primaries, steps);
    return out;
}
