/* The contract of io/file.h on a directory of its own. */
#include "loopback.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/file.h"

static char directory[64], path[128];

static int make_dir(void **state)
{
    strcpy(directory, "/tmp/newel-file-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/file", directory);
    return 0;
}

static int remove_dir(void **state)
{
    unlink(path);
    return rmdir(directory); /* fails when anything else was left behind */
}

static int entry_count(void)
{
    int count = 0;
    DIR *dir = opendir(directory);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

/* ---- in fibers ---- */

static void writing(void)
{
    struct nw_file *file;
    char got[32];
    size_t bytes;
    CHECK_ERR(nw_file_open(path, NW_FILE_READ, 0, &file), NW_NOT_FOUND);
    CHECK_OK(nw_file_open(path, NW_FILE_READ | NW_FILE_WRITE | NW_FILE_CREATE, 0600, &file));
    CHECK_OK(nw_file_write(file, 0, "hello world", 11));
    CHECK_OK(nw_file_write(file, 6, "there", 5));
    CHECK_OK(nw_file_datasync(file));
    CHECK_OK(nw_file_read(file, 0, got, sizeof got, &bytes));
    CHECK(bytes == 11 && memcmp(got, "hello there", 11) == 0);
    CHECK_OK(nw_file_read(file, 6, got, 3, &bytes));
    CHECK(bytes == 3 && memcmp(got, "the", 3) == 0);
    CHECK_OK(nw_file_read(file, 11, got, sizeof got, &bytes));
    CHECK(bytes == 0);
    nw_file_close(file);
    CHECK_ERR(nw_file_open(path, NW_FILE_WRITE | NW_FILE_CREATE | NW_FILE_EXCLUSIVE, 0600, &file),
              NW_EXISTS);
    CHECK_OK(nw_file_open(path, NW_FILE_READ, 0, &file));
    CHECK_ERR(nw_file_write(file, 0, "x", 1), NW_IO);
    nw_file_close(file);
    nw_file_close(NULL);
}

static void what_was_written_is_read(void **state)
{
    run(writing);
}

static void from_the_disk(void)
{
    enum { BYTES = 1 << 20 };
    struct nw_file *file;
    char *out = malloc(BYTES), *in = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        out[i] = (char)(i * 31 >> 5);
    CHECK_OK(nw_file_open(path, NW_FILE_READ | NW_FILE_WRITE | NW_FILE_CREATE, 0600, &file));
    CHECK_OK(nw_file_write(file, 0, out, BYTES));
    CHECK_OK(nw_file_datasync(file));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    close(fd);
    for (size_t at = 0, bytes; at < BYTES; at += bytes) {
        CHECK_OK(nw_file_read(file, at, in + at, BYTES - at, &bytes));
        CHECK(bytes > 0);
    }
    CHECK(memcmp(in, out, BYTES) == 0);
    nw_file_close(file);
    free(out);
    free(in);
}

static void what_left_the_page_cache_is_read_too(void **state)
{
    run(from_the_disk);
}

static void spooling(void)
{
    struct nw_file *file;
    char got[8];
    size_t bytes;
    CHECK_OK(nw_file_open(directory, NW_FILE_READ | NW_FILE_WRITE | NW_FILE_UNLINKED, 0600, &file));
    CHECK(entry_count() == 0);
    CHECK_OK(nw_file_write(file, 0, "spooled", 7));
    CHECK_OK(nw_file_read(file, 0, got, sizeof got, &bytes));
    CHECK(bytes == 7 && memcmp(got, "spooled", 7) == 0);
    nw_file_close(file);
}

static void a_spool_file_has_no_name(void **state)
{
    run(spooling);
}

/* ---- at start-up ---- */

static unsigned mode_of(const char *of)
{
    struct stat info;
    CHECK(stat(of, &info) == 0);
    return info.st_mode & 0777;
}

static void a_replaced_file_is_whole_and_leaves_nothing_beside(void **state)
{
    struct nw_text text = {0};
    CHECK_OK(nw_file_replace_now(NULL, path, NW_SLICE("first"), 0640));
    CHECK_OK(nw_file_replace_now(NULL, path, NW_SLICE("second one"), 0600));
    CHECK(mode_of(path) == 0600 && entry_count() == 1);
    CHECK_OK(nw_file_read_now(NULL, path, 10, &text));
    assert_string_equal(text.ptr, "second one");
    nw_text_done(&text);
    CHECK_ERR(nw_file_replace_now(NULL, "/nonexistent/x", NW_SLICE("x"), 0600), NW_NOT_FOUND);
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
    struct nw_text text = {0};
    nw_text_add_str(&text, "kept");
    CHECK_OK(nw_file_replace_now(NULL, path, NW_SLICE("12345"), 0600));
    CHECK_ERR(nw_file_read_now(NULL, path, 4, &text), NW_BODY_TOO_LARGE);
    assert_string_equal(text.ptr, "kept");
    CHECK_OK(nw_file_read_now(NULL, path, 5, &text));
    assert_string_equal(text.ptr, "kept12345");
    CHECK_ERR(nw_file_read_now(NULL, "/nonexistent", 5, &text), NW_NOT_FOUND);
    CHECK_ERR(nw_file_read_now(NULL, directory, 5, &text), NW_INVALID);
    nw_text_done(&text);
}

static void files_and_pipes_are_read_from_front_to_back(void **state)
{
    struct nw_file *file;
    char got[8];
    size_t bytes;
    CHECK_OK(nw_file_replace_now(NULL, path, NW_SLICE("1234567"), 0600));
    CHECK_OK(nw_file_open_now(path, &file));
    CHECK(nw_file_size_now(file) == 7);
    CHECK_OK(nw_file_next_now(file, got, 4, &bytes));
    CHECK(bytes == 4 && memcmp(got, "1234", 4) == 0);
    CHECK_OK(nw_file_next_now(file, got, 4, &bytes));
    CHECK(bytes == 3 && memcmp(got, "567", 3) == 0);
    CHECK_OK(nw_file_next_now(file, got, 4, &bytes));
    CHECK(bytes == 0);
    nw_file_close(file);
    int ends[2];
    char name[32];
    CHECK(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    CHECK_OK(nw_file_open_now(name, &file));
    CHECK(nw_file_size_now(file) == 0);
    CHECK_OK(nw_file_next_now(file, got, 8, &bytes));
    CHECK(bytes == 3);
    CHECK_ERR(nw_file_next_now(file, got, 8, &bytes), NW_AGAIN); /* somebody may write yet */
    close(ends[1]);
    CHECK_OK(nw_file_next_now(file, got, 8, &bytes));
    CHECK(bytes == 0);
    close(ends[0]);
    nw_file_close(file);
}

static void a_secret_file_is_read_whole_or_not_at_all(void **state)
{
    enum { KEY_BYTES = 10000 }; /* more than a page */
    struct nw_secret *secret = NULL;
    struct nw_text key = {0};
    while (key.len < KEY_BYTES)
        nw_text_addf(&key, "%zu,", key.len);
    CHECK_OK(nw_file_replace_now(NULL, path, nw_text_slice(&key), 0600));
    CHECK_ERR(nw_file_read_secret_now(NULL, path, key.len - 1, &secret), NW_BODY_TOO_LARGE);
    CHECK_ERR(nw_file_read_secret_now(NULL, "/nonexistent", 5, &secret), NW_NOT_FOUND);
    CHECK_ERR(nw_file_read_secret_now(NULL, directory, 5, &secret), NW_INVALID);
    CHECK(secret == NULL);
    CHECK_OK(nw_file_read_secret_now(NULL, path, key.len, &secret));
    CHECK(nw_secret_equals(secret, nw_text_slice(&key)));
    nw_secret_free(secret);
    nw_text_done(&key);
}

static void a_directory_is_made_once(void **state)
{
    CHECK_OK(nw_file_make_dir_now(NULL, path, 0700));
    CHECK_OK(nw_file_make_dir_now(NULL, path, 0700));
    CHECK(mode_of(path) == 0700);
    CHECK(rmdir(path) == 0);
    CHECK_OK(nw_file_replace_now(NULL, path, NW_SLICE("a file"), 0600));
    CHECK_ERR(nw_file_make_dir_now(NULL, path, 0700), NW_EXISTS);
    CHECK_OK(nw_file_unlink_now(NULL, path));
    CHECK_ERR(nw_file_unlink_now(NULL, path), NW_NOT_FOUND);
}

static void a_lock_names_its_holder(void **state)
{
    struct nw_file *first, *second;
    int pid = -1;
    CHECK_OK(nw_file_lock_now(NULL, path, &first, &pid));
    CHECK(mode_of(path) == 0600);
    CHECK_ERR(nw_file_lock_now(NULL, path, &second, &pid), NW_EXISTS);
    CHECK(pid == getpid());
    nw_file_close(first);
    CHECK_OK(nw_file_lock_now(NULL, path, &second, &pid));
    nw_file_close(second);
}

static void a_lock_dies_with_its_process(void **state)
{
    struct nw_file *file;
    int pid = -1, ready[2], go[2], status;
    char byte;
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(go[1]);
        bool is_held = nw_file_lock_now(NULL, path, &file, &pid) == NW_OK;
        ssize_t told = write(ready[1], "x", 1), asked = read(go[0], &byte, 1);
        _exit(is_held && told == 1 && asked == 0 ? 0 : 1);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_ERR(nw_file_lock_now(NULL, path, &file, &pid), NW_EXISTS);
    CHECK(pid == child);
    close(go[1]);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_OK(nw_file_lock_now(NULL, path, &file, &pid));
    nw_file_close(file);
    close(go[0]);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        IN_A_DIRECTORY(what_was_written_is_read),
        IN_A_DIRECTORY(what_left_the_page_cache_is_read_too),
        IN_A_DIRECTORY(a_spool_file_has_no_name),
        IN_A_DIRECTORY(a_replaced_file_is_whole_and_leaves_nothing_beside),
        IN_A_DIRECTORY(a_file_beyond_the_limit_is_refused),
        IN_A_DIRECTORY(files_and_pipes_are_read_from_front_to_back),
        IN_A_DIRECTORY(a_secret_file_is_read_whole_or_not_at_all),
        IN_A_DIRECTORY(a_directory_is_made_once),
        IN_A_DIRECTORY(a_lock_names_its_holder),
        IN_A_DIRECTORY(a_lock_dies_with_its_process),
    };
    return cmocka_run_group_tests_name("io/file", tests, NULL, NULL);
}
