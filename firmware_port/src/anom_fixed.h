/* Fixed-point arithmetic: every rounding rule of the package, and nothing else. */
#ifndef ANOM_FIXED_H
#define ANOM_FIXED_H

#include "anom_assumptions.h"
#include "anom_kernels.h"

/* High half of 2 a b, rounded: a b / 2**31, ties up. Truncation after a nudge of the product's sign is the same.
 *   a, b     not both -2**31 */
static inline int32_t anom_saturating_rounding_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* x / 2**exponent, to nearest, ties away from zero.
 *   exponent 0 to 31 */
static inline int32_t anom_rounding_divide_by_pot(int32_t x, int32_t exponent)
{
    uint32_t mask = (UINT32_C(1) << exponent) - 1;
    uint32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + (((uint32_t)x & mask) > threshold);
}

/* x * multiplier * 2**(shift - 31), rounded twice.
 *   x          x * 2**max(shift, 0) fits int32
 *   multiplier 0, or 2**30 to 2**31 - 1
 *   shift      -31 to 30 */
static inline int32_t anom_multiply_by_quantized_multiplier(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift >= 0) return anom_saturating_rounding_doubling_high_mul(x * (INT32_C(1) << shift), multiplier);
    int32_t high = anom_saturating_rounding_doubling_high_mul(x, multiplier); /* above -2**31 */
    return (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1; /* as anom_rounding_divide_by_pot, in fewer steps */
}

/* (value * gain + bias) / 2**shift rounded down, clamped; the bias holds one half.
 *   gain       0 to 2**31 - 1, |value| * gain + |bias| < 2**31
 *   shift      1 to 31
 *   low, high  bounds of the result, within -128 to 127 */
static inline int8_t anom_affine_int8(int32_t value, int32_t gain, int32_t bias, int32_t shift, int32_t low,
                                      int32_t high)
{
    int32_t x = (value * gain + bias) >> shift;
    return (int8_t)(x < low ? low : x > high ? high : x);
}

/* Sum of two counts, up to 2**32 - 1. */
static inline uint32_t anom_saturating_add(uint32_t a, uint32_t b)
{
    return a + b < a ? UINT32_MAX : a + b;
}

/* Number of bits of x, 0 for 0. */
static inline int32_t anom_bit_length(uint32_t x)
{
#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M
    uint32_t zeros;
    __asm__("clz %0, %1" : "=r"(zeros) : "r"(x));
    return 32 - (int32_t)zeros;
#else
    int32_t n = 0;
    if (x >> 16) {
        x >>= 16;
        n += 16;
    }
    if (x >> 8) {
        x >>= 8;
        n += 8;
    }
    if (x >> 4) {
        x >>= 4;
        n += 4;
    }
    if (x >> 2) {
        x >>= 2;
        n += 2;
    }
    return n + (int32_t)(x < 2 ? x : 2);
#endif
}

/* 32768 log2(1 + i / 16) */
extern const uint16_t ANOM_LOG2_TABLE_Q15[17];

/* Binary logarithm of x in q10, 0 to 32767; that of 0 is given as that of 1. */
int32_t anom_log2_q10(uint32_t x);

/* Binary logarithm in q10 of a number of up to 63 bits, as anom_log2_q10 gives it: the number is first shifted down to
 * 32 bits. */
int32_t anom_log2_wide_q10(uint64_t x);

/* Square root, rounded down, 0 to 65535. */
uint32_t anom_floor_sqrt(uint32_t x);

/* Angle of the vector (x, y) from the x axis, in radians q12, 0 to 12868, by CORDIC; that of (0, 0) is 0.
 *   x        -2**17 to 2**17
 *   y        0 to 2**17 */
int32_t anom_angle_q12(int32_t x, int32_t y);

/* z * w / 2**16, rounded down: in one product where registers hold 64 bits, else in two of 32.
 *   w        -32768 to 32767 */
static inline int32_t anom_mulw(int32_t z, int32_t w)
{
#if ANOM_KERNELS_DSP
    int32_t product;
    __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(z), "r"(w));
    return product;
#elif ANOM_KERNELS_V7M
    return (int32_t)(((int64_t)z * (w * 65536)) >> 32);
#elif UINTPTR_MAX > 0xFFFFFFFF
    return (int32_t)(((int64_t)z * w) >> 16);
#else
    return (z >> 16) * w + (((z & 0xFFFF) * w) >> 16);
#endif
}

#endif
