/* A recorded load becomes knots like a written one, so the simulator knows no files. */
#include "cmd/sim_fleet_load.h"

#include "base/alloc.h"
#include "cmd/sim_fleet_file.h"
#include "conf/value.h"

enum { MISTAKES_MAX = 10 };

struct csv {
    const char *name;
    struct nw_diag *diag;
    struct nw_model_fleet_knot *knots;
    size_t count, cap;
    int line, mistakes;
    bool has_heading;
};

static void blame(struct csv *csv, const char *hint, const char *sentence)
{
    if (csv->mistakes++ < MISTAKES_MAX)
        nw_diag_add(csv->diag, false, csv->name, csv->line, 1, NULL, hint, "%s", sentence);
}

/* A plain number without spaces around it. */
static bool take_number(struct nw_slice text, double *out)
{
    struct nw_conf_why why;
    return nw_conf_value_number(nw_slice_trim(text), out, &why) == NW_OK;
}

static void knot_add(struct csv *csv, double at_s, double rate_per_s)
{
    if (csv->count == csv->cap) {
        csv->cap = csv->cap == 0 ? 1024 : 2 * csv->cap;
        csv->knots = nw_realloc(csv->knots, csv->cap * sizeof *csv->knots);
    }
    csv->knots[csv->count++] = (struct nw_model_fleet_knot){at_s, rate_per_s};
}

/* The first line with words instead of numbers. */
static bool is_heading(struct csv *csv, struct nw_slice first, bool has_comma)
{
    double number;
    if (csv->count > 0 || csv->has_heading || !has_comma || take_number(first, &number))
        return false;
    csv->has_heading = true;
    return true;
}

static void line_take(struct csv *csv, struct nw_slice line)
{
    size_t comma = nw_slice_find(line, ',');
    bool has_comma = comma < line.len;
    struct nw_slice first = nw_slice_first(line, comma);
    struct nw_slice rest = nw_slice_skip(line, has_comma ? comma + 1 : comma);
    double at_s, rate_per_s;
    if (is_heading(csv, first, has_comma))
        return;
    if (!take_number(first, &at_s) || !take_number(rest, &rate_per_s)) {
        blame(csv, "0,3000", "expected seconds, a comma and requests per second");
        return;
    }
    if (rate_per_s > NW_MODEL_FLEET_RATE_MAX_PER_S)
        blame(csv, NULL, "the rate is above 1e12 per second");
    else if (csv->count == 0 && at_s != 0)
        blame(csv, "0,…", "the first line must be for 0 seconds");
    else if (csv->count > 0 && at_s <= csv->knots[csv->count - 1].at_s)
        blame(csv, NULL, "the seconds must rise from line to line");
    else if (csv->count == FLEET_KNOTS_MAX)
        blame(csv, NULL, "there are more than 4,000,000 lines");
    else
        knot_add(csv, at_s, rate_per_s);
}

nw_err fleet_load_csv(struct nw_slice text, const char *name, struct nw_diag *diag,
                      struct nw_model_fleet_knot **out_knots, size_t *out_count)
{
    struct csv csv = {.name = name, .diag = diag};
    struct nw_slice line;
    while (csv.mistakes <= MISTAKES_MAX && nw_slice_split(&text, '\n', &line)) {
        csv.line++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = nw_slice_trim(line);
        if (line.len > 0 && line.ptr[0] != '#')
            line_take(&csv, line);
    }
    if (csv.mistakes == 0 && csv.count == 0) {
        csv.line = 0;
        blame(&csv, "0,3000", "has no line of seconds and a rate");
    }
    if (csv.mistakes > 0) {
        nw_free(csv.knots);
        return NW_INVALID;
    }
    *out_knots = csv.knots;
    *out_count = csv.count;
    return NW_OK;
}
