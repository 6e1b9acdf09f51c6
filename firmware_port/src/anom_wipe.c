/* Wipe: zeros that no optimiser may leave out. */
#include "anom_wipe.h"

#include <stdint.h>
#include <string.h>

#include "anom_kernels.h"

/* Bytes of the stack that the work of a hop uses below the function that wipes it: of extractors in general, and of
 * motion, both with a diary; those of days are a bound. They are those of gcc and clang at -Os and at -O2, with and
 * without -flto. `anomsdk audit --elf` shows if they are enough for a build; -DANOM_STACK_BYTES=... and
 * -DANOM_STACK_MOTION_BYTES=... give others, multiples of 8. */
#define THUMB (ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M)
#if !THUMB && defined(__OPTIMIZE_SIZE__) && defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ == 4
#define STACK_BYTES 400
#define STACK_MOTION_BYTES 400
#elif !THUMB || !defined(__OPTIMIZE__)
#define STACK_BYTES 1024
#define STACK_MOTION_BYTES 1024
#elif ANOM_KERNELS_V6M && defined(__OPTIMIZE_SIZE__)
#define STACK_BYTES 504
#define STACK_MOTION_BYTES 528
#elif ANOM_KERNELS_V6M
#define STACK_BYTES 608
#define STACK_MOTION_BYTES 624
#elif defined(__OPTIMIZE_SIZE__) && defined(__ARM_ARCH_7EM__) /* Cortex-M4, M7 */
#define STACK_BYTES 336
#define STACK_MOTION_BYTES 464
#elif defined(__OPTIMIZE_SIZE__)
#define STACK_BYTES 480
#define STACK_MOTION_BYTES 520
#elif defined(__ARM_ARCH_7EM__)
#define STACK_BYTES 480
#define STACK_MOTION_BYTES 496
#else
#define STACK_BYTES 512
#define STACK_MOTION_BYTES 512
#endif
#ifndef ANOM_STACK_BYTES
#define ANOM_STACK_BYTES STACK_BYTES
#endif
#ifndef ANOM_STACK_MOTION_BYTES
#define ANOM_STACK_MOTION_BYTES STACK_MOTION_BYTES
#endif
#ifndef ANOM_STACK_DAYS_BYTES
#define ANOM_STACK_DAYS_BYTES (ANOM_STACK_BYTES < 640 ? 640 : ANOM_STACK_BYTES)
#endif
#define COPY_BYTES 128 /* of memmove, which is short in any C library */

/* Flags of the core, some of which DSP instructions leave from the values that they add. */
#if ANOM_KERNELS_DSP
#define CLEAR_FLAGS "msr APSR_nzcvqg, r2"
#elif ANOM_KERNELS_V7M
#define CLEAR_FLAGS "msr APSR_nzcvq, r2"
#else
#define CLEAR_FLAGS ""
#endif

#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M

/* Four words at a time: C libraries of small cores may go byte by byte. */
ANOM_NOINLINE void anom_wipe(void *memory, size_t size)
{
    ANOM_IN(void *, at, r0, memory);
    ANOM_IN(size_t, left, r1, size);
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5}\n\t"
                     "movs r2, #0\n"
                     "1: lsls r3, r0, #30\n\t"
                     "beq 2f\n\t"
                     "cmp r1, #0\n\t"
                     "beq 6f\n\t"
                     "strb r2, [r0]\n\t"
                     "adds r0, #1\n\t"
                     "subs r1, #1\n\t"
                     "b 1b\n"
                     "2: movs r4, #0\n\t" /* r3 is 0 */
                     "movs r5, #0\n\t"
                     "b 4f\n"
                     "3: stm r0!, {r2-r5}\n"
                     "4: subs r1, #16\n\t"
                     "bcs 3b\n\t"
                     "adds r1, #16\n\t"
                     "beq 6f\n"
                     "5: strb r2, [r0]\n\t"
                     "adds r0, #1\n\t"
                     "subs r1, #1\n\t"
                     "bne 5b\n"
                     "6: pop {r4, r5}\n\t"
                     "mov r12, r2\n\t" CLEAR_FLAGS
                     : "+r"(at), "+r"(left)
                     :
                     : "r2", "r3", "r12", "cc", "memory");
}

#else

ANOM_NOINLINE void anom_wipe(void *memory, size_t size)
{
#ifdef __GNUC__
    memset(memory, 0, size);
    __asm__ volatile("" : : "r"(memory) : "memory"); /* as far as the compiler knows, this reads the zeros */
#else
    volatile unsigned char *bytes = memory;
    while (size--)
        *bytes++ = 0;
#endif
}
#endif

ANOM_NOINLINE void anom_wipe_stack(void)
{
    uint64_t dead[ANOM_STACK_BYTES / 8];
    anom_wipe(dead, sizeof dead);
}

ANOM_NOINLINE void anom_wipe_stack_copy(void)
{
    uint64_t dead[COPY_BYTES / 8];
    anom_wipe(dead, sizeof dead);
}

ANOM_NOINLINE void anom_wipe_stack_motion(void)
{
    uint64_t dead[ANOM_STACK_MOTION_BYTES / 8];
    anom_wipe(dead, sizeof dead);
}

ANOM_NOINLINE void anom_wipe_stack_days(void)
{
    uint64_t dead[ANOM_STACK_DAYS_BYTES / 8];
    anom_wipe(dead, sizeof dead);
}
