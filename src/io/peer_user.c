/* SO_PEERCRED: the kernel's own word on who connected (unix(7)). */
#include "io/peer_user.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void nw_peer_user_name(int fd, const char *own, char *out, size_t cap_bytes)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        snprintf(out, cap_bytes, "unknown");
    else if (peer.uid == 0)
        snprintf(out, cap_bytes, "root");
    else if (peer.uid == geteuid() && own != NULL)
        snprintf(out, cap_bytes, "%s", own);
    else
        snprintf(out, cap_bytes, "uid:%u", (unsigned)peer.uid);
}

bool nw_user_own_name(char *out, size_t cap_bytes)
{
    const struct passwd *account = getpwuid(geteuid());
    return account != NULL && (size_t)snprintf(out, cap_bytes, "%s", account->pw_name) < cap_bytes;
}
