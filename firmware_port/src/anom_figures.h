/* Figures of a day: its size, its shape, and how both lie to the own profile. Logarithms are in q10. */
#ifndef ANOM_FIGURES_H
#define ANOM_FIGURES_H

#include "anom_assumptions.h"

/* Figure of a day: its place among the figures. */
#define ANOM_FIGURE_TOTAL 0
#define ANOM_FIGURE_BUSIEST_10H 1
#define ANOM_FIGURE_QUIETEST_10H 2
#define ANOM_FIGURE_UNLIKENESS 3
#define ANOM_FIGURE_AMPLITUDE 4
#define ANOM_FIGURE_PHASE 5
#define ANOM_FIGURE_QUIET_HOURS 6
#define ANOM_FIGURE_BUSY_HOURS 7
#define ANOM_FIGURE_LAG 8
#define ANOM_FIGURE_ROUGHNESS 9
#define ANOM_FIGURE_LAST_6H 10
#define ANOM_FIGURES 11

/* A day by slots, and the own levels of these. */
typedef struct anom_figures_day {
    const int16_t *values;  /* 0 to 32767, one in each `stride` */
    const int16_t *levels;  /* 0 to 32767, one in each `stride` */
    const int16_t *cos_q14; /* slots values, one period of the cosine */
    int32_t slots;          /* 12 to 96, in fours */
    int32_t stride;         /* values of a slot; the first of them is looked at */
} anom_figures_day;

/* Figures of a day.
 *   latest   index of the newest slot: the last day ends with it
 *   found    ANOM_FIGURES values, each within int16 */
void anom_figures_of_day(const anom_figures_day *day, int32_t latest, int32_t *found);

#endif
