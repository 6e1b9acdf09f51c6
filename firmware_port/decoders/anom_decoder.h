/* Decoder of the events of anomsdk: 16 bytes, or the 11 bytes of their compact form, both layouts. Encoder and decoder
 * of the downlink of 3 bytes that puts an alarm level in force on a device.
 *
 * C99 that depends on no other file of anomsdk, for gateways. It allocates nothing, keeps nothing, and reads no byte
 * beyond the n that it is given; the processor may have any byte order. docs/spec.md describes the bytes.
 *
 *     anom_decoded event;
 *     if (anom_decode(payload, n, &event) == 0 && event.raised)
 *         printf("alarm of plan %04x\n", (unsigned)event.plan_tag);
 *
 *     uint8_t downlink[ANOM_DECODED_DOWNLINK_BYTES];
 *     if (anom_encode_downlink(3, event.plan_tag, downlink) == 0)
 *         radio_send(downlink, sizeof downlink);
 */
#ifndef ANOM_DECODER_H
#define ANOM_DECODER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANOM_DECODED_BYTES 16
#define ANOM_DECODED_COMPACT_BYTES 11
#define ANOM_DECODED_DOWNLINK_BYTES 3
#define ANOM_DECODED_MAX_LEVEL_TAG 24
#define ANOM_DECODED_REASONS 3

#define ANOM_DECODE_LENGTH (-1)  /* there are neither 16 nor 11 bytes, or not the 3 of a downlink */
#define ANOM_DECODE_VERSION (-2) /* the layout is neither 1 nor 2 */
#define ANOM_DECODE_KIND (-3)    /* the kind is unknown */
#define ANOM_DECODE_STATE (-4)   /* the state is unknown */
#define ANOM_DECODE_CODE (-5)    /* the condition, the input, the beginning or the news is unknown */
#define ANOM_DECODE_LEVEL (-6)   /* the level tag of a downlink is not from 0 to 24 */
#define ANOM_DECODE_PLAN (-7)    /* the plan tag of a downlink is not from 0 to 0xffff */

/* Kinds. */
#define ANOM_DECODED_ANOMALY 1
#define ANOM_DECODED_TECHNICAL 2
#define ANOM_DECODED_HEARTBEAT 3
#define ANOM_DECODED_OPERATOR 4
#define ANOM_DECODED_RESTART 5
#define ANOM_DECODED_REPEAT 6
#define ANOM_DECODED_LEVEL 7

/* An event. Fields that its kind or form does not carry are 0, unless stated. */
typedef struct anom_decoded {
    uint8_t layout;          /* 1 or 2 */
    uint8_t compact;         /* 1: the compact form of 11 bytes */
    uint8_t kind;            /* ANOM_DECODED_* */
    uint8_t state;           /* of the alarm after the event, 0 to 5 */
    uint8_t high;            /* flag: the score reached the high level */
    uint8_t latched;         /* flag: the alarm stays until it is acknowledged */
    uint8_t silenced;        /* flag: annunciation is muted */
    uint8_t out_of_service;  /* flag: no alarm can be raised */
    uint8_t marked;          /* flag: an escalation, or of an operator event a test */
    uint8_t raised;          /* 1: an alarm begins with this event */
    uint8_t cleared;         /* 1: the score of an alarm returned to normal with this event */
    uint8_t escalated;       /* 1: an alarm that stands escalates with this event */
    uint16_t sequence;       /* counts events, modulo 2**16 */
    uint16_t score_log2_q8;  /* log2 of the score in q8; 0 also for no score */
    uint32_t hop;            /* modulo 2**32, in a compact form modulo 2**24 */
    uint8_t health;          /* health byte */
    uint8_t n_reasons;       /* of an anomaly: reasons that the event names, 0 to 3 */
    uint8_t reasons[ANOM_DECODED_REASONS]; /* group, 1 to 63, and direction << 6; the most unusual first */
    uint8_t condition;       /* of a technical event: its condition, 1 to 15 */
    uint8_t active;          /* of a technical event: 1: the condition begins, 0: it ends */
    uint8_t input;           /* of an operator event: its input, 1 to 7 */
    uint8_t restart;         /* of a restart event: what the pipeline began with, 0 to 2 */
    uint8_t promise;         /* of a level event: its news, 1 to 5 */
    int16_t argument;        /* of a level event: days that are needed, or index of the promise; compact: -1 */
    uint16_t judged_share;   /* of a heartbeat: judged share of the ticks since the last one, in 1/65535 */
    int16_t level_tag;       /* 0 to 255; -1: the form or the layout has none */
    uint16_t plan_tag;       /* first two bytes of the plan's id as they are read, cdab: 0xcdab; compact: the first, 0xcd */
} anom_decoded;

/* Decode one event. 0, or a negative ANOM_DECODE_*; then nothing is written.
 *   bytes    n bytes; NULL only if n is 0 */
int anom_decode(const uint8_t *bytes, size_t n, anom_decoded *decoded);

/* Order to put an alarm level in force under one plan. */
typedef struct anom_decoded_downlink {
    uint8_t level_tag; /* 0: the plan's own level, else a rung by its number from 1, up to 24 */
    uint16_t plan_tag; /* first two bytes of the plan's id as they are read, cdab: 0xcdab */
} anom_decoded_downlink;

/* Encode a downlink. 0, or ANOM_DECODE_LEVEL or ANOM_DECODE_PLAN; then nothing is written.
 *   level_tag, plan_tag  as in anom_decoded_downlink. That of an event of 16 bytes will do; that of a compact event lacks
 *                        the second byte */
int anom_encode_downlink(int64_t level_tag, int64_t plan_tag, uint8_t bytes[ANOM_DECODED_DOWNLINK_BYTES]);

/* Decode a downlink. 0, or ANOM_DECODE_LENGTH or ANOM_DECODE_LEVEL; then nothing is written.
 *   bytes    n bytes; NULL only if n is 0 */
int anom_decode_downlink(const uint8_t *bytes, size_t n, anom_decoded_downlink *decoded);

/* Words for the codes of an event; NULL for a code that has none. */
const char *anom_decoded_kind_word(uint8_t kind);
const char *anom_decoded_state_word(uint8_t state);
const char *anom_decoded_condition_word(uint8_t condition);
const char *anom_decoded_input_word(uint8_t input);
const char *anom_decoded_restart_word(uint8_t restart);
const char *anom_decoded_promise_word(uint8_t promise);

/* Words for a reason: the group of features, and the direction in which it differs from normal. NULL for a group that
 * has none. */
const char *anom_decoded_group_word(uint8_t reason);
const char *anom_decoded_direction_word(uint8_t reason);

/* Words for a bit of the health byte, 0 to 7; NULL for another one. */
const char *anom_decoded_health_word(uint8_t bit);

#ifdef __cplusplus
}
#endif
#endif
