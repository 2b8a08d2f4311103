/*
 * plan_input.h - what a plan file says, judged as a whole and put into the model's terms.
 *
 * Owner:   the input lies in the arena and borrows the file's names
 * Threads: one arena, one thread
 */
#ifndef NW_CMD_PLAN_INPUT_H
#define NW_CMD_PLAN_INPUT_H

#include "base/diag.h"
#include "cmd/plan_table.h"
#include "model/plan_input.h"

/*
 * Adds to diag what no single option can say (the load stated twice, shares beyond 100%, a service
 * that does not exist); `file` stands in messages. NW_INVALID when diag holds an error, of the
 * reader or of this judgement; *out is written only on success.
 */
NW_MUST_CHECK nw_err plan_input_make(const struct plan_top *top, const char *file,
                                     struct nw_arena *arena, struct nw_diag *diag,
                                     struct nw_model_plan_input **out);

#endif
