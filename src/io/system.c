/* Thin wrappers, each used once at start, so that nothing above io/ touches the system itself. */
#include "io/system.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

uint64_t nw_system_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return nw_system_files_max();
}

uint64_t nw_system_files_max(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : 1024;
}

void nw_system_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof addr.sun_path)
        return;
    size_t len = strlen(path);
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@')
        addr.sun_path[0] = '\0'; /* abstract namespace */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr, addr_len);
    (void)sent; /* a service manager that does not listen is not our failure */
    close(fd);
}

static bool is_bound_to(int fd, const struct nw_addr *addr)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
        struct sockaddr_un local;
    } name;
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) != 0)
        return false;
    if (addr->kind == NW_ADDR_IP4 && name.any.sa_family == AF_INET)
        return ntohs(name.ip4.sin_port) == addr->port &&
               memcmp(&name.ip4.sin_addr, addr->ip4, 4) == 0;
    if (addr->kind == NW_ADDR_IP6 && name.any.sa_family == AF_INET6)
        return ntohs(name.ip6.sin6_port) == addr->port &&
               memcmp(&name.ip6.sin6_addr, addr->ip6, 16) == 0;
    return addr->kind == NW_ADDR_UNIX && name.any.sa_family == AF_UNIX &&
           strncmp(name.local.sun_path, addr->path, sizeof name.local.sun_path) == 0;
}

int nw_system_inherited_fd(const struct nw_addr *addr)
{
    enum { FIRST_FD = 3 };
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    if (count == NULL || pid == NULL || atol(pid) != (long)getpid())
        return -1;
    for (int fd = FIRST_FD; fd < FIRST_FD + atoi(count); fd++)
        if (is_bound_to(fd, addr))
            return fd;
    return -1;
}

static void read_signals(sigset_t *out)
{
    sigemptyset(out);
    const int wanted[] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1};
    for (size_t i = 0; i < NW_COUNT(wanted); i++)
        sigaddset(out, wanted[i]);
}

void nw_system_block_signals(void)
{
    sigset_t set;
    read_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void on_ready(struct nw_source *source, unsigned ready)
{
    struct nw_system_signals *signals = NW_CONTAINER_OF(source, struct nw_system_signals, source);
    struct signalfd_siginfo info;
    while (source->fd >= 0 && read(source->fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->on_signal(signals->arg, (int)info.ssi_signo);
}

nw_err nw_system_signals_open(struct nw_system_signals *signals,
                              void (*on_signal)(void *arg, int signal), void *arg)
{
    sigset_t set;
    read_signals(&set);
    signals->on_signal = on_signal;
    signals->arg = arg;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return NW_TOO_MANY_FILES;
    return nw_source_add(&signals->source, fd, NW_READY_READ, on_ready);
}

void nw_system_signals_close(struct nw_system_signals *signals)
{
    nw_source_close(&signals->source);
}

void nw_system_random(void *out, size_t bytes)
{
    ssize_t got = getrandom(out, bytes, 0);
    NW_ASSERT(got == (ssize_t)bytes);
}

uint64_t nw_system_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *nw_system_env(const char *name)
{
    return getenv(name);
}
