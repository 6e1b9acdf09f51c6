/* Diary: ticks and movement of a pipeline, summed over a slot into a row of at most 8 numbers. */
#include "anom_diary.h"

#include "anom_event.h"
#include "anom_fixed.h"
#include "anom_pipeline.h"
#include "anom_wipe.h"

#define FULL 1000
#define MISSING (-32768)
#define LOG_LOW (-1024)
#define LOG_HIGH 20480

ANOM_ASSERT(diary_has_its_announced_size, sizeof(anom_diary) == ANOM_DIARY_BYTES);

/* round(2**15 * 2**(i / 16)) - 2**15 */
static const uint16_t POWER_Q15[17] = {0,     1451,  2966,  4548,  6200,  7925,  9727,  11608, 13573,
                                       15625, 17767, 20005, 22341, 24781, 27329, 29989, 32768};

/* 2**level in q8, below 2**30.
 *   level    q10 */
static uint32_t power_q8(int32_t level)
{
    level = level < LOG_LOW ? LOG_LOW : level > LOG_HIGH ? LOG_HIGH : level;
    const uint16_t *at = &POWER_Q15[level >> 6 & 15];
    uint32_t mantissa_q15 = 32768u + at[0] + ((uint32_t)(at[1] - at[0]) * ((uint32_t)level & 63) >> 6);
    int32_t up = (level >> 10) - 7;
    return up < 0 ? mantissa_q15 >> -up : mantissa_q15 << up;
}

/* Divide, rounded down; one bit after the other, as small cores have no division of 64 bits.
 *   left     in: below 2**63, out: the remainder
 *   by       1 to 2**48 - 1 */
static uint64_t divided(uint64_t *left, uint64_t by)
{
    uint64_t quotient = 0;
    uint64_t part = by;
    while (part <= *left)
        part <<= 1;
    while (part > by) {
        part >>= 1;
        quotient <<= 1;
        if (*left < part) continue;
        *left -= part;
        quotient |= 1;
    }
    return quotient;
}

/* Value of a column that is not missing.
 *   code     ANOM_DIARY_*, not ANOM_DIARY_COVERAGE */
static int16_t row_value(const anom_diary_plan *plan, const anom_diary *diary, int32_t code)
{
    if (code == ANOM_DIARY_HIGHEST_SCORE) return (int16_t)anom_event_score_log2_q8(diary->highest);
    if (code == ANOM_DIARY_MEAN_SCORE) {
        uint64_t scores = diary->scores;
        return (int16_t)anom_event_score_log2_q8((uint32_t)divided(&scores, diary->ticks));
    }
    uint64_t sum = diary->movement[code - ANOM_DIARY_VEDBA_MEAN];
    uint64_t tenths = (divided(&sum, diary->seen) * (uint32_t)plan->gain_q16 + (1u << 23)) >> 24;
    return (int16_t)(tenths < INT16_MAX ? tenths : INT16_MAX);
}

/* Finish the row of a slot that has ended. A row that was not taken becomes a missing one, so that time is kept. */
static void settle(const anom_diary_plan *plan, anom_diary *diary)
{
    if (diary->elapsed_q16 < (uint64_t)plan->slot_q16) return;
    uint32_t due = (uint32_t)(diary->elapsed_q16 >> 16) - diary->paused;
    due = due > 0 ? due : 1;
    uint64_t seen = (uint64_t)diary->seen * FULL;
    uint64_t coverage = divided(&seen, due);
    int32_t missing = diary->seen == 0 || diary->ticks == 0 || 2 * (uint64_t)diary->seen < due;
    if (diary->has_row && coverage == 0) {
        diary->after = anom_saturating_add(diary->after, 1);
    } else {
        diary->before = anom_saturating_add(diary->before, anom_saturating_add(diary->after, diary->has_row));
        diary->after = 0;
        diary->has_row = 1;
        for (int32_t i = 0; i < plan->n_columns; i++) {
            int32_t code = plan->columns[i];
            diary->row[i] = code == ANOM_DIARY_COVERAGE ? (int16_t)coverage
                            : missing                   ? (int16_t)MISSING
                                                        : row_value(plan, diary, code);
        }
    }
    diary->elapsed_q16 -= (uint64_t)plan->slot_q16;
    anom_wipe(&diary->scores, offsetof(anom_diary, before));
}

void anom_diary_reset(anom_pipeline *pipeline)
{
    anom_wipe(anom_pipeline_diary(pipeline), sizeof(anom_diary));
}

void anom_diary_resume(anom_pipeline *pipeline)
{
    anom_diary *diary = anom_pipeline_diary(pipeline);
    diary->elapsed_q16 = (uint64_t)pipeline->framer.next_hop << 16;
    divided(&diary->elapsed_q16, (uint64_t)pipeline->plan->diary->slot_q16);
}

/* Count a hop, and the movement of its window. Its frame is apart from that of the work that goes deeper. */
ANOM_NOINLINE static void count_hop(const anom_pipeline *pipeline, const int32_t *levels)
{
    const anom_diary_plan *plan = pipeline->plan->diary;
    const anom_supervisor_plan *supervised = pipeline->plan->supervisor;
    anom_diary *diary = anom_pipeline_diary(pipeline);
    const anom_health *health =
        supervised && supervised->health ? (const anom_health *)(anom_pipeline_supervisor(pipeline) + 1) : NULL;
    settle(plan, diary);
    diary->elapsed_q16 += 65536;
    if (!(health && anom_health_voids(health))) {
        diary->seen += 1;
        for (int32_t i = 0; i < 2 && plan->gain_q16; i++) {
            uint32_t moved = power_q8(levels[i ? plan->jerk_at : plan->vedba_at]);
            uint32_t floor = (uint32_t)plan->floor << 8;
            diary->movement[i] += moved > floor ? moved - floor : 0;
        }
    }
}

int32_t anom_diary_hop(anom_pipeline *pipeline, const int16_t *window)
{
    const anom_extractor *extractor = &pipeline->extractor;
    const anom_extractor_plan *own = extractor->plan;
    int32_t *levels = extractor->scratch;
    int32_t complete = own->type->levels(extractor, window, levels);
    count_hop(pipeline, levels);
    for (int32_t i = 0; complete && i < own->n_features; i++)
        pipeline->features[i] = anom_affine_run(own->normalisation, i, levels[i]);
    anom_wipe(extractor->scratch, own->type->scratch_bytes(own->tables));
    return complete;
}

void anom_diary_tick(anom_pipeline *pipeline, uint32_t score)
{
    anom_diary *diary = anom_pipeline_diary(pipeline);
    diary->ticks += 1;
    diary->scores += score;
    if (score > diary->highest) diary->highest = score;
}

void anom_diary_lose(anom_pipeline *pipeline, uint32_t hops, int32_t pause)
{
    const anom_diary_plan *plan = pipeline->plan->diary;
    anom_diary *diary = anom_pipeline_diary(pipeline);
    settle(plan, diary);
    while (hops > 0) {
        uint32_t left = (uint32_t)(((uint64_t)plan->slot_q16 - diary->elapsed_q16 + 65535) >> 16);
        left = left < hops ? left : hops;
        diary->elapsed_q16 += (uint64_t)left << 16;
        if (pause) diary->paused += left;
        hops -= left;
        settle(plan, diary);
    }
}

int32_t anom_diary_rows(anom_pipeline *pipeline, int16_t *row)
{
    const anom_diary_plan *plan = pipeline->plan->diary;
    anom_diary *diary = anom_pipeline_diary(pipeline);
    settle(plan, diary);
    if (diary->before == 0 && !diary->has_row && diary->after == 0) return 0;
    int32_t whole = diary->before == 0 && diary->has_row;
    for (int32_t i = 0; i < plan->n_columns; i++) {
        int16_t none = plan->columns[i] == ANOM_DIARY_COVERAGE ? 0 : MISSING;
        row[i] = whole ? diary->row[i] : none;
    }
    if (diary->before) {
        diary->before -= 1;
    } else if (whole) {
        anom_wipe(diary->row, sizeof diary->row);
        diary->has_row = 0;
    } else {
        diary->after -= 1;
    }
    return plan->n_columns;
}

int32_t anom_diary_encode(const anom_diary_plan *plan, uint32_t slot, const int16_t *row, uint8_t *bytes)
{
    bytes[0] = (uint8_t)slot;
    bytes[1] = (uint8_t)(slot >> 8);
    bytes[2] = 0;
    bytes[3] = (uint8_t)(ANOM_ROW_VERSION << 4 | plan->n_columns);
    for (int32_t i = 0; i < ANOM_DIARY_COLUMNS; i++) {
        int32_t value = i < plan->n_columns ? row[i] : MISSING;
        if (i < plan->n_columns && plan->columns[i] == ANOM_DIARY_COVERAGE) bytes[2] = (uint8_t)(value / 5);
        bytes[4 + 2 * i] = (uint8_t)value;
        bytes[5 + 2 * i] = (uint8_t)((uint32_t)value >> 8);
    }
    return ANOM_ROW_BYTES;
}

const anom_diary_type anom_diary_functions = {
    anom_diary_reset, anom_diary_resume, anom_diary_hop,    anom_diary_tick,
    anom_diary_lose,  anom_diary_rows,   anom_diary_encode,
};
