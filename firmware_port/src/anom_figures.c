/* Figures of a day: its size, its shape, and how both lie to the own profile. Logarithms are in q10. */
#include "anom_figures.h"

#include "anom_fixed.h"

#define ONE_Q14 16384

/* A sum over values, and the same one over levels. */
typedef int32_t sum_of_both[2];

/* Index of a slot, circular.
 *   slot     0 to 2 * slots - 1 */
static int32_t wrapped(const anom_figures_day *day, int32_t slot)
{
    return slot < day->slots ? slot : slot - day->slots;
}

/* Value of a slot.
 *   of       values or levels of the day
 *   slot     0 to 2 * slots - 1 */
static int32_t value_at(const anom_figures_day *day, const int16_t *of, int32_t slot)
{
    return of[wrapped(day, slot) * day->stride];
}

/* Magnitude of a number above -2**31. */
static int32_t magnitude(int32_t x)
{
    return x < 0 ? -x : x;
}

/* Slots whose own level is below that of a slot, or the same and earlier. */
static int32_t rank(const anom_figures_day *day, int32_t slot)
{
    int32_t own = value_at(day, day->levels, slot);
    int32_t below = 0;
    for (int32_t i = 0; i < day->slots; i++)
        below += value_at(day, day->levels, i) < own + (i < slot);
    return below;
}

/* Add up parts of a day, its values and its levels: all slots, the last six hours, the thirds of the slots with the
 * lowest and the highest own levels, and the 24-hour component along the cosine and the sine.
 *   sums     ANOM_FIGURES of them, at the place of the figure that is made of each; below 2**22 in magnitude */
static void add_up(const anom_figures_day *day, int32_t latest, sum_of_both *sums)
{
    int32_t slots = day->slots;
    int32_t third = slots * 21846 >> 16;
    for (int32_t i = 0; i < slots; i++) {
        int32_t below = rank(day, i);
        const int32_t weights_q14[ANOM_FIGURES] = {
            [ANOM_FIGURE_TOTAL] = ONE_Q14,
            [ANOM_FIGURE_AMPLITUDE] = day->cos_q14[i],
            [ANOM_FIGURE_PHASE] = day->cos_q14[wrapped(day, i + slots - (slots >> 2))],
            [ANOM_FIGURE_QUIET_HOURS] = below < third ? ONE_Q14 : 0,
            [ANOM_FIGURE_BUSY_HOURS] = below >= slots - third ? ONE_Q14 : 0,
            [ANOM_FIGURE_LAST_6H] = wrapped(day, latest + slots - i) * 4 < slots ? ONE_Q14 : 0,
        };
        for (int32_t figure = 0; figure < ANOM_FIGURES; figure++) {
            sums[figure][0] += value_at(day, day->values, i) * weights_q14[figure] >> 14;
            sums[figure][1] += value_at(day, day->levels, i) * weights_q14[figure] >> 14;
        }
    }
}

/* Cut two numbers so that they have 15 bits. Returns the bits that were cut. */
static int32_t cut(int32_t *a, int32_t *b)
{
    int32_t bits = 0;
    while ((magnitude(*a) | magnitude(*b)) >> bits > 32767)
        bits++;
    *a >>= bits; /* -32768 to 32767 */
    *b >>= bits;
    return bits;
}

/* Sum of the products of values and levels of slots that lie `turn` slots apart, below 2**29. */
static int32_t likeness(const anom_figures_day *day, int32_t turn)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < day->slots; i++)
        sum += value_at(day, day->values, i) * value_at(day, day->levels, i + turn) >> 8;
    return sum;
}

/* Smallest number of slots, up to six hours, by which the profile is most like the day, either way. */
static int32_t lag(const anom_figures_day *day)
{
    int32_t best = -1;
    int32_t found = 0;
    for (int32_t slots = 0; slots * 4 <= day->slots; slots++) {
        for (int32_t side = 0; side < 2; side++) {
            int32_t like = likeness(day, side ? slots : day->slots - slots);
            if (like <= best) continue;
            best = like;
            found = slots;
        }
    }
    return found;
}

void anom_figures_of_day(const anom_figures_day *day, int32_t latest, int32_t *found)
{
    sum_of_both sums[ANOM_FIGURES] = {{0}};
    add_up(day, latest, sums);
    int32_t total = sums[ANOM_FIGURE_TOTAL][0];
    int32_t own = sums[ANOM_FIGURE_TOTAL][1];
    int32_t floor = own >> 6 > 0 ? own >> 6 : 1;
    sums[ANOM_FIGURE_BUSIEST_10H][1] = total;
    sums[ANOM_FIGURE_QUIETEST_10H][0] = total;
    sums[ANOM_FIGURE_QUIETEST_10H][1] = total;
    sums[ANOM_FIGURE_ROUGHNESS][1] = total;
    sums[ANOM_FIGURE_TOTAL][1] = 1 - floor; /* over 1 */

    /* Ten hours in a row, the steps between slots, and the shape against the profile: shares times both totals */
    int32_t busy = day->slots * 5 * 5462 >> 16; /* 10 hours: slots * 10 / 24 */
    int32_t bits = cut(&total, &own);
    int32_t product = total * own >> 8 << bits; /* below 2**30 */
    int32_t apart = 1 + (product >> 5) - floor;
    for (int32_t i = 0; i < day->slots; i++) {
        int32_t value = value_at(day, day->values, i);
        int32_t hours = 0;
        for (int32_t hour = 0; hour < busy; hour++)
            hours += value_at(day, day->values, i + hour);
        if (hours > sums[ANOM_FIGURE_BUSIEST_10H][0]) sums[ANOM_FIGURE_BUSIEST_10H][0] = hours;
        if (hours < sums[ANOM_FIGURE_QUIETEST_10H][0]) sums[ANOM_FIGURE_QUIETEST_10H][0] = hours;
        sums[ANOM_FIGURE_ROUGHNESS][0] += magnitude(value - value_at(day, day->values, i + 1));
        apart += magnitude(value * own - value_at(day, day->levels, i) * total) >> 8;
    }
    sums[ANOM_FIGURE_UNLIKENESS][0] = apart;
    sums[ANOM_FIGURE_UNLIKENESS][1] = 1 + product - floor;
    for (int32_t figure = 0; figure < ANOM_FIGURES; figure++)
        found[figure] = anom_log2_q10((uint32_t)(sums[figure][0] + floor)) -
                        anom_log2_q10((uint32_t)(sums[figure][1] + floor));
    found[ANOM_FIGURE_LAG] = lag(day) * 256;

    /* 24-hour component */
    int32_t x = sums[ANOM_FIGURE_AMPLITUDE][0];
    int32_t y = sums[ANOM_FIGURE_PHASE][0];
    int32_t own_x = sums[ANOM_FIGURE_AMPLITUDE][1];
    int32_t own_y = sums[ANOM_FIGURE_PHASE][1];
    bits = cut(&x, &y);
    cut(&own_x, &own_y);
    uint32_t square = (uint32_t)(x * x) + (uint32_t)(y * y);
    found[ANOM_FIGURE_AMPLITUDE] = (anom_log2_q10(square) >> 1) + bits * 1024 - found[ANOM_FIGURE_TOTAL];
    int32_t along = (int32_t)(((int64_t)x * own_x + (int64_t)y * own_y) >> 15);
    int32_t across = (int32_t)(((int64_t)y * own_x - (int64_t)x * own_y) >> 15);
    int32_t angle = anom_angle_q12(along, magnitude(across));
    found[ANOM_FIGURE_PHASE] = across < 0 ? -angle : angle;
}
