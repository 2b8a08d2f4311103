/*
 * What belongs to an exchange whoever carries it: its own answer fields and its notes for the log.
 */
#include "http/exchange.h"

/* Appends by copying both: at most a handful of short texts for each exchange. */
static nw_err append(struct nw_arena *arena, struct nw_slice *to, const char *before,
                     const char *name, const char *between, struct nw_slice value,
                     const char *behind)
{
    struct nw_slice all =
        nw_arena_printf(arena, "%.*s%s%s%s%.*s%s", NW_SLICE_ARG(*to), before,
                        name, between, NW_SLICE_ARG(value), behind);
    if (all.ptr == NULL)
        return NW_NO_MEMORY;
    *to = all;
    return NW_OK;
}

void nw_exchange_note(struct nw_exchange *exchange, const char *key, struct nw_slice value)
{
    nw_err err = append(exchange->arena, &exchange->notes, " ", key, "=", value, "");
    (void)err; /* a note that does not fit is left out */
}

nw_err nw_exchange_answer_field(struct nw_exchange *exchange, const char *name,
                                struct nw_slice value)
{
    return append(exchange->arena, &exchange->answer_lines, "", name, ": ", value, "\r\n");
}
