/*
 * Plain write(2) in a thread that may block. For anything but a regular file it asks poll first and
 * writes at most PIPE_BUF bytes at a time, because a pipe that polls writable has room for just
 * that much: so the thread sits in poll, where it can notice that the program wants to end, and
 * never in a write that nobody will ever take. O_NONBLOCK would do it more simply, but the flag
 * belongs to the open file, which stdout shares with whoever started us.
 *
 * A write that failed half-way leaves a torn line; the next one starts with a newline.
 */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { POLL_MS = 100, QUIT_ROUNDS = 10 };

struct nw_log_file {
    char *path; /* NULL for a borrowed descriptor */
    int fd;
    bool is_regular;
    bool is_torn;     /* the last bytes written did not end a line */
    bool is_quitting; /* atomic */
    int quit_rounds;  /* of POLL_MS, waited since is_quitting, over all writes */
};

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static bool is_regular(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static nw_err why_not_opened(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS: return NW_DENIED;
    case ENOENT:
    case ENOTDIR: return NW_NOT_FOUND;
    case EMFILE:
    case ENFILE: return NW_TOO_MANY_FILES;
    default: return NW_IO;
    }
}

nw_err nw_log_file_open(const char *to, struct nw_log_file **out)
{
    bool is_stdout = strcmp(to, "stdout") == 0, is_stderr = strcmp(to, "stderr") == 0;
    int fd = is_stdout ? STDOUT_FILENO : is_stderr ? STDERR_FILENO : open_path(to);
    if (fd < 0)
        return why_not_opened(errno);
    struct nw_log_file *file = nw_alloc_zero(sizeof *file);
    file->path = is_stdout || is_stderr ? NULL : nw_alloc_string(nw_slice_str(to));
    file->fd = fd;
    file->is_regular = is_regular(fd);
    *out = file;
    return NW_OK;
}

void nw_log_file_close(struct nw_log_file *file)
{
    if (file == NULL)
        return;
    if (file->path != NULL)
        close(file->fd);
    nw_free(file->path);
    nw_free(file);
}

/* Waits until PIPE_BUF bytes can be written; false when quitting and out of patience. */
static bool wait_writable(struct nw_log_file *file)
{
    struct pollfd ready = {.fd = file->fd, .events = POLLOUT};
    for (;;) {
        bool is_patient = file->quit_rounds < QUIT_ROUNDS;
        if (poll(&ready, 1, is_patient ? POLL_MS : 0) != 0)
            return true; /* an error shows in write */
        if (!is_patient)
            return false;
        if (__atomic_load_n(&file->is_quitting, __ATOMIC_RELAXED))
            file->quit_rounds++;
    }
}

static bool write_bytes(struct nw_log_file *file, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        size_t most = file->is_regular || bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF;
        if (!file->is_regular && !wait_writable(file))
            return false;
        ssize_t done = write(file->fd, bytes.ptr, most);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (done > 0) {
            file->is_torn = bytes.ptr[done - 1] != '\n';
            bytes = nw_slice_skip(bytes, (size_t)done);
        }
    }
    return true;
}

static bool sink_write(void *owner, struct nw_slice lines, uint64_t line_count)
{
    struct nw_log_file *file = owner;
    if (file->is_torn && !write_bytes(file, NW_SLICE("\n")))
        return false;
    return write_bytes(file, lines);
}

/* If the file cannot be opened again (gone directory, dropped privileges), the old one goes on. */
static void sink_reopen(void *owner)
{
    struct nw_log_file *file = owner;
    int fd = file->path != NULL ? open_path(file->path) : -1;
    if (fd < 0)
        return;
    close(file->fd);
    file->fd = fd;
    file->is_regular = is_regular(fd);
    file->is_torn = false;
}

struct nw_log_sink nw_log_file_sink(struct nw_log_file *file)
{
    return (struct nw_log_sink){file, sink_write, sink_reopen};
}

void nw_log_file_quit(struct nw_log_file *file)
{
    __atomic_store_n(&file->is_quitting, true, __ATOMIC_RELAXED);
}
