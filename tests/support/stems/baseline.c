#include "anom_baseline.h"

typedef struct {
    int32_t operation;
    uint32_t raw;
    int32_t alarm;
    uint32_t above;
    int64_t level_q16;
    uint32_t frozen;
} baseline_step;

typedef struct {
    anom_baseline_plan plan;
    int32_t n_steps;
    const baseline_step *steps;
} baseline_case;

static int32_t baseline_holds(anom_baseline *baseline, const baseline_step *step)
{
    if (step->operation == 1) {
        anom_baseline_reset(baseline);
    } else {
        if (anom_baseline_above(baseline, step->raw) != step->above) return 0;
        anom_baseline_follow(baseline, step->raw, step->alarm);
    }
    return baseline->level_q16 == step->level_q16 && baseline->frozen == step->frozen;
}

static int32_t run_baseline(const baseline_case *c)
{
    anom_baseline baseline;
    anom_baseline_init(&baseline, &c->plan);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!baseline_holds(&baseline, &c->steps[i])) return 0;
    return 1;
}
