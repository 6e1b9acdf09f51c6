/* A device whose memory is dumped: PLAN and PLAN_BYTES are given, and what it forgets to wipe. */
#include <string.h>

#include "anom_plan.h"

#define BLOCK 512

ANOM_MEM(PLAN_BYTES) memory;
int16_t arrived[8 * BLOCK]; /* of a driver, which wipes it; the test writes into it */
anom_pipeline *pipeline;
anom_result result;

#ifdef FORGETS_DMA
int16_t dma_buffer[2 * BLOCK];
#endif
#ifdef FORGETS_STDIO
char stdio_buffer[1024]; /* a line for each sample, as printf makes them */

static char *written(char *at, int32_t value)
{
    char digits[8];
    int32_t n = 0;
    if (value < 0) *at++ = '-';
    for (value = value < 0 ? -value : value; n == 0 || value > 0; value /= 10)
        digits[n++] = (char)('0' + value % 10);
    while (n > 0)
        *at++ = digits[--n];
    *at++ = '\n';
    return at;
}
#endif

int device_begin(void)
{
    return (int)anom_pipeline_init(&pipeline, &memory, sizeof memory, &PLAN);
}

/* Take n samples that have arrived; number of ticks. */
int device_hear(int n, int columns)
{
    const int16_t *from = arrived;
    int ticks = 0;
#ifdef FORGETS_DMA
    memcpy(dma_buffer, arrived, sizeof dma_buffer);
#endif
#ifdef FORGETS_STDIO
    char *at = stdio_buffer;
    for (int i = 0; i < n && at < stdio_buffer + sizeof stdio_buffer - 8; i++)
        at = written(at, arrived[i]);
#endif
    while (n > 0) {
        int32_t taken = anom_pipeline_push(pipeline, from, n);
        from += taken * columns;
        n -= taken;
        while (anom_pipeline_poll(pipeline, &result) > 0)
            ticks++;
    }
    memset(arrived, 0, sizeof arrived);
    return ticks;
}

void device_end(void)
{
    anom_pipeline_reset(pipeline);
}
