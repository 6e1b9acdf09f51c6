/* Supervisor: health, the life cycle of the alarm and the heartbeat of one pipeline, in their order. */
#include "anom_supervisor.h"

#include "anom_pipeline.h"
#include "anom_wipe.h"

/* The alarm's plan is the first member of the supervisor's. */
static const anom_supervisor_plan *plan_of(const anom_supervisor *supervisor)
{
    return (const anom_supervisor_plan *)(const void *)supervisor->alarm.plan;
}

/* Health lies behind the struct; NULL: none. */
static anom_health *health_of(const anom_supervisor *supervisor)
{
    return plan_of(supervisor)->health ? (anom_health *)(uintptr_t)(supervisor + 1) : NULL;
}

void anom_supervisor_init(anom_supervisor *supervisor, const anom_supervisor_plan *plan,
                          const anom_timing_plan *timing, const anom_level_plan *level)
{
    anom_alarm_init(&supervisor->alarm, &plan->alarm, timing, level);
    anom_health *health = health_of(supervisor);
    if (health) health->plan = plan->health;
    anom_supervisor_reset(supervisor);
}

void anom_supervisor_reset(anom_supervisor *supervisor)
{
    anom_alarm_reset(&supervisor->alarm);
    anom_health *health = health_of(supervisor);
    if (health) health->plan->type->reset(health);
    anom_wipe(&supervisor->elapsed, sizeof *supervisor - offsetof(anom_supervisor, elapsed));
    supervisor->next = ANOM_NEXT_RESTART;
}

int32_t anom_supervisor_voids(const anom_supervisor *supervisor)
{
    const anom_health *health = health_of(supervisor);
    return health && anom_health_voids(health);
}

uint32_t anom_supervisor_health(const anom_supervisor *supervisor)
{
    const anom_health *health = health_of(supervisor);
    return health ? health->plan->type->byte(health) : 0;
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
    anom_alarm_advance(&supervisor->alarm, hops);
    uint32_t elapsed = supervisor->elapsed + hops;
    supervisor->elapsed = elapsed < hops ? UINT32_MAX : elapsed;
}

void anom_supervisor_hop(anom_supervisor *supervisor, const int16_t *samples, int32_t n)
{
    anom_health *health = health_of(supervisor);
    if (health) health->plan->type->look(health, samples, n);
    advance(supervisor, 1);
}

/* Write an event of layout 2. Returns 1.
 *   score_log2_q8 score, as an event carries it
 *   codes    first code, second code * 256 */
static int32_t write_event(anom_supervisor *supervisor, const anom_notice *notice, uint32_t score_log2_q8,
                           uint32_t codes, uint32_t hop, anom_event *event)
{
    const anom_alarm *alarm = &supervisor->alarm;
    uint32_t flags = notice->flags;
    if (anom_alarm_latched(alarm)) flags |= ANOM_FLAG_LATCHED;
    if (alarm->silenced) flags |= ANOM_FLAG_SILENCED;
    if (alarm->out_of_service) flags |= ANOM_FLAG_OUT_OF_SERVICE;
    anom_event_fields fields = {
        .kind = notice->kind,
        .state = alarm->state,
        .sequence = supervisor->sequence++,
        .hop = hop,
        .score_log2_q8 = (uint16_t)score_log2_q8,
        .health = (uint8_t)anom_supervisor_health(supervisor),
        .reasons = {(uint8_t)codes, (uint8_t)(codes >> 8), 0},
        .plan_tag = (uint16_t)plan_of(supervisor)->plan_tag,
        .flags = (uint8_t)flags,
    };
    anom_event_bytes_2(&fields, event);
    return 1;
}

/* Write the event of a notice of the alarm. Returns 1. */
static int32_t noticed(anom_supervisor *supervisor, const anom_notice *notice, uint32_t hop, anom_event *event)
{
    return write_event(supervisor, notice, anom_event_score_log2_q8(notice->score), notice->input, hop, event);
}

int32_t anom_supervisor_tick(anom_supervisor *supervisor, uint32_t score, uint32_t hop, anom_event *event,
                             int32_t *explained)
{
    uint16_t log2_q8 = anom_event_score_log2_q8(score);
    if (log2_q8 > supervisor->highest_log2_q8) supervisor->highest_log2_q8 = log2_q8;
    if (supervisor->judged < UINT32_MAX) supervisor->judged++;
    anom_notice notice;
    *explained = 0;
    if (!anom_alarm_step(&supervisor->alarm, score, &notice)) return 0;
    *explained = notice.explained;
    return noticed(supervisor, &notice, hop, event);
}

void anom_supervisor_gap(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks)
{
    anom_health *health = health_of(supervisor);
    if (health) health->plan->type->gap(health, lost);
    anom_alarm_gap(&supervisor->alarm, lost_ticks);
    advance(supervisor, lost);
}

int32_t anom_supervisor_samples_in(const anom_supervisor *supervisor, uint32_t ms)
{
    const anom_health *health = health_of(supervisor);
    return (int32_t)health->plan->type->samples_in(health, ms);
}

int32_t anom_supervisor_operate(anom_supervisor *supervisor, int32_t operation, uint32_t argument, uint32_t samples,
                                uint32_t hop, anom_event *event)
{
    anom_alarm *alarm = &supervisor->alarm;
    anom_health *health = health_of(supervisor);
    anom_notice notice;
    int32_t found = 0;
    switch (operation) {
    case ANOM_OPERATION_ACKNOWLEDGE: found = anom_alarm_acknowledge(alarm, &notice); break;
    case ANOM_OPERATION_SILENCE: found = anom_alarm_silence(alarm, argument, &notice); break;
    case ANOM_OPERATION_CANCEL: found = anom_alarm_cancel(alarm, &notice); break;
    case ANOM_OPERATION_OUT_OF_SERVICE: found = anom_alarm_serve(alarm, argument == 0, &notice); break;
    case ANOM_OPERATION_TEST: found = anom_alarm_test(alarm, &notice); break;
    case ANOM_OPERATION_SUPPLY: anom_health_report(health, ANOM_CONDITION_SUPPLY, argument == 1); break;
    case ANOM_OPERATION_SELF_TEST: anom_health_report(health, ANOM_CONDITION_SELF_TEST, argument == 1); break;
    case ANOM_OPERATION_MISSING: health->plan->type->missing(health, argument); break;
    default: health->plan->type->clock(health, argument, samples);
    }
    return found ? noticed(supervisor, &notice, hop, event) : 0;
}

/* Part of the ticks that were due that were judged, in 1/65535, 0 to 65535; one bit after the other, as small cores
 * have no division of 64 bits.
 *   judged, due ticks; due is not 0 */
static uint32_t judged_share(uint32_t judged, uint32_t due)
{
    uint32_t share = 0;
    if (judged >= due) return ANOM_SHARE_ONE;
    uint64_t left = (uint64_t)judged * ANOM_SHARE_ONE;
    uint64_t part = (uint64_t)due << 15;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1, part >>= 1) {
        if (left >= part) {
            left -= part;
            share |= bit;
        }
    }
    return share;
}

/* Write a heartbeat: the highest score, and the share of the ticks that were judged. Returns 1. */
static int32_t beat(anom_supervisor *supervisor, anom_notice *notice, uint32_t hop, anom_event *event)
{
    uint32_t due = supervisor->elapsed / (uint32_t)supervisor->alarm.plan->hops_per_tick;
    uint32_t share = judged_share(supervisor->judged, due > 0 ? due : 1);
    uint32_t highest = supervisor->highest_log2_q8;
    supervisor->elapsed = 0;
    supervisor->judged = 0;
    supervisor->highest_log2_q8 = 0;
    notice->kind = ANOM_KIND_HEARTBEAT;
    return write_event(supervisor, notice, highest, share, hop, event);
}

int32_t anom_supervisor_due(anom_supervisor *supervisor, uint32_t hop, anom_event *event)
{
    anom_notice notice = {0};
    if (supervisor->next == ANOM_NEXT_RESTART) {
        supervisor->next = ANOM_NEXT_LOOK;
        notice.kind = ANOM_KIND_RESTART;
        return write_event(supervisor, &notice, 0, 0, hop, event);
    }
    anom_health *health = health_of(supervisor);
    uint32_t condition = health ? (uint32_t)anom_health_change(health) : 0;
    if (condition) {
        notice.kind = ANOM_KIND_TECHNICAL;
        return write_event(supervisor, &notice, 0, condition | (health->active >> condition & 1u) << 8, hop, event);
    }
    if (anom_alarm_due(&supervisor->alarm, &notice)) return noticed(supervisor, &notice, hop, event);
    uint32_t heartbeat = (uint32_t)supervisor->alarm.plan->heartbeat;
    if (heartbeat > 0 && supervisor->elapsed >= heartbeat) return beat(supervisor, &notice, hop, event);
    return 0;
}

static size_t supervisor_state_bytes(const anom_supervisor_plan *plan)
{
    return ANOM_ALARM_BYTES + (plan->health ? ANOM_HEALTH_BYTES((size_t)plan->health->columns) : 0);
}

/* Account for n samples that never came. */
static void lose(anom_pipeline *pipeline, anom_supervisor *supervisor, int32_t n)
{
    if (n == 0) return;
    uint32_t lost = anom_pipeline_lose(pipeline, n);
    anom_supervisor_gap(supervisor, lost, lost / (uint32_t)supervisor->alarm.plan->hops_per_tick);
}

/* Take the next input that waits, and apply it. Number of events, 0 or 1. */
static int32_t apply(anom_pipeline *pipeline, anom_supervisor *supervisor, anom_event *event)
{
    uint8_t *inputs = supervisor->inputs;
    int32_t operation = inputs[0] & 127;
    uint32_t argument = inputs[0] >> 7;
    if (operation == 0) { /* no input is left: it is a gap */
        int32_t n = (int32_t)supervisor->gap;
        supervisor->gap = 0;
        lose(pipeline, supervisor, n);
        return 0;
    }
    for (int32_t i = 0; i < ANOM_SUPERVISOR_INPUTS - 1; i++)
        inputs[i] = inputs[i + 1];
    inputs[ANOM_SUPERVISOR_INPUTS - 1] = 0;
    if (anom_supervisor_has_number(operation)) argument = supervisor->number;
    if (operation == ANOM_OPERATION_MISSING)
        lose(pipeline, supervisor, anom_supervisor_samples_in(supervisor, argument));
    const anom_framer *framer = &pipeline->framer;
    uint32_t samples = framer->next_hop * (uint32_t)framer->plan->hop + (uint32_t)framer->have - (uint32_t)framer->skip;
    return anom_supervisor_operate(supervisor, operation, argument, samples, framer->next_hop, event);
}

static int32_t supervisor_poll(anom_pipeline *pipeline, anom_result *result)
{
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    anom_framer *framer = &pipeline->framer;
    anom_event *event = &result->events[0];
    for (;;) {
        if (anom_supervisor_due(supervisor, framer->next_hop, event)) break;
        const int16_t *window = anom_framer_window(framer);
        if (window && supervisor->next == ANOM_NEXT_RUN) {
            supervisor->next = ANOM_NEXT_LOOK;
            return 1;
        }
        if (window) {
            /* The new samples: the last hop of the window, all of the very first one */
            const anom_health *health = health_of(supervisor);
            int32_t shared = health && health->seen ? framer->plan->window - framer->plan->hop : 0;
            anom_supervisor_hop(supervisor, window + (ptrdiff_t)shared * framer->columns,
                                framer->plan->window - shared);
            supervisor->next = ANOM_NEXT_RUN;
            continue;
        }
        if (!anom_supervisor_waits(supervisor)) return 0;
        if (apply(pipeline, supervisor, event)) break;
    }
    result->hop = framer->next_hop;
    result->score = 0;
    result->n_events = 1;
    return 2;
}

static int32_t supervisor_judge(anom_supervisor *supervisor, anom_result *result)
{
    int32_t explained;
    result->n_events = 0;
    if (anom_supervisor_voids(supervisor)) return 0;
    result->n_events = anom_supervisor_tick(supervisor, result->score, result->hop, &result->events[0], &explained);
    return explained ? 2 : 1;
}

const anom_supervisor_type anom_supervisor_functions = {
    supervisor_state_bytes, anom_supervisor_init,         anom_supervisor_reset,  supervisor_poll,
    supervisor_judge,       anom_supervisor_annunciation, anom_supervisor_health,
};
