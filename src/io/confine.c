/*
 * Users and capabilities. The order is the kernel's: the bounding set can be cut only with
 * CAP_SETPCAP, which the change of user takes away; groups can be set only before it; no_new_privs
 * comes before seccomp, which an ordinary process may not ask for otherwise.
 *
 * Capabilities are set by the system call, not by libcap, which is one more library for three
 * structs.
 */
#include "io/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/planted.h"
#include "io/errno.h"

#define BIT(capability) (UINT64_C(1) << (capability))

static const uint64_t helper_keeps = BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETUID) |
                                     BIT(CAP_SETGID) | BIT(CAP_KILL) | BIT(CAP_DAC_READ_SEARCH);

bool nw_confine_is_built(void)
{
    return !NW_ASAN && !NW_TSAN;
}

/* ---- capabilities ---- */

static uint64_t capabilities_permitted(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &head, data) != 0)
        return 0;
    return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Nothing inheritable, nothing ambient. */
static bool capabilities_set(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.permitted = (uint32_t)permitted, .effective = (uint32_t)effective},
        {.permitted = (uint32_t)(permitted >> 32), .effective = (uint32_t)(effective >> 32)},
    };
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &head, data) == 0;
}

void nw_confine_capabilities_drop(void)
{
    (void)capabilities_set(0, 0);
}

void nw_confine_capabilities_raise(void)
{
    uint64_t permitted = capabilities_permitted();
    (void)capabilities_set(permitted, permitted);
}

/* What an exec can give back. False: we may not cut it, and so it gives nothing beyond ours. */
static bool bounding_cut(uint64_t kept)
{
    if ((capabilities_permitted() & BIT(CAP_SETPCAP)) == 0)
        return false;
    for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (i > 63 || (kept & BIT(i)) == 0)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    return true;
}

/* ---- users ---- */

static struct passwd *account_of(const char *user)
{
    errno = 0;
    return getpwnam(user);
}

nw_err nw_confine_user_check(const char *user)
{
    const struct passwd *account = account_of(user);
    if (account == NULL)
        return errno != 0 && errno != ENOENT ? nw_errno_to_err(errno) : NW_NOT_FOUND;
    return account->pw_uid == geteuid() || geteuid() == 0 ? NW_OK : NW_DENIED;
}

/* `why` is filled on an error. */
static nw_err become(const char *user, char why[NW_SPAWN_WHY_BYTES])
{
    if (user == NULL)
        return NW_OK;
    const struct passwd *account = account_of(user);
    if (account == NULL) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "there is no user %.80s", user);
        return NW_NOT_FOUND;
    }
    if (account->pw_uid == geteuid() && account->pw_uid == getuid())
        return NW_OK;
    if (initgroups(account->pw_name, account->pw_gid) == 0 && setgid(account->pw_gid) == 0 &&
        setuid(account->pw_uid) == 0)
        return NW_OK;
    snprintf(why, NW_SPAWN_WHY_BYTES, "cannot become user %.80s: %s", user, strerror(errno));
    return nw_errno_to_err(errno);
}

static bool is_empty(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count == 2; /* . and .. */
}

void nw_confine_hand_over(const char *path, const char *user)
{
    struct stat info;
    if (user == NULL || geteuid() != 0 || lstat(path, &info) != 0 || info.st_uid != 0)
        return;
    if (!S_ISREG(info.st_mode) && !(S_ISDIR(info.st_mode) && is_empty(path)))
        return;
    const struct passwd *account = account_of(user);
    if (account != NULL)
        (void)lchown(path, account->pw_uid, account->pw_gid);
}

/* ---- what tests try ---- */

int nw_confine_trespass(void)
{
    if (NW_PLANTED(confine_exec))
        execl("/bin/true", "true", (char *)NULL);
    if (NW_PLANTED(confine_map) &&
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return errno;
    int fd = NW_PLANTED(confine_open) ? open("/etc/passwd", O_RDONLY | O_CLOEXEC) : -1;
    if (NW_PLANTED(confine_open) && fd < 0)
        return errno;
    if (fd >= 0)
        close(fd);
    return 0;
}

/* ---- both ---- */

static void hide(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

nw_err nw_confine_self(const struct nw_confine_options *options, struct nw_confine_report *out,
                       char why[NW_SPAWN_WHY_BYTES])
{
    *out = (struct nw_confine_report){.is_hardened =
                                          options->is_hardened && nw_confine_is_built()};
    if (out->is_hardened)
        (void)bounding_cut(0);
    nw_err err = become(options->user, why);
    if (err != NW_OK || !out->is_hardened) {
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* a change of user has taken it away */
        return err;
    }
    (void)capabilities_set(0, 0);
    out->has_capabilities = capabilities_permitted() != 0;
    hide();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "cannot set no_new_privs: %s", strerror(errno));
        return nw_errno_to_err(errno);
    }
    out->landlock_abi = nw_confine_files(options);
    out->has_seccomp = nw_confine_calls();
    return NW_OK;
}

/*
 * Its user becomes newel's, so that the sockets which the two open may share an address
 * (SO_REUSEPORT asks for that), with the capabilities kept across the change.
 *
 * A helper that may start root can get everything back by doing so. Then it gives up nothing for
 * good, but has only the five in effect: a program that gained capabilities by its exec would also
 * lose the signal that ends it with the helper.
 */
nw_err nw_confine_helper(const struct nw_spawn_power *power, bool *out_is_rootless,
                         char why[NW_SPAWN_WHY_BYTES])
{
    bool is_hardened = power->is_hardened && nw_confine_is_built();
    uint64_t had = capabilities_permitted(), kept = had & helper_keeps;
    bool stays_root = geteuid() == 0 && power->user == NULL;
    bool may_start_root = power->may_start_root || stays_root;
    *out_is_rootless = is_hardened && !may_start_root && bounding_cut(kept);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return nw_errno_to_err(errno);
    nw_err err = become(power->user, why);
    (void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    if (err != NW_OK)
        return err;
    (void)capabilities_set(is_hardened && !may_start_root ? kept : had,
                           is_hardened || geteuid() != 0 ? kept : had);
    if (is_hardened)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* not RLIMIT_CORE: what it starts has its own */
    return NW_OK;
}
