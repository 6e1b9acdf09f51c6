/* Affine map: integers in a feature's own unit to int8, one gain and bias for each. */
#include "anom_affine.h"

#include "anom_fixed.h"

int8_t anom_affine_run(const anom_affine_plan *plan, int32_t i, int32_t value)
{
    return anom_affine_int8(value, plan->gain[i], plan->bias[i], plan->shift[i], plan->low, plan->high);
}
