/* Levels: energies to logarithms with a floor, shared by the extractors that hear. */
#ifndef ANOM_LEVELS_H
#define ANOM_LEVELS_H

#include "anom_energy.h"

/* Limits of a level, log2 of power in q10 (1024 is 3.01 dB). */
typedef struct anom_limits_plan {
    int32_t floor_q10; /* absolute: the level of silence, -2**20 to 0 */
    int32_t range_q10; /* below the loudest band of the same frame, 1 to 2**20 */
} anom_limits_plan;

/* Logarithm of an energy, not below the absolute floor; 0 gives the floor. */
int32_t anom_levels_floored(const anom_limits_plan *plan, anom_energy energy, int32_t offset_q10);

/* Levels of a frame: logarithms of n energies with n offsets, limited as below. */
void anom_levels_run(const anom_limits_plan *plan, const anom_energy *energies, const int32_t *offset_q10, int32_t n,
                     int32_t *level);

/* Levels of a frame, in place: not further below the largest than the range.
 *   level    n values, n > 0 */
void anom_levels_limited(const anom_limits_plan *plan, int32_t *level, int32_t n);

#endif
