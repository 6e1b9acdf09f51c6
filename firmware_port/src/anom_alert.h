/* Alert: from scores to events, by one rung: an event says that the alarm is raised or cleared. */
#ifndef ANOM_ALERT_H
#define ANOM_ALERT_H

#include "anom_event.h"
#include "anom_rung.h"

typedef struct anom_alert {
    anom_rung rung;
    uint16_t sequence;
    uint16_t plan_tag;
} anom_alert;

/* Judge one tick of a pipeline, by the alert or by a supervisor in its place: a plan names one of them.
 * 0, or bits of ANOM_JUDGED_*. */
typedef int32_t anom_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

#define ANOM_JUDGED_EVENT 1     /* there is an event */
#define ANOM_JUDGED_EXPLAINED 2 /* the event takes the reasons of the tick */
#define ANOM_JUDGED_VOID 4      /* nothing follows from the tick */

void anom_alert_init(anom_alert *alert, const anom_timing_plan *timing, const anom_level_plan *level,
                     uint16_t plan_tag);

/* Back to normal, as if nothing had been seen. */
void anom_alert_reset(anom_alert *alert);

/* One tick. Number of events, 0 or 1.
 *   hop      index of the tick's last hop, for the event */
int32_t anom_alert_step(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

/* One tick, as a pipeline calls it. */
int32_t anom_alert_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

/* Account for lost ticks, as the rung does. */
void anom_alert_gap(anom_alert *alert, uint32_t lost_ticks);

/* Account for the ticks of a declared pause, as the rung does. */
void anom_alert_pause(anom_alert *alert, uint32_t ticks);

#endif
