/* FFT of a real window: int32 data, q15 twiddles, scaled so that nothing can overflow.
 *
 * In place: the samples are loaded in the order that bit reversal leaves them, so that every stage joins neighbours:
 * of four sub-sequences those of the values 0, 2, 1 and 3 modulo 4. The integers do not depend on that, see
 * docs/spec.md. */
#include "anom_fft.h"

#include "anom_fixed.h"

#if ANOM_KERNELS_DSP
#include "anom_fft_dsp.h"
#else

/* Low half of a word of two values, -32768 to 32767. */
static int32_t low(int32_t pair)
{
    return (int16_t)pair;
}

/* High half of a word of two values, -32768 to 32767. */
static int32_t high(int32_t pair)
{
    return pair >> 16;
}

/* Sums and differences of complex values stay within 32 bits: every stage has scaled its values down before.
 * docs/spec.md has the proof. */
static anom_complex add(anom_complex a, anom_complex b)
{
    anom_complex sum = {a.re + b.re, a.im + b.im};
    return sum;
}

static anom_complex subtract(anom_complex a, anom_complex b)
{
    anom_complex difference = {a.re - b.re, a.im - b.im};
    return difference;
}

static anom_complex shifted(anom_complex z, int32_t shift)
{
    anom_complex less = {z.re >> shift, z.im >> shift};
    return less;
}

/* Two samples through the window; at most 2**30 a part.
 *   samples  at most 2**bits in magnitude
 *   window   word of two values, 0 to 32767 each
 *   unit     2**(15 - bits), 1 to 2**15 */
static anom_complex windowed(const int16_t *samples, int32_t window, int32_t unit)
{
    anom_complex z = {samples[0] * unit * low(window), samples[1] * unit * high(window)};
    return z;
}

/* Place of the next value in the order of bit reversal: at + 1, counted with the highest bit of m - 1 as the lowest.
 *   at       0 to m - 1; the place after m - 1 is 0
 *   m        a power of two, 32 to 2048 */
static int32_t next_place(int32_t at, int32_t m)
{
    int32_t bit = m / 2;
    for (; at & bit; bit >>= 1)
        at -= bit;
    return at + bit;
}

/* One butterfly of radix 4, scaled by 1/4.
 *   z        its outputs lie at z[0], z[done], z[2 done] and z[3 done]
 *   a        not yet scaled
 *   b, c, d  rotated and halved */
static void butterfly(anom_complex *z, int32_t done, anom_complex a, anom_complex b, anom_complex c, anom_complex d)
{
    a = shifted(a, 2);
    c = shifted(c, 1);
    anom_complex s0 = add(a, c);
    anom_complex d0 = subtract(a, c);
    anom_complex s1 = shifted(add(b, d), 1);
    anom_complex d1 = shifted(subtract(b, d), 1);
    anom_complex turned = {d1.im, -d1.re}; /* -j d1 */
    z[0] = add(s0, s1);
    z[done] = add(d0, turned);
    z[2 * done] = subtract(s0, s1);
    z[3 * done] = subtract(d0, turned);
}

/* A butterfly whose twiddles are 1.
 *   a, b, c, d  not yet scaled */
static void unrotated(anom_complex *z, int32_t done, anom_complex a, anom_complex b, anom_complex c, anom_complex d)
{
    butterfly(z, done, a, shifted(b, 1), shifted(c, 1), shifted(d, 1));
}

/* Load the window and transform four values each, scaled by 1/4.
 *   bits     length of the largest sample, 0 to 15 */
static void load_radix4(const anom_fft_plan *plan, const int16_t *frame, int32_t bits, anom_complex *z)
{
    int32_t m = plan->length / 2;
    int32_t unit = INT32_C(1) << (15 - bits);
    const int32_t *window = plan->window_pairs_q15;
    int32_t at = 0;
    for (int32_t i = 0; i < m / 2; i += 2, window += 4) {
        unrotated(z + at, 1, windowed(frame + i, window[0], unit), windowed(frame + i + m / 2, window[1], unit),
                  windowed(frame + i + m, window[2], unit), windowed(frame + i + m + m / 2, window[3], unit));
        at = next_place(at, m);
    }
}

#if ANOM_KERNELS_V6M
#include "anom_fft_v6m.h"
#else
/* Length of the largest sample in bits, 0 to 15; that of -32768 is 15. */
static int32_t sample_bits(const int16_t *frame, int32_t n)
{
    int32_t all = 0;
    for (int32_t i = 0; i < n; i++)
        all |= frame[i] ^ (frame[i] >> 15); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */
    return anom_bit_length((uint32_t)all);
}

/* Load the window and transform two values each, scaled by 1/2: a/2 + b/2 and a/2 - b/2.
 *   bits     length of the largest sample, 0 to 15 */
static void load_radix2(const anom_fft_plan *plan, const int16_t *frame, int32_t bits, anom_complex *z)
{
    int32_t m = plan->length / 2;
    int32_t unit = INT32_C(1) << (15 - bits);
    const int32_t *window = plan->window_pairs_q15;
    int32_t at = 0;
    for (int32_t i = 0; i < m; i += 2, window += 2) {
        anom_complex a = shifted(windowed(frame + i, window[0], unit), 1);
        anom_complex b = shifted(windowed(frame + i + m, window[1], unit), 1);
        z[at] = add(a, b);
        z[at + 1] = subtract(a, b);
        at = next_place(at, m);
    }
}

/* z * (cos - j sin) / 2: four products, each floored.
 *   twiddle  word of cos and sin in q15, together no longer than 1 but for their rounding */
static anom_complex rotate(anom_complex z, int32_t twiddle)
{
    int32_t cos = low(twiddle);
    int32_t sin = high(twiddle);
    anom_complex turned = {
        anom_mulw(z.re, cos) + anom_mulw(z.im, sin),
        anom_mulw(z.im, cos) - anom_mulw(z.re, sin),
    };
    return turned;
}

/* Join four transforms each into one of four times the length, scaled by 1/4, all over z. Returns the twiddles of the
 * next stage.
 *   z        m values
 *   done     length of the transforms so far, 2 to m / 4 */
static const int32_t *radix4(const int32_t *twiddles, anom_complex *z, int32_t m, int32_t done)
{
    const int32_t *t = twiddles;
    for (anom_complex *end = z + m; z < end; z += 4 * done) {
        unrotated(z, done, z[0], z[2 * done], z[done], z[3 * done]);
        t = twiddles;
        for (anom_complex *k = z + 1; k < z + done; k++, t += 3)
            butterfly(k, done, k[0], rotate(k[2 * done], t[0]), rotate(k[done], t[1]), rotate(k[3 * done], t[2]));
    }
    return t;
}

/* Spectrum of the real window from that of the packed one, in place, scaled by 1/2: bins k and m - k, which need each
 * other, for k from 1 to m / 2 - 1. */
static void split_pairs(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    for (int32_t k = 1; k < m / 2; k++) {
        anom_complex lower = shifted(z[k], 1);
        anom_complex upper = shifted(z[m - k], 1);
        anom_complex odd = {lower.im + upper.im, upper.re - lower.re};
        lower = shifted(lower, 1);
        upper = shifted(upper, 1);
        anom_complex even = {lower.re + upper.re, lower.im - upper.im};
        odd = rotate(odd, *twiddles++);
        z[k] = add(even, odd);
        z[m - k] = subtract(even, odd);
    }
}
#endif
#endif

/* Spectrum of the real window from that of the packed one, in place, scaled by 1/2.
 *   z        m values of the packed window, with room for one more */
static void split(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    int32_t re = z[0].re >> 1;
    int32_t im = z[0].im >> 1;
    z[0].re = re + im;
    z[0].im = 0;
    z[m].re = re - im;
    z[m].im = 0;
    z[m / 2].re >>= 1;
    z[m / 2].im >>= 1;
    split_pairs(twiddles, z, m);
}

#if ANOM_KERNELS_X86
#include "anom_fft_x86.h"
#endif

int32_t anom_fft_run(const anom_fft_plan *plan, const int16_t *frame, anom_complex *spectrum)
{
#if ANOM_KERNELS_X86
    if (anom_has_avx2()) return run_avx2(plan, frame, spectrum);
#endif
    int32_t m = plan->length / 2;
    int32_t bits = sample_bits(frame, plan->length);
    int32_t done = anom_bit_length((uint32_t)m) % 2 == 0 ? 2 : 4; /* 2: log2(m) is odd */
    if (done == 2) load_radix2(plan, frame, bits, spectrum);
    else load_radix4(plan, frame, bits, spectrum);
    const int32_t *twiddles = plan->twiddles_q15;
    for (; done < m; done *= 4)
        twiddles = radix4(twiddles, spectrum, m, done);
    split(twiddles, spectrum, m);
    return bits;
}
