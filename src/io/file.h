/*
 * file.h - files, by way of the lane `files`; a memory tree in simulations.
 *
 * Owner:   handles belong to the caller; nw_file_close
 * Threads: fibers. The *_now functions block and are for start-up and offload jobs only
 */
#ifndef NW_IO_FILE_H
#define NW_IO_FILE_H

#include <stdbool.h>

#include "base/secret.h"
#include "base/text.h"

struct nw_file;
struct nw_runtime;

typedef enum nw_file_flags {
    NW_FILE_READ = 1,
    NW_FILE_WRITE = 2,
    NW_FILE_CREATE = 4,
    NW_FILE_EXCLUSIVE = 8,
    NW_FILE_UNLINKED = 16 /* anonymous, in the directory that the path names (spool) */
} nw_file_flags;

NW_YIELDS NW_MUST_CHECK nw_err nw_file_open(const char *path, unsigned flags, unsigned mode,
                                            struct nw_file **out);
/* Page cache at once, else the lane. *out_bytes 0 = end of file. */
NW_YIELDS NW_MUST_CHECK nw_err nw_file_read(struct nw_file *file, uint64_t at, void *to,
                                            size_t bytes, size_t *out_bytes);
NW_YIELDS NW_MUST_CHECK nw_err nw_file_write(struct nw_file *file, uint64_t at, const void *from,
                                             size_t bytes);
NW_YIELDS NW_MUST_CHECK nw_err nw_file_datasync(struct nw_file *file);
/* Closing happens in the lane; callable from anywhere in a worker. */
void nw_file_close(struct nw_file *file);

/*
 * From front to back, for commands; a pipe will do. Blocks, but never for longer than a quarter of
 * a second without a byte: NW_AGAIN then, and after a signal, so that the caller can look whether
 * it shall stop. *out_bytes 0: the end. nw_file_close.
 */
NW_MUST_CHECK nw_err nw_file_open_now(const char *path, struct nw_file **out);
NW_MUST_CHECK nw_err nw_file_next_now(struct nw_file *file, void *to, size_t bytes,
                                      size_t *out_bytes);
/* What its inode says; 0 for a pipe. */
uint64_t nw_file_size_now(const struct nw_file *file);

/* Whole file, at most max_bytes (beyond: NW_BODY_TOO_LARGE). Blocks. */
NW_MUST_CHECK nw_err nw_file_read_now(struct nw_runtime *runtime, const char *path,
                                      size_t max_bytes, struct nw_text *out);
/* The same for what must not be seen: no copy of it is left behind (base/secret.h). Blocks. */
NW_MUST_CHECK nw_err nw_file_read_secret_now(struct nw_runtime *runtime, const char *path,
                                             size_t max_bytes, struct nw_secret **out);
/* The same from a descriptor, which it closes. */
NW_MUST_CHECK nw_err nw_file_read_secret_fd_now(int fd, size_t max_bytes, struct nw_secret **out);
/* Write beside, sync, rename, sync the directory. Blocks. */
NW_MUST_CHECK nw_err nw_file_replace_now(struct nw_runtime *runtime, const char *path,
                                         struct nw_slice bytes, unsigned mode);
NW_MUST_CHECK nw_err nw_file_make_dir_now(struct nw_runtime *runtime, const char *path,
                                          unsigned mode);
NW_MUST_CHECK nw_err nw_file_unlink_now(struct nw_runtime *runtime, const char *path);
/*
 * Takes an exclusive lock on path (created 0600) and writes our pid into it; held until the process
 * ends or nw_file_close. NW_EXISTS: another process holds it, *out_pid says which (0 unknown).
 */
NW_MUST_CHECK nw_err nw_file_lock_now(struct nw_runtime *runtime, const char *path,
                                      struct nw_file **out, int *out_pid);
bool nw_file_exists_now(struct nw_runtime *runtime, const char *path);
/* "mode 0600, owned by uid 0": who may read it, for messages. Nothing when it cannot be told. */
void nw_file_rights_now(const char *path, struct nw_text *out);

#endif
