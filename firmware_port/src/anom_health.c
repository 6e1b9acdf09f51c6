/* Health: technical conditions of the sensor, found in the samples themselves and reported by the device. */
#include "anom_health.h"

#include "anom_assumptions.h"
#include "anom_wipe.h"

#define MAX_RUN 65535
#define CHECK_FACTOR 0x01000193u /* prime of 32-bit FNV (Fowler, Noll, Vo) */
#define RATE_PERIOD_MS 60000     /* shortest time over which the rate is measured */
#define AXES 3
#define KNOWN_BLOCK 1
#define KNOWN_CLOCK 2

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

/* Count blocks that speak for or against a condition; the last of enough in a row changes it.
 *   condition one of the first nine, or ANOM_CONDITION_NOT_WORN
 *   bad      0 or 1
 *   blocks   at least 1 */
static void count(anom_health *health, int32_t condition, int32_t bad, uint32_t blocks)
{
    uint32_t enough = health->plan->raise_blocks[condition - 1];
    uint16_t *counted = &health->counts[(condition < ANOM_HEALTH_COUNTED ? condition : ANOM_HEALTH_COUNTED) - 1];
    int32_t active = health->active >> condition & 1;
    if (enough == 0) return;
    if (active) enough = health->plan->clear_blocks[condition - 1];
    uint32_t n = bad == active ? 0 : *counted + (blocks < MAX_RUN ? blocks : MAX_RUN);
    if (n >= enough) {
        n = 0;
        anom_health_report(health, condition, bad);
    }
    *counted = (uint16_t)n;
}

/* 1: no column has changed for long. */
static int32_t is_stuck(anom_health *health)
{
    const anom_health_plan *plan = health->plan;
    const anom_health_column *column = columns_of(health);
    if (plan->raise_blocks[ANOM_CONDITION_STUCK - 1] == 0) return 0;
    for (int32_t i = 0; i < plan->columns; i++)
        if (column[i].run < plan->stuck) return 0;
    return 1;
}

/* Largest ranges and distances of the columns of a block, and what only the acceleration axes show. */
typedef struct {
    int32_t span;      /* largest range, 0 to 65535 */
    int32_t away;      /* largest distance of a mean from its slow mean, 0 to 65535 */
    int32_t axes_span; /* the same of the first three columns */
    int32_t axes_away;
    uint32_t square; /* of the mean vector of the first three columns, up to 3 * 2**30 */
    int32_t longest_run;
} extremes;

/* Mean of a column over the block, rounded down.
 *   n        samples, 1 to 65535 */
static int32_t mean_of(const anom_health_column *column, int32_t n)
{
    return column->sum / n - (column->sum % n < 0);
}

static extremes extremes_of(anom_health *health)
{
    const anom_health_column *column = columns_of(health);
    extremes found = {0};
    for (int32_t i = 0; i < health->plan->columns; i++, column++) {
        int32_t mean = mean_of(column, health->samples);
        int32_t slow = health->known & KNOWN_BLOCK ? column->mean_q8 >> 8 : mean;
        int32_t distance = mean > slow ? mean - slow : slow - mean;
        int32_t range = column->highest - column->lowest;
        if (column->run > found.longest_run) found.longest_run = column->run;
        if (range > found.span) found.span = range;
        if (distance > found.away) found.away = distance;
        if (i < AXES) {
            found.square += (uint32_t)(mean * mean);
            found.axes_span = found.span;
            found.axes_away = found.away;
        }
    }
    return found;
}

/* Move the slow means.
 *   anchored 1: by a part of their distance, 0: to the means of this block */
static void follow(anom_health *health, int32_t anchored)
{
    anom_health_column *column = columns_of(health);
    for (int32_t i = 0; i < health->plan->columns; i++, column++) {
        int32_t mean_q8 = mean_of(column, health->samples) * 256;
        column->mean_q8 = anchored ? column->mean_q8 + ((mean_q8 - column->mean_q8) >> health->plan->mean_shift) : mean_q8;
    }
}

/* Decide the conditions that the samples of a block show. */
static void decide(anom_health *health)
{
    const anom_health_plan *plan = health->plan;
    int32_t known = health->known & KNOWN_BLOCK;
    extremes of = extremes_of(health);

    /* Conditions of all sensors, in the order of their codes */
    int32_t same = known && health->check == health->last_check;
    uint64_t values = (uint64_t)((uint32_t)health->samples * (uint32_t)plan->columns); /* up to 2**26 */
    count(health, ANOM_CONDITION_STUCK, is_stuck(health), 1);
    count(health, ANOM_CONDITION_FLAT, of.span <= plan->flat_range && of.span > 0, 1);
    count(health, ANOM_CONDITION_REPEATED, same && of.span > 0, 1);
    count(health, ANOM_CONDITION_CLIPPED,
          (uint64_t)health->clipped << 16 >= (uint32_t)plan->clip_share_q16 * values, 1);
    count(health, ANOM_CONDITION_NOISE_FLOOR, of.span < plan->floor_range, 1);
    count(health, ANOM_CONDITION_STEP, of.away > plan->step, 1);

    /* Dead axis: it shows only while the device moves */
    int32_t dead = of.longest_run >= plan->dead_axis;
    if (!dead || of.axes_span >= plan->dead_axis_range) count(health, ANOM_CONDITION_DEAD_AXIS, dead, 1);

    /* At rest: no axis moves by much of the mean vector */
    uint64_t reach = (uint64_t)(uint32_t)plan->rest_q16 * of.square; /* below 2**48 */
    if ((uint64_t)((uint32_t)of.axes_span * (uint32_t)of.axes_span) << 16 <= reach)
        count(health, ANOM_CONDITION_GRAVITY, of.square < plan->gravity_low || of.square > plan->gravity_high, 1);
    int32_t still = of.axes_span <= plan->still_range && of.axes_away <= plan->posture;
    count(health, ANOM_CONDITION_NOT_WORN, still, 1);
    follow(health, known && (still || plan->raise_blocks[ANOM_CONDITION_NOT_WORN - 1] == 0));
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
    uint32_t total = lost + hops < lost ? UINT32_MAX : lost + hops;
    if (total < block) {
        health->lost = (uint16_t)lost;
        return;
    }
    int32_t bad = lost > 0 && (uint64_t)lost << 16 >= (uint32_t)plan->lost_share_q16 * ((uint64_t)lost + hops);
    count(health, ANOM_CONDITION_GAP, bad, total / block);
    if (2 * hops >= block) decide(health);
    start_block(health);
}

/* Sum up one column.
 *   at       its first value
 *   n        samples, 1 to 4096 */
static void look_at(anom_health *health, anom_health_column *column, const int16_t *at, int32_t n)
{
    const anom_health_plan *plan = health->plan;
    int32_t stride = plan->columns;
    int32_t whole = plan->clip_low + 1; /* lowest value that is not clipped, and how many there are from it on */
    uint32_t wholes = plan->clip_high > whole ? (uint32_t)(plan->clip_high - whole) : 0;
    int32_t last = health->seen ? column->last : ~*at;
    int32_t lowest = column->lowest;
    int32_t highest = column->highest;
    int32_t sum = column->sum;
    int32_t run = column->run + n; /* unless a value changes */
    uint32_t clipped = health->clipped;
    do {
        int32_t x = *at;
        at += stride;
        n--;
        if (x != last) {
            last = x;
            run = n;
        }
        if (x < lowest) lowest = x;
        if (x > highest) highest = x;
        sum += x;
        clipped += (uint32_t)(x - whole) >= wholes;
    } while (n > 0);
    column->last = (int16_t)last;
    column->lowest = (int16_t)lowest;
    column->highest = (int16_t)highest;
    column->sum = sum;
    column->run = (uint16_t)(run < MAX_RUN ? run : MAX_RUN);
    health->clipped = clipped;
}

void anom_health_look(anom_health *health, const int16_t *samples, int32_t n)
{
    int32_t columns = health->plan->columns;
    anom_health_column *column = columns_of(health);

    /* Column by column, and the check over all values in their order */
    for (int32_t i = 0; i < columns; i++)
        look_at(health, column + i, samples + i, n);
    uint32_t check = health->check;
    for (int32_t left = n * columns; left > 0; left--)
        check = check * CHECK_FACTOR + (uint16_t)*samples++;
    health->check = check;
    health->seen = 1;
    health->samples = (uint16_t)(health->samples + n);
    health->hops = (uint16_t)(health->hops + 1);
    if (is_stuck(health)) anom_health_report(health, ANOM_CONDITION_STUCK, 1);

    /* A sample has come: none is missing, and warm-up goes on */
    health->missing_ms = 0;
    anom_health_report(health, ANOM_CONDITION_MISSING, 0);
    if (health->warm_up > 0) {
        health->warm_up--;
        anom_health_report(health, ANOM_CONDITION_WARM_UP, health->warm_up > 0);
    }
    end_hop(health, health->lost);
}

void anom_health_gap(anom_health *health, uint32_t lost)
{
    uint32_t total = health->lost + lost;
    end_hop(health, total < lost ? UINT32_MAX : total);
}

/* Milliseconds without a sample, with more of them, up to 2**32 - 1. */
static uint32_t missing_with(const anom_health *health, uint32_t ms)
{
    uint32_t total = health->missing_ms + ms;
    return total < ms ? UINT32_MAX : total;
}

void anom_health_missing(anom_health *health, uint32_t ms)
{
    uint32_t limit = (uint32_t)health->plan->missing_ms;
    health->missing_ms = missing_with(health, ms);
    if (limit > 0 && health->missing_ms >= limit) anom_health_report(health, ANOM_CONDITION_MISSING, 1);
}

/* Samples in so many milliseconds, below 2**43. */
static uint64_t expected(const anom_health *health, uint32_t ms)
{
    return (uint64_t)ms * (uint32_t)health->plan->samples_per_ms_q20 >> 20;
}

uint32_t anom_health_samples_in(const anom_health *health, uint32_t ms)
{
    uint64_t samples = expected(health, missing_with(health, ms)) - expected(health, health->missing_ms);
    return samples < INT32_MAX ? (uint32_t)samples : INT32_MAX;
}

void anom_health_clock(anom_health *health, uint32_t ms, uint32_t samples)
{
    uint32_t elapsed = ms - health->clock_ms;
    if (health->known & KNOWN_CLOCK) {
        if (elapsed < RATE_PERIOD_MS) return;
        uint64_t wanted = expected(health, elapsed);
        uint64_t found = samples - health->clock_samples;
        uint64_t off = found > wanted ? found - wanted : wanted - found;
        uint32_t tolerance_q16 = (uint32_t)health->plan->rate_tolerance_q16;
        anom_health_report(health, ANOM_CONDITION_RATE, tolerance_q16 > 0 && off << 16 > tolerance_q16 * wanted);
    }
    health->clock_ms = ms;
    health->clock_samples = samples;
    health->known |= KNOWN_CLOCK;
}

const anom_health_type anom_health_functions = {
    anom_health_reset,   anom_health_byte,       anom_health_look, anom_health_gap,
    anom_health_missing, anom_health_samples_in, anom_health_clock,
};
