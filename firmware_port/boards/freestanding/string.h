/* The part of <string.h> that the port needs, for compilers that come without a C library. */
#ifndef ANOM_FREESTANDING_STRING_H
#define ANOM_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

#endif
