/* Fixed-point arithmetic: every rounding rule of the package, and nothing else. */
#include "anom_fixed.h"

/* 32768 log2(1 + i / 16) */
const uint16_t ANOM_LOG2_TABLE_Q15[17] = {
    0,     2866,  5568,  8124,  10549, 12855, 15055, 17156, 19168,
    21098, 22952, 24736, 26455, 28114, 29717, 31267, 32768,
};

int32_t anom_log2_q10(uint32_t x)
{
    x = x > 0 ? x : 1;
    int32_t exponent = anom_bit_length(x) - 1;
    uint32_t mantissa = x << (31 - exponent); /* 2**31 to 2**32 - 1 */
    uint32_t index = (mantissa >> 27) & 15;
    uint32_t fraction_q16 = (mantissa >> 11) & 0xFFFF;
    uint32_t low = ANOM_LOG2_TABLE_Q15[index];
    uint32_t step = ANOM_LOG2_TABLE_Q15[index + 1] - low; /* at most 2866, so step * fraction < 2**28 */
    return exponent * 1024 + (int32_t)((low + ((step * fraction_q16) >> 16)) >> 5);
}

int32_t anom_log2_wide_q10(uint64_t x)
{
    uint32_t high = (uint32_t)(x >> 32); /* below 2**31 */
    int32_t beyond = anom_bit_length(high);
    uint32_t low = (uint32_t)x >> beyond | high << 1 << (31 - beyond); /* a shift of 32 is none in C */
    return anom_log2_q10(low) + beyond * 1024;
}

/* 128 sqrt(32 / (i + 1/2)) for i = 8 to 31 rounded: an inverse root, q7. */
static const uint8_t INVERSE_ROOT_Q7[24] = {
    248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,
    160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,
};

/* One Newton step for the inverse root, one for the root: exact or 1 below, as trying each x has shown. */
uint32_t anom_floor_sqrt(uint32_t x)
{
    if (x == 0) return 0;
    int32_t pairs = (32 - anom_bit_length(x)) >> 1;
    uint32_t mantissa = x << (2 * pairs); /* 2**30 to 2**32 - 1 */
    uint32_t inverse_q7 = INVERSE_ROOT_Q7[(mantissa >> 27) - 8];
    uint32_t rest_q14 = (3 * (UINT32_C(1) << 30) - (mantissa >> 16) * inverse_q7 * inverse_q7) >> 16;
    uint32_t inverse_q15 = rest_q14 * inverse_q7 >> 7;
    uint32_t root = (mantissa >> 16) * inverse_q15 >> 15;
    int32_t beyond = (int32_t)(mantissa - root * root) >> 10;
    root = (root + (uint32_t)(beyond * (int32_t)inverse_q15 >> 22)) >> pairs;
    return root + (x - root * root > 2 * root);
}

/* 65536 atan(2**-i) */
static const uint16_t ATAN_Q16[15] = {51472, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4};

int32_t anom_angle_q12(int32_t x, int32_t y)
{
    /* A quarter turn brings it to the front; twelve more bits are for what the shifts lose. */
    int32_t angle = x < 0 ? 102944 : 0;
    int32_t along = (x < 0 ? y : x) * 4096;
    int32_t across = (x < 0 ? -x : y) * 4096;
    for (int32_t i = 0; i < 15; i++) {
        int32_t turned = along >> i;
        int32_t risen = across >> i;
        int32_t left = across > 0;
        along += left ? risen : -risen;
        across -= left ? turned : -turned;
        angle += left ? ATAN_Q16[i] : -(int32_t)ATAN_Q16[i];
    }
    angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;
    return (angle + 8) >> 4;
}
