/* Memory that `anomsdk footprint` adds to an emitted plan, and no code. PLAN, PLAN_BYTES and BLOCK_VALUES are given. */
#include <stddef.h>

#include "anom_plan.h"

ANOM_MEM(PLAN_BYTES) memory;
int16_t block[BLOCK_VALUES];
anom_pipeline *pipeline;
anom_result result;

/* For a copy of the plan that raises an alarm at its first tick, and where in it that is decided. */
anom_plan raising;
const uint32_t raised_by[3] = {
    offsetof(anom_plan, timing.m),
    offsetof(anom_plan, timing.on_delay),
    offsetof(anom_plan, levels.raise_score),
};
