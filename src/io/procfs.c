/*
 * Which port does an application listen on, when it does not say? Its session's processes hold
 * sockets by inode number (/proc/PID/fd), and the kernel lists listening sockets with theirs
 * (/proc/net/tcp*): the intersection. Asked once in a while at start, so it reads plainly.
 */
#include "io/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/errno.h"
#include "io/stream.h"
#include "io/system.h"
#include "io/worker_impl.h"

enum { INODES_MAX = 1024, TCP_LISTEN = 0x0A };

/* ---- small questions ---- */

/* The first port that the kernel hands out by itself; 0 when it does not say. */
static unsigned first_ephemeral_port(void)
{
    unsigned first = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%u", &first) != 1)
        first = 0;
    fclose(file);
    return first;
}

/* Is `port` (0: any) free? Binds and lets go. */
static bool try_port(int fd, uint16_t port, uint16_t *out_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof addr;
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
        return false;
    *out_port = ntohs(addr.sin_port);
    return true;
}

/*
 * The process binds the port a moment after we let go of it. One of the kernel's own choosing is
 * the next one that it gives to any other program, whose answers we would take for the process's;
 * so the port comes from below that range, by chance.
 */
nw_err nw_port_choose(uint16_t *out_port)
{
    enum { LOWEST = 10240, TRIES = 32 };
    unsigned end = first_ephemeral_port();
    bool is_found = false;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NW_TOO_MANY_FILES;
    for (int i = 0; i < TRIES && !is_found && end > LOWEST + TRIES; i++) {
        uint32_t chance;
        nw_system_random(&chance, sizeof chance);
        is_found = try_port(fd, (uint16_t)(LOWEST + chance % (end - LOWEST)), out_port);
    }
    is_found = is_found || try_port(fd, 0, out_port);
    close(fd);
    return is_found ? NW_OK : NW_ADDRESS_IN_USE;
}

void nw_socket_path_clear(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode))
        (void)unlink(path);
}

void nw_socket_folder_clear(const char *folder)
{
    char path[4096];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < sizeof path)
            nw_socket_path_clear(path);
    if (dir != NULL)
        closedir(dir);
}

bool nw_path_absolute(const char *path, char *out, size_t out_bytes)
{
    char folder[4096];
    if (path[0] == '/')
        return (size_t)snprintf(out, out_bytes, "%s", path) < out_bytes;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return getcwd(folder, sizeof folder) != NULL &&
           (size_t)snprintf(out, out_bytes, "%s/%s", folder, path) < out_bytes;
}

bool nw_stream_is_to_itself(const struct nw_stream *stream)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
    } own, other;
    socklen_t own_len = sizeof own, other_len = sizeof other;
    if (stream->is_unix || getsockname(stream->source.fd, &own.any, &own_len) != 0 ||
        getpeername(stream->source.fd, &other.any, &other_len) != 0)
        return false;
    return own_len == other_len && memcmp(&own, &other, own_len) == 0;
}

/* ---- text ---- */

int nw_procfs_stat_session(struct nw_slice line)
{
    /* "pid (name) state ppid pgrp session …"; the name may hold spaces and parentheses. */
    size_t at = line.len;
    while (at > 0 && line.ptr[at - 1] != ')')
        at--;
    struct nw_slice rest = nw_slice_trim(nw_slice_skip(line, at)), field = {NULL, 0};
    uint64_t session;
    if (at == 0)
        return -1;
    for (int i = 0; i < 4; i++)
        if (!nw_slice_split(&rest, ' ', &field))
            return -1;
    if (nw_slice_to_u64(field, &session) != NW_OK || session > INT32_MAX)
        return -1;
    return (int)session;
}

static bool next_field(struct nw_slice *rest, struct nw_slice *out)
{
    do
        if (!nw_slice_split(rest, ' ', out))
            return false;
    while (out->len == 0);
    return true;
}

static bool hex_number(struct nw_slice text, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = text.ptr[i];
        if (!isxdigit(c) || i >= 8)
            return false;
        value = value * 16 + (uint32_t)(isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    *out = value;
    return text.len > 0;
}

/* "0100007F:1F90": words of four bytes as the machine holds them, network order inside. */
static bool tcp_addr(struct nw_slice text, struct nw_addr *out)
{
    struct nw_slice host;
    uint32_t port;
    if (!nw_slice_split(&text, ':', &host) || !hex_number(text, &port) || port > UINT16_MAX ||
        (host.len != 8 && host.len != 32))
        return false;
    *out = (struct nw_addr){.kind = host.len == 8 ? NW_ADDR_IP4 : NW_ADDR_IP6,
                            .port = (uint16_t)port};
    for (size_t i = 0; i < host.len / 8; i++) {
        uint32_t word;
        if (!hex_number(nw_slice_of(host.ptr + 8 * i, 8), &word))
            return false;
        memcpy(out->ip6 + 4 * i, &word, 4);
    }
    return true;
}

bool nw_procfs_tcp_listening(struct nw_slice line, struct nw_addr *out_addr, uint64_t *out_inode)
{
    /* sl local remote state queues timer retransmits uid timeout inode … */
    enum { LOCAL = 1, STATE = 3, INODE = 9 };
    struct nw_slice fields[INODE + 1];
    uint32_t state;
    for (int i = 0; i <= INODE; i++)
        if (!next_field(&line, &fields[i]))
            return false;
    struct nw_addr addr;
    uint64_t inode;
    if (!hex_number(fields[STATE], &state) || state != TCP_LISTEN ||
        !tcp_addr(fields[LOCAL], &addr) || nw_slice_to_u64(fields[INODE], &inode) != NW_OK)
        return false;
    *out_addr = addr;
    *out_inode = inode;
    return true;
}

/* The address under which a listener is reached from here. */
static struct nw_addr reachable(const struct nw_addr *addr)
{
    static const uint8_t zeros[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct nw_addr to = *addr;
    bool is_any = memcmp(addr->ip6, zeros, addr->kind == NW_ADDR_IP4 ? 4 : 16) == 0;
    if (addr->kind == NW_ADDR_IP6 && !is_any && memcmp(addr->ip6, mapped, 12) == 0) {
        memcpy(to.ip4, addr->ip6 + 12, 4);
        to.kind = NW_ADDR_IP4;
    }
    if (is_any) { /* "any" of IPv6 takes IPv4 too, unless told not to */
        to.kind = NW_ADDR_IP4;
        memcpy(to.ip4, (const uint8_t[]){127, 0, 0, 1}, 4);
    }
    return to;
}

void nw_listening_add(struct nw_listening *list, const struct nw_addr *addr)
{
    struct nw_addr to = reachable(addr);
    for (unsigned i = 0; i < list->count && i < NW_LISTENING_MAX; i++) {
        if (list->addr[i].port != to.port)
            continue;
        if (to.kind == NW_ADDR_IP4)
            list->addr[i] = to;
        return;
    }
    if (list->count < NW_LISTENING_MAX)
        list->addr[list->count] = to;
    list->count++;
}

/* ---- /proc ---- */

struct inodes {
    uint64_t items[INODES_MAX];
    unsigned count;
};

static int session_of(const char *pid)
{
    char path[300], line[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    return got != NULL ? nw_procfs_stat_session(nw_slice_str(line)) : -1;
}

static void add_inodes(const char *pid, struct inodes *inodes)
{
    char path[300], target[64];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && inodes->count < INODES_MAX && (entry = readdir(dir)) != NULL) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        if (strncmp(target, "socket:[", 8) == 0)
            inodes->items[inodes->count++] = strtoull(target + 8, NULL, 10);
    }
    if (dir != NULL)
        closedir(dir);
}

static void add_listening(const char *path, const struct inodes *inodes, struct nw_listening *out)
{
    char line[512];
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        struct nw_addr addr;
        uint64_t inode;
        if (!nw_procfs_tcp_listening(nw_slice_str(line), &addr, &inode))
            continue;
        for (unsigned i = 0; i < inodes->count; i++)
            if (inodes->items[i] == inode)
                nw_listening_add(out, &addr);
    }
    if (file != NULL)
        fclose(file);
}

void nw_session_listening(int session, struct nw_listening *out)
{
    struct inodes inodes;
    inodes.count = 0;
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    out->count = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) && session_of(entry->d_name) == session)
            add_inodes(entry->d_name, &inodes);
    if (dir != NULL)
        closedir(dir);
    if (inodes.count == 0)
        return;
    add_listening("/proc/net/tcp", &inodes, out);
    add_listening("/proc/net/tcp6", &inodes, out);
}
