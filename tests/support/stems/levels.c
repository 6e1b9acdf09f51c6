#include "anom_levels.h"

typedef struct {
    anom_energy energy;
    int32_t offset_q10;
    int32_t n; /* 0: the energy to a level; else a frame of n levels */
    const int32_t *levels;
    const int32_t *expect;
} levels_row;

typedef struct {
    anom_limits_plan plan;
    int32_t n_rows;
    const levels_row *rows;
} levels_case;

static int32_t levels_holds(const anom_limits_plan *plan, const levels_row *row)
{
    if (row->n == 0) return anom_levels_floored(plan, row->energy, row->offset_q10) == row->expect[0];
    size_t size = (size_t)row->n * sizeof(int32_t);
    int32_t *levels = vectors_room(size);
    if (levels == NULL) return 0;
    for (int32_t i = 0; i < row->n; i++)
        levels[i] = row->levels[i];
    anom_levels_limited(plan, levels, row->n);
    return vectors_same(levels, row->expect, size);
}

static int32_t run_levels(const levels_case *c)
{
    for (int32_t i = 0; i < c->n_rows; i++)
        if (!levels_holds(&c->plan, &c->rows[i])) return 0;
    return 1;
}
