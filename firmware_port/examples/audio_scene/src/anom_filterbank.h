/* Filter bank: energies of neighbouring bands from a spectrum, each bin squared once. */
#ifndef ANOM_FILTERBANK_H
#define ANOM_FILTERBANK_H

#include "anom_energy.h"
#include "anom_fft.h"

/* Segments and weights over the bins of one spectrum.
 * Segment 2 b is shared by bands b - 1 and b, segment 2 b + 1 is band b's own; either may be empty. */
typedef struct anom_filterbank_plan {
    const uint16_t *edges;         /* 2 n_bands + 2 values: segment i is bins edges[i] to edges[i + 1] - 1 */
    const int16_t *minus_rise_q15; /* one a shared bin, in order: minus the upper band's share, -32768 to 0 */
    int32_t value_bits;            /* 8 to 14: parts are cut to this many bits and a sign before squaring */
    const int32_t *offset_q10;     /* n_bands values, log2 of the unit */
    int32_t n_bands;               /* 1 to 256 */
} anom_filterbank_plan;

/* Energies of the bands: half the weighted power of the spectrum / N, in units of 2**-90 of full scale squared.
 *   spectrum, bits  as anom_fft_run gives them
 *   bands           n_bands values */
void anom_filterbank_run(const anom_filterbank_plan *plan, const anom_complex *spectrum, int32_t bits,
                         anom_energy *bands);

#endif
