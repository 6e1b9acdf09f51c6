/* Duty: the pauses between its samples that a plan declares. */
#include "anom_duty.h"

#include "anom_pipeline.h"

void anom_duty_pause(anom_pipeline *pipeline, uint32_t hops)
{
    const anom_plan *plan = pipeline->plan;
    const anom_supervisor_plan *supervised = plan->supervisor;
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    anom_rung *reference = anom_pipeline_reference(pipeline);
    uint32_t ticks = anom_pipeline_ticks(plan, hops);
    const anom_health *health = supervised && supervised->health ? (const anom_health *)(supervisor + 1) : NULL;
    if (reference && !(health && anom_health_voids_by_fault(health))) anom_rung_pause(reference, ticks);
    if (supervised)
        supervised->type->pause(supervisor, hops, ticks);
    else
        anom_alert_pause(&pipeline->alert, ticks);
}
