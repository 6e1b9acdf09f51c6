#include "anom_days.h"

typedef struct {
    int32_t operation;
    uint32_t number; /* slots, rows, or 1: in alarm, mature, taken */
    const int16_t *row;
    const int8_t *features; /* NULL: there is no frame */
    const uint8_t *bytes;   /* a saved state */
} days_step;

typedef struct {
    anom_extractor_plan plan;
    int32_t n_bytes; /* of a saved state */
    int32_t n_steps;
    const days_step *steps;
} days_case;

static int32_t days_hold_row(const anom_extractor *extractor, const days_step *step, int8_t *features)
{
    if (extractor->plan->learning->is_ready(extractor) != (int32_t)step->number) return 0;
    if (anom_extractor_push(extractor, step->row, features) != (step->features != NULL)) return 0;
    return step->features == NULL || vectors_same(features, step->features, (size_t)extractor->plan->n_features);
}

/* Rows of one column, none of which gives a frame. */
static int32_t days_learn(const anom_extractor *extractor, const days_step *step, int8_t *features)
{
    for (uint32_t i = 0; i < step->number; i++)
        if (anom_extractor_push(extractor, step->row + i, features)) return 0;
    return 1;
}

static int32_t days_hold(const days_case *c, const anom_extractor *extractor, const days_step *step, void *found)
{
    int32_t taken;
    switch (step->operation) {
    case 0: return days_hold_row(extractor, step, found);
    case 7: return days_learn(extractor, step, found);
    case 1: anom_extractor_restart(extractor); return 1;
    case 2: anom_extractor_gap(extractor, step->number); return 1;
    case 3: anom_extractor_reset(extractor); return 1;
    case 4: anom_extractor_follow(extractor, (int32_t)step->number); return 1;
    case 5: anom_extractor_save(extractor, found); return vectors_same(found, step->bytes, (size_t)c->n_bytes);
    default: break;
    }
    anom_extractor_reset(extractor);
    taken = anom_extractor_restore(extractor, step->bytes);
    if (!taken) anom_extractor_reset(extractor);
    return taken == (int32_t)step->number;
}

static int32_t run_days(const days_case *c)
{
    size_t state_bytes = c->plan.type->state_bytes(c->plan.tables);
    size_t scratch_bytes = c->plan.type->scratch_bytes(c->plan.tables);
    void *state = vectors_room(state_bytes);
    void *scratch = vectors_room(scratch_bytes);
    void *found = vectors_room((size_t)(c->n_bytes > c->plan.n_features ? c->n_bytes : c->plan.n_features));
    anom_extractor extractor;
    if (state == NULL || scratch == NULL || found == NULL) return 0;
    if (state_bytes % 8 != 0 || scratch_bytes % 8 != 0) return 0;
    anom_extractor_init(&extractor, &c->plan, state, scratch);
    anom_extractor_reset(&extractor);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!days_hold(c, &extractor, &c->steps[i], found)) return 0;
    return 1;
}
