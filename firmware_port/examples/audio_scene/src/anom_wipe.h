/* Wipe: zeros that no optimiser may leave out. */
#ifndef ANOM_WIPE_H
#define ANOM_WIPE_H

#include <stddef.h>

void anom_wipe(void *memory, size_t size);

/* Copy; where they overlap, `from` lies behind `to`. */
void anom_copy(void *to, const void *from, size_t size);

#endif
