/* external: a maker's own features, one int16 row a hop. */
#ifndef ANOM_EXTERNAL_H
#define ANOM_EXTERNAL_H

#include "anom_extractor.h"

/* Normalisation of the rows; nothing else is done to them. */
typedef struct anom_external_plan {
    anom_affine_plan normalisation;
    int32_t n_features; /* 1 to 1024 */
} anom_external_plan;

/* The rows as they came. */
extern const anom_extractor_type anom_external;

#endif
