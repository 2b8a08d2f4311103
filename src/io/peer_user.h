/*
 * peer_user.h - which user is at the other end of a Unix socket.
 *
 * Owner:   plain values
 * Threads: any
 */
#ifndef NW_IO_PEER_USER_H
#define NW_IO_PEER_USER_H

#include <stddef.h>

/* "root", or "uid:1234" for a user without a name; "unknown" when the kernel does not tell. */
void nw_peer_user_name(int fd, char *out, size_t cap_bytes);

#endif
