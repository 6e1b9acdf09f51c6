/* external: a maker's own features, one int16 row a hop. */
#include "anom_external.h"

#include "anom_wipe.h"

static size_t external_state_bytes(const void *tables)
{
    (void)tables;
    return 0;
}

static size_t external_scratch_bytes(const void *tables)
{
    const anom_external_plan *plan = tables;
    return ((size_t)plan->n_features * sizeof(int32_t) + 7) & ~(size_t)7;
}

static int32_t external_levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    for (int32_t i = 0; i < extractor->plan->n_features; i++)
        level[i] = frame[i];
    return 1;
}

static void external_restart(const anom_extractor *extractor)
{
    (void)extractor;
}

const anom_extractor_type anom_external = {external_state_bytes, external_scratch_bytes, external_levels,
                                           external_restart, anom_wipe_stack};
