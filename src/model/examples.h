/*
 * examples.h - the worked examples of topics.h, each with the numbers that a guide used.
 *
 * Owner:   the recorder's arena
 * Threads: one recorder, one thread
 */
#ifndef NW_MODEL_EXAMPLES_H
#define NW_MODEL_EXAMPLES_H

#include "model/steps.h"

void nw_model_example_volume(struct nw_model_steps *steps);
void nw_model_example_nodes(struct nw_model_steps *steps);
void nw_model_example_pool(struct nw_model_steps *steps);
void nw_model_example_cache(struct nw_model_steps *steps);
void nw_model_example_database(struct nw_model_steps *steps);
void nw_model_example_scaling(struct nw_model_steps *steps);
void nw_model_example_queue(struct nw_model_steps *steps);
void nw_model_example_region(struct nw_model_steps *steps);
void nw_model_example_nines(struct nw_model_steps *steps);
void nw_model_example_cost(struct nw_model_steps *steps);
void nw_model_example_queueing(struct nw_model_steps *steps);
void nw_model_example_law(struct nw_model_steps *steps);
void nw_model_example_autoscaling(struct nw_model_steps *steps);
void nw_model_example_rounding(struct nw_model_steps *steps);

#endif
