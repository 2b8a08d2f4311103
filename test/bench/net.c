/*
 * Sockets for the benchmark's programs. The backlog is 4096 everywhere: a full
 * accept queue drops the SYN, the client tries again a second later, and the
 * second would be charged to whoever is being measured.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

noreturn void nw_bench_die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

static struct nw_bench_address unix_address(const char *path)
{
    struct nw_bench_address address = {.where_bytes = sizeof(struct sockaddr_un)};
    struct sockaddr_un *where = (struct sockaddr_un *)&address.where;
    if (strlen(path) >= sizeof where->sun_path) {
        errno = ENAMETOOLONG;
        nw_bench_die(path);
    }
    where->sun_family = AF_UNIX;
    strcpy(where->sun_path, path);
    return address;
}

struct nw_bench_address nw_bench_address_parse(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return unix_address(text + 5);

    struct nw_bench_address address = {.where_bytes = sizeof(struct sockaddr_in)};
    struct sockaddr_in *where = (struct sockaddr_in *)&address.where;
    char host[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    size_t host_bytes = colon ? (size_t)(colon - text) : 0;
    if (host_bytes == 0 || host_bytes >= sizeof host) {
        errno = EINVAL;
        nw_bench_die(text);
    }
    memcpy(host, text, host_bytes);
    host[host_bytes] = '\0';
    where->sin_family = AF_INET;
    where->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &where->sin_addr) != 1) {
        errno = EINVAL;
        nw_bench_die(text);
    }
    return address;
}

static void announce(int fd, const char *text)
{
    struct sockaddr_in where;
    socklen_t where_bytes = sizeof where;
    if (strncmp(text, "unix:", 5) == 0) {
        printf("listening %s\n", text);
    } else {
        char host[INET_ADDRSTRLEN];
        if (getsockname(fd, (struct sockaddr *)&where, &where_bytes) < 0)
            nw_bench_die("getsockname");
        inet_ntop(AF_INET, &where.sin_addr, host, sizeof host);
        printf("listening %s:%u\n", host, ntohs(where.sin_port));
    }
    fflush(stdout);
}

int nw_bench_listen(const char *text)
{
    struct nw_bench_address address = nw_bench_address_parse(text);
    int fd = socket(address.where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        nw_bench_die("socket");
    if (bind(fd, (struct sockaddr *)&address.where, address.where_bytes) < 0)
        nw_bench_die(text);
    if (listen(fd, BACKLOG) < 0)
        nw_bench_die("listen");
    announce(fd, text);
    return fd;
}

static void nodelay(int fd)
{
    int on = 1; /* fails on a Unix socket, which never delays */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int nw_bench_connect(const struct nw_bench_address *address)
{
    int fd = socket(address->where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        nw_bench_die("socket");
    /* The handshake runs inside connect() on loopback; EINPROGRESS is still answered later. */
    if (connect(fd, (const struct sockaddr *)&address->where, address->where_bytes) < 0 &&
        errno != EINPROGRESS)
        nw_bench_die("connect");
    nodelay(fd);
    return fd;
}

int nw_bench_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        nodelay(fd);
    else if (errno != EAGAIN && errno != ECONNABORTED)
        nw_bench_die("accept");
    return fd;
}

void nw_bench_nofile_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        nw_bench_die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        nw_bench_die("setrlimit");
}

int64_t nw_bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
