/* Levels kernel of cores with products of 16 by 32 bits: Cortex-M4, M7, M33, M55. */
#ifndef ANOM_LEVELS_DSP_H
#define ANOM_LEVELS_DSP_H

#include "anom_fixed.h"
#include "anom_levels.h"

#if ANOM_KERNELS_DSP

void anom_levels_run(const anom_limits_plan *plan, const anom_energy *energies, const int32_t *offset_q10, int32_t n,
                     int32_t *level)
{
    const uint16_t *table = ANOM_LOG2_TABLE_Q15;
    int32_t floor_q10 = plan->floor_q10;
    int32_t range_q10 = plan->range_q10;
    int32_t *behind = level + n;
    ANOM_IN(const anom_energy *, energy, r0, energies);
    ANOM_IN(const int32_t *, offset, r1, offset_q10);
    ANOM_IN(int32_t *, to, r2, level);
    ANOM_IN(int32_t *, end, r3, behind);
    ANOM_IN(const uint16_t *, table_q15, r4, table);
    ANOM_IN(int32_t, floor, r5, floor_q10);
    ANOM_IN(int32_t, range, r12, range_q10);
    __asm__ volatile("push {r2, r6-r11, lr}\n\t"
                     "mov r6, r5\n\t"      /* the largest */
                     "adds r11, r4, #2\n"
                     "1: ldrd r7, r8, [r0], #8\n\t"
                     "ldr r9, [r1], #4\n\t"
                     "cbz r7, 4f\n\t"
                     "clz r10, r7\n\t"
                     "lsl r7, r7, r10\n\t"
                     "sub r8, r8, r10\n\t"
                     "add r9, r9, #31744\n\t" /* 31 in q10 */
                     "add r9, r9, r8, lsl #10\n\t"
                     "ubfx r10, r7, #27, #4\n\t"
                     "ubfx r7, r7, #11, #16\n\t"
                     "ldrh r8, [r4, r10, lsl #1]\n\t"
                     "ldrh r10, [r11, r10, lsl #1]\n\t"
                     "sub r10, r10, r8\n\t"
                     "smlawb r8, r7, r10, r8\n\t"
                     "add r9, r9, r8, lsr #5\n\t"
                     "cmp r9, r5\n\t"
                     "blt 4f\n"
                     "2: cmp r9, r6\n\t"
                     "bgt 5f\n"
                     "3: str r9, [r2], #4\n\t"
                     "cmp r2, r3\n\t"
                     "bne 1b\n\t"
                     "b 6f\n"
                     "4: mov r9, r5\n\t"
                     "b 2b\n"
                     "5: mov r6, r9\n\t"
                     "b 3b\n"
                     "6: pop {r2}\n\t"
                     "sub r6, r6, r12\n"
                     "7: ldr r7, [r2], #4\n\t"
                     "cmp r7, r6\n\t"
                     "it lt\n\t"
                     "strlt r6, [r2, #-4]\n\t"
                     "cmp r2, r3\n\t"
                     "bne 7b\n\t"
                     "pop {r6-r11, lr}"
                     : "+r"(energy), "+r"(offset), "+r"(to)
                     : "r"(end), "r"(table_q15), "r"(floor), "r"(range)
                     : "cc", "memory");
}
#endif

#endif
