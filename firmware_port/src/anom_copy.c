/* Copy: samples into a window and within it, frames into the context. */
#include "anom_copy.h"

#include <stdint.h>
#include <string.h>

#include "anom_kernels.h"

int32_t anom_copy(void *to, const void *from, size_t size)
{
#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M
    if (((uintptr_t)to ^ (uintptr_t)from) & 3) {
        memmove(to, from, size);
        return 1;
    }
    ANOM_IN(void *, at, r0, to);
    ANOM_IN(const void *, next, r1, from);
    ANOM_IN(size_t, left, r2, size);
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r6}\n"
                     "1: lsls r3, r0, #30\n\t"
                     "beq 4f\n\t"
                     "cmp r2, #0\n\t"
                     "beq 6f\n\t"
                     "ldrb r3, [r1]\n\t"
                     "strb r3, [r0]\n\t"
                     "adds r0, #1\n\t"
                     "adds r1, #1\n\t"
                     "subs r2, #1\n\t"
                     "b 1b\n"
                     "3: ldm r1!, {r3-r6}\n\t"
                     "stm r0!, {r3-r6}\n"
                     "4: subs r2, #16\n\t"
                     "bcs 3b\n\t"
                     "adds r2, #16\n\t"
                     "beq 6f\n"
                     "5: ldrb r3, [r1]\n\t"
                     "strb r3, [r0]\n\t"
                     "adds r0, #1\n\t"
                     "adds r1, #1\n\t"
                     "subs r2, #1\n\t"
                     "bne 5b\n"
                     "6: pop {r4-r6}\n\t"
                     "movs r3, #0"
                     : "+r"(at), "+r"(next), "+r"(left)
                     :
                     : "r3", "cc", "memory");
    return 0;
#else
    memmove(to, from, size);
    return 1;
#endif
}
