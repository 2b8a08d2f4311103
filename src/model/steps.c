/*
 * A step is data, so that four printers can show the same thing. Formulas are templates over the
 * operands rather than finished strings: names and values are two renderings of one template, and
 * cannot tell different stories.
 */
#include "model/steps.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "model/worked.h"

enum { FIRST_CAP = 32 };

void nw_model_steps_init(struct nw_model_steps *steps, struct nw_arena *arena)
{
    *steps = (struct nw_model_steps){.arena = arena};
}

static void grow(struct nw_model_steps *steps)
{
    size_t cap = steps->cap ? 2 * steps->cap : FIRST_CAP;
    struct nw_model_step *items = nw_arena_zero(steps->arena, cap * sizeof *items);
    if (steps->count)
        memcpy(items, steps->items, steps->count * sizeof *items);
    steps->items = items;
    steps->cap = cap;
}

static const char *leaf_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static void add_printed(struct nw_model_step *step)
{
    const struct nw_model_worked *worked = nw_model_worked_find(leaf_of(step->path), step->exact);
    if (!worked)
        return;
    step->printed = worked->printed;
    step->fact = worked->fact;
}

struct nw_model_step *nw_model_steps_add(struct nw_model_steps *steps,
                                         const struct nw_model_step *step)
{
    if (!steps)
        return NULL;
    NW_ASSERT(step->path && step->operand_count <= NW_MODEL_OPERANDS_MAX);
    NW_ASSERT(step->reason || (isfinite(step->exact) && isfinite(step->rounded)));
    for (unsigned i = 0; i < step->operand_count; i++)
        NW_ASSERT(step->operands[i].name && isfinite(step->operands[i].value));
    if (steps->count == steps->cap)
        grow(steps);
    struct nw_model_step *added = &steps->items[steps->count++];
    *added = *step;
    if (!added->is_rounded)
        added->rounded = added->exact;
    if (!added->reason && !added->printed)
        add_printed(added);
    return added;
}

const char *nw_model_steps_path(const struct nw_model_steps *steps, const char *at,
                                const char *leaf)
{
    return nw_model_steps_text(steps, "%s.%s", at ? at : "", leaf);
}

const char *nw_model_steps_text(const struct nw_model_steps *steps, const char *format, ...)
{
    if (!steps)
        return NULL;
    va_list args;
    struct nw_text text = {0};
    va_start(args, format);
    nw_text_addv(&text, format, args);
    va_end(args);
    const char *kept = nw_arena_string(steps->arena, nw_text_slice(&text));
    nw_text_done(&text);
    return kept;
}

const struct nw_model_step *nw_model_steps_find(const struct nw_model_steps *steps,
                                                const char *path)
{
    for (size_t i = steps->count; i > 0; i--)
        if (strcmp(steps->items[i - 1].path, path) == 0)
            return &steps->items[i - 1];
    return NULL;
}

static void print_name(struct nw_text *out, const struct nw_model_operand *operand)
{
    bool is_sum = strpbrk(operand->name, " ") && strpbrk(operand->name, "+-");
    nw_text_addf(out, is_sum ? "(%s)" : "%s", operand->name);
}

/* 0.85, and near 1 as many nines as there are: 0.9999. */
static void print_share(struct nw_text *out, double value)
{
    char digits[32];
    if (value <= 0.99 || value >= 1) {
        nw_model_unit_print(out, value, NW_MODEL_NUMBER, NULL);
        return;
    }
    int decimals = 2 - (int)floor(log10(1 - value)); /* three digits of what is missing */
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, value);
    while (length > 4 && digits[length - 1] == '0')
        length--;
    nw_text_add(out, nw_slice_of(digits, (size_t)length));
}

static void print_value(struct nw_text *out, const struct nw_model_operand *operand, bool has_name)
{
    switch (operand->unit) {
    case NW_MODEL_SECONDS:
    case NW_MODEL_BYTES:
    case NW_MODEL_BYTES_PER_S:
    case NW_MODEL_BITS_PER_S:
    case NW_MODEL_KM: nw_model_unit_print(out, operand->value, operand->unit, NULL); break;
    case NW_MODEL_COUNT:
    case NW_MODEL_PER_S:
        /* A rate that unit_print would tell by the day keeps its base here. */
        nw_model_unit_print(out, operand->value, NW_MODEL_COUNT, NULL);
        break;
    case NW_MODEL_MONEY:
    case NW_MODEL_MONEY_PER_H:
        nw_model_unit_print(out, operand->value, NW_MODEL_MONEY, NULL);
        break;
    case NW_MODEL_RATIO: print_share(out, operand->value); break;
    default: nw_model_unit_print(out, operand->value, NW_MODEL_NUMBER, NULL); break;
    }
    if (has_name)
        nw_text_addf(out, " %s", operand->name);
}

/* The template with each {N} and {N+} replaced; anything else stands for itself. */
static void print_template(struct nw_text *out, const struct nw_model_step *step, bool is_values)
{
    const char *at = step->formula ? step->formula : "";
    while (*at) {
        if (at[0] != '{' || at[1] < '0' || at[1] > '9') {
            nw_text_add_char(out, *at++);
            continue;
        }
        unsigned index = (unsigned)(at[1] - '0');
        bool has_name = at[2] == '+';
        NW_ASSERT(index < step->operand_count && at[has_name ? 3 : 2] == '}');
        if (is_values)
            print_value(out, &step->operands[index], has_name);
        else
            print_name(out, &step->operands[index]);
        at += has_name ? 4 : 3;
    }
}

void nw_model_step_print_formula(struct nw_text *out, const struct nw_model_step *step)
{
    print_template(out, step, false);
}

void nw_model_step_print_values(struct nw_text *out, const struct nw_model_step *step)
{
    print_template(out, step, true);
}

void nw_model_step_print_result(struct nw_text *out, const struct nw_model_step *step,
                                const char *currency)
{
    if (step->reason) {
        nw_text_addf(out, "none: %s", step->reason);
        return;
    }
    bool is_whole = fabs(step->rounded - step->exact) <= 1e-9 * fabs(step->exact);
    if (step->is_rounded && !is_whole) {
        nw_model_unit_print(out, step->exact, NW_MODEL_NUMBER, NULL);
        nw_text_add_str(out, " -> ");
    }
    if (step->noun && step->unit == NW_MODEL_PER_S) {
        nw_model_unit_print(out, step->rounded, NW_MODEL_COUNT, NULL);
        nw_text_addf(out, " %s/s", step->noun);
        return;
    }
    nw_model_unit_print(out, step->rounded, step->unit, currency);
}
