/*
 * The curve of a sample of keys. A key is in the sample when its hash is at most `limit`; one key
 * too many pushes out the one with the largest hash, and the limit falls below that. So the share
 * of sampled keys (the rate) always fits the number of keys there are: a small site is known whole,
 * a large one by one key in a thousand. A request of another key costs a comparison.
 *
 * Between two uses of a sampled key d other sampled keys were used, so about d / rate keys of all.
 * It stands for anything from d / rate to (d + 1) / rate, and is entered somewhere in between by a
 * sequence that fills the unit interval evenly: without, sizes below 1 / rate would all look alike.
 * What is entered is weighed at that moment, so nothing has to be scaled when the rate
 * falls later.
 *
 * Count correction, by depth (firsts.h): how many requests there were of keys not asked in a span
 * of traffic is known over sixteen times as many keys as are sampled. A sampled request weighs a
 * little more or less than 1 / rate, so that the sample's requests of its depth become as many. So
 * having or not having a hot key, or too many keys of a scan, moves little.
 *
 * With size_max the keys beyond that depth are forgotten, so traffic whose keys never return cannot
 * press the rate down for ever: it settles where the sample holds size_max keys of all.
 *
 * Invariants: a node is in the table, in the heap and in the order of use, or in none of them.
 */
#include "model/mrc.h"

#include <math.h>

#include "base/assert.h"
#include "base/histogram.h"
#include "model/firsts.h"
#include "model/recency.h"

enum {
    KEYS = NW_MODEL_MRC_KEYS,
    SLOTS = 4 * KEYS,
    DEPTHS = NW_MODEL_FIRSTS_SPANS + 1,
    COUNTED = 16,      /* keys whose requests are counted by depth, for each sampled one */
    SMOOTH = 64,       /* sampled requests that share what is owed to their depth */
    WEIGHT_UNIT = 256, /* a request's weight is entered in 1/256 */
    DIGITS = 2,        /* a bucket is at most 1 % wide */
};
#define DISTANCE_MAX (1ull << 36)
#define NONE UINT16_MAX
#define NODE_MASK ((uint64_t)KEYS - 1)
#define LIMIT_MIN                                                                                  \
    ((1ull << 40) - 1) /* of 10^11 keys one in 16 million: only bad hashes get there */

struct node {
    uint64_t hash;
    uint64_t expires_us;
    uint32_t used_at; /* a time of `firsts` */
    uint16_t heap_at;
    uint16_t next_free;
};

struct nw_model_mrc {
    struct nw_model_mrc_options options;
    uint64_t limit;         /* the largest hash in the sample, or what it may be */
    uint64_t count_limit;   /* the largest hash that is counted by depth */
    double weight;          /* keys that a sampled one stands for: 1 / rate */
    double count_weight;    /* keys that a counted one stands for */
    uint64_t depth_max;     /* sampled keys that are not deeper than size_max */
    double requests;        /* halved with the windows */
    double entered[DEPTHS]; /* weight of the sampled requests by depth */
    uint64_t never_hits;    /* weight of first uses and of uses after the time to live */
    uint64_t window_left;   /* requests until all is halved */
    uint32_t scatter;       /* the even sequence, in 2^-32 */
    uint32_t node_count;
    uint16_t free_node;
    struct nw_histogram *distances;
    struct nw_model_recency recency;
    struct nw_model_firsts firsts;
    uint64_t heap[KEYS];   /* the largest hash first, its low 13 bits replaced by the node */
    uint16_t slots[SLOTS]; /* node + 1; 0: empty */
    struct node nodes[KEYS];
};

static size_t own_bytes(void)
{
    return (sizeof(struct nw_model_mrc) + 63) & ~(size_t)63;
}

static size_t distances_bytes(void)
{
    return (nw_histogram_bytes(DIGITS, 1, DISTANCE_MAX) + 63) & ~(size_t)63;
}

size_t nw_model_mrc_bytes(void)
{
    return own_bytes() + distances_bytes() + nw_model_recency_bytes(KEYS) + nw_model_firsts_bytes();
}

double nw_model_mrc_rate(const struct nw_model_mrc *mrc)
{
    return ((double)mrc->limit + 1) * 0x1p-64;
}

/* The rate follows the limit; everything that follows the rate is worked out here, once. */
static void set_limit(struct nw_model_mrc *mrc, uint64_t limit)
{
    mrc->limit = limit;
    double rate = nw_model_mrc_rate(mrc);
    mrc->weight = 1 / rate;
    bool are_all_counted = limit > UINT64_MAX / COUNTED;
    mrc->count_limit = are_all_counted ? UINT64_MAX : limit * COUNTED;
    mrc->count_weight = are_all_counted ? 1 : mrc->weight / COUNTED;
    double depth = (double)mrc->options.size_max * rate;
    bool is_bound = mrc->options.size_max != 0 && depth < KEYS;
    mrc->depth_max = is_bound ? (uint64_t)depth : KEYS;
}

struct nw_model_mrc *nw_model_mrc_new(const struct nw_model_mrc_options *options)
{
    char *memory = nw_alloc_zero(nw_model_mrc_bytes());
    struct nw_model_mrc *mrc = (struct nw_model_mrc *)memory;
    mrc->options = *options;
    mrc->window_left = options->window_requests;
    mrc->distances = nw_histogram_init(memory + own_bytes(), DIGITS, 1, DISTANCE_MAX);
    char *rest = memory + own_bytes() + distances_bytes();
    nw_model_recency_init(&mrc->recency, KEYS, rest);
    nw_model_firsts_init(&mrc->firsts, rest + nw_model_recency_bytes(KEYS));
    for (uint16_t i = 0; i < KEYS; i++)
        mrc->nodes[i].next_free = i + 1 < KEYS ? (uint16_t)(i + 1) : NONE;
    set_limit(mrc, UINT64_MAX);
    return mrc;
}

void nw_model_mrc_free(struct nw_model_mrc *mrc)
{
    nw_free(mrc);
}

/* -- the table: open addressing over the low bits of the hash, which the limit leaves alone ---- */

static uint32_t slot_of(const struct nw_model_mrc *mrc, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash % SLOTS;
    while (mrc->slots[slot] != 0 && mrc->nodes[mrc->slots[slot] - 1].hash != hash)
        slot = (slot + 1) % SLOTS;
    return slot;
}

/* Empties a slot and moves back what its presence had pushed on. */
static void clear_slot(struct nw_model_mrc *mrc, uint32_t hole)
{
    for (uint32_t at = (hole + 1) % SLOTS; mrc->slots[at] != 0; at = (at + 1) % SLOTS) {
        uint32_t home = (uint32_t)mrc->nodes[mrc->slots[at] - 1].hash % SLOTS;
        if ((at - home) % SLOTS < (at - hole) % SLOTS)
            continue;
        mrc->slots[hole] = mrc->slots[at];
        hole = at;
    }
    mrc->slots[hole] = 0;
}

/* -- the heap ---------------------------------------------------------------------------------- */

static void heap_put(struct nw_model_mrc *mrc, uint32_t at, uint64_t entry)
{
    mrc->heap[at] = entry;
    mrc->nodes[entry & NODE_MASK].heap_at = (uint16_t)at;
}

static void heap_rise(struct nw_model_mrc *mrc, uint32_t at, uint64_t entry)
{
    while (at != 0 && mrc->heap[(at - 1) / 2] < entry) {
        heap_put(mrc, at, mrc->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(mrc, at, entry);
}

static void heap_sink(struct nw_model_mrc *mrc, uint32_t at, uint64_t entry, uint32_t count)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && mrc->heap[child + 1] > mrc->heap[child])
            child++;
        if (mrc->heap[child] < entry)
            break;
        heap_put(mrc, at, mrc->heap[child]);
    }
    heap_put(mrc, at, entry);
}

/* Takes a node out: the last one takes its place and finds its own. */
static void heap_remove(struct nw_model_mrc *mrc, uint16_t node)
{
    uint32_t at = mrc->nodes[node].heap_at, count = mrc->node_count - 1;
    uint64_t last = mrc->heap[count];
    if (at == count)
        return;
    if (at != 0 && mrc->heap[(at - 1) / 2] < last)
        heap_rise(mrc, at, last);
    else
        heap_sink(mrc, at, last, count);
}

/* -- the sample -------------------------------------------------------------------------------- */

static void remove_node(struct nw_model_mrc *mrc, uint16_t node)
{
    clear_slot(mrc, slot_of(mrc, mrc->nodes[node].hash));
    heap_remove(mrc, node);
    nw_model_recency_forget(&mrc->recency, node);
    mrc->nodes[node].next_free = mrc->free_node;
    mrc->free_node = node;
    mrc->node_count--;
}

/* From now on only hashes below this one are sampled, its low bits aside. */
static void lower_limit(struct nw_model_mrc *mrc, uint64_t hash)
{
    uint64_t bound = hash & ~NODE_MASK;
    set_limit(mrc, bound > LIMIT_MIN ? bound - 1 : LIMIT_MIN);
}

/* Enters a new key; NONE when it is itself the largest of too many. */
static uint16_t insert_node(struct nw_model_mrc *mrc, uint64_t hash)
{
    if (mrc->node_count == KEYS) {
        uint64_t largest = mrc->heap[0];
        if ((hash & ~NODE_MASK) >= (largest & ~NODE_MASK)) {
            lower_limit(mrc, hash);
            return NONE;
        }
        remove_node(mrc, (uint16_t)(largest & NODE_MASK));
        lower_limit(mrc, largest);
    }
    uint16_t node = mrc->free_node;
    mrc->free_node = mrc->nodes[node].next_free;
    mrc->nodes[node].hash = hash;
    mrc->slots[slot_of(mrc, hash)] = (uint16_t)(node + 1);
    heap_rise(mrc, mrc->node_count++, (hash & ~NODE_MASK) | node);
    return node;
}

/* Enters a request of this depth: 1 / rate of them, and a part of what the depth is owed. */
static double weight_of(struct nw_model_mrc *mrc, int depth)
{
    double all = depth == 0 ? mrc->requests : nw_model_firsts_at_least(&mrc->firsts, depth);
    double owed = all - nw_model_firsts_at_least(&mrc->firsts, depth + 1) - mrc->entered[depth];
    double weight = mrc->weight + (owed - mrc->weight) / SMOOTH;
    return weight > 1 ? weight : 1;
}

/* Counts a use of a sampled key by its depth; returns the weight to enter it with. */
static double count_use(struct nw_model_mrc *mrc, struct node *node, bool is_known)
{
    int depth = is_known ? nw_model_firsts_depth(&mrc->firsts, node->used_at) : DEPTHS - 1;
    bool is_whole = mrc->limit == UINT64_MAX;
    node->used_at = is_whole ? 0 : mrc->firsts.now;
    if (!is_whole)
        nw_model_firsts_use_known(&mrc->firsts, node->hash, depth, mrc->count_weight);
    else
        depth = 0;
    double weight = is_whole ? 1 : weight_of(mrc, depth);
    mrc->entered[depth] += weight;
    return weight;
}

/* d others of the sample were used in between: a place between d / rate and (d + 1) / rate. */
static void record(struct nw_model_mrc *mrc, uint32_t younger, uint64_t weight)
{
    mrc->scatter += 0x9e3779b9u; /* 2^32 over the golden ratio */
    uint64_t place = ((uint64_t)younger << 32) + mrc->scatter;
    double distance = (double)place * 0x1p-32 * mrc->weight;
    distance = distance < DISTANCE_MAX ? distance : DISTANCE_MAX;
    mrc->distances->counts[nw_histogram_index(mrc->distances, (uint64_t)distance)] += weight;
}

static void forget_oldest(struct nw_model_mrc *mrc)
{
    uint16_t node = (uint16_t)nw_model_recency_oldest(&mrc->recency);
    nw_model_firsts_forget(&mrc->firsts, mrc->nodes[node].used_at);
    remove_node(mrc, node);
}

/* False when the key is not, or no more, in the sample. */
static bool add_sampled(struct nw_model_mrc *mrc, uint64_t hash, uint64_t now_us, uint64_t ttl_us)
{
    uint16_t known = mrc->slots[slot_of(mrc, hash)], node = (uint16_t)(known - 1);
    if (known == 0)
        node = insert_node(mrc, hash);
    if (node == NONE)
        return false;
    struct node *at = &mrc->nodes[node];
    uint64_t weight = (uint64_t)(count_use(mrc, at, known != 0) * WEIGHT_UNIT);
    if (known != 0 && now_us < at->expires_us) {
        record(mrc, nw_model_recency_younger(&mrc->recency, node), weight);
    } else {
        bool is_for_ever = ttl_us == 0 || ttl_us > UINT64_MAX - now_us;
        at->expires_us = is_for_ever ? UINT64_MAX : now_us + ttl_us;
        mrc->never_hits += weight;
    }
    nw_model_recency_use(&mrc->recency, node);
    while (mrc->node_count > mrc->depth_max && mrc->node_count > 1)
        forget_oldest(mrc);
    return true;
}

NW_NOINLINE static void add_counted(struct nw_model_mrc *mrc, uint64_t hash, uint64_t now_us,
                                    uint64_t ttl_us)
{
    if (hash > mrc->limit || !add_sampled(mrc, hash, now_us, ttl_us))
        nw_model_firsts_use(&mrc->firsts, hash, mrc->count_weight);
}

static void halve(struct nw_model_mrc *mrc)
{
    mrc->window_left = mrc->options.window_requests;
    mrc->requests /= 2;
    mrc->never_hits /= 2;
    nw_model_firsts_halve(&mrc->firsts);
    for (int i = 0; i < DEPTHS; i++)
        mrc->entered[i] /= 2;
    for (uint32_t i = 0; i < mrc->distances->bucket_count; i++)
        mrc->distances->counts[i] /= 2;
}

void nw_model_mrc_add(struct nw_model_mrc *mrc, uint64_t hash, uint64_t now_us, uint64_t ttl_us)
{
    mrc->requests++;
    if (hash <= mrc->count_limit)
        add_counted(mrc, hash, now_us, ttl_us);
    if (mrc->window_left != 0 && --mrc->window_left == 0)
        halve(mrc);
}

/* Weight of the distances that a bucket has below `size`; a part of it in proportion. */
static double part_below(const struct nw_histogram_bucket *bucket, uint64_t size)
{
    double width = (double)(bucket->high - bucket->low) + 1;
    double below = size > bucket->low ? (double)(size - bucket->low) : 0;
    return (double)bucket->count * (below < width ? below / width : 1);
}

void nw_model_mrc_miss_ratios(const struct nw_model_mrc *mrc, const uint64_t *sizes, size_t count,
                              double *out_ratios)
{
    double all = (double)mrc->never_hits, hits = 0;
    struct nw_histogram_bucket bucket;
    for (bool is_started = false; nw_histogram_next(mrc->distances, &is_started, &bucket);)
        all += (double)bucket.count;
    bool is_started = false, has_bucket = nw_histogram_next(mrc->distances, &is_started, &bucket);
    for (size_t i = 0; i < count; i++) {
        for (; has_bucket && bucket.high < sizes[i];
             has_bucket = nw_histogram_next(mrc->distances, &is_started, &bucket))
            hits += (double)bucket.count;
        double misses = all - hits - (has_bucket ? part_below(&bucket, sizes[i]) : 0);
        double ratio = mrc->requests != 0 ? misses / WEIGHT_UNIT / mrc->requests : 1;
        out_ratios[i] = ratio < 0 ? 0 : ratio > 1 ? 1 : ratio;
    }
}
