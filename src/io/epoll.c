/*
 * The production backend: level-triggered epoll, one eventfd for wake-ups, plain sockets.
 *
 * Level-triggered, because an edge that a fiber did not use up is lost, and reading until EAGAIN
 * to be sure costs one more system call per request. Sleeps are in nanoseconds (epoll_pwait2),
 * rounded up to milliseconds on kernels before 5.11.
 *
 * The first listener of an address is bound without SO_REUSEPORT, so that a second newel finds the
 * address in use instead of silently taking half of the traffic; with the flag set after the bind,
 * the sockets of our other workers may join. TCP_NODELAY is set on the listener: what it accepts
 * inherits it, which saves a call per connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/worker_impl.h"

enum { BACKLOG = 4096, PIPE_BYTES = 256 * 1024 };

struct epoll_state {
    int epoll_fd;
    int wake_fd;
    bool has_no_pwait2;
    struct epoll_event events[NW_TURN_EVENTS_MAX];
};

/* ---- Life ---- */

static void epoll_close_worker(struct nw_worker *worker, void *arg)
{
    struct epoll_state *state = arg;
    (void)worker;
    if (state->wake_fd >= 0)
        close(state->wake_fd);
    if (state->epoll_fd >= 0)
        close(state->epoll_fd);
    nw_free(state);
}

static nw_err epoll_open_worker(struct nw_worker *worker, void *world, void **out_state)
{
    (void)world;
    struct epoll_state *state = nw_alloc_zero(sizeof *state);
    state->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    state->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (state->wake_fd < 0 || state->epoll_fd < 0 ||
        epoll_ctl(state->epoll_fd, EPOLL_CTL_ADD, state->wake_fd, &event) != 0) {
        epoll_close_worker(worker, state);
        return NW_TOO_MANY_FILES;
    }
    *out_state = state;
    return NW_OK;
}

/* ---- Events ---- */

static int control(void *arg, int operation, struct nw_source *source, unsigned want)
{
    struct epoll_state *state = arg;
    struct epoll_event event = {.data.ptr = source};
    if (want & NW_READY_READ)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (want & NW_READY_PEER_END)
        event.events |= EPOLLRDHUP;
    if (want & NW_READY_WRITE)
        event.events |= EPOLLOUT;
    return epoll_ctl(state->epoll_fd, operation, source->fd, &event) == 0 ? 0 : -errno;
}

static int epoll_add(void *state, struct nw_source *source, unsigned want)
{
    return control(state, EPOLL_CTL_ADD, source, want);
}

static int epoll_modify(void *state, struct nw_source *source, unsigned want)
{
    return control(state, EPOLL_CTL_MOD, source, want);
}

static int epoll_remove(void *state, struct nw_source *source)
{
    return control(state, EPOLL_CTL_DEL, source, 0);
}

static int wait_raw(struct epoll_state *state, int max, int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return epoll_wait(state->epoll_fd, state->events, max, timeout_ns < 0 ? -1 : 0);
    if (!state->has_no_pwait2) {
        struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
        int count = epoll_pwait2(state->epoll_fd, state->events, max, &timeout, NULL);
        if (count >= 0 || errno != ENOSYS)
            return count;
        state->has_no_pwait2 = true;
    }
    int64_t ms = (timeout_ns - 1) / 1000000 + 1;
    return epoll_wait(state->epoll_fd, state->events, max, ms < INT32_MAX ? (int)ms : INT32_MAX);
}

static unsigned ready_bits(uint32_t events)
{
    unsigned bits = 0;
    if (events & EPOLLIN)
        bits |= NW_READY_READ;
    if (events & EPOLLOUT)
        bits |= NW_READY_WRITE;
    if (events & EPOLLRDHUP)
        bits |= NW_READY_PEER_END;
    if (events & (EPOLLERR | EPOLLHUP))
        bits |= NW_READY_ERROR;
    return bits;
}

static int epoll_wait_events(void *arg, struct nw_ready *out, int max, int64_t timeout_ns)
{
    struct epoll_state *state = arg;
    int got = wait_raw(state, max < NW_TURN_EVENTS_MAX ? max : NW_TURN_EVENTS_MAX, timeout_ns);
    int count = 0;
    for (int i = 0; i < got; i++) {
        const struct epoll_event *event = &state->events[i];
        if (event->data.ptr == NULL) {
            uint64_t wakes;
            (void)!read(state->wake_fd, &wakes, sizeof wakes);
            continue;
        }
        out[count++] =
            (struct nw_ready){.source = event->data.ptr, .bits = ready_bits(event->events)};
    }
    return count;
}

static void epoll_wake(void *arg)
{
    struct epoll_state *state = arg;
    uint64_t one = 1;
    (void)!write(state->wake_fd, &one, sizeof one);
}

/* ---- Clock and chance ---- */

static uint64_t epoll_mono_ns(void *state)
{
    struct timespec now;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t epoll_wall_ms(void *state)
{
    struct timespec now;
    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void epoll_random(void *state, void *out, size_t bytes)
{
    (void)state;
    for (char *at = out; bytes > 0;) {
        ssize_t got = getrandom(at, bytes < 256 ? bytes : 256, 0);
        NW_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        }
    }
}

/* ---- Addresses ---- */

union any_addr {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un local;
};

/* 0: an address of no kind that a socket has. */
static socklen_t to_kernel(const struct nw_addr *addr, union any_addr *out)
{
    memset(out, 0, sizeof *out);
    switch (addr->kind) {
    case NW_ADDR_IP4:
        out->ip4.sin_family = AF_INET;
        out->ip4.sin_port = htons(addr->port);
        memcpy(&out->ip4.sin_addr, addr->ip4, sizeof addr->ip4);
        return sizeof out->ip4;
    case NW_ADDR_IP6:
        out->ip6.sin6_family = AF_INET6;
        out->ip6.sin6_port = htons(addr->port);
        memcpy(&out->ip6.sin6_addr, addr->ip6, sizeof addr->ip6);
        return sizeof out->ip6;
    case NW_ADDR_UNIX:
        out->local.sun_family = AF_UNIX;
        memcpy(out->local.sun_path, addr->path, sizeof out->local.sun_path - 1);
        return sizeof out->local;
    default:
        return 0;
    }
}

static void from_kernel(const union any_addr *addr, socklen_t bytes, struct nw_addr *out)
{
    memset(out, 0, sizeof *out);
    if (addr->any.sa_family == AF_INET) {
        out->kind = NW_ADDR_IP4;
        out->port = ntohs(addr->ip4.sin_port);
        memcpy(out->ip4, &addr->ip4.sin_addr, sizeof out->ip4);
    } else if (addr->any.sa_family == AF_INET6) {
        out->kind = NW_ADDR_IP6;
        out->port = ntohs(addr->ip6.sin6_port);
        memcpy(out->ip6, &addr->ip6.sin6_addr, sizeof out->ip6);
    } else if (addr->any.sa_family == AF_UNIX) {
        size_t head = offsetof(struct sockaddr_un, sun_path);
        out->kind = NW_ADDR_UNIX;
        if (bytes > head) /* a client's socket has no path */
            memcpy(out->path, addr->local.sun_path,
                   bytes - head < sizeof out->path ? bytes - head : sizeof out->path - 1);
    }
}

static int epoll_local_addr(void *state, int fd, struct nw_addr *out)
{
    union any_addr addr;
    socklen_t bytes = sizeof addr;
    (void)state;
    if (getsockname(fd, &addr.any, &bytes) != 0)
        return -errno;
    from_kernel(&addr, bytes, out);
    return 0;
}

/* ---- Opening sockets ---- */

static int open_socket(const struct nw_addr *addr, union any_addr *out, socklen_t *out_bytes)
{
    *out_bytes = to_kernel(addr, out);
    if (*out_bytes == 0)
        return -EAFNOSUPPORT;
    int fd = socket(out->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int one = 1;
    if (addr->kind != NW_ADDR_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* A socket file that nobody listens on is what a killed newel left; true when it was removed. */
static bool remove_stale_path(const struct nw_addr *addr)
{
    union any_addr name;
    socklen_t bytes = to_kernel(addr, &name);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    bool is_stale = connect(probe, &name.any, bytes) != 0 && errno == ECONNREFUSED;
    close(probe);
    return is_stale && unlink(addr->path) == 0;
}

static int bind_tcp(int fd, const struct nw_addr *addr, union any_addr *name, socklen_t bytes,
                    bool is_first)
{
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (addr->kind == NW_ADDR_IP6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (!is_first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0)
        return -errno;
    if (bind(fd, &name->any, bytes) != 0)
        return -errno;
    if (is_first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0)
        return -errno;
    return 0;
}

static int bind_unix(int fd, const struct nw_addr *addr, union any_addr *name, socklen_t bytes,
                     unsigned mode)
{
    if (bind(fd, &name->any, bytes) != 0) {
        int error = errno;
        if (error != EADDRINUSE || !remove_stale_path(addr))
            return -error;
        if (bind(fd, &name->any, bytes) != 0)
            return -errno;
    }
    return chmod(addr->path, mode != 0 ? mode : 0666) == 0 ? 0 : -errno;
}

static int epoll_listen(void *state, const struct nw_addr *addr, bool is_first, unsigned mode)
{
    union any_addr name;
    socklen_t bytes;
    (void)state;
    if (addr->kind == NW_ADDR_UNIX && !is_first)
        return -EOPNOTSUPP; /* a path has one socket; workers share its descriptor */
    int fd = open_socket(addr, &name, &bytes);
    if (fd < 0)
        return fd;
    int failed = addr->kind == NW_ADDR_UNIX ? bind_unix(fd, addr, &name, bytes, mode)
                                            : bind_tcp(fd, addr, &name, bytes, is_first);
    if (failed == 0 && listen(fd, BACKLOG) != 0)
        failed = -errno;
    if (failed == 0)
        return fd;
    close(fd);
    return failed;
}

static int epoll_accept(void *state, int listen_fd, struct nw_addr *out_peer)
{
    union any_addr addr;
    socklen_t bytes = sizeof addr;
    (void)state;
    int fd = accept4(listen_fd, &addr.any, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    from_kernel(&addr, bytes, out_peer);
    return fd;
}

static int epoll_connect(void *state, const struct nw_addr *to)
{
    union any_addr name;
    socklen_t bytes;
    (void)state;
    int fd = open_socket(to, &name, &bytes);
    if (fd < 0)
        return fd;
    if (connect(fd, &name.any, bytes) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int epoll_connect_result(void *state, int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    (void)state;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        return -errno;
    return -error;
}

/* ---- Moving bytes ---- */

static ssize_t result_of(ssize_t bytes)
{
    return bytes >= 0 ? bytes : -errno;
}

/*
 * recv and send without the C library: its versions are cancellation points, which costs a process
 * with threads some thirty instructions each time, and we never cancel a thread. A sanitizer wants
 * to see the call.
 */
#if defined(__x86_64__) && !NW_ASAN && !NW_TSAN
static inline ssize_t transfer(long number, int fd, const void *at, size_t bytes, unsigned flags)
{
    ssize_t result;
    register long r10 __asm__("r10") = flags, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"((long)fd), "S"(at), "d"(bytes), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
static ssize_t receive_once(int fd, void *to, size_t bytes)
{
    return transfer(SYS_recvfrom, fd, to, bytes, 0);
}
static ssize_t send_once(int fd, const void *from, size_t bytes)
{
    return transfer(SYS_sendto, fd, from, bytes, MSG_NOSIGNAL);
}
#else
static ssize_t receive_once(int fd, void *to, size_t bytes)
{
    return result_of(recv(fd, to, bytes, 0));
}
static ssize_t send_once(int fd, const void *from, size_t bytes)
{
    return result_of(send(fd, from, bytes, MSG_NOSIGNAL));
}
#endif

static ssize_t epoll_readv(void *state, int fd, const struct iovec *iov, int count)
{
    (void)state;
    if (count == 1)
        return receive_once(fd, iov->iov_base, iov->iov_len);
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    return result_of(recvmsg(fd, &message, 0));
}

static ssize_t epoll_peek(void *state, int fd, void *to, size_t bytes)
{
    (void)state;
    return result_of(recv(fd, to, bytes, MSG_PEEK));
}

static ssize_t epoll_writev(void *state, int fd, const struct iovec *iov, int count)
{
    (void)state;
    if (count == 1)
        return send_once(fd, iov->iov_base, iov->iov_len);
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    return result_of(sendmsg(fd, &message, MSG_NOSIGNAL));
}

static ssize_t epoll_splice(void *state, int from_fd, int to_fd, size_t bytes, bool is_more)
{
    (void)state;
    unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (is_more ? SPLICE_F_MORE : 0);
    return result_of(splice(from_fd, NULL, to_fd, NULL, bytes, flags));
}

static int epoll_pipe(void *state, int out_fds[2], size_t *out_cap_bytes)
{
    (void)state;
    if (pipe2(out_fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return -errno;
    int cap_bytes = fcntl(out_fds[1], F_SETPIPE_SZ, PIPE_BYTES);
    if (cap_bytes < 0) /* over the user's pipe quota: what there is does as well */
        cap_bytes = fcntl(out_fds[1], F_GETPIPE_SZ);
    *out_cap_bytes = cap_bytes > 0 ? (size_t)cap_bytes : 4096;
    return 0;
}

static void epoll_shutdown_write(void *state, int fd)
{
    (void)state;
    (void)shutdown(fd, SHUT_WR);
}

static void epoll_close(void *state, int fd, bool with_reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)state;
    if (with_reset)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

const struct nw_backend_ops nw_backend_epoll = {
    .name = "epoll",
    .worker_open = epoll_open_worker,
    .worker_close = epoll_close_worker,
    .add = epoll_add,
    .modify = epoll_modify,
    .remove = epoll_remove,
    .wait = epoll_wait_events,
    .wake = epoll_wake,
    .mono_ns = epoll_mono_ns,
    .wall_ms = epoll_wall_ms,
    .random = epoll_random,
    .listen = epoll_listen,
    .local_addr = epoll_local_addr,
    .accept = epoll_accept,
    .connect = epoll_connect,
    .connect_result = epoll_connect_result,
    .readv = epoll_readv,
    .peek = epoll_peek,
    .writev = epoll_writev,
    .splice = epoll_splice,
    .pipe = epoll_pipe,
    .shutdown_write = epoll_shutdown_write,
    .close = epoll_close,
};
