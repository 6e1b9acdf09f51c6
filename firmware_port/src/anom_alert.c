/* Alert: from scores to events. M-of-N, then on-delay, then raise; off-delay, then clear; then cooldown. */
#include "anom_alert.h"

/* Returns 1 where at least m of the last n scores were hits, this one included, else 0. */
static int32_t votes(anom_alert *alert, uint32_t score)
{
    const anom_timing_plan *timing = alert->timing;
    uint32_t hits = (uint32_t)alert->hits << 1 | (score >= alert->level->raise_score);
    hits &= (1u << timing->n) - 1;
    alert->hits = (uint16_t)hits;
    int32_t count = 0;
    for (; hits; hits &= hits - 1)
        count++;
    return count >= timing->m;
}

/* Enter a state and write the event that says so. Returns the number of events, 1.
 *   state    ANOM_STATE_NORMAL or ANOM_STATE_UNACK_ALARM: changes to pending give no event
 *   high     1: the score reached the high level, else 0 */
static int32_t change(anom_alert *alert, uint8_t state, uint8_t high, uint32_t score, uint32_t hop,
                      anom_event *event)
{
    alert->state = state;
    anom_event_fields fields = {
        .kind = ANOM_KIND_ANOMALY,
        .state = state,
        .high = high,
        .sequence = alert->sequence,
        .hop = hop,
        .score_log2_q8 = anom_event_score_log2_q8(score),
        .plan_tag = alert->plan_tag,
    };
    anom_event_bytes(&fields, event);
    alert->sequence = (uint16_t)(alert->sequence + 1);
    return 1;
}

void anom_alert_init(anom_alert *alert, const anom_timing_plan *timing, const anom_level_plan *level,
                     uint16_t plan_tag)
{
    alert->timing = timing;
    alert->level = level;
    alert->plan_tag = plan_tag;
    anom_alert_reset(alert);
}

void anom_alert_reset(anom_alert *alert)
{
    alert->state = ANOM_STATE_NORMAL;
    alert->hits = 0;
    alert->pending = 0;
    alert->quiet = 0;
    alert->cooldown = 0;
    alert->sequence = 0;
}

int32_t anom_alert_step(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event)
{
    const anom_timing_plan *timing = alert->timing;
    const anom_level_plan *level = alert->level;
    int32_t voted = votes(alert, score);
    if (alert->state == ANOM_STATE_UNACK_ALARM) {
        alert->quiet = score < level->clear_score ? alert->quiet + 1 : 0;
        if (alert->quiet <= (uint32_t)timing->off_delay) return 0;
        alert->cooldown = (uint32_t)timing->cooldown;
        alert->hits = 0;
        alert->pending = 0;
        return change(alert, ANOM_STATE_NORMAL, 0, score, hop, event);
    }
    alert->pending = voted ? alert->pending + 1 : 0;
    int32_t held_back = alert->cooldown > 0;
    if (held_back) alert->cooldown -= 1;
    uint8_t high = level->high_score > 0 && score >= level->high_score;
    if (high || (alert->pending > (uint32_t)timing->on_delay && !held_back)) {
        alert->quiet = 0;
        return change(alert, ANOM_STATE_UNACK_ALARM, high, score, hop, event);
    }
    alert->state = alert->pending > 0 ? ANOM_STATE_PENDING : ANOM_STATE_NORMAL;
    return 0;
}

void anom_alert_gap(anom_alert *alert, uint32_t lost_ticks)
{
    alert->hits = 0;
    alert->pending = 0;
    alert->quiet = 0;
    alert->cooldown -= alert->cooldown < lost_ticks ? alert->cooldown : lost_ticks;
    if (alert->state == ANOM_STATE_PENDING) alert->state = ANOM_STATE_NORMAL;
}
