/*
 * Plans: whatever the bytes, reading ends with a verdict, says something when it refuses, and says
 * the same when asked again. What is accepted is computed: no assertion of the model falls, and no
 * number that comes out is anything but a number. Lines behind "%%" are what --set was given
 * ("load.peak=5"), those that begin with "-" are a flag's.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cmd/plan_file.h"
#include "model/plan.h"
#include "model/sensitivity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EDITS_MAX = 8, LINE_MAX = 512 };

struct edits {
    struct plan_edit items[EDITS_MAX];
    char texts[EDITS_MAX][2][LINE_MAX];
    size_t count;
};

static void take_edits(struct nw_slice lines, struct edits *edits)
{
    struct nw_slice line;
    while (edits->count < EDITS_MAX && nw_slice_split(&lines, '\n', &line)) {
        bool is_flag = nw_slice_starts_with(line, NW_SLICE("-"));
        if (is_flag)
            line = nw_slice_skip(line, 1);
        size_t equals = nw_slice_find(line, '=');
        if (equals == 0 || line.len >= LINE_MAX || equals == line.len ||
            nw_slice_find(line, '\0') != line.len)
            continue;
        char *path = edits->texts[edits->count][0], *value = edits->texts[edits->count][1];
        memcpy(path, line.ptr, equals);
        memcpy(value, line.ptr + equals + 1, line.len - equals - 1);
        edits->items[edits->count++] =
            (struct plan_edit){is_flag ? "--flag" : "--set x=y", path, value, !is_flag};
    }
}

static void check_quantity(void *arg, const char *path, nw_model_unit unit,
                           struct nw_model_quantity *quantity)
{
    NW_ASSERT(path[0] != '\0');
    NW_ASSERT(isfinite(quantity->value) && quantity->value >= 0);
    NW_ASSERT(quantity->low <= quantity->value && quantity->value <= quantity->high);
    ++*(size_t *)arg;
}

static void check_outcome(const struct nw_model_outcome *outcome)
{
    NW_ASSERT(isfinite(outcome->nodes) && outcome->nodes >= 0);
    NW_ASSERT(isfinite(outcome->cost_month) && outcome->cost_month >= 0);
}

/* Computes with every step and prints them all. */
static void compute(struct plan_file *file)
{
    struct nw_arena arena;
    struct nw_model_steps steps;
    struct nw_model_plan plan;
    struct nw_model_sensitivity sensitivity;
    struct nw_text out = {0};
    size_t quantities = 0;
    nw_arena_init(&arena, NULL, 0, (size_t)1 << 30);
    nw_model_steps_init(&steps, &arena);
    nw_model_plan_input_each(file->input, check_quantity, &quantities);
    NW_ASSERT(quantities > 10);
    nw_model_plan_compute(file->input, &arena, &steps, &plan);
    NW_ASSERT(isfinite(plan.cost_month) && isfinite(plan.nodes) && plan.nodes >= 0);
    NW_ASSERT(plan.hit_ratio >= 0 && plan.hit_ratio <= 1);
    for (size_t i = 0; i < steps.count; i++) {
        const struct nw_model_step *step = &steps.items[i];
        NW_ASSERT(step->reason != NULL || isfinite(step->rounded));
        if (step->formula != NULL) {
            nw_model_step_print_formula(&out, step);
            nw_model_step_print_values(&out, step);
        }
        nw_model_step_print_result(&out, step, "USD");
    }
    NW_ASSERT(out.len > 0);
    nw_model_sensitivity_compute(file->input, &arena, &sensitivity);
    check_outcome(&sensitivity.cautious);
    check_outcome(&sensitivity.hopeful);
    nw_text_done(&out);
    nw_arena_done(&arena);
}

static nw_err load(struct nw_slice text, const struct edits *edits, bool is_computed,
                   struct nw_text *said)
{
    struct plan_file *file = NULL;
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = plan_file_read(text, "f", edits->items, edits->count, NULL, &diag, &file);
    NW_ASSERT((err == NW_OK) == (diag.error_count == 0) && (err == NW_OK) == (file != NULL));
    nw_diag_print(&diag, said);
    nw_diag_done(&diag);
    if (file != NULL && is_computed)
        compute(file);
    plan_file_free(file);
    return err;
}

/* The text up to a line "%%"; what follows it goes to *rest. */
static struct nw_slice split_text(struct nw_slice whole, struct nw_slice *rest)
{
    for (size_t i = 0; i + 2 < whole.len; i++)
        if ((i == 0 || whole.ptr[i - 1] == '\n') && memcmp(whole.ptr + i, "%%\n", 3) == 0) {
            *rest = nw_slice_skip(whole, i + 3);
            return i > 0 ? nw_slice_first(whole, i) : (struct nw_slice){0};
        }
    *rest = NW_SLICE("");
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size != 0 ? size : 1); /* as long as the input: a read beyond it shows */
    struct edits *edits = calloc(1, sizeof *edits);
    struct nw_text first = {0}, second = {0};
    struct nw_slice lines;
    NW_ASSERT(copy != NULL && edits != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    struct nw_slice text = split_text(nw_slice_of(copy, size), &lines);
    take_edits(lines, edits);
    nw_err err = load(text, edits, true, &first);
    nw_err again = load(text, edits, false, &second);
    NW_ASSERT(err == again && nw_slice_eq(nw_text_slice(&first), nw_text_slice(&second)));
    nw_text_done(&first);
    nw_text_done(&second);
    free(edits);
    free(copy);
    return 0;
}
