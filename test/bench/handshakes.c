/*
 * handshakes - opens TLS connections one after the other and closes them again.
 *
 *     handshakes --target 127.0.0.1:8443 --resume 0 --clients 1
 *
 * Reads numbers from standard input, one a line, makes so many handshakes each time, and prints
 * one JSON line. Each connection is opened, shaken hands on, said goodbye to by close_notify, and
 * read to its end, so that when a number is done the server has done all of its part. With
 * --resume 1 each one resumes the session of a first connection, which asked for something because
 * a server may hold its ticket back until then; a handshake that is not resumed ends the program.
 * --clients N does the same in N threads, for servers with several workers.
 */
#include "net.h"
#include "tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
    struct nw_bench_address target;
    SSL_CTX *context;
    SSL_SESSION *session; /* NULL: full handshakes */
    long count;
};

static int on_session(SSL *tls, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(tls);
    if (!kept || *kept)
        return 0;
    *kept = SSL_SESSION_dup(session); /* one that no failing connection spoils */
    return 0;
}

/* To the end of what the server sends. */
static void drain(SSL *tls)
{
    char buffer[4096];
    for (;;) {
        ssize_t n = nw_bench_tls_read(tls, buffer, sizeof buffer);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return;
        if (n < 0)
            nw_bench_tls_wait(tls);
    }
}

static void part(SSL *tls, int fd)
{
    SSL_shutdown(tls);
    drain(tls);
    SSL_free(tls);
    close(fd);
}

/* The session of a connection on which something was asked. */
static SSL_SESSION *session_get(struct job *job)
{
    static const char request[] = "GET /128 HTTP/1.1\r\nHost: shop.example\r\n"
                                  "Connection: close\r\n\r\n";
    SSL_SESSION *session = NULL;
    int fd = nw_bench_connect(&job->target);
    SSL *tls = nw_bench_tls_connect(job->context, fd, NULL);
    SSL_set_app_data(tls, &session);
    if (nw_bench_tls_write(tls, request, sizeof request - 1) < 0)
        nw_bench_die("request");
    drain(tls);
    part(tls, fd);
    if (!session) {
        errno = ENOENT;
        nw_bench_die("no session to resume");
    }
    return session;
}

static void *shake(void *arg)
{
    struct job *job = arg;
    for (long i = 0; i < job->count; i++) {
        int fd = nw_bench_connect(&job->target);
        SSL_SESSION *session = job->session ? SSL_SESSION_dup(job->session) : NULL;
        SSL *tls = nw_bench_tls_connect(job->context, fd, session);
        if (SSL_session_reused(tls) != (job->session != NULL)) {
            errno = EPROTO;
            nw_bench_die(job->session ? "not resumed" : "resumed");
        }
        part(tls, fd);
        SSL_SESSION_free(session);
    }
    return NULL;
}

static noreturn void usage(void)
{
    fprintf(stderr, "usage: handshakes --target ADDRESS [--resume 0|1] [--clients N]\n");
    exit(2);
}

static void run(struct job *job, long total, long clients)
{
    pthread_t threads[64];
    int64_t start_ns = nw_bench_now_ns();
    job->count = total / clients;
    for (long i = 0; i < clients; i++)
        if (pthread_create(&threads[i], NULL, shake, job) != 0)
            nw_bench_die("pthread_create");
    for (long i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    printf("{\"handshakes\": %ld, \"seconds\": %.6f}\n", job->count * clients,
           (double)(nw_bench_now_ns() - start_ns) / 1e9);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct job job = {.context = nw_bench_tls_context()};
    long clients = 1;
    bool is_resuming = false;
    char line[32];
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--target") == 0)
            job.target = nw_bench_address_parse(argv[i + 1]);
        else if (strcmp(argv[i], "--resume") == 0)
            is_resuming = argv[i + 1][0] == '1';
        else if (strcmp(argv[i], "--clients") == 0)
            clients = strtol(argv[i + 1], NULL, 10);
        else
            usage();
    }
    if (job.target.where_bytes == 0 || clients < 1 || clients > 64)
        usage();
    SSL_CTX_sess_set_new_cb(job.context, on_session);
    if (is_resuming)
        job.session = session_get(&job);
    while (fgets(line, sizeof line, stdin))
        run(&job, strtol(line, NULL, 10), clients);
    return 0;
}
