/*
 * confine.h - what a process gives up once it has what it needs.
 *
 * Newel itself, before its first thread: groups and user, every capability, the way back
 * (no_new_privs), core dumps and being looked into, all files but those named (landlock), all calls
 * but those it makes (seccomp: what is unknown fails with ENOSYS; running a program, making
 * memory executable, looking into processes or changing the kernel ends the process). The helper
 * process: everything but five capabilities. docs/reference/hardening.md says it for users.
 *
 * What the kernel does not have is left out and told in the report, never an error.
 *
 * Owner:   everything is borrowed for the call
 * Threads: the only one of the process
 */
#ifndef NW_IO_CONFINE_H
#define NW_IO_CONFINE_H

#include "io/spawn_book.h"

struct nw_confine_options {
    const char *user;  /* NULL: stays who it is */
    bool is_hardened;  /* false: only the user changes */
    /* Folders, or files: each with all that is below it. What is missing is passed over. */
    const char *const *readable;
    size_t readable_count;
    const char *const *writable;
    size_t writable_count;
};

struct nw_confine_report {
    bool is_hardened;
    bool has_capabilities; /* some could not be given up */
    int landlock_abi;      /* 0: the kernel has none */
    bool has_seccomp;
};

/* False in builds whose tools need what would be forbidden (sanitizers): nothing is hardened. */
bool nw_confine_is_built(void);
/*
 * Is the user one that this process may become? NW_NOT_FOUND: unknown; NW_DENIED: another one, and
 * we are not root.
 */
NW_MUST_CHECK nw_err nw_confine_user_check(const char *user);
/* On an error nothing may be relied on: the process must end. */
NW_MUST_CHECK nw_err nw_confine_self(const struct nw_confine_options *options,
                                     struct nw_confine_report *out,
                                     char why[NW_SPAWN_WHY_BYTES]);
/*
 * Keeps CAP_NET_BIND_SERVICE, SETUID, SETGID, KILL and DAC_READ_SEARCH where it has them; in effect
 * only, where it may start root.
 * *out_is_rootless: what it starts cannot have root's power any more.
 */
NW_MUST_CHECK nw_err nw_confine_helper(const struct nw_spawn_power *power, bool *out_is_rootless,
                                       char why[NW_SPAWN_WHY_BYTES]);
/*
 * Where we are root: a regular file or an empty folder that is root's becomes the user's. For what
 * newel, or its service manager, has just made. user NULL: nothing.
 */
void nw_confine_hand_over(const char *path, const char *user);

/* The faults confine_* of base/planted.def: does what must not work any more; 0 or its errno. */
int nw_confine_trespass(void);

/* ---- its parts ---- */

/* All capabilities of this thread. */
void nw_confine_capabilities_drop(void);
/* Puts in effect what is permitted, for a short-lived child that looks at a process. */
void nw_confine_capabilities_raise(void);
/* The ABI in force, 0 without landlock. */
int nw_confine_files(const struct nw_confine_options *options);
bool nw_confine_calls(void);

#endif
