/*
 * Times are made one after the other and never stored. Poisson arrivals are the order
 * statistics of n uniform times: of m that are left within the rest of the span the first is at
 * 1 - U^(1/m) of it. So exactly n messages come within the span, as the description says.
 */
#include "model/queuesource.h"

#include <math.h>

enum { ENTITY_TIMES = 0, ENTITY_PHASES = 1 };

void nw_model_queue_source_init(struct nw_model_queue_source *source,
                                const struct nw_model_queue_spec *spec)
{
    *source = (struct nw_model_queue_source){.spec = spec};
    nw_model_stream_init(&source->rng, spec->seed, NW_MODEL_ARRIVALS, ENTITY_TIMES);
    nw_model_stream_init(&source->phases, spec->seed, NW_MODEL_ARRIVALS, ENTITY_PHASES);
    if (spec->shape == NW_MODEL_SHAPE_ON_OFF)
        source->phase_end_s = nw_rng_exponential(&source->phases, spec->on_s);
}

double nw_model_queue_on_rate_per_s(const struct nw_model_queue_spec *spec)
{
    return (double)spec->count / spec->over_s * (spec->on_s + spec->off_s) / spec->on_s;
}

/* Time in phases that are off does not count: a gap goes on where the next phase begins. */
static double on_off_next_s(struct nw_model_queue_source *source)
{
    const struct nw_model_queue_spec *spec = source->spec;
    double at_s = source->time_s;
    at_s += nw_rng_exponential(&source->rng, 1 / nw_model_queue_on_rate_per_s(spec));
    while (at_s > source->phase_end_s) {
        double off_s = nw_rng_exponential(&source->phases, spec->off_s);
        at_s += off_s;
        source->phase_end_s += off_s + nw_rng_exponential(&source->phases, spec->on_s);
    }
    return at_s;
}

/* The time of arrival `index`, the backlog not counted. */
static double next_s(struct nw_model_queue_source *source, uint64_t index)
{
    const struct nw_model_queue_spec *spec = source->spec;
    double part = (double)index / (double)spec->count, left_s = spec->over_s - source->time_s;
    switch (spec->shape) {
    case NW_MODEL_SHAPE_EVEN: return spec->over_s * part;
    case NW_MODEL_SHAPE_FRONT: return spec->front_s * part;
    case NW_MODEL_SHAPE_BURST:
        return spec->over_s * ((double)(index - index % spec->burst_count) / (double)spec->count);
    case NW_MODEL_SHAPE_POISSON:
        return source->time_s + left_s * -expm1(-nw_rng_exponential(
                                             &source->rng, 1 / (double)(spec->count - index)));
    case NW_MODEL_SHAPE_ON_OFF: return on_off_next_s(source);
    case NW_MODEL_SHAPE_TRACE: return spec->trace_s[index];
    }
    return 0;
}

bool nw_model_queue_source_next(struct nw_model_queue_source *source, double *out_s)
{
    const struct nw_model_queue_spec *spec = source->spec;
    if (source->given == spec->backlog + spec->count)
        return false;
    if (source->given >= spec->backlog)
        source->time_s = next_s(source, source->given - spec->backlog);
    source->given++;
    *out_s = source->time_s;
    return true;
}
