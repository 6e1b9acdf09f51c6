#include "anom_event.h"

typedef struct {
    anom_event_fields fields;
    int32_t layout;
    uint32_t words[4]; /* of layout 2, without the score */
    uint32_t score;
    anom_event event; /* of which the compact form is made: layout 0 */
    uint8_t bytes[ANOM_EVENT_BYTES];
} event_row;

typedef struct {
    int32_t n_rows;
    const event_row *rows;
} event_case;

static int32_t run_event(const event_case *c)
{
    anom_event *event = vectors_room(sizeof(anom_event));
    uint8_t *compact = vectors_room(ANOM_EVENT_COMPACT_BYTES);
    if (event == NULL || compact == NULL) return 0;
    for (int32_t i = 0; i < c->n_rows; i++) {
        anom_event_fields fields = c->rows[i].fields;
        const uint32_t *given = c->rows[i].words;
        const uint32_t score = anom_event_score_log2_q8(c->rows[i].score);
        const uint32_t words[4] = {given[0], given[1], given[2] | score, given[3]};
        if (c->rows[i].layout == 0) {
            if (anom_event_compact(&c->rows[i].event, compact) != ANOM_EVENT_COMPACT_BYTES) return 0;
            if (!vectors_same(compact, c->rows[i].bytes, ANOM_EVENT_COMPACT_BYTES)) return 0;
            continue;
        }
        fields.score_log2_q8 = (uint16_t)score;
        if (c->rows[i].layout == 1)
            anom_event_bytes(&fields, event);
        else
            anom_event_bytes_2(words, event);
        if (!vectors_same(event->bytes, c->rows[i].bytes, ANOM_EVENT_BYTES)) return 0;
    }
    return 1;
}
