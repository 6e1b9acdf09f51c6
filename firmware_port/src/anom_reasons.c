/* Reasons: which groups of features were most unusual at the tick that raised the alarm. */
#include "anom_reasons.h"

#include "anom_fixed.h"
#include "anom_wipe.h"

/* Part of the score that one input adds, below 2**32.
 *   i        index of the input, 0 to n - 1 */
static uint32_t term(const anom_score_plan *score, const int8_t *inputs, const int8_t *outputs, int32_t i)
{
    uint32_t size = (uint32_t)anom_score_error(score, inputs[i], outputs[i]);
    return score->weights[i] * (size * size);
}

/* Direction of a group, 0 to 3: that of its input with the largest term, above or below the zero point. Of equal terms
 * the first input counts.
 *   n        inputs of the model
 *   group    index of the group, 0 to n_groups - 1 */
static uint32_t direction(const anom_reasons_plan *plan, const anom_score_plan *score, const int8_t *inputs,
                          const int8_t *outputs, int32_t n, int32_t group)
{
    uint32_t found = 0;
    uint32_t largest = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t mark = plan->groups[i];
        if ((int32_t)(mark & 15) != group) continue;
        uint32_t here = term(score, inputs, outputs, i);
        if (here <= largest) continue;
        int32_t x = inputs[i];
        largest = here;
        found = x > score->input_zero_point ? mark >> 4 & 3 : x < score->input_zero_point ? mark >> 6 : 0;
    }
    return found;
}

/* Index of the group with the largest product of residual and gain, 0 to n_groups - 1; of equal products the first.
 *   residuals  n_groups values; the one of the result is 0 only where all that are allowed are
 *   allowed    bit by group: at least one */
static int32_t most_unusual(const anom_reasons_plan *plan, const uint32_t *residuals, uint32_t allowed)
{
    int32_t group = 0;
    int64_t largest = -1;
    for (int32_t i = 0; i < plan->n_groups; i++) {
        int64_t product = (int64_t)residuals[i] * plan->gain[i]; /* below 2**62 */
        if ((allowed >> i & 1) && product > largest) {
            largest = product;
            group = i;
        }
    }
    return group;
}

void anom_reasons_run(const anom_reasons_plan *plan, const anom_score_plan *score, const int8_t *inputs,
                      const int8_t *outputs, int32_t n, uint8_t *reasons)
{
    uint32_t residuals[ANOM_REASONS_MAX_GROUPS] = {0};
    uint32_t allowed = score->type ? score->type->marked(score, inputs, outputs, plan->groups) : UINT32_MAX;
    for (int32_t i = 0; i < n; i++) {
        uint32_t *residual = &residuals[plan->groups[i] & 15];
        *residual = anom_saturating_add(*residual, term(score, inputs, outputs, i));
    }
    for (int32_t i = 0; i < ANOM_REASONS; i++) {
        int32_t group = most_unusual(plan, residuals, allowed);
        reasons[i] = 0;
        if (residuals[group] > 0)
            reasons[i] = (uint8_t)(plan->codes[group] | direction(plan, score, inputs, outputs, n, group) << 6);
        residuals[group] = 0;
        allowed = UINT32_MAX;
    }
    anom_wipe(residuals, sizeof residuals);
}
