/*
 * server.h - the shop on its sockets: libmicrohttpd underneath, the table of routes on top.
 *
 * Owner:   the caller keeps the shop alive until shop_server_free returned
 * Threads: started and stopped by one thread; serves on threads of its own
 */
#ifndef SHOP_SERVER_H
#define SHOP_SERVER_H

#include "request.h"

struct shop_server;

/* Serve on listening sockets, which it takes over; NULL when libmicrohttpd cannot. */
struct shop_server *shop_server_new(struct shop *shop, const int *take_fds, size_t fd_count,
                                    unsigned thread_count);
/* Accept nothing more and wait, at most that long, until what was begun is finished. */
void shop_server_stop(struct shop_server *server, int wait_s);
/* Only after it was stopped; cuts what is still under way. */
void shop_server_free(struct shop_server *server);

#endif
