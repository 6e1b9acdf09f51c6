/* motion: statistics of acceleration, and of rotation beside it, over one window. Each depends on its window only.
 *
 * What several features are made of is gathered once: features of one source stand together. */
#include "anom_motion.h"

#include "anom_fixed.h"
#include "anom_wipe.h"

#define OFFSET 32768 /* less this, lengths up to 56754 are kept in int16 */

/* Series of values that features are made of: one, or one for each of three axes. */
enum { NOTHING, MAGNITUDE, DYNAMIC, POSTURE, AXES, JERK, ROTATION, ROTATION_AXES };

/* Figure that a feature takes from a series. */
enum { MEAN, LOG_MEAN, LOG_DEVIATION, MIN, LOG_MAX, LOG_RANGE, LOG_AREA, CROSSINGS, BANDS, STRONGEST, ANGLE };

typedef struct {
    uint8_t source;
    uint8_t taken;
} feature;

/* In the order of their bits. */
static const feature FEATURES[] = {
    {MAGNITUDE, MEAN},
    {MAGNITUDE, LOG_DEVIATION},
    {MAGNITUDE, MIN},
    {MAGNITUDE, LOG_MAX},
    {MAGNITUDE, LOG_RANGE},
    {MAGNITUDE, LOG_AREA},
    {MAGNITUDE, CROSSINGS},
    {MAGNITUDE, BANDS},
    {MAGNITUDE, STRONGEST},
    {DYNAMIC, LOG_AREA},
    {DYNAMIC, LOG_MEAN},
    {DYNAMIC, LOG_MAX},
    {POSTURE, ANGLE},
    {AXES, MEAN},
    {AXES, LOG_DEVIATION},
    {AXES, LOG_RANGE},
    {JERK, LOG_MEAN},
    {JERK, LOG_MAX},
    {ROTATION, LOG_MEAN},
    {ROTATION, LOG_DEVIATION},
    {ROTATION, LOG_MAX},
    {ROTATION_AXES, LOG_DEVIATION},
};
#define N_FEATURES (int32_t)(sizeof FEATURES / sizeof FEATURES[0])

typedef struct {
    int32_t sum;
    int32_t min;
    int32_t max;
    uint64_t squares; /* their sum */
} statistics;

typedef struct {
    const int16_t *values; /* less offset, stride apart */
    int32_t stride;
    int32_t offset;
    int32_t n;
    int32_t width;     /* 1, or 3 axes */
    int32_t floor;     /* counts that are none */
    int32_t log2_q10;  /* of n */
    int32_t area;      /* sum of the absolute values of all axes */
    int32_t strongest; /* bin of the spectrum, -1: not computed */
    statistics of[3];
} series;

static size_t motion_state_bytes(const void *tables)
{
    (void)tables;
    return 0;
}

/* Bytes of the levels: those of a frame, and room for band energies that no feature selects. */
static size_t levels_bytes(const anom_motion_plan *plan)
{
    return (size_t)(plan->n_features + plan->spectrum.n_bands) * sizeof(int32_t);
}

/* Bytes of the levels and, after them, of a series of one value for each sample. */
static size_t motion_scratch_bytes(const void *tables)
{
    const anom_motion_plan *plan = tables;
    return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 7) & ~(size_t)7;
}

/* |x|.
 *   x        above -2**31 */
static int32_t absolute(int32_t x)
{
    return x < 0 ? -x : x;
}

/* |x|, or 32767 where that is less.
 *   x        above -2**31 */
static int32_t limited(int32_t x)
{
    x = absolute(x);
    return x < 32767 ? x : 32767;
}

/* Length of a vector whose parts are saturated, rounded down, less OFFSET: -32768 to 23986.
 *   x, y, z  above -2**31
 *   area     sum of absolute values, which those of the parts are added to: a window adds at most 2**27 */
static int16_t length(int32_t x, int32_t y, int32_t z, int32_t *area)
{
    x = limited(x);
    y = limited(y);
    z = limited(z);
    *area += x + y + z;
    return (int16_t)((int32_t)anom_floor_sqrt((uint32_t)(x * x) + (uint32_t)(y * y) + (uint32_t)(z * z)) - OFFSET);
}

/* Lengths of differences of vectors, as `length` gives them. Returns the sum of the absolute values of all parts.
 *   frame    n vectors, `stride` values apart
 *   n        3 to 1024
 *   less     n vectors, `step` values apart; 0: one vector for all
 *   values   n values */
static int32_t lengths(const int16_t *frame, int32_t stride, int32_t n, const int16_t *less, int32_t step,
                       int16_t *values)
{
    int32_t area = 0;
    for (int32_t i = 0; i < n; i++, frame += stride, less += step)
        values[i] = length(frame[0] - less[0], frame[1] - less[1], frame[2] - less[2], &area);
    return area;
}

/* Sum of each axis over the first samples of a frame, as many as the running mean takes.
 *   sums     at most 2**25 in magnitude */
static void gravity(const anom_motion_plan *plan, const int16_t *frame, int32_t sums[3])
{
    for (int32_t c = 0; c < 3; c++)
        sums[c] = 0;
    for (int32_t i = 0; i < plan->gravity; i++, frame += plan->axes)
        for (int32_t c = 0; c < 3; c++)
            sums[c] += frame[c];
}

/* Lengths of the samples without gravity, as `length` gives them. Returns the sum of the absolute values of all parts.
 *
 * The running mean stays that of the first samples up to its middle. Then it moves with the samples, until its end is
 * that of the window.
 *   values   a value for each sample of the window */
static int32_t without_gravity(const anom_motion_plan *plan, const int16_t *frame, int16_t *values)
{
    int32_t area = 0;
    int32_t sums[3];
    gravity(plan, frame, sums);
    const int16_t *leaves = frame;
    int32_t ahead = plan->gravity * plan->axes;
    int32_t moves = plan->gravity >> 1;
    for (int32_t i = 0; i < plan->window; i++, frame += plan->axes) {
        int32_t rest[3];
        for (int32_t c = 0; c < 3; c++)
            rest[c] = anom_saturating_rounding_doubling_high_mul(plan->gravity * frame[c] - sums[c], plan->gravity_q31);
        values[i] = length(rest[0], rest[1], rest[2], &area);
        if (i < moves || i >= moves + plan->window - plan->gravity) continue;
        for (int32_t c = 0; c < 3; c++)
            sums[c] += leaves[ahead + c] - leaves[c];
        leaves += plan->axes;
    }
    return area;
}

/* Sum, least, largest and squares of a series or of one of its axes.
 *   values   n values, -32768 to 32767; with the offset they are at most 56754 in magnitude, so that sums of 1024 are
 *            below 2**26 and sums of their squares below 2**42 */
static void gather_statistics(const series *of, const int16_t *values, statistics *found)
{
    int32_t sum = 0;
    int32_t min = INT32_MAX;
    int32_t max = INT32_MIN;
    uint64_t squares = 0;
    int32_t stride = of->stride;
    int32_t offset = of->offset;
    for (int32_t n = of->n; n > 0; n--, values += stride) {
        int32_t x = *values + offset;
        sum += x;
        squares += (uint32_t)x * (uint32_t)x;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    found->sum = sum;
    found->min = min;
    found->max = max;
    found->squares = squares;
}

/* The series of a source, and its statistics.
 *   source   MAGNITUDE, DYNAMIC, AXES, JERK, ROTATION or ROTATION_AXES
 *   values   room for a value for each sample, which a series of lengths takes */
static void prepare_series(const anom_motion_plan *plan, int32_t source, const int16_t *frame, int16_t *values,
                           series *made)
{
    static const int16_t nothing[3] = {0, 0, 0};
    int32_t axes = plan->axes;
    int32_t n = plan->window;
    made->floor = plan->floor;
    made->log2_q10 = plan->window_log2_q10;
    if (source >= ROTATION) {
        made->floor = plan->rotation_floor;
        frame += 3;
    }
    made->values = values;
    made->stride = 1;
    made->offset = OFFSET;
    made->width = 1;
    made->strongest = -1;
    if (source == AXES || source == ROTATION_AXES) {
        made->values = frame;
        made->stride = axes;
        made->offset = 0;
        made->width = 3;
    } else if (source == DYNAMIC) {
        made->area = without_gravity(plan, frame, values);
    } else {
        const int16_t *less = nothing;
        int32_t step = 0;
        if (source == JERK) {
            less = frame;
            step = axes;
            frame += axes;
            n -= 1;
            made->log2_q10 = plan->jerk_log2_q10;
        }
        made->area = lengths(frame, axes, n, less, step, values);
    }
    made->n = n;
    for (int32_t c = 0; c < made->width; c++)
        gather_statistics(made, made->values + c, &made->of[c]);
}

/* Number of times that the values cross a band of one floor to either side of their mean, 0 to n - 1.
 *   of       a series of one value a sample: n times a value is at most 2**26 in magnitude */
static int32_t crossings(const series *of)
{
    int32_t middle = of->of[0].sum - of->n * OFFSET;
    int32_t last = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < of->n; i++) {
        int32_t away = of->n * of->values[i] - middle;
        if (absolute(away) <= of->n * of->floor) continue;
        n += (away ^ last) < 0 && last != 0;
        last = away;
    }
    return n;
}

/* Scale a vector, in place, so that its largest part has 14 bits; a vector of zeros stays as it is.
 *   vector   at most 2**25 in magnitude */
static void normalised(int32_t vector[3])
{
    uint32_t largest = 0;
    for (int32_t c = 0; c < 3; c++) {
        uint32_t size = (uint32_t)absolute(vector[c]);
        largest = size > largest ? size : largest;
    }
    int32_t bits = anom_bit_length(largest) - 14;
    for (int32_t c = 0; c < 3; c++)
        vector[c] = bits > 0 ? vector[c] >> bits : vector[c] * (1 << -bits);
}

/* Angle between gravity at the beginning and at the end of a window, radians in q12, 0 to 12868. */
static int32_t posture_change(const anom_motion_plan *plan, const int16_t *frame)
{
    int32_t before[3];
    int32_t after[3];
    int32_t area = 0;
    gravity(plan, frame, before);
    gravity(plan, frame + (plan->window - plan->gravity) * plan->axes, after);
    normalised(before);
    normalised(after);
    int32_t x = (before[1] * after[2] - before[2] * after[1]) >> 14;
    int32_t y = (before[2] * after[0] - before[0] * after[2]) >> 14;
    int32_t z = (before[0] * after[1] - before[1] * after[0]) >> 14;
    int32_t along = (before[0] * after[0] + before[1] * after[1] + before[2] * after[2]) >> 14;
    return anom_angle_q12(along, length(x, y, z, &area) + OFFSET);
}

/* x, limited to -32767 to 32767. */
static int32_t saturated(int32_t x)
{
    return x < -32767 ? -32767 : x > 32767 ? 32767 : x;
}

/* Mean of a window, rounded to the nearest.
 *   sum      of as many values as a window has samples, below 2**26 in magnitude */
static int32_t mean(const anom_motion_plan *plan, int32_t sum)
{
    return anom_saturating_rounding_doubling_high_mul(sum, plan->window_q31);
}

/* Spectrum of the magnitude about its mean. Returns the bin with most energy, 0: none exceeds the floor.
 *   values   magnitudes less OFFSET; overwritten
 *   bands    n_bands levels */
static int32_t spectrum(const anom_motion_plan *plan, const series *of, int16_t *values, int32_t *bands)
{
    int32_t middle = mean(plan, of->of[0].sum);
    for (int32_t i = 0; i < plan->window; i++)
        values[i] = (int16_t)saturated(values[i] + OFFSET - middle);
    return plan->transform(&plan->spectrum, values, bands);
}

/* log2 of a value with the floor of its series added, in q10.
 *   value    0 to 2**27
 *   n        values that it is the sum of, 1 to 1024 */
static int32_t above_floor(const series *of, int32_t value, int32_t n)
{
    return anom_log2_q10((uint32_t)(value + n * of->floor));
}

/* Half the log2 of the variance, in q10. The variance itself is exact: n times the squares, less the square of the sum,
 * is below 2**52. */
static int32_t deviation(const series *of, const statistics *found)
{
    uint32_t n = (uint32_t)of->n;
    uint32_t sum = (uint32_t)absolute(found->sum);
    uint32_t floor = n * (uint32_t)of->floor;
    uint64_t variance = n * found->squares - (uint64_t)sum * sum;
    return (anom_log2_wide_q10(variance + (uint64_t)floor * floor) >> 1) - of->log2_q10;
}

/* Level of one feature of a series.
 *   what     MEAN to STRONGEST; neither BANDS nor ANGLE, which have functions of their own
 *   found    statistics of the series, or of one of its axes */
static int32_t taken(const anom_motion_plan *plan, int32_t what, const series *of, const statistics *found)
{
    switch (what) {
    case MEAN: return mean(plan, found->sum);
    case LOG_MEAN: return above_floor(of, found->sum, of->n) - of->log2_q10;
    case LOG_AREA: return above_floor(of, of->area, of->n) - of->log2_q10;
    case LOG_DEVIATION: return deviation(of, found);
    case MIN: return found->min;
    case LOG_MAX: return above_floor(of, found->max, 1);
    case LOG_RANGE: return above_floor(of, found->max - found->min, 1);
    case CROSSINGS: return crossings(of);
    default: return of->strongest;
    }
}

static int32_t motion_levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    const anom_motion_plan *plan = extractor->plan->tables;
    int16_t *values = (int16_t *)(void *)((uint8_t *)extractor->scratch + levels_bytes(plan));
    int32_t source = NOTHING;
    series of = {.width = 0};
    for (int32_t i = 0; i < N_FEATURES; i++) {
        if (!(plan->features >> i & 1)) continue;
        int32_t what = FEATURES[i].taken;
        if (what == ANGLE) {
            *level++ = posture_change(plan, frame);
            continue;
        }
        if (FEATURES[i].source != source) {
            source = FEATURES[i].source;
            prepare_series(plan, source, frame, values, &of);
        }
        if (what >= BANDS && of.strongest < 0) of.strongest = spectrum(plan, &of, values, level);
        if (what == BANDS) {
            level += plan->spectrum.n_bands;
            continue;
        }
        for (int32_t c = 0; c < of.width; c++)
            *level++ = taken(plan, what, &of, &of.of[c]);
    }
    return 1;
}

static void motion_restart(const anom_extractor *extractor)
{
    (void)extractor;
}

const anom_extractor_type anom_motion = {motion_state_bytes, motion_scratch_bytes, motion_levels, motion_restart,
                                         anom_wipe_stack_motion};
