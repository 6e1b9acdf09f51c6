/* Kernels of the front end and the portable code beside them, on the same data: 0 where they give the same. */
#include <stddef.h>
#include <stdint.h>

#include "anom_copy.h"
#include "anom_energy.h"
#include "anom_fft.h"
#include "anom_filterbank.h"
#include "anom_fixed.h"
#include "anom_levels.h"
#include "anom_wipe.h"

int32_t portable_fft_run(const anom_fft_plan *plan, const int16_t *frame, anom_complex *spectrum);
void portable_filterbank_run(const anom_filterbank_plan *plan, const anom_complex *spectrum, int32_t bits,
                             anom_energy *bands);
anom_energy portable_energy_add(anom_energy a, anom_energy b);
int32_t portable_levels_floored(const anom_limits_plan *plan, anom_energy energy, int32_t offset_q10);
void portable_levels_run(const anom_limits_plan *plan, const anom_energy *energies, const int32_t *offset_q10,
                         int32_t n, int32_t *level);
void portable_levels_limited(const anom_limits_plan *plan, int32_t *level, int32_t n);
int32_t portable_log2_q10(uint32_t x);

int32_t fft_differs(int32_t length);
int32_t filterbank_differs(int32_t n_bands, int32_t value_bits, int32_t bits);
int32_t energies_differ(int32_t n, int32_t floor_q10, int32_t range_q10);
int32_t bytes_differ(void);

#define LONGEST 4096
#define MOST_BANDS 256
#define GUARD 64 /* behind what is written */

int16_t frame[LONGEST];
int32_t window_pairs[LONGEST / 2];
int32_t twiddles[3 * LONGEST];
anom_complex spectrum[LONGEST / 2 + 1 + GUARD];
anom_complex expected[LONGEST / 2 + 1 + GUARD];
uint16_t edges[2 * MOST_BANDS + 2];
int16_t minus_rise[LONGEST];
anom_energy energies[2 * MOST_BANDS];
int32_t offsets[MOST_BANDS];

static int32_t differ(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i]) return 1;
    return 0;
}

static void fill(void *memory, size_t size)
{
    uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0xA5;
}

/* On `frame`, with `window_pairs` and `twiddles`. */
int32_t fft_differs(int32_t length)
{
    anom_fft_plan plan = {length, window_pairs, twiddles};
    fill(spectrum, sizeof spectrum);
    fill(expected, sizeof expected);
    int32_t bits = anom_fft_run(&plan, frame, spectrum);
    if (bits != portable_fft_run(&plan, frame, expected)) return 1;
    return differ(spectrum, expected, sizeof spectrum);
}

/* On `spectrum`, with `edges` and `minus_rise`. */
int32_t filterbank_differs(int32_t n_bands, int32_t value_bits, int32_t bits)
{
    static anom_energy found[MOST_BANDS + GUARD];
    static anom_energy wanted[MOST_BANDS + GUARD];
    anom_filterbank_plan plan = {edges, minus_rise, value_bits, offsets, n_bands};
    fill(found, sizeof found);
    fill(wanted, sizeof wanted);
    anom_filterbank_run(&plan, spectrum, bits, found);
    portable_filterbank_run(&plan, spectrum, bits, wanted);
    return differ(found, wanted, sizeof found);
}

/* On 2 n of `energies` and n of `offsets`. */
int32_t energies_differ(int32_t n, int32_t floor_q10, int32_t range_q10)
{
    static int32_t found[MOST_BANDS];
    static int32_t wanted[MOST_BANDS];
    anom_limits_plan limits = {floor_q10, range_q10};
    for (int32_t i = 0; i < n; i++) {
        anom_energy sum = anom_energy_add(energies[i], energies[n + i]);
        anom_energy same = portable_energy_add(energies[i], energies[n + i]);
        if (sum.mantissa != same.mantissa || sum.exponent != same.exponent) return 1;
        if (anom_log2_q10(sum.mantissa) != portable_log2_q10(sum.mantissa)) return 2;
        found[i] = anom_levels_floored(&limits, sum, offsets[i]);
        wanted[i] = portable_levels_floored(&limits, sum, offsets[i]);
    }
    if (differ(found, wanted, sizeof found)) return 3;
    anom_levels_limited(&limits, found, n);
    portable_levels_limited(&limits, wanted, n);
    if (differ(found, wanted, sizeof found)) return 4;
    anom_levels_run(&limits, energies, offsets, n, found);
    portable_levels_run(&limits, energies, offsets, n, wanted);
    return differ(found, wanted, sizeof found) ? 5 : 0;
}

/* Wipes and copies of every length from and to every alignment: within one array, downwards. */
int32_t bytes_differ(void)
{
    static uint8_t found[128];
    static uint8_t wanted[128];
    for (int32_t at = 8; at < 12; at++) {
        for (int32_t from = at; from < at + 24; from++) {
            for (int32_t n = 0; n < 72; n++) {
                for (int32_t i = 0; i < 128; i++)
                    found[i] = wanted[i] = (uint8_t)(i + 1);
                for (int32_t i = 0; i < n; i++)
                    wanted[at + i] = wanted[from + i];
                anom_copy(found + at, found + from, (size_t)n);
                if (differ(found, wanted, sizeof found)) return 1;
                for (int32_t i = 0; i < n; i++)
                    wanted[from + i] = 0;
                anom_wipe(found + from, (size_t)n);
                if (differ(found, wanted, sizeof found)) return 2;
            }
        }
    }
    return 0;
}
