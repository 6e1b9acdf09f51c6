/* Health: technical conditions of the sensor, found in the samples themselves and reported by the device. */
#ifndef ANOM_HEALTH_H
#define ANOM_HEALTH_H

#include <stddef.h>
#include <stdint.h>

#include "anom_event.h"

#define ANOM_HEALTH_COUNTED 10 /* conditions that blocks decide: the first nine, and not worn */

typedef struct anom_health anom_health;
typedef struct anom_health_type anom_health_type;

/* Limits of the technical conditions. Levels and ranges are counts of int16. */
typedef struct anom_health_plan {
    int32_t block;                /* hops: a block is 1 to 65535 samples */
    int32_t stuck;                /* samples in a row without a change, in every column: 0 to 65535 */
    int32_t flat_range;           /* largest range of a column */
    int32_t clip_low;             /* a value at or below it is clipped */
    int32_t clip_high;            /* a value at or above it is clipped; above clip_low */
    int32_t clip_share_q16;       /* share of the values of a block */
    int32_t floor_range;          /* smallest range of a column that is no fault */
    int32_t step;                 /* largest distance of a column's mean from its slow mean */
    int32_t dead_axis;            /* samples in a row without a change, in one column while the device moves */
    int32_t dead_axis_range;      /* largest range of the acceleration axes from which the device moves */
    int32_t rest_q16;             /* square of the largest range over the mean vector at which the device rests */
    uint32_t gravity_low;         /* square of the mean vector at rest, smallest */
    uint32_t gravity_high;        /* square of the mean vector at rest, largest */
    int32_t still_range;          /* largest range of an axis that is not worn */
    int32_t posture;              /* largest distance of an axis' mean from its slow mean, when not worn */
    int32_t mean_shift;           /* the slow mean moves by 2**-mean_shift of its distance each still block, 0 to 15 */
    int32_t lost_share_q16;       /* share of the hops of a block */
    int32_t missing_ms;           /* milliseconds without a sample */
    int32_t rate_tolerance_q16;   /* share of the samples that the caller's clock expects; 0: off */
    int32_t samples_per_ms_q20;   /* 0 to 2**31 - 1 */
    int32_t warm_up;              /* hops after the start without a judged tick */
    int32_t settle;               /* hops after a condition that voids ticks, again without a judged tick */
    int32_t not_worn_voids;       /* 1: no tick is judged while the device is not worn */
    const uint16_t *raise_blocks; /* 15 values, by condition: bad blocks that make it active; 0: off */
    const uint16_t *clear_blocks; /* 15 values, by condition: good blocks that make it inactive */
    const anom_health_type *type; /* functions, which only programs with such a plan hold */
    int32_t columns;              /* values in a sample */
} anom_health_plan;

/* Sums of one column over the new samples of a block. The run, the last value and the slow mean outlive it. */
typedef struct anom_health_column {
    int16_t last;
    int16_t lowest;
    int16_t highest;
    uint16_t run;    /* samples in a row equal to the one before, 0 to 65535 */
    int32_t sum;     /* at most 65535 values of int16 */
    int32_t mean_q8; /* slow mean */
} anom_health_column;

struct anom_health {
    const anom_health_plan *plan;
    uint32_t clipped;    /* values of the block */
    uint32_t check;      /* of the block so far */
    uint32_t last_check; /* of the block before */
    uint32_t warm_up;    /* hops that are left */
    uint32_t missing_ms; /* since the last hop */
    uint32_t clock_ms;   /* the caller's clock at its last reading */
    uint32_t clock_samples;
    uint16_t samples; /* of the block */
    uint16_t hops;    /* of the block */
    uint16_t lost;    /* hops of the block, below its length */
    uint16_t active;   /* bit `code` of each active condition */
    uint16_t reported; /* bits that the receiver knows */
    uint16_t counts[ANOM_HEALTH_COUNTED]; /* blocks in a row that speak for a change */
    uint8_t seen;  /* 1: a sample has come, `last` is one */
    uint8_t known; /* bit 0: there is a slow mean and the check of a block before; bit 1: a reading of the clock */
    /* columns follow */
};

/* Functions of health. A program holds them only where a plan names them. */
struct anom_health_type {
    void (*reset)(anom_health *health);
    uint32_t (*byte)(const anom_health *health);
    void (*look)(anom_health *health, const int16_t *samples, int32_t n);
    void (*gap)(anom_health *health, uint32_t lost);
    void (*missing)(anom_health *health, uint32_t ms);
    uint32_t (*samples_in)(const anom_health *health, uint32_t ms);
    void (*clock)(anom_health *health, uint32_t ms, uint32_t samples);
};

extern const anom_health_type anom_health_functions;

/* Begin, with room for the columns behind the struct. */
void anom_health_init(anom_health *health, const anom_health_plan *plan);

/* Forget the samples and all conditions; warm-up starts again. */
void anom_health_reset(anom_health *health);

/* Health byte: the bits of all active conditions. */
uint32_t anom_health_byte(const anom_health *health);

/* Active conditions that void ticks, those of the bits 0, 1, 3 and 6 of the health byte: bits by code. */
static inline uint32_t anom_health_voiding(const anom_health *health)
{
    uint32_t voiding = 0x61DE | (uint32_t)health->plan->not_worn_voids << ANOM_CONDITION_NOT_WORN;
    return health->active & voiding;
}

/* 1: no tick is judged now. */
static inline int32_t anom_health_voids(const anom_health *health)
{
    return anom_health_voiding(health) != 0;
}

/* 1: a condition other than warm-up voids ticks. */
static inline int32_t anom_health_voids_by_fault(const anom_health *health)
{
    return (anom_health_voiding(health) & ~(1u << ANOM_CONDITION_WARM_UP)) != 0;
}

/* 1: a condition other than warm-up is active. */
static inline int32_t anom_health_is_faulty(const anom_health *health)
{
    return (health->active & ~(1u << ANOM_CONDITION_WARM_UP)) != 0;
}

/* Take the new samples of one hop.
 *   samples  n samples of `columns` values
 *   n        1 to 4096 */
void anom_health_look(anom_health *health, const int16_t *samples, int32_t n);

/* Take note that hops were lost. */
void anom_health_gap(anom_health *health, uint32_t lost);

/* Take note that no sample came for more milliseconds. */
void anom_health_missing(anom_health *health, uint32_t ms);

/* Samples that `ms` more milliseconds without a sample stand for, 0 to 2**31 - 1. */
uint32_t anom_health_samples_in(const anom_health *health, uint32_t ms);

/* Compare the rate of the samples with the caller's clock, once 60 s have passed.
 *   ms       the caller's clock, modulo 2**32
 *   samples  samples so far, modulo 2**32 */
void anom_health_clock(anom_health *health, uint32_t ms, uint32_t samples);

/* Take a condition that the device itself reports.
 *   condition ANOM_CONDITION_SELF_TEST or ANOM_CONDITION_SUPPLY */
static inline void anom_health_report(anom_health *health, int32_t condition, int32_t active)
{
    health->active = (uint16_t)((health->active & ~(1u << condition)) | (uint32_t)active << condition);
}

/* Take the next condition that has changed, the lowest code first; 0: none. Its bit of `active` says how. */
static inline int32_t anom_health_change(anom_health *health)
{
    uint32_t different = (uint32_t)health->active ^ health->reported;
    if (different == 0) return 0;
    int32_t code = 1;
    while (!(different >> code & 1))
        code++;
    health->reported = (uint16_t)(health->reported ^ 1u << code);
    return code;
}

#endif
