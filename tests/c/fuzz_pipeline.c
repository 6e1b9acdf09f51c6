/* Fuzz target: init with wrong memory and wrong plans; then pushes of any size, gaps and resets.
 *
 * LLVMFuzzerTestOneInput is what libFuzzer calls. Built with FUZZ_MAIN, it calls itself: fuzz_pipeline INPUTS SEED.
 * What must hold: init gives the right code and writes nothing when it refuses; a second pipeline that hears the same
 * samples one by one gives the same results; nothing is written beside the memory. The sanitizers see the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anom_pipeline.h"
#include "anom_record.h"
#include "anom_plan_collar.h"
#include "anom_plan_cow.h"
#include "anom_plan_machine.h"
#include "anom_plan_meter.h"
#include "anom_plan_pen.h"
#include "anom_plan_room.h"

#define MAX_SAMPLES 600
#define N_PLANS 6

static const anom_plan *const PLANS[N_PLANS] = {&anom_plan_collar, &anom_plan_machine, &anom_plan_meter,
                                                &anom_plan_room,   &anom_plan_cow,     &anom_plan_pen};

static void expect(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "fuzz_pipeline: %s\n", what);
    abort();
}

typedef struct {
    const uint8_t *at;
    size_t left;
    uint32_t noise;
} source;

static uint32_t byte(source *from)
{
    if (from->left == 0) return 0;
    from->left--;
    return *from->at++;
}

static uint32_t number(source *from)
{
    uint32_t value = byte(from);
    return value << 24 | byte(from) << 16 | byte(from) << 8 | byte(from);
}

static int16_t sample(source *from, uint32_t loudness)
{
    from->noise ^= from->noise << 13;
    from->noise ^= from->noise >> 17;
    from->noise ^= from->noise << 5;
    return (int16_t)((int16_t)(from->noise >> 16) >> (loudness & 15));
}

/* What two ways of hearing a stream gave, as one number each. */
static uint64_t mixed(uint64_t hash, const anom_result *result)
{
    hash = (hash ^ result->hop) * UINT64_C(0x100000001B3);
    hash = (hash ^ result->score) * UINT64_C(0x100000001B3);
    for (int32_t i = 0; i < result->n_events * ANOM_EVENT_BYTES; i++)
        hash = (hash ^ result->events[0].bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* Rows of a diary that are finished. */
static uint64_t with_rows(uint64_t hash, anom_pipeline *pipeline)
{
    int16_t row[ANOM_DIARY_COLUMNS];
    for (int32_t n; (n = anom_pipeline_poll_row(pipeline, row)) > 0;)
        for (int32_t i = 0; i < n; i++)
            hash = (hash ^ (uint16_t)row[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* What is saved is restored, and any other bytes are refused or restored: a pipeline goes on with either. */
static void save_and_restore(source *from, anom_pipeline *whole, anom_pipeline *single, const anom_plan *plan)
{
    size_t size = anom_pipeline_record_bytes(plan);
    uint8_t *record = malloc(size);
    expect(record != NULL, "no memory to test with");
    expect(anom_pipeline_save(whole, record, size) == (int32_t)size, "nothing was saved");
    if (byte(from) & 1) record[number(from) % size] ^= (uint8_t)byte(from);
    for (uint32_t crc = anom_record_crc(record, size - 4), i = 0; i < 4; i++, crc >>= 8)
        record[size - 4 + i] = (uint8_t)crc;
    int32_t status = anom_pipeline_restore(whole, record, size);
    expect(status == 0 || status == ANOM_ERROR_RECORD, "restore gave another code");
    expect(anom_pipeline_restore(single, record, size) == status, "two pipelines take other records");
    free(record);
}

/* Memory that is too small, misaligned or absent; plans of another format or size. */
static void refuse(source *from, const anom_plan *plan)
{
    size_t size = anom_pipeline_bytes(plan);
    uint32_t where = number(from); /* anywhere, or around the size */
    size_t given = where & 1 ? where % (size + 64) : size - 16 + where / 2 % 32;
    size_t offset = byte(from) % 16;
    anom_plan other = *plan;
    uint32_t what = byte(from);
    if (what & 1) other.format = number(from);
    if (what & 2) other.plan_size = number(from);
    if (what & 4) other.autoencoder.flipped = number(from);
    int32_t expected = 0;
    if (given < size) expected = ANOM_ERROR_MEMORY;
    if (other.format != plan->format || other.plan_size != plan->plan_size) expected = ANOM_ERROR_FORMAT;
    if (other.autoencoder.flipped != plan->autoencoder.flipped) expected = ANOM_ERROR_FORMAT;
    if (offset % 8) expected = ANOM_ERROR_ALIGNMENT;
    uint64_t *block = malloc(given + offset + 8);
    expect(block != NULL, "no memory to test with");
    memset(block, 0xA5, given + offset + 8);
    anom_pipeline *pipeline = (anom_pipeline *)block;
    int32_t status = anom_pipeline_init(&pipeline, (uint8_t *)block + offset, given, &other);
    expect(status == expected, "init gave another code");
    expect((status == 0) == (pipeline != NULL), "a pipeline without success, or success without a pipeline");
    for (size_t i = 0; status < 0 && i < given + offset + 8; i++)
        expect(((uint8_t *)block)[i] == 0xA5, "a refused init wrote");
    for (size_t i = given + offset; i < given + offset + 8; i++)
        expect(((uint8_t *)block)[i] == 0xA5, "written beyond the memory");
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source from = {data, size, 0x9E3779B9};
    const anom_plan *plan = PLANS[byte(&from) % N_PLANS];
    from.noise ^= number(&from);
    if (from.noise == 0) from.noise = 1;
    refuse(&from, plan);

    size_t bytes = anom_pipeline_bytes(plan);
    int32_t columns = plan->extractor.columns;
    void *memory[2] = {malloc(bytes), malloc(bytes)};
    int16_t *block = malloc((size_t)(MAX_SAMPLES * columns) * sizeof *block);
    anom_pipeline *whole;
    anom_pipeline *single;
    expect(anom_pipeline_init(&whole, memory[0], bytes, plan) == 0, "init failed");
    expect(anom_pipeline_init(&single, memory[1], bytes, plan) == 0, "init failed");
    uint64_t hashes[2] = {0, 0};
    anom_result result;
    while (from.left > 0) {
        uint32_t op = byte(&from);
        if (op < 24) {
            int32_t lost = (int32_t)(number(&from) >> (op % 32));
            anom_pipeline_gap(whole, lost);
            anom_pipeline_gap(single, lost);
        } else if (op < 26) {
            save_and_restore(&from, whole, single, plan);
        } else if (op < 28) {
            anom_pipeline_reset(whole);
            anom_pipeline_reset(single);
        } else {
            int32_t n = (int32_t)((op & 1 ? byte(&from) : number(&from)) % (MAX_SAMPLES + 1));
            uint32_t loudness = byte(&from);
            for (int32_t i = 0; i < n * columns; i++)
                block[i] = sample(&from, loudness);
            const int16_t *p = block;
            for (int32_t left = n; left > 0;) {
                int32_t taken = anom_pipeline_push(whole, p, left);
                expect(taken > 0 && taken <= left, "push took what it was not given");
                p += taken * columns;
                left -= taken;
                while (anom_pipeline_poll(whole, &result) > 0)
                    hashes[0] = mixed(hashes[0], &result);
                hashes[0] = with_rows(hashes[0], whole);
            }
            expect(anom_pipeline_push(whole, block, 0) == 0, "push of nothing took something");
            for (int32_t i = 0; i < n; i++) {
                expect(anom_pipeline_push(single, block + i * columns, 1) == 1, "one sample was not taken");
                if (anom_pipeline_poll(single, &result) > 0) hashes[1] = mixed(hashes[1], &result);
                hashes[1] = with_rows(hashes[1], single);
            }
        }
        hashes[0] = with_rows(hashes[0], whole);
        hashes[1] = with_rows(hashes[1], single);
        expect(hashes[0] == hashes[1], "cuts changed a result");
    }
    free(block);
    free(memory[0]);
    free(memory[1]);
    return 0;
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
    uint32_t inputs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    source random = {NULL, 0, argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1};
    if (random.noise == 0) random.noise = 1; /* 0 would stay 0 */
    uint8_t data[120];
    for (uint32_t i = 0; i < inputs; i++) {
        size_t size = (uint16_t)sample(&random, 0) % (sizeof data + 1);
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)sample(&random, 0);
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%u inputs\n", (unsigned)inputs);
    return 0;
}
#endif
