/*
 * The shop keeps nothing in the process that another process would need, so
 * everything here is start and stop: read the options, get the key, open the
 * database, listen, wait for a signal.
 *
 * The signing key has no silent default. A random one per process would work
 * until the second process is started, and then sign people out at random; so
 * it is either given (SHOP_JWT_KEY) or shared through a file beside the
 * database (--dev-key).
 */
#include "listen.h"
#include "request.h"
#include "server.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define DEFAULT_PORT 3000
#define THREADS_MAX 64
#define STOP_WAIT_S 10
#define DEV_KEY_BYTES 48

struct options {
    int64_t port; /* -1: none */
    int64_t threads;
    const char *socket;
    const char *database;
    bool has_dev_key;
};

static void help_print(void)
{
    printf("usage: shop [options]\n\n"
           "An example web shop: pages for people, JSON below /api/. Any number of processes\n"
           "may serve one database; any of them may answer any request.\n\n"
           "  --port N          listen on 127.0.0.1:N; 0 lets the kernel choose (env PORT)\n"
           "  --socket PATH     listen on a Unix socket (env NEWEL_SOCKET)\n"
           "                    without either: port %d\n"
           "  --database PATH   SQLite file, created and filled on first start (shop.db)\n"
           "  --threads N       threads per listener, 1 to %d (4)\n"
           "  --dev-key         keep the signing key in a file beside the database\n"
           "  --cache-headers   send Cache-Control, and ETag for what never changes\n"
           "  --access-log      one line per request on stderr\n"
           "  --fault NAME[=V]  plant a mistake; may be repeated:\n",
           DEFAULT_PORT, THREADS_MAX);
    shop_fault_help_print();
    printf("  --help\n\n"
           "Environment: SHOP_JWT_KEY, at least %d bytes, signs the tokens and must be the same\n"
           "for all processes. NEWEL_INSTANCE names this process in the footer and in the\n"
           "X-Shop-Instance header (else its pid).\n\n"
           "Signals: SIGTERM finishes what was begun and exits 0. SIGUSR1 makes /ready answer\n"
           "503 while all else goes on, so that a balancer can move away first.\n\n"
           "Exit codes: 0 done, 1 failed, 2 wrong usage, 70 the fault die.\n",
           SHOP_JWT_KEY_MIN_BYTES);
}

static bool usage(const char *problem, const char *value)
{
    fprintf(stderr, "shop: %s%s (see --help)\n", problem, value);
    return false;
}

typedef enum {
    OPT_PORT = 1,
    OPT_SOCKET,
    OPT_DATABASE,
    OPT_THREADS,
    OPT_DEV_KEY,
    OPT_CACHE_HEADERS,
    OPT_ACCESS_LOG,
    OPT_FAULT,
    OPT_HELP
} option_kind;

static const struct option OPTIONS[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"database", required_argument, NULL, OPT_DATABASE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"dev-key", no_argument, NULL, OPT_DEV_KEY},
    {"cache-headers", no_argument, NULL, OPT_CACHE_HEADERS},
    {"access-log", no_argument, NULL, OPT_ACCESS_LOG},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static bool option_take(int kind, struct options *options, struct shop *shop)
{
    switch (kind) {
    case OPT_PORT:
        return shop_text_to_int(optarg, 0, 65535, &options->port) ||
               usage("--port must be a number from 0 to 65535, not ", optarg);
    case OPT_SOCKET:
        options->socket = optarg;
        return true;
    case OPT_DATABASE:
        options->database = optarg;
        return true;
    case OPT_THREADS:
        return shop_text_to_int(optarg, 1, THREADS_MAX, &options->threads) ||
               usage("--threads must be a number from 1 to 64, not ", optarg);
    case OPT_DEV_KEY:
        options->has_dev_key = true;
        return true;
    case OPT_CACHE_HEADERS:
        shop->has_cache_headers = true;
        return true;
    case OPT_ACCESS_LOG:
        shop->has_access_log = true;
        return true;
    case OPT_FAULT:
        return shop_fault_parse(&shop->fault, optarg) || usage("there is no --fault ", optarg);
    case OPT_HELP:
        help_print();
        exit(EXIT_SUCCESS);
    default:
        return usage("wrong usage", "");
    }
}

static bool options_read(int argc, char **argv, struct options *options, struct shop *shop)
{
    const char *port = getenv("PORT");
    options->socket = getenv("NEWEL_SOCKET");
    if (port && !shop_text_to_int(port, 0, 65535, &options->port))
        return usage("PORT must be a number from 0 to 65535, not ", port);
    int kind;
    while ((kind = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (!option_take(kind, options, shop))
            return false;
    }
    if (optind < argc)
        return usage("unexpected argument ", argv[optind]);
    if (options->port < 0 && !options->socket)
        options->port = DEFAULT_PORT;
    return true;
}

static bool key_set(struct shop_jwt_key *key, const void *bytes, size_t len, const char *source)
{
    if (len < SHOP_JWT_KEY_MIN_BYTES || len > SHOP_JWT_KEY_MAX_BYTES) {
        fprintf(stderr, "shop: the key in %s is %zu bytes long; it must be %d to %d, or tokens"
                        " could be forged\n",
                source, len, SHOP_JWT_KEY_MIN_BYTES, SHOP_JWT_KEY_MAX_BYTES);
        return false;
    }
    memcpy(key->bytes, bytes, len);
    key->len = len;
    return true;
}

/* Write a new key under a name of its own, whole before anybody can find it. */
static bool key_file_make(const char *path)
{
    char temporary[4200];
    unsigned char bytes[DEV_KEY_BYTES];
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_made = fd >= 0 && RAND_bytes(bytes, sizeof bytes) == 1 &&
                   write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes && fsync(fd) == 0 &&
                   (link(temporary, path) == 0 || errno == EEXIST);
    if (fd >= 0) {
        close(fd);
        unlink(temporary);
    }
    return is_made;
}

/* Whoever starts first makes the file; link() lets only one of several win. */
static bool key_file_read(struct shop_jwt_key *key, const char *database)
{
    char path[4096];
    unsigned char bytes[SHOP_JWT_KEY_MAX_BYTES + 1];
    if ((size_t)snprintf(path, sizeof path, "%s.key", database) >= sizeof path)
        return usage("the path is too long: ", database);
    if (access(path, F_OK) != 0 && !key_file_make(path)) {
        fprintf(stderr, "shop: cannot make the key file %s: %s\n", path, strerror(errno));
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (len < 0) {
        fprintf(stderr, "shop: cannot read the key file %s: %s\n", path, strerror(code));
        return false;
    }
    return key_set(key, bytes, (size_t)len, path);
}

static bool key_read(struct shop_jwt_key *key, const struct options *options)
{
    const char *given = getenv("SHOP_JWT_KEY");
    if (given)
        return key_set(key, given, strlen(given), "SHOP_JWT_KEY");
    if (options->has_dev_key)
        return key_file_read(key, options->database);
    fputs("shop: SHOP_JWT_KEY is not set. All processes of one shop need the same key of at least"
          " 32 bytes\n      to sign tokens with; --dev-key keeps one in a file beside the"
          " database.\n",
          stderr);
    return false;
}

/* Listen on what was asked for and say so; returns how many sockets, 0 on failure. */
static size_t listen_all(const struct options *options, int fds[2])
{
    size_t count = 0;
    int port = 0;
    if (options->port >= 0) {
        fds[count] = shop_listen_port((int)options->port, &port);
        if (fds[count++] < 0)
            return 0;
    }
    if (options->socket) {
        fds[count] = shop_listen_path(options->socket);
        if (fds[count++] < 0)
            return 0;
    }
    if (options->port >= 0)
        printf("shop: listening on http://127.0.0.1:%d\n", port);
    if (options->socket)
        printf("shop: listening on unix:%s\n", options->socket);
    fflush(stdout);
    return count;
}

static void signals_block(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, set, NULL); /* inherited by every thread to come */
    signal(SIGPIPE, SIG_IGN);
}

static int serve(struct shop *shop, const struct options *options, const sigset_t *signals)
{
    int fds[2];
    size_t fd_count = listen_all(options, fds);
    if (fd_count == 0)
        return EXIT_FAILURE;
    struct shop_server *server = shop_server_new(shop, fds, fd_count, (unsigned)options->threads);
    if (!server) {
        fputs("shop: the HTTP server could not be started\n", stderr);
        return EXIT_FAILURE;
    }
    int number;
    do {
        if (sigwait(signals, &number) != 0)
            number = SIGTERM;
        atomic_store(&shop->is_leaving, true);
    } while (number == SIGUSR1);
    shop_server_stop(server, STOP_WAIT_S);
    shop_server_free(server);
    if (options->socket)
        unlink(options->socket);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options = {.port = -1, .threads = 4, .database = "shop.db"};
    struct shop shop = {0};
    if (!options_read(argc, argv, &options, &shop))
        return EXIT_USAGE;
    if (!key_read(&shop.key, &options))
        return EXIT_USAGE;

    sigset_t signals;
    signals_block(&signals);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    const char *instance = getenv("NEWEL_INSTANCE");
    bool has_name = instance && instance[0] && shop_text_is_clean(instance, strlen(instance)) &&
                    !strpbrk(instance, "\r\n");
    shop.instance = has_name ? instance : pid;
    shop.memory = shop_memory_new();
    size_t listener_count = (size_t)(options.port >= 0) + (options.socket != NULL);
    shop.pool = shop_db_pool_new(options.database, (size_t)options.threads * listener_count);
    int code = EXIT_FAILURE;
    if (shop.pool && shop.memory)
        code = serve(&shop, &options, &signals);
    shop_db_pool_free(shop.pool);
    shop_memory_free(shop.memory);
    OPENSSL_cleanse(&shop.key, sizeof shop.key);
    return code;
}
