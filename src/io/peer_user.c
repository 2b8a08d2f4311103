/* SO_PEERCRED: the kernel's own word on who connected (unix(7)). */
#include "io/peer_user.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

void nw_peer_user_name(int fd, char *out, size_t cap_bytes)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        snprintf(out, cap_bytes, "unknown");
        return;
    }
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(peer.uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        snprintf(out, cap_bytes, "%s", entry.pw_name);
    else
        snprintf(out, cap_bytes, "uid:%u", (unsigned)peer.uid);
}
