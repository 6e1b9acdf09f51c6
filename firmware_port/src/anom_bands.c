/* bands: band energies summed over band_ms, their peak and crest.
 *
 * One frame has n_bands levels (the mean power of each band over the frame) and two fast scalars that an
 * impulse moves: the level of the loudest hop, all bands together, and its crest over the mean. */
#include "anom_bands.h"

#include "anom_wipe.h"

/* Sums and peak of the frame that is being gathered. */
typedef struct {
    int32_t hops;
    int32_t peak_q10;
    anom_energy sums[]; /* n_bands + 1: the bands, then all together */
} gathered;

static size_t bands_state_bytes(const void *tables)
{
    const anom_bands_plan *plan = tables;
    return sizeof(gathered) + (size_t)(plan->filterbank.n_bands + 1) * sizeof(anom_energy);
}

/* Bytes of the scratch before the band energies: the spectrum and, once it is used, the levels over it. */
static size_t bands_spectrum_bytes(const anom_bands_plan *plan)
{
    size_t spectrum = (size_t)(plan->fft.length / 2 + 1) * sizeof(anom_complex);
    size_t levels = ((size_t)(plan->filterbank.n_bands + 2) * sizeof(int32_t) + 7) & ~(size_t)7;
    return spectrum > levels ? spectrum : levels;
}

static size_t bands_scratch_bytes(const void *tables)
{
    const anom_bands_plan *plan = tables;
    return bands_spectrum_bytes(plan) + (size_t)plan->filterbank.n_bands * sizeof(anom_energy);
}

static void bands_restart(const anom_extractor *extractor)
{
    const anom_bands_plan *plan = extractor->plan->tables;
    gathered *next = extractor->state;
    const anom_energy nothing = {0, 0};
    for (int32_t b = 0; b <= plan->filterbank.n_bands; b++)
        next->sums[b] = nothing;
    next->peak_q10 = plan->limits.floor_q10;
    next->hops = 0;
}

/* Add the energies of one hop to the frame that is being gathered.
 *   bands    n_bands values */
static void gather(const anom_bands_plan *plan, gathered *next, const anom_energy *bands)
{
    int32_t n = plan->filterbank.n_bands;
    anom_energy together = anom_energy_total(bands, n, (uint32_t)plan->headroom);
    for (int32_t b = 0; b < n; b++)
        next->sums[b] = anom_energy_add(next->sums[b], bands[b]);
    next->sums[n] = anom_energy_add(next->sums[n], together);
    int32_t level = anom_levels_floored(&plan->limits, together, plan->filterbank.offset_q10[0]);
    next->peak_q10 = level > next->peak_q10 ? level : next->peak_q10;
    next->hops += 1;
}

/* Levels of a frame that is complete, log2 of power in q10.
 *   level    n_bands + 2 values: the bands, then peak and crest */
static void finish(const anom_bands_plan *plan, const gathered *next, int32_t *level)
{
    int32_t n = plan->filterbank.n_bands;
    int32_t mean_q10 = plan->filterbank.offset_q10[0] + plan->mean_q10;
    for (int32_t b = 0; b < n; b++)
        level[b] = anom_levels_floored(&plan->limits, next->sums[b], mean_q10);
    anom_levels_limited(&plan->limits, level, n);
    level[n] = next->peak_q10;
    level[n + 1] = next->peak_q10 - anom_levels_floored(&plan->limits, next->sums[n], mean_q10); /* crest */
}

static int32_t bands_levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    const anom_bands_plan *plan = extractor->plan->tables;
    gathered *next = extractor->state;
    anom_complex *spectrum = extractor->scratch;
    anom_energy *bands = (anom_energy *)(void *)((uint8_t *)extractor->scratch + bands_spectrum_bytes(plan));
    int32_t bits = anom_fft_run(&plan->fft, frame, spectrum);
    anom_filterbank_run(&plan->filterbank, spectrum, bits, bands);
    gather(plan, next, bands);
    if (next->hops < plan->hops_per_frame) return 0;
    finish(plan, next, level);
    bands_restart(extractor);
    return 1;
}

const anom_extractor_type anom_bands = {bands_state_bytes, bands_scratch_bytes, bands_levels, bands_restart,
                                        anom_wipe_stack};
