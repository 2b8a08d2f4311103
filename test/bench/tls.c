/*
 * TLS over the benchmark's sockets: OpenSSL on the socket itself, because what the client side
 * costs is not measured.
 */
#include "tls.h"
#include "net.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 10000 };

static noreturn void tls_die(const char *what)
{
    fprintf(stderr, "%s: ", what);
    ERR_print_errors_fp(stderr);
    errno = EPROTO;
    nw_bench_die("TLS");
}

SSL_CTX *nw_bench_tls_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION))
        tls_die("context");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return context;
}

static void wait_for(SSL *tls, short events)
{
    struct pollfd one = {.fd = SSL_get_fd(tls), .events = events};
    if (poll(&one, 1, PATIENCE_MS) != 1) {
        errno = ETIMEDOUT;
        nw_bench_die("TLS");
    }
}

void nw_bench_tls_wait(SSL *tls)
{
    wait_for(tls, POLLIN);
}

SSL *nw_bench_tls_connect(SSL_CTX *context, int fd, SSL_SESSION *session)
{
    SSL *tls = SSL_new(context);
    if (!tls || !SSL_set_fd(tls, fd) || (session && !SSL_set_session(tls, session)) ||
        !SSL_set_tlsext_host_name(tls, "shop.example"))
        tls_die("connection");
    int result;
    while ((result = SSL_connect(tls)) != 1) {
        int why = SSL_get_error(tls, result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            tls_die("handshake");
        wait_for(tls, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    }
    return tls;
}

ssize_t nw_bench_tls_read(SSL *tls, void *to, size_t bytes)
{
    int result = SSL_read(tls, to, (int)bytes);
    if (result > 0)
        return result;
    int why = SSL_get_error(tls, result);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    ERR_clear_error();
    errno = why == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t nw_bench_tls_write(SSL *tls, const void *from, size_t bytes)
{
    int result = SSL_write(tls, from, (int)bytes);
    if (result > 0)
        return result;
    ERR_clear_error();
    errno = ECONNRESET;
    return -1;
}
