/* Alert: from scores to events, by one rung: an event says that the alarm is raised or cleared. */
#include "anom_alert.h"

void anom_alert_init(anom_alert *alert, const anom_timing_plan *timing, const anom_level_plan *level,
                     uint16_t plan_tag)
{
    anom_rung_init(&alert->rung, timing, level, timing->cooldown);
    alert->plan_tag = plan_tag;
    alert->sequence = 0;
}

void anom_alert_reset(anom_alert *alert)
{
    anom_rung_reset(&alert->rung);
    alert->sequence = 0;
}

int32_t anom_alert_step(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event)
{
    int32_t change = anom_rung_step(&alert->rung, score);
    if (change == ANOM_CHANGE_NONE) return 0;
    anom_event_fields fields = {
        .kind = ANOM_KIND_ANOMALY,
        .state = alert->rung.in_alarm ? ANOM_STATE_UNACK_ALARM : ANOM_STATE_NORMAL,
        .high = change == ANOM_CHANGE_RAISED_HIGH,
        .sequence = alert->sequence,
        .hop = hop,
        .score_log2_q8 = anom_event_score_log2_q8(score),
        .plan_tag = alert->plan_tag,
    };
    anom_event_bytes(&fields, event);
    alert->sequence = (uint16_t)(alert->sequence + 1);
    return 1;
}

int32_t anom_alert_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event)
{
    if (!anom_alert_step(alert, score, hop, event)) return 0;
    return alert->rung.in_alarm ? ANOM_JUDGED_EVENT | ANOM_JUDGED_EXPLAINED : ANOM_JUDGED_EVENT;
}

void anom_alert_gap(anom_alert *alert, uint32_t lost_ticks)
{
    anom_rung_gap(&alert->rung, lost_ticks);
}

void anom_alert_pause(anom_alert *alert, uint32_t ticks)
{
    anom_rung_pause(&alert->rung, ticks);
}
