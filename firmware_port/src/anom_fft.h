/* FFT of a real window: int32 data, q15 twiddles, scaled so that nothing can overflow. */
#ifndef ANOM_FFT_H
#define ANOM_FFT_H

#include <stdint.h>

/* Tables of one FFT length N. */
typedef struct anom_fft_plan {
    int32_t length;            /* N, samples: 64 to 4096, a power of two */
    const int16_t *window_q15; /* N/2 + 1 values, symmetric: w[n] = w[N - n] */
    const int16_t *cos_q15;    /* N/4 + 1 values, min(32767, cos(2 pi j / N)) */
} anom_fft_plan;

typedef struct anom_complex {
    int32_t re;
    int32_t im;
} anom_complex;

/* Spectrum of a window; in units of 2**(bits - 45) of full scale, divided by N. The imaginary parts from N/4 up have
 * the other sign (only the power is used). Returns bits, 0 to 15: length of the largest sample.
 *   frame    N samples
 *   spectrum N/2 + 1 values */
int32_t anom_fft_run(const anom_fft_plan *plan, const int16_t *frame, anom_complex *spectrum);

#endif
