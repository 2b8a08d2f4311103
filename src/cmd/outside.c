/*
 * A secret beside its configuration file is named relative to it, wherever newel was started.
 *
 * Newel reads with its own rights first. Once it has given up its power a file may be closed to it
 * that was open at the start (a configuration or a secret of root's); then the helper process is
 * asked, which has read the configuration too and opens what stands there, nothing else.
 */
#include "cmd/outside.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/file.h"
#include "io/spawn.h"
#include "io/system.h"

enum { FILE_MAX_BYTES = 8 * 1024 * 1024 };

static const char *env(void *arg, const char *name)
{
    return nw_system_env(name);
}

void outside_path(const char *conf_file, const char *path, char out[OUTSIDE_PATH_BYTES])
{
    const char *slash = conf_file != NULL ? strrchr(conf_file, '/') : NULL;
    if (path[0] == '/' || slash == NULL || strcmp(path, conf_file) == 0)
        snprintf(out, OUTSIDE_PATH_BYTES, "%s", path);
    else
        snprintf(out, OUTSIDE_PATH_BYTES, "%.*s/%s", (int)(slash - conf_file), conf_file, path);
}

/* ---- what was read ---- */

void outside_note(struct outside *reading, struct nw_slice bytes)
{
    if (reading->is_noted)
        reading->digest = nw_hash_fast(bytes, reading->digest + 1);
}

bool outside_has_path(const struct outside *reading, const char *path)
{
    for (size_t i = 0; i < reading->path_count; i++)
        if (strcmp(reading->paths[i], path) == 0)
            return true;
    return false;
}

static void note_path(struct outside *reading, const char *path)
{
    if (!reading->is_noted || outside_has_path(reading, path))
        return;
    reading->paths =
        nw_realloc(reading->paths, (reading->path_count + 1) * sizeof *reading->paths);
    reading->paths[reading->path_count++] = nw_alloc_string(nw_slice_str(path));
}

void outside_done(struct outside *reading)
{
    for (size_t i = 0; i < reading->path_count; i++)
        nw_free(reading->paths[i]);
    nw_free(reading->paths);
    reading->paths = NULL;
    reading->path_count = 0;
}

void outside_begin(struct outside *reading)
{
    outside_done(reading);
    reading->digest = 0;
}

/* ---- reading ---- */

static nw_err read_secret(void *arg, const char *path, struct nw_secret **out)
{
    struct outside *reading = arg;
    char full[OUTSIDE_PATH_BYTES];
    int fd;
    outside_path(reading->conf_file, path, full);
    note_path(reading, full);
    nw_err err = nw_file_read_secret_now(NULL, full, FILE_MAX_BYTES, out);
    if (err == NW_DENIED && reading->spawner != NULL &&
        nw_spawner_open_file_now(reading->spawner, full, &fd) == NW_OK)
        err = nw_file_read_secret_fd_now(fd, FILE_MAX_BYTES, out);
    if (err == NW_OK)
        outside_note(reading, nw_secret_bytes(*out));
    return err;
}

static nw_err read_file(void *arg, const char *path, struct nw_text *out)
{
    struct nw_secret *secret;
    NW_TRY(read_secret(arg, path, &secret));
    nw_text_add(out, nw_secret_bytes(secret));
    nw_secret_free(secret);
    return NW_OK;
}

static void locate(void *arg, const char *path, struct nw_text *out)
{
    const struct outside *reading = arg;
    char full[OUTSIDE_PATH_BYTES];
    outside_path(reading->conf_file, path, full);
    nw_text_add_str(out, full);
}

const char *outside_why(nw_err err)
{
    return err == NW_NOT_FOUND ? "there is no such file"
           : err == NW_INVALID ? "it is a folder, not a file"
                               : nw_err_text(err);
}

struct nw_conf_outside outside_real(struct outside *reading)
{
    return (struct nw_conf_outside){reading, env, read_file, read_secret, locate};
}

nw_err outside_read(const char *path, const char *hint, struct nw_diag *diag, struct nw_text *out)
{
    nw_err err = nw_file_read_now(NULL, path, OUTSIDE_GIVEN_MAX_BYTES, out);
    if (err == NW_BODY_TOO_LARGE)
        nw_diag_add(diag, false, path, 0, 0, NULL, NULL, "is larger than 1 MiB");
    else if (err != NW_OK)
        nw_diag_add(diag, false, path, 0, 0, NULL, hint, "the file cannot be read: %s",
                    outside_why(err));
    return err;
}
