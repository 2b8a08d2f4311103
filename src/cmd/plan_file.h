/*
 * plan_file.h - a plan file, flags and what-if to the numbers of a plan.
 *
 * The file's tree is edited first (flags add what the file leaves out, --set exchanges values),
 * then read by plan.def, then judged as a whole; every mistake is told at once, where it stands.
 * What nobody gave has the value, low and high of its row in model/constants.def.
 *
 * Owner:   plan_file_free; the input lives as long as the file, and borrows the edits' sources
 * Threads: one at a time
 */
#ifndef NW_CMD_PLAN_FILE_H
#define NW_CMD_PLAN_FILE_H

#include "base/diag.h"
#include "conf/tree_edit.h"
#include "conf/value.h"
#include "model/plan_input.h"

enum { PLAN_FILE_MAX_BYTES = 1 << 20 };

/* One value from the command line. */
struct plan_edit {
    const char *source; /* "--peak", or "--set load.peak=5": what messages call it */
    const char *path;   /* "services.*.margin": `*` is the only name, or the default's */
    const char *value;  /* as in a file */
    bool is_set;        /* --set: goes over the file; else the file must be silent about it */
};

struct plan_file {
    struct nw_arena arena;
    const char *name;                   /* "plan.yaml"; "command line" without a file */
    const struct nw_conf_tree *written; /* the file as it stands; `plan: 1` without one */
    const struct nw_conf_tree *tree;    /* with the edits */
    struct nw_model_plan_input *input;
};

/*
 * Reads `text` (ptr NULL: there is no file) with the edits over it. On NW_INVALID diag holds at
 * least one error and *out is not written.
 */
NW_MUST_CHECK nw_err plan_file_read(struct nw_slice text, const char *name,
                                    const struct plan_edit *edits, size_t edit_count,
                                    const struct nw_conf_outside *outside, struct nw_diag *diag,
                                    struct plan_file **out);
void plan_file_free(struct plan_file *file);

/*
 * A tree to the numbers of a plan, in `arena`: for sweeps and comparisons, which edit a copy of
 * one that was read before.
 */
NW_MUST_CHECK nw_err plan_file_input(const struct nw_conf_tree *tree, const char *name,
                                     const struct nw_conf_outside *outside, struct nw_arena *arena,
                                     struct nw_diag *diag, struct nw_model_plan_input **out);
/*
 * Puts an edit into a tree. What is wrong (a path through a value, a value that is no YAML, `*`
 * where there are several) is told in diag.
 */
NW_MUST_CHECK nw_err plan_file_edit(struct nw_conf_tree *tree, const struct plan_edit *edit,
                                    struct nw_arena *arena, struct nw_diag *diag);

#endif
