/* Stream: a whole block through a pipeline in one call, for hosts. */
#ifndef ANOM_STREAM_H
#define ANOM_STREAM_H

#include "anomsdk.h"

/* Arrays that the ticks of a block are written to, with room for each tick that the block completes. */
typedef struct anom_stream {
    uint32_t *hops;
    uint32_t *scores;
    int64_t *event_ticks; /* index of an event's tick */
    anom_event *events;
    int8_t *inputs; /* the model's inputs, tick after tick; NULL: not wanted */
    int64_t n_ticks;
    int64_t n_events;
} anom_stream;

/* Take n samples of `columns` values. */
void anom_stream_process(anom_pipeline *pipeline, const int16_t *samples, int64_t n, int32_t columns,
                         anom_stream *stream);

/* The model stage alone: n inputs to n outputs.
 *   scratch  anom_stream_scratch_bytes(plan) */
void anom_stream_reconstruct(const anom_plan *plan, const int8_t *inputs, int64_t n, int8_t *outputs,
                             void *scratch);
size_t anom_stream_scratch_bytes(const anom_plan *plan);

#endif
