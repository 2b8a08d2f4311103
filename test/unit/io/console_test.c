/* The contract of io/console.h. */
#include "io/console.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/newel-console-XXXXXX";

static const char *path_of(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", folder, name);
    return out;
}

static void assert_holds(const char *path, const char *wanted)
{
    char bytes[256] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    bytes[fread(bytes, 1, sizeof bytes - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(bytes, wanted);
}

static unsigned file_count(void)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_file_keeps_its_rights(void **state)
{
    char path[256];
    struct stat info;
    assert_int_equal(nw_console_save(path_of(path, "page"), NW_SLICE("one")), NW_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(nw_console_save(path, NW_SLICE("two")), NW_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_holds(path, "two");
    assert_int_equal(file_count(), 1);
    unlink(path);
}

static void a_full_disk_leaves_the_old_file_and_no_half_one(void **state)
{
    char path[256];
    struct rlimit before, small;
    char *large = calloc(1, 100000);
    memset(large, 'x', 100000);
    assert_int_equal(nw_console_save(path_of(path, "page"), NW_SLICE("old")), NW_OK);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){4096, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    nw_err err = nw_console_save(path, nw_slice_of(large, 100000));
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err, NW_DISK_FULL);
    assert_holds(path, "old");
    assert_int_equal(file_count(), 1);
    free(large);
    unlink(path);
}

static void a_link_stays_a_link(void **state)
{
    char path[256], link[256];
    struct stat info;
    assert_int_equal(nw_console_save(path_of(path, "page"), NW_SLICE("old")), NW_OK);
    assert_int_equal(symlink("page", path_of(link, "link")), 0);
    assert_int_equal(nw_console_save(link, NW_SLICE("new")), NW_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_holds(path, "new");
    unlink(link);
    unlink(path);
}

static void a_device_is_written_to_and_stays(void **state)
{
    char path[256];
    struct stat info;
    assert_int_equal(nw_console_save("/dev/full", NW_SLICE("x")), NW_DISK_FULL);
    assert_int_equal(nw_console_save("/dev/null", NW_SLICE("x")), NW_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(mkfifo(path_of(path, "fifo"), 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    char got[8] = "";
    assert_int_equal(nw_console_save(path, NW_SLICE("piped")), NW_OK);
    assert_int_equal(read(fd, got, sizeof got), 5);
    assert_string_equal(got, "piped");
    close(fd);
    unlink(path);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    char path[256];
    assert_int_equal(nw_console_save(path_of(path, "none/page"), NW_SLICE("x")), NW_NOT_FOUND);
    assert_int_equal(nw_console_save(folder, NW_SLICE("x")), NW_INVALID); /* it is a folder */
}

/* Prints with stdout replaced by fd. */
static nw_err print_to(int fd, struct nw_slice bytes)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    nw_err err = nw_console_print(bytes);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    return err;
}

static void a_reader_that_left_is_an_error_and_no_death(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(print_to(ends[1], NW_SLICE("x")), NW_PEER_CLOSED);
    close(ends[1]);
    int full = open("/dev/full", O_WRONLY);
    assert_int_equal(print_to(full, NW_SLICE("x")), NW_DISK_FULL);
    close(full);
}

/* More than a pipe holds, to a descriptor that does not block: a thread's worth of patience. */
static void a_descriptor_that_does_not_block_gets_all(void **state)
{
    enum { BYTES = 300000 };
    int ends[2];
    char *bytes = calloc(1, BYTES);
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t reader = fork();
    if (reader == 0) {
        char part[4096];
        size_t sum = 0;
        close(ends[1]);
        for (ssize_t count; (count = read(ends[0], part, sizeof part)) > 0;)
            sum += (size_t)count;
        _exit(sum == BYTES ? 0 : 1);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    assert_int_equal(print_to(ends[1], nw_slice_of(bytes, BYTES)), NW_OK);
    close(ends[1]);
    int status = -1;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    free(bytes);
}

static void what_is_no_terminal_has_no_width_and_no_colour(void **state)
{
    int null = open("/dev/null", O_WRONLY), kept = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(null, STDOUT_FILENO);
    unsigned width = nw_console_width();
    bool has_colour = nw_console_has_colour();
    dup2(kept, STDOUT_FILENO);
    assert_int_equal(width, 0);
    assert_false(has_colour);
    close(null);
    close(kept);
}

static void the_first_interrupt_is_a_flag_the_second_is_the_end(void **state)
{
    struct sigaction now;
    assert_false(nw_console_is_interrupted());
    nw_console_watch_interrupts();
    assert_false(nw_console_is_interrupted());
    raise(SIGINT);
    assert_true(nw_console_is_interrupted());
    sigaction(SIGINT, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_keeps_its_rights),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_and_no_half_one),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(a_device_is_written_to_and_stays),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(a_reader_that_left_is_an_error_and_no_death),
        cmocka_unit_test(a_descriptor_that_does_not_block_gets_all),
        cmocka_unit_test(what_is_no_terminal_has_no_width_and_no_colour),
        cmocka_unit_test(the_first_interrupt_is_a_flag_the_second_is_the_end),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests_name("io/console", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
