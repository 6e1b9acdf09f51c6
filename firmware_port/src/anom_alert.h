/* Alert: from scores to events. M-of-N, then on-delay, then raise; off-delay, then clear; then cooldown. */
#ifndef ANOM_ALERT_H
#define ANOM_ALERT_H

#include "anom_event.h"

/* Rules from a level to an alarm. Durations are ticks. */
typedef struct anom_timing_plan {
    int32_t m; /* 1 to n */
    int32_t n; /* 1 to 16 */
    int32_t on_delay;
    int32_t off_delay;
    int32_t cooldown;
} anom_timing_plan;

/* Levels of the score. */
typedef struct anom_level_plan {
    uint32_t raise_score;
    uint32_t clear_score;
    uint32_t high_score; /* 0: no high level */
} anom_level_plan;

typedef struct anom_alert {
    const anom_timing_plan *timing;
    const anom_level_plan *level;
    uint32_t pending;  /* ticks in a row with enough hits: up to 2**31 */
    uint32_t quiet;    /* ticks in a row below the clear level: up to 2**31 */
    uint32_t cooldown; /* ticks left */
    uint16_t hits;     /* bit i: the score i ticks ago reached the raise level */
    uint16_t sequence;
    uint16_t plan_tag;
    uint8_t state;
} anom_alert;

void anom_alert_init(anom_alert *alert, const anom_timing_plan *timing, const anom_level_plan *level,
                     uint16_t plan_tag);

/* Back to normal, as if nothing had been seen. */
void anom_alert_reset(anom_alert *alert);

/* One tick. Number of events, 0 or 1.
 *   hop      index of the tick's last hop, for the event */
int32_t anom_alert_step(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

/* Ticks that never came: what was being counted in a row starts afresh, the cooldown runs on. */
void anom_alert_gap(anom_alert *alert, uint32_t lost_ticks);

#endif
