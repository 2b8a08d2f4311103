/*
 * procfs.h - ports and sockets of processes on this machine.
 *
 * Owner:   the caller's memory
 * Threads: stateless; what reads /proc or touches files blocks: for start-up and offload jobs
 */
#ifndef NW_IO_PROCFS_H
#define NW_IO_PROCFS_H

#include <stdbool.h>

#include "io/addr.h"

struct nw_stream;

/* A port of 127.0.0.1 that nobody holds now; it is free again at once, so it may be lost. */
NW_MUST_CHECK nw_err nw_port_choose(uint16_t *out_port);
/* Removes a socket's file, and only a socket's, so that the path can be bound. */
void nw_socket_path_clear(const char *path);
/* The same for everything in a folder. */
void nw_socket_folder_clear(const char *folder);
/* `path` below the working folder, or as it is when absolute; false when it does not fit. */
bool nw_path_absolute(const char *path, char *out, size_t out_bytes);
/* A connection to a port without listener can meet itself when the kernel picks that very port. */
bool nw_stream_is_to_itself(const struct nw_stream *stream);

enum { NW_LISTENING_MAX = 16 };
struct nw_listening {
    struct nw_addr addr[NW_LISTENING_MAX]; /* where to connect to; one for each port */
    unsigned count;                        /* may be more than fit */
};
/* The TCP ports on which the processes of a session listen. Blocks; reads much of /proc. */
void nw_session_listening(int session, struct nw_listening *out);

/* ---- its parts, on text ---- */

/* The session of a line of /proc/PID/stat; -1 when it is none. */
int nw_procfs_stat_session(struct nw_slice line);
/* A line of /proc/net/tcp or tcp6: true for a listening socket. */
bool nw_procfs_tcp_listening(struct nw_slice line, struct nw_addr *out_addr, uint64_t *out_inode);
/* Adds an address: one for each port, loopback in place of "any". */
void nw_listening_add(struct nw_listening *list, const struct nw_addr *addr);

#endif
