/* days: how the last 24 hours lie to the own profile, one frame for each slot of the day. */
#ifndef ANOM_DAYS_H
#define ANOM_DAYS_H

#include "anom_extractor.h"
#include "anom_figures.h"
#include "anom_profile.h"

/* Rows that are taken, and what is compared. */
typedef struct anom_days_plan {
    int32_t columns;       /* values in a row, 1 to 8 */
    const uint8_t *judged; /* columns that are compared; figures are of the first */
    const uint8_t *shift;  /* of each of them: its values are kept shifted up by so many bits, 0 to 14 */
    const int16_t *cos_q14; /* slots values, one period of the cosine */
    anom_profile_plan profile;
    int32_t most_missing; /* slots of the last 24 hours */
    int32_t off_body;     /* slots in a row with nothing but 0 that count as missing; 0: none do */
    anom_affine_plan normalisation;
    int32_t n_judged;   /* 1 to 4 */
    int32_t n_features; /* width of a frame */
} anom_days_plan;

/* Rows of a diary. */
extern const anom_extractor_type anom_days;

/* It learns a profile, which a record has. */
extern const anom_learning_type anom_days_learning;

#endif
