/* Stages of a plan that the emulator calls one by one. The program counts runs of the model with SysTick, for cores
 * that only QEMU has. The command line of the compiler defines PLAN, PLAN_BYTES, N_INPUTS and RUNS. */
#include <stddef.h>

#include "anom_autoencoder.h"
#include "anom_extractor.h"
#include "anom_plan.h"
#include "anomsdk.h"
#include "board.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010) /* control, reload, value */
#define SYSTICK_ENABLE 5                          /* count the clock of the core */
#define SYSTICK_MAX 0xFFFFFFu
#define KNOWN 100000u /* rounds of the loop that calibrates the timer */

/* Memory in the layout of a pipeline: model inputs, outputs and hidden layers, or an extractor's scratch. */
static ANOM_MEM(PLAN_BYTES) memory;
static ANOM_MEM(PLAN_BYTES) beside;
int16_t *const window = (int16_t *)(void *)&beside;

anom_extractor extractor;
const anom_autoencoder_plan *const model = &PLAN.autoencoder;
int8_t *const inputs = (int8_t *)&memory;
int8_t *const outputs = (int8_t *)&memory + N_INPUTS;
int8_t *const hidden = (int8_t *)&memory + 2 * N_INPUTS;

uintptr_t begin(void);
int32_t extractor_bytes(void);
void fill(uint32_t seed);
int main(void);

/* Start the extractor; returns the address of its function `levels`. */
uintptr_t begin(void)
{
    anom_extractor_init(&extractor, &PLAN.extractor, NULL, &memory);
    return (uintptr_t)PLAN.extractor.type->levels;
}

int32_t extractor_bytes(void)
{
    return (int32_t)PLAN.extractor.type->scratch_bytes(PLAN.extractor.tables);
}

/* Fill the model inputs with random values, -127 to 127. */
void fill(uint32_t seed)
{
    uint32_t x = seed;
    for (int32_t i = 0; i < N_INPUTS; i++) {
        x = x * 1664525 + 1013904223;
        inputs[i] = (int8_t)((int32_t)((x >> 16) % 255) - 127);
    }
}

static void run(void)
{
    anom_autoencoder_run(model, inputs, outputs, hidden);
}

static void nothing(void)
{
}

static void known(void)
{
    uint32_t left = KNOWN;
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n\tbne 1b" : "+r"(left) : : "cc");
}

static uint32_t ticks_of(void (*volatile function)(void))
{
    uint32_t before = SYSTICK[2];
    function();
    return (before - SYSTICK[2]) & SYSTICK_MAX;
}

int main(void)
{
    uint32_t most = 0;
    SYSTICK[1] = SYSTICK_MAX;
    SYSTICK[2] = 0;
    SYSTICK[0] = SYSTICK_ENABLE;
    for (uint32_t i = 0; i < RUNS; i++) {
        fill(i);
        uint32_t ticks = ticks_of(run);
        if (ticks > most) most = ticks;
    }
    board_print_number("known ", ticks_of(known));
    board_print_number("nothing ", ticks_of(nothing));
    board_print_number("most ", most);
    return 0;
}
