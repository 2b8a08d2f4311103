/* The policies by name. */
#include "model/policy.h"

#include "base/assert.h"
#include "model/policy_impl.h"

const struct nw_model_policy_face *nw_model_policy_face(nw_model_policy policy)
{
    static const struct nw_model_policy_face *const faces[NW_MODEL_POLICY_COUNT] = {
        [NW_MODEL_FIFO] = &nw_model_policy_fifo,     [NW_MODEL_LRU] = &nw_model_policy_lru,
        [NW_MODEL_CLOCK] = &nw_model_policy_clock,   [NW_MODEL_SIEVE] = &nw_model_policy_sieve,
        [NW_MODEL_S3FIFO] = &nw_model_policy_s3fifo, [NW_MODEL_TINYLFU] = &nw_model_policy_tinylfu,
    };
    NW_ASSERT((unsigned)policy < NW_MODEL_POLICY_COUNT);
    return faces[policy];
}

const char *nw_model_policy_name(nw_model_policy policy)
{
    return nw_model_policy_face(policy)->name;
}

nw_err nw_model_policy_find(struct nw_slice name, nw_model_policy *out)
{
    for (int i = 0; i < NW_MODEL_POLICY_COUNT; i++)
        if (nw_slice_eq(name, nw_slice_str(nw_model_policy_name((nw_model_policy)i)))) {
            *out = (nw_model_policy)i;
            return NW_OK;
        }
    return NW_NOT_FOUND;
}
