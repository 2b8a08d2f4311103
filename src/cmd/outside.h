/*
 * outside.h - environment and files for the configuration loader.
 *
 * A reading remembers what it read: a digest over the bytes, by which newel and its helper process
 * know that they have read the same, and the files' names, which are what the helper may open.
 *
 * Owner:   the reading is the caller's, zeroed but for its first three; outside_done
 * Threads: one at a time where it is noted, else any; reading blocks
 */
#ifndef NW_CMD_OUTSIDE_H
#define NW_CMD_OUTSIDE_H

#include <stdbool.h>

#include "base/diag.h"
#include "conf/value.h"

struct nw_spawner;

struct outside {
    const char *conf_file; /* paths are relative to its folder; NULL: to the current one */
    /*
     * Asked for a file that our own rights do not suffice for; it opens those only that its own
     * reading names. NULL: our own rights decide.
     */
    struct nw_spawner *spawner;
    bool is_noted;   /* what follows is kept; else several threads may read at a time */
    uint64_t digest; /* over everything read since outside_begin */
    char **paths;    /* of the files, as they were opened */
    size_t path_count;
};

enum { OUTSIDE_PATH_BYTES = 4096 };

/* The real world; borrows the reading. */
struct nw_conf_outside outside_real(struct outside *reading);
/* Forgets what was read. */
void outside_begin(struct outside *reading);
void outside_done(struct outside *reading);
/* A text that is not read from a file counts, too. */
void outside_note(struct outside *reading, struct nw_slice bytes);
bool outside_has_path(const struct outside *reading, const char *path);
/* Where a path of the configuration is: beside the file, unless it is absolute. */
void outside_path(const char *conf_file, const char *path, char out[OUTSIDE_PATH_BYTES]);
/* Why a configuration file cannot be read, for people; static. */
const char *outside_why(nw_err err);

enum { OUTSIDE_GIVEN_MAX_BYTES = 1 << 20 };

/*
 * A plan or scenario that a command was given. When it cannot be read, or is larger, diag says so,
 * with the hint (may be NULL).
 */
NW_MUST_CHECK nw_err outside_read(const char *path, const char *hint, struct nw_diag *diag,
                                  struct nw_text *out);

#endif
