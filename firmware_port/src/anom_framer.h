/* Framer: cuts the stream into overlapping windows. The only keeper of raw samples. */
#ifndef ANOM_FRAMER_H
#define ANOM_FRAMER_H

#include <stdint.h>

/* Window and hop, in samples; both 1 for the external extractor, whose samples are rows. */
typedef struct anom_framer_plan {
    int32_t window; /* 1 to 4096 */
    int32_t hop;    /* 1 to window */
} anom_framer_plan;

typedef struct anom_framer {
    const anom_framer_plan *plan;
    int16_t *samples;  /* window * columns values: the window that is being filled */
    int32_t columns;   /* values a sample has */
    int32_t have;      /* samples in the window; closed: 65536 + have - skip, beyond any window, and skip is 0 */
    int32_t skip;      /* samples to drop before the window starts; 0 to hop - 1, 0 where have > 0 */
    uint32_t next_hop; /* index of the next window to come, modulo 2**32 */
} anom_framer;

/* Begin, with room for a window. */
void anom_framer_init(anom_framer *framer, const anom_framer_plan *plan, int32_t columns, int16_t *samples);

/* Take samples until the window is full. How many of the n were taken. */
int32_t anom_framer_push(anom_framer *framer, const int16_t *block, int32_t n);

/* Take no sample until it is opened. Until then there is no window and no gap; closing it twice is fine. */
void anom_framer_close(anom_framer *framer);

/* Take samples again. */
void anom_framer_open(anom_framer *framer);

/* The window, or NULL while it is not full. */
const int16_t *anom_framer_window(const anom_framer *framer);

/* Go on to the next window: what it does not share with this one is wiped. */
void anom_framer_discard(anom_framer *framer);

/* Go on as if n samples had passed unseen. Number of hops that will never be given, up to 2**31 + 4095.
 *   n        0 to 2**31 - 1 */
uint32_t anom_framer_gap(anom_framer *framer, int32_t n);

/* Samples since the start of the next window; negative while samples before it are dropped. Only where it is open. */
static inline int32_t anom_framer_ahead(const anom_framer *framer)
{
    return framer->have - framer->skip;
}

/* Go on where a framer was saved, without its samples. Only after a wipe. Number of hops that are lost with them.
 *   ahead    1 - hop to window */
uint32_t anom_framer_resume(anom_framer *framer, uint32_t next_hop, int32_t ahead);

/* Zero every sample, and start again at hop 0. */
void anom_framer_wipe(anom_framer *framer);

#endif
