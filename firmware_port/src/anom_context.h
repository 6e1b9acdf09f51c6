/* Context: the model's input from the last feature frames, stacked or summarised. */
#ifndef ANOM_CONTEXT_H
#define ANOM_CONTEXT_H

#include <stdint.h>

#include "anom_affine.h"

#define ANOM_STATISTIC_MEAN 0      /* the sum over the frames F */
#define ANOM_STATISTIC_DEVIATION 1 /* the sum of absolute deviations from the mean, times F: sum |F x - sum x| */
#define ANOM_STATISTIC_MAX 2
#define ANOM_STATISTIC_MIN 3

/* The last frames, oldest first; or statistics of each feature over them, statistic by statistic. */
typedef struct anom_context_plan {
    int32_t frames; /* 1 to 256 */
    int32_t stride; /* frames between model runs, 1 to 256 */
    const uint8_t *statistics;
    anom_affine_plan normalisation; /* of the statistics */
    int32_t n_statistics;           /* 0: a stack */
} anom_context_plan;

typedef struct anom_context {
    const anom_context_plan *plan;
    int32_t n_features;
    int8_t *history; /* (frames - 1) * n_features values, oldest first */
    uint16_t wait;   /* frames until the next input: runs down from frames, then from stride */
    uint16_t has_given; /* 1: an input was given since the restart; a restored one goes on with what was saved */
} anom_context;

/* Width of the model's input. */
int32_t anom_context_n_inputs(const anom_context_plan *plan, int32_t n_features);

void anom_context_init(anom_context *context, const anom_context_plan *plan, int32_t n_features, int8_t *history);

/* Take a feature frame. 1: it completed an input, anom_context_n_inputs values. */
int32_t anom_context_push(anom_context *context, const int8_t *features, int8_t *inputs);

/* Forget every frame: the next input needs a full context. */
void anom_context_restart(anom_context *context);

#endif
