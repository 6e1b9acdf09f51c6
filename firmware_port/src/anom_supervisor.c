/* Supervisor: health, the life cycle of the alarm and the heartbeat of one pipeline, in their order. */
#include "anom_supervisor.h"

#include "anom_fixed.h"
#include "anom_pipeline.h"
#include "anom_wipe.h"

/* Health lies behind the struct; NULL: none. */
static anom_health *health_of(const anom_supervisor *supervisor)
{
    return anom_supervisor_plan_of(supervisor)->health ? (anom_health *)(uintptr_t)(supervisor + 1) : NULL;
}

void anom_supervisor_init(anom_supervisor *supervisor, const anom_supervisor_plan *plan,
                          const anom_timing_plan *timing, const anom_level_plan *level, uint16_t plan_tag)
{
    anom_alert_init(&supervisor->alarm.alert, timing, level, plan_tag);
    anom_supervisor_reset(supervisor, plan);
}

void anom_supervisor_reset(anom_supervisor *supervisor, const anom_supervisor_plan *plan)
{
    supervisor->alarm.plan = &plan->alarm;
    anom_alarm_reset(&supervisor->alarm);
    anom_wipe(&supervisor->elapsed, sizeof *supervisor - offsetof(anom_supervisor, elapsed));
    supervisor->next = ANOM_NEXT_RESTART;
    if (plan->health) {
        health_of(supervisor)->plan = plan->health;
        plan->health->type->reset(health_of(supervisor));
    }
}

int32_t anom_supervisor_voids(const anom_supervisor *supervisor)
{
    const anom_health *health = health_of(supervisor);
    return health && anom_health_voids(health);
}

int32_t anom_supervisor_voids_by_fault(const anom_supervisor *supervisor)
{
    const anom_health *health = health_of(supervisor);
    return health && anom_health_voids_by_fault(health);
}

uint32_t anom_supervisor_health(const anom_supervisor *supervisor)
{
    const anom_supervisor_plan *plan = anom_supervisor_plan_of(supervisor);
    const anom_health *health = health_of(supervisor);
    uint32_t learning = plan->learns && !plan->is_ready(supervisor) ? ANOM_HEALTH_NOT_READY : 0;
    return learning | (health ? health->plan->type->byte(health) : 0);
}

int32_t anom_supervisor_is_ready(const anom_supervisor *supervisor)
{
    const anom_pipeline *pipeline = (const anom_pipeline *)((uintptr_t)supervisor - offsetof(anom_pipeline, alert));
    return pipeline->plan->extractor.learning->is_ready(&pipeline->extractor);
}

uint32_t anom_supervisor_annunciation(const anom_supervisor *supervisor)
{
    const anom_health *health = health_of(supervisor);
    uint32_t fault = health && anom_health_is_faulty(health) ? ANOM_ANNUNCIATE_FAULT : 0;
    return anom_alarm_annunciation(&supervisor->alarm) | fault;
}

/* Let time go on. */
static void advance(anom_supervisor *supervisor, uint32_t hops)
{
    supervisor->elapsed = anom_saturating_add(supervisor->elapsed, hops);
    anom_alarm_advance(&supervisor->alarm, hops);
}

void anom_supervisor_hop(anom_supervisor *supervisor, const int16_t *samples, int32_t n)
{
    anom_health *health = health_of(supervisor);
    if (health) health->plan->type->look(health, samples, n);
    advance(supervisor, 1);
}

int32_t anom_supervisor_event(anom_supervisor *supervisor, uint32_t what, uint32_t score_log2_q8, uint32_t hop,
                              anom_event *event)
{
    anom_alarm *alarm = &supervisor->alarm;
    uint32_t state = alarm->state | (what >> 8 & 0xFF);
    if (anom_alarm_latched(alarm)) state |= ANOM_FLAG_LATCHED;
    state |= alarm->flags & (ANOM_FLAG_SILENCED | ANOM_FLAG_OUT_OF_SERVICE);
    const uint32_t words[4] = {
        ANOM_EVENT_VERSION_2 << 4 | (what & 15) | state << 8 | (uint32_t)alarm->alert.sequence << 16,
        hop,
        score_log2_q8 | anom_supervisor_health(supervisor) << 16 | (what >> 16) << 24,
        what >> 24 | anom_supervisor_level(supervisor) << 8 | (uint32_t)alarm->alert.plan_tag << 16,
    };
    alarm->alert.sequence = (uint16_t)(alarm->alert.sequence + 1);
    anom_event_bytes_2(words, event);
    return 1;
}

/* Write the event of a notice; 0 of none. Number of events, 0 or 1. */
static int32_t noticed(anom_supervisor *supervisor, anom_notice notice, uint32_t hop, anom_event *event)
{
    if (notice == 0) return 0;
    uint16_t log2_q8 = anom_event_score_log2_q8((uint32_t)(notice >> 32));
    return anom_supervisor_event(supervisor, (uint32_t)notice, log2_q8, hop, event);
}

int32_t anom_supervisor_tick(anom_supervisor *supervisor, uint32_t score, uint32_t hop, anom_event *event)
{
    uint32_t log2_q8 = anom_event_score_log2_q8(score);
    if (log2_q8 > supervisor->highest_log2_q8) supervisor->highest_log2_q8 = log2_q8 & 0x1FFF;
    supervisor->judged = anom_saturating_add(supervisor->judged, 1);
    anom_notice notice = anom_alarm_step(&supervisor->alarm, score);
    return noticed(supervisor, notice, hop, event) | (int32_t)((uint32_t)notice >> 3 & ANOM_JUDGED_EXPLAINED);
}

int32_t anom_supervisor_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event)
{
    anom_supervisor *supervisor = (anom_supervisor *)(void *)alert;
    if (anom_supervisor_voids(supervisor)) return ANOM_JUDGED_VOID;
    return anom_supervisor_tick(supervisor, score, hop, event);
}

void anom_supervisor_gap(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks)
{
    anom_health *health = health_of(supervisor);
    if (health) health->plan->type->gap(health, lost);
    anom_alarm_gap(&supervisor->alarm, lost_ticks);
    advance(supervisor, lost);
}

void anom_supervisor_pause(anom_supervisor *supervisor, uint32_t hops, uint32_t ticks)
{
    if (!anom_supervisor_voids_by_fault(supervisor)) anom_alarm_pause(&supervisor->alarm, ticks);
    advance(supervisor, hops);
}

int32_t anom_supervisor_samples_in(const anom_supervisor *supervisor, uint32_t ms)
{
    const anom_health *health = health_of(supervisor);
    return (int32_t)health->plan->type->samples_in(health, ms);
}

int32_t anom_supervisor_operate(anom_supervisor *supervisor, int32_t operation, uint32_t argument, uint32_t samples,
                                uint32_t hop, anom_event *event)
{
    const anom_ladder_plan *ladder = anom_supervisor_plan_of(supervisor)->ladder;
    if (ladder && ladder->type->operate(supervisor, operation, argument)) return 0;
    if (operation <= ANOM_OPERATION_TEST)
        return noticed(supervisor, anom_alarm_operate(&supervisor->alarm, operation, argument), hop, event);
    anom_health *health = health_of(supervisor);
    if (operation == ANOM_OPERATION_MISSING)
        health->plan->type->missing(health, argument);
    else if (operation == ANOM_OPERATION_CLOCK)
        health->plan->type->clock(health, argument, samples);
    else
        anom_health_report(health,
                           operation == ANOM_OPERATION_SUPPLY ? ANOM_CONDITION_SUPPLY : ANOM_CONDITION_SELF_TEST,
                           (int32_t)argument);
    return 0;
}

/* Divide, rounded down; one bit after the other, as small cores have no division of 64 bits.
 *   left     in: below 2**48, out: the remainder
 *   by       1 to 2**48 - 1 */
static uint64_t divide(uint64_t *left, uint64_t by)
{
    uint64_t quotient = 0;
    uint64_t part = by;
    while (part <= *left)
        part <<= 1;
    while (part > by) {
        part >>= 1;
        quotient <<= 1;
        if (*left < part) continue;
        *left -= part;
        quotient |= 1;
    }
    return quotient;
}

/* Time since a heartbeat was due, in hops q16. */
static uint64_t elapsed_q16(const anom_supervisor *supervisor)
{
    return (uint64_t)supervisor->elapsed << 16 | supervisor->alarm.late_q16;
}

/* Time from one heartbeat to the next, in hops q16; 0: none. */
static uint64_t heartbeat_q16(const anom_supervisor *supervisor)
{
    const anom_alarm_plan *plan = supervisor->alarm.plan;
    return (uint64_t)plan->heartbeat << 16 | (uint32_t)plan->heartbeat_rest_q16;
}

/* Write a heartbeat: the highest score, and the share of the ticks that were judged. It is due on a grid that does not
 * drift: one that is late takes nothing from the next. Returns 1. */
static int32_t beat(anom_supervisor *supervisor, uint32_t hop, anom_event *event)
{
    uint64_t elapsed = elapsed_q16(supervisor);
    uint64_t late = elapsed;
    divide(&late, heartbeat_q16(supervisor));
    uint32_t hops = (uint32_t)((elapsed - late) >> 16);
    uint32_t due = (uint32_t)((uint64_t)hops * supervisor->alarm.plan->due_q31 >> 31);
    uint64_t judged = (uint64_t)supervisor->judged * ANOM_SHARE_ONE;
    uint64_t ratio = divide(&judged, due > 0 ? due : 1);
    uint32_t share = ratio < ANOM_SHARE_ONE ? (uint32_t)ratio : ANOM_SHARE_ONE;
    uint32_t highest = supervisor->highest_log2_q8;
    supervisor->elapsed = (uint32_t)(late >> 16);
    supervisor->alarm.late_q16 = (uint16_t)late;
    supervisor->judged = 0;
    supervisor->highest_log2_q8 = 0;
    return anom_supervisor_event(supervisor, ANOM_KIND_HEARTBEAT | share << 16, highest, hop, event);
}

int32_t anom_supervisor_due(anom_supervisor *supervisor, uint32_t hop, anom_event *event)
{
    /* A restart */
    if (supervisor->next >= ANOM_NEXT_RESTART) {
        uint32_t began = supervisor->next - ANOM_NEXT_RESTART;
        supervisor->next = ANOM_NEXT_LOOK;
        return anom_supervisor_event(supervisor, ANOM_KIND_RESTART | began << 16, 0, hop, event);
    }

    /* Technical conditions, the lowest code first */
    anom_health *health = health_of(supervisor);
    uint32_t condition = health ? (uint32_t)anom_health_change(health) : 0;
    if (condition) {
        uint32_t codes = condition | (health->active >> condition & 1u) << 8;
        return anom_supervisor_event(supervisor, ANOM_KIND_TECHNICAL | codes << 16, 0, hop, event);
    }

    /* What time has made due, then news of the level, then the heartbeat */
    const anom_ladder_plan *ladder = anom_supervisor_plan_of(supervisor)->ladder;
    int32_t n = noticed(supervisor, anom_alarm_due(&supervisor->alarm), hop, event);
    if (n == 0 && ladder) n = ladder->type->due(supervisor, hop, event);
    if (n) return n;
    uint32_t heartbeat = (uint32_t)supervisor->alarm.plan->heartbeat;
    if (heartbeat == 0 || supervisor->elapsed < heartbeat) return 0; /* in most hops */
    return elapsed_q16(supervisor) >= heartbeat_q16(supervisor) ? beat(supervisor, hop, event) : 0;
}

void anom_supervisor_lose(anom_pipeline *pipeline, int32_t n)
{
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    uint32_t gap = supervisor->gap + (uint32_t)n;
    supervisor->gap = gap < INT32_MAX ? gap : INT32_MAX;
    anom_framer_close(&pipeline->framer);
}

/* Apply the next input that waits, or the gap behind them; the framer is open. Number of events, 0 or 1. */
static int32_t apply(anom_pipeline *pipeline, anom_event *event)
{
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    const anom_framer *framer = &pipeline->framer;
    uint32_t operation = supervisor->inputs & 15;
    uint32_t argument = supervisor->inputs >> 4 & 1;
    int32_t n = 0; /* samples that never came */
    supervisor->inputs >>= ANOM_INPUT_BITS;
    if (anom_supervisor_has_number(operation)) argument = supervisor->number;
    if (operation == ANOM_OPERATION_MISSING) n = anom_supervisor_samples_in(supervisor, argument);
    if (operation == 0) {
        n = (int32_t)supervisor->gap;
        supervisor->gap = 0;
    }
    if (n > 0) anom_pipeline_lose(pipeline, n, operation == 0);
    if (operation == 0) return 0;
    uint32_t samples = framer->next_hop * (uint32_t)framer->plan->hop + (uint32_t)anom_framer_ahead(framer);
    return anom_supervisor_operate(supervisor, (int32_t)operation, argument, samples, framer->next_hop, event);
}

/* Let the supervisor see the new samples of a window: its last hop, or all of the very first one. */
static void look(anom_pipeline *pipeline, const int16_t *window)
{
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    const anom_framer *framer = &pipeline->framer;
    const anom_health *health = health_of(supervisor);
    int32_t n = health && health->seen ? framer->plan->hop : framer->plan->window;
    anom_supervisor_hop(supervisor, window + (ptrdiff_t)(framer->plan->window - n) * framer->columns, n);
}

int32_t anom_supervisor_poll(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of)
{
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    anom_framer *framer = &pipeline->framer;
    anom_event *event = &result->events[0];
    int32_t found = 2;
    anom_framer_open(framer);
    while (supervisor->settled || !anom_supervisor_due(supervisor, framer->next_hop, event)) {
        const int16_t *window = anom_framer_window(framer);
        supervisor->settled = 1;
        if (window && supervisor->next == ANOM_NEXT_LOOK) {
            look(pipeline, window);
            supervisor->settled = 0;
            supervisor->next = ANOM_NEXT_RUN;
        } else if (window) {
            supervisor->next = ANOM_NEXT_LOOK;
            found = anom_pipeline_run(pipeline, result, observer, of);
            pipeline->plan->extractor.type->wipe_stack(); /* the caller's wipe does not reach as deep */
            event->bytes[13] = 0; /* the level tag, not a third reason; a ladder writes another one */
            if (found) break;
            found = 2;
        } else if (supervisor->inputs == 0 && supervisor->gap == 0) {
            return 0;
        } else {
            supervisor->settled = 0;
            if (apply(pipeline, event)) break;
        }
    }
    if (supervisor->inputs || supervisor->gap) anom_framer_close(framer);
    if (found == 2) {
        result->hop = framer->next_hop;
        result->score = 0;
        result->n_events = 1;
    }
    return found;
}

const anom_supervisor_type anom_supervisor_functions = {
    anom_supervisor_reset, anom_supervisor_poll,         anom_supervisor_lose,   anom_supervisor_gap,
    anom_supervisor_pause, anom_supervisor_annunciation, anom_supervisor_health,
};
