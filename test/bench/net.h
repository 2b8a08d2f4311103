/*
 * net.h - the sockets that the benchmark's small programs have in common.
 *
 * An address is written as newel's configuration writes it: "127.0.0.1:8080"
 * or "unix:/path". Port 0 lets the kernel choose. These programs are tools on
 * a bench: a failed system call ends them with a sentence, never a retry.
 *
 * Owner:   descriptors returned belong to the caller
 * Threads: single-threaded programs only
 */
#ifndef NW_TEST_BENCH_NET_H
#define NW_TEST_BENCH_NET_H

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/socket.h>

struct nw_bench_address {
    struct sockaddr_storage where;
    socklen_t where_bytes;
};

/* Print "program: what: strerror(errno)" and leave with status 1. */
noreturn void nw_bench_die(const char *what);

/* Understand "host:port" (IPv4, numeric) or "unix:/path"; anything else ends the program. */
struct nw_bench_address nw_bench_address_parse(const char *text);

/* A non-blocking listener; prints "listening ADDRESS" with the real port, so a parent can wait. */
int nw_bench_listen(const char *text);

/* A connected, non-blocking, no-delay stream. On loopback connecting does not wait. */
int nw_bench_connect(const struct nw_bench_address *address);

/* Accept one non-blocking, no-delay stream, or -1 when none is waiting. */
int nw_bench_accept(int listener);

/* Lift the soft limit of open files to the hard one: the idle row holds 8,000 of them. */
void nw_bench_nofile_raise(void);

int64_t nw_bench_now_ns(void);

#endif
