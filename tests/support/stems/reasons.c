#include "anom_reasons.h"

typedef struct {
    anom_reasons_plan plan;
    anom_score_plan score;
    int32_t n;
    int32_t n_rows;
    const int8_t *inputs;
    const int8_t *outputs;
    const uint8_t *expect;
} reasons_case;

static int32_t run_reasons(const reasons_case *c)
{
    uint8_t *reasons = vectors_room(ANOM_REASONS);
    if (reasons == NULL) return 0;
    for (int32_t i = 0; i < c->n_rows; i++) {
        int32_t at = i * c->n;
        anom_reasons_run(&c->plan, &c->score, c->inputs + at, c->outputs + at, c->n, reasons);
        if (!vectors_same(reasons, c->expect + ANOM_REASONS * i, ANOM_REASONS)) return 0;
    }
    return 1;
}
