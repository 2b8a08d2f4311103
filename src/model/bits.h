/*
 * bits.h - how many bits of a word are set.
 *
 * Without the processor's own instruction, which not every x86-64 has and the compiler therefore
 * replaces by a call.
 *
 * Owner:   nothing
 * Threads: stateless
 */
#ifndef NW_MODEL_BITS_H
#define NW_MODEL_BITS_H

#include "base/compiler.h"

static inline uint32_t nw_model_bits_set(uint64_t word)
{
    word -= (word >> 1) & 0x5555555555555555ull;
    word = (word & 0x3333333333333333ull) + ((word >> 2) & 0x3333333333333333ull);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (uint32_t)((word * 0x0101010101010101ull) >> 56);
}

#endif
