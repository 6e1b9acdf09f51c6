/* Alarm: the life cycle of an alarm, from its raise to its acknowledged end. */
#include "anom_alarm.h"

#include <stddef.h>

#include "anom_fixed.h"
#include "anom_wipe.h"

/* Set or clear a flag.
 *   flag     one of those in `flags` */
static void mark(anom_alarm *alarm, uint32_t flag, int32_t on)
{
    alarm->flags = (uint8_t)(on ? alarm->flags | flag : alarm->flags & ~flag);
}

/* Put a notice together.
 *   what     all of it but the score */
static anom_notice notice(uint32_t what, uint32_t score)
{
    return (uint64_t)score << 32 | what;
}

/* Make the notice of an input.
 *   input    ANOM_INPUT_* */
static anom_notice operated(uint32_t input, uint32_t score)
{
    return notice(ANOM_KIND_OPERATOR | input << 16, score);
}

/* 1: the state is one of those whose bits are set. */
static uint32_t is_in(const anom_alarm *alarm, uint32_t states)
{
    return states >> alarm->state & 1;
}

/* 1: nobody has acknowledged the alarm. */
static uint32_t unacknowledged(const anom_alarm *alarm)
{
    return is_in(alarm, 1u << ANOM_STATE_UNACK_ALARM | 1u << ANOM_STATE_RTN_UNACK);
}

/* 1: the score keeps an alarm up. */
static uint32_t standing(const anom_alarm *alarm)
{
    return is_in(alarm, 1u << ANOM_STATE_UNACK_ALARM | 1u << ANOM_STATE_ACK_ALARM);
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

void anom_alarm_init(anom_alarm *alarm, const anom_alarm_plan *plan, const anom_timing_plan *timing,
                     const anom_level_plan *level)
{
    anom_alert_init(&alarm->alert, timing, level, 0);
    alarm->plan = plan;
    anom_alarm_reset(alarm);
}

void anom_alarm_reset(anom_alarm *alarm)
{
    anom_alert_reset(&alarm->alert);
    anom_wipe(&alarm->peak, sizeof *alarm - offsetof(anom_alarm, peak)); /* the state behind it is ANOM_STATE_NORMAL */
}

int32_t anom_alarm_latched(const anom_alarm *alarm)
{
    return alarm->plan->latch & (int32_t)unacknowledged(alarm);
}

uint32_t anom_alarm_annunciation(const anom_alarm *alarm)
{
    uint32_t bits = 0;
    if (alarm->flags & ANOM_FLAG_SILENCED)
        bits |= ANOM_ANNUNCIATE_SILENCED;
    else if (unacknowledged(alarm))
        bits |= ANOM_ANNUNCIATE_SOUND;
    else if (alarm->state == ANOM_STATE_PREALARM)
        bits |= ANOM_ANNUNCIATE_PREALARM;
    if (alarm->state != ANOM_STATE_NORMAL) bits |= ANOM_ANNUNCIATE_LIGHT;
    if (alarm->flags & ANOM_ALARM_ESCALATED) bits |= ANOM_ANNUNCIATE_ESCALATED;
    if (alarm->test > 0) bits |= ANOM_ANNUNCIATE_TEST;
    if (alarm->flags & ANOM_FLAG_OUT_OF_SERVICE) bits |= ANOM_ANNUNCIATE_OUT_OF_SERVICE;
    return bits;
}

/* Begin an alarm, or the prealarm before it. One that comes again before anybody acknowledged it has no prealarm, and
 * the wait goes on.
 *   flags    ANOM_FLAG_HIGH << 8, or 0 */
static anom_notice raise_alarm(anom_alarm *alarm, uint32_t score, uint32_t flags)
{
    int32_t again = alarm->state == ANOM_STATE_RTN_UNACK;
    alarm->state = alarm->plan->cancel > 0 && !again ? ANOM_STATE_PREALARM : ANOM_STATE_UNACK_ALARM;
    alarm->peak = score;
    alarm->base = score;
    alarm->repeating = 0;
    if (!again) alarm->waiting = 0;
    return notice(ANOM_KIND_ANOMALY | ANOM_NOTICE_EXPLAINED | flags, score);
}

/* Escalate if the alarm stands and has grown, or is late: an acknowledged alarm is unacknowledged again, and one that
 * has grown ends a silence.
 *   late     1: nobody has acknowledged it for long
 *   flags    ANOM_FLAG_HIGH << 8, ANOM_NOTICE_EXPLAINED, or 0 */
static anom_notice escalate(anom_alarm *alarm, uint32_t late, uint32_t flags)
{
    int32_t grown = outgrown(alarm);
    if (!late && !(grown && standing(alarm))) return 0;
    if (standing(alarm)) alarm->state = ANOM_STATE_UNACK_ALARM;
    if (grown) mark(alarm, ANOM_FLAG_SILENCED, 0);
    mark(alarm, ANOM_ALARM_ESCALATED, 1);
    alarm->base = alarm->peak;
    alarm->hold = (uint32_t)alarm->plan->escalate_every;
    alarm->waiting = 0;
    alarm->repeating = 0;
    return notice(ANOM_KIND_ANOMALY | ANOM_FLAG_MARKED << 8 | flags, alarm->peak);
}

/* End a silence. */
static anom_notice sound(anom_alarm *alarm)
{
    mark(alarm, ANOM_FLAG_SILENCED, 0);
    return operated(ANOM_INPUT_SILENCE_OVER, standing_peak(alarm));
}

anom_notice anom_alarm_step(anom_alarm *alarm, uint32_t score)
{
    /* Out of service, and in the cancel window, no votes are taken */
    if (alarm->flags & ANOM_FLAG_OUT_OF_SERVICE) return 0;
    if (alarm->state == ANOM_STATE_PREALARM) {
        if (score > alarm->peak) alarm->peak = score;
        return 0;
    }

    /* A raise */
    anom_rung *rung = &alarm->alert.rung;
    int32_t change = anom_rung_step(rung, score);
    uint32_t high_score = rung->level->high_score;
    uint32_t flags = high_score > 0 && score >= high_score ? ANOM_FLAG_HIGH << 8 : 0;
    if (change >= ANOM_CHANGE_RAISED) return raise_alarm(alarm, score, flags);
    if (!standing(alarm)) return 0;
    if (score >= alarm->peak) {
        alarm->peak = score;
        flags |= ANOM_NOTICE_EXPLAINED; /* an escalation is explained by the tick with the highest score only */
    }

    /* The return to normal, or an escalation */
    if (change == ANOM_CHANGE_CLEARED) {
        int32_t latched = anom_alarm_latched(alarm);
        alarm->state = latched ? ANOM_STATE_RTN_UNACK : ANOM_STATE_NORMAL;
        if (!latched) mark(alarm, ANOM_ALARM_ESCALATED, 0);
        return notice(ANOM_KIND_ANOMALY, alarm->peak);
    }
    return escalate(alarm, 0, flags);
}

void anom_alarm_advance(anom_alarm *alarm, uint32_t hops)
{
    if (alarm->state != ANOM_STATE_NORMAL) { /* a raise begins both anew */
        alarm->waiting = anom_saturating_add(alarm->waiting, hops);
        alarm->repeating = anom_saturating_add(alarm->repeating, hops);
    }
    if ((alarm->hold | alarm->silence | alarm->test) == 0) return;
    alarm->hold = less(alarm->hold, hops);
    alarm->silence = less(alarm->silence, hops);
    alarm->test = less(alarm->test, hops);
}

/* What time has made due of an alarm or a prealarm that stands. */
static anom_notice due_of_standing(anom_alarm *alarm)
{
    const anom_alarm_plan *plan = alarm->plan;
    if (alarm->state == ANOM_STATE_PREALARM && alarm->waiting >= (uint32_t)plan->cancel) {
        alarm->state = ANOM_STATE_UNACK_ALARM;
        alarm->base = alarm->peak;
        alarm->waiting = 0;
        alarm->repeating = 0;
        return notice(ANOM_KIND_ANOMALY, alarm->peak);
    }
    uint32_t after = (uint32_t)plan->escalate_after;
    int32_t late = unacknowledged(alarm) && after > 0 && alarm->waiting >= after && alarm->hold == 0;
    anom_notice escalation = escalate(alarm, (uint32_t)late, 0);
    if (escalation) return escalation;
    uint32_t repeat = (uint32_t)plan->repeat;
    if (repeat == 0 || !standing(alarm) || alarm->repeating < repeat) return 0;
    alarm->repeating = 0;
    return notice(ANOM_KIND_REPEAT, alarm->peak);
}

anom_notice anom_alarm_due(anom_alarm *alarm)
{
    anom_notice found = alarm->state == ANOM_STATE_NORMAL ? 0 : due_of_standing(alarm);
    if (found) return found;
    return (alarm->flags & ANOM_FLAG_SILENCED) && alarm->silence == 0 ? sound(alarm) : 0;
}

void anom_alarm_gap(anom_alarm *alarm, uint32_t lost_ticks)
{
    anom_rung_gap(&alarm->alert.rung, lost_ticks);
}

void anom_alarm_pause(anom_alarm *alarm, uint32_t ticks)
{
    anom_rung_pause(&alarm->alert.rung, ticks);
}

anom_notice anom_alarm_operate(anom_alarm *alarm, int32_t operation, uint32_t argument)
{
    uint32_t peak = standing_peak(alarm);
    uint32_t input;
    switch (operation) {
    case ANOM_OPERATION_ACKNOWLEDGE:
        if (!unacknowledged(alarm)) return 0;
        alarm->state = alarm->state == ANOM_STATE_UNACK_ALARM ? ANOM_STATE_ACK_ALARM : ANOM_STATE_NORMAL;
        mark(alarm, ANOM_ALARM_ESCALATED, 0);
        input = ANOM_INPUT_ACKNOWLEDGE;
        break;
    case ANOM_OPERATION_SILENCE: {
        if (argument == 0) return alarm->flags & ANOM_FLAG_SILENCED ? sound(alarm) : 0;
        uint64_t hops = (uint64_t)argument * (uint32_t)alarm->plan->hops_per_tick;
        mark(alarm, ANOM_FLAG_SILENCED, 1);
        alarm->silence = hops >> 32 ? UINT32_MAX : (uint32_t)hops;
        input = ANOM_INPUT_SILENCE;
        break;
    }
    case ANOM_OPERATION_CANCEL:
        if (alarm->state != ANOM_STATE_PREALARM) return 0;
        anom_rung_clear(&alarm->alert.rung);
        alarm->state = ANOM_STATE_NORMAL;
        input = ANOM_INPUT_CANCEL;
        break;
    case ANOM_OPERATION_OUT_OF_SERVICE:
        if ((alarm->flags & ANOM_FLAG_OUT_OF_SERVICE) == argument * ANOM_FLAG_OUT_OF_SERVICE) return 0;
        anom_rung_reset(&alarm->alert.rung);
        alarm->state = ANOM_STATE_NORMAL;
        mark(alarm, ANOM_ALARM_ESCALATED, 0);
        mark(alarm, ANOM_FLAG_OUT_OF_SERVICE, (int32_t)argument);
        input = argument ? ANOM_INPUT_OUT_OF_SERVICE : ANOM_INPUT_IN_SERVICE;
        break;
    default:
        alarm->test = (uint32_t)alarm->plan->test;
        return operated(ANOM_INPUT_TEST, peak) | ANOM_FLAG_MARKED << 8;
    }
    return operated(input, peak);
}
