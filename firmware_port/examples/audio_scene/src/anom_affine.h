/* Affine map: integers in a feature's own unit to int8, one gain and bias for each. */
#ifndef ANOM_AFFINE_H
#define ANOM_AFFINE_H

#include <stdint.h>

/* clip((value * gain + bias) >> shift, low, high) */
typedef struct anom_affine_plan {
    const int32_t *gain;  /* 0 to 2**31 - 1 */
    const int32_t *bias;  /* with one half for rounding */
    const uint8_t *shift; /* 1 to 31 */
    int32_t low;          /* -128 <= low < high <= 127 */
    int32_t high;
} anom_affine_plan;

/* The map of entry i. */
int8_t anom_affine_run(const anom_affine_plan *plan, int32_t i, int32_t value);

#endif
