/*
 * One flat table of 16-byte slots, key and number side by side, probed in line: a lookup is one
 * cache miss, and a trace of millions of keys is made of little else. Two arrays, or slots that
 * point into an array of keys, would save a third of the memory and cost a second miss.
 *
 * Strings are not kept. Nothing asks for them again, and a fingerprint makes the memory of a table
 * depend on the number of keys alone, which is what lets a trace be refused before it is read. It
 * is keyed, so a trace made by somebody else cannot aim two keys at one fingerprint, nor many at
 * one slot.
 *
 * Invariant: at most 3 of 4 slots are taken; both tables of a growth together stay in the bound.
 */
#include "model/keytable.h"

#include "base/assert.h"

enum { SLOTS_MIN = 64 };

struct slot {
    uint64_t key;
    uint64_t number; /* id + 1; 0: empty */
};

struct nw_model_keytable {
    struct nw_hash_key hash_key;
    struct slot *slots;
    uint64_t slot_count; /* a power of two, or 0 */
    uint64_t count;
    uint64_t memory_max_bytes;
};

/* Where a key's search begins: both halves of a product that nobody outside can steer. */
static uint64_t home_of(const struct nw_model_keytable *table, uint64_t key)
{
    unsigned __int128 product =
        (unsigned __int128)(key ^ table->hash_key.k0) * (table->hash_key.k1 | 1);
    return ((uint64_t)(product >> 64) ^ (uint64_t)product) & (table->slot_count - 1);
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct slot *find(const struct nw_model_keytable *table, uint64_t key)
{
    uint64_t at = home_of(table, key);
    while (table->slots[at].number != 0 && table->slots[at].key != key)
        at = (at + 1) & (table->slot_count - 1);
    return &table->slots[at];
}

/* The smallest table for so many keys. */
static uint64_t slots_for(uint64_t key_count)
{
    uint64_t slots = SLOTS_MIN;
    while (slots / 4 * 3 < key_count)
        slots *= 2;
    return slots;
}

static nw_err grow(struct nw_model_keytable *table)
{
    uint64_t wider = table->slot_count != 0 ? table->slot_count * 2 : SLOTS_MIN;
    uint64_t both = (wider + table->slot_count) * sizeof(struct slot);
    if (sizeof *table + both > table->memory_max_bytes)
        return NW_NO_MEMORY;
    struct slot *old = table->slots;
    uint64_t old_count = table->slot_count;
    table->slots = nw_alloc_array(wider, sizeof *table->slots);
    table->slot_count = wider;
    for (uint64_t i = 0; i < old_count; i++)
        if (old[i].number != 0)
            *find(table, old[i].key) = old[i];
    nw_free(old);
    return NW_OK;
}

uint64_t nw_model_keytable_bytes_for(uint64_t key_count)
{
    if (key_count > NW_MODEL_KEYS_MAX)
        return UINT64_MAX;
    uint64_t slots = slots_for(key_count);
    uint64_t outgrown = slots > SLOTS_MIN ? slots / 2 : 0;
    return sizeof(struct nw_model_keytable) + (slots + outgrown) * sizeof(struct slot);
}

struct nw_model_keytable *nw_model_keytable_new(struct nw_hash_key key, uint64_t memory_max_bytes)
{
    struct nw_model_keytable *table = nw_alloc_zero(sizeof *table);
    table->hash_key = key;
    table->memory_max_bytes = memory_max_bytes;
    return table;
}

void nw_model_keytable_free(struct nw_model_keytable *table)
{
    if (table == NULL)
        return;
    nw_free(table->slots);
    nw_free(table);
}

nw_err nw_model_keytable_intern_u64(struct nw_model_keytable *table, uint64_t key, uint32_t *out_id)
{
    struct slot *slot = table->slot_count != 0 ? find(table, key) : NULL;
    if (slot == NULL || slot->number == 0) {
        if (table->count == NW_MODEL_KEYS_MAX)
            return NW_NO_MEMORY;
        if (table->count >= table->slot_count / 4 * 3) {
            NW_TRY(grow(table));
            slot = find(table, key);
        }
        slot->key = key;
        slot->number = ++table->count;
    }
    *out_id = (uint32_t)(slot->number - 1);
    return NW_OK;
}

nw_err nw_model_keytable_intern(struct nw_model_keytable *table, struct nw_slice key,
                                uint32_t *out_id)
{
    return nw_model_keytable_intern_u64(table, nw_hash_sip13(&table->hash_key, key), out_id);
}

uint32_t nw_model_keytable_count(const struct nw_model_keytable *table)
{
    return (uint32_t)table->count;
}

uint64_t nw_model_keytable_bytes(const struct nw_model_keytable *table)
{
    return sizeof *table + table->slot_count * sizeof(struct slot);
}
