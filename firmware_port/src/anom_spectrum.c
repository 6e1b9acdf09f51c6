/* Spectrum: band energies and the strongest frequency of a short signal, by a direct discrete Fourier transform.
 *
 * A window of motion has tens of samples and tens of bins of interest: a sum for each bin takes less code than a fast
 * transform, and any length will do. Samples that a cosine and a sine weigh alike are added up before, which halves
 * it. */
#include "anom_spectrum.h"

#include <stddef.h>

#include "anom_fixed.h"

/* The signal is shifted down until the sum of its absolute values has at most this number of bits. */
#define MAGNITUDE_BITS 15

/* Put the signal through Hann's window, in place. Returns the bits that it is to be shifted down by, 0 to 10.
 *   signal   length values, -32767 to 32767 */
static int32_t windowed_signal(const anom_spectrum_plan *plan, int16_t *signal)
{
    uint32_t magnitude = 0; /* below 2**25 */
    for (int32_t i = 0; i < plan->length; i++) {
        int32_t window_q15 = (32768 - plan->cos_q15[i]) >> 1; /* at most 32767 */
        int32_t x = (signal[i] * window_q15 + (1 << 14)) >> 15;
        magnitude += (uint32_t)(x < 0 ? -x : x);
        signal[i] = (int16_t)x;
    }
    int32_t bits = anom_bit_length(magnitude);
    return bits > MAGNITUDE_BITS ? bits - MAGNITUDE_BITS : 0;
}

/* Sums and differences of the samples that a cosine or a sine weighs alike, in place: sum i lies at i, difference i at
 * length - i.
 *   length   4 to 1024
 *   shift    bits that each sample is shifted down by before, 0 to 10 */
static void folded(int16_t *signal, int32_t length, int32_t shift)
{
    int16_t *near = signal;
    int16_t *far = signal + length;
    *near = (int16_t)(*near >> shift);
    while (++near < --far) {
        int32_t x = *near >> shift;
        int32_t y = *far >> shift;
        *near = (int16_t)(x + y); /* -32768 at least: both are below 2**14 once the shift is not 0 */
        *far = (int16_t)(x - y);
    }
    if (near == far) *near = (int16_t)(*near >> shift);
}

/* Energy of one bin: the sums are below 2**31, and the squares of what the shift leaves add up to less than 2**32.
 *   signal   sums and differences, as `folded` leaves them
 *   bin      1 to length - 1 */
static uint32_t energy(const anom_spectrum_plan *plan, const int16_t *signal, int32_t bin)
{
    int32_t length = plan->length;
    const int16_t *sum = signal;
    const int16_t *difference = signal + length;
    int32_t real = *sum * plan->cos_q15[0];
    int32_t imaginary = 0;
    int32_t turn = 0;
    while (++sum <= --difference) {
        turn += bin;
        turn -= turn < length ? 0 : length;
        real += *sum * plan->cos_q15[turn];
        imaginary += *difference * plan->sin_q15[turn];
    }
    real >>= 15;
    imaginary >>= 15;
    return (uint32_t)(real * real) + (uint32_t)(imaginary * imaginary);
}

int32_t anom_spectrum_run(const anom_spectrum_plan *plan, int16_t *signal, int32_t *levels)
{
    int32_t shift = windowed_signal(plan, signal);
    folded(signal, plan->length, shift);
    uint32_t most = 0;
    int32_t strongest = 0;
    int32_t bin = plan->first_bin[0];
    for (int32_t b = 0; b < plan->n_bands; b++) {
        uint64_t band = 0; /* below 2**41, shifted below 2**61 */
        for (; bin < plan->first_bin[b + 1]; bin++) {
            uint32_t found = energy(plan, signal, bin);
            band += found;
            if (found > most) {
                most = found;
                strongest = bin;
            }
        }
        levels[b] = anom_log2_wide_q10((band << (2 * shift)) + (uint32_t)plan->floor[b]);
    }
    return (uint64_t)most << (2 * shift) > (uint32_t)plan->bin_floor ? strongest : 0;
}
