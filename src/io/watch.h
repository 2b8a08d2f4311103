/*
 * watch.h - notices that a file at a path has become another one.
 *
 * Files are replaced in many ways: renamed over, written in place, or reached through symbolic
 * links that are pointed elsewhere (certbot's live/, a secret of Kubernetes). So not files are
 * watched but the folders in which any part of the path can change. What changed is not told: the
 * user reads his files again and compares.
 *
 * Owner:   the caller; nw_watch_free
 * Threads: new and path block: any, before start; start and free after a start on that worker
 */
#ifndef NW_IO_WATCH_H
#define NW_IO_WATCH_H

#include <stdbool.h>

#include "base/err.h"

struct nw_watch;

/* NW_TOO_MANY_FILES: the system grants no more watches. */
NW_MUST_CHECK nw_err nw_watch_new(struct nw_watch **out);
/*
 * The folders of the path, of what it resolves to, and of every link on the way: what is in them,
 * and that they stay where they are. False: one of them cannot be watched.
 */
bool nw_watch_path(struct nw_watch *watch, const char *path);
/* From now on: on_change, on the loop's stack, for any change in one of the folders. */
NW_MUST_CHECK nw_err nw_watch_start(struct nw_watch *watch, void (*on_change)(void *arg),
                                    void *arg);
void nw_watch_free(struct nw_watch *watch);

#endif
