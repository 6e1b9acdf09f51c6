/* Alarm: the life cycle of an alarm, from its raise to its acknowledged end.
 *
 * Judged ticks count for votes, on-delay, off-delay and cooldown, which are those of a rung. Hops count for all that a
 * person waits for: the cancel window, escalation, repeats, silence and test. */
#ifndef ANOM_ALARM_H
#define ANOM_ALARM_H

#include "anom_alert.h"

/* Inputs from outside, each with one argument. ANOM_OPERATION_SUPPLY to ANOM_OPERATION_CLOCK need a health section,
 * those behind them a ladder section. */
#define ANOM_OPERATION_ACKNOWLEDGE 1
#define ANOM_OPERATION_SILENCE 2        /* ticks, 0 to 2**31 - 1; 0 ends a silence */
#define ANOM_OPERATION_CANCEL 3
#define ANOM_OPERATION_OUT_OF_SERVICE 4 /* 1: out of service, 0: back in */
#define ANOM_OPERATION_TEST 5
#define ANOM_OPERATION_SUPPLY 6         /* 1: low, 0: well again */
#define ANOM_OPERATION_SELF_TEST 7      /* 1: failed, 0: passed */
#define ANOM_OPERATION_MISSING 8        /* more milliseconds without a sample */
#define ANOM_OPERATION_CLOCK 9          /* the caller's clock in milliseconds, modulo 2**32 */
#define ANOM_OPERATION_CALIBRATE 10     /* index of a promise of the plan */
#define ANOM_OPERATION_SET_LEVEL 11     /* 0: the plan's own level, else index of a rung + 1 */

/* Life cycle of the alarm. Durations are hops. */
typedef struct anom_alarm_plan {
    int32_t latch;              /* 1: an alarm that returned to normal stays until it is acknowledged; 0: it does not */
    int32_t cancel;             /* from the prealarm to the alarm; 0: no prealarm */
    int32_t escalate_ratio_q16; /* score over the highest reported score, 65536 to 2**26; 0: never */
    int32_t escalate_after;     /* without an acknowledgement until the alarm escalates; 0: never */
    int32_t escalate_every;     /* from an escalation to the next, at least */
    int32_t repeat;             /* from one "still alarming" to the next; 0: never */
    int32_t test;               /* how long a test is annunciated */
    int32_t heartbeat;          /* from one heartbeat to the next; 0: none */
    int32_t heartbeat_rest_q16; /* part of a hop that it takes more, 1 to 65535; 0: none */
    int32_t hops_per_tick;      /* hops from one tick to the next, without a pause */
    uint32_t due_q31;           /* ticks that are due in each hop of time, 1 to 2**31 */
} anom_alarm_plan;

/* One thing that the alarm has to say; the supervisor makes an event of it. 0: nothing. Else bits 32 to 63 are a score
 * and the others parts of the event: ANOM_KIND_* in bits 0 to 3, ANOM_NOTICE_EXPLAINED, ANOM_FLAG_* in bits 8 to 15,
 * ANOM_INPUT_* in bits 16 to 23. */
typedef uint64_t anom_notice;

#define ANOM_NOTICE_EXPLAINED 16 /* the event takes the reasons of its tick */

/* Flag of an alarm that has escalated since it was raised, and was not acknowledged since; no event has it. */
#define ANOM_ALARM_ESCALATED 1

typedef struct anom_alarm {
    anom_alert alert; /* first: its rung takes the votes, it counts the events and knows the tag of the plan */
    const anom_alarm_plan *plan;
    uint32_t peak;      /* highest score of the alarm */
    uint32_t base;      /* highest score that a raise or an escalation has reported */
    uint32_t waiting;   /* hops unacknowledged, since the prealarm, the raise or the last escalation */
    uint32_t hold;      /* hops until the next escalation may leave */
    uint32_t repeating; /* hops since the raise, the last escalation or the last repeat */
    uint32_t silence;   /* hops of silence that are left */
    uint32_t test;      /* hops of the test that are left */
    uint8_t state;      /* ANOM_STATE_*; never ANOM_STATE_PENDING, which leaves no device */
    uint8_t flags;      /* ANOM_FLAG_SILENCED, ANOM_FLAG_OUT_OF_SERVICE, ANOM_ALARM_ESCALATED */
    uint16_t late_q16;  /* of the supervisor, for which there is room here: part of a hop since a heartbeat was due */
} anom_alarm;

/* Begin normal and in service. */
void anom_alarm_init(anom_alarm *alarm, const anom_alarm_plan *plan, const anom_timing_plan *timing,
                     const anom_level_plan *level);

/* Back to normal and in service, as if nothing had been seen. */
void anom_alarm_reset(anom_alarm *alarm);

/* 1: the alarm stays until it is acknowledged. */
int32_t anom_alarm_latched(const anom_alarm *alarm);

/* Bits of ANOM_ANNUNCIATE_*, without ANOM_ANNUNCIATE_FAULT. */
uint32_t anom_alarm_annunciation(const anom_alarm *alarm);

/* Judge one tick: a raise, an escalation or a return to normal. */
anom_notice anom_alarm_step(anom_alarm *alarm, uint32_t score);

/* Let time go on: 1 hop, or the hops of a gap. */
void anom_alarm_advance(anom_alarm *alarm, uint32_t hops);

/* Take the next notice that time has made due; call it until it returns 0. */
anom_notice anom_alarm_due(anom_alarm *alarm);

/* Account for lost ticks, as the rung does. */
void anom_alarm_gap(anom_alarm *alarm, uint32_t lost_ticks);

/* Account for the ticks of a declared pause, as the rung does. */
void anom_alarm_pause(anom_alarm *alarm, uint32_t ticks);

/* Apply an operation: acknowledge, silence, cancel, out of service or test.
 *   operation ANOM_OPERATION_ACKNOWLEDGE to ANOM_OPERATION_TEST, with its argument */
anom_notice anom_alarm_operate(anom_alarm *alarm, int32_t operation, uint32_t argument);

#endif
