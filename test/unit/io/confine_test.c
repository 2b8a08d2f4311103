/*
 * The contract of io/confine.h. Each case is a process of its own, which confines itself, tries one
 * thing and says how that went by its status.
 */
#include "io/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char folder[64], inside[128], outside[64];

static int make_files(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/newel-confine-XXXXXX");
    snprintf(outside, sizeof outside, "/tmp/newel-outside-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(inside, sizeof inside, "%s/file", folder);
    int a = open(inside, O_CREAT | O_WRONLY, 0600), b = mkstemp(outside);
    return a < 0 || b < 0 || close(a) != 0 || close(b) != 0;
}

static int remove_files(void **state)
{
    return unlink(inside) | unlink(outside) | rmdir(folder);
}

/* What `attempt` returned, or 128 + the signal that ended it. -1: it cannot be confined. */
static int try_confined(const struct nw_confine_options *options, int (*attempt)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct nw_confine_report report;
        char why[NW_SPAWN_WHY_BYTES];
        if (nw_confine_self(options, &report, why) != NW_OK)
            _exit(255);
        if (options->is_hardened && (!report.has_seccomp || report.landlock_abi == 0))
            _exit(254);
        _exit(attempt());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    return WEXITSTATUS(status) >= 254 ? -1 : WEXITSTATUS(status);
}

static int try_hardened(int (*attempt)(void))
{
    const char *readable[] = {folder, "/nonexistent"};
    struct nw_confine_options options = {
        .is_hardened = true, .readable = readable, .readable_count = 2};
    return try_confined(&options, attempt);
}

static int result_of(int fd)
{
    return fd >= 0 ? 0 : errno;
}

/* ---- attempts: 0 or errno ---- */

static int read_inside(void)
{
    return result_of(open(inside, O_RDONLY));
}

static int write_inside(void)
{
    return result_of(open(inside, O_WRONLY));
}

static int read_outside(void)
{
    return result_of(open(outside, O_RDONLY));
}

static int make_inside(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/new", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    return fd >= 0 ? unlink(path) : errno;
}

static int run_program(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}

static int make_process(void)
{
    return fork() >= 0 ? 0 : errno;
}

static int map_executable(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED;
}

static int make_executable(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED || mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0;
}

static int call_unknown(void)
{
    return syscall(SYS_personality, 0xffffffff) >= 0 ? 0 : errno;
}

static int open_netlink(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

/* Whether it is a terminal or not: the filter speaks first. */
static int type_into_the_terminal(void)
{
    char key = 'x';
    return ioctl(0, TIOCSTI, &key) == 0 ? 0 : errno;
}

static int ask_whether_a_terminal(void)
{
    return isatty(0) == 1 || errno == ENOTTY ? 0 : errno;
}

static int open_tcp(void)
{
    return result_of(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void *nothing(void *arg)
{
    return arg;
}

static int make_thread(void)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);
    return failed != 0 ? failed : pthread_join(thread, NULL);
}

static int be_looked_into(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int become_root(void)
{
    return setuid(0) == 0 ? 0 : errno;
}

static int own_uid(void)
{
    return (int)(geteuid() & 0x7f);
}

/* ---- */

static void only_named_files_can_be_reached(void **state)
{
    const char *writable[] = {folder};
    struct nw_confine_options options = {
        .is_hardened = true, .writable = writable, .writable_count = 1};
    assert_int_equal(try_hardened(read_inside), 0);
    assert_int_equal(try_hardened(write_inside), EACCES);
    assert_int_equal(try_hardened(make_inside), EACCES);
    assert_int_equal(try_hardened(read_outside), EACCES);
    assert_int_equal(try_confined(&options, write_inside), 0);
    assert_int_equal(try_confined(&options, make_inside), 0);
    assert_int_equal(try_confined(&options, read_outside), EACCES);
}

static void what_an_intruder_would_do_ends_the_process(void **state)
{
    assert_int_equal(try_hardened(run_program), 128 + SIGSYS);
    assert_int_equal(try_hardened(make_process), 128 + SIGSYS);
    assert_int_equal(try_hardened(map_executable), 128 + SIGSYS);
    assert_int_equal(try_hardened(make_executable), 128 + SIGSYS);
    assert_int_equal(try_hardened(become_root), 128 + SIGSYS);
}

static void other_calls_are_as_on_an_old_kernel(void **state)
{
    assert_int_equal(try_hardened(call_unknown), ENOSYS);
    assert_int_equal(try_hardened(open_netlink), ENOSYS);
    assert_int_equal(try_hardened(type_into_the_terminal), ENOSYS);
}

static void what_newel_does_goes_on_working(void **state)
{
    assert_int_equal(try_hardened(open_tcp), 0);
    assert_int_equal(try_hardened(ask_whether_a_terminal), 0);
    assert_int_equal(try_hardened(make_thread), 0);
    assert_int_equal(try_hardened(be_looked_into), 0);
}

static void without_hardening_only_the_user_changes(void **state)
{
    struct nw_confine_options options = {.is_hardened = false};
    assert_int_equal(try_confined(&options, read_outside), 0);
    assert_int_equal(try_confined(&options, be_looked_into), 1);
    assert_int_equal(try_confined(&options, make_thread), 0);
}

static void the_user_changes_where_we_are_root(void **state)
{
    struct nw_confine_options options = {.user = "nobody"};
    if (geteuid() != 0) {
        assert_int_equal(nw_confine_user_check("root"), NW_DENIED);
        assert_int_equal(try_confined(&options, own_uid), -1);
        return;
    }
    assert_int_equal(nw_confine_user_check("nobody"), NW_OK);
    assert_int_equal(try_confined(&options, own_uid), 65534 & 0x7f);
    assert_int_equal(try_confined(&options, become_root), EPERM);
    options.user = "no-such-user";
    assert_int_equal(try_confined(&options, own_uid), -1);
}

static void an_unknown_user_is_found_out_before(void **state)
{
    assert_int_equal(nw_confine_user_check("no-such-user"), NW_NOT_FOUND);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_files, remove_files)

int main(void)
{
    const struct CMUnitTest always[] = {
        WITH_FILES(without_hardening_only_the_user_changes),
        WITH_FILES(the_user_changes_where_we_are_root),
        cmocka_unit_test(an_unknown_user_is_found_out_before),
    };
    const struct CMUnitTest hardened[] = {
        WITH_FILES(only_named_files_can_be_reached),
        WITH_FILES(what_an_intruder_would_do_ends_the_process),
        WITH_FILES(other_calls_are_as_on_an_old_kernel),
        WITH_FILES(what_newel_does_goes_on_working),
    };
    int failed = cmocka_run_group_tests(always, NULL, NULL);
    if (nw_confine_is_built()) /* a sanitizer's own calls would be killed */
        failed += cmocka_run_group_tests(hardened, NULL, NULL);
    return failed;
}
