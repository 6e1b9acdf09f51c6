/* Score: the weighted squared error of the reconstruction. High is anomalous. */
#include "anom_score.h"

#define LARGEST_AMPLITUDE 65535u

/* Size of a group. */
static uint32_t size_of(const anom_score_plan *plan, const anom_score_group *group, const int8_t *inputs,
                        const int8_t *outputs)
{
    uint32_t sum = 0;
    for (int32_t i = group->first; i <= group->last; i++) {
        int32_t error = anom_score_error(plan, inputs[i], outputs[i]);
        uint32_t size = (uint32_t)(error < 0 ? -error : error);
        sum += plan->weights[i] * (group->squared ? size * size : size);
    }
    uint64_t scaled = (uint64_t)sum * (uint32_t)group->gain >> group->shift; /* the product is below 2**63 */
    uint64_t most = group->squared ? LARGEST_AMPLITUDE * LARGEST_AMPLITUDE : LARGEST_AMPLITUDE;
    uint32_t limited = (uint32_t)(scaled < most ? scaled : most);
    return group->squared ? limited : limited * limited;
}

uint32_t anom_score_run(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    uint32_t score = 0;
    int32_t group;
    if (plan->type) return plan->type->largest(plan, inputs, outputs, &group);
    for (int32_t i = 0; i < n; i++) {
        /* modulo 2**32 its square is that of the magnitude, at most 65535 */
        uint32_t size = (uint32_t)anom_score_error(plan, inputs[i], outputs[i]);
        score += plan->weights[i] * (size * size);
    }
    return score;
}

static uint32_t score_largest(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs, int32_t *group)
{
    uint32_t score = 0;
    *group = 0;
    for (int32_t i = 0; i < plan->n_groups; i++) {
        uint32_t size = size_of(plan, &plan->groups[i], inputs, outputs);
        if (size <= score) continue;
        score = size;
        *group = i;
    }
    return score;
}

static uint32_t score_marked(const anom_score_plan *plan, const int8_t *inputs, const int8_t *outputs,
                             const uint8_t *marks)
{
    uint32_t found = 0;
    int32_t group;
    score_largest(plan, inputs, outputs, &group);
    for (int32_t i = plan->groups[group].first; i <= plan->groups[group].last; i++)
        found |= UINT32_C(1) << (marks[i] & 15);
    return found;
}

const anom_score_type anom_score_functions = {score_largest, score_marked};
