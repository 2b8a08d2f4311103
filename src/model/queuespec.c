/* What a description of a queue may say. Each rule is a row, so that no bound is forgotten. */
#include <math.h>

#include "model/queuesim.h"

static bool is_within(double x, double low, double high)
{
    return x >= low && x <= high; /* false for NaN */
}

static const char *law_judge(const struct nw_model_service_law *law)
{
    if (law->law != NW_MODEL_LAW_LIST) {
        if (!is_within(law->mean_s, 1e-9, NW_MODEL_QUEUE_S_MAX))
            return "a service takes 1e-9 to 1e9 seconds in the mean";
        if (law->law == NW_MODEL_LAW_LOGNORMAL && !is_within(law->cv, 0, 100))
            return "the coefficient of variation of a service is 0 to 100";
        return NULL;
    }
    double sum_s = 0;
    for (size_t i = 0; i < law->list_count; i++) {
        if (!is_within(law->list_s[i], 0, NW_MODEL_QUEUE_S_MAX))
            return "each service of a list takes 0 to 1e9 seconds";
        sum_s += law->list_s[i];
    }
    return law->list_count > 0 && sum_s >= 1e-9 * (double)law->list_count
               ? NULL
               : "a list of services needs a mean of 1e-9 seconds at least";
}

static const char *group_judge(const struct nw_model_queue_group *group)
{
    if (group->workers < 1 || group->workers > 1000000)
        return "a group has 1 to 1,000,000 workers";
    if (!is_within(group->fail_ratio, 0, 1))
        return "the part of attempts that fail is 0 to 1";
    if (group->attempt_max < 1 || group->attempt_max > 1000)
        return "a message has 1 to 1,000 attempts";
    if (!is_within(group->backoff_s, 0, NW_MODEL_QUEUE_S_MAX) ||
        !is_within(group->backoff_s_max, 0, NW_MODEL_QUEUE_S_MAX) ||
        !is_within(group->backoff_s_min, 0, group->backoff_s_max))
        return "a back-off takes 0 to 1e9 seconds, the least not more than the most";
    if (!is_within(group->alarm_s, 0, NW_MODEL_QUEUE_S_MAX))
        return "an alarm is raised at an age of 0 to 1e9 seconds";
    double last_s = 0;
    for (size_t i = 0; i < group->outage_count; i++) {
        const struct nw_model_window *outage = &group->outages[i];
        if (!is_within(outage->from_s, last_s, NW_MODEL_QUEUE_S_MAX) ||
            !is_within(outage->until_s, outage->from_s, NW_MODEL_QUEUE_S_MAX))
            return "outages follow each other and end within 1e9 seconds";
        last_s = outage->until_s;
    }
    return law_judge(&group->service);
}

static const char *arrivals_judge(const struct nw_model_queue_spec *spec)
{
    if ((double)spec->count > NW_MODEL_QUEUE_COUNT_MAX ||
        (double)spec->backlog > NW_MODEL_QUEUE_COUNT_MAX)
        return "at most 1e9 messages arrive, and as many wait before";
    if (!is_within(spec->over_s, 0, NW_MODEL_QUEUE_S_MAX))
        return "messages arrive over 0 to 1e9 seconds";
    if (spec->shape == NW_MODEL_SHAPE_BURST && spec->burst_count < 1)
        return "a burst has a message at least";
    if (spec->shape == NW_MODEL_SHAPE_FRONT && !is_within(spec->front_s, 0, NW_MODEL_QUEUE_S_MAX))
        return "the front lasts 0 to 1e9 seconds";
    if (spec->shape == NW_MODEL_SHAPE_ON_OFF &&
        (!is_within(spec->on_s, 1e-6, NW_MODEL_QUEUE_S_MAX) ||
         !is_within(spec->off_s, 1e-6, NW_MODEL_QUEUE_S_MAX) || !(spec->over_s >= 1e-6)))
        return "phases and the time over which messages arrive last 1e-6 to 1e9 seconds";
    if (spec->shape == NW_MODEL_SHAPE_ON_OFF &&
        spec->over_s / (spec->on_s + spec->off_s) > NW_MODEL_QUEUE_PHASES_MAX)
        return "the time over which messages arrive has more than 10,000,000 phases";
    double last_s = 0;
    for (uint64_t i = 0; spec->shape == NW_MODEL_SHAPE_TRACE && i < spec->count; i++) {
        if (!is_within(spec->trace_s[i], last_s, NW_MODEL_QUEUE_S_MAX))
            return "the times of a trace ascend from 0 to 1e9 seconds";
        last_s = spec->trace_s[i];
    }
    return NULL;
}

const char *nw_model_queue_spec_judge(const struct nw_model_queue_spec *spec)
{
    const char *wrong = arrivals_judge(spec);
    if (!wrong && !(spec->depth_max >= 1 && (double)spec->depth_max <= NW_MODEL_QUEUE_DEPTH_MAX))
        wrong = "the bound of depth is 1 to 100,000,000";
    if (!wrong && !is_within(spec->low_ratio, 0, 1))
        wrong = "the part of low messages is 0 to 1";
    if (!wrong && !is_within(spec->ttl_s, 0, NW_MODEL_QUEUE_S_MAX))
        wrong = "messages live for 0 to 1e9 seconds";
    if (!wrong && !is_within(spec->precision, 0, 1))
        wrong = "the precision is 0 to 1";
    if (!wrong && (spec->group_count < 1 || spec->group_count > NW_MODEL_QUEUE_GROUPS_MAX))
        wrong = "there are 1 to 16 groups";
    for (size_t g = 0; !wrong && g < spec->group_count; g++)
        wrong = group_judge(&spec->groups[g]);
    return wrong;
}
