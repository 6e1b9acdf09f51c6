/* Event: the 16 bytes that may leave a pipeline. */
#ifndef ANOM_EVENT_H
#define ANOM_EVENT_H

#include "anomsdk.h"

#define ANOM_EVENT_VERSION 1   /* layout of the events of a plan without an alarm and a health section */
#define ANOM_EVENT_VERSION_2 2 /* layout of the events of a plan with one of them */
#define ANOM_SHARE_ONE 65535   /* judged share of a heartbeat in which every tick that was due was judged */

/* Kind of an event; layout 1 has anomaly only. */
#define ANOM_KIND_ANOMALY 1
#define ANOM_KIND_TECHNICAL 2
#define ANOM_KIND_HEARTBEAT 3
#define ANOM_KIND_OPERATOR 4
#define ANOM_KIND_RESTART 5
#define ANOM_KIND_REPEAT 6
#define ANOM_KIND_LEVEL 7

/* State of the alarm after the event. */
#define ANOM_STATE_NORMAL 0
#define ANOM_STATE_PENDING 1
#define ANOM_STATE_UNACK_ALARM 2
#define ANOM_STATE_PREALARM 3
#define ANOM_STATE_ACK_ALARM 4
#define ANOM_STATE_RTN_UNACK 5

/* Input of an operator that an event reports. */
#define ANOM_INPUT_ACKNOWLEDGE 1
#define ANOM_INPUT_SILENCE 2
#define ANOM_INPUT_SILENCE_OVER 3 /* also a silence that has expired */
#define ANOM_INPUT_CANCEL 4
#define ANOM_INPUT_OUT_OF_SERVICE 5
#define ANOM_INPUT_IN_SERVICE 6
#define ANOM_INPUT_TEST 7

/* What a pipeline began with, as a restart event reports it. */
#define ANOM_RESTART_ANEW 0
#define ANOM_RESTART_RESTORED 1 /* from a record */
#define ANOM_RESTART_REFUSED 2  /* anew, as the record was refused */

/* News of the level in force, as a level event reports it, with an argument. */
#define ANOM_PROMISE_CERTIFIED 1 /* index of the promise */
#define ANOM_PROMISE_NEEDS 2     /* no level is certified: days that are needed, 1 to 255; 255 also stands for more */
#define ANOM_PROMISE_BROKEN 3    /* index of the promise */
#define ANOM_PROMISE_SET 4
#define ANOM_PROMISE_FAILED 5    /* no level keeps the promise */

/* Technical conditions. */
#define ANOM_CONDITION_STUCK 1
#define ANOM_CONDITION_FLAT 2
#define ANOM_CONDITION_REPEATED 3
#define ANOM_CONDITION_CLIPPED 4
#define ANOM_CONDITION_NOISE_FLOOR 5
#define ANOM_CONDITION_STEP 6
#define ANOM_CONDITION_DEAD_AXIS 7
#define ANOM_CONDITION_GRAVITY 8
#define ANOM_CONDITION_GAP 9
#define ANOM_CONDITION_MISSING 10
#define ANOM_CONDITION_RATE 11
#define ANOM_CONDITION_NOT_WORN 12
#define ANOM_CONDITION_WARM_UP 13
#define ANOM_CONDITION_SELF_TEST 14
#define ANOM_CONDITION_SUPPLY 15

#define ANOM_HEALTH_NOT_READY 64 /* bit of the health byte: warm-up, a failed self-test, or a profile that is learnt */

/* Flags of layout 2, beside the state. */
#define ANOM_FLAG_LATCHED 8         /* the alarm stays until it is acknowledged */
#define ANOM_FLAG_SILENCED 16       /* annunciation of the alarm is muted */
#define ANOM_FLAG_OUT_OF_SERVICE 32 /* no alarm can be raised */
#define ANOM_FLAG_MARKED 64         /* the event is an escalation or a test */
#define ANOM_FLAG_HIGH 128          /* the score reached the high level */

/* A change of the alarm in integers, as layout 1 has it. */
typedef struct anom_event_fields {
    uint8_t kind;
    uint8_t state;
    uint8_t high;            /* the high level raised it */
    uint16_t sequence;       /* counts events */
    uint32_t hop;            /* index of the hop that ended the tick */
    uint16_t score_log2_q8;  /* log2 of the score in q8, 0 to 8191 */
    uint8_t health;          /* 0 */
    uint8_t reasons[3];      /* codes and directions, see anom_reasons.h; 0 but where the alarm was raised */
    uint16_t plan_tag;       /* first two bytes of the plan's id */
} anom_event_fields;

/* The 16 bytes of layout 1, little-endian. */
void anom_event_bytes(const anom_event_fields *fields, anom_event *event);

/* The 16 bytes of layout 2.
 *   words    4 words of 32 bits, each of which is written little-endian */
void anom_event_bytes_2(const uint32_t *words, anom_event *event);

/* Write reasons into an event; nothing else of it changes.
 *   reasons  3 bytes; the last one is the level tag in layout 2 */
void anom_event_with_reasons(anom_event *event, const uint8_t *reasons);

/* Score as an event carries it: log2 in q8, rounded down. */
uint16_t anom_event_score_log2_q8(uint32_t score);

#endif
