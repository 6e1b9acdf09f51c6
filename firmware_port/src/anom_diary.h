/* Diary: ticks and movement of a pipeline, summed over a slot into a row of at most 8 numbers. */
#ifndef ANOM_DIARY_H
#define ANOM_DIARY_H

#include <stddef.h>
#include <stdint.h>

#include "anomsdk.h"

/* Codes of columns. */
#define ANOM_DIARY_MEAN_SCORE 1
#define ANOM_DIARY_HIGHEST_SCORE 2
#define ANOM_DIARY_VEDBA_MEAN 3
#define ANOM_DIARY_JERK_MEAN 4
#define ANOM_DIARY_COVERAGE 5

#define ANOM_DIARY_BYTES 80
#define ANOM_ROW_VERSION 1

typedef struct anom_diary_type anom_diary_type;

typedef struct anom_diary_plan {
    int64_t slot_q16;           /* hops, 60 to 2**31 - 1 */
    int32_t gain_q16;           /* 0.1 mg in a count of acceleration; 0: no column of movement */
    const uint8_t *columns;     /* n_columns of ANOM_DIARY_* */
    int32_t n_columns;          /* 1 to 8 */
    int32_t vedba_at;           /* index in a frame of the level of the mean VeDBA */
    int32_t jerk_at;            /* and of that of the mean jerk */
    int32_t floor;              /* counts that these levels have in them and that a row leaves out */
    const anom_diary_type *type; /* functions, which only programs with such a plan hold */
} anom_diary_plan;

/* Sums of the running slot, and rows that are finished. */
typedef struct anom_diary {
    uint64_t scores;
    uint64_t movement[2]; /* counts in q8 */
    uint32_t highest;
    uint32_t ticks;
    uint32_t seen;   /* hops that were seen and not void */
    uint32_t paused; /* hops of declared pauses */
    uint32_t before; /* missing rows before `row` that were not taken */
    uint32_t after;  /* missing rows behind it */
    int16_t row[ANOM_DIARY_COLUMNS];
    uint32_t has_row;
    uint32_t unused;
    uint64_t elapsed_q16; /* hops since the slot began */
} anom_diary;

void anom_diary_reset(anom_pipeline *pipeline);

/* Go on at the next hop of the framer, in the middle of its slot. */
void anom_diary_resume(anom_pipeline *pipeline);

/* Take a window as anom_extractor_push does, and count its hop. */
int32_t anom_diary_hop(anom_pipeline *pipeline, const int16_t *window);

/* Count the score of a tick that is not void. */
void anom_diary_tick(anom_pipeline *pipeline, uint32_t score);

/* Let hops pass without a sample.
 *   pause    1: a declared pause, in which they are not due */
void anom_diary_lose(anom_pipeline *pipeline, uint32_t hops, int32_t pause);

/* As anom_pipeline_poll_row. */
int32_t anom_diary_rows(anom_pipeline *pipeline, int16_t *row);

/* As anom_pipeline_encode_row. */
int32_t anom_diary_encode(const anom_diary_plan *plan, uint32_t slot, const int16_t *row, uint8_t *bytes);

struct anom_diary_type {
    void (*reset)(anom_pipeline *pipeline);
    void (*resume)(anom_pipeline *pipeline);
    int32_t (*hop)(anom_pipeline *pipeline, const int16_t *window);
    void (*tick)(anom_pipeline *pipeline, uint32_t score);
    void (*lose)(anom_pipeline *pipeline, uint32_t hops, int32_t pause);
    int32_t (*rows)(anom_pipeline *pipeline, int16_t *row);
    int32_t (*encode)(const anom_diary_plan *plan, uint32_t slot, const int16_t *row, uint8_t *bytes);
};

extern const anom_diary_type anom_diary_functions;

#endif
