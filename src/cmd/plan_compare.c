/*
 * `newel plan compare A B`: which decisions differ, how much the numbers do, and which input causes
 * what.
 *
 * The causes are found by trying: each value in which the files differ goes alone from B into A,
 * and the plan is computed again. A route or service that only one file has goes as a whole. Values
 * that make no valid file alone (users here, requests there) go together. What only several of them
 * together bring about stands in the numbers and in no row of the causes.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cmd/plan.h"

#define TRY_MAX_BYTES ((size_t)1 << 30)

enum { DIFFERENCES_MAX = 500 };

/* One value in which the files differ. */
struct difference {
    const char *path;
    const struct nw_conf_tree *a; /* NULL: only B has it */
    const struct nw_conf_tree *b;
    bool is_invalid_alone;
};

struct comparison {
    const struct plan_result *a;
    const struct plan_result *b;
    struct nw_arena arena;
    struct difference items[DIFFERENCES_MAX];
    size_t count;
    size_t left_out;
};

/* ---- where the files differ ---- */

static bool is_equal(const struct nw_conf_tree *a, const struct nw_conf_tree *b)
{
    const struct nw_conf_tree *left = a->first, *right = b->first;
    if (a->kind != b->kind || !nw_slice_eq(a->text, b->text) || a->child_count != b->child_count)
        return false;
    for (; left != NULL; left = left->next, right = right->next)
        if (!nw_slice_eq(left->key, right->key) || !is_equal(left, right))
            return false;
    return true;
}

/* A mapping that is one value to people: { value, low, high }. */
static bool is_range(const struct nw_conf_tree *tree)
{
    return nw_conf_tree_get(tree, "value") != NULL;
}

static void add_difference(struct comparison *all, const char *path, const struct nw_conf_tree *a,
                           const struct nw_conf_tree *b)
{
    if (all->count == DIFFERENCES_MAX)
        all->left_out++;
    else
        all->items[all->count++] = (struct difference){.path = path, .a = a, .b = b};
}

static const char *join(struct comparison *all, const char *path, struct nw_slice key)
{
    return nw_arena_printf(&all->arena, "%s%s%s", path, path[0] != '\0' ? "." : "", key.ptr).ptr;
}

static void find_differences(struct comparison *all, const char *path, const struct nw_conf_tree *a,
                             const struct nw_conf_tree *b)
{
    bool is_open =
        a->kind == NW_CONF_MAPPING && b->kind == NW_CONF_MAPPING && !is_range(a) && !is_range(b);
    if (!is_open) {
        if (!is_equal(a, b))
            add_difference(all, path, a, b);
        return;
    }
    for (const struct nw_conf_tree *left = a->first; left != NULL; left = left->next) {
        const struct nw_conf_tree *right = nw_conf_tree_get(b, left->key.ptr);
        const char *at = join(all, path, left->key);
        if (right != NULL)
            find_differences(all, at, left, right);
        else
            add_difference(all, at, left, NULL);
    }
    for (const struct nw_conf_tree *right = b->first; right != NULL; right = right->next)
        if (nw_conf_tree_get(a, right->key.ptr) == NULL)
            add_difference(all, join(all, path, right->key), NULL, right);
}

/* As in a file, on one line. */
static void add_value(struct nw_text *out, const struct nw_conf_tree *tree)
{
    if (tree == NULL) {
        nw_text_add_str(out, "-");
        return;
    }
    if (tree->kind == NW_CONF_SCALAR) {
        nw_text_add(out, tree->text);
        return;
    }
    const char *separator = tree->kind == NW_CONF_MAPPING ? "{ " : "[";
    for (const struct nw_conf_tree *child = tree->first; child != NULL; child = child->next) {
        nw_text_add_str(out, separator);
        if (tree->kind == NW_CONF_MAPPING)
            nw_text_addf(out, "%s: ", child->key.ptr);
        add_value(out, child);
        separator = ", ";
    }
    if (tree->first == NULL)
        nw_text_add_str(out, separator);
    nw_text_add_str(out, tree->kind == NW_CONF_MAPPING ? " }" : "]");
}

/* ---- decisions ---- */

static const struct nw_model_choice *choice_of(const struct nw_model_plan *plan, const char *path)
{
    for (unsigned i = 0; i < plan->choice_count; i++)
        if (strcmp(plan->choices[i].path, path) == 0)
            return &plan->choices[i];
    return NULL;
}

static void add_choice(struct nw_text *out, const struct nw_model_choice *choice)
{
    if (choice == NULL)
        nw_text_add_str(out, "none");
    else
        nw_model_choice_print(out, choice);
}

static bool is_flipped(const struct nw_model_choice *a, const struct nw_model_choice *b)
{
    return a == NULL || b == NULL || strcmp(a->name, b->name) != 0 || a->count != b->count;
}

/* Calls back for each decision that differs: databases first, they are hardest to undo. */
static void each_flip(const struct nw_model_plan *a, const struct nw_model_plan *b,
                      void (*each)(void *arg, const char *path, const struct nw_model_choice *a,
                                   const struct nw_model_choice *b),
                      void *arg)
{
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < a->choice_count; i++) {
            const struct nw_model_choice *left = &a->choices[i];
            const struct nw_model_choice *right = choice_of(b, left->path);
            bool is_database = strncmp(left->path, "databases.", strlen("databases.")) == 0;
            if (is_database == (round == 0) && is_flipped(left, right))
                each(arg, left->path, left, right);
        }
        for (unsigned i = 0; i < b->choice_count; i++) {
            const struct nw_model_choice *right = &b->choices[i];
            bool is_database = strncmp(right->path, "databases.", strlen("databases.")) == 0;
            if (is_database == (round == 0) && choice_of(a, right->path) == NULL)
                each(arg, right->path, NULL, right);
        }
    }
}

static void add_flip_line(void *arg, const char *path, const struct nw_model_choice *a,
                          const struct nw_model_choice *b)
{
    struct nw_text line = {0};
    add_choice(&line, a);
    nw_text_add_str(&line, " -> ");
    add_choice(&line, b);
    report_text(arg, NULL, path, line.ptr);
    nw_text_done(&line);
}

static void add_flip_row(void *arg, const char *path, const struct nw_model_choice *a,
                         const struct nw_model_choice *b)
{
    struct report *report = arg;
    struct nw_text left = {0}, right = {0};
    add_choice(&left, a);
    add_choice(&right, b);
    const struct report_cell cells[] = {
        {.text = path},
        {.text = a != NULL ? a->name : NULL, .is_absent = a == NULL},
        {.text = b != NULL ? b->name : NULL, .is_absent = b == NULL},
        {.text = left.ptr},
        {.text = right.ptr}};
    report_row(report, cells, NW_COUNT(cells));
    nw_text_done(&left);
    nw_text_done(&right);
}

static void count_flip(void *arg, const char *path, const struct nw_model_choice *a,
                       const struct nw_model_choice *b)
{
    ++*(unsigned *)arg;
}

static void add_decisions(struct report *report, const struct comparison *all)
{
    static const struct report_column columns[] = {{"path", NULL, NW_MODEL_NUMBER, true},
                                                   {"a", NULL, NW_MODEL_NUMBER, true},
                                                   {"b", NULL, NW_MODEL_NUMBER, true},
                                                   {"a_words", NULL, NW_MODEL_NUMBER, true},
                                                   {"b_words", NULL, NW_MODEL_NUMBER, true}};
    unsigned flips = 0;
    each_flip(&all->a->plan, &all->b->plan, count_flip, &flips);
    report_open(report, NULL, "Decisions");
    each_flip(&all->a->plan, &all->b->plan, add_flip_line, report);
    if (flips == 0)
        report_line(report, "The decisions are the same.");
    report_close(report);
    report_table(report, "decisions", NULL, columns, NW_COUNT(columns));
    each_flip(&all->a->plan, &all->b->plan, add_flip_row, report);
}

/* ---- numbers ---- */

/* A number of both plans; a reason where one of them has none. */
struct pair {
    const char *name;
    const char *label;
    double a;
    double b;
    nw_model_unit unit;
    const char *a_reason;
    const char *b_reason;
};

static void add_words(struct nw_text *out, double value, const char *reason, nw_model_unit unit,
                      const char *currency)
{
    if (reason != NULL)
        nw_text_addf(out, "none: %s", reason);
    else
        nw_model_unit_print(out, value, unit, currency);
}

static void add_number(struct report *report, const struct pair *pair, const char *currency)
{
    struct nw_text left = {0}, right = {0};
    bool has_both = pair->a_reason == NULL && pair->b_reason == NULL;
    add_words(&left, pair->a, pair->a_reason, pair->unit, currency);
    add_words(&right, pair->b, pair->b_reason, pair->unit, currency);
    const struct report_cell cells[] = {{.text = pair->name},
                                        {.text = pair->label},
                                        {.value = pair->a, .is_absent = pair->a_reason != NULL},
                                        {.value = pair->b, .is_absent = pair->b_reason != NULL},
                                        {.text = left.ptr},
                                        {.text = right.ptr},
                                        {.value = has_both && pair->a != 0 ? pair->b / pair->a : 0,
                                         .is_absent = !has_both || pair->a == 0}};
    report_row(report, cells, NW_COUNT(cells));
    nw_text_done(&left);
    nw_text_done(&right);
}

static void add_numbers(struct report *report, const struct comparison *all)
{
    static const struct report_column columns[] = {
        {"name", NULL, NW_MODEL_NUMBER, true},      {NULL, "", NW_MODEL_NUMBER, true},
        {"a", NULL, NW_MODEL_NUMBER, false},        {"b", NULL, NW_MODEL_NUMBER, false},
        {NULL, "A", NW_MODEL_NUMBER, false},        {NULL, "B", NW_MODEL_NUMBER, false},
        {"factor", "times", NW_MODEL_NUMBER, false}};
    const struct nw_model_plan *a = &all->a->plan, *b = &all->b->plan;
    const char *currency = all->a->file->input->load.currency;
    double replicas[2], shards[2];
    plan_count_databases(a, &replicas[0], &shards[0]);
    plan_count_databases(b, &replicas[1], &shards[1]);
    const struct pair rows[] = {
        {"average_per_s", "average", a->average_per_s, b->average_per_s, NW_MODEL_PER_S},
        {"peak_per_s", "peak", a->peak_per_s, b->peak_per_s, NW_MODEL_PER_S},
        {"nodes", "nodes", a->nodes, b->nodes, NW_MODEL_COUNT, a->nodes_reason, b->nodes_reason},
        {"hit_ratio", "cached", a->hit_ratio, b->hit_ratio, NW_MODEL_RATIO},
        {"cache_nodes", "cache nodes", a->cache_nodes, b->cache_nodes, NW_MODEL_COUNT},
        {"replicas", "replicas", replicas[0], replicas[1], NW_MODEL_COUNT},
        {"shards", "shards", shards[0], shards[1], NW_MODEL_COUNT},
        {"cost_month", "a month", a->cost_month, b->cost_month, NW_MODEL_MONEY, a->nodes_reason,
         b->nodes_reason},
    };
    report_table(report, "numbers", "Numbers", columns, NW_COUNT(columns));
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        if (rows[i].a != rows[i].b)
            add_number(report, &rows[i], currency);
}

/* Every step that both have and that differs, for machines. */
static void add_results(struct report *report, const struct comparison *all)
{
    static const struct report_column columns[] = {{"name", NULL, NW_MODEL_NUMBER, true},
                                                   {"a", NULL, NW_MODEL_NUMBER, false},
                                                   {"b", NULL, NW_MODEL_NUMBER, false},
                                                   {"unit", NULL, NW_MODEL_NUMBER, true}};
    report_table(report, "results", NULL, columns, NW_COUNT(columns));
    for (size_t i = 0; i < all->a->steps.count; i++) {
        const struct nw_model_step *a = &all->a->steps.items[i];
        const struct nw_model_step *b = nw_model_steps_find(&all->b->steps, a->path);
        if (b == NULL || (a->rounded == b->rounded && (a->reason == NULL) == (b->reason == NULL)))
            continue;
        const struct report_cell cells[] = {{.text = a->path},
                                            {.value = a->rounded, .is_absent = a->reason != NULL},
                                            {.value = b->rounded, .is_absent = b->reason != NULL},
                                            {.text = nw_model_unit_name(a->unit)}};
        report_row(report, cells, NW_COUNT(cells));
    }
}

/* ---- causes ---- */

/* A with some values of B; NW_INVALID when that is no valid plan. */
struct attempt {
    struct nw_arena arena;
    struct nw_conf_tree *tree;
    struct nw_model_steps steps;
    struct nw_model_plan plan;
};

static void attempt_open(struct attempt *attempt, const struct comparison *all)
{
    nw_arena_init(&attempt->arena, NULL, 0, TRY_MAX_BYTES);
    attempt->tree = nw_conf_tree_copy(all->a->file->tree, &attempt->arena);
}

static void attempt_put(struct attempt *attempt, const struct difference *difference)
{
    struct nw_slice path = nw_slice_str(difference->path);
    if (difference->b == NULL)
        nw_conf_tree_remove(attempt->tree, path);
    else if (nw_conf_tree_put(attempt->tree, path, difference->b, NULL, &attempt->arena) != NW_OK)
        NW_ASSERT(false); /* the path was found in such trees */
}

static nw_err attempt_compute(struct attempt *attempt)
{
    struct nw_model_plan_input *input;
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = plan_file_input(attempt->tree, "A with B", NULL, &attempt->arena, &diag, &input);
    nw_diag_done(&diag);
    if (err != NW_OK)
        return err;
    nw_model_steps_init(&attempt->steps, &attempt->arena);
    nw_model_plan_compute(input, &attempt->arena, &attempt->steps, &attempt->plan);
    return NW_OK;
}

static void add_flip_words(void *arg, const char *path, const struct nw_model_choice *a,
                           const struct nw_model_choice *b)
{
    struct nw_text *out = arg;
    nw_text_addf(out, "%s%s ", out->len > 0 ? "; " : "", path);
    add_choice(out, a);
    nw_text_add_str(out, " -> ");
    add_choice(out, b);
}

static void add_cause(struct report *report, const struct comparison *all, const char *path,
                      const struct difference *difference, const struct attempt *attempt)
{
    struct nw_text a = {0}, b = {0}, flips = {0};
    add_value(&a, difference != NULL ? difference->a : NULL);
    add_value(&b, difference != NULL ? difference->b : NULL);
    each_flip(&all->a->plan, &attempt->plan, add_flip_words, &flips);
    bool is_without = attempt->plan.nodes_reason != NULL;
    const struct report_cell cells[] = {
        {.text = path},
        {.text = a.ptr},
        {.text = b.ptr},
        {.value = attempt->plan.nodes, .is_absent = is_without},
        {.value = attempt->plan.cost_month, .is_absent = is_without},
        {.text = flips.len > 0 ? flips.ptr : ""}};
    report_row(report, cells, NW_COUNT(cells));
    nw_text_done(&a);
    nw_text_done(&b);
    nw_text_done(&flips);
}

static bool is_below(const char *path, const char *block)
{
    size_t len = strlen(block);
    return strncmp(path, block, len) == 0 && (path[len] == '.' || path[len] == '\0');
}

/*
 * Those that make no valid plan alone, all at once: the load stated in another way, with its routes
 * where that is needed. False when even that is none.
 */
static bool try_together(struct report *report, const struct comparison *all, bool with_load,
                         struct nw_text *paths)
{
    struct attempt attempt;
    bool is_done = false;
    attempt_open(&attempt, all);
    nw_text_clear(paths);
    for (size_t i = 0; i < all->count; i++) {
        const struct difference *item = &all->items[i];
        bool is_load = is_below(item->path, "load") || is_below(item->path, "routes");
        if (!item->is_invalid_alone && !(with_load && is_load))
            continue;
        attempt_put(&attempt, item);
        nw_text_addf(paths, "%s%s", paths->len > 0 ? ", " : "", item->path);
    }
    if (attempt_compute(&attempt) == NW_OK) {
        add_cause(report, all, paths->ptr, NULL, &attempt);
        is_done = true;
    }
    nw_arena_done(&attempt.arena);
    return is_done;
}

static void try_the_rest(struct report *report, const struct comparison *all)
{
    struct nw_text paths = {0};
    bool is_any = false;
    for (size_t i = 0; i < all->count; i++)
        is_any |= all->items[i].is_invalid_alone;
    if (is_any && !try_together(report, all, false, &paths) &&
        !try_together(report, all, true, &paths))
        report_line(report, "Alone these make no plan: %s.", paths.ptr);
    nw_text_done(&paths);
}

static void add_causes(struct report *report, struct comparison *all)
{
    static const struct report_column columns[] = {
        {"path", "one value of B in A", NW_MODEL_NUMBER, true},
        {"a", "A", NW_MODEL_NUMBER, true},
        {"b", "B", NW_MODEL_NUMBER, true},
        {"nodes", "nodes", NW_MODEL_COUNT, false},
        {"cost_month", "a month", NW_MODEL_MONEY, false},
        {"flips", "decides", NW_MODEL_NUMBER, true}};
    report_table(report, "causes", "Which input causes what", columns, NW_COUNT(columns));
    for (size_t i = 0; i < all->count; i++) {
        struct attempt attempt;
        attempt_open(&attempt, all);
        attempt_put(&attempt, &all->items[i]);
        all->items[i].is_invalid_alone = attempt_compute(&attempt) != NW_OK;
        if (!all->items[i].is_invalid_alone)
            add_cause(report, all, all->items[i].path, &all->items[i], &attempt);
        nw_arena_done(&attempt.arena);
    }
    try_the_rest(report, all);
    if (all->left_out > 0)
        report_line(report, "%zu more differences were not tried.", all->left_out);
    if (all->count == 0)
        report_line(report, "The files say the same.");
}

static int compare(const struct cli *cli, const struct plan_result *a, const struct plan_result *b)
{
    struct comparison *all = nw_alloc_zero(sizeof *all);
    struct nw_text title = {0};
    all->a = a;
    all->b = b;
    nw_arena_init(&all->arena, NULL, 0, TRY_MAX_BYTES);
    find_differences(all, "", a->file->tree, b->file->tree);
    nw_text_addf(&title, "A %s, B %s", a->file->name, b->file->name);
    struct report *report = report_new("newel.plan.compare/1", title.ptr);
    report_set_currency(report, a->file->input->load.currency);
    report_text(report, "a", NULL, a->file->name);
    report_text(report, "b", NULL, b->file->name);
    add_decisions(report, all);
    add_numbers(report, all);
    add_causes(report, all);
    add_results(report, all);
    int code = emit_report(cli, report, NULL, 0,
                           a->plan.is_met && b->plan.is_met ? EXIT_DONE : EXIT_FAILED);
    report_free(report);
    nw_text_done(&title);
    nw_arena_done(&all->arena);
    nw_free(all);
    return code;
}

int cmd_plan_compare(const struct cli *cli)
{
    if (cli->arg_count != 2)
        return cli_usage(cli, "which two plans? give two files");
    int code = emit_check(cli), a_code, b_code;
    if (code != EXIT_DONE)
        return code;
    struct plan_file *a = plan_open(cli->args[0], NULL, 0, &a_code);
    struct plan_file *b = plan_open(cli->args[1], NULL, 0, &b_code);
    if (a == NULL || b == NULL) {
        plan_file_free(a);
        plan_file_free(b);
        return a == NULL ? a_code : b_code;
    }
    struct plan_result *left = plan_compute(a), *right = plan_compute(b);
    code = compare(cli, left, right);
    plan_result_free(left);
    plan_result_free(right);
    return code;
}
