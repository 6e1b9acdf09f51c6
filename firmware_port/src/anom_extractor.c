/* Extractor: what all feature extractors share. Windows in, int8 feature frames out. */
#include "anom_extractor.h"

#include "anom_wipe.h"

void anom_extractor_init(anom_extractor *extractor, const anom_extractor_plan *plan, void *state, void *scratch)
{
    extractor->plan = plan;
    extractor->state = state;
    extractor->scratch = scratch;
    anom_extractor_reset(extractor);
}

int32_t anom_extractor_push(const anom_extractor *extractor, const int16_t *frame, int8_t *features)
{
    const anom_extractor_plan *plan = extractor->plan;
    int32_t *levels = extractor->scratch;
    int32_t complete = plan->type->levels(extractor, frame, levels);
    if (complete) {
        for (int32_t i = 0; i < plan->n_features; i++)
            features[i] = anom_affine_run(plan->normalisation, i, levels[i]);
    }
    anom_wipe(extractor->scratch, plan->type->scratch_bytes(plan->tables));
    return complete;
}

void anom_extractor_restart(const anom_extractor *extractor)
{
    extractor->plan->type->restart(extractor);
}

void anom_extractor_reset(const anom_extractor *extractor)
{
    const anom_learning_type *learning = extractor->plan->learning;
    if (learning)
        learning->reset(extractor);
    else
        anom_extractor_restart(extractor);
}

void anom_extractor_gap(const anom_extractor *extractor, uint32_t hops)
{
    const anom_learning_type *learning = extractor->plan->learning;
    if (learning)
        learning->gap(extractor, hops);
    else
        anom_extractor_restart(extractor);
}

void anom_extractor_follow(const anom_extractor *extractor, int32_t alarm)
{
    if (extractor->plan->learning) extractor->plan->learning->follow(extractor, alarm);
}

void anom_extractor_save(const anom_extractor *extractor, uint8_t *data)
{
    if (extractor->plan->learning) extractor->plan->learning->save(extractor, data);
}

int32_t anom_extractor_restore(const anom_extractor *extractor, const uint8_t *data)
{
    return extractor->plan->learning == NULL || extractor->plan->learning->restore(extractor, data);
}
