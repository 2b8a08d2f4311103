/*
 * Scenario files of fleets: whatever is accepted runs to its end, with finite figures, nodes within
 * the bounds of the rule, and every request served, refused or waiting; whatever is refused has a
 * reason. What begins with #csv is the file of a load.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "cmd/outside.h"
#include "cmd/sim_fleet_file.h"
#include "cmd/sim_fleet_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There are no files here. */
nw_err fleet_load_log(const char *path, struct nw_diag *diag,
                      struct nw_model_fleet_knot **out_knots, size_t *out_count)
{
    nw_diag_add(diag, false, path, 0, 0, NULL, NULL, "no files");
    return NW_INVALID;
}

void outside_path(const char *conf_file, const char *path, char out[OUTSIDE_PATH_BYTES])
{
    out[0] = '\0';
}

const char *outside_why(nw_err err)
{
    return "no files";
}

static void run_some(struct nw_model_fleet fleet)
{
    struct nw_model_fleet_result result;
    fleet.for_s = fmin(fleet.for_s, 2000);
    double most_per_s = 0;
    for (size_t i = 0; i < fleet.load.knot_count; i++)
        most_per_s = fmax(most_per_s, fleet.load.knots[i].rate_per_s);
    if (fleet.engine == NW_MODEL_FLEET_EVENT && (most_per_s > 100 || fleet.policy.max_nodes > 1000))
        return; /* right, but long */
    NW_ASSERT(nw_model_fleet_run(&fleet, NULL, NULL, &result) == NW_OK);
    NW_ASSERT(result.is_complete && isfinite(result.cost) && result.cost >= 0);
    NW_ASSERT(isfinite(result.response_s) && result.response_s >= 0);
    NW_ASSERT(result.cpu_ratio >= 0 && result.cpu_ratio <= 1 + 1e-9);
    double left = result.offered - result.served - result.refused;
    NW_ASSERT(left >= -1e-6 * (result.offered + 1));
    int64_t bound = fleet.policy.max_nodes > fleet.nodes ? fleet.policy.max_nodes : fleet.nodes;
    NW_ASSERT(result.peak_nodes <= bound && result.end_nodes >= 1);
}

static void csv(struct nw_slice text, struct nw_diag *diag)
{
    struct nw_model_fleet_knot *knots = NULL;
    size_t count = 0;
    if (fleet_load_csv(text, "l.csv", diag, &knots, &count) != NW_OK) {
        NW_ASSERT(diag->error_count > 0);
        return;
    }
    NW_ASSERT(count > 0 && knots[0].at_s == 0);
    for (size_t i = 0; i < count; i++) {
        NW_ASSERT(knots[i].rate_per_s >= 0 && knots[i].rate_per_s <= NW_MODEL_FLEET_RATE_MAX_PER_S);
        NW_ASSERT(i == 0 || knots[i].at_s > knots[i - 1].at_s);
    }
    nw_free(knots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_slice text = nw_slice_of((const char *)data, size);
    struct fleet_file *file = NULL;
    struct nw_diag diag;
    nw_diag_init(&diag);
    if (size >= 4 && memcmp(data, "#csv", 4) == 0) {
        csv(text, &diag);
    } else if (fleet_file_read(text, "f.yaml", NULL, &diag, &file) == NW_OK) {
        run_some(file->fleet);
        fleet_file_free(file);
    } else {
        NW_ASSERT(diag.error_count > 0);
    }
    nw_diag_done(&diag);
    return 0;
}
