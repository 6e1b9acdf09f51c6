/* The store of the how-to on a board whose power fails at a chosen byte: tests/mcu/test_power_cuts.py cuts it. */
#include "anom_plan_collar.h"
#include "anomsdk.h"
#include "board.h"
#include "store.h"

uint8_t slots[2][BOARD_SLOT_BYTES];
uint32_t bytes_left = UINT32_MAX; /* that may still be written before the power fails */

ANOM_MEM(ANOM_PLAN_COLLAR_BYTES) memory;
static anom_pipeline *pipeline;

int32_t start(void);
int32_t restore(void);
int32_t save(uint32_t now_ms);
int32_t feed(int32_t root);

static void write_byte(uint8_t *at, uint8_t byte)
{
    while (bytes_left == 0) {
    }
    bytes_left--;
    *at = byte;
}

void board_slot_read(int32_t slot, void *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = slots[slot][i];
}

void board_slot_write(int32_t slot, const void *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < BOARD_SLOT_BYTES; i++) write_byte(&slots[slot][i], 0xFF);
    for (uint32_t i = 0; i < n; i++) write_byte(&slots[slot][i], ((const uint8_t *)bytes)[i]);
}

int32_t start(void)
{
    return anom_pipeline_init(&pipeline, &memory, sizeof memory, &anom_plan_collar);
}

/* The time at which the record was saved, or -1: begun anew. */
int32_t restore(void)
{
    uint32_t saved_ms;
    return store_restore(pipeline, &saved_ms) ? (int32_t)saved_ms : -1;
}

int32_t save(uint32_t now_ms)
{
    return store_save(pipeline, now_ms);
}

/* One row with this root of the score; what the events of it say of the state, 0 to 5 as in the event, or -1: none. */
int32_t feed(int32_t root)
{
    int16_t row[ANOM_PLAN_COLLAR_COLUMNS] = {(int16_t)root};
    int32_t state = -1;
    anom_result result;
    anom_pipeline_push(pipeline, row, 1);
    while (anom_pipeline_poll(pipeline, &result) > 0)
        if (result.n_events > 0) state = result.events[0].bytes[1] & 7;
    return state;
}
