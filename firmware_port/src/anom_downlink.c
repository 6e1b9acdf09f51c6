/* Downlink: the three bytes that put an alarm level in force on a device. */
#include "anom_downlink.h"

#include "anom_pipeline.h"

int32_t anom_pipeline_downlink(anom_pipeline *pipeline, const uint8_t *bytes, size_t n)
{
    const uint8_t *id = pipeline->plan->id;
    if (bytes == NULL || n != ANOM_DOWNLINK_BYTES) return ANOM_ERROR_RECORD;
    if (bytes[1] != id[0] || bytes[2] != id[1]) return ANOM_ERROR_RECORD; /* the plan tag */
    return anom_pipeline_set_level(pipeline, bytes[0]);                   /* the level tag */
}
