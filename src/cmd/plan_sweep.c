/*
 * The plan along one input.
 *
 * Both ends are read as the file would read them, so units, bounds and messages are those of the
 * option; between them the number itself moves. Ends far apart (20 times and more) are walked in
 * equal ratios, because growth is; others in equal steps. Things are counted whole.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cmd/plan.h"

/* Trees of the largest file that is read, for both ends. */
#define SWEEP_MAX_BYTES ((size_t)1 << 30)
#define LOG_FROM_RATIO 20

/* Finds the quantity of a path; where `value` is to be put there, puts it. */
struct seek {
    const char *path;
    bool is_put;
    double value;
    bool is_found;
    nw_model_unit unit;
    double found;
};

static void seek_quantity(void *arg, const char *path, nw_model_unit unit,
                          struct nw_model_quantity *quantity)
{
    struct seek *seek = arg;
    if (strcmp(path, seek->path) != 0)
        return;
    seek->is_found = true;
    seek->unit = unit;
    seek->found = quantity->value;
    if (seek->is_put)
        *quantity = (struct nw_model_quantity){seek->value, seek->value, seek->value, NW_MODEL_SET};
}

struct sweep {
    const char *path;
    nw_model_unit unit;
    double from;
    double to;
    struct nw_model_plan_input *input; /* with `from` in force */
};

/* One end as the file would have it; false after its mistakes are told. */
static bool read_end(const struct plan_file *file, const char *path, const char *text,
                     struct nw_arena *arena, struct nw_model_plan_input **out_input,
                     struct seek *out_seek)
{
    const struct plan_edit edit = {
        .source = nw_arena_printf(arena, "--sweep %s=%s", path, text).ptr,
        .path = path,
        .value = text,
        .is_set = true,
    };
    struct nw_conf_tree *tree = nw_conf_tree_copy(file->tree, arena);
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = plan_file_edit(tree, &edit, arena, &diag);
    if (err == NW_OK)
        err = plan_file_input(tree, file->name, NULL, arena, &diag, out_input);
    *out_seek = (struct seek){.path = path};
    if (err == NW_OK)
        nw_model_plan_input_each(*out_input, seek_quantity, out_seek);
    if (err == NW_OK && !out_seek->is_found)
        nw_diag_add(&diag, false, edit.source, 0, 0, NULL, NULL,
                    "only a number of the plan can be swept");
    emit_mistakes(&diag);
    nw_diag_done(&diag);
    return err == NW_OK && out_seek->is_found;
}

/* "load.growth=1..100" */
static bool read_sweep(const struct cli *cli, const struct plan_file *file, const char *text,
                       struct nw_arena *arena, struct sweep *out)
{
    struct nw_slice whole = nw_slice_str(text);
    size_t equals = nw_slice_find(whole, '=');
    const char *dots = equals < whole.len ? strstr(text + equals, "..") : NULL;
    struct nw_model_plan_input *last;
    struct seek from, to;
    if (equals == 0 || dots == NULL || dots == text + equals + 1 || dots[2] == '\0') {
        (void)cli_usage(cli, "--sweep wants PATH=FROM..TO, such as load.growth=1..100, not `%s`",
                        text);
        return false;
    }
    out->path = nw_arena_string(arena, nw_slice_first(whole, equals));
    const char *from_text =
        nw_arena_string(arena, nw_slice_of(text + equals + 1, (size_t)(dots - text) - equals - 1));
    if (!read_end(file, out->path, from_text, arena, &out->input, &from) ||
        !read_end(file, out->path, dots + 2, arena, &last, &to))
        return false;
    if (!(from.found < to.found)) {
        (void)cli_usage(cli, "--sweep goes upward: %s is not below %s", from_text, dots + 2);
        return false;
    }
    out->unit = from.unit;
    out->from = from.found;
    out->to = to.found;
    return true;
}

static double point_at(const struct sweep *sweep, unsigned index, unsigned count)
{
    double part = (double)index / (count - 1);
    bool is_log = sweep->from > 0 && sweep->to / sweep->from >= LOG_FROM_RATIO;
    double at = is_log ? sweep->from * pow(sweep->to / sweep->from, part)
                       : sweep->from + (sweep->to - sweep->from) * part;
    if (index + 1 == count)
        at = sweep->to;
    return sweep->unit == NW_MODEL_COUNT ? round(at) : at;
}

/* What a point is worth. */
struct point {
    double at;
    double peak_per_s;
    double nodes;
    double cache_nodes;
    double replicas;
    double shards;
    double cost_month;
    bool has_nodes; /* and with them a cost: not beyond a law's peak */
    bool is_met;
};

/* `scratch` is empty before and after. */
static void compute_point(const struct sweep *sweep, double at, struct nw_arena *scratch,
                          struct point *out)
{
    struct nw_model_plan_input *input = nw_model_plan_input_copy(sweep->input, scratch);
    struct seek put = {.path = sweep->path, .is_put = true, .value = at};
    struct nw_model_plan plan;
    nw_model_plan_input_each(input, seek_quantity, &put);
    NW_ASSERT(put.is_found);
    nw_model_plan_compute(input, scratch, NULL, &plan);
    *out = (struct point){.at = at,
                          .peak_per_s = plan.peak_per_s,
                          .nodes = plan.nodes,
                          .cache_nodes = plan.cache_nodes,
                          .cost_month = plan.cost_month,
                          .has_nodes = plan.nodes_reason == NULL,
                          .is_met = plan.is_met};
    plan_count_databases(&plan, &out->replicas, &out->shards);
    nw_arena_reset(scratch);
}

static void add_point(struct report *report, const struct point *point)
{
    const struct report_cell cells[] = {
        {.value = point->at},
        {.value = point->peak_per_s},
        {.value = point->nodes, .is_absent = !point->has_nodes},
        {.value = point->cache_nodes},
        {.value = point->replicas},
        {.value = point->shards},
        {.value = point->cost_month, .is_absent = !point->has_nodes},
        {.text = point->is_met ? "yes" : "no"}};
    report_row(report, cells, NW_COUNT(cells));
}

static const char *leaf_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

/* A chart of one result along the input. */
static void add_chart(struct report *report, const struct sweep *sweep, const char *name,
                      const char *title, nw_model_unit unit, const double *x, const double *y,
                      unsigned count, struct nw_arena *arena)
{
    const struct nw_model_chart chart = {
        .title = title,
        .currency = sweep->input->load.currency,
        .x = {.label = sweep->path,
              .unit = sweep->unit,
              .is_log = sweep->from > 0 && sweep->to / sweep->from >= LOG_FROM_RATIO},
        .y = {.label = name, .unit = unit, .is_from_zero = true},
        .series = {{.kind = unit == NW_MODEL_COUNT ? NW_MODEL_CHART_STEP : NW_MODEL_CHART_LINE,
                    .x = x,
                    .y = y,
                    .count = count}},
        .series_count = 1,
    };
    plan_add_chart(report, &chart, arena);
}

static int emit(const struct cli *cli, const struct sweep *sweep, struct nw_arena *arena,
                unsigned count)
{
    const struct report_column columns[] = {{leaf_of(sweep->path), sweep->path, sweep->unit, false},
                                            {"peak_per_s", "peak", NW_MODEL_PER_S, false},
                                            {"nodes", "nodes", NW_MODEL_COUNT, false},
                                            {"cache_nodes", "cache nodes", NW_MODEL_COUNT, false},
                                            {"replicas", "replicas", NW_MODEL_COUNT, false},
                                            {"shards", "shards", NW_MODEL_COUNT, false},
                                            {"cost_month", "a month", NW_MODEL_MONEY, false},
                                            {"is_met", "met", NW_MODEL_NUMBER, true}};
    double *x = nw_arena_zero(arena, count * sizeof *x);
    double *nodes = nw_arena_zero(arena, count * sizeof *nodes);
    double *money = nw_arena_zero(arena, count * sizeof *money);
    unsigned used = 0;
    struct nw_arena scratch;
    struct nw_text title = {0};
    nw_arena_init(&scratch, NULL, 0, SWEEP_MAX_BYTES);
    nw_text_addf(&title, "Plan along %s", sweep->path);
    struct report *report = report_new("newel.plan.sweep/1", title.ptr);
    report_set_currency(report, sweep->input->load.currency);
    report_text(report, "path", NULL, sweep->path);
    report_table(report, "main", NULL, columns, NW_COUNT(columns));
    for (unsigned i = 0; i < count; i++) {
        struct point point;
        double at = point_at(sweep, i, count);
        if (used > 0 && at == x[used - 1])
            continue;
        compute_point(sweep, at, &scratch, &point);
        add_point(report, &point);
        x[used] = at;
        nodes[used] = point.has_nodes ? point.nodes : NAN; /* a gap */
        money[used++] = point.has_nodes ? point.cost_month : NAN;
    }
    add_chart(report, sweep, "nodes", "Nodes", NW_MODEL_COUNT, x, nodes, used, arena);
    add_chart(report, sweep, "a month", "Money each month", NW_MODEL_MONEY, x, money, used, arena);
    int code = emit_report(cli, report, NULL, 0, EXIT_DONE);
    report_free(report);
    nw_arena_done(&scratch);
    nw_text_done(&title);
    return code;
}

int plan_sweep(const struct cli *cli, const struct plan_file *file, const char *text,
               unsigned point_count)
{
    struct nw_arena arena;
    struct sweep sweep;
    nw_arena_init(&arena, NULL, 0, SWEEP_MAX_BYTES);
    int code = EXIT_USAGE;
    if (read_sweep(cli, file, text, &arena, &sweep))
        code = emit(cli, &sweep, &arena, point_count);
    nw_arena_done(&arena);
    return code;
}
