/* Streams through plans, and what the Python reference gave for them: tests/support/c_streams.py writes the data. */
#ifndef STREAMS_H
#define STREAMS_H

#include "anom_pipeline.h"

#define MOST_VALUES 131072 /* of a block */

enum { PUSH, GAP, RESET };

typedef struct {
    int32_t kind;
    int32_t n; /* samples */
} step;

typedef struct {
    uint32_t hop;
    uint32_t score;
    uint32_t inputs; /* fnv1a of the model's inputs */
    int32_t n_events;
    uint8_t event[ANOM_EVENT_BYTES];
} tick;

/* A call of a pipeline, and what it gives. */
typedef struct {
    int32_t kind;
    uint32_t argument; /* of ROWS: fnv1a of the rows; of SAVE and RESTORE: a size, and the index of a record in bits 16 to 31; of EXPORT: an index;
                        of DOWNLINK: its first three bytes, and its length in bits 24 to 31, 255: NULL */
    int32_t gives;   /* what it returns; of POLL and TAKE: how many results */
    int32_t signals; /* behind it: annunciation, health in bits 8 to 15, the level tag in 16 to 23; -1: between two results */
} use;

enum { USE_PUSH, USE_GAP, USE_RESET, USE_POLL, USE_TAKE, USE_ACKNOWLEDGE, USE_SILENCE, USE_CANCEL, USE_OUT_OF_SERVICE,
       USE_TEST, USE_SUPPLY, USE_SELF_TEST, USE_MISSING, USE_CLOCK, USE_SAVE, USE_RESTORE, USE_CALIBRATE,
       USE_SET_LEVEL, USE_EXPORT, USE_DOWNLINK, USE_ROWS };

#define NO_RECORD 0xFFFFu /* as a size: no record is given */
#define NO_DOWNLINK 255u  /* as a length: no downlink is given */

/* An export that is asked for. */
typedef struct {
    uint64_t device;
    uint16_t boot;
    uint16_t size; /* of the room for it; NO_RECORD: there is none */
    int32_t since; /* index of an earlier export; -1: none */
    int32_t made;  /* index of what it gives; -1: nothing */
} exporting;

typedef struct {
    tick result;
    int32_t is_judged; /* a tick; 0: an event without one */
} used;

typedef struct {
    const char *name;
    const anom_plan *plan;
    size_t buffers; /* bytes that follow the pipeline's own */
    const step *steps;
    const tick *ticks;
    int32_t n_steps;
    int32_t n_ticks;
    int32_t n_inputs;
    uint8_t digest[ANOM_DIGEST_BYTES];
    const use *uses; /* instead of steps and ticks, where a caller has more to say */
    const used *results;
    const int16_t *samples; /* that are taken */
    int32_t n_uses;
    int32_t n_results;
    const uint8_t *records; /* that are saved or restored, one behind the other */
    const exporting *exports; /* NULL: none */
    const uint8_t *counts;    /* of exports, one behind the other */
    int32_t n_rows;           /* of the diary, as they are finished */
    uint32_t rows;            /* fnv1a of them, the lower byte of each value first */
} stream;

extern const stream streams[];
extern const int32_t n_streams;

/* Weighted sum of log2_q10 of 2**20 to 2**21 - 1: every entry and every step between them. */
extern const uint32_t logarithms;

typedef struct {
    int32_t size; /* of a message of bytes 0, 1, 2, ..., 255, 0, ... */
    uint8_t digest[32];
} hashed;

extern const hashed messages[];
extern const int32_t n_messages;

/* Exits and says what does not hold. */
void check(int holds, const char *what);

void check_tick(const anom_result *result, const tick *expected);
void check_wiped(const stream *s, const anom_pipeline *pipeline);
void check_forgotten(const stream *s, const anom_pipeline *pipeline);
uint32_t fnv1a(const int8_t *bytes, int32_t n);

/* Take the rows of a diary that are finished, and look at each: how many there were.
 *   hash     fnv1a of rows before them, and of them */
int32_t take_rows(const stream *s, anom_pipeline *pipeline, uint32_t *hash);

/* Calls of uses.c. */
void run_uses(const stream *s, anom_pipeline *pipeline, const void *fresh, size_t size);

#endif
