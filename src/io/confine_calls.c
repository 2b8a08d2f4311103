/*
 * Seccomp: the system calls that newel makes, and no others. What is not in the list fails with
 * ENOSYS, which the C library and every well-made program takes as an old kernel and goes another
 * way: pthread_create asks for clone3 and falls back to clone, whose arguments can be judged. What
 * only somebody who has taken the process over would ask for ends the process at once, by the
 * kernel (no handler of ours runs), whose log names the call: `audit: type=1326 … syscall=59`.
 *
 * Calls without a condition are remembered by the kernel as a bitmap (since 5.11), so that send and
 * recv cost next to nothing; the others walk a binary tree.
 */
#include "io/confine.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define CALL(name) SCMP_SYS(name)

static const int allowed[] = {
    /* bytes */
    CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64),
    CALL(preadv), CALL(pwritev), CALL(preadv2), CALL(pwritev2), CALL(splice), CALL(tee),
    CALL(vmsplice), CALL(sendfile), CALL(lseek), CALL(copy_file_range),
    /* sockets; socket itself has a condition */
    CALL(sendto), CALL(recvfrom), CALL(sendmsg), CALL(recvmsg), CALL(sendmmsg), CALL(recvmmsg),
    CALL(connect), CALL(bind), CALL(listen), CALL(accept), CALL(accept4), CALL(shutdown),
    CALL(getsockname), CALL(getpeername), CALL(getsockopt), CALL(setsockopt), CALL(socketpair),
    /* waiting */
    CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2),
    CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(eventfd2), CALL(signalfd4),
    CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_gettime), CALL(nanosleep),
    CALL(clock_nanosleep), CALL(pause), CALL(inotify_init1), CALL(inotify_add_watch),
    CALL(inotify_rm_watch),
    /* files */
    CALL(open), CALL(openat), CALL(openat2), CALL(close), CALL(close_range), CALL(stat),
    CALL(fstat), CALL(lstat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs),
    CALL(access), CALL(faccessat), CALL(faccessat2), CALL(readlink), CALL(readlinkat),
    CALL(getdents64), CALL(getcwd), CALL(fcntl), CALL(flock), CALL(fsync), CALL(fdatasync),
    CALL(sync_file_range), CALL(ftruncate), CALL(fallocate), CALL(fadvise64), CALL(rename),
    CALL(renameat), CALL(renameat2), CALL(unlink), CALL(unlinkat), CALL(mkdir), CALL(mkdirat),
    CALL(rmdir), CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL(umask), CALL(utimensat),
    CALL(pipe), CALL(pipe2), CALL(dup), CALL(dup2), CALL(dup3),
    /* memory; mmap and mprotect have conditions */
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock), CALL(mlock2), CALL(munlock),
    CALL(mincore), CALL(msync),
    /* threads and time */
    CALL(futex), CALL(set_robust_list), CALL(get_robust_list), CALL(rseq), CALL(membarrier),
    CALL(set_tid_address), CALL(gettid), CALL(getpid), CALL(getppid), CALL(sched_yield),
    CALL(sched_getaffinity), CALL(sched_setaffinity), CALL(sched_getparam),
    CALL(sched_getscheduler), CALL(getcpu), CALL(arch_prctl), CALL(exit), CALL(exit_group),
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(restart_syscall),
    /* signals: our own, and those of the groups that the helper started */
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigtimedwait),
    CALL(rt_sigpending), CALL(sigaltstack), CALL(kill), CALL(tgkill), CALL(wait4), CALL(waitid),
    /* who and what */
    CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getresuid), CALL(getresgid),
    CALL(getgroups), CALL(getpgrp), CALL(getsid), CALL(uname), CALL(sysinfo), CALL(times),
    CALL(getrusage), CALL(getrlimit), CALL(getrandom), CALL(capget),
};

static const int deadly[] = {
    CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(ptrace), CALL(process_vm_readv),
    CALL(process_vm_writev), CALL(process_madvise), CALL(kcmp), CALL(bpf), CALL(perf_event_open),
    CALL(kexec_load), CALL(kexec_file_load), CALL(init_module), CALL(finit_module),
    CALL(delete_module), CALL(userfaultfd), CALL(setns), CALL(unshare), CALL(mount),
    CALL(pivot_root), CALL(chroot), CALL(setuid), CALL(setgid), CALL(setreuid), CALL(setregid),
    CALL(setresuid), CALL(setresgid), CALL(setgroups), CALL(keyctl), CALL(add_key),
    CALL(request_key), CALL(pkey_mprotect), CALL(io_uring_setup),
};

/* The first argument that fits one of the rules decides; nothing fitting is as unknown. */
static bool add_conditions(scmp_filter_ctx filter)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    /* Not TIOCSTI, which types into the terminal that newel was started from. */
    static const unsigned requests[] = {TCGETS, FIONREAD, FIONBIO, SIOCGIFNAME, SIOCGIFINDEX};
    static const int settings[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK, PR_GET_DUMPABLE};
    int failed = 0;
    for (size_t i = 0; i < NW_COUNT(families); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socket), 1,
                                   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    for (size_t i = 0; i < NW_COUNT(requests); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ioctl), 1,
                                   SCMP_A1(SCMP_CMP_EQ, requests[i]));
    for (size_t i = 0; i < NW_COUNT(settings); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(prctl), 1,
                                   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)settings[i]));
    /* Its own limits. */
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(prlimit64), 1,
                               SCMP_A0(SCMP_CMP_EQ, 0));
    /* A thread, not a process. */
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    failed |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, CALL(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    static const int mappings[] = {CALL(mmap), CALL(mprotect)};
    for (size_t i = 0; i < NW_COUNT(mappings); i++) {
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, mappings[i], 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        failed |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, mappings[i], 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    }
    return failed == 0;
}

static bool fill(scmp_filter_ctx filter)
{
    int failed = 0;
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < NW_COUNT(allowed); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < NW_COUNT(deadly); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    return failed == 0 && add_conditions(filter);
}

bool nw_confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    bool is_on = filter != NULL && fill(filter) && seccomp_load(filter) == 0;
    if (filter != NULL)
        seccomp_release(filter);
    return is_on;
}
