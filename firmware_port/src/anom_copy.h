/* Copy: samples into a window and within it, frames into the context. */
#ifndef ANOM_COPY_H
#define ANOM_COPY_H

#include <stddef.h>

/* Copy memory. Where the two places overlap, `from` lies behind `to`. */
void anom_copy(void *to, const void *from, size_t size);

#endif
