/* Stream: a whole block through a pipeline in one call, for hosts. */
#include "anom_stream.h"

#include "anom_memory.h"
#include "anom_pipeline.h"
#include "anom_wipe.h"

static void take_tick(anom_stream *stream, const anom_pipeline *pipeline, const anom_result *result)
{
    stream->hops[stream->n_ticks] = result->hop;
    stream->scores[stream->n_ticks] = result->score;
    stream->voids[stream->n_ticks] =
        pipeline->plan->supervisor && anom_supervisor_voids(anom_pipeline_supervisor(pipeline));
    for (int32_t i = 0; i < result->n_events; i++) {
        stream->event_ticks[stream->n_events] = stream->n_ticks;
        stream->events[stream->n_events] = result->events[i];
        stream->n_events++;
    }
    stream->n_ticks++;
}

static void take_notice(anom_stream *stream, const anom_result *result)
{
    stream->notice_ticks[stream->n_notices] = stream->n_ticks;
    stream->notices[stream->n_notices] = result->events[0];
    stream->n_notices++;
}

static void take_inputs(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    anom_stream *stream = of;
    (void)outputs;
    for (int32_t i = 0; i < n; i++)
        stream->inputs[stream->n_ticks * n + i] = inputs[i];
}

/* Take the rows of the diary that are finished. 1: there is room for more rows and events. */
static int32_t has_room(anom_pipeline *pipeline, anom_stream *stream)
{
    while (stream->n_rows < stream->most_rows) {
        if (!anom_pipeline_poll_row(pipeline, stream->rows + stream->n_rows * ANOM_DIARY_COLUMNS)) break;
        stream->n_rows++;
    }
    return stream->n_rows < stream->most_rows && stream->n_notices < stream->most_notices;
}

/* Poll until nothing is left to do, or there is no more room for events without a tick. */
static void poll(anom_pipeline *pipeline, anom_stream *stream)
{
    anom_observer *observer = stream->inputs ? take_inputs : NULL;
    anom_result result;
    while (has_room(pipeline, stream)) {
        int32_t found = anom_pipeline_poll_observed(pipeline, &result, observer, stream);
        if (found == 0) break;
        if (found == 1)
            take_tick(stream, pipeline, &result);
        else
            take_notice(stream, &result);
    }
    (void)has_room(pipeline, stream);
    anom_wipe(&result, sizeof result);
}

int64_t anom_stream_process(anom_pipeline *pipeline, const int16_t *samples, int64_t n, int32_t columns,
                            anom_stream *stream)
{
    int64_t done = 0;
    poll(pipeline, stream);
    while (done < n && has_room(pipeline, stream)) {
        int64_t left = n - done;
        done += anom_pipeline_push(pipeline, samples + done * columns, left < INT32_MAX ? (int32_t)left : INT32_MAX);
        poll(pipeline, stream);
    }
    anom_memory_clear_registers();
    return done;
}

size_t anom_stream_scratch_bytes(const anom_plan *plan)
{
    return anom_autoencoder_scratch_bytes(&plan->autoencoder);
}

void anom_stream_reconstruct(const anom_plan *plan, const int8_t *inputs, int64_t n, int8_t *outputs,
                             void *scratch)
{
    const anom_autoencoder_plan *model = &plan->autoencoder;
    int32_t width = anom_context_n_inputs(&plan->context, plan->extractor.n_features);
    for (int64_t i = 0; i < n; i++)
        anom_autoencoder_run(model, inputs + i * width, outputs + i * width, scratch);
    anom_wipe(scratch, anom_autoencoder_scratch_bytes(model));
}

void anom_stream_ladder(anom_ladder *ladder, const anom_ladder_plan *plan, const anom_timing_plan *timing,
                        const uint32_t *scores, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        anom_ladder_step(ladder, plan, timing, scores[i]);
}
