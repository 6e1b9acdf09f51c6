/* Decoder of the events of anomsdk: 16 bytes, or the 11 bytes of their compact form, both layouts. Encoder and decoder
 * of the downlink of 3 bytes that puts an alarm level in force on a device. */
#include "anom_decoder.h"

#define STATE_NORMAL 0
#define STATE_ALARM 2
#define STATE_RETURNED 5

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

/* Words by code; NULL where a code is not in use. */
static const char *const KINDS[] = {
    NULL, "anomaly", "technical", "heartbeat", "operator", "restart", "repeat", "level",
};
static const char *const STATES[] = {
    "normal", "pending", "alarm", "prealarm", "acknowledged", "returned, unacknowledged",
};
static const char *const CONDITIONS[] = {
    NULL, "stuck", "flat", "repeated", "clipped", "below the noise floor", "step", "dead axis", "not gravity", "gaps",
    "missing", "rate", "not worn", "warm-up", "self-test failed", "supply",
};
static const char *const INPUTS[] = {
    NULL, "acknowledged", "silenced", "silence over", "cancelled", "out of service", "in service", "test",
};
static const char *const BEGINNINGS[] = {"anew", "restored from a record", "anew, as the record was refused"};
static const char *const NEWS[] = {
    NULL, "level certified", "no level certified, more days needed", "promise broken", "level set",
    "no level keeps the promise",
};
static const char *const HEALTH_BITS[] = {
    "stuck or flat or repeated", "clipped", "below the noise floor", "step or dead axis or not gravity",
    "gaps or missing or rate", "not worn", "warm-up or learning or self-test failed", "supply",
};
static const char *const GROUPS[64] = {
    [1] = "low bands", [2] = "mid bands", [3] = "high bands", [4] = "loudness", [5] = "impulses", [16] = "magnitude",
    [17] = "dynamic acceleration", [18] = "jerk", [19] = "posture", [20] = "rhythm", [21] = "slow motion",
    [22] = "mid motion", [23] = "fast motion", [24] = "rotation", [25] = "motion x", [26] = "motion y",
    [27] = "motion z", [28] = "day total", [29] = "hours of day", [30] = "day rhythm", [31] = "day phase",
    [32] = "quiet hours", [33] = "busy hours", [34] = "last hours", [35] = "trend", [48] = "part 1", [49] = "part 2",
    [50] = "part 3", [51] = "part 4", [52] = "part 5", [53] = "part 6", [54] = "part 7", [55] = "part 8",
    [56] = "part 9", [57] = "part 10", [58] = "part 11", [59] = "part 12", [60] = "part 13", [61] = "part 14",
    [62] = "part 15", [63] = "part 16",
};
static const char *const DIRECTIONS[] = {"changed", "high", "low", "unsteady"};

static const char *word(const char *const *table, size_t n, uint8_t code)
{
    return code < n ? table[code] : NULL;
}

/* Read a little-endian number of n bytes, 1 to 4. */
static uint32_t number(const uint8_t *bytes, size_t n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

/* Read what the kind of the event says.
 *   codes    3 bytes of the event, or the one of a compact form
 *   n_codes  codes that are reasons if the event is an anomaly
 * 0, or ANOM_DECODE_CODE. */
static int read_codes(anom_decoded *event, const uint8_t *codes, size_t n_codes)
{
    switch (event->kind) {
    case ANOM_DECODED_ANOMALY:
        for (size_t i = 0; i < n_codes; i++)
            if ((codes[i] & 63) != 0) event->reasons[event->n_reasons++] = codes[i];
        return 0;
    case ANOM_DECODED_TECHNICAL:
        event->condition = event->compact ? codes[0] & 127 : codes[0];
        event->active = event->compact ? codes[0] >> 7 : codes[1] == 1;
        return anom_decoded_condition_word(event->condition) == NULL ? ANOM_DECODE_CODE : 0;
    case ANOM_DECODED_HEARTBEAT:
        event->judged_share = (uint16_t)(event->compact ? codes[0] * 257U : number(codes, 2));
        return 0;
    case ANOM_DECODED_OPERATOR:
        event->input = codes[0];
        return anom_decoded_input_word(event->input) == NULL ? ANOM_DECODE_CODE : 0;
    case ANOM_DECODED_RESTART:
        event->restart = codes[0];
        return anom_decoded_restart_word(event->restart) == NULL ? ANOM_DECODE_CODE : 0;
    case ANOM_DECODED_LEVEL:
        event->promise = codes[0];
        event->argument = (int16_t)(event->compact ? -1 : codes[1]);
        return anom_decoded_promise_word(event->promise) == NULL ? ANOM_DECODE_CODE : 0;
    default:
        return 0;
    }
}

int anom_decode(const uint8_t *bytes, size_t n, anom_decoded *decoded)
{
    anom_decoded event = {0};
    if (n != ANOM_DECODED_BYTES && n != ANOM_DECODED_COMPACT_BYTES) return ANOM_DECODE_LENGTH;
    event.layout = bytes[0] >> 4;
    event.compact = n == ANOM_DECODED_COMPACT_BYTES;
    event.kind = bytes[0] & 15;
    event.state = bytes[1] & 7;
    if (event.layout != 1 && event.layout != 2) return ANOM_DECODE_VERSION;
    if (anom_decoded_kind_word(event.kind) == NULL) return ANOM_DECODE_KIND;
    if (event.layout == 1 && event.kind != ANOM_DECODED_ANOMALY) return ANOM_DECODE_KIND;
    if (event.state > (event.layout == 1 ? STATE_ALARM : STATE_RETURNED)) return ANOM_DECODE_STATE;

    event.sequence = (uint16_t)number(bytes + 2, 2);
    event.hop = number(bytes + 4, event.compact ? 3 : 4);
    event.score_log2_q8 = (uint16_t)(event.compact ? bytes[7] * 32U : number(bytes + 8, 2));
    event.health = bytes[event.compact ? 8 : 10];
    event.level_tag = event.compact || event.layout == 1 ? -1 : bytes[13];
    event.plan_tag = (uint16_t)(event.compact ? bytes[10] : bytes[14] * 256U + bytes[15]);
    if (event.layout == 1) {
        event.high = bytes[1] >> 6 & 1;
    } else {
        event.latched = bytes[1] >> 3 & 1;
        event.silenced = bytes[1] >> 4 & 1;
        event.out_of_service = bytes[1] >> 5 & 1;
        event.marked = bytes[1] >> 6 & 1;
        event.high = bytes[1] >> 7;
    }
    if (event.kind == ANOM_DECODED_ANOMALY) {
        event.raised = event.state == STATE_ALARM && !event.marked;
        event.cleared = (event.state == STATE_NORMAL || event.state == STATE_RETURNED) && !event.marked;
        event.escalated = event.marked;
    }
    if (read_codes(&event, bytes + (event.compact ? 9 : 11), event.compact ? 1 : event.layout == 1 ? 3 : 2) < 0)
        return ANOM_DECODE_CODE;
    *decoded = event;
    return 0;
}

int anom_encode_downlink(int64_t level_tag, int64_t plan_tag, uint8_t bytes[ANOM_DECODED_DOWNLINK_BYTES])
{
    if (level_tag < 0 || level_tag > ANOM_DECODED_MAX_LEVEL_TAG) return ANOM_DECODE_LEVEL;
    if (plan_tag < 0 || plan_tag > UINT16_MAX) return ANOM_DECODE_PLAN;
    bytes[0] = (uint8_t)level_tag;
    bytes[1] = (uint8_t)(plan_tag >> 8);
    bytes[2] = (uint8_t)(plan_tag & 0xFF);
    return 0;
}

int anom_decode_downlink(const uint8_t *bytes, size_t n, anom_decoded_downlink *decoded)
{
    if (n != ANOM_DECODED_DOWNLINK_BYTES) return ANOM_DECODE_LENGTH;
    if (bytes[0] > ANOM_DECODED_MAX_LEVEL_TAG) return ANOM_DECODE_LEVEL;
    decoded->level_tag = bytes[0];
    decoded->plan_tag = (uint16_t)(bytes[1] * 256U + bytes[2]);
    return 0;
}

const char *anom_decoded_kind_word(uint8_t kind)
{
    return word(KINDS, N_OF(KINDS), kind);
}

const char *anom_decoded_state_word(uint8_t state)
{
    return word(STATES, N_OF(STATES), state);
}

const char *anom_decoded_condition_word(uint8_t condition)
{
    return word(CONDITIONS, N_OF(CONDITIONS), condition);
}

const char *anom_decoded_input_word(uint8_t input)
{
    return word(INPUTS, N_OF(INPUTS), input);
}

const char *anom_decoded_restart_word(uint8_t restart)
{
    return word(BEGINNINGS, N_OF(BEGINNINGS), restart);
}

const char *anom_decoded_promise_word(uint8_t promise)
{
    return word(NEWS, N_OF(NEWS), promise);
}

const char *anom_decoded_group_word(uint8_t reason)
{
    return GROUPS[reason & 63];
}

const char *anom_decoded_direction_word(uint8_t reason)
{
    return DIRECTIONS[reason >> 6];
}

const char *anom_decoded_health_word(uint8_t bit)
{
    return word(HEALTH_BITS, N_OF(HEALTH_BITS), bit);
}
