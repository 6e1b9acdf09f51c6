#include "anom_figures.h"

typedef struct {
    anom_figures_day day;
    int32_t latest;
    const int32_t *expect;
} figures_case;

static int32_t run_figures(const figures_case *c)
{
    int32_t *found = vectors_room(ANOM_FIGURES * sizeof(int32_t));
    if (found == NULL) return 0;
    anom_figures_of_day(&c->day, c->latest, found);
    return vectors_same(found, c->expect, ANOM_FIGURES * sizeof(int32_t));
}
