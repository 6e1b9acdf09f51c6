/* Ladder: rungs at fixed levels, each with its own counts, from which a level is chosen that keeps a promise.
 *
 * A rung is the alert logic of one level without a cooldown. A day is 86,400 s of ticks that were judged; only complete
 * days count. A promise is a budget, such as one alarm-day in 30 days. A rung keeps it once it has been watched for
 * needs[count] days (alarms: ticks), and is in alarm for no more than a share of the time. */
#ifndef ANOM_LADDER_H
#define ANOM_LADDER_H

#include <stddef.h>
#include <stdint.h>

#include "anom_alert.h"

#define ANOM_LADDER_NEEDS 16
#define ANOM_LADDER_MAX_COUNT 65535
#define ANOM_LADDER_MAX_PROMISES 4

/* Unit of a budget: what is counted, and among what. */
#define ANOM_UNIT_ALARM 0     /* alarms, in ticks of service */
#define ANOM_UNIT_ALARM_DAY 1 /* days with a tick in alarm, among days */
#define ANOM_UNIT_EPISODE 2   /* alarm-days after quiet days, among the days on which one could begin */

typedef struct anom_ladder_type anom_ladder_type;

/* Promise: a budget with the evidence that it asks for. */
typedef struct anom_promise_plan {
    int32_t unit;              /* ANOM_UNIT_* */
    const uint32_t *needs;     /* 16 values: days (alarms: ticks) to be watched with 0 to 15 counted; not falling */
    int32_t most_in_alarm_q16; /* share of the ticks of service, above which a rung fails: 1 to 65536 */
    int32_t event_q16;         /* evidence against a running promise: ln that each counted one adds, 1 to 2**24 */
    int32_t day_q16;           /* ln that each day takes off, 1 to 2**24 */
    int32_t broken_q16;        /* ln at which the promise is broken, 1 to 2**24 */
} anom_promise_plan;

/* Levels of the rungs, the length of a day, and the promises. */
typedef struct anom_ladder_plan {
    const anom_level_plan *levels; /* by level tag: the plan's own, then one for each rung, rising */
    const anom_promise_plan *promises;
    const anom_ladder_type *type;  /* functions, which only programs with such a plan hold */
    uint32_t day_ticks;            /* ticks in 86,400 s, rounded down, at least 1 */
    int32_t day_rest_q16;          /* and the rest of a tick */
    int32_t episode_gap;           /* quiet days after which an alarm-day begins an episode, 1 to 254; 0: none count */
    int32_t n_rungs;               /* 2 to 24 */
    int32_t n_promises;            /* 0 to 4 */
    uint32_t offset;               /* bytes from the end of the supervisor to the ladder, a multiple of 8 */
} anom_ladder_plan;

/* Counts of one rung: ticks up to 2**32 - 1, all others up to 65535. */
typedef struct anom_ladder_counts {
    uint32_t ticks; /* in alarm */
    uint16_t alarms;
    uint16_t days;     /* with a tick in alarm */
    uint16_t episodes;
    uint16_t at_risk;  /* days on which an episode could begin */
} anom_ladder_counts;

/* Ladder. Behind it lie the counts of each rung, then the states of each rung, then the quiet days of each rung.
 * A state is in_row of anom_rung in bits 0 to 15, and in bits 16 to 31 its calm where the rung is in alarm, else its
 * hits; both stay at 65535. From in_alarm on all bytes are those of a record. */
typedef struct anom_ladder {
    uint32_t yesterday;   /* as today, of the day that ended last */
    uint32_t busy;        /* bit above all rungs that have an alarm or hits; 0 or 1: none has */
    uint32_t in_alarm;    /* bit i: rung i is in alarm */
    uint32_t today;       /* bit i: a tick of the day was in alarm at rung i */
    uint32_t ticks;       /* of service, up to 2**32 - 1 */
    uint32_t elapsed;     /* ticks since the day began */
    int32_t evidence_q16; /* ln of the evidence against the promise that runs */
    uint16_t late_q16;    /* part of a tick since the day began */
    uint16_t days;        /* of service, complete, up to 65535 */
    uint16_t boot;        /* number of this ladder's life; 0: none was given */
    uint8_t tag;          /* level in force: 0: the plan's own, else index of the rung + 1 */
    uint8_t promise;      /* that runs: index + 1; 0: none */
    uint8_t lowest;       /* rungs below it have broken a promise */
    uint8_t waiting;      /* rungs from 0 on whose counts lack the day that ended last: each tick counts it for one */
    uint8_t news;         /* ANOM_PROMISE_*; 0: none */
    uint8_t argument;     /* of the news */
} anom_ladder;

/* Counts of all rungs. */
static inline anom_ladder_counts *anom_ladder_counts_of(const anom_ladder *ladder)
{
    return (anom_ladder_counts *)(uintptr_t)(ladder + 1);
}

/* Forget all counts, and return to the plan's own level. */
void anom_ladder_reset(anom_ladder *ladder, const anom_ladder_plan *plan);

/* Finish the counts of the day that ended last, for those who read them. */
void anom_ladder_settle(anom_ladder *ladder, const anom_ladder_plan *plan);

/* Part of anom_ladder_step: judge one tick at all rungs but those that stay at rest, as anom_rung_step does without a
 * cooldown. Bit i: rung i has raised an alarm. */
uint32_t anom_ladder_step_rungs(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                                uint32_t score);

/* Count one tick of service by its score. 1: it has broken the promise that runs, else 0. */
int32_t anom_ladder_step(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                         uint32_t score);

/* Account for lost ticks, as each rung does; they are no service. */
void anom_ladder_gap(anom_ladder *ladder, const anom_ladder_plan *plan);

/* Account for the ticks of a declared pause, as each rung does. */
void anom_ladder_pause(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t ticks);

/* End all alarms of the rungs, as when the pipeline is taken out of service. */
void anom_ladder_stop(anom_ladder *ladder, const anom_ladder_plan *plan);

/* Walk down the rungs for a promise of the plan, by its index: the first that fails ends the walk. Index of the lowest
 * rung that keeps the promise, as all above it do; -1: none does.
 *   days     without a rung, days that the highest one is still to be watched; 0: it has failed */
int32_t anom_ladder_choose(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise, uint32_t *days);

/* Take the level that keeps a promise of the plan; what came of it is news. A level that runs under the same promise is
 * lowered, never raised. */
void anom_ladder_calibrate(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise);

/* Put a level in force: 0 for the plan's own, else a rung by its index + 1. No promise runs. */
void anom_ladder_set_level(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t tag);

/* Take what is to be reported: ANOM_PROMISE_* and its argument << 8; 0: nothing. */
uint32_t anom_ladder_take_news(anom_ladder *ladder);

/* Write the state into its part of a record, of any alignment. */
void anom_ladder_save(anom_ladder *ladder, const anom_ladder_plan *plan, void *part);

/* Take the state from its part of a record. 1; 0: no ladder with this plan could have written it, and this one has
 * been reset.
 *   level_tag of the record
 *   releveled 1: it is that of a plan with other levels, whose promises end */
int32_t anom_ladder_restore(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                            const void *part, uint32_t level_tag, int32_t releveled);

/* One tick, as a pipeline calls it that has a supervisor with a ladder. */
int32_t anom_ladder_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event);

/* Bytes of the state, as in a record. */
static inline size_t anom_ladder_bytes(const anom_ladder_plan *plan)
{
    return ANOM_LADDER_BYTES((size_t)plan->n_rungs);
}

#endif
