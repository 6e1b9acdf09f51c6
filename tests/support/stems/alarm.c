#include "anom_alarm.h"

typedef struct {
    int32_t operation;
    uint32_t number;
    uint32_t state;
    uint32_t out_of_service;
    uint32_t silenced;
    uint32_t escalated;
    uint32_t peak;
    uint32_t base;
    uint32_t waiting;
    uint32_t hold;
    uint32_t repeating;
    uint32_t silence;
    uint32_t test;
    int32_t latched;
    uint32_t annunciation;
    uint32_t notice; /* without its score; 0: none */
    uint32_t score;
} alarm_step;

typedef struct {
    anom_alarm_plan plan;
    anom_timing_plan timing;
    anom_level_plan level;
    int32_t n_steps;
    const alarm_step *steps;
} alarm_case;

static anom_notice alarm_give(anom_alarm *alarm, const alarm_step *step)
{
    switch (step->operation) {
    case 0: return anom_alarm_step(alarm, step->number);
    case 1: anom_alarm_advance(alarm, step->number); return 0;
    case 2: return anom_alarm_due(alarm);
    case 3: anom_alarm_gap(alarm, step->number); return 0;
    case 4: return anom_alarm_operate(alarm, ANOM_OPERATION_ACKNOWLEDGE, step->number);
    case 5: return anom_alarm_operate(alarm, ANOM_OPERATION_SILENCE, step->number);
    case 6: return anom_alarm_operate(alarm, ANOM_OPERATION_CANCEL, step->number);
    case 7: return anom_alarm_operate(alarm, ANOM_OPERATION_OUT_OF_SERVICE, step->number);
    case 8: return anom_alarm_operate(alarm, ANOM_OPERATION_TEST, step->number);
    case 10: anom_alarm_pause(alarm, step->number); return 0;
    default: anom_alarm_reset(alarm); return 0;
    }
}

static int32_t alarm_holds(const anom_alarm *alarm, const alarm_step *step)
{
    uint32_t flags = step->out_of_service * ANOM_FLAG_OUT_OF_SERVICE | step->silenced * ANOM_FLAG_SILENCED |
                     step->escalated * ANOM_ALARM_ESCALATED;
    return alarm->state == step->state && alarm->flags == flags && alarm->peak == step->peak &&
           alarm->base == step->base && alarm->waiting == step->waiting && alarm->hold == step->hold &&
           alarm->repeating == step->repeating && alarm->silence == step->silence && alarm->test == step->test &&
           (anom_alarm_latched(alarm) != 0) == step->latched && anom_alarm_annunciation(alarm) == step->annunciation;
}

static int32_t run_alarm(const alarm_case *c)
{
    anom_alarm alarm;
    anom_alarm_init(&alarm, &c->plan, &c->timing, &c->level);
    for (int32_t i = 0; i < c->n_steps; i++) {
        const alarm_step *step = &c->steps[i];
        anom_notice notice = alarm_give(&alarm, step);
        if ((uint32_t)notice != step->notice || notice >> 32 != step->score || !alarm_holds(&alarm, step)) return 0;
    }
    return 1;
}
