/* Score: the weighted squared error of the reconstruction. High is anomalous. */
#ifndef ANOM_SCORE_H
#define ANOM_SCORE_H

#include "anom_assumptions.h"

/* sum weight * error**2 with error (input_gain (x - zx) - output_gain (y - zy)) >> shift, rounded. */
typedef struct anom_score_plan {
    const uint8_t *weights; /* n values */
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t input_gain;  /* 1 to 65536 */
    int32_t output_gain; /* 1 to 65536 */
    int32_t shift;       /* 0 to 16 */
} anom_score_plan;

/* Error of an input, at most 65535 in magnitude. */
static inline int32_t anom_score_error(const anom_score_plan *plan, int32_t input, int32_t output)
{
    int32_t difference =
        plan->input_gain * (input - plan->input_zero_point) - plan->output_gain * (output - plan->output_zero_point);
    return (difference + ((INT32_C(1) << plan->shift) >> 1)) >> plan->shift;
}

/* Score, 0 to 2**32 - 1.
 *   inputs, outputs  n values of the model */
uint32_t anom_score_run(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, int32_t n);

#endif
