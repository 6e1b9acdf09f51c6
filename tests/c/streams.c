/* Runs streams through the pipeline and compares every tick, what is left in memory, and every error code.
 * Exits with 0, or names the first difference. Built with ANOM_TAP. */
#define _DEFAULT_SOURCE /* setitimer */
#include "streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "anom_energy.h"
#include "anom_fixed.h"
#include "anom_sha256.h"
#include "anom_wipe.h"

#ifdef VECTORS
int32_t anom_vectors(void);
const char *anom_vectors_name(int32_t number);
#endif

#ifndef SECONDS
#define SECONDS 1
#endif

#define ROOM (1 << 15)
#define GUARD 64
#define UNTOUCHED 0xA5

static union {
    uint64_t align;
    uint8_t bytes[ROOM];
} room;

static uint8_t *const memory = room.bytes + GUARD;
static const stream *now;

void check(int holds, const char *what)
{
    if (holds) return;
    printf("%s: %s\n", now ? now->name : "", what);
    exit(1);
}

static int all(const void *from, size_t n, uint8_t value)
{
    const uint8_t *bytes = from;
    while (n > 0 && bytes[n - 1] == value)
        n--;
    return n == 0;
}

static size_t size_of(const stream *s)
{
    return ANOM_PIPELINE_BYTES + s->buffers;
}

/* Memory that holds anything, in a frame that nobody may write to. */
static void lay_out(void)
{
    memset(room.bytes, UNTOUCHED, ROOM);
}

static void check_frame(const stream *s)
{
    check(all(room.bytes, GUARD, UNTOUCHED), "writes before its memory");
    check(all(memory + size_of(s), ROOM - GUARD - size_of(s), UNTOUCHED), "writes behind its memory");
}

static anom_pipeline *begun(const stream *s)
{
    anom_pipeline *pipeline = NULL;
    lay_out();
    check(anom_pipeline_init(&pipeline, memory, size_of(s), s->plan) == 0, "init fails");
    check((void *)pipeline == (void *)memory, "the pipeline lies elsewhere");
    return pipeline;
}

/* Nothing outlives its use: samples that were not pushed, features, scratch. */
void check_wiped(const stream *s, const anom_pipeline *pipeline)
{
    const anom_framer *framer = &pipeline->framer;
    const uint8_t *end = memory + size_of(s);
    size_t row = (size_t)framer->columns * sizeof(int16_t);
    const uint8_t *samples = (const uint8_t *)framer->samples;
    size_t have = (size_t)framer->have * row;
    check(all(samples + have, (size_t)s->plan->framer.window * row - have, 0), "old samples are kept");
    check(all(pipeline->features, (size_t)(end - (const uint8_t *)pipeline->features), 0), "scratch is not wiped");
}

/* As check_wiped, and nothing is gathered either. */
void check_forgotten(const stream *s, const anom_pipeline *pipeline)
{
    const anom_context *context = &pipeline->context;
    size_t history = (size_t)(s->plan->context.frames - 1) * (size_t)context->n_features;
    check_wiped(s, pipeline);
    check(pipeline->framer.have == 0, "samples are kept");
    check(all(context->history, history, 0), "frames are kept");
}

uint32_t fnv1a(const int8_t *bytes, int32_t n)
{
    uint32_t hash = 2166136261u;
    for (int32_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * 16777619u;
    return hash;
}

void check_tick(const anom_result *result, const tick *expected)
{
    check(result->hop == expected->hop, "another hop");
    check(result->score == expected->score, "another score");
    check(result->n_events == expected->n_events, "another number of events");
    if (result->n_events == 0) return;
    check(memcmp(result->events[0].bytes, expected->event, ANOM_EVENT_BYTES) == 0, "another event");
}

/* Value i of every stream, by parts: noise of every level, nothing, the extremes, one bit, impulses, a square. */
static int16_t value(uint32_t i)
{
    uint32_t part = i / 1500 % 16;
    uint32_t x = i * 0x9E3779B1u;
    x = (x ^ x >> 15) * 0x85EBCA77u;
    x = (x ^ x >> 13) * 0xC2B2AE3Du;
    int16_t noise = (int16_t)(x >> 16);
    switch (part) {
    case 10: return 0;
    case 11: return -32768;
    case 12: return (int16_t)-(noise & 1);
    case 13: return (noise & 63) == 0 ? 32767 : 0;
    case 14: return i & 8 ? 32767 : -32768;
    default: return (int16_t)(noise >> part % 10);
    }
}

int32_t take_rows(const stream *s, anom_pipeline *pipeline, uint32_t *hash)
{
    int16_t row[ANOM_DIARY_COLUMNS];
    uint8_t bytes[ANOM_ROW_BYTES];
    int32_t n = 0;
    int32_t columns = s->plan->diary ? s->plan->diary->n_columns : 0;
    for (; anom_pipeline_poll_row(pipeline, row) != 0; n++) {
        check(anom_pipeline_encode_row(pipeline, 7, row, bytes) == ANOM_ROW_BYTES, "a row of another length");
        check(bytes[0] == 7 && bytes[3] == (ANOM_ROW_VERSION << 4 | columns), "another slot or number of columns");
        for (int32_t i = 0; i < 2 * columns; i++) {
            check(bytes[4 + i] == (uint8_t)((uint16_t)row[i / 2] >> 8 * (i % 2)), "another value in a row");
            *hash = (*hash ^ bytes[4 + i]) * 16777619u;
        }
    }
    if (columns == 0) check(anom_pipeline_encode_row(pipeline, 7, row, bytes) == 0, "a row without a diary");
    return n;
}

static int32_t polled(const stream *s, anom_pipeline *pipeline, int32_t ticks)
{
    static int8_t inputs[4096];
    anom_result result;
    for (;;) {
        int32_t tapped = ticks % 2;
        memset(&result, UNTOUCHED, sizeof result);
        int32_t is_tick = tapped ? anom_pipeline_poll_tapped(pipeline, &result, inputs) : anom_pipeline_poll(pipeline, &result);
        if (is_tick == 0) break;
        check(is_tick == 1, "poll gives neither 0 nor 1");
        check(ticks < s->n_ticks, "too many ticks");
        check_tick(&result, &s->ticks[ticks]);
        if (tapped) check(fnv1a(inputs, s->n_inputs) == s->ticks[ticks].inputs, "other inputs");
        ticks++;
    }
    check(all(&result, sizeof result, UNTOUCHED), "a result without a tick");
    return ticks;
}

static int32_t n_rows;
static uint32_t rows;

static int32_t pushed(const stream *s, anom_pipeline *pipeline, uint32_t first, int32_t n, int32_t ticks)
{
    static int16_t block[MOST_VALUES];
    int32_t columns = s->plan->extractor.columns;
    const int16_t *samples = block;
    for (int32_t i = 0; i < n * columns; i++)
        block[i] = value(first + (uint32_t)i);
    while (n > 0) {
        int32_t taken = anom_pipeline_push(pipeline, samples, n);
        check(taken > 0 && taken <= n, "takes none, or more than there are");
        samples += taken * columns;
        n -= taken;
        if (n > 0) check(anom_pipeline_push(pipeline, samples, n) == 0, "takes more than a window");
        ticks = polled(s, pipeline, ticks);
        n_rows += take_rows(s, pipeline, &rows);
        check_wiped(s, pipeline);
    }
    check(anom_pipeline_push(pipeline, samples, 0) == 0, "takes samples of an empty block");
    check(anom_pipeline_push(pipeline, samples, -1) == 0, "takes samples of a block of -1");
    return ticks;
}

static void run(const stream *s)
{
    static uint8_t fresh[ROOM];
    uint32_t values = 0;
    int32_t ticks = 0;
    n_rows = 0;
    rows = 2166136261u;
    check(anom_pipeline_bytes(s->plan) == size_of(s), "needs another size");
    anom_pipeline *pipeline = begun(s);
    check_forgotten(s, pipeline);
    memcpy(fresh, memory, size_of(s));
    if (s->uses) run_uses(s, pipeline, fresh, size_of(s));
    for (int32_t i = 0; i < s->n_steps; i++) {
        int32_t n = s->steps[i].n;
        if (s->steps[i].kind == PUSH) {
            ticks = pushed(s, pipeline, values, n, ticks);
            values += (uint32_t)(n * s->plan->extractor.columns);
        } else if (s->steps[i].kind == GAP) {
            anom_pipeline_gap(pipeline, 0);
            anom_pipeline_gap(pipeline, -1);
            anom_pipeline_gap(pipeline, n);
            n_rows += take_rows(s, pipeline, &rows);
            check_forgotten(s, pipeline);
        } else {
            memset(anom_pipeline_scratch(pipeline), UNTOUCHED, 2 * (size_t)s->plan->extractor.columns);
            anom_pipeline_reset(pipeline);
            check_forgotten(s, pipeline);
            check(memcmp(fresh, memory, size_of(s)) == 0, "a reset is no new beginning");
        }
    }
    check(ticks == s->n_ticks, "too few ticks");
    check(s->uses || (n_rows == s->n_rows && (n_rows == 0 || rows == s->rows)), "other rows");
    check_frame(s);
}

static void check_extractor(const stream *s)
{
    anom_pipeline *pipeline = begun(s);
    if (s->plan->extractor.learning) return; /* its first frame is days away */
    for (int32_t i = 1; i <= s->plan->extractor.hops_per_frame; i++) {
        int32_t framed = anom_extractor_push(&pipeline->extractor, pipeline->framer.samples, pipeline->features);
        check(framed == (i == s->plan->extractor.hops_per_frame), "a frame at another window");
    }
}

static int32_t init_status(const stream *s, size_t offset, size_t size, const anom_plan *plan)
{
    anom_pipeline *pipeline = (anom_pipeline *)(void *)room.bytes;
    lay_out();
    int32_t status = anom_pipeline_init(&pipeline, memory + offset, size, plan);
    check(status == 0 || pipeline == NULL, "a pipeline in spite of an error");
    check(status == 0 || all(room.bytes, ROOM, UNTOUCHED), "writes in spite of an error");
    if (status == 0) check_frame(s);
    return status;
}

static void check_errors(const stream *s)
{
    anom_pipeline *pipeline = (anom_pipeline *)(void *)memory;
    anom_plan other = *s->plan;
    check(anom_pipeline_init(NULL, memory, size_of(s), s->plan) == ANOM_ERROR_NULL, "no place for the pipeline");
    check(anom_pipeline_init(&pipeline, NULL, size_of(s), s->plan) == ANOM_ERROR_NULL, "no memory");
    check(pipeline == NULL, "a pipeline without memory");
    check(init_status(s, 0, size_of(s), NULL) == ANOM_ERROR_NULL, "no plan");
    for (size_t offset = 1; offset < 8; offset++)
        check(init_status(s, offset, size_of(s), s->plan) == ANOM_ERROR_ALIGNMENT, "memory that is not aligned");
    check(init_status(s, 0, size_of(s) - 1, s->plan) == ANOM_ERROR_MEMORY, "a byte too little");
    check(init_status(s, 0, 0, s->plan) == ANOM_ERROR_MEMORY, "no bytes");
    check(init_status(s, 0, size_of(s), s->plan) == 0, "just enough");
    other.format = ANOM_PLAN_FORMAT + 1;
    check(init_status(s, 0, size_of(s), &other) == ANOM_ERROR_FORMAT, "a newer format");
    other.format = ANOM_PLAN_FORMAT - 1;
    check(init_status(s, 0, size_of(s), &other) == ANOM_ERROR_FORMAT, "an older format");
    other = *s->plan;
    other.autoencoder.flipped ^= 0x80;
    check(init_status(s, 0, size_of(s), &other) == ANOM_ERROR_FORMAT, "weights for another processor");
    other = *s->plan;
    other.plan_size += 4;
    check(init_status(s, 0, size_of(s), &other) == ANOM_ERROR_FORMAT, "a larger plan");
    other.plan_size -= 8;
    check(init_status(s, 0, size_of(s), &other) == ANOM_ERROR_FORMAT, "a smaller plan");
}

static void check_selftest(const stream *s, int32_t wrong)
{
    uint8_t digest[ANOM_DIGEST_BYTES];
    lay_out();
    check(anom_selftest(memory, size_of(s), s->plan, s->digest) == 0, "self-test fails");
    check(all(memory, size_of(s), 0), "self-test leaves something");
    check_frame(s);
    check(anom_selftest(memory, size_of(s), s->plan, NULL) == ANOM_ERROR_NULL, "self-test without a digest");
    check(anom_selftest(NULL, size_of(s), s->plan, s->digest) == ANOM_ERROR_NULL, "self-test without memory");
    check(anom_selftest(memory, size_of(s) - 1, s->plan, s->digest) == ANOM_ERROR_MEMORY, "self-test in too little");
    check(anom_selftest(memory, size_of(s), NULL, s->digest) == ANOM_ERROR_NULL, "self-test without a plan");
    for (int32_t i = 0; i < wrong; i += ANOM_DIGEST_BYTES - 1) {
        memcpy(digest, s->digest, sizeof digest);
        digest[i] ^= (uint8_t)(i ? 0x80 : 1);
        check(anom_selftest(memory, size_of(s), s->plan, digest) == ANOM_ERROR_SELFTEST, "self-test passes wrongly");
    }
}

static void check_sha256(void)
{
    static uint8_t bytes[1 << 22];
    uint8_t found[32];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (int32_t i = 0; i < n_messages; i++) {
        size_t third = (size_t)messages[i].size / 3;
        anom_sha256 sha;
        anom_sha256_init(&sha);
        anom_sha256_update(&sha, bytes, 0);
        anom_sha256_update(&sha, bytes, third);
        anom_sha256_update(&sha, bytes + third, (size_t)messages[i].size - third);
        anom_sha256_finish(&sha, found);
        check(memcmp(found, messages[i].digest, 32) == 0, "another sha256");
    }
}

static void check_arithmetic(void)
{
    const anom_energy few[2] = {{2, 0}, {1, 0}};
    anom_energy one = anom_energy_total(few, 2, 1);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 1 << 20; i++)
        sum += (i * 2 + 1) * (uint32_t)anom_log2_q10(i + (1 << 20));
    check(sum == logarithms, "another logarithm");
    check(one.mantissa == 1 && one.exponent == 1, "another total");
}

static void check_wipe(void)
{
    for (size_t n = 0; n < 20; n++) {
        lay_out();
        anom_wipe(memory, n);
        check(all(memory, n, 0) && all(memory + n, 8, UNTOUCHED) && memory[-1] == UNTOUCHED, "wipes other bytes");
    }
}

int main(void)
{
    const struct itimerval limit = {{0, 0}, {SECONDS, 0}}; /* of this process alone */
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
#ifdef VECTORS
    int32_t failed = anom_vectors();
    if (failed) {
        printf("vectors: %s\n", anom_vectors_name(failed));
        return 1;
    }
#endif
    check_arithmetic();
    check_sha256();
    check_wipe();
    for (int32_t i = 0; i < n_streams; i++) {
        now = &streams[i];
        run(now);
        check_extractor(now);
        check_errors(now);
    }
    for (int32_t i = 0; i < n_streams; i++) {
        now = &streams[i];
        check_selftest(now, i == 0 ? ANOM_DIGEST_BYTES : 0);
    }
    return 0;
}
