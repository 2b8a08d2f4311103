/*
 * What newel keeps is what its configuration names: the folders of the files that it read and of
 * those that its parts read again (certificates), its state, the folders of its log files and Unix
 * sockets. Folders rather than files, because an editor and a renewal put a new file in the place
 * of the old one.
 *
 * Everything happens between the first reading and the first thread. What a later reload names
 * elsewhere is opened by the helper process, where the helper may.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/planted.h"
#include "cmd/daemon_impl.h"
#include "cmd/outside.h"
#include "conf/files.h"
#include "io/spawn.h"
#include "io/system.h"

/* ---- paths ---- */

struct paths {
    const char *conf_file;
    char **items;
    size_t count;
};

static void add(struct paths *paths, const char *path)
{
    paths->items = nw_realloc(paths->items, (paths->count + 1) * sizeof *paths->items);
    paths->items[paths->count++] = nw_alloc_string(nw_slice_str(path));
}

static void add_folder_of(struct paths *paths, const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[OUTSIDE_PATH_BYTES];
    if (slash == NULL || slash == path)
        snprintf(folder, sizeof folder, "%s", slash == NULL ? "." : "/");
    else
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (strcmp(folder, "/") == 0)
        add(paths, path); /* not everything for the sake of one file */
    else
        add(paths, folder);
}

static void on_file(void *arg, struct nw_slice path)
{
    struct paths *paths = arg;
    char full[OUTSIDE_PATH_BYTES];
    outside_path(paths->conf_file, path.ptr, full);
    add_folder_of(paths, full);
}

static void add_output(struct paths *paths, struct nw_slice to)
{
    if (to.len > 0 && !nw_slice_eq(to, NW_SLICE("stdout")) && !nw_slice_eq(to, NW_SLICE("stderr")))
        add_folder_of(paths, to.ptr);
}

static void add_socket(struct paths *paths, const struct nw_conf_address *address)
{
    if (address->kind == NW_CONF_ADDRESS_UNIX)
        add_folder_of(paths, address->path.ptr);
}

static void free_paths(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        nw_free(paths->items[i]);
    nw_free(paths->items);
}

/* ---- before and after ---- */

nw_err daemon_check_user(const struct nw_conf *conf, struct nw_diag *diag)
{
    if (conf->user.len == 0)
        return NW_OK;
    nw_err err = nw_confine_user_check(conf->user.ptr);
    if (err == NW_NOT_FOUND)
        nw_conf_blame(conf, &conf->block, "user", NULL, diag, "there is no user %s on this system",
                      conf->user.ptr);
    else if (err == NW_DENIED)
        nw_conf_blame(conf, &conf->block, "user", "start newel as root, or remove the line", diag,
                      "newel was started as another user and cannot become %s", conf->user.ptr);
    else if (err != NW_OK)
        nw_conf_blame(conf, &conf->block, "user", NULL, diag, "%s cannot be looked up: %s",
                      conf->user.ptr, nw_err_text(err));
    return err == NW_OK ? NW_OK : NW_INVALID;
}

static nw_err make_state_dir(const struct nw_daemon *daemon, const char *user,
                             struct nw_diag *diag)
{
    const char *dir = daemon->state_dir;
    nw_err err = nw_file_make_dir_now(NULL, dir, 0700);
    if (err != NW_OK)
        nw_diag_error(diag, "the state folder %s cannot be made: %s", dir, nw_err_text(err));
    else
        nw_confine_hand_over(dir, user);
    return err;
}

/* Log files that root has opened, for the user who opens them again after a rotation. */
static void hand_over_logs(const struct nw_conf *conf, const char *user)
{
    const struct nw_slice outputs[] = {conf->log.to, conf->log.access.to};
    for (size_t i = 0; i < NW_COUNT(outputs); i++)
        if (outputs[i].len > 0)
            nw_confine_hand_over(outputs[i].ptr, user);
}

/*
 * The helper first: it asks for nothing of ours. An error is told and nothing may go on after it.
 */
nw_err daemon_confine(struct nw_daemon *daemon, const struct nw_conf *conf, struct nw_diag *diag)
{
    const struct nw_daemon_options *o = &daemon->options;
    const char *user = conf->user.len > 0 ? conf->user.ptr : NULL;
    char why[NW_SPAWN_WHY_BYTES] = "";
    if (o->reading == NULL)
        return NW_OK;
    if (o->has_disk)
        NW_TRY(make_state_dir(daemon, user, diag));
    hand_over_logs(conf, user);
    if (o->spawner != NULL && nw_spawner_take_now(o->spawner, why) != NW_OK) {
        nw_diag_error(diag, "the helper process cannot be confined: %s", why);
        return NW_DENIED;
    }
    struct paths readable = {.conf_file = daemon->file}, writable = {0};
    for (size_t i = 0; i < o->reading->path_count; i++)
        add_folder_of(&readable, o->reading->paths[i]);
    nw_conf_each_file(conf, on_file, &readable);
    if (nw_system_env("SSL_CERT_FILE") != NULL) /* roots in place of the system's */
        add(&readable, nw_system_env("SSL_CERT_FILE"));
    if (o->has_disk)
        add(&writable, daemon->state_dir);
    add_output(&writable, conf->log.to);
    add_output(&writable, conf->log.access.to);
    add_socket(&writable, &conf->admin.address);
    for (size_t i = 0; i < conf->listen.count; i++)
        add_socket(&writable, &conf->listen.items[i].address);
    struct nw_confine_options options = {
        .user = user,
        .is_hardened = conf->hardening == NW_CONF_HARDENING_ON,
        .readable = (const char *const *)readable.items,
        .readable_count = readable.count,
        .writable = (const char *const *)writable.items,
        .writable_count = writable.count,
    };
    nw_err err = nw_confine_self(&options, &daemon->confined, why);
    if (err != NW_OK)
        nw_diag_error(diag, "newel cannot give up its power: %s", why);
    free_paths(&readable);
    free_paths(&writable);
    return err;
}

void daemon_tell_hardening(struct nw_daemon *daemon)
{
    const struct nw_confine_report *r = &daemon->confined;
    if (daemon->options.reading == NULL)
        return;
    if (NW_PLANTED(confine_exec) || NW_PLANTED(confine_map) || NW_PLANTED(confine_open))
        nw_log(daemon_log(daemon), NW_WARN, "daemon.trespassed", "errno=%d", nw_confine_trespass());
    if (!r->is_hardened) {
        nw_log(daemon_log(daemon), NW_WARN, "daemon.hardening", "state=off user=%s reason=%s",
               daemon->user, nw_confine_is_built() ? "hardening: off" : "not in this build");
        return;
    }
    bool is_whole = r->landlock_abi > 0 && r->has_seccomp && !r->has_capabilities;
    nw_log(daemon_log(daemon), is_whole ? NW_INFO : NW_WARN, "daemon.hardening",
           "state=%s user=%s capabilities=%s files=%s landlock_abi=%d calls=%s",
           is_whole ? "on" : "partly", daemon->user, r->has_capabilities ? "kept" : "none",
           r->landlock_abi > 0 ? "named" : "all", r->landlock_abi,
           r->has_seccomp ? "listed" : "all");
}
