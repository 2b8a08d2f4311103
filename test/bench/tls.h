/*
 * tls.h - TLS 1.3 for the benchmark's clients.
 *
 * Nothing is verified: the certificates are made for the run, and what a client spends is not
 * measured. A failed handshake ends the program, as every failed call of these tools does.
 *
 * Owner:   contexts and connections belong to the caller
 * Threads: a context may be shared, a connection not
 */
#ifndef NW_TEST_BENCH_TLS_H
#define NW_TEST_BENCH_TLS_H

#include <openssl/ssl.h>

SSL_CTX *nw_bench_tls_context(void);

/* Over a connected, non-blocking socket, until the handshake is done. session may be NULL. */
SSL *nw_bench_tls_connect(SSL_CTX *context, int fd, SSL_SESSION *session);

/* As recv and send on a non-blocking socket. */
ssize_t nw_bench_tls_read(SSL *tls, void *to, size_t bytes);
ssize_t nw_bench_tls_write(SSL *tls, const void *from, size_t bytes);

/* Until there is something to read; ends the program after 10 s. */
void nw_bench_tls_wait(SSL *tls);

#endif
