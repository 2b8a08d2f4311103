/*
 * unpack.h - gzip and Zstandard data unpacked piece by piece.
 *
 * Members and frames that follow each other are one stream, as for gunzip and zstd -d. Memory is
 * bounded whatever the data claims: gzip needs 32 KiB, a Zstandard frame its window, which must
 * fit. How much comes out is for the caller to bound.
 *
 * Owner:   unpack_new/_free; slices are borrowed for the call
 * Threads: one at a time
 */
#ifndef NW_CMD_UNPACK_H
#define NW_CMD_UNPACK_H

#include <stdbool.h>

#include "base/slice.h"

enum { UNPACK_DETECT_BYTES = 4 };

typedef enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD } unpack_kind;

/* By the first bytes of a file, at least UNPACK_DETECT_BYTES unless it is shorter. */
unpack_kind unpack_detect(struct nw_slice first);
/* What a file's name promises: .gz, .zst. */
unpack_kind unpack_by_name(struct nw_slice file_name);
/* "gzip", "Zstandard"; "" for none. */
const char *unpack_name(unpack_kind kind);

struct unpack;

/* kind is not UNPACK_NONE. window_max_bytes bounds a Zstandard window (at least 1 KiB). */
struct unpack *unpack_new(unpack_kind kind, uint64_t window_max_bytes);
void unpack_free(struct unpack *unpack);

/*
 * Unpacks from *in, which moves behind what was taken, to at most `bytes` at `to`. *out_bytes 0
 * with an empty *in: more is needed. NW_BAD_MESSAGE: the data is damaged, *in stands near the
 * damage and unpack_why says what; NW_NO_MEMORY: a window is larger than allowed. No call helps.
 */
NW_MUST_CHECK nw_err unpack_step(struct unpack *unpack, struct nw_slice *in, char *to, size_t bytes,
                                 size_t *out_bytes);
/* May the data end here? False within a member or frame. */
bool unpack_is_complete(const struct unpack *unpack);
/* The library's words, or ours. */
const char *unpack_why(const struct unpack *unpack);

#endif
