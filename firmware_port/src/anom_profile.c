/* Own profile: what is usual for one animal, person or room in each slot of the day, learnt slowly and in integers. */
#include "anom_profile.h"

#include <stddef.h>

#include "anom_fixed.h"
#include "anom_wipe.h"

#define MOST_SEEN ANOM_PROFILE_MOST_SEEN
#define WINSOR_SPREADS 3
#define FIRST_WINSORISED 3
#define LARGEST 32767
#define FLOOR_SHIFT 4
#define MOST_Q8 ANOM_PROFILE_MOST_DEVIATION_Q8

/* round(2**14 * 2**(-i / 16)) */
static const uint16_t POWER_Q14[16] = {
    16384, 15689, 15024, 14387, 13777, 13193, 12634, 12098, 11585, 11094, 10624, 10173, 9742, 9329, 8933, 8555,
};

/* The smaller of two numbers. */
static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Part of the mean total that is added to each spread, 1 to 2048. */
static int32_t floor_of(int32_t mean_total)
{
    return (mean_total >> FLOOR_SHIFT) + 1;
}

/* Deviation of the totals of a column that are remembered, with its floor, 1 to 34815.
 *   mean     of these totals */
static int32_t total_spreads(const anom_profile *profile, int32_t column, int32_t mean)
{
    const int16_t *total = profile->totals + column;
    int32_t n = profile->counts->n_totals;
    uint64_t squares = 0; /* below 2**34 */
    for (int32_t i = 0; i < n; i++, total += profile->plan->columns) {
        int32_t distance = *total - mean;
        squares += (uint32_t)(distance * distance);
    }
    uint64_t variance = squares * anom_profile_reciprocal_q16((uint32_t)n) >> 16; /* below 2**31 */
    return (int32_t)anom_floor_sqrt((uint32_t)variance) + floor_of(mean);
}

/* Divide, in q8 and limited: the spread is taken as a power of 2.
 *   distance below 2**16 in magnitude
 *   spread   1 to 2**16 */
static int32_t over(int32_t distance, int32_t spread)
{
    int32_t log2_q4 = anom_log2_q10((uint32_t)spread) >> 6;
    int32_t found = distance * POWER_Q14[log2_q4 & 15] >> (6 + (log2_q4 >> 4));
    return found < -MOST_Q8 ? -MOST_Q8 : lower(found, MOST_Q8);
}

/* Move a value by a part of a distance, rounded away from 0.
 *   distance below 2**15 in magnitude
 *   n        1 to 14 */
ANOM_NOINLINE static void move(int16_t *value, int32_t distance, int32_t n)
{
    uint32_t size = (uint32_t)(distance < 0 ? -distance : distance);
    int32_t by = (int32_t)((size * anom_profile_reciprocal_q16((uint32_t)n) + 65535) >> 16);
    *value = (int16_t)(*value + (distance < 0 ? -by : by));
}

uint32_t anom_profile_reciprocal_q16(uint32_t n)
{
    return n > 0 ? (65536 + (n >> 1)) / n : 0;
}

void anom_profile_init(anom_profile *profile, const anom_profile_plan *plan, int16_t *memory)
{
    int32_t n = plan->columns;
    int32_t cells = plan->slots * n;
    profile->plan = plan;
    profile->total_anchor = memory;
    profile->totals = memory + n;
    profile->level = profile->totals + MOST_SEEN * n;
    profile->spread = profile->level + cells;
    profile->anchor = profile->spread + cells;
    profile->counts = (anom_profile_counts *)(void *)(profile->anchor + cells);
}

void anom_profile_reset(const anom_profile *profile)
{
    uint8_t *end = profile->counts->seen + profile->plan->slots;
    anom_wipe(profile->total_anchor, (size_t)(end - (uint8_t *)profile->total_anchor));
}

void anom_profile_learn(const anom_profile *profile, int32_t slot, const int16_t *values)
{
    int32_t n = profile->plan->columns;
    int16_t *level = profile->level + slot * n;
    int16_t *spread = profile->spread + slot * n;
    int32_t seen = profile->counts->seen[slot];
    int32_t now = lower(seen + 1, MOST_SEEN);
    profile->counts->seen[slot] = (uint8_t)now;
    for (int32_t column = 0; column < n; column++) {
        int32_t distance = values[column] - level[column];
        int32_t size = distance < 0 ? -distance : distance;
        if (seen == 0) {
            level[column] = values[column];
            continue;
        }
        if (seen >= FIRST_WINSORISED) {
            int32_t reach = spread[column] + floor_of(anom_profile_mean_total(profile, column));
            size = lower(size, WINSOR_SPREADS * reach);
        }
        int32_t deviation = lower(size * 5 >> 2, LARGEST);
        move(&spread[column], deviation - spread[column], seen);
        move(&level[column], distance < 0 ? -size : size, now);
    }
}

void anom_profile_learn_day(const anom_profile *profile, const int32_t *totals)
{
    anom_profile_counts *counts = profile->counts;
    int32_t n = profile->plan->columns;
    for (int32_t column = 0; column < n; column++) {
        int32_t total = totals[column];
        if (counts->n_totals >= FIRST_WINSORISED) {
            int32_t mean = anom_profile_mean_total(profile, column);
            int32_t reach = WINSOR_SPREADS * total_spreads(profile, column, mean);
            total = lower(total, mean + reach);
            if (total < mean - reach) total = mean - reach; /* 0 to 32767, as the total and the mean are */
        }
        int16_t *newest = profile->totals + column;
        for (int16_t *day = newest + (MOST_SEEN - 1) * n; day > newest; day -= n)
            *day = day[-n];
        *newest = (int16_t)total;
    }
    counts->n_totals = (uint8_t)lower(counts->n_totals + 1, MOST_SEEN);
    if (anom_profile_is_mature(profile)) return;
    counts->days = (uint8_t)(counts->days + 1);
    if (!anom_profile_is_mature(profile)) return;
    for (int32_t i = 0; i < profile->plan->slots * n; i++)
        profile->anchor[i] = profile->level[i];
    for (int32_t column = 0; column < n; column++)
        profile->total_anchor[column] = (int16_t)anom_profile_mean_total(profile, column);
}

void anom_profile_relearn(const anom_profile *profile)
{
    anom_profile_counts *counts = profile->counts;
    uint8_t *count = (uint8_t *)counts + offsetof(anom_profile_counts, n_totals);
    for (; count < counts->seen + profile->plan->slots; count++) {
        if (*count > ANOM_PROFILE_RELEARNT_SEEN) *count = ANOM_PROFILE_RELEARNT_SEEN;
    }
}

void anom_profile_deviations_q8(const anom_profile *profile, const int16_t *values, const int32_t *totals,
                                int32_t *deviations)
{
    int32_t n = profile->plan->columns;
    int32_t cells = profile->plan->slots * n;
    for (int32_t column = 0; column < n; column++) {
        int32_t mean = anom_profile_mean_total(profile, column);
        for (int32_t i = column; i < cells; i += n)
            deviations[i] = over(values[i] - profile->level[i], profile->spread[i] + floor_of(mean));
        deviations[cells + column] = over(totals[column] - mean, total_spreads(profile, column, mean));
    }
}

int32_t anom_profile_mean_total(const anom_profile *profile, int32_t column)
{
    const int16_t *total = profile->totals + column;
    int32_t n = profile->counts->n_totals;
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++, total += profile->plan->columns)
        sum += *total;
    /* 32767 n times round(65536 / n) is below 2**32, and for n = 10 above 2**31 */
    return lower((int32_t)((uint32_t)sum * anom_profile_reciprocal_q16((uint32_t)n) >> 16), LARGEST);
}
