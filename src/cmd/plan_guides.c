/* The guides' stages beside a plan: they contradict each other, which is what the table shows. */
#include "cmd/plan_guides.h"

#include "model/stages.h"
#include "model/worked.h"

void plan_report_stages(struct report *report, double peak_per_s, double users, bool is_seen)
{
    const struct report_column columns[] = {
        {"guide", is_seen ? "guide" : NULL, NW_MODEL_NUMBER, true},
        {"by", is_seen ? "by" : NULL, NW_MODEL_NUMBER, true},
        {"from", is_seen ? "from" : NULL, NW_MODEL_COUNT, false},
        {"stage", is_seen ? "what it says" : NULL, NW_MODEL_NUMBER, true},
        {"month", is_seen ? "a month" : NULL, NW_MODEL_NUMBER, true}};
    const struct nw_model_stage *views[NW_MODEL_STAGE_VIEWS];
    nw_model_stages_at(peak_per_s, users, views);
    report_table(report, "stages", is_seen ? "The guides' stages at this peak" : NULL, columns,
                 NW_COUNT(columns));
    for (int i = 0; i < NW_MODEL_STAGE_VIEWS; i++) {
        const struct nw_model_stage *view = views[i];
        if (view == NULL)
            continue;
        const struct report_cell cells[] = {
            {.text = nw_model_guide_title(view->guide)},
            {.text = view->by == NW_MODEL_BY_RATE ? "requests/s" : "users"},
            {.value = view->from},
            {.text = view->text},
            {.text = view->month}};
        report_row(report, cells, NW_COUNT(cells));
    }
}
