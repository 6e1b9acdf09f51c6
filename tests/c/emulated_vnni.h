/* The instructions of AVX-512 VNNI that the port uses, on processors without them. Included before all else. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int32_t lane[16];
} emulated_vector;

static inline emulated_vector emulated_set1(int32_t x)
{
    emulated_vector v;
    for (int i = 0; i < 16; i++)
        v.lane[i] = x;
    return v;
}

static inline emulated_vector emulated_load(const void *from)
{
    emulated_vector v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* Reads no lane that is masked out. */
static inline emulated_vector emulated_masked_load(unsigned mask, const void *from)
{
    emulated_vector v = emulated_set1(0);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy(&v.lane[i], (const uint8_t *)from + 4 * i, 4);
    return v;
}

static inline emulated_vector emulated_xor(emulated_vector a, emulated_vector b)
{
    for (int i = 0; i < 16; i++)
        a.lane[i] ^= b.lane[i];
    return a;
}

static inline emulated_vector emulated_add(emulated_vector a, emulated_vector b)
{
    for (int i = 0; i < 16; i++)
        a.lane[i] = (int32_t)((uint32_t)a.lane[i] + (uint32_t)b.lane[i]);
    return a;
}

/* VPDPBUSD: to each lane four products of unsigned bytes of a and signed bytes of b. */
static inline emulated_vector emulated_dpbusd(emulated_vector sum, emulated_vector a, emulated_vector b)
{
    uint8_t unsigned_bytes[64];
    int8_t signed_bytes[64];
    memcpy(unsigned_bytes, &a, 64);
    memcpy(signed_bytes, &b, 64);
    for (int i = 0; i < 64; i++)
        sum.lane[i / 4] = (int32_t)((uint32_t)sum.lane[i / 4] + (uint32_t)(unsigned_bytes[i] * signed_bytes[i]));
    return sum;
}

#define ANOM_X86_H
#define ANOM_AVX2 __attribute__((target("avx2")))
#define ANOM_VNNI ANOM_AVX2
#define anom_has_avx2() 1
#define anom_has_vnni() 1

#define __m512i emulated_vector
#define _mm512_setzero_si512() emulated_set1(0)
#define _mm512_set1_epi32 emulated_set1
#define _mm512_loadu_si512 emulated_load
#define _mm512_maskz_loadu_epi32 emulated_masked_load
#define _mm512_xor_si512 emulated_xor
#define _mm512_add_epi32 emulated_add
#define _mm512_dpbusd_epi32 emulated_dpbusd
#define _mm512_castsi512_si256(v) _mm256_loadu_si256((const __m256i *)(const void *)(v).lane)
#define _mm512_extracti64x4_epi64(v, n) _mm256_loadu_si256((const __m256i *)(const void *)((v).lane + 8 * (n)))
