/* logmel: one frame of log-mel energies a hop, the front end of MLPerf Tiny and DCASE. */
#include "anom_logmel.h"

#include "anom_wipe.h"

static size_t logmel_state_bytes(const void *tables)
{
    (void)tables;
    return 0;
}

/* The spectrum, and the levels over it once it is done; then the bands.
 * There are no more levels than parts of the spectrum: a bin lies in two bands at most. */
static size_t logmel_spectrum_bytes(const anom_logmel_plan *plan)
{
    return (size_t)(plan->fft.length / 2 + 1) * sizeof(anom_complex);
}

static size_t logmel_scratch_bytes(const void *tables)
{
    const anom_logmel_plan *plan = tables;
    return logmel_spectrum_bytes(plan) + (size_t)plan->filterbank.n_bands * sizeof(anom_energy);
}

static int32_t logmel_levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    const anom_logmel_plan *plan = extractor->plan->tables;
    anom_complex *spectrum = extractor->scratch;
    anom_energy *bands = (anom_energy *)(void *)((uint8_t *)extractor->scratch + logmel_spectrum_bytes(plan));
    int32_t bits = anom_fft_run(&plan->fft, frame, spectrum);
    anom_filterbank_run(&plan->filterbank, spectrum, bits, bands);
    anom_levels_run(&plan->limits, bands, plan->filterbank.offset_q10, plan->filterbank.n_bands, level);
    return 1;
}

static void logmel_restart(const anom_extractor *extractor)
{
    (void)extractor;
}

const anom_extractor_type anom_logmel = {logmel_state_bytes, logmel_scratch_bytes, logmel_levels, logmel_restart,
                                         anom_wipe_stack};
