/* tools/gen_reference.py writes what this prints into docs/reference/ and the man page. */
#include "cmd/reference.h"

#include <string.h>

#include "base/metric.h"
#include "cmd/daemon_impl.h"
#include "cmd/emit.h"
#include "cmd/plan_pages.h"
#include "cmd/sim_cache_table.h"
#include "cmd/sim_fleet_table.h"
#include "cmd/sim_queue_table.h"
#include "conf/option.h"

static void options_markdown(struct nw_text *out)
{
    nw_conf_reference_markdown(&nw_conf_newel_tables, out);
}

static void sim_cache_markdown(struct nw_text *out)
{
    nw_conf_reference_markdown(&sim_cache_tables, out);
}

static void sim_queue_markdown(struct nw_text *out)
{
    nw_conf_reference_markdown(&sim_queue_tables, out);
}

static void sim_fleet_markdown(struct nw_text *out)
{
    nw_conf_reference_markdown(&fleet_tables, out);
}

static void metrics_markdown(struct nw_text *out)
{
    static const char *const kinds[] = {
        [NW_METRIC_KIND_COUNTER] = "counter",     [NW_METRIC_KIND_GAUGE] = "gauge",
        [NW_METRIC_KIND_HISTOGRAM] = "histogram", [NW_METRIC_KIND_COARSE] = "histogram",
        [NW_METRIC_KIND_COUNTS] = "histogram",
    };
    nw_text_add_str(out,
                    "# Metrics\n\nGenerated from `src/base/metrics.def` by "
                    "`tools/gen_reference.py`; printed by `/metrics` on the admin listener.\n\n"
                    "| name | kind | labels | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < NW_METRIC_FAMILIES; i++) {
        const struct nw_metric_family *family = nw_metric_family((nw_metric)i);
        nw_text_addf(out, "| `newel_%s` | %s | %s | %s |\n", family->name, kinds[family->kind],
                     family->labels, family->help);
    }
}

static void control_markdown(struct nw_text *out)
{
    nw_text_add_str(
        out,
        "# Control verbs\n\nGenerated from `src/cmd/verbs.c` by `tools/gen_reference.py`.\n\n"
        "One JSON line on `STATE/control.sock` asks, as in `{\"verb\":\"drain\",\"node\":"
        "\"shop/10.0.0.12:3000\"}`; one or more lines answer, the last has `\"done\":true` and, "
        "when it failed, `\"error\"`. Hanging up cancels. The socket has mode 0600; the caller "
        "is the peer's user. Where `admin.token` is set, `POST /control/VERB` on the admin "
        "listener does the same with `Authorization: Bearer TOKEN`.\n\n"
        "| verb | arguments | changes | meaning |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < daemon_verb_count; i++) {
        const struct nw_control_verb *verb = &daemon_verbs[i];
        nw_text_addf(out, "| `%s` | %s | %s | %s%s |\n", verb->name, verb->arguments,
                     verb->is_change ? "yes" : "no", verb->help,
                     verb->is_test_only ? " (only on the socket and with `NEWEL_TEST=1`)" : "");
    }
}

static void man_page(struct nw_text *out)
{
    nw_text_add_str(out, ".TH NEWEL 1 \"\" \"newel " NW_VERSION "\" \"User Commands\"\n.SH NAME\n"
                         "newel \\- one program in the path of every request of a web application\n"
                         ".SH SYNOPSIS\n.B newel\n.I COMMAND\n[\\fIOPTION\\fR...] "
                         "[\\fIARGUMENT\\fR...]\n.SH COMMANDS\n");
    cli_reference_man(out);
    nw_text_add_str(out, ".SH CONFIGURATION FILE\n");
    nw_conf_reference_man(&nw_conf_newel_tables, out);
    nw_text_add_str(out,
                    ".SH EXIT STATUS\n0 done; 1 failed; 2 wrong usage; 3 configuration invalid; "
                    "4 a bar given with \\-\\-fail\\-if was missed.\n");
}

int reference_print(const struct cli *cli, const char *page)
{
    static const struct {
        const char *name;
        void (*write)(struct nw_text *out);
    } pages[] = {
        {"options", options_markdown},
        {"commands", cli_reference_markdown},
        {"metrics", metrics_markdown},
        {"control", control_markdown},
        {"man", man_page},
        {"plan-file", plan_page_file},
        {"plan-constants", plan_page_constants},
        {"plan-disagreements", plan_page_disagreements},
        {"sim-fleet", sim_fleet_markdown},
        {"plan-formulas", plan_page_formulas},
        {"sim-cache", sim_cache_markdown},
        {"sim-queue", sim_queue_markdown},
    };
    for (size_t i = 0; i < NW_COUNT(pages); i++) {
        if (strcmp(pages[i].name, page) != 0)
            continue;
        struct nw_text out = {0};
        pages[i].write(&out);
        int code = emit_text(nw_text_slice(&out));
        nw_text_done(&out);
        return code;
    }
    struct nw_text names = {0};
    for (size_t i = 0; i < NW_COUNT(pages); i++)
        nw_text_addf(&names, "%s%s", i > 0 ? ", " : "", pages[i].name);
    int code = cli_usage(cli, "there is no page `%s`: %s", page, names.ptr);
    nw_text_done(&names);
    return code;
}
