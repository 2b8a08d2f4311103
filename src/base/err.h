/*
 * err.h - one error type for the whole program.
 *
 * A function that can fail returns nw_err and is marked NW_MUST_CHECK; results leave through
 * trailing out_ parameters, written only on success. errno never leaves io/.
 *
 * Owner:   the texts are static
 * Threads: stateless
 */
#ifndef NW_BASE_ERR_H
#define NW_BASE_ERR_H

#include "base/compiler.h"

typedef enum nw_err {
    NW_OK = 0,
#define NW_ERR(name, status, text) NW_##name,
#include "base/err.def"
#undef NW_ERR
    NW_ERR_COUNT
} nw_err;

/* "TIMEOUT"; "OK" for NW_OK. */
const char *nw_err_name(nw_err err);
/* A sentence without a full stop. */
const char *nw_err_text(nw_err err);
/* The HTTP status that the error means to a client; 200 for NW_OK. */
int nw_err_status(nw_err err);

/* Hands an error to the caller's caller. */
#define NW_TRY(expression)                                                                         \
    do {                                                                                           \
        nw_err nw_try_err_ = (expression);                                                         \
        if (NW_UNLIKELY(nw_try_err_ != NW_OK))                                                     \
            return nw_try_err_;                                                                    \
    } while (0)

#endif
