/* Extractor: what all feature extractors share. Windows in, int8 feature frames out. */
#ifndef ANOM_EXTRACTOR_H
#define ANOM_EXTRACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "anom_affine.h"

typedef struct anom_extractor anom_extractor;

/* Functions of one kind of extractor. A program holds only the kinds that its plans name. */
typedef struct anom_extractor_type {
    /* Bytes of what outlives a window, and of scratch: multiples of 8. */
    size_t (*state_bytes)(const void *tables);
    size_t (*scratch_bytes)(const void *tables);
    /* Its own work: 1 if this window completes a frame of levels, which are n_features values, at scratch. */
    int32_t (*levels)(const anom_extractor *extractor, const int16_t *frame, int32_t *levels);
    /* Forget what was gathered for the next frame. */
    void (*restart)(const anom_extractor *extractor);
    /* Zero what the functions that ran may have left on the stack: anom_wipe_stack, or one that goes deeper. */
    void (*wipe_stack)(void);
} anom_extractor_type;

/* Functions of one that learns from what it has seen, beyond the next frame. A program holds them only where a plan
 * names them. */
typedef struct anom_learning_type {
    /* Forget everything. */
    void (*reset)(const anom_extractor *extractor);
    /* Go on after windows that did not come, and wipe scratch and the stack. */
    void (*gap)(const anom_extractor *extractor, uint32_t hops);
    /* 1: it has learnt what its first frame needs. */
    int32_t (*is_ready)(const anom_extractor *extractor);
    /* Take note whether the reference rung is in alarm after the last tick. */
    void (*follow)(const anom_extractor *extractor, int32_t alarm);
    /* Write what must outlive a reset, as a record has it. */
    void (*save)(const anom_extractor *extractor, uint8_t *data);
    /* Take it from a record, after a reset. 1; 0: a number is out of its range, and another reset is due. */
    int32_t (*restore)(const anom_extractor *extractor, const uint8_t *data);
} anom_learning_type;

typedef struct anom_extractor_plan {
    const anom_extractor_type *type;
    const void *tables; /* its own plan: anom_bands_plan for anom_bands, ... */
    const anom_affine_plan *normalisation;
    int32_t n_features;     /* width of a frame */
    int32_t columns;        /* values a sample has */
    int32_t hops_per_frame; /* windows that a frame takes */
    int32_t warm_up;        /* windows after the start of which none is a part of the first frame */
    const anom_learning_type *learning; /* NULL: it learns nothing */
} anom_extractor_plan;

struct anom_extractor {
    const anom_extractor_plan *plan;
    void *state;
    void *scratch;
};

void anom_extractor_init(anom_extractor *extractor, const anom_extractor_plan *plan, void *state, void *scratch);

/* Take a window. 1: it completed a frame, n_features values of int8. Scratch is wiped. */
int32_t anom_extractor_push(const anom_extractor *extractor, const int16_t *frame, int8_t *features);

/* Forget what was gathered for the next frame. */
void anom_extractor_restart(const anom_extractor *extractor);

/* Start again: forget everything. */
void anom_extractor_reset(const anom_extractor *extractor);

/* Go on after windows that did not come. */
void anom_extractor_gap(const anom_extractor *extractor, uint32_t hops);

/* Take note whether the reference rung is in alarm after the last tick. */
void anom_extractor_follow(const anom_extractor *extractor, int32_t alarm);

/* Write what must outlive a reset: nothing, for most kinds. */
void anom_extractor_save(const anom_extractor *extractor, uint8_t *data);

/* Take what anom_extractor_save wrote; only after a reset. 1; 0: refused, and another reset is due. */
int32_t anom_extractor_restore(const anom_extractor *extractor, const uint8_t *data);

#endif
