/* Pipeline: the stages of a plan in their order. Reads like a table of contents.
 *
 * For those inside: the public side is anomsdk.h. */
#ifndef ANOM_PIPELINE_H
#define ANOM_PIPELINE_H

#include "anom_plan.h"

/* Bytes for the rung that freezes the baseline, the same for pointers of any size. */
#define ANOM_REFERENCE_BYTES 32

struct anom_pipeline {
    const anom_plan *plan;
    anom_framer framer;
    anom_extractor extractor;
    anom_context context;
    anom_baseline baseline;
    anom_alert alert;
    int8_t *features; /* one frame */
    void *scratch;    /* of the extractor, then of the model */
    int32_t n_inputs;
};

/* Called at a tick, before its scratch is wiped: self-test and bench look at the model through it. */
typedef void anom_observer(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n);

/* Poll as anom_pipeline_poll does, and show each tick to an observer.
 *   observer function, or NULL
 *   of       its first argument */
int32_t anom_pipeline_poll_observed(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of);

/* Scratch, free between polls: at least two bytes for each value of a sample. */
void *anom_pipeline_scratch(anom_pipeline *pipeline);

#endif
