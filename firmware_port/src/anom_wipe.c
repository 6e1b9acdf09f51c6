/* Wipe: zeros that no optimiser may leave out. */
#include "anom_wipe.h"

#include <string.h>

#include "anom_kernels.h"

#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M

/* Four words at a time: C libraries of small cores may go byte by byte. */
void anom_wipe(void *memory, size_t size)
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
                     "6: pop {r4, r5}"
                     : "+r"(at), "+r"(left)
                     :
                     : "r2", "r3", "cc", "memory");
}

#else

void anom_wipe(void *memory, size_t size)
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
