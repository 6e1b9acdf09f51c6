#include "anom_profile.h"

#define PROFILE_MOST 64 /* slots, and columns of all slots */

typedef struct {
    int32_t operation;
    int32_t slot;
    const int32_t *values;
    const int32_t *totals;
    const int32_t *expect;
} profile_step;

typedef struct {
    anom_profile_plan plan;
    int32_t n_steps;
    const profile_step *steps;
} profile_case;

static int32_t profile_holds_slot(const anom_profile *profile, int32_t slot, const int32_t *expect)
{
    int32_t n = profile->plan->columns;
    for (int32_t i = 0; i < n; i++)
        if (profile->level[slot * n + i] != expect[i] || profile->spread[slot * n + i] != expect[n + i]) return 0;
    return profile->counts->seen[slot] == expect[2 * n];
}

static int32_t profile_holds_day(const anom_profile *profile, const int32_t *expect)
{
    int32_t n = profile->plan->columns;
    int32_t cells = profile->plan->slots * n;
    for (int32_t i = 0; i < n; i++) {
        if (profile->totals[i] != expect[i] || profile->total_anchor[i] != expect[2 * n + i]) return 0;
        if (anom_profile_mean_total(profile, i) != expect[n + i]) return 0;
    }
    for (int32_t i = 0; i < cells; i++)
        if (profile->anchor[i] != expect[3 * n + i]) return 0;
    expect += 3 * n + cells;
    return profile->counts->n_totals == expect[0] && profile->counts->days == expect[1];
}

static int32_t profile_holds_counts(const anom_profile *profile, const int32_t *expect)
{
    for (int32_t i = 0; i < profile->plan->slots; i++)
        if (profile->counts->seen[i] != expect[i]) return 0;
    return profile->counts->n_totals == expect[profile->plan->slots];
}

static int32_t profile_holds(const anom_profile *profile, const profile_step *step)
{
    int32_t n = profile->plan->columns;
    int32_t cells = n * (step->operation == 3 ? profile->plan->slots : 1);
    int16_t values[PROFILE_MOST];
    int32_t found[PROFILE_MOST];
    for (int32_t i = 0; i < cells && step->operation != 2; i++)
        values[i] = (int16_t)step->values[i];
    switch (step->operation) {
    case 0: anom_profile_learn(profile, step->slot, values); return profile_holds_slot(profile, step->slot, step->expect);
    case 1: anom_profile_learn_day(profile, step->values); return profile_holds_day(profile, step->expect);
    case 2: anom_profile_relearn(profile); return profile_holds_counts(profile, step->expect);
    default: anom_profile_deviations_q8(profile, values, step->totals, found); break;
    }
    return vectors_same(found, step->expect, (size_t)(cells + n) * sizeof *found);
}

static int32_t run_profile(const profile_case *c)
{
    int32_t n = c->plan.columns;
    size_t counts = sizeof(anom_profile_counts) + (size_t)c->plan.slots;
    int16_t *memory = vectors_room((size_t)(n * (15 + 3 * c->plan.slots)) * sizeof(int16_t) + counts);
    anom_profile profile;
    if (memory == NULL || n * (c->plan.slots + 1) > PROFILE_MOST) return 0;
    anom_profile_init(&profile, &c->plan, memory);
    anom_profile_reset(&profile);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!profile_holds(&profile, &c->steps[i])) return 0;
    return 1;
}
