#include "anom_filterbank.h"

typedef struct {
    anom_filterbank_plan plan;
    const anom_complex *spectrum;
    int32_t bits;
    const anom_energy *bands;
} filterbank_case;

static int32_t run_filterbank(const filterbank_case *c)
{
    size_t size = (size_t)c->plan.n_bands * sizeof(anom_energy);
    anom_energy *bands = vectors_room(size);
    if (bands == NULL) return 0;
    anom_filterbank_run(&c->plan, c->spectrum, c->bits, bands);
    return vectors_same(bands, c->bands, size);
}
