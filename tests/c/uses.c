/* Calls of a pipeline with an alarm, a health or a ladder section, and every result: tests/support/c_uses.py writes the data. */
#include <string.h>

#include "streams.h"

/* Gives a downlink at an odd address. */
static int32_t ordered(anom_pipeline *pipeline, uint32_t argument)
{
    uint8_t room[256] = {0};
    size_t n = argument >> 24;
    for (int32_t i = 0; i < ANOM_DOWNLINK_BYTES; i++)
        room[1 + i] = (uint8_t)(argument >> 8 * i);
    if (n == NO_DOWNLINK) return anom_pipeline_downlink(pipeline, NULL, ANOM_DOWNLINK_BYTES);
    return anom_pipeline_downlink(pipeline, room + 1, n);
}

static int32_t given(anom_pipeline *pipeline, const use *u)
{
    int32_t argument = (int32_t)u->argument;
    switch (u->kind) {
    case USE_ACKNOWLEDGE: return anom_pipeline_acknowledge(pipeline);
    case USE_SILENCE: return anom_pipeline_silence(pipeline, u->argument);
    case USE_CANCEL: return anom_pipeline_cancel(pipeline);
    case USE_OUT_OF_SERVICE: return anom_pipeline_out_of_service(pipeline, argument);
    case USE_TEST: return anom_pipeline_test(pipeline);
    case USE_SUPPLY: return anom_pipeline_supply(pipeline, argument);
    case USE_SELF_TEST: return anom_pipeline_self_test(pipeline, argument);
    case USE_MISSING: return anom_pipeline_missing(pipeline, u->argument);
    case USE_CLOCK: return anom_pipeline_clock(pipeline, u->argument);
    case USE_CALIBRATE: return anom_pipeline_calibrate(pipeline, u->argument);
    case USE_SET_LEVEL: return anom_pipeline_set_level(pipeline, u->argument);
    case USE_DOWNLINK: return ordered(pipeline, u->argument);
    case USE_GAP: anom_pipeline_gap(pipeline, argument); return 0;
    default: anom_pipeline_reset(pipeline); return 0;
    }
}

/* Saves at an odd address, among bytes that must stay; or restores from there. */
static int32_t recorded(const stream *s, anom_pipeline *pipeline, const use *u)
{
    static uint8_t room[8 * ANOM_RECORD_BYTES];
    size_t bytes = anom_pipeline_record_bytes(s->plan);
    const uint8_t *record = s->records + (u->argument >> 16) * bytes;
    size_t size = u->argument & NO_RECORD;
    uint8_t *at = size == NO_RECORD ? NULL : room + 1;
    memset(room, 0xA5, sizeof room);
    if (u->kind == USE_RESTORE) {
        memcpy(room + 1, record, bytes);
        return anom_pipeline_restore(pipeline, at, size);
    }
    int32_t written = anom_pipeline_save(pipeline, at, size);
    size_t n = written > 0 ? (size_t)written : 0;
    if (n > 0) check(memcmp(room + 1, record, bytes) == 0, "another record");
    for (size_t i = 0; i < sizeof room; i++)
        check((i >= 1 && i <= n) || room[i] == 0xA5, "writes beside the record");
    check(anom_pipeline_save(NULL, room, sizeof room) == ANOM_ERROR_NULL, "saves no pipeline");
    return written;
}

/* Exports to an odd address, among bytes that must stay. */
static int32_t exported(const stream *s, anom_pipeline *pipeline, const exporting *e)
{
    static uint8_t room[8 * ANOM_RECORD_BYTES], earlier[2 * ANOM_RECORD_BYTES];
    size_t bytes = ANOM_EXPORT_BYTES((size_t)s->plan->supervisor->ladder->n_rungs);
    uint8_t *at = e->size == NO_RECORD ? NULL : room + 1;
    memset(room, 0xA5, sizeof room);
    if (e->since >= 0) memcpy(earlier + 1, s->counts + (size_t)e->since * bytes, bytes);
    int32_t written = anom_pipeline_export(pipeline, e->device, e->boot, e->since >= 0 ? earlier + 1 : NULL, at, e->size);
    size_t n = written > 0 || written == ANOM_ERROR_RECORD ? bytes : 0;
    check((written > 0) == (e->made >= 0), "an export of nothing");
    if (e->made >= 0) check(memcmp(room + 1, s->counts + (size_t)e->made * bytes, bytes) == 0, "another export");
    for (size_t i = 0; i < sizeof room; i++)
        check((i >= 1 && i <= n) || room[i] == 0xA5, "writes beside the export");
    check(anom_pipeline_export(NULL, 1, 1, NULL, room, sizeof room) == ANOM_ERROR_NULL, "exports no pipeline");
    return written;
}

/* Polls for the next results: inputs of the model are looked at in every second one. */
static void polled(const stream *s, anom_pipeline *pipeline, const used *expected, const use *u)
{
    static int8_t inputs[4096];
    anom_result result;
    for (int32_t i = 0; i < u->gives; i++) {
        int32_t tapped = i % 2;
        memset(inputs, 0, sizeof inputs);
        memset(&result, 0xA5, sizeof result);
        int32_t kind = tapped ? anom_pipeline_poll_tapped(pipeline, &result, inputs) : anom_pipeline_poll(pipeline, &result);
        check(kind > 0, "too few results");
        check(kind == (expected[i].is_judged ? 1 : 2), "a tick, or an event without one");
        check_tick(&result, &expected[i].result);
        if (tapped && expected[i].is_judged) check(fnv1a(inputs, s->n_inputs) == expected[i].result.inputs, "other inputs");
    }
    if (u->kind == USE_TAKE) return;
    check(anom_pipeline_poll(pipeline, &result) == 0, "too many results");
    check(anom_pipeline_poll(pipeline, &result) == 0, "a result out of nothing");
    check_wiped(s, pipeline);
}

/* A plan without a ladder refuses what a ladder does. */
static void check_without_ladder(anom_pipeline *pipeline, const anom_plan *plan)
{
    const uint8_t order[ANOM_DOWNLINK_BYTES] = {0, plan->id[0], plan->id[1]};
    uint8_t counts[ANOM_EXPORT_BYTES(2)];
    if (plan->supervisor && plan->supervisor->ladder) return;
    check(anom_pipeline_calibrate(pipeline, 0) == ANOM_ERROR_SECTION, "calibrates without a ladder");
    check(anom_pipeline_set_level(pipeline, 0) == ANOM_ERROR_SECTION, "sets a level without a ladder");
    check(anom_pipeline_downlink(pipeline, order, sizeof order) == ANOM_ERROR_SECTION, "a downlink without a ladder");
    check(anom_pipeline_level(pipeline) == 0, "a level without a ladder");
    check(anom_pipeline_export(pipeline, 1, 1, NULL, counts, sizeof counts) == ANOM_ERROR_SECTION, "exports no ladder");
    check(anom_pipeline_export(NULL, 1, 1, NULL, counts, sizeof counts) == ANOM_ERROR_NULL, "exports no pipeline");
    check(anom_pipeline_record_bytes(plan) == ANOM_RECORD_BYTES + plan->learnt_bytes, "another length of a record");
}

void run_uses(const stream *s, anom_pipeline *pipeline, const void *fresh, size_t size)
{
    const int16_t *samples = s->samples;
    const used *expected = s->results;
    check_without_ladder(pipeline, s->plan);
    for (int32_t i = 0; i < s->n_uses; i++) {
        const use *u = &s->uses[i];
        if (u->kind == USE_PUSH) {
            check(anom_pipeline_push(pipeline, samples, (int32_t)u->argument) == u->gives, "another number of samples is taken");
            samples += u->gives * s->plan->extractor.columns;
        } else if (u->kind == USE_POLL || u->kind == USE_TAKE) {
            polled(s, pipeline, expected, u);
            expected += u->gives;
        } else if (u->kind == USE_ROWS) {
            uint32_t rows = 2166136261u;
            check(take_rows(s, pipeline, &rows) == u->gives, "another number of rows");
            check(rows == u->argument, "other rows");
        } else if (u->kind == USE_SAVE || u->kind == USE_RESTORE) {
            check(recorded(s, pipeline, u) == u->gives, "a record gives another status");
            if (u->kind == USE_RESTORE) check_forgotten(s, pipeline);
        } else if (u->kind == USE_EXPORT) {
            check(exported(s, pipeline, &s->exports[u->argument]) == u->gives, "an export gives another status");
        } else {
            check(given(pipeline, u) == u->gives, "an input gives another status");
        }
        if (u->kind == USE_RESET) {
            check_forgotten(s, pipeline);
            check(memcmp(fresh, pipeline, size) == 0, "a reset is no new beginning");
        }
        if (u->signals < 0) continue;
        check(anom_pipeline_annunciation(pipeline) == ((uint32_t)u->signals & 0xFF), "another annunciation");
        check(anom_pipeline_health(pipeline) == ((uint32_t)u->signals >> 8 & 0xFF), "another health");
        check(anom_pipeline_level(pipeline) == (uint32_t)u->signals >> 16, "another level");
    }
    check(expected == s->results + s->n_results, "results are left");
}
