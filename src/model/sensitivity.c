/*
 * The same plan, some fifty times: the inputs are copied once, one number is moved and put back.
 * Nothing is recorded in these runs, so one costs a microsecond or two and no copy of the whole.
 * Derivatives were the road not taken: rounding makes every result a staircase, and a person asks
 * "how many nodes if it is only 200/s", not for a slope.
 */
#include "model/sensitivity.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"

enum { INPUTS_MAX = 4096 };

/* A small plan needs no more and asks the heap for nothing; the largest takes half a megabyte. */
enum { SCRATCH_BYTES = 32 << 10, SCRATCH_MAX_BYTES = 64 << 20 };

struct input {
    struct nw_model_quantity *at;
    struct nw_model_quantity given;
    const char *path;
    nw_model_unit unit;
    bool is_low_cautious;
    bool is_moving; /* low and high give different plans */
};

struct collector {
    struct nw_arena *arena;
    struct input *items;
    unsigned count;
    unsigned cap;
};

static void count_input(void *arg, const char *path, nw_model_unit unit,
                        struct nw_model_quantity *quantity)
{
    struct collector *all = arg;
    if (quantity->low < quantity->high && all->cap < INPUTS_MAX)
        all->cap++;
}

static void collect(void *arg, const char *path, nw_model_unit unit,
                    struct nw_model_quantity *quantity)
{
    struct collector *all = arg;
    if (!(quantity->low < quantity->high) || all->count == all->cap)
        return;
    all->items[all->count++] =
        (struct input){.at = quantity,
                       .given = *quantity,
                       .path = nw_arena_string(all->arena, nw_slice_str(path)),
                       .unit = unit};
}

/* `scratch` is as new afterwards: the largest plan is computed some thousand times. */
static struct nw_model_outcome outcome_of(const struct nw_model_plan_input *input,
                                          struct nw_arena *scratch)
{
    struct nw_model_plan plan;
    nw_model_plan_compute(input, scratch, NULL, &plan);
    nw_arena_reset(scratch);
    return (struct nw_model_outcome){plan.nodes, plan.nodes_needed, plan.cost_month,
                                     plan.nodes_reason, plan.is_met};
}

/* Does a cost more than b? Nodes decide where money does not; what cannot be met costs most. */
static bool is_worse(const struct nw_model_outcome *a, const struct nw_model_outcome *b)
{
    if (a->is_met != b->is_met)
        return !a->is_met;
    if (a->cost_month != b->cost_month)
        return a->cost_month > b->cost_month;
    return a->nodes > b->nodes;
}

static bool is_same(const struct nw_model_outcome *a, const struct nw_model_outcome *b)
{
    return a->nodes == b->nodes && a->cost_month == b->cost_month && a->is_met == b->is_met;
}

static double width(const struct nw_model_swing *swing)
{
    double cost = fabs(swing->at_high.cost_month - swing->at_low.cost_month);
    return cost > 0 ? cost : fabs(swing->at_high.nodes - swing->at_low.nodes) * 1e-9;
}

static void insert(struct nw_model_sensitivity *out, const struct nw_model_swing *swing)
{
    unsigned at = out->swing_count++;
    for (; at > 0 && width(&out->swings[at - 1]) < width(swing); at--)
        out->swings[at] = out->swings[at - 1];
    out->swings[at] = *swing;
}

static void try_alone(struct input *input, const struct nw_model_plan_input *plan,
                      struct nw_arena *scratch, struct nw_model_sensitivity *out)
{
    struct nw_model_swing swing = {
        .path = input->path, .unit = input->unit, .quantity = input->given};
    input->at->value = input->given.low;
    swing.at_low = outcome_of(plan, scratch);
    input->at->value = input->given.high;
    swing.at_high = outcome_of(plan, scratch);
    input->at->value = input->given.value;
    input->is_low_cautious = is_worse(&swing.at_low, &swing.at_high);
    input->is_moving = !is_same(&swing.at_low, &swing.at_high);
    if (input->is_moving)
        insert(out, &swing);
}

static struct nw_model_outcome try_all(struct collector *all, bool is_cautious,
                                       const struct nw_model_plan_input *plan,
                                       struct nw_arena *scratch)
{
    for (unsigned i = 0; i < all->count; i++) {
        struct input *input = &all->items[i];
        if (input->is_moving)
            input->at->value =
                input->is_low_cautious == is_cautious ? input->given.low : input->given.high;
    }
    struct nw_model_outcome outcome = outcome_of(plan, scratch);
    for (unsigned i = 0; i < all->count; i++)
        all->items[i].at->value = all->items[i].given.value;
    return outcome;
}

void nw_model_sensitivity_compute(const struct nw_model_plan_input *input, struct nw_arena *arena,
                                  struct nw_model_sensitivity *out)
{
    struct nw_model_plan_input *moved = nw_model_plan_input_copy(input, arena);
    struct collector all = {.arena = arena};
    struct nw_arena scratch;
    nw_arena_init(&scratch, nw_arena_zero(arena, SCRATCH_BYTES), SCRATCH_BYTES, SCRATCH_MAX_BYTES);
    *out = (struct nw_model_sensitivity){0};
    nw_model_plan_input_each(moved, count_input, &all);
    all.items = nw_arena_zero(arena, all.cap * sizeof *all.items + 1);
    nw_model_plan_input_each(moved, collect, &all);
    out->tried_count = all.count;
    out->swings = nw_arena_zero(arena, all.count * sizeof *out->swings + 1);
    for (unsigned i = 0; i < all.count; i++)
        try_alone(&all.items[i], moved, &scratch, out);
    out->cautious = try_all(&all, true, moved, &scratch);
    out->hopeful = try_all(&all, false, moved, &scratch);
    nw_arena_done(&scratch);
}
