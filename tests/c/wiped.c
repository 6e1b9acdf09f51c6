/* A secret on the stack: with -DPLAIN it is zeroed by a memset that an optimiser leaves out. */
#include <string.h>

#include "anom_wipe.h"

void fill(unsigned char *bytes, unsigned long n);

void victim(void)
{
    unsigned char secret[256];
    fill(secret, sizeof secret);
#ifdef PLAIN
    memset(secret, 0, sizeof secret);
#else
    anom_wipe(secret, sizeof secret);
#endif
}
