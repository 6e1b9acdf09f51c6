/* Autoencoder on x86-64: four outputs at a time, 4 inputs of each with AVX2, 16 with AVX-512 VNNI.
 *
 * AVX2 widens both sides to 16 bits, so that no product or pair of products is ever cut.
 * VNNI multiplies unsigned by signed bytes: w + 128 by x gives sum w x + 128 sum x; `prepare` takes the last away. */
#include <string.h>

#include "anom_x86.h"

/* Inputs as 16 bits; those that a block has too many meet weights of zero. */
static uint32_t prepare_avx2(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    int16_t *to = (int16_t *)(void *)prepared;
    for (int32_t i = 0; i < plan->n_in; i++)
        to[i] = x[i];
    return 0;
}

/* Each four inputs as a word, four times. */
static uint32_t prepare_vnni(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    int32_t total = 0;
    for (int32_t left = plan->n_in; left > 0; left -= 4, x += 4, prepared += 4) {
        int8_t four[4] = {0, 0, 0, 0};
        if (left < 4)
            for (int32_t i = 0; i < left; i++)
                four[i] = x[i];
        else
            memcpy(four, x, sizeof four);
        total += four[0] + four[1] + four[2] + four[3];
        for (int32_t r = 0; r < 4; r++)
            memcpy(prepared + r, four, sizeof four);
    }
    return (uint32_t)(-128 * total);
}

/* anom_multiply_by_quantized_multiplier on four. */
ANOM_AVX2 static __m128i scaled_avx2(__m128i x, __m128i multiplier, __m128i shift)
{
    const __m128i half = _mm_set1_epi64x(INT64_C(1) << 30);
    x = _mm_sllv_epi32(x, _mm_max_epi32(shift, _mm_setzero_si128()));
    __m128i even = _mm_add_epi64(_mm_mul_epi32(x, multiplier), half);
    __m128i odd = _mm_add_epi64(_mm_mul_epi32(_mm_srli_epi64(x, 32), _mm_srli_epi64(multiplier, 32)), half);
    __m128i high = _mm_blend_epi32(_mm_srli_epi64(even, 31), _mm_slli_epi64(odd, 1), 10); /* lanes 1 and 3 are odd */
    __m128i less = _mm_max_epi32(_mm_xor_si128(shift, _mm_set1_epi32(-1)), _mm_setzero_si128()); /* -shift - 1 */
    __m128i lower = _mm_srav_epi32(_mm_add_epi32(high, _mm_srai_epi32(high, 31)), less);
    lower = _mm_srai_epi32(_mm_sub_epi32(lower, _mm_set1_epi32(-1)), 1);
    __m128i to_right = _mm_srai_epi32(shift, 31); /* no blend of bytes: gcc compares them as char, signed or not */
    return _mm_or_si128(_mm_and_si128(to_right, lower), _mm_andnot_si128(to_right, high));
}

ANOM_AVX2 static void requantise_avx2(layer_run *run, __m128i sums)
{
    if (run->left < 4) {
        uint32_t found[4];
        _mm_storeu_si128((__m128i *)(void *)found, _mm_add_epi32(sums, _mm_set1_epi32((int32_t)run->common)));
        requantise(run, found);
        return;
    }
    int32_t shifts;
    __m128i multiplier;
    __m128i shift;
    if (run->step) {
        memcpy(&shifts, run->shift, sizeof shifts);
        shift = _mm_cvtepi8_epi32(_mm_cvtsi32_si128(shifts));
        multiplier = _mm_loadu_si128((const __m128i *)(const void *)run->multiplier);
    } else {
        shift = _mm_set1_epi32(*run->shift);
        multiplier = _mm_set1_epi32(*run->multiplier);
    }
    sums = _mm_add_epi32(sums, _mm_set1_epi32((int32_t)run->common));
    sums = _mm_add_epi32(sums, _mm_loadu_si128((const __m128i *)(const void *)run->bias));
    __m128i y = _mm_add_epi32(scaled_avx2(sums, multiplier, shift), _mm_set1_epi32(run->zero_point));
    y = _mm_min_epi32(_mm_max_epi32(y, _mm_set1_epi32(run->low)), _mm_set1_epi32(run->high));
    y = _mm_packs_epi32(y, y);
    int32_t four = _mm_cvtsi128_si32(_mm_packs_epi16(y, y));
    memcpy(run->outputs, &four, sizeof four);
    run->outputs += 4;
    run->bias += 4;
    run->multiplier += 4 * run->step;
    run->shift += 4 * run->step;
    run->left -= 4;
}

ANOM_AVX2 static void four_outputs_avx2(layer_run *run, const anom_weights *weights, const uint32_t *prepared,
                                        int32_t blocks)
{
    const __m128i *w = (const __m128i *)(const void *)weights;
    const int64_t *x = (const int64_t *)(const void *)prepared;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    int32_t i = 0;
    for (; i + 2 <= blocks; i += 2) {
        __m256i x0 = _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(x + i)));
        __m256i x1 = _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(x + i + 1)));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(w + i)), x0));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(w + i + 1)), x1));
    }
    if (i < blocks) {
        __m256i x0 = _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(x + i)));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128(w + i)), x0));
    }
    even = _mm256_add_epi32(even, odd); /* two sums an output */
    requantise_avx2(run, _mm_hadd_epi32(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1)));
}

ANOM_VNNI static void four_outputs_vnni(layer_run *run, const anom_weights *weights, const uint32_t *prepared,
                                        int32_t blocks)
{
    const __m512i flip = _mm512_set1_epi32((int32_t)0x80808080);
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    const uint8_t *w = weights->bytes;
    const uint32_t *x = prepared;
    for (; blocks >= 8; blocks -= 8, w += 128, x += 32) {
        even = _mm512_dpbusd_epi32(even, _mm512_xor_si512(_mm512_loadu_si512(w), flip), _mm512_loadu_si512(x));
        odd = _mm512_dpbusd_epi32(odd, _mm512_xor_si512(_mm512_loadu_si512(w + 64), flip), _mm512_loadu_si512(x + 16));
    }
    for (; blocks > 0; blocks -= 4, w += 64, x += 16) {
        __mmask16 there = (__mmask16)(blocks < 4 ? (1 << (4 * blocks)) - 1 : 0xFFFF);
        __m512i four = _mm512_xor_si512(_mm512_maskz_loadu_epi32(there, w), flip);
        even = _mm512_dpbusd_epi32(even, four, _mm512_maskz_loadu_epi32(there, x)); /* beyond: 128 by 0 */
    }
    even = _mm512_add_epi32(even, odd);
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(even), _mm512_extracti64x4_epi64(even, 1));
    requantise_avx2(run, _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    if (anom_has_vnni()) return prepare_vnni(plan, x, prepared);
    if (anom_has_avx2()) return prepare_avx2(plan, x, prepared);
    return 0;
}

static void outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x, const uint32_t *prepared)
{
    int32_t blocks = blocks_of(plan);
    if (anom_has_vnni()) {
        for (; run->left > 0; run->weights += blocks)
            four_outputs_vnni(run, run->weights, prepared, blocks);
    } else if (anom_has_avx2()) {
        for (; run->left > 0; run->weights += blocks)
            four_outputs_avx2(run, run->weights, prepared, blocks);
    } else {
        plain_outputs_of(run, plan, x);
    }
}
