/*
 * A disk is a flat list of paths: newel's state folder holds a dozen files, so a tree would only
 * be longer to read. Each file has two contents, what was written and what was synced; a crash
 * makes the second the first. That is the coarsest of crash models, and enough for files that
 * are replaced whole.
 *
 * An open file is a row of the disk's table, as in a kernel: a file that was unlinked stays
 * until the last row that names it is closed.
 */
#include "io/sim_disk.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io/sim_impl.h"

struct file {
    struct nw_list node; /* in disk->files */
    char *path;          /* NULL: unlinked */
    bool is_dir;
    unsigned open_count;
    struct nw_runtime *locked_by;
    struct nw_text written;
    struct nw_text synced;
};

struct row {
    struct file *file; /* NULL: free */
    struct nw_runtime *runtime;
    bool holds_lock;
};

struct sim_disk {
    struct nw_list node; /* in sim->disks */
    char *name;
    struct nw_list files;
    struct row *rows;
    int row_count;
};

/* ---- Disks and files ---- */

static struct nw_sim *sim_of(const struct nw_runtime *runtime)
{
    return runtime->world;
}

static struct sim_disk *disk_find(struct nw_sim *sim, const char *name)
{
    NW_LIST_EACH (node, &sim->disks) {
        struct sim_disk *disk = NW_CONTAINER_OF(node, struct sim_disk, node);
        if (strcmp(disk->name, name) == 0)
            return disk;
    }
    return NULL;
}

static struct sim_disk *disk_of(const struct nw_runtime *runtime)
{
    struct sim_disk *disk = disk_find(sim_of(runtime), runtime->name);
    if (disk != NULL)
        return disk;
    disk = nw_alloc_zero(sizeof *disk);
    disk->name = nw_alloc_string(nw_slice_str(runtime->name));
    nw_list_init(&disk->files);
    nw_list_push_back(&sim_of(runtime)->disks, &disk->node);
    return disk;
}

static struct file *file_find(const struct sim_disk *disk, const char *path)
{
    NW_LIST_EACH (node, &disk->files) {
        struct file *file = NW_CONTAINER_OF(node, struct file, node);
        if (file->path != NULL && strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

static struct file *file_new(struct sim_disk *disk, const char *path)
{
    struct file *file = nw_alloc_zero(sizeof *file);
    file->path = path != NULL ? nw_alloc_string(nw_slice_str(path)) : NULL;
    nw_list_push_back(&disk->files, &file->node);
    return file;
}

static void file_free(struct file *file)
{
    nw_list_remove(&file->node);
    nw_text_done(&file->written);
    nw_text_done(&file->synced);
    nw_free(file->path);
    nw_free(file);
}

static void text_copy(struct nw_text *to, const struct nw_text *from)
{
    nw_text_clear(to);
    if (from->len > 0)
        nw_text_add(to, nw_text_slice(from));
}

static int row_open(struct sim_disk *disk, struct file *file, struct nw_runtime *runtime)
{
    int fd = 0;
    while (fd < disk->row_count && disk->rows[fd].file != NULL)
        fd++;
    if (fd == disk->row_count) {
        disk->row_count = disk->row_count * 2 + 8;
        disk->rows = nw_realloc(disk->rows, (size_t)disk->row_count * sizeof *disk->rows);
        for (int i = fd; i < disk->row_count; i++)
            disk->rows[i] = (struct row){0};
    }
    disk->rows[fd] = (struct row){.file = file, .runtime = runtime};
    file->open_count++;
    return fd;
}

static void row_close(struct row *row)
{
    struct file *file = row->file;
    if (row->holds_lock)
        file->locked_by = NULL;
    row->file = NULL;
    if (--file->open_count == 0 && file->path == NULL)
        file_free(file);
}

static struct file *file_at(struct nw_runtime *runtime, int fd)
{
    struct sim_disk *disk = disk_of(runtime);
    NW_ASSERT(fd >= 0 && fd < disk->row_count && disk->rows[fd].file != NULL);
    return disk->rows[fd].file;
}

/* ---- The calls ---- */

static bool is_frozen(const struct nw_runtime *runtime)
{
    return nw_sim_is_dead(runtime);
}

static nw_err disk_open(struct nw_runtime *runtime, const char *path, unsigned flags, int *out_fd)
{
    struct sim_disk *disk = disk_of(runtime);
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = NULL;
    if (!(flags & NW_FILE_UNLINKED)) {
        file = file_find(disk, path);
        if (file != NULL && (flags & NW_FILE_CREATE) && (flags & NW_FILE_EXCLUSIVE))
            return NW_EXISTS;
        if (file == NULL && !(flags & NW_FILE_CREATE))
            return NW_NOT_FOUND;
        if (file != NULL && file->is_dir)
            return NW_INVALID;
    }
    if (file == NULL)
        file = file_new(disk, flags & NW_FILE_UNLINKED ? NULL : path);
    *out_fd = row_open(disk, file, runtime);
    return NW_OK;
}

static nw_err disk_read(struct nw_runtime *runtime, int fd, uint64_t at, void *to, size_t bytes,
                        size_t *out_bytes)
{
    const struct nw_text *text = &file_at(runtime, fd)->written;
    size_t left = at < text->len ? text->len - (size_t)at : 0;
    if (bytes > left)
        bytes = left;
    if (bytes > 0)
        memcpy(to, text->ptr + at, bytes);
    *out_bytes = bytes;
    return NW_OK;
}

static nw_err disk_write(struct nw_runtime *runtime, int fd, uint64_t at, const void *from,
                         size_t bytes)
{
    if (is_frozen(runtime))
        return NW_IO;
    struct nw_text *text = &file_at(runtime, fd)->written;
    while (text->len < at + bytes) { /* a hole reads as zeros */
        static const char zeros[4096];
        size_t missing = (size_t)(at + bytes) - text->len;
        nw_text_add(text, nw_slice_of(zeros, missing < sizeof zeros ? missing : sizeof zeros));
    }
    if (bytes > 0)
        memcpy(text->ptr + at, from, bytes);
    return NW_OK;
}

static nw_err disk_sync(struct nw_runtime *runtime, int fd)
{
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = file_at(runtime, fd);
    text_copy(&file->synced, &file->written);
    return NW_OK;
}

static void disk_close(struct nw_runtime *runtime, int fd)
{
    (void)file_at(runtime, fd);
    row_close(&disk_of(runtime)->rows[fd]);
}

static nw_err disk_read_all(struct nw_runtime *runtime, const char *path, size_t max_bytes,
                            struct nw_text *out)
{
    const struct file *file = file_find(disk_of(runtime), path);
    if (file == NULL)
        return NW_NOT_FOUND;
    if (file->is_dir)
        return NW_INVALID;
    if (file->written.len > max_bytes)
        return NW_BODY_TOO_LARGE;
    if (file->written.len > 0)
        nw_text_add(out, nw_text_slice(&file->written));
    return NW_OK;
}

static nw_err disk_replace(struct nw_runtime *runtime, const char *path, struct nw_slice bytes)
{
    struct sim_disk *disk = disk_of(runtime);
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = file_find(disk, path);
    if (file != NULL && file->is_dir)
        return NW_INVALID;
    if (file == NULL)
        file = file_new(disk, path);
    nw_text_clear(&file->written);
    if (bytes.len > 0)
        nw_text_add(&file->written, bytes);
    text_copy(&file->synced, &file->written);
    return NW_OK;
}

static nw_err disk_make_dir(struct nw_runtime *runtime, const char *path)
{
    struct sim_disk *disk = disk_of(runtime);
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = file_find(disk, path);
    if (file == NULL)
        file_new(disk, path)->is_dir = true;
    return file == NULL || file->is_dir ? NW_OK : NW_EXISTS;
}

static nw_err disk_unlink(struct nw_runtime *runtime, const char *path)
{
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = file_find(disk_of(runtime), path);
    if (file == NULL)
        return NW_NOT_FOUND;
    nw_free(file->path);
    file->path = NULL;
    if (file->open_count == 0)
        file_free(file);
    return NW_OK;
}

static nw_err disk_lock(struct nw_runtime *runtime, const char *path, int *out_fd)
{
    struct sim_disk *disk = disk_of(runtime);
    if (is_frozen(runtime))
        return NW_IO;
    struct file *file = file_find(disk, path);
    if (file == NULL)
        file = file_new(disk, path);
    if (file->locked_by != NULL)
        return NW_EXISTS;
    file->locked_by = runtime;
    *out_fd = row_open(disk, file, runtime);
    disk->rows[*out_fd].holds_lock = true;
    return NW_OK;
}

static bool disk_exists(struct nw_runtime *runtime, const char *path)
{
    return file_find(disk_of(runtime), path) != NULL;
}

const struct nw_file_ops sim_file_ops = {
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .close = disk_close,
    .read_all = disk_read_all,
    .replace = disk_replace,
    .make_dir = disk_make_dir,
    .unlink = disk_unlink,
    .lock = disk_lock,
    .exists = disk_exists,
};

/* ---- The end of a runtime ---- */

void sim_disk_release(struct nw_sim *sim, struct nw_runtime *runtime)
{
    struct sim_disk *disk = disk_find(sim, runtime->name);
    if (disk == NULL)
        return;
    for (int fd = 0; fd < disk->row_count; fd++)
        if (disk->rows[fd].file != NULL && disk->rows[fd].runtime == runtime)
            row_close(&disk->rows[fd]);
}

/* Locks are free at once: the next daemon of the name may start before this one is buried. */
void sim_disk_crash(struct nw_sim *sim, struct nw_runtime *runtime)
{
    struct sim_disk *disk = disk_find(sim, runtime->name);
    if (disk == NULL)
        return;
    for (int fd = 0; fd < disk->row_count; fd++) {
        struct row *row = &disk->rows[fd];
        if (row->file == NULL || row->runtime != runtime)
            continue;
        if (row->holds_lock)
            row->file->locked_by = NULL;
        row->holds_lock = false;
    }
    NW_LIST_EACH (node, &disk->files) {
        struct file *file = NW_CONTAINER_OF(node, struct file, node);
        text_copy(&file->written, &file->synced);
    }
}

void sim_disks_free(struct nw_sim *sim)
{
    for (struct nw_list *node; (node = nw_list_pop_front(&sim->disks)) != NULL;) {
        struct sim_disk *disk = NW_CONTAINER_OF(node, struct sim_disk, node);
        while (!nw_list_is_empty(&disk->files))
            file_free(NW_CONTAINER_OF(disk->files.next, struct file, node));
        nw_free(disk->rows);
        nw_free(disk->name);
        nw_free(disk);
    }
}
