/* Filter bank kernels of x86-64 with AVX2: four bins at a time, with the integers of the portable code. */
#include "anom_x86.h"

/* Four bins, or n of them and zeros: parts one after the other. */
typedef struct {
    __m128i low;
    __m128i high;
} bins_avx2;

ANOM_AVX2 static inline bins_avx2 some_bins_avx2(const anom_complex *bins, int32_t n)
{
    const long long *from = (const long long *)(const void *)bins;
    __m128i count = _mm_set1_epi64x(n);
    bins_avx2 got = {
        .low = _mm_maskload_epi64(from, _mm_cmpgt_epi64(count, _mm_set_epi64x(1, 0))),
        .high = _mm_maskload_epi64(from + 2, _mm_cmpgt_epi64(count, _mm_set_epi64x(3, 2))),
    };
    return got;
}

ANOM_AVX2 static int32_t bits_of_avx2(const anom_complex *bins, int32_t n)
{
    __m128i all = _mm_setzero_si128();
    for (; n > 0; n -= 4, bins += 4) {
        bins_avx2 z = some_bins_avx2(bins, n);
        __m128i low = _mm_xor_si128(z.low, _mm_srai_epi32(z.low, 31));
        __m128i high = _mm_xor_si128(z.high, _mm_srai_epi32(z.high, 31));
        all = _mm_or_si128(all, _mm_or_si128(low, high));
    }
    all = _mm_or_si128(all, _mm_srli_si128(all, 8));
    all = _mm_or_si128(all, _mm_srli_si128(all, 4));
    return anom_bit_length((uint32_t)_mm_cvtsi128_si32(all));
}

/* The first four of n shares, 1 or more; those that are not there are multiplied by no power. */
ANOM_AVX2 static inline __m128i some_rises_avx2(const int16_t *minus_rise_q15, int32_t n)
{
    if (n >= 4) return _mm_cvtepi16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)minus_rise_q15));
    int32_t middle = n >> 1;
    return _mm_setr_epi32(minus_rise_q15[0], minus_rise_q15[middle], minus_rise_q15[n - 1], 0);
}

ANOM_AVX2 static int32_t halves_of_avx2(const anom_complex *bins, int32_t n, int32_t shift,
                                        const int16_t *minus_rise_q15, int32_t *minus_rises)
{
    __m128i halves = _mm_setzero_si128();
    __m128i rises = _mm_setzero_si128();
    __m128i count = _mm_cvtsi32_si128(shift);
    for (; n > 0; n -= 4, bins += 4) {
        bins_avx2 z = some_bins_avx2(bins, n);
        __m128i parts = _mm_packs_epi32(_mm_sra_epi32(z.low, count), _mm_sra_epi32(z.high, count));
        __m128i power = _mm_madd_epi16(parts, parts);
        halves = _mm_add_epi32(halves, _mm_srli_epi32(power, 1));
        if (minus_rise_q15) {
            __m128i w = _mm_slli_epi32(some_rises_avx2(minus_rise_q15, n), 16);
            __m128i even = _mm_mul_epi32(power, w);
            __m128i odd = _mm_mul_epi32(_mm_srli_epi64(power, 32), _mm_srli_epi64(w, 32));
            rises = _mm_add_epi32(rises, _mm_blend_epi32(_mm_srli_epi64(even, 32), odd, 10));
            minus_rise_q15 += 4;
        }
    }
    halves = _mm_hadd_epi32(halves, rises);
    halves = _mm_hadd_epi32(halves, halves);
    *minus_rises = _mm_extract_epi32(halves, 1);
    return _mm_cvtsi128_si32(halves);
}

ANOM_AVX2 static void segment_avx2(const anom_filterbank_plan *plan, const anom_complex *bins, int32_t n, int32_t bits,
                                   const int16_t *minus_rise_q15, shares *given)
{
    int32_t shift = bits_of_avx2(bins, n) - plan->value_bits;
    shift = shift > 0 ? shift : 0;
    int32_t minus_rises;
    int32_t rest = halves_of_avx2(bins, n, shift, minus_rise_q15, &minus_rises) + minus_rises;
    rest = rest > 0 ? rest : 0;
    energy_of(&given->rise, -minus_rises, 2 * (shift + bits));
    energy_of(&given->rest, rest, 2 * (shift + bits));
}
