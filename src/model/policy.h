/*
 * policy.h - which entry leaves a full cache: six eviction policies over dense ids.
 *
 * docs/decisions/0010-policies-exact-forms.md gives their exact forms. A policy is arrays over the
 * ids of a trace and one function that plays a stretch of it; cachesim.h is the face for callers.
 *
 * Owner:   the memory of a policy's state is the caller's
 * Threads: one state, one thread; the trace is only read
 */
#ifndef NW_MODEL_POLICY_H
#define NW_MODEL_POLICY_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/slice.h"

typedef enum nw_model_policy {
    NW_MODEL_FIFO,
    NW_MODEL_LRU,
    NW_MODEL_CLOCK,
    NW_MODEL_SIEVE,
    NW_MODEL_S3FIFO,
    NW_MODEL_TINYLFU,
    NW_MODEL_POLICY_COUNT
} nw_model_policy;

/* "fifo", "lru", "clock", "sieve", "s3-fifo", "w-tinylfu". */
const char *nw_model_policy_name(nw_model_policy policy);
/* By that name; NW_NOT_FOUND. */
NW_MUST_CHECK nw_err nw_model_policy_find(struct nw_slice name, nw_model_policy *out);

#endif
