/* Own profile: what is usual for one animal, person or room in each slot of the day, learnt slowly and in integers. */
#ifndef ANOM_PROFILE_H
#define ANOM_PROFILE_H

#include "anom_assumptions.h"

#define ANOM_PROFILE_MOST_SEEN 14    /* days that a profile remembers */
#define ANOM_PROFILE_RELEARNT_SEEN 4 /* days for which a profile counts that was frozen for as long as it may be */
#define ANOM_PROFILE_MOST_DEVIATION_Q8 2047 /* of a deviation, in magnitude */

/* Size of a profile, and its two times. */
typedef struct anom_profile_plan {
    int32_t slots;   /* of a day */
    int32_t columns; /* values of a slot */
    int32_t mature;  /* days before anything is judged, 2 to 14 */
    int32_t hold;    /* slots: the longest that an alarm freezes it */
} anom_profile_plan;

/* Small counts; the days that each slot has learnt follow. */
typedef struct anom_profile_counts {
    uint8_t days;     /* learnt, 0 to mature */
    uint8_t n_totals; /* 0 to 14 */
    uint8_t figures;  /* days that the levels of the figures have learnt, 0 to 14 */
    uint8_t unused;   /* 0 */
    uint8_t seen[];   /* slots values, 0 to 14 */
} anom_profile_counts;

/* Places of a profile in memory; its values are 0 to 32767. */
typedef struct anom_profile {
    const anom_profile_plan *plan;
    int16_t *total_anchor; /* columns values */
    int16_t *totals;       /* of the last 14 days, the newest first: columns values each */
    int16_t *level;        /* columns values of each slot, as those that follow */
    int16_t *spread;
    int16_t *anchor;
    anom_profile_counts *counts;
} anom_profile;

/* round(65536 / n), 0 for n = 0.
 *   n        0 to 14 */
uint32_t anom_profile_reciprocal_q16(uint32_t n);

/* Find the parts of a profile in its memory.
 *   memory   columns * (15 + 3 * slots) values, then the counts */
void anom_profile_init(anom_profile *profile, const anom_profile_plan *plan, int16_t *memory);

/* Forget everything, the count of the figures with it. */
void anom_profile_reset(const anom_profile *profile);

/* Learn the values of a slot of the day.
 *   slot     0 to slots - 1
 *   values   columns values, 0 to 32767 */
void anom_profile_learn(const anom_profile *profile, int32_t slot, const int16_t *values);

/* Learn the totals of a day, and become mature at the end of the first days.
 *   totals   columns values, 0 to 32767; of those that lie far from the mean, ones that lie nearer are learnt */
void anom_profile_learn_day(const anom_profile *profile, const int32_t *totals);

/* Move faster, as after few days, the levels of the figures with it: a change has lasted for as long as an alarm may
 * freeze the profile. */
void anom_profile_relearn(const anom_profile *profile);

/* Spreads by which values lie above their levels, and totals above the mean total, in q8, rounded down and limited.
 *   values     columns values of each slot
 *   totals     columns values
 *   deviations of the values, then of the totals */
void anom_profile_deviations_q8(const anom_profile *profile, const int16_t *values, const int32_t *totals,
                                int32_t *deviations);

/* 1: it has learnt enough days for a judgement. */
static inline int32_t anom_profile_is_mature(const anom_profile *profile)
{
    return profile->counts->days == profile->plan->mature;
}

/* Mean of the totals of a column that are remembered, 0 to 32767; 0 for none. */
int32_t anom_profile_mean_total(const anom_profile *profile, int32_t column);

#endif
