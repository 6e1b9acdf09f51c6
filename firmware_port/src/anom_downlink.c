/* Downlink: the three bytes that put an alarm level in force on a device. */
#include "anom_downlink.h"

#include "anom_pipeline.h"

/* First bytes of the fields. */
#define AT_LEVEL_TAG 0
#define AT_PLAN_TAG 1

int32_t anom_pipeline_downlink(anom_pipeline *pipeline, const uint8_t *bytes, size_t n)
{
    const uint8_t *id = pipeline->plan->id;
    if (bytes == NULL || n != ANOM_DOWNLINK_BYTES) return ANOM_ERROR_RECORD;
    if (bytes[AT_PLAN_TAG] != id[0] || bytes[AT_PLAN_TAG + 1] != id[1]) return ANOM_ERROR_RECORD;
    return anom_pipeline_set_level(pipeline, bytes[AT_LEVEL_TAG]);
}
