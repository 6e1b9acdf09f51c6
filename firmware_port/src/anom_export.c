/* Export: the counts of a ladder over a period of service, as a device hands them out. */
#include "anom_export.h"

#include "anom_copy.h"
#include "anom_pipeline.h"
#include "anom_record.h"
#include "anom_wipe.h"

/* First bytes of the fields. */
#define AT_RUNGS 3
#define AT_LENGTH 4
#define AT_BOOT 6
#define AT_DEVICE 8
#define AT_SCORE_TAG 16
#define AT_PLAN_TAG 24
#define AT_LEVEL_TAG 26
#define AT_PROMISE 27
#define AT_FIRST 28
#define AT_LAST 32
#define AT_DAYS 36
#define AT_GAP 38
#define HEAD_BYTES 40
#define CRC_BYTES 4
#define SCORE_TAG_BYTES 8

ANOM_ASSERT(an_export_has_its_announced_size, ANOM_EXPORT_BYTES(0) == HEAD_BYTES + CRC_BYTES);
ANOM_ASSERT(a_rung_has_its_announced_size, ANOM_EXPORT_BYTES(1) - ANOM_EXPORT_BYTES(0) == sizeof(anom_ladder_counts));

/* Write a number of `size` bytes, the lowest first. */
static void put_number(uint8_t *bytes, uint64_t number, int32_t size)
{
    for (; size > 0; size--, number >>= 8)
        *bytes++ = (uint8_t)number;
}

/* Read a number of up to 4 bytes, the lowest first. */
static uint32_t get(const uint8_t *bytes, int32_t size)
{
    uint32_t number = 0;
    while (size > 0)
        number = number << 8 | bytes[--size];
    return number;
}

/* Subtract a number of an earlier export. 1: it is no larger, else 0. */
static int32_t is_less(uint8_t *bytes, const uint8_t *earlier, int32_t size)
{
    uint32_t now = get(bytes, size);
    uint32_t then = get(earlier, size);
    put_number(bytes, now - then, size);
    return then <= now;
}

/* Turn an export into what came after an earlier one; both begin with the first tick of the ladder. 1; 0: the earlier
 * one is torn, of another ladder, or later. */
static int32_t take_off(uint8_t *made, const uint8_t *earlier)
{
    int32_t n = made[AT_RUNGS];
    for (int32_t i = 0; i < AT_PLAN_TAG; i++) { /* mark, version, length, boot, device and score_id */
        if (earlier[i] != made[i]) return 0;
    }
    uint32_t end = get(made + AT_LENGTH, 2) - CRC_BYTES;
    if (anom_record_crc(earlier, end) != get(earlier + end, CRC_BYTES) || get(earlier + AT_FIRST, 4) != 0) return 0;
    uint32_t first = get(earlier + AT_LAST, 4);
    int32_t later = first <= get(made + AT_LAST, 4);
    put_number(made + AT_FIRST, first, 4);
    later &= is_less(made + AT_DAYS, earlier + AT_DAYS, 2);
    for (int32_t at = HEAD_BYTES; n > 0; n--) {
        later &= is_less(made + at, earlier + at, 4);
        for (at += 4; at < HEAD_BYTES + 12 * (made[AT_RUNGS] - n + 1); at += 2) {
            int32_t full = get(made + at, 2) == UINT16_MAX; /* nobody knows how much of it came after the earlier one */
            later &= is_less(made + at, earlier + at, 2);
            if (full) put_number(made + at, UINT16_MAX, 2);
        }
    }
    return later;
}

int32_t anom_pipeline_export(anom_pipeline *pipeline, uint64_t device, uint16_t boot, const void *since, void *counts,
                             size_t size)
{
    if (pipeline == NULL || counts == NULL) return ANOM_ERROR_NULL;
    const anom_plan *plan = pipeline->plan;
    if (plan->supervisor == NULL || plan->supervisor->ladder == NULL) return ANOM_ERROR_SECTION;
    const anom_ladder_plan *rungs = plan->supervisor->ladder;
    size_t bytes = ANOM_EXPORT_BYTES((size_t)rungs->n_rungs);
    if (size < bytes) return ANOM_ERROR_MEMORY;
    if (boot == 0) return ANOM_ERROR_RANGE;
    anom_ladder *ladder = anom_supervisor_ladder(anom_pipeline_supervisor(pipeline));
    uint8_t *made = counts;
    rungs->type->settle(ladder, rungs);
    if (ladder->boot == 0) ladder->boot = boot;

    /* Head */
    made[0] = 'a';
    made[1] = 'l';
    made[2] = ANOM_EXPORT_VERSION;
    made[AT_RUNGS] = (uint8_t)rungs->n_rungs;
    put_number(made + AT_LENGTH, bytes, 2);
    put_number(made + AT_BOOT, ladder->boot, 2);
    put_number(made + AT_DEVICE, device, 8);
    anom_copy(made + AT_SCORE_TAG, plan->score_tag, SCORE_TAG_BYTES);
    put_number(made + AT_PLAN_TAG, pipeline->alert.plan_tag, 2);
    made[AT_LEVEL_TAG] = ladder->tag;
    made[AT_PROMISE] = ladder->promise;
    put_number(made + AT_FIRST, 0, 4);
    put_number(made + AT_LAST, ladder->ticks, 4);
    put_number(made + AT_DAYS, ladder->days, 2);
    put_number(made + AT_GAP, (uint32_t)rungs->episode_gap, 2); /* and a byte that is 0 */

    /* Counts, and the CRC */
    const anom_ladder_counts *rung = anom_ladder_counts_of(ladder);
    uint8_t *at = made + HEAD_BYTES;
    for (int32_t i = 0; i < rungs->n_rungs; i++, rung++, at += sizeof *rung) {
        put_number(at, rung->ticks, 4);
        put_number(at + 4, rung->alarms, 2);
        put_number(at + 6, rung->days, 2);
        put_number(at + 8, rung->episodes, 2);
        put_number(at + 10, rung->at_risk, 2);
    }
    if (since && !take_off(made, since)) return ANOM_ERROR_RECORD;
    put_number(at, anom_record_crc(made, bytes - CRC_BYTES), CRC_BYTES);
    anom_wipe_stack();
    return (int32_t)bytes;
}
