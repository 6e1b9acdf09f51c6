/* Pipeline: the stages of a plan in their order. Reads like a table of contents. */
#include "anom_pipeline.h"

#include <stddef.h>
#include <string.h>

#include "anom_assumptions.h"
#include "anom_wipe.h"

ANOM_ASSERT(pipeline_has_its_announced_size, sizeof(anom_pipeline) == ANOM_PIPELINE_BYTES);
ANOM_ASSERT(alert_is_last, offsetof(anom_pipeline, alert) + sizeof(anom_alert) == sizeof(anom_pipeline));
ANOM_ASSERT(supervisor_has_its_announced_size, sizeof(anom_supervisor) == sizeof(anom_alert) + ANOM_ALARM_BYTES);
ANOM_ASSERT(health_has_its_announced_size, sizeof(anom_health) == ANOM_HEALTH_BYTES(0));
ANOM_ASSERT(column_has_its_announced_size, sizeof(anom_health_column) == ANOM_HEALTH_BYTES(1) - ANOM_HEALTH_BYTES(0));
ANOM_ASSERT(reference_has_room, sizeof(anom_rung) <= ANOM_REFERENCE_BYTES);

/* The offset of `pipeline` is the alignment that the memory must have. */
typedef struct {
    char before;
    anom_pipeline pipeline;
} aligned;

/* Bytes, rounded up to a multiple of 8: what any buffer may have to be aligned to. */
static size_t rounded_up(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* Sizes of the buffers that follow the struct, in their order. */
typedef struct {
    size_t diary;
    size_t reference;
    size_t samples;
    size_t state;
    size_t history;
    size_t features;
    size_t scratch;
} sizes;

static sizes sizes_of(const anom_plan *plan)
{
    const anom_extractor_plan *extractor = &plan->extractor;
    size_t n_features = (size_t)extractor->n_features;
    size_t n_inputs = (size_t)anom_context_n_inputs(&plan->context, extractor->n_features);
    size_t model = rounded_up(2 * n_inputs) + rounded_up(anom_autoencoder_scratch_bytes(&plan->autoencoder));
    size_t front = extractor->type->scratch_bytes(extractor->tables);
    sizes found = {
        .diary = plan->diary ? ANOM_DIARY_BYTES : 0,
        .reference = plan->baseline.reference ? ANOM_REFERENCE_BYTES : 0,
        .samples = rounded_up((size_t)plan->framer.window * (size_t)extractor->columns * sizeof(int16_t)),
        .state = extractor->type->state_bytes(extractor->tables),
        .history = rounded_up((size_t)(plan->context.frames - 1) * n_features),
        .features = rounded_up(n_features),
        .scratch = front > model ? front : model,
    };
    return found;
}

size_t anom_pipeline_bytes(const anom_plan *plan)
{
    sizes size = sizes_of(plan);
    size_t own = sizeof(anom_pipeline) + plan->supervisor_bytes + size.diary + size.reference;
    return own + size.samples + size.state + size.history + size.features + size.scratch;
}

anom_rung *anom_pipeline_reference(const anom_pipeline *pipeline)
{
    if (pipeline->plan->baseline.reference == NULL) return NULL;
    return (anom_rung *)(void *)((uint8_t *)pipeline->framer.samples - ANOM_REFERENCE_BYTES);
}

anom_diary *anom_pipeline_diary(const anom_pipeline *pipeline)
{
    size_t reference = pipeline->plan->baseline.reference ? ANOM_REFERENCE_BYTES : 0;
    return (anom_diary *)(void *)((uint8_t *)pipeline->framer.samples - reference - ANOM_DIARY_BYTES);
}

int32_t anom_pipeline_init(anom_pipeline **pipeline, void *memory, size_t size, const anom_plan *plan)
{
    /* Arguments */
    if (pipeline == NULL) return ANOM_ERROR_NULL;
    *pipeline = NULL;
    if (memory == NULL || plan == NULL) return ANOM_ERROR_NULL;
    if ((uintptr_t)memory % offsetof(aligned, pipeline) != 0) return ANOM_ERROR_ALIGNMENT;
    if (plan->format != ANOM_PLAN_FORMAT || plan->plan_size != sizeof(anom_plan)) return ANOM_ERROR_FORMAT;
    if (plan->autoencoder.flipped != ANOM_FLIPPED) return ANOM_ERROR_FORMAT;
    if (size < anom_pipeline_bytes(plan)) return ANOM_ERROR_MEMORY;

    /* The struct itself, at the beginning of the memory */
    const anom_extractor_plan *extractor = &plan->extractor;
    sizes bytes = sizes_of(plan);
    uint8_t *at = memory;
    anom_pipeline *made = memory;
    made->plan = plan;
    made->n_inputs = anom_context_n_inputs(&plan->context, extractor->n_features);
    at += sizeof(anom_pipeline);

    /* Buffers behind it, in the order of `sizes` */
    at += plan->supervisor_bytes + bytes.diary + bytes.reference;
    anom_framer_init(&made->framer, &plan->framer, extractor->columns, (int16_t *)(void *)at);
    at += bytes.samples;
    void *state = at;
    at += bytes.state;
    anom_context_init(&made->context, &plan->context, extractor->n_features, (int8_t *)at);
    at += bytes.history;
    made->features = (int8_t *)at;
    at += bytes.features;
    made->scratch = at;

    /* Stages that need no buffer of their own */
    anom_extractor_init(&made->extractor, extractor, state, made->scratch);
    anom_baseline_init(&made->baseline, &plan->baseline);
    anom_rung *reference = anom_pipeline_reference(made);
    if (reference) anom_rung_init(reference, &plan->timing, plan->baseline.reference, 0);
    anom_alert_init(&made->alert, &plan->timing, &plan->levels, (uint16_t)(plan->id[0] | plan->id[1] << 8));
    anom_pipeline_reset(made);
    *pipeline = made;
    return 0;
}

int32_t anom_pipeline_push(anom_pipeline *pipeline, const int16_t *block, int32_t n)
{
    return anom_framer_push(&pipeline->framer, block, n);
}

/* Model and score of a tick: the inputs lie at the beginning of the scratch, the outputs are put behind them.
 *   observer called with both, or NULL */
static uint32_t reconstruct(anom_pipeline *pipeline, anom_observer *observer, void *of)
{
    const anom_plan *plan = pipeline->plan;
    int32_t n = pipeline->n_inputs;
    int8_t *inputs = pipeline->scratch;
    int8_t *outputs = inputs + n;
    anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(2 * (size_t)n));
    if (observer) observer(of, inputs, outputs, n);
    return anom_score_run(&plan->score, inputs, outputs, n);
}

/* Write the reasons into an event of this tick: inputs and outputs still lie in the scratch. */
static void explain(const anom_pipeline *pipeline, anom_event *event)
{
    const anom_plan *plan = pipeline->plan;
    int32_t n = pipeline->n_inputs;
    const int8_t *inputs = pipeline->scratch;
    uint8_t reasons[ANOM_REASONS];
    anom_reasons_run(&plan->reasons, &plan->score, inputs, inputs + n, n, reasons);
    anom_event_with_reasons(event, reasons);
}

/* Zero the inputs, the outputs and what the model has used behind them. */
static void wipe_model(const anom_pipeline *pipeline)
{
    size_t own = rounded_up(2 * (size_t)pipeline->n_inputs);
    anom_wipe(pipeline->scratch, own + anom_autoencoder_scratch_bytes(&pipeline->plan->autoencoder));
}

/* It has a stack frame of its own, which the caller wipes. */
ANOM_NOINLINE int32_t anom_pipeline_run(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of)
{
    /* Framer: a whole window, or nothing yet */
    const int16_t *window = anom_framer_window(&pipeline->framer);
    if (window == NULL) return 0;
    uint32_t hop = pipeline->framer.next_hop;

    /* Extractor: a frame of features, once it has taken enough windows; then the window is no longer needed */
    const anom_diary_plan *diary = pipeline->plan->diary;
    int32_t framed = diary ? diary->type->hop(pipeline, window)
                           : anom_extractor_push(&pipeline->extractor, window, pipeline->features);
    anom_framer_discard(&pipeline->framer);
    if (!framed) return 0;

    /* Context: the input of the model, once it is full and its stride has passed; this is a tick */
    int32_t due = anom_context_push(&pipeline->context, pipeline->features, pipeline->scratch);
    anom_wipe(pipeline->features, (size_t)pipeline->plan->extractor.n_features);
    if (!due) return 0;

    /* Model and score */
    uint32_t raw = reconstruct(pipeline, observer, of);
    result->hop = hop;

    /* Baseline, alert and reasons */
    result->score = anom_baseline_above(&pipeline->baseline, raw);
    int32_t judged = pipeline->plan->judge(&pipeline->alert, result->score, hop, &result->events[0]);
    result->n_events = judged & ANOM_JUDGED_EVENT;
    if (diary && judged != ANOM_JUDGED_VOID) diary->type->tick(pipeline, result->score);
    if (judged & ANOM_JUDGED_EXPLAINED) explain(pipeline, &result->events[0]);
    wipe_model(pipeline);

    /* Baseline, and what the extractor learns: they follow a judged score last, since an alarm of the reference rung
     * may hold them */
    anom_rung *reference = anom_pipeline_reference(pipeline);
    if (judged != ANOM_JUDGED_VOID && reference) {
        anom_rung_step(reference, result->score);
        anom_baseline_follow(&pipeline->baseline, raw, reference->in_alarm);
        anom_extractor_follow(&pipeline->extractor, reference->in_alarm);
    }
    return 1;
}

int32_t anom_pipeline_poll_observed(anom_pipeline *pipeline, anom_result *result, anom_observer *observer, void *of)
{
    const anom_plan *plan = pipeline->plan;
    uint32_t hop = pipeline->framer.next_hop;
    int32_t found = plan->supervisor ? plan->supervisor->type->poll(pipeline, result, observer, of)
                                     : anom_pipeline_run(pipeline, result, observer, of);
    if (found || plan->supervisor || pipeline->framer.next_hop != hop) /* else nothing was computed */
        plan->extractor.type->wipe_stack();
    return found;
}

int32_t anom_pipeline_poll(anom_pipeline *pipeline, anom_result *result)
{
    return anom_pipeline_poll_observed(pipeline, result, NULL, NULL);
}

void anom_pipeline_lose(anom_pipeline *pipeline, int32_t n, int32_t by_gap)
{
    const anom_plan *plan = pipeline->plan;
    int32_t pause = by_gap && pipeline->context.has_given && anom_duty_is_pause(plan->duty, n);
    uint32_t lost = anom_framer_gap(&pipeline->framer, n);
    anom_extractor_gap(&pipeline->extractor, lost);
    anom_context_restart(&pipeline->context);
    if (plan->diary) plan->diary->type->lose(pipeline, lost, pause);
    if (pause) {
        plan->duty->pause(pipeline, lost);
        return;
    }
    uint32_t ticks = anom_pipeline_ticks(plan, lost);
    anom_rung *reference = anom_pipeline_reference(pipeline);
    if (reference) anom_rung_gap(reference, ticks);
    if (plan->supervisor)
        plan->supervisor->type->gap(anom_pipeline_supervisor(pipeline), lost, ticks);
    else
        anom_alert_gap(&pipeline->alert, ticks);
}

/* Let an input wait for the next poll. 1: it was taken; 0: there is no room; or a negative ANOM_ERROR_*.
 *   operation ANOM_OPERATION_*
 *   highest  largest argument */
static int32_t operate(anom_pipeline *pipeline, uint32_t operation, uint32_t argument, uint32_t highest)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    int32_t of_health = operation >= ANOM_OPERATION_SUPPLY && operation <= ANOM_OPERATION_CLOCK;
    if (plan == NULL || (of_health && plan->health == NULL)) return ANOM_ERROR_SECTION;
    if (argument > highest) return ANOM_ERROR_RANGE;
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    uint32_t waiting = supervisor->inputs;
    int32_t at = 0;
    int32_t has_number = anom_supervisor_has_number(operation);
    if (supervisor->gap > 0) return 0;
    for (; waiting; waiting >>= ANOM_INPUT_BITS, at += ANOM_INPUT_BITS) {
        if (has_number & anom_supervisor_has_number(waiting & 15)) return 0;
    }
    if (at >= ANOM_INPUTS_BITS) return 0;
    if (has_number) {
        supervisor->number = argument;
        argument = 0;
    }
    supervisor->inputs |= (operation | argument << 4) << at & 0x7FFF;
    anom_framer_close(&pipeline->framer);
    return 1;
}

int32_t anom_pipeline_acknowledge(anom_pipeline *pipeline)
{
    return operate(pipeline, ANOM_OPERATION_ACKNOWLEDGE, 0, 0);
}

int32_t anom_pipeline_silence(anom_pipeline *pipeline, uint32_t ticks)
{
    return operate(pipeline, ANOM_OPERATION_SILENCE, ticks, INT32_MAX);
}

int32_t anom_pipeline_cancel(anom_pipeline *pipeline)
{
    return operate(pipeline, ANOM_OPERATION_CANCEL, 0, 0);
}

int32_t anom_pipeline_out_of_service(anom_pipeline *pipeline, int32_t on)
{
    return operate(pipeline, ANOM_OPERATION_OUT_OF_SERVICE, (uint32_t)on, 1);
}

int32_t anom_pipeline_test(anom_pipeline *pipeline)
{
    return operate(pipeline, ANOM_OPERATION_TEST, 0, 0);
}

int32_t anom_pipeline_supply(anom_pipeline *pipeline, int32_t low)
{
    return operate(pipeline, ANOM_OPERATION_SUPPLY, (uint32_t)low, 1);
}

int32_t anom_pipeline_self_test(anom_pipeline *pipeline, int32_t failed)
{
    return operate(pipeline, ANOM_OPERATION_SELF_TEST, (uint32_t)failed, 1);
}

int32_t anom_pipeline_missing(anom_pipeline *pipeline, uint32_t ms)
{
    return operate(pipeline, ANOM_OPERATION_MISSING, ms, UINT32_MAX);
}

int32_t anom_pipeline_clock(anom_pipeline *pipeline, uint32_t ms)
{
    return operate(pipeline, ANOM_OPERATION_CLOCK, ms, UINT32_MAX);
}

/* Let an input wait that needs a ladder, with an argument below the promises or the level tags of the plan. */
ANOM_NOINLINE static int32_t operate_ladder(anom_pipeline *pipeline, uint32_t operation, uint32_t argument)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    if (plan == NULL || plan->ladder == NULL) return ANOM_ERROR_SECTION;
    int32_t is_calibrate = operation == ANOM_OPERATION_CALIBRATE;
    uint32_t n = (uint32_t)(is_calibrate ? plan->ladder->n_promises : plan->ladder->n_rungs + 1);
    return argument < n ? operate(pipeline, operation, argument, argument) : ANOM_ERROR_RANGE;
}

int32_t anom_pipeline_calibrate(anom_pipeline *pipeline, uint32_t budget)
{
    return operate_ladder(pipeline, ANOM_OPERATION_CALIBRATE, budget);
}

int32_t anom_pipeline_set_level(anom_pipeline *pipeline, uint32_t level)
{
    return operate_ladder(pipeline, ANOM_OPERATION_SET_LEVEL, level);
}

uint32_t anom_pipeline_level(const anom_pipeline *pipeline)
{
    return pipeline->plan->supervisor ? anom_supervisor_level(anom_pipeline_supervisor(pipeline)) : 0;
}

uint32_t anom_pipeline_annunciation(const anom_pipeline *pipeline)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    return plan ? plan->type->annunciation(anom_pipeline_supervisor(pipeline)) : 0;
}

uint32_t anom_pipeline_health(const anom_pipeline *pipeline)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    return plan ? plan->type->health(anom_pipeline_supervisor(pipeline)) : 0;
}

int32_t anom_pipeline_poll_row(anom_pipeline *pipeline, int16_t *row)
{
    return pipeline->plan->diary ? pipeline->plan->diary->type->rows(pipeline, row) : 0;
}

int32_t anom_pipeline_encode_row(const anom_pipeline *pipeline, uint32_t slot, const int16_t *row,
                                 uint8_t bytes[ANOM_ROW_BYTES])
{
    const anom_diary_plan *plan = pipeline->plan->diary;
    return plan ? plan->type->encode(plan, slot, row, bytes) : 0;
}

void anom_pipeline_gap(anom_pipeline *pipeline, int32_t n)
{
    if (n <= 0) return;
    const anom_supervisor_plan *supervisor = pipeline->plan->supervisor;
    if (supervisor)
        supervisor->type->lose(pipeline, n);
    else
        anom_pipeline_lose(pipeline, n, 1);
}

void anom_pipeline_reset(anom_pipeline *pipeline)
{
    sizes bytes = sizes_of(pipeline->plan);
    anom_framer_wipe(&pipeline->framer);
    anom_extractor_reset(&pipeline->extractor);
    anom_context_restart(&pipeline->context);
    anom_wipe(pipeline->features, bytes.features + bytes.scratch);
    anom_baseline_reset(&pipeline->baseline);
    anom_rung *reference = anom_pipeline_reference(pipeline);
    if (reference) anom_rung_reset(reference);
    anom_alert_reset(&pipeline->alert);
    const anom_supervisor_plan *supervisor = pipeline->plan->supervisor;
    if (pipeline->plan->diary) pipeline->plan->diary->type->reset(pipeline);
    if (supervisor) supervisor->type->reset(anom_pipeline_supervisor(pipeline), supervisor);
}

void *anom_pipeline_scratch(anom_pipeline *pipeline)
{
    return pipeline->scratch;
}

#ifdef ANOM_TAP
static void copy_inputs(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    (void)outputs;
    memcpy(of, inputs, (size_t)n);
}

int32_t anom_pipeline_poll_tapped(anom_pipeline *pipeline, anom_result *result, int8_t *inputs)
{
    return anom_pipeline_poll_observed(pipeline, result, copy_inputs, inputs);
}
#endif
