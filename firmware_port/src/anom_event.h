/* Event: the 16 bytes that may leave a pipeline. */
#ifndef ANOM_EVENT_H
#define ANOM_EVENT_H

#include "anomsdk.h"

#define ANOM_EVENT_VERSION 1

/* Kind of an event. */
#define ANOM_KIND_ANOMALY 1

/* State of the alarm after the event. */
#define ANOM_STATE_NORMAL 0
#define ANOM_STATE_PENDING 1
#define ANOM_STATE_UNACK_ALARM 2

/* A change of the alarm, in integers. */
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

/* The 16 bytes, little-endian. */
void anom_event_bytes(const anom_event_fields *fields, anom_event *event);

/* Write reasons into an event; nothing else of it changes.
 *   reasons  3 bytes */
void anom_event_with_reasons(anom_event *event, const uint8_t *reasons);

/* Score as an event carries it: log2 in q8, rounded down. */
uint16_t anom_event_score_log2_q8(uint32_t score);

#endif
