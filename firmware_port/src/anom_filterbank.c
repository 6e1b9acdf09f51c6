/* Filter bank: energies of neighbouring bands from a spectrum, each bin squared once. */
#include "anom_filterbank.h"

#include <stddef.h>

#include "anom_fixed.h"

#if ANOM_KERNELS_DSP
#include "anom_filterbank_dsp.h"
#else

/* Energies of a segment: `rise` goes to the upper of its two bands and `rest` to the lower. Where a segment has one
 * owner, all of it is `rest`. */
typedef struct {
    anom_energy rise;
    anom_energy rest;
} shares;

/* An energy from a sum that may be 0; the exponent of 0 is 0.
 *   mantissa 0 to 2**31 - 1
 *   exponent 0 to 76: twice the shifts of segment and window */
static void energy_of(anom_energy *energy, int32_t mantissa, int32_t exponent)
{
    energy->mantissa = (uint32_t)mantissa;
    energy->exponent = mantissa > 0 ? (uint32_t)exponent : 0;
}

#if ANOM_KERNELS_V6M
#include "anom_filterbank_v6m.h"
#else
/* Length of the largest part in bits, without its sign, 0 to 31.
 *   n        bins, 0 or more */
static int32_t bits_of(const anom_complex *bins, int32_t n)
{
    int32_t all = 0;
    for (int32_t k = 0; k < n; k++)
        all |= (bins[k].re ^ (bins[k].re >> 31)) | (bins[k].im ^ (bins[k].im >> 31));
    return anom_bit_length((uint32_t)all);
}

/* Half the power of n bins that are shifted down, 0 to 2**31 - 1, and minus the upper band's share of it.
 *   shift           leaves parts of at most value_bits bits and a sign, so that a power is at most 2**29
 *   minus_rise_q15  n values, -32768 to 0, or NULL where there is no such share
 *   minus_rises     -2**31 + 1 to 0 */
static int32_t halves_of(const anom_complex *bins, int32_t n, int32_t shift, const int16_t *minus_rise_q15,
                         int32_t *minus_rises)
{
    int32_t halves = 0;
    *minus_rises = 0;
    for (int32_t k = 0; k < n; k++) {
        int32_t re = bins[k].re >> shift;
        int32_t im = bins[k].im >> shift;
        int32_t power = re * re + im * im;
        halves += power >> 1;
        if (minus_rise_q15) *minus_rises += anom_mulw(power, minus_rise_q15[k]);
    }
    return halves;
}
#endif

#if ANOM_KERNELS_X86
#include "anom_filterbank_x86.h"
#endif

/* The energies of one segment, for the bands that own it.
 *   n               bins, 0 or more; the plan's check has proven that their sum stays within 32 bits
 *   bits            as anom_fft_run gives it, 0 to 15
 *   minus_rise_q15  n values, -32768 to 0, or NULL where the segment has one owner */
static void segment(const anom_filterbank_plan *plan, const anom_complex *bins, int32_t n, int32_t bits,
                    const int16_t *minus_rise_q15, shares *given)
{
#if ANOM_KERNELS_X86
    if (anom_has_avx2()) {
        segment_avx2(plan, bins, n, bits, minus_rise_q15, given);
        return;
    }
#endif
    int32_t shift = bits_of(bins, n) - plan->value_bits;
    shift = shift > 0 ? shift : 0;
    int32_t minus_rises;
    int32_t rest = halves_of(bins, n, shift, minus_rise_q15, &minus_rises) + minus_rises;
    rest = rest > 0 ? rest : 0; /* rounding may take one a bin too much */
    energy_of(&given->rise, -minus_rises, 2 * (shift + bits));
    energy_of(&given->rest, rest, 2 * (shift + bits));
}

void anom_filterbank_run(const anom_filterbank_plan *plan, const anom_complex *spectrum, int32_t bits,
                         anom_energy *bands)
{
    const uint16_t *edges = plan->edges;
    const int16_t *minus_rise_q15 = plan->minus_rise_q15;
    shares shared;
    shares own;
    segment(plan, spectrum + edges[0], edges[1] - edges[0], bits, minus_rise_q15, &shared);
    minus_rise_q15 += edges[1] - edges[0];
    for (int32_t b = 0; b < plan->n_bands; b++, edges += 2) {
        anom_energy rise = {shared.rise.mantissa, shared.rise.exponent};
        segment(plan, spectrum + edges[2], edges[3] - edges[2], bits, minus_rise_q15, &shared);
        minus_rise_q15 += edges[3] - edges[2];
        bands[b] = anom_energy_add(rise, shared.rest);
        if (edges[1] == edges[2]) continue; /* most mel bands */
        segment(plan, spectrum + edges[1], edges[2] - edges[1], bits, NULL, &own);
        bands[b] = anom_energy_add(bands[b], own.rest);
    }
}
#endif
