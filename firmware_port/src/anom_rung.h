/* Rung: hits of one alarm level, and when it is up. M-of-N, on-delay, off-delay, then cooldown. */
#ifndef ANOM_RUNG_H
#define ANOM_RUNG_H

#include <stdint.h>

/* Change of a rung in one tick. */
#define ANOM_CHANGE_NONE 0
#define ANOM_CHANGE_CLEARED 1
#define ANOM_CHANGE_RAISED 2
#define ANOM_CHANGE_RAISED_HIGH 3 /* the score reached the high level */

/* Rules from a level to an alarm. Durations are ticks. */
typedef struct anom_timing_plan {
    int32_t m; /* 1 to n */
    int32_t n; /* 1 to 16 */
    int32_t on_delay;
    int32_t off_delay;
    int32_t cooldown;
    int32_t clear_after; /* ticks without a score at the clear level that clear an alarm, at least 1; 0: off */
} anom_timing_plan;

/* Levels of the score. */
typedef struct anom_level_plan {
    uint32_t raise_score;
    uint32_t clear_score;
    uint32_t high_score; /* 0: no high level */
} anom_level_plan;

typedef struct anom_rung {
    const anom_timing_plan *timing;
    const anom_level_plan *level;
    uint32_t in_row;   /* ticks in a row: in alarm below the clear level, else with enough hits */
    uint32_t calm;     /* ticks since the last score at the clear level, in alarm: up to 2**32 - 1 */
    uint32_t cooldown; /* ticks left */
    uint16_t hits;     /* bit i: the score i ticks ago reached the raise level */
    uint8_t in_alarm;  /* 0 or 1 */
    uint8_t cools;     /* 1: a clear starts the cooldown of the timing, 0: none */
} anom_rung;

/* Begin without an alarm.
 *   cooldown ticks after a clear in which only the high level raises: timing->cooldown, or 0 for none */
void anom_rung_init(anom_rung *rung, const anom_timing_plan *timing, const anom_level_plan *level, int32_t cooldown);

/* Back to no alarm, as if nothing had been seen. */
void anom_rung_reset(anom_rung *rung);

/* Judge one tick by its score. One of ANOM_CHANGE_*. */
int32_t anom_rung_step(anom_rung *rung, uint32_t score);

/* End the alarm: its hits are forgotten, and the cooldown starts. */
void anom_rung_clear(anom_rung *rung);

/* Go on at another level: counts of ticks say nothing of it, and an alarm that stands goes on. */
void anom_rung_relevel(anom_rung *rung, const anom_level_plan *level);

/* Account for lost ticks: all counts of ticks in a row start again, the cooldown runs on. */
void anom_rung_gap(anom_rung *rung, uint32_t lost_ticks);

/* Account for the ticks of a declared pause: counts stay, what is calm stays calm, the cooldown runs on. */
void anom_rung_pause(anom_rung *rung, uint32_t ticks);

#endif
