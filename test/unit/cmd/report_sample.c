/*
 * A report with everything in it, printed by the options that all reporting commands share:
 * `report_sample show` and its --json, --csv, --html, --fail-if. `report_sample wait` works until
 * Ctrl-C. Tests of the printers and of emit.h run it as a user would.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cmd/emit.h"
#include "io/console.h"

/* What a file's author may call things. */
#define EVIL "</script><script>alert('x')</script> & \"quoted\" \x1b[31mred\x80"

enum { DAY = 1440, POINTS = 25 };

static const struct nw_model_step steps[] = {
    {.path = "load.requests_per_day",
     .label = "Load",
     .formula = "{0} x ({1} + {2})/d",
     .operands = {{"users", 5e7, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                  {"feed", 4, NW_MODEL_NUMBER, NW_MODEL_GIVEN},
                  {"upload", 0.5, NW_MODEL_NUMBER, NW_MODEL_SET}},
     .operand_count = 3,
     .exact = 225e6,
     .rounded = 225e6,
     .unit = NW_MODEL_COUNT,
     .what = "requests each day"},
    {.path = "load.average_per_s",
     .formula = "{0} / {1} s",
     .operands = {{"requests", 225e6, NW_MODEL_COUNT, NW_MODEL_DERIVED},
                  {"day", 86400, NW_MODEL_COUNT, NW_MODEL_ASSUMED}},
     .operand_count = 2,
     .exact = 225e6 / 86400,
     .rounded = 225e6 / 86400,
     .unit = NW_MODEL_PER_S,
     .what = "average",
     .printed = "2,604"},
    {.path = "services.app.nodes_production",
     .label = "App",
     .formula = "{0} x {1} / ({2} x {3})",
     .operands = {{"peak", 10416.666666666666, NW_MODEL_PER_S, NW_MODEL_DERIVED},
                  {"1 + margin", 1.3, NW_MODEL_NUMBER, NW_MODEL_ASSUMED},
                  {"node_rate", 300, NW_MODEL_PER_S, NW_MODEL_GIVEN},
                  {"efficiency", 0.85, NW_MODEL_RATIO, NW_MODEL_ASSUMED}},
     .operand_count = 4,
     .exact = 53.104575163398692,
     .rounded = 54,
     .is_rounded = true,
     .unit = NW_MODEL_COUNT,
     .what = "nodes, 55 with 1 spare",
     .fact = "B8"},
    {.path = "queues.mail.drain_s",
     .label = "mail",
     .formula = "{0} / ({1} - {2})",
     .operands = {{"backlog", 10000, NW_MODEL_COUNT, NW_MODEL_GIVEN},
                  {"drain", 200, NW_MODEL_PER_S, NW_MODEL_GIVEN},
                  {"arrivals", 250, NW_MODEL_PER_S, NW_MODEL_GIVEN}},
     .operand_count = 3,
     .unit = NW_MODEL_SECONDS,
     .reason = "unstable",
     .what = "it grows by 50/s"},
};

/* Everything that the report borrows. */
struct sample {
    struct nw_model_steps steps;
    double minute_s[DAY], load[DAY], capacity[DAY];
    double growth[POINTS], nodes[POINTS], few[POINTS], many[POINTS], cost[POINTS];
    struct nw_model_chart day, sweep, misses, tornado, law, empty;
};

static const char *const policies[] = {"fifo", "lru", "sieve", "s3-fifo"};
static const double misses[] = {.25292, .22331, .19042, .1884};
static const double misses_small[] = {.41, .38, .33, .325};
static const double law_n[] = {1, 2, 4, 8, 16, 32, 64};
static const double law_x[] = {1800, 3490, 6700, 11700, NAN, 23700, 23500};
static const struct nw_model_chart_row rows[] = {
    {"services.app.node_rate", 80, 32, "200/s", "500/s"},
    {"services.app.efficiency", 58, 48, "80%", "95%"},
    {"load.peak & <peak>", 40, 68, "3", "5"},
    {"services.app.margin", 49, 62, "20%", "50%"},
};

static void fill(struct sample *sample)
{
    sample->steps.items = (struct nw_model_step *)steps;
    sample->steps.count = NW_COUNT(steps);
    for (int i = 0; i < DAY; i++) {
        sample->minute_s[i] = i * 60;
        sample->load[i] = 6000 - 4000 * cos(i * 6.283185307 / DAY) + (i == 700 ? 6000 : 0);
        sample->capacity[i] = i > 300 && i < 340 ? NAN : 3000 * (1 + i / 360);
    }
    for (int i = 0; i < POINTS; i++) {
        double growth = pow(100, i / (POINTS - 1.0));
        sample->growth[i] = growth;
        sample->nodes[i] = ceil(53.1 * growth);
        sample->few[i] = 32 * growth;
        sample->many[i] = 80 * growth;
        sample->cost[i] = 20 * growth * growth;
    }
}

static void draw(struct sample *sample)
{
    sample->day = (struct nw_model_chart){
        .title = "Load and capacity over a day",
        .what = "Load rises to 10,000/s at noon; capacity follows in four steps.",
        .x = {"time", NW_MODEL_SECONDS},
        .y = {"requests", NW_MODEL_PER_S},
        .series = {{"load", NW_MODEL_CHART_LINE, sample->minute_s, sample->load, NULL, DAY},
                   {"capacity", NW_MODEL_CHART_STEP, sample->minute_s, sample->capacity, NULL,
                    DAY}},
        .series_count = 2,
        .rules = {{"quota", 13000, false}, {"primary fails", 43200, true}},
        .rule_count = 2};
    sample->sweep = (struct nw_model_chart){
        .title = "Nodes against growth",
        .x = {"growth", NW_MODEL_NUMBER, .is_log = true},
        .y = {"nodes", NW_MODEL_COUNT, .is_log = true},
        .series = {{"cautious to hopeful", NW_MODEL_CHART_BAND, sample->growth, sample->few,
                    sample->many, POINTS},
                   {"nodes", NW_MODEL_CHART_LINE, sample->growth, sample->nodes, NULL, POINTS},
                   {"price of all of them", NW_MODEL_CHART_LINE, sample->growth, sample->cost, NULL,
                    POINTS}},
        .series_count = 3};
    sample->misses = (struct nw_model_chart){
        .title = "Misses by policy",
        .x = {"policy", NW_MODEL_NUMBER, .names = policies, .name_count = NW_COUNT(policies)},
        .y = {"misses", NW_MODEL_RATIO},
        .series = {{"10% of the keys", NW_MODEL_CHART_BAR, NULL, misses, NULL, NW_COUNT(misses)},
                   {"1% of the keys", NW_MODEL_CHART_BAR, NULL, misses_small, NULL,
                    NW_COUNT(misses_small)}},
        .series_count = 2};
    sample->tornado = (struct nw_model_chart){.title = "What moves the number of nodes most",
                                              .what = "Each input alone, from its low to its high.",
                                              .x = {"nodes", NW_MODEL_COUNT},
                                              .rows = rows,
                                              .row_count = NW_COUNT(rows),
                                              .base = 54};
    sample->law = (struct nw_model_chart){
        .title = "Measured throughput, " EVIL,
        .x = {"nodes", NW_MODEL_COUNT, .is_from_zero = true},
        .y = {"throughput", NW_MODEL_PER_S},
        .series = {{EVIL, NW_MODEL_CHART_DOTS, law_n, law_x, NULL, NW_COUNT(law_n)}},
        .series_count = 1};
    sample->empty = (struct nw_model_chart){.title = "Nothing", .x = {"time"}, .y = {"nothing"}};
}

static void add_results(struct report *report)
{
    report_number(report, "nodes", "Nodes", 55, NW_MODEL_COUNT);
    report_number(report, "cost_month", "Each month", 55 * 0.5 * 730 + 1 / 3.0, NW_MODEL_MONEY);
    report_number(report, "hit_ratio", "Cache hits", 0.95, NW_MODEL_RATIO);
    report_absent(report, "wait_s", "Longest wait", "unstable");
}

static void add_parts(struct report *report)
{
    report_open(report, "load", "Load");
    report_number(report, "users", "users", 5e7, NW_MODEL_COUNT);
    report_number(report, "peak_per_s", "at the peak", 10416.666666666666, NW_MODEL_PER_S);
    report_number(report, "day_bytes", "written each day", 86.4e9, NW_MODEL_BYTES);
    report_number(report, "p99_s", "slowest hundredth", 0.02211, NW_MODEL_SECONDS);
    report_bool(report, "is_met", "target is met", true);
    report_text(report, "note", "note", EVIL);
    report_open(report, "inner", "Inside");
    report_number(report, "tiny", "tiny", 1e-7 / 3, NW_MODEL_NUMBER);
    report_close(report);
    report_number(report, "hidden", NULL, 0.1, NW_MODEL_NUMBER);
    report_close(report);
    report_open(report, NULL, "Sources disagree");
    report_text(report, "x3", "X3 efficiency", "without it 46 nodes");
    report_line(report,
                "A sentence for people that is long enough to be wrapped at the width of "
                "a terminal, however wide: %s.",
                EVIL);
    report_close(report);
}

static void add_tables(struct report *report)
{
    static const struct report_column columns[] = {{"policy", "policy", NW_MODEL_NUMBER, true},
                                                   {"miss_ratio", "misses", NW_MODEL_RATIO, false},
                                                   {"misses", "of 10M", NW_MODEL_COUNT, false},
                                                   {NULL, "remark", NW_MODEL_NUMBER, true},
                                                   {"code", NULL, NW_MODEL_NUMBER, false}};
    static const struct report_column series[] = {{"minute_s", "time", NW_MODEL_SECONDS, false},
                                                  {"nodes", "nodes", NW_MODEL_COUNT, false}};
    report_table(report, "series", "Minute by minute", series, NW_COUNT(series));
    for (int i = 0; i < 300; i++)
        report_row(report, (struct report_cell[]){{.value = i * 60}, {.value = i / 10 + 1}}, 2);
    report_table(report, "main", "Policies", columns, NW_COUNT(columns));
    for (unsigned i = 0; i < NW_COUNT(policies); i++)
        report_row(report,
                   (struct report_cell[]){{.text = policies[i]},
                                          {.value = misses[i]},
                                          {.value = misses[i] * 1e7, .is_absent = i == 3},
                                          {.text = "kept in a ring, the oldest goes first"},
                                          {.value = i / 3.0}},
                   NW_COUNT(columns));
    report_row(report,
               (struct report_cell[]){{.text = "comma, \"quote\"\nnew line"},
                                      {.value = 1},
                                      {.value = 1e7},
                                      {.text = EVIL},
                                      {.value = 7}},
               NW_COUNT(columns));
}

static void add_charts(struct report *report, const struct sample *sample)
{
    report_chart(report, "day", &sample->day);
    report_chart(report, "sweep", &sample->sweep);
    report_chart(report, "policies", &sample->misses);
    report_chart(report, "tornado", &sample->tornado);
    report_chart(report, "law", &sample->law);
    report_chart(report, "nothing", &sample->empty);
}

static int show(const struct cli *cli, bool waits)
{
    static const struct emit_alias aliases[] = {{"peak", "load.peak_per_s"}};
    int code = emit_check(cli);
    if (code != EXIT_DONE)
        return code;
    struct sample sample = {0};
    struct report *report = report_new("newel.sample/1", "A sample for 50M users");
    report_set_currency(report, "USD");
    fill(&sample);
    draw(&sample);
    add_results(report);
    report_steps(report, "steps", "How it was computed", &sample.steps, true);
    add_parts(report);
    add_tables(report);
    add_charts(report, &sample);
    if (waits) {
        nw_console_watch_interrupts();
        fputs("working\n", stderr);
        while (!nw_console_is_interrupted())
            (void)!write(STDERR_FILENO, "", 0);
        report_mark_incomplete(report, "interrupted after 3 of 20 runs");
    }
    code = emit_report(cli, report, aliases, NW_COUNT(aliases), EXIT_DONE);
    report_free(report);
    return code;
}

static int cmd_show(const struct cli *cli)
{
    return show(cli, false);
}

static int cmd_wait(const struct cli *cli)
{
    return show(cli, true);
}

int main(int argc, char **argv)
{
    static const cli_option_id options[] = {CLI_JSON, CLI_CSV, CLI_HTML, CLI_FAIL_IF,
                                            CLI_OPTION_COUNT};
    static const struct cli_command commands[] = {
        {"show", "", "print a sample report", options, 0, false, cmd_show},
        {"wait", "", "work until Ctrl-C, then print it", options, 0, false, cmd_wait},
    };
    return cli_main_of(commands, NW_COUNT(commands), argc, argv);
}
