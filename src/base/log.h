/*
 * log.h - events as key=value or JSON lines, and raw access lines, written by one thread.
 *
 *     nw_log(log, NW_WARN, "peer.ejected", "peer=%s failures=%u", name, count);
 *
 * Each thread logs through a handle of its own into a bounded ring; the hub's thread gathers the
 * rings and hands whole lines to a sink. Nobody on the request path waits for a slow pipe: what
 * finds no room is dropped and counted, and the count is logged ("log.dropped lines=12").
 *
 * The format is `key=value` pairs separated by single spaces. The format itself is taken apart, not
 * its output: a value is what stands between '=' and the next space of the *format*, and is quoted
 * and escaped as a whole, so no string that a peer chose can end its value or forge a pair or a
 * line. Conversions: d i u x X c s p f g e %, with flags, width, precision, '*' and h l ll z j t.
 * Values are cut at 1 KiB.
 *
 * Secrets (keys, tokens, passwords, cookies) are never passed to any of these functions.
 *
 * Owner:   nw_log_hub_new/_free; handles belong to the hub, nw_log_open/_close; sinks are borrowed
 *          until the hub is freed
 * Threads: a handle serves one thread at a time; open, close, level, reopen, dropped: any; new,
 *          start, stop, free: one, with no one logging during stop and after. A direct hub and all
 *          its handles belong to one thread
 */
#ifndef NW_BASE_LOG_H
#define NW_BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/err.h"
#include "base/slice.h"

typedef enum nw_log_level { NW_DEBUG, NW_INFO, NW_WARN, NW_ERROR } nw_log_level;
typedef enum nw_log_format { NW_LOG_LOGFMT, NW_LOG_JSON } nw_log_format;

/* Where lines go. Called from the hub's thread, or from nw_log itself when direct. */
struct nw_log_sink {
    void *owner;
    /* Whole lines, each with its '\n'. False: they are lost, which the hub counts. */
    bool (*write)(void *owner, struct nw_slice lines, uint64_t line_count);
    void (*reopen)(void *owner); /* after rotation; may be NULL */
};

struct nw_log_options {
    nw_log_level level; /* lower ones are not even formatted */
    nw_log_format format;
    struct nw_log_sink events;
    struct nw_log_sink access;      /* for raw lines; write NULL: they go to events */
    uint64_t (*wall_ms)(void *arg); /* called in the logging thread */
    void *wall_ms_arg;
    size_t ring_bytes; /* for each handle; 0: 256 KiB */
    bool is_direct;    /* no thread, no rings: sinks are called before nw_log returns (sim) */
    bool is_eager;     /* the writer sleeps as soon as it can: a signal per line, least delay */
};

struct nw_log_hub;
struct nw_log;

struct nw_log_hub *nw_log_hub_new(const struct nw_log_options *options);
/* Starts the writer thread (all signals blocked); nothing to do for a direct hub. */
NW_MUST_CHECK nw_err nw_log_hub_start(struct nw_log_hub *hub);
/* Ends the thread after writing everything logged before; a hub may be started again. */
void nw_log_hub_stop(struct nw_log_hub *hub);
/* Stops if need be; closes all handles; NULL does nothing. */
void nw_log_hub_free(struct nw_log_hub *hub);
void nw_log_hub_set_level(struct nw_log_hub *hub, nw_log_level level);
/* The writer reopens its sinks before the next line; at once when direct or not started. */
void nw_log_hub_reopen(struct nw_log_hub *hub);
/* Lines lost since the hub was made. */
uint64_t nw_log_hub_dropped(struct nw_log_hub *hub);

/* A handle for the calling thread. */
struct nw_log *nw_log_open(struct nw_log_hub *hub);
/* Lines still in its ring are written; NULL does nothing. No handle is used after hub_free. */
void nw_log_close(struct nw_log *log);

/* log may be NULL: nothing happens. `event` is a literal of a-z, 0-9, '.', '_' and '-'. */
void nw_log(struct nw_log *log, nw_log_level level, const char *event, const char *format, ...)
    NW_PRINTF(4, 5);
/* Would a line of this level be written? For arguments that cost something to make. */
bool nw_log_is_on(const struct nw_log *log, nw_log_level level);

/*
 * One access line, without '\n', already in its final form; control bytes are the caller's duty.
 * reserve/commit writes it in place: NULL when there is no room (counted).
 */
void nw_log_raw(struct nw_log *log, struct nw_slice line);
char *nw_log_raw_reserve(struct nw_log *log, size_t max_bytes);
void nw_log_raw_commit(struct nw_log *log, size_t bytes);

/* As the values of nw_log: bare when it can be, else in quotes with escapes; for access lines. */
struct nw_text;
void nw_log_add_value(struct nw_text *text, struct nw_slice value);

#endif
