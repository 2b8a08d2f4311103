/*
 * A list of what must not pass, because new trailers (grpc-status, digests, timings) are what
 * trailers are for, and what would do harm there is old and known: whatever a recipient might
 * merge into a head by mistake.
 */
#include "gate/trailers.h"

#include <string.h>

static const struct nw_slice barred[] = {
    /* framing and the connection */
    NW_SLICE_LIT("transfer-encoding"), NW_SLICE_LIT("content-length"), NW_SLICE_LIT("connection"),
    NW_SLICE_LIT("keep-alive"), NW_SLICE_LIT("proxy-connection"), NW_SLICE_LIT("upgrade"),
    NW_SLICE_LIT("te"), NW_SLICE_LIT("trailer"), NW_SLICE_LIT("http2-settings"),
    /* routing */
    NW_SLICE_LIT("host"), NW_SLICE_LIT("via"), NW_SLICE_LIT("forwarded"),
    NW_SLICE_LIT("x-real-ip"), NW_SLICE_LIT("x-request-id"), NW_SLICE_LIT("traceparent"),
    NW_SLICE_LIT("location"),
    /* who somebody is */
    NW_SLICE_LIT("authorization"), NW_SLICE_LIT("proxy-authorization"),
    NW_SLICE_LIT("www-authenticate"), NW_SLICE_LIT("proxy-authenticate"),
    NW_SLICE_LIT("authentication-info"), NW_SLICE_LIT("proxy-authentication-info"),
    NW_SLICE_LIT("cookie"), NW_SLICE_LIT("set-cookie"),
    /* how a message is to be handled, and what its content is */
    NW_SLICE_LIT("age"), NW_SLICE_LIT("cache-control"), NW_SLICE_LIT("expires"),
    NW_SLICE_LIT("date"), NW_SLICE_LIT("vary"), NW_SLICE_LIT("retry-after"),
    NW_SLICE_LIT("expect"), NW_SLICE_LIT("max-forwards"), NW_SLICE_LIT("pragma"),
    NW_SLICE_LIT("range"), NW_SLICE_LIT("content-encoding"), NW_SLICE_LIT("content-type"),
    NW_SLICE_LIT("content-range"),
};
static const struct nw_slice barred_starts[] = {NW_SLICE_LIT("x-forwarded-"), NW_SLICE_LIT("if-"),
                                                NW_SLICE_LIT(":")};

static bool may_pass(struct nw_slice line)
{
    struct nw_slice name = nw_slice_first(line, nw_slice_find(line, ':'));
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < NW_COUNT(barred); i++)
        if (nw_slice_eq_nocase(name, barred[i]))
            return false;
    for (size_t i = 0; i < NW_COUNT(barred_starts); i++)
        if (name.len > barred_starts[i].len &&
            nw_slice_eq_nocase(nw_slice_first(name, barred_starts[i].len), barred_starts[i]))
            return false;
    return true;
}

nw_err gate_trailers_pick(struct nw_slice lines, struct nw_arena *arena, struct nw_slice *out_lines)
{
    struct nw_slice line;
    char *text = lines.len > 0 ? nw_arena_try(arena, lines.len) : NULL;
    size_t len = 0;
    if (lines.len > 0 && text == NULL)
        return NW_NO_MEMORY;
    while (nw_slice_split(&lines, '\n', &line)) {
        if (!may_pass(line))
            continue;
        memcpy(text + len, line.ptr, line.len);
        text[len + line.len] = '\n';
        len += line.len + 1;
    }
    *out_lines = nw_slice_of(text, len);
    return NW_OK;
}
