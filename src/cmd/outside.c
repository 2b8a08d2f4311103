/* A secret beside its configuration file is named relative to it, wherever newel was started. */
#include "cmd/outside.h"

#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/system.h"

enum { FILE_MAX_BYTES = 8 * 1024 * 1024 };

static const char *env(void *arg, const char *name)
{
    return nw_system_env(name);
}

static nw_err read_file(void *arg, const char *path, struct nw_text *out)
{
    const char *conf_file = arg;
    const char *slash = conf_file != NULL ? strrchr(conf_file, '/') : NULL;
    char full[4096];
    if (path[0] == '/' || slash == NULL || strcmp(path, conf_file) == 0)
        snprintf(full, sizeof full, "%s", path);
    else
        snprintf(full, sizeof full, "%.*s/%s", (int)(slash - conf_file), conf_file, path);
    return nw_file_read_now(NULL, full, FILE_MAX_BYTES, out);
}

const char *outside_why(nw_err err)
{
    return err == NW_NOT_FOUND ? "there is no such file"
           : err == NW_INVALID ? "it is a folder, not a file"
                               : nw_err_text(err);
}

struct nw_conf_outside outside_real(const char *conf_file)
{
    return (struct nw_conf_outside){(void *)conf_file, env, read_file};
}
