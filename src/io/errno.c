/*
 * A caller decides by kind (retry elsewhere? tell the client 502 or 503? stop accepting?), so the
 * many numbers of the kernel collapse into the few errors that such decisions are made on.
 */
#include "io/errno.h"

#include <errno.h>

nw_err nw_errno_to_err(int number)
{
    switch (number) {
    case 0:
        return NW_OK;
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
        return NW_AGAIN;
    case EPIPE:
        return NW_PEER_CLOSED;
    case ECONNRESET:
    case ECONNABORTED:
        return NW_PEER_RESET;
    case ECONNREFUSED:
        return NW_REFUSED;
    case ETIMEDOUT: /* the kernel gave up: for us the peer is not there, no deadline passed */
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return NW_UNREACHABLE;
    case EADDRINUSE:
        return NW_ADDRESS_IN_USE;
    case EMFILE:
    case ENFILE:
        return NW_TOO_MANY_FILES;
    case ENOMEM:
    case ENOBUFS:
        return NW_NO_MEMORY;
    case ENOENT:
    case ENOTDIR:
        return NW_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return NW_DENIED;
    case EEXIST:
        return NW_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return NW_DISK_FULL;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
        return NW_INVALID;
    case EBADMSG: /* said by TLS */
        return NW_BAD_MESSAGE;
    default:
        return NW_IO;
    }
}
