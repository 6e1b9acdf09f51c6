/* Baseline: a follower of the score, in integers; what is judged is the score above it. */
#ifndef ANOM_BASELINE_H
#define ANOM_BASELINE_H

#include "anom_rung.h"

/* Rates at which the level follows the score. All 0: off, the level stays 0 and the score is not changed. */
typedef struct anom_baseline_plan {
    uint32_t start;    /* score: where the level starts */
    int32_t rise_q16;  /* part of the distance that it rises a tick, 1 to 65536; 0: off */
    int32_t fall_q16;  /* part of the distance that it falls a tick, 1 to 65536; 0: off */
    int64_t limit_q16; /* largest rise a tick, score in q16: up to 2**48 */
    int32_t hold;      /* ticks: the longest that an alarm freezes it; 0: as long as the alarm lasts */
    const anom_level_plan *reference; /* levels of the rung whose alarm freezes it; NULL: off */
} anom_baseline_plan;

typedef struct anom_baseline {
    const anom_baseline_plan *plan;
    uint32_t frozen;   /* ticks in alarm so far, 0 to hold */
    int64_t level_q16; /* 0 to 2**48 - 1 */
} anom_baseline;

void anom_baseline_init(anom_baseline *baseline, const anom_baseline_plan *plan);

/* Back to the start, as if nothing had been seen. */
void anom_baseline_reset(anom_baseline *baseline);

/* Part of a score that is above the level, 0 where it is below. */
uint32_t anom_baseline_above(const anom_baseline *baseline, uint32_t score);

/* Move toward a score; alarm: the reference rung is in alarm after this tick. */
void anom_baseline_follow(anom_baseline *baseline, uint32_t score, int32_t alarm);

#endif
