/* Spectrum: band energies and the strongest frequency of a short signal, by a direct discrete Fourier transform. */
#ifndef ANOM_SPECTRUM_H
#define ANOM_SPECTRUM_H

#include <stdint.h>

/* Tables of a transform of `length` samples, and the bins that make each band. */
typedef struct anom_spectrum_plan {
    const int16_t *cos_q15;    /* length values, one turn; the window is Hann's, (1 - cos) / 2 */
    const int16_t *sin_q15;    /* length values, one turn */
    const uint16_t *first_bin; /* n_bands + 1 values, rising from 1: band b has first_bin[b] to first_bin[b + 1] - 1 */
    const int32_t *floor;      /* n_bands values: energy that counts as none, added before the logarithm; at least 1 */
    int32_t bin_floor;         /* energy that a bin must exceed to be the strongest, 1 to 2**31 - 1 */
    int32_t length;            /* samples, 4 to 1024 */
    int32_t n_bands;           /* 1 to 16 */
} anom_spectrum_plan;

/* Levels of the bands, log2 of energy in q10. Index of the bin with most energy, the lowest of equals; 0: none exceeds
 * the floor.
 *   signal   length values about their mean; overwritten
 *   levels   n_bands values */
int32_t anom_spectrum_run(const anom_spectrum_plan *plan, int16_t *signal, int32_t *levels);

/* Type of anom_spectrum_run: a plan of features points to the function where a feature needs it. */
typedef int32_t anom_spectrum_function(const anom_spectrum_plan *plan, int16_t *signal, int32_t *levels);

#endif
