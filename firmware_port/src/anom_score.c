/* Score: the weighted squared error of the reconstruction. High is anomalous. */
#include "anom_score.h"

uint32_t anom_score_run(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    uint32_t score = 0;
    for (int32_t i = 0; i < n; i++) {
        /* modulo 2**32 its square is that of the magnitude, at most 65535 */
        uint32_t size = (uint32_t)anom_score_error(plan, inputs[i], outputs[i]);
        score += plan->weights[i] * (size * size);
    }
    return score;
}
