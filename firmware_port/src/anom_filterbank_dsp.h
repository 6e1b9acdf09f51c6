/* Filter bank kernel of cores with products of 16 by 32 bits: Cortex-M4, M7, M33, M55. */
#ifndef ANOM_FILTERBANK_DSP_H
#define ANOM_FILTERBANK_DSP_H

#include "anom_filterbank.h"
#include "anom_kernels.h"

#if ANOM_KERNELS_DSP

/* r10 = r10 | bits of a bin. */
#define ANOM_BITS(re, im)                   \
    "eor " re ", " re ", " re ", asr #31\n\t" \
    "eor " im ", " im ", " im ", asr #31\n\t" \
    "orr r10, r10, " re "\n\t"              \
    "orr r10, r10, " im "\n\t"

/* Shift from all bits. */
#define ANOM_SHIFT           \
    "ldr r4, [sp, #16]\n\t"  \
    "clz r10, r10\n\t"       \
    "sub r10, r4, r10\n\t"   \
    "bic r10, r10, r10, asr #31\n\t"

/* re = power of a bin, r8 = r8 + power / 2. */
#define ANOM_POWER(re, im)                   \
    "asr " re ", " re ", r10\n\t"            \
    "asr " im ", " im ", r10\n\t"            \
    "mul " re ", " re ", " re "\n\t"         \
    "mla " re ", " im ", " im ", " re "\n\t" \
    "add r8, r8, " re ", lsr #1\n\t"

/* Exponent from shift. */
#define ANOM_EXPONENT       \
    "ldr r4, [sp, #20]\n\t" \
    "add r10, r4, r10, lsl #1\n\t"

/* (r4, r5) = (r4, r5) + (r8, r10), as anom_energy_add; what is shifted by 32 and more is 0. */
#define ANOM_ADD           \
    "sub r6, r10, r5\n\t"  \
    "usat r7, #8, r6\n\t"  \
    "lsrs r4, r7\n\t"      \
    "subs r6, r7, r6\n\t"  \
    "lsr r8, r8, r6\n\t"   \
    "adds r5, r5, r7\n\t"  \
    "add r4, r8\n\t"       \
    "lsrs r6, r4, #31\n\t" \
    "lsrs r4, r6\n\t"      \
    "adds r5, r5, r6\n\t"

/* The bins are walked once: r0 is the next, r12 the end of its segment. On the stack: rise of the segment before and
 * rest of the band's own, which is -1 before the first band; the exponent of 0 may be any here. */
void anom_filterbank_run(const anom_filterbank_plan *plan, const anom_complex *spectrum, int32_t bits,
                         anom_energy *bands)
{
    const anom_complex *start = spectrum + plan->edges[0];
    const int16_t *minus_rises_q15 = plan->minus_rise_q15;
    const uint16_t *edges = plan->edges + 1;
    int32_t word_less_value = 32 - plan->value_bits;
    int32_t bits_twice = 2 * bits;
    anom_energy *behind = bands + plan->n_bands;
    ANOM_IN(const anom_complex *, bin, r0, start);
    ANOM_IN(const int16_t *, minus_rise_q15, r1, minus_rises_q15);
    ANOM_IN(const uint16_t *, edge, r2, edges);
    ANOM_IN(anom_energy *, band, r3, bands);
    ANOM_IN(int32_t, most, r4, word_less_value);
    ANOM_IN(int32_t, twice, r5, bits_twice);
    ANOM_IN(anom_energy *, end, r6, behind);
    ANOM_IN(const anom_complex *, first, r12, spectrum);
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "push {r4-r6}\n\t"
                     "mov r8, #0\n\t"
                     "mov r10, #-1\n\t"
                     "push {r8-r11}\n\t"
                     "mov lr, r12\n\t"
                     "b 4f\n"
                     /* the band's own segment */
                     "1: mov r4, r0\n\t"
                     "mov r10, #0\n"
                     "2: ldrd r5, r6, [r4], #8\n\t" ANOM_BITS("r5", "r6") "cmp r4, r12\n\t"
                     "bne 2b\n\t" ANOM_SHIFT "mov r8, #0\n"
                     "3: ldrd r5, r6, [r0], #8\n\t" ANOM_POWER("r5", "r6") "cmp r0, r12\n\t"
                     "bne 3b\n\t" ANOM_EXPONENT "strd r8, r10, [sp, #8]\n\t"
                     "b 4f\n"
                     /* what is rare: a rest of 0, and a rise of 0 before it */
                     "10: mov r9, #0\n\t"
                     "b 9f\n"
                     "11: cmp r4, #0\n\t"
                     "bne 13f\n"
                     "12: mov r4, r8\n\t"
                     "movs r5, #0\n\t"
                     "cmp r4, #0\n\t"
                     "beq 13f\n\t"
                     "mov r5, r10\n\t"
                     "b 13f\n"
                     "14: movs r6, #0\n\t"
                     "ldrd r8, r10, [sp, #8]\n\t"
                     "str r6, [sp, #8]\n\t"
                     "b 17f\n"
                     /* a band is done: the next */
                     "15: strd r4, r5, [r3], #8\n\t"
                     "ldr r6, [sp, #24]\n\t"
                     "cmp r3, r6\n\t"
                     "beq 16f\n"
                     "18: ldrh r12, [r2], #2\n\t"
                     "add r12, lr, r12, lsl #3\n\t"
                     "cmp r12, r0\n\t"
                     "bne 1b\n"
                     /* the segment that it shares with the next */
                     "4: ldrh r12, [r2], #2\n\t"
                     "add r12, lr, r12, lsl #3\n\t"
                     "mov r8, #0\n\t"
                     "mov r10, #0\n\t"
                     "mov r4, r0\n\t"
                     "subs r11, r12, r0\n\t"
                     "beq 10b\n\t"
                     "tst r11, #8\n\t"
                     "beq 5f\n\t"
                     "ldrd r5, r6, [r4], #8\n\t" ANOM_BITS("r5", "r6") "cmp r4, r12\n\t"
                     "beq 6f\n"
                     "5: ldm r4!, {r5-r7, r9}\n\t" ANOM_BITS("r5", "r6") ANOM_BITS("r7", "r9") "cmp r4, r12\n\t"
                     "bne 5b\n"
                     "6: " ANOM_SHIFT "mov r9, #0\n\t"
                     "tst r11, #8\n\t"
                     "beq 7f\n\t"
                     "ldrd r5, r6, [r0], #8\n\t"
                     "ldrsh r7, [r1], #2\n\t" ANOM_POWER("r5", "r6") "smlawb r9, r5, r7, r9\n\t"
                     "cmp r0, r12\n\t"
                     "beq 8f\n"
                     "7: ldm r0!, {r4-r7}\n\t"
                     "ldrsh r11, [r1], #2\n\t" ANOM_POWER("r4", "r5") "smlawb r9, r4, r11, r9\n\t"
                     "ldrsh r11, [r1], #2\n\t" ANOM_POWER("r6", "r7") "smlawb r9, r6, r11, r9\n\t"
                     "cmp r0, r12\n\t"
                     "bne 7b\n"
                     "8: " ANOM_EXPONENT "add r8, r8, r9\n\t"
                     "bic r8, r8, r8, asr #31\n\t"
                     "rsb r9, r9, #0\n"
                     /* band = rise before + rest, + own */
                     "9: ldrd r4, r5, [sp]\n\t"
                     "strd r9, r10, [sp]\n\t"
                     "cmp r8, #0\n\t"
                     "beq 11b\n\t"
                     "cmp r4, #0\n\t"
                     "beq 12b\n"
                     "17: " ANOM_ADD
                     "13: ldr r6, [sp, #8]\n\t"
                     "cmp r6, #0\n\t"
                     "beq 15b\n\t"
                     "bgt 14b\n\t"
                     "movs r6, #0\n\t"
                     "str r6, [sp, #8]\n\t"
                     "b 18b\n"
                     "16: add sp, #28\n\t"
                     "pop {r4-r11, lr}"
                     : "+r"(bin), "+r"(minus_rise_q15), "+r"(edge), "+r"(band), "+r"(first)
                     : "r"(most), "r"(twice), "r"(end)
                     : "cc", "memory");
}

#undef ANOM_BITS
#undef ANOM_SHIFT
#undef ANOM_POWER
#undef ANOM_EXPONENT
#undef ANOM_ADD
#endif

#endif
