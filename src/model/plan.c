/*
 * The parts in their order, each a file or a screen of its own: load, services, databases, cache,
 * queues, regions, money, availability, staircase, contradictions. A part reads what the parts
 * before it left in the work and leaves its own; nothing is computed twice and nothing is guessed
 * ahead. Without a recorder the same code runs and only the words are left out, which is what makes
 * sensitivity and sweeps cheap.
 */
#include "model/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "model/plan_impl.h"

enum { WORDS_MAX = 512 };

const char *plan_at(const struct plan_work *work, const char *block, const char *name)
{
    return work->steps == NULL ? "" : nw_arena_printf(work->arena, "%s.%s", block, name).ptr;
}

void plan_find(struct plan_work *work, nw_model_severity severity, const char *path,
               const char *format, ...)
{
    struct nw_model_plan *plan = work->plan;
    if (severity == NW_MODEL_UNMET)
        plan->is_met = false;
    if (work->steps == NULL)
        return;
    char words[WORDS_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    NW_ASSERT(plan->finding_count < work->finding_cap);
    plan->findings[plan->finding_count++] = (struct nw_model_finding){
        severity, path, nw_arena_string(work->arena, nw_slice_str(words))};
}

void plan_choose(struct plan_work *work, const struct nw_model_choice *choice)
{
    struct nw_model_plan *plan = work->plan;
    if (work->steps == NULL)
        return;
    NW_ASSERT(plan->choice_count < work->choice_cap);
    plan->choices[plan->choice_count++] = *choice;
}

const char *plan_show(const struct plan_work *work, double value, nw_model_unit unit)
{
    struct nw_text text = {0};
    nw_model_unit_print(&text, value, unit, work->input->load.currency);
    const char *words = nw_arena_string(work->arena, nw_text_slice(&text));
    nw_text_done(&text);
    return words;
}

void nw_model_choice_print(struct nw_text *out, const struct nw_model_choice *choice)
{
    if (choice->many == NULL || choice->count <= 1)
        nw_text_add_str(out, choice->one);
    else
        nw_text_addf(out, "%.0f %s", choice->count, choice->many);
}

static void work_init(struct plan_work *work)
{
    const struct nw_model_plan_input *input = work->input;
    struct nw_arena *arena = work->arena;
    struct nw_model_plan *plan = work->plan;
    work->routes = nw_arena_zero(arena, input->route_count * sizeof *work->routes);
    work->services = nw_arena_zero(arena, input->service_count * sizeof *work->services);
    work->databases = nw_arena_zero(arena, input->database_count * sizeof *work->databases);
    work->queues = nw_arena_zero(arena, input->queue_count * sizeof *work->queues + 1);
    plan->services = nw_arena_zero(arena, input->service_count * sizeof *plan->services);
    plan->databases = nw_arena_zero(arena, input->database_count * sizeof *plan->databases);
    if (work->steps == NULL)
        return;
    unsigned things = input->route_count + input->service_count + input->database_count +
                      input->queue_count + input->region_count + input->part_count;
    work->choice_cap = things + 8;
    work->finding_cap = 4 * things + 16;
    work->other_cap = 4 * things + 40;
    plan->choices = nw_arena_zero(arena, work->choice_cap * sizeof *plan->choices);
    plan->findings = nw_arena_zero(arena, work->finding_cap * sizeof *plan->findings);
    plan->others = nw_arena_zero(arena, work->other_cap * sizeof *plan->others);
}

void nw_model_plan_compute(const struct nw_model_plan_input *input, struct nw_arena *arena,
                           struct nw_model_steps *steps, struct nw_model_plan *out)
{
    NW_ASSERT(input->route_count > 0 && input->service_count > 0 && input->database_count > 0);
    *out = (struct nw_model_plan){.input = input, .is_met = true};
    struct plan_work work = {.input = input, .arena = arena, .steps = steps, .plan = out};
    work_init(&work);
    plan_load(&work);
    plan_services(&work);
    plan_databases(&work);
    plan_cache(&work);
    plan_queues(&work);
    plan_regions(&work);
    plan_money(&work);
    plan_availability(&work);
    if (steps == NULL)
        return;
    plan_stairs(&work);
    plan_others(&work);
}
