/*
 * section.h - what a part of newel says about itself, so that conf and cmd know no part by name.
 *
 * `cmd` hands the loader an array of sections in layer order. check and build are pure: they read
 * the checked options and make the part's own view of them, beside the running one. Then, in one
 * fiber on worker 0, a reload admits (may refuse, located), adopts (carries over what has the same
 * identity), swaps the generation pointer, starts what is new and drains what is gone.
 *
 * Owner:   sections are the caller's; what build hands out belongs to the generation until drop
 * Threads: check and build run off the workers; the others in one fiber on worker 0
 */
#ifndef NW_CONF_SECTION_H
#define NW_CONF_SECTION_H

#include "base/diag.h"
#include "base/text.h"
#include "conf/conf.h"

#define NW_CONF_SECTION_MAX 16

struct nw_generation;

/* Every member but name may be NULL: nothing to do. `self` is the part's own process-wide state. */
struct nw_section {
    const char *name;
    void *self;
    /* What the options mean to this part only; adds to diag. */
    void (*check)(void *self, const struct nw_conf *conf, struct nw_diag *diag);
    /* The part's own form of the configuration, NULL when it needs none. */
    nw_err (*build)(void *self, struct nw_generation *generation, struct nw_diag *diag,
                    void **out_part);
    /* Frees what build made beyond the generation's arena. Runs on the thread of the last unref. */
    void (*drop)(void *self, void *part);
    /* May refuse the whole reload, with a located error. old is NULL at start. */
    NW_YIELDS nw_err (*admit)(void *self, const struct nw_generation *old,
                              const struct nw_generation *next, struct nw_diag *diag);
    /* Carries over peers, health, limits by identity. Cannot fail. old is NULL at start. */
    NW_YIELDS void (*adopt)(void *self, const struct nw_generation *old,
                            struct nw_generation *next);
    /* The new generation serves now: begin what it needs. */
    NW_YIELDS void (*start)(void *self, struct nw_generation *next);
    /* The old generation gets no new work: end what only it needs. */
    NW_YIELDS void (*drain)(void *self, struct nw_generation *old);
    /* The process ends. */
    NW_YIELDS void (*stop)(void *self);
    /* Not ready: adds to why what it waits for, as words. */
    bool (*is_ready)(void *self, struct nw_text *why);
    /* One JSON value that describes the part. */
    void (*status)(void *self, struct nw_text *out);
};

/* In layer order. At most NW_CONF_SECTION_MAX. */
struct nw_sections {
    const struct nw_section *items;
    size_t count;
};

#endif
