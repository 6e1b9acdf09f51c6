/* Ladder: rungs at fixed levels, each with its own counts, from which a level is chosen that keeps a promise. */
#include "anom_ladder.h"

#include "anom_copy.h"
#include "anom_fixed.h"
#include "anom_supervisor.h"
#include "anom_wipe.h"

#define LEAST_EVIDENCE_Q16 (-(1 << 30))

ANOM_ASSERT(ladder_has_its_announced_size, sizeof(anom_ladder) == ANOM_LADDER_BYTES(0));
ANOM_ASSERT(rung_of_a_ladder_has_its_announced_size, sizeof(anom_ladder_counts) + sizeof(anom_ladder_state) + 1 ==
                                                         ANOM_LADDER_BYTES(1) - ANOM_LADDER_BYTES(0));

/* States of all rungs. */
static anom_ladder_state *states_of(const anom_ladder *ladder, const anom_ladder_plan *plan)
{
    return (anom_ladder_state *)(void *)(anom_ladder_counts_of(ladder) + plan->n_rungs);
}

/* Days of each rung since its last alarm-day, up to the episode gap. */
static uint8_t *quiet_of(const anom_ladder *ladder, const anom_ladder_plan *plan)
{
    return (uint8_t *)(states_of(ladder, plan) + plan->n_rungs);
}

/* The promise that runs; NULL: none. */
static const anom_promise_plan *running(const anom_ladder *ladder, const anom_ladder_plan *plan)
{
    return ladder->promise && ladder->tag ? &plan->promises[ladder->promise - 1] : NULL;
}

/* Add 0 or 1 to a count, which stays at 65535. */
static void count(uint16_t *counted, uint32_t more)
{
    uint32_t sum = *counted + more;
    *counted = (uint16_t)(sum - (sum >> 16));
}

/* 1: at least m of the hits are set. */
static uint32_t votes(uint32_t hits, int32_t m)
{
    hits -= hits >> 1 & 0x5555;
    hits = (hits & 0x3333) + (hits >> 2 & 0x3333);
    hits = (hits + (hits >> 4)) & 0x0F0F;
    return ((hits + (hits >> 8)) & 31) >= (uint32_t)m;
}

void anom_ladder_stop(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    ladder->in_alarm = 0;
    ladder->top = 0;
    anom_wipe(states_of(ladder, plan), (size_t)plan->n_rungs * sizeof(anom_ladder_state));
}

void anom_ladder_reset(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    anom_wipe(ladder, anom_ladder_bytes(plan));
    for (int32_t i = 0; i < plan->n_rungs; i++)
        quiet_of(ladder, plan)[i] = (uint8_t)plan->episode_gap;
}

/* Count a day: of each rung that was in alarm, and for the promise that runs. */
static void end_day(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    const anom_promise_plan *promise = running(ladder, plan);
    uint32_t gap = (uint32_t)plan->episode_gap;
    anom_ladder_counts *counts = anom_ladder_counts_of(ladder);
    uint8_t *quiet = quiet_of(ladder, plan);
    uint32_t today = ladder->today;
    int32_t tag = promise ? ladder->tag : 0;
    for (int32_t i = plan->n_rungs; i > 0; i--, counts++, quiet++, tag--, today >>= 1) {
        uint32_t alarm = today & 1;
        uint32_t at_risk = gap > 0 && *quiet >= gap;
        count(&counts->at_risk, at_risk);
        if (!at_risk) *quiet = (uint8_t)(*quiet + (*quiet < gap));
        if (alarm) {
            count(&counts->days, 1);
            count(&counts->episodes, at_risk);
            *quiet = 0;
        }
        if (tag == 1 && (at_risk || promise->unit != ANOM_UNIT_EPISODE)) {
            if (alarm && promise->unit != ANOM_UNIT_ALARM) ladder->evidence_q16 += promise->event_q16;
            ladder->evidence_q16 -= promise->day_q16;
            if (ladder->evidence_q16 < LEAST_EVIDENCE_Q16) ladder->evidence_q16 = LEAST_EVIDENCE_Q16;
        }
    }
    count(&ladder->days, 1);
    ladder->today = 0;
}

/* Put a level in force under a promise; the evidence against it begins anew, with a day paid in advance.
 *   promise  index + 1; 0: none */
static void run(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t tag, uint32_t promise)
{
    ladder->tag = (uint8_t)tag;
    ladder->promise = (uint8_t)promise;
    const anom_promise_plan *begun = running(ladder, plan);
    ladder->evidence_q16 = begun && begun->unit == ANOM_UNIT_ALARM ? -begun->day_q16 : 0;
}

/* Leave news to be taken. */
static void tell(anom_ladder *ladder, uint32_t news, uint32_t argument)
{
    ladder->news = (uint8_t)news;
    ladder->argument = (uint8_t)argument;
}

/* Raise a level whose promise is broken by one rung; no calibrate comes back below it. */
static void broke(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    uint32_t promise = ladder->promise;
    uint32_t highest = (uint32_t)plan->n_rungs - 1;
    ladder->lowest = (uint8_t)(ladder->tag < highest ? ladder->tag : highest);
    run(ladder, plan, ladder->lowest + 1u, promise);
    tell(ladder, ANOM_PROMISE_BROKEN, promise - 1);
}

/* Judge one tick at all rungs but those that stay at rest: as anom_rung_step does, without a cooldown. */
static void step_rungs(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                       uint32_t score)
{
    const anom_promise_plan *promise = running(ladder, plan);
    const anom_level_plan *level = &plan->levels[1];
    anom_ladder_counts *counts = anom_ladder_counts_of(ladder);
    anom_ladder_state *state = states_of(ladder, plan);
    uint32_t in_alarm = ladder->in_alarm;
    uint32_t mask = (1u << timing->n) - 1;
    uint32_t last_hits = 0; /* rungs side by side mostly have the same hits */
    uint32_t last_votes = 0;
    int32_t top = ladder->top;
    while (top < plan->n_rungs && score >= level[top].raise_score)
        top++;
    ladder->top = 0;
    for (int32_t i = 0; i < top; i++, level++, counts++, state++) {
        uint32_t bit = 1u << i;
        uint32_t in_row = state->in_row;
        uint32_t second = state->second;
        if (in_alarm & bit) {
            if (score >= level->clear_score) {
                in_row = 0;
                second = 0;
            } else {
                in_row += in_row < ANOM_LADDER_MAX_COUNT;
                second += second < ANOM_LADDER_MAX_COUNT;
                if (in_row > (uint32_t)timing->off_delay || second > (uint32_t)timing->clear_after - 1) {
                    in_row = 0;
                    second = 0;
                    in_alarm ^= bit;
                }
            }
        } else {
            second = (second << 1 | (score >= level->raise_score)) & mask;
            if (second != last_hits) {
                last_hits = second;
                last_votes = votes(second, timing->m);
            }
            in_row = last_votes ? in_row + (in_row < ANOM_LADDER_MAX_COUNT) : 0;
            if (in_row > (uint32_t)timing->on_delay || score > level->high_score - 1) { /* off: 2**32 - 1 */
                in_row = 0;
                second = 0;
                in_alarm |= bit;
                count(&counts->alarms, 1);
                if (i == ladder->tag - 1 && promise && promise->unit == ANOM_UNIT_ALARM)
                    ladder->evidence_q16 += promise->event_q16;
            }
        }
        state->in_row = (uint16_t)in_row;
        state->second = (uint16_t)second;
        if (in_alarm & bit) counts->ticks = anom_saturating_add(counts->ticks, 1);
        if (in_row | second | (in_alarm & bit)) ladder->top = (uint8_t)(i + 1);
    }
    ladder->in_alarm = in_alarm;
    ladder->today |= in_alarm;
}

int32_t anom_ladder_step(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                         uint32_t score)
{
    step_rungs(ladder, plan, timing, score);
    ladder->ticks = anom_saturating_add(ladder->ticks, 1);
    uint32_t left = ladder->elapsed - (plan->day_ticks - 1); /* below 0 in all ticks of a day but its last one or two */
    uint32_t late = (uint32_t)ladder->late_q16 - (uint32_t)plan->day_rest_q16; /* borrows a tick, or none */
    if (ladder->elapsed < plan->day_ticks - 1 || left < late >> 31) {
        ladder->elapsed += 1;
    } else {
        ladder->elapsed = left - (late >> 31);
        ladder->late_q16 = (uint16_t)late;
        end_day(ladder, plan);
    }
    const anom_promise_plan *promise = running(ladder, plan);
    if (!promise || ladder->evidence_q16 < promise->broken_q16) return 0;
    broke(ladder, plan);
    return 1;
}

void anom_ladder_gap(anom_ladder *ladder, const anom_ladder_plan *plan)
{
    anom_ladder_state *state = states_of(ladder, plan);
    for (int32_t i = 0; i < ladder->top; i++) {
        state[i].in_row = 0;
        if (!(ladder->in_alarm >> i & 1)) state[i].second = 0;
    }
}

void anom_ladder_pause(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t ticks)
{
    anom_ladder_state *state = states_of(ladder, plan);
    for (int32_t i = 0; i < ladder->top; i++) {
        if (!(ladder->in_alarm >> i & 1) || state[i].second == 0) continue;
        uint32_t room = ANOM_LADDER_MAX_COUNT - (uint32_t)state[i].second;
        state[i].second = (uint16_t)(state[i].second + (ticks < room ? ticks : room));
    }
}

int32_t anom_ladder_choose(const anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise, uint32_t *days)
{
    const anom_promise_plan *wanted = &plan->promises[promise];
    int32_t chosen = -1;
    *days = 0;
    for (int32_t i = plan->n_rungs - 1; i >= ladder->lowest; i--) {
        const anom_ladder_counts *counts = &anom_ladder_counts_of(ladder)[i];
        uint32_t counted = counts->episodes;
        uint32_t watched = counts->at_risk;
        if (wanted->unit == ANOM_UNIT_ALARM) {
            counted = counts->alarms;
            watched = ladder->ticks;
        } else if (wanted->unit == ANOM_UNIT_ALARM_DAY) {
            counted = counts->days;
            watched = ladder->days;
        }
        if (counted >= ANOM_LADDER_NEEDS) break;
        if ((uint64_t)counts->ticks << 16 > (uint64_t)(uint32_t)wanted->most_in_alarm_q16 * ladder->ticks) break;
        uint32_t needs = wanted->needs[counted];
        if (needs > watched) {
            uint32_t unit = wanted->unit == ANOM_UNIT_ALARM ? plan->day_ticks : 1;
            if (chosen < 0) *days = (needs - watched - 1) / unit + 1;
            break;
        }
        chosen = i;
    }
    return chosen;
}

void anom_ladder_calibrate(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t promise)
{
    uint32_t days;
    uint32_t tag = (uint32_t)(anom_ladder_choose(ladder, plan, promise, &days) + 1);
    if (tag == 0) {
        tell(ladder, days ? ANOM_PROMISE_NEEDS : ANOM_PROMISE_FAILED, days < 255 ? days : 255);
        return;
    }
    if (ladder->promise != promise + 1 || tag < ladder->tag) run(ladder, plan, tag, promise + 1);
    tell(ladder, ANOM_PROMISE_CERTIFIED, promise);
}

void anom_ladder_set_level(anom_ladder *ladder, const anom_ladder_plan *plan, uint32_t tag)
{
    run(ladder, plan, tag, 0);
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
 *   ladder   of any alignment */
static void turn(void *ladder, const anom_ladder_plan *plan)
{
    (void)ladder;
    (void)plan;
#if ANOM_MAY_TURN
    uint8_t *at = ladder;
    anom_turn(at + offsetof(anom_ladder, in_alarm), 4, 5);
    anom_turn(at + offsetof(anom_ladder, late_q16), 2, 3);
    at += sizeof(anom_ladder);
    for (int32_t i = 0; i < plan->n_rungs; i++, at += sizeof(anom_ladder_counts)) {
        anom_turn(at, 4, 1);
        anom_turn(at + offsetof(anom_ladder_counts, alarms), 2, 4);
    }
    anom_turn(at, 2, 2 * plan->n_rungs);
#endif
}

void anom_ladder_save(const anom_ladder *ladder, const anom_ladder_plan *plan, void *part)
{
    anom_copy(part, ladder, anom_ladder_bytes(plan));
    ((uint8_t *)part)[offsetof(anom_ladder, top)] = 0;
    turn(part, plan);
}

/* 1: a ladder with this plan could have written it.
 *   level_tag of the record
 *   n_promises of the plan that wrote it, or the most that a plan has */
static int32_t takes(const anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                     uint32_t level_tag, int32_t n_promises)
{
    int32_t n = plan->n_rungs;
    if ((ladder->in_alarm | ladder->today) >> n) return 0;
    if (ladder->elapsed > plan->day_ticks) return 0;
    if (ladder->elapsed == plan->day_ticks && ladder->late_q16 >= plan->day_rest_q16) return 0;
    if (ladder->evidence_q16 > -LEAST_EVIDENCE_Q16 || ladder->evidence_q16 < LEAST_EVIDENCE_Q16) return 0;
    if (ladder->tag != level_tag || ladder->tag > n || ladder->lowest >= n) return 0;
    if (ladder->promise > n_promises || ladder->news > ANOM_PROMISE_FAILED) return 0;
    for (int32_t i = 0; i < n; i++) {
        if (!(ladder->in_alarm >> i & 1) && states_of(ladder, plan)[i].second >> timing->n) return 0;
        if (quiet_of(ladder, plan)[i] > plan->episode_gap) return 0;
    }
    return 1;
}

int32_t anom_ladder_restore(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                            const void *part, uint32_t level_tag, int32_t releveled)
{
    anom_copy(ladder, part, anom_ladder_bytes(plan));
    turn(ladder, plan);
    if (!takes(ladder, plan, timing, level_tag, releveled ? ANOM_LADDER_MAX_PROMISES : plan->n_promises)) {
        anom_ladder_reset(ladder, plan);
        return 0;
    }
    ladder->top = (uint8_t)plan->n_rungs;
    if (ladder->news == 0) ladder->argument = 0;
    if (releveled) {
        ladder->promise = 0;
        ladder->evidence_q16 = 0;
    }
    return 1;
}

/* Functions of a supervisor with a ladder. */

/* The ladder's plan of a supervisor that has one. */
static const anom_ladder_plan *plan_of(const anom_supervisor *supervisor)
{
    return anom_supervisor_plan_of(supervisor)->ladder;
}

/* Judge by the level in force from now on, if it is another one. */
static void relevel(anom_supervisor *supervisor)
{
    const anom_level_plan *level = &plan_of(supervisor)->levels[anom_supervisor_level(supervisor)];
    if (supervisor->alarm.alert.rung.level != level) anom_alarm_relevel(&supervisor->alarm, level);
}

static void ladder_reset(anom_supervisor *supervisor)
{
    anom_ladder_reset(anom_supervisor_ladder(supervisor), plan_of(supervisor));
    relevel(supervisor);
}

static void ladder_step(anom_supervisor *supervisor, uint32_t score)
{
    const anom_timing_plan *timing = supervisor->alarm.alert.rung.timing;
    if (!anom_ladder_step(anom_supervisor_ladder(supervisor), plan_of(supervisor), timing, score)) return;
    relevel(supervisor);
    supervisor->settled = 0; /* the news is due */
}

static void ladder_gap(anom_supervisor *supervisor)
{
    anom_ladder_gap(anom_supervisor_ladder(supervisor), plan_of(supervisor));
}

static void ladder_pause(anom_supervisor *supervisor, uint32_t ticks)
{
    anom_ladder_pause(anom_supervisor_ladder(supervisor), plan_of(supervisor), ticks);
}

static void ladder_operate(anom_supervisor *supervisor, int32_t operation, uint32_t argument)
{
    anom_ladder *ladder = anom_supervisor_ladder(supervisor);
    if (operation == ANOM_OPERATION_OUT_OF_SERVICE)
        anom_ladder_stop(ladder, plan_of(supervisor));
    else if (operation == ANOM_OPERATION_CALIBRATE)
        anom_ladder_calibrate(ladder, plan_of(supervisor), argument);
    else
        anom_ladder_set_level(ladder, plan_of(supervisor), argument);
    relevel(supervisor);
}

static uint32_t ladder_news(anom_supervisor *supervisor)
{
    return anom_ladder_take_news(anom_supervisor_ladder(supervisor));
}

static void ladder_save(const anom_supervisor *supervisor, void *part)
{
    anom_ladder_save(anom_supervisor_ladder(supervisor), plan_of(supervisor), part);
}

static int32_t ladder_restore(anom_supervisor *supervisor, const void *part, uint32_t level_tag, int32_t releveled)
{
    const anom_timing_plan *timing = supervisor->alarm.alert.rung.timing;
    int32_t taken = anom_ladder_restore(anom_supervisor_ladder(supervisor), plan_of(supervisor), timing, part,
                                        level_tag, releveled);
    relevel(supervisor);
    return taken;
}

const anom_ladder_type anom_ladder_functions = {
    ladder_reset,   ladder_step, ladder_gap,  ladder_pause,
    ladder_operate, ladder_news, ladder_save, ladder_restore,
};
