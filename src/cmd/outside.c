/* A secret beside its configuration file is named relative to it, wherever newel was started. */
#include "cmd/outside.h"

#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/system.h"

enum { FILE_MAX_BYTES = 8 * 1024 * 1024, PATH_BYTES_MAX = 4096 };

static const char *env(void *arg, const char *name)
{
    return nw_system_env(name);
}

static void full_path(const char *conf_file, const char *path, char out[PATH_BYTES_MAX])
{
    const char *slash = conf_file != NULL ? strrchr(conf_file, '/') : NULL;
    if (path[0] == '/' || slash == NULL || strcmp(path, conf_file) == 0)
        snprintf(out, PATH_BYTES_MAX, "%s", path);
    else
        snprintf(out, PATH_BYTES_MAX, "%.*s/%s", (int)(slash - conf_file), conf_file, path);
}

static nw_err read_file(void *arg, const char *path, struct nw_text *out)
{
    char full[PATH_BYTES_MAX];
    full_path(arg, path, full);
    return nw_file_read_now(NULL, full, FILE_MAX_BYTES, out);
}

static nw_err read_secret(void *arg, const char *path, struct nw_secret **out)
{
    char full[PATH_BYTES_MAX];
    full_path(arg, path, full);
    return nw_file_read_secret_now(NULL, full, FILE_MAX_BYTES, out);
}

static void locate(void *arg, const char *path, struct nw_text *out)
{
    char full[PATH_BYTES_MAX];
    full_path(arg, path, full);
    nw_text_add_str(out, full);
}

const char *outside_why(nw_err err)
{
    return err == NW_NOT_FOUND ? "there is no such file"
           : err == NW_INVALID ? "it is a folder, not a file"
                               : nw_err_text(err);
}

struct nw_conf_outside outside_real(const char *conf_file)
{
    return (struct nw_conf_outside){(void *)conf_file, env, read_file, read_secret, locate};
}
