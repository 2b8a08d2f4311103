/*
 * Three ways of stating a load lead to the same three numbers: a day, the average second, the
 * second at peak. What was stated is taken as it is, the other two follow from it, so that a rate
 * of 5,800/s stays 5,800/s and is not rebuilt from a rounded average.
 */
#include "model/volume.h"

#include "base/assert.h"
#include "model/constants.h"

/* Users, growth and the name of the total take three places of a step. */
enum { ACTIONS_SHOWN = NW_MODEL_OPERANDS_MAX - 3 };

static double per_user_day(const struct nw_model_volume_in *in)
{
    double sum = 0;
    for (unsigned i = 0; i < in->action_count; i++)
        sum += in->actions[i].per_user_per_s.value * NW_MODEL_DAY_S;
    return sum;
}

/* users x (feed + upload)/d, and the growth when there is one. */
static void show_users(const struct nw_model_volume_in *in, double per_day,
                       struct nw_model_steps *steps)
{
    const struct nw_model_load *load = in->load;
    struct nw_model_step step = {
        .path = "load.requests_day",
        .label = "Load",
        .operands = {nw_model_operand("users", NW_MODEL_COUNT, load->users)},
        .operand_count = 1,
        .exact = per_day,
        .unit = NW_MODEL_COUNT,
        .what = "/d",
    };
    struct nw_text formula = {0};
    bool is_sum = in->action_count > 1 && in->action_count <= ACTIONS_SHOWN;
    nw_text_add_str(&formula, is_sum ? "{0+} x (" : "{0+} x ");
    for (unsigned i = 0; i < in->action_count && in->action_count <= ACTIONS_SHOWN; i++) {
        struct nw_model_quantity daily = in->actions[i].per_user_per_s;
        daily.value *= NW_MODEL_DAY_S;
        nw_text_addf(&formula, "%s{%u}", i ? " + " : "", step.operand_count);
        step.operands[step.operand_count++] =
            nw_model_operand(in->actions[i].name, NW_MODEL_COUNT, daily);
    }
    if (in->action_count > ACTIONS_SHOWN) {
        nw_text_add_str(&formula, "{1}");
        step.operands[step.operand_count++] =
            nw_model_operand_derived("requests of all routes", NW_MODEL_NUMBER, per_user_day(in));
    }
    nw_text_add_str(&formula, is_sum ? ")/d" : "/d");
    if (load->growth.value != 1) {
        nw_text_addf(&formula, " x {%u+}", step.operand_count);
        step.operands[step.operand_count++] =
            nw_model_operand("load.growth", NW_MODEL_NUMBER, load->growth);
    }
    step.formula = nw_model_steps_text(steps, "%s", formula.ptr);
    nw_text_done(&formula);
    nw_model_steps_add(steps, &step);
}

/* What was stated as a rate, times the growth. */
static void show_stated(const struct nw_model_load *load, const char *path, double value,
                        double per_value, nw_model_unit unit, const char *what,
                        struct nw_model_steps *steps)
{
    struct nw_model_quantity stated = load->requests_per_s;
    stated.value *= per_value;
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = path,
                   .label = "Load",
                   .formula = load->growth.value != 1 ? "{0} x {1+}" : NULL,
                   .operands = {nw_model_operand("requests", unit, stated),
                                nw_model_operand("load.growth", NW_MODEL_NUMBER, load->growth)},
                   .operand_count = 2,
                   .exact = value,
                   .unit = unit,
                   .what = what,
               });
}

static void show_average_of_day(const struct nw_model_volume *volume, struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = "load.average_per_s",
                   .formula = "{0} / {1} s",
                   .operands = {nw_model_operand_derived("requests of a day", NW_MODEL_COUNT,
                                                         volume->per_day),
                                nw_model_operand("86,400", NW_MODEL_COUNT,
                                                 nw_model_constant_quantity(NW_MODEL_C_DAY))},
                   .operand_count = 2,
                   .exact = volume->average_per_s,
                   .unit = NW_MODEL_PER_S,
                   .what = "average",
               });
}

static void show_peak(const struct nw_model_load *load, const struct nw_model_volume *volume,
                      struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = "load.peak_per_s",
            .formula = "{0} x {1+}",
            .operands = {nw_model_operand_derived("average", NW_MODEL_PER_S, volume->average_per_s),
                         nw_model_operand("load.peak", NW_MODEL_NUMBER, load->peak)},
            .operand_count = 2,
            .exact = volume->peak_per_s,
            .unit = NW_MODEL_PER_S,
            .what = "peak",
        });
}

static void show_from_peak(const struct nw_model_load *load, const struct nw_model_volume *volume,
                           struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = "load.average_per_s",
            .formula = "{0} / {1+}",
            .operands = {nw_model_operand_derived("peak", NW_MODEL_PER_S, volume->peak_per_s),
                         nw_model_operand("load.peak", NW_MODEL_NUMBER, load->peak)},
            .operand_count = 2,
            .exact = volume->average_per_s,
            .unit = NW_MODEL_PER_S,
            .what = "average",
        });
    nw_model_steps_add(
        steps,
        &(struct nw_model_step){
            .path = "load.requests_day",
            .formula = "{0} x {1} s",
            .operands = {nw_model_operand_derived("average", NW_MODEL_PER_S, volume->average_per_s),
                         nw_model_operand("86,400", NW_MODEL_COUNT,
                                          nw_model_constant_quantity(NW_MODEL_C_DAY))},
            .operand_count = 2,
            .exact = volume->per_day,
            .unit = NW_MODEL_COUNT,
            .what = "/d",
        });
}

static void show_volume(const struct nw_model_volume_in *in, const struct nw_model_volume *volume,
                        struct nw_model_steps *steps)
{
    const struct nw_model_load *load = in->load;
    switch (load->kind) {
    case NW_MODEL_LOAD_RATE:
        show_stated(load, "load.peak_per_s", volume->peak_per_s, 1, NW_MODEL_PER_S, "peak", steps);
        show_from_peak(load, volume, steps);
        return;
    case NW_MODEL_LOAD_USERS: show_users(in, volume->per_day, steps); break;
    case NW_MODEL_LOAD_REQUESTS:
        show_stated(load, "load.requests_day", volume->per_day, NW_MODEL_DAY_S, NW_MODEL_COUNT,
                    "/d", steps);
        break;
    }
    show_average_of_day(volume, steps);
    show_peak(load, volume, steps);
}

struct nw_model_volume nw_model_volume_count(const struct nw_model_volume_in *in,
                                             struct nw_model_steps *steps)
{
    const struct nw_model_load *load = in->load;
    NW_ASSERT(load->peak.value > 0 && load->growth.value > 0);
    struct nw_model_volume out;
    if (load->kind == NW_MODEL_LOAD_RATE) {
        out.peak_per_s = load->requests_per_s.value * load->growth.value;
        out.average_per_s = out.peak_per_s / load->peak.value;
        out.per_day = out.average_per_s * NW_MODEL_DAY_S;
    } else {
        double today = load->kind == NW_MODEL_LOAD_USERS
                           ? load->users.value * per_user_day(in)
                           : load->requests_per_s.value * NW_MODEL_DAY_S;
        out.per_day = today * load->growth.value;
        out.average_per_s = out.per_day / NW_MODEL_DAY_S;
        out.peak_per_s = out.average_per_s * load->peak.value;
    }
    if (steps)
        show_volume(in, &out, steps);
    return out;
}

static void show_wire(const struct nw_model_traffic_in *in, const char *leaf, const char *name,
                      struct nw_model_quantity bytes, double bits_per_s,
                      struct nw_model_steps *steps)
{
    nw_model_steps_add(steps,
                       &(struct nw_model_step){
                           .path = nw_model_steps_path(steps, in->at, leaf),
                           .formula = "{0} x {1} x {2} bit",
                           .operands = {nw_model_operand("peak", NW_MODEL_PER_S, in->peak_per_s),
                                        nw_model_operand(name, NW_MODEL_BYTES, bytes),
                                        nw_model_operand_derived("8", NW_MODEL_COUNT, 8)},
                           .operand_count = 3,
                           .exact = bits_per_s,
                           .unit = NW_MODEL_BITS_PER_S,
                           .what = leaf[0] == 'i' ? "in at peak" : "out at peak",
                       });
}

static void show_logs(const struct nw_model_traffic_in *in, const struct nw_model_traffic *traffic,
                      struct nw_model_steps *steps)
{
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "log_bytes_day"),
                   .formula = "{0} x {1} s x {2}",
                   .operands = {nw_model_operand("average", NW_MODEL_PER_S, in->average_per_s),
                                nw_model_operand("86,400", NW_MODEL_COUNT,
                                                 nw_model_constant_quantity(NW_MODEL_C_DAY)),
                                nw_model_operand("log", NW_MODEL_BYTES, in->log_bytes)},
                   .operand_count = 3,
                   .exact = traffic->log_bytes_day,
                   .unit = NW_MODEL_BYTES,
                   .what = "of logs each day",
               });
    nw_model_steps_add(
        steps, &(struct nw_model_step){
                   .path = nw_model_steps_path(steps, in->at, "log_bytes"),
                   .formula = "{0} x {1} x {2}",
                   .operands = {nw_model_operand("average", NW_MODEL_PER_S, in->average_per_s),
                                nw_model_operand("log", NW_MODEL_BYTES, in->log_bytes),
                                nw_model_operand("retention", NW_MODEL_SECONDS, in->retention_s)},
                   .operand_count = 3,
                   .exact = traffic->log_bytes,
                   .unit = NW_MODEL_BYTES,
                   .what = "of logs kept",
                   .is_quiet = traffic->log_bytes == traffic->log_bytes_day,
               });
}

struct nw_model_traffic nw_model_traffic_count(const struct nw_model_traffic_in *in,
                                               struct nw_model_steps *steps)
{
    struct nw_model_traffic out = {
        .in_bytes_per_s = in->peak_per_s.value * in->request_bytes.value,
        .out_bytes_per_s = in->peak_per_s.value * in->answer_bytes.value,
        .log_bytes_day = in->average_per_s.value * NW_MODEL_DAY_S * in->log_bytes.value,
        .log_bytes = in->average_per_s.value * in->retention_s.value * in->log_bytes.value,
    };
    out.in_bits_per_s = 8 * out.in_bytes_per_s;
    out.out_bits_per_s = 8 * out.out_bytes_per_s;
    if (steps) {
        show_wire(in, "in_bits_per_s", "request", in->request_bytes, out.in_bits_per_s, steps);
        show_wire(in, "out_bits_per_s", "answer", in->answer_bytes, out.out_bits_per_s, steps);
        show_logs(in, &out, steps);
    }
    return out;
}
