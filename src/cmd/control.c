/*
 * The commands that talk to a running newel: one JSON line asks, lines answer, the last is done.
 * They find it by --state DIR, else $STATE_DIRECTORY, ./newel-data, /var/lib/newel.
 */
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "cmd/cli.h"
#include "cmd/status_print.h"
#include "conf/value.h"
#include "io/dial.h"
#include "io/file.h"
#include "io/system.h"

static void socket_path(const char *dir, char *out, size_t cap)
{
    snprintf(out, cap, "%s/control.sock", dir);
}

/* The folders where a newel may live, in the order in which they are tried. */
static int open_socket(const struct cli *cli, struct nw_dial *out)
{
    const char *given = cli_value(cli, CLI_STATE);
    const char *dirs[] = {given, nw_system_env("STATE_DIRECTORY"), "newel-data", "/var/lib/newel"};
    char path[4096];
    nw_err err = NW_NOT_FOUND;
    const char *tried = "";
    for (size_t i = given != NULL ? 0 : 1; i < (given != NULL ? 1 : NW_COUNT(dirs)); i++) {
        if (dirs[i] == NULL)
            continue;
        socket_path(dirs[i], path, sizeof path);
        tried = dirs[i];
        err = nw_dial_unix(path, out);
        if (err != NW_NOT_FOUND)
            break;
    }
    if (err == NW_OK)
        return EXIT_DONE;
    if (err == NW_REFUSED)
        fprintf(stderr, "newel: no newel is running on the state folder %s%s\n", tried,
                given == NULL ? "; another one is named by --state DIR" : "");
    else if (err == NW_DENIED)
        fprintf(stderr, "newel: %s belongs to another user; try as that user\n", path);
    else if (given != NULL)
        fprintf(stderr, "newel: there is no running newel in %s (no control.sock there)\n", given);
    else
        fputs("newel: no running newel found in ./newel-data or /var/lib/newel; "
              "say where with --state DIR\n",
              stderr);
    return EXIT_FAILED;
}

/* What a line that is not the last says, for people. */
static void print_progress(const json_t *line)
{
    const char *state = json_string_value(json_object_get(line, "state"));
    const json_t *in_flight = json_object_get(line, "in_flight");
    if (state != NULL && in_flight != NULL)
        fprintf(stderr, "%s: %lld in flight\n", state, (long long)json_integer_value(in_flight));
    else if (state != NULL)
        fprintf(stderr, "%s\n", state);
}

/*
 * Asks and reads to the last line, which the caller frees; EXIT_FAILED with a sentence on stderr.
 */
static int ask(const struct cli *cli, json_t *request, json_t **out_last)
{
    struct nw_dial dial;
    struct nw_text line = {0};
    int code = open_socket(cli, &dial);
    if (code != EXIT_DONE)
        return code;
    char *text = json_dumps(request, JSON_COMPACT);
    nw_text_addf(&line, "%s\n", text);
    free(text); /* the JSON library made it */
    nw_err err = nw_dial_write(&dial, nw_text_slice(&line));
    json_t *last = NULL;
    while (err == NW_OK && (err = nw_dial_read_line(&dial, &line)) == NW_OK) {
        last = json_loadb(line.ptr, line.len, 0, NULL);
        if (last == NULL)
            err = NW_BAD_MESSAGE;
        else if (json_is_true(json_object_get(last, "done")))
            break;
        else if (!cli_has(cli, CLI_JSON))
            print_progress(last);
        json_decref(last);
        last = NULL;
    }
    nw_text_done(&line);
    nw_dial_close(&dial);
    if (last == NULL) {
        fprintf(stderr, "newel: the running newel did not answer: %s\n", nw_err_text(err));
        return EXIT_FAILED;
    }
    *out_last = last;
    const json_t *error = json_object_get(last, "error");
    if (error != NULL && !cli_has(cli, CLI_JSON))
        fprintf(stderr, "newel: %s\n", json_string_value(error));
    return error != NULL ? EXIT_FAILED : EXIT_DONE;
}

/* Asks; with --json the last line is printed as it came, else `print` tells it to a person. */
static int converse(const struct cli *cli, json_t *request, void (*print)(const json_t *last))
{
    json_t *last = NULL;
    int code = ask(cli, request, &last);
    if (last != NULL && cli_has(cli, CLI_JSON)) {
        const json_t *status = json_object_get(last, "status");
        json_dumpf(status != NULL ? status : last, stdout,
                   JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
    } else if (last != NULL && code == EXIT_DONE) {
        print(last);
    }
    json_decref(last);
    json_decref(request);
    return code;
}

static void print_status(const json_t *last)
{
    status_print(json_object_get(last, "status"), stdout);
}

static void print_fibers(const json_t *last)
{
    fibers_print(json_object_get(last, "workers"), stdout);
}

int cmd_status(const struct cli *cli)
{
    if (cli_has(cli, CLI_FIBERS))
        return converse(cli, json_pack("{s:s}", "verb", "fibers"), print_fibers);
    return converse(cli, json_pack("{s:s}", "verb", "status"), print_status);
}

static void print_tls(const json_t *last)
{
    tls_print(json_object_get(last, "tls"), stdout);
}

int cmd_tls(const struct cli *cli)
{
    return converse(cli, json_pack("{s:s}", "verb", "tls"), print_tls);
}

static void print_reload(const json_t *last)
{
    printf("reloaded: generation %lld is in force\n",
           (long long)json_integer_value(json_object_get(last, "generation")));
}

int cmd_reload(const struct cli *cli)
{
    return converse(cli, json_pack("{s:s}", "verb", "reload"), print_reload);
}

static void print_drained(const json_t *last)
{
    puts("drained: nothing is in flight, the node can be stopped safely");
}

static void print_undrained(const json_t *last)
{
    puts("undrained: the node takes requests again");
}

int cmd_drain(const struct cli *cli)
{
    if (cli->arg_count == 0)
        return cli_usage(cli, "which node? for instance `newel drain shop/10.0.0.12:3000`");
    json_t *request = json_pack("{s:s,s:s}", "verb", "drain", "node", cli->args[0]);
    const char *text = cli_value(cli, CLI_FOR);
    int64_t for_ms = 0;
    struct nw_conf_why why = {0};
    if (text != NULL && nw_conf_value_duration(nw_slice_str(text), &for_ms, &why) != NW_OK) {
        json_decref(request);
        return cli_usage(cli, "--for %s: %s", text, why.sentence);
    }
    if (for_ms > 0)
        json_object_set_new(request, "for_ms", json_integer(for_ms));
    return converse(cli, request, print_drained);
}

int cmd_undrain(const struct cli *cli)
{
    if (cli->arg_count == 0)
        return cli_usage(cli, "which node? for instance `newel undrain shop/10.0.0.12:3000`");
    return converse(cli, json_pack("{s:s,s:s}", "verb", "undrain", "node", cli->args[0]),
                    print_undrained);
}
