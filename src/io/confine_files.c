/*
 * Landlock (landlock(7)): from now on files can be reached only below what is named here. The rules
 * name files by their inode, so a file that is replaced by another one under its name is covered
 * only through its folder; of a system file that is a link elsewhere (systemd-resolved's
 * resolv.conf) the real folder is named.
 *
 * Debian's headers know fewer rights than its kernels, so the rights are defined here and the
 * kernel is asked which of them it has: one that it does not know would be an error, one that it
 * knows and we do not handle would stay allowed.
 */
#include "io/confine.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_DIR = 1 << 3,
    RIGHT_REMOVE_DIR = 1 << 4,
    RIGHT_REMOVE_FILE = 1 << 5,
    RIGHT_MAKE_DIR = 1 << 7,
    RIGHT_MAKE_REG = 1 << 8,
    RIGHT_MAKE_SOCK = 1 << 9,
    RIGHT_REFER = 1 << 13,    /* ABI 2: to another folder */
    RIGHT_TRUNCATE = 1 << 14, /* ABI 3 */
    RIGHT_IOCTL_DEV = 1 << 15 /* ABI 5 */
};

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define READ_RIGHTS (RIGHT_READ_FILE | RIGHT_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | RIGHT_WRITE_FILE | RIGHT_REMOVE_DIR | RIGHT_REMOVE_FILE | RIGHT_MAKE_DIR |      \
     RIGHT_MAKE_REG | RIGHT_MAKE_SOCK | RIGHT_REFER | RIGHT_TRUNCATE)
#define FILE_RIGHTS                                                                                \
    (RIGHT_EXECUTE | RIGHT_WRITE_FILE | RIGHT_READ_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV)

struct ruleset_attr {
    uint64_t handled_access_fs;
};

struct path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

/* What the C library, c-ares and OpenSSL read, and we ourselves of the machine. */
static const char *const system_paths[] = {
    "/etc/resolv.conf",  "/etc/hosts",          "/etc/nsswitch.conf",
    "/etc/host.conf",    "/etc/gai.conf",       "/etc/localtime",
    "/etc/ssl",          "/usr/lib/ssl",        "/usr/share/ca-certificates",
    "/etc/pki",          "/usr/share/zoneinfo", "/usr/local/share/ca-certificates",
    "/proc/self",        "/proc/sys",           "/proc/meminfo",
    "/proc/stat",        "/proc/cpuinfo",       "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
};

static uint64_t rights_of(int abi)
{
    uint64_t rights = (RIGHT_REFER - 1); /* all thirteen of ABI 1 */
    rights |= abi >= 2 ? RIGHT_REFER : 0;
    rights |= abi >= 3 ? RIGHT_TRUNCATE : 0;
    rights |= abi >= 5 ? RIGHT_IOCTL_DEV : 0;
    return rights;
}

static void allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat info;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            rights &= FILE_RIGHTS;
        struct path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
        (void)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    }
    close(fd);
}

/* A link from /etc elsewhere points at what is replaced there now and then: its folder is meant. */
static void allow_system(int ruleset, const char *path, uint64_t rights)
{
    char real[PATH_MAX];
    allow(ruleset, path, rights);
    if (strncmp(path, "/etc/", 5) != 0 || realpath(path, real) == NULL ||
        strncmp(real, "/etc/", 5) == 0)
        return;
    char *folder = dirname(real);
    if (strcmp(folder, "/") != 0)
        allow(ruleset, folder, rights);
}

int nw_confine_files(const struct nw_confine_options *options)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    if (abi < 1)
        return 0;
    uint64_t rights = rights_of((int)abi);
    struct ruleset_attr attr = {.handled_access_fs = rights};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0)
        return 0;
    for (size_t i = 0; i < NW_COUNT(system_paths); i++)
        allow_system(ruleset, system_paths[i], READ_RIGHTS & rights);
    for (size_t i = 0; i < options->readable_count; i++)
        allow(ruleset, options->readable[i], READ_RIGHTS & rights);
    for (size_t i = 0; i < options->writable_count; i++)
        allow(ruleset, options->writable[i], WRITE_RIGHTS & rights);
    allow(ruleset, "/dev/null", (READ_RIGHTS | RIGHT_WRITE_FILE) & rights);
    allow(ruleset, "/dev/urandom", READ_RIGHTS & rights);
    bool is_on = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return is_on ? (int)abi : 0;
}
