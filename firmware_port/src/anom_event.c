/* Event: the 16 bytes that may leave a pipeline. */
#include "anom_event.h"

#include "anom_fixed.h"

/* Write a number byte by byte, the lowest first.
 *   n        bytes, 1 to 4 */
static void put(uint8_t *bytes, uint32_t value, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void anom_event_bytes(const anom_event_fields *fields, anom_event *event)
{
    uint8_t *bytes = event->bytes;
    bytes[0] = (uint8_t)(ANOM_EVENT_VERSION << 4 | fields->kind);
    bytes[1] = (uint8_t)(fields->state | fields->high << 6);
    put(bytes + 2, fields->sequence, 2);
    put(bytes + 4, fields->hop, 4);
    put(bytes + 8, fields->score_log2_q8, 2);
    bytes[10] = fields->health;
    anom_event_with_reasons(event, fields->reasons);
    put(bytes + 14, fields->plan_tag, 2);
}

void anom_event_bytes_2(const uint32_t *words, anom_event *event)
{
    for (int32_t i = 0; i < ANOM_EVENT_BYTES; i++)
        event->bytes[i] = (uint8_t)(words[i >> 2] >> (8 * (i & 3)));
}

void anom_event_with_reasons(anom_event *event, const uint8_t *reasons)
{
    for (int32_t i = 0; i < 3; i++)
        event->bytes[11 + i] = reasons[i];
}

uint16_t anom_event_score_log2_q8(uint32_t score)
{
    return (uint16_t)(anom_log2_q10(score) >> 2);
}

int32_t anom_event_compact(const anom_event *event, uint8_t compact[ANOM_EVENT_COMPACT_BYTES])
{
    const uint8_t *given = event->bytes;
    const uint32_t score_q3 = (uint32_t)(given[8] | given[9] << 8) >> 5;
    uint8_t code = given[11];
    if (given[0] == (ANOM_EVENT_VERSION_2 << 4 | ANOM_KIND_TECHNICAL) && given[12] == 1) code |= 1 << 7;
    if (given[0] == (ANOM_EVENT_VERSION_2 << 4 | ANOM_KIND_HEARTBEAT)) code = given[12];
    for (int32_t i = 0; i < 7; i++)
        compact[i] = given[i];
    compact[7] = (uint8_t)(score_q3 < 255 ? score_q3 : 255);
    compact[8] = given[10];
    compact[9] = code;
    compact[10] = given[14];
    return ANOM_EVENT_COMPACT_BYTES;
}
