/* FFT of a real window: int32 data, q15 twiddles, scaled so that nothing can overflow.
 *
 * In place: the samples are loaded in the order that digit reversal leaves them, so that every stage joins
 * neighbours. The integers do not depend on that, see docs/spec.md. */
#include "anom_fft.h"

#include "anom_fixed.h"

typedef struct {
    int32_t cos;
    int32_t sin;
} twiddle_q15;

/* cos and sin of 2 pi j / N, j 0 to 3 N / 4, from the first quarter of cos. */
static twiddle_q15 twiddle(const anom_fft_plan *plan, int32_t j)
{
    const int16_t *cos_q15 = plan->cos_q15;
    int32_t quarter = plan->length / 4;
    twiddle_q15 t;
    if (j <= quarter) {
        t.cos = cos_q15[j];
        t.sin = cos_q15[quarter - j];
    } else if (j <= 2 * quarter) {
        t.cos = -cos_q15[2 * quarter - j];
        t.sin = cos_q15[j - quarter];
    } else {
        t.cos = -cos_q15[j - 2 * quarter];
        t.sin = -cos_q15[3 * quarter - j];
    }
    return t;
}

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

/* Where value i of m lies once every stage has split its input. */
static int32_t place(int32_t i, int32_t m)
{
    int32_t at = 0;
    for (; m >= 4; i >>= 2) {
        m >>= 2;
        at += (i & 3) * m;
    }
    return at + i; /* where m is 2 by now, i is the last digit; where it is 1, 0 */
}

/* z[place(i)] = (x[2i] w[2i] + j x[2i + 1] w[2i + 1]) << (15 - bits); at most 2**30 a part. */
static int32_t load(const anom_fft_plan *plan, const int16_t *frame, anom_complex *z)
{
    int32_t n = plan->length;
    int32_t all = 0;
    for (int32_t i = 0; i < n; i++)
        all |= frame[i] ^ (frame[i] >> 15); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */
    int32_t bits = anom_bit_length((uint32_t)all);
    int32_t unit = INT32_C(1) << (15 - bits);
    for (int32_t i = 0; i < n / 2; i++) {
        int32_t even = 2 * i;
        int32_t odd = 2 * i + 1;
        anom_complex *to = &z[place(i, n / 2)];
        to->re = frame[even] * unit * plan->window_q15[even <= n / 2 ? even : n - even];
        to->im = frame[odd] * unit * plan->window_q15[odd <= n / 2 ? odd : n - odd];
    }
    return bits;
}

/* Transforms of two values, scaled by 1/2: a/2 + b/2 and a/2 - b/2. */
static void radix2(anom_complex *z, int32_t m)
{
    for (int32_t i = 0; i < m; i += 2) {
        anom_complex a = shifted(z[i], 1);
        anom_complex b = shifted(z[i + 1], 1);
        z[i] = add(a, b);
        z[i + 1] = subtract(a, b);
    }
}

/* z * (cos - j sin) / 2: four products, each floored. */
static anom_complex rotate(anom_complex z, twiddle_q15 t)
{
    anom_complex turned = {
        anom_mulw(z.re, t.cos) + anom_mulw(z.im, t.sin),
        anom_mulw(z.im, t.cos) - anom_mulw(z.re, t.sin),
    };
    return turned;
}

/* a, b, c, d to the four outputs; b, c, d are rotated and halved. */
static void butterfly(anom_complex *z, int32_t done, anom_complex b, anom_complex c, anom_complex d)
{
    anom_complex a = shifted(z[0], 2);
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

/* Join four transforms of `done` values into one, scaled by 1/4, all over z.
 *   step     N / (4 done): from one twiddle to the next */
static void radix4(const anom_fft_plan *plan, anom_complex *z, int32_t m, int32_t done, int32_t step)
{
    for (int32_t i = 0; i < m; i += 4 * done) /* k = 0: every twiddle is 1 */
        butterfly(z + i, done, shifted(z[i + done], 1), shifted(z[i + 2 * done], 1), shifted(z[i + 3 * done], 1));
    for (int32_t k = 1; k < done; k++) {
        twiddle_q15 b = twiddle(plan, k * step);
        twiddle_q15 c = twiddle(plan, 2 * k * step);
        twiddle_q15 d = twiddle(plan, 3 * k * step);
        for (int32_t i = k; i < m; i += 4 * done)
            butterfly(z + i, done, rotate(z[i + done], b), rotate(z[i + 2 * done], c), rotate(z[i + 3 * done], d));
    }
}

/* Spectrum of the real window from that of the packed one, in place, scaled by 1/2. */
static void split(const anom_fft_plan *plan, anom_complex *z)
{
    int32_t m = plan->length / 2;
    anom_complex first = shifted(z[0], 1);
    z[0].re = first.re + first.im;
    z[0].im = 0;
    z[m].re = first.re - first.im;
    z[m].im = 0;
    z[m / 2] = shifted(z[m / 2], 1);
    for (int32_t k = 1; k < m / 2; k++) {
        anom_complex lower = shifted(z[k], 1);
        anom_complex upper = shifted(z[m - k], 1);
        anom_complex odd = {lower.im + upper.im, upper.re - lower.re};
        lower = shifted(lower, 1);
        upper = shifted(upper, 1);
        anom_complex even = {lower.re + upper.re, lower.im - upper.im};
        odd = rotate(odd, twiddle(plan, k));
        z[k] = add(even, odd);
        z[m - k] = subtract(even, odd);
    }
}

int32_t anom_fft_run(const anom_fft_plan *plan, const int16_t *frame, anom_complex *spectrum)
{
    int32_t m = plan->length / 2;
    int32_t bits = load(plan, frame, spectrum);
    int32_t done = 1;
    int32_t step = m / 2;
    if (anom_bit_length((uint32_t)m) % 2 == 0) { /* log2(m) is odd */
        radix2(spectrum, m);
        done = 2;
        step = m / 4;
    }
    for (; done < m; done *= 4, step >>= 2)
        radix4(plan, spectrum, m, done, step);
    split(plan, spectrum);
    return bits;
}
