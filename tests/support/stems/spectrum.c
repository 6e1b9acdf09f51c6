#include "anom_spectrum.h"

typedef struct {
    anom_spectrum_plan plan;
    const int16_t *signal;
    const int32_t *levels;
    int32_t strongest;
} spectrum_case;

static int32_t run_spectrum(const spectrum_case *c)
{
    size_t bands = (size_t)c->plan.n_bands * sizeof(int32_t);
    int16_t *signal = vectors_room((size_t)c->plan.length * sizeof(int16_t));
    int32_t *levels = vectors_room(bands);
    if (signal == NULL || levels == NULL) return 0;
    for (int32_t i = 0; i < c->plan.length; i++)
        signal[i] = c->signal[i];
    if (anom_spectrum_run(&c->plan, signal, levels) != c->strongest) return 0;
    return vectors_same(levels, c->levels, bands);
}
