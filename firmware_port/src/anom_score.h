/* Score: the weighted squared error of the reconstruction. High is anomalous. */
#ifndef ANOM_SCORE_H
#define ANOM_SCORE_H

#include "anom_assumptions.h"

typedef struct anom_score_plan anom_score_plan;

/* Functions for a plan that has groups. */
typedef struct anom_score_type {
    /* Score: the size of the largest group, of equal ones of the first.
     *   group    its index */
    uint32_t (*largest)(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, int32_t *group);
    /* Marks that the inputs of that group have, a bit each.
     *   marks    of all inputs, bits 0 to 3 */
    uint32_t (*marked)(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, const uint8_t *marks);
} anom_score_type;

/* Inputs that are scored together, and the scale that makes groups comparable: the size of a group is (sum * gain) >>
 * shift of the sum of weight * |error|, at most 65535, squared; with `squared` it is that of the sum of weight *
 * error**2, at most 65535**2. */
typedef struct anom_score_group {
    int32_t first; /* input */
    int32_t last;  /* input */
    int32_t squared; /* 0: errors count by their size; 1: by their square */
    int32_t gain;    /* 1 to 2**31 - 1 */
    int32_t shift;   /* 0 to 40 */
} anom_score_group;

/* sum weight * error**2 with error (input_gain (x - zx) - output_gain (y - zy)) >> shift, rounded. */
struct anom_score_plan {
    const uint8_t *weights; /* n values */
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t input_gain;  /* 1 to 65536 */
    int32_t output_gain; /* 1 to 65536 */
    int32_t shift;       /* 0 to 16 */
    const anom_score_group *groups; /* of which the largest counts; NULL: none */
    int32_t n_groups;               /* 1 to 4 */
    const anom_score_type *type;    /* anom_score_functions, which only programs with such a plan hold; NULL: the sum */
};

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

extern const anom_score_type anom_score_functions;

#endif
