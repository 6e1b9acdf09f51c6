/* Duty: the pauses between its samples that a plan declares. */
#ifndef ANOM_DUTY_H
#define ANOM_DUTY_H

#include <stddef.h>
#include <stdint.h>

#include "anomsdk.h"

/* Let the hops of a declared pause pass, as anom_duty_pause does. */
typedef void anom_pause(anom_pipeline *pipeline, uint32_t hops);

/* Declared pauses, in samples. */
typedef struct anom_duty_plan {
    int32_t shortest_pause; /* half of what the duty says: what is shorter was lost */
    int32_t longest_pause;  /* what the duty says, and a 16th of the period */
    anom_pause *pause;      /* anom_duty_pause, which a program holds only where a plan names it */
} anom_duty_plan;

/* 1: n samples that did not come can be a declared pause.
 *   duty     NULL: none is declared */
static inline int32_t anom_duty_is_pause(const anom_duty_plan *duty, int32_t n)
{
    return duty != NULL && n >= duty->shortest_pause && n <= duty->longest_pause;
}

/* Let the hops of a declared pause pass: the counts of an alarm stay as they are. */
void anom_duty_pause(anom_pipeline *pipeline, uint32_t hops);

#endif
