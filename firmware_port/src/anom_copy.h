/* Copy: samples into a window and within it, frames into the context. */
#ifndef ANOM_COPY_H
#define ANOM_COPY_H

#include <stddef.h>
#include <stdint.h>

/* Copy memory. Where the two places overlap, `from` lies behind `to`.
 * 1: a function of the C library did it, which may leave parts of it in registers and on the stack; 0: it left none. */
int32_t anom_copy(void *to, const void *from, size_t size);

/* 1: the processor may have the highest byte of a number first. */
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define ANOM_MAY_TURN 1
#else
#define ANOM_MAY_TURN 0
#endif

#if ANOM_MAY_TURN
/* Turn the bytes of n numbers around, where the lowest one does not lie first.
 *   size     bytes of each number */
static inline void anom_turn(uint8_t *number, int32_t size, int32_t n)
{
    const uint16_t one = 1;
    if (*(const uint8_t *)&one) return;
    for (; n > 0; n--, number += size) {
        for (int32_t k = 0; k < size >> 1; k++) {
            uint8_t byte = number[k];
            number[k] = number[size - 1 - k];
            number[size - 1 - k] = byte;
        }
    }
}
#endif

#endif
