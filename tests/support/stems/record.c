#include "anom_external.h"
#include "anom_pipeline.h"
#include "anom_record.h"

typedef struct {
    uint32_t hop;
    uint32_t score;
    int32_t judged;
    const uint8_t *event; /* NULL: none */
} record_result;

typedef struct {
    int32_t operation;
    int32_t n; /* samples, an operation, or bytes of a record, an export or a downlink */
    uint32_t argument;
    const int16_t *samples;
    const uint8_t *record; /* also a downlink, or an export that is expected; NULL: it is refused */
    const uint8_t *since;  /* an earlier export; NULL: none */
    uint32_t device_high;
    uint32_t device_low;
    int32_t taken; /* of a record 1 or 0; of a downlink what it returns */
    int32_t n_results;
    const record_result *results;
} record_step;

typedef struct {
    anom_plan plan;
    int32_t n_steps;
    const record_step *steps;
} record_case;

static int32_t record_says(const record_step *step, const anom_result *result, int32_t judged, int32_t at)
{
    if (at >= step->n_results) return 0;
    const record_result *expected = &step->results[at];
    if (result->hop != expected->hop || result->score != expected->score || judged != expected->judged) return 0;
    if (result->n_events != (expected->event != NULL)) return 0;
    return expected->event == NULL || vectors_same(result->events[0].bytes, expected->event, ANOM_EVENT_BYTES);
}

/* Poll until nothing waits; the number of results so far, or -1: one is another than expected. */
static int32_t record_polled(anom_pipeline *pipeline, const record_step *step, int32_t n)
{
    anom_result result;
    int32_t more;
    while ((more = anom_pipeline_poll(pipeline, &result)) > 0)
        if (!record_says(step, &result, more == 1, n++)) return -1;
    return more == 0 ? n : -1;
}

static int32_t record_pushed(anom_pipeline *pipeline, const record_step *step, int32_t columns)
{
    const int16_t *block = step->samples;
    int32_t n = step->n;
    int32_t found = 0;
    do {
        int32_t taken = anom_pipeline_push(pipeline, block, n);
        if (taken < 0 || taken > n) return -1;
        block += taken * columns;
        n -= taken;
        found = record_polled(pipeline, step, found);
    } while (n > 0 && found >= 0);
    return found;
}

static void record_operated(anom_pipeline *pipeline, int32_t operation, uint32_t argument)
{
    switch (operation) {
    case ANOM_OPERATION_ACKNOWLEDGE: anom_pipeline_acknowledge(pipeline); break;
    case ANOM_OPERATION_SILENCE: anom_pipeline_silence(pipeline, argument); break;
    case ANOM_OPERATION_CANCEL: anom_pipeline_cancel(pipeline); break;
    case ANOM_OPERATION_OUT_OF_SERVICE: anom_pipeline_out_of_service(pipeline, (int32_t)argument); break;
    case ANOM_OPERATION_TEST: anom_pipeline_test(pipeline); break;
    case ANOM_OPERATION_SUPPLY: anom_pipeline_supply(pipeline, (int32_t)argument); break;
    case ANOM_OPERATION_SELF_TEST: anom_pipeline_self_test(pipeline, (int32_t)argument); break;
    case ANOM_OPERATION_MISSING: anom_pipeline_missing(pipeline, argument); break;
    case ANOM_OPERATION_CALIBRATE: anom_pipeline_calibrate(pipeline, argument); break;
    case ANOM_OPERATION_SET_LEVEL: anom_pipeline_set_level(pipeline, argument); break;
    default: anom_pipeline_clock(pipeline, argument); break;
    }
}

/* 1: the export is the one that is expected, or it is refused as expected. */
static int32_t record_exported(anom_pipeline *pipeline, const record_step *step)
{
    uint8_t made[ANOM_EXPORT_BYTES(24)];
    uint64_t device = (uint64_t)step->device_high << 32 | step->device_low;
    int32_t n = anom_pipeline_export(pipeline, device, (uint16_t)step->argument, step->since, made, sizeof made);
    if (step->record == NULL) return n == ANOM_ERROR_RECORD;
    return n == step->n && vectors_same(made, step->record, (size_t)n);
}

static int32_t record_holds(anom_pipeline *pipeline, const record_step *step, int32_t columns)
{
    uint8_t record[ANOM_RECORD_BYTES + ANOM_LADDER_BYTES(24)];
    int32_t result;
    switch (step->operation) {
    case 0: return record_pushed(pipeline, step, columns) == step->n_results;
    case 1: anom_pipeline_gap(pipeline, step->n); break;
    case 3: record_operated(pipeline, step->n, step->argument); break;
    case 4:
        if (anom_pipeline_save(pipeline, record, sizeof record) != step->n) return 0;
        return vectors_same(record, step->record, (size_t)step->n);
    case 5:
        result = anom_pipeline_restore(pipeline, step->record, (size_t)step->n);
        if (result != (step->taken ? 0 : ANOM_ERROR_RECORD)) return 0;
        break;
    case 6: return record_exported(pipeline, step);
    case 7:
        if (anom_pipeline_downlink(pipeline, step->record, (size_t)step->n) != step->taken) return 0;
        break;
    default: anom_pipeline_reset(pipeline); return 1;
    }
    return record_polled(pipeline, step, 0) == step->n_results;
}

static int32_t run_record(const record_case *c)
{
    size_t size = anom_pipeline_bytes(&c->plan);
    void *memory = vectors_room(size);
    anom_pipeline *pipeline;
    if (memory == NULL || anom_pipeline_init(&pipeline, memory, size, &c->plan) != 0) return 0;
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!record_holds(pipeline, &c->steps[i], c->plan.extractor.columns)) return 0;
    return 1;
}
