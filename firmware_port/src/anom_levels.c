/* Levels: energies to logarithms with a floor, shared by the extractors that hear. */
#include "anom_levels.h"

#include "anom_kernels.h"

#if ANOM_KERNELS_DSP
#include "anom_levels_dsp.h"
#endif

int32_t anom_levels_floored(const anom_limits_plan *plan, anom_energy energy, int32_t offset_q10)
{
    if (energy.mantissa == 0) return plan->floor_q10;
    int32_t level = anom_energy_log2(energy) + offset_q10;
    return level > plan->floor_q10 ? level : plan->floor_q10;
}

#if !ANOM_KERNELS_DSP
void anom_levels_run(const anom_limits_plan *plan, const anom_energy *energies, const int32_t *offset_q10, int32_t n,
                     int32_t *level)
{
    for (int32_t i = 0; i < n; i++)
        level[i] = anom_levels_floored(plan, energies[i], offset_q10[i]);
    anom_levels_limited(plan, level, n);
}
#endif

void anom_levels_limited(const anom_limits_plan *plan, int32_t *level, int32_t n)
{
    int32_t largest = level[0];
    for (int32_t i = 1; i < n; i++)
        largest = level[i] > largest ? level[i] : largest;
    int32_t lowest = largest - plan->range_q10;
    for (int32_t i = 0; i < n; i++)
        level[i] = level[i] > lowest ? level[i] : lowest;
}
