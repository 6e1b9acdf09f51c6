/* FFT of a real window: int32 data, q15 twiddles, scaled so that nothing can overflow. */
#ifndef ANOM_FFT_H
#define ANOM_FFT_H

#include <stdint.h>

/* Tables of one FFT length N, in the order in which they are read. A word holds two values: x + 65536 y. */
typedef struct anom_fft_plan {
    int32_t length;                  /* N, samples: 64 to 4096, a power of two */
    const int32_t *window_pairs_q15; /* N/2 words w[2 n] and w[2 n + 1]: of the inputs of each first butterfly */
    const int32_t *twiddles_q15;     /* words cos and sin: three a butterfly of each later stage, then of the split */
} anom_fft_plan;

typedef struct anom_complex {
    int32_t re;
    int32_t im;
} anom_complex;

/* Spectrum of a window; in units of 2**(bits - 45) of full scale, divided by N. The imaginary parts from N/4 up have
 * the other sign (only the power is used). Returns bits, 0 to 15: length of the largest sample.
 *   frame    N samples, at a multiple of 4 bytes
 *   spectrum N/2 + 1 values */
int32_t anom_fft_run(const anom_fft_plan *plan, const int16_t *frame, anom_complex *spectrum);

#endif
