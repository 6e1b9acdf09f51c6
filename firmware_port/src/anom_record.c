/* Record: what a pipeline keeps over a reset or a power cut, in a number of bytes that its plan fixes. */
#include "anom_record.h"

#include "anom_copy.h"
#include "anom_duty.h"
#include "anom_pipeline.h"
#include "anom_wipe.h"

#ifndef ANOM_WITHOUT_RECORDS

#define ALARM_FLAGS (ANOM_ALARM_ESCALATED | ANOM_FLAG_SILENCED | ANOM_FLAG_OUT_OF_SERVICE)
#define RECORD_STATES 0x3Du /* bit by state: all but ANOM_STATE_PENDING */
#define SCORE_TAG_BYTES 8
#define CRC_BYTES 4
#define CRC_OF_WHOLE 0x2144DF1Cu /* CRC-32 of any bytes and their own CRC-32 */

/* The bytes of a record as fields. */
typedef struct {
    uint8_t mark[2]; /* "ar" */
    uint8_t version;
    uint8_t unused;
    uint16_t length;
    uint16_t plan_tag;
    uint8_t score_tag[SCORE_TAG_BYTES];
    uint8_t level_tag;
    uint8_t state;
    uint8_t flags;
    uint8_t bits; /* 1: the rung is in alarm, 2: the reference rung is, 4: the context has given an input */
    uint16_t sequence;
    int16_t ahead;
    uint32_t next_hop;
    uint32_t rung[3]; /* in_row, calm, cooldown */
    uint32_t reference[3];
    uint16_t hits;
    uint16_t reference_hits;
    uint64_t level_q16;
    uint32_t frozen;
    uint32_t alarm[7];  /* peak to test */
    uint32_t beat[2];   /* elapsed, judged */
    uint16_t highest_log2_q8;
    uint16_t late_q16;
    uint16_t health[2 + ANOM_HEALTH_COUNTED]; /* active, reported, counts */
    uint8_t crc[CRC_BYTES]; /* of all before it, the lowest byte first */
} record_fields;

ANOM_ASSERT(a_ladder_comes_before_the_crc, offsetof(record_fields, crc) == ANOM_RECORD_LADDER);
ANOM_ASSERT(plan_tag_has_its_announced_place, offsetof(record_fields, plan_tag) == ANOM_RECORD_PLAN_TAG);
ANOM_ASSERT(level_tag_has_its_announced_place, offsetof(record_fields, level_tag) == ANOM_RECORD_LEVEL_TAG);
ANOM_ASSERT(a_record_has_its_announced_size, sizeof(record_fields) == ANOM_RECORD_BYTES);

/* Holders of parts of a record. */
#define OF_PIPELINE 0
#define OF_BASELINE 1
#define OF_REFERENCE 2 /* the rung that freezes the baseline */
#define OF_SUPERVISOR 3
#define OF_HEALTH 4
#define N_HOLDERS 5

/* Numbers that lie side by side in a record and in their holder. */
typedef struct {
    uint8_t at;     /* first byte in the record */
    uint8_t size;   /* bytes */
    uint8_t holder;
    uint8_t offset; /* in the holder */
} record_part;

static const record_part PARTS[] = {
    {offsetof(record_fields, state), 2, OF_SUPERVISOR, offsetof(anom_supervisor, alarm.state)}, /* and flags */
    {offsetof(record_fields, sequence), 2, OF_PIPELINE, offsetof(anom_pipeline, alert.sequence)},
    {offsetof(record_fields, rung), 12, OF_PIPELINE, offsetof(anom_pipeline, alert.rung.in_row)},
    {offsetof(record_fields, reference), 12, OF_REFERENCE, offsetof(anom_rung, in_row)},
    {offsetof(record_fields, hits), 2, OF_PIPELINE, offsetof(anom_pipeline, alert.rung.hits)},
    {offsetof(record_fields, reference_hits), 2, OF_REFERENCE, offsetof(anom_rung, hits)},
    {offsetof(record_fields, level_q16), 8, OF_BASELINE, offsetof(anom_baseline, level_q16)},
    {offsetof(record_fields, frozen), 4, OF_BASELINE, offsetof(anom_baseline, frozen)},
    {offsetof(record_fields, alarm), 28, OF_SUPERVISOR, offsetof(anom_supervisor, alarm.peak)},
    {offsetof(record_fields, beat), 8, OF_SUPERVISOR, offsetof(anom_supervisor, elapsed)},
    {offsetof(record_fields, late_q16), 2, OF_SUPERVISOR, offsetof(anom_supervisor, alarm.late_q16)},
    {offsetof(record_fields, health), 24, OF_HEALTH, offsetof(anom_health, active)},
};
#define N_PARTS ((int32_t)(sizeof PARTS / sizeof PARTS[0]))

ANOM_ASSERT(flags_follow_state, offsetof(anom_alarm, flags) == offsetof(anom_alarm, state) + 1);
ANOM_ASSERT(cooldown_ends_a_part, offsetof(anom_rung, cooldown) == offsetof(anom_rung, in_row) + 8);
ANOM_ASSERT(test_ends_a_part, offsetof(anom_alarm, test) == offsetof(anom_alarm, peak) + 24);
ANOM_ASSERT(judged_ends_a_part, offsetof(anom_supervisor, judged) == offsetof(anom_supervisor, elapsed) + 4);
ANOM_ASSERT(counts_end_a_part, offsetof(anom_health, counts) == offsetof(anom_health, active) + 4);

/* Copy all parts that the plan has, from a pipeline into a record or back.
 *   save     1: into the record, 0: into the pipeline */
static void exchange(const anom_pipeline *pipeline, record_fields *record, int32_t save)
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
    for (const record_part *each = PARTS; each < PARTS + N_PARTS; each++) {
        uintptr_t holder = holders[each->holder];
        uint8_t *ours = (uint8_t *)(holder + each->offset);
        uint8_t *bytes = (uint8_t *)record + each->at;
        if (holder) anom_copy(save ? bytes : ours, save ? ours : bytes, each->size);
    }
}

/* Turn the bytes of each number around, where the lowest one does not lie first: into a record or back. */
static void turn(record_fields *record)
{
    (void)record;
#if ANOM_MAY_TURN
    /* Numbers side by side: the first byte, bytes of each, how many */
    static const uint8_t numbers[][3] = {
        {offsetof(record_fields, length), 2, 2},   {offsetof(record_fields, sequence), 2, 2},
        {offsetof(record_fields, next_hop), 4, 7}, {offsetof(record_fields, hits), 2, 2},
        {offsetof(record_fields, level_q16), 8, 1}, {offsetof(record_fields, frozen), 4, 10},
        {offsetof(record_fields, highest_log2_q8), 2, 14},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        anom_turn((uint8_t *)record + numbers[i][0], numbers[i][1], numbers[i][2]);
#endif
}

#endif

uint32_t anom_record_crc(const void *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (const uint8_t *at = bytes; n > 0; n--, at++) {
        crc ^= *at;
        for (int32_t bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

size_t anom_pipeline_record_bytes(const anom_plan *plan)
{
    return plan->record_bytes;
}

#ifndef ANOM_WITHOUT_RECORDS

/* First byte of what the extractor has learnt, in a record. */
static uint32_t learnt_at(const anom_plan *plan)
{
    return plan->record_bytes - plan->learnt_bytes - CRC_BYTES;
}

/* Save, and leave the record's fields on the stack, which the caller wipes. Arguments and result are those of
 * anom_pipeline_save. */
ANOM_NOINLINE static int32_t save(const anom_pipeline *pipeline, void *record, size_t size)
{
    const anom_plan *plan = pipeline->plan;
    uint32_t bytes = plan->record_bytes;
    if (size < bytes) return ANOM_ERROR_MEMORY;
    const anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    const anom_rung *rung = &pipeline->alert.rung;
    const anom_rung *reference = anom_pipeline_reference(pipeline);
    record_fields made;
    anom_wipe(&made, sizeof made);
    made.mark[0] = 'a';
    made.mark[1] = 'r';
    made.version = ANOM_RECORD_VERSION;
    made.length = (uint16_t)bytes;
    made.plan_tag = pipeline->alert.plan_tag;
    made.ahead = (int16_t)anom_framer_ahead(&pipeline->framer);
    made.next_hop = pipeline->framer.next_hop;
    anom_copy(made.score_tag, plan->score_tag, SCORE_TAG_BYTES);
    made.bits = (uint8_t)(rung->in_alarm | pipeline->context.has_given << 2);
    if (reference && reference->in_alarm) made.bits |= 2;
    if (plan->supervisor) {
        if (supervisor->inputs || supervisor->gap || supervisor->next == ANOM_NEXT_RUN) return 0;
        made.highest_log2_q8 = (uint16_t)supervisor->highest_log2_q8;
    } else if (rung->in_alarm) { /* as a plan with an alarm section would have it */
        made.state = ANOM_STATE_UNACK_ALARM;
        made.alarm[0] = rung->level->raise_score;
        made.alarm[1] = rung->level->raise_score;
    }
    exchange(pipeline, &made, 1);
    turn(&made);
    anom_copy(record, &made, ANOM_RECORD_LADDER);
    if (plan->supervisor && plan->supervisor->ladder) plan->supervisor->ladder->type->save(supervisor, record);
    anom_extractor_save(&pipeline->extractor, (uint8_t *)record + learnt_at(plan));
    uint8_t *end = (uint8_t *)record + bytes - sizeof made.crc;
    uint32_t crc = anom_record_crc(record, bytes - sizeof made.crc);
    for (int32_t i = 0; i < 4; i++, crc >>= 8)
        end[i] = (uint8_t)crc;
    return (int32_t)bytes;
}

int32_t anom_pipeline_save(const anom_pipeline *pipeline, void *record, size_t size)
{
    if (pipeline == NULL || record == NULL) return ANOM_ERROR_NULL;
    int32_t written = save(pipeline, record, size);
    anom_wipe_stack();
    return written;
}

/* 1: the record is whole, and a pipeline of this plan or of another with its score_id has written it.
 *   record   as `record_fields` */
static int32_t is_for(const anom_plan *plan, const record_fields *record)
{
    /* Of this layout, and of this score */
    if (record->mark[0] != 'a' || record->mark[1] != 'r' || record->version != ANOM_RECORD_VERSION) return 0;
    if (record->length != plan->record_bytes) return 0;
    for (int32_t i = 0; i < SCORE_TAG_BYTES; i++) {
        if (record->score_tag[i] != plan->score_tag[i]) return 0;
    }

    /* Numbers that others build on */
    if (record->state > ANOM_STATE_RTN_UNACK || !(RECORD_STATES >> record->state & 1)) return 0;
    if (record->ahead <= -plan->framer.hop || record->ahead > plan->framer.window) return 0;
    if ((uint32_t)(record->hits | record->reference_hits) >> plan->timing.n) return 0;
    return record->level_q16 >> 48 == 0 && record->highest_log2_q8 >> 13 == 0;
}

/* Leave out what health does not look for; warm-up has started again.
 *   fresh    conditions that are active after a reset */
static void check_conditions(anom_health *health, uint32_t fresh)
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

/* Take a record that is for the plan; the pipeline has been reset, and its ladder has taken its part. */
static void take(anom_pipeline *pipeline, record_fields *record)
{
    const anom_supervisor_plan *plan = pipeline->plan->supervisor;
    anom_supervisor *supervisor = anom_pipeline_supervisor(pipeline);
    anom_rung *rung = &pipeline->alert.rung;
    anom_rung *reference = anom_pipeline_reference(pipeline);
    anom_health *health = plan && plan->health ? (anom_health *)(uintptr_t)(supervisor + 1) : NULL;
    uint32_t fresh = health ? health->active : 0;

    /* Counts of other levels say nothing; an alarm that stands goes on until it clears by these */
    if (record->plan_tag != pipeline->alert.plan_tag || record->level_tag) {
        record->hits = 0;
        record->rung[0] = 0;
        record->rung[1] = 0;
    }
    record->flags &= ALARM_FLAGS;
    if (plan && !plan->alarm.latch && record->state == ANOM_STATE_RTN_UNACK) {
        record->state = ANOM_STATE_NORMAL;
        record->flags &= ALARM_FLAGS & ~ANOM_ALARM_ESCALATED;
    }
    record->sequence = (uint16_t)(record->sequence + ANOM_SEQUENCE_STEP);
    exchange(pipeline, record, 0);
    rung->in_alarm = record->bits & 1;
    if (reference) {
        reference->in_alarm = record->bits >> 1 & 1;
        anom_extractor_follow(&pipeline->extractor, reference->in_alarm);
    }
    pipeline->context.has_given = record->bits >> 2 & 1;
    if (plan) supervisor->highest_log2_q8 = record->highest_log2_q8 & 0x1FFFu;
    if (health) check_conditions(health, fresh);
    const anom_diary_plan *diary = pipeline->plan->diary;
    pipeline->framer.next_hop = record->next_hop;
    if (diary) diary->type->resume(pipeline);
    uint32_t lost = anom_framer_resume(&pipeline->framer, record->next_hop, record->ahead);
    anom_extractor_gap(&pipeline->extractor, lost);
    if (diary) diary->type->lose(pipeline, lost, 1);
    anom_duty_pause(pipeline, lost);
}

/* Restore, and leave the record's fields on the stack, which the caller wipes. Arguments and result are those of
 * anom_pipeline_restore. */
ANOM_NOINLINE static int32_t restore(anom_pipeline *pipeline, const void *record, size_t size)
{
    const anom_plan *plan = pipeline->plan;
    record_fields found;
    anom_pipeline_reset(pipeline);
    int32_t taken = record != NULL && size == plan->record_bytes &&
                    anom_record_crc(record, size) == CRC_OF_WHOLE;
    if (taken) {
        anom_copy(&found, record, ANOM_RECORD_LADDER);
        turn(&found);
        taken = is_for(plan, &found) &&
                anom_extractor_restore(&pipeline->extractor, (const uint8_t *)record + learnt_at(plan));
        if (taken && plan->supervisor && plan->supervisor->ladder) {
            taken = plan->supervisor->ladder->type->restore(anom_pipeline_supervisor(pipeline), record);
            found.level_tag = 0; /* the ladder goes on at that level */
        }
        if (taken)
            take(pipeline, &found);
        else
            anom_extractor_reset(&pipeline->extractor);
    }
    uint32_t began = taken ? ANOM_RESTART_RESTORED : ANOM_RESTART_REFUSED;
    if (plan->supervisor) anom_pipeline_supervisor(pipeline)->next = (ANOM_NEXT_RESTART + began) & 7;
    return taken ? 0 : ANOM_ERROR_RECORD;
}

int32_t anom_pipeline_restore(anom_pipeline *pipeline, const void *record, size_t size)
{
    int32_t status = restore(pipeline, record, size);
    anom_wipe_stack();
    return status;
}

#endif
