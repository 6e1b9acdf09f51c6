#include "anom_bands.h"
#include "anom_external.h"
#include "anom_logmel.h"
#include "anom_pipeline.h"

typedef struct {
    uint32_t hop;
    uint32_t score;
    const int8_t *inputs;
    const int8_t *outputs;
    const uint8_t *event; /* NULL: none */
} pipeline_result;

typedef struct {
    int32_t operation;
    int32_t n;
    const int16_t *samples;
    int32_t n_results;
    const pipeline_result *results;
} pipeline_step;

typedef struct {
    anom_plan plan;
    int32_t n_steps;
    const pipeline_step *steps;
} pipeline_case;

typedef struct {
    const pipeline_result *next; /* what is expected */
    const pipeline_result *end;
    int32_t observed; /* since the last result */
    int32_t holds;
} pipeline_expected;

static void pipeline_observe(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    pipeline_expected *expected = of;
    if (expected->next == expected->end || !vectors_same(inputs, expected->next->inputs, (size_t)n) ||
        !vectors_same(outputs, expected->next->outputs, (size_t)n))
        expected->holds = 0;
    expected->observed++;
}

static void pipeline_compare(pipeline_expected *expected, const anom_result *result)
{
    if (expected->observed != 1) expected->holds = 0;
    expected->observed = 0;
    if (expected->next == expected->end) return;
    const pipeline_result *next = expected->next++;
    if (result->hop != next->hop || result->score != next->score || result->n_events != (next->event != NULL))
        expected->holds = 0;
    else if (next->event != NULL && !vectors_same(result->events[0].bytes, next->event, ANOM_EVENT_BYTES))
        expected->holds = 0;
}

static int32_t pipeline_pushed(anom_pipeline *pipeline, const pipeline_step *step, int32_t columns)
{
    pipeline_expected expected = {step->results, step->results + step->n_results, 0, 1};
    const int16_t *block = step->samples;
    int32_t n = step->n;
    do {
        anom_result result;
        int32_t ticked;
        int32_t taken = anom_pipeline_push(pipeline, block, n);
        if (taken < (n > 0) || taken > n) return 0;
        block += taken * columns;
        n -= taken;
        while ((ticked = anom_pipeline_poll_observed(pipeline, &result, pipeline_observe, &expected)) == 1 &&
               expected.holds)
            pipeline_compare(&expected, &result);
        if (ticked != 0) return 0;
    } while (n > 0 && expected.holds);
    return expected.holds && expected.next == expected.end;
}

static int32_t pipeline_holds(anom_pipeline *pipeline, const pipeline_step *step, int32_t columns)
{
    switch (step->operation) {
    case 0: return pipeline_pushed(pipeline, step, columns);
    case 1: anom_pipeline_gap(pipeline, step->n); return 1;
    default: anom_pipeline_reset(pipeline); return 1;
    }
}

static int32_t run_pipeline(const pipeline_case *c)
{
    size_t size = anom_pipeline_bytes(&c->plan);
    void *memory = vectors_room(size);
    anom_pipeline *pipeline;
    if (memory == NULL) return 0;
    if (anom_pipeline_init(&pipeline, memory, size - 1, &c->plan) != ANOM_ERROR_MEMORY) return 0;
    if (anom_pipeline_init(&pipeline, memory, size, &c->plan) != 0) return 0;
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!pipeline_holds(pipeline, &c->steps[i], c->plan.extractor.columns)) return 0;
    return 1;
}
