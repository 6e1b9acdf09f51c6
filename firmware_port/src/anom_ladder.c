/* Ladder: rungs at fixed levels, each with its own counts, from which a level is chosen that keeps a promise. */
#include "anom_ladder.h"

#include "anom_copy.h"
#include "anom_fixed.h"
#include "anom_pipeline.h"
#include "anom_record.h"
#include "anom_wipe.h"

/* APART: a variable that a loop keeps in a register of its own, where compilers would compute it in every round.
 * NOINLINE: a function of which there is one copy; a program with a ladder has few bytes for it. */
#ifdef __GNUC__
#define APART(variable) __asm__("" : "+r"(variable))
#define NOINLINE __attribute__((noinline))
#else
#define APART(variable) (void)(variable)
#define NOINLINE
#endif

#define LEAST_EVIDENCE_Q16 (-(1 << 30))

ANOM_ASSERT(ladder_has_its_announced_size,
            sizeof(anom_ladder) - offsetof(anom_ladder, in_alarm) == ANOM_LADDER_BYTES(0));
ANOM_ASSERT(rung_of_a_ladder_has_its_announced_size, sizeof(anom_ladder_counts) + sizeof(uint32_t) + 1 ==
                                                         ANOM_LADDER_BYTES(1) - ANOM_LADDER_BYTES(0));

/* States of all rungs. */
static uint32_t *states_of(const anom_ladder *ladder, const anom_ladder_plan *plan)
{
    return (uint32_t *)(void *)(anom_ladder_counts_of(ladder) + plan->n_rungs);
}

/* Days of each rung since its last alarm-day, up to the episode gap. */
static uint8_t *quiet_of(const anom_ladder *ladder, const anom_ladder_plan *plan)
{
    return (uint8_t *)(states_of(ladder, plan) + plan->n_rungs);
}

ANOM_ASSERT(days_follow_alarms, offsetof(anom_ladder_counts, days) == offsetof(anom_ladder_counts, alarms) + 2);
ANOM_ASSERT(episodes_follow_days, offsetof(anom_ladder_counts, episodes) == offsetof(anom_ladder_counts, days) + 2);

/* Counts of a rung by ANOM_UNIT_*. */
static uint16_t *counted_of(const anom_ladder_counts *counts)
{
    return (uint16_t *)((uintptr_t)counts + offsetof(anom_ladder_counts, alarms));
}

/* Add 0 or 1 to a count, which stays at 65535. */
static void count_up(uint16_t *counted, uint32_t more)
{
    uint32_t sum = *counted + more;
    *counted = (uint16_t)(sum - (sum >> 16));
}

/* 1: at least m of the hits are set. */
static int32_t has_votes(uint32_t hits, int32_t m)
{
    hits -= hits >> 1 & 0x55555555;
    hits = (hits & 0x33333333) + (hits >> 2 & 0x33333333);
    hits = (hits + (hits >> 4)) & 0x0F0F0F0F;
    return (int32_t)((hits + (hits >> 8)) & 31) >= m;
}

void anom_ladder_reset(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    anom_wipe(ladder, offsetof(anom_ladder, in_alarm) + anom_ladder_bytes(plan));
    uint8_t *quiet = quiet_of(ladder, plan);
    for (int32_t left = plan->n_rungs; left > 0; left--)
        *quiet++ = (uint8_t)plan->episode_gap;
}

/* Put a level in force under a promise; the evidence against it begins anew, with a day paid in advance.
 *   promise  index + 1; 0: none */
NOINLINE
static void put_in_force(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t tag, uint32_t promise)
{
    ladder->tag = (uint8_t)tag;
    ladder->promise = (uint8_t)promise;
    ladder->evidence_q16 = 0;
    if (promise == 0) return;
    const anom_promise_plan *begun = &plan->promises[promise - 1];
    if (begun->unit == ANOM_UNIT_ALARM) ladder->evidence_q16 = -begun->day_q16;
}

/* Leave news to be taken. */
static void tell(anom_ladder *ladder, uint32_t news, uint32_t argument)
{
    ladder->news = (uint8_t)news;
    ladder->argument = (uint8_t)argument;
}

/* 1: an episode could begin after these quiet days. */
static uint32_t is_at_risk(const anom_ladder_plan *plan, uint32_t quiet)
{
    return quiet > (uint32_t)plan->episode_gap - 1; /* off: 2**32 - 1, which is never exceeded */
}

/* Count the day that ended last for one more rung. */
NOINLINE static void settle_one(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    int32_t i = --ladder->waiting;
    anom_ladder_counts *counts = &anom_ladder_counts_of(ladder)[i];
    uint8_t *quiet = &quiet_of(ladder, plan)[i];
    uint32_t alarm = ladder->yesterday >> i & 1;
    uint32_t at_risk = is_at_risk(plan, *quiet);
    count_up(&counts->days, alarm);
    count_up(&counts->at_risk, at_risk);
    count_up(&counts->episodes, alarm & at_risk);
    if (*quiet < plan->episode_gap) ++*quiet;
    if (alarm) *quiet = 0;
}

void anom_ladder_settle(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    while (ladder->waiting > 0)
        settle_one(ladder, plan);
}

uint32_t anom_ladder_step_rungs(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                                uint32_t score)
{
    const anom_level_plan *level = &plan->levels[1];
    anom_ladder_counts *counts = anom_ladder_counts_of(ladder);
    uint32_t *state = states_of(ladder, plan);
    uint32_t in_alarm = ladder->in_alarm;
    uint32_t last = 0; /* hits << 1 | 1 if they are enough: rungs side by side mostly have the same */
    uint32_t old = ~0u << timing->n; /* hits that no vote counts any more */
    uint32_t bit = 1;
    APART(old);
    for (; bit < ladder->busy || (!(bit >> plan->n_rungs) && score >= level->raise_score); bit <<= 1) {
        uint32_t word = *state;
        uint32_t in_row = word & 0xFFFF;
        uint32_t second = word >> 16;
        if (in_alarm & bit) {
            second++;
            second -= second >> 16;
            word = (in_row + 1) | second << 16;
            if (score >= level->clear_score) {
                word = 0;
            } else if (in_row >= (uint32_t)timing->off_delay || second > (uint32_t)timing->clear_after - 1) {
                word = 0; /* clear_after is off: 2**32 - 1 */
                in_alarm ^= bit;
            }
        } else {
            if (score > level->high_score - 1) { /* off: 2**32 - 1, too */
                in_row = UINT32_MAX;
            } else {
                second = (second << 1 | (score >= level->raise_score)) & ~old;
                if (second != last >> 1) last = second << 1 | (uint32_t)has_votes(second, timing->m);
                in_row = last & 1 ? in_row + 1 : 0;
                word = in_row | second << 16;
            }
            if (in_row > (uint32_t)timing->on_delay) {
                word = 0;
                in_alarm ^= bit;
                count_up(&counts->alarms, 1);
            }
        }
        *state++ = word;
        if (in_alarm & bit) counts->ticks = anom_saturating_add(counts->ticks, 1);
        level++;
        counts++;
        APART(level);
        APART(counts);
        APART(state);
    }
    while (bit > 1 && *--state == 0 && in_alarm < bit >> 1)
        bit >>= 1;
    ladder->busy = bit;
    uint32_t raised = in_alarm & ~ladder->in_alarm;
    ladder->in_alarm = in_alarm;
    ladder->today |= in_alarm;
    return raised;
}

/* Raise a level whose promise is broken, to the lowest rung above it that keeps the promise by all counts. Where none
 * does, to the next rung, and no promise runs. No calibrate comes back to the level that was left. */
static void broke(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    uint32_t promise = (uint32_t)ladder->promise - 1;
    ladder->lowest = (uint8_t)(ladder->tag - (ladder->tag == plan->n_rungs)); /* the next rung, or the highest */
    put_in_force(ladder, plan, ladder->lowest + 1u, 0);
    anom_ladder_calibrate(ladder, plan, promise);
    tell(ladder, ANOM_PROMISE_BROKEN, promise);
}

int32_t anom_ladder_step(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                         uint32_t score)
{
    uint32_t raised = anom_ladder_step_rungs(ladder, plan, timing, score);
    if (ladder->waiting > 0 && raised == 0) settle_one(ladder, plan); /* a tick that raises takes long enough */
    ladder->ticks = anom_saturating_add(ladder->ticks, 1);

    /* A day ends; the counts of the rungs follow in the next ticks */
    uint32_t late = (uint32_t)ladder->late_q16 - (uint32_t)plan->day_rest_q16; /* borrows a tick, or none */
    uint32_t day = plan->day_ticks - 1 + (late >> 31);                         /* ticks before this one */
    uint32_t ended = ladder->elapsed >= day;
    ladder->elapsed += 1;
    if (ended) {
        ladder->elapsed -= day + 1;
        ladder->late_q16 = (uint16_t)late;
        anom_ladder_settle(ladder, plan);
        count_up(&ladder->days, 1);
        ladder->yesterday = ladder->today;
        ladder->today = 0;
        ladder->waiting = (uint8_t)plan->n_rungs;
    }

    /* Evidence against the promise that runs */
    if (ladder->promise == 0 || ladder->tag == 0) return 0;
    const anom_promise_plan *promise = plan->promises + ladder->promise;
    promise--;
    int32_t i = ladder->tag - 1;
    if (promise->unit == ANOM_UNIT_EPISODE && !is_at_risk(plan, quiet_of(ladder, plan)[i])) ended = 0;
    uint32_t counted = promise->unit == ANOM_UNIT_ALARM ? raised : ladder->yesterday * ended;
    int32_t evidence = ladder->evidence_q16 + (int32_t)(counted >> i & 1) * promise->event_q16;
    evidence -= (int32_t)ended * promise->day_q16;
    if (evidence < LEAST_EVIDENCE_Q16) evidence = LEAST_EVIDENCE_Q16;
    ladder->evidence_q16 = evidence;
    if (evidence < promise->broken_q16) return 0;
    broke(ladder, plan);
    return 1;
}

/* Let ticks pass at all rungs that are not at rest.
 *   paused   1: a declared pause, in which counts stay and calm goes on; 0: they were lost, and only calm stays */
NOINLINE static void let_pass(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t ticks, int32_t paused)
{
    uint32_t *state = states_of(ladder, plan);
    for (uint32_t bit = 1; bit < ladder->busy; bit <<= 1, state++) {
        uint32_t word = *state;
        uint32_t calm = ladder->in_alarm & bit ? word >> 16 : 0;
        uint32_t most = ANOM_LADDER_MAX_COUNT - calm;
        if (!paused)
            word = calm << 16;
        else if (calm)
            word += (ticks < most ? ticks : most) << 16;
        *state = word;
    }
}

void anom_ladder_gap(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    let_pass(ladder, plan, 0, 0);
}

void anom_ladder_pause(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t ticks)
{
    let_pass(ladder, plan, ticks, 1);
}

void anom_ladder_stop(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    ladder->in_alarm = 0;
    anom_ladder_gap(ladder, plan);
}

int32_t anom_ladder_choose(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise, uint32_t *days)
{
    const anom_promise_plan *wanted = &plan->promises[promise];
    const uint32_t most = (uint32_t)((uint64_t)(uint32_t)wanted->most_in_alarm_q16 * ladder->ticks >> 16);
    int32_t chosen = plan->n_rungs;
    *days = 0;
    anom_ladder_settle(ladder, plan);
    for (; chosen > ladder->lowest; chosen--) {
        const anom_ladder_counts *counts = &anom_ladder_counts_of(ladder)[chosen - 1];
        uint32_t counted = counted_of(counts)[wanted->unit];
        uint32_t watched = wanted->unit == ANOM_UNIT_ALARM_DAY ? ladder->days : counts->at_risk;
        if (wanted->unit == ANOM_UNIT_ALARM) watched = ladder->ticks;
        if (counted >= ANOM_LADDER_NEEDS || counts->ticks > most) break;
        uint32_t needs = wanted->needs[counted];
        if (needs > watched) {
            *days = (needs - watched - 1) / (wanted->unit == ANOM_UNIT_ALARM ? plan->day_ticks : 1) + 1;
            break;
        }
    }
    return chosen < plan->n_rungs ? chosen : -1;
}

void anom_ladder_calibrate(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise)
{
    uint32_t days;
    uint32_t tag = (uint32_t)(anom_ladder_choose(ladder, plan, promise, &days) + 1);
    uint32_t news = ANOM_PROMISE_CERTIFIED;
    uint32_t argument = promise;
    if (tag == 0) {
        if (ladder->promise != promise + 1) {
            news = days ? ANOM_PROMISE_NEEDS : ANOM_PROMISE_FAILED;
            argument = days < 255 ? days : 255;
        }
    } else if (ladder->promise != promise + 1 || tag < ladder->tag) {
        put_in_force(ladder, plan, tag, promise + 1);
    }
    tell(ladder, news, argument);
}

void anom_ladder_set_level(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t tag)
{
    put_in_force(ladder, plan, tag, 0);
    ladder->lowest = 0;
    tell(ladder, ANOM_PROMISE_SET, 0);
}

uint32_t anom_ladder_take_news(anom_ladder *ladder)
{
    uint32_t news = ladder->news | (uint32_t)ladder->argument << 8;
    tell(ladder, 0, 0);
    return news;
}

/* Turn the bytes of each number around, where the lowest one does not lie first: into a record or back.
 *   part     of a record, of any alignment */
static void turn_ladder(void *part, const anom_ladder_plan *plan)
{
    (void)part;
    (void)plan;
#if ANOM_MAY_TURN
    uint8_t *at = part;
    anom_turn(at, 4, 5);
    anom_turn(at + offsetof(anom_ladder, late_q16) - offsetof(anom_ladder, in_alarm), 2, 3);
    at += ANOM_LADDER_BYTES(0);
    for (int32_t i = 0; i < plan->n_rungs; i++, at += sizeof(anom_ladder_counts)) {
        anom_turn(at, 4, 1);
        anom_turn(at + offsetof(anom_ladder_counts, alarms), 2, 4);
    }
    anom_turn(at, 4, plan->n_rungs);
#endif
}

void anom_ladder_save(anom_ladder *ladder, const anom_ladder_plan *plan, void *part)
{
    anom_ladder_settle(ladder, plan);
    anom_copy(part, &ladder->in_alarm, anom_ladder_bytes(plan));
    turn_ladder(part, plan);
}

/* 1: a ladder with this plan could have written it.
 *   level_tag of the record
 *   n_promises of the plan that wrote it, or the most that a plan has */
static int32_t takes(const anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                     uint32_t level_tag, int32_t n_promises)
{
    int32_t n = plan->n_rungs;
    const uint32_t *state = states_of(ladder, plan);
    const uint8_t *quiet = quiet_of(ladder, plan);
    uint32_t in_alarm = ladder->in_alarm;
    if ((in_alarm | ladder->today) >> n) return 0;
    uint64_t day = (uint64_t)plan->day_ticks << 32 | (uint32_t)plan->day_rest_q16;
    if (((uint64_t)ladder->elapsed << 32 | ladder->late_q16) >= day) return 0;
    if ((uint32_t)ladder->evidence_q16 + (1u << 30) > 1u << 31) return 0;
    if (ladder->tag != level_tag || ladder->tag > n || ladder->lowest >= n) return 0;
    if (ladder->promise > n_promises || ladder->news > ANOM_PROMISE_FAILED) return 0;
    for (; n > 0; n--, in_alarm >>= 1) {
        uint32_t hits = in_alarm & 1 ? 0 : *state >> 16;
        if (hits >> timing->n || *quiet > plan->episode_gap) return 0;
        state++;
        quiet++;
    }
    return 1;
}

int32_t anom_ladder_restore(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                            const void *part, uint32_t level_tag, int32_t releveled)
{
    anom_copy(&ladder->in_alarm, part, anom_ladder_bytes(plan));
    turn_ladder(&ladder->in_alarm, plan);
    if (!takes(ladder, plan, timing, level_tag, releveled ? ANOM_LADDER_MAX_PROMISES : plan->n_promises)) {
        anom_ladder_reset(ladder, plan);
        return 0;
    }
    ladder->busy = 1u << plan->n_rungs;
    ladder->waiting = 0;
    if (ladder->news == 0) ladder->argument = 0;
    if (releveled) {
        ladder->promise = 0;
        ladder->evidence_q16 = 0;
    }
    return 1;
}

/* The ladder's plan of a supervisor that has one. */
static const anom_ladder_plan *plan_of(const anom_supervisor *supervisor)
{
    return anom_supervisor_plan_of(supervisor)->ladder;
}

/* Judge by the level in force from now on, if it is another one. */
static void relevel(anom_supervisor *supervisor)
{
    const anom_level_plan *level = &plan_of(supervisor)->levels[anom_supervisor_level(supervisor)];
    if (supervisor->alarm.alert.rung.level != level) anom_rung_relevel(&supervisor->alarm.alert.rung, level);
}

static void ladder_reset(anom_supervisor *supervisor, const anom_supervisor_plan *plan)
{
    anom_supervisor_reset(supervisor, plan);
    anom_ladder_reset(anom_supervisor_ladder(supervisor), plan->ladder);
    relevel(supervisor);
}

int32_t anom_ladder_judge(anom_alert *alert, uint32_t score, uint32_t hop, anom_event *event)
{
    anom_supervisor *supervisor = (anom_supervisor *)(void *)alert;
    int32_t judged = anom_supervisor_judge(alert, score, hop, event);
    if (judged == ANOM_JUDGED_VOID || supervisor->alarm.flags & ANOM_FLAG_OUT_OF_SERVICE) return judged;
    const anom_timing_plan *timing = alert->rung.timing;
    if (anom_ladder_step(anom_supervisor_ladder(supervisor), plan_of(supervisor), timing, score)) {
        relevel(supervisor);
        supervisor->settled = 0; /* the news is due */
    }
    return judged;
}

static void ladder_gap(anom_supervisor *supervisor, uint32_t lost, uint32_t lost_ticks)
{
    anom_supervisor_gap(supervisor, lost, lost_ticks);
    anom_ladder_gap(anom_supervisor_ladder(supervisor), plan_of(supervisor));
}

static void ladder_pause(anom_supervisor *supervisor, uint32_t hops, uint32_t ticks)
{
    if (!anom_supervisor_voids_by_fault(supervisor))
        anom_ladder_pause(anom_supervisor_ladder(supervisor), plan_of(supervisor), ticks);
    anom_supervisor_pause(supervisor, hops, ticks);
}

/* The event of a tick has the tag of the level that judged it, which a broken promise has raised since. */
static int32_t ladder_poll(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of)
{
    const anom_ladder *ladder = anom_supervisor_ladder(anom_pipeline_supervisor(pipeline));
    uint8_t tag = ladder->tag;
    int32_t found = anom_supervisor_poll(pipeline, result, observer, of);
    if (found == 1) result->events[0].bytes[13] = tag;
    return found;
}

const anom_supervisor_type anom_ladder_supervisor_functions = {
    ladder_reset, ladder_poll,                  anom_supervisor_lose,   ladder_gap,
    ladder_pause, anom_supervisor_annunciation, anom_supervisor_health,
};

static int32_t ladder_operate(anom_supervisor *supervisor, int32_t operation, uint32_t argument)
{
    const anom_ladder_plan *plan = plan_of(supervisor);
    anom_ladder *ladder = anom_supervisor_ladder(supervisor);
    uint32_t out = (supervisor->alarm.flags & ANOM_FLAG_OUT_OF_SERVICE) > 0;
    if (operation == ANOM_OPERATION_OUT_OF_SERVICE && argument != out) anom_ladder_stop(ladder, plan);
    if (operation < ANOM_OPERATION_CALIBRATE) return 0;
    if (operation == ANOM_OPERATION_CALIBRATE)
        anom_ladder_calibrate(ladder, plan, argument);
    else
        anom_ladder_set_level(ladder, plan, argument);
    relevel(supervisor);
    return 1;
}

static int32_t ladder_due(anom_supervisor *supervisor, uint32_t hop, anom_event *event)
{
    uint32_t news = anom_ladder_take_news(anom_supervisor_ladder(supervisor));
    if (news == 0) return 0;
    uint32_t level = anom_event_score_log2_q8(supervisor->alarm.alert.rung.level->raise_score);
    return anom_supervisor_event(supervisor, ANOM_KIND_LEVEL | news << 16, level, hop, event);
}

#ifndef ANOM_WITHOUT_RECORDS
static void ladder_save(const anom_supervisor *supervisor, uint8_t *record)
{
    anom_ladder *ladder = anom_supervisor_ladder(supervisor);
    record[ANOM_RECORD_LEVEL_TAG] = ladder->tag;
    anom_ladder_save(ladder, plan_of(supervisor), record + ANOM_RECORD_LADDER);
}

static int32_t ladder_restore(anom_supervisor *supervisor, const uint8_t *record)
{
    const anom_alert *alert = &supervisor->alarm.alert;
    int32_t plan_tag = record[ANOM_RECORD_PLAN_TAG] | record[ANOM_RECORD_PLAN_TAG + 1] << 8;
    int32_t taken = anom_ladder_restore(anom_supervisor_ladder(supervisor), plan_of(supervisor), alert->rung.timing,
                                        record + ANOM_RECORD_LADDER, record[ANOM_RECORD_LEVEL_TAG],
                                        plan_tag != alert->plan_tag);
    relevel(supervisor);
    return taken;
}
#endif

/* A program that is compiled with -DANOM_WITHOUT_RECORDS has no anom_pipeline_save and no anom_pipeline_restore. */
const anom_ladder_type anom_ladder_functions = {
#ifdef ANOM_WITHOUT_RECORDS
    ladder_operate, ladder_due, NULL, NULL, anom_ladder_settle,
#else
    ladder_operate, ladder_due, ladder_save, ladder_restore, anom_ladder_settle,
#endif
};
