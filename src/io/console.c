/*
 * A command has no loop, so a signal can tell it something only through a flag that its work looks
 * at; the handler removes itself (SA_RESETHAND), and a user who does not want to wait presses the
 * keys again. Output is written whole by us rather than by stdio at exit, where nobody would hear
 * that it failed.
 */
#include "io/console.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/errno.h"
#include "io/file.h"
#include "io/system.h"

static sig_atomic_t is_interrupted; /* read and written with relaxed order */

_Static_assert(sizeof(sig_atomic_t) == sizeof(int), "the flag is handed out as an int");

unsigned nw_console_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

bool nw_console_has_colour(void)
{
    const char *no = nw_system_env("NO_COLOR"), *term = nw_system_env("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static nw_err write_all(int fd, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.ptr, bytes.len);
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        if (count >= 0)
            bytes = nw_slice_skip(bytes, (size_t)count);
        else if (errno == EAGAIN) /* whoever shares the descriptor made it non-blocking */
            (void)poll(&room, 1, -1);
        else if (errno != EINTR)
            return nw_errno_to_err(errno);
    }
    return NW_OK;
}

nw_err nw_console_print(struct nw_slice bytes)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like a full disk */
    if (fflush(stdout) != 0)
        return nw_errno_to_err(errno);
    return write_all(STDOUT_FILENO, bytes);
}

/* Whatever takes bytes as they come. */
static nw_err write_to(const char *path, struct nw_slice bytes)
{
    signal(SIGPIPE, SIG_IGN);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return nw_errno_to_err(errno);
    nw_err err = write_all(fd, bytes);
    if (close(fd) != 0 && err == NW_OK)
        err = nw_errno_to_err(errno);
    return err;
}

nw_err nw_console_save(const char *path, struct nw_slice bytes)
{
    struct stat info;
    char target[PATH_MAX];
    signal(SIGXFSZ, SIG_IGN);
    if (stat(path, &info) != 0)
        return nw_file_replace_now(NULL, path, bytes, 0644);
    if (!S_ISREG(info.st_mode))
        return write_to(path, bytes);
    if (realpath(path, target) == NULL)
        return nw_errno_to_err(errno);
    return nw_file_replace_now(NULL, target, bytes, info.st_mode & 0777);
}

static void on_interrupt(int number)
{
    __atomic_store_n(&is_interrupted, 1, __ATOMIC_RELAXED);
}

void nw_console_watch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
}

bool nw_console_is_interrupted(void)
{
    return __atomic_load_n(&is_interrupted, __ATOMIC_RELAXED) != 0;
}

const int *nw_console_stop(void)
{
    return &is_interrupted;
}

bool nw_console_has_progress(void)
{
    return isatty(STDERR_FILENO);
}

void nw_console_progress(struct nw_slice line)
{
    if (nw_console_has_progress())
        fprintf(stderr, "\r\x1b[K%.*s", NW_SLICE_ARG(line));
}

void nw_console_pause_ms(unsigned ms)
{
    (void)poll(NULL, 0, (int)ms);
}
