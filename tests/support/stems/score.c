#include "anom_score.h"

typedef struct {
    anom_score_plan plan;
    int32_t n;
    int32_t n_rows;
    const int8_t *inputs;
    const int8_t *outputs;
    const uint32_t *expect;
} score_case;

static int32_t run_score(const score_case *c)
{
    for (int32_t i = 0; i < c->n_rows; i++) {
        int32_t at = i * c->n;
        if (anom_score_run(&c->plan, c->inputs + at, c->outputs + at, c->n) != c->expect[i]) return 0;
    }
    return 1;
}
