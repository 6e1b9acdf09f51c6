/* Wipe: zeros that no optimiser may leave out. */
#include "anom_wipe.h"

#include <string.h>

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
