/* FFT kernels of cores with one product of 32 by 32 bits and eight registers: Cortex-M0, M0+, M1, M23. */
#ifndef ANOM_FFT_V6M_H
#define ANOM_FFT_V6M_H

#include "anom_fft.h"
#include "anom_fixed.h"

#if ANOM_KERNELS_V6M

/* (r6, r0) = (r0, r1) * (cos - j sin) / 2 with the twiddle r2. Takes r1 to r5 and r7. */
#define ANOM_ROTATE          \
    "asrs r3, r2, #16\n\t"   \
    "sxth r2, r2\n\t"        \
    "asrs r4, r0, #16\n\t"   \
    "uxth r0, r0\n\t"        \
    "asrs r5, r1, #16\n\t"   \
    "uxth r1, r1\n\t"        \
    "movs r6, r4\n\t"        \
    "muls r6, r2, r6\n\t"    \
    "muls r4, r3, r4\n\t"    \
    "movs r7, r0\n\t"        \
    "muls r7, r2, r7\n\t"    \
    "muls r0, r3, r0\n\t"    \
    "asrs r7, r7, #16\n\t"   \
    "asrs r0, r0, #16\n\t"   \
    "adds r6, r6, r7\n\t"    \
    "adds r4, r4, r0\n\t"    \
    "movs r0, r5\n\t"        \
    "muls r0, r2, r0\n\t"    \
    "muls r5, r3, r5\n\t"    \
    "movs r7, r1\n\t"        \
    "muls r7, r2, r7\n\t"    \
    "muls r1, r3, r1\n\t"    \
    "asrs r7, r7, #16\n\t"   \
    "asrs r1, r1, #16\n\t"   \
    "adds r0, r0, r7\n\t"    \
    "adds r5, r5, r1\n\t"    \
    "adds r6, r6, r5\n\t"    \
    "subs r0, r0, r4\n\t"

/* r2 = r2 | where a bit of word differs from the one below it. Takes r7. */
#define ANOM_DIFFER(word)              \
    "lsls r7, " word ", #1\n\t"        \
    "eors " word ", " word ", r7\n\t"  \
    "orrs r2, r2, " word "\n\t"

#define ANOM_SAVE             \
    ".syntax unified\n\t"     \
    "push {r4-r7, lr}\n\t"    \
    "mov r4, r8\n\t"          \
    "mov r5, r9\n\t"          \
    "mov r6, r10\n\t"         \
    "mov r7, r11\n\t"         \
    "push {r4-r7}\n\t"

/* r3 is lost. */
#define ANOM_RESTORE          \
    "pop {r4-r7}\n\t"         \
    "mov r8, r4\n\t"          \
    "mov r9, r5\n\t"          \
    "mov r10, r6\n\t"         \
    "mov r11, r7\n\t"         \
    "pop {r4-r7}\n\t"         \
    "pop {r3}\n\t"            \
    "mov lr, r3"

/* Bits of the largest sample: where neighbouring bits of a sample first differ. */
__attribute__((noinline, unused)) static int32_t sample_bits(const int16_t *frame, int32_t n)
{
    const int16_t *behind = frame + n;
    ANOM_IN(const int16_t *, from, r0, frame);
    ANOM_IN(const int16_t *, end, r1, behind);
    ANOM_IN(uint32_t, all, r2, 0);
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7}\n"
                     "1: ldm r0!, {r3-r6}\n\t" ANOM_DIFFER("r3") ANOM_DIFFER("r4") ANOM_DIFFER("r5") ANOM_DIFFER("r6")
                     "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     "pop {r4-r7}"
                     : "+r"(from), "+r"(all)
                     : "r"(end)
                     : "r3", "cc", "memory");
    uint32_t found = all;
    return anom_bit_length((found | found >> 16) >> 1 & 0x7FFF);
}

/* Load, and transforms of two values, scaled by 1/2. lr counts bytes from the highest bit of a place down; behind the
 * last place is the lowest, 8. */
__attribute__((noinline, unused)) static void load_radix2(const anom_fft_plan *plan, const int16_t *frame,
                                                          int32_t bits, anom_complex *z)
{
    const int32_t *pairs_q15 = plan->window_pairs_q15;
    int32_t m = plan->length / 2;
    int32_t up = 15 - bits;
    const int16_t *middle = frame + m;
    int32_t top = m / 2 * (int32_t)sizeof *z;
    ANOM_IN(const int16_t *, samples, r0, frame);
    ANOM_IN(const int32_t *, window, r1, pairs_q15);
    ANOM_IN(anom_complex *, to, r2, z);
    ANOM_IN(int32_t, norm, r3, up);
    ANOM_IN(const int16_t *, half, r4, middle);
    ANOM_IN(int32_t, highest, r5, top);
    __asm__ volatile(ANOM_SAVE "mov r8, r0\n\t"
                     "mov r10, r1\n\t"
                     "mov r11, r2\n\t"
                     "mov r12, r3\n\t"
                     "ldr r4, [sp, #16]\n\t" /* r4 and r5, as they came */
                     "mov r9, r4\n\t"
                     "movs r0, #0\n\t"
                     "mov lr, r0\n"
                     "1: mov r7, r10\n\t"
                     "ldm r7!, {r0, r1}\n\t"
                     "mov r10, r7\n\t"
                     "mov r7, r8\n\t"
                     "ldm r7!, {r2}\n\t"
                     "mov r8, r7\n\t"
                     "mov r7, r9\n\t"
                     "ldm r7!, {r3}\n\t"
                     "mov r9, r7\n\t"
                     "sxth r4, r0\n\t"
                     "sxth r5, r2\n\t"
                     "muls r4, r5, r4\n\t"
                     "asrs r0, r0, #16\n\t"
                     "asrs r2, r2, #16\n\t"
                     "muls r0, r2, r0\n\t"
                     "sxth r5, r1\n\t"
                     "sxth r6, r3\n\t"
                     "muls r5, r6, r5\n\t"
                     "asrs r1, r1, #16\n\t"
                     "asrs r3, r3, #16\n\t"
                     "muls r1, r3, r1\n\t"
                     "mov r7, r12\n\t"
                     "lsls r4, r4, r7\n\t"
                     "lsls r0, r0, r7\n\t"
                     "lsls r5, r5, r7\n\t"
                     "lsls r1, r1, r7\n\t"
                     "asrs r4, r4, #1\n\t"
                     "asrs r0, r0, #1\n\t"
                     "asrs r5, r5, #1\n\t"
                     "asrs r1, r1, #1\n\t"
                     "adds r2, r4, r5\n\t"
                     "subs r4, r4, r5\n\t"
                     "adds r3, r0, r1\n\t"
                     "subs r5, r0, r1\n\t"
                     "mov r7, r11\n\t"
                     "add r7, lr\n\t"
                     "stm r7!, {r2-r5}\n\t"
                     "mov r0, lr\n\t"
                     "ldr r1, [sp, #20]\n\t"
                     "b 3f\n"
                     "2: subs r0, r0, r1\n\t"
                     "lsrs r1, r1, #1\n"
                     "3: tst r0, r1\n\t"
                     "bne 2b\n\t"
                     "adds r0, r0, r1\n\t"
                     "mov lr, r0\n\t"
                     "lsls r0, r0, #28\n\t"
                     "bpl 1b\n\t" ANOM_RESTORE
                     : "+r"(samples), "+r"(window), "+r"(to), "+r"(norm)
                     : "r"(half), "r"(highest)
                     : "r12", "cc", "memory");
}

/* Join four transforms of `done` values into one, scaled by 1/4, all over z. Returns the twiddles that follow. */
__attribute__((noinline, unused)) static const int32_t *radix4(const int32_t *twiddles, anom_complex *z, int32_t m,
                                                               int32_t done)
{
    int32_t apart = done * (int32_t)sizeof *z;
    anom_complex *behind = z + m;
    ANOM_IN(const int32_t *, twiddle, r0, twiddles);
    ANOM_IN(anom_complex *, a, r1, z);
    ANOM_IN(int32_t, stride, r2, apart);
    ANOM_IN(anom_complex *, end, r3, behind);
    __asm__ volatile(ANOM_SAVE "push {r0, r2, r3}\n\t"
                     "sub sp, #16\n\t"
                     "mov r8, r1\n"
                     /* a block: r8, r9, r10, r11 are its quarters a, c, b, d, r12 the twiddles, lr the end of a */
                     "1: mov r0, r8\n\t"
                     "ldr r2, [sp, #16]\n\t"
                     "mov r12, r2\n\t"
                     "ldr r2, [sp, #20]\n\t"
                     "adds r3, r0, r2\n\t"
                     "mov r9, r3\n\t"
                     "mov lr, r3\n\t"
                     "adds r7, r3, r2\n\t"
                     "mov r10, r7\n\t"
                     "adds r6, r7, r2\n\t"
                     "mov r11, r6\n\t"
                     /* the first is not rotated */
                     "ldm r7!, {r1, r2}\n\t"
                     "ldm r6!, {r4, r5}\n\t"
                     "asrs r1, r1, #1\n\t"
                     "asrs r2, r2, #1\n\t"
                     "asrs r4, r4, #1\n\t"
                     "asrs r5, r5, #1\n\t"
                     "adds r3, r1, r4\n\t"
                     "subs r1, r1, r4\n\t"
                     "adds r4, r2, r5\n\t"
                     "subs r2, r2, r5\n\t"
                     "asrs r1, r1, #1\n\t"
                     "asrs r2, r2, #1\n\t"
                     "asrs r3, r3, #1\n\t"
                     "asrs r4, r4, #1\n\t"
                     "mov r5, sp\n\t"
                     "stm r5!, {r1-r4}\n\t"
                     "mov r7, r9\n\t"
                     "ldr r6, [r7]\n\t"
                     "ldr r0, [r7, #4]\n\t"
                     "asrs r6, r6, #2\n\t"
                     "asrs r0, r0, #2\n\t"
                     "b 3f\n"
                     /* b */
                     "2: mov r7, r12\n\t"
                     "ldr r2, [r7]\n\t"
                     "mov r7, r10\n\t"
                     "ldm r7!, {r0, r1}\n\t" ANOM_ROTATE "str r6, [sp]\n\t"
                     "str r0, [sp, #4]\n\t"
                     /* d */
                     "mov r7, r12\n\t"
                     "ldr r2, [r7, #8]\n\t"
                     "mov r7, r11\n\t"
                     "ldm r7!, {r0, r1}\n\t" ANOM_ROTATE "ldr r1, [sp]\n\t"
                     "ldr r2, [sp, #4]\n\t"
                     "adds r3, r1, r6\n\t"
                     "subs r1, r1, r6\n\t"
                     "adds r4, r2, r0\n\t"
                     "subs r2, r2, r0\n\t"
                     "asrs r1, r1, #1\n\t"
                     "asrs r2, r2, #1\n\t"
                     "asrs r3, r3, #1\n\t"
                     "asrs r4, r4, #1\n\t"
                     "mov r5, sp\n\t"
                     "stm r5!, {r1-r4}\n\t" /* d1, s1 */
                     /* c */
                     "mov r7, r12\n\t"
                     "ldr r2, [r7, #4]\n\t"
                     "adds r7, #12\n\t"
                     "mov r12, r7\n\t"
                     "mov r7, r9\n\t"
                     "ldm r7!, {r0, r1}\n\t" ANOM_ROTATE "asrs r6, r6, #1\n\t"
                     "asrs r0, r0, #1\n"
                     /* a */
                     "3: mov r7, r8\n\t"
                     "ldm r7!, {r1, r2}\n\t"
                     "asrs r1, r1, #2\n\t"
                     "asrs r2, r2, #2\n\t"
                     "adds r3, r1, r6\n\t"
                     "subs r1, r1, r6\n\t" /* d0: r1, r2 */
                     "adds r4, r2, r0\n\t" /* s0: r3, r4 */
                     "subs r2, r2, r0\n\t"
                     "ldr r5, [sp, #8]\n\t"
                     "ldr r6, [sp, #12]\n\t"
                     "adds r0, r3, r5\n\t"
                     "subs r3, r3, r5\n\t"
                     "adds r5, r4, r6\n\t"
                     "subs r4, r4, r6\n\t"
                     "subs r7, #8\n\t"
                     "stm r7!, {r0, r5}\n\t"
                     "mov r8, r7\n\t"
                     "mov r7, r10\n\t"
                     "stm r7!, {r3, r4}\n\t"
                     "mov r10, r7\n\t"
                     "ldr r5, [sp]\n\t"
                     "ldr r6, [sp, #4]\n\t"
                     "adds r3, r1, r6\n\t"
                     "subs r1, r1, r6\n\t"
                     "subs r4, r2, r5\n\t"
                     "adds r2, r2, r5\n\t"
                     "mov r7, r9\n\t"
                     "stm r7!, {r3, r4}\n\t"
                     "mov r9, r7\n\t"
                     "mov r7, r11\n\t"
                     "stm r7!, {r1, r2}\n\t"
                     "mov r11, r7\n\t"
                     "cmp r8, lr\n\t"
                     "beq 4f\n\t"
                     "b 2b\n"
                     "4: mov r8, r7\n\t"
                     "ldr r2, [sp, #24]\n\t"
                     "cmp r7, r2\n\t"
                     "beq 5f\n\t"
                     "b 1b\n"
                     "5: mov r0, r12\n\t"
                     "add sp, #28\n\t" ANOM_RESTORE
                     : "+r"(twiddle), "+r"(end), "+r"(a), "+r"(stride)
                     :
                     : "r12", "cc", "memory");
    return twiddle;
}

/* Spectrum of the real window from that of the packed one, in place, scaled by 1/2: what lies in pairs. */
__attribute__((noinline, unused)) static void split_pairs(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    anom_complex *first = z + 1;
    anom_complex *last = z + m - 1;
    ANOM_IN(const int32_t *, twiddle, r0, twiddles);
    ANOM_IN(anom_complex *, lower, r1, first);
    ANOM_IN(anom_complex *, upper, r2, last);
    __asm__ volatile(ANOM_SAVE "sub sp, #8\n\t"
                     "mov r12, r0\n\t"
                     "mov r8, r1\n\t"
                     "mov r9, r2\n"
                     "1: mov r7, r8\n\t"
                     "ldm r7!, {r4, r5}\n\t"
                     "mov r7, r9\n\t"
                     "ldm r7!, {r2, r3}\n\t"
                     "asrs r4, r4, #1\n\t"
                     "asrs r5, r5, #1\n\t"
                     "asrs r2, r2, #1\n\t"
                     "asrs r3, r3, #1\n\t"
                     "adds r0, r5, r3\n\t" /* odd: r0, r1 */
                     "subs r1, r2, r4\n\t"
                     "asrs r4, r4, #1\n\t"
                     "asrs r5, r5, #1\n\t"
                     "asrs r2, r2, #1\n\t"
                     "asrs r3, r3, #1\n\t"
                     "adds r4, r4, r2\n\t" /* even */
                     "subs r5, r5, r3\n\t"
                     "str r4, [sp]\n\t"
                     "str r5, [sp, #4]\n\t"
                     "mov r7, r12\n\t"
                     "ldm r7!, {r2}\n\t"
                     "mov r12, r7\n\t" ANOM_ROTATE "ldr r1, [sp]\n\t"
                     "ldr r2, [sp, #4]\n\t"
                     "adds r3, r1, r6\n\t"
                     "subs r1, r1, r6\n\t"
                     "adds r4, r2, r0\n\t"
                     "subs r2, r2, r0\n\t"
                     "mov r7, r8\n\t"
                     "stm r7!, {r3, r4}\n\t"
                     "mov r8, r7\n\t"
                     "mov r7, r9\n\t"
                     "stm r7!, {r1, r2}\n\t"
                     "subs r7, #16\n\t"
                     "mov r9, r7\n\t"
                     "cmp r8, r9\n\t"
                     "bne 1b\n\t"
                     "add sp, #8\n\t" ANOM_RESTORE
                     : "+r"(twiddle), "+r"(lower), "+r"(upper)
                     :
                     : "r3", "r12", "cc", "memory");
}

#undef ANOM_DIFFER
#undef ANOM_ROTATE
#undef ANOM_SAVE
#undef ANOM_RESTORE
#endif

#endif
