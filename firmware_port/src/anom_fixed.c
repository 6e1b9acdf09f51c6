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
