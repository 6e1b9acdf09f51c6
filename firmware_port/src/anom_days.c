/* days: how the last 24 hours lie to the own profile, one frame for each slot of the day.
 *
 * A sample is a row of a diary: one slot of the day. A row is learnt when it leaves the last 24 hours, a day late, so
 * that a day is never compared with itself; while the reference rung is in alarm nothing is learnt, for a stated time
 * at most. The state begins with what a record has of it, in the order of the record. */
#include "anom_days.h"

#include "anom_copy.h"
#include "anom_fixed.h"
#include "anom_wipe.h"

#define MISSING (-32768)
#define LARGEST_FIGURE 8191
#define LARGEST_TREND 16383
#define LARGEST 32767
#define MOST_JUDGED 4
#define N_QUARTERS 4
#define N_TRENDS 3
#define TREND_DAYS 7
#define SMALL_COUNTS 4 /* bytes before the days that each slot has learnt */

/* What a record has: this, the profile and its counts. */
typedef struct {
    int16_t slot;   /* of the next row */
    int16_t frozen; /* slots that the reference rung has been in alarm, 0 to hold */
    int16_t zeros;  /* rows of nothing but 0 in a row, below off_body */
    int16_t own[ANOM_FIGURES]; /* level of each figure */
    int16_t rows[]; /* of the last 24 hours, by slot of the day: n_judged values each; then the profile */
} learnt;

/* Parts of state and scratch. */
typedef struct {
    const anom_days_plan *plan;
    anom_profile profile;
    learnt *kept;
    uint8_t *alarm;  /* 1: the reference rung is in alarm; behind what a record has */
    int32_t *levels; /* the frame */
    int16_t *values; /* the rows, with missing slots at their own levels */
    int32_t *figures; /* of these */
    int32_t totals[MOST_JUDGED];
} places;

/* Bytes that a record has. */
static size_t learnt_bytes(const anom_days_plan *plan)
{
    size_t slots = (size_t)plan->profile.slots;
    size_t of_column = 1 + ANOM_PROFILE_MOST_SEEN + 4 * slots;
    size_t n = 3 + ANOM_FIGURES + (size_t)plan->n_judged * of_column;
    return n * sizeof(int16_t) + SMALL_COUNTS + slots;
}

static size_t up_to_eight(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* Bytes of the rows of a day. */
static size_t rows_bytes(const anom_days_plan *plan)
{
    return up_to_eight((size_t)plan->profile.slots * (size_t)plan->n_judged * sizeof(int16_t));
}

/* Bytes of a frame of levels. */
static size_t frame_bytes(const anom_days_plan *plan)
{
    return up_to_eight((size_t)plan->n_features * sizeof(int32_t));
}

static size_t days_state_bytes(const void *tables)
{
    const anom_days_plan *plan = tables;
    return up_to_eight(learnt_bytes(plan) + 1);
}

static size_t days_scratch_bytes(const void *tables)
{
    const anom_days_plan *plan = tables;
    return frame_bytes(plan) + rows_bytes(plan);
}

/* Find the parts of state and scratch. */
static void find(places *at, const anom_extractor *extractor)
{
    const anom_days_plan *plan = extractor->plan->tables;
    at->plan = plan;
    at->kept = extractor->state;
    at->alarm = (uint8_t *)extractor->state + learnt_bytes(plan);
    at->levels = extractor->scratch;
    at->figures = at->levels + (plan->profile.slots + 1) * plan->n_judged;
    at->values = (int16_t *)(void *)((uint8_t *)extractor->scratch + frame_bytes(plan));
    anom_profile_init(&at->profile, &plan->profile, at->kept->rows + plan->profile.slots * plan->n_judged);
}

/* Limit a number; one copy is smaller than five.
 *   most     largest magnitude */
ANOM_NOINLINE static int32_t cut_to(int32_t x, int32_t most)
{
    return x < -most ? -most : x > most ? most : x;
}

/* 1: the slot learns nothing. At the end of the hold the profile begins to move faster. */
static int32_t is_frozen(const places *at)
{
    learnt *kept = at->kept;
    if (!*at->alarm) {
        kept->frozen = 0;
        return 0;
    }
    if (kept->frozen == at->plan->profile.hold) return 0;
    kept->frozen = (int16_t)(kept->frozen + 1);
    if (kept->frozen == at->plan->profile.hold) anom_profile_relearn(&at->profile);
    return 1;
}

/* Fill in the missing slots of the last 24 hours, and add up the day. */
static void values(places *at)
{
    int32_t n = at->plan->n_judged;
    int32_t slots = at->plan->profile.slots;
    int32_t shift = anom_bit_length((uint32_t)slots - 1);
    for (int32_t column = 0; column < n; column++) {
        int32_t sum = 0;
        for (int32_t i = column; i < slots * n; i += n) {
            int32_t row = at->kept->rows[i];
            at->values[i] = (int16_t)(row == MISSING ? at->profile.level[i] : row);
            sum += at->values[i];
        }
        at->totals[column] = sum >> shift;
    }
}

/* Compare the last three days with those before, fit a line to eight days, and compare with the anchor.
 *   found    N_TRENDS values */
static void trends(const places *at, int32_t *found)
{
    static const int8_t weights[TREND_DAYS][2] = {{1, 5}, {1, 3}, {-1, 1}, {-1, -1}, {-1, -3}, {0, -5}, {0, -7}};
    const anom_profile *profile = &at->profile;
    int32_t today = anom_log2_q10((uint32_t)at->totals[0] + 1);
    int32_t line = 7 * today;
    found[0] = today;
    for (int32_t day = 0; day < TREND_DAYS; day++) {
        int32_t log2_q10 = anom_log2_q10((uint32_t)profile->totals[day * at->plan->n_judged] + 1);
        found[0] += weights[day][0] * log2_q10;
        line += weights[day][1] * log2_q10;
    }
    found[1] = line >> 3;
    if (profile->counts->n_totals < TREND_DAYS) {
        found[0] = 0;
        found[1] = 0;
    }
    found[2] = anom_log2_q10((uint32_t)anom_profile_mean_total(profile, 0) + 1) -
               anom_log2_q10((uint32_t)profile->total_anchor[0] + 1);
    for (int32_t i = 0; i < N_TRENDS; i++)
        found[i] = cut_to(found[i], LARGEST_TREND);
}

/* Put together the frame of a slot around its figures: deviations, quarters of the day, trends. */
static void frame_of_slot(const places *at)
{
    int32_t n = at->plan->n_judged;
    const int32_t *level = at->levels;
    int32_t *quarters = at->figures + ANOM_FIGURES;
    anom_profile_deviations_q8(&at->profile, at->values, at->totals, at->levels);
    for (int32_t quarter = 0; quarter < N_QUARTERS; quarter++) {
        quarters[quarter] = 0;
        for (int32_t slot = at->plan->profile.slots >> 2; slot > 0; slot--, level += n)
            quarters[quarter] += *level;
    }
    trends(at, quarters + N_QUARTERS);
}

/* Turn figures into those about their own levels, and learn them with a day that is over; the first day has no profile
 * to compare with.
 *   learns   1: the day is learnt */
static void about_own(const places *at, int32_t learns)
{
    anom_profile_counts *counts = at->profile.counts;
    learns = learns && counts->n_totals > 0;
    if (learns && counts->figures < ANOM_PROFILE_MOST_SEEN) counts->figures = (uint8_t)(counts->figures + 1);
    for (int32_t i = 0; i < ANOM_FIGURES; i++) {
        int16_t *own = &at->kept->own[i];
        int32_t figure = at->figures[i];
        int32_t distance = cut_to(figure - *own, LARGEST_FIGURE);
        at->figures[i] = distance;
        if (!learns) continue;
        int32_t part = (distance * (int32_t)anom_profile_reciprocal_q16(counts->figures) + 32768) >> 16;
        *own = (int16_t)(counts->figures == 1 ? figure : *own + part);
    }
}

/* Forget the row of a slot. */
static void forget(const places *at, int32_t slot)
{
    int32_t n = at->plan->n_judged;
    for (int32_t column = 0; column < n; column++)
        at->kept->rows[slot * n + column] = MISSING;
}

/* Keep a row, or that it is missing. Returns the slots of the last 24 hours that are missing.
 *   row      as it came; NULL: missing */
static int32_t keep(const places *at, int32_t slot, const int16_t *row)
{
    const anom_days_plan *plan = at->plan;
    int32_t n = plan->n_judged;
    int32_t slots = plan->profile.slots;
    int32_t any = row == NULL || plan->off_body == 0;
    forget(at, slot);
    for (int32_t column = 0; row && column < n; column++) {
        int32_t value = row[plan->judged[column]];
        value = value > 0 ? value << plan->shift[column] : 0;
        any |= value;
        at->kept->rows[slot * n + column] = (int16_t)(value < LARGEST ? value : LARGEST);
    }
    at->kept->zeros = (int16_t)(any ? 0 : at->kept->zeros + 1);
    if (at->kept->zeros > 0 && at->kept->zeros == plan->off_body) {
        at->kept->zeros = (int16_t)(plan->off_body - 1);
        for (int32_t back = 0; back < plan->off_body; back++)
            forget(at, slot >= back ? slot - back : slot - back + slots);
    }
    int32_t missing = 0;
    for (int32_t i = 0; i < slots; i++)
        missing += at->kept->rows[i * n] == MISSING;
    return missing;
}

/* Take the row of the next slot. 1: there is a frame of levels, else 0.
 *   row      as it came; NULL: missing */
static int32_t step(places *at, const int16_t *row)
{
    const anom_days_plan *plan = at->plan;
    int32_t slot = at->kept->slot;
    int16_t *leaving = at->kept->rows + slot * plan->n_judged;
    int32_t is_last = slot + 1 == plan->profile.slots;
    at->kept->slot = (int16_t)(is_last ? 0 : slot + 1);
    int32_t frozen = is_frozen(at);
    if (leaving[0] != MISSING && !frozen) anom_profile_learn(&at->profile, slot, leaving);
    if (keep(at, slot, row) > plan->most_missing) return 0;
    int32_t is_judged = anom_profile_is_mature(&at->profile) && leaving[0] != MISSING;
    if (!is_judged && !is_last) return 0;
    values(at);
    const anom_figures_day day = {at->values, at->profile.level, plan->cos_q14, plan->profile.slots, plan->n_judged};
    anom_figures_of_day(&day, slot, at->figures);
    int32_t learns = is_last && !frozen;
    about_own(at, learns);
    if (is_judged) frame_of_slot(at);
    if (learns) anom_profile_learn_day(&at->profile, at->totals);
    return is_judged;
}

static int32_t days_levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    const anom_days_plan *plan = extractor->plan->tables;
    const int16_t *row = frame;
    places at;
    find(&at, extractor);
    (void)level; /* at the beginning of the scratch, where they are, too */
    for (int32_t column = 0; column < plan->columns; column++) {
        if (frame[column] == MISSING) row = NULL;
    }
    return step(&at, row);
}

static void days_restart(const anom_extractor *extractor)
{
    places at;
    find(&at, extractor);
    at.kept->zeros = 0;
    for (int32_t slot = 0; slot < at.plan->profile.slots; slot++)
        forget(&at, slot);
}

static void days_reset(const anom_extractor *extractor)
{
    places at;
    find(&at, extractor);
    anom_wipe(at.kept, learnt_bytes(at.plan));
    *at.alarm = 0;
    days_restart(extractor);
}

/* Take slots that did not come, and leave values in scratch and on the stack, which the caller wipes. */
ANOM_NOINLINE static void miss(const anom_extractor *extractor, uint32_t hops)
{
    places at;
    find(&at, extractor);
    uint32_t slots = (uint32_t)at.plan->profile.slots;
    uint32_t n = hops < slots ? hops : slots;
    for (uint32_t i = 0; i < n; i++)
        step(&at, NULL);
    at.kept->slot = (int16_t)(((uint32_t)at.kept->slot + (hops - n)) % slots);
}

static void days_gap(const anom_extractor *extractor, uint32_t hops)
{
    miss(extractor, hops);
    anom_wipe(extractor->scratch, days_scratch_bytes(extractor->plan->tables));
    anom_wipe_stack_days();
}

static int32_t days_is_ready(const anom_extractor *extractor)
{
    places at;
    find(&at, extractor);
    return anom_profile_is_mature(&at.profile);
}

static void days_follow(const anom_extractor *extractor, int32_t alarm)
{
    places at;
    find(&at, extractor);
    *at.alarm = (uint8_t)alarm;
}

/* Turn the bytes of each number around, where the lowest one does not lie first: into a record or back. */
static void turn_state(const anom_days_plan *plan, uint8_t *data)
{
    (void)plan;
    (void)data;
#if ANOM_MAY_TURN
    size_t small = SMALL_COUNTS + (size_t)plan->profile.slots;
    anom_turn(data, 2, (int32_t)((learnt_bytes(plan) - small) / 2));
#endif
}

static void days_save(const anom_extractor *extractor, uint8_t *data)
{
    const anom_days_plan *plan = extractor->plan->tables;
    anom_copy(data, extractor->state, learnt_bytes(plan));
    turn_state(plan, data);
}

/* 1: what has been learnt is a state that a pipeline of this plan can have. */
static int32_t takes_state(const places *at)
{
    const learnt *kept = at->kept;
    const anom_profile_counts *counts = at->profile.counts;
    const anom_profile_plan *plan = &at->plan->profile;
    int32_t fits = kept->slot >= 0 && kept->slot < plan->slots && kept->frozen >= 0 && kept->frozen <= plan->hold;
    fits &= (uint32_t)kept->zeros < (uint32_t)(at->plan->off_body > 0 ? at->plan->off_body : 1);
    const int16_t *value = kept->rows;
    for (int32_t i = 0; i < plan->slots * plan->columns; i++, value++)
        fits &= kept->rows[i - i % plan->columns] == MISSING ? *value == MISSING : *value >= 0;
    for (; value < (const int16_t *)(const void *)counts; value++)
        fits &= *value >= 0;
    const uint8_t *count = (const uint8_t *)counts + offsetof(anom_profile_counts, n_totals);
    for (; count < counts->seen + plan->slots; count++)
        fits &= *count <= ANOM_PROFILE_MOST_SEEN;
    return fits && counts->days <= plan->mature && counts->unused == 0;
}

static int32_t days_restore(const anom_extractor *extractor, const uint8_t *data)
{
    places at;
    find(&at, extractor);
    anom_copy(at.kept, data, learnt_bytes(at.plan));
    turn_state(at.plan, extractor->state);
    return takes_state(&at);
}

const anom_extractor_type anom_days = {days_state_bytes, days_scratch_bytes, days_levels, days_restart,
                                       anom_wipe_stack_days};

const anom_learning_type anom_days_learning = {days_reset,    days_gap,  days_is_ready,
                                               days_follow, days_save, days_restore};
