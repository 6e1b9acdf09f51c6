/* Baseline: a follower of the score, in integers; what is judged is the score above it. */
#include "anom_baseline.h"

#include "anom_assumptions.h"

/* The level in whole steps of the score, 0 to 2**32 - 1. */
static uint32_t level(const anom_baseline *baseline)
{
    return (uint32_t)(baseline->level_q16 >> 16);
}

void anom_baseline_init(anom_baseline *baseline, const anom_baseline_plan *plan)
{
    baseline->plan = plan;
    anom_baseline_reset(baseline);
}

void anom_baseline_reset(anom_baseline *baseline)
{
    baseline->level_q16 = (int64_t)baseline->plan->start * 65536;
    baseline->frozen = 0;
}

uint32_t anom_baseline_above(const anom_baseline *baseline, uint32_t score)
{
    return score > level(baseline) ? score - level(baseline) : 0;
}

void anom_baseline_follow(anom_baseline *baseline, uint32_t score, int32_t alarm)
{
    const anom_baseline_plan *plan = baseline->plan;
    uint32_t hold = (uint32_t)plan->hold;
    int32_t thaws = baseline->frozen >= hold;
    int32_t stays = alarm && (hold == 0 || !thaws);
    baseline->frozen = !alarm ? 0 : thaws ? hold : baseline->frozen + 1;
    if (stays) return;
    int64_t distance = (int64_t)score - level(baseline);
    int64_t change = distance * (distance > 0 ? plan->rise_q16 : plan->fall_q16); /* below 2**48 in magnitude */
    baseline->level_q16 += change < plan->limit_q16 ? change : plan->limit_q16;
}
