/* Health: technical conditions of the sensor, found in the samples themselves and reported by the device. */
#include "anom_health.h"

#include "anom_fixed.h"
#include "anom_wipe.h"

#define MAX_RUN 65535
#define CHECK_SHIFT 5            /* the factor of the check is 33, as in Bernstein's hash */
#define RATE_PERIOD_MS 60000     /* shortest time over which the rate is measured */
#define ACCELERATION_AXES 3
#define KNOWN_BLOCK 1
#define KNOWN_CLOCK 2
#ifdef __GNUC__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif
#define WARM_UP (1u << ANOM_CONDITION_WARM_UP)
#define IN_EVERY_BLOCK 0x107E /* conditions that every block with enough samples decides, by code */

/* The columns lie behind the struct. */
static anom_health_column *columns_of(anom_health *health)
{
    return (anom_health_column *)(void *)(health + 1);
}

void anom_health_init(anom_health *health, const anom_health_plan *plan)
{
    health->plan = plan;
    anom_health_reset(health);
}

/* Forget the sums of a block. */
static void start_block(anom_health *health)
{
    anom_health_column *column = columns_of(health);
    for (int32_t i = 0; i < health->plan->columns; i++, column++) {
        column->lowest = 32767;
        column->highest = -32768;
        column->sum = 0;
    }
    health->samples = 0;
    health->clipped = 0;
    health->check = 0;
    health->hops = 0;
    health->lost = 0;
}

void anom_health_reset(anom_health *health)
{
    const anom_health_plan *plan = health->plan;
    anom_wipe(health, sizeof *health + (size_t)plan->columns * sizeof(anom_health_column));
    health->plan = plan;
    health->warm_up = (uint32_t)plan->warm_up;
    health->active = (uint16_t)((plan->warm_up > 0) << ANOM_CONDITION_WARM_UP);
    health->reported = health->active;
    start_block(health);
}

/* Conditions of each bit of the health byte. */
static const uint16_t BITS[8] = {0x000E, 0x0010, 0x0020, 0x01C0, 0x0E00, 0x1000, 0x6000, 0x8000};

uint32_t anom_health_byte(const anom_health *health)
{
    uint32_t byte = 0;
    for (int32_t i = 0; i < 8; i++)
        byte |= (uint32_t)((health->active & BITS[i]) != 0) << i;
    return byte;
}

/* Count blocks that speak for or against conditions; the last of enough in a row changes one.
 *   judged   bits by code: conditions with a verdict, of the first nine and ANOM_CONDITION_NOT_WORN
 *   bad      bits by code: the verdict
 *   blocks   1 to 65535 */
static void count(anom_health *health, uint32_t judged, uint32_t bad, uint32_t blocks)
{
    const anom_health_plan *plan = health->plan;
    uint32_t active = health->active;
    uint32_t changing = bad ^ active;
    for (int32_t i = 0; i < ANOM_HEALTH_COUNTED; i++) {
        int32_t code = i < ANOM_HEALTH_COUNTED - 1 ? i + 1 : ANOM_CONDITION_NOT_WORN;
        uint32_t bit = 1u << code;
        if (!(judged & bit)) continue;
        uint32_t n = 0;
        if (changing & bit) {
            uint32_t enough = (active & bit ? plan->clear_blocks : plan->raise_blocks)[code - 1];
            n = health->counts[i] + blocks;
            if (n >= enough) {
                n = 0;
                if (enough > 0) active ^= bit; /* 0: the condition is off */
            }
        }
        health->counts[i] = (uint16_t)n;
    }
    health->active = (uint16_t)active;
}

/* 1: a part of a whole is at least a share of it.
 *   whole    below 2**48 */
static int32_t reaches(uint32_t part, uint32_t share_q16, uint64_t whole)
{
    return (uint64_t)part << 16 >= share_q16 * whole;
}

/* Decide the conditions that the samples of a block show.
 *   judged   bits by code: conditions that have their verdict already
 *   bad      bits by code: their verdict */
static void decide(anom_health *health, uint32_t judged, uint32_t bad)
{
    const anom_health_plan *plan = health->plan;
    anom_health_column *columns = columns_of(health);
    int32_t n = health->samples; /* at least 1 */
    int32_t known = health->known & KNOWN_BLOCK;

    /* Columns: the extremes of what they show; the sums become means, rounded down */
    int32_t shortest_run = MAX_RUN;
    int32_t longest_run = 0;
    int32_t span = 0;    /* largest range, 0 to 65535 */
    int32_t away = 0;    /* largest distance of a mean from its slow mean, 0 to 65535 */
    uint32_t square = 0; /* of the mean vector of the first three columns, up to 3 * 2**30 */
    int32_t axes_span = 0;
    int32_t axes_away = 0;
    int32_t with_mean = plan->raise_blocks[ANOM_CONDITION_STEP - 1] > 0 ? plan->columns : ACCELERATION_AXES;
    if (with_mean > plan->columns) with_mean = plan->columns; /* only these means matter */
    for (int32_t i = 0; i < plan->columns; i++) {
        anom_health_column *column = &columns[i];
        int32_t range = column->highest - column->lowest;
        if (column->run < shortest_run) shortest_run = column->run;
        if (column->run > longest_run) longest_run = column->run;
        if (range > span) span = range;
        if (i >= with_mean) continue;
        int32_t mean = column->sum / n;
        if (mean * n > column->sum) mean--;
        column->sum = mean;
        int32_t distance = known ? mean - (column->mean_q8 >> 8) : 0;
        distance = distance < 0 ? -distance : distance;
        if (distance > away) away = distance;
        if (i >= ACCELERATION_AXES) continue;
        square += (uint32_t)(mean * mean);
        axes_span = span;
        axes_away = away;
    }

    /* Conditions of all sensors, a bit each */
    judged |= IN_EVERY_BLOCK;
    if (shortest_run >= plan->stuck) bad |= 1u << ANOM_CONDITION_STUCK;
    if (span > 0 && span <= plan->flat_range) bad |= 1u << ANOM_CONDITION_FLAT;
    if (span > 0 && known && health->check == health->last_check) bad |= 1u << ANOM_CONDITION_REPEATED;
    uint32_t values = (uint32_t)n * (uint32_t)plan->columns; /* up to 2**26 */
    if (reaches(health->clipped, (uint32_t)plan->clip_share_q16, values)) bad |= 1u << ANOM_CONDITION_CLIPPED;
    if (span < plan->floor_range) bad |= 1u << ANOM_CONDITION_NOISE_FLOOR;
    if (away > plan->step) bad |= 1u << ANOM_CONDITION_STEP;

    /* Dead axis: it shows only while the device moves */
    if (longest_run < plan->dead_axis)
        judged |= 1u << ANOM_CONDITION_DEAD_AXIS;
    else if (axes_span >= plan->dead_axis_range) {
        judged |= 1u << ANOM_CONDITION_DEAD_AXIS;
        bad |= 1u << ANOM_CONDITION_DEAD_AXIS;
    }

    /* At rest: no axis moves by much of the mean vector, or by more than a still device */
    uint64_t moved = (uint64_t)((uint32_t)axes_span * (uint32_t)axes_span) << 16;
    int32_t motionless = axes_span <= plan->still_range;
    int32_t rests = motionless || moved <= (uint64_t)(uint32_t)plan->rest_q16 * square;
    if (rests && axes_span > 0) judged |= 1u << ANOM_CONDITION_GRAVITY; /* a stuck sensor says nothing about gravity */
    if (square < plan->gravity_low || square > plan->gravity_high) bad |= 1u << ANOM_CONDITION_GRAVITY;
    int32_t still = motionless && axes_away <= plan->posture;
    if (still) bad |= 1u << ANOM_CONDITION_NOT_WORN;
    count(health, judged, bad, 1);

    /* Slow means: those of this block at the first one, and where a worn device moved */
    int32_t anchored = known && (still || plan->raise_blocks[ANOM_CONDITION_NOT_WORN - 1] == 0);
    for (int32_t i = 0; i < with_mean; i++) {
        int32_t mean_q8 = columns[i].sum * 256;
        int32_t slow_q8 = anchored ? columns[i].mean_q8 : mean_q8;
        columns[i].mean_q8 = slow_q8 + ((mean_q8 - slow_q8) >> plan->mean_shift);
    }
    health->known |= KNOWN_BLOCK;
    health->last_check = health->check;
}

/* Decide at the end of a block, and start the next one.
 *   lost     hops of the block that were lost */
static void end_hop(anom_health *health, uint32_t lost)
{
    const anom_health_plan *plan = health->plan;
    uint32_t block = (uint32_t)plan->block;
    uint32_t hops = health->hops;
    uint32_t total = anom_saturating_add(lost, hops);
    if (total < block) {
        health->lost = (uint16_t)lost;
        return;
    }
    uint32_t bad = lost > 0 && reaches(lost, (uint32_t)plan->lost_share_q16, (uint64_t)lost + hops);
    bad <<= ANOM_CONDITION_GAP;
    uint32_t judged = 1u << ANOM_CONDITION_GAP;
    int32_t has_samples = 2 * hops >= block;
    if (total >= 2 * block || !has_samples) { /* a gap of blocks counts as them all */
        uint32_t blocks = total / block;
        count(health, judged, bad, blocks < MAX_RUN ? blocks : MAX_RUN);
        judged = 0;
    }
    if (has_samples) decide(health, judged, bad);
    start_block(health);
}

/* Values of a column that are clipped.
 *   at       its first value
 *   n        samples, 1 to 4096 */
static uint32_t clipped_of(const anom_health_plan *plan, const int16_t *at, int32_t n)
{
    uint32_t found = 0;
    for (; n > 0; n--, at += plan->columns)
        found += *at <= plan->clip_low || *at >= plan->clip_high;
    return found;
}

/* What the loop over a column finds in the new samples, beside the column itself. */
typedef struct {
    int32_t n;       /* in: samples, 1 to 4096 */
    int32_t stride;  /* in: values from one sample to the next */
    uint32_t check;  /* in and out */
    int32_t lowest;  /* out */
    int32_t highest; /* out */
} column_sums;

/* Sum up one column. A function of its own, with little else to hold, so that its loop has all registers.
 *   column   its `last` must be a value before the first one
 *   at       its first value */
NOINLINE static void sum_up(anom_health_column *column, column_sums *found, const int16_t *at)
{
    int32_t left = found->n;
    int32_t stride = found->stride;
    uint32_t check = found->check;
    int32_t last = column->last;
    int32_t lowest = 32767;
    int32_t highest = -32768;
    uint32_t sum = (uint32_t)column->sum;
    int32_t changed = 0; /* samples from the last change on; 0: none */
    do {
        int32_t x = *at;
        at += stride;
        if (x != last) changed = left;
        if (x < lowest) lowest = x;
        if (x > highest) highest = x;
        sum += (uint32_t)x;
        check += check << CHECK_SHIFT;
        check += (uint32_t)x;
        last = x;
    } while (--left);
    int32_t run = changed ? changed - 1 : column->run + found->n;
    column->run = (uint16_t)(run < MAX_RUN ? run : MAX_RUN);
    column->last = (int16_t)last;
    column->sum = (int32_t)sum;
    if (lowest < column->lowest) column->lowest = (int16_t)lowest;
    if (highest > column->highest) column->highest = (int16_t)highest;
    found->check = check;
    found->lowest = lowest;
    found->highest = highest;
}

/* Count the warm-up down; while a fault voids ticks it starts again, which is no change to report. */
static void warm(anom_health *health)
{
    if (health->active == 0) return; /* warm-up is over, too */
    if (anom_health_voids_by_fault(health)) {
        uint32_t settle = (uint32_t)health->plan->settle;
        if (health->warm_up < settle) health->warm_up = settle;
    } else if (health->warm_up > 0) {
        health->warm_up--;
    }
    anom_health_report(health, ANOM_CONDITION_WARM_UP, health->warm_up > 0);
    health->reported = (uint16_t)(health->reported | (health->active & WARM_UP));
}

void anom_health_look(anom_health *health, const int16_t *samples, int32_t n)
{
    const anom_health_plan *plan = health->plan;
    anom_health_column *column = columns_of(health);

    /* Column by column */
    int32_t shortest_run = MAX_RUN;
    column_sums found = {.n = n, .stride = plan->columns, .check = health->check};
    for (int32_t i = 0; i < plan->columns; i++, column++) {
        if (!health->seen) column->last = (int16_t)~samples[i];
        sum_up(column, &found, samples + i);
        if (found.lowest <= plan->clip_low || found.highest >= plan->clip_high)
            health->clipped += clipped_of(plan, samples + i, n);
        if (column->run < shortest_run) shortest_run = column->run;
    }
    health->check = found.check;
    health->seen = 1;
    health->samples = (uint16_t)(health->samples + n);
    health->hops = (uint16_t)(health->hops + 1);
    if (shortest_run >= plan->stuck && plan->raise_blocks[ANOM_CONDITION_STUCK - 1] > 0)
        anom_health_report(health, ANOM_CONDITION_STUCK, 1);

    /* A sample has come: none is missing */
    health->missing_ms = 0;
    anom_health_report(health, ANOM_CONDITION_MISSING, 0);
    end_hop(health, health->lost);
    warm(health);
}

void anom_health_gap(anom_health *health, uint32_t lost)
{
    end_hop(health, anom_saturating_add(lost, health->lost));
}

void anom_health_missing(anom_health *health, uint32_t ms)
{
    uint32_t limit = (uint32_t)health->plan->missing_ms;
    uint64_t total = (uint64_t)health->missing_ms + ms;
    if (limit > 0 && total >= limit) anom_health_report(health, ANOM_CONDITION_MISSING, 1);
    health->missing_ms = (uint32_t)total; /* 2**32 ms are a whole number of samples, so that time goes on */
}

/* Samples in milliseconds, below 2**44.
 *   ms       below 3 * 2**31 */
static uint64_t expected(const anom_health *health, uint64_t ms)
{
    return ms * (uint32_t)health->plan->samples_per_ms_q20 >> 20;
}

uint32_t anom_health_samples_in(const anom_health *health, uint32_t ms)
{
    uint32_t before = health->missing_ms;
    uint64_t samples = expected(health, (uint64_t)before + ms) - expected(health, before);
    return samples < INT32_MAX ? (uint32_t)samples : INT32_MAX;
}

void anom_health_clock(anom_health *health, uint32_t ms, uint32_t samples)
{
    uint32_t elapsed = ms - health->clock_ms;
    if (health->known & KNOWN_CLOCK) {
        if (elapsed < RATE_PERIOD_MS) return;
        uint64_t wanted = expected(health, elapsed);
        uint32_t off = samples - health->clock_samples - (uint32_t)wanted; /* counts wrap, small differences do not */
        if (off > INT32_MAX) off = 0u - off;
        if (off > 0) off--; /* readings fall anywhere between two samples */
        uint32_t tolerance_q16 = (uint32_t)health->plan->rate_tolerance_q16;
        int32_t bad = tolerance_q16 > 0 && (uint64_t)off << 16 > tolerance_q16 * wanted;
        anom_health_report(health, ANOM_CONDITION_RATE, bad);
    }
    health->clock_ms = ms;
    health->clock_samples = samples;
    health->known |= KNOWN_CLOCK;
}

const anom_health_type anom_health_functions = {
    anom_health_reset,   anom_health_byte,       anom_health_look, anom_health_gap,
    anom_health_missing, anom_health_samples_in, anom_health_clock,
};
