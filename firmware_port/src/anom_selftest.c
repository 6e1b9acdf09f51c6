/* Self-test: the golden stream of docs/spec.md through a plan, and its digest. */
#include "anom_pipeline.h"
#include "anom_sha256.h"
#include "anom_wipe.h"

#define TICKS 200
#define VALUES 65536
#define MIN_TICKS 16
#define PART 2048
#define DIARY 16
#define SEED 0x6D2B79F5

/* One value of the golden stream.
 *   i        index of its row
 *   k        kind of the part that the row belongs to, 0 to 15; DIARY
 *   x        state of the generator, never 0 */
static int16_t value(uint32_t i, uint32_t k, uint32_t x)
{
    if (k <= 10) return (int16_t)((int16_t)(x >> 16) >> k);
    switch (k) {
    case 11: return (i & 64) ? 32767 : -32768;
    case 12: return 0;
    case 13: return -32768;
    case 14: return i % 512 == 0 ? 32767 : 0;
    case DIARY: return (x & 63) ? (int16_t)(x >> 17 >> (i & 7)) : -32768;
    default: return (int16_t)(i * i >> 6);
    }
}

/* The state that follows (xorshift, Marsaglia 2003).
 *   x        not 0 */
static uint32_t next(uint32_t x)
{
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ x << 5;
}

/* Inputs and outputs of a tick, for the digest. */
static void observe(void *of, const int8_t *inputs, const int8_t *outputs, int32_t n)
{
    anom_sha256_update(of, inputs, (size_t)n);
    anom_sha256_update(of, outputs, (size_t)n);
}

/* Score, number of events and events of a result, for the digest. */
static void observe_result(anom_sha256 *sha, const anom_result *result)
{
    uint32_t score = result->score;
    const uint8_t bytes[5] = {(uint8_t)score, (uint8_t)(score >> 8), (uint8_t)(score >> 16), (uint8_t)(score >> 24),
                              (uint8_t)result->n_events};
    anom_sha256_update(sha, bytes, sizeof bytes);
    for (int32_t i = 0; i < result->n_events; i++)
        anom_sha256_update(sha, result->events[i].bytes, ANOM_EVENT_BYTES);
}

/* Rows of the golden stream: its last one completes the last tick, so that no event without a tick follows it. */
static uint32_t rows_of(const anom_plan *plan)
{
    uint32_t hop = (uint32_t)plan->framer.hop;
    uint32_t hops_per_frame = (uint32_t)plan->extractor.hops_per_frame;
    uint32_t hops = (uint32_t)plan->extractor.warm_up + hops_per_frame * (uint32_t)plan->context.frames;
    uint32_t first = (uint32_t)plan->framer.window + (hops - 1) * hop;
    uint32_t per_tick = hop * hops_per_frame * (uint32_t)plan->context.stride;
    uint32_t rows = VALUES / (uint32_t)plan->extractor.columns;
    uint32_t ticks = rows < first ? 0 : 1 + (rows - first) / per_tick;
    ticks = ticks < MIN_TICKS ? MIN_TICKS : ticks > TICKS ? TICKS : ticks;
    return first + (ticks - 1) * per_tick;
}

/* The golden stream through a pipeline.
 *   columns  values of a sample
 *   rows     samples */
static void run(anom_pipeline *pipeline, int32_t columns, uint32_t rows, anom_sha256 *sha)
{
    int32_t is_diary = pipeline->plan->extractor.warm_up > 0;
    uint32_t x = SEED;
    for (uint32_t i = 0; i < rows; i++) {
        int16_t *row = anom_pipeline_scratch(pipeline);
        for (int32_t column = 0; column < columns; column++) {
            x = next(x);
            row[column] = value(i, is_diary ? DIARY : i / PART % 16, x);
        }
        anom_pipeline_push(pipeline, row, 1);
        anom_result result;
        while (anom_pipeline_poll_observed(pipeline, &result, observe, sha) > 0)
            observe_result(sha, &result);
    }
}

int32_t anom_selftest(void *memory, size_t size, const anom_plan *plan, const uint8_t digest[ANOM_DIGEST_BYTES])
{
    anom_pipeline *pipeline;
    int32_t status = digest ? anom_pipeline_init(&pipeline, memory, size, plan) : ANOM_ERROR_NULL;
    if (status < 0) return status;
    anom_sha256 sha;
    uint8_t found[ANOM_DIGEST_BYTES];
    anom_sha256_init(&sha);
    anom_sha256_update(&sha, plan->id, sizeof plan->id);
    run(pipeline, plan->extractor.columns, rows_of(plan), &sha);
    anom_sha256_finish(&sha, found);
    anom_wipe(memory, anom_pipeline_bytes(plan));
    uint8_t different = 0;
    for (int32_t i = 0; i < ANOM_DIGEST_BYTES; i++)
        different |= (uint8_t)(found[i] ^ digest[i]);
    return different == 0 ? 0 : ANOM_ERROR_SELFTEST;
}
