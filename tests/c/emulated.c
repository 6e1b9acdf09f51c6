/* Memory for pipelines that are called from outside; MEMORY_BYTES and BLOCK_VALUES are its sizes. */
#include "anomsdk.h"

ANOM_MEM(MEMORY_BYTES) memory;
int16_t block[BLOCK_VALUES];
anom_pipeline *pipeline;
anom_result result;
