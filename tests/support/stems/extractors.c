#include "anom_bands.h"
#include "anom_external.h"
#include "anom_extractor.h"
#include "anom_logmel.h"
#include "anom_motion.h"

typedef struct {
    int32_t operation;
    const int16_t *samples;
    const int8_t *features; /* NULL: the window completes no frame */
} extractors_step;

typedef struct {
    anom_extractor_plan plan;
    int32_t n_steps;
    const extractors_step *steps;
} extractors_case;

static int32_t extractors_hold(const anom_extractor *extractor, const extractors_step *step, int8_t *features)
{
    if (step->operation == 1) {
        anom_extractor_restart(extractor);
        return 1;
    }
    if (anom_extractor_push(extractor, step->samples, features) != (step->features != NULL)) return 0;
    return step->features == NULL || vectors_same(features, step->features, (size_t)extractor->plan->n_features);
}

static int32_t run_extractors(const extractors_case *c)
{
    size_t state_bytes = c->plan.type->state_bytes(c->plan.tables);
    size_t scratch_bytes = c->plan.type->scratch_bytes(c->plan.tables);
    void *state = vectors_room(state_bytes);
    void *scratch = vectors_room(scratch_bytes);
    int8_t *features = vectors_room((size_t)c->plan.n_features);
    anom_extractor extractor;
    if (state == NULL || scratch == NULL || features == NULL) return 0;
    if (state_bytes % 8 != 0 || scratch_bytes % 8 != 0) return 0;
    anom_extractor_init(&extractor, &c->plan, state, scratch);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!extractors_hold(&extractor, &c->steps[i], features)) return 0;
    return 1;
}
