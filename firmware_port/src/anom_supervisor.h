/* Supervisor: health, the life cycle of the alarm and the heartbeat of one pipeline, in their order. */
#ifndef ANOM_SUPERVISOR_H
#define ANOM_SUPERVISOR_H

#include "anom_alarm.h"
#include "anom_health.h"
#include "anom_ladder.h"

#define ANOM_INPUT_BITS 5   /* of an input that waits */
#define ANOM_INPUTS_BITS 15 /* of all three */

/* Called at a tick, before its scratch is wiped: self-test and bench look at the model through it. */
typedef void anom_observer(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n);

typedef struct anom_supervisor anom_supervisor;
typedef struct anom_supervisor_type anom_supervisor_type;

/* 0: what the extractor needs for its first frame is still learnt; 1: it is there. */
typedef int32_t anom_readiness(const anom_supervisor *supervisor);

/* Sections alarm, health and ladder of a plan that has at least one of them. */
typedef struct anom_supervisor_plan {
    anom_alarm_plan alarm;            /* first: the rest is found by it */
    const anom_health_plan *health;   /* NULL: none */
    const anom_ladder_plan *ladder;   /* NULL: none */
    const anom_supervisor_type *type; /* functions, which only programs with such a plan hold */
    anom_readiness *is_ready;         /* anom_supervisor_is_ready, where the extractor learns */
    int32_t learns;                   /* 1: the extractor learns what it needs for its first frame; 0: nothing */
} anom_supervisor_plan;

/* What the next poll begins with. */
#define ANOM_NEXT_LOOK 0    /* a full window has not been looked at */
#define ANOM_NEXT_RUN 1     /* it has */
#define ANOM_NEXT_RESTART 2 /* a restart is due: this and its ANOM_RESTART_* */

struct anom_supervisor {
    anom_alarm alarm; /* first: its alert is that of the pipeline */
    uint32_t elapsed; /* hops since a heartbeat was due, and late_q16 of the alarm */
    uint32_t judged;  /* ticks judged since the last heartbeat: up to 2**32 - 1 */
    uint32_t number;  /* argument of the input that waits and has a number */
    uint32_t gap;     /* samples of a gap that waits, 0 to 2**31 - 1 */
    unsigned highest_log2_q8 : 13; /* highest score judged since the last heartbeat, as an event carries it */
    unsigned next : 3;             /* ANOM_NEXT_* */
    unsigned settled : 1;          /* 1: no event is due until the next look or input */
    unsigned inputs : 15;          /* that wait, 5 bits each, the next one lowest: operation, or 0; argument << 4 */
    /* health follows where the plan has it, then the ladder */
};

/* Begin, with room for health and the ladder behind the struct. A restart is due.
 *   plan_tag first two bytes of the plan's id, little-endian */
void anom_supervisor_init(anom_supervisor *supervisor, const anom_supervisor_plan *plan,
                          const anom_timing_plan *timing, const anom_level_plan *level, uint16_t plan_tag);

/* Start again: forget the samples, the alarm, all conditions and inputs that wait. A restart is due. */
void anom_supervisor_reset(anom_supervisor *supervisor, const anom_supervisor_plan *plan);

/* 1: no tick is judged now. */
int32_t anom_supervisor_voids(const anom_supervisor *supervisor);

/* 1: a condition other than warm-up voids ticks: then no service time runs. */
int32_t anom_supervisor_voids_by_fault(const anom_supervisor *supervisor);

/* Health byte; without health, only the bit of an extractor that learns. */
uint32_t anom_supervisor_health(const anom_supervisor *supervisor);

/* 1: the extractor has learnt what its first frame needs; only in a pipeline, and with an extractor that learns. */
int32_t anom_supervisor_is_ready(const anom_supervisor *supervisor);

/* Bits of ANOM_ANNUNCIATE_*. */
uint32_t anom_supervisor_annunciation(const anom_supervisor *supervisor);

/* Take the new samples of one hop; then events may be due.
 *   samples  n samples of `columns` values */
void anom_supervisor_hop(anom_supervisor *supervisor, const int16_t *samples, int32_t n);

/* Write an event of layout 2. Returns 1.
 *   what     a notice without its score, or ANOM_KIND_* with codes: the first in bits 16 to 23, the second in 24 to 31
 *   score_log2_q8 score, as an event carries it */
int32_t anom_supervisor_event(anom_supervisor *supervisor, uint32_t what, uint32_t score_log2_q8, uint32_t hop,
                              anom_event *event);

/* Judge one tick that is not void. 0, or bits of ANOM_JUDGED_*. */
int32_t anom_supervisor_tick(anom_supervisor *supervisor, uint32_t score, uint32_t hop, anom_event *event);

/* One tick, as a pipeline calls it.
 *   alert    that of a supervisor */
int32_t anom_supervisor_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

/* Account for lost hops and ticks. */
void anom_supervisor_gap(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks);

/* Account for the hops and ticks of a declared pause; a fault lets its delays stand. */
void anom_supervisor_pause(anom_supervisor *supervisor, uint32_t hops, uint32_t ticks);

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

/* Let a gap of n samples wait. */
void anom_supervisor_lose(anom_pipeline *pipeline, int32_t n);

/* As anom_pipeline_poll_observed. */
int32_t anom_supervisor_poll(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of);

/* The alarm's plan is the first member of the supervisor's. */
static inline const anom_supervisor_plan *anom_supervisor_plan_of(const anom_supervisor *supervisor)
{
    return (const anom_supervisor_plan *)(const void *)supervisor->alarm.plan;
}

/* The ladder of a supervisor whose plan has one. */
static inline anom_ladder *anom_supervisor_ladder(const anom_supervisor *supervisor)
{
    return (anom_ladder *)((uintptr_t)(supervisor + 1) + anom_supervisor_plan_of(supervisor)->ladder->offset);
}

/* Tag of the level in force; 0 without a ladder. */
static inline uint32_t anom_supervisor_level(const anom_supervisor *supervisor)
{
    return anom_supervisor_plan_of(supervisor)->ladder ? anom_supervisor_ladder(supervisor)->tag : 0;
}

/* 1: the argument of an operation is a number, not 0 or 1.
 *   operation ANOM_OPERATION_*, or 0 */
static inline int32_t anom_supervisor_has_number(uint32_t operation)
{
    uint32_t with_number = 1u << ANOM_OPERATION_SILENCE | 1u << ANOM_OPERATION_MISSING | 1u << ANOM_OPERATION_CLOCK |
                           1u << ANOM_OPERATION_CALIBRATE | 1u << ANOM_OPERATION_SET_LEVEL;
    return (int32_t)(with_number >> operation & 1);
}

/* Functions of the supervisor. A program holds them only where a plan names them. */
struct anom_supervisor_type {
    void (*reset)(anom_supervisor *supervisor, const anom_supervisor_plan *plan);
    /* As anom_pipeline_poll_observed. */
    int32_t (*poll)(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of);
    /* Let a gap of n samples wait. */
    void (*lose)(anom_pipeline *pipeline, int32_t n);
    void (*gap)(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks);
    void (*pause)(anom_supervisor *supervisor, uint32_t hops, uint32_t ticks);
    uint32_t (*annunciation)(const anom_supervisor *supervisor);
    uint32_t (*health)(const anom_supervisor *supervisor);
};

extern const anom_supervisor_type anom_supervisor_functions;

/* Functions of a supervisor's ladder. A program holds them only where a plan names them. */
struct anom_ladder_type {
    /* Calibrate, set the level, or hear that another input is about to be applied. 1: it was for the ladder, else 0. */
    int32_t (*operate)(anom_supervisor *supervisor, int32_t operation, uint32_t argument);
    /* Take news of the level. Number of events, 0 or 1. */
    int32_t (*due)(anom_supervisor *supervisor, uint32_t hop, anom_event *event);
    /* Add the ladder to a record whose other bytes but length and CRC are written. */
    void (*save)(const anom_supervisor *supervisor, uint8_t *record);
    /* Take the ladder from a record that is whole and for this plan otherwise. 1; 0: refused. */
    int32_t (*restore)(anom_supervisor *supervisor, const uint8_t *record);
    void (*settle)(anom_ladder *ladder, const anom_ladder_plan *plan);
};

extern const anom_ladder_type anom_ladder_functions;

/* Functions of a supervisor with a ladder. */
extern const anom_supervisor_type anom_ladder_supervisor_functions;

#endif
