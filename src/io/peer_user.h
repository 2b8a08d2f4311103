/*
 * peer_user.h - which user is at the other end of a Unix socket.
 *
 * Owner:   plain values
 * Threads: any, unless said otherwise
 */
#ifndef NW_IO_PEER_USER_H
#define NW_IO_PEER_USER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "root", our own name where the user is ours (`own`; NULL: unknown), else "uid:1234"; "unknown"
 * when the kernel does not tell. Asks no database: a confined process could not.
 */
void nw_peer_user_name(int fd, const char *own, char *out, size_t cap_bytes);
/* The name of the user that we are; false: it has none. Reads the database: before confinement. */
bool nw_user_own_name(char *out, size_t cap_bytes);

#endif
