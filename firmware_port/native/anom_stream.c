/* Stream: a whole block through a pipeline in one call, for hosts. */
#include "anom_stream.h"

#include "anom_memory.h"
#include "anom_pipeline.h"
#include "anom_wipe.h"

static void take_tick(anom_stream *stream, const anom_result *result)
{
    stream->hops[stream->n_ticks] = result->hop;
    stream->scores[stream->n_ticks] = result->score;
    for (int32_t i = 0; i < result->n_events; i++) {
        stream->event_ticks[stream->n_events] = stream->n_ticks;
        stream->events[stream->n_events] = result->events[i];
        stream->n_events++;
    }
    stream->n_ticks++;
}

static void take_inputs(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    anom_stream *stream = of;
    (void)outputs;
    for (int32_t i = 0; i < n; i++)
        stream->inputs[stream->n_ticks * n + i] = inputs[i];
}

void anom_stream_process(anom_pipeline *pipeline, const int16_t *samples, int64_t n, int32_t columns,
                         anom_stream *stream)
{
    anom_observer *observer = stream->inputs ? take_inputs : NULL;
    while (n > 0) {
        int32_t taken = anom_pipeline_push(pipeline, samples, n < INT32_MAX ? (int32_t)n : INT32_MAX);
        samples += (int64_t)taken * columns;
        n -= taken;
        anom_result result;
        while (anom_pipeline_poll_observed(pipeline, &result, observer, stream))
            take_tick(stream, &result);
    }
    anom_memory_clear_registers();
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
