/* Decodes events: a line of hexadecimal digits in, a JSON object out, with the fields of the other decoders. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "anom_decoder.h"

#define MOST 64
#define UNTOUCHED 0xA5

static const char *const ERRORS[] = {"", "length", "version", "kind", "state", "code"};

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

int main(void)
{
    char line[2 * MOST + 2];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const size_t n = strcspn(line, "\n") / 2;
        uint8_t bytes[MOST];
        anom_decoded event, before;
        for (size_t i = 0; i < n; i++) {
            unsigned value;
            if (sscanf(line + 2 * i, "%2x", &value) != 1) return 1;
            bytes[i] = (uint8_t)value;
        }
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
