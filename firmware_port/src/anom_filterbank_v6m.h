/* Filter bank kernels of cores with one product of 32 by 32 bits and eight registers: Cortex-M0, M0+, M1, M23. */
#ifndef ANOM_FILTERBANK_V6M_H
#define ANOM_FILTERBANK_V6M_H

#include "anom_filterbank.h"
#include "anom_fixed.h"

#if ANOM_KERNELS_V6M

/* The largest of the parts in bits, a sign apart. */
__attribute__((noinline, unused)) static int32_t bits_of(const anom_complex *bins, int32_t n)
{
    if (n == 0) return 0;
    const anom_complex *behind = bins + n;
    ANOM_IN(const anom_complex *, bin, r0, bins);
    ANOM_IN(const anom_complex *, end, r1, behind);
    ANOM_IN(uint32_t, all, r2, 0);
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5}\n"
                     "1: ldm r0!, {r3, r4}\n\t"
                     "asrs r5, r3, #31\n\t"
                     "eors r3, r3, r5\n\t"
                     "orrs r2, r2, r3\n\t"
                     "asrs r5, r4, #31\n\t"
                     "eors r4, r4, r5\n\t"
                     "orrs r2, r2, r4\n\t"
                     "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     "pop {r4, r5}"
                     : "+r"(bin), "+r"(all)
                     : "r"(end)
                     : "r3", "cc", "memory");
    uint32_t found = all;
    return anom_bit_length(found);
}

/* Half the power of n bins that are shifted down; minus the upper band's share of it.
 *   minus_rise_q15  n values, or NULL where there is no such share */
__attribute__((noinline, unused)) static int32_t halves_of(const anom_complex *bins, int32_t n, int32_t shift,
                                                           const int16_t *minus_rise_q15, int32_t *minus_rises)
{
    *minus_rises = 0;
    if (n == 0) return 0;
    const anom_complex *behind = bins + n;
    ANOM_IN(const anom_complex *, bin, r0, bins);
    ANOM_IN(const anom_complex *, end, r1, behind);
    ANOM_IN(int32_t, sum, r2, shift); /* the shift at first */
    ANOM_IN(const int16_t *, minus_rise, r3, minus_rise_q15);
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7}\n\t"
                     "mov r12, r8\n\t"
                     "mov r7, r9\n\t"
                     "push {r7}\n\t"
                     "movs r7, #0\n\t"
                     "mov r8, r7\n\t"
                     "mov r9, r7\n\t"
                     "cmp r3, #0\n\t"
                     "beq 2f\n"
                     "1: ldm r0!, {r4, r5}\n\t"
                     "asrs r4, r4, r2\n\t"
                     "asrs r5, r5, r2\n\t"
                     "muls r4, r4, r4\n\t"
                     "muls r5, r5, r5\n\t"
                     "adds r4, r4, r5\n\t"
                     "lsrs r5, r4, #1\n\t"
                     "add r8, r5\n\t"
                     "ldrsh r5, [r3, r7]\n\t"
                     "adds r3, r3, #2\n\t"
                     "lsrs r6, r4, #16\n\t"
                     "muls r6, r5, r6\n\t"
                     "uxth r4, r4\n\t"
                     "muls r4, r5, r4\n\t"
                     "asrs r4, r4, #16\n\t"
                     "add r9, r4\n\t"
                     "add r9, r6\n\t"
                     "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     "b 3f\n"
                     "2: ldm r0!, {r4, r5}\n\t"
                     "asrs r4, r4, r2\n\t"
                     "asrs r5, r5, r2\n\t"
                     "muls r4, r4, r4\n\t"
                     "muls r5, r5, r5\n\t"
                     "adds r4, r4, r5\n\t"
                     "lsrs r4, r4, #1\n\t"
                     "add r8, r4\n\t"
                     "cmp r0, r1\n\t"
                     "bne 2b\n"
                     "3: mov r2, r8\n\t"
                     "mov r3, r9\n\t"
                     "pop {r0}\n\t"
                     "mov r9, r0\n\t"
                     "mov r8, r12\n\t"
                     "pop {r4-r7}"
                     : "+r"(bin), "+r"(sum), "+r"(minus_rise)
                     : "r"(end)
                     : "r12", "cc", "memory");
    int32_t halves = sum;
    *minus_rises = (int32_t)(uintptr_t)minus_rise;
    return halves;
}
#endif

#endif
