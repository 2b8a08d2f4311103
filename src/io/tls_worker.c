/*
 * What a worker keeps for its TLS sessions.
 *
 * OpenSSL 3.0 puts its fetched algorithms, providers and random generators behind the locks of a
 * library context, and a handshake takes them hundreds of times. One context per worker means that
 * nobody ever waits for them (docs/decisions: library context per worker).
 *
 * The objects of tls.h are made and dropped by any thread, the parsed forms belong to workers. The
 * link between them is a small counted `life`: the object marks it when it goes, and a worker drops
 * what it made of gone objects when it next makes something. So no thread ever touches another's
 * library context, and a reload leaves nothing behind for longer than until the next one.
 *
 * In a simulation OpenSSL's chance comes from the worker's seeded generator, by a provider of a
 * dozen lines: the same seed gives the same handshakes.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/fiber.h"
#include "io/tls_impl.h"

enum { SWEEP_FEW = 64 };

/* ---- lives ---- */

struct nw_tls_life *nw_tls_life_new(void)
{
    struct nw_tls_life *life = nw_alloc_zero(sizeof *life);
    atomic_init(&life->refs, 1);
    return life;
}

static void life_unref(struct nw_tls_life *life)
{
    if (atomic_fetch_sub_explicit(&life->refs, 1, memory_order_acq_rel) == 1)
        nw_free(life);
}

void nw_tls_life_end(struct nw_tls_life *life)
{
    atomic_store_explicit(&life->is_gone, true, memory_order_release);
    life_unref(life);
}

/* ---- what was made of objects ---- */

static struct nw_slice key_of(const struct nw_tls_life *const *life)
{
    return nw_slice_of((const char *)life, sizeof *life);
}

struct nw_tls_made *nw_tls_made_get(const struct nw_tls_life *life)
{
    return nw_map_get(&nw_tls_worker()->made, key_of(&life));
}

unsigned nw_tls_made_count(void)
{
    return (unsigned)nw_map_count(&nw_tls_worker()->made);
}

static void made_drop(struct nw_tls_worker *worker, bool also_living)
{
    size_t cursor = 0;
    const struct nw_map_entry *entry;
    while ((entry = nw_map_next(&worker->made, &cursor)) != NULL) {
        struct nw_tls_made *made = entry->value;
        struct nw_tls_life *life = made->life;
        if (!also_living && !atomic_load_explicit(&life->is_gone, memory_order_acquire))
            continue;
        const struct nw_tls_life *key = life;
        (void)nw_map_remove(&worker->made, key_of(&key));
        made->free(made);
        life_unref(life);
    }
}

void nw_tls_made_put(struct nw_tls_life *life, struct nw_tls_made *take_made)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    if (nw_map_count(&worker->made) >= worker->sweep_at) {
        made_drop(worker, false);
        size_t count = nw_map_count(&worker->made);
        worker->sweep_at = count < SWEEP_FEW ? 0 : 2 * count; /* a thousand names: not each time */
    }
    take_made->life = life;
    atomic_fetch_add_explicit(&life->refs, 1, memory_order_relaxed);
    const struct nw_tls_life *key = life;
    void *before = nw_map_put(&worker->made, key_of(&key), take_made);
    NW_ASSERT(before == NULL);
}

/* ---- chance, in simulations ---- */

static void *chance_new(void *provider, void *parent, const OSSL_DISPATCH *parent_calls)
{
    (void)parent, (void)parent_calls;
    return provider;
}

static void chance_free(void *chance)
{
    (void)chance;
}

static int chance_start(void *chance, unsigned strength, int is_resistant,
                        const unsigned char *personal, size_t personal_bytes,
                        const OSSL_PARAM params[])
{
    (void)chance, (void)strength, (void)is_resistant;
    (void)personal, (void)personal_bytes, (void)params;
    return 1;
}

static int chance_stop(void *chance)
{
    (void)chance;
    return 1;
}

static int chance_draw(void *chance, unsigned char *out, size_t bytes, unsigned strength,
                       int is_resistant, const unsigned char *more, size_t more_bytes)
{
    (void)strength, (void)is_resistant, (void)more, (void)more_bytes;
    struct nw_rng *rng = chance;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(nw_rng_next(rng) >> 32);
    return 1;
}

static int chance_lock(void *chance)
{
    (void)chance;
    return 1;
}

static void chance_unlock(void *chance)
{
    (void)chance;
}

static const OSSL_PARAM *chance_gettable(void *chance, void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, NULL),
        OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, NULL),
        OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, NULL),
        OSSL_PARAM_END,
    };
    (void)chance, (void)provider;
    return params;
}

static int chance_get(void *chance, OSSL_PARAM params[])
{
    (void)chance;
    OSSL_PARAM *at = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
    if (at != NULL && !OSSL_PARAM_set_int(at, EVP_RAND_STATE_READY))
        return 0;
    at = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    if (at != NULL && !OSSL_PARAM_set_uint(at, 256))
        return 0;
    at = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    return at == NULL || OSSL_PARAM_set_size_t(at, INT32_MAX);
}

static const OSSL_ALGORITHM *chance_query(void *provider, int operation, int *no_cache)
{
    static const OSSL_DISPATCH calls[] = {
        {OSSL_FUNC_RAND_NEWCTX, (void (*)(void))chance_new},
        {OSSL_FUNC_RAND_FREECTX, (void (*)(void))chance_free},
        {OSSL_FUNC_RAND_INSTANTIATE, (void (*)(void))chance_start},
        {OSSL_FUNC_RAND_UNINSTANTIATE, (void (*)(void))chance_stop},
        {OSSL_FUNC_RAND_GENERATE, (void (*)(void))chance_draw},
        {OSSL_FUNC_RAND_ENABLE_LOCKING, (void (*)(void))chance_lock},
        {OSSL_FUNC_RAND_LOCK, (void (*)(void))chance_lock},
        {OSSL_FUNC_RAND_UNLOCK, (void (*)(void))chance_unlock},
        {OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, (void (*)(void))chance_gettable},
        {OSSL_FUNC_RAND_GET_CTX_PARAMS, (void (*)(void))chance_get},
        {0, NULL},
    };
    static const OSSL_ALGORITHM algorithms[] = {
        {"NEWEL-CHANCE", "provider=newel", calls, "seeded chance of a simulation"},
        {NULL, NULL, NULL, NULL},
    };
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_RAND ? algorithms : NULL;
}

static int chance_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                       const OSSL_DISPATCH **out, void **out_provider)
{
    static const OSSL_DISPATCH calls[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))chance_query},
        {0, NULL},
    };
    (void)handle, (void)core;
    *out = calls;
    *out_provider = &nw_tls_worker()->rng;
    return 1;
}

static void chance_install(struct nw_tls_worker *worker)
{
    nw_rng_split(nw_worker_rng(nw_worker_self()), "tls", &worker->rng);
    NW_ASSERT(OSSL_PROVIDER_add_builtin(worker->lib, "newel", chance_init) == 1);
    worker->providers[1] = OSSL_PROVIDER_load(worker->lib, "newel");
    NW_ASSERT(worker->providers[1] != NULL);
    NW_ASSERT(RAND_set_DRBG_type(worker->lib, "NEWEL-CHANCE", NULL, NULL, NULL) == 1);
}

/* ---- the worker's state ---- */

static void worker_free(void *state)
{
    struct nw_tls_worker *worker = state;
    nw_tls_client_sessions_free(worker);
    made_drop(worker, true);
    nw_map_done(&worker->made);
    nw_tls_counters_free(worker);
    while (worker->spare_outs != NULL) {
        struct nw_tls_out *out = worker->spare_outs;
        worker->spare_outs = out->next_spare;
        nw_free(out);
    }
    BIO_free(worker->bio);
    BIO_meth_free(worker->bio_method);
    for (unsigned i = NW_COUNT(worker->providers); i-- > 0;)
        if (worker->providers[i] != NULL)
            OSSL_PROVIDER_unload(worker->providers[i]);
    OSSL_LIB_CTX_free(worker->lib);
    nw_free(worker);
}

static void signers_run(struct nw_turn_node *node);

/* Deep, and it may take a millisecond: once per worker. */
static void worker_make(void *arg)
{
    struct nw_part *part = arg;
    struct nw_tls_worker *worker = nw_alloc_zero(sizeof *worker);
    part->state = worker;
    part->free = worker_free;
    nw_list_init(&worker->signers);
    nw_list_init(&worker->signers_node.node);
    nw_list_init(&worker->sessions);
    nw_list_init(&worker->warm);
    worker->signers_node.run = signers_run;
    nw_map_init(&worker->made, (struct nw_hash_key){0, 0});
    worker->lib = OSSL_LIB_CTX_new();
    NW_ASSERT(worker->lib != NULL);
    worker->providers[0] = OSSL_PROVIDER_load(worker->lib, "default");
    NW_ASSERT(worker->providers[0] != NULL);
    if (nw_worker_self()->backend->is_simulated)
        chance_install(worker);
    worker->bio_method = nw_tls_bio_method_new();
    worker->bio = BIO_new(worker->bio_method);
    NW_ASSERT(worker->bio != NULL);
    BIO_set_data(worker->bio, worker);
}

struct nw_tls_worker *nw_tls_worker(void)
{
    struct nw_part *part = &nw_worker_self()->parts[NW_IO_PART_TLS];
    if (NW_UNLIKELY(part->state == NULL))
        nw_run_on_big_stack(worker_make, part);
    return part->state;
}

/* ---- signatures per turn ---- */

/* At the turn's end: those who waited go first in the next. */
static void signers_run(struct nw_turn_node *node)
{
    struct nw_tls_worker *worker = NW_CONTAINER_OF(node, struct nw_tls_worker, signers_node);
    unsigned count = 0;
    while (count < NW_TLS_SIGNED_PER_TURN && !nw_list_is_empty(&worker->signers)) {
        struct nw_waiter *waiter =
            NW_CONTAINER_OF(nw_list_pop_front(&worker->signers), struct nw_waiter, node);
        waiter->is_woken = true; /* out of the list, whoever ends its wait */
        count += nw_fiber_wake(waiter->fiber);
    }
    worker->signed_turn = nw_worker_turns(nw_worker_self()) + 1;
    worker->signed_count = count;
    if (!nw_list_is_empty(&worker->signers))
        nw_loop_at_rest(nw_worker_self(), node);
}

nw_err nw_tls_turn_take(void)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    uint64_t turn = nw_worker_turns(nw_worker_self());
    if (worker->signed_turn < turn) {
        worker->signed_turn = turn;
        worker->signed_count = 0;
    }
    if (worker->signed_count < NW_TLS_SIGNED_PER_TURN) {
        worker->signed_count++;
        return NW_OK;
    }
    struct nw_waiter waiter = {.fiber = nw_fiber_self()};
    nw_list_push_back(&worker->signers, &waiter.node);
    nw_loop_at_rest(nw_worker_self(), &worker->signers_node);
    nw_err err = nw_fiber_wait(NULL);
    if (!waiter.is_woken)
        nw_list_remove(&waiter.node);
    return err;
}

void nw_tls_turn_give(void)
{
    struct nw_tls_worker *worker = nw_tls_worker();
    if (worker->signed_turn == nw_worker_turns(nw_worker_self()) && worker->signed_count > 0)
        worker->signed_count--;
}
