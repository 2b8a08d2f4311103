/*
 * The end of every command that reports: bars judged, then the report printed, then the exit code.
 * Bars come first because a mistake in one must not look like a finished run; they are judged on
 * the tree that the printers walk, so what fails a build is what stands in the JSON.
 */
#include "cmd/emit.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/suggest.h"
#include "io/console.h"

/* ---- bars ---- */

static const struct {
    const char *sign; /* longer ones first */
    emit_compare compare;
} compares[] = {
    {">=", EMIT_AT_LEAST},  {"<=", EMIT_AT_MOST}, {"==", EMIT_EQUAL},
    {"!=", EMIT_NOT_EQUAL}, {">", EMIT_ABOVE},    {"<", EMIT_BELOW},
};

/* What may stand behind a bar's number, by the unit of the result. */
static const struct {
    const char *suffix;
    nw_model_unit unit;
    double factor;
} suffixes[] = {
    {"us", NW_MODEL_SECONDS, 1e-6},
    {"ms", NW_MODEL_SECONDS, 1e-3},
    {"s", NW_MODEL_SECONDS, 1},
    {"m", NW_MODEL_SECONDS, 60},
    {"h", NW_MODEL_SECONDS, 3600},
    {"d", NW_MODEL_SECONDS, NW_MODEL_DAY_S},
    {"%", NW_MODEL_RATIO, 0.01},
    {"/s", NW_MODEL_PER_S, 1},
    {"/m", NW_MODEL_PER_S, 1.0 / 60},
    {"/h", NW_MODEL_PER_S, 1.0 / 3600},
    {"/d", NW_MODEL_PER_S, 1.0 / NW_MODEL_DAY_S},
    {"KB", NW_MODEL_BYTES, 1e3},
    {"MB", NW_MODEL_BYTES, 1e6},
    {"GB", NW_MODEL_BYTES, 1e9},
    {"TB", NW_MODEL_BYTES, 1e12},
    {"K", NW_MODEL_BYTES, 1024.0},
    {"M", NW_MODEL_BYTES, 1048576.0},
    {"G", NW_MODEL_BYTES, 1073741824.0},
    {"T", NW_MODEL_BYTES, 1099511627776.0},
    {"KB/s", NW_MODEL_BYTES_PER_S, 1e3},
    {"MB/s", NW_MODEL_BYTES_PER_S, 1e6},
    {"GB/s", NW_MODEL_BYTES_PER_S, 1e9},
    {"K/s", NW_MODEL_BYTES_PER_S, 1024.0},
    {"M/s", NW_MODEL_BYTES_PER_S, 1048576.0},
    {"G/s", NW_MODEL_BYTES_PER_S, 1073741824.0},
    {"Kbit/s", NW_MODEL_BITS_PER_S, 1e3},
    {"Mbit/s", NW_MODEL_BITS_PER_S, 1e6},
    {"Gbit/s", NW_MODEL_BITS_PER_S, 1e9},
    {"/h", NW_MODEL_MONEY_PER_H, 1},
    {"/month", NW_MODEL_MONEY_PER_H, 1.0 / NW_MODEL_MONTH_H},
    {"km", NW_MODEL_KM, 1},
};

static bool is_name_byte(char byte)
{
    return byte != '>' && byte != '<' && byte != '=' && byte != '!';
}

static bool take_compare(struct nw_slice *rest, emit_compare *out)
{
    for (size_t i = 0; i < NW_COUNT(compares); i++) {
        struct nw_slice sign = nw_slice_str(compares[i].sign);
        if (!nw_slice_starts_with(*rest, sign))
            continue;
        *out = compares[i].compare;
        *rest = nw_slice_skip(*rest, sign.len);
        return true;
    }
    return false;
}

/* Digits, one point, a sign: "1e9", "inf" and "0x10" are none. */
static bool take_number(struct nw_slice *rest, double *out)
{
    size_t len = 0, digits = 0, points = 0;
    char copy[64];
    if (rest->len > 0 && (rest->ptr[0] == '-' || rest->ptr[0] == '+'))
        len = 1;
    for (; len < rest->len; len++) {
        bool is_digit = rest->ptr[len] >= '0' && rest->ptr[len] <= '9';
        if (!is_digit && rest->ptr[len] != '.')
            break;
        digits += is_digit;
        points += !is_digit;
    }
    if (digits == 0 || points > 1 || len >= sizeof copy)
        return false;
    memcpy(copy, rest->ptr, len);
    copy[len] = '\0';
    *out = strtod(copy, NULL);
    *rest = nw_slice_skip(*rest, len);
    return true;
}

nw_err emit_bar_parse(struct nw_slice text, struct emit_bar *out, const char **out_why)
{
    struct emit_bar bar;
    size_t len = 0;
    while (len < text.len && is_name_byte(text.ptr[len]))
        len++;
    struct nw_slice rest = nw_slice_skip(text, len);
    bar.path = nw_slice_trim(nw_slice_first(text, len));
    if (bar.path.len == 0) {
        *out_why = "a name is missing before the comparison";
        return NW_INVALID;
    }
    if (!take_compare(&rest, &bar.compare)) {
        *out_why = "one of > >= < <= == != is missing";
        return NW_INVALID;
    }
    rest = nw_slice_trim(rest);
    if (!take_number(&rest, &bar.number)) {
        *out_why = "behind the comparison stands no number";
        return NW_INVALID;
    }
    bar.unit = nw_slice_trim(rest);
    *out = bar;
    return NW_OK;
}

/* "1K" of things, "1K/s" of requests: what stands before the suffix of a rate, too. */
static double take_thousands(struct nw_slice *unit)
{
    static const struct {
        char letter;
        double factor;
    } letters[] = {{'K', 1e3}, {'M', 1e6}, {'B', 1e9}};
    for (size_t i = 0; i < NW_COUNT(letters); i++)
        if (unit->len > 0 && unit->ptr[0] == letters[i].letter) {
            *unit = nw_slice_skip(*unit, 1);
            return letters[i].factor;
        }
    return 1;
}

nw_err emit_bar_number(const struct emit_bar *bar, nw_model_unit unit, double *out)
{
    struct nw_slice suffix = bar->unit;
    double number = bar->number;
    bool is_bytes = unit == NW_MODEL_BYTES || unit == NW_MODEL_BYTES_PER_S;
    bool is_time =
        unit == NW_MODEL_SECONDS || unit == NW_MODEL_RATIO || unit == NW_MODEL_BITS_PER_S;
    if (!is_bytes && !is_time)
        number *= take_thousands(&suffix);
    if (suffix.len == 0) {
        *out = number;
        return NW_OK;
    }
    for (size_t i = 0; i < NW_COUNT(suffixes); i++)
        if (suffixes[i].unit == unit && nw_slice_eq(suffix, nw_slice_str(suffixes[i].suffix))) {
            *out = number * suffixes[i].factor;
            return NW_OK;
        }
    return NW_INVALID;
}

/* Equal within the tolerance of every threshold: 1e-9 relative. */
bool emit_bar_is_missed(const struct emit_bar *bar, double value, double bar_number)
{
    double apart = value - bar_number;
    bool is_equal = fabs(apart) <= 1e-9 * fmax(fabs(value), fabs(bar_number));
    switch (bar->compare) {
    case EMIT_ABOVE: return !is_equal && apart > 0;
    case EMIT_AT_LEAST: return is_equal || apart > 0;
    case EMIT_BELOW: return !is_equal && apart < 0;
    case EMIT_AT_MOST: return is_equal || apart < 0;
    case EMIT_EQUAL: return is_equal;
    case EMIT_NOT_EQUAL: break;
    }
    return !is_equal;
}

/* ---- judging ---- */

struct names {
    char **items;
    size_t count, cap;
};

static void keep_name(void *arg, const char *path)
{
    struct names *names = arg;
    if (names->count == names->cap) {
        names->cap = names->cap != 0 ? names->cap * 2 : 64;
        names->items = nw_realloc(names->items, names->cap * sizeof *names->items);
    }
    names->items[names->count++] = nw_alloc_string(nw_slice_str(path));
}

static int unknown_name(const struct cli *cli, const struct report *report, struct nw_slice path,
                        const struct emit_alias *aliases, unsigned alias_count)
{
    struct names names = {0};
    for (unsigned i = 0; i < alias_count; i++)
        keep_name(&names, aliases[i].name);
    report_each_path(report, keep_name, &names);
    const char *near = nw_suggest(path, (const char *const *)names.items, names.count);
    int code = near != NULL
                   ? cli_usage(cli, "--fail-if: no result is called `%.*s`; did you mean `%s`?",
                               NW_SLICE_ARG(path), near)
                   : cli_usage(cli,
                               "--fail-if: no result is called `%.*s`; names are those "
                               "of --json, such as `%s`",
                               NW_SLICE_ARG(path), names.count > 0 ? names.items[0] : "nodes");
    for (size_t i = 0; i < names.count; i++)
        nw_free(names.items[i]);
    nw_free(names.items);
    return code;
}

static const char *path_of(struct nw_slice name, const struct emit_alias *aliases,
                           unsigned alias_count)
{
    for (unsigned i = 0; i < alias_count; i++)
        if (nw_slice_eq(name, nw_slice_str(aliases[i].name)))
            return aliases[i].path;
    return NULL;
}

/* EXIT_DONE, EXIT_MISSED or EXIT_USAGE; a missed bar is one line of `missed`. */
static int judge(const struct cli *cli, const struct report *report, const char *text,
                 const struct emit_alias *aliases, unsigned alias_count, struct nw_text *missed)
{
    struct emit_bar bar;
    const char *why;
    if (emit_bar_parse(nw_slice_str(text), &bar, &why) != NW_OK)
        return cli_usage(cli, "--fail-if '%s': %s", text, why);
    char *name = nw_alloc_string(bar.path);
    const char *path = path_of(bar.path, aliases, alias_count);
    struct report_found found;
    bool is_found = report_look_up(report, path != NULL ? path : name, &found);
    nw_free(name);
    if (!is_found)
        return unknown_name(cli, report, bar.path, aliases, alias_count);
    double number;
    if (emit_bar_number(&bar, found.unit, &number) != NW_OK)
        return cli_usage(cli, "--fail-if '%s': `%.*s` is no unit of `%.*s`", text,
                         NW_SLICE_ARG(bar.unit), NW_SLICE_ARG(bar.path));
    if (found.reason == NULL && !emit_bar_is_missed(&bar, found.value, number))
        return EXIT_DONE;
    nw_text_addf(missed, "newel: missed --fail-if '%s': %.*s is ", text, NW_SLICE_ARG(bar.path));
    if (found.reason != NULL)
        nw_text_addf(missed, "none: %s", found.reason);
    else
        nw_model_unit_print(missed, found.value, found.unit, "");
    nw_text_add_char(missed, '\n');
    return EXIT_MISSED;
}

int emit_check(const struct cli *cli)
{
    if (cli_has(cli, CLI_JSON) && cli_has(cli, CLI_CSV))
        return cli_usage(cli, "--json and --csv are two forms of one output; choose one");
    const char *page = cli_value(cli, CLI_HTML);
    if (page != NULL && page[0] == '\0')
        return cli_usage(cli, "--html needs the name of a file");
    if (page != NULL && strcmp(page, "-") == 0 && (cli_has(cli, CLI_JSON) || cli_has(cli, CLI_CSV)))
        return cli_usage(cli, "--html - prints the page instead of --json or --csv; choose one");
    const struct cli_values *bars = &cli->options[CLI_FAIL_IF];
    for (unsigned i = 0; i < bars->count; i++) {
        struct emit_bar bar;
        const char *why;
        if (emit_bar_parse(nw_slice_str(bars->given[i]), &bar, &why) != NW_OK)
            return cli_usage(cli, "--fail-if '%s': %s", bars->given[i], why);
    }
    return EXIT_DONE;
}

/* ---- printing ---- */

static const char *sentence_of(nw_err err)
{
    return err == NW_PEER_CLOSED ? "nobody reads it any more" : nw_err_text(err);
}

static bool save_page(const struct report *report, const char *path)
{
    struct nw_text page = {0};
    report_print_html(report, &page);
    nw_err err = nw_console_save(path, nw_text_slice(&page));
    nw_text_done(&page);
    if (err != NW_OK)
        fprintf(stderr, "newel: cannot write %s: %s\n", path, sentence_of(err));
    return err == NW_OK;
}

static bool print_form(const struct cli *cli, const struct report *report)
{
    struct nw_text form = {0};
    const char *page = cli_value(cli, CLI_HTML);
    if (page != NULL && strcmp(page, "-") == 0)
        report_print_html(report, &form);
    else if (cli_has(cli, CLI_JSON))
        report_print_json(report, &form);
    else if (cli_has(cli, CLI_CSV))
        report_print_csv(report, &form);
    else
        report_print_text(report, nw_console_width(), nw_console_has_colour(), &form);
    nw_err err = nw_console_print(nw_text_slice(&form));
    nw_text_done(&form);
    if (err != NW_OK)
        fprintf(stderr, "newel: cannot write to standard output: %s\n", sentence_of(err));
    return err == NW_OK;
}

int emit_report(const struct cli *cli, const struct report *report,
                const struct emit_alias *aliases, unsigned alias_count, int code)
{
    const struct cli_values *bars = &cli->options[CLI_FAIL_IF];
    struct nw_text missed = {0};
    if (code == EXIT_DONE && !report_is_complete(report))
        code = EXIT_FAILED;
    for (unsigned i = 0; i < bars->count; i++) {
        int judged = judge(cli, report, bars->given[i], aliases, alias_count, &missed);
        if (judged == EXIT_USAGE) {
            nw_text_done(&missed);
            return EXIT_USAGE;
        }
        code = judged != EXIT_DONE ? judged : code;
    }
    const char *page = cli_value(cli, CLI_HTML);
    bool is_written = page == NULL || strcmp(page, "-") == 0 || save_page(report, page);
    is_written = print_form(cli, report) && is_written;
    if (missed.len > 0)
        fputs(missed.ptr, stderr);
    nw_text_done(&missed);
    return is_written ? code : EXIT_FAILED;
}
