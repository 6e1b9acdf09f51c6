/* Stream: a whole block through a pipeline in one call, for hosts. */
#ifndef ANOM_STREAM_H
#define ANOM_STREAM_H

#include "anom_ladder.h"
#include "anomsdk.h"

/* Arrays that the results of a block are written to, with room for each tick that the block completes. */
typedef struct anom_stream {
    uint32_t *hops;
    uint32_t *scores;
    uint8_t *voids;       /* 1: a tick was void */
    int64_t *event_ticks; /* index of an event's tick */
    anom_event *events;
    int64_t *notice_ticks; /* number of ticks before an event without a tick */
    anom_event *notices;
    int8_t *inputs; /* the model's inputs, tick after tick; NULL: not wanted */
    int16_t *rows; /* of the diary, ANOM_DIARY_COLUMNS values each */
    int64_t n_rows;
    int64_t most_rows; /* rows that have room */
    int64_t n_ticks;
    int64_t n_events;
    int64_t n_notices;
    int64_t most_notices; /* events without a tick that have room */
} anom_stream;

/* Take n samples of `columns` values. How many of the n were taken: it returns once there is no more room for events
 * without a tick; empty `notices` and go on with the rest, even if nothing is left of the block. */
int64_t anom_stream_process(anom_pipeline *pipeline, const int16_t *samples, int64_t n, int32_t columns,
                            anom_stream *stream);

/* The model stage alone: n inputs to n outputs.
 *   scratch  anom_stream_scratch_bytes(plan) */
void anom_stream_reconstruct(const anom_plan *plan, const int8_t *inputs, int64_t n, int8_t *outputs,
                             void *scratch);
size_t anom_stream_scratch_bytes(const anom_plan *plan);

/* Count n scores, tick after tick. */
void anom_stream_ladder(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                        const uint32_t *scores, int64_t n);

#endif
