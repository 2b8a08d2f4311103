/*
 * dial.h - a blocking conversation in lines over a Unix socket, for commands that ask a daemon.
 *
 * Owner:   the caller; nw_dial_close
 * Threads: main, outside of workers
 */
#ifndef NW_IO_DIAL_H
#define NW_IO_DIAL_H

#include "base/text.h"

struct nw_dial {
    int fd;
    struct nw_text pending; /* read, behind the last line */
};

/*
 * NW_NOT_FOUND: no such socket. NW_REFUSED: nobody listens. NW_DENIED: it belongs to another user.
 */
NW_MUST_CHECK nw_err nw_dial_unix(const char *path, struct nw_dial *out);
NW_MUST_CHECK nw_err nw_dial_write(struct nw_dial *dial, struct nw_slice bytes);
/* The next line without its '\n', replacing what out held; NW_PEER_CLOSED at the end. */
NW_MUST_CHECK nw_err nw_dial_read_line(struct nw_dial *dial, struct nw_text *out);
void nw_dial_close(struct nw_dial *dial);

#endif
