/* Wipe: zeros that no optimiser may leave out. */
#ifndef ANOM_WIPE_H
#define ANOM_WIPE_H

#include <stddef.h>

/* A function of which there is one copy, with a stack frame of its own. */
#ifdef __GNUC__
#define ANOM_NOINLINE __attribute__((noinline))
#else
#define ANOM_NOINLINE
#endif

/* Zero bytes, and leave nothing in the registers that a function may change. */
void anom_wipe(void *memory, size_t size);

/* Zero the stack below the frame of the caller, where the functions that it has called kept their variables: of a hop,
 * of one of the motion extractor, of one of days, and of a copy by the C library. */
void anom_wipe_stack(void);
void anom_wipe_stack_motion(void);
void anom_wipe_stack_days(void);
void anom_wipe_stack_copy(void);

#endif
