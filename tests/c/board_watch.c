/* A device that watches: every function of a product, and nothing else. RECORDS: its state outlives a reset. LADDER: it
 * chooses its level. EXPORTS: it hands out counts. DOWNLINKS: it takes a level from afar. */
#include "anomsdk.h"

int main(void);

static ANOM_MEM(PLAN_BYTES) memory;
volatile int16_t microphone;
volatile uint8_t radio;
#ifdef RECORDS
static uint8_t record[ANOM_RECORD_BYTES + ANOM_LADDER_BYTES(24)];
#endif
#ifdef EXPORTS
static uint8_t counts[2][ANOM_EXPORT_BYTES(24)];
#endif

int main(void)
{
    anom_pipeline *pipeline;
    if (anom_pipeline_init(&pipeline, &memory, sizeof memory, &PLAN) < 0) return 1;
    for (;;) {
        anom_result result;
        int16_t sample = microphone;
        if (sample == 1) anom_pipeline_gap(pipeline, 1);
        if (sample == 2) anom_pipeline_reset(pipeline);
#ifdef RECORDS
        if (sample == 3) anom_pipeline_save(pipeline, record, sizeof record);
        if (sample == 4) anom_pipeline_restore(pipeline, record, sizeof record);
#endif
#ifdef LADDER
        if (sample == 5) anom_pipeline_calibrate(pipeline, 0);
        if (sample == 6) anom_pipeline_set_level(pipeline, 1);
#endif
#ifdef EXPORTS
        if (sample == 7) anom_pipeline_export(pipeline, 1, 1, counts[0], counts[1], sizeof counts[1]);
#endif
#ifdef DOWNLINKS
        const uint8_t order[ANOM_DOWNLINK_BYTES] = {radio, radio, radio};
        if (sample == 8) anom_pipeline_downlink(pipeline, order, sizeof order);
#endif
        anom_pipeline_push(pipeline, &sample, 1);
        if (anom_pipeline_poll(pipeline, &result) > 0) radio = result.events[0].bytes[0];
    }
}
