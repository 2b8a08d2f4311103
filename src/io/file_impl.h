/*
 * file_impl.h - what file.c asks for instead of the operating system in a simulation.
 *
 * Owner:   descriptors are the runtime's, until `close`
 * Threads: the simulation's one
 */
#ifndef NW_IO_FILE_IMPL_H
#define NW_IO_FILE_IMPL_H

#include "io/file.h"

/* As the functions of file.h, below the lane: none waits. Descriptors are numbers >= 0. */
struct nw_file_ops {
    nw_err (*open)(struct nw_runtime *runtime, const char *path, unsigned flags, int *out_fd);
    nw_err (*read)(struct nw_runtime *runtime, int fd, uint64_t at, void *to, size_t bytes,
                   size_t *out_bytes);
    nw_err (*write)(struct nw_runtime *runtime, int fd, uint64_t at, const void *from,
                    size_t bytes);
    nw_err (*sync)(struct nw_runtime *runtime, int fd);
    void (*close)(struct nw_runtime *runtime, int fd);
    nw_err (*read_all)(struct nw_runtime *runtime, const char *path, size_t max_bytes,
                       struct nw_text *out);
    nw_err (*replace)(struct nw_runtime *runtime, const char *path, struct nw_slice bytes);
    nw_err (*make_dir)(struct nw_runtime *runtime, const char *path);
    nw_err (*unlink)(struct nw_runtime *runtime, const char *path);
    nw_err (*lock)(struct nw_runtime *runtime, const char *path, int *out_fd);
    bool (*exists)(struct nw_runtime *runtime, const char *path);
};

#endif
