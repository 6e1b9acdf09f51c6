/* Decodes events: a line of hexadecimal digits in, a JSON object out, with the fields of the other decoders.
 * Of a line that begins with "down " the rest is decoded as a downlink; of "order " it is a level tag and a plan tag, in
 * decimal digits, of a downlink to encode. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "anom_decoder.h"

#define MOST 64
#define UNTOUCHED 0xA5

static const char *const ERRORS[] = {"", "length", "version", "kind", "state", "code", "level", "plan"};

static void text_of(const char *name, const char *word)
{
    if (word == NULL)
        printf("\"%s\": null, ", name);
    else
        printf("\"%s\": \"%s\", ", name, word);
}

static void truth_of(const char *name, int is_set)
{
    printf("\"%s\": %s, ", name, is_set ? "true" : "false");
}

static void flag(int is_set, const char *word, int *n)
{
    if (is_set) printf("%s\"%s\"", (*n)++ > 0 ? ", " : "", word);
}

static void print_reasons(const anom_decoded *e)
{
    printf("\"reasons\": [");
    for (int i = 0; i < e->n_reasons; i++) {
        const char *group = anom_decoded_group_word(e->reasons[i]);
        const char *direction = anom_decoded_direction_word(e->reasons[i]);
        if (group == NULL)
            printf("%s\"group %d %s\"", i > 0 ? ", " : "", e->reasons[i] & 63, direction);
        else
            printf("%s\"%s %s\"", i > 0 ? ", " : "", group, direction);
    }
    printf("], ");
}

static void print_event(const anom_decoded *e)
{
    int n = 0, bits = 0;
    const double score = floor(pow(2.0, e->score_log2_q8 / 256.0) + 0.5);
    printf("{\"layout\": %d, ", e->layout);
    truth_of("compact", e->compact);
    text_of("kind", anom_decoded_kind_word(e->kind));
    text_of("state", anom_decoded_state_word(e->state));
    printf("\"flags\": [");
    flag(e->high, "high", &n);
    flag(e->latched, "latched", &n);
    flag(e->silenced, "silenced", &n);
    flag(e->out_of_service, "out of service", &n);
    flag(e->marked, e->kind == ANOM_DECODED_OPERATOR ? "test" : "escalated", &n);
    printf("], ");
    truth_of("raised", e->raised);
    truth_of("cleared", e->cleared);
    truth_of("escalated", e->escalated);
    printf("\"sequence\": %u, \"hop\": %lu, ", (unsigned)e->sequence, (unsigned long)e->hop);
    printf("\"score\": %.0f, ", e->score_log2_q8 == 0 ? 0.0 : score > 4294967295.0 ? 4294967295.0 : score);
    printf("\"score_log2\": %.12g, \"health\": %d, \"health_words\": [", e->score_log2_q8 / 256.0, e->health);
    for (uint8_t bit = 0; bit < 8; bit++)
        flag(e->health >> bit & 1, anom_decoded_health_word(bit), &bits);
    printf("], ");
    print_reasons(e);
    text_of("condition", e->kind == ANOM_DECODED_TECHNICAL ? anom_decoded_condition_word(e->condition) : NULL);
    if (e->kind == ANOM_DECODED_TECHNICAL)
        truth_of("active", e->active);
    else
        text_of("active", NULL);
    text_of("input", e->kind == ANOM_DECODED_OPERATOR ? anom_decoded_input_word(e->input) : NULL);
    text_of("restart", e->kind == ANOM_DECODED_RESTART ? anom_decoded_restart_word(e->restart) : NULL);
    text_of("promise", e->kind == ANOM_DECODED_LEVEL ? anom_decoded_promise_word(e->promise) : NULL);
    if (e->kind == ANOM_DECODED_LEVEL && e->argument >= 0)
        printf("\"argument\": %d, ", e->argument);
    else
        text_of("argument", NULL);
    if (e->kind == ANOM_DECODED_HEARTBEAT)
        printf("\"judged_share\": %.6f, ", e->judged_share / 65535.0);
    else
        text_of("judged_share", NULL);
    if (e->level_tag < 0)
        text_of("level_tag", NULL);
    else
        printf("\"level_tag\": %d, ", e->level_tag);
    printf("\"plan_tag\": \"%0*x\"}\n", e->compact ? 2 : 4, (unsigned)e->plan_tag);
}

/* Read hexadecimal digits up to the end of the line. The number of bytes, or -1. */
static int bytes_of(const char *digits, uint8_t *bytes)
{
    const size_t n = strcspn(digits, "\n") / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned value;
        if (sscanf(digits + 2 * i, "%2x", &value) != 1) return -1;
        bytes[i] = (uint8_t)value;
    }
    return (int)n;
}

/* Decode a downlink. 0, or a status of main. */
static int decode_downlink(const char *digits)
{
    uint8_t bytes[MOST];
    const int n = bytes_of(digits, bytes);
    anom_decoded_downlink found, before;
    if (n < 0) return 1;
    memset(&found, UNTOUCHED, sizeof found);
    memset(&before, UNTOUCHED, sizeof before);
    const int error = anom_decode_downlink(n > 0 ? bytes : NULL, (size_t)n, &found);
    if (error < 0 && memcmp(&found, &before, sizeof found) != 0) return 2;
    if (error < 0)
        printf("{\"error\": \"%s\"}\n", ERRORS[-error]);
    else
        printf("{\"level_tag\": %u, \"plan_tag\": \"%04x\"}\n", (unsigned)found.level_tag, (unsigned)found.plan_tag);
    return 0;
}

/* Encode a downlink. 0, or a status of main. */
static int encode_downlink(const char *numbers)
{
    uint8_t bytes[ANOM_DECODED_DOWNLINK_BYTES + 1];
    long long level_tag, plan_tag;
    memset(bytes, UNTOUCHED, sizeof bytes);
    if (sscanf(numbers, "%lld %lld", &level_tag, &plan_tag) != 2) return 1;
    const int error = anom_encode_downlink(level_tag, plan_tag, bytes);
    for (size_t i = error < 0 ? 0 : ANOM_DECODED_DOWNLINK_BYTES; i < sizeof bytes; i++)
        if (bytes[i] != UNTOUCHED) return 2;
    if (error < 0)
        printf("{\"error\": \"%s\"}\n", ERRORS[-error]);
    else
        printf("{\"downlink\": \"%02x%02x%02x\"}\n", (unsigned)bytes[0], (unsigned)bytes[1], (unsigned)bytes[2]);
    return 0;
}

int main(void)
{
    char line[2 * MOST + 2];
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint8_t bytes[MOST];
        anom_decoded event, before;
        if (strncmp(line, "down ", 5) == 0 || strncmp(line, "order ", 6) == 0) {
            const int wrong = line[0] == 'd' ? decode_downlink(line + 5) : encode_downlink(line + 6);
            if (wrong) return wrong;
            continue;
        }
        const int length = bytes_of(line, bytes);
        if (length < 0) return 1;
        const size_t n = (size_t)length;
        memset(&event, UNTOUCHED, sizeof event);
        memset(&before, UNTOUCHED, sizeof before);
        const int error = anom_decode(n > 0 ? bytes : NULL, n, &event);
        if (error < 0 && memcmp(&event, &before, sizeof event) != 0) return 2; /* something was written */
        if (error < 0)
            printf("{\"error\": \"%s\"}\n", ERRORS[-error]);
        else
            print_event(&event);
    }
    return anom_decoded_kind_word(0) != NULL || anom_decoded_kind_word(8) != NULL || anom_decoded_state_word(6) != NULL ||
           anom_decoded_promise_word(0) != NULL || anom_decoded_promise_word(6) != NULL ||
           anom_decoded_health_word(8) != NULL || anom_decoded_group_word(0) != NULL;
}
