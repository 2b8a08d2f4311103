/*
 * `newel run`: a file, or one of the two forms without a file, which are short ways to write one:
 * the same text is made from the options and loaded like any other.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/planted.h"
#include "cmd/book.h"
#include "cmd/cli.h"
#include "cmd/daemon.h"
#include "cmd/outside.h"
#include "io/backend.h"
#include "io/file.h"
#include "io/spawn.h"
#include "io/system.h"
#include "io/tls.h"
#include "io/worker.h"

static const char default_file[] = "newel.yaml";
static const char command_line[] = "(command line)"; /* in place of a file's name */

/* ---- the forms without a file ---- */

/* A JSON string is a YAML string. */
static void add_quoted(struct nw_text *out, const char *value)
{
    nw_text_add_json_string(out, nw_slice_str(value));
}

static void add_list(struct nw_text *out, const char *const *values, unsigned count)
{
    nw_text_add_str(out, "[ ");
    for (unsigned i = 0; i < count; i++) {
        nw_text_add_str(out, i > 0 ? ", " : "");
        add_quoted(out, values[i]);
    }
    nw_text_add_str(out, " ]\n");
}

static void write_conf(const struct cli *cli, struct nw_text *out)
{
    static const char *const default_listen[] = {"127.0.0.1:8080"};
    const struct cli_values *listen = &cli->options[CLI_LISTEN];
    const char *admin = cli_value(cli, CLI_ADMIN);
    nw_text_add_str(out, "newel: 1\nlisten: ");
    if (listen->count > 0)
        add_list(out, listen->given, listen->count);
    else
        add_list(out, default_listen, 1);
    if (admin == NULL || strcmp(admin, "none") != 0) {
        nw_text_add_str(out, "admin: ");
        add_quoted(out, admin != NULL ? admin : "127.0.0.1:9900");
        nw_text_add_char(out, '\n');
    }
    nw_text_add_str(out, "services:\n  app:\n");
    if (cli->rest_count > 0) {
        nw_text_add_str(out, "    run: ");
        add_list(out, (const char *const *)cli->rest, (unsigned)cli->rest_count);
    } else {
        nw_text_add_str(out, "    nodes: ");
        add_list(out, cli->options[CLI_TO].given, cli->options[CLI_TO].count);
    }
    nw_text_add_str(out, "routes: [ { path: /, service: app, upgrade: [websocket] } ]\n");
}

/* Which form was meant; EXIT_USAGE when it is none or two of them. */
static int choose_form(const struct cli *cli, const char **out_file, struct nw_text *out_text)
{
    bool has_file = cli->arg_count > 0, has_to = cli_has(cli, CLI_TO), has_rest = cli->rest != NULL;
    if (has_file + has_to + has_rest > 1)
        return cli_usage(cli, "give one of: a file, --to ADDR, or -- COMMAND");
    if (has_rest && cli->rest_count == 0)
        return cli_usage(cli, "which command shall be started? write it behind --");
    *out_file = NULL;
    if (has_to || has_rest) {
        write_conf(cli, out_text);
        return EXIT_DONE;
    }
    if (cli_has(cli, CLI_LISTEN) || cli_has(cli, CLI_ADMIN))
        return cli_usage(cli, "--listen and --admin are for the forms without a file; "
                              "write `listen:` and `admin:` into the file");
    *out_file = has_file ? cli->args[0] : default_file;
    if (has_file || nw_file_exists_now(NULL, default_file))
        return EXIT_DONE;
    return cli_usage(cli, "nothing to serve: give a file, --to ADDR, or -- COMMAND; "
                          "there is no newel.yaml here");
}

/* ---- telling ---- */

static void add_url(struct nw_text *out, const char *before, const char *scheme,
                    const struct nw_addr *addr)
{
    char text[NW_ADDR_TEXT_MAX_BYTES];
    nw_addr_print(addr, text);
    nw_text_addf(out, "%s%s%s", before, addr->kind == NW_ADDR_UNIX ? "" : scheme, text);
}

/*
 * The line that people and scripts wait for. It leaves in one write: the log's thread writes to the
 * same place, and a process that has just started would be announced in the middle of it.
 */
static void on_ready(void *arg, struct nw_daemon *daemon)
{
    const struct nw_addr *addr;
    struct nw_text line = {0};
    nw_text_add_str(&line, "newel: serving");
    for (unsigned i = 0; (addr = nw_daemon_listener(daemon, i)) != NULL; i++)
        add_url(&line, i > 0 ? ", " : " ",
                nw_daemon_listener_is_secure(daemon, i) ? "https://" : "http://", addr);
    if ((addr = nw_daemon_admin(daemon)) != NULL) {
        add_url(&line, "; status ", "http://", addr);
        add_url(&line, "/status, metrics ", "http://", addr);
        nw_text_add_str(&line, "/metrics");
    }
    nw_text_addf(&line, "; state %s\n", nw_daemon_state_dir(daemon));
    fwrite(line.ptr, 1, line.len, stderr);
    nw_text_done(&line);
    nw_system_notify("READY=1");
}

/* The option that a place in the text made from the options came from. */
static const char *option_of(const char *path)
{
    struct nw_slice at = nw_slice_str(path != NULL ? path : "");
    if (nw_slice_starts_with(at, NW_SLICE("listen")))
        return "--listen: ";
    if (nw_slice_starts_with(at, NW_SLICE("admin")))
        return "--admin: ";
    if (nw_slice_starts_with(at, NW_SLICE("services.app.nodes")))
        return "--to: ";
    return "";
}

/* Nobody wrote the lines of that text, so no line of it is named. */
static void print_options_diag(const struct nw_diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        const struct nw_diag_item *item = &diag->items[i];
        fprintf(stderr, "newel: %s%s%s", item->is_warning ? "warning: " : "", option_of(item->path),
                item->sentence);
        if (item->suggestion != NULL)
            fprintf(stderr, " (%s)", item->suggestion);
        fputc('\n', stderr);
    }
}

static void print_diag(const struct nw_diag *diag)
{
    struct nw_text text = {0};
    if (diag->count > 0 && diag->items[0].file != NULL &&
        strcmp(diag->items[0].file, command_line) == 0) {
        print_options_diag(diag);
        return;
    }
    nw_diag_print(diag, &text);
    if (text.len > 0)
        fprintf(stderr, "%s%s", diag->items[0].file == NULL ? "newel: " : "", text.ptr);
    nw_text_done(&text);
}

/* ---- running ---- */

struct running {
    struct nw_daemon *daemon;
    struct nw_system_signals signals;
    bool has_signals;
};

NW_YIELDS static void start(void *arg)
{
    struct running *running = arg;
    running->has_signals =
        nw_system_signals_open(&running->signals, nw_daemon_on_signal, running->daemon) == NW_OK;
    nw_daemon_start(running->daemon);
}

static int serve(struct nw_daemon *daemon)
{
    struct running running = {.daemon = daemon};
    nw_runtime_run(nw_daemon_runtime(daemon), start, &running);
    const struct nw_diag *diag = nw_daemon_start_diag(daemon);
    if (diag->error_count == 0)
        return EXIT_DONE;
    print_diag(diag);
    return EXIT_FAILED;
}

/* Forks: before any thread, with the old limits. */
static nw_err start_helper(const struct book_options *options, struct nw_spawner **out)
{
    struct book *book = book_new(options);
    struct nw_spawn_book ops = book_ops(book);
    nw_err err = nw_spawner_start(&ops, out);
    book_free(book); /* the helper has its own copy */
    return err;
}

static int run_conf(const struct cli *cli, const char *file, const char *text)
{
    struct outside reading = {.conf_file = file, .is_noted = true};
    struct nw_conf_outside outside = outside_real(&reading);
    const char *test = nw_system_env("NEWEL_TEST");
    struct book_options book = {.file = file,
                                .text = text,
                                .text_name = command_line,
                                .state_dir = cli_value(cli, CLI_STATE)};
    if (start_helper(&book, &reading.spawner) != NW_OK) {
        fputs("newel: the helper process for applications could not be started\n", stderr);
        return EXIT_FAILED;
    }
    struct outside files = {.conf_file = file, .spawner = reading.spawner};
    struct nw_conf_outside outside_files = outside_real(&files);
    nw_system_raise_files();
    nw_system_block_signals();
    if (nw_tls_prepare() != NW_OK) {
        fputs("newel: the TLS library could not be started\n", stderr);
        nw_spawner_stop(reading.spawner);
        return EXIT_FAILED;
    }
    struct nw_daemon_options options = {
        .file = file,
        .text = text,
        .text_name = command_line,
        .state_dir = cli_value(cli, CLI_STATE),
        .outside = &outside,
        .files = &outside_files,
        .backend = &nw_backend_epoll,
        .name = "newel",
        .spawner = reading.spawner,
        .reading = &reading,
        .is_test = test != NULL && strcmp(test, "1") == 0,
        .has_disk = true,
        .on_ready = on_ready,
    };
    struct nw_diag diag;
    struct nw_daemon *daemon = NULL;
    nw_diag_init(&diag);
    nw_err err = nw_daemon_new(&options, &diag, &daemon);
    print_diag(&diag);
    int code = err == NW_OK ? EXIT_DONE : err == NW_INVALID ? EXIT_INVALID : EXIT_FAILED;
    nw_diag_done(&diag);
    if (err == NW_OK) {
        code = serve(daemon);
        nw_daemon_free(daemon);
    }
    nw_spawner_stop(reading.spawner);
    outside_done(&reading);
    outside_done(&files);
    return code;
}

int cmd_run(const struct cli *cli)
{
    struct nw_text text = {0};
    const char *file = NULL;
    const char *planted = nw_system_env("NEWEL_PLANTED");
    if (nw_planted_init(planted) != NW_OK)
        return cli_usage(cli, "NEWEL_PLANTED names a fault that this build does not have: %s",
                         planted);
    int code = choose_form(cli, &file, &text);
    if (code == EXIT_DONE)
        code = run_conf(cli, file, text.ptr);
    nw_text_done(&text);
    return code;
}
