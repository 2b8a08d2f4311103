/*
 * spawn_book.h - what the helper process knows by its own reading.
 *
 * The helper trusts nobody who writes to it: a request names a service, an instance, a listener or
 * a file, and what these names mean stands in the book alone. The book reads the configuration
 * itself, in the helper, when newel starts and when its operator asks for a reload.
 *
 * io knows no configuration, so cmd hands the book in before the fork. `load` makes a reading
 * beside the one in force, `take` puts it in force; newel asks for both, without an argument.
 *
 * Owner:   the book is the caller's and outlives the helper; what `process` hands out is the book's
 *          until the next call
 * Threads: the helper's one
 */
#ifndef NW_IO_SPAWN_BOOK_H
#define NW_IO_SPAWN_BOOK_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"
#include "io/addr.h"

enum { NW_SPAWN_WHY_BYTES = 240, NW_SPAWN_SERVICE_BYTES = 72, NW_SPAWN_PATH_BYTES = 4096 };

/* What newel may ask for: numbers and a name. */
struct nw_spawn_wish {
    const char *service;
    unsigned instance; /* from 1 */
    unsigned port;     /* PORT */
    unsigned start;    /* makes the path of its socket unique; 0: it gets none */
    uint64_t identity; /* of the command that newel means; another one is refused */
};

/* What is started. */
struct nw_spawn_spec {
    const char *const *argv; /* the program is looked up in PATH */
    unsigned argc;
    const char *const *env; /* "NAME=value", in place of or beside newel's own */
    unsigned env_count;
    const char *cwd;       /* NULL: newel's own */
    const char *user;      /* NULL: the helper's own */
    uint64_t memory_bytes; /* private writable memory; 0: no limit */
    unsigned cpu_count;    /* processors it may run on; 0: newel's own */
};

/* Who the helper becomes, and what it must be able to do. */
struct nw_spawn_power {
    const char *user;    /* NULL: stays who it is */
    bool is_hardened;    /* gives up everything that its duties do not need */
    bool may_start_root; /* some service says `user: root` */
};

struct nw_spawn_book {
    void *arg;
    /* Reads the configuration. `digest`: over all that was read, to compare with newel's own. */
    nw_err (*load)(void *arg, uint64_t *out_digest, struct nw_spawn_power *out_power,
                   char why[NW_SPAWN_WHY_BYTES]);
    /* What was loaded last is in force. */
    void (*take)(void *arg);
    /* The command of an instance; NW_NOT_FOUND, NW_INVALID with why. */
    nw_err (*process)(void *arg, const struct nw_spawn_wish *wish, struct nw_spawn_spec *out,
                      char why[NW_SPAWN_WHY_BYTES]);
    /* Does a reading, in force or loaded, name this file? */
    bool (*may_open)(void *arg, const char *path);
    /* Does it name this listener, and can it mean this address? */
    bool (*may_listen)(void *arg, const char *text, const struct nw_addr *addr);
};

#endif
