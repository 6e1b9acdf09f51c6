#include "anom_affine.h"

typedef struct {
    anom_affine_plan plan;
    int32_t n;
    int32_t n_rows;
    const int32_t *rows;
    const int8_t *expect;
} affine_case;

static int32_t run_affine(const affine_case *c)
{
    for (int32_t i = 0; i < c->n_rows * c->n; i++)
        if (anom_affine_run(&c->plan, i % c->n, c->rows[i]) != c->expect[i]) return 0;
    return 1;
}
