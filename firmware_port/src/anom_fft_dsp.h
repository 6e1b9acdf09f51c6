/* FFT kernels of cores with products of 16 by 32 bits: Cortex-M4, M7, M33, M55.
 *
 * z is a part of a pair; t is a twiddle, cos in its low half and sin in its high one:
 *   smulwb, smlawb   mulw(z, cos), and that added to something
 *   smulwt, smlawt   mulw(z, sin), and that added to something
 * A difference beside a sum is a - b = 2 a - (a + b), in place.
 *
 * The functions keep the registers that they use themselves: they are the same at every level of optimisation. What is
 * computed stands before the first ANOM_IN, see anom_kernels.h. */
#ifndef ANOM_FFT_DSP_H
#define ANOM_FFT_DSP_H

#include "anom_fft.h"
#include "anom_fixed.h"

#if ANOM_KERNELS_DSP

/* r2 = r2 | where a bit of word differs from the one below it. */
#define ANOM_DIFFER(word)                        \
    "eor " word ", " word ", " word ", lsl #1\n\t" \
    "orr r2, r2, " word "\n\t"

/* From memory and twiddles b + d (r4, r7), b - d (r8, r5) and c (r11, r9). */
#define ANOM_ROTATE                                  \
    "ldm r0!, {r9-r11}\n\t"                          \
    "ldrd r4, r5, [r12]\n\t"                         \
    "smulwb r8, r4, r9\n\t"                          \
    "smlawt r8, r5, r9, r8\n\t"                      \
    "smulwb r5, r5, r9\n\t"                          \
    "smulwt r4, r4, r9\n\t"                          \
    "subs r5, r4\n\t" /* b: r8, r5 */                \
    "ldrd r6, r7, [r3]\n\t"                          \
    "smlawb r4, r6, r11, r8\n\t"                     \
    "smlawt r4, r7, r11, r4\n\t"                     \
    "smlawb r7, r7, r11, r5\n\t"                     \
    "smulwt r6, r6, r11\n\t"                         \
    "subs r7, r6\n\t" /* b + d: r4, r7 */            \
    "rsb r8, r4, r8, lsl #1\n\t" /* b - d: r8, r5 */ \
    "rsb r5, r7, r5, lsl #1\n\t"                     \
    "ldrd r6, r9, [r2]\n\t"                          \
    "smulwb r11, r6, r10\n\t"                        \
    "smlawt r11, r9, r10, r11\n\t"                   \
    "smulwb r9, r9, r10\n\t"                         \
    "smulwt r6, r6, r10\n\t"                         \
    "sub r9, r6\n\t"                                 \
    "asr r11, r11, #1\n\t" /* c: r11, r9 */          \
    "asr r9, r9, #1\n\t"

/* With a from memory to the four outputs. */
#define ANOM_JOIN                                    \
    "ldrd r6, r10, [r1]\n\t"                         \
    "add r6, r11, r6, asr #2\n\t" /* s0: r6, r10 */  \
    "add r10, r9, r10, asr #2\n\t"                   \
    "sub r11, r6, r11, lsl #1\n\t" /* d0: r11, r9 */ \
    "sub r9, r10, r9, lsl #1\n\t"                    \
    "add r4, r6, r4, asr #1\n\t"                     \
    "add r7, r10, r7, asr #1\n\t"                    \
    "add r5, r11, r5, asr #1\n\t"                    \
    "sub r8, r9, r8, asr #1\n\t"                     \
    "rsb r6, r4, r6, lsl #1\n\t"                     \
    "rsb r10, r7, r10, lsl #1\n\t"                   \
    "rsb r11, r5, r11, lsl #1\n\t"                   \
    "rsb r9, r8, r9, lsl #1\n\t"                     \
    "strd r4, r7, [r1], #8\n\t"                      \
    "strd r5, r8, [r2], #8\n\t"                      \
    "strd r6, r10, [r12], #8\n\t"                    \
    "strd r11, r9, [r3], #8\n\t"

/* Bits of the largest sample: where neighbouring bits of a sample first differ. */
__attribute__((noinline)) static int32_t sample_bits(const int16_t *frame, int32_t n)
{
    const int16_t *behind = frame + n;
    ANOM_IN(const int16_t *, from, r0, frame);
    ANOM_IN(const int16_t *, end, r1, behind);
    ANOM_IN(uint32_t, all, r2, 0);
    __asm__ volatile("push {r4-r11}\n"
                     "1: ldm r0!, {r4-r11}\n\t" ANOM_DIFFER("r4") ANOM_DIFFER("r5") ANOM_DIFFER("r6") ANOM_DIFFER("r7")
                     ANOM_DIFFER("r8") ANOM_DIFFER("r9") ANOM_DIFFER("r10") ANOM_DIFFER("r11") "cmp r0, r1\n\t"
                     "bne 1b\n\t"
                     "pop {r4-r11}"
                     : "+r"(from), "+r"(all)
                     : "r"(end)
                     : "cc", "memory");
    uint32_t found = all;
    return anom_bit_length((found | found >> 16) >> 1 & 0x7FFF);
}

/* Load, and transforms of two values, scaled by 1/2. The sum of two products is halved by shifting it one less to the
 * left, but where nothing is shifted. Places are those of a counter whose bits are reversed: r10 counts from
 * 2**32 - 2**28 to 2**32, so that its reverse is 15 more than the bytes. */
__attribute__((noinline)) static void load_radix2(const anom_fft_plan *plan, const int16_t *frame, int32_t bits,
                                                  anom_complex *z)
{
    const int32_t *pairs_q15 = plan->window_pairs_q15;
    uintptr_t places = (uintptr_t)z - 15;
    int32_t up = 14 - bits;
    int32_t m = plan->length / 2;
    ANOM_IN(const int16_t *, samples, r0, frame);
    ANOM_IN(const int32_t *, window, r1, pairs_q15);
    ANOM_IN(uintptr_t, base, r2, places);
    ANOM_IN(int32_t, less, r3, up);
    ANOM_IN(int32_t, half, r12, m);
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "clz r11, r12\n\t"
                     "subs r11, #2\n\t"
                     "mov r10, #1\n\t"
                     "lsl r11, r10, r11\n\t"
                     "mov r10, #0xF0000000\n\t"
                     "add r12, r0, r12, lsl #1\n\t"
                     "cmp r3, #0\n\t"
                     "blt 2f\n"
                     "1: ldr r4, [r0], #4\n\t"
                     "ldr r5, [r12], #4\n\t"
                     "ldm r1!, {r6, r7}\n\t"
                     "smulbb r8, r4, r6\n\t"
                     "smultt r4, r4, r6\n\t"
                     "smlabb r6, r5, r7, r8\n\t"
                     "smlatt r5, r5, r7, r4\n\t"
                     "rsb r8, r6, r8, lsl #1\n\t"
                     "rsb r4, r5, r4, lsl #1\n\t"
                     "lsls r6, r3\n\t"
                     "lsl r7, r5, r3\n\t"
                     "lsl r8, r8, r3\n\t"
                     "lsl r9, r4, r3\n\t"
                     "rbit r4, r10\n\t"
                     "add r4, r2\n\t"
                     "stm r4, {r6-r9}\n\t"
                     "adds r10, r11\n\t"
                     "bne 1b\n\t"
                     "b 3f\n"
                     "2: ldr r4, [r0], #4\n\t"
                     "ldr r5, [r12], #4\n\t"
                     "ldm r1!, {r6, r7}\n\t"
                     "smulbb r8, r5, r7\n\t"
                     "smultt r9, r5, r7\n\t"
                     "smultt r7, r4, r6\n\t"
                     "smulbb r6, r4, r6\n\t"
                     "asr r8, r8, #1\n\t"
                     "asr r9, r9, #1\n\t"
                     "add r6, r8, r6, asr #1\n\t"
                     "add r7, r9, r7, asr #1\n\t"
                     "sub r8, r6, r8, lsl #1\n\t"
                     "sub r9, r7, r9, lsl #1\n\t"
                     "rbit r4, r10\n\t"
                     "add r4, r2\n\t"
                     "stm r4, {r6-r9}\n\t"
                     "adds r10, r11\n\t"
                     "bne 2b\n"
                     "3: pop {r4-r11, lr}"
                     : "+r"(samples), "+r"(window), "+r"(half)
                     : "r"(base), "r"(less)
                     : "cc", "memory");
}

/* Load, and transforms of four values, scaled by 1/4; places as above, of 31. */
__attribute__((noinline)) static void load_radix4(const anom_fft_plan *plan, const int16_t *frame, int32_t bits,
                                                  anom_complex *z)
{
    const int32_t *pairs_q15 = plan->window_pairs_q15;
    uintptr_t places = (uintptr_t)z - 31;
    int32_t half = plan->length / 2;
    int32_t up = 15 - bits;
    ANOM_IN(const int16_t *, samples, r0, frame);
    ANOM_IN(const int32_t *, window, r1, pairs_q15);
    ANOM_IN(uintptr_t, base, r2, places);
    ANOM_IN(int32_t, m, r3, half);
    ANOM_IN(int32_t, norm, r12, up);
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "clz r5, r3\n\t"
                     "subs r5, #2\n\t"
                     "movs r4, #1\n\t"
                     "lsls r4, r5\n\t"
                     "push {r4, r12}\n\t" /* from one place to the next, shift */
                     "mov r12, #0xF8000000\n"
                     "1: ldr lr, [sp, #4]\n\t"
                     "ldm r1!, {r4-r7}\n\t"
                     "ldr r10, [r0, r3]\n\t"
                     "smulbb r11, r10, r5\n\t"
                     "smultt r10, r10, r5\n\t" /* b: r11, r10 */
                     "adds r5, r0, r3\n\t"
                     "ldr r9, [r5, r3, lsl #1]\n\t"
                     "smulbb r8, r9, r7\n\t"
                     "smultt r9, r9, r7\n\t" /* d: r8, r9 */
                     "lsl r8, r8, lr\n\t"
                     "lsl r9, r9, lr\n\t"
                     "lsl r10, r10, lr\n\t"
                     "lsl r11, r11, lr\n\t"
                     "asr r10, r10, #1\n\t"
                     "asr r11, r11, #1\n\t"
                     "add r8, r11, r8, asr #1\n\t" /* b + d: r8, r9 */
                     "add r9, r10, r9, asr #1\n\t"
                     "rsb r10, r9, r10, lsl #1\n\t" /* b - d: r11, r10 */
                     "rsb r11, r8, r11, lsl #1\n\t"
                     "ldr r7, [r0, r3, lsl #1]\n\t"
                     "smulbb r5, r7, r6\n\t"
                     "smultt r7, r7, r6\n\t"
                     "lsl r6, r5, lr\n\t" /* c: r6, r7 */
                     "lsl r7, r7, lr\n\t"
                     "asrs r6, #2\n\t"
                     "asrs r7, #2\n\t"
                     "ldr r5, [r0], #4\n\t"
                     "smulbb lr, r5, r4\n\t"
                     "smultt r5, r5, r4\n\t"
                     "ldr r4, [sp, #4]\n\t"
                     "lsls r5, r4\n\t" /* a: r4, r5 */
                     "lsl r4, lr, r4\n\t"
                     "add r4, r6, r4, asr #2\n\t" /* s0: r4, r5 */
                     "add r5, r7, r5, asr #2\n\t"
                     "sub r6, r4, r6, lsl #1\n\t" /* d0: r6, r7 */
                     "sub r7, r5, r7, lsl #1\n\t"
                     "sub r8, r4, r8, asr #1\n\t"
                     "sub r9, r5, r9, asr #1\n\t"
                     "sub r10, r6, r10, asr #1\n\t"
                     "add r11, r7, r11, asr #1\n\t"
                     "rsb r4, r8, r4, lsl #1\n\t"
                     "rsb r5, r9, r5, lsl #1\n\t"
                     "rsb r6, r10, r6, lsl #1\n\t"
                     "rsb r7, r11, r7, lsl #1\n\t"
                     "rbit lr, r12\n\t"
                     "add lr, r2\n\t"
                     "stm lr, {r4-r11}\n\t"
                     "ldr lr, [sp]\n\t"
                     "adds r12, lr\n\t"
                     "bne 1b\n\t"
                     "pop {r4, r12}\n\t"
                     "pop {r4-r11, lr}"
                     : "+r"(samples), "+r"(window), "+r"(norm)
                     : "r"(base), "r"(m)
                     : "cc", "memory");
}

/* Join four transforms of `done` values into one, scaled by 1/4, all over z. Returns the twiddles that follow.
 * `done` is even: two butterflies at a time. */
__attribute__((noinline)) static const int32_t *radix4(const int32_t *twiddles, anom_complex *z, int32_t m,
                                                       int32_t done)
{
    int32_t apart = done * (int32_t)sizeof *z;
    anom_complex *behind = z + m;
    ANOM_IN(const int32_t *, twiddle, r0, twiddles);
    ANOM_IN(anom_complex *, a, r1, z);
    ANOM_IN(int32_t, stride, r2, apart);
    ANOM_IN(anom_complex *, end, r3, behind);
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "push {r0, r2, r3}\n"
                     "1: ldrd r0, r3, [sp]\n\t" /* a block: r1, r2, r12, r3 are its quarters a, c, b, d */
                     "add r2, r1, r3\n\t"
                     "add r12, r2, r3\n\t"
                     "add r3, r12\n\t"
                     "mov lr, r2\n\t"
                     "ldrd r8, r5, [r12]\n\t" /* the first is not rotated */
                     "ldrd r4, r7, [r3]\n\t"
                     "asr r8, r8, #1\n\t"
                     "asrs r5, #1\n\t"
                     "add r4, r8, r4, asr #1\n\t"
                     "add r7, r5, r7, asr #1\n\t"
                     "rsb r8, r4, r8, lsl #1\n\t"
                     "rsb r5, r7, r5, lsl #1\n\t"
                     "ldrd r11, r9, [r2]\n\t"
                     "asr r11, r11, #2\n\t"
                     "asr r9, r9, #2\n\t"
                     "b 3f\n"
                     "2: " ANOM_ROTATE "3: " ANOM_JOIN ANOM_ROTATE ANOM_JOIN
                     "cmp r1, lr\n\t"
                     "bne 2b\n\t"
                     "ldr r12, [sp, #8]\n\t"
                     "mov r1, r3\n\t"
                     "cmp r3, r12\n\t"
                     "bne 1b\n\t"
                     "add sp, #12\n\t"
                     "pop {r4-r11, lr}"
                     : "+r"(twiddle), "+r"(a), "+r"(stride), "+r"(end)
                     :
                     : "r12", "cc", "memory");
    return twiddle;
}

/* Spectrum of the real window from that of the packed one, in place, scaled by 1/2: what lies in pairs. */
__attribute__((noinline)) static void split_pairs(const int32_t *twiddles, anom_complex *z, int32_t m)
{
    anom_complex *first = z + 1;
    anom_complex *last = z + m - 1;
    ANOM_IN(const int32_t *, twiddle, r0, twiddles);
    ANOM_IN(anom_complex *, lower, r1, first);
    ANOM_IN(anom_complex *, upper, r2, last);
    __asm__ volatile("push {r4-r9}\n"
                     "1: ldr r3, [r0], #4\n\t"
                     "ldrd r4, r5, [r1]\n\t"
                     "ldrd r6, r7, [r2]\n\t"
                     "asr r8, r5, #1\n\t"
                     "add r8, r8, r7, asr #1\n\t" /* odd: r8, r9 */
                     "asr r9, r6, #1\n\t"
                     "sub r9, r9, r4, asr #1\n\t"
                     "asrs r4, #2\n\t"
                     "add r4, r4, r6, asr #2\n\t" /* even: r4, r5 */
                     "asrs r7, #2\n\t"
                     "rsb r5, r7, r5, asr #2\n\t"
                     "smlawb r6, r8, r3, r4\n\t"
                     "smlawt r6, r9, r3, r6\n\t"
                     "smlawb r7, r9, r3, r5\n\t"
                     "smulwt r8, r8, r3\n\t"
                     "sub r7, r7, r8\n\t"
                     "rsb r4, r6, r4, lsl #1\n\t"
                     "rsb r5, r7, r5, lsl #1\n\t"
                     "strd r6, r7, [r1], #8\n\t"
                     "strd r4, r5, [r2], #-8\n\t"
                     "cmp r1, r2\n\t"
                     "bne 1b\n\t"
                     "pop {r4-r9}"
                     : "+r"(twiddle), "+r"(lower), "+r"(upper)
                     :
                     : "r3", "cc", "memory");
}

#undef ANOM_DIFFER
#undef ANOM_ROTATE
#undef ANOM_JOIN
#endif

#endif
