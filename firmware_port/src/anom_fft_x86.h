/* FFT kernels of x86-64 with AVX2: four complex values at a time, with the integers of the portable code.
 *
 * A register of twiddles holds a word in the low half of each 64 bits, as twiddles_q15 has it: sine above cosine. */
#include "anom_x86.h"

/* Four complex values of each input or output of a butterfly. */
typedef struct {
    __m256i a;
    __m256i b;
    __m256i c;
    __m256i d;
} four_avx2;

ANOM_AVX2 static inline __m256i load_avx2(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

ANOM_AVX2 static inline void store_avx2(void *to, __m256i z)
{
    _mm256_storeu_si256((__m256i *)to, z);
}

ANOM_AVX2 static inline __m128i load4_avx2(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* re, -im */
ANOM_AVX2 static inline __m256i conjugate_avx2(__m256i z)
{
    return _mm256_sign_epi32(z, _mm256_set1_epi64x((int64_t)0xFFFFFFFF00000001));
}

/* im, re */
ANOM_AVX2 static inline __m256i swapped_avx2(__m256i z)
{
    return _mm256_shuffle_epi32(z, 0xB1);
}

/* Low half of each 64 bits from the high half of `even`, the other from that of `odd`. */
ANOM_AVX2 static inline __m256i high_halves_avx2(__m256i even, __m256i odd)
{
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

/* z * (cos - j sin) / 2: four products, each floored, as the high halves of products by 65536 cos and 65536 sin. */
ANOM_AVX2 static inline __m256i rotate_avx2(__m256i z, __m256i twiddles)
{
    __m256i cos = _mm256_slli_epi32(twiddles, 16);
    __m256i sin = _mm256_sub_epi32(twiddles, _mm256_srli_epi32(cos, 16));
    __m256i im = _mm256_srli_epi64(z, 32);
    __m256i by_cos = high_halves_avx2(_mm256_mul_epi32(z, cos), _mm256_mul_epi32(im, cos));
    __m256i by_sin = high_halves_avx2(_mm256_mul_epi32(im, sin), _mm256_mul_epi32(z, sin));
    return _mm256_add_epi32(by_cos, conjugate_avx2(by_sin));
}

/* b, c, d are rotated and halved. */
ANOM_AVX2 static inline four_avx2 butterfly_avx2(four_avx2 z)
{
    __m256i a = _mm256_srai_epi32(z.a, 2);
    __m256i c = _mm256_srai_epi32(z.c, 1);
    __m256i s0 = _mm256_add_epi32(a, c);
    __m256i d0 = _mm256_sub_epi32(a, c);
    __m256i s1 = _mm256_srai_epi32(_mm256_add_epi32(z.b, z.d), 1);
    __m256i d1 = _mm256_srai_epi32(_mm256_sub_epi32(z.b, z.d), 1);
    __m256i turned = conjugate_avx2(swapped_avx2(d1)); /* -j d1 */
    four_avx2 to = {
        .a = _mm256_add_epi32(s0, s1),
        .b = _mm256_add_epi32(d0, turned),
        .c = _mm256_sub_epi32(s0, s1),
        .d = _mm256_sub_epi32(d0, turned),
    };
    return to;
}

ANOM_AVX2 static int32_t sample_bits_avx2(const int16_t *frame, int32_t n)
{
    __m256i all = _mm256_setzero_si256();
    for (int32_t i = 0; i < n; i += 16) {
        __m256i x = load_avx2(frame + i);
        all = _mm256_or_si256(all, _mm256_xor_si256(x, _mm256_srai_epi16(x, 15)));
    }
    __m128i half = _mm_or_si128(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    half = _mm_or_si128(half, _mm_srli_si128(half, 8));
    half = _mm_or_si128(half, _mm_srli_si128(half, 4));
    uint32_t pair = (uint32_t)_mm_cvtsi128_si32(half);
    return anom_bit_length((pair | pair >> 16) & 0x7FFF);
}

/* Four pairs of samples through the window; `up` is 15 - bits. */
ANOM_AVX2 static inline __m256i windowed_avx2(const int16_t *samples, __m128i window, __m128i up)
{
    __m256i x = _mm256_cvtepu16_epi32(load4_avx2(samples)); /* their other halves are 0: one product each */
    return _mm256_sll_epi32(_mm256_madd_epi16(x, _mm256_cvtepu16_epi32(window)), up);
}

/* Bits of a place that change after group number i of `groups`, of which the highest comes first. */
static int32_t change_of_place(int32_t i, int32_t groups)
{
    int32_t all = 4 * groups;
    return all - (all >> (__builtin_ctz((uint32_t)i + 1) + 1));
}

ANOM_AVX2 static void load_radix2_avx2(const anom_fft_plan *plan, const int16_t *frame, int32_t bits, anom_complex *z)
{
    int32_t m = plan->length / 2;
    int32_t groups = m / 8;
    int32_t at = 0;
    const int32_t *window = plan->window_pairs_q15;
    __m128i up = _mm_cvtsi32_si128(15 - bits);
    for (int32_t i = 0; i < groups; i++, frame += 8, window += 8) {
        __m256i words = _mm256_permutevar8x32_epi32(load_avx2(window), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
        __m256i a = windowed_avx2(frame, _mm256_castsi256_si128(words), up);
        __m256i b = windowed_avx2(frame + m, _mm256_extracti128_si256(words, 1), up);
        a = _mm256_srai_epi32(a, 1);
        b = _mm256_srai_epi32(b, 1);
        __m256i sum = _mm256_add_epi32(a, b);
        __m256i difference = _mm256_sub_epi32(a, b);
        __m256i first = _mm256_unpacklo_epi64(sum, difference);
        __m256i second = _mm256_unpackhi_epi64(sum, difference);
        anom_complex *to = z + at;
        _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(first));
        _mm_storeu_si128((__m128i *)(void *)(to + m / 2), _mm256_castsi256_si128(second));
        _mm_storeu_si128((__m128i *)(void *)(to + m / 4), _mm256_extracti128_si256(first, 1));
        _mm_storeu_si128((__m128i *)(void *)(to + m / 2 + m / 4), _mm256_extracti128_si256(second, 1));
        at ^= change_of_place(i, groups) / 2;
    }
}

ANOM_AVX2 static void load_radix4_avx2(const anom_fft_plan *plan, const int16_t *frame, int32_t bits, anom_complex *z)
{
    int32_t m = plan->length / 2;
    int32_t groups = m / 16;
    int32_t at = 0;
    const int32_t *window = plan->window_pairs_q15;
    __m128i up = _mm_cvtsi32_si128(15 - bits);
    for (int32_t i = 0; i < groups; i++, frame += 8, window += 16) {
        __m128i w0 = load4_avx2(window);
        __m128i w1 = load4_avx2(window + 4);
        __m128i w2 = load4_avx2(window + 8);
        __m128i w3 = load4_avx2(window + 12);
        __m128i low01 = _mm_unpacklo_epi32(w0, w1);
        __m128i low23 = _mm_unpacklo_epi32(w2, w3);
        __m128i high01 = _mm_unpackhi_epi32(w0, w1);
        __m128i high23 = _mm_unpackhi_epi32(w2, w3);
        four_avx2 x = {
            .a = windowed_avx2(frame, _mm_unpacklo_epi64(low01, low23), up),
            .b = windowed_avx2(frame + m / 2, _mm_unpackhi_epi64(low01, low23), up),
            .c = windowed_avx2(frame + m, _mm_unpacklo_epi64(high01, high23), up),
            .d = windowed_avx2(frame + m + m / 2, _mm_unpackhi_epi64(high01, high23), up),
        };
        x.b = _mm256_srai_epi32(x.b, 1);
        x.c = _mm256_srai_epi32(x.c, 1);
        x.d = _mm256_srai_epi32(x.d, 1);
        x = butterfly_avx2(x);
        __m256i ab0 = _mm256_unpacklo_epi64(x.a, x.b); /* of the values 0 and 2 */
        __m256i ab1 = _mm256_unpackhi_epi64(x.a, x.b);
        __m256i cd0 = _mm256_unpacklo_epi64(x.c, x.d);
        __m256i cd1 = _mm256_unpackhi_epi64(x.c, x.d);
        anom_complex *to = z + at;
        store_avx2(to, _mm256_permute2x128_si256(ab0, cd0, 0x20));
        store_avx2(to + m / 2, _mm256_permute2x128_si256(ab1, cd1, 0x20));
        store_avx2(to + m / 4, _mm256_permute2x128_si256(ab0, cd0, 0x31));
        store_avx2(to + m / 2 + m / 4, _mm256_permute2x128_si256(ab1, cd1, 0x31));
        at ^= change_of_place(i, groups);
    }
}

/* A stage of two transforms of two values a block: two blocks at a time. */
ANOM_AVX2 static const int32_t *radix4_of_two_avx2(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    __m256i b = _mm256_set1_epi64x(twiddles[0]);
    __m256i c = _mm256_set1_epi64x(twiddles[1]);
    __m256i d = _mm256_set1_epi64x(twiddles[2]);
    for (anom_complex *end = z + m; z < end; z += 16) {
        __m256i ac0 = load_avx2(z);
        __m256i bd0 = load_avx2(z + 4);
        __m256i ac1 = load_avx2(z + 8);
        __m256i bd1 = load_avx2(z + 12);
        four_avx2 x = {
            .a = _mm256_permute2x128_si256(ac0, ac1, 0x20),
            .b = _mm256_permute2x128_si256(bd0, bd1, 0x20),
            .c = _mm256_permute2x128_si256(ac0, ac1, 0x31),
            .d = _mm256_permute2x128_si256(bd0, bd1, 0x31),
        };
        x.b = _mm256_blend_epi32(_mm256_srai_epi32(x.b, 1), rotate_avx2(x.b, b), 0xCC);
        x.c = _mm256_blend_epi32(_mm256_srai_epi32(x.c, 1), rotate_avx2(x.c, c), 0xCC);
        x.d = _mm256_blend_epi32(_mm256_srai_epi32(x.d, 1), rotate_avx2(x.d, d), 0xCC);
        x = butterfly_avx2(x);
        store_avx2(z, _mm256_permute2x128_si256(x.a, x.b, 0x20));
        store_avx2(z + 4, _mm256_permute2x128_si256(x.c, x.d, 0x20));
        store_avx2(z + 8, _mm256_permute2x128_si256(x.a, x.b, 0x31));
        store_avx2(z + 12, _mm256_permute2x128_si256(x.c, x.d, 0x31));
    }
    return twiddles + 3;
}

/* Four values of k in each block, from `from` on.
 *   is_first  1 where k = 0 is among them, which is not rotated, else 0 */
ANOM_AVX2 static inline void radix4_column_avx2(anom_complex *from, const anom_complex *end, int32_t done,
                                                four_avx2 twiddles, int32_t is_first)
{
    for (; from < end; from += 4 * done) {
        four_avx2 x = {
            .a = load_avx2(from),
            .b = load_avx2(from + 2 * done),
            .c = load_avx2(from + done),
            .d = load_avx2(from + 3 * done),
        };
        __m256i b = rotate_avx2(x.b, twiddles.b);
        __m256i c = rotate_avx2(x.c, twiddles.c);
        __m256i d = rotate_avx2(x.d, twiddles.d);
        if (is_first) {
            b = _mm256_blend_epi32(b, _mm256_srai_epi32(x.b, 1), 0x03);
            c = _mm256_blend_epi32(c, _mm256_srai_epi32(x.c, 1), 0x03);
            d = _mm256_blend_epi32(d, _mm256_srai_epi32(x.d, 1), 0x03);
        }
        x.b = b;
        x.c = c;
        x.d = d;
        x = butterfly_avx2(x);
        store_avx2(from, x.a);
        store_avx2(from + done, x.b);
        store_avx2(from + 2 * done, x.c);
        store_avx2(from + 3 * done, x.d);
    }
}

/* Four or more values of k. */
ANOM_AVX2 static const int32_t *radix4_avx2(const int32_t *twiddles, anom_complex *z, int32_t m, int32_t done)
{
    const int32_t *t = twiddles;
    __m256i low = load_avx2(t); /* words 0 to 7: of k = 1, 2, 3 */
    __m256i high = load_avx2(t + 1);
    four_avx2 w;
    w.a = low;
    w.b = _mm256_permutevar8x32_epi32(low, _mm256_setr_epi32(0, 0, 0, 0, 3, 3, 6, 6));
    w.c = _mm256_permutevar8x32_epi32(low, _mm256_setr_epi32(1, 1, 1, 1, 4, 4, 7, 7));
    w.d = _mm256_permutevar8x32_epi32(_mm256_blend_epi32(low, high, 0x80), _mm256_setr_epi32(2, 2, 2, 2, 5, 5, 7, 7));
    radix4_column_avx2(z, z + m, done, w, 1);
    t += 9;
    for (int32_t k = 4; k < done; k += 4, t += 12) {
        low = load_avx2(t); /* words 0 to 7 and 4 to 11 */
        high = load_avx2(t + 4);
        w.b = _mm256_permutevar8x32_epi32(_mm256_blend_epi32(low, high, 0x20),
                                          _mm256_setr_epi32(0, 0, 3, 3, 6, 6, 5, 5));
        w.c = _mm256_permutevar8x32_epi32(_mm256_blend_epi32(low, high, 0x40),
                                          _mm256_setr_epi32(1, 1, 4, 4, 7, 7, 6, 6));
        w.d = _mm256_permutevar8x32_epi32(_mm256_blend_epi32(low, high, 0x90),
                                          _mm256_setr_epi32(2, 2, 5, 5, 4, 4, 7, 7));
        radix4_column_avx2(z + k, z + m, done, w, 0);
    }
    return t;
}

/* z[k] and z[m - k] from k = 0 on; what that makes of k = 0 is written over. */
ANOM_AVX2 static void split_avx2(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    int32_t re = z[0].re >> 1;
    int32_t im = z[0].im >> 1;
    __m128i words = _mm_slli_si128(load4_avx2(twiddles), 4); /* of k = 0, 1, 2, 3; the first does not matter */
    for (int32_t k = 0; k < m / 2; k += 4) {
        anom_complex *above = z + m - k - 3;
        __m256i lower = _mm256_srai_epi32(load_avx2(z + k), 1);
        __m256i upper = _mm256_srai_epi32(_mm256_permute4x64_epi64(load_avx2(above), 0x1B), 1);
        __m256i odd = _mm256_add_epi32(swapped_avx2(upper), conjugate_avx2(swapped_avx2(lower)));
        __m256i even =
            _mm256_add_epi32(_mm256_srai_epi32(lower, 1), conjugate_avx2(_mm256_srai_epi32(upper, 1)));
        odd = rotate_avx2(odd, _mm256_cvtepu32_epi64(words));
        store_avx2(z + k, _mm256_add_epi32(even, odd));
        store_avx2(above, _mm256_permute4x64_epi64(_mm256_sub_epi32(even, odd), 0x1B));
        if (k + 4 < m / 2) words = load4_avx2(twiddles + k + 3);
    }
    z[0].re = re + im;
    z[0].im = 0;
    z[m].re = re - im;
    z[m].im = 0;
    z[m / 2].re >>= 1;
    z[m / 2].im >>= 1;
}

/* anom_fft_run */
ANOM_AVX2 static int32_t run_avx2(const anom_fft_plan *plan, const int16_t *frame, anom_complex *z)
{
    int32_t m = plan->length / 2;
    int32_t bits = sample_bits_avx2(frame, plan->length);
    const int32_t *twiddles = plan->twiddles_q15;
    int32_t done = 4;
    if (anom_bit_length((uint32_t)m) % 2 == 0) { /* log2(m) is odd */
        load_radix2_avx2(plan, frame, bits, z);
        twiddles = radix4_of_two_avx2(twiddles, z, m);
        done = 8;
    } else {
        load_radix4_avx2(plan, frame, bits, z);
    }
    for (; done < m; done *= 4)
        twiddles = radix4_avx2(twiddles, z, m, done);
    split_avx2(twiddles, z, m);
    return bits;
}
