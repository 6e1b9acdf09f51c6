/* Pipeline: the stages of a plan in their order. Reads like a table of contents.
 *
 * For those inside: the public side is anomsdk.h. */
#ifndef ANOM_PIPELINE_H
#define ANOM_PIPELINE_H

#include <stddef.h>

#include "anom_plan.h"

/* Bytes for the rung that freezes the baseline, the same for pointers of any size. */
#define ANOM_REFERENCE_BYTES 32

struct anom_pipeline {
    const anom_plan *plan;
    anom_framer framer;
    anom_extractor extractor;
    anom_context context;
    anom_baseline baseline;
    int8_t *features; /* one frame */
    void *scratch;    /* of the extractor, then of the model */
    int32_t n_inputs;
    anom_alert alert; /* last: a plan with an alarm or a health section has its supervisor here, which is larger */
};

/* The supervisor of a plan that has one. */
static inline anom_supervisor *anom_pipeline_supervisor(const anom_pipeline *pipeline)
{
    return (anom_supervisor *)((uintptr_t)pipeline + offsetof(anom_pipeline, alert));
}

/* Poll as anom_pipeline_poll does, and show each tick to an observer.
 *   observer function, or NULL
 *   of       its first argument */
int32_t anom_pipeline_poll_observed(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of);

/* Run the window if it is full, for those that poll. 1: *result holds a tick, else 0. */
int32_t anom_pipeline_run(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of);

/* The rung that freezes the baseline; NULL where the baseline is off. */
anom_rung *anom_pipeline_reference(const anom_pipeline *pipeline);

/* The diary of a pipeline whose plan has one. */
anom_diary *anom_pipeline_diary(const anom_pipeline *pipeline);

/* Ticks in hops that pass without a sample. */
static inline uint32_t anom_pipeline_ticks(const anom_plan *plan, uint32_t hops)
{
    return hops / (uint32_t)(plan->extractor.hops_per_frame * plan->context.stride);
}

/* Go on after samples that did not come: what they break off is dropped.
 *   n        samples, 1 to 2**31 - 1
 *   by_gap   1: they can be a declared pause, if the plan has one; 0: they were lost */
void anom_pipeline_lose(anom_pipeline *pipeline, int32_t n, int32_t by_gap);

/* Scratch, free between polls: at least two bytes for each value of a sample. */
void *anom_pipeline_scratch(anom_pipeline *pipeline);

#endif
