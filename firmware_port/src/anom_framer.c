/* Framer: cuts the stream into overlapping windows. The only keeper of raw samples. */
#include "anom_framer.h"

#include <stddef.h>

#include "anom_copy.h"
#include "anom_wipe.h"

#define CLOSED 65536
#define IS_CLOSED 32768 /* `have` is from here on only where it is closed */

/* Bytes of samples.
 *   n        0 to window */
static size_t bytes_of(const anom_framer *framer, int32_t n)
{
    return (size_t)n * (size_t)framer->columns * sizeof(int16_t);
}

/* Place of a sample in the window.
 *   at       index in the window, 0 to window */
static int16_t *sample(const anom_framer *framer, int32_t at)
{
    return framer->samples + (ptrdiff_t)at * framer->columns;
}

void anom_framer_init(anom_framer *framer, const anom_framer_plan *plan, int32_t columns, int16_t *samples)
{
    framer->plan = plan;
    framer->columns = columns;
    framer->samples = samples;
    anom_framer_wipe(framer);
}

int32_t anom_framer_push(anom_framer *framer, const int16_t *block, int32_t n)
{
    int32_t start = framer->skip < n ? framer->skip : n;
    start = start > 0 ? start : 0;
    framer->skip -= start;
    int32_t room = framer->plan->window - framer->have;
    int32_t taken = n - start < room ? n - start : room;
    if (taken <= 0) return start;
    const int16_t *from = block + (ptrdiff_t)start * framer->columns;
    if (anom_copy(sample(framer, framer->have), from, bytes_of(framer, taken))) anom_wipe_stack_copy();
    framer->have += taken;
    return start + taken;
}

void anom_framer_close(anom_framer *framer)
{
    if (framer->have >= IS_CLOSED) return;
    framer->have += CLOSED - framer->skip;
    framer->skip = 0;
}

void anom_framer_open(anom_framer *framer)
{
    if (framer->have < IS_CLOSED) return;
    int32_t ahead = framer->have - CLOSED; /* -4095 to 4096 */
    framer->have = ahead > 0 ? ahead : 0;
    framer->skip = framer->have - ahead;
}

const int16_t *anom_framer_window(const anom_framer *framer)
{
    return framer->have == framer->plan->window ? framer->samples : NULL;
}

void anom_framer_discard(anom_framer *framer)
{
    int32_t hop = framer->plan->hop;
    int32_t kept = framer->have - hop;
    anom_copy(framer->samples, sample(framer, hop), bytes_of(framer, kept));
    anom_wipe(sample(framer, kept), bytes_of(framer, hop));
    framer->have = kept;
    framer->next_hop += 1;
}

uint32_t anom_framer_gap(anom_framer *framer, int32_t n)
{
    uint32_t hop = (uint32_t)framer->plan->hop;
    uint32_t lost = 0;
    if (n <= framer->skip) {
        framer->skip -= n;
    } else {
        /* samples since the start of the window that was being filled: 1 to 2**31 + 4095 */
        uint32_t position = (uint32_t)framer->have + ((uint32_t)n - (uint32_t)framer->skip);
        lost = (position + hop - 1) / hop;
        framer->skip = (int32_t)(lost * hop - position);
    }
    anom_wipe(framer->samples, bytes_of(framer, framer->plan->window));
    framer->have = 0;
    framer->next_hop += lost;
    return lost;
}

uint32_t anom_framer_resume(anom_framer *framer, uint32_t next_hop, int32_t ahead)
{
    framer->next_hop = next_hop;
    framer->skip = -ahead;
    return anom_framer_gap(framer, 0);
}

void anom_framer_wipe(anom_framer *framer)
{
    anom_wipe(framer->samples, bytes_of(framer, framer->plan->window));
    framer->have = 0;
    framer->skip = 0;
    framer->next_hop = 0;
}
