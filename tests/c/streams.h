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

#endif
