/* Wipe: zeros that no optimiser may leave out. */
#ifndef ANOM_WIPE_H
#define ANOM_WIPE_H

#include <stddef.h>

void anom_wipe(void *memory, size_t size);

#endif
