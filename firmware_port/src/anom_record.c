/* Record: what a pipeline keeps over a reset or a power cut, in a fixed number of bytes. */
#include "anom_record.h"

#include "anom_pipeline.h"
#include "anom_wipe.h"

/* Bytes of a record that are not those of a part, by their first. */
#define MARK_AT 0 /* "ar", and the version */
#define LENGTH_AT 4
#define PLAN_TAG_AT 6
#define SCORE_TAG_AT 8
#define SCORE_TAG_BYTES 8
#define LEVEL_TAG_AT 16
#define STATE_AT 17
#define FLAGS_AT 18
#define BITS_AT 19 /* the rung is in alarm; the reference rung is; the context has given an input */
#define AHEAD_AT 22
#define NEXT_HOP_AT 24
#define HITS_AT 52
#define REFERENCE_HITS_AT 54
#define LEVEL_Q16_AT 56
#define PEAK_AT 68
#define BASE_AT 72
#define HIGHEST_AT 104
#define CRC_AT 132

#define MARK (0x7261u | (uint32_t)ANOM_RECORD_VERSION << 16)
#define FLAGS (ANOM_ALARM_ESCALATED | ANOM_FLAG_SILENCED | ANOM_FLAG_OUT_OF_SERVICE)
#define STATES 0x3Du /* bit by state: all but ANOM_STATE_PENDING */

/* Holders of parts. */
#define PIPELINE 0
#define BASELINE 1
#define REFERENCE 2 /* the rung that freezes the baseline */
#define SUPERVISOR 3
#define HEALTH 4
#define N_HOLDERS 5

/* Numbers that lie side by side in a record and in their holder. */
typedef struct {
    uint8_t at;      /* first byte in the record */
    uint8_t size;    /* bytes */
    uint8_t number;  /* bytes of each number: 1, 2, 4 or 8 */
    uint8_t holder;
    uint16_t offset; /* in the holder */
} part;

static const part PARTS[] = {
    {STATE_AT, 2, 1, SUPERVISOR, offsetof(anom_supervisor, alarm.state)}, /* and flags */
    {20, 2, 2, PIPELINE, offsetof(anom_pipeline, alert.sequence)},
    {28, 12, 4, PIPELINE, offsetof(anom_pipeline, alert.rung.in_row)}, /* calm and cooldown */
    {40, 12, 4, REFERENCE, offsetof(anom_rung, in_row)},
    {HITS_AT, 2, 2, PIPELINE, offsetof(anom_pipeline, alert.rung.hits)},
    {REFERENCE_HITS_AT, 2, 2, REFERENCE, offsetof(anom_rung, hits)},
    {LEVEL_Q16_AT, 8, 8, BASELINE, offsetof(anom_baseline, level_q16)},
    {64, 4, 4, BASELINE, offsetof(anom_baseline, frozen)},
    {PEAK_AT, 28, 4, SUPERVISOR, offsetof(anom_supervisor, alarm.peak)}, /* to test */
    {96, 8, 4, SUPERVISOR, offsetof(anom_supervisor, elapsed)},          /* and judged */
    {106, 2, 2, SUPERVISOR, offsetof(anom_supervisor, alarm.late_q16)},
    {108, 24, 2, HEALTH, offsetof(anom_health, active)}, /* reported, and counts */
};
#define N_PARTS ((int32_t)(sizeof PARTS / sizeof PARTS[0]))

ANOM_ASSERT(flags_follow_state, offsetof(anom_alarm, flags) == offsetof(anom_alarm, state) + 1);
ANOM_ASSERT(cooldown_ends_a_part, offsetof(anom_rung, cooldown) == offsetof(anom_rung, in_row) + 8);
ANOM_ASSERT(test_ends_a_part, offsetof(anom_alarm, test) == offsetof(anom_alarm, peak) + 24);
ANOM_ASSERT(judged_ends_a_part, offsetof(anom_supervisor, judged) == offsetof(anom_supervisor, elapsed) + 4);
ANOM_ASSERT(counts_end_a_part, offsetof(anom_health, counts) == offsetof(anom_health, active) + 4);

/* Index of a byte in its holder, by that in a part: in records the lowest byte of a number lies first. */
static int32_t turned(const part *each, int32_t i)
{
    const uint16_t one = 1;
    return *(const uint8_t *)&one ? i : i ^ (each->number - 1);
}

/* Copy all parts that the plan has, from a pipeline into a record or back.
 *   save     1: into the record, 0: into the pipeline */
static void exchange(const anom_pipeline *pipeline, const uint8_t *record, int32_t save)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    const anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    const anom_rung *reference = anom_pipeline_reference(pipeline);
    const uintptr_t holders[N_HOLDERS] = {
        (uintptr_t)pipeline,
        reference ? (uintptr_t)&pipeline->baseline : 0,
        (uintptr_t)reference,
        plan ? (uintptr_t)supervisor : 0,
        plan && plan->health ? (uintptr_t)(supervisor + 1) : 0,
    };
    for (int32_t k = 0; k < N_PARTS; k++) {
        const part *each = &PARTS[k];
        if (holders[each->holder] == 0) continue;
        uint8_t *ours = (uint8_t *)(holders[each->holder] + each->offset);
        uint8_t *bytes = (uint8_t *)(uintptr_t)record + each->at;
        for (int32_t i = 0; i < each->size; i++) {
            if (save)
                bytes[i] = ours[turned(each, i)];
            else
                ours[turned(each, i)] = bytes[i];
        }
    }
}

/* Read a number of n bytes, 1 to 4. */
static uint32_t get(const uint8_t *bytes, int32_t n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

/* Write a number of n bytes, 1 to 4. */
static void put(uint8_t *bytes, uint32_t value, int32_t n)
{
    for (; n > 0; n--, value >>= 8)
        *bytes++ = (uint8_t)value;
}

/* CRC-32 of all before it, as zlib and Ethernet have it. */
static uint32_t crc_of(const uint8_t *record)
{
    uint32_t crc = UINT32_MAX;
    for (int32_t i = 0; i < CRC_AT; i++) {
        crc ^= record[i];
        for (int32_t bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

int32_t anom_pipeline_save(const anom_pipeline *pipeline, void *record, size_t size)
{
    if (pipeline == NULL || record == NULL) return ANOM_ERROR_NULL;
    if (size < ANOM_RECORD_BYTES) return ANOM_ERROR_MEMORY;
    const anom_plan *plan = pipeline->plan;
    const anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    const anom_rung *rung = &pipeline->alert.rung;
    const anom_rung *reference = anom_pipeline_reference(pipeline);
    uint8_t *bytes = record;
    if (plan->supervisor && (supervisor->inputs || supervisor->gap || supervisor->next == ANOM_NEXT_RUN)) return 0;
    anom_wipe(bytes, ANOM_RECORD_BYTES);
    put(bytes + MARK_AT, MARK, 3);
    put(bytes + LENGTH_AT, ANOM_RECORD_BYTES, 2);
    put(bytes + PLAN_TAG_AT, pipeline->alert.plan_tag, 2);
    for (int32_t i = 0; i < SCORE_TAG_BYTES; i++)
        bytes[SCORE_TAG_AT + i] = plan->score_tag[i];
    uint32_t bits = rung->in_alarm | (uint32_t)pipeline->context.has_given << 2;
    if (reference) bits |= (uint32_t)reference->in_alarm << 1;
    bytes[BITS_AT] = (uint8_t)bits;
    put(bytes + AHEAD_AT, (uint32_t)anom_framer_ahead(&pipeline->framer), 2);
    put(bytes + NEXT_HOP_AT, pipeline->framer.next_hop, 4);
    exchange(pipeline, bytes, 1);
    if (plan->supervisor) {
        put(bytes + HIGHEST_AT, supervisor->highest_log2_q8, 2);
    } else if (rung->in_alarm) { /* as a plan with an alarm section would have it */
        bytes[STATE_AT] = ANOM_STATE_UNACK_ALARM;
        put(bytes + PEAK_AT, rung->level->raise_score, 4);
        put(bytes + BASE_AT, rung->level->raise_score, 4);
    }
    put(bytes + CRC_AT, crc_of(bytes), 4);
    return ANOM_RECORD_BYTES;
}

/* Samples since the start of the next window; negative: before it. */
static int32_t ahead_of(const uint8_t *record)
{
    return (int16_t)get(record + AHEAD_AT, 2);
}

/* 1: the record is whole, and a pipeline of this plan or of another with its score_id has written it. */
static int32_t is_for(const anom_plan *plan, const uint8_t *record)
{
    /* Of this layout, and of this score */
    if (get(record + MARK_AT, 3) != MARK || get(record + LENGTH_AT, 2) != ANOM_RECORD_BYTES) return 0;
    if (get(record + CRC_AT, 4) != crc_of(record)) return 0;
    for (int32_t i = 0; i < SCORE_TAG_BYTES; i++) {
        if (record[SCORE_TAG_AT + i] != plan->score_tag[i]) return 0;
    }

    /* Numbers that others build on */
    uint32_t hits = get(record + HITS_AT, 2) | get(record + REFERENCE_HITS_AT, 2);
    if (record[STATE_AT] > ANOM_STATE_RTN_UNACK || !(STATES >> record[STATE_AT] & 1)) return 0;
    if (ahead_of(record) <= -plan->framer.hop || ahead_of(record) > plan->framer.window) return 0;
    if (hits >> plan->timing.n || get(record + LEVEL_Q16_AT + 6, 2)) return 0;
    return get(record + HIGHEST_AT, 2) >> 13 == 0;
}

/* Take the conditions of health that the plan looks for; warm-up has started again.
 *   fresh    those that are active after a reset */
static void take_conditions(anom_health *health, uint32_t fresh)
{
    uint32_t known = 0xFFFEu & ~(1u << ANOM_CONDITION_WARM_UP);
    for (int32_t i = 0; i < ANOM_HEALTH_COUNTED; i++) {
        int32_t code = i < ANOM_HEALTH_COUNTED - 1 ? i + 1 : ANOM_CONDITION_NOT_WORN;
        if (health->plan->raise_blocks[code - 1] > 0) continue;
        known &= ~(1u << code);
        health->counts[i] = 0;
    }
    health->active = (uint16_t)((health->active & known) | fresh);
    health->reported = (uint16_t)((health->reported & known) | fresh);
}

/* Take what is special to a plan with an alarm or a health section.
 *   fresh    conditions that are active after a reset */
static void take_supervision(anom_supervisor *supervisor, const uint8_t *record, uint32_t fresh)
{
    anom_alarm *alarm = &supervisor->alarm;
    const anom_supervisor_plan *plan = (const anom_supervisor_plan *)(const void *)alarm->plan;
    alarm->flags &= FLAGS;
    if (alarm->state == ANOM_STATE_RTN_UNACK && !alarm->plan->latch) alarm->state = ANOM_STATE_NORMAL;
    supervisor->highest_log2_q8 = get(record + HIGHEST_AT, 2) & 0x1FFF;
    if (plan->health) take_conditions((anom_health *)(uintptr_t)(supervisor + 1), fresh);
}

/* Take a record that is for the plan; the pipeline has been reset. */
static void take(anom_pipeline *pipeline, const uint8_t *record)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    anom_alert *alert = &pipeline->alert;
    anom_rung *reference = anom_pipeline_reference(pipeline);
    uint32_t fresh = plan && plan->health ? ((const anom_health *)(const void *)(supervisor + 1))->active : 0;
    exchange(pipeline, record, 0);
    alert->sequence = (uint16_t)(alert->sequence + ANOM_SEQUENCE_STEP);
    alert->rung.in_alarm = record[BITS_AT] & 1;
    if (reference) reference->in_alarm = record[BITS_AT] >> 1 & 1;
    pipeline->context.has_given = record[BITS_AT] >> 2 & 1;
    if (plan) take_supervision(supervisor, record, fresh);

    /* Counts of other levels say nothing; an alarm that stands goes on until it clears by these */
    if (get(record + PLAN_TAG_AT, 2) != alert->plan_tag || record[LEVEL_TAG_AT]) {
        alert->rung.hits = 0;
        alert->rung.in_row = 0;
        alert->rung.calm = 0;
    }
    uint32_t lost = anom_framer_resume(&pipeline->framer, get(record + NEXT_HOP_AT, 4), ahead_of(record));
    anom_pipeline_pass(pipeline, lost, 1);
}

int32_t anom_pipeline_restore(anom_pipeline *pipeline, const void *record, size_t size)
{
    anom_pipeline_reset(pipeline);
    int32_t taken = record != NULL && size == ANOM_RECORD_BYTES && is_for(pipeline->plan, record);
    if (taken) take(pipeline, record);
    uint32_t began = taken ? ANOM_RESTART_RESTORED : ANOM_RESTART_REFUSED;
    if (pipeline->plan->supervisor) anom_pipeline_supervisor(pipeline)->next = (ANOM_NEXT_RESTART + began) & 7;
    return taken ? 0 : ANOM_ERROR_RECORD;
}
