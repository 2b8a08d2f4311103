/* Plain blocking calls: a command does one thing at a time. */
#include "io/dial.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

nw_err nw_dial_unix(const char *path, struct nw_dial *out)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path)
        return NW_INVALID;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NW_TOO_MANY_FILES;
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        nw_err err = errno == ENOENT         ? NW_NOT_FOUND
                     : errno == ECONNREFUSED ? NW_REFUSED
                     : errno == EACCES       ? NW_DENIED
                                             : NW_IO;
        close(fd);
        return err;
    }
    *out = (struct nw_dial){.fd = fd};
    return NW_OK;
}

nw_err nw_dial_write(struct nw_dial *dial, struct nw_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(dial->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return NW_PEER_CLOSED;
        if (sent > 0)
            bytes = nw_slice_skip(bytes, (size_t)sent);
    }
    return NW_OK;
}

nw_err nw_dial_read_line(struct nw_dial *dial, struct nw_text *out)
{
    for (;;) {
        struct nw_slice pending = nw_text_slice(&dial->pending);
        size_t at = nw_slice_find(pending, '\n');
        if (at < pending.len) {
            nw_text_clear(out);
            nw_text_add(out, nw_slice_first(pending, at));
            struct nw_text left = {0};
            nw_text_add(&left, nw_slice_skip(pending, at + 1));
            nw_text_done(&dial->pending);
            dial->pending = left;
            return NW_OK;
        }
        char bytes[16384];
        ssize_t got = recv(dial->fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NW_PEER_CLOSED;
        nw_text_add(&dial->pending, nw_slice_of(bytes, (size_t)got));
    }
}

void nw_dial_close(struct nw_dial *dial)
{
    close(dial->fd);
    nw_text_done(&dial->pending);
    dial->fd = -1;
}
