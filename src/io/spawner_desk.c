/*
 * The second pair: what newel asks for and waits for. A reading of the configuration, a listening
 * socket, a file: each is looked up in the book and nothing else decides, so that a newel that was
 * taken over can get no more here than its operator wrote down.
 *
 * Files are opened without waiting and must be regular ones: a pipe or a device under a name that
 * the file names would hold the helper up, or be read away from under somebody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/backend.h"
#include "io/confine.h"
#include "io/errno.h"
#include "io/spawn_impl.h"

/* Everything that may come. */
union request {
    struct nw_spawn_head head;
    struct nw_spawn_open open;
    struct nw_spawn_listen listen;
};

static void answer(struct nw_spawn_desk *desk, struct nw_spawn_answer *what, int fd)
{
    what->head.bytes = sizeof *what;
    what->head.kind = NW_SPAWN_ANSWER;
    struct iovec iov = {what, sizeof *what};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    while (sendmsg(desk->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void on_load(struct nw_spawn_desk *desk, struct nw_spawn_answer *out)
{
    const struct nw_spawn_book *book = desk->book;
    nw_err err = book->load(book->arg, &out->digest, &desk->power, out->text);
    desk->is_loaded = err == NW_OK;
    out->err = (int32_t)err;
}

void nw_spawn_desk_take(struct nw_spawn_desk *desk, struct nw_spawn_answer *out)
{
    if (!desk->is_loaded) {
        out->err = NW_INVALID;
        snprintf(out->text, sizeof out->text, "nothing was loaded");
        return;
    }
    desk->book->take(desk->book->arg);
    out->err = desk->is_settled ? NW_OK
                                : (int32_t)nw_confine_helper(&desk->power, &desk->is_rootless,
                                                             out->text);
    desk->is_settled = true;
}

static int on_open(struct nw_spawn_desk *desk, const struct nw_spawn_open *request,
                   struct nw_spawn_answer *out)
{
    struct stat info;
    out->err = NW_DENIED;
    if (memchr(request->path, '\0', sizeof request->path) == NULL ||
        !desk->book->may_open(desk->book->arg, request->path))
        return -1;
    int fd = open(request->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        out->err = (int32_t)nw_errno_to_err(errno);
        return -1;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        out->err = NW_INVALID;
        close(fd);
        return -1;
    }
    out->err = NW_OK;
    return fd;
}

static int on_listen(struct nw_spawn_desk *desk, const struct nw_spawn_listen *request,
                     struct nw_spawn_answer *out)
{
    struct nw_addr addr = request->addr;
    out->err = NW_DENIED;
    bool is_sound = memchr(request->text, '\0', sizeof request->text) != NULL &&
                    (addr.kind != NW_ADDR_UNIX ||
                     memchr(addr.path, '\0', sizeof addr.path) != NULL);
    if (!is_sound || !desk->book->may_listen(desk->book->arg, request->text, &addr))
        return -1;
    int fd = nw_backend_epoll.listen(NULL, &addr, request->is_first != 0, 0);
    out->err = fd >= 0 ? NW_OK : (int32_t)nw_errno_to_err(-fd);
    return fd;
}

bool nw_spawn_desk_serve(struct nw_spawn_desk *desk)
{
    union request request;
    struct nw_spawn_answer out = {.err = NW_INVALID};
    int fd = -1;
    ssize_t got = recv(desk->fd, &request, sizeof request, MSG_TRUNC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        return false;
    size_t bytes = (size_t)got;
    bool is_sound = bytes >= sizeof request.head && request.head.bytes == bytes;
    uint32_t kind = is_sound ? request.head.kind : 0;
    out.head.ticket = is_sound ? request.head.ticket : 0;
    if (kind == NW_SPAWN_LOAD && bytes == sizeof request.head)
        on_load(desk, &out);
    else if (kind == NW_SPAWN_TAKE && bytes == sizeof request.head)
        nw_spawn_desk_take(desk, &out);
    else if (kind == NW_SPAWN_OPEN && bytes == sizeof request.open)
        fd = on_open(desk, &request.open, &out);
    else if (kind == NW_SPAWN_LISTEN && bytes == sizeof request.listen)
        fd = on_listen(desk, &request.listen, &out);
    answer(desk, &out, fd);
    if (fd >= 0)
        close(fd);
    return true;
}
