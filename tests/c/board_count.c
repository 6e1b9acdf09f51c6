/* How many instructions the self-test of a plan takes, and watching for some hops, by a timer of the board: QEMU with
 * -icount shift=6 runs an instruction in 64 ns, the timer counts 40 ns. */
#include "anomsdk.h"
#include "board.h"

#define TIMER ((volatile uint32_t *)0x40000000) /* CMSDK timer 0: control, value, reload */
#define TIMER_ENABLE 1

ANOM_MEM(PLAN_BYTES) memory;
int16_t block[BLOCK_VALUES];
int32_t work(void);
int32_t watch(void);
int32_t nothing(void);
int main(void);

int32_t work(void)
{
    return anom_selftest(&memory, sizeof memory, &PLAN, GOLDEN);
}

/* Blocks of one hop, as a product pushes them. How many ticks. */
int32_t watch(void)
{
    anom_pipeline *pipeline;
    anom_result result;
    int32_t ticks = 0;
    uint32_t x = 1;
    if (anom_pipeline_init(&pipeline, &memory, sizeof memory, &PLAN) < 0) return -1;
    for (int32_t hop = 0; hop < HOPS; hop++) {
        for (int32_t i = 0; i < BLOCK_VALUES; i++) {
            x = x * 1664525 + 1013904223;
            block[i] = (int16_t)(x >> 16);
        }
        for (int32_t taken = 0; taken < BLOCK_ROWS;) {
            taken += anom_pipeline_push(pipeline, block + taken * (BLOCK_VALUES / BLOCK_ROWS), BLOCK_ROWS - taken);
            while (anom_pipeline_poll(pipeline, &result) > 0)
                ticks++;
        }
    }
    return ticks;
}

int32_t nothing(void)
{
    return 0;
}

static uint32_t ticks_of(int32_t (*volatile function)(void), int32_t *status)
{
    uint32_t before = TIMER[1];
    *status = function();
    return before - TIMER[1];
}

int main(void)
{
    int32_t status;
    int32_t ignored;
    TIMER[2] = 0xFFFFFFFF;
    TIMER[1] = 0xFFFFFFFF;
    TIMER[0] = TIMER_ENABLE;
    board_print_number("nothing ", ticks_of(nothing, &ignored));
    board_print_number("watch ", ticks_of(watch, &ignored));
    board_print_number("work ", ticks_of(work, &status));
    return status == 0 ? 0 : 1;
}
