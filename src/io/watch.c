/*
 * inotify on folders. A watch object is made anew whenever the set of paths or what they resolve to
 * may have changed: the new one watches before the old one goes, so nothing is missed between.
 */
#include "io/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/loop.h"

struct nw_watch {
    struct nw_source source;
    int fd; /* until it is started; then the source's */
    void (*on_change)(void *arg);
    void *arg;
};

enum {
    CHANGES = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
              IN_MOVE_SELF | IN_DELETE_SELF, /* another folder may take its place */
};

nw_err nw_watch_new(struct nw_watch **out)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NW_TOO_MANY_FILES;
    struct nw_watch *watch = nw_alloc_zero(sizeof *watch);
    watch->fd = fd;
    *out = watch;
    return NW_OK;
}

/* The folder in which the last component of path stands. */
static bool add_parent(struct nw_watch *watch, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else if (slash == path)
        snprintf(folder, sizeof folder, "/");
    else
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return inotify_add_watch(watch->fd, folder, CHANGES | IN_ONLYDIR) >= 0;
}

static bool is_link(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0 && S_ISLNK(found.st_mode);
}

bool nw_watch_path(struct nw_watch *watch, const char *path)
{
    char prefix[PATH_MAX], resolved[PATH_MAX];
    bool is_all = add_parent(watch, path);
    for (const char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(prefix, sizeof prefix, "%.*s", (int)(at - path), path);
        if (prefix[0] != '\0' && is_link(prefix))
            is_all &= add_parent(watch, prefix);
    }
    if (realpath(path, resolved) != NULL)
        is_all &= add_parent(watch, resolved);
    return is_all;
}

/* What happened is read and dropped: it may be of another file, and files are compared anyway. */
static void on_ready(struct nw_source *source, unsigned ready)
{
    struct nw_watch *watch = NW_CONTAINER_OF(source, struct nw_watch, source);
    char events[4096] __attribute__((aligned(8)));
    bool has_any = false;
    while (read(source->fd, events, sizeof events) > 0)
        has_any = true;
    if (has_any)
        watch->on_change(watch->arg);
}

nw_err nw_watch_start(struct nw_watch *watch, void (*on_change)(void *arg), void *arg)
{
    watch->on_change = on_change;
    watch->arg = arg;
    NW_TRY(nw_source_add(&watch->source, watch->fd, NW_READY_READ, on_ready));
    watch->fd = -1;
    return NW_OK;
}

void nw_watch_free(struct nw_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->source.is_added)
        nw_source_close(&watch->source);
    if (watch->fd >= 0)
        close(watch->fd);
    nw_free(watch);
}
