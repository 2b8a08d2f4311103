/*
 * Only 127.0.0.1: what faces the network is the proxy in front. A socket file
 * survives the process that made it, so before binding the path is tried: if
 * somebody answers, this start is the mistake; if nobody does, the file is a
 * leftover and goes.
 */
#include "listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static int complain(int fd, const char *what)
{
    fprintf(stderr, "shop: cannot listen on %s: %s\n", what, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int shop_listen_port(int port, int *out_port)
{
    char what[32];
    snprintf(what, sizeof what, "127.0.0.1:%d", port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof address;
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return complain(fd, what);
    *out_port = ntohs(address.sin_port);
    return fd;
}

static bool is_leftover(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                      errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}

int shop_listen_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return complain(-1, path);
    }
    strcpy(address.sun_path, path);
    if (is_leftover(&address))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        return complain(fd, path);
    return fd;
}
