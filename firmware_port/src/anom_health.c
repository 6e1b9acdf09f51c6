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
#define COUNTED 0x13FE        /* conditions that blocks decide, by code */
#define IN_EVERY_BLOCK 0x107E /* those of them that every block decides */

/* Sum of two counts, up to 2**32 - 1. */
static uint32_t more(uint32_t count, uint32_t by)
{
    return count + by < count ? UINT32_MAX : count + by;
}

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
    uint16_t *counted = health->counts;
    for (int32_t code = 1; code <= ANOM_CONDITION_NOT_WORN; code++) {
        if (!(COUNTED >> code & 1)) continue;
        uint32_t active = health->active;
        uint32_t enough = plan->raise_blocks[code - 1];
        if ((judged >> code & 1) && enough > 0) {
            if (active >> code & 1) enough = plan->clear_blocks[code - 1];
            uint32_t n = ((bad ^ active) >> code & 1) ? *counted + blocks : 0;
            if (n >= enough) {
                n = 0;
                health->active = (uint16_t)(active ^ 1u << code);
            }
            *counted = (uint16_t)n;
        }
        counted++;
    }
}

/* 1: a part of a whole is at least a share of it.
 *   whole    below 2**48 */
static int32_t reaches(uint32_t part, uint32_t share_q16, uint64_t whole)
{
    return (uint64_t)part << 16 >= share_q16 * whole;
}

/* Decide the conditions that the samples of a block show. */
static void decide(anom_health *health)
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
    for (int32_t i = 0; i < plan->columns; i++) {
        anom_health_column *column = &columns[i];
        int32_t mean = column->sum / n;
        if (mean * n > column->sum) mean--;
        column->sum = mean;
        int32_t distance = known ? mean - (column->mean_q8 >> 8) : 0;
        int32_t range = column->highest - column->lowest;
        distance = distance < 0 ? -distance : distance;
        if (column->run < shortest_run) shortest_run = column->run;
        if (column->run > longest_run) longest_run = column->run;
        if (range > span) span = range;
        if (distance > away) away = distance;
        if (i >= AXES) continue;
        square += (uint32_t)(mean * mean);
        axes_span = span;
        axes_away = away;
    }

    /* Conditions of all sensors, a bit each */
    uint32_t judged = IN_EVERY_BLOCK;
    uint32_t bad = 0;
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
    if (motionless || moved <= (uint64_t)(uint32_t)plan->rest_q16 * square) judged |= 1u << ANOM_CONDITION_GRAVITY;
    if (square < plan->gravity_low || square > plan->gravity_high) bad |= 1u << ANOM_CONDITION_GRAVITY;
    int32_t still = motionless && axes_away <= plan->posture;
    if (still) bad |= 1u << ANOM_CONDITION_NOT_WORN;
    count(health, judged, bad, 1);

    /* Slow means: those of this block at the first one, and where a worn device moved */
    int32_t anchored = known && (still || plan->raise_blocks[ANOM_CONDITION_NOT_WORN - 1] == 0);
    for (int32_t i = 0; i < plan->columns; i++) {
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
    uint32_t total = more(lost, hops);
    if (total < block) {
        health->lost = (uint16_t)lost;
        return;
    }
    int32_t bad = lost > 0 && reaches(lost, (uint32_t)plan->lost_share_q16, (uint64_t)lost + hops);
    uint32_t blocks = total / block;
    count(health, 1u << ANOM_CONDITION_GAP, (uint32_t)bad << ANOM_CONDITION_GAP, blocks < MAX_RUN ? blocks : MAX_RUN);
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
    uint32_t wholes = (uint32_t)(plan->clip_high - whole);
    int32_t last = health->seen ? column->last : ~*at;
    int32_t lowest = column->lowest;
    int32_t highest = column->highest;
    int32_t sum = column->sum;
    int32_t run = column->run + n;
    int32_t changed = 0; /* samples from the last change on; 0: none */
    uint32_t clipped = health->clipped;
    do {
        int32_t x = *at;
        at += stride;
        if (x != last) changed = n;
        if (x < lowest) lowest = x;
        if (x > highest) highest = x;
        if ((uint32_t)(x - whole) >= wholes) clipped++;
        sum += x;
        last = x;
    } while (--n);
    if (changed) run = changed - 1;
    column->last = (int16_t)last;
    column->lowest = (int16_t)lowest;
    column->highest = (int16_t)highest;
    column->sum = sum;
    column->run = (uint16_t)(run < MAX_RUN ? run : MAX_RUN);
    health->clipped = clipped;
}

void anom_health_look(anom_health *health, const int16_t *samples, int32_t n)
{
    const anom_health_plan *plan = health->plan;
    int32_t columns = plan->columns;
    anom_health_column *column = columns_of(health);

    /* Column by column, and the check over all values in their order */
    int32_t shortest_run = MAX_RUN;
    for (int32_t i = 0; i < columns; i++) {
        look_at(health, column + i, samples + i, n);
        if (column[i].run < shortest_run) shortest_run = column[i].run;
    }
    uint32_t check = health->check;
    int32_t left = n * columns; /* at least 1 */
    do
        check = check * CHECK_FACTOR + (uint16_t)*samples++;
    while (--left);
    health->check = check;
    health->seen = 1;
    health->samples = (uint16_t)(health->samples + n);
    health->hops = (uint16_t)(health->hops + 1);
    if (shortest_run >= plan->stuck && plan->raise_blocks[ANOM_CONDITION_STUCK - 1] > 0)
        anom_health_report(health, ANOM_CONDITION_STUCK, 1);

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
    end_hop(health, more(lost, health->lost));
}

void anom_health_missing(anom_health *health, uint32_t ms)
{
    uint32_t limit = (uint32_t)health->plan->missing_ms;
    health->missing_ms = more(health->missing_ms, ms);
    if (limit > 0 && health->missing_ms >= limit) anom_health_report(health, ANOM_CONDITION_MISSING, 1);
}

/* Samples in so many milliseconds, below 2**43. */
static uint64_t expected(const anom_health *health, uint32_t ms)
{
    return (uint64_t)ms * (uint32_t)health->plan->samples_per_ms_q20 >> 20;
}

uint32_t anom_health_samples_in(const anom_health *health, uint32_t ms)
{
    uint64_t samples = expected(health, more(health->missing_ms, ms)) - expected(health, health->missing_ms);
    return samples < INT32_MAX ? (uint32_t)samples : INT32_MAX;
}

void anom_health_clock(anom_health *health, uint32_t ms, uint32_t samples)
{
    uint32_t elapsed = ms - health->clock_ms;
    if (health->known & KNOWN_CLOCK) {
        if (elapsed < RATE_PERIOD_MS) return;
        uint64_t wanted = expected(health, elapsed);
        uint32_t off = samples - health->clock_samples - (uint32_t)wanted; /* both counts are known modulo 2**32 */
        if (off > 1u << 31) off = 0 - off;
        uint32_t tolerance_q16 = (uint32_t)health->plan->rate_tolerance_q16;
        int32_t wrong = tolerance_q16 > 0 && (uint64_t)off << 16 > tolerance_q16 * wanted;
        anom_health_report(health, ANOM_CONDITION_RATE, wrong);
    }
    health->clock_ms = ms;
    health->clock_samples = samples;
    health->known |= KNOWN_CLOCK;
}

const anom_health_type anom_health_functions = {
    anom_health_reset,   anom_health_byte,       anom_health_look, anom_health_gap,
    anom_health_missing, anom_health_samples_in, anom_health_clock,
};
