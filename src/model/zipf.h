/*
 * zipf.h - invented traces: popularity after Zipf's law, shifting popularity, scans between.
 *
 * The key of rank i is asked in proportion to i^-exponent. `nw_model_zipf_draw` with exponent 1,
 * a million keys and seed 1 gives the reference trace against which the policies are checked.
 *
 * Owner:   nw_model_zipf_init/_done, nw_model_inventor_init/_done; a trace is the caller's
 * Threads: a law is read-only after its init; an inventor belongs to one thread
 */
#ifndef NW_MODEL_ZIPF_H
#define NW_MODEL_ZIPF_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rng.h"
#include "model/cachetrace.h"
#include "model/keytable.h"

#define NW_MODEL_ZIPF_EXPONENT_MAX 10.0

struct nw_model_zipf {
    double *sums;    /* sums[i] = sum of j^-exponent for j = 1 … i + 1 */
    uint32_t *guide; /* index of the first sum that a draw with these top bits may return */
    uint32_t key_count;
    uint32_t guide_bits;
};

/* Bytes of a law over so many keys. */
uint64_t nw_model_zipf_bytes_for(uint32_t key_count);
/* NW_INVALID unless 1 <= key_count <= NW_MODEL_KEYS_MAX and 0 <= exponent <= the maximum. */
NW_MUST_CHECK nw_err nw_model_zipf_init(struct nw_model_zipf *out, double exponent,
                                        uint32_t key_count);
void nw_model_zipf_done(struct nw_model_zipf *law);
/* A rank, 1 … key_count: the smallest whose sum exceeds u = (next >> 11) x 2^-53 x total. */
uint32_t nw_model_zipf_draw(const struct nw_model_zipf *law, struct nw_rng *rng);
/* Share of requests that rank (1 … key_count) gets; the shares add to 1. */
double nw_model_zipf_share(const struct nw_model_zipf *law, uint32_t rank);

/* What to invent. All zero but the first three: the plain Zipf trace. */
struct nw_model_invented {
    double exponent;
    uint32_t key_count;
    uint64_t request_count;
    uint64_t seed;
    uint64_t shift_every; /* after so many requests … */
    uint32_t shift_by;    /* … each key takes the place of the one so many ranks below it */
    double scan_share;    /* of the requests, 0 … 1: the next key of a scan instead */
    uint32_t scan_keys;   /* a scan walks so many keys that nobody else asks for, and again */
    uint32_t size_mean;   /* bytes; 0: no sizes */
    double size_cv;       /* lognormal over the keys; a key keeps its size */
    double rate_per_s;    /* 0: no time */
};

/* The keys one after another, for a test or a file; keys are 1 … key_count + scan_keys. */
struct nw_model_inventor {
    struct nw_model_invented what;
    struct nw_model_zipf law;
    struct nw_rng ranks;
    struct nw_rng scans;
    uint64_t made;
    uint64_t scanned;
    uint32_t offset;
    uint64_t until_shift;
};

/*
 * NW_INVALID when a number is out of its bounds: keys and exponent as above, at most
 * NW_MODEL_REQUESTS_MAX requests, key_count + scan_keys within NW_MODEL_KEYS_MAX, scan_share 0 … 1
 * and with it scan_keys >= 1, size_cv 0 … 100, rate finite and not negative.
 */
NW_MUST_CHECK nw_err nw_model_inventor_init(struct nw_model_inventor *out,
                                            const struct nw_model_invented *what);
void nw_model_inventor_done(struct nw_model_inventor *inventor);
uint32_t nw_model_inventor_next(struct nw_model_inventor *inventor);
/* The size of a key; 0 without sizes, else at least 1. */
uint32_t nw_model_inventor_size(const struct nw_model_inventor *inventor, uint32_t key);

/* Most that nw_model_invent takes, the trace included; its arguments need not be valid. */
uint64_t nw_model_invent_bytes_for(const struct nw_model_invented *what);
/*
 * The whole trace, interned. NW_INVALID as above; NW_NO_MEMORY when it would need more than
 * memory_max_bytes: nothing has been allocated then. `stop`, if not NULL, is read every 64 K
 * requests; when it is not 0 the trace ends there.
 */
NW_MUST_CHECK nw_err nw_model_invent(const struct nw_model_invented *what,
                                     uint64_t memory_max_bytes, const int *stop,
                                     struct nw_model_trace *out);

#endif
