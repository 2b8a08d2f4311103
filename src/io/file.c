/*
 * Files never block a worker: what may touch the disk runs in the lane `files`. The exception that
 * pays is a read whose pages are in the page cache, which is nearly every read: RWF_NOWAIT takes
 * them at once for the price of a system call and says EAGAIN when the disk would be needed.
 *
 * Replacing a file is write beside, sync, rename, sync of the directory: whenever the power goes,
 * the name holds the old bytes or the new ones.
 *
 * The lock is flock(2), bound to the open file and not to the process: a second open in the same
 * process is refused too, and closing an unrelated descriptor of the file does not drop it (as a
 * POSIX lock would).
 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/errno.h"
#include "io/fiber.h"
#include "io/file_impl.h"
#include "io/offload.h"
#include "io/worker_impl.h"

enum {
    PATH_BYTES_MAX = 4096,
    READ_STEP_BYTES = 64 * 1024,
    PIPE_WAIT_MS = 5000,
    NEXT_WAIT_MS = 250
};

struct nw_file {
    int fd;
    struct nw_runtime *runtime; /* whose simulated disk it is on; NULL: the kernel's */
};

/* The files of a simulation; NULL where the kernel has them. */
static const struct nw_file_ops *simulated(const struct nw_runtime *runtime)
{
    return runtime != NULL ? runtime->backend->files : NULL;
}

static nw_err last_error(void)
{
    return nw_errno_to_err(errno);
}

static struct nw_lane *lane_here(void)
{
    return nw_lane_files(nw_worker_runtime(nw_worker_self()));
}

static struct nw_file *file_of(int fd, struct nw_runtime *runtime)
{
    struct nw_file *file = nw_alloc(sizeof *file);
    file->fd = fd;
    file->runtime = simulated(runtime) != NULL ? runtime : NULL;
    return file;
}

/* ---- opening ---- */

struct open_job {
    struct nw_runtime *runtime;
    const char *path;
    unsigned flags;
    unsigned mode;
    int fd;
};

/* Where the file system knows no nameless files (overlay, NFS): a name that is gone at once. */
static nw_err open_unlinked(const char *directory, unsigned mode, int *out_fd)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return last_error();
    if (fd < 0) {
        char path[PATH_BYTES_MAX];
        int bytes = snprintf(path, sizeof path, "%s/.newel-XXXXXX", directory);
        if (bytes < 0 || (size_t)bytes >= sizeof path)
            return NW_INVALID;
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
            return last_error();
        (void)unlink(path);
    }
    *out_fd = fd;
    return NW_OK;
}

static nw_err run_open(void *arg)
{
    struct open_job *job = arg;
    const struct nw_file_ops *sim = simulated(job->runtime);
    if (sim != NULL)
        return sim->open(job->runtime, job->path, job->flags, &job->fd);
    if (job->flags & NW_FILE_UNLINKED)
        return open_unlinked(job->path, job->mode, &job->fd);
    int flags = O_CLOEXEC;
    if ((job->flags & NW_FILE_READ) && (job->flags & NW_FILE_WRITE))
        flags |= O_RDWR;
    else
        flags |= (job->flags & NW_FILE_WRITE) ? O_WRONLY : O_RDONLY;
    flags |= (job->flags & NW_FILE_CREATE) ? O_CREAT : 0;
    flags |= (job->flags & NW_FILE_EXCLUSIVE) ? O_EXCL : 0;
    job->fd = open(job->path, flags, job->mode);
    return job->fd >= 0 ? NW_OK : last_error();
}

nw_err nw_file_open(const char *path, unsigned flags, unsigned mode, struct nw_file **out)
{
    struct nw_runtime *runtime = nw_worker_runtime(nw_worker_self());
    struct open_job job = {
        .runtime = runtime, .path = path, .flags = flags, .mode = mode, .fd = -1};
    NW_TRY(nw_offload(lane_here(), run_open, &job));
    *out = file_of(job.fd, runtime);
    return NW_OK;
}

/* ---- reading and writing ---- */

struct transfer_job {
    int fd;
    struct nw_runtime *runtime; /* as the file's */
    uint64_t at;
    char *bytes;
    size_t count;
    size_t done;
};

static nw_err run_read(void *arg)
{
    struct transfer_job *job = arg;
    const struct nw_file_ops *sim = simulated(job->runtime);
    ssize_t bytes;
    if (sim != NULL)
        return sim->read(job->runtime, job->fd, job->at, job->bytes, job->count, &job->done);
    do
        bytes = pread(job->fd, job->bytes, job->count, (off_t)job->at);
    while (bytes < 0 && errno == EINTR);
    if (bytes < 0)
        return last_error();
    job->done = (size_t)bytes;
    return NW_OK;
}

nw_err nw_file_read(struct nw_file *file, uint64_t at, void *to, size_t bytes, size_t *out_bytes)
{
    if (file->runtime == NULL) {
        struct iovec iov = {to, bytes};
        ssize_t at_once = preadv2(file->fd, &iov, 1, (off_t)at, RWF_NOWAIT);
        if (at_once >= 0) {
            *out_bytes = (size_t)at_once;
            return NW_OK;
        }
        if (errno != EAGAIN && errno != EOPNOTSUPP && errno != EINTR && errno != ENOSYS)
            return last_error();
    }
    struct transfer_job job = {
        .fd = file->fd, .runtime = file->runtime, .at = at, .bytes = to, .count = bytes};
    NW_TRY(nw_offload(lane_here(), run_read, &job));
    *out_bytes = job.done;
    return NW_OK;
}

static nw_err write_fully(int fd, uint64_t at, const char *from, size_t count)
{
    while (count > 0) {
        ssize_t bytes = pwrite(fd, from, count, (off_t)at);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            return last_error();
        from += bytes;
        at += (uint64_t)bytes;
        count -= (size_t)bytes;
    }
    return NW_OK;
}

static nw_err run_write(void *arg)
{
    struct transfer_job *job = arg;
    const struct nw_file_ops *sim = simulated(job->runtime);
    if (sim != NULL)
        return sim->write(job->runtime, job->fd, job->at, job->bytes, job->count);
    return write_fully(job->fd, job->at, job->bytes, job->count);
}

nw_err nw_file_write(struct nw_file *file, uint64_t at, const void *from, size_t bytes)
{
    struct transfer_job job = {.fd = file->fd,
                               .runtime = file->runtime,
                               .at = at,
                               .bytes = (char *)(uintptr_t)from,
                               .count = bytes};
    return nw_offload(lane_here(), run_write, &job);
}

static nw_err run_datasync(void *arg)
{
    const struct nw_file *file = arg;
    const struct nw_file_ops *sim = simulated(file->runtime);
    if (sim != NULL)
        return sim->sync(file->runtime, file->fd);
    return fdatasync(file->fd) == 0 ? NW_OK : last_error();
}

nw_err nw_file_datasync(struct nw_file *file)
{
    return nw_offload(lane_here(), run_datasync, file);
}

/* ---- closing ---- */

static nw_err run_close(void *arg)
{
    struct nw_file *file = arg;
    const struct nw_file_ops *sim = simulated(file->runtime);
    if (sim != NULL)
        sim->close(file->runtime, file->fd);
    else
        (void)close(file->fd);
    nw_free(file);
    return NW_OK;
}

NW_YIELDS static void close_in_lane(void *arg)
{
    nw_err err = nw_offload(lane_here(), run_close, arg);
    if (err != NW_OK) /* the lane is full or the worker ends: then here */
        (void)run_close(arg);
}

void nw_file_close(struct nw_file *file)
{
    if (file == NULL)
        return;
    struct nw_worker *worker = nw_worker_self();
    if (worker == NULL || nw_scope_spawn(nw_worker_root_scope(worker), "file close", close_in_lane,
                                         file, NULL) != NW_OK)
        (void)run_close(file);
}

/* ---- at start-up and in jobs ---- */

/*
 * Where a file is named there may lie a FIFO by now, by mistake or by malice: opening one waits for
 * a writer and reading it for a word, and a reload would wait with them. So it is opened without
 * waiting, and who has begun to write (a pipe as the configuration) gets some seconds.
 */
static int open_to_read(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static ssize_t read_some(int fd, char *to, size_t max_bytes)
{
    for (;;) {
        ssize_t bytes = read(fd, to, max_bytes);
        if (bytes >= 0 || (errno != EINTR && errno != EAGAIN))
            return bytes;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (errno == EAGAIN && poll(&wait, 1, PIPE_WAIT_MS) == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

nw_err nw_file_open_now(const char *path, struct nw_file **out)
{
    int fd = open_to_read(path);
    if (fd < 0)
        return last_error();
    *out = file_of(fd, NULL);
    return NW_OK;
}

nw_err nw_file_next_now(struct nw_file *file, void *to, size_t bytes, size_t *out_bytes)
{
    ssize_t count = read(file->fd, to, bytes);
    if (count >= 0) {
        *out_bytes = (size_t)count;
        return NW_OK;
    }
    if (errno == EAGAIN) {
        struct pollfd wait = {.fd = file->fd, .events = POLLIN};
        (void)poll(&wait, 1, NEXT_WAIT_MS);
        return NW_AGAIN;
    }
    return errno == EINTR ? NW_AGAIN : last_error();
}

uint64_t nw_file_size_now(const struct nw_file *file)
{
    struct stat info;
    return fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

static nw_err read_all(int fd, size_t max_bytes, struct nw_text *out)
{
    char *step = nw_alloc(READ_STEP_BYTES);
    nw_err err = NW_OK;
    for (;;) {
        ssize_t bytes = read_some(fd, step, READ_STEP_BYTES);
        if (bytes < 0)
            err = last_error();
        if (bytes <= 0)
            break;
        if ((size_t)bytes > max_bytes - out->len) {
            err = NW_BODY_TOO_LARGE;
            break;
        }
        nw_text_add(out, nw_slice_of(step, (size_t)bytes));
    }
    nw_free(step);
    return err;
}

nw_err nw_file_read_now(struct nw_runtime *runtime, const char *path, size_t max_bytes,
                        struct nw_text *out)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL)
        return sim->read_all(runtime, path, max_bytes, out);
    int fd = open_to_read(path);
    if (fd < 0)
        return last_error();
    struct nw_text text = {0};
    nw_err err = read_all(fd, max_bytes, &text);
    close(fd);
    if (err != NW_OK) {
        nw_text_done(&text);
        return err;
    }
    nw_text_add(out, nw_text_slice(&text));
    nw_text_done(&text);
    return NW_OK;
}

static nw_err read_all_secret(int fd, size_t max_bytes, struct nw_secret *out)
{
    char step[4096];
    ssize_t bytes;
    nw_err err = NW_OK;
    while (err == NW_OK && (bytes = read_some(fd, step, sizeof step)) != 0) {
        if (bytes < 0)
            err = last_error();
        else if ((size_t)bytes > max_bytes - nw_secret_bytes(out).len)
            err = NW_BODY_TOO_LARGE;
        else
            nw_secret_append(out, nw_slice_of(step, (size_t)bytes));
    }
    nw_wipe(step, sizeof step);
    return err;
}

nw_err nw_file_read_secret_fd_now(int fd, size_t max_bytes, struct nw_secret **out)
{
    struct nw_secret *secret = nw_secret_new(nw_slice_of("", 0));
    nw_err err = read_all_secret(fd, max_bytes, secret);
    close(fd);
    if (err == NW_OK)
        *out = secret;
    else
        nw_secret_free(secret);
    return err;
}

/* Simulated disks lie in memory: there is nothing to hide from. */
static nw_err read_simulated_secret(const struct nw_file_ops *sim, struct nw_runtime *runtime,
                                    const char *path, size_t max_bytes, struct nw_secret **out)
{
    struct nw_text text = {0};
    nw_err err = sim->read_all(runtime, path, max_bytes, &text);
    if (err == NW_OK)
        *out = nw_secret_new(nw_text_slice(&text));
    nw_text_done(&text);
    return err;
}

nw_err nw_file_read_secret_now(struct nw_runtime *runtime, const char *path, size_t max_bytes,
                               struct nw_secret **out)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL)
        return read_simulated_secret(sim, runtime, path, max_bytes, out);
    int fd = open_to_read(path);
    return fd >= 0 ? nw_file_read_secret_fd_now(fd, max_bytes, out) : last_error();
}

static nw_err sync_directory_of(const char *path)
{
    char directory[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    int bytes = slash == NULL ? snprintf(directory, sizeof directory, ".")
                              : snprintf(directory, sizeof directory, "%.*s",
                                         slash == path ? 1 : (int)(slash - path), path);
    if (bytes < 0 || (size_t)bytes >= sizeof directory)
        return NW_INVALID;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return last_error();
    nw_err err = fsync(fd) == 0 ? NW_OK : last_error();
    close(fd);
    return err;
}

static nw_err write_beside(int fd, struct nw_slice bytes, unsigned mode)
{
    NW_TRY(write_fully(fd, 0, bytes.ptr, bytes.len));
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
        return last_error();
    return NW_OK;
}

nw_err nw_file_replace_now(struct nw_runtime *runtime, const char *path, struct nw_slice bytes,
                           unsigned mode)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL)
        return sim->replace(runtime, path, bytes);
    char beside[PATH_BYTES_MAX];
    int count = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    if (count < 0 || (size_t)count >= sizeof beside)
        return NW_INVALID;
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return last_error();
    nw_err err = write_beside(fd, bytes, mode);
    close(fd);
    if (err == NW_OK && rename(beside, path) != 0)
        err = last_error();
    if (err != NW_OK) {
        (void)unlink(beside);
        return err;
    }
    return sync_directory_of(path);
}

nw_err nw_file_make_dir_now(struct nw_runtime *runtime, const char *path, unsigned mode)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL)
        return sim->make_dir(runtime, path);
    if (mkdir(path, mode) == 0)
        return NW_OK;
    nw_err err = last_error();
    struct stat info;
    if (err == NW_EXISTS && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return NW_OK;
    return err;
}

nw_err nw_file_unlink_now(struct nw_runtime *runtime, const char *path)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL)
        return sim->unlink(runtime, path);
    return unlink(path) == 0 ? NW_OK : last_error();
}

static int pid_in(int fd)
{
    char text[16] = {0};
    ssize_t bytes = pread(fd, text, sizeof text - 1, 0);
    uint64_t pid;
    struct nw_slice line = nw_slice_of(text, bytes > 0 ? (size_t)bytes : 0);
    line = nw_slice_first(line, nw_slice_find(line, '\n'));
    return nw_slice_to_u64(line, &pid) == NW_OK && pid <= INT32_MAX ? (int)pid : 0;
}

static nw_err pid_write(int fd)
{
    char text[16];
    int bytes = snprintf(text, sizeof text, "%d\n", (int)getpid());
    NW_ASSERT(bytes > 0 && (size_t)bytes < sizeof text);
    if (ftruncate(fd, 0) != 0)
        return last_error();
    return write_fully(fd, 0, text, (size_t)bytes);
}

nw_err nw_file_lock_now(struct nw_runtime *runtime, const char *path, struct nw_file **out,
                        int *out_pid)
{
    const struct nw_file_ops *sim = simulated(runtime);
    if (sim != NULL) {
        int sim_fd;
        *out_pid = 0;
        NW_TRY(sim->lock(runtime, path, &sim_fd));
        *out = file_of(sim_fd, runtime);
        return NW_OK;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return last_error();
    nw_err err = NW_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? NW_EXISTS : last_error();
        if (err == NW_EXISTS)
            *out_pid = pid_in(fd);
    } else {
        err = pid_write(fd);
    }
    if (err != NW_OK) {
        close(fd);
        return err;
    }
    *out = file_of(fd, NULL);
    return NW_OK;
}

bool nw_file_exists_now(struct nw_runtime *runtime, const char *path)
{
    const struct nw_file_ops *sim = simulated(runtime);
    return sim != NULL ? sim->exists(runtime, path) : access(path, F_OK) == 0;
}

void nw_file_rights_now(const char *path, struct nw_text *out)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return;
    /* The number only: asking for its name may load libraries, which is forbidden when confined. */
    nw_text_addf(out, "mode %04o, owned by uid %u", (unsigned)found.st_mode & 07777,
                 (unsigned)found.st_uid);
}
