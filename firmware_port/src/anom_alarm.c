/* Alarm: the life cycle of an alarm, from its raise to its acknowledged end. */
#include "anom_alarm.h"

#include <stddef.h>

#include "anom_wipe.h"

/* Fill in a notice. Returns 1. */
static int32_t notify(anom_notice *notice, int32_t kind, uint32_t score, uint32_t flags)
{
    notice->score = score;
    notice->kind = (uint8_t)kind;
    notice->flags = (uint8_t)flags;
    notice->input = 0;
    notice->explained = 0;
    return 1;
}

/* 1: nobody has acknowledged the alarm. */
static int32_t unacknowledged(const anom_alarm *alarm)
{
    return alarm->state == ANOM_STATE_UNACK_ALARM || alarm->state == ANOM_STATE_RTN_UNACK;
}

/* 1: the score keeps an alarm up. */
static int32_t standing(const anom_alarm *alarm)
{
    return alarm->state == ANOM_STATE_UNACK_ALARM || alarm->state == ANOM_STATE_ACK_ALARM;
}

/* Highest score of the alarm, 0 in the normal state. */
static uint32_t standing_peak(const anom_alarm *alarm)
{
    return alarm->state == ANOM_STATE_NORMAL ? 0 : alarm->peak;
}

/* 1: the score has outgrown what was reported, and an escalation may leave. */
static int32_t outgrown(const anom_alarm *alarm)
{
    uint32_t ratio_q16 = (uint32_t)alarm->plan->escalate_ratio_q16;
    if (ratio_q16 == 0 || alarm->hold > 0) return 0;
    return (uint64_t)alarm->peak << 16 > (uint64_t)ratio_q16 * alarm->base; /* below 2**58 */
}

/* Subtract hops from a count, down to 0. */
static uint32_t less(uint32_t count, uint32_t hops)
{
    return count > hops ? count - hops : 0;
}

/* Add hops to a count, up to 2**32 - 1. */
static uint32_t more(uint32_t count, uint32_t hops)
{
    return count + hops < count ? UINT32_MAX : count + hops;
}

void anom_alarm_init(anom_alarm *alarm, const anom_alarm_plan *plan, const anom_timing_plan *timing,
                     const anom_level_plan *level)
{
    alarm->plan = plan;
    anom_rung_init(&alarm->rung, timing, level, timing->cooldown);
    anom_alarm_reset(alarm);
}

void anom_alarm_reset(anom_alarm *alarm)
{
    anom_rung_reset(&alarm->rung);
    anom_wipe(&alarm->peak, sizeof *alarm - offsetof(anom_alarm, peak)); /* the state behind it is ANOM_STATE_NORMAL */
}

int32_t anom_alarm_latched(const anom_alarm *alarm)
{
    return alarm->plan->latch && unacknowledged(alarm);
}

uint32_t anom_alarm_annunciation(const anom_alarm *alarm)
{
    uint32_t bits = 0;
    if (alarm->silenced)
        bits |= ANOM_ANNUNCIATE_SILENCED;
    else if (unacknowledged(alarm))
        bits |= ANOM_ANNUNCIATE_SOUND;
    else if (alarm->state == ANOM_STATE_PREALARM)
        bits |= ANOM_ANNUNCIATE_PREALARM;
    if (alarm->state != ANOM_STATE_NORMAL) bits |= ANOM_ANNUNCIATE_LIGHT;
    if (alarm->escalated) bits |= ANOM_ANNUNCIATE_ESCALATED;
    if (alarm->test > 0) bits |= ANOM_ANNUNCIATE_TEST;
    if (alarm->out_of_service) bits |= ANOM_ANNUNCIATE_OUT_OF_SERVICE;
    return bits;
}

/* Begin an alarm, or the prealarm before it. One that comes again before anybody acknowledged it has no prealarm, and
 * the wait goes on.
 *   high     ANOM_FLAG_HIGH, or 0 */
static int32_t raise_alarm(anom_alarm *alarm, uint32_t score, uint32_t high, anom_notice *notice)
{
    int32_t again = alarm->state == ANOM_STATE_RTN_UNACK;
    alarm->state = alarm->plan->cancel > 0 && !again ? ANOM_STATE_PREALARM : ANOM_STATE_UNACK_ALARM;
    alarm->peak = score;
    alarm->base = score;
    alarm->repeating = 0;
    if (!again) {
        alarm->waiting = 0;
        alarm->escalated = 0;
    }
    notify(notice, ANOM_KIND_ANOMALY, score, high);
    notice->explained = 1;
    return 1;
}

/* Escalate: an acknowledged alarm is unacknowledged again, and one that has grown ends a silence.
 *   high     ANOM_FLAG_HIGH, or 0 */
static int32_t escalate(anom_alarm *alarm, uint32_t high, anom_notice *notice)
{
    if (standing(alarm)) alarm->state = ANOM_STATE_UNACK_ALARM;
    if (outgrown(alarm)) alarm->silenced = 0;
    alarm->escalated = 1;
    alarm->base = alarm->peak;
    alarm->hold = (uint32_t)alarm->plan->escalate_every;
    alarm->waiting = 0;
    alarm->repeating = 0;
    return notify(notice, ANOM_KIND_ANOMALY, alarm->peak, ANOM_FLAG_MARKED | high);
}

/* Make the notice of an input.
 *   input    ANOM_INPUT_* */
static int32_t operated(anom_notice *notice, int32_t input, uint32_t score)
{
    notify(notice, ANOM_KIND_OPERATOR, score, 0);
    notice->input = (uint8_t)input;
    return 1;
}

/* End a silence. */
static int32_t sound(anom_alarm *alarm, anom_notice *notice)
{
    alarm->silenced = 0;
    return operated(notice, ANOM_INPUT_SILENCE_OVER, standing_peak(alarm));
}

int32_t anom_alarm_step(anom_alarm *alarm, uint32_t score, anom_notice *notice)
{
    /* Out of service, and in the cancel window, no votes are taken */
    if (alarm->out_of_service) return 0;
    if (alarm->state == ANOM_STATE_PREALARM) {
        if (score > alarm->peak) alarm->peak = score;
        return 0;
    }

    /* A raise */
    int32_t change = anom_rung_step(&alarm->rung, score);
    uint32_t high_score = alarm->rung.level->high_score;
    uint32_t high = high_score > 0 && score >= high_score ? ANOM_FLAG_HIGH : 0;
    if (change >= ANOM_CHANGE_RAISED) return raise_alarm(alarm, score, high, notice);
    if (!standing(alarm)) return 0;
    if (score > alarm->peak) alarm->peak = score;

    /* The return to normal */
    if (change == ANOM_CHANGE_CLEARED) {
        if (anom_alarm_latched(alarm)) {
            alarm->state = ANOM_STATE_RTN_UNACK;
        } else {
            alarm->state = ANOM_STATE_NORMAL;
            alarm->escalated = 0;
        }
        return notify(notice, ANOM_KIND_ANOMALY, alarm->peak, 0);
    }

    /* An escalation, explained by the tick only if its score is the highest */
    if (!outgrown(alarm)) return 0;
    escalate(alarm, high, notice);
    notice->explained = score == alarm->peak;
    return 1;
}

void anom_alarm_advance(anom_alarm *alarm, uint32_t hops)
{
    alarm->waiting = more(alarm->waiting, hops);
    alarm->repeating = more(alarm->repeating, hops);
    alarm->hold = less(alarm->hold, hops);
    alarm->silence = less(alarm->silence, hops);
    alarm->test = less(alarm->test, hops);
}

int32_t anom_alarm_due(anom_alarm *alarm, anom_notice *notice)
{
    const anom_alarm_plan *plan = alarm->plan;
    if (alarm->state == ANOM_STATE_PREALARM && alarm->waiting >= (uint32_t)plan->cancel) {
        alarm->state = ANOM_STATE_UNACK_ALARM;
        alarm->base = alarm->peak;
        alarm->waiting = 0;
        alarm->repeating = 0;
        return notify(notice, ANOM_KIND_ANOMALY, alarm->peak, 0);
    }
    uint32_t after = (uint32_t)plan->escalate_after;
    int32_t late = unacknowledged(alarm) && after > 0 && alarm->waiting >= after && alarm->hold == 0;
    if (late || (standing(alarm) && outgrown(alarm))) return escalate(alarm, 0, notice);
    uint32_t repeat = (uint32_t)plan->repeat;
    if (standing(alarm) && repeat > 0 && alarm->repeating >= repeat) {
        alarm->repeating = 0;
        return notify(notice, ANOM_KIND_REPEAT, alarm->peak, 0);
    }
    if (alarm->silenced && alarm->silence == 0) return sound(alarm, notice);
    return 0;
}

void anom_alarm_gap(anom_alarm *alarm, uint32_t lost_ticks)
{
    anom_rung_gap(&alarm->rung, lost_ticks);
}

int32_t anom_alarm_acknowledge(anom_alarm *alarm, anom_notice *notice)
{
    if (!unacknowledged(alarm)) return 0;
    alarm->state = standing(alarm) ? ANOM_STATE_ACK_ALARM : ANOM_STATE_NORMAL;
    alarm->escalated = 0;
    return operated(notice, ANOM_INPUT_ACKNOWLEDGE, alarm->peak);
}

int32_t anom_alarm_silence(anom_alarm *alarm, uint32_t ticks, anom_notice *notice)
{
    if (ticks == 0) return alarm->silenced ? sound(alarm, notice) : 0;
    uint64_t hops = (uint64_t)ticks * (uint32_t)alarm->plan->hops_per_tick;
    alarm->silenced = 1;
    alarm->silence = hops > UINT32_MAX ? UINT32_MAX : (uint32_t)hops;
    return operated(notice, ANOM_INPUT_SILENCE, standing_peak(alarm));
}

int32_t anom_alarm_cancel(anom_alarm *alarm, anom_notice *notice)
{
    if (alarm->state != ANOM_STATE_PREALARM) return 0;
    anom_rung_clear(&alarm->rung);
    alarm->state = ANOM_STATE_NORMAL;
    return operated(notice, ANOM_INPUT_CANCEL, alarm->peak);
}

int32_t anom_alarm_serve(anom_alarm *alarm, int32_t on, anom_notice *notice)
{
    if (alarm->out_of_service != on) return 0;
    uint32_t peak = standing_peak(alarm);
    anom_rung_reset(&alarm->rung);
    alarm->state = ANOM_STATE_NORMAL;
    alarm->out_of_service = !on;
    alarm->escalated = 0;
    return operated(notice, on ? ANOM_INPUT_IN_SERVICE : ANOM_INPUT_OUT_OF_SERVICE, peak);
}

int32_t anom_alarm_test(anom_alarm *alarm, anom_notice *notice)
{
    alarm->test = (uint32_t)alarm->plan->test;
    operated(notice, ANOM_INPUT_TEST, standing_peak(alarm));
    notice->flags = ANOM_FLAG_MARKED;
    return 1;
}
