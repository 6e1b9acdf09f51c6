/* motion: statistics of acceleration, and of rotation beside it, over one window. Each depends on its window only.
 *
 * Lengths reach 56755: they are kept in int16 less OFFSET, which no deviation and no range sees. */
#include "anom_motion.h"

#include "anom_fixed.h"

#define OFFSET 32768

/* Features that are made of the same values. */
#define OF_MAGNITUDE                                                                                            \
    (ANOM_MOTION_MAGNITUDE_MEAN | ANOM_MOTION_MAGNITUDE_DEVIATION | ANOM_MOTION_MAGNITUDE_MIN |                 \
     ANOM_MOTION_MAGNITUDE_MAX | ANOM_MOTION_MAGNITUDE_RANGE | ANOM_MOTION_MEAN_CROSSINGS | OF_SPECTRUM)
#define OF_SPECTRUM (ANOM_MOTION_BAND_ENERGIES | ANOM_MOTION_DOMINANT_FREQUENCY)
#define OF_DYNAMIC (ANOM_MOTION_ODBA | ANOM_MOTION_VEDBA_MEAN | ANOM_MOTION_VEDBA_MAX)
#define OF_AXES (ANOM_MOTION_AXIS_MEAN | ANOM_MOTION_AXIS_DEVIATION | ANOM_MOTION_AXIS_RANGE)
#define OF_JERK (ANOM_MOTION_JERK_MEAN | ANOM_MOTION_JERK_MAX)
#define OF_ROTATION (ANOM_MOTION_ROTATION_MEAN | ANOM_MOTION_ROTATION_DEVIATION | ANOM_MOTION_ROTATION_MAX)

/* Of values in int16. */
typedef struct {
    int32_t sum;
    int32_t min;
    int32_t max;
    uint64_t squares; /* their sum */
} statistics;

static size_t state_bytes(const void *tables)
{
    (void)tables;
    return 0;
}

/* The levels, then a value for each sample. */
static size_t levels_bytes(const anom_motion_plan *plan)
{
    return (size_t)plan->n_features * sizeof(int32_t);
}

static size_t scratch_bytes(const void *tables)
{
    const anom_motion_plan *plan = tables;
    return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 7) & ~(size_t)7;
}

static int32_t absolute(int32_t x)
{
    return x < 0 ? -x : x;
}

/* Of a vector of int16, rounded down. */
static int32_t length(int32_t x, int32_t y, int32_t z)
{
    return (int32_t)anom_floor_sqrt((uint32_t)(x * x) + (uint32_t)(y * y) + (uint32_t)(z * z));
}

static int32_t saturated(int32_t x)
{
    return x < -32767 ? -32767 : x > 32767 ? 32767 : x;
}

static statistics gathered(const int16_t *values, int32_t stride, int32_t n)
{
    statistics found = {0, 32767, -32768, 0};
    for (; n > 0; n--, values += stride) {
        int32_t x = *values;
        found.sum += x;
        found.squares += (uint32_t)(x * x);
        found.min = x < found.min ? x : found.min;
        found.max = x > found.max ? x : found.max;
    }
    return found;
}

static int32_t above_floor(int32_t value, int32_t floor)
{
    return anom_log2_q10((uint32_t)(value + floor));
}

static int32_t mean(const anom_motion_plan *plan, int32_t sum, int32_t floor)
{
    return above_floor(sum, plan->window * floor) - plan->window_log2_q10;
}

/* Half the log2 of the variance, which is exact. */
static int32_t deviation(const anom_motion_plan *plan, const statistics *of, int32_t floor)
{
    uint32_t sum = (uint32_t)absolute(of->sum);
    uint32_t least = (uint32_t)(plan->window * floor);
    uint64_t variance = (uint32_t)plan->window * of->squares - (uint64_t)sum * sum;
    return (anom_log2_wide_q10(variance + (uint64_t)least * least) >> 1) - plan->window_log2_q10;
}

/* Lengths of the vectors at frame, one a sample. */
static statistics lengths(const anom_motion_plan *plan, const int16_t *frame, int16_t *values)
{
    for (int32_t i = 0; i < plan->window; i++, frame += plan->axes)
        values[i] = (int16_t)(length(frame[0], frame[1], frame[2]) - OFFSET);
    return gathered(values, 1, plan->window);
}

/* How often the values cross a band of one floor to either side of their mean. */
static int32_t crossings(const anom_motion_plan *plan, const int16_t *values, int32_t sum)
{
    int32_t dead = plan->window * plan->floor;
    int32_t last = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < plan->window; i++) {
        int32_t away = plan->window * values[i] - sum;
        if (absolute(away) <= dead) continue;
        int32_t side = away < 0 ? -1 : 1;
        n += side == -last;
        last = side;
    }
    return n;
}

static int32_t *magnitude_levels(const anom_motion_plan *plan, const int16_t *frame, int16_t *values, int32_t *level)
{
    uint32_t features = plan->features;
    if (!(features & OF_MAGNITUDE)) return level;
    statistics of = lengths(plan, frame, values);
    int32_t sum = of.sum + plan->window * OFFSET;
    int32_t middle = anom_saturating_rounding_doubling_high_mul(sum, plan->window_q31);
    if (features & ANOM_MOTION_MAGNITUDE_MEAN) *level++ = middle;
    if (features & ANOM_MOTION_MAGNITUDE_DEVIATION) *level++ = deviation(plan, &of, plan->floor);
    if (features & ANOM_MOTION_MAGNITUDE_MIN) *level++ = of.min + OFFSET;
    if (features & ANOM_MOTION_MAGNITUDE_MAX) *level++ = above_floor(of.max + OFFSET, plan->floor);
    if (features & ANOM_MOTION_MAGNITUDE_RANGE) *level++ = above_floor(of.max - of.min, plan->floor);
    if (features & ANOM_MOTION_MEAN_CROSSINGS) *level++ = crossings(plan, values, of.sum);
    if (!(features & OF_SPECTRUM)) return level;
    for (int32_t i = 0; i < plan->window; i++)
        values[i] = (int16_t)saturated(values[i] + OFFSET - middle);
    int32_t *bands = features & ANOM_MOTION_BAND_ENERGIES ? level : NULL;
    int32_t strongest = anom_spectrum_run(&plan->spectrum, values, bands);
    if (bands) level += plan->spectrum.n_bands;
    if (features & ANOM_MOTION_DOMINANT_FREQUENCY) *level++ = strongest;
    return level;
}

static int32_t area(const anom_motion_plan *plan, const int16_t *frame)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < plan->window; i++, frame += plan->axes)
        sum += absolute(frame[0]) + absolute(frame[1]) + absolute(frame[2]);
    return sum;
}

/* Sums of each axis over the samples of the running mean, from frame on. */
static void gravity_sums(const anom_motion_plan *plan, const int16_t *frame, int32_t *sums)
{
    sums[0] = sums[1] = sums[2] = 0;
    for (int32_t i = 0; i < plan->gravity; i++, frame += plan->axes)
        for (int32_t c = 0; c < 3; c++)
            sums[c] += frame[c];
}

/* What is left of a sample without gravity: its length, in values. The sums go on while they lie in the window.
 *   returns  sum of the absolute values */
static int32_t dynamic(const anom_motion_plan *plan, const int16_t *frame, int16_t *values)
{
    int32_t sums[3];
    int32_t total = 0;
    gravity_sums(plan, frame, sums);
    const int16_t *leaves = frame;
    int32_t enters = plan->gravity * plan->axes;
    int32_t half = plan->gravity >> 1;
    for (int32_t i = 0; i < plan->window; i++, frame += plan->axes) {
        int32_t rest[3];
        for (int32_t c = 0; c < 3; c++) {
            int32_t without = plan->gravity * frame[c] - sums[c];
            rest[c] = saturated(anom_saturating_rounding_doubling_high_mul(without, plan->gravity_q31));
            total += absolute(rest[c]);
        }
        values[i] = (int16_t)(length(rest[0], rest[1], rest[2]) - OFFSET);
        if (i < half || i >= plan->window - plan->gravity + half) continue;
        for (int32_t c = 0; c < 3; c++)
            sums[c] += leaves[enters + c] - leaves[c];
        leaves += plan->axes;
    }
    return total;
}

static int32_t *dynamic_levels(const anom_motion_plan *plan, const int16_t *frame, int16_t *values, int32_t *level)
{
    uint32_t features = plan->features;
    if (!(features & OF_DYNAMIC)) return level;
    int32_t sum = dynamic(plan, frame, values);
    statistics of = gathered(values, 1, plan->window);
    if (features & ANOM_MOTION_ODBA) *level++ = mean(plan, sum, plan->floor);
    if (features & ANOM_MOTION_VEDBA_MEAN) *level++ = mean(plan, of.sum + plan->window * OFFSET, plan->floor);
    if (features & ANOM_MOTION_VEDBA_MAX) *level++ = above_floor(of.max + OFFSET, plan->floor);
    return level;
}

/* From gravity at the beginning of the window to that at its end. */
static int32_t posture_change(const anom_motion_plan *plan, const int16_t *frame)
{
    int32_t from[3], to[3];
    gravity_sums(plan, frame, from);
    gravity_sums(plan, frame + (plan->window - plan->gravity) * plan->axes, to);
    for (int32_t c = 0; c < 3; c++)
        to[c] = saturated(anom_saturating_rounding_doubling_high_mul(to[c] - from[c], plan->gravity_q31));
    return above_floor(length(to[0], to[1], to[2]), plan->floor);
}

static int32_t *axis_levels(const anom_motion_plan *plan, const int16_t *frame, int32_t *level)
{
    uint32_t features = plan->features;
    int32_t *at = level;
    if (!(features & OF_AXES)) return level;
    for (int32_t c = 0; c < 3; c++) {
        statistics of = gathered(frame + c, plan->axes, plan->window);
        at = level + c;
        if (features & ANOM_MOTION_AXIS_MEAN) {
            *at = anom_saturating_rounding_doubling_high_mul(of.sum, plan->window_q31);
            at += 3;
        }
        if (features & ANOM_MOTION_AXIS_DEVIATION) {
            *at = deviation(plan, &of, plan->floor);
            at += 3;
        }
        if (features & ANOM_MOTION_AXIS_RANGE) {
            *at = above_floor(of.max - of.min, plan->floor);
            at += 3;
        }
    }
    return at - 2;
}

static int32_t *jerk_levels(const anom_motion_plan *plan, const int16_t *frame, int16_t *values, int32_t *level)
{
    int32_t n = plan->window - 1;
    if (!(plan->features & OF_JERK)) return level;
    for (int32_t i = 0; i < n; i++, frame += plan->axes) {
        const int16_t *next = frame + plan->axes;
        int32_t size = length(saturated(next[0] - frame[0]), saturated(next[1] - frame[1]), saturated(next[2] - frame[2]));
        values[i] = (int16_t)(size - OFFSET);
    }
    statistics of = gathered(values, 1, n);
    if (plan->features & ANOM_MOTION_JERK_MEAN)
        *level++ = above_floor(of.sum + n * OFFSET, n * plan->floor) - plan->jerk_log2_q10;
    if (plan->features & ANOM_MOTION_JERK_MAX) *level++ = above_floor(of.max + OFFSET, plan->floor);
    return level;
}

static int32_t *rotation_levels(const anom_motion_plan *plan, const int16_t *frame, int16_t *values, int32_t *level)
{
    uint32_t features = plan->features;
    int32_t floor = plan->rotation_floor;
    if (features & OF_ROTATION) {
        statistics of = lengths(plan, frame, values);
        if (features & ANOM_MOTION_ROTATION_MEAN) *level++ = mean(plan, of.sum + plan->window * OFFSET, floor);
        if (features & ANOM_MOTION_ROTATION_DEVIATION) *level++ = deviation(plan, &of, floor);
        if (features & ANOM_MOTION_ROTATION_MAX) *level++ = above_floor(of.max + OFFSET, floor);
    }
    if (!(features & ANOM_MOTION_ROTATION_AXIS_DEVIATION)) return level;
    for (int32_t c = 0; c < 3; c++) {
        statistics of = gathered(frame + c, plan->axes, plan->window);
        *level++ = deviation(plan, &of, floor);
    }
    return level;
}

static int32_t levels(const anom_extractor *extractor, const int16_t *frame, int32_t *level)
{
    const anom_motion_plan *plan = extractor->plan->tables;
    int16_t *values = (int16_t *)(void *)((uint8_t *)extractor->scratch + levels_bytes(plan));
    level = magnitude_levels(plan, frame, values, level);
    if (plan->features & ANOM_MOTION_SMA) *level++ = mean(plan, area(plan, frame), plan->floor);
    level = dynamic_levels(plan, frame, values, level);
    if (plan->features & ANOM_MOTION_POSTURE_CHANGE) *level++ = posture_change(plan, frame);
    level = axis_levels(plan, frame, level);
    level = jerk_levels(plan, frame, values, level);
    rotation_levels(plan, frame + 3, values, level);
    return 1;
}

static void restart(const anom_extractor *extractor)
{
    (void)extractor;
}

const anom_extractor_type anom_motion = {state_bytes, scratch_bytes, levels, restart};
