/*
 * planted.h - faults planted on purpose, to show that a check catches them.
 *
 * `if (NW_PLANTED(name)) do_it_wrong();` is a constant false, and no code, in every build but one
 * made with -DNW_TEST_BUILD=1; there it is true once nw_planted_init was given the name. The names
 * are the rows of planted.def.
 *
 * Owner:   the set is the one process-wide state of test builds
 * Threads: init before any other thread starts; asking from anywhere
 */
#ifndef NW_BASE_PLANTED_H
#define NW_BASE_PLANTED_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"

typedef enum nw_plant {
#define NW_PLANT(name, what) NW_PLANT_##name,
#include "base/planted.def"
#undef NW_PLANT
    NW_PLANT_COUNT
} nw_plant;

#if defined(NW_TEST_BUILD) && NW_TEST_BUILD
#define NW_PLANTED(name) nw_planted_is_on(NW_PLANT_##name)
#else
#define NW_PLANTED(name) ((void)NW_PLANT_##name, false)
#endif

/*
 * Makes the set exactly the names in `list` ("a,b"; NULL or "" for none). NW_NOT_FOUND for an
 * unknown name, and for any name in a build that has no faults: nothing is planted then.
 */
NW_MUST_CHECK nw_err nw_planted_init(const char *list);
bool nw_planted_is_on(nw_plant plant);
const char *nw_planted_name(nw_plant plant);
/* A sentence on what the fault does. */
const char *nw_planted_what(nw_plant plant);

#endif
