/*
 * generation.h - one loaded configuration, immutable, shared by counted references.
 *
 * Owner:   counted; the last unref drops every section's part, then the arena
 * Threads: load on any thread; ref and unref on any thread; the content is read-only
 */
#ifndef NW_CONF_GENERATION_H
#define NW_CONF_GENERATION_H

#include "conf/section.h"

struct nw_generation {
    uint64_t number; /* 1 for the first; the caller counts */
    struct nw_arena arena;
    struct nw_secrets secrets; /* of the configuration */
    const struct nw_conf *conf;
    struct nw_sections sections;
    void *parts[NW_CONF_SECTION_MAX]; /* what each section built */
    uint32_t refs;                    /* atomic */
};

/*
 * Text to generation: parse, check, build; pure but for `outside`. Warnings may be in diag on
 * success; on NW_INVALID it holds every mistake that was found. The caller gets one reference.
 */
NW_MUST_CHECK nw_err nw_conf_load(struct nw_slice text, const char *file,
                                  const struct nw_conf_outside *outside,
                                  const struct nw_sections *sections, uint64_t number,
                                  struct nw_diag *diag, struct nw_generation **out);

struct nw_generation *nw_generation_ref(struct nw_generation *generation);
void nw_generation_unref(struct nw_generation *generation);
/* What the section of that name built, or NULL. */
void *nw_generation_part(const struct nw_generation *generation, const char *section);

/*
 * Puts `next` in the place of `old` (NULL at start): refuses what cannot be reloaded, asks every
 * section to admit, lets all adopt, calls swap (which publishes next to the workers), then starts
 * in layer order and drains in reverse. On an error nothing has changed. References stay the
 * caller's.
 */
NW_MUST_CHECK NW_YIELDS nw_err nw_generation_switch(struct nw_generation *old,
                                                    struct nw_generation *next,
                                                    void (*swap)(void *arg,
                                                                 struct nw_generation *next),
                                                    void *arg, struct nw_diag *diag);
/* Stops every section, in reverse layer order. */
NW_YIELDS void nw_sections_stop(const struct nw_sections *sections);
/* Are all ready? What the first that is not waits for is added to why. */
bool nw_sections_are_ready(const struct nw_sections *sections, struct nw_text *why);

#endif
