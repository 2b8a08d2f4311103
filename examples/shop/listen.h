/*
 * listen.h - listening sockets: a loopback port, a Unix path.
 *
 * Owner:   the caller closes what it gets
 * Threads: stateless
 */
#ifndef SHOP_LISTEN_H
#define SHOP_LISTEN_H

#include <stdint.h>

/* Port 0 lets the kernel choose; -1 after the reason was printed. */
int shop_listen_port(int port, int *out_port);
/* Takes the place of a socket file that nobody listens on any more, but not of a living one. */
int shop_listen_path(const char *path);

#endif
