#include "anom_fft.h"

typedef struct {
    anom_fft_plan plan;
    const int16_t *samples;
    int32_t bits;
    const anom_complex *spectrum;
} fft_case;

static int32_t run_fft(const fft_case *c)
{
    size_t size = (size_t)(c->plan.length / 2 + 1) * sizeof(anom_complex);
    anom_complex *spectrum = vectors_room(size);
    if (spectrum == NULL) return 0;
    int32_t bits = anom_fft_run(&c->plan, c->samples, spectrum);
    return bits == c->bits && vectors_same(spectrum, c->spectrum, size);
}
