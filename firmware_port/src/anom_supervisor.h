/* Supervisor: health, the life cycle of the alarm and the heartbeat of one pipeline, in their order. */
#ifndef ANOM_SUPERVISOR_H
#define ANOM_SUPERVISOR_H

#include "anom_alarm.h"
#include "anom_health.h"

/* Inputs from outside, each with one argument. */
#define ANOM_OPERATION_ACKNOWLEDGE 1
#define ANOM_OPERATION_SILENCE 2        /* ticks, 0 to 2**31 - 1; 0 ends a silence */
#define ANOM_OPERATION_CANCEL 3
#define ANOM_OPERATION_OUT_OF_SERVICE 4 /* 1: out of service, 0: back in */
#define ANOM_OPERATION_TEST 5
#define ANOM_OPERATION_SUPPLY 6         /* 1: low, 0: well again */
#define ANOM_OPERATION_SELF_TEST 7      /* 1: failed, 0: passed */
#define ANOM_OPERATION_MISSING 8        /* more milliseconds without a sample */
#define ANOM_OPERATION_CLOCK 9          /* the caller's clock in milliseconds, modulo 2**32 */

#define ANOM_SUPERVISOR_INPUTS 3 /* inputs that may wait for a poll */

typedef struct anom_supervisor anom_supervisor;
typedef struct anom_supervisor_type anom_supervisor_type;

/* Sections alarm and health of a plan that has at least one of them. */
typedef struct anom_supervisor_plan {
    anom_alarm_plan alarm;            /* first: the rest is found by it */
    const anom_health_plan *health;   /* NULL: none */
    const anom_supervisor_type *type; /* functions, which only programs with such a plan hold */
    int32_t plan_tag;                 /* first two bytes of the plan's id, 0 to 65535 */
} anom_supervisor_plan;

/* What the next poll begins with. */
#define ANOM_NEXT_LOOK 0    /* a full window has not been looked at */
#define ANOM_NEXT_RUN 1     /* it has */
#define ANOM_NEXT_RESTART 2 /* a restart is due */

struct anom_supervisor {
    anom_alarm alarm;
    uint32_t elapsed;         /* hops since the last heartbeat */
    uint32_t judged;          /* ticks judged since then */
    uint32_t number;          /* argument of the input that waits and has a number */
    uint32_t gap;             /* samples of a gap that waits, 0 to 2**31 - 1 */
    uint16_t highest_log2_q8; /* highest score judged since the last heartbeat, as an event carries it */
    uint16_t sequence;
    uint8_t inputs[ANOM_SUPERVISOR_INPUTS]; /* operations that wait, with bit 7 for an argument of 1; 0: none */
    uint8_t next;                           /* ANOM_NEXT_* */
    /* health follows where the plan has it */
};

/* Begin, with room for health behind the struct. A restart is due. */
void anom_supervisor_init(anom_supervisor *supervisor, const anom_supervisor_plan *plan,
                          const anom_timing_plan *timing, const anom_level_plan *level);

/* Start again: forget the samples, the alarm, all conditions and inputs that wait. A restart is due. */
void anom_supervisor_reset(anom_supervisor *supervisor);

/* 1: no tick is judged now. */
int32_t anom_supervisor_voids(const anom_supervisor *supervisor);

/* Health byte; 0 without health. */
uint32_t anom_supervisor_health(const anom_supervisor *supervisor);

/* Bits of ANOM_ANNUNCIATE_*. */
uint32_t anom_supervisor_annunciation(const anom_supervisor *supervisor);

/* Take the new samples of one hop; then events may be due.
 *   samples  n samples of `columns` values */
void anom_supervisor_hop(anom_supervisor *supervisor, const int16_t *samples, int32_t n);

/* Judge one tick that is not void. Number of events, 0 or 1.
 *   explained 1: the event takes the reasons of the tick */
int32_t anom_supervisor_tick(anom_supervisor *supervisor, uint32_t score, uint32_t hop, anom_event *event,
                             int32_t *explained);

/* Account for lost hops and ticks. */
void anom_supervisor_gap(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks);

/* Samples that `ms` more milliseconds without a sample stand for; only with health. */
int32_t anom_supervisor_samples_in(const anom_supervisor *supervisor, uint32_t ms);

/* Apply an operation; then events may be due. Number of events, 0 or 1.
 *   operation ANOM_OPERATION_*; the gap of a missing sensor has been accounted for before
 *   samples  samples so far, modulo 2**32
 *   hop      index of the hop that is being filled */
int32_t anom_supervisor_operate(anom_supervisor *supervisor, int32_t operation, uint32_t argument, uint32_t samples,
                                uint32_t hop, anom_event *event);

/* Take the next event that is due without a tick. Number of events, 0 or 1. */
int32_t anom_supervisor_due(anom_supervisor *supervisor, uint32_t hop, anom_event *event);

/* 1: the argument of an operation is a number, not 0 or 1.
 *   operation ANOM_OPERATION_* */
static inline int32_t anom_supervisor_has_number(int32_t operation)
{
    uint32_t with_number =
        1u << ANOM_OPERATION_SILENCE | 1u << ANOM_OPERATION_MISSING | 1u << ANOM_OPERATION_CLOCK;
    return (int32_t)(with_number >> operation & 1);
}

/* 1: an input or a gap waits for the next poll. */
static inline int32_t anom_supervisor_waits(const anom_supervisor *supervisor)
{
    return supervisor->inputs[0] != 0 || supervisor->gap > 0;
}

/* Functions of the supervisor. A program holds them only where a plan names them. */
struct anom_supervisor_type {
    size_t (*state_bytes)(const anom_supervisor_plan *plan); /* beyond those of anom_pipeline, a multiple of 8 */
    void (*init)(anom_supervisor *supervisor, const anom_supervisor_plan *plan, const anom_timing_plan *timing,
                 const anom_level_plan *level);
    void (*reset)(anom_supervisor *supervisor);
    /* 2: the result is an event without a tick; 1: the window is to be run; 0: nothing is left to do */
    int32_t (*poll)(anom_pipeline *pipeline, anom_result *result);
    /* Judge the tick of a result. 0: it is void; 1: it was judged; 2: its event takes the reasons of the tick */
    int32_t (*judge)(anom_supervisor *supervisor, anom_result *result);
    uint32_t (*annunciation)(const anom_supervisor *supervisor);
    uint32_t (*health)(const anom_supervisor *supervisor);
};

extern const anom_supervisor_type anom_supervisor_functions;

#endif
