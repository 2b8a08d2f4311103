/*
 * A configuration is loaded beside the running one and shared by counting. The pieces of a load are
 * in other files; here is their order, and the order in which sections are asked.
 *
 * Nothing before the swap may change anything outside the new generation: a load that fails, or a
 * section that refuses, leaves no trace but its messages. Nothing after the swap may fail.
 */
#include "conf/generation.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "conf/parse.h"

/* A file has at most 8 MiB and half a million values; no honest one comes near this. */
#define ARENA_MAX_BYTES ((size_t)8 << 30)

/* `state` comes from the service manager where the file does not say. */
static void choose_state(struct nw_conf_reader *reader, struct nw_conf *conf)
{
    const struct nw_conf_outside *outside = reader->outside;
    if (conf->state.len > 0)
        return;
    const char *state =
        outside->env != NULL ? outside->env(outside->arg, "STATE_DIRECTORY") : NULL;
    struct nw_slice text = nw_slice_str(state != NULL && state[0] != '\0' ? state : "./newel-data");
    text = nw_slice_first(text, nw_slice_find(text, ':')); /* systemd may list several */
    conf->state = nw_slice_of(nw_arena_string(reader->arena, text), text.len);
}

/* Everything that the text alone decides. */
static struct nw_conf *read_text(struct nw_conf_reader *reader, struct nw_slice text)
{
    struct nw_conf_tree *tree;
    nw_err err = nw_conf_tree_parse(text, reader->file, reader->tables->first_line, reader->arena,
                                    reader->diag, &tree);
    struct nw_conf *conf = nw_arena_zero(reader->arena, sizeof *conf);
    if (tree == NULL) {
        NW_ASSERT(err != NW_OK);
        return conf;
    }
    nw_conf_parse(reader, tree, conf);
    conf->file = reader->file;
    nw_conf_groups(reader, conf);
    nw_conf_check(reader, conf);
    choose_state(reader, conf);
    if (reader->unshown_count > 0)
        nw_diag_error(reader->diag, "%zu more mistakes are not shown", reader->unshown_count);
    return conf;
}

/* All of them, whatever one says, so that every mistake is found; the first error is returned. */
static nw_err build_parts(struct nw_generation *generation, struct nw_diag *diag)
{
    nw_err first = NW_OK;
    for (size_t i = 0; i < generation->sections.count; i++) {
        const struct nw_section *section = &generation->sections.items[i];
        nw_err err = section->build == NULL
                         ? NW_OK
                         : section->build(section->self, generation, diag, &generation->parts[i]);
        if (first == NW_OK)
            first = err;
    }
    return first;
}

static nw_err load(struct nw_generation *generation, struct nw_slice text, const char *file,
                   const struct nw_conf_outside *outside, struct nw_diag *diag)
{
    size_t error_count = diag->error_count;
    struct nw_conf_reader reader = {
        .tables = &nw_conf_newel_tables,
        .file = nw_arena_string(&generation->arena, nw_slice_str(file)),
        .outside = outside,
        .arena = &generation->arena,
        .diag = diag,
        .secrets = &generation->secrets,
    };
    generation->conf = read_text(&reader, text);
    if (generation->conf->file == NULL)
        return NW_INVALID;
    for (size_t i = 0; i < generation->sections.count; i++)
        if (generation->sections.items[i].check != NULL)
            generation->sections.items[i].check(generation->sections.items[i].self,
                                                generation->conf, diag);
    if (diag->error_count != error_count)
        return NW_INVALID;
    NW_TRY(build_parts(generation, diag));
    return diag->error_count == error_count ? NW_OK : NW_INVALID;
}

nw_err nw_conf_load(struct nw_slice text, const char *file, const struct nw_conf_outside *outside,
                    const struct nw_sections *sections, uint64_t number, struct nw_diag *diag,
                    struct nw_generation **out)
{
    static const struct nw_conf_outside nothing = {0};
    struct nw_generation *generation = nw_alloc_zero(sizeof *generation);
    generation->number = number;
    generation->refs = 1;
    if (sections != NULL)
        generation->sections = *sections;
    NW_ASSERT(generation->sections.count <= NW_CONF_SECTION_MAX);
    nw_arena_init(&generation->arena, NULL, 0, ARENA_MAX_BYTES);
    nw_err err = load(generation, text, file, outside != NULL ? outside : &nothing, diag);
    if (err == NW_OK)
        *out = generation;
    else
        nw_generation_unref(generation);
    return err;
}

struct nw_generation *nw_generation_ref(struct nw_generation *generation)
{
    uint32_t before = __atomic_fetch_add(&generation->refs, 1, __ATOMIC_RELAXED);
    NW_ASSERT(before > 0);
    return generation;
}

void nw_generation_unref(struct nw_generation *generation)
{
    if (generation == NULL)
        return;
    uint32_t before = __atomic_fetch_sub(&generation->refs, 1, __ATOMIC_ACQ_REL);
    NW_ASSERT(before > 0);
    if (before > 1)
        return;
    for (size_t i = generation->sections.count; i-- > 0;) {
        const struct nw_section *section = &generation->sections.items[i];
        if (section->drop != NULL && generation->parts[i] != NULL)
            section->drop(section->self, generation->parts[i]);
    }
    nw_secrets_free(&generation->secrets);
    nw_arena_done(&generation->arena);
    nw_free(generation);
}

void *nw_generation_part(const struct nw_generation *generation, const char *section)
{
    for (size_t i = 0; i < generation->sections.count; i++)
        if (strcmp(generation->sections.items[i].name, section) == 0)
            return generation->parts[i];
    return NULL;
}

NW_YIELDS static nw_err admit_all(const struct nw_generation *old,
                                  const struct nw_generation *next, struct nw_diag *diag)
{
    nw_err err = old != NULL ? nw_conf_not_reloadable(old->conf, next->conf, diag) : NW_OK;
    for (size_t i = 0; i < next->sections.count; i++) {
        const struct nw_section *section = &next->sections.items[i];
        nw_err answer =
            section->admit != NULL ? section->admit(section->self, old, next, diag) : NW_OK;
        if (err == NW_OK)
            err = answer;
    }
    return err;
}

nw_err nw_generation_switch(struct nw_generation *old, struct nw_generation *next,
                            void (*swap)(void *arg, struct nw_generation *next), void *arg,
                            struct nw_diag *diag)
{
    const struct nw_section *items = next->sections.items;
    NW_TRY(admit_all(old, next, diag));
    for (size_t i = 0; i < next->sections.count; i++)
        if (items[i].adopt != NULL)
            items[i].adopt(items[i].self, old, next);
    swap(arg, next);
    for (size_t i = 0; i < next->sections.count; i++)
        if (items[i].start != NULL)
            items[i].start(items[i].self, next);
    for (size_t i = old != NULL ? old->sections.count : 0; i-- > 0;)
        if (old->sections.items[i].drain != NULL)
            old->sections.items[i].drain(old->sections.items[i].self, old);
    return NW_OK;
}

void nw_sections_stop(const struct nw_sections *sections)
{
    for (size_t i = sections->count; i-- > 0;)
        if (sections->items[i].stop != NULL)
            sections->items[i].stop(sections->items[i].self);
}

bool nw_sections_are_ready(const struct nw_sections *sections, struct nw_text *why)
{
    for (size_t i = 0; i < sections->count; i++)
        if (sections->items[i].is_ready != NULL &&
            !sections->items[i].is_ready(sections->items[i].self, why))
            return false;
    return true;
}
